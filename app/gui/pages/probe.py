"""The probe page: set up, running, result. The run is a child process; this page draws what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.icons import put_icon
from app.gui.live_run import LiveRun
from app.gui.page import Context, Page
from app.gui.pages.probe_result import ProbeResult
from app.gui.pages.probe_running import ProbeRunning
from app.gui.pages.probe_setup import ProbeSetup
from app.gui.probe_order import order_of, order_of_run
from app.gui.run_findings import moment_of
from app.gui.target_fields import is_code
from app.gui.texts import filled
from app.gui.widgets.notice import Notice
from app.report.sections.run_words import part
from assessments.judging import Judged
from assessments.store import open_store
from assessments.verdict_changes import VerdictChange, verdict_changes
from assessments.wording import NO_BREAK, counted
from probes.events import Event

DEMO = ("demo", "--quick")
_CRASHES = (-1, 70)
"""The child was ended from outside, or by a fault of Loadstone's own."""
_ENDINGS_WITHOUT_LOSS = (2, 3)


class ProbePage(Page):
    """Three views, of which one is shown: the form, the running probe, a run of the assessment."""

    key = "probe"
    icon = "activity"
    keys = (
        ("Ctrl Enter", "start"),
        ("Esc", "stop"),
        ("Space", "freeze the charts, or let them go on"),
        ("T", "the numbers as a table"),
        ("← →", "cursor from second to second"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._before: Judged | None = None
        self._before_of = ""
        self._opens = ""
        self._kept: LiveRun | None = None
        self._changes: dict[str, Sequence[VerdictChange]] = {}
        self._awaited = ""
        self._result: Mapping[str, Any] | None = None
        self.notice = Notice(context.theme)
        self.notice.hide()
        self.setup = ProbeSetup(context)
        self.running = ProbeRunning(context)
        self.result = ProbeResult(context)
        self.stack = QStackedWidget()
        for view in (self.setup, self.running, self.result):
            self.stack.addWidget(view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice)
        column.addWidget(self.stack, 1)
        self._make_actions()
        self._keys()
        probing = context.probing
        probing.started.connect(self._started)
        probing.event.connect(self._event)
        probing.stopping.connect(self._stopping)
        probing.ended.connect(self._ended)
        self.running.ticked.connect(self._tick)
        self.setup.changed.connect(self.head_changed)
        self.result.chosen.connect(self.show_result)
        if probing.is_running:
            self._started()
            for event in probing.events:
                self._event(event)

    # -- head ----------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        def button(text: str, does: Any, kind: str = "") -> QPushButton:
            made = QPushButton(text, self)
            made.setAccessibleName(text.partition("   ")[0])
            if kind:
                made.setProperty("kind", kind)
            made.clicked.connect(lambda _=False: does())
            made.hide()
            return made

        self.start_button = button(self.tr("Start   Ctrl Enter"), self.start, "primary")
        self.demo_button = button(self.tr("Try the demo"), self.start_demo)
        self.back_button = button(self.tr("Results"), self.show_newest)
        self.stop_button = button(self.tr("Stop   Esc"), self.stop, "danger")
        self.numbers_button = button(self.tr("Numbers   T"), self.toggle_numbers, "plain")
        self.again_button = button(self.tr("Run again"), self.run_again)
        self.new_button = button(self.tr("New probe"), self.show_setup)
        self._tint()
        self.theme.changed.connect(self._tint)

    def _tint(self) -> None:
        put_icon(self.stop_button, "square", self.theme, "bad", 14)
        put_icon(self.numbers_button, "table", self.theme, "muted", 16)

    def title(self) -> str:
        """The page's name."""
        return ""

    def subtitle(self) -> str:
        """Which run it is, and what stopping does."""
        view = self.stack.currentWidget()
        if view is self.running:
            run = self.context.probing.run_id
            if self.context.probing.is_stopping:
                stops = self.tr("stopping …")
            else:
                stops = self.tr("stops within 1 s, keeps what was measured")
            return f"run {run}   ·   {stops}" if run else stops
        if view is self.result:
            about, moment = part(self.result.run, "run"), moment_of(self.result.run)
            seconds = about.get("seconds")
            words = [f"run {about.get('id', '')}", f"{moment:%Y-%m-%d %H:%M}" if moment else ""]
            words.append(f"{float(seconds):.0f}{NO_BREAK}s" if isinstance(seconds, int | float) else "")
            return ", ".join(word for word in words if word)
        return self.tr("set up")

    def head_actions(self) -> Sequence[QWidget]:
        """Buttons of the view that is shown."""
        view = self.stack.currentWidget()
        if view is self.running:
            self.stop_button.setEnabled(not self.context.probing.is_stopping)
            return (self.numbers_button, self.stop_button)
        if view is self.result:
            return (self.numbers_button, self.again_button, self.new_button)
        return (*((self.back_button,) if self._runs() else ()), self.demo_button, self.start_button)

    # -- keys ----------------------------------------------------------------------------------------------

    def _keys(self) -> None:
        def key(sequence: str, does: Any) -> None:
            shortcut = QShortcut(QKeySequence(sequence), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(does)

        key("Ctrl+Return", self._start_by_key)
        key("Ctrl+Enter", self._start_by_key)
        for view in (self.running, self.result, self.running.chart, self.stop_button, self.numbers_button):
            view.installEventFilter(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Esc, Space, T and Enter where no field wants them."""
        if not self._pressed(event):
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, Qt's name
        """The same keys where a view has the focus; Esc from the head's buttons too."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            is_button = isinstance(watched, QPushButton)
            if is_button and event.key() != Qt.Key.Key_Escape:
                return False
            return self._pressed(event)
        return super().eventFilter(watched, event)

    def _pressed(self, event: QKeyEvent) -> bool:
        focus = self.focusWidget()
        if isinstance(focus, QLineEdit | QPlainTextEdit | QAbstractSpinBox | QComboBox) and focus.hasFocus():
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        view, key = self.stack.currentWidget(), event.key()
        if view is self.running and key == Qt.Key.Key_Escape:
            self.stop()
        elif view is self.running and key == Qt.Key.Key_Space:
            self.running.freeze()
        elif view is self.running and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.running.chart.move_cursor(1 if key == Qt.Key.Key_Right else -1)
        elif view in (self.running, self.result) and key == Qt.Key.Key_T:
            self.toggle_numbers()
        elif view is self.result and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self._in_list():
            self.result.to_checklist.click()
        else:
            return False
        return True

    def _in_list(self) -> bool:
        return self.result.changed.hasFocus() or isinstance(self.focusWidget(), QPushButton)

    def _start_by_key(self) -> None:
        if self.stack.currentWidget() is self.setup:
            self.start()

    def toggle_numbers(self) -> None:
        """T."""
        view = self.stack.currentWidget()
        if view is self.running:
            self.running.show_numbers()
        elif view is self.result:
            self.result.show_numbers()

    # -- entering ------------------------------------------------------------------------------------------

    def enter(self, **where: Any) -> None:
        """`demo=True` starts the demo, `setup=True` or `target=URL` shows the form, `run=ID` a run."""
        if where.get("demo") and not self.context.probing.is_running:
            self.start_demo()
        elif self.context.probing.is_running:
            self._show(self.running)
        elif where.get("target"):
            self.show_setup()
            self.setup.target.setText(str(where["target"]))
            self.setup.look()
        elif where.get("run"):
            self.show_result(str(where["run"]))
        elif where.get("setup") or not self._runs():
            self.show_setup()
        elif self.stack.currentWidget() is not self.setup or not self.setup.target.text():
            self.show_newest()
        focus = {id(self.setup): self.setup.target, id(self.running): self.running.chart}
        widget = focus.get(id(self.stack.currentWidget()), self.result)
        if self.isVisible():
            widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_opened(self, name: str) -> None:
        """Another assessment: what was asked of it last stands in the form."""
        self._changes.clear()
        if not self.context.probing.is_running:
            self.notice.hide()
        self.setup.show_assessment(name)
        self.result.show_runs(self._runs())
        if self._awaited:
            return
        if self.stack.currentWidget() is self.result:
            self._show(self.setup)

    def show_judged(self, judged: Judged) -> None:
        """The runs may be others; after a probe, what it changed is known now."""
        if self.context.probing.is_running and self._before_of != self.session.name:
            self._before, self._before_of = judged, self.session.name
        runs = self._runs()
        if [_id(run) for run in runs] != [_id(run) for run in self.result.runs]:
            self.result.show_runs(runs)
        if self._awaited and any(_id(run) == self._awaited for run in runs):
            run_id, self._awaited = self._awaited, ""
            if self._before is not None and self._before_of == self.session.name:
                self._changes[run_id] = verdict_changes(self._before, judged)
            self._before = None
            self.show_result(run_id)
        elif self.stack.currentWidget() is self.result:
            self.result.show_judged(judged)

    def _runs(self) -> Sequence[Mapping[str, Any]]:
        materials = self.session.materials
        return () if materials is None else materials.runs

    def _show(self, view: QWidget) -> None:
        self.stack.setCurrentWidget(view)
        self.head_changed.emit()

    def show_setup(self) -> None:
        """The form."""
        self._show(self.setup)
        if self.isVisible():
            self.setup.target.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_newest(self) -> None:
        """The newest run."""
        runs = self._runs()
        if runs:
            self.show_result(_id(runs[0]))

    def show_result(self, run_id: str) -> None:
        """A run of the assessment, or the one that has just ended."""
        found = next((run for run in self._runs() if _id(run) == run_id), None)
        if found is None and self._result is not None and _id(self._result) == run_id:
            found = self._result
        if found is None:
            return
        self.result.show_run(found, self._changes.get(run_id))
        self._show(self.result)
        if self.isVisible() and not self.result.isAncestorOf(self.focusWidget() or self):
            self.result.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- running -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts what the form says, or shows in place why it cannot."""
        if self.context.probing.is_running or not self.setup.try_to_start():
            return
        self.setup.remember(self.session.name)
        self._opens = ""
        self.context.probing.start(self.setup.order.arguments(self.session.name))

    def start_demo(self) -> None:
        """`loadstone demo --quick`: a service that comes along, assessed."""
        if not self.context.probing.is_running:
            self._opens = "demo"
            self.context.probing.start(DEMO)

    def run_again(self) -> None:
        """The same once more: at once where it is known whole, else by way of the form."""
        import json

        asked = order_of_run(self.result.run)
        kept = self.context.settings.value(f"probe/{self.session.name}", "")
        order = None
        if isinstance(kept, str) and kept:
            try:
                order = order_of(json.loads(kept))
            except (ValueError, AttributeError):
                order = None
        known = order is not None and order.target.rstrip("/") == asked.target.rstrip("/")
        self.setup.show_order(order if known and order is not None else asked)
        self.show_setup()
        self.setup.look()
        if known and not order_is_remote(asked.target):
            self.start()
        elif not known:
            text = self.tr(
                "Filled in from the run. Bodies, samples and hidden headers are not in a run: give them "
                "again where it had them, look at what answers there, and start."
            )
            self.notice.show_text(text)

    def stop(self) -> None:
        """Asks the probe to stop; said at once."""
        self.context.probing.stop()

    def _started(self) -> None:
        self.notice.hide()
        self._before, self._before_of = self.session.now, self.session.name
        self._result = None
        self._awaited = ""
        self.running.begin()
        self._show(self.running)
        if self.isVisible():
            self.running.chart.setFocus(Qt.FocusReason.OtherFocusReason)
        self._note("…")

    def _event(self, event: Event) -> None:
        named = bool(self.running.run.started)
        self.running.take(event)
        if not named and self.running.run.started:
            self.head_changed.emit()

    def _tick(self, elapsed: str) -> None:
        self._note(filled(self.tr("running {0}"), elapsed))

    def _note(self, note: str) -> None:
        rail = getattr(self.window(), "rail", None)
        if rail is not None:
            rail.set_note(self.key, note)

    def _stopping(self) -> None:
        self.running.stopping()
        self.head_changed.emit()

    def _ended(self, code: int, sentence: str) -> None:
        self.running.end()
        self._note("")
        run = self.running.run
        result = self.context.probing.result
        run_id = self.context.probing.run_id
        if result is not None:
            self._result = result
            self._awaited = run_id
            if self._opens and self._opens != self.session.name:
                self.session.open(self._opens)
            else:
                self.session.reload()
            self.show_result(run_id)
            if code in _CRASHES:
                self._say_crash(sentence, run)
            return
        if code in _CRASHES or (run.started is not None and code not in _ENDINGS_WITHOUT_LOSS):
            self._say_crash(sentence, run)
            self._mark_interrupted()
        else:
            text = self.tr("The probe did not start: {0}. Nothing was stored.")
            self.notice.show_text(
                filled(text, sentence.removesuffix(".") or self.tr("it said nothing")), "bad", sentence
            )
        self.show_setup()

    def _say_crash(self, sentence: str, run: LiveRun) -> None:
        seconds = sum(1 for value in run.answered if value is not None)
        kept = self.tr("Nothing was measured yet.")
        if seconds and self.context.probing.run_id:
            text = self.tr("{0} of it are kept as run {1}; set it up again below.")
            kept = filled(text, counted(seconds, "second"), self.context.probing.run_id)
        elif seconds:
            text = self.tr("{0} of it were seen; set it up again below.")
            kept = filled(text, counted(seconds, "second"))
        said = sentence.removesuffix(".") or self.tr("it was ended from outside")
        self.notice.show_text(filled(self.tr("The probe ended early: {0}. {1}"), said, kept), "bad", sentence)

    def _mark_interrupted(self) -> None:
        """A child that ended without a word left its run as it was; opening the store marks it."""
        url = self.context.probing.store_url

        def mark() -> None:
            with open_store(url):
                pass

        def then(_: None) -> None:
            self._awaited = ""
            self.session.reload()

        self.context.executor.submit(mark, then, self.context.say)


def _id(run: Mapping[str, Any]) -> str:
    return str(part(run, "run").get("id", ""))


def order_is_remote(address: str) -> bool:
    """Whether an address may be of another machine, as far as its text tells."""
    from urllib.parse import urlsplit

    if is_code(address):
        return False
    host = urlsplit(address).hostname or ""
    return not (host in ("localhost", "::1") or host.startswith("127."))
