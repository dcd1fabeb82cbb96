"""Small signs and glyphs as shapes: the score between proven and claimed, verdicts, bands, pillars, marks.

Each fits a box of the size that is given, its origin in the upper left corner. None is ever the only sign:
a word or an accessible name stands with it.
"""

from __future__ import annotations

import math
from typing import Literal

from app.charts.shapes import Circle, Line, Point, Polygon, Polyline, Rect, Shape

State = Literal[
    "verified",
    "partly",
    "claimed",
    "challenged",
    "understated",
    "contradicted",
    "unsure",
    "unanswered",
    "not_applicable",
]
Band = Literal["fragile", "limited", "conditional", "ready"]
PillarMark = Literal["circle", "square", "triangle", "diamond"]

BANDS: tuple[Band, ...] = ("fragile", "limited", "conditional", "ready")
BAND_EDGES = (40.0, 60.0, 80.0)
"""Where a band begins that is better than the one before."""

TRACK_SHARE = 10 / 18
"""The track's part of a score glyph's height; the upright bar takes all of it, so 18 gives a track of 10."""

HATCH_STEP = 4.0
_HATCH_PEN = 1.1
_MARK = 2.0
_DOTS = (1.2, 1.6)


def hatch(  # noqa: PLR0917
    x: float, y: float, width: float, height: float, role: str = "bad", step: float = HATCH_STEP
) -> tuple[Line, ...]:
    """Lines at 45 degrees, `step` apart along the edge, that end exactly at the rectangle's edges."""
    lines = []
    start = -height
    while start < width:
        # The line runs from (start, height) up to (start + height, 0), cut at both sides.
        x0, y0, x1, y1 = start, height, start + height, 0.0
        if x0 < 0:
            x0, y0 = 0.0, height + start
        if x1 > width:
            x1, y1 = width, x1 - width
        if x1 > x0:
            lines.append(Line(x + x0, y + y0, x + x1, y + y1, role, _HATCH_PEN))
        start += step
    return tuple(lines)


def score_glyph(  # noqa: PLR0917
    proven: float,
    supported: float,
    claimed: float,
    contradicted: float,
    width: float,
    height: float,
    *,
    unanswered: float = 0.0,
    ticks: bool = True,
) -> tuple[Shape, ...]:
    """A score from 0 to 100 and what it consists of, in a box of `width` and `height`.

    Solid to `proven`, lighter to `supported`, hollow what is claimed and not proven, hatched what is
    contradicted (ends at `claimed`), dotted what was not answered, empty what is not done. An upright bar
    over the whole height marks `supported`; ticks stand at the edges of the bands. A cap may leave
    `supported` below `proven`. The track has 10/18 of the height and lies in its middle.
    """
    track = height * TRACK_SHARE
    top = (height - track) / 2
    unit = width / 100
    p, s, c = (_percent(value) for value in (proven, supported, claimed))
    c = max(p, c)
    told = min(max(p, s), c)
    k = min(_percent(contradicted), c - told)
    open_to = min(100.0, c + _percent(unanswered))
    held = c - k
    shapes: list[Shape] = [Rect(0, top, width, track, "sunk")]
    if k * unit > 1:
        left, wide = held * unit, k * unit
        # Half a point inside the frame: a slanted end of a line is wider than its middle.
        shapes += hatch(left + 0.5, top + 0.5, wide - 1, track - 1)
        shapes.append(_framed(left, top, wide, track, "bad"))
    if (open_to - c) * unit > 1:
        shapes += _dotted_box(c * unit, top, (open_to - c) * unit, track)
    if (held - told) * unit > 1:
        shapes.append(_framed(told * unit, top, (held - told) * unit, track, "edge", fill="surface"))
    if p > 0:
        shapes.append(Rect(0, top, p * unit, track, "ink"))
    if told > p:
        shapes.append(Rect(p * unit, top, (told - p) * unit, track, "inkmid"))
    if ticks:
        below = top + track
        shapes += [
            Line(edge * unit, below + top / 4, edge * unit, height, "edge", 1.0) for edge in BAND_EDGES
        ]
    at = min(max(s * unit - _MARK / 2, 0.0), max(0.0, width - _MARK))
    shapes.append(Rect(at, 0, min(_MARK, width), height, "text"))
    return tuple(shapes)


def refused_glyph(width: float, height: float) -> tuple[Shape, ...]:
    """The outline that stands where there is no score; the reason stands beside it."""
    track = height * TRACK_SHARE
    return (_framed(0, (height - track) / 2, width, track, "edge"),)


def _percent(value: float) -> float:
    """The value held within 0 and 100; what is no number counts as nothing."""
    return min(100.0, max(0.0, value)) if not math.isnan(value) else 0.0


def _framed(
    x: float, y: float, width: float, height: float, edge: str, *, fill: str | None = None, pen: float = 1.0
) -> Rect:
    """A rectangle with its edge drawn inside it; a narrow one has a thinner edge."""
    pen = min(pen, width / 2, height / 2)
    return Rect(x + pen / 2, y + pen / 2, width - pen, height - pen, fill, edge, pen)


def _dotted_box(x: float, y: float, width: float, height: float) -> list[Shape]:
    pen = 0.75
    left, top = x + pen / 2, y + pen / 2
    right, bottom = x + width - pen / 2, y + height - pen / 2
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [Line(*corners[at], *corners[(at + 1) % 4], role="edge", pen=pen, dash=_DOTS) for at in range(4)]


def verdict_badge(state: State, size: float) -> tuple[Shape, ...]:
    """The sign of a claim's state in a square of `size`; `unsure` and `unanswered` are both open."""
    half, pen = size / 2, size / 9
    ring = half - pen / 2
    match state:
        case "verified":
            tick = _scaled(((0.27, 0.52), (0.44, 0.68), (0.74, 0.34)), size)
            return Circle(half, half, half, fill="ok"), Polyline(tick, "surface", size * 0.14)
        case "partly":
            return (
                Circle(half, half, ring, fill="ok", start=180.0, sweep=180.0),
                Circle(half, half, ring, edge="ok", pen=pen),
            )
        case "claimed":
            return (Circle(half, half, ring, edge="edge", pen=pen),)
        case "understated":
            shaft = Line(half, size * 0.74, half, size * 0.30, "accent", pen * 1.05)
            head = Polyline(_scaled(((0.31, 0.48), (0.5, 0.29), (0.69, 0.48)), size), "accent", pen * 1.05)
            return Circle(half, half, ring, edge="accent", pen=pen), shaft, head
        case "contradicted":
            a, b = size * 0.36, size * 0.64
            return (
                Polygon(((half, 0), (size, half), (half, size), (0, half)), fill="bad"),
                Line(a, a, b, b, "surface", size * 0.13),
                Line(a, b, b, a, "surface", size * 0.13),
            )
        case "challenged":
            curve = _scaled(
                (
                    (0.395, 0.50),
                    (0.41, 0.43),
                    (0.5, 0.395),
                    (0.59, 0.435),
                    (0.595, 0.51),
                    (0.5, 0.585),
                    (0.5, 0.66),
                ),
                size,
            )
            return *_triangle(size), Polyline(curve, "warn", size * 0.085), _point(size, 0.775)
        case "not_applicable":
            return (Line(size * 0.1, half, size * 0.9, half, "edge", pen * 1.1),)
        case _:
            return (Circle(half, half, ring, edge="edge", pen=pen, dash=_ring_dots(ring, 8)),)


def proposed_badge(size: float) -> tuple[Shape, ...]:
    """The dotted ring of a level that is proposed and not accepted yet."""
    half, pen = size / 2, size / 9
    ring = half - pen / 2
    return (Circle(half, half, ring, edge="accent", pen=pen, dash=_ring_dots(ring, 8)),)


def _ring_dots(radius: float, count: int) -> tuple[float, float]:
    """A dash that meets its own beginning after `count` dots around a circle."""
    period = 2 * math.pi * radius / count
    return period * 0.45, period * 0.55


def _scaled(points: tuple[Point, ...], size: float) -> tuple[Point, ...]:
    return tuple((x * size, y * size) for x, y in points)


def _triangle(size: float) -> tuple[Shape, ...]:
    """The outlined triangle of what is to be looked at, its joins inside the box."""
    corners = _scaled(((0.5, 0.09), (0.945, 0.905), (0.055, 0.905)), size)
    return (Polygon(corners, edge="warn", pen=size * 0.1),)


def _point(size: float, y: float) -> Circle:
    return Circle(size * 0.5, size * y, size * 0.052, fill="warn")


def close_mark(size: float) -> tuple[Shape, ...]:
    """A triangle with "!": close to being the limit."""
    return (
        *_triangle(size),
        Line(size * 0.5, size * 0.38, size * 0.5, size * 0.66, "warn", size * 0.095),
        _point(size, 0.775),
    )


def limit_mark(size: float) -> tuple[Shape, ...]:
    """An arrow at a wall: the limit."""
    half, pen = size / 2, size * 0.13
    return (
        Line(size * 0.03, half, size * 0.68, half, "bad", pen),
        Polyline(_scaled(((0.45, 0.23), (0.72, 0.5), (0.45, 0.77)), size), "bad", pen),
        Line(size - pen / 2, size * 0.06, size - pen / 2, size * 0.94, "bad", pen),
    )


def band_meter(band: Band, width: float, height: float) -> tuple[Shape, ...]:
    """Four boxes, as many of them filled as the band has reached; the word stands beside them."""
    filled = BANDS.index(band) + 1
    gap = width * 0.04
    box = (width - 3 * gap) / 4
    pen = min(0.75, box / 4)
    return tuple(
        Rect(at * (box + gap), 0, box, height, "ink")
        if at < filled
        else _framed(at * (box + gap), 0, box, height, "edge", pen=pen)
        for at in range(4)
    )


def pillar_mark(shape: PillarMark, size: float, role: str = "ink") -> tuple[Shape, ...]:
    """The shape that stands for a pillar, filled; all look equally heavy."""
    half = size / 2
    match shape:
        case "circle":
            return (Circle(half, half, size * 0.45, fill=role),)
        case "square":
            side = size * 0.8
            return (Rect((size - side) / 2, (size - side) / 2, side, side, role),)
        case "triangle":
            return (Polygon(_scaled(((0.5, 0.05), (1.0, 0.93), (0.0, 0.93)), size), fill=role),)
        case "diamond":
            return (Polygon(_scaled(((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)), size), fill=role),)
