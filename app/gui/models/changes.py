"""What makes two states of an assessment different, as tables: scores with their shares, and each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.gui.texts import plain_tip
from assessments.milestones import Change, Difference, ScoreChange
from assessments.wording import MINUS

Kind = Literal["states", "answers", "facts", "lens"]
KINDS: tuple[Kind, ...] = ("states", "answers", "facts", "lens")
NAME, BEFORE, AFTER, ANSWERS, EVIDENCE, LENS = range(6)
WHAT, WAS, IS = range(3)
Index = QModelIndex | QPersistentModelIndex
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class ScoresModel(QAbstractTableModel):
    """One row a score: before, after, and the shares of answers, evidence and lens in the change."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[ScoreChange] = ()
        self._names: Mapping[str, str] = {}

    def show_scores(self, rows: Sequence[ScoreChange], names: Mapping[str, str]) -> None:
        """These and no others; `names` are those of the pillars."""
        self.beginResetModel()
        self._rows, self._names = tuple(rows), dict(names)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """The scores."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """Name to lens."""
        return 0 if parent.isValid() else LENS + 1

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section <= LENS:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if section == NAME else _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("Score"),
            self.tr("before"),
            self.tr("after"),
            self.tr("by answers"),
            self.tr("by evidence"),
            self.tr("by the lens"),
        )[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As `loadstone compare` prints them; no score is `none`, no share `–`."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if index.column() == NAME else _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        row = self._rows[index.row()]
        match index.column():
            case 0:
                return self.tr("Overall") if row.id == "overall" else self._names.get(row.id, row.id)
            case 1:
                return self._score(row.before)
            case 2:
                return self._score(row.after)
            case _:
                part = {ANSWERS: row.answers, EVIDENCE: row.evidence, LENS: row.lens}[index.column()]
                return _signed(part)

    def _score(self, value: float | None) -> str:
        return self.tr("none") if value is None else f"{value:.1f}"


def _signed(part: float | None) -> str:
    if part is None:
        return "–"
    shown = f"{part:+.1f}".replace("-", MINUS)
    return "0" if shown[1:] == "0.0" else shown


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change: its kind, what changed (an id, and in words), and what it was before and after."""

    kind: Kind
    id: str
    meaning: str
    before: str
    after: str


Words = Callable[[Kind, Change], ChangeRow]
"""A change in words."""


def rows_of(found: Difference, words: Words) -> list[ChangeRow]:
    """All changes in words, verdicts first."""
    return [words(kind, change) for kind in KINDS for change in _changes(found, kind)]


def _changes(found: Difference, kind: Kind) -> Sequence[Change]:
    changes: Sequence[Change] = getattr(found, kind)
    return changes


class ChangesModel(QAbstractTableModel):
    """One row a change, of one kind or of all."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: Sequence[ChangeRow] = ()
        self._rows: Sequence[ChangeRow] = ()
        self.kind: Kind | None = None

    def show_rows(self, rows: Sequence[ChangeRow]) -> None:
        """These and no others."""
        self.beginResetModel()
        self._all = tuple(rows)
        self._rows = self._kept()
        self.endResetModel()

    def set_kind(self, kind: Kind | None) -> None:
        """Only changes of this kind; None for all."""
        self.beginResetModel()
        self.kind = kind
        self._rows = self._kept()
        self.endResetModel()

    def _kept(self) -> Sequence[ChangeRow]:
        return tuple(row for row in self._all if self.kind in (None, row.kind))

    def counts(self) -> dict[str, int]:
        """How many there are of each kind, and of `all`."""
        counts: dict[str, int] = {"all": len(self._all)}
        for kind in KINDS:
            counts[kind] = sum(row.kind == kind for row in self._all)
        return counts

    def row(self, place: int) -> ChangeRow:
        """The change in a row. Raises `IndexError`."""
        return self._rows[place]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """The changes that are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """What, before, after."""
        return 0 if parent.isValid() else IS + 1

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section <= IS:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("What changed"), self.tr("before"), self.tr("after"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts as they are, whole as tool tips."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self._rows[index.row()]
        text = (row.meaning, row.before, row.after)[index.column()]
        return text if role == Qt.ItemDataRole.DisplayRole else plain_tip(text)
