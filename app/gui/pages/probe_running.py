"""A probe while it runs: two charts on one time axis, the steps, and at the right what is known so far.

Every number here is what the probe said; the estimate is a preview, and called one.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent, QShowEvent
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
from app.gui.pages.probe_running_side import RunningSide
from app.gui.texts import filled
from app.gui.theme import BODY, SMALL
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.live_axes import clock, rate_of
from app.gui.widgets.live_chart import LiveChart
from app.gui.widgets.notice import Notice
from app.gui.widgets.page_scroll import PageScroll
from app.gui.widgets.plain_table import PlainTable
from app.gui.widgets.run_pieces import PhaseRow, Stage, Tag
from assessments.wording import NO_BREAK
from probes.events import Event, Note, Phase, Second, Started, Step

NARROW = 960
"""At the usual size of type; larger type needs more."""


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
        # Not to be selected, or a line could end between the dashes of an option and its word: it is copied.
        self.command = PlainLabel("", SMALL, wrap=True)
        self.command.setAccessibleName(self.tr("The command line that runs"))
        self.copy = QPushButton(self.tr("Copy"))
        self.copy.setProperty("kind", "link")
        self.copy.setAccessibleName(self.tr("Copy the command line"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self.settings = QWidget()
        line = QHBoxLayout(self.settings)
        line.setContentsMargins(32, 4, 32, 8)
        line.setSpacing(12)
        line.addWidget(self.command, 1)
        line.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)
        self.settings.hide()
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

        self.side = RunningSide(self.context)
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
        outer.addWidget(self.settings)
        outer.addWidget(rule())
        outer.addWidget(self.notice)
        outer.addWidget(scroll, 1)

    def _arrange(self, narrow: bool) -> None:
        """The side beside the charts, or in a narrow window below them."""
        self.side.arrange(narrow)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._across.setDirection(down if narrow else across)
        self._bar.setVisible(not narrow)
        self._is_narrow = narrow
        self._show_asked()

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
        self.settings.setVisible(shown)

    # -- showing -------------------------------------------------------------------------------------------

    def _show_started(self) -> None:
        assert self.run.started is not None
        target = self.run.started.target
        # Every kind over HTTP has a method, whatever it speaks; gRPC and code of one's own have none.
        kind = str(target.get("kind", ""))
        protocol = "gRPC" if "grpc" in kind else kind.upper()
        self.method.set_text(str(target.get("method") or protocol or "GET"))
        self.address.setText(str(target.get("address", "")))
        self._show_asked()
        self.side.show_processes(target.get("pids") or ())
        self.steps.show_steps(self.run.steps, self.run.limit_ms())

    def _show_asked(self) -> None:
        """The objective and how load is sent; in a narrow window the objective alone."""
        if self.run.started is None:
            return
        load = self.run.load
        slo = str(load.get("slo", "")).replace("<=", f"{NO_BREAK}≤{NO_BREAK}").replace(",", ", ")
        slo = slo.replace("%", f"{NO_BREAK}%").replace("ms", f"{NO_BREAK}ms")
        arrivals = {"poisson": "Poisson"}.get(str(load.get("arrivals")), str(load.get("arrivals", "")))
        text = "{0}" if self._is_narrow else self.tr("objective {0}      arrivals {1}, seed {2}")
        self.asked.setText(filled(text, slo, arrivals, load.get("seed", "")))

    def _show_all(self) -> None:
        self._show_stages()
        self._say_spoilt(self.run.client_limited())
        self.side.show_run(self.run)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, Qt's name
        """The heights may have changed while it was hidden."""
        super().showEvent(event)
        self.side.fit(anew=True)

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
