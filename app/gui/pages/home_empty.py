"""What stands on the start page while there is no assessment: what one is, and the first step."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.theme import BODY, QUESTION
from app.gui.widgets.labels import PlainLabel

_WIDTH = 560


class HomeEmpty(QWidget):
    """Three sentences, and the buttons `new` and `demo`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.new = QPushButton(self.tr("New assessment"))
        self.new.setProperty("kind", "primary")
        self.new.setAccessibleName(self.tr("New assessment"))
        self.demo = QPushButton(self.tr("Try the demo"))
        self.demo.setAccessibleName(self.tr("Try the demo"))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.new)
        row.addWidget(self.demo)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(PlainLabel(self.tr("No assessment yet"), QUESTION, 600))
        for text in (
            self.tr(
                "An assessment answers one question: how much further will this system scale, what breaks "
                "first, and how do you know?"
            ),
            self.tr(
                "Give it a name, put the system under load from here, and answer the checklist. Every answer "
                "is held against what was measured."
            ),
            self.tr(
                "The demo does all of it in half a minute, with a service that comes along, on this machine."
            ),
        ):
            label = PlainLabel(text, BODY, wrap=True)
            label.setMaximumWidth(_WIDTH)
            layout.addWidget(label)
        layout.addLayout(row)
        layout.addStretch(1)
