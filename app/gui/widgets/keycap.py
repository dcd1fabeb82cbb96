"""A key, drawn as its cap."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.gui.theme import AXIS, Theme, font


class KeyCap(QWidget):
    """`Ctrl K` in a small frame; says nothing to a screen reader by itself."""

    def __init__(self, key: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key, self._theme = key, theme
        theme.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """The text and its frame."""
        metrics = QFontMetrics(font(AXIS))
        return QSize(max(18, metrics.horizontalAdvance(self._key) + 10), max(18, metrics.height() + 2))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws frame and text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        painter.setBrush(self._theme.colour("surface"))
        area = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.drawRoundedRect(area, 3, 3)
        painter.setPen(self._theme.colour("text"))
        painter.setFont(font(AXIS))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self._key)
