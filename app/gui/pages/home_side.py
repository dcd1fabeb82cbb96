"""Beside the list of assessments: the demo, where files may be dropped, and what was opened last."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.theme import BODY, SMALL, Theme
from app.gui.widgets.drop_zone import DropZone
from app.gui.widgets.labels import PlainLabel

WIDTH = 292


class HomeSide(QWidget):
    """`recent_chosen` brings the name of an assessment."""

    recent_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.zone = DropZone(theme)
        self.about_demo = PlainLabel(
            self.tr(
                "A recommender of an online shop, put under load on this machine and judged: half a minute."
            ),
            SMALL,
            tone="muted",
            wrap=True,
        )
        self.demo = QPushButton(self.tr("Try the demo"))
        self.demo.setAccessibleName(self.tr("Try the demo"))
        self._recents = QWidget()
        self._names = QVBoxLayout(self._recents)
        self._names.setContentsMargins(0, 0, 0, 0)
        self._names.setSpacing(2)
        self._names.addWidget(PlainLabel(self.tr("Opened last"), BODY, 600))
        demo = QVBoxLayout()
        demo.setSpacing(8)
        demo.addWidget(self.demo)
        demo.addWidget(self.about_demo)
        demo.addStretch(1)
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(20)
        self._layout.addWidget(self.zone)
        self._layout.addLayout(demo)
        self._layout.addWidget(self._recents)
        self._layout.addStretch(1)
        self._has_recents = self._upright = False
        self.stand(upright=True)
        self.show_recents(())

    def stand(self, *, upright: bool) -> None:
        """One below the other beside the list; or side by side under it, without what was opened last."""
        self._upright = upright
        directions = QBoxLayout.Direction
        self._layout.setDirection(directions.TopToBottom if upright else directions.LeftToRight)
        self.setMinimumWidth(WIDTH if upright else 0)
        self.setMaximumWidth(WIDTH if upright else 16_777_215)
        self.zone.setMinimumWidth(0 if upright else 360)
        self._recents.setVisible(self._has_recents and upright)

    def show_recents(self, names: Sequence[str]) -> None:
        """These were opened last."""
        while (item := self._names.takeAt(1)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for name in names:
            button = QPushButton(name if len(name) <= 36 else f"{name[:35]}…")
            button.setProperty("kind", "link")
            button.setAccessibleName(self.tr("Open {0}").replace("{0}", name))
            button.clicked.connect(lambda _=False, name=name: self.recent_chosen.emit(name))
            self._names.addWidget(button)
        self._has_recents = bool(names)
        self._recents.setVisible(self._has_recents and self._upright)
