"""The forecast: when capacity runs out, and how that date moves with growth, use, replicas and price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QFrame,
    QGridLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.executor import Failure
from app.gui.icons import put_icon
from app.gui.page import AssessedPage, Context
from app.gui.pages.forecast_amounts import ForecastAmounts
from app.gui.reading import view_of, view_with
from app.gui.texts import filled
from app.gui.theme import BODY, FINDING, SECTION, SMALL
from app.gui.throttle import Throttle
from app.gui.widgets.assumption import Assumption, Scale
from app.gui.widgets.empty import EmptyPage
from app.gui.widgets.figure import Figure
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.numbers import show_numbers
from app.report.sections.claim_words import growth_words
from app.report.sections.forecast import fan_chart, lead, title
from app.report.sections.plan import dates_chart
from app.report.view import View, fact_source
from assessments.assessment import Assessed, assess
from assessments.outlook import DEFAULT_UTILISATION, fleet_of
from assessments.what_if import (
    Assumptions,
    assumptions_of,
    forecast_if,
    materials_if,
    rate_of,
    with_rate,
)
from assessments.wording import NO_BREAK, percent
from probes.errors import UserError

WIDE = 1200 - 209
SIDE = 260
REDRAW_MS = 33
"""The chart is drawn again at most so often while a value is dragged."""
SETTLED_MS = 250
"""The dates by action follow so long after the last change: every action is judged anew for them."""


class ForecastPage(AssessedPage):
    """The fan, what it rests on, four figures, dates by action."""

    key = "forecast"
    icon = "trending-up"
    keys = (
        ("← →", "move the slider that has the focus"),
        ("Ctrl R", "back to measured values"),
        ("T", "numbers of the chart that has the focus"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._assessed: Assessed | None = None
        self._view: View | None = None
        self._base = Assumptions()
        self.assumed = Assumptions()
        self.forecast: Mapping[str, Any] | None = None
        self._turn = 0
        self._throttle = Throttle(REDRAW_MS, self._draw, self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLED_MS)
        self._settle.timeout.connect(self._judge_actions)
        self.export = QPushButton(self.tr("Export autoscaling policy…"))
        menu = QMenu(self.export)
        self.export_hpa = menu.addAction(self.tr("Kubernetes: HorizontalPodAutoscaler…"))
        self.export_hpa.triggered.connect(lambda: self._ask_where("kubernetes"))
        self.export_aws = menu.addAction(self.tr("AWS: target-tracking policy…"))
        self.export_aws.triggered.connect(lambda: self._ask_where("aws"))
        self.export.setMenu(menu)
        self.numbers = QPushButton(self.tr("Numbers"))
        self.numbers.setProperty("kind", "plain")
        self.numbers.clicked.connect(self._show_numbers)
        self.theme.changed.connect(self._tint)
        self.empty = EmptyPage(
            (
                (self.tr("Set up a probe"), lambda: self.context.go_to("probe")),
                (self.tr("Try the demo"), lambda: self.context.go_to("home", demo=True)),
            )
        )
        self._build()
        self._tint()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.headline = PlainLabel("", FINDING, 600, wrap=True)
        self.between = PlainLabel("", BODY, wrap=True)
        self.lead = PlainLabel("", BODY, tone="muted", wrap=True)
        self.fan = Figure(self.theme, 320)
        main = QVBoxLayout()
        main.setSpacing(10)
        for part in (self.headline, self.between, self.lead, self.fan):
            main.addWidget(part)
        main.addStretch(1)
        self.side = self._side()
        self._across = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._across.setSpacing(32)
        self._across.addLayout(main, 1)
        self._upright = rule(upright=True)
        self._across.addWidget(self._upright)
        self._across.addWidget(self.side)
        self.amounts = ForecastAmounts()
        self.figures = self.amounts.figures
        self.dates = Figure(self.theme, 120, size=SECTION)
        self.written = PlainLabel("", BODY, tone="ok", wrap=True, selectable=True)
        self.written.hide()
        self.no_rules = PlainLabel("", SMALL, tone="muted", wrap=True)
        body = self._body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(32, 24, 32, 24)
        column.setSpacing(16)
        column.addWidget(self.written)
        column.addLayout(self._across)
        column.addWidget(rule())
        column.addWidget(self.amounts)
        column.addWidget(rule())
        column.addWidget(self.dates)
        column.addWidget(self.no_rules)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(body)
        self.area.setAccessibleName(self.tr("Forecast"))
        self.stack = QStackedWidget()
        self.stack.addWidget(self.area)
        self.stack.addWidget(self.empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.stack)

    def _side(self) -> QWidget:
        self.growth = Assumption(self.tr("Growth a month"), self.theme)
        self.use = Assumption(self.tr("Planned use"), self.theme)
        self.replicas = Assumption(self.tr("Most replicas"), self.theme)
        self.price = Assumption(self.tr("Price, replica-hour"), self.theme)
        for assumption, taken in (
            (self.growth, self._grown),
            (self.use, lambda value: self._assume(utilisation=value / 100)),
            (self.replicas, lambda value: self._assume(replicas=round(value))),
            (self.price, lambda value: self._assume(price_per_hour=value or None)),
        ):
            assumption.changed.connect(taken)
        self.reset = QPushButton(self.tr("Back to measured values"))
        self.reset.setProperty("kind", "link")
        self.reset.setToolTip("Ctrl+R")
        self.reset.setShortcut("Ctrl+R")
        self.reset.clicked.connect(self.back)
        self.keep = QPushButton(self.tr("Use in the assessment"))
        self.keep.setProperty("kind", "link")
        self.keep.clicked.connect(self.use_assumptions)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(PlainLabel(self.tr("Assumptions"), SECTION, 600))
        self._sliders = QGridLayout()
        self._sliders.setHorizontalSpacing(32)
        self._sliders.setVerticalSpacing(16)
        column.addLayout(self._sliders)
        for button in (self.reset, self.keep):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self._place_sliders(1)
        return side

    def _place_sliders(self, columns: int) -> None:
        for place, part in enumerate((self.growth, self.use, self.replicas, self.price)):
            self._sliders.addWidget(part, place // columns, place % columns)

    def _tint(self) -> None:
        put_icon(self.numbers, "table", self.theme)

    # -- the head ------------------------------------------------------------------------------------------

    def subtitle(self) -> str:
        """The run that measured the capacity."""
        run = None if self._view is None or not self._view.forecast else self._view.run
        return "" if run is None else filled(self.tr("from run {0}"), (run.get("run") or {}).get("id"))

    def head_actions(self) -> Sequence[QWidget]:
        """Export, and the numbers as a table."""
        return (self.export, self.numbers)

    def _show_numbers(self) -> None:
        if self.fan.chart.spec is not None:
            show_numbers(self.window(), self.fan.chart.spec, self.theme)

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, name: str) -> None:
        """Another assessment: by its own assumptions."""
        super().show_opened(name)
        self._assessed, self._view, self.forecast = None, None, None
        self._base = self.assumed = Assumptions()
        self.written.hide()
        self.empty.say(self.tr("Judging …"), "")
        self.stack.setCurrentWidget(self.empty)

    def draw_assessed(self, assessed: Assessed) -> None:
        """The assessment as it is now; what a person has dragged stays as it is."""
        before, self._base = self._base, assumptions_of(assessed.judged)
        kept = {
            name: getattr(self.assumed, name)
            for name in Assumptions.__dataclass_fields__
            if getattr(self.assumed, name) != getattr(before, name)
        }
        is_first = self._assessed is None
        self.assumed = self._base if is_first else replace(self._base, **kept)
        self._assessed, self._view = assessed, view_of(assessed)
        if not self._view.forecast:
            self._show_nothing(self._view)
            return
        self.stack.setCurrentWidget(self.area)
        self._show_assumptions()
        self._draw()
        if self.is_changed:
            self._judge_actions()
        else:
            self.dates.show_chart(dates_chart(self._view, self._view.actions))
        self.head_changed.emit()

    def enter(self, **where: Any) -> None:
        """`growth=True` puts the focus on the growth."""
        super().enter(**where)
        if where.get("growth"):
            self.growth.slider.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_nothing(self, view: View) -> None:
        self.stack.setCurrentWidget(self.empty)
        self.export.setEnabled(False)
        self.empty.say(
            self.tr("Without a measured capacity there is no date"),
            self.tr(
                "This page will say when the peak meets what the fleet carries, how many replicas that "
                "takes, what it costs, and how an autoscaler should be set. It needs a load probe that finds "
                "the capacity of one replica, and from the profile the peak, its growth and the number of "
                "replicas."
            ),
            str(view.verdict["runs_out"]["text"]),
        )

    # -- assumptions ---------------------------------------------------------------------------------------

    @property
    def is_changed(self) -> bool:
        """Whether something is assumed that is not so in the assessment."""
        return self.assumed != self._base

    def _grown(self, value: float) -> None:
        is_share = not self._is_linear
        self._assume(growth=with_rate(self._base.growth, value / 100 if is_share else value))

    def _assume(self, **changed: Any) -> None:
        self.assumed = replace(self.assumed, **changed)
        self._show_changed()
        self._throttle.ask()
        self._settle.start()

    def back(self) -> None:
        """All as in the assessment."""
        self.assumed = self._base
        self._show_assumptions()
        self._throttle.ask()
        self._settle.start()

    @property
    def _is_linear(self) -> bool:
        growth = self._base.growth
        return growth is not None and "%" not in growth

    def _show_assumptions(self) -> None:
        assert self._assessed is not None
        assert self._view is not None
        view, assumed, base = self._view, self.assumed, self._base
        rate = 0.0 if assumed.growth is None else rate_of(assumed.growth)
        if self._is_linear:
            peak = float(view.forecast.get("peak_per_s") or 100.0)
            scale = Scale(0, max(peak / 2, 3 * rate), max(peak / 1000, 0.01), 2, "req/s")
        else:
            rate *= 100
            scale = Scale(min(0.0, rate), max(30.0, 2 * rate), 0.1, 1, "%")
        said = self.tr("nobody said how the workload grows")
        if base.growth is not None:
            said = f"{growth_words(base.growth)}, {view.who_says('growth.workload')}"
        self.growth.show_value(rate, scale, said)
        used = view.profile.get("utilisation")
        self.use.show_value(
            100 * assumed.utilisation,
            Scale(10, 100, 1, 0, "%"),
            filled(self.tr("of measured capacity, {0}"), view.who_says("utilisation"))
            if used is not None
            else filled(self.tr("of measured capacity, default {0}"), percent(DEFAULT_UTILISATION)),
        )
        fleet = fleet_of(self._assessed.judged.evidence, self._assessed.judged.profile)
        needed = ((view.forecast.get("to_carry") or {}).get("replicas") or {}).get("with_spare") or 1
        most = max(10, 3 * (base.replicas or 1), 2 * int(needed))
        because = self.tr("nobody said how many there are")
        if fleet is not None:
            because = fleet.because if fleet.fact is None else f"{fact_source(fleet.fact)}: {fleet.because}"
        self.replicas.show_value(assumed.replicas or 1, Scale(1, most, 1), because)
        currency = str(view.profile.get("currency") or "USD")
        price = assumed.price_per_hour or 0.0
        self.price.show_value(
            price,
            Scale(0, max(1.0, 3 * (base.price_per_hour or 0.0)), 0.001, 3, currency),
            self.tr("nobody said what a replica costs")
            if base.price_per_hour is None
            else filled(self.tr("{0}; not live"), view.who_says("price_per_replica_hour")),
        )
        self._show_changed()

    def _show_changed(self) -> None:
        self.reset.setEnabled(self.is_changed)
        self.keep.setEnabled(self.is_changed)

    def use_assumptions(self) -> None:
        """Puts what is assumed into the profile; it can be undone. Replicas that a manifest says stay."""
        assert self._assessed is not None
        judged = self._assessed.judged
        values = dict(self.session.answers.profile.to_json())
        if self.assumed.growth != self._base.growth:
            values["growth"] = {**(values.get("growth") or {}), "workload": self.assumed.growth}
        for key, name in (("utilisation", "utilisation"), ("price_per_hour", "price_per_replica_hour")):
            if getattr(self.assumed, key) != getattr(self._base, key):
                values[name] = getattr(self.assumed, key)
        fleet = fleet_of(judged.evidence, judged.profile)
        if self.assumed.replicas != self._base.replicas:
            if fleet is None or fleet.fact is None:
                values["replicas"] = self.assumed.replicas
            else:
                self.context.say(
                    filled(
                        self.tr("The number of replicas stands in {0}: change it there, and scan again."),
                        fact_source(fleet.fact),
                    )
                )
        try:
            self.session.set_profile(values)
        except UserError as error:
            self.context.say(Failure(error))

    # -- drawing -------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        """Title, chart and figures by what is assumed."""
        assessed, view = self._assessed, self._view
        if assessed is None or view is None:
            return
        if self.is_changed:
            try:
                self.forecast = forecast_if(assessed.judged, assessed.as_of.date(), self.assumed)
            except UserError as error:
                self.context.say(Failure(error))
                return
            view = view_with(view, forecast=self.forecast)
        else:
            self.forecast = view.forecast
        said, _, between = title(view).partition(", between ")
        self.headline.setText(said)
        sure = f"95{NO_BREAK}%"
        self.between.setText(
            filled(self.tr("between {0}, with {1} confidence"), between, sure) if between else ""
        )
        self.between.setVisible(bool(between))
        self.lead.setText(lead(view))
        self.fan.show_chart(fan_chart(view))
        self.amounts.show_forecast(self.forecast or {}, view)
        self._show_rules(self.forecast or {})

    def _show_rules(self, found: Mapping[str, Any]) -> None:
        rules = found.get("autoscaling") or {}
        self.export_hpa.setEnabled(bool(rules.get("kubernetes")))
        self.export_aws.setEnabled(bool(rules.get("aws")))
        self.export.setEnabled(self.export_hpa.isEnabled() or self.export_aws.isEnabled())
        why = str(rules.get("refused") or "")
        self.no_rules.setText(filled(self.tr("No autoscaling policy: {0}."), why.rstrip(".")) if why else "")
        self.no_rules.setVisible(bool(why))

    def _judge_actions(self) -> None:
        """The dates by action, in the background."""
        assessed = self._assessed
        if assessed is None:
            return
        self._turn += 1
        turn, changed = self._turn, materials_if(assessed.materials, assessed.judged, self.assumed)
        if not self.is_changed and self._view is not None:
            self.dates.show_chart(dates_chart(self._view, self._view.actions))
            return

        def judged() -> View:
            view = View(assess(changed, assessed.as_of).to_json())
            view.__dict__["lens"] = assessed.judged.lens
            return view

        self.context.executor.submit(judged, lambda view: self._show_dates(view, turn), self.context.say)

    def _show_dates(self, view: View, turn: int) -> None:
        if turn == self._turn:
            self.dates.show_chart(dates_chart(view, view.actions))

    # -- export --------------------------------------------------------------------------------------------

    def _ask_where(self, kind: str) -> None:
        rules = (self.forecast or {}).get("autoscaling") or {}
        rule_ = rules.get(kind)
        if not rule_:
            return
        dialog = QFileDialog(self, self.tr("Export autoscaling policy"), rule_["file"])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_to(kind, Path(path)))
        dialog.open()

    def export_to(self, kind: str, path: Path) -> None:
        """Writes the rules as they are shown: `kubernetes`, or `aws` with its derivation beside it."""
        rules = ((self.forecast or {}).get("autoscaling") or {})[kind]
        texts = {path: str(rules["text"])}
        if rules.get("explanation"):
            texts[path.with_suffix(".txt")] = str(rules["explanation"])

        def write() -> list[Path]:
            from app.cli.report import write_file

            for place, text in texts.items():
                write_file(place, text.encode(), self.tr("the file"))
            return list(texts)

        self.context.executor.submit(write, self._is_written, self.context.say)

    def _is_written(self, paths: list[Path]) -> None:
        names = " and ".join(str(path) for path in paths)
        said = filled(self.tr("Wrote {0}. Try the rules where a mistake costs nothing."), names)
        if self.is_changed:
            said += " " + self.tr("They follow what is assumed here, not the assessment.")
        self.written.setText(said)
        self.written.show()
        self.area.ensureWidgetVisible(self.written)

    # -- size ----------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Below 1200 pixels of the window the assumptions stand under the chart, two by two."""
        super().resizeEvent(event)
        wide = self.width() >= WIDE
        self._across.setDirection(
            QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        )
        self.side.setMinimumWidth(SIDE if wide else 0)
        self.side.setMaximumWidth(SIDE if wide else 16_777_215)
        self._upright.setVisible(wide)
        self._place_sliders(1 if wide else 2)
        layout = self._body.layout()
        if layout is not None:
            layout.activate()
