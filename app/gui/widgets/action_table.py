"""The table of actions: rows of 32 or of two lines, the pillar as its shape and name, hairlines."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.charts.pieces import pillar_mark
from app.gui.models.actions import (
    ACTION,
    CAPACITY,
    EFFORT,
    MARK_ROLE,
    NUMBER,
    PILLAR,
    POINTS,
    PRICE,
    RUNS_OUT,
    ActionsModel,
)
from app.gui.painting import paint
from app.gui.theme import BODY, SMALL, Theme, font
from app.gui.widgets.broken_text import draw_broken, row_height
from app.gui.widgets.row_focus import draw_focus_ring

ROW = 32
_SIGN = 12
_PAD = 8
_MUTED = (NUMBER, PRICE)
_NARROW = 900


class ActionDelegate(QStyledItemDelegate):
    """Draws a cell with its padding; the pillar as its shape, which the chart above names."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(  # noqa: N802, Qt's name
        self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """The text, the sign and the padding."""
        if index.data(MARK_ROLE):
            return QSize(_SIGN + 2 * _PAD, ROW)
        text = QFontMetricsF(font(BODY, 500)).horizontalAdvance(str(index.data() or ""))
        return QSize(ceil(text) + 1 + 2 * _PAD, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draws the cell."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, self._theme.colour("accbg"))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, self._theme.colour("line"))
        column = index.column()
        inner = area.adjusted(_PAD, 0, -_PAD, 0)
        mark = index.data(MARK_ROLE)
        if mark:
            painter.save()
            painter.translate(inner.left(), area.top() + (area.height() - _SIGN) / 2)
            paint(painter, pillar_mark(mark, _SIGN), self._theme)
            painter.restore()
            draw_focus_ring(painter, option, index, self._theme)
            painter.restore()
            return
        painter.setFont(font(BODY, 500 if column == ACTION else 400))
        painter.setPen(self._theme.colour("muted" if column in _MUTED else "text"))
        align = index.data(Qt.ItemDataRole.TextAlignmentRole) or Qt.AlignmentFlag.AlignLeft
        draw_broken(painter, inner, str(index.data() or ""), Qt.AlignmentFlag(align))
        draw_focus_ring(painter, option, index, self._theme)
        painter.restore()


class ActionTable(QTableView):
    """All actions; columns that nothing stands in are left out."""

    def __init__(self, model: ActionsModel, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setAccessibleName(name)
        self.setItemDelegate(ActionDelegate(theme, self))
        self.setShowGrid(False)
        # The row that is chosen shows the focus.
        self.setProperty("kind", "rows")
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setMinimumSectionSize(ROW)
        header = self.horizontalHeader()
        header.setFont(font(SMALL, 500))
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(28)
        for column in (NUMBER, PILLAR, EFFORT, POINTS, CAPACITY, RUNS_OUT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        for column in (ACTION, PRICE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self._shown_rows = 0
        self._is_fitting = False
        model.modelReset.connect(self.leave_out)
        header.sectionResized.connect(lambda *_: self._fit_rows())
        theme.changed.connect(self._fit_rows)

    def leave_out(self) -> None:
        """Hides what no row fills, and what there is no room for."""
        model = self.model()
        rows = range(model.rowCount())
        for column in (CAPACITY, RUNS_OUT):
            self.setColumnHidden(column, all(model.index(row, column).data() == "–" for row in rows))
        self.setColumnHidden(PRICE, self.width() < _NARROW)
        self._fit_rows()

    def show_rows(self, most: int) -> None:
        """Makes the table as high as so many rows; it scrolls by itself when there are more."""
        self._shown_rows = most
        self._fit_rows()

    def _fit_rows(self) -> None:
        """Rows of one line, or of two where a text needs them."""
        if self._is_fitting:
            return
        self._is_fitting = True
        model = self.model()
        for row in range(model.rowCount()):
            high = max(
                row_height(
                    str(model.index(row, column).data() or ""),
                    500 if column == ACTION else 400,
                    BODY,
                    self.columnWidth(column) - 2 * _PAD,
                    ROW,
                )
                for column in (ACTION, PRICE)
                if not self.isColumnHidden(column)
            )
            if self.rowHeight(row) != high:
                self.setRowHeight(row, high)
        if self._shown_rows:
            rows = range(min(self._shown_rows, model.rowCount()))
            head = self.horizontalHeader().sizeHint().height()
            self.setFixedHeight(head + sum(self.rowHeight(row) for row in rows) + 6)
        self._is_fitting = False

    def resizeEvent(self, event: object) -> None:  # noqa: N802, Qt's name
        """Leaves the price to the panel below where it is narrow."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self.setColumnHidden(PRICE, self.width() < _NARROW)
