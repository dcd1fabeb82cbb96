"""The assessments of the store as a table, with the score of those that are in sight.

Scores are computed elsewhere and put in (`put_score`); one is kept as long as its assessment has not changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.gui.texts import filled, plain_tip

if TYPE_CHECKING:
    from app.charts.pieces import Band
    from assessments.store import AssessmentSummary, Store

NAME, SCORE, BAND, RUNS, ANSWERS, CHANGED = range(6)
SCORE_ROLE = Qt.ItemDataRole.UserRole
"""`ListedScore`, or None where it is not computed yet."""
OPEN_ROLE = Qt.ItemDataRole.UserRole + 1
"""Whether it is the assessment that is open."""
MOST_SCORES = 5_000
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class ListedScore:
    """The overall score of an assessment, with the parts of the pillar that sets it; or why there is none."""

    score: float | None = None
    band: Band | None = None
    pillar: str = ""
    proven: float = 0.0
    claimed: float = 0.0
    contradicted: float = 0.0
    unanswered: float = 0.0
    refused: str = ""


def listed_score(store: Store, name: str, as_of: datetime) -> ListedScore:
    """The score of a stored assessment; what cannot be judged has none, and says why."""
    from assessments.judging import judged_at
    from assessments.stored import materials
    from probes.errors import UserError

    try:
        judged = judged_at(materials(store, name), as_of)
    except UserError as error:
        return ListedScore(refused=str(error))
    overall = judged.scores.overall
    if overall.score is None or overall.pillar is None:
        return ListedScore(refused=overall.refused or "")
    reading = judged.scores.pillar(overall.pillar).reading
    assert reading is not None, "the lowest of the pillars that have a score"
    titles = {pillar.id: pillar.name for pillar in judged.lens.pillars}
    return ListedScore(
        score=overall.score,
        band=overall.band,
        pillar=titles.get(overall.pillar, overall.pillar),
        proven=reading.proven,
        claimed=reading.claimed,
        contradicted=reading.lost.contradicted,
        unanswered=reading.lost.unanswered,
    )


class AssessmentModel(QAbstractTableModel):
    """One row an assessment, the one changed last first. Editing a name asks for it to be renamed."""

    rename_asked = Signal(str, str)
    """The name, and the one it shall have."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[AssessmentSummary, ...] = ()
        self._rows: tuple[AssessmentSummary, ...] = ()
        self._filter: tuple[str, ...] = ()
        self._scores: dict[tuple[str, datetime], ListedScore] = {}
        self._open = ""

    # -- what is shown -------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """How many there are, whatever is searched for."""
        return len(self._all)

    def show_entries(self, entries: Sequence[AssessmentSummary]) -> None:
        """These are the assessments from now on."""
        if tuple(entries) == self._all:
            return
        self.beginResetModel()
        self._all = tuple(entries)
        self._narrow()
        self.endResetModel()

    def search(self, text: str) -> None:
        """Only names with all of these words, whatever their case."""
        words = tuple(text.casefold().split())
        if words != self._filter:
            self.beginResetModel()
            self._filter = words
            self._narrow()
            self.endResetModel()

    def show_open(self, name: str) -> None:
        """The one that is open."""
        if name != self._open:
            self._open = name
            self._changed(NAME, NAME, OPEN_ROLE)

    def entry(self, row: int) -> AssessmentSummary | None:
        """The assessment of a row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, name: str) -> int:
        """The row of an assessment, -1 where it is not shown."""
        return next((row for row, entry in enumerate(self._rows) if entry.name == name), -1)

    def has(self, name: str) -> bool:
        """Whether there is one of this name, shown or not."""
        return any(entry.name == name for entry in self._all)

    def free_name(self, wished: str) -> str:
        """The name, or with the first number behind it that is free."""
        taken = {entry.name for entry in self._all}
        if wished not in taken:
            return wished
        number = 2
        while f"{wished} {number}" in taken:
            number += 1
        return f"{wished} {number}"

    def next_without_score(self, first: int, last: int) -> AssessmentSummary | None:
        """The first assessment of these rows whose score is not known."""
        for entry in self._rows[max(0, first) : last + 1]:
            if (entry.name, entry.updated_at) not in self._scores:
                return entry
        return None

    def put_score(self, name: str, updated_at: datetime, score: ListedScore) -> None:
        """The score of an assessment as it was changed last at that time."""
        while len(self._scores) >= MOST_SCORES:
            del self._scores[next(iter(self._scores))]
        self._scores[name, updated_at] = score
        row = self.row_of(name)
        if row >= 0:
            self.dataChanged.emit(self.index(row, SCORE), self.index(row, BAND))

    def _narrow(self) -> None:
        words = self._filter
        self._rows = (
            self._all
            if not words
            else tuple(entry for entry in self._all if all(word in entry.name.casefold() for word in words))
        )

    def _changed(self, first: int, last: int, role: int) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, first), self.index(len(self._rows) - 1, last), [role])

    # -- Qt's part -----------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's names
        """The assessments shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's names
        """Name, score, band, runs, answers, changed."""
        return 0 if parent.isValid() else CHANGED + 1

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names can be edited."""
        found = super().flags(index)
        return found | Qt.ItemFlag.ItemIsEditable if index.isValid() and index.column() == NAME else found

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section <= CHANGED:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_alignment(section))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("Assessment"), self.tr("Score (proven–claimed)"), self.tr("Band"), self.tr("Runs"),
            self.tr("Answers"), self.tr("Changed"),
        )[section]  # fmt: skip

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        entry = self.entry(index.row()) if index.isValid() else None
        if entry is None:
            return None
        if role == SCORE_ROLE:
            return self._scores.get((entry.name, entry.updated_at))
        if role == OPEN_ROLE:
            return entry.name == self._open
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_alignment(index.column()))
        if role == Qt.ItemDataRole.EditRole and index.column() == NAME:
            return entry.name
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(entry, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._said(entry, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._said(entry, index.column()))
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Asks for another name; the row changes when the store has it."""
        entry = self.entry(index.row()) if index.isValid() else None
        name = str(value).strip()
        if entry is None or role != Qt.ItemDataRole.EditRole or index.column() != NAME:
            return False
        if name and name != entry.name:
            self.rename_asked.emit(entry.name, name)
        return False

    def _text(self, entry: AssessmentSummary, column: int) -> str:
        score = self._scores.get((entry.name, entry.updated_at))
        if column == NAME:
            return entry.name
        if column == SCORE:
            return "" if score is None or score.score is None else f"{score.score:.0f}"
        if column == BAND:
            if score is None:
                return ""
            return self.tr("no score yet") if score.band is None else str(score.band)
        if column == CHANGED:
            return f"{entry.updated_at.astimezone():%Y-%m-%d}"
        return f"{entry.runs if column == RUNS else entry.answers:,}"

    def _said(self, entry: AssessmentSummary, column: int) -> str:
        """A cell for those who do not see its picture."""
        score = self._scores.get((entry.name, entry.updated_at))
        if column == CHANGED:
            return f"{entry.updated_at.astimezone():%Y-%m-%d %H:%M}"
        if column not in (SCORE, BAND) or score is None:
            return self._text(entry, column)
        if score.score is None:
            return score.refused
        text = self.tr("{0}, set by {1}; proven {2}, claimed {3}, {4} contradicted")
        numbers = (f"{value:.0f}" for value in (score.proven, score.claimed, score.contradicted))
        return filled(text, f"{score.score:.0f}", score.pillar, *numbers)


def _alignment(column: int) -> Qt.AlignmentFlag:
    is_number = column in (RUNS, ANSWERS, CHANGED)
    return (Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft) | (
        Qt.AlignmentFlag.AlignVCenter
    )
