"""A score as a wide bar with every part of it labelled: its points above, its name below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.charts import pieces
from app.charts.shapes import Circle, Label, Line, Measure, Polygon, Polyline, Rect, Shape
from app.report.model import ScoreBar

GLYPH_HEIGHT, GLYPH_TOP = 20.0, 13.0
NUMBER, NAME = 10.0, 7.5
"""Sizes of the two kinds of labels."""
APART = 7.0
"""Room between two labels, in points."""
HEIGHT = 44.0


def parts_of(bar: ScoreBar) -> list[tuple[str, float, str]]:
    """The parts that are there, from the left: name, points, role of the colour of its label."""
    score = bar.score
    not_proven = score.claimed - score.contradicted - score.supported
    parts = [
        ("proven", score.proven, "text"),
        ("credited", score.supported - score.proven, "text"),
        ("not proven", not_proven, "text"),
        ("contradicted", score.contradicted, "bad"),
        ("unanswered", bar.unanswered, "text"),
        ("not done", bar.not_done, "text"),
    ]
    return [part for part in parts if part[1] >= 0.05]


def rounded_parts(sizes: Sequence[float]) -> list[int]:
    """The parts in whole points, so that they add up to the rounded sum of any first few of them."""
    ends = [round(sum(sizes[: number + 1])) for number in range(len(sizes))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def score_bar(bar: ScoreBar, width: float, measure: Measure) -> tuple[Shape, ...]:
    """The shapes of the bar, `width` by `HEIGHT`; a score there is none of has no bar."""
    score = bar.score
    glyph = pieces.score_glyph(
        score.proven,
        score.supported,
        score.claimed,
        score.contradicted,
        width,
        GLYPH_HEIGHT,
        unanswered=bar.unanswered,
    )
    shapes: list[Shape] = [_lower(shape, GLYPH_TOP) for shape in glyph]
    parts = parts_of(bar)
    numbers = [str(part) for part in rounded_parts([size for _, size, _ in parts])]
    middles, at = [], 0.0
    for _, size, _ in parts:
        middles.append((at + size / 2) * width / 100)
        at += size
    for size, weight, baseline in ((NUMBER, 600, 10.0), (NAME, 400, HEIGHT - 4.0)):
        texts = numbers if size == NUMBER else [name for name, _, _ in parts]
        wide = [measure(text, weight, size) for text in texts]  # type: ignore[arg-type]
        lefts = spread([middle - w / 2 for middle, w in zip(middles, wide, strict=True)], wide, width)
        for (_, _, role), text, left in zip(parts, texts, lefts, strict=True):
            shown = "muted" if size == NAME and role == "text" else role
            shapes.append(Label(left, baseline, text, size, shown, weight))  # type: ignore[arg-type]
    return tuple(shapes)


def spread(lefts: Sequence[float], widths: Sequence[float], room: float) -> list[float]:
    """The left edges, moved so that labels beside each other do not touch and stay within `room`."""
    moved = list(lefts)
    end = 0.0
    for number, width in enumerate(widths):
        moved[number] = max(moved[number], end)
        end = moved[number] + width + APART
    limit = room
    for number in range(len(moved) - 1, -1, -1):
        moved[number] = max(0.0, min(moved[number], limit - widths[number]))
        limit = moved[number] - APART
    return moved


def part_sample(part: str, width: float, height: float) -> tuple[Shape, ...]:
    """A patch that looks like a part of the glyph (`words.SCORE_PARTS`), for its legend."""
    match part:
        case "proven":
            return (Rect(0, 0, width, height, "ink"),)
        case "credited":
            return (Rect(0, 0, width, height, "inkmid"),)
        case "contradicted":
            frame = Rect(0.5, 0.5, width - 1, height - 1, edge="bad")
            return (*pieces.hatch(0, 0, width, height, step=3.0), frame)
        case _:
            return (Rect(0.5, 0.5, width - 1, height - 1, "surface", "edge"),)


def _lower(shape: Shape, by: float) -> Shape:
    """The shape moved down."""
    match shape:
        case Line():
            return replace(shape, y1=shape.y1 + by, y2=shape.y2 + by)
        case Polyline() | Polygon():
            return replace(shape, points=tuple((x, y + by) for x, y in shape.points))
        case Rect() | Circle() | Label():
            return replace(shape, y=shape.y + by)
