"""Plain rows as a table: texts, a sign in one cell, and a key to open what a row is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.gui.models.steps import SIGN, SPOILT
from app.gui.texts import plain_tip

KEY = Qt.ItemDataRole.UserRole + 10
"""What a row is about, such as the id of a question."""
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Line:
    """A row. `sign` stands in the column `sign_at`; `tip` is its word; a `muted` row is context."""

    cells: tuple[str, ...]
    sign: str | None = None
    sign_at: int = 0
    key: str = ""
    muted: bool = False
    tip: str = ""


class RowsModel(QAbstractTableModel):
    """Rows under a header. `right` are the columns whose numbers are set right."""

    def __init__(
        self, header: Sequence[str], right: Sequence[int] = (), parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._header, self._right = tuple(header), frozenset(right)
        self.lines: tuple[Line, ...] = ()

    def show_lines(self, lines: Sequence[Line], header: Sequence[str] | None = None) -> None:
        """These and no others, under another header where one is given."""
        self.beginResetModel()
        self.lines = tuple(lines)
        if header is not None:
            self._header = tuple(header)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """The rows."""
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """As many as the header has."""
        return 0 if parent.isValid() else len(self._header)

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The header's words."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._header):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._header[section]
        return self._align(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _align(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts, sign and key."""
        if not index.isValid() or not 0 <= index.row() < len(self.lines):
            return None
        line, column = self.lines[index.row()], index.column()
        text = line.cells[column] if column < len(line.cells) else ""
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(line.tip or text)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{text}, {line.tip}" if line.tip and column == line.sign_at else text
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._align(column)
        if role == SIGN:
            return line.sign if column == line.sign_at else None
        if role == SPOILT:
            return line.muted
        return line.key if role == KEY else None
