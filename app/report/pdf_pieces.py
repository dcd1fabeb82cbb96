"""The small pictures of the PDF report, in a line of text or in a box: states, bands, marks, scores."""

from __future__ import annotations

from collections.abc import Sequence

from app.charts import pieces
from app.charts.shapes import Shape
from app.report.model import Badge, Band, Mark, Score, Span
from app.report.pdf_flow import Box
from app.report.pdf_sheet import Sheet
from app.report.pdf_text import MIDDLE, Lines, break_lines
from app.report.pdf_words import SMALL, Piece, Run, Style, run_of, words_of
from app.report.score_bar import part_sample
from app.report.words import SCORE_PARTS, STATES

AFTER = 4.0
"""Room between a sign and its word."""
BETWEEN = 14.0
"""Room between the entries of a legend."""

NO_BREAK = "\u00a0"
BLANK = Run(" ", 0.0, 9.0, 400, "text")
"""A blank at which a line may break."""


def gap(width: float) -> Piece:
    """Room in a line."""
    return Piece(width, lambda _sheet, _x, _baseline: None)


def piece(shapes: Sequence[Shape], width: float, height: float, size: float, after: float = AFTER) -> Piece:
    """Shapes in a line, halfway up the capitals of text of `size`."""

    def draw(sheet: Sheet, x: float, baseline: float) -> None:
        sheet.shapes(shapes, x, baseline - MIDDLE * size - height / 2)

    return Piece(width + after, draw)


def badge_parts(badge: Badge, style: Style) -> list[Run | Piece]:
    """The sign of a state with its word, and how many where that is counted."""
    word, role = STATES[badge.state]
    text = word if badge.count is None else f"{badge.count:,} {word}"
    span = Span(text.replace(" ", NO_BREAK), role)
    size = style.size
    return [piece(pieces.verdict_badge(badge.state, size), size, size, size), run_of(span, style)]


def band_parts(band: Band, style: Style) -> list[Run | Piece]:
    """The meter of a band with its word."""
    width, height = 2.3 * style.size, 0.9 * style.size
    meter = piece(pieces.band_meter(band, width, height), width, height, style.size, after=6.0)
    return [meter, Run(band, 0.0, style.size, 500, "text")]


def mark_parts(mark: Mark, style: Style) -> list[Run | Piece]:
    """The shape of a pillar."""
    size = style.size
    return [piece(pieces.pillar_mark(mark.shape, size), size, size, size, after=0.0)]


class Picture(Box):
    """Shapes in a box of their own."""

    def __init__(self, shapes: Sequence[Shape], height: float, lower: float = 0.0) -> None:
        """`lower` moves the shapes down in the box."""
        self.shapes, self.height, self.lower = tuple(shapes), height, lower

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw the shapes."""
        sheet.shapes(self.shapes, x, top + self.lower)


def small_score(score: Score, width: float, leading: float) -> Picture:
    """A score as a glyph of one line of a table; its outline where there is none."""
    height = min(leading, 13.0)
    if score.refused is not None:
        shapes = pieces.refused_glyph(width, height)
    else:
        parts = (score.proven, score.supported, score.claimed, score.contradicted)
        shapes = pieces.score_glyph(*parts, width, height)
    return Picture(shapes, leading, (leading - height) / 2)


def legend(width: float) -> Lines:
    """What the parts of the small glyph mean."""
    parts: list[Run | Piece] = []
    for key, word in SCORE_PARTS:
        parts.append(piece(part_sample(key, 14.0, 7.5), 14.0, 7.5, SMALL.size, after=5.0))
        parts += [run_of(Span(word.replace(" ", NO_BREAK)), SMALL), BLANK, gap(BETWEEN)]
    for words in ("upright bar: score", "marks: 40, 60, 80"):
        parts += [run_of(Span(words.replace(" ", NO_BREAK)), SMALL), BLANK, gap(BETWEEN)]
    return Lines(break_lines(words_of(parts[:-2]), width), SMALL, width)
