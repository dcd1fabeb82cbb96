"""Where everything of a chart falls: any chart as shapes.

Title and caption are left out: documents set them as text.

XYChart      xy_layout (frame, labels)      BarChart    bar_layout
FlameChart   flame_layout                   EffortChart effort_layout
RangeChart   range_layout                   ChangeChart change_layout
"""

from __future__ import annotations

from app.charts.bar_layout import bar_layout
from app.charts.change_layout import change_layout
from app.charts.drawn import Drawn
from app.charts.effort_layout import effort_layout
from app.charts.flame_layout import flame_layout
from app.charts.range_layout import range_layout
from app.charts.shapes import Measure
from app.charts.spec import (
    BarChart,
    ChangeChart,
    ChartSpec,
    EffortChart,
    FlameChart,
    RangeChart,
    XYChart,
)
from app.charts.xy_layout import xy_layout

__all__ = ["Drawn", "layout"]


def layout(spec: ChartSpec, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide; `height` is a wish, and what it came to stands in the result.

    Charts of rows take what their rows need. No label lies over another or beyond the edge: names that are
    too long end in `…`, and one without any room is left out (`table.rows_of` has them all).
    """
    match spec:
        case XYChart():
            return xy_layout(spec, width, height, measure)
        case BarChart():
            return bar_layout(spec, width, height, measure)
        case FlameChart():
            return flame_layout(spec, width, height, measure)
        case EffortChart():
            return effort_layout(spec, width, height, measure)
        case RangeChart():
            return range_layout(spec, width, height, measure)
        case ChangeChart():
            return change_layout(spec, width, height, measure)
