"""A chart, or a piece of one, as a widget: the shapes of `app.charts`, laid out for the width there is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QSizePolicy, QWidget

from app.charts.shapes import Shape
from app.charts.spec import ChartSpec
from app.gui.painting import measure_as_drawn, paint
from app.gui.texts import plain_tip
from app.gui.theme import Theme

SCALE = 13 / 9
"""Pixels of a point of a chart at the usual size of type: names of 9 points are as large as the text around
them, axes 11 pixels. With larger type the whole chart is larger, so that no text outgrows its place."""
_RING = 4
"""How far outside a chart the ring of the focus begins."""


class ShapesView(QWidget):
    """Shapes of a fixed size, such as a badge or a score's glyph. `said` is what a screen reader reads."""

    def __init__(
        self,
        shapes: Sequence[Shape],
        size: tuple[float, float],
        theme: Theme,
        said: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        theme.changed.connect(self.update)
        self.show_shapes(shapes, size, said)

    def show_shapes(self, shapes: Sequence[Shape], size: tuple[float, float], said: str = "") -> None:
        """Draws these from now on."""
        self._shapes = tuple(shapes)
        self.setFixedSize(round(size[0] + 0.49), round(size[1] + 0.49))
        self.setAccessibleName(said)
        self.setToolTip(plain_tip(said))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the shapes."""
        paint(QPainter(self), self._shapes, self._theme)


class ChartView(QWidget):
    """A chart of any kind. It takes the width it is given; its height is a wish that charts with rows ignore.

    `T` asks for the numbers as a table (`table_asked`). Its accessible name is the chart's title.
    """

    table_asked = Signal(object)

    def __init__(self, theme: Theme, height: float = 240, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._wish = height
        self.spec: ChartSpec | None = None
        self._shapes: tuple[Shape, ...] = ()
        self._laid_out_for = -1
        self.ring: _Ring | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(round(height))
        theme.changed.connect(self._restyle)

    def show_chart(self, spec: ChartSpec | None) -> None:
        """Draws this chart from now on; None leaves the place empty."""
        if spec == self.spec:
            return
        self.spec = spec
        self._laid_out_for = -1
        self.setAccessibleName("" if spec is None else spec.title)
        self._lay_out()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Wide enough to be read."""
        return QSize(480, self.height())

    def _restyle(self) -> None:
        """Colours or the size of type changed."""
        self._laid_out_for = -1
        self._lay_out()
        self.update()

    def _lay_out(self) -> None:
        if self._laid_out_for == self.width():
            return
        self._laid_out_for = self.width()
        if self.spec is None:
            self._shapes = ()
            return
        from app.charts.layout import layout

        scale = self._scale
        drawn = layout(self.spec, self.width() / scale, self._wish / SCALE, measure_as_drawn)
        self._shapes = drawn.shapes
        self.setFixedHeight(round(drawn.height * scale + 0.49))

    @property
    def _scale(self) -> float:
        """Pixels of a point at the size of type of now."""
        return SCALE * self._theme.zoom / 100

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """T asks for the numbers."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_T and plain and self.spec is not None:
            self.table_asked.emit(self.spec)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Lays the chart out anew where the width changed."""
        self._lay_out()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the chart."""
        painter = QPainter(self)
        painter.save()
        painter.scale(self._scale, self._scale)
        paint(painter, self._shapes, self._theme, zoomed=False)
        painter.restore()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802, Qt's name
        """The ring of the focus stands around the chart, not over its words."""
        super().focusInEvent(event)
        if self.ring is None:
            self.ring = _Ring(self._theme, self)
        self.ring.follow()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802, Qt's name
        """The ring goes."""
        super().focusOutEvent(event)
        if self.ring is not None:
            self.ring.hide()


class _Ring(QWidget):
    """Two pixels of the accent around a widget, outside its own area.

    It lies on the nearest widget around that one which has room for all four sides: where a widget fills what
    holds it, its sides would be cut off there. What is scrolled keeps its ring inside the scrolled area.
    """

    def __init__(self, theme: Theme, about: QWidget) -> None:
        super().__init__(about.parentWidget())
        self._theme, self._about = theme, about
        self._followed: list[QWidget] = []
        about.destroyed.connect(self.deleteLater)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def follow(self) -> None:
        """Shows it where its widget is now, and moves with it."""
        for widget in self._followed:
            widget.removeEventFilter(self)
        holder = self._about.parentWidget()
        self._followed = [self._about]
        while holder is not None and not self._has_room(holder):
            above = holder.parentWidget()
            if above is None or isinstance(above.parentWidget(), QAbstractScrollArea):
                break
            self._followed.append(holder)
            holder = above
        if holder is None:
            return
        for widget in self._followed:
            widget.installEventFilter(self)
        if self.parentWidget() is not holder:
            self.setParent(holder)
        self._place()
        self.show()
        self.raise_()

    def _area(self, holder: QWidget) -> QRect:
        corner = self._about.mapTo(holder, QPoint(0, 0))
        return QRect(corner, self._about.size()).adjusted(-_RING, -_RING, _RING, _RING)

    def _has_room(self, holder: QWidget) -> bool:
        return holder.rect().contains(self._area(holder))

    def _place(self) -> None:
        holder = self.parentWidget()
        if holder is not None:
            self.setGeometry(self._area(holder) & holder.rect())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, Qt's name
        """What it follows was moved or has another size."""
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize):
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("accent"), 2))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 4, 4)
