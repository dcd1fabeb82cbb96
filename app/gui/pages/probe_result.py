"""What a run found: the finding as title, response time against rate, what breaks first, what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.charts.spec import ChartSpec, Series, XYChart
from app.charts.table import rows_of
from app.gui import run_findings
from app.gui.models.rows import KEY, Line, RowsModel
from app.gui.models.steps import LOAD, StepsModel
from app.gui.page import Context
from app.gui.run_findings import MEMORY_LIMIT, Run
from app.gui.texts import filled
from app.gui.theme import BODY, FINDING, SECTION, SMALL
from app.gui.widgets.chart_view import ChartView
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.notice import Notice
from app.gui.widgets.page_scroll import PageScroll
from app.gui.widgets.plain_table import DENSE, ROW, PlainTable
from app.gui.widgets.run_pieces import Badge
from app.report.sections import load_charts, load_story
from app.report.sections.run_words import LIMITED_BY, latency_limit, most_answered, number, part, steps_of
from app.report.view import sentence
from assessments.judging import Judged
from assessments.verdict_changes import VerdictChange
from assessments.wording import NO_BREAK, amount, capital

NARROW = 960
"""At the usual size of type; larger type needs more."""
SIDE = 380
CHART, SMALL_CHART = 270.0, 170.0


class Titled(QWidget):
    """A chart with its finding above and its method below; hidden where there is no chart."""

    def __init__(self, context: Context, height: float) -> None:
        super().__init__()
        self.title = PlainLabel("", SECTION, 600, wrap=True)
        self.chart = ChartView(context.theme, height)
        self.caption = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.model = RowsModel((self.tr("numbers"),))
        self.table = PlainTable(self.model, context.theme, self.tr("The numbers of the chart"), grows=True)
        self.table.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part_ in (self.title, self.chart, self.table, self.caption):
            column.addWidget(part_)
        column.addStretch(1)

    def show_chart(self, spec: ChartSpec | None) -> None:
        """This chart, or none."""
        self.setVisible(spec is not None)
        if spec is None:
            return
        self.title.setText(spec.title)
        self.caption.setText(spec.caption)
        self.chart.show_chart(spec)
        header, rows = rows_of(spec)
        self.model.show_lines([Line(tuple(row)) for row in rows], header)

    def show_numbers(self, shown: bool) -> None:
        """The numbers as a table, or the picture."""
        self.table.setVisible(shown)
        self.chart.setVisible(not shown)


class ProbeResult(QWidget):
    """One run of the open assessment. `chosen` brings the id of another one."""

    chosen = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context, self.theme = context, context.theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Result of the run"))
        self.run: Run = {}
        self.runs: Sequence[Run] = ()
        self._changes: Sequence[VerdictChange] | None = None
        self._numbers = False
        self._bars: list[QFrame] = []
        self.steps = StepsModel(self)
        self.resources = RowsModel(("", "", ""), (2,), self)
        self.errors = RowsModel((self.tr("what failed"), self.tr("requests"), self.tr("share")), (1, 2), self)
        self.changes = RowsModel(("", "", self.tr("points")), (2,), self)
        self.comparison = RowsModel(("", "", "", "", ""), (1, 2, 3), self)
        self._lay_out()

    # -- parts ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.notice = Notice(self.theme)
        self.notice.hide()
        self.which = QComboBox()
        self.which.setAccessibleName(self.tr("Run"))
        self.which.setMinimumContentsLength(36)
        self.which.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.which.activated.connect(lambda at: self.chosen.emit(str(self.which.itemData(at))))
        self.beside = QComboBox()
        self.beside.setAccessibleName(self.tr("Compare with another run"))
        self.beside.setMinimumContentsLength(24)
        self.beside.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.beside.activated.connect(self._compare)
        for choice in (self.which, self.beside):
            # In a narrow window a choice gives way: wider than the page, it would cut off the whole page.
            choice.setMinimumWidth(120)
            choice.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        pick = QHBoxLayout()
        pick.setSpacing(8)
        self.grade = Badge(self.theme)
        pick.addWidget(self.grade)
        pick.addStretch(1)
        pick.addWidget(self.which)
        pick.addWidget(self.beside)
        self.title = PlainLabel("", FINDING, 600, wrap=True)
        self.lead = PlainLabel("", BODY, tone="muted", wrap=True)
        self.response = Titled(self.context, CHART)
        self.no_curve = PlainLabel(
            self.tr(
                "There is no curve: fewer than two steps at a given rate had enough requests. "
                "The table has what was measured."
            ),
            BODY, tone="muted", wrap=True,
        )  # fmt: skip
        self.cause = PlainLabel("", SECTION, 600, wrap=True)
        self.because = PlainLabel("", BODY, wrap=True)
        self.bounds = PlainTable(
            self.resources, self.theme, self.tr("What was used"), height=DENSE + 2, grows=True, stretch=1
        )
        self.bounds.without_header()
        self.confirm = PlainLabel("", SMALL, tone="muted", wrap=True)
        side = QWidget()
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(8)
        right.addWidget(PlainLabel(self.tr("What breaks first"), SMALL, 500, tone="muted"))
        right.addWidget(self.cause)
        right.addWidget(self.because)
        right.addWidget(self.bounds)
        right.addWidget(self.confirm)
        right.addStretch(1)
        first = QWidget()
        left = QVBoxLayout(first)
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(self.response)
        left.addWidget(self.no_curve)
        left.addStretch(1)
        self._upper = self._pair(first, side)

        self.distribution = Titled(self.context, SMALL_CHART)
        self.flame = Titled(self.context, 60)
        self.facts = PlainLabel("", BODY, wrap=True)
        self.error_table = PlainTable(self.errors, self.theme, self.tr("Errors"), grows=True, stretch=0)
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for titled in (self.response, self.distribution, self.flame):
            titled.chart.table_asked.connect(self._numbers_asked)
        for part_ in (self.flame, self.distribution, self.facts, self.error_table):
            column.addWidget(part_)
        column.addStretch(1)
        self.changes_title = PlainLabel("", SECTION, 600, wrap=True)
        self.changes_note = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.changed = PlainTable(
            self.changes, self.theme, self.tr("Claims"), height=ROW, grows=True, stretch=1
        )
        self.changed.without_header()
        self.changed.activated.connect(self._open_claim)
        claims = QWidget()
        column = QVBoxLayout(claims)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part_ in (self.changes_title, self.changes_note, self.changed):
            column.addWidget(part_)
        column.addStretch(1)
        self._lower = self._pair(below, claims)

        self.compare_title = PlainLabel("", SECTION, 600, wrap=True)
        self.compare_table = PlainTable(
            self.comparison, self.theme, self.tr("Comparison"), grows=True, stretch=0
        )
        self.compare_note = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.open_compare = QPushButton(self.tr("Open in Compare"))
        self.open_compare.setProperty("kind", "link")
        self.open_compare.clicked.connect(self._open_compare)
        self.compare_box = QWidget()
        column = QVBoxLayout(self.compare_box)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(rule())
        for part_ in (self.compare_title, self.compare_table, self.compare_note):
            column.addWidget(part_)
        column.addWidget(self.open_compare, 0, Qt.AlignmentFlag.AlignLeft)
        self.compare_box.hide()

        self.table = PlainTable(self.steps, self.theme, self.tr("Steps"), stretch=LOAD, grows=True)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(32, 16, 32, 24)
        column.setSpacing(12)
        column.addLayout(pick)
        column.addWidget(self.title)
        column.addWidget(self.lead)
        column.addSpacing(4)
        column.addLayout(self._upper)
        column.addWidget(self.compare_box)
        column.addWidget(rule())
        column.addLayout(self._lower)
        column.addWidget(rule())
        column.addWidget(PlainLabel(self.tr("Every step"), SECTION, 600))
        column.addWidget(self.table)
        column.addStretch(1)
        self.scroller = PageScroll(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.notice)
        outer.addWidget(self.scroller, 1)
        outer.addWidget(self._next_bar())

    def _pair(self, left: QWidget, right: QWidget) -> QBoxLayout:
        pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        pair.setSpacing(24)
        left.setMinimumWidth(420)
        right.setMinimumWidth(300)
        pair.addWidget(left, 8)
        line = rule(upright=True)
        self._bars.append(line)
        pair.addWidget(line)
        pair.addWidget(right, 5)
        return pair

    def _next_bar(self) -> QWidget:
        bar = QWidget()
        self.next_words = ElidedLabel("", BODY, tone="muted")
        self.to_report = QPushButton(self.tr("Open the report"))
        self.to_report.clicked.connect(lambda: self.context.go_to("report"))
        self.to_checklist = QPushButton("")
        self.to_checklist.setProperty("kind", "primary")
        self.to_checklist.clicked.connect(self._settle)
        row = QHBoxLayout()
        row.setContentsMargins(32, 10, 32, 10)
        row.setSpacing(12)
        row.addWidget(PlainLabel(self.tr("Next:"), BODY, 600))
        row.addWidget(self.next_words, 1)
        row.addWidget(self.to_report)
        row.addWidget(self.to_checklist)
        column = QVBoxLayout(bar)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(rule())
        column.addLayout(row)
        return bar

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """In a narrow window the right columns move under the left ones."""
        narrow = self.width() < NARROW * self.theme.zoom / 100
        for pair in (self._upper, self._lower):
            pair.setDirection(
                QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
            )
        for line in self._bars:
            line.setVisible(not narrow)
        super().resizeEvent(event)

    # -- what is shown -------------------------------------------------------------------------------------

    def show_runs(self, runs: Sequence[Run]) -> None:
        """The runs that can be chosen, newest first."""
        self.runs = tuple(runs)
        self.which.clear()
        for run in self.runs:
            self.which.addItem(run_findings.name_of(run), str(part(run, "run").get("id", "")))
        self.which.setVisible(len(self.runs) > 1)
        self._mark()

    def show_run(self, run: Run, changes: Sequence[VerdictChange] | None = None) -> None:
        """This run; `changes` are what it did to claims, None where that is not known any more."""
        self.run, self._changes = run, changes
        self.title.setText(load_story.title_of(run).removesuffix("; what gives out was not identified"))
        self.lead.setText(" ".join((load_story.lead_of(run), *run_findings.growth_lines(run))))
        self._show_grade()
        self._show_status()
        self._show_charts(None)
        self._show_cause()
        said = run_findings.numbers_in_a_line(run)
        self.facts.setText("     ".join(f"{name}{NO_BREAK}{value}" for name, value in said))
        lines = run_findings.error_lines(run)
        self.errors.show_lines(lines)
        self.error_table.setVisible(bool(lines))
        self.steps.show_steps(steps_of(run), latency_limit(run))
        self.show_judged(self.context.session.now)
        self._mark()
        self.compare_box.hide()
        self.scroller.verticalScrollBar().setValue(0)

    def _mark(self) -> None:
        run_id = str(part(self.run, "run").get("id", ""))
        self.which.setCurrentIndex(self.which.findData(run_id))
        self.beside.clear()
        self.beside.addItem(self.tr("Compare with …"), "")
        for other in self.runs:
            if str(part(other, "run").get("id")) != run_id:
                self.beside.addItem(run_findings.name_of(other), str(part(other, "run").get("id")))
        self.beside.setVisible(self.beside.count() > 1)

    def _show_grade(self) -> None:
        grade = str(part(self.run, "run").get("grade") or "")
        words = {
            "valid": ("verified", self.tr("valid run")),
            "client_limited": ("challenged", self.tr("limited by this client")),
            "unstable": ("challenged", self.tr("unstable")),
            "degrading": ("challenged", self.tr("degrading")),
            "insufficient": ("unanswered", self.tr("too little data")),
        }
        self.grade.show_state(*words.get(grade, ("unanswered", self.tr("not graded"))))

    def _show_status(self) -> None:
        about = part(self.run, "run")
        status, grade = str(about.get("status") or "completed"), about.get("grade")
        reason = sentence(str(about.get("reason") or about.get("grade_reason") or ""))
        opening = {
            "interrupted": self.tr("This run was stopped. What was measured until then is kept."),
            "aborted": self.tr("A safety rule ended this run. What was measured until then is kept."),
            "failed": self.tr("The target failed. What was measured until then is kept."),
        }.get(status)
        if opening is not None:
            self.notice.show_text(f"{opening} {reason}".strip(), "bad" if status == "failed" else "warn")
        elif grade == "client_limited":
            text = self.tr(
                "Limited by this client or this machine, so nothing certain is said of the target: {0}"
            )
            self.notice.show_text(filled(text, reason), "warn")
        elif grade in ("unstable", "degrading"):
            self.notice.show_text(reason or self.tr("The numbers may not come back."), "warn")
        else:
            self.notice.hide()

    def _show_charts(self, other: Run | None) -> None:
        response = load_charts.response_chart(self.run)
        if response is not None and other is not None:
            response = _with_other(response, load_charts.response_chart(other))
        self.response.show_chart(response)
        self.no_curve.setVisible(response is None)
        self.distribution.show_chart(load_charts.distribution_chart(self.run))
        self.flame.show_chart(load_charts.flame_chart(self.run))
        self.show_numbers(self._numbers)

    def _show_cause(self) -> None:
        capacity = part(self.run, "capacity")
        limited = str(capacity.get("limited_by") or "")
        because = str(capacity.get("because") or "")
        if limited == "client":
            self.cause.setText(self.tr("Not known: our own client, or this machine, was the limit"))
            self.because.setText(sentence(because))
        elif limited in LIMITED_BY:
            self.cause.setText(capital(LIMITED_BY[limited]))
            self.because.setText(sentence(because))
        else:
            self.cause.setText(self.tr("Not identified"))
            usual = self.tr("No resource was seen to be full enough, by enough, to be named as the limit.")
            self.because.setText(sentence(because) if because else usual)
        top = most_answered(self.run)
        said = str(capacity.get("confirm_by") or "")
        if said:
            self.confirm.setText(filled(self.tr("To confirm: {0}"), sentence(said)))
        elif top is not None:
            self.confirm.setText(
                filled(
                    self.tr("More than {0} is not answered, however many ask at once."),
                    f"{amount(top)}{NO_BREAK}req/s",
                )
            )
        else:
            self.confirm.setText("")
        now = self.context.session.now
        fact = None if now is None else now.evidence.facts.get(MEMORY_LIMIT)
        lines = run_findings.resource_lines(self.run, None if fact is None else number(fact.value))
        self.resources.show_lines(lines)
        self.bounds.setVisible(bool(lines))

    def show_judged(self, judged: Judged | None) -> None:
        """What the run did to claims, and what is left to do."""
        if judged is None:
            self.changes.show_lines(())
            return
        if self._changes is not None:
            self.changes_title.setText(run_findings.changes_title(self._changes))
            self.changes_note.setText(
                self.tr("What this run changed, in points of the pillar. Enter opens the claim.")
            )
            self.changes.show_lines(run_findings.change_lines(self._changes, judged))
        else:
            run_id = str(part(self.run, "run").get("id", ""))
            lines = run_findings.resting_lines(run_id, judged)
            self.changes_title.setText(
                self.tr("Claims that rest on this run") if lines else self.tr("No claim rests on this run")
            )
            self.changes_note.setText(self.tr("As they are judged now. Enter opens the claim."))
            self.changes.show_lines(lines)
        self.changes_note.setVisible(bool(self.changes.lines))
        self.changed.setVisible(bool(self.changes.lines))
        left = sum(1 for entry in judged.judgements if entry.applies and not entry.answered)
        if left:
            words = (
                self.tr("1 answer is still open, then the report is complete.")
                if left == 1
                else filled(self.tr("{0} answers are still open, then the report is complete."), left)
            )
            button = (
                self.tr("Settle the open question")
                if left == 1
                else filled(self.tr("Settle the {0} open questions"), left)
            )
        else:
            words, button = self.tr("every question is answered."), self.tr("Look at what is contradicted")
        self.next_words.setText(words)
        self.to_checklist.setText(f"{button}   Enter")
        self.to_checklist.setAccessibleName(button)

    def show_numbers(self, shown: bool | None = None) -> None:
        """T: the numbers of the charts as tables, or the charts again."""
        self._numbers = not self._numbers if shown is None else shown
        for titled in (self.response, self.distribution, self.flame):
            titled.show_numbers(self._numbers)

    def _numbers_asked(self) -> None:
        """T on a chart, which is hidden then: here the next T brings it back."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.show_numbers()

    # -- where to go ---------------------------------------------------------------------------------------

    def _settle(self) -> None:
        judged = self.context.session.now
        left = [] if judged is None else [e for e in judged.judgements if e.applies and not e.answered]
        if left:
            self.context.go_to("checklist", filter="open", question=left[0].question)
        else:
            self.context.go_to("checklist", filter="contradicted")

    def _open_claim(self, index: QModelIndex) -> None:
        key = index.data(KEY)
        if key:
            self.context.go_to("checklist", question=str(key))

    def _compare(self, at: int) -> None:
        run_id = str(self.beside.itemData(at) or "")
        other = next((run for run in self.runs if str(part(run, "run").get("id")) == run_id), None)
        self.compare_box.setVisible(other is not None)
        self._show_charts(other)
        if other is None:
            return
        from app.cli.compare_runs import differences

        self.compare_title.setText(filled(self.tr("Beside {0}"), run_findings.name_of(other)))
        header = ("", self.tr("this run (B)"), self.tr("the other (A)"), self.tr("B over A"), "")
        self.comparison.show_lines(run_findings.comparison_lines(self.run, other), header)
        notes = [sentence(text) for text in differences(other, self.run)]
        notes.append(self.tr("Two single runs tell a change only where their intervals are apart."))
        self.compare_note.setText(" ".join(notes))

    def _open_compare(self) -> None:
        other = str(self.beside.currentData() or "")
        self.context.go_to("compare", before=other, after=str(part(self.run, "run").get("id", "")))


def _with_other(spec: XYChart, other: XYChart | None) -> XYChart:
    """The chart with the main line of another run's, dashed, for comparison."""
    if other is None:
        return spec
    main = other.series[0]
    beside = Series(
        f"{main.label}, other run", main.x, main.y, "s2", measured=True, low=main.low, high=main.high
    )
    rest: Any = [series for series in spec.series if series.style != "s2"]
    return replace(spec, series=(*rest[:1], beside, *rest[1:2]))
