"""A quiet table: hairlines between rows, numbers set right, a sign where a row has a verdict."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionHeader,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.charts.pieces import limit_mark, verdict_badge
from app.gui.painting import measure, paint
from app.gui.theme import BODY, SMALL, Theme, font

ROW, DENSE = 32, 26
_SIGN = 12
GAP, TIGHT = 8, 4
_MOST_MEASURED = 100
"""Rows, of the last, whose texts are measured for the width of a column."""
SIGN_ROLE = Qt.ItemDataRole.UserRole
SPOILT_ROLE = Qt.ItemDataRole.UserRole + 1


class RowDelegate(QStyledItemDelegate):
    """Draws a cell: its text in the row's tone, a sign before it, and the hairline below."""

    def __init__(self, theme: Theme, height: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._height = theme, height
        self.gap = GAP
        """Pixels left and right of a text."""

    def sizeHint(  # noqa: N802, Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """As wide as the text, as high as a row."""
        hint = super().sizeHint(option, index)
        sign = _SIGN + 8 if index.data(SIGN_ROLE) else 0
        return QSize(hint.width() + sign + 12, self._height)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draws the cell."""
        painter.save()
        area = QRect(option.rect)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, self._theme.colour("accbg"))
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(area.left(), area.bottom(), area.right(), area.bottom())
        text = area.adjusted(0 if index.column() == 0 else self.gap, 0, -self.gap, 0)
        sign = index.data(SIGN_ROLE)
        if sign:
            painter.save()
            painter.translate(text.left(), area.top() + (area.height() - _SIGN) / 2)
            paint(painter, limit_mark(_SIGN) if sign == "limit" else verdict_badge(sign, _SIGN), self._theme)
            painter.restore()
            text.setLeft(text.left() + _SIGN + 7)
        painter.setFont(font(BODY))
        painter.setPen(self._theme.colour("muted" if index.data(SPOILT_ROLE) else "text"))
        align = index.data(Qt.ItemDataRole.TextAlignmentRole) or Qt.AlignmentFlag.AlignLeft
        shown = str(index.data() or "")
        shown = painter.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag(align) | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


class _Heads(QHeaderView):
    """Names of columns; `is_double` puts the unit of a name below it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.is_double = False

    def shown(self, section: int) -> str:
        """What stands over a column."""
        words = str(self.model().headerData(section, Qt.Orientation.Horizontal) or "")
        return words.replace(", ", ",\n", 1) if self.is_double else words

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """A line more where there are two."""
        hint = super().sizeHint()
        more = self.fontMetrics().lineSpacing() if self.is_double else 0
        return QSize(hint.width(), hint.height() + more)

    def initStyleOptionForIndex(  # noqa: N802, Qt's name
        self, option: QStyleOptionHeader, section: int
    ) -> None:
        """With the words as they are shown."""
        super().initStyleOptionForIndex(option, section)
        if self.is_double:
            option.text = self.shown(section)


class PlainTable(QTableView):
    """A table to read. With `grows` it is as high as its rows, so that the page scrolls and not the table.

    Where the column that takes the room that is left gets too little of it, units stand below their names.
    """

    def __init__(
        self,
        model: QAbstractItemModel,
        theme: Theme,
        name: str,
        *,
        stretch: int = -1,
        height: int = DENSE,
        grows: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`stretch` is the column that takes the room that is left; `name` is for screen readers."""
        super().__init__(parent)
        self._grows, self._height, self._stretch = grows, height, stretch
        self.setModel(model)
        self.setAccessibleName(name)
        # Its frame is there without the focus too, or the header would cover a part of the ring.
        self.setProperty("kind", "plain")
        self._delegate = RowDelegate(theme, height, self)
        self.setItemDelegate(self._delegate)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(height)
        self.verticalHeader().setMinimumSectionSize(height)
        self._heads = header = _Heads(self)
        self.setHorizontalHeader(header)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(24)
        header.setObjectName("plain")
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        if stretch >= 0:
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if grows:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for signal in (model.rowsInserted, model.modelReset, model.rowsRemoved):
            signal.connect(self._fit)
        self._theme, self._dress = theme, (100, GAP)
        theme.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """Columns as wide as what stands in them, and where it grows the table as high as its rows."""
        model = self.model()
        rows = model.rowCount()
        if self._stretch >= 0:
            columns = range(model.columnCount())
            # Where there is too little room units go below their names; where that is not enough columns
            # stand closer.
            for is_double, gap in ((False, GAP), (True, GAP), (True, TIGHT)):
                self._heads.is_double, self._delegate.gap = is_double, gap
                widths = [self._needed(column, rows) for column in columns]
                if sum(widths) <= self.viewport().width():
                    break
            for column in columns:
                if column != self._stretch:
                    self.setColumnWidth(column, widths[column])
        self._dress_heads()
        if not self._grows:
            return
        header = self.horizontalHeader()
        head = 0 if header.isHidden() else header.sizeHint().height()
        self.setFixedHeight(head + rows * self._height + 4)

    def _dress_heads(self) -> None:
        """Names of columns in the size of type of now, as far from each other as what stands below them."""
        dress = (self._theme.zoom, self._delegate.gap)
        if dress == self._dress:
            return
        self._dress = dress
        pixels, gap = round(SMALL * self._theme.zoom / 100), self._delegate.gap
        self._heads.setStyleSheet(
            f"QHeaderView::section {{ font-size: {pixels}px; padding: 6px {gap}px; }}"
            "QHeaderView::section:first { padding-left: 0; }"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Another width may have room for names in one line, or not."""
        super().resizeEvent(event)
        if self._stretch >= 0 and event.size().width() != event.oldSize().width():
            self._fit()

    def _needed(self, column: int, rows: int) -> int:
        model = self.model()
        widest = 0.0
        if not self.horizontalHeader().isHidden():
            widest = max(measure(line, 500, SMALL) for line in self._heads.shown(column).split("\n"))
        for row in range(max(0, rows - _MOST_MEASURED), rows):
            index = model.index(row, column)
            sign = _SIGN + 7 if index.data(SIGN_ROLE) else 0
            widest = max(widest, measure(str(index.data() or ""), 400, BODY) + sign)
        gap = self._delegate.gap
        return round(widest + 0.5) + 2 + (gap if column == 0 else 2 * gap)

    def without_header(self) -> PlainTable:
        """The same without its header."""
        self.horizontalHeader().hide()
        self._fit()
        return self
