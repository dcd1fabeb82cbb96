"""Pages under each other on a scroll area. What is looked at is asked for, and drawn when it comes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.gui.rendering import PageSize
from app.gui.theme import SMALL, Theme, font

ZOOMS = (0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
MOST_WIDTH = 900
"""Pixels of a page that is fitted to the width, so that it does not become a poster."""
GAP, MARGIN = 16, 32
KEPT_BYTES = 6_000_000
"""Of pictures of pages that nobody looks at just now; a page is drawn again within some 30 ms."""
PIXELS_A_POINT = 96 / 72


class PageSheet(QWidget):
    """All pages; paints those it has pictures of, and the outline of the others."""

    def __init__(self, theme: Theme, area: PageView) -> None:
        super().__init__(area)
        self._theme, self._area = theme, area
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws what is seen."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        seen = QRectF(event.rect())
        painter.fillRect(seen, self._theme.colour("sunk"))
        for place, rect in enumerate(self._area.rects):
            if not rect.intersects(seen):
                continue
            picture = self._area.picture(place)
            if picture is not None:
                painter.drawImage(rect, picture)
            else:
                painter.fillRect(rect, Qt.GlobalColor.white)
                painter.setFont(font(SMALL))
                painter.setPen(Qt.GlobalColor.darkGray)
                painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._area.name_of(place))
            painter.setPen(QPen(self._theme.colour("line"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))


class PageView(QScrollArea):
    """`asked` brings (page, pixels to a point) of a page that is looked at and has no sharp picture yet."""

    asked = Signal(int, float)
    moved = Signal(int)
    """The page that is looked at changed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sizes: Sequence[PageSize] = ()
        self.rects: list[QRectF] = []
        self.zoom: float | None = None
        """Of the size of paper; None fits the width."""
        self._pictures: OrderedDict[int, tuple[float, QImage]] = OrderedDict()
        self._asked: dict[int, float] = {}
        self._page = 0
        self._seen: frozenset[int] = frozenset()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Pages of the report"))
        self.sheet = PageSheet(theme, self)
        self.setWidget(self.sheet)
        self.verticalScrollBar().valueChanged.connect(self._look)
        self.verticalScrollBar().setSingleStep(40)
        self._tint()
        theme.changed.connect(self._tint)

    def _tint(self) -> None:
        palette = self.palette()
        palette.setColor(self.backgroundRole(), self._theme.colour("sunk"))
        self.viewport().setPalette(palette)
        self.viewport().setAutoFillBackground(True)

    # -- pages ---------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many pages there are."""
        return len(self._sizes)

    @property
    def page(self) -> int:
        """The page that is looked at, from 0."""
        return self._page

    def name_of(self, place: int) -> str:
        """`Page 3 of 12`."""
        text = self.tr("Page {0} of {1}")
        return text.replace("{0}", str(place + 1)).replace("{1}", str(self.count))

    def show_pages(self, sizes: Sequence[PageSize]) -> None:
        """Other pages: where one was looked at stays where it was."""
        at = self.verticalScrollBar().value()
        self._sizes = tuple(sizes)
        self._pictures.clear()
        self._asked.clear()
        self._arrange()
        self.verticalScrollBar().setValue(at)
        self._look()

    def take(self, place: int, scale: float, picture: QImage) -> None:
        """The picture of a page that was asked for."""
        if place >= self.count:
            return
        self._pictures[place] = (scale, picture)
        self._pictures.move_to_end(place)
        self._forget(KEPT_BYTES)
        self.sheet.update(self.rects[place].toAlignedRect())

    def _forget(self, most_bytes: int) -> None:
        """Drops pictures of pages that are not looked at, the oldest first, down to so many bytes of them."""
        left = [place for place in self._pictures if place not in self._seen]
        size = sum(self._pictures[place][1].sizeInBytes() for place in left)
        for place in left:
            if size <= most_bytes:
                return
            size -= self._pictures.pop(place)[1].sizeInBytes()
            self._asked.pop(place, None)

    def rest(self) -> None:
        """Nobody looks: no picture is kept until `wake`."""
        self._pictures.clear()
        self._asked.clear()

    def wake(self) -> None:
        """Somebody looks again: what is seen is asked for."""
        self._look()

    def picture(self, place: int) -> QImage | None:
        """The picture of a page, sharp or not; None where there is none yet."""
        found = self._pictures.get(place)
        return None if found is None else found[1]

    def go_to(self, place: int) -> None:
        """Puts a page at the top."""
        if 0 <= place < len(self.rects):
            self.verticalScrollBar().setValue(round(self.rects[place].top()) - GAP)

    # -- size ----------------------------------------------------------------------------------------------

    def set_zoom(self, zoom: float | None) -> None:
        """Another size; the page that is looked at stays."""
        page = self._page
        self.zoom = zoom
        self._arrange()
        self.go_to(page)
        self._look()

    def step_zoom(self, step: int) -> None:
        """The next larger (1) or smaller (-1) size."""
        now = self.scale / PIXELS_A_POINT
        if step > 0:
            self.set_zoom(next((zoom for zoom in ZOOMS if zoom > now + 0.01), ZOOMS[-1]))
        else:
            self.set_zoom(next((zoom for zoom in reversed(ZOOMS) if zoom < now - 0.01), ZOOMS[0]))

    @property
    def scale(self) -> float:
        """Pixels to a point."""
        if self.zoom is not None:
            return self.zoom * PIXELS_A_POINT
        widest = max((size.width for size in self._sizes), default=595.0)
        return min(max(self.viewport().width() - 2 * MARGIN, 200), MOST_WIDTH) / widest

    def _arrange(self) -> None:
        scale = self.scale
        widest = max((size.width for size in self._sizes), default=0.0) * scale
        whole = max(self.viewport().width(), round(widest) + 2 * MARGIN)
        self.rects = []
        top = float(GAP)
        for size in self._sizes:
            width, height = size.width * scale, size.height * scale
            self.rects.append(QRectF(round((whole - width) / 2), round(top), round(width), round(height)))
            top += height + GAP
        self.sheet.setFixedSize(QSize(whole, round(top)))
        self.sheet.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Fits the pages to the width again."""
        super().resizeEvent(event)
        page = self._page
        self._arrange()
        self.go_to(page)
        self._look()

    def _look(self) -> None:
        """Asks for what is seen and the pages beside it."""
        if not self.rects:
            return
        top = self.verticalScrollBar().value()
        bottom = top + self.viewport().height()
        seen = [at for at, rect in enumerate(self.rects) if rect.bottom() >= top and rect.top() <= bottom]
        if not seen:
            return
        self._seen = frozenset(seen)
        middle = (top + bottom) / 2
        page = min(seen, key=lambda at: abs(self.rects[at].center().y() - middle))
        if page != self._page:
            self._page = page
            self.moved.emit(page)
        scale = self.scale * self.devicePixelRatioF()
        for place in (*seen, seen[-1] + 1, seen[0] - 1):
            if not 0 <= place < self.count:
                continue
            had = self._pictures.get(place)
            if (had is None or abs(had[0] - scale) > 0.01) and self._asked.get(place) != scale:
                self._asked[place] = scale
                self.asked.emit(place, scale)

    # -- keys ----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Arrows, space and page keys turn pages, Home and End go to the ends, + − 0 change the size."""
        match event.key():
            case Qt.Key.Key_Home:
                self.go_to(0)
            case Qt.Key.Key_End:
                self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
            case Qt.Key.Key_Space:
                step = -1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
                bar = self.verticalScrollBar()
                bar.setValue(bar.value() + step * bar.pageStep())
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.step_zoom(1)
            case Qt.Key.Key_Minus:
                self.step_zoom(-1)
            case Qt.Key.Key_0:
                self.set_zoom(None)
            case Qt.Key.Key_Right:
                self.go_to(self._page + 1)
            case Qt.Key.Key_Left:
                self.go_to(self._page - 1)
            case _:
                super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802, Qt's name
        """Ctrl and the wheel change the size."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.step_zoom(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """The ring of the focus."""
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))
