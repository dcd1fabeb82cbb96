"""Charts over two axes as shapes: series with their intervals, limits, findings, notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from app.charts import clip, xy_frame
from app.charts.drawn import Drawn, Room
from app.charts.ruler import LARGEST, across, upwards
from app.charts.shapes import Circle, Label, Line, Measure, Point, Polygon, Polyline, Rect, Shape
from app.charts.spec import Finding, Series, Style, XYChart
from app.charts.text import AXIS, BODY, Box
from app.charts.ticks import minmax_decimate
from app.charts.xy_frame import Frame
from app.charts.xy_labels import end_margin, place_labels

PENS: dict[Style, float] = {"s1": 1.2, "s2": 1.0, "s3": 0.75}
DASHES: dict[Style, tuple[float, ...]] = {"s1": (), "s2": (4.0, 2.0), "s3": ()}
PREVIEW = (3.0, 2.0)
LEAST_HEIGHT = 60.0

_DOT = 1.9
_CAP = 2.0
_CROSS = 3.2
_FINDING_PEN = 1.2


@dataclass(frozen=True, slots=True)
class Traced:
    """A series on the paper: its line in pieces, its points, its interval as whiskers or areas."""

    series: Series
    pieces: list[list[Point]]
    dots: list[Point]
    whiskers: list[tuple[float, float, float]] = field(default_factory=list)
    areas: list[list[Point]] = field(default_factory=list)
    role: str = "s1"

    @property
    def end(self) -> Point | None:
        """Where the series ends on the right."""
        ends = [piece[-1] for piece in self.pieces] or self.dots
        return max(ends) if ends else None


def xy_layout(spec: XYChart, width: float, height: float, measure: Measure) -> Drawn:
    """The chart in `width` × `height` points, at least 60 high."""
    height = max(height, LEAST_HEIGHT)
    x_range, y_range = _ranges(spec)
    size = BODY if width >= 400 else AXIS
    drawing = partial(
        _drawn,
        spec,
        x_range=x_range,
        y_range=y_range,
        width=width,
        height=height,
        size=size,
        measure=measure,
    )
    margin = end_margin(spec, x_range, width, size, measure)
    drawn, all_named = drawing(margin=margin)
    if not all_named:
        wider = end_margin(spec, x_range, width, size, measure, every=True)
        if wider > margin:
            drawn, _ = drawing(margin=wider)
    return drawn


def _drawn(
    spec: XYChart,
    *,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    width: float,
    height: float,
    margin: float,
    size: float,
    measure: Measure,
) -> tuple[Drawn, bool]:
    """The chart with a right margin for labels, and whether every series got its name."""
    of = xy_frame.frame(
        spec,
        x_range=x_range,
        y_range=y_range,
        width=width,
        height=height,
        margin=margin,
        measure=measure,
    )
    room = Room(width, height, measure)
    traced = [_traced(series, of, _has_line(spec)) for series in spec.series[:3]]
    back: list[Shape] = xy_frame.grid(of)
    front: list[Shape] = []
    for finding in spec.findings:
        _finding(finding, of, back, front, room)
    for one in traced:
        back += [Polygon(tuple(area), fill="band") for area in one.areas]
        for area in one.areas:
            room.shade(area)
    front = [*xy_frame.axis(of), *_limits(spec, of, room), *front]
    for one in reversed(traced):
        front += _series(one)
        _take(one, room)
    front += _note_dots(spec, of, room)
    room.block(Box(of.plot.left, of.plot.bottom - 2.5, of.plot.right, of.plot.bottom + xy_frame.TICK))
    xy_frame.words(of, spec, room)
    all_named = place_labels(spec, of, traced, room, margin=margin, size=size)
    if not any(one.pieces or one.dots for one in traced) and not spec.findings:
        x, y = (of.plot.left + of.plot.right) / 2, (of.plot.top + of.plot.bottom) / 2
        room.put(Label(x, y, "no data", AXIS, "muted", align="centre", backed=True))
    return Drawn((*back, *front, *room.labels), width, height), all_named


def _has_line(spec: XYChart) -> bool:
    return any(series.line for series in spec.series)


def _ranges(spec: XYChart) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of both axes."""
    xs: list[float] = []
    ys: list[float] = []
    loose: list[float] = []
    for series in spec.series:
        for at, (x, y) in enumerate(zip(series.x, series.y, strict=False)):
            if y is None:
                continue
            xs.append(x)
            ys.append(y)
            for bound in (series.low, series.high):
                value = bound[at] if at < len(bound) else None
                if value is not None:
                    (ys if series.measured else loose).append(value)
    xs += [limit.at for limit in spec.limits if limit.axis == "x"]
    xs += [note.x for note in spec.notes]
    limits = [limit.at for limit in spec.limits if limit.axis == "y"]
    limits += [note.y for note in spec.notes if note.cross]
    for finding in spec.findings:
        values = [value for value in (finding.at, finding.low, finding.high) if value is not None]
        (xs if finding.axis == "x" else limits).extend(values)
    return across(spec.x, xs), upwards(spec.y, [*ys, *_held(loose, [*ys, *limits])], limits)


def _held(loose: Sequence[float], firm: Sequence[float]) -> list[float]:
    """The ends of bands, held near the values: a fan that opens is cut off, and flattens nothing."""
    if not loose:
        return []
    if not firm:
        return [min(loose), max(loose)]
    low, high = min(firm), max(firm)
    room = 0.6 * max(min(high, LARGEST) - max(low, -LARGEST), abs(high) * 0.1)
    lowest = max(min(loose), low - room) if low < 0 or min(loose) < 0 else max(min(loose), low * 0.3)
    return [lowest, min(max(loose), high + room)]


def _traced(series: Series, of: Frame, some_line: bool) -> Traced:
    """Where a series falls on the paper, cut off at the plot's edges."""
    x, y = series.x, series.y
    columns = max(1, int(of.plot.right - of.plot.left))
    low, high = _padded(series.low, len(x)), _padded(series.high, len(x))
    whiskers: list[tuple[float, float, float]] = []
    areas: list[list[Point]] = []
    dense = len(x) > columns / 3
    if series.low or series.high:
        if series.measured and not dense:
            whiskers = list(_whiskers(series, of))
        else:
            areas = _areas(zip(x, y, low, high, strict=False), of, columns)
    if len(x) > 4 * columns and all(a <= b for a, b in pairwise(x)):
        x, y = minmax_decimate(x, y, columns)
    pieces: list[list[Point]] = []
    dots: list[Point] = []
    run: list[Point] = []
    box = of.plot
    for value, height in zip(x, y, strict=False):
        at_x = of.x.at(value)
        at_y = of.y.at(height) if height is not None else None
        if at_x is None or at_y is None:
            _close(run, pieces, box, series.line)
            run = []
            continue
        run.append((at_x, at_y))
        if (series.measured or not series.line) and clip.inside(((at_x, at_y),), _grown(box)):
            dots.append((at_x, at_y))
    _close(run, pieces, box, series.line)
    role = "text" if not series.line and some_line else series.style
    return Traced(series, pieces, dots, whiskers, areas, role)


def _grown(box: Box) -> Box:
    return Box(box.left - 0.01, box.top - 0.01, box.right + 0.01, box.bottom + 0.01)


def _close(run: list[Point], pieces: list[list[Point]], box: Box, line: bool) -> None:
    """Add a run of points as pieces of a line; a single point becomes a short stroke, so that it is seen."""
    if not run or not line:
        return
    if len(run) == 1:
        (x, y) = run[0]
        run = [(max(x - 1.5, box.left), y), (min(x + 1.5, box.right), y)]
    pieces += clip.line(run, _grown(box))


def _padded(values: Sequence[float | None], count: int) -> tuple[float | None, ...]:
    return (*values[:count], *(None,) * (count - len(values)))


def _whiskers(series: Series, of: Frame) -> Iterator[tuple[float, float, float]]:
    """Place, upper and lower end of every point's interval."""
    count = len(series.x)
    low, high = _padded(series.low, count), _padded(series.high, count)
    for x, y, below, above in zip(series.x, series.y, low, high, strict=False):
        if y is None or (below is None and above is None):
            continue
        at = of.x.at(x)
        ends = [of.y.at(value) for value in (y if above is None else above, y if below is None else below)]
        if at is None or not of.plot.left - 0.01 <= at <= of.plot.right + 0.01 or ends[0] is None:
            continue
        bottom = of.plot.bottom if ends[1] is None else ends[1]
        upper, lower = max(ends[0], of.plot.top), min(bottom, of.plot.bottom)
        if lower > upper:
            yield at, upper, lower


def _areas(
    points: Iterable[tuple[float, float | None, float | None, float | None]], of: Frame, columns: int
) -> list[list[Point]]:
    """The band between both ends of the interval, one area for every stretch without a gap."""
    areas: list[list[Point]] = []
    run: list[tuple[float, float, float]] = []
    for place, value, below, above in (*points, (0.0, None, None, None)):
        if value is not None and below is not None and above is not None:
            run.append((place, below, above))
            continue
        if len(run) > 1:
            places = [one[0] for one in run]
            upper = _curve(*minmax_decimate(places, [one[2] for one in run], columns), of)
            lower = _curve(*minmax_decimate(places, [one[1] for one in run], columns), of)
            area = clip.area([*upper, *reversed(lower)], of.plot)
            if len(area) > 2:
                areas.append(area)
        run = []
    return areas


def _curve(x: Sequence[float], y: Sequence[float | None], of: Frame) -> list[Point]:
    """Points on the paper; what the scale has no place for lies on the axis."""
    points = []
    for place, value in zip(x, y, strict=True):
        at = of.x.at(place)
        if at is not None and value is not None:
            height = of.y.at(value)
            points.append((at, of.plot.bottom if height is None else height))
    return points


def _series(one: Traced) -> list[Shape]:
    """Line, whiskers and dots of a series."""
    style, role = one.series.style, one.role
    dash = PREVIEW if one.series.dashed else DASHES[style]
    shapes: list[Shape] = [Polyline(tuple(piece), role, PENS[style], dash) for piece in one.pieces]
    for x, upper, lower in one.whiskers:
        shapes += [
            Line(x, upper, x, lower, role, 0.9),
            Line(x - _CAP, upper, x + _CAP, upper, role, 0.9),
            Line(x - _CAP, lower, x + _CAP, lower, role, 0.9),
        ]
    radius = _DOT if len(one.dots) < 80 else 1.2
    if role == "s2":
        # Hollow, so that two measured series are told apart in grey too.
        shapes += [Circle(x, y, radius - 0.3, fill="surface", edge=role, pen=0.9) for x, y in one.dots]
    else:
        shapes += [Circle(x, y, radius, fill=role) for x, y in one.dots]
    return shapes


def _take(one: Traced, room: Room) -> None:
    """What a series covers is no room for labels."""
    for piece in one.pieces:
        room.line(piece, 1.2)
    for x, upper, lower in one.whiskers:
        room.block(Box(x - _CAP - 1, upper - 1, x + _CAP + 1, lower + 1))
    if len(one.dots) > 200:
        for dot in one.dots:
            room.line((dot,), _DOT + 0.5)
    else:
        for x, y in one.dots:
            room.block(Box(x - _DOT - 1, y - _DOT - 1, x + _DOT + 1, y + _DOT + 1))


def _finding(finding: Finding, of: Frame, back: list[Shape], front: list[Shape], room: Room) -> None:
    """The band and the line of a finding."""
    left, top, right, bottom = of.plot
    ruler = of.x if finding.axis == "x" else of.y
    at = ruler.at(finding.at)
    ends = [ruler.at(end) if end is not None else at for end in (finding.low, finding.high)]
    if at is None or ends[0] is None or ends[1] is None:
        return
    first, last = min(ends[0], ends[1]), max(ends[0], ends[1])
    if finding.axis == "x":
        first, last = max(first, left), min(last, right)
        if last > first:
            back.append(Rect(first, top, last - first, bottom - top, "band"))
            room.shade_box(Box(first, top, last, bottom))
        if left - 0.01 <= at <= right + 0.01:
            front.append(Line(at, top, at, bottom, "s1", _FINDING_PEN))
            room.block(Box(at - 1, top, at + 1, bottom))
        return
    first, last = max(first, top), min(last, bottom)
    if last > first:
        back.append(Rect(left, first, right - left, last - first, "line"))
        room.shade_box(Box(left, first, right, last))
    if top - 0.01 <= at <= bottom + 0.01:
        front.append(Line(left, at, right, at, "ink", _FINDING_PEN))
        room.block(Box(left, at - 1, right, at + 1))


def _limits(spec: XYChart, of: Frame, room: Room) -> list[Shape]:
    """Dashed lines at the limits that lie inside the plot."""
    left, top, right, bottom = of.plot
    shapes: list[Shape] = []
    for limit in spec.limits:
        ruler = of.x if limit.axis == "x" else of.y
        at = ruler.at(limit.at)
        if at is None:
            continue
        role, pen, dash = ("bad", 1.2, (5.0, 3.0)) if limit.kind == "bad" else ("muted", 1.0, (2.0, 2.0))
        if limit.axis == "y" and top - 0.01 <= at <= bottom + 0.01:
            shapes.append(Line(left, at, right, at, role, pen, dash))
            room.block(Box(left, at - 1, right, at + 1))
        elif limit.axis == "x" and left - 0.01 <= at <= right + 0.01:
            shapes.append(Line(at, top, at, bottom, role, pen, dash))
            room.cross(Box(at - 1, top, at + 1, bottom))
    return shapes


def _note_dots(spec: XYChart, of: Frame, room: Room) -> list[Shape]:
    """A dot at the point of every strong note, a cross where it is one."""
    shapes: list[Shape] = []
    for note in spec.notes:
        x, y = of.x.at(note.x), of.y.at(note.y)
        if note.cross and x is not None and y is not None and clip.inside(((x, y),), _grown(of.plot)):
            shapes += [
                Line(x - _CROSS, y - _CROSS, x + _CROSS, y + _CROSS, "bad", 1.5),
                Line(x - _CROSS, y + _CROSS, x + _CROSS, y - _CROSS, "bad", 1.5),
            ]
            room.block(Box(x - _CROSS - 1, y - _CROSS - 1, x + _CROSS + 1, y + _CROSS + 1))
        elif note.strong and x is not None and y is not None and clip.inside(((x, y),), _grown(of.plot)):
            shapes.append(Circle(x, y, _DOT + 0.3, fill="s1"))
            room.block(Box(x - _DOT - 1, y - _DOT - 1, x + _DOT + 1, y + _DOT + 1))
    return shapes
