"""The facts of the open assessment as a table: what counts, and what was set aside and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from app.gui.level_words import age_words, meaning, source_words, value_words
from app.gui.texts import plain_tip
from assessments.evidence import Challenge, Evidence, is_absence, is_derived
from assessments.judging import Judged
from probes.errors import UsageError
from probes.facts import CATALOGUE, Fact, FactName, Value

FACT, VALUE, SOURCE, AGE, STATE, MACHINE = range(6)
COLUMNS = ("fact", "value", "source", "age", "state", "machine")
ROW = Qt.ItemDataRole.UserRole

Kind = Literal["all", "measured", "read", "derived", "by_hand", "set_aside"]
KINDS: tuple[Kind, ...] = ("all", "measured", "read", "derived", "by_hand", "set_aside")
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact. `why` says why it does not count; empty for one that counts."""

    fact: Fact
    meaning: str
    value: str
    source: str
    age: str
    days: float
    why: str = ""
    challenge: Challenge | None = None

    @property
    def counts(self) -> bool:
        """Whether claims are judged by it."""
        return not self.why

    @property
    def kind(self) -> Kind:
        """Which filter shows it."""
        if self.why:
            return "set_aside"
        if is_derived(self.fact):
            return "derived"
        return {"measured": "measured", "read": "read"}.get(self.fact.state, "by_hand")  # type: ignore[return-value]

    @property
    def pillar(self) -> str:
        """The pillar that the catalogue names; empty for facts of the run itself."""
        entry = CATALOGUE.get(self.fact.name)
        return "" if entry is None or entry.pillar is None else entry.pillar

    @property
    def state(self) -> str:
        """The state in a word or two."""
        if self.challenge is not None:
            return "challenged"
        if self.why:
            return "set aside"
        if is_absence(self.fact):
            return "not found"
        return "derived" if is_derived(self.fact) else self.fact.state.replace("_", " ")


def rows_of(judged: Judged) -> list[FactRow]:
    """All facts that count, by name, then what was set aside."""
    evidence = judged.evidence
    counting = [_row(fact, evidence) for _, fact in sorted(evidence.facts.items())]
    aside = [_row(entry.fact, evidence, entry.why, entry.challenge) for entry in evidence.set_aside]
    return [*counting, *aside]


def _row(fact: Fact, evidence: Evidence, why: str = "", challenge: Challenge | None = None) -> FactRow:
    return FactRow(
        fact=fact,
        meaning=meaning(fact.name),
        value=value_words(fact),
        source=source_words(fact),
        age=age_words(fact, evidence),
        days=evidence.age_days(fact),
        why=why,
        challenge=challenge,
    )


class FactsModel(QAbstractTableModel):
    """One row a fact. `ROW` gives the `FactRow`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FactRow] = []

    def show_rows(self, rows: Sequence[FactRow]) -> None:
        """Shows these from now on."""
        if [_identity(row) for row in rows] == [_identity(row) for row in self._rows]:
            changed = [place for place, row in enumerate(rows) if row != self._rows[place]]
            self._rows = list(rows)
            for place in changed:
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    @property
    def rows(self) -> Sequence[FactRow]:
        """All rows, unfiltered."""
        return self._rows

    def counts(self) -> dict[Kind, int]:
        """How many facts each filter shows."""
        found = dict.fromkeys(KINDS, 0)
        for row in self._rows:
            found[row.kind] += 1
            found["all"] += 1
        return found

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """One a fact."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Fact, value, source, age, state, machine."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            names = (
                self.tr("Fact"),
                self.tr("Value"),
                self.tr("Source"),
                self.tr("Age"),
                self.tr("State"),
                self.tr("Machine"),
            )
            return names[section] if 0 <= section < len(names) else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_alignment(section))
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text of a cell, the row itself, and what to sort by."""
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        row, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell(row, column)
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_alignment(column))
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = {FACT: f"{row.meaning}\n{row.fact.name}", STATE: row.why}.get(column, _cell(row, column))
            return plain_tip(tip) if tip else None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return _cell(row, column)
        return None


def _identity(row: FactRow) -> tuple[object, ...]:
    return row.fact, row.why


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (VALUE, AGE) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _cell(row: FactRow, column: int) -> str:
    return (row.meaning, row.value, row.source, row.age, row.state, row.fact.source.machine or "–")[column]


def sort_key(row: FactRow, column: int) -> tuple[int, float, str]:
    """What a column is sorted by: numbers before words, ages by days, everything else by its text."""
    if column == VALUE:
        value = row.fact.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return 0, float(value), ""
        return 1, 0.0, row.value.casefold()
    if column == AGE:
        return 0, row.days, ""
    return 0, 0.0, _cell(row, column).casefold()


class FactsFilter(QSortFilterProxyModel):
    """Sorted, and narrowed by kind, pillar and words."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kind: Kind = "all"
        self._pillar = ""
        self._words: tuple[str, ...] = ()
        self._names: frozenset[str] | None = None

    def narrow(self, *, kind: Kind | None = None, pillar: str | None = None, text: str | None = None) -> None:
        """Leaves in only what fits; what is not given stays as it was, an empty pillar is all of them."""
        self._kind = self._kind if kind is None else kind
        self._pillar = self._pillar if pillar is None else pillar
        self._words = self._words if text is None else tuple(text.casefold().split())
        self.invalidate()

    def narrow_to(self, names: frozenset[str] | None) -> None:
        """Leaves in only facts of these names; None takes that away."""
        self._names = names
        self.invalidate()

    @property
    def names(self) -> frozenset[str] | None:
        """The names that are left in; None for all."""
        return self._names

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802, Qt's name
        """Whether one row stands before another in the column that is sorted by."""
        first, second = left.data(ROW), right.data(ROW)
        if not isinstance(first, FactRow) or not isinstance(second, FactRow):
            return False
        return sort_key(first, left.column()) < sort_key(second, right.column())

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802, Qt's name
        """Whether a fact fits."""
        model = self.sourceModel()
        row = model.index(source_row, 0, source_parent).data(ROW)
        if not isinstance(row, FactRow):
            return False
        if self._kind not in ("all", row.kind):
            return False
        if self._pillar and row.pillar != self._pillar:
            return False
        if self._names is not None and row.fact.name not in self._names:
            return False
        text = f"{row.fact.name} {row.meaning} {row.value} {row.source} {row.state} {row.why}".casefold()
        return all(word in text for word in self._words)


def facts_by_hand() -> list[FactName]:
    """The facts that a person may give, by name: not what is derived from others."""
    not_given = ("derived.", "history.", "profile.", "machine.")
    return [entry for name, entry in sorted(CATALOGUE.items()) if not name.startswith(not_given)]


def value_of(entry: FactName, text: str) -> Value:
    """The value that a person wrote for a fact. Raises `UsageError` that says what to write."""
    text = text.strip()
    if entry.type == "boolean":
        known = {"yes": True, "true": True, "no": False, "false": False}
        if text.casefold() not in known:
            raise UsageError(f"{entry.name} is yes or no: write one of them")
        return known[text.casefold()]
    if entry.type == "choice":
        if text not in entry.choices:
            raise UsageError(f"{entry.name} is one of {', '.join(entry.choices)}: write one of them")
        return text
    if entry.type in ("text", "date"):
        if not text:
            raise UsageError(f"{entry.name} needs a value: write one")
        return text
    share = entry.type == "ratio" and text.endswith("%")
    try:
        number = float(text.removesuffix("%").replace("\N{NO-BREAK SPACE}", "").strip())
    except ValueError:
        unit = f" in {entry.unit}" if entry.unit not in ("", "1") else ""
        raise UsageError(f"'{text:.40}' is no number: write {entry.name}{unit}") from None
    number = number / 100 if share else number
    if entry.type == "integer":
        if number != int(number) if abs(number) < 1e300 else True:
            raise UsageError(f"{entry.name} is a whole number of {entry.unit}: write one")
        return int(number)
    return number
