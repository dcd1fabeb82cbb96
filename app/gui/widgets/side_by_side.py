"""Two parts of a page: beside each other where there is room, each scrolling by itself, else stacked.

What stands at the side so stays in view while the main part scrolls.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

WIDE = 1200 - 209
"""The width of a page in a window of 1200 pixels."""
MARGINS = (32, 24, 32, 24)
_BETWEEN, _INSET = 24, 16


class SideBySide(QWidget):
    """`main` and `side`, the latter `width` pixels wide where it stands beside."""

    def __init__(self, main: QWidget, side: QWidget, width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side = side
        self._width = width
        self._is_wide: bool | None = None
        _, top, right, bottom = MARGINS
        body = self._body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(*MARGINS)
        self._column.setSpacing(_BETWEEN)
        self._column.addWidget(main)
        self.area = scrolled(body)
        holder = self._holder = QWidget()
        self._beside = QVBoxLayout(holder)
        self._beside.setContentsMargins(_INSET, top, right, bottom)
        self.side_area = scrolled(holder)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.area, 1)
        row.addWidget(self.side_area)
        self._place(is_wide=True)

    def show_side(self) -> None:
        """Scrolls to the side, where it stands under the main part."""
        self.area.ensureWidgetVisible(self.side)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """There is room for both, or not."""
        super().resizeEvent(event)
        self._place(is_wide=self.width() >= WIDE)
        layout = self._body.layout()
        if layout is not None:
            layout.activate()

    def _place(self, *, is_wide: bool) -> None:
        if is_wide == self._is_wide:
            return
        self._is_wide = is_wide
        (self._column if is_wide else self._beside).removeWidget(self.side)
        (self._beside if is_wide else self._column).addWidget(self.side)
        self.side.show()
        self.side_area.setVisible(is_wide)
        self.side_area.setFixedWidth(_INSET + self._width + MARGINS[2])
        left, top, right, bottom = MARGINS
        self._column.setContentsMargins(left, top, _INSET if is_wide else right, bottom)


def scrolled(body: QWidget) -> QScrollArea:
    """A page that scrolls downwards only, without a frame."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(body)
    return area
