"""The table of actions: rows of 32, the pillar as its shape and name, hairlines."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
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
            view: QWidget | None = option.widget
            if view is not None and view.hasFocus():
                painter.setPen(QPen(self._theme.colour("accent"), 2))
                painter.drawLine(area.left(), area.top() + 1, area.right() + 1, area.top() + 1)
                painter.drawLine(area.left(), area.bottom(), area.right() + 1, area.bottom())
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        column = index.column()
        inner = area.adjusted(_PAD, 0, -_PAD, 0)
        mark = index.data(MARK_ROLE)
        if mark:
            painter.save()
            painter.translate(inner.left(), area.top() + (area.height() - _SIGN) / 2)
            paint(painter, pillar_mark(mark, _SIGN), self._theme)
            painter.restore()
            painter.restore()
            return
        painter.setFont(font(BODY, 500 if column == ACTION else 400))
        painter.setPen(self._theme.colour("muted" if column in _MUTED else "text"))
        text = painter.fontMetrics().elidedText(
            str(index.data() or ""), Qt.TextElideMode.ElideRight, inner.width()
        )
        align = index.data(Qt.ItemDataRole.TextAlignmentRole) or Qt.AlignmentFlag.AlignLeft
        painter.drawText(inner, int(align) | int(Qt.AlignmentFlag.AlignVCenter), text)
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
        model.modelReset.connect(self.leave_out)

    def leave_out(self) -> None:
        """Hides what no row fills, and what there is no room for."""
        model = self.model()
        rows = range(model.rowCount())
        for column in (CAPACITY, RUNS_OUT):
            self.setColumnHidden(column, all(model.index(row, column).data() == "–" for row in rows))
        self.setColumnHidden(PRICE, self.width() < _NARROW)

    def resizeEvent(self, event: object) -> None:  # noqa: N802, Qt's name
        """Leaves the price to the panel below where it is narrow."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self.setColumnHidden(PRICE, self.width() < _NARROW)
