"""Where the names of lines, limits and findings stand in a chart with two axes.

Names of lines stand in a margin at their right ends, or in free space beside them; of two that are too near
each other the lower moves down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from app.charts.drawn import GAP, Room
from app.charts.ruler import Ruler
from app.charts.shapes import Label, Measure, Point, Weight
from app.charts.spec import Finding, Limit, Note, Series, XYChart
from app.charts.text import ABOVE, AXIS, BELOW, CAPITAL, shortened
from app.charts.xy_frame import Frame

WEIGHTS: dict[str, Weight] = {"s1": 600, "s2": 500, "s3": 500, "text": 500}

_BESIDE = 4.0
_OVER = 4.0
_SHARE, _MOST_SHARE = 0.24, 0.32
_NEAR_END = 0.12
_SHORT = 36.0
_ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)
_LINE = 10.5
_CLEAR = 2.0


class Traced(Protocol):
    """A series on the paper, as the labels need it."""

    @property
    def series(self) -> Series: ...
    @property
    def pieces(self) -> list[list[Point]]: ...
    @property
    def dots(self) -> list[Point]: ...
    @property
    def role(self) -> str: ...
    @property
    def end(self) -> Point | None: ...


def end_margin(
    spec: XYChart,
    x_range: tuple[float, float],
    width: float,
    size: float,
    measure: Measure,
    *,
    every: bool = False,
) -> float:
    """The right margin that labels at line ends need, 0 without any.

    Short names of a wide chart and names too long for a margin stand beside their lines; with `every` they
    come into the margin too, shortened.
    """
    ruler = Ruler(*x_range, 0.0, 1.0, spec.x.scale)
    most = width * (_MOST_SHARE if every else _SHARE)
    widest = 0.0
    for series in spec.series[:3]:
        if not series.label:
            continue
        last = next(
            (x for x, y in zip(reversed(series.x), reversed(series.y), strict=False) if y is not None), None
        )
        at = ruler.at(last) if last is not None else None
        needs = measure(series.label, WEIGHTS[series.style], size)
        if at is None or (at < 1 - _NEAR_END and not every):
            continue
        if every or (needs + _BESIDE <= most and not (needs <= _SHORT and width >= 300)):
            widest = max(widest, needs)
    for finding in spec.findings:
        if finding.axis == "y":
            needs = max(measure(finding.label, 600, AXIS), measure(finding.sublabel, 400, AXIS))
            widest = max(widest, needs)
    return min(widest + _BESIDE, width * _MOST_SHARE) if widest else 0.0


@dataclass(frozen=True, slots=True)
class _AtEnd:
    """Labels under each other in the right margin, the first one's baseline wanted at `y`."""

    y: float
    labels: tuple[Label, ...]
    place: int

    @property
    def depth(self) -> float:
        """From the first baseline to the last."""
        return _LINE * (len(self.labels) - 1)


def place_labels(
    spec: XYChart, of: Frame, traced: Sequence[Traced], room: Room, *, margin: float, size: float
) -> bool:
    """Place every label of the chart; returns whether every line has its name."""
    at_end, beside = _sorted(spec, of, traced, room, margin=margin, size=size)
    unnamed = _place_at_end(at_end, of, room)
    for finding in spec.findings:
        if finding.axis == "x":
            _place_finding(finding, of, room, size)
    all_named = not unnamed
    for limit in spec.limits:
        if limit.axis == "y":
            _place_limit(limit, of, room)
    for one in beside:
        all_named = _place_beside(one, of, room, size) and all_named
    for limit in spec.limits:
        if limit.axis == "x":
            _place_limit(limit, of, room)
    for note in spec.notes:
        _place_note(note, of, room)
    return all_named


def _sorted(
    spec: XYChart, of: Frame, traced: Sequence[Traced], room: Room, *, margin: float, size: float
) -> tuple[list[_AtEnd], list[Traced]]:
    """Which labels stand in the right margin, and which series are named beside their line."""
    at_end: list[_AtEnd] = []
    beside: list[Traced] = []
    left, right = of.plot.right + _BESIDE, of.plot.right
    width = room.width - left
    wide = right - of.plot.left
    for place, one in enumerate(traced):
        if not one.series.label or one.end is None:
            continue
        x, y = one.end
        weight = WEIGHTS[one.role]
        needs = room.measure(one.series.label, weight, size)
        fits = needs <= width + 0.01
        if (
            margin > 0
            and right - x <= _NEAR_END * wide
            and (fits or margin >= room.width * _MOST_SHARE - 0.01)
        ):
            text = shortened(one.series.label, width, room.measure, weight, size)
            label = Label(left, 0, text, size, one.role, weight)
            at_end.append(_AtEnd(y + CAPITAL * size / 2, (label,), place))
        else:
            beside.append(one)
    for finding in spec.findings:
        at = of.y.at(finding.at) if finding.axis == "y" else None
        if at is None or not of.plot.top - 0.01 <= at <= of.plot.bottom + 0.01:
            continue
        labels = [Label(left, 0, shortened(finding.label, width, room.measure, 600), AXIS, "ink", 600)]
        if finding.sublabel:
            labels.append(Label(left, 0, shortened(finding.sublabel, width, room.measure), AXIS, "muted"))
        at_end.append(_AtEnd(at + CAPITAL * AXIS / 2, tuple(labels), len(at_end)))
    return sorted(at_end, key=lambda one: (one.y, one.place)), beside


def _place_at_end(blocks: Sequence[_AtEnd], of: Frame, room: Room) -> bool:
    """Place the labels of the right margin; returns whether one had no room."""
    if not blocks:
        return False
    size = max(label.size for block in blocks for label in block.labels)
    pitch = CAPITAL * size + GAP
    spots: list[float] = []
    least = ABOVE * size
    for block in blocks:
        spots.append(max(block.y, least))
        least = spots[-1] + block.depth + pitch
    most = of.plot.bottom
    for at in range(len(blocks) - 1, -1, -1):
        spots[at] = min(spots[at], most - blocks[at].depth)
        most = spots[at] - pitch
    missing = False
    for block, spot in zip(blocks, spots, strict=True):
        group = tuple(_moved(label, label.x, spot + _LINE * row) for row, label in enumerate(block.labels))
        missing = not room.place_together((group,), over=True) or missing
    return missing


def _moved(label: Label, x: float, y: float, backed: bool = False) -> Label:
    return Label(x, y, label.text, label.size, label.role, label.weight, label.align, backed)


def _place_beside(one: Traced, of: Frame, room: Room, size: float) -> bool:
    """Name a line in free space beside it, at its end or along it."""
    weight = WEIGHTS[one.role]
    text = shortened(one.series.label, (of.plot.right - of.plot.left) * 0.6, room.measure, weight, size)
    width = room.measure(text, weight, size)
    label = Label(0, 0, text, size, one.role, weight)
    return room.place(_beside(one, of, label, width), apart=3.0)


def _beside(one: Traced, of: Frame, label: Label, width: float) -> Iterator[Label]:
    """Places for a name: over the line, under it, and after its end."""
    points = [point for piece in one.pieces for point in piece] or one.dots
    if not points:
        return
    first, last = points[0][0], points[-1][0]
    cap = CAPITAL * label.size
    x, y = max(points)
    for over in (5.0, 8.0, 13.0):
        for share in _ALONG:
            left = first + (last - first) * share - width / 2
            left = min(max(left, of.plot.left + 2), of.plot.right - width)
            heights = _heights(points, left, left + width)
            if heights:
                yield _moved(label, left, min(heights) - over, True)
                yield _moved(label, left, max(heights) + over + cap, True)
        yield _moved(label, x + _BESIDE, y + cap / 2, True)
    for step in range(0, 40, 4):
        yield _moved(label, min(x, of.plot.right) - width - _BESIDE, y + cap / 2 + step, True)
        yield _moved(label, min(x, of.plot.right) - width - _BESIDE, y + cap / 2 - step, True)


def _heights(points: Sequence[Point], left: float, right: float) -> list[float]:
    """The heights of a line between two places."""
    found: list[float] = []
    for a, b in pairwise(points):
        if b[0] < left or a[0] > right:
            continue
        for place in (max(a[0], left), min(b[0], right)):
            share = (place - a[0]) / (b[0] - a[0]) if b[0] > a[0] else 0.0
            found.append(a[1] + share * (b[1] - a[1]))
    if len(points) == 1 and left <= points[0][0] <= right:
        found.append(points[0][1])
    return found


def _place_finding(finding: Finding, of: Frame, room: Room, size: float) -> None:
    """The strong label and its interval beside the band, as far up as there is room."""
    ends = [of.x.at(end) for end in (finding.low, finding.high, finding.at) if end is not None]
    places = [place for place in ends if place is not None]
    if not places or max(places) < of.plot.left or min(places) > of.plot.right:
        return
    left, right = min(places) - _BESIDE - 1, max(places) + _BESIDE + 1
    most = max(left - of.plot.left, of.plot.right - right, 20.0)
    strong = shortened(finding.label, most, room.measure, 600, size)
    weak = shortened(finding.sublabel, most, room.measure)

    def spots() -> Iterator[tuple[Label, ...]]:
        down = of.plot.top + ABOVE * size + 1
        while down + _LINE < of.plot.bottom:
            for x, align in ((left, "right"), (right, "left")):
                side: tuple[Label, ...] = (
                    Label(x, down, strong, size, "s1", 600, "right" if align == "right" else "left", True),
                )
                if weak:
                    side += (Label(x, down + _LINE, weak, AXIS, "muted", 400, side[0].align, True),)
                yield side
            down += 6.0

    room.place_together(spots(), clear=_CLEAR)


def _place_limit(limit: Limit, of: Frame, room: Room) -> None:
    """Name a limit on its line; one beyond the plot at the edge with an arrow."""
    left, top, right, bottom = of.plot
    ruler = of.x if limit.axis == "x" else of.y
    at = ruler.at(limit.at)
    if at is None or not limit.label:
        return
    role: str = "bad" if limit.kind == "bad" else ("text" if limit.axis == "y" else "muted")
    weight: Weight = 500 if limit.kind == "bad" else 400
    text = shortened(limit.label, (right - left) * 0.8, room.measure, weight)
    cap = CAPITAL * AXIS
    if limit.axis == "y":
        if at < top - 0.01 or at > bottom + 0.01:
            sign, edge = ("↑", top + cap + 2) if at < top else ("↓", bottom - 3)
            spots = [(left + 4, edge, "left"), (right - 2, edge, "right")]
            text = f"{sign} {text}"
        else:
            middle = (left + right) / 2
            spots = [
                (x, y, align)
                for y in (at - _OVER, at + _OVER + cap)
                for x, align in ((left + 4, "left"), (right - 2, "right"), (middle, "centre"))
            ]
            width = room.measure(text, weight, AXIS)
            steps = int((right - left - width) / 24)
            spots += [
                (left + 4 + 24 * step, y, "left")
                for step in range(1, max(steps, 1))
                for y in (at - _OVER, at + _OVER + cap)
            ]
    else:
        if at < left - 0.01 or at > right + 0.01:
            return
        rows = int((bottom - top - 4) / 6)
        spots = [
            (x, top + ABOVE * AXIS + 1 + 6 * row, align)
            for row in range(max(rows, 1))
            for x, align in ((at + _BESIDE, "left"), (at - _BESIDE, "right"))
        ]
    if room.place(_labels(spots, text, role, weight)) or limit.axis == "x":
        return
    # No room on the line itself: in the margin at its end, if there is one.
    text = shortened(limit.label, room.width - right - _BESIDE, room.measure, weight)
    if text and top <= at <= bottom:
        middle = at + cap / 2
        moves = [step * sign for step in range(0, 30, 3) for sign in (1, -1)]
        room.place(_labels([(right + _BESIDE, middle + move, "left") for move in moves], text, role, weight))


def _labels(
    spots: Sequence[tuple[float, float, str]], text: str, role: str, weight: Weight, size: float = AXIS
) -> Iterator[Label]:
    for x, y, align in spots:
        yield Label(
            x,
            y,
            text,
            size,
            role,
            weight,
            "right" if align == "right" else "centre" if align == "centre" else "left",
            True,
        )


def _place_note(note: Note, of: Frame, room: Room) -> None:
    """Words near their point: below it, above it, further away; lines are divided by a line break."""
    x, y = of.x.at(note.x), of.y.at(note.y)
    if x is None or y is None:
        return
    x = min(max(x, of.plot.left), of.plot.right)
    y = min(max(y, of.plot.top), of.plot.bottom)
    weight: Weight = 600 if note.strong or note.cross else 400
    role = "bad" if note.cross else "s1" if note.strong else "muted"
    lines = [
        shortened(line, (of.plot.right - of.plot.left) * 0.9, room.measure, weight)
        for line in note.text.split("\n")
    ]
    if not all(lines):
        return
    depth = _LINE * (len(lines) - 1)
    cap = CAPITAL * AXIS

    def spots() -> Iterator[tuple[Label, ...]]:
        for away in (4.0, 8.0, 14.0, 22.0, 32.0, 44.0, 60.0):
            for top in (y + away + cap, y - away - depth - BELOW * AXIS):
                for at, align in ((x + _BESIDE, "left"), (x - _BESIDE, "right"), (x, "centre")):
                    spots_of = [(at, top + _LINE * row, align) for row in range(len(lines))]
                    yield tuple(
                        next(_labels((spot,), line, role, weight))
                        for spot, line in zip(spots_of, lines, strict=True)
                    )

    room.place_together(spots())
