"""A page that scrolls downwards when it is higher than its window; lines that wrap are counted in."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class PageScroll(QScrollArea):
    """Shows `body` as wide as there is room, and at least as high as its layout needs at that width.

    A scroll area asks a layout for its least height without a width, and so squeezes what wraps.
    """

    def __init__(self, body: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(body)
        body.installEventFilter(self)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """The width may be another."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, Qt's name
        """Something in the body needs another height."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        body = self.widget()
        layout = None if body is None else body.layout()
        if body is None or layout is None:
            return
        width = self.viewport().width()
        needed = layout.minimumSize().height()
        if layout.hasHeightForWidth():
            needed = max(needed, layout.minimumHeightForWidth(width))
        if body.minimumHeight() != needed:
            body.setMinimumHeight(needed)
