"""Why there is no store, what to do, and the ways out; nothing of it is changed unless a person says so."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.executor import Failure
from app.gui.theme import BODY, SECTION, Theme
from app.gui.widgets.labels import PlainLabel


class StoreTrouble(QWidget):
    """Hidden until the store cannot be opened."""

    again = Signal()
    another = Signal()
    anew = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._details = theme, ""
        self.head = PlainLabel(self.tr("The store cannot be opened"), SECTION, 600)
        self.text = PlainLabel("", BODY, wrap=True, selectable=True)
        self.more = PlainLabel("", BODY, wrap=True)
        self.again_button = _button(self.tr("Try again"))
        self.another_button = _button(self.tr("Open another store…"))
        self.anew_button = _button(self.tr("Move it away and begin anew"))
        self.anew_button.setProperty("kind", "danger")
        self.copy = _button(self.tr("Copy details"))
        self.copy.setProperty("kind", "link")
        self.again_button.clicked.connect(self.again)
        self.another_button.clicked.connect(self.another)
        self.anew_button.clicked.connect(self.anew)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details))
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.again_button, self.another_button, self.anew_button):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.copy)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 16, 16)
        outer.setSpacing(8)
        outer.addWidget(self.head)
        outer.addWidget(self.text)
        outer.addWidget(self.more)
        outer.addLayout(row)
        self.hide()
        theme.changed.connect(self.update)

    def show_failure(self, failure: Failure, *, is_damaged: bool) -> None:
        """Says why; only a damaged file is offered to be moved away."""
        self._details = failure.details
        self.text.setText(failure.sentence[:1].upper() + failure.sentence[1:] + ".")
        self.more.setVisible(is_damaged)
        self.more.setText(
            self.tr(
                "Moving it away renames the file and deletes nothing: it may still be repaired, and "
                "an empty store takes its place."
            )
        )
        self.anew_button.setVisible(is_damaged)
        self.setAccessibleName(f"{self.head.text()}. {self.text.text()}")
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws ground and frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("bad"), 1))
        painter.setBrush(self._theme.colour("badbg"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(text)
    return button
