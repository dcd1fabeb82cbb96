"""Pieces of a running probe: its parts in a row, the interval of a preview, a bar of use, a word in a box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.charts.pieces import close_mark, verdict_badge
from app.charts.ticks import nice_ticks
from app.gui.painting import measure, paint
from app.gui.theme import AXIS, BODY, SMALL, Theme, font
from app.gui.widgets.labels import PlainLabel

CLOSE = 0.85
"""From this share on a resource is close to its limit."""


class Tag(QWidget):
    """A word in capitals in a small box: PREVIEW, POST."""

    def __init__(self, text: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._theme = text, theme
        theme.changed.connect(self.update)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Another word."""
        self._text = text
        self.setAccessibleName(text)
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """The word and its frame."""
        return QSize(round(QFontMetricsF(font(AXIS, 500)).horizontalAdvance(self._text)) + 14, 18)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        area = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.drawRoundedRect(area, 3, 3)
        painter.setFont(font(AXIS, 500))
        painter.setPen(self._theme.colour("muted"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self._text)


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the run in the row: its name, a muted remark, and whether it is over, on, or to come."""

    name: str
    remark: str
    state: Literal["done", "on", "to come"]


class PhaseRow(QWidget):
    """Warm-up, ladder, rates, result: what is done, what is on, what is to come. Remarks give way first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._stages: tuple[Stage, ...] = ()
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_stages(self, stages: Sequence[Stage]) -> None:
        """Draws these."""
        if tuple(stages) == self._stages:
            return
        self._stages = tuple(stages)
        said = (f"{stage.name} {stage.remark} {stage.state}".replace("  ", " ") for stage in stages)
        self.setAccessibleName(", ".join(said))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        remarks = self._needed(remarks=True) <= self.width()
        x, middle = 0.0, self.height() / 2
        for at, stage in enumerate(self._stages):
            painter.save()
            painter.translate(x, middle - 6)
            self._sign(painter, stage)
            painter.restore()
            x += 20
            weight = 600 if stage.state == "on" else 400
            painter.setFont(font(BODY, weight))
            painter.setPen(self._theme.colour("muted" if stage.state == "to come" else "text"))
            painter.drawText(QPointF(x, middle + 4.5), stage.name)
            x += measure(stage.name, weight, BODY) + 8
            if remarks and stage.remark:
                painter.setFont(font(SMALL))
                painter.setPen(self._theme.colour("muted"))
                painter.drawText(QPointF(x, middle + 4.5), stage.remark)
                x += measure(stage.remark, 400, SMALL) + 8
            if at + 1 < len(self._stages):
                done = stage.state == "done"
                pen = QPen(self._theme.colour("ok" if done else "edge"), 1.25)
                if not done:
                    pen.setDashPattern([1.5, 2.5])
                painter.setPen(pen)
                painter.drawLine(QLineF(x + 2, middle, x + 28, middle))
                x += 38

    def _needed(self, *, remarks: bool) -> float:
        width = 0.0
        for stage in self._stages:
            width += 28 + measure(stage.name, 600, BODY) + 38
            if remarks and stage.remark:
                width += measure(stage.remark, 400, SMALL) + 8
        return width - 38

    def _sign(self, painter: QPainter, stage: Stage) -> None:
        if stage.state == "on":
            painter.setPen(QPen(self._theme.colour("accent"), 1.25))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(6, 6), 5.4, 5.4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("accent"))
            painter.drawEllipse(QPointF(6, 6), 2.8, 2.8)
        else:
            paint(
                painter, verdict_badge("verified" if stage.state == "done" else "unanswered", 12), self._theme
            )


class IntervalBar(QWidget):
    """An estimate on an axis of its own, with its interval as a band."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._value: tuple[float, float, float] | None = None
        self._is_grey = False
        self.setFixedHeight(38)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_estimate(self, value: float, low: float, high: float, *, grey: bool = False) -> None:
        """Draws this one."""
        self._value = (value, min(low, value), max(high, value))
        self._is_grey = grey
        self.update()

    def clear(self) -> None:
        """Draws nothing."""
        self._value = None
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws band, mark, axis and ticks."""
        if self._value is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        value, low, high = self._value
        room = max((high - low) * 0.45, value * 0.04, 1e-9)
        start, end = max(0.0, low - room), high + room

        def x(at: float) -> float:
            return 2 + (at - start) / (end - start) * (self.width() - 4)

        band, mark = ("sunk", "edge") if self._is_grey else ("band", "s1")
        painter.fillRect(QRectF(x(low), 6, max(1.0, x(high) - x(low)), 8), self._theme.colour(band))
        painter.fillRect(QRectF(x(value) - 1, 3, 2, 14), self._theme.colour(mark))
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        painter.drawLine(QLineF(2, 18.5, self.width() - 2, 18.5))
        painter.setFont(font(AXIS))
        right = -1.0
        for at, text in nice_ticks(start, end, 3):
            width = measure(text, 400, AXIS)
            left = min(max(0.0, x(at) - width / 2), self.width() - width)
            painter.setPen(QPen(self._theme.colour("edge"), 1))
            painter.drawLine(QLineF(x(at), 18, x(at), 21))
            if left > right + 6:
                painter.setPen(self._theme.colour("muted"))
                painter.drawText(QPointF(left, 33), text)
                right = left + width


class Meter(QWidget):
    """A name, a number and, where a limit is known, a bar of its use, with a triangle when it is close."""

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._theme = name, theme
        self._text, self._share, self._below = "–", None, ""  # type: tuple[str, float | None, str]
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self.show_value("–")

    def show_value(self, text: str, share: float | None = None, below: str = "") -> None:
        """The number in words, its share of the limit (0 to 1), and a muted line below."""
        if share is not None:
            share = max(0.0, share)
        self._text, self._share, self._below = text, share, below
        self.setFixedHeight(24 + (8 if share is not None else 0) + (17 if below else 0))
        close = ", close to its limit" if share is not None and share >= CLOSE else ""
        self.setAccessibleName(f"{self._name} {text}{close}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(BODY))
        painter.setPen(self._theme.colour("text"))
        painter.drawText(QPointF(0, 16), self._name)
        width = measure(self._text, 400, BODY)
        painter.drawText(QPointF(self.width() - width, 16), self._text)
        y = 22.0
        if self._share is not None:
            if self._share >= CLOSE:
                painter.save()
                painter.translate(self.width() - width - 20, 5)
                paint(painter, close_mark(13), self._theme)
                painter.restore()
            painter.fillRect(QRectF(0, y, self.width(), 6), self._theme.colour("sunk"))
            painter.fillRect(QRectF(0, y, self.width() * min(1.0, self._share), 6), self._theme.colour("ink"))
            y += 8
        if self._below:
            painter.setFont(font(SMALL))
            painter.setPen(self._theme.colour("muted"))
            shown = painter.fontMetrics().elidedText(self._below, Qt.TextElideMode.ElideMiddle, self.width())
            painter.drawText(QPointF(0, y + 12), shown)


class Badge(QWidget):
    """A sign with its word in the sign's colour."""

    _TONES: ClassVar[Mapping[str, str]] = {
        "verified": "ok",
        "partly": "ok",
        "challenged": "warn",
        "contradicted": "bad",
        "understated": "accent",
    }

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sign, self._word = "unanswered", ""
        self.setFixedHeight(20)
        theme.changed.connect(self.update)

    def show_state(self, sign: str, word: str) -> None:
        """Another state."""
        self._sign, self._word = sign, word
        self.setAccessibleName(word)
        self.setFixedWidth(round(measure(word, 400, BODY)) + 21)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws sign and word."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.translate(0, 4)
        paint(painter, verdict_badge(self._sign, 12), self._theme)  # type: ignore[arg-type]
        painter.restore()
        painter.setFont(font(BODY))
        painter.setPen(self._theme.colour(self._TONES.get(self._sign, "muted")))
        painter.drawText(QPointF(19, 14.5), self._word)


def heading(text: str) -> PlainLabel:
    """The name of a group of numbers."""
    return PlainLabel(text, BODY, 600)
