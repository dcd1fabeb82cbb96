"""A finding in place, with what can be done about it: a contradiction, a doubt, a proposal, a conflict."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.charts.shapes import Shape
from app.gui.theme import BODY, SMALL, Theme
from app.gui.widgets.chart_view import ShapesView
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.labels import PlainLabel

_GROUNDS = {"bad": "badbg", "warn": "warnbg", "accent": "accbg"}
_SIGN = 14


class VerdictNotice(QWidget):
    """A framed notice of kind `bad`, `warn` or `accent`, hidden until it has something to say."""

    def __init__(self, theme: Theme, buttons: Sequence[QPushButton], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._kind = theme, "bad"
        self.sign = ShapesView((), (_SIGN, _SIGN), theme)
        self.head = PlainLabel("", SMALL, 500, wrap=True)
        self.when = PlainLabel("", SMALL, tone="muted")
        self.when.setMinimumWidth(60)
        self.text = PlainLabel("", BODY, wrap=True, selectable=True)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.sign)
        top.addWidget(self.head, 1)
        top.addWidget(self.when)
        row = FlowLayout(across=8)
        for button in buttons:
            row.addWidget(button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 12, 16, 12)
        outer.setSpacing(8)
        outer.addLayout(top)
        outer.addWidget(self.text)
        outer.addLayout(row)
        theme.changed.connect(self.update)

    def show_finding(self, kind: str, sign: Sequence[Shape], head: str, text: str, when: str = "") -> None:
        """Says this from now on."""
        self._kind = kind
        self.sign.show_shapes(sign, (_SIGN, _SIGN))
        self.head.setText(head)
        self.head.set_tone(kind)
        self.text.setText(text)
        self.when.setText(when)
        self.setAccessibleName(f"{head}. {text}")
        self.setVisible(True)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws ground and frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour(self._kind), 1))
        painter.setBrush(self._theme.colour(_GROUNDS[self._kind]))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
