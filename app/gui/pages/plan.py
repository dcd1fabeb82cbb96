"""The plan: what to do next, worth what scoring again says it is worth, with what it changes and costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.charts.spec import ChangeChart, ScoreChange
from app.gui.icons import put_icon
from app.gui.models.actions import ActionsModel
from app.gui.page import AssessedPage, Context
from app.gui.reading import view_of
from app.gui.texts import filled
from app.gui.theme import BODY, PAGE, SECTION, SMALL
from app.gui.widgets.abreast import Abreast
from app.gui.widgets.action_table import ActionTable
from app.gui.widgets.empty import EmptyPage
from app.gui.widgets.figure import Figure
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.numbers import show_numbers
from app.gui.widgets.side_by_side import SideBySide
from app.report.sections.claim_words import told
from app.report.sections.plan import after_chart, dates_chart, effort_chart, lead, title
from app.report.sections.score_words import effect_words, effort_words
from app.report.view import View, sentence
from assessments.assessment import Assessed
from assessments.wording import capital

SIDE = 340
ABREAST = 900
"""Pixels, at the usual size of type, from which the two charts at the foot stand beside each other."""
ROWS = 10
"""Rows of the table that are seen at once; it scrolls by itself when there are more."""


class PlanPage(AssessedPage):
    """Effort against effect, all actions, and the one that is selected."""

    key = "plan"
    icon = "list"
    keys = (
        ("↑ ↓", "another action"),
        ("Enter", "done: to its question in the checklist"),
        ("T", "numbers of the chart that has the focus"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._view: View | None = None
        self._assessed: Assessed | None = None
        self._wanted: str | int | None = None
        self.model = ActionsModel(self)
        self.numbers = QPushButton(self.tr("Numbers"))
        self.numbers.setProperty("kind", "plain")
        self.numbers.clicked.connect(self._show_numbers)
        self.theme.changed.connect(self._tint)
        self.empty = EmptyPage(
            (
                (self.tr("Answer the checklist"), lambda: self.context.go_to("checklist", filter="open")),
                (self.tr("Set up a probe"), lambda: self.context.go_to("probe")),
            )
        )
        self._build()
        self._tint()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.headline = PlainLabel("", PAGE, 600, wrap=True)
        self.lead = PlainLabel("", BODY, tone="muted", wrap=True)
        self.effort = Figure(self.theme, 270)
        self.table = ActionTable(self.model, self.theme, self.tr("Actions, the best first"))
        self.table.selectionModel().currentRowChanged.connect(self._selected)
        self.table.activated.connect(lambda _index: self.settle())
        self.dates = Figure(self.theme, 120)
        self.after = Figure(self.theme, 120)
        main = QWidget()
        left = QVBoxLayout(main)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(16)
        for part in (self.headline, self.lead, self.effort, self.table):
            left.addWidget(part)
        left.addWidget(Abreast(self.dates, self.after, self.theme, ABREAST))
        left.addStretch(1)
        self.parts = SideBySide(main, self._side(), SIDE)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.parts)
        self.stack.addWidget(self.empty)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(self.stack)

    def _side(self) -> QWidget:
        """What the selected action is, why, what it changes and costs."""
        self.place = PlainLabel("", SMALL, 500, tone="muted")
        self.action = PlainLabel("", SECTION, 600, wrap=True, selectable=True)
        self.effect = PlainLabel("", BODY, wrap=True)
        self.because_title = PlainLabel(self.tr("Where its numbers come from"), SMALL, 500, tone="muted")
        self.because = PlainLabel("", BODY, wrap=True, selectable=True)
        self.price_title = PlainLabel(self.tr("Price of it"), SMALL, 500, tone="muted")
        self.price = PlainLabel("", BODY, wrap=True)
        self.change = Figure(self.theme, 120, size=SMALL)
        self.change_none = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.done = QPushButton(self.tr("Done: change the answer"))
        self.done.setToolTip("Enter")
        self.done.clicked.connect(self.settle)
        self.done_why = PlainLabel("", SMALL, tone="muted", wrap=True)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for part in (self.place, self.action, self.effect):
            column.addWidget(part)
        column.addSpacing(4)
        for part in (self.because_title, self.because, self.price_title, self.price):
            column.addWidget(part)
        column.addWidget(rule())
        column.addWidget(self.change)
        column.addWidget(self.change_none)
        column.addSpacing(4)
        row = QHBoxLayout()
        row.addWidget(self.done)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.done_why)
        column.addStretch(1)
        return side

    def _tint(self) -> None:
        put_icon(self.numbers, "table", self.theme)

    # -- the head ------------------------------------------------------------------------------------------

    def subtitle(self) -> str:
        """How many actions there are."""
        count = self.model.rowCount()
        return filled(self.tr("{0} actions, the best first"), count) if count else ""

    def head_actions(self) -> Sequence[QWidget]:
        """The numbers as a table."""
        return (self.numbers,)

    def _show_numbers(self) -> None:
        if self.effort.chart.spec is not None:
            show_numbers(self.window(), self.effort.chart.spec, self.theme)

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, name: str) -> None:
        """Another assessment."""
        super().show_opened(name)
        self._view, self._assessed = None, None
        self.model.show_view(None)
        self._show_actions(None)

    def draw_assessed(self, assessed: Assessed) -> None:
        """The plan as it is now; the selected action stays selected where it is still one."""
        chosen = self._chosen()
        self._view, self._assessed = view_of(assessed), assessed
        self.model.show_view(self._view)
        self._show_actions(self._view)
        if self._wanted is None and chosen is not None:
            self._wanted = chosen
        self._choose()
        self.head_changed.emit()

    def enter(self, **where: Any) -> None:
        """`action` is the place of an action, `question` one that an action settles."""
        super().enter(**where)
        wanted = where.get("question", where.get("action"))
        if wanted is not None:
            self._wanted = wanted
            self._choose()
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
            self.parts.show_side()

    def _show_actions(self, view: View | None) -> None:
        if view is None or not view.actions:
            self._show_nothing(view)
            self.stack.setCurrentWidget(self.empty)
            return
        self.stack.setCurrentWidget(self.parts)
        self.headline.setText(title(view))
        self.lead.setText(lead(view))
        self.effort.show_chart(effort_chart(view, view.actions))
        self.dates.show_chart(dates_chart(view, view.actions))
        self.after.show_chart(after_chart(view))
        self.table.show_rows(ROWS)

    def _show_nothing(self, view: View | None) -> None:
        if view is None:
            self.empty.say(self.tr("Judging …"), "")
            return
        refused = view.overall.get("refused")
        said = self.tr("This page will say what to do next, and what each step is worth.")
        why = (
            filled(self.tr("Actions are found by scoring again, and there is no score. {0}"), refused)
            if refused
            else self.tr(
                "Every question is at its highest level and proven. Keep the evidence young: it expires."
            )
        )
        self.empty.say(self.tr("There is nothing to plan yet"), f"{said} {capital(why)}")

    # -- one action ----------------------------------------------------------------------------------------

    def _chosen(self) -> str | int | None:
        row = self.table.currentIndex().row()
        if row < 0:
            return None
        question = self.model.action(row).get("question")
        return str(question) if question is not None else row

    def _choose(self) -> None:
        if not self.model.rowCount():
            return
        wanted, self._wanted = self._wanted, None
        row = self.model.row_of(wanted) if isinstance(wanted, str) else wanted
        row = 0 if row is None else min(row, self.model.rowCount() - 1)
        if self.table.currentIndex().row() == row:
            self._show_action(row)
        self.table.selectRow(row)
        self.table.setCurrentIndex(self.model.index(row, 1))

    def _selected(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self._show_action(current.row())

    def _show_action(self, row: int) -> None:
        view, assessed = self._view, self._assessed
        if view is None or assessed is None:
            return
        action = view.actions[row]
        questions = [str(name) for name in action.get("questions") or [action.get("question")] if name]
        about = view.lens.by_id.get(questions[0]) if questions else None
        self.place.setText(
            f"{filled(self.tr('Action {0}'), row + 1)}, {view.pillar_name(action.get('pillar'))}"
            + (f", {', '.join(questions)}" if questions else "")
        )
        self.action.setText(str(action["text"]))
        self.effect.setText(f"{capital(effort_words(action))}. {capital(effect_words(view, action))}.")
        claim = view.claims.get(questions[0], {}) if questions else {}
        why = str(action.get("because") or claim.get("because") or "")
        self.because.setText(sentence(told(view, why, about)) if why else "")
        for part in (self.because_title, self.because):
            part.setVisible(bool(why))
        self.price.setText(sentence(str(action.get("tradeoff") or self.tr("none stated"))))
        self._show_change(view, assessed, row)
        self.done.setEnabled(bool(questions))
        self.done_why.setText(
            filled(self.tr("Leads to {0} in the checklist. Measure again, and it is proven."), questions[0])
            if questions
            else self.tr("No answer changes with it: measure or scan again, and the new facts count.")
        )

    def _show_change(self, view: View, assessed: Assessed, row: int) -> None:
        effect = assessed.effect_of(assessed.actions[row : row + 1])
        rows = []
        for score in effect.scores.pillars:
            before = view.score(score.id).get("score")
            if before is not None and score.reading is not None:
                rows.append(ScoreChange(view.pillar_name(score.id), float(before), score.reading.score))
        overall = effect.scores.overall.score
        before = view.overall.get("score")
        if before is not None and overall is not None:
            rows.append(ScoreChange(self.tr("Overall"), float(before), overall))
        moved = [entry for entry in rows if abs(entry.after - entry.before) >= 0.05]
        self.change.show_chart(
            ChangeChart(self.tr("What it changes"), tuple(rows), self.tr("Ring: now. Dot: done and proven."))
            if moved
            else None
        )
        self.change_none.setVisible(not moved)
        self.change_none.setText(self.tr("No score changes by it alone.") if not moved else "")

    def settle(self) -> None:
        """To the question whose answer the selected action changes."""
        row = self.table.currentIndex().row()
        if row >= 0:
            action = self.model.action(row)
            question = action.get("question")
            if question is not None:
                self.context.go_to("checklist", question=str(question))
