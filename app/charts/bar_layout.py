"""Bars under each other as shapes: what is carried beside what has to be carried."""

from __future__ import annotations

from app.charts.drawn import Drawn, Room
from app.charts.rows import ROW, names_width, no_rows, row_name, values_width
from app.charts.ruler import LARGEST, Ruler
from app.charts.shapes import Label, Line, Measure, Rect, Shape
from app.charts.spec import Bar, BarChart
from app.charts.text import BODY, CAPITAL, shortened
from app.charts.ticks import number

_BAR = 7.0
_CAP = 3.2
_HEAD = 13.0
_FOOT = 2.0
_ROLES = {"demand": "inkmid", "capacity": "s1", "use": "ink", "limit": "bad"}


def bar_layout(spec: BarChart, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide and as high as its rows need; `height` is not used."""
    del height
    if not spec.bars:
        return no_rows(width, measure)
    head = _HEAD if spec.target is not None and spec.target_label else 3.0
    tall = head + ROW * len(spec.bars) + _FOOT
    room = Room(width, tall, measure)
    shown = [bar.shown or number(bar.value) for bar in spec.bars]
    values = values_width(shown, width, measure)
    right = width - values
    left = names_width([bar.name for bar in spec.bars], width, measure, values)
    ruler = _ruler(spec, left, max(right, left + 12))
    zero = _at(ruler, 0.0)
    back: list[Shape] = []
    for row, bar in enumerate(spec.bars):
        middle = head + ROW * (row + 0.5)
        if spec.full is not None:
            back.append(Rect(zero, middle - _BAR / 2, _at(ruler, spec.full) - zero, _BAR, "sunk"))
        back += _bar(bar, ruler, zero, middle)
        row_name(room, bar.name, left, middle)
        text = shortened(shown[row], width - right, measure, 500, BODY)
        baseline = middle + CAPITAL * BODY / 2
        room.put(Label(width, baseline, text, BODY, "text", 500, "right"), apart=0.0)
    front: list[Shape] = [Line(zero, head, zero, tall, "edge", 1.0)]
    front += _target(spec, ruler, head, tall, room)
    for row, bar in enumerate(spec.bars):
        front += _whisker(bar, ruler, head + ROW * (row + 0.5))
    return Drawn((*back, *front, *room.labels), width, tall)


def _ruler(spec: BarChart, left: float, right: float) -> Ruler:
    """From 0 (or the lowest, below it) to the largest of values, intervals and the target."""
    values = [0.0]
    for bar in spec.bars:
        values += [value for value in (bar.value, bar.low, bar.high) if value is not None]
    if spec.target is not None:
        values.append(spec.target)
    if spec.full is not None:
        values.append(spec.full)
    low, high = max(min(values), -LARGEST), min(max(values), LARGEST)
    return Ruler(low, high if high - low > 1e-290 else low + 1.0, left, right)


def _at(ruler: Ruler, value: float) -> float:
    place = ruler.at(value)
    return ruler.start if place is None else place


def _bar(bar: Bar, ruler: Ruler, zero: float, middle: float) -> list[Shape]:
    end = _at(ruler, bar.value)
    return [Rect(min(zero, end), middle - _BAR / 2, abs(end - zero), _BAR, _ROLES[bar.kind])]


def _whisker(bar: Bar, ruler: Ruler, middle: float) -> list[Shape]:
    """The interval; an end that is not known is the value's own and has no cap."""
    if bar.low is None and bar.high is None:
        return []
    value = _at(ruler, bar.value)
    low = value if bar.low is None else _at(ruler, bar.low)
    high = value if bar.high is None else _at(ruler, bar.high)
    shapes: list[Shape] = [Line(low, middle, high, middle, "text", 1.0)]
    ends = [end for end, known in ((low, bar.low), (high, bar.high)) if known is not None]
    return shapes + [Line(end, middle - _CAP, end, middle + _CAP, "text", 1.0) for end in ends]


def _target(spec: BarChart, ruler: Ruler, head: float, tall: float, room: Room) -> list[Shape]:
    """The dashed line across all rows, its name above it."""
    if spec.target is None:
        return []
    at = _at(ruler, spec.target)
    text = shortened(spec.target_label, room.width, room.measure, 400, BODY)
    half = room.measure(text, 400, BODY) / 2
    role, pen, dash = ("bad", 1.2, (4.0, 2.5)) if spec.target_kind == "bad" else ("muted", 1.0, (2.0, 2.0))
    room.put(Label(min(max(at, half), room.width - half), 8.0, text, BODY, role, 400, "centre"))
    return [Line(at, head - 2.0, at, tall, role, pen, dash)]
