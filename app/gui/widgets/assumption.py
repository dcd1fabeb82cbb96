"""An assumption that can be changed: a field, a slider under it, and where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import BODY, SMALL, Theme
from app.gui.widgets.labels import PlainLabel

FIELD = 112
_RING = 6.5


@dataclass(frozen=True, slots=True)
class Scale:
    """From where to where a value may go, in which steps, with how many decimals and which unit."""

    low: float
    high: float
    step: float
    decimals: int = 0
    unit: str = ""


class ValueSlider(QSlider):
    """A slider as a line with a ring on it, filled up to the ring."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self.setFixedHeight(24)
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws it where the style says that the handle is, so that the pointer meets it."""
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, at = self.height() / 2, float(handle.center().x()) + 0.5
        at = min(max(at, _RING + 1), self.width() - _RING - 1)
        painter.setPen(QPen(self._theme.colour("line"), 3))
        painter.drawLine(QPointF(2, middle), QPointF(self.width() - 2, middle))
        painter.setPen(QPen(self._theme.colour("accent" if self.isEnabled() else "edge"), 3))
        painter.drawLine(QPointF(2, middle), QPointF(at, middle))
        painter.setPen(QPen(self._theme.colour("accent" if self.isEnabled() else "edge"), 2))
        painter.setBrush(self._theme.colour("accent" if self.hasFocus() else "surface"))
        painter.drawEllipse(QPointF(at, middle), _RING, _RING)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(at, middle), _RING + 4, _RING + 4)


class Assumption(QWidget):
    """`changed` brings the value while it is dragged or typed; `show_value` emits nothing."""

    changed = Signal(float)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = PlainLabel(name, BODY, wrap=True)
        self.field = QDoubleSpinBox()
        self.field.setAccessibleName(name)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setKeyboardTracking(False)
        self.field.setFixedWidth(FIELD)
        self.slider = ValueSlider(theme)
        self.slider.setAccessibleName(name)
        self.source = PlainLabel("", SMALL, tone="muted", wrap=True)
        self._scale = Scale(0, 1, 0.01)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.name, 1)
        row.addWidget(self.field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.slider)
        column.addWidget(self.source)
        column.addStretch(1)
        self.field.valueChanged.connect(self._typed)
        self.slider.valueChanged.connect(self._dragged)

    @property
    def value(self) -> float:
        """The value as the field has it."""
        return self.field.value()

    def show_value(self, value: float, scale: Scale, source: str) -> None:
        """This value on this scale, widened where it lies beyond."""
        low, high = min(scale.low, value), max(scale.high, value)
        self._scale = Scale(low, high, scale.step, scale.decimals, scale.unit)
        with QSignalBlocker(self.field), QSignalBlocker(self.slider):
            self.field.setDecimals(scale.decimals)
            self.field.setRange(low, high)
            self.field.setSingleStep(scale.step)
            self.field.setSuffix(f"\N{NO-BREAK SPACE}{scale.unit}" if scale.unit else "")
            self.field.setValue(value)
            self.slider.setRange(0, round((high - low) / scale.step))
            self.slider.setPageStep(max(1, self.slider.maximum() // 10))
            self.slider.setValue(round((value - low) / scale.step))
        self.source.setText(source)
        self.field.setAccessibleDescription(source)

    def _typed(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round((value - self._scale.low) / self._scale.step))
        self.changed.emit(value)

    def _dragged(self, place: int) -> None:
        value = min(self._scale.low + place * self._scale.step, self._scale.high)
        with QSignalBlocker(self.field):
            self.field.setValue(value)
        self.changed.emit(self.field.value())
