"""A strip across a page: what just happened, one link, and how to be rid of it. Long texts wrap."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.gui.icons import pixmap
from app.gui.painting import measure
from app.gui.texts import plain_tip
from app.gui.theme import BODY, Theme
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel

_MOST = 1_000
"""The text takes all the room that it needs before the gap behind the link takes any."""
_GROUNDS = {"accent": "accbg", "warn": "warnbg"}


class Strip(QWidget):
    """Hidden until it has something to say. `asked` is the link, `dismissed` the cross."""

    asked = Signal()
    dismissed = Signal()

    def __init__(self, icon: str, theme: Theme, kind: str = "accent", *, can_dismiss: bool = True) -> None:
        super().__init__()
        self._theme, self._icon, self._kind = theme, icon, kind
        self._sign = QLabel()
        self.text = PlainLabel("", BODY, wrap=True)
        self.text.setMinimumWidth(40)
        self.link = QPushButton("")
        self.link.setProperty("kind", "link")
        self.link.clicked.connect(self.asked)
        self.dismiss = QPushButton(self.tr("dismiss"))
        self.dismiss.setProperty("kind", "link")
        self.dismiss.clicked.connect(self._dismiss)
        cap = KeyCap("Esc", theme)
        # Never shown here: without a parent they would be windows of their own.
        if not can_dismiss:
            self.dismiss.hide()
            cap.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(32, 6, 32, 6)
        row.setSpacing(10)
        row.addWidget(self._sign)
        row.addWidget(self.text, _MOST)
        row.addWidget(self.link)
        row.addStretch(1)
        row.addWidget(cap)
        row.addWidget(self.dismiss)
        self.setMinimumHeight(36)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()
        self._tint()
        theme.changed.connect(self._tint)
        theme.changed.connect(self._fit)

    def say(self, text: str, link: str = "") -> None:
        """Shows a sentence, and what the link does."""
        self.text.setText(text)
        self.text.setToolTip(plain_tip(text))
        self._fit()
        self.link.setText(link)
        self.link.setVisible(bool(link))
        self.setAccessibleName(text)
        self.show()

    def _fit(self) -> None:
        """The text is no wider than its line, so that the link stands right behind it."""
        self.text.setMaximumWidth(ceil(measure(self.text.text(), 400, BODY)) + 2)

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()

    def _tint(self) -> None:
        role = "warn" if self._kind == "warn" else "accent"
        self._sign.setPixmap(pixmap(self._icon, self._theme, role, 16))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour(_GROUNDS[self._kind]))
