"""Two states of an assessment, or two runs: what changed, and by answers, evidence and lens apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.charts.spec import ChangeChart, ScoreChange
from app.gui.comparing import (
    Compared,
    ComparedRuns,
    Place,
    compare_runs,
    compare_states,
    keep_milestone,
    runs,
    states,
)
from app.gui.executor import Failure
from app.gui.models.changes import KINDS, ChangesModel, ScoresModel
from app.gui.page import Context, Page
from app.gui.texts import filled
from app.gui.theme import BODY, PAGE, SECTION, SMALL
from app.gui.widgets.figure import Figure
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.notice import Notice
from app.gui.widgets.numbers import NumbersModel
from app.gui.widgets.plain_table import ROW, PlainTable
from app.gui.widgets.segments import Segments
from assessments.assessment import Assessed
from assessments.wording import counted

_WIDEST = 420
_TABLE = 760


class ComparePage(Page):
    """Before and after, chosen from two lists."""

    key = "compare"
    icon = "columns-2"
    keys = (
        ("Ctrl M", "keep a milestone"),
        ("Enter", "on a verdict: to its question"),
        ("T", "numbers of the chart that has the focus"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._what = "states"
        self._turn = 0
        self._is_shown = False
        self._is_stale = True
        self._places: list[Place] = []
        self._wanted: tuple[str | None, str | None] = (None, None)
        self.result: Compared | ComparedRuns | None = None
        self.keep = QPushButton(self.tr("Keep a milestone…"))
        self.keep.setToolTip("Ctrl+M")
        self.keep.setShortcut("Ctrl+M")
        self.keep.clicked.connect(self._ask_label)
        self._build()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.what = Segments(
            [("states", self.tr("Assessments and milestones")), ("runs", self.tr("Runs"))],
            self.theme,
            self.tr("What is compared"),
        )
        self.what.chosen.connect(self.set_what)
        self.before, self.after = QComboBox(), QComboBox()
        for box, name in ((self.before, self.tr("before")), (self.after, self.tr("after"))):
            box.setAccessibleName(name)
            box.setMaximumWidth(_WIDEST)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(18)
            box.activated.connect(lambda _at: self._compare())
        self.swap = QPushButton(self.tr("Swap"))
        self.swap.setProperty("kind", "plain")
        self.swap.clicked.connect(self.exchange)
        self._build_label_row()
        self.problem = Notice(self.theme)
        self.problem.hide()
        self.headline = PlainLabel("", PAGE, 600, wrap=True)
        self.lead = PlainLabel("", BODY, tone="muted", wrap=True)
        self.chart = Figure(self.theme, 140)
        self.scores = ScoresModel(self)
        self.score_table = PlainTable(
            self.scores, self.theme, self.tr("Scores before and after"), stretch=0, height=ROW, grows=True
        )
        self.score_table.setMaximumWidth(_TABLE)
        self.how = PlainLabel(
            self.tr("Each share by going from before to after in three steps: lens, answers, evidence."),
            SMALL,
            tone="muted",
            wrap=True,
        )
        words = {
            "all": self.tr("All"),
            "states": self.tr("Verdicts"),
            "answers": self.tr("Answers"),
            "facts": self.tr("Evidence"),
            "lens": self.tr("Lens"),
        }
        self.kinds = Segments([(kind, words[kind]) for kind in words], self.theme, self.tr("Kind of change"))
        self.kinds.chosen.connect(self.set_kind)
        self.changes = ChangesModel(self)
        self.change_table = PlainTable(
            self.changes, self.theme, self.tr("What changed"), height=ROW, grows=True
        )
        self.change_table.activated.connect(self._open)
        self.nothing = PlainLabel(self.tr("Nothing is different."), BODY, tone="muted")
        self.metrics = NumbersModel(self)
        self.run_table = PlainTable(
            self.metrics,
            self.theme,
            self.tr("Both runs, metric by metric"),
            stretch=0,
            height=ROW,
            grows=True,
        )
        self.warnings = PlainLabel("", SMALL, tone="warn", wrap=True, selectable=True)
        self._arrange()

    def _build_label_row(self) -> None:
        self.label = QLineEdit()
        self.label.setAccessibleName(self.tr("Label of the milestone"))
        self.label.setPlaceholderText(self.tr("such as before-campaign"))
        self.label.setMaxLength(100)
        self.label.setMaximumWidth(320)
        self.label.returnPressed.connect(self.keep_it)
        self.save = QPushButton(self.tr("Keep"))
        self.save.setProperty("kind", "primary")
        self.save.clicked.connect(self.keep_it)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setProperty("kind", "plain")
        self.cancel.setShortcut("Esc")
        self.cancel.clicked.connect(self._hide_label)
        self.label_row = QWidget()
        row = QHBoxLayout(self.label_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(PlainLabel(self.tr("Keep it as it stands under the label"), BODY))
        row.addWidget(self.label, 1)
        row.addWidget(self.save)
        row.addWidget(self.cancel)
        row.addStretch(1)
        self.label_row.hide()

    def _arrange(self) -> None:
        choose = QHBoxLayout()
        choose.setSpacing(12)
        choose.addWidget(PlainLabel(self.tr("Before"), SMALL, 500, tone="muted"))
        choose.addWidget(self.before, 1)
        choose.addWidget(PlainLabel(self.tr("After"), SMALL, 500, tone="muted"))
        choose.addWidget(self.after, 1)
        choose.addWidget(self.swap)
        choose.addStretch(1)
        self.of_states = QWidget()
        column = QVBoxLayout(self.of_states)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        head = QHBoxLayout()
        head.addWidget(PlainLabel(self.tr("What changed"), SECTION, 600), 1)
        head.addWidget(self.kinds)
        for part in (self.chart, self.score_table, self.how, rule()):
            column.addWidget(part)
        column.addLayout(head)
        column.addWidget(self.nothing)
        column.addWidget(self.change_table)
        self.of_runs = QWidget()
        column = QVBoxLayout(self.of_runs)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.run_table)
        column.addWidget(self.warnings)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(32, 24, 32, 24)
        column.setSpacing(16)
        column.addWidget(self.label_row)
        column.addWidget(self.what)
        column.addLayout(choose)
        column.addWidget(self.problem)
        for shown in (self.headline, self.lead, self.of_states, self.of_runs):
            column.addWidget(shown)
        column.addStretch(1)
        self.of_states.hide()
        self.of_runs.hide()
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        scroll.setAccessibleName(self.tr("Comparison"))
        self.area = scroll
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def head_actions(self) -> Sequence[QWidget]:
        """Keep a milestone."""
        return (self.keep,)

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, _name: str) -> None:
        """Another assessment: nothing of the other one stays."""
        self._turn += 1
        self._places = []
        self.result = None
        for box in (self.before, self.after):
            box.clear()
        self._hide_label()
        for part in (self.of_states, self.of_runs, self.problem, self.headline, self.lead):
            part.hide()
        self._is_stale = True

    def show_assessed(self, _assessed: Assessed) -> None:
        """What is open changed: compared anew when the page is looked at."""
        self._is_stale = True
        if self._is_shown:
            self._load()

    def enter(self, **where: Any) -> None:
        """`keep=True` asks for a label at once; `before` and `after` choose what is compared.

        They are run ids, labels of milestones, or the name of the assessment for what it is now.
        """
        self._is_shown = True
        wanted = (where.get("before"), where.get("after"))
        if any(wanted):
            self._wanted, self.result = wanted, None
            self._what = "runs" if self._run_ids() & set(wanted) else "states"
            self.what.show_chosen(self._what)
            self._places = []
            self._is_stale = True
        if self._is_stale:
            self._load()
        if where.get("keep"):
            self._ask_label()

    def _run_ids(self) -> set[str]:
        materials = self.session.materials
        runs = () if materials is None else materials.runs
        return {str((run.get("run") or {}).get("id")) for run in runs}

    def leave(self) -> None:
        """Nothing is compared while nobody looks."""
        self._is_shown = False

    # -- choosing ------------------------------------------------------------------------------------------

    def set_what(self, what: str) -> None:
        """`states` or `runs`."""
        self._what = what
        self.what.show_chosen(what)
        self._places = []
        self._load()

    def _load(self) -> None:
        name = self.session.name
        if not name:
            return
        self._is_stale = False
        self._turn += 1
        turn, store = self._turn, self.session.store
        find = states if self._what == "states" else runs
        self.context.executor.submit(
            lambda: find(store, name), lambda found: self._offer(found, turn), self._fail
        )

    def _offer(self, places: list[Place], turn: int) -> None:
        if turn != self._turn:
            return
        chosen = [self._chosen(box) for box in (self.before, self.after)]
        self._places = places
        usual = [1 if len(places) > 1 else 0, 0]
        for at, asked in enumerate(self._wanted):
            if asked is not None:
                usual[at] = next(
                    (row for row, place in enumerate(places) if _is_called(place, asked)), usual[at]
                )
        self._wanted = (None, None)
        for box, was, otherwise in zip((self.before, self.after), chosen, usual, strict=True):
            box.clear()
            for place in places:
                box.addItem(self._words(place))
            if places:
                box.setCurrentIndex(places.index(was) if was in places else otherwise)
        self._compare()

    def _chosen(self, box: QComboBox) -> Place | None:
        at = box.currentIndex()
        return self._places[at] if 0 <= at < len(self._places) else None

    def _words(self, place: Place) -> str:
        day = "" if place.at is None else f"{place.at.astimezone():%Y-%m-%d %H:%M}"
        if place.kind == "now":
            return filled(self.tr("{0}, now"), place.name)
        if place.kind == "run":
            return filled(self.tr("run {0}, {1}, {2}"), place.name, day, place.label)
        return filled(self.tr("{0}, milestone of {1}"), place.label, day[:10])

    def exchange(self) -> None:
        """Before becomes after."""
        before, after = self.before.currentIndex(), self.after.currentIndex()
        self.before.setCurrentIndex(after)
        self.after.setCurrentIndex(before)
        self._compare()

    # -- comparing -----------------------------------------------------------------------------------------

    def _compare(self) -> None:
        first, second = self._chosen(self.before), self._chosen(self.after)
        self.problem.hide()
        if first is None or second is None or first == second:
            self.result = None
            self.of_states.hide()
            self.of_runs.hide()
            self._say_too_few(first, second)
            return
        self._turn += 1
        turn, store, given = self._turn, self.session.store, self.session.materials
        now = datetime.now(UTC)

        def work() -> Compared | ComparedRuns:
            if first.kind == "run":
                return compare_runs(store, first, second)
            return compare_states(store, first, second, given, now)

        self.context.executor.submit(work, lambda found: self._show(found, turn), self._fail)

    def _say_too_few(self, first: Place | None, second: Place | None) -> None:
        self.headline.show()
        self.lead.show()
        if first is None or second is None or len(self._places) < 2:
            is_runs = self._what == "runs"
            self.headline.setText(self.tr("There is nothing to compare with yet"))
            self.lead.setText(
                self.tr("This page shows two runs side by side. Measure twice, and both are offered here.")
                if is_runs
                else self.tr(
                    "This page shows what changed between two states by answers, evidence and lens. "
                    "Keep a milestone now, and later changes are held against it."
                )
            )
        else:
            self.headline.setText(self.tr("Both are the same"))
            self.lead.setText(self.tr("Choose two different states."))

    def _show(self, found: Compared | ComparedRuns, turn: int) -> None:
        if turn != self._turn:
            return
        self.result = found
        self.headline.show()
        self.lead.show()
        self.of_states.setVisible(isinstance(found, Compared))
        self.of_runs.setVisible(isinstance(found, ComparedRuns))
        if isinstance(found, Compared):
            self._show_states(found)
        else:
            self._show_runs(found)

    def _show_states(self, found: Compared) -> None:
        (before, _), (after, band) = found.overall
        if before is None or after is None:
            self.headline.setText(self.tr("One of them has no overall score"))
        elif f"{before:.0f}" == f"{after:.0f}":
            self.headline.setText(filled(self.tr("Overall still {0}, {1}"), f"{after:.0f}", band))
        else:
            said = self.tr("Overall {0} → {1}, {2}")
            self.headline.setText(filled(said, f"{before:.0f}", f"{after:.0f}", band))
        days = [f"{moment.astimezone():%Y-%m-%d}" for moment in found.judged_at]
        self.lead.setText(
            filled(self.tr("Judged {0} and {1}. {2}."), *days, counted(len(found.rows), "change"))
        )
        rows = [
            ScoreChange(
                self.tr("Overall") if entry.id == "overall" else found.names.get(entry.id, entry.id),
                entry.before,
                entry.after,
            )
            for entry in found.scores
            if entry.before is not None and entry.after is not None
        ]
        moved = sum(f"{row.before:.0f}" != f"{row.after:.0f}" for row in rows)
        title = filled(self.tr("{0} of {1} scores moved"), moved, len(rows))
        caption = self.tr("Ring: before. Dot: after. Band edges at 40, 60, 80.")
        self.chart.show_chart(ChangeChart(title, tuple(rows), caption) if rows else None)
        self.scores.show_scores(found.scores, found.names)
        self.changes.show_rows(found.rows)
        self.kinds.set_counts(self.changes.counts())
        self._show_nothing()

    def set_kind(self, kind: str) -> None:
        """Only changes of this kind; `all` for every one."""
        self.kinds.show_chosen(kind)
        self.changes.set_kind(next((known for known in KINDS if known == kind), None))
        self._show_nothing()

    def _show_nothing(self) -> None:
        is_empty = not self.changes.rowCount()
        self.nothing.setVisible(is_empty)
        self.change_table.setVisible(not is_empty)

    def _show_runs(self, found: ComparedRuns) -> None:
        first = next((row for row in found.rows if row[0] == "capacity"), None)
        self.headline.setText(
            self.tr("Two runs side by side")
            if first is None
            else filled(self.tr("Capacity {0} → {1}"), first[1], first[2])
        )
        self.lead.setText(
            self.tr(
                "Two single runs cannot tell noise from a change, except where their intervals are apart: "
                "repeat both, in turn, to be sure of the rest."
            )
        )
        header = (
            self.tr("Metric"),
            self.tr("before"),
            self.tr("after"),
            self.tr("ratio"),
            self.tr("95 % intervals"),
        )
        self.metrics.show_rows(header, found.rows)
        self.warnings.setText("\n".join(found.warnings))
        self.warnings.setVisible(bool(found.warnings))

    def _fail(self, failure: Failure) -> None:
        self.of_states.hide()
        self.of_runs.hide()
        self.headline.hide()
        self.lead.hide()
        self.problem.show_failure(failure)

    def _open(self, index: QModelIndex) -> None:
        row = self.changes.row(index.row())
        judged = self.session.now
        if judged is not None and row.kind in ("states", "answers") and row.id in judged.lens.by_id:
            self.context.go_to("checklist", question=row.id)
        elif row.kind == "facts":
            self.context.go_to("evidence", fact=row.id)

    # -- milestones ----------------------------------------------------------------------------------------

    def _ask_label(self) -> None:
        self.label_row.show()
        self.area.ensureVisible(0, 0)
        self.label.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _hide_label(self) -> None:
        self.label_row.hide()
        self.label.clear()

    def keep_it(self) -> None:
        """Keeps the assessment as it stands under the label that was typed."""
        label, materials = self.label.text().strip(), self.session.materials
        if not label or materials is None:
            return
        store, now = self.session.store, datetime.now(UTC)
        self.context.executor.submit(
            lambda: keep_milestone(store, label, materials, now),
            lambda _none: self._kept(),
            self.context.say,
        )

    def _kept(self) -> None:
        self._hide_label()
        self._what = "states"
        self.what.show_chosen("states")
        self._places = []
        self._load()
        self.keep.setFocus(Qt.FocusReason.OtherFocusReason)
        self.session.reload()


def _is_called(place: Place, name: str) -> bool:
    """Whether a place is meant by a run's id, a milestone's label, or an assessment's name for now."""
    return (place.label if place.kind == "milestone" else place.name) == name
