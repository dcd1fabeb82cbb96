"""Where everything of a chart falls: any chart as shapes, without its title and caption, which documents set as text.

XYChart      xy_layout (frame, labels)      BarChart    bar_layout
FlameChart   flame_layout                   EffortChart effort_layout
RangeChart   range_layout                   ChangeChart change_layout
"""

from __future__ import annotations

from app.charts.bar_layout import bar_layout
from app.charts.drawn import Drawn
from app.charts.shapes import Measure
from app.charts.spec import BarChart, ChartSpec, XYChart
from app.charts.xy_layout import xy_layout

__all__ = ["Drawn", "layout"]


def layout(spec: ChartSpec, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide; `height` is a wish, and what it came to stands in the result.

    Charts of rows take what their rows need. No label lies over another or beyond the edge: names that are too
    long end in `…`, and one without any room is left out (`table.rows_of` has them all).
    """
    match spec:
        case XYChart():
            return xy_layout(spec, width, height, measure)
        case BarChart():
            return bar_layout(spec, width, height, measure)
    raise NotImplementedError(type(spec).__name__)
