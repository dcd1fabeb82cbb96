"""What a page shows that has nothing yet: what it will answer, what that takes, and the one first step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.gui.theme import BODY, QUESTION, SMALL
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.labels import PlainLabel

_WIDTH = 560


class EmptyPage(QWidget):
    """A title, some sentences and buttons, the first of them primary."""

    def __init__(
        self, buttons: Sequence[tuple[str, Callable[[], object]]], parent: QWidget | None = None
    ) -> None:
        """`buttons` are words and what they do."""
        super().__init__(parent)
        self.title = PlainLabel("", QUESTION, 600, wrap=True)
        self.text = PlainLabel("", BODY, tone="muted", wrap=True)
        self.more = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.buttons: list[QPushButton] = []
        row = QWidget()
        flow = FlowLayout(row, across=12)
        for place, (word, does) in enumerate(buttons):
            button = QPushButton(word)
            if place == 0:
                button.setProperty("kind", "primary")
            button.clicked.connect(lambda _=False, does=does: does())
            flow.addWidget(button)
            self.buttons.append(button)
        inside = QWidget()
        inside.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for part in (self.title, self.text, row, self.more):
            column.addWidget(part)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(32, 64, 32, 32)
        outer.addWidget(inside)
        outer.addStretch(1)

    def say(self, title: str, text: str, more: str = "") -> None:
        """What it will answer, what it takes, and a remark below the buttons."""
        self.title.setText(title)
        self.text.setText(text)
        self.more.setText(more)
        self.more.setVisible(bool(more))
        self.setAccessibleName(title)
