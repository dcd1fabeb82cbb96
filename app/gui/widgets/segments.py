"""A segmented control: one of a few, side by side, with counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from app.charts.pieces import State, verdict_badge
from app.gui.painting import paint
from app.gui.theme import SMALL, Theme, font

HEIGHT = 30
_SIGN = 12


class Segment(QAbstractButton):
    """One choice of the control."""

    def __init__(self, text: str, theme: Theme, sign: State | None = None) -> None:
        super().__init__()
        self.word, self._theme, self._sign = text, theme, sign
        self.is_first = self.is_last = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_count(None)
        theme.changed.connect(self.update)

    def set_count(self, count: int | None) -> None:
        """The number behind the word."""
        text = self.word if count is None else f"{self.word} {count}"
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """The text with its sign."""
        width = QFontMetrics(font(SMALL, 500)).horizontalAdvance(self.text()) + 20
        return QSize(width + (_SIGN + 6 if self._sign else 0), HEIGHT)

    minimumSizeHint = sizeHint  # noqa: N815, Qt's name

    def nextCheckState(self) -> None:  # noqa: N802, Qt's name
        """The control decides which one is checked."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Arrows are for the control: a button would move the focus alone."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the segment; the control's frame is around all of them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0, 1, 0, -1)
        if self.isChecked() or self.underMouse():
            path = QPainterPath()
            path.addRect(area)
            painter.fillPath(path, self._theme.colour("accbg" if self.isChecked() else "bg"))
        if not self.is_last:
            painter.fillRect(QRectF(self.width() - 1, 1, 1, self.height() - 2), self._theme.colour("edge"))
        left = 10
        if self._sign is not None:
            painter.save()
            painter.translate(left, (self.height() - _SIGN) / 2)
            paint(painter, verdict_badge(self._sign, _SIGN), self._theme)
            painter.restore()
            left += _SIGN + 6
        painter.setFont(font(SMALL, 500))
        painter.setPen(self._theme.colour("accent" if self.isChecked() else "muted"))
        text = QRectF(left, 0, self.width() - left, self.height())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(2, 2, -2, -2))


class Segments(QWidget):
    """The control; `chosen` brings the key of a segment that was clicked. Arrows move between segments."""

    chosen = Signal(str)

    def __init__(
        self,
        entries: Sequence[tuple[str, str]],
        theme: Theme,
        name: str,
        signs: Mapping[str, State] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`entries` are (key, word), `name` is what a screen reader says of the whole."""
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(name)
        self.segments: dict[str, Segment] = {}
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(1, 0, 1, 0)
        row.setSpacing(0)
        for place, (key, word) in enumerate(entries):
            segment = Segment(word, theme, (signs or {}).get(key))
            segment.is_first, segment.is_last = place == 0, place == len(entries) - 1
            segment.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
            self.segments[key] = segment
            row.addWidget(segment)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self.show_chosen(entries[0][0])
        theme.changed.connect(self._size_type)

    def _size_type(self) -> None:
        """Other colours, or another size of type: segments are as wide as their words."""
        for segment in self.segments.values():
            segment.updateGeometry()
        self._row.invalidate()
        self.updateGeometry()
        self.update()

    def show_chosen(self, key: str) -> None:
        """Marks one; nothing is emitted."""
        for name, segment in self.segments.items():
            segment.setChecked(name == key)

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """The numbers behind the words."""
        for key, count in counts.items():
            self.segments[key].set_count(count)
        self._row.invalidate()
        self.updateGeometry()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Left and right move the focus and choose."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        keys = list(self.segments)
        at = next((place for place, key in enumerate(keys) if self.segments[key].hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
            return
        key = keys[max(0, min(len(keys) - 1, at + step))]
        self.segments[key].setFocus(Qt.FocusReason.TabFocusReason)
        self.chosen.emit(key)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
