"""A question's choices, the highest on top, each with its live state and the number that decides it.

On a ladder one level is the answer; the rail at the left is solid up to what is proven. Of a question with
risk rules any choices may be true: they are check boxes in the order of the lens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.charts.pieces import State, proposed_badge, verdict_badge
from app.charts.shapes import Circle, Line, Polyline, Rect, Shape
from app.gui.painting import paint
from app.gui.theme import AXIS, BODY, SMALL, Theme, font

RAIL = 44
"""Width of the rail's column."""
_SIGN, _SMALL_SIGN = 18, 12
_CAP = 18
_PAD = 10
_LEAST = 56
_WRAP = Qt.TextFlag.TextWordWrap
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
_TALL = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """One level as it is drawn. `sign` and `word` are its state, `decided` what decides it, `cap` its key.

    `is_solid_below` says that what lies below it is proven up to it, `is_refuted_below` that the claim passes
    a contradiction there; `mark` stands under the text, such as "your answer".
    """

    key: str
    cap: str
    text: str
    sign: State | None
    word: str
    role: str
    decided: str
    is_chosen: bool = False
    is_proposed: bool = False
    mark: str = ""
    rail: str = "claimed"
    is_first: bool = False
    is_last: bool = False
    is_solid_above: bool = False
    is_solid_below: bool = False
    is_refuted_above: bool = False
    is_refuted_below: bool = False
    is_box: bool = False


class LevelRow(QAbstractButton):
    """One level."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.level: Shown | None = None
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_level(self, level: Shown) -> bool:
        """Draws this level from now on; returns whether that changes anything."""
        if level == self.level:
            return False
        self.level = level
        self.setChecked(level.is_chosen)
        parts = [level.text, level.mark, level.word, level.decided]
        said = ", ".join(part for part in parts if part)
        name = said if level.is_box else self.tr("Level {0}: {1}").replace("{0}", level.cap)
        self.setAccessibleName(name.replace("{1}", said))
        self.update()
        return True

    def nextCheckState(self) -> None:  # noqa: N802, Qt's name
        """What is chosen follows the answer, not the click."""

    # -- room ----------------------------------------------------------------------------------------------

    def _columns(self, width: int) -> tuple[int, int, int, int]:
        """Left and width of the text, left and width of the state."""
        left = RAIL + 42
        inner = width - left - 14
        if self.level is not None and not self.level.word and not self.level.decided:
            return left, inner, left + inner, 0
        state = max(150, round(inner * 0.42))
        return left, inner - state - 16, left + inner - state, state

    def _text_font_weight(self) -> int:
        return 600 if self.level is not None and self.level.is_chosen else 400

    def height_for(self, width: int) -> int:
        """The height in which everything has room."""
        level = self.level
        if level is None:
            return _LEAST
        _, text_width, _, state_width = self._columns(width)
        left = _height(level.text, text_width, BODY, self._text_font_weight())
        if level.mark:
            left += _height(level.mark, text_width, SMALL, 500)
        right = _height(level.word, state_width - 20, SMALL, 500) if level.word else 0
        if level.decided:
            right += 3 + _height(level.decided, state_width, SMALL, 400)
        return max(_LEAST, max(left, right) + 2 * _PAD)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Wide enough to be read."""
        return QSize(480, self.height_for(480))

    # -- drawing -------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws rail, frame, text and state."""
        level = self.level
        if level is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._frame(painter, level)
        middle = self.height() / 2
        if level.is_box:
            self._box(painter, level, middle)
        else:
            self._rail(painter, level, middle)
            self._cap(painter, level, middle)
        text_left, text_width, state_left, state_width = self._columns(self.width())
        self._text(painter, level, text_left, text_width)
        self._state(painter, level, state_left, state_width)

    def _frame(self, painter: QPainter, level: Shown) -> None:
        theme = self._theme
        area = QRectF(self.rect()).adjusted(RAIL + 0.5, 0.5, -0.5, -0.5)
        if level.is_chosen or level.is_proposed:
            pen = QPen(theme.colour("accent"), 1)
            if level.is_proposed:
                pen.setDashPattern([2, 3])
            painter.setPen(pen)
            painter.setBrush(theme.colour("accbg") if level.is_chosen else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 4, 4)
        else:
            if self.underMouse():
                painter.fillRect(area, theme.colour("bg"))
            if not level.is_last:
                painter.fillRect(RAIL, self.height() - 1, self.width() - RAIL, 1, theme.colour("line"))
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(2, 2, -2, -2), 4, 4)

    def _rail(self, painter: QPainter, level: Shown, middle: float) -> None:
        x, half, end = RAIL / 2, _SIGN / 2, float(self.height())
        shapes: list[Shape] = []
        if not level.is_first:
            shapes.append(_segment(x, 0, middle - half, level.is_solid_above, level.is_refuted_above))
        if not level.is_last:
            shapes.append(_segment(x, middle + half, end, level.is_solid_below, level.is_refuted_below))
        paint(painter, shapes, self._theme)
        painter.save()
        painter.translate(x - half, middle - half)
        if level.is_proposed:
            paint(painter, proposed_badge(_SIGN), self._theme)
        elif level.rail == "dot":
            paint(painter, (Circle(half, half, half - 2, fill="ink"),), self._theme)
        else:
            paint(painter, verdict_badge(level.rail, _SIGN), self._theme)  # type: ignore[arg-type]
        painter.restore()

    def _cap(self, painter: QPainter, level: Shown, middle: float) -> None:
        if not level.cap:
            return
        area = QRectF(RAIL + 12.5, middle - _CAP / 2 + 0.5, _CAP - 1, _CAP - 1)
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        painter.setBrush(self._theme.colour("surface"))
        painter.drawRoundedRect(area, 3, 3)
        painter.setPen(self._theme.colour("text"))
        painter.setFont(font(AXIS))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, level.cap)

    def _box(self, painter: QPainter, level: Shown, middle: float) -> None:
        side = 16.0
        shapes: list[Shape] = [
            Rect(0.5, 0.5, side - 1, side - 1, "accent" if level.is_chosen else "surface", "edge", 1, 3)
        ]
        if level.is_chosen:
            shapes.append(Polyline(((3.6, 8.2), (6.8, 11.2), (12.4, 5.0)), "onaccent", 2))
        painter.save()
        painter.translate(RAIL + 13, middle - side / 2)
        paint(painter, shapes, self._theme)
        painter.restore()
        if level.cap:
            area = QRectF(RAIL / 2 - _CAP / 2 + 0.5, middle - _CAP / 2 + 0.5, _CAP - 1, _CAP - 1)
            painter.setPen(QPen(self._theme.colour("edge"), 1))
            painter.setBrush(self._theme.colour("surface"))
            painter.drawRoundedRect(area, 3, 3)
            painter.setPen(self._theme.colour("text"))
            painter.setFont(font(AXIS))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, level.cap)

    def _text(self, painter: QPainter, level: Shown, left: int, width: int) -> None:
        weight = self._text_font_weight()
        high = _height(level.text, width, BODY, weight)
        mark = _height(level.mark, width, SMALL, 500) if level.mark else 0
        top = (self.height() - high - mark) // 2
        painter.setFont(font(BODY, weight))
        painter.setPen(self._theme.colour("text"))
        painter.drawText(QRect(left, top, width, high + 2), int(_LEFT | _WRAP), level.text)
        if level.mark:
            painter.setFont(font(SMALL, 500))
            painter.setPen(self._theme.colour("accent"))
            painter.drawText(QRect(left, top + high, width, mark + 2), int(_LEFT | _WRAP), level.mark)

    def _state(self, painter: QPainter, level: Shown, left: int, width: int) -> None:
        if not level.word and not level.decided:
            return
        word_high = _height(level.word, width - 20, SMALL, 500) if level.word else 0
        told_high = _height(level.decided, width, SMALL, 400) if level.decided else 0
        top = (self.height() - word_high - told_high - (3 if told_high else 0)) // 2
        if level.word:
            painter.setFont(font(SMALL, 500))
            painter.setPen(self._theme.colour(level.role))
            area = QRect(left, top, width, word_high + 2)
            painter.drawText(area, int(_RIGHT), level.word)
            if level.sign is not None:
                wide = painter.fontMetrics().horizontalAdvance(level.word)
                painter.save()
                painter.translate(left + width - wide - _SMALL_SIGN - 6, top + (word_high - _SMALL_SIGN) / 2)
                paint(painter, verdict_badge(level.sign, _SMALL_SIGN), self._theme)
                painter.restore()
        if level.decided:
            painter.setFont(font(SMALL))
            painter.setPen(self._theme.colour("muted"))
            area = QRect(left, top + word_high + 3, width, told_high + 2)
            painter.drawText(area, int(_RIGHT | _WRAP), level.decided)


def _segment(x: float, top: float, bottom: float, is_solid: bool, is_refuted: bool) -> Line:
    if is_solid:
        return Line(x, top, x, bottom, "ink", 3)
    return Line(x, top, x, bottom, "bad" if is_refuted else "edge", 1.5, (2, 3))


def _height(text: str, width: int, size: float, weight: int) -> int:
    box = QRect(0, 0, max(40, width), _TALL)
    return QFontMetrics(font(size, weight)).boundingRect(box, int(_LEFT | _WRAP), text).height()


class Ladder(QWidget):
    """All levels. `chosen` brings the key of the one that was clicked, or chosen by the space bar."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[LevelRow] = []
        self._count = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_levels(self, levels: Sequence[Shown]) -> None:
        """Draws these, from the top down."""
        while len(self.rows) < len(levels):
            row = LevelRow(self._theme, self)
            row.clicked.connect(lambda _=False, row=row: self.chosen.emit(row.level.key))
            self.rows.append(row)
        changed = self._count != len(levels)
        self._count = len(levels)
        for place, row in enumerate(self.rows):
            row.setVisible(place < len(levels))
            if place < len(levels):
                changed = row.show_level(levels[place]) or changed
        if changed:
            self._arrange()

    @property
    def levels(self) -> list[LevelRow]:
        """The rows that are shown, from the top down."""
        return self.rows[: self._count]

    def _arrange(self) -> None:
        top = 0
        for row in self.levels:
            high = row.height_for(self.width())
            row.setGeometry(0, top, self.width(), high)
            top += high
        if top != self.height() or self.minimumHeight() != top:
            self.setFixedHeight(top)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """As high as its rows."""
        return QSize(480, self.height())

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Texts break anew."""
        self._arrange()
