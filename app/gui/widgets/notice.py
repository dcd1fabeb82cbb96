"""What went wrong, in place: what happened, what to do, and details that can be copied. Never a dialog."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.executor import Failure
from app.gui.theme import BODY, Theme
from app.gui.widgets.labels import PlainLabel


class Notice(QWidget):
    """A notice of kind `bad` or `warn`, hidden until it has something to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._kind = "bad"
        self._details = ""
        self.text = PlainLabel("", BODY, wrap=True, selectable=True)
        self.copy = QPushButton(self.tr("Copy details"))
        self.copy.setProperty("kind", "link")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details))
        self.dismiss = QPushButton(self.tr("Dismiss"))
        self.dismiss.setProperty("kind", "link")
        self.dismiss.clicked.connect(self.hide)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.text, 1)
        row.addWidget(self.copy)
        row.addWidget(self.dismiss)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(32, 10, 32, 10)
        outer.addLayout(row)
        theme.changed.connect(self.update)

    def show_failure(self, failure: Failure) -> None:
        """What could not be done."""
        self._details = failure.details
        self._show(failure.sentence, "bad")
        self.copy.setVisible(True)

    def show_text(self, text: str, kind: str = "warn", details: str = "") -> None:
        """A sentence of our own."""
        self._details = details
        self._show(text, kind)
        self.copy.setVisible(bool(details))

    def _show(self, text: str, kind: str) -> None:
        self._kind = kind
        self.text.setText(text)
        self.setAccessibleName(text)
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the ground and its edge."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour(f"{self._kind}bg"))
        painter.setPen(QPen(self._theme.colour(self._kind), 1))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
