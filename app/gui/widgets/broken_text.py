"""Texts of rows in at most two lines: where they break, how many lines they take, and how they are drawn."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QTextLayout, QTextOption

from app.charts.shapes import Weight
from app.gui.painting import measure
from app.gui.theme import font

LINES = 2
"""A row never takes more: the whole text is its tool tip."""
_PAD = 12
"""Pixels above and below the lines of a row together."""
_KEPT = (2.0, 1.8, 1.6, 1.4, 1.2, 1.0)
"""Widths that are tried for the end of a text whose beginning is left out: it may break early."""
_LEFT = Qt.AlignmentFlag.AlignLeft


def broken(text: str, shown: QFont, width: int, *, end_counts: bool = False) -> list[str]:
    """The text in one or two lines of a width in pixels; what does not fit is left out behind `…`.

    With `end_counts` its beginning is left out instead, as of a path whose line number matters.
    """
    metrics = QFontMetrics(shown)
    if width <= 0 or metrics.horizontalAdvance(text) <= width:
        return [text]
    if not end_counts:
        return _in_two(text, shown, width)
    # A number stays with the word before it, as in "line 15".
    text = "\N{NO-BREAK SPACE}".join(text.rsplit(" ", 1))
    for share in _KEPT:
        lines = _in_two(
            metrics.elidedText(text, Qt.TextElideMode.ElideLeft, round(share * width)), shown, width
        )
        if not lines[-1].endswith("…"):
            break
    return lines


def _in_two(text: str, shown: QFont, width: int) -> list[str]:
    layout = QTextLayout(text, shown)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    first = layout.createLine()
    first.setLineWidth(width)
    layout.endLayout()
    at = first.textLength()
    rest = QFontMetrics(shown).elidedText(text[at:].strip(), Qt.TextElideMode.ElideRight, width)
    return [text[:at].strip(), rest] if rest else [text[:at].strip()]


def row_height(text: str, weight: Weight, size: float, width: int, least: int) -> int:
    """The height in pixels of a row that shows the text in a width: `least`, or what two lines take."""
    lines = LINES if ceil(measure(text, weight, size)) > width > 0 else 1
    return max(least, lines * QFontMetrics(font(size, weight)).lineSpacing() + _PAD)


def draw_broken(
    painter: QPainter,
    area: QRect,
    text: str,
    align: Qt.AlignmentFlag = _LEFT,
    *,
    end_counts: bool = False,
) -> None:
    """Draws the text with the painter's font, its lines together in the middle of the area."""
    lines = broken(text, painter.font(), area.width(), end_counts=end_counts)
    high = painter.fontMetrics().lineSpacing()
    top = area.top() + (area.height() - high * len(lines)) // 2
    side = align & Qt.AlignmentFlag.AlignHorizontal_Mask
    for place, line in enumerate(lines):
        row = QRect(area.left(), top + place * high, area.width(), high)
        painter.drawText(row, side | Qt.AlignmentFlag.AlignVCenter, line)
