"""Scores before and after under each other, as shapes."""

from __future__ import annotations

from app.charts.drawn import Drawn, Room
from app.charts.pieces import BAND_EDGES
from app.charts.rows import names_width, no_rows, row_name, values_width
from app.charts.ruler import Ruler
from app.charts.shapes import Circle, Label, Line, Measure, Shape
from app.charts.spec import ChangeChart
from app.charts.text import AXIS, BODY, CAPITAL, shortened
from app.charts.ticks import number

_ROW = 15.0
_HEAD = 15.0
_RADIUS = 3.1


def change_layout(spec: ChangeChart, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide and as high as its rows need; `height` is not used."""
    del height
    if not spec.rows:
        return no_rows(width, measure)
    shown = [f"{number(row.before, 0)} → {number(row.after, 0)}" for row in spec.rows]
    values = values_width(shown, width, measure)
    left = names_width([row.name for row in spec.rows], width, measure, values)
    right = max(width - values - _RADIUS, left + 24)
    ruler = Ruler(0.0, 100.0, left + _RADIUS, right)
    tall = _HEAD + _ROW * len(spec.rows)
    room = Room(width, tall, measure)
    shapes: list[Shape] = []
    for edge in (0.0, *BAND_EDGES, 100.0):
        at = _at(ruler, edge)
        shapes.append(Line(at, _HEAD - 4.0, at, tall, "line", 0.75))
        room.put(Label(at, 7.5, number(edge), AXIS, "muted", align="centre"), apart=3.0)
    for row, change in enumerate(spec.rows):
        middle = _HEAD + _ROW * (row + 0.5)
        before, after = _at(ruler, change.before), _at(ruler, change.after)
        if abs(after - before) > _RADIUS:
            shapes.append(Line(before, middle, after, middle, "inkmid", 2.4))
        shapes.append(Circle(after, middle, _RADIUS, fill="ink"))
        if abs(after - before) > 0.5:
            shapes.append(Circle(before, middle, _RADIUS - 0.6, "surface", "ink", 1.2))
        row_name(room, change.name, left, middle)
        text = shortened(shown[row], values, measure, 500, BODY)
        room.put(Label(width, middle + CAPITAL * BODY / 2, text, BODY, "text", 500, "right"), apart=0.0)
    return Drawn((*shapes, *room.labels), width, tall)


def _at(ruler: Ruler, score: float) -> float:
    place = ruler.at(min(max(score, 0.0), 100.0))
    return ruler.start if place is None else place
