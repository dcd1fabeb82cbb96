"""A probe while it runs: two charts on one time axis, the steps, and at the right what is known so far.

Every number here is what the probe said; the estimate is a preview, and called one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.live_run import LiveRun, kinds_of_parts
from app.gui.models.steps import LOAD, SecondsModel, StepsModel
from app.gui.page import Context
from app.gui.texts import filled
from app.gui.theme import BODY, FINDING, SMALL
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.live_chart import LiveChart, clock, rate_of
from app.gui.widgets.notice import Notice
from app.gui.widgets.page_scroll import PageScroll
from app.gui.widgets.plain_table import PlainTable
from app.gui.widgets.run_pieces import CLOSE, Badge, IntervalBar, Meter, PhaseRow, Stage, Tag, heading
from app.report.sections.run_words import number
from assessments.wording import NO_BREAK, amount, binary_bytes, capital, counted
from probes.events import Event, Note, Phase, Second, Started, Step

SIDE, NARROW = 276, 960
"""At the usual size of type; larger type needs more."""
MOST_REMARKS = 4
MEMORY_LIMIT = "infra.kubernetes.memory_limit_bytes"


class ProbeRunning(QWidget):
    """Fed by `take`. `ticked` once a second with the time since it began."""

    ticked = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context, self.theme = context, context.theme
        self.run = LiveRun()
        self._elapsed = 0
        self._said: tuple[str, object] = ("then", None)
        """What the notice is about: the step that runs now, or what is over."""
        self._heights: tuple[int, ...] = ()
        self._clock = QTimer(self)
        self._clock.setInterval(1_000)
        self._clock.timeout.connect(self._tick)
        self.steps, self.seconds = StepsModel(self), SecondsModel(self)
        self._lay_out()

    # -- parts ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.method = Tag("GET", self.theme)
        self.address = ElidedLabel("", BODY, 500)
        self.address.setMaximumWidth(460)
        self.asked = ElidedLabel("", BODY, tone="muted")
        self.all_settings = QPushButton(self.tr("All settings"))
        self.all_settings.setProperty("kind", "link")
        self.all_settings.setCheckable(True)
        self.all_settings.toggled.connect(self._show_command)
        strip = QHBoxLayout()
        strip.setContentsMargins(32, 0, 32, 0)
        strip.setSpacing(8)
        strip.addWidget(self.method)
        strip.addWidget(self.address)
        strip.addSpacing(12)
        strip.addWidget(self.asked, 1)
        strip.addWidget(self.all_settings)
        head = QWidget()
        head.setFixedHeight(44)
        head.setLayout(strip)
        self.command = PlainLabel("", SMALL, wrap=True, selectable=True)
        self.command.setContentsMargins(32, 4, 32, 8)
        self.command.hide()
        self.notice = Notice(self.theme)
        self.notice.hide()
        self.phases = PhaseRow(self.theme)
        self.time = PlainLabel("", BODY, tone="muted")
        parts = QHBoxLayout()
        parts.setSpacing(16)
        parts.addWidget(self.phases, 1)
        parts.addWidget(self.time)

        self.chart = LiveChart(self.theme)
        self.numbers = PlainTable(self.seconds, self.theme, self.tr("The numbers of the charts"))
        self.pictures = QStackedWidget()
        self.pictures.addWidget(self.chart)
        self.pictures.addWidget(self.numbers)
        self.table = PlainTable(self.steps, self.theme, self.tr("Steps"), stretch=LOAD, grows=True)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.pictures, 1)
        column.addWidget(self.table)
        left.setMinimumWidth(440)

        self.side = self._side()
        body = QWidget()
        self._across = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._across.setSpacing(24)
        self._across.addWidget(left, 1)
        self._bar = rule(upright=True)
        self._across.addWidget(self._bar)
        self._across.addWidget(self.side)
        inner = QVBoxLayout(body)
        inner.setContentsMargins(32, 8, 32, 16)
        inner.setSpacing(8)
        inner.addLayout(parts)
        inner.addLayout(self._across, 1)
        scroll = PageScroll(body)
        self._is_narrow = True
        self._arrange(False)
        self.theme.changed.connect(lambda: self._arrange(self._wants_narrow()))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(head)
        outer.addWidget(self.command)
        outer.addWidget(rule())
        outer.addWidget(self.notice)
        outer.addWidget(scroll, 1)

    def _side(self) -> QWidget:
        self.preview = PlainLabel("–", FINDING, 600)
        self.preview_more = PlainLabel("", BODY, tone="muted")
        self.interval = IntervalBar(self.theme)
        self.preview_note = PlainLabel("", SMALL, tone="muted", wrap=True)
        group = [QWidget() for _ in range(4)]
        boxes = [QVBoxLayout(one) for one in group]
        for box in boxes:
            box.setContentsMargins(0, 0, 0, 0)
            box.setSpacing(4)
        title = QHBoxLayout()
        about = PlainLabel(self.tr("Highest rate within the objective"), SMALL, 500, tone="muted", wrap=True)
        title.addWidget(about, 1)
        title.addWidget(Tag(self.tr("PREVIEW"), self.theme), 0, Qt.AlignmentFlag.AlignTop)
        value = QHBoxLayout()
        value.setSpacing(8)
        value.addWidget(self.preview)
        value.addWidget(self.preview_more)
        value.addStretch(1)
        boxes[0].addLayout(title)
        boxes[0].addLayout(value)
        boxes[0].addWidget(self.interval)
        boxes[0].addWidget(self.preview_note)

        self.grade = Badge(self.theme)
        row = QHBoxLayout()
        row.addWidget(heading(self.tr("Our own client")))
        row.addStretch(1)
        row.addWidget(self.grade)
        boxes[1].addLayout(row)
        self.late = Meter(self.tr("could not be sent"), self.theme)
        self.lag = Meter(self.tr("send lag"), self.theme)
        self.client_cpu = Meter("CPU", self.theme)
        for meter in (self.late, self.lag, self.client_cpu):
            boxes[1].addWidget(meter)

        self.target = heading(self.tr("Target"))
        boxes[2].addWidget(self.target)
        self.cpu = Meter("CPU", self.theme)
        self.memory = Meter(self.tr("Memory"), self.theme)
        self.failed = Meter(self.tr("Errors"), self.theme)
        for meter in (self.cpu, self.memory, self.failed):
            boxes[2].addWidget(meter)

        row = QHBoxLayout()
        row.addWidget(heading(self.tr("So far")))
        row.addWidget(Tag(self.tr("PREVIEW"), self.theme))
        row.addStretch(1)
        boxes[3].addLayout(row)
        self.remarks = PlainLabel("", BODY, wrap=True)
        boxes[3].addWidget(self.remarks)
        side = QWidget()
        across = self._side_by_side = QHBoxLayout(side)
        across.setContentsMargins(0, 0, 0, 0)
        self._columns = (QVBoxLayout(), QVBoxLayout())
        for column in self._columns:
            column.setSpacing(12)
            across.addLayout(column, 1)
        self._group = group
        self._rules = [rule() for _ in group[1:]]
        return side

    def _arrange(self, narrow: bool) -> None:
        """The groups under each other, or in a narrow window in two columns below the charts."""
        first, second = self._columns
        # Not by takeAt: an item that stays alive in Python keeps the next one's size from being renewed.
        for column in self._columns:
            for widget in (*self._group, *self._rules):
                column.removeWidget(widget)
            if (rest := column.itemAt(0)) is not None:
                column.removeItem(rest)
        for at, one in enumerate(self._group):
            column = second if narrow and at >= 2 else first
            if column.count():
                line = self._rules[at - 1]
                column.addWidget(line)
            column.addWidget(one)
        for at, line in enumerate(self._rules):
            line.setVisible(not narrow or at != 1)
        for column in self._columns:
            column.addStretch(1)
        self.side.setMinimumWidth(0 if narrow else self._at_zoom(SIDE))
        self.side.setMaximumWidth(16_777_215 if narrow else self._at_zoom(SIDE))
        self._side_by_side.setSpacing(32 if narrow else 0)
        self._side_by_side.setStretch(1, 1 if narrow else 0)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._across.setDirection(down if narrow else across)
        self._bar.setVisible(not narrow)
        self._is_narrow = narrow

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """In a narrow window the right column moves under the charts."""
        if self._wants_narrow() != self._is_narrow:
            self._arrange(self._wants_narrow())
        super().resizeEvent(event)

    def _wants_narrow(self) -> bool:
        return self.width() < self._at_zoom(NARROW)

    def _at_zoom(self, pixels: int) -> int:
        return round(pixels * self.theme.zoom / 100)

    # -- what it is fed ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new probe has been started; nothing is known of it yet."""
        self.show_run(LiveRun())
        self._elapsed = 0
        self._heights = ()
        self._clock.start()
        self._show_time()
        self.asked.setText(self.tr("starting …"))
        words = ("loadstone", *self.context.probing.arguments)
        import shlex

        self.command.setText(shlex.join(words))

    def show_run(self, run: LiveRun) -> None:
        """Draws this run."""
        self.run = run
        self._said = ("then", None)
        self.notice.hide()
        self.notice.text.setText("")
        self.chart.show_run(run)
        self.seconds.show_run(run)
        self.steps.show_steps(run.steps, run.limit_ms())
        self.address.setText("")
        self.asked.setText("")
        self._show_all()

    def take(self, event: Event) -> None:
        """The next event of the probe."""
        if not self.run.take(event):
            return
        if isinstance(event, Started):
            self._show_started()
        elif isinstance(event, Step):
            self.steps.add(event.step)
        elif isinstance(event, Note) and self.run.client_limited():
            self.steps.show_steps(self.run.steps, self.run.limit_ms())
        if isinstance(event, Second | Phase | Step | Started | Note):
            self.chart.refresh()
        if not self.chart.is_frozen:
            self.seconds.refresh()
        self._show_all()

    def end(self) -> None:
        """The probe is over."""
        self._clock.stop()
        self._show_stages(over=True)

    def stopping(self) -> None:
        """It was asked to stop."""
        self.time.setText(self.tr("nothing is sent any more; storing what was measured"))
        self._clock.stop()

    def freeze(self) -> None:
        """Space: leaves the charts as they are, or lets them go on."""
        self.chart.freeze(not self.chart.is_frozen)
        if not self.chart.is_frozen:
            self.seconds.refresh()

    def show_numbers(self, shown: bool | None = None) -> None:
        """T: the numbers as a table, or the charts again."""
        wanted = self.pictures.currentWidget() is self.chart if shown is None else shown
        self.pictures.setCurrentWidget(self.numbers if wanted else self.chart)

    def _show_command(self, shown: bool) -> None:
        self.command.setVisible(shown)

    # -- showing -------------------------------------------------------------------------------------------

    def _show_started(self) -> None:
        assert self.run.started is not None
        target, load = self.run.started.target, self.run.load
        # Every kind over HTTP has a method, whatever it speaks; gRPC and code of one's own have none.
        kind = str(target.get("kind", ""))
        protocol = "gRPC" if "grpc" in kind else kind.upper()
        self.method.set_text(str(target.get("method") or protocol or "GET"))
        self.address.setText(str(target.get("address", "")))
        slo = str(load.get("slo", "")).replace("<=", f"{NO_BREAK}≤{NO_BREAK}").replace(",", ", ")
        slo = slo.replace("%", f"{NO_BREAK}%").replace("ms", f"{NO_BREAK}ms")
        arrivals = {"poisson": "Poisson"}.get(str(load.get("arrivals")), str(load.get("arrivals", "")))
        text = self.tr("objective {0}      arrivals {1}, seed {2}")
        self.asked.setText(filled(text, slo, arrivals, load.get("seed", "")))
        pids = ", ".join(str(pid) for pid in target.get("pids") or ())
        self.target.setText(filled(self.tr("Target, process {0}"), pids) if pids else self.tr("Target"))
        self.steps.show_steps(self.run.steps, self.run.limit_ms())

    def _show_all(self) -> None:
        self._show_stages()
        self._show_preview()
        self._show_client()
        self._show_target()
        self._show_remarks()
        self._fit_side()

    def _fit_side(self) -> None:
        """Tells the column when a group needs another height: a change made while hidden gets lost."""
        heights = tuple(
            max(one.sizeHint().height(), one.heightForWidth(self._at_zoom(SIDE))) for one in self._group
        )
        if heights != self._heights:
            self._heights = heights
            for one in self._group:
                one.updateGeometry()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, Qt's name
        """The heights may have changed while it was hidden."""
        super().showEvent(event)
        self._heights = ()
        self._fit_side()

    def _tick(self) -> None:
        self._elapsed += 1
        self._show_time()

    def _show_time(self) -> None:
        elapsed = max(self._elapsed, int(self.run.now))
        self._elapsed = elapsed
        text = filled(self.tr("{0} elapsed"), clock(elapsed))
        expected = self.run.expected_s
        if expected is not None and expected > elapsed:
            text += filled(self.tr(", at most {0} to go"), clock(expected - elapsed))
        self.time.setText(text)
        self.ticked.emit(clock(elapsed))

    def _show_stages(self, *, over: bool = False) -> None:
        run, kinds = self.run, kinds_of_parts(self.run)
        names = {
            "warmup": self.tr("Warm-up"),
            "ladder": self.tr("Ladder"),
            "search": self.tr("Rates"),
            "load": self.tr("Load"),
            "result": self.tr("Result"),
        }
        seen = [part.name for part in run.parts]
        now = seen[-1] if seen else ""
        if over or run.result is not None:
            now = "result"
        place = kinds.index(now) if now in kinds else -1
        remarks: dict[str, str] = {}
        for part in run.parts:
            count = sum(1 for one in run.parts if one.name == part.name and one.began <= part.began)
            remarks[part.name] = {
                "search": filled(self.tr("number {0}, {1} req/s"), count, rate_of(part.text)),
                "load": part.text,
            }.get(part.name, "")
        # The last rungs may be climbed once more at the end: what counts is how far it went.
        words = [part.text.partition(" ")[0] for part in run.parts if part.name == "ladder"]
        if rungs := [int(word) for word in words if word.isdecimal()]:
            remarks["ladder"] = filled(self.tr("to {0} at once"), max(rungs))
        self.phases.show_stages(
            [
                Stage(
                    names.get(kind, kind),
                    remarks.get(kind, ""),
                    "on" if at == place else "done" if at < place else "to come",
                )
                for at, kind in enumerate(kinds)
            ]
        )

    def _show_preview(self) -> None:
        preview, spoilt = self.run.preview, self.run.client_limited()
        self.preview.set_tone("muted" if spoilt or preview is None else "")
        if preview is None:
            self.preview.setText("–")
            self.preview_more.setText("req/s" if self.run.finds_capacity or not self.run.load else "")
            self.interval.clear()
            text = self.tr("The first estimate follows after the ladder.")
            if self.run.load and not self.run.finds_capacity:
                text = self.tr("No highest rate is looked for in this run.")
            self.preview_note.setText(text)
            return
        self.preview.setText(amount(preview.rate_per_s))
        ends = f"({amount(preview.low)}–{amount(preview.high)})"
        self.preview_more.setText(f"req/s {ends}")
        self.preview.setAccessibleName(filled(self.tr("Preview {0} requests a second"), preview.rate_per_s))
        self.interval.show_estimate(preview.rate_per_s, preview.low, preview.high, grey=bool(spoilt))
        wanted = number(self.run.load.get("precision"))
        wide = (preview.high - preview.low) / 2 / preview.rate_per_s if preview.rate_per_s else 0.0
        text = self.tr("Now ± {0} %. A preview is never stored as a fact.")
        if wanted is not None:
            text = self.tr("Now ± {0} %, final at ± {1} %. A preview is never stored as a fact.")
        self.preview_note.setText(filled(text, amount(wide * 100), amount((wanted or 0) * 100)))

    def _show_client(self) -> None:
        run = self.run
        spoilt = run.client_limited()
        self._say_spoilt(spoilt)
        if spoilt:
            self.grade.show_state("challenged", self.tr("limited"))
        elif run.steps:
            self.grade.show_state("verified", self.tr("valid so far"))
        else:
            self.grade.show_state("unanswered", self.tr("not graded yet"))
        scheduled, unsent = run.counted("scheduled"), run.counted("unsent")
        self.late.show_value(
            filled(self.tr("{0} of {1}"), f"{unsent:,}", f"{scheduled:,}") if scheduled else "–"
        )
        lag, name = run.last_measured("send_lag_ms", "p99"), "p99 "
        if lag is None:
            lag, name = run.last_measured("send_lag_ms", "p90"), "p90 "
        self.lag.show_value("–" if lag is None else f"{name}{amount(lag)}{NO_BREAK}ms")
        cores = None if run.second is None else run.second.client_cpu_cores
        cores = run.last_measured("client_cpu_cores") if cores is None else cores
        shards = int(number(run.load.get("shards")) or 1)
        text = "–" if cores is None else f"{amount(cores)} of {counted(shards, 'core')}"
        self.client_cpu.show_value(text, None if cores is None else cores / shards)

    def _say_spoilt(self, spoilt: str | None) -> None:
        """Above the charts, as soon as it is so.

        Its numbers may change every second: the notice is shown once, stays as long as the step runs, and
        stays away when it was dismissed.
        """
        run = self.run
        about = ("now", len(run.steps)) if run.fault is not None else ("then", spoilt)
        if spoilt is None:
            if self._said[0] == "then" or self._said == ("now", len(run.steps)):
                return
            self._said = ("then", None)
            self.notice.hide()
            self.notice.text.setText("")
            return
        text = self.tr("Limited by this client or this machine, not by the target: {0}.")
        sentence = filled(text, spoilt.removesuffix("."))
        if about != self._said:
            self._said = about
            self.notice.show_text(sentence, "warn")
        elif self.notice.text.text() != sentence:
            self.notice.text.setText(sentence)
            self.notice.setAccessibleName(sentence)

    def _show_target(self) -> None:
        run, second = self.run, self.run.second
        machine: Mapping[str, Any] = {} if run.started is None else run.started.run.get("machine") or {}
        cores = number(machine.get("cpu_usable")) or number(machine.get("cpu_count"))
        used = None if second is None else second.cpu_cores
        if used is None:
            self.cpu.show_value("–")
        elif cores:
            self.cpu.show_value(f"{amount(used)} of {counted(int(cores), 'core')}", used / cores)
        else:
            self.cpu.show_value(f"{amount(used)}{NO_BREAK}cores")
        size = None if second is None else second.rss_bytes
        limit, where = self._memory_limit()
        if size is None:
            self.memory.show_value("–")
        elif limit:
            text = filled(self.tr("{0} of {1}"), binary_bytes(size), binary_bytes(limit))
            self.memory.show_value(text, size / limit, where)
        else:
            self.memory.show_value(binary_bytes(size))
        total = run.answered_ok + run.failed
        text = filled(self.tr("{0} of {1}"), f"{run.failed:,}", f"{total:,}") if total else "–"
        self.failed.show_value(text)

    def _memory_limit(self) -> tuple[float | None, str]:
        now = self.context.session.now
        fact = None if now is None else now.evidence.facts.get(MEMORY_LIMIT)
        limit = None if fact is None else number(fact.value)
        if fact is None or limit is None:
            return None, ""
        from app.report.view import fact_source

        return limit, filled(self.tr("limit from {0}"), fact_source(fact))

    def _show_remarks(self) -> None:
        run, said = self.run, []
        limit, _ = self._memory_limit()
        if limit and run.rss_peak and run.rss_peak >= CLOSE * limit:
            said.append(
                filled(self.tr("Memory reached {0} % of its limit."), f"{100 * run.rss_peak / limit:.0f}")
            )
        closed = [step for step in run.steps if step.get("mode") == "closed"]
        if closed and closed[-1].get("verdict") == "saturated":
            best = max(number(step.get("achieved_per_s")) or 0.0 for step in closed)
            text = self.tr("More callers do not bring more than {0} req/s.")
            said.append(filled(text, amount(best)))
        said += [f"{capital(note.text)}." if note.text[-1:] not in ".!?" else note.text for note in run.notes]
        self.remarks.setText(
            "\n".join(dict.fromkeys(said[-MOST_REMARKS:])) or self.tr("Nothing to remark yet.")
        )
        self.remarks.set_tone("" if said else "muted")
