"""Dates with their intervals under each other on one time axis, as shapes."""

from __future__ import annotations

from datetime import date

from app.charts.drawn import Drawn, Room
from app.charts.rows import ROW, names_width, no_rows, row_name
from app.charts.ruler import Ruler
from app.charts.shapes import Label, Line, Measure, Rect, Shape
from app.charts.spec import DateRange, RangeChart
from app.charts.text import AXIS, BODY, CAPITAL, Box, shortened
from app.charts.ticks import Tick, nice_ticks

_HEAD, _FOOT = 14.0, 3.0
_LINE = 11.0
_BAND, _MARK = 7.0, 11.0
_BESIDE = 4.0
_MOST_VALUES = 0.4
_TICK_ROOM = 75.0
_MOST_NAMED = 0.6
"""Shares of the width: what words at the right may take, and what the name of a mark may."""


def range_layout(spec: RangeChart, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide and as high as its rows need; `height` is not used.

    A row whose date lies beyond the horizon shows its words; its band is open where only the low end is
    known.
    """
    del height
    if not spec.rows:
        return no_rows(width, measure)
    left = names_width([row.name for row in spec.rows], width, measure)
    shown = [_shown(row) for row in spec.rows]
    widest = max(measure(text[:100], 400, BODY) for text in shown)
    right = max(width - min(widest + _BESIDE + 1, width * _MOST_VALUES), left + 24)
    ruler = _ruler(spec, left, right)
    rows_end = _HEAD + ROW * len(spec.rows)
    room = Room(width, rows_end + _FOOT + _LINE * len(spec.marks), measure)
    back = _grid(ruler, rows_end, room)
    front: list[Shape] = []
    for at, row in enumerate(spec.rows):
        middle = _HEAD + ROW * (at + 0.5)
        row_name(room, row.name, left, middle)
        front += _row(row, shown[at], ruler, middle, room)
    lines, end = _marks(spec, ruler, rows_end, room)
    return Drawn((*back, *lines, *front, *room.labels), width, end + _FOOT)


def _shown(row: DateRange) -> str:
    if row.shown or row.value is None:
        return row.shown
    return row.value.isoformat()


def _ruler(spec: RangeChart, left: float, right: float) -> Ruler:
    dates: list[date] = [day for day, _ in spec.marks]
    for row in spec.rows:
        dates += [day for day in (row.value, row.low, row.high) if day is not None]
    days = [day.toordinal() for day in dates] or [date(2027, 1, 1).toordinal()]
    low, high = min(days), max(days)
    room = max((high - low) * 0.04, 10.0)
    return Ruler(max(low - room, 1.0), min(high + room / 4, date.max.toordinal()), left, right, "date")


def _grid(ruler: Ruler, rows_end: float, room: Room) -> list[Shape]:
    """Upright lines at round dates, their names above and to the right."""
    ticks: tuple[Tick, ...] = ()
    for about in range(max(1, int((ruler.end - ruler.start) / _TICK_ROOM)), 0, -1):
        ticks = nice_ticks(ruler.low, ruler.high, about, "date")
        if len(ticks) <= about + 1:
            break
    shapes: list[Shape] = []
    for value, text in ticks:
        at = ruler.at(value)
        if at is None:
            continue
        shapes.append(Line(at, 3.0, at, rows_end, "line", 0.75))
        room.put(Label(at + 2.5, 7.5, text, AXIS, "muted"), apart=4.0)
    return shapes


def _row(row: DateRange, text: str, ruler: Ruler, middle: float, room: Room) -> list[Shape]:
    """Interval, date, and the words behind them, or before them where there is no room behind."""
    value = None if row.value is None else ruler.at(row.value.toordinal())
    low = value if row.low is None else ruler.at(row.low.toordinal())
    high = value if row.high is None else ruler.at(row.high.toordinal())
    open_ended = row.value is None and row.high is None and low is not None
    if open_ended:
        high = ruler.end
    shapes: list[Shape] = []
    if low is not None and high is not None and high > low:
        top = middle - _BAND / 2
        if open_ended:
            shapes += [
                Line(low, edge, high, edge, "s1", 0.75, (2.0, 2.0)) for edge in (top + 0.4, top + _BAND - 0.4)
            ]
            shapes.append(Line(low, top, low, top + _BAND, "s1", 0.75))
        else:
            shapes.append(Rect(low, top, high - low, _BAND, "band"))
        room.block(Box(low, top, high, top + _BAND))
    if value is not None:
        role = "ink" if row.base else "s1"
        shapes.append(Line(value, middle - _MARK / 2, value, middle + _MARK / 2, role, 2.0))
    places = [place for place in (low, value, high) if place is not None]
    behind, before = max(places, default=ruler.start), min(places, default=ruler.start)
    baseline = middle + CAPITAL * BODY / 2
    after = shortened(text, room.width - behind - _BESIDE, room.measure, 400, BODY)
    role = "text" if row.value is not None else "muted"
    if after == text or room.measure(text, 400, BODY) > before - ruler.start - _BESIDE:
        room.put(Label(behind + _BESIDE, baseline, after, BODY, role, backed=True), apart=0.0)
    else:
        room.put(Label(before - _BESIDE, baseline, text, BODY, role, align="right", backed=True), apart=0.0)
    return shapes


def _marks(spec: RangeChart, ruler: Ruler, rows_end: float, room: Room) -> tuple[list[Shape], float]:
    """Dashed lines across all rows, named in the last row or below; and where that ends."""
    shapes: list[Shape] = []
    places = sorted((day.toordinal(), name) for day, name in spec.marks)
    named: list[tuple[float, str]] = []
    for value, name in places:
        at = ruler.at(value)
        if at is not None:
            shapes.append(Line(at, _HEAD - 1, at, rows_end, "bad", 1.2, (4.0, 2.5)))
            room.block(Box(at - 1, _HEAD, at + 1, rows_end))
            named.append((at, name))
    end = rows_end
    for at, name in named:
        text = shortened(name, room.width * _MOST_NAMED, room.measure, 500)
        if room.place(_beside(at, rows_end - ROW / 2 + CAPITAL * AXIS / 2, text, ruler.start)):
            continue
        for line in range(len(named)):
            baseline = rows_end + 8.0 + _LINE * line
            if room.place(_beside(at, baseline, text, ruler.start)):
                end = max(end, baseline + 2.0)
                break
    return shapes, end


def _beside(at: float, baseline: float, text: str, start: float) -> list[Label]:
    """Right and left of a line."""
    right = Label(at + 2.5, baseline, text, AXIS, "bad", 500, backed=True)
    left = Label(at - 2.5, baseline, text, AXIS, "bad", 500, "right", True)
    return [right, left] if at > start + 30 else [right]
