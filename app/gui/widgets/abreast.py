"""Two parts beside each other, or under each other where they would be too narrow."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.gui.theme import Theme

_BETWEEN = 32


class Abreast(QWidget):
    """`least` is the width (pixels at the usual size of type) from which they stand beside each other."""

    def __init__(self, first: QWidget, second: QWidget, theme: Theme, least: int) -> None:
        super().__init__()
        self._theme, self._least = theme, least
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(_BETWEEN)
        self._row.addWidget(first, 1)
        self._row.addWidget(second, 1)
        theme.changed.connect(self._place)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """There is room for both, or not."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        beside = self.width() >= self._least * self._theme.zoom / 100
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._row.setDirection(across if beside else down)
