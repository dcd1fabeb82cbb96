"""A row that can be pressed: a sign, a line, a muted line below it, and what stands at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.charts.shapes import Shape
from app.gui.painting import paint
from app.gui.texts import plain_tip
from app.gui.theme import BODY, SMALL, Theme, font

_SIGN = 13
_HIGH = 56


class RowButton(QAbstractButton):
    """As wide as there is room. Both lines end in `…` where they are too long; the tool tip has all."""

    def __init__(  # noqa: PLR0917
        self,
        theme: Theme,
        sign: Sequence[Shape],
        title: str,
        below: str,
        right: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._sign = theme, tuple(sign)
        self.title, self.below, self.right = title, below, right
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{right}: {title}. {below}")
        self.setToolTip(plain_tip(f"{title}\n{below}"))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Two lines."""
        return QSize(280, _HIGH)

    def minimumSizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Room for a few words."""
        return QSize(160, _HIGH)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.underMouse() or self.isDown():
            painter.fillRect(area, self._theme.colour("bg"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), self._theme.colour("line"))
        painter.save()
        painter.translate(2, 11)
        paint(painter, self._sign, self._theme)
        painter.restore()
        left = _SIGN + 12
        right = QFontMetrics(font(SMALL)).horizontalAdvance(self.right)
        self._line(painter, self.right, SMALL, 400, "muted", area.width() - right - 2, 8, right + 2)
        self._line(painter, self.title, BODY, 500, "text", left, 8, area.width() - left - right - 14)
        self._line(painter, self.below, SMALL, 400, "muted", left, 29, area.width() - left - 4)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -2), 4, 4)

    def _line(  # noqa: PLR0917
        self,
        painter: QPainter,
        text: str,
        size: float,
        weight: int,
        role: str,
        x: float,
        y: float,
        width: float,
    ) -> None:
        painter.setFont(font(size, weight))
        painter.setPen(self._theme.colour(role))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(0, int(width)))
        painter.drawText(QRectF(x, y, width, 20), Qt.AlignmentFlag.AlignVCenter, shown)
