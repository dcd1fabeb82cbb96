"""The answer first: ready or not and why, what breaks first, when it runs out, what to do, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.charts.pieces import State, verdict_badge
from app.gui.page import AssessedPage, Context
from app.gui.pages.overview_rows import PillarRow, axis_cells, band_of
from app.gui.reading import view_of
from app.gui.texts import filled
from app.gui.theme import BODY, FINDING, SECTION, SMALL
from app.gui.widgets.empty import EmptyPage
from app.gui.widgets.figure import Figure
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.row_button import RowButton
from app.gui.widgets.score import BandLabel, CountedBadge, ScoreLegend
from app.report.sections.axes import axis_rows
from app.report.sections.claim_words import growth_words, sentences, told
from app.report.sections.page_one import capacity_chart, question_asked
from app.report.sections.plan import dates_chart
from app.report.sections.resources import resources_chart
from app.report.sections.score_words import effect_words, effort_words, remark
from app.report.view import View, short
from assessments.assessment import Assessed
from assessments.judging import Judged
from assessments.provable import answers_to_be_settled
from assessments.wording import NO_BREAK, amount, percent

WIDE = 1200 - 209
"""From this width of the page on the right columns stand beside the left ones."""
ABREAST = 900
"""From this width on, at the usual size of type, three parts stand beside each other."""
REASONS = 340
"""Characters of the two sentences that say why."""
_STATES: tuple[tuple[str, State, str], ...] = (
    ("verified", "verified", "ok"),
    ("partly", "partly", "ok"),
    ("claimed", "claimed", "muted"),
    ("contradicted", "contradicted", "bad"),
    ("challenged", "challenged", "warn"),
    ("understated", "understated", "accent"),
    ("open", "unanswered", "muted"),
    ("not_applicable", "not_applicable", "muted"),
)


class OverviewPage(AssessedPage):
    """What page one of the report says, with a way on from each part."""

    key = "overview"
    icon = "layout-dashboard"
    keys = (("T", "numbers of the chart that has the focus"), ("Ctrl E", "export the report"))

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._view: View | None = None
        self.compare = QPushButton(self.tr("Compare with milestone…"))
        self.compare.clicked.connect(lambda: self.context.go_to("compare"))
        self.export = QPushButton(self.tr("Export report"))
        self.export.setProperty("kind", "primary")
        self.export.setToolTip("Ctrl+E")
        self.export.clicked.connect(lambda: self.context.go_to("report", export=True))
        self.empty = EmptyPage(
            (
                (self.tr("Set up a probe"), lambda: self.context.go_to("probe")),
                (self.tr("Answer the checklist"), lambda: self.context.go_to("checklist")),
                (self.tr("Try the demo"), lambda: self.context.go_to("home", demo=True)),
            )
        )
        self.body = QWidget()
        self._build()
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.body)
        self.area.setAccessibleName(self.tr("Overview"))
        self.stack = QStackedWidget()
        for part in (self.area, self.empty):
            self.stack.addWidget(part)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.stack)
        self.body.hide()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._top = _columns(32)
        self._top.addWidget(self._answer_part(), 4)
        self.headroom = Figure(self.theme, 140)
        self._top.addWidget(_at_top(self.headroom), 5)
        self._middle = _columns(32)
        for part in (self._breaks_part(), self._runs_out_part(), self._action_part()):
            self._middle.addWidget(part, 1)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self._pillars_part())
        left.addWidget(rule())
        left.addWidget(self._axes_part())
        left.addStretch(1)
        self._lower = _columns(32)
        self._lower.addLayout(left, 9)
        self._lower.addWidget(self._contradicted_part(), 5)
        self.measured = PlainLabel("", BODY, 500)
        foot = QWidget()
        self._badges = FlowLayout(foot, across=18)
        self._badges.addWidget(self.measured)
        self._words = {
            "verified": self.tr("verified"),
            "partly": self.tr("partly"),
            "claimed": self.tr("claimed"),
            "contradicted": self.tr("contradicted"),
            "challenged": self.tr("challenged"),
            "understated": self.tr("understated"),
            "open": self.tr("open"),
            "not_applicable": self.tr("not applicable"),
        }
        self.badges = {key: CountedBadge(state, "", role, self.theme) for key, state, role in _STATES}
        for badge in self.badges.values():
            badge.hide()
            self._badges.addWidget(badge)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(32, 24, 32, 24)
        column.setSpacing(16)
        for at, row in enumerate((self._top, self._middle, self._lower)):
            if at:
                column.addWidget(rule())
            column.addLayout(row)
        column.addStretch(1)
        column.addWidget(rule())
        column.addWidget(foot)

    def _answer_part(self) -> QWidget:
        self.asked = PlainLabel("", SMALL, 500, tone="muted", wrap=True)
        self.headline = PlainLabel("", FINDING, 600, wrap=True)
        self.reasons = PlainLabel("", BODY, wrap=True, selectable=True)
        self.overall = PlainLabel("", BODY, 500)
        self.band = BandLabel(self.theme)
        self.mean = PlainLabel("", SMALL, tone="muted")
        self.refused = PlainLabel("", BODY, tone="warn", wrap=True)
        line = QWidget()
        row = FlowLayout(line, across=18)
        for part in (self.overall, self.band, self.mean):
            row.addWidget(part)
        return _stacked(self.asked, self.headline, self.reasons, line, self.refused)

    def _breaks_part(self) -> QWidget:
        self.breaks = PlainLabel("", SECTION, 600, wrap=True)
        self.resources = Figure(self.theme, 60)
        self.breaks_why = PlainLabel("", BODY, wrap=True)
        self.close_behind = PlainLabel("", SMALL, tone="muted", wrap=True)
        return _stacked(
            self._small(self.tr("What breaks first")),
            self.breaks,
            self.resources,
            self.breaks_why,
            self.close_behind,
        )

    def _runs_out_part(self) -> QWidget:
        self.runs_out = PlainLabel("", SECTION, 600, wrap=True)
        self.dates = Figure(self.theme, 60)
        self.runs_out_why = PlainLabel("", BODY, wrap=True)
        change = self._link(self.tr("Change growth"), lambda: self.context.go_to("forecast", growth=True))
        return _stacked(
            self._small(self.tr("When it runs out")), self.runs_out, self.dates, self.runs_out_why, change
        )

    def _action_part(self) -> QWidget:
        self.action = PlainLabel("", SECTION, 600, wrap=True)
        self.action_effect = PlainLabel("", BODY, wrap=True)
        self.action_price = PlainLabel("", BODY, tone="muted", wrap=True)
        self.show_change = QPushButton(self.tr("Show the change"))
        self.show_change.clicked.connect(lambda: self.context.go_to("plan", action=0))
        self.plan = QPushButton("")
        self.plan.setProperty("kind", "plain")
        self.plan.clicked.connect(lambda: self.context.go_to("plan"))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.show_change)
        row.addWidget(self.plan)
        row.addStretch(1)
        self._action_buttons = QWidget()
        self._action_buttons.setLayout(row)
        row.setContentsMargins(0, 4, 0, 0)
        label = self._small(self.tr("Best next action"))
        return _stacked(label, self.action, self.action_effect, self.action_price, self._action_buttons)

    def _pillars_part(self) -> QWidget:
        part = QWidget()
        self.pillars: list[PillarRow] = []
        self._pillars = QGridLayout()
        self._pillars.setHorizontalSpacing(16)
        self._pillars.setVerticalSpacing(10)
        self._pillars.setColumnStretch(1, 5)
        self._pillars.setColumnStretch(5, 4)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(
            _headed(self.tr("Pillars"), self._small(self.tr("score (proven–claimed), of 100"), weight=400))
        )
        column.addLayout(self._pillars)
        legend = QHBoxLayout()
        legend.addWidget(ScoreLegend(self.theme), 1)
        legend.addWidget(self._small(self.tr("marks at 40, 60, 80"), weight=400))
        column.addLayout(legend)
        return part

    def _axes_part(self) -> QWidget:
        self.axes_part = QWidget()
        self.axes: list[tuple[PlainLabel, ...]] = []
        self._axes = QGridLayout()
        self._axes.setHorizontalSpacing(16)
        self._axes.setVerticalSpacing(8)
        self._axes.setColumnStretch(0, 2)
        self._axes.setColumnStretch(3, 3)
        column = QVBoxLayout(self.axes_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        about = self._small(self.tr("score, growth, measured distance to the limit"), weight=400)
        column.addLayout(_headed(self.tr("Room to grow, by axis"), about))
        column.addLayout(self._axes)
        return self.axes_part

    def _contradicted_part(self) -> QWidget:
        self.contradicted_title = PlainLabel("", SECTION, 600)
        self.open_checklist = self._link(
            self.tr("Open in checklist"), lambda: self.context.go_to("checklist", filter="contradicted")
        )
        self._claims = QVBoxLayout()
        self._claims.setSpacing(0)
        self.claims: list[RowButton] = []
        self.no_claims = PlainLabel("", BODY, tone="muted", wrap=True)
        head = QHBoxLayout()
        head.addWidget(self.contradicted_title, 1)
        head.addWidget(self.open_checklist)
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.no_claims)
        column.addLayout(self._claims)
        column.addStretch(1)
        return part

    def _small(self, text: str, weight: int = 500) -> PlainLabel:
        return PlainLabel(text, SMALL, weight, tone="muted")

    def _link(self, text: str, does: Any) -> QPushButton:
        link = QPushButton(text)
        link.setProperty("kind", "link")
        link.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        link.clicked.connect(lambda _=False: does())
        return link

    # -- the head ------------------------------------------------------------------------------------------

    def subtitle(self) -> str:
        """When it was judged, by which run."""
        if self._view is None:
            return ""
        said = filled(self.tr("assessed {0}"), self._view.date)
        run = self._view.run
        return (
            said if run is None else f"{said}, {filled(self.tr('run {0}'), (run.get('run') or {}).get('id'))}"
        )

    def head_actions(self) -> Sequence[QWidget]:
        """Compare and export."""
        return (self.compare, self.export)

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, name: str) -> None:
        """Another assessment: nothing is shown until it is judged."""
        super().show_opened(name)
        self._view = None
        self.body.hide()

    def show_judged(self, judged: Judged) -> None:
        """Whether there is anything to say yet."""
        self.stack.setCurrentWidget(self.empty if self._is_empty(judged) else self.area)

    def draw_assessed(self, assessed: Assessed) -> None:
        """Everything."""
        view = self._view = view_of(assessed)
        self._show_answer(view)
        self._show_three(view)
        self._show_pillars(view)
        self._show_axes(view)
        self._show_claims(view)
        self._show_measured(view)
        self.body.show()
        self.head_changed.emit()

    def _is_empty(self, judged: Judged) -> bool:
        answered = any(entry.applies and entry.answered for entry in judged.judgements)
        measured = any(fact.state in ("measured", "read") for fact in judged.evidence.facts.values())
        if answered or measured:
            return False
        settled, asked = answers_to_be_settled(judged.lens, ("load", "derived"))
        self.empty.say(
            self.tr("Nothing measured yet"),
            filled(
                self.tr(
                    "This page will say whether the system is ready, what breaks first and when it runs out. "
                    "A load probe of some minutes and the manifests can settle {0} of the {1} answers."
                ),
                settled,
                asked,
            ),
            self.tr("The demo measures a small service on this computer, and needs nothing prepared."),
        )
        return True

    def _show_answer(self, view: View) -> None:
        verdict, overall = view.verdict, view.overall
        asked = question_asked(view)
        self.asked.setText(asked)
        self.asked.setVisible(bool(asked))
        self.headline.setText(str(verdict["headline"]))
        said: list[str] = []
        for entry in list(verdict["reasons"])[:2]:
            left = REASONS - sum(map(len, said))
            if not said or left > 60:
                said.append(sentences(told(view, str(entry)), left))
        self.reasons.setText(" ".join(said))
        refused = str(overall.get("refused") or "")
        for part in (self.overall, self.band, self.mean):
            part.setVisible(not refused)
        self.refused.setVisible(bool(refused))
        self.refused.setText(filled(self.tr("No overall score: {0}"), refused) if refused else "")
        if not refused:
            name = view.pillar_name(overall["pillar"])
            self.overall.setText(filled(self.tr("{0} overall, set by {1}"), f"{overall['score']:.0f}", name))
            self.band.show_band(band_of(overall["band"]))
            self.mean.setText(filled(self.tr("mean of pillars {0}"), f"{overall['mean']:.0f}"))
        self.headroom.show_chart(capacity_chart(view))

    def _show_three(self, view: View) -> None:
        verdict = view.verdict
        limit = verdict["breaks_first"]
        self.breaks.setText(self.tr("Not known") if limit is None else _breaking(limit))
        self.breaks_why.setText(
            view.nothing_broke if limit is None else sentences(told(view, str(limit["because"])), 220)
        )
        self.resources.show_chart(resources_chart(view))
        self.resources.title.hide()
        behind = " ".join(str(entry) for entry in verdict["close_behind"])
        self.close_behind.setText(sentences(told(view, behind), 220) if behind else "")
        self.close_behind.setVisible(bool(behind))
        out = verdict["runs_out"]
        self.runs_out.setText(str(out["headline"]))
        said, growth = str(out["text"]), view.growth.get("workload", "")
        self.runs_out_why.setText(said.replace(growth, growth_words(growth)) if growth else said)
        dates = dates_chart(view, ())
        if dates is not None:
            # The date stands above it, in words.
            dates = replace(dates, rows=tuple(replace(row, name="", shown=" ") for row in dates.rows))
        self.dates.show_chart(dates)
        for part in (self.dates.title, self.dates.caption):
            part.hide()
        actions = view.actions
        self._action_buttons.setVisible(bool(actions))
        self.action_price.setVisible(bool(actions))
        if not actions:
            self.action.setText(self.tr("No action was found"))
            why = view.overall.get("refused")
            self.action_effect.setText(
                filled(self.tr("There is none without a score. {0}"), why)
                if why
                else self.tr("Everything that the lens asks for is claimed and proven.")
            )
            return
        first = actions[0]
        self.action.setText(str(first["text"]))
        effort, effect = effort_words(first), effect_words(view, first)
        self.action_effect.setText(f"{effort[:1].upper()}{effort[1:]}. {effect[:1].upper()}{effect[1:]}.")
        self.action_price.setText(str(first.get("tradeoff") or self.tr("No price is stated")))
        self.plan.setText(filled(self.tr("Plan, {0} actions"), len(actions)))

    def _show_pillars(self, view: View) -> None:
        pillars = view.lens.pillars
        if len(self.pillars) != len(pillars):
            _clear(self._pillars)
            self.pillars = [PillarRow(self.theme) for _ in pillars]
            for row, cells in enumerate(self.pillars):
                for place, cell in enumerate(cells.cells):
                    self._pillars.addWidget(cell, row, place)
        for shown, pillar in zip(self.pillars, pillars, strict=True):
            said = sentences(remark(view, pillar.id), 160)
            shown.say(pillar.name, view.score(pillar.id), said, view.overall.get("pillar") == pillar.id)

    def _show_axes(self, view: View) -> None:
        rows = axis_rows(view)
        self.axes_part.setVisible(bool(rows))
        if len(self.axes) != len(rows):
            _clear(self._axes)
            self.axes = [axis_cells() for _ in rows]
            for at, cells in enumerate(self.axes):
                for place, cell in enumerate(cells):
                    top = Qt.AlignmentFlag.AlignTop if place != 3 else Qt.AlignmentFlag(0)
                    self._axes.addWidget(cell, at, place, top)
        for cells, row in zip(self.axes, rows, strict=True):
            for cell, text in zip(cells, (row.name, row.score, row.growth, row.distance), strict=True):
                cell.setText(text)

    def _show_claims(self, view: View) -> None:
        for claim in self.claims:
            claim.deleteLater()
        self.claims.clear()
        against = [
            question
            for question in view.lens.questions
            if view.claims.get(question.id, {}).get("state") == "contradicted"
        ]
        against.sort(key=lambda question: -_cost(view.claims[question.id]))
        count = len(against)
        self.contradicted_title.setText(
            self.tr("1 claim contradicted")
            if count == 1
            else filled(self.tr("{0} claims contradicted"), count or self.tr("No"))
        )
        self.open_checklist.setVisible(bool(against))
        self.no_claims.setVisible(not against)
        self.no_claims.setText(
            self.tr("Nothing that was measured or read speaks against an answer.") if not against else ""
        )
        for question in against:
            because = told(view, str(view.claims[question.id].get("because", "")), question)
            sign = verdict_badge("contradicted", 13)
            claim = RowButton(self.theme, sign, short(question), because, question.id)
            claim.clicked.connect(
                lambda _=False, name=question.id: self.context.go_to("checklist", question=name)
            )
            self._claims.addWidget(claim)
            self.claims.append(claim)

    def _show_measured(self, view: View) -> None:
        measured = view.verdict["measured"]
        share = measured["weight_share"]
        self.measured.setText(
            self.tr("No question applies")
            if share is None
            else filled(self.tr("{0} of the weight is measured"), percent(share))
        )
        for key, badge in self.badges.items():
            count = measured["counts"].get(key)
            badge.setVisible(bool(count))
            badge.word.setText(f"{count}{NO_BREAK}{self._words[key]}")

    # -- size ----------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Below 1200 pixels of the window the right columns stand under the left ones."""
        super().resizeEvent(event)
        wide = QBoxLayout.Direction.LeftToRight
        under = QBoxLayout.Direction.TopToBottom
        for row in (self._top, self._lower):
            row.setDirection(wide if self.width() >= WIDE else under)
        larger = self.theme.zoom / 100
        self._middle.setDirection(wide if self.width() >= ABREAST * larger else under)
        layout = self.body.layout()
        if layout is not None:
            layout.activate()


def _columns(spacing: int) -> QBoxLayout:
    row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
    row.setSpacing(spacing)
    return row


def _stacked(*parts: QWidget) -> QWidget:
    """The parts under each other, at the top of the room there is."""
    found = QWidget()
    column = QVBoxLayout(found)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    for part in parts:
        column.addWidget(part)
    column.addStretch(1)
    return found


def _at_top(part: QWidget) -> QWidget:
    return _stacked(part)


def _headed(title: str, right: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(PlainLabel(title, SECTION, 600), 1)
    row.addWidget(right)
    return row


def _clear(grid: QGridLayout) -> None:
    while grid.count():
        item = grid.takeAt(0)
        widget = None if item is None else item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def _breaking(limit: Mapping[str, Any]) -> str:
    """`The autoscaler, at 216 req/s`, as the command line says it; what gives out at once has no rate."""
    rate = limit.get("rate_per_s")
    return str(limit["what"]) + (f", at {amount(rate)}{NO_BREAK}req/s" if rate else "")


def _cost(claim: Mapping[str, Any]) -> float:
    return float((claim.get("lost") or {}).get("contradicted") or 0.0)
