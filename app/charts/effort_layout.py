"""Actions as shapes: columns of effort against the points that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.charts.drawn import Drawn, Room
from app.charts.pieces import pillar_mark
from app.charts.placed import moved
from app.charts.rows import no_rows
from app.charts.ruler import Ruler
from app.charts.shapes import Label, Line, Measure, Shape
from app.charts.spec import EffortChart, EffortPoint
from app.charts.text import AXIS, CAPITAL, shortened
from app.charts.ticks import Tick, nice_ticks, number, round_step

_MARK = 9.0
_NAME = 8.5
_ROW = 13.0
_INSET = 8.0
_BETWEEN = 12.0
_BELOW = 18.0
_MOST_COLUMNS, _LEAST_COLUMNS = 5, 2
_LEAST_COLUMN = 48.0
_TICKS = 24.0
"""Room for the points at the left, about."""
_LEAST_HEIGHT = 80.0
_MOST_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class _Words:
    """What stands behind an action's mark, and how much width mark and words take."""

    point: EffortPoint
    number: str
    name: str
    moves: str
    width: float


@dataclass(frozen=True, slots=True)
class _Column:
    """Actions of about the same effort: what its foot says, and the actions, best first."""

    foot: str
    points: tuple[EffortPoint, ...]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where an action stands: left end and height of its mark. `shifted` when that is not its height."""

    words: _Words
    x: float
    y: float
    shifted: bool


def effort_layout(spec: EffortChart, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide, at least as high as its fullest column needs.

    A mark stands at its points, unless another stands there: then beside it, or moved down, and its points
    are written behind its name.
    """
    if not spec.points:
        return no_rows(width, measure)
    columns = _fitting(spec.points, width, measure)
    head, legend = _head(spec, width, measure)
    rows = max(len(column.points) for column in columns)
    low = min(0.0, *(point.points for point in spec.points))
    high = max(1.0, *(point.points for point in spec.points))
    step = round_step(high - low, 4)
    wanted = max(height, min(head + _BELOW + _plot_for(columns, low, high), height * _MOST_GROWTH))
    tall = max(wanted, head + _BELOW + _ROW * (rows + 1), _LEAST_HEIGHT)
    room = Room(width, tall, measure)
    bottom = tall - _BELOW
    ticks = _round_ticks(low, high + step, max(2, round((bottom - head) / 24)))
    widest = max((measure(text, 400, AXIS) for _, text in ticks), default=0.0)
    left = widest + 6.0
    ruler = Ruler(low, high + step * 0.4, bottom, head)
    shapes: list[Shape] = []
    for value, text in ticks:
        at = ruler.at(value)
        if at is None or at < head - 0.01:
            continue
        role, pen = ("edge", 1.0) if value == 0 else ("grid", 0.75)
        shapes.append(Line(left, at, width, at, role, pen))
        room.put(Label(left - 6.0, at + CAPITAL * AXIS / 2, text, AXIS, "muted", align="right"), apart=0.0)
    for label in legend:
        room.put(label[1])
        shapes += label[0]
    room.put(Label(0, 6.5, shortened(spec.y_label, width, measure), AXIS, "muted"))
    room.put(Label(width, tall - 5.0, "effort", AXIS, "muted", align="right"))
    edges = _edges(columns, left, width, measure)
    for at, column in enumerate(columns):
        begin, end = edges[at], edges[at + 1]
        if at:
            shapes.append(Line(begin, head - 3, begin, bottom, "line", 0.75))
        foot = shortened(column.foot, end - begin - _INSET - 2, measure)
        room.put(Label(begin + _INSET, tall - 5.0, foot, AXIS, "muted"), apart=4.0)
        for spot in _spots(column.points, ruler, (begin + _INSET, end - 2), (head + 4, bottom - 9), measure):
            shapes += _draw(spot, room, end)
    return Drawn((*shapes, *room.labels), width, tall)


def _round_ticks(low: float, high: float, about: int) -> tuple[Tick, ...]:
    """Whole points where a tick more makes them so."""
    for more in (0, 1, 2):
        ticks = nice_ticks(low, high, about + more)
        if all(value == round(value) for value, _ in ticks):
            return ticks
    return nice_ticks(low, high, about)


def _fitting(points: Sequence[EffortPoint], width: float, measure: Measure) -> list[_Column]:
    """As many columns of effort, at most five, as leave room for every name; two where none do."""
    most = max(1, min(_MOST_COLUMNS, int((width - 20) / _LEAST_COLUMN)))
    for count in range(most, _LEAST_COLUMNS, -1):
        columns = _columns(points, count)
        if sum(_single(column, width, measure) for column in columns) <= width - _TICKS:
            return columns
    return _columns(points, min(most, _LEAST_COLUMNS))


def _single(column: _Column, room: float, measure: Measure) -> float:
    """How wide a column has to be for its widest action, moved from its height or not."""
    return max(_words(point, room, measure, True).width for point in column.points) + _INSET + 6.0


def _columns(points: Sequence[EffortPoint], most: int) -> list[_Column]:
    """The actions by effort; of more than `most` efforts, neighbours share a column."""
    efforts = sorted({point.effort_days for point in points})
    size, more = divmod(len(efforts), most)
    groups: list[list[float]] = []
    if len(efforts) <= most:
        groups = [[effort] for effort in efforts]
    else:
        at = 0
        for column in range(most):
            count = size + (column < more)
            groups.append(efforts[at : at + count])
            at += count
    return [_Column(_days(group), _of(points, group)) for group in groups]


def _plot_for(columns: Sequence[_Column], low: float, high: float) -> float:
    """How high a plot has to be for actions of different points to stand at their heights."""
    needs = [
        _ROW * (len(column.points) - at) * (high - low) / (point.points - low)
        for column in columns
        for at, point in enumerate(column.points)
        if point.points - low > 0.02 * (high - low)
    ]
    gaps = [upper.points - lower.points for column in columns for upper, lower in pairwise(column.points)]
    needs += [_ROW * (high - low) / gap * 1.04 for gap in gaps if gap > 0.05 * (high - low)]
    return max(needs, default=0.0) + _ROW


def _days(group: Sequence[float]) -> str:
    """`1 day`, `3 days`, `5–8 days`."""
    if len(group) == 1:
        return f"{number(group[0])}\u00a0{'day' if group[0] == 1 else 'days'}"
    return f"{number(group[0])}–{number(group[-1])}\u00a0days"


def _of(points: Sequence[EffortPoint], group: Sequence[float]) -> tuple[EffortPoint, ...]:
    efforts = set(group)
    chosen = [point for point in points if point.effort_days in efforts]
    return tuple(sorted(chosen, key=lambda point: (-point.points, point.number)))


def _words(point: EffortPoint, most: float, measure: Measure, shifted: bool = False) -> _Words:
    """The words that fit behind a mark within `most`; the name gives way first.

    One that is `shifted` from its height keeps room for its points.
    """
    numbered = str(point.number)
    taken = _MARK + 5 + measure(numbered, 600, _NAME) + 3
    gained = measure(_gained(point), 400, _NAME) + 5 if shifted else 0.0
    moves = point.moves
    moves_wide = measure(moves, 400, _NAME) + 5 if moves else 0.0
    if taken + gained + moves_wide + 24 > most:
        moves, moves_wide = "", 0.0
    name = shortened(point.name, most - taken - moves_wide - gained, measure, 400, _NAME)
    wide = taken + measure(name, 400, _NAME) + moves_wide + gained
    return _Words(point, numbered, name, moves, wide)


def _edges(columns: Sequence[_Column], left: float, width: float, measure: Measure) -> list[float]:
    """Where columns begin and end: wide enough for every action, then for those of equal points abreast."""
    room = width - left
    singles: list[float] = []
    rows: list[float] = []
    for column in columns:
        widths = [_words(point, room, measure).width for point in column.points]
        abreast: dict[float, float] = {}
        for point, wide in zip(column.points, widths, strict=True):
            abreast[point.points] = abreast.get(point.points, 0.0) + wide + _BETWEEN
        singles.append(_single(column, room, measure))
        rows.append(max(abreast.values()) + _INSET)
    if sum(singles) > room:
        shares = [room * (0.5 / len(columns) + 0.5 * single / sum(singles)) for single in singles]
    else:
        shares = list(singles)
        for at in sorted(range(len(columns)), key=lambda at: rows[at]):
            more = max(0.0, rows[at] - shares[at])
            shares[at] += more if sum(shares) + more <= room else 0.0
        spare = (room - sum(shares)) / len(columns)
        shares = [share + spare for share in shares]
    edges = [left]
    for share in shares:
        edges.append(edges[-1] + share)
    return edges


def _spots(
    points: Sequence[EffortPoint],
    ruler: Ruler,
    across: tuple[float, float],
    reach: tuple[float, float],
    measure: Measure,
) -> list[_Spot]:
    """A place for every action of a column, best first: at its height, beside others there, or moved down."""
    begin, end = across
    spots: list[_Spot] = []
    row, used = reach[0] - _ROW, begin
    for at, point in enumerate(points):
        place = ruler.at(point.points)
        wanted = min(max(reach[0] if place is None else place, reach[0]), reach[1])
        # What still follows has to fit below.
        lowest = reach[1] - _ROW * (len(points) - at - 1)
        y = max(min(wanted, lowest), row + _ROW)
        words = _words(point, end - begin, measure)
        if spots and abs(row - wanted) < 0.5 and used + _BETWEEN + words.width <= end:
            spots.append(_Spot(words, used + _BETWEEN, row, False))
            used += _BETWEEN + words.width
            continue
        shifted = abs(y - wanted) > 2.0
        words = _words(point, end - begin, measure, shifted)
        spots.append(_Spot(words, begin, y, shifted))
        row, used = y, begin + words.width
    return spots


def _gained(point: EffortPoint) -> str:
    """`+8`, for an action that does not stand at its height."""
    return f"{'+' if point.points >= 0 else ''}{number(point.points)}"


def _draw(spot: _Spot, room: Room, end: float) -> list[Shape]:
    """Mark, number, name, and what else the action does."""
    words, measure = spot.words, room.measure
    baseline = spot.y + CAPITAL * _NAME / 2
    x = spot.x + _MARK + 5
    room.put(Label(x, baseline, words.number, _NAME, "text", 600, backed=True), apart=0.0)
    x += measure(words.number, 600, _NAME) + 3
    if words.name:
        room.put(Label(x, baseline, words.name, _NAME, "text", backed=True), apart=0.0)
        x += measure(words.name, 400, _NAME) + 5
    if words.moves:
        room.put(Label(x, baseline, words.moves, _NAME, "accent", backed=True), apart=0.0)
        x += measure(words.moves, 400, _NAME) + 5
    if spot.shifted:
        gained = _gained(words.point)
        if x + measure(gained, 400, _NAME) <= end:
            room.put(Label(x, baseline, gained, _NAME, "muted", backed=True), apart=0.0)
    return list(moved(pillar_mark(words.point.shape, _MARK), spot.x, spot.y - _MARK / 2))


def _head(
    spec: EffortChart, width: float, measure: Measure
) -> tuple[float, list[tuple[tuple[Shape, ...], Label]]]:
    """Where the plot begins, and the legend of the shapes: beside the unit, or under it."""
    size = 7.5
    entries = [(shape, measure(name, 400, AXIS) + size + 16, name) for shape, name in spec.shapes]
    needs = sum(entry[1] for entry in entries)
    unit = measure(spec.y_label, 400, AXIS)
    beside = unit + 16 + needs <= width
    baseline = 6.5 if beside else 6.5 + 11.0
    x = max(width - needs, 0.0) + 12
    legend: list[tuple[tuple[Shape, ...], Label]] = []
    for shape, wide, name in entries:
        text = shortened(name, width - x - size - 4, measure)
        if text:
            mark = moved(pillar_mark(shape, size), x, baseline - 6.3)
            legend.append((mark, Label(x + size + 4, baseline, text, AXIS, "muted")))
        x += wide
    return (17.0 if beside or not legend else 28.0), legend
