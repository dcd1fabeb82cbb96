"""The view of the assessments: rows of one height, the score drawn as its glyph, names edited in place."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.charts.pieces import band_meter, refused_glyph, score_glyph
from app.gui.models.assessments import (
    ANSWERS,
    BAND,
    CHANGED,
    NAME,
    OPEN_ROLE,
    RUNS,
    SCORE,
    SCORE_ROLE,
    AssessmentModel,
    ListedScore,
)
from app.gui.painting import paint
from app.gui.theme import BODY, SMALL, Theme, font
from app.gui.widgets.row_focus import draw_focus_ring

ROW = 36
LEFT = 8
_GLYPH = (104.0, 14.0)
_METER = (26.0, 10.0)
_WIDTHS = {SCORE: 214, BAND: 124, RUNS: 60, ANSWERS: 82, CHANGED: 104}
_NARROW = {SCORE: 206, BAND: 116, RUNS: 52, ANSWERS: 78, CHANGED: 98}
_LEAST_NAME = 220
_ROOM_FOR_NAME = 140
"""Pixels at the usual size of type: where names have less, the numbers of runs and answers give way."""
_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
Index = QModelIndex | QPersistentModelIndex


class AssessmentDelegate(QStyledItemDelegate):
    """Draws the cells; the name is edited in a line of its own size."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802, Qt's name
        """One row."""
        return QSize(60, ROW)

    def createEditor(  # noqa: N802, Qt's name
        self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index
    ) -> QWidget:
        """A line to write the name in."""
        line = QLineEdit(parent)
        line.setMaxLength(100)
        line.setAccessibleName(self.tr("New name"))
        return line

    def updateEditorGeometry(  # noqa: N802, Qt's name
        self, editor: QWidget, option: QStyleOptionViewItem, _index: Index
    ) -> None:
        """The line fills the cell."""
        area: QRect = option.rect
        editor.setGeometry(area.adjusted(2, 2, -8, -3))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draws a cell."""
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        theme = self._theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_chosen = bool(state & QStyle.StateFlag.State_Selected)
        if is_chosen:
            painter.fillRect(area, theme.colour("accbg"))
            if index.column() == NAME:
                painter.fillRect(area.left(), area.top(), 3, area.height(), theme.colour("accent"))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, theme.colour("line"))
        text = area.adjusted(LEFT, 0, -LEFT, 0)
        if index.column() == NAME:
            self._name(painter, text, index, is_chosen)
        elif index.column() == SCORE:
            self._score(painter, text, index.data(SCORE_ROLE))
        elif index.column() == BAND:
            self._band(painter, text, index)
        else:
            painter.setFont(font(BODY))
            painter.setPen(theme.colour("muted"))
            align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(text, align, str(index.data() or ""))
        draw_focus_ring(painter, option, index, theme)
        painter.restore()

    def _name(self, painter: QPainter, area: QRect, index: Index, is_chosen: bool) -> None:
        painter.setFont(font(BODY, 600 if is_chosen else 500))
        painter.setPen(self._theme.colour("text"))
        mark = self.tr("open") if index.data(OPEN_ROLE) else ""
        room = area.width() - (44 if mark else 0)
        name = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room)
        painter.drawText(area, _MIDDLE, name)
        if mark:
            left = area.left() + painter.fontMetrics().horizontalAdvance(name) + 10
            painter.setFont(font(SMALL))
            painter.setPen(self._theme.colour("accent"))
            painter.drawText(QRect(left, area.top(), 60, area.height()), _MIDDLE, mark)

    def _score(self, painter: QPainter, area: QRect, score: ListedScore | None) -> None:
        if score is None:
            return
        painter.save()
        painter.translate(area.left(), area.top() + (area.height() - _GLYPH[1]) / 2)
        if score.score is None:
            paint(painter, refused_glyph(*_GLYPH), self._theme)
        else:
            shapes = score_glyph(
                score.proven,
                score.score,
                score.claimed,
                score.contradicted,
                *_GLYPH,
                unanswered=score.unanswered,
                ticks=False,
            )
            paint(painter, shapes, self._theme)
        painter.restore()
        if score.score is None:
            return
        left = area.left() + round(_GLYPH[0]) + 12
        painter.setFont(font(BODY, 600))
        painter.setPen(self._theme.colour("text"))
        number = f"{score.score:.0f}"
        painter.drawText(QRect(left, area.top(), 60, area.height()), _MIDDLE, number)
        left += painter.fontMetrics().horizontalAdvance(number) + 6
        painter.setFont(font(SMALL))
        painter.setPen(self._theme.colour("muted"))
        interval = f"({score.proven:.0f}–{score.claimed:.0f})"
        painter.drawText(QRect(left, area.top(), 80, area.height()), _MIDDLE, interval)

    def _band(self, painter: QPainter, area: QRect, index: Index) -> None:
        score: ListedScore | None = index.data(SCORE_ROLE)
        left = area.left()
        if score is not None and score.band is not None:
            painter.save()
            painter.translate(left, area.top() + (area.height() - _METER[1]) / 2)
            paint(painter, band_meter(score.band, *_METER), self._theme)
            painter.restore()
            left += round(_METER[0]) + 9
        painter.setFont(font(BODY))
        is_scored = score is not None and score.band is not None
        painter.setPen(self._theme.colour("text" if is_scored else "muted"))
        painter.drawText(
            QRect(left, area.top(), area.right() - left, area.height()), _MIDDLE, str(index.data())
        )


class AssessmentTable(QTableView):
    """The table. Enter and a double click open (`asked`), F2 renames, Delete asks to delete."""

    asked = Signal(str)
    deletion_asked = Signal(str)
    in_sight = Signal()
    """Other rows are in sight."""

    def __init__(self, model: AssessmentModel, theme: Theme) -> None:
        super().__init__()
        self._model, self._theme = model, theme
        self.setModel(model)
        self.setAccessibleName(self.tr("Assessments"))
        self.setItemDelegate(AssessmentDelegate(theme, self))
        self.setProperty("kind", "rows")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setFixedHeight(32)
        self.doubleClicked.connect(self._ask)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self.in_sight.emit())
        model.modelReset.connect(self.in_sight)
        theme.changed.connect(self._fit)

    @property
    def chosen(self) -> str:
        """The name in the current row, empty where there is none."""
        entry = self._model.entry(self.currentIndex().row())
        return "" if entry is None else entry.name

    def choose(self, name: str) -> None:
        """Goes to the row of that name, else to the first."""
        row = max(0, self._model.row_of(name))
        if self._model.rowCount():
            self.setCurrentIndex(self._model.index(row, NAME))
            self.selectRow(row)

    def rows_in_sight(self) -> tuple[int, int]:
        """The first and the last row that can be seen."""
        first = max(0, self.rowAt(0))
        last = self.rowAt(self.viewport().height() - 1)
        return first, last if last >= 0 else self._model.rowCount() - 1

    def rename(self) -> None:
        """Edits the name of the current row in place."""
        index = self._model.index(self.currentIndex().row(), NAME)
        if index.isValid():
            self.setCurrentIndex(index)
            self.edit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Enter, F2 and Delete."""
        key = event.key()
        if self.state() == QAbstractItemView.State.EditingState or not self.chosen:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask(self.currentIndex())
        elif key == Qt.Key.Key_F2:
            self.rename()
        elif key == Qt.Key.Key_Delete:
            self.deletion_asked.emit(self.chosen)
        elif key == Qt.Key.Key_Slash:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """The name takes the room that the other columns leave."""
        super().resizeEvent(event)
        self._fit()
        self.in_sight.emit()

    def _fit(self) -> None:
        """Other colours, size of type or width: columns of numbers are as wide as their text needs."""
        zoom = max(1.0, self._theme.zoom / 100)
        room = self.viewport().width()
        widths, narrow = (
            {
                column: round(width * (1 + (zoom - 1) * (0.5 if column == SCORE else 1)))
                for column, width in of.items()
            }
            for of in (_WIDTHS, _NARROW)
        )
        if room - sum(widths.values()) < _LEAST_NAME:
            widths = narrow
        for column in (RUNS, ANSWERS):
            gives_way = room - sum(widths.values()) < _ROOM_FOR_NAME * zoom
            self.setColumnHidden(column, gives_way)
            if gives_way:
                del widths[column]
        for column, width in widths.items():
            self.setColumnWidth(column, width)
        self.setColumnWidth(NAME, max(120, room - sum(widths.values())))
        self.viewport().update()

    def _ask(self, index: Index) -> None:
        entry = self._model.entry(index.row())
        if entry is not None:
            self.asked.emit(entry.name)
