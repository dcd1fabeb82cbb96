"""The actions of the plan as a table: effort, points, what they do to capacity and date, and their price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.gui.texts import plain_tip
from app.report.sections.plan import points_said
from app.report.sections.score_words import effort_words
from app.report.view import View
from assessments.wording import NO_BREAK, amount

NUMBER, ACTION, PILLAR, EFFORT, POINTS, CAPACITY, RUNS_OUT, PRICE = range(8)
MARK_ROLE = Qt.ItemDataRole.UserRole + 8
"""The shape that stands for the pillar."""
DASH = "–"
Index = QModelIndex | QPersistentModelIndex
Action = Mapping[str, Any]


class ActionsModel(QAbstractTableModel):
    """One row an action, the best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view: View | None = None
        self._actions: Sequence[Action] = ()

    def show_view(self, view: View | None) -> None:
        """The actions of this assessment."""
        if self._view is not None and view is not None and view.actions == self._actions:
            self._view = view
            return
        self.beginResetModel()
        self._view, self._actions = view, () if view is None else view.actions
        self.endResetModel()

    def action(self, row: int) -> Action:
        """The action in a row. Raises `IndexError`."""
        return self._actions[row]

    def row_of(self, question: str) -> int | None:
        """The first row whose action settles this question."""
        for row, action in enumerate(self._actions):
            if question in (action.get("questions") or [action.get("question")]):
                return row
        return None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """The actions."""
        return 0 if parent.isValid() else len(self._actions)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """Number to price."""
        return 0 if parent.isValid() else PRICE + 1

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section <= PRICE:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _align(section)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            "",
            self.tr("Action"),
            "",
            self.tr("Effort"),
            self.tr("Points"),
            self.tr("Fleet, req/s"),
            self.tr("Runs out"),
            self.tr("Price of it"),
        )[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; the whole of them as tool tips; the pillar's shape."""
        if not index.isValid() or self._view is None:
            return None
        action, column = self._actions[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _align(column)
        if role == MARK_ROLE:
            return self._view.mark(action.get("pillar")) if column == PILLAR else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            text = self._text(index.row(), action, column)
            return text if role == Qt.ItemDataRole.DisplayRole else plain_tip(text)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            name = self.headerData(column, Qt.Orientation.Horizontal)
            return f"{name}: {self._text(index.row(), action, column)}"
        return None

    def _text(self, row: int, action: Action, column: int) -> str:
        assert self._view is not None
        match column:
            case 0:
                return str(row + 1)
            case 1:
                return str(action["text"])
            case 2:
                return self._view.pillar_name(action.get("pillar"))
            case 3:
                return effort_words(action)
            case 4:
                return points_said(action)
            case 5:
                fleet = action.get("fleet_per_s")
                return f"{amount(fleet[0])} →{NO_BREAK}{amount(fleet[1])}" if fleet else DASH
            case 6:
                return str(action.get("runs_out_on") or DASH)
            case _:
                return str(action.get("tradeoff") or self.tr("none stated"))


def _align(column: int) -> Qt.AlignmentFlag:
    right = column in (NUMBER, EFFORT, POINTS)
    return (
        Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    ) | Qt.AlignmentFlag.AlignVCenter
