"""The table of facts: one row a fact, muted what is said beside it, struck out what does not count."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app.gui.models.facts import AGE, FACT, MACHINE, ROW, SOURCE, STATE, VALUE, FactRow
from app.gui.theme import BODY, SMALL, Theme, font
from app.gui.widgets.broken_text import draw_broken, row_height
from app.gui.widgets.row_focus import draw_focus_ring

HEIGHT = 32
_PAD = 8
_NARROW, _VALUE_NARROW = 480, 112
"""Pixels at the usual size of type: where facts and sources have less, values have no more than that."""
_MUTED = (SOURCE, AGE, MACHINE)


class FactDelegate(QStyledItemDelegate):
    """Paints the cells."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def sizeHint(  # noqa: N802, Qt's name
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """One line of the cell's text."""
        return QSize(120, HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draws one cell."""
        row = index.data(ROW)
        if not isinstance(row, FactRow):
            return
        painter.save()
        theme = self._theme
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, theme.colour("accbg"))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, theme.colour("line"))
        column = index.column()
        shown = QFont(font(SMALL if column in _MUTED else BODY, 500 if column == VALUE else 400))
        if row.why and column in (FACT, VALUE):
            shown.setStrikeOut(True)
        painter.setFont(shown)
        painter.setPen(theme.colour(self._role(row, column)))
        inner = area.adjusted(_PAD, 0, -_PAD, 0)
        text = str(index.data())
        align = Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole))
        draw_broken(painter, inner, text, align, end_counts=column == SOURCE)
        draw_focus_ring(painter, option, index, theme)
        painter.restore()

    @staticmethod
    def _role(row: FactRow, column: int) -> str:
        if column == STATE:
            return "warn" if row.why or row.state == "not found" else "text"
        return "muted" if column in _MUTED or row.why else "text"


class FactTable(QTableView):
    """The view."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._fit_soon = QTimer(self)
        self._fit_soon.setSingleShot(True)
        self._fit_soon.setInterval(0)
        self._fit_soon.timeout.connect(self.fit_rows)
        self._delegate = FactDelegate(theme)
        self.setItemDelegate(self._delegate)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSortingEnabled(True)
        self.setShowGrid(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The row that is chosen shows the focus.
        self.setProperty("kind", "rows")
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(HEIGHT)
        self.verticalHeader().setMinimumSectionSize(HEIGHT)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setStretchLastSection(False)
        head.setMinimumSectionSize(48)
        theme.changed.connect(self.viewport().update)
        theme.changed.connect(self._share_width)

    def show_machines(self, *, machines: bool) -> None:
        """Whether the machines stand in a column of their own."""
        self.setColumnHidden(MACHINE, not machines)
        self._share_width()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Shares the room anew."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Gives the columns their room: the fact and its source most of it."""
        fixed = {VALUE: 156, AGE: 66, STATE: 96, MACHINE: 0 if self.isColumnHidden(MACHINE) else 96}
        fixed = {column: width * self._theme.zoom // 100 for column, width in fixed.items()}
        room = self.viewport().width() - sum(fixed.values())
        is_narrow = room < _NARROW * self._theme.zoom // 100
        if is_narrow:
            # Values break as facts do, and these say more.
            room += fixed[VALUE]
            fixed[VALUE] = _VALUE_NARROW * self._theme.zoom // 100
            room -= fixed[VALUE]
        room = max(320, room)
        fixed[FACT] = round(room * (0.6 if is_narrow else 0.55))
        fixed[SOURCE] = room - fixed[FACT]
        for column, width in fixed.items():
            if self.columnWidth(column) != width:
                self.setColumnWidth(column, width)
        self.fit_rows()

    def fit_rows(self) -> None:
        """Rows of one line, or of two where a text needs them."""
        model = self.model()
        for row in range(0 if model is None else model.rowCount()):
            high = max(
                row_height(
                    str(model.index(row, column).data() or ""),
                    500 if column == VALUE else 400,
                    SMALL if column in _MUTED else BODY,
                    self.columnWidth(column) - 2 * _PAD,
                    HEIGHT,
                )
                for column in (FACT, VALUE, SOURCE)
            )
            if self.rowHeight(row) != high:
                self.setRowHeight(row, high)

    def setModel(self, model: QAbstractItemModel | None) -> None:  # noqa: N802, Qt's name
        """Shows another model, and fits the rows whenever it has others."""
        super().setModel(model)
        if model is not None:
            for signal in (model.modelReset, model.layoutChanged, model.rowsInserted, model.rowsRemoved):
                signal.connect(self._fit_soon.start)
            model.dataChanged.connect(self._fit_soon.start)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Moves; letters are for the page."""
        if event.text() and event.text().isprintable() and event.key() != Qt.Key.Key_Space:
            event.ignore()
        else:
            super().keyPressEvent(event)
