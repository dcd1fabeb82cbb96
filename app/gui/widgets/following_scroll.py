"""A scroll area that follows the focus: a form that opens below the edge comes into view."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

MARGIN = 120
"""So much below and above comes into view too: the rest of the form."""


class FollowingScroll(QScrollArea):
    """Scrolls up and down only, and takes no focus itself."""

    def __init__(self, inside: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if inside is not None:
            self.setWidget(inside)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._follow)

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        if self._holds(now):
            # What has just been opened has its place after the next layout.
            QTimer.singleShot(0, self, self._show_focus)

    def _show_focus(self) -> None:
        now = QApplication.focusWidget()
        if now is not None and self._holds(now):
            self.ensureWidgetVisible(now, 0, MARGIN)

    def _holds(self, widget: QWidget | None) -> bool:
        inside = self.widget()
        return widget is not None and inside is not None and inside.isAncestorOf(widget)
