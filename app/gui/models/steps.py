"""The steps of a run as a table, and the numbers of its seconds: while it runs, and afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.gui.live_run import LiveRun
from app.gui.widgets.live_axes import clock
from app.report.sections.run_words import error_share, number, part, share_words
from assessments.wording import NO_BREAK, amount, estimate

Sign = Literal["verified", "partly", "contradicted", "challenged", "limit", "unanswered"]
SIGN = Qt.ItemDataRole.UserRole
"""The sign beside a verdict's word; None where a cell has none."""
SPOILT = Qt.ItemDataRole.UserRole + 1
"""Whether the numbers of a row say nothing of the target, and are greyed."""
NOTHING = "–"
Index = QModelIndex | QPersistentModelIndex
Document = Mapping[str, Any]

LOAD, OFFERED, ANSWERED, P50, P99, ERRORS, CPU, VERDICT = range(8)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a step shows, in a word with its sign."""

    word: str
    sign: Sign | None


def verdict_of(step: Document, limit: tuple[str, float] | None) -> Verdict:
    """The verdict that the step carries; of a steady open step, how it lies to the objective.

    `limit` is a percentile of the objective and its bound in ms. Only a whole interval on one side decides. A
    step that was steady in failing is none that is well.
    """
    said = str(step.get("verdict") or "")
    if said == "client_limited":
        return Verdict("client-limited", "challenged")
    if said == "saturated":
        return Verdict("saturated", "limit")
    if said == "insufficient":
        return Verdict("too few requests", "unanswered")
    if step.get("ok") == 0 and (number(step.get("sent")) or 0) > 0:
        return Verdict("only errors", "contradicted")
    if said != "steady":
        return Verdict(said.replace("_", " ") or NOTHING, "challenged" if said else None)
    if limit is None or step.get("mode") != "open":
        return Verdict("steady", "verified")
    name, bound = limit
    response = part(step, "response_ms")
    low, high = (number(response.get(f"{name}_{end}")) for end in ("low", "high"))
    if high is not None and high <= bound:
        return Verdict("holds", "verified")
    if low is not None and low > bound:
        return Verdict(f"over {amount(bound)}{NO_BREAK}ms", "contradicted")
    if low is None or high is None:
        return Verdict("steady", "verified")
    return Verdict("undecided", "partly")


class StepsModel(QAbstractTableModel):
    """One row a step, the newest last. `add` while a run goes on, `show_steps` afterwards."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps: list[Document] = []
        self._limit: tuple[str, float] | None = None

    def show_steps(self, steps: Sequence[Document], limit: tuple[str, float] | None) -> None:
        """These and no others."""
        self.beginResetModel()
        self._steps, self._limit = list(steps), limit
        self.endResetModel()

    def add(self, step: Document) -> None:
        """One more at the end."""
        place = len(self._steps)
        self.beginInsertRows(QModelIndex(), place, place)
        self._steps.append(step)
        self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """The steps."""
        return 0 if parent.isValid() else len(self._steps)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """Load to verdict."""
        return 0 if parent.isValid() else VERDICT + 1

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names with their units."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section <= VERDICT:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if section in (LOAD, VERDICT) else _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("Step"),
            self.tr("offered, req/s"),
            self.tr("answered, req/s"),
            self.tr("p50, ms"),
            self.tr("p99, ms (95 %)"),
            self.tr("errors"),
            self.tr("CPU, cores"),
            self.tr("verdict"),
        )[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; `SIGN` of the verdict, `SPOILT` of the row."""
        if not index.isValid() or not 0 <= index.row() < len(self._steps):
            return None
        step, column = self._steps[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(step, index.row(), column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if column in (LOAD, VERDICT) else _RIGHT
        if role == SIGN:
            return verdict_of(step, self._limit).sign if column == VERDICT else None
        if role == SPOILT:
            return step.get("verdict") == "client_limited"
        return None

    def _text(self, step: Document, row: int, column: int) -> str:
        response = part(step, "response_ms")
        if column == LOAD:
            return self._load(step, row)
        if column == P99:
            value = number(response.get("p99"))
            low, high = number(response.get("p99_low")), number(response.get("p99_high"))
            return NOTHING if value is None else estimate(value, low, high)
        if column == ERRORS:
            return share_words(error_share(step))
        if column == VERDICT:
            return self.tr(verdict_of(step, self._limit).word)
        value = {
            OFFERED: number(step.get("offered_per_s")),
            ANSWERED: number(step.get("achieved_per_s")),
            P50: number(response.get("p50")),
        }.get(column, number(step.get("cpu_cores")))
        if value is None:
            return NOTHING
        return f"{value:.2f}" if column == CPU else amount(value)

    def _load(self, step: Document, row: int) -> str:
        if step.get("mode") == "closed":
            callers = number(step.get("concurrency"))
            return self.tr("{0} at once").replace("{0}", NOTHING if callers is None else amount(callers))
        place = sum(1 for one in self._steps[: row + 1] if one.get("mode") != "closed")
        return self.tr("rate {0}").replace("{0}", str(place))


class SecondsModel(QAbstractTableModel):
    """The numbers of the running charts, newest first. `refresh` takes in what has come since."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run = LiveRun()
        self._count = 0

    def show_run(self, run: LiveRun) -> None:
        """The seconds of this run."""
        self.beginResetModel()
        self._run, self._count = run, len(run.t)
        self.endResetModel()

    def refresh(self) -> None:
        """Takes in what has come since."""
        fresh = len(self._run.t) - self._count
        if fresh > 0:
            self.beginInsertRows(QModelIndex(), 0, fresh - 1)
            self._count += fresh
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """The seconds."""
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802, Qt's name
        """Time, two response times, two rates."""
        return 0 if parent.isValid() else 5

    def headerData(  # noqa: N802, Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names with their units."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < 5:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        names = (self.tr("time"), "p99, ms", "p50, ms", self.tr("offered, req/s"), self.tr("answered, req/s"))
        return names[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts."""
        if not index.isValid() or not 0 <= index.row() < self._count:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        run, at = self._run, self._count - 1 - index.row()
        if index.column() == 0:
            return clock(run.t[at])
        value = (run.p99, run.p50, run.offered, run.answered)[index.column() - 1][at]
        return NOTHING if value is None else amount(value)
