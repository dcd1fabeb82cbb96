"""Charts of rows: names at the left, values at the right, and what is drawn between."""

from __future__ import annotations

from collections.abc import Sequence

from app.charts.drawn import Drawn, Room
from app.charts.shapes import Label, Measure
from app.charts.text import AXIS, BODY, CAPITAL, shortened

ROW = 17.0
"""From one row to the next, in points."""

_BESIDE = 12.0
_MOST_NAMES, _MOST_VALUES = 0.4, 0.46
_LEAST_BETWEEN = 0.2


def names_width(names: Sequence[str], width: float, measure: Measure, values: float = 0.0) -> float:
    """Where the drawing begins, right of the names; `values` is the width taken at the right."""
    widest = max((measure(name[:200], 400, BODY) for name in names), default=0.0)
    most = min(width * _MOST_NAMES, width * (1 - _LEAST_BETWEEN) - values)
    return min(widest + _BESIDE, most)


def values_width(values: Sequence[str], width: float, measure: Measure) -> float:
    """The width that values at the right need, with the room before them."""
    widest = max((measure(value[:200], 500, BODY) for value in values), default=0.0)
    return min(widest + _BESIDE, width * _MOST_VALUES) if widest else 0.0


def row_name(room: Room, name: str, left: float, middle: float) -> None:
    """Place a row's name, shortened to end before `left`."""
    text = shortened(name, left - 6.0, room.measure, 400, BODY)
    room.put(Label(0, middle + CAPITAL * BODY / 2, text, BODY), apart=0.0)


def no_rows(width: float, measure: Measure) -> Drawn:
    """What stands there when there is nothing to draw."""
    room = Room(width, ROW, measure)
    room.put(Label(0, 11.0, "no data", AXIS, "muted"))
    return Drawn(tuple(room.labels), width, ROW)
