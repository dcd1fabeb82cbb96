"""The questions of the open assessment by pillar, filtered and searched; every row knows its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.charts.pieces import State
from app.gui.texts import plain_tip
from assessments.judging import Judged
from assessments.lens import Question
from assessments.states import Judgement

Filter = Literal["all", "open", "contradicted", "critical", "changed"]
FILTERS: tuple[Filter, ...] = ("all", "open", "contradicted", "critical", "changed")
OPEN_STATES = ("unsure", "unanswered")

KEY = Qt.ItemDataRole.UserRole
"""The id of the question, or of the pillar."""
IS_PILLAR, STATE, TITLE, SCORE, COUNT, IS_PROPOSED = (
    Qt.ItemDataRole.UserRole + place for place in range(1, 7)
)

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Row:
    """A pillar's heading, or a question. `state` is empty for headings, `score` for questions."""

    key: str
    title: str
    is_pillar: bool = False
    state: State | None = None
    is_proposed: bool = False
    score: str = ""
    count: int = 0


def is_open(judgement: Judgement) -> bool:
    """Whether somebody still has to answer it."""
    return judgement.applies and judgement.state in OPEN_STATES


def is_proposed(judgement: Judgement) -> bool:
    """Whether the evidence proves an answer that nobody has given yet."""
    return is_open(judgement) and judgement.offered is not None


def proposals(judged: Judged) -> tuple[Judgement, ...]:
    """The open questions of which the evidence proves an answer."""
    return tuple(entry for entry in judged.judgements if is_proposed(entry))


def can_propose_more(judged: Judged) -> bool:
    """Whether nothing was read of the service yet that could prove an open answer."""
    if any(fact.state == "read" for fact in judged.evidence.facts.values()):
        return False
    left = {entry.question for entry in judged.judgements if is_open(entry)}
    return any(
        choice.verified_by is not None
        for question in judged.lens.questions
        if question.id in left
        for choice in question.choices
    )


def changed_between(before: Judged, after: Judged) -> tuple[str, ...]:
    """The questions that evidence moved: another state, or another proposal."""
    was = {entry.question: (entry.state, entry.offered) for entry in before.judgements}
    return tuple(
        entry.question
        for entry in after.judgements
        if entry.question in was and was[entry.question] != (entry.state, entry.offered)
    )


class QuestionsModel(QAbstractListModel):
    """Pillars' headings with their questions. A heading without questions is left out."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._judged: Judged | None = None
        self._by_id: Mapping[str, Judgement] = {}
        self._rows: list[Row] = []
        self._filter: Filter = "all"
        self._words: tuple[str, ...] = ()
        self._changed: frozenset[str] = frozenset()
        self._kept = ""

    # -- what is shown -------------------------------------------------------------------------------------

    def show_judged(self, judged: Judged | None) -> None:
        """Shows this assessment from now on."""
        self._judged = judged
        self._by_id = {} if judged is None else {entry.question: entry for entry in judged.judgements}
        self._arrange()

    def set_filter(self, name: Filter) -> None:
        """Leaves in only the questions of this kind."""
        if name != self._filter:
            self._filter = name
            self._kept = ""
            self._arrange()

    @property
    def filter(self) -> Filter:
        """The filter that holds."""
        return self._filter

    def set_search(self, text: str) -> None:
        """Leaves in only the questions in whose id, title or text every one of these words stands."""
        self._words = tuple(text.casefold().split())
        self._arrange()

    def set_changed(self, questions: Iterable[str]) -> None:
        """The questions that the filter `changed` shows."""
        self._changed = frozenset(questions)
        self._arrange()

    def keep(self, question: str) -> None:
        """Leaves this one question in whatever the filter says: it is being answered."""
        if question != self._kept:
            self._kept = question
            self._arrange()

    def counts(self) -> dict[Filter, int]:
        """How many questions each filter would show, whatever is searched for."""
        entries = list(self._by_id.values())
        return {name: sum(self._passes(entry, name) for entry in entries) for name in FILTERS}

    def _passes(self, judgement: Judgement, name: Filter) -> bool:
        match name:
            case "open":
                return is_open(judgement)
            case "contradicted":
                return judgement.state == "contradicted"
            case "critical":
                return judgement.critical and judgement.applies
            case "changed":
                return judgement.question in self._changed
            case _:
                return True

    def _is_found(self, question: Question) -> bool:
        text = f"{question.id} {question.title} {question.text} {' '.join(question.terms)}".casefold()
        return all(word in text for word in self._words)

    def _arrange(self) -> None:
        rows = self._wanted()
        if [row.key for row in rows] != [row.key for row in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        before, self._rows = self._rows, rows
        for place, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                index = self.index(place, 0)
                self.dataChanged.emit(index, index)

    def _wanted(self) -> list[Row]:
        judged = self._judged
        if judged is None:
            return []
        rows: list[Row] = []
        for pillar in judged.lens.pillars:
            score = judged.scores.pillar(pillar.id).reading
            members = [
                self._row(question)
                for question in judged.lens.questions
                if question.pillar == pillar.id and self._is_shown(question)
            ]
            if members:
                shown = "–" if score is None else f"{score.score:.0f}"
                rows.append(Row(pillar.id, pillar.name, True, score=shown, count=len(members)))
                rows += members
        return rows

    def _is_shown(self, question: Question) -> bool:
        if question.id == self._kept:
            return True
        return self._passes(self._by_id[question.id], self._filter) and self._is_found(question)

    def _row(self, question: Question) -> Row:
        judgement = self._by_id[question.id]
        return Row(question.id, question.title, False, judgement.state, is_proposed(judgement))

    # -- finding -------------------------------------------------------------------------------------------

    def questions(self) -> list[str]:
        """The ids of the questions that are shown, in their order."""
        return [row.key for row in self._rows if not row.is_pillar]

    def index_of(self, question: str) -> QModelIndex:
        """Where a question stands; an invalid index where it is not shown."""
        for place, row in enumerate(self._rows):
            if row.key == question and not row.is_pillar:
                return self.index(place, 0)
        return QModelIndex()

    def beside(self, question: str, step: int) -> str:
        """The question `step` rows further, held at both ends; the first one where it is not shown."""
        shown = self.questions()
        if question not in shown:
            return shown[0] if shown else ""
        return shown[max(0, min(len(shown) - 1, shown.index(question) + step))]

    def next_open(self, question: str) -> str:
        """The next open question behind this one, from the start again after the last; empty for none."""
        ids = list(self._by_id)
        start = ids.index(question) + 1 if question in self._by_id else 0
        for other in (*ids[start:], *ids[: max(0, start - 1)]):
            if is_open(self._by_id[other]):
                return other
        return ""

    # -- Qt's names ----------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Headings and questions."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings cannot be chosen."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        if self._rows[index.row()].is_pillar:
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        kept = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return kept | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The row's parts; its texts for people and for screen readers."""
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        parts = {
            int(KEY): row.key,
            int(IS_PILLAR): row.is_pillar,
            int(STATE): row.state,
            int(TITLE): row.title,
            int(SCORE): row.score,
            int(COUNT): row.count,
            int(IS_PROPOSED): row.is_proposed,
        }
        if int(role) in parts:
            return parts[int(role)]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title if row.is_pillar else f"{row.key}  {row.title}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._said(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._said(row))
        return None

    def _said(self, row: Row) -> str:
        if row.is_pillar:
            text = self.tr("{0}, {1} questions, score {2}")
            for place, value in enumerate((row.title, str(row.count), row.score)):
                text = text.replace(f"{{{place}}}", value)
            return text
        from app.report.words import STATES

        word = self.tr("proposed") if row.is_proposed else STATES[row.state or "unanswered"][0]
        return f"{row.key} {row.title}, {word}"
