"""The numbers of a chart as a table, in a window beside the work: `T` on any chart opens it.

    chart.table_asked.connect(lambda spec: show_numbers(self.window(), spec, self.theme))

It is not modal: the page stays in use. `Ctrl C` copies the selected rows, or all, as tab-separated text.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.charts.spec import ChartSpec
from app.charts.table import Row, rows_of
from app.gui.texts import plain_tip
from app.gui.theme import SECTION, SMALL, Theme
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.plain_table import DENSE, RowDelegate

SIZE = (560, 420)
_NOT_OF_NUMBERS = "0123456789.,–-−+%×() \u00a0"


class NumbersModel(QAbstractTableModel):
    """Header and rows of texts, as `rows_of` gives them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.header: Row = ()
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, header: Row, rows: tuple[Row, ...]) -> None:
        """These and no others."""
        self.beginResetModel()
        self.header, self.rows = header, rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """The rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """As many as the header has."""
        return 0 if parent.isValid() else len(self.header)

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.header):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.header[section]
        return self._align(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The text; numbers stand at the right."""
        if not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            text = self.rows[index.row()][index.column()]
            return text if role == Qt.ItemDataRole.DisplayRole else plain_tip(text)
        return self._align(index.column()) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def text(self, rows: list[int] | None = None) -> str:
        """The rows with their header, separated by tabs."""
        wanted = range(len(self.rows)) if rows is None else rows
        return "\n".join("\t".join(row) for row in (self.header, *(self.rows[at] for at in wanted)))

    def _align(self, column: int) -> Qt.AlignmentFlag:
        cells = [row[column] for row in self.rows if row[column]]
        numbers = column > 0 and cells and all(set(cell) <= set(_NOT_OF_NUMBERS) for cell in cells)
        return Qt.AlignmentFlag.AlignRight if numbers else Qt.AlignmentFlag.AlignLeft


class NumbersWindow(QDialog):
    """The table, with the chart's title over it and its caption below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModal(False)
        self.setWindowTitle(self.tr("Numbers"))
        self.resize(*SIZE)
        self.model = NumbersModel(self)
        self.title = PlainLabel("", SECTION, 600, wrap=True)
        self.caption = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setItemDelegate(RowDelegate(theme, DENSE, self.table))
        self.table.setShowGrid(False)
        self.table.setFont(self.font())
        self.table.setAccessibleName(self.tr("Numbers of the chart"))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(DENSE)
        self.table.verticalHeader().setMinimumSectionSize(DENSE)
        self.table.horizontalHeader().setHighlightSections(False)
        self.copy = QPushButton(self.tr("Copy"))
        self.copy.clicked.connect(self.copy_rows)
        self.closing = QPushButton(self.tr("Close"))
        self.closing.clicked.connect(self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self).activated.connect(self.copy_rows)
        QShortcut(QKeySequence("T"), self).activated.connect(self.close)
        below = QHBoxLayout()
        below.addWidget(PlainLabel(self.tr("T closes, Ctrl C copies"), SMALL, tone="muted"))
        below.addStretch(1)
        below.addWidget(self.copy)
        below.addWidget(self.closing)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(self.title)
        column.addWidget(self.table, 1)
        column.addWidget(self.caption)
        column.addLayout(below)

    def show_chart(self, spec: ChartSpec) -> None:
        """The numbers of this chart."""
        self.model.show_rows(*rows_of(spec))
        self.title.setText(spec.title or self.tr("Numbers"))
        self.caption.setText(spec.caption)
        self.caption.setVisible(bool(spec.caption))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.table.scrollToTop()
        self.show()
        self.raise_()
        self.activateWindow()
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def copy_rows(self) -> None:
        """Puts the selected rows, or all, on the clipboard."""
        chosen = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        QGuiApplication.clipboard().setText(self.model.text(chosen or None))


def show_numbers(window: QWidget, spec: ChartSpec, theme: Theme) -> NumbersWindow:
    """Opens the numbers of a chart beside `window`, in the one that is open already if there is one."""
    found = window.findChild(NumbersWindow)
    shown = NumbersWindow(theme, window) if found is None else found
    shown.show_chart(spec)
    return shown
