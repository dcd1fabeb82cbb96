"""The main window: rail, head, page and status bar; the page that is shown, keys that work everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, QEventLoop, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.executor import Failure, SerialExecutor
from app.gui.faults import Faults
from app.gui.page import Context, Page, PageKind
from app.gui.probing import Probing
from app.gui.rail import Rail
from app.gui.session import Session
from app.gui.store_opening import StoreOpening
from app.gui.texts import filled
from app.gui.theme import PAGE, SMALL, ZOOMS, Theme
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from assessments.assessment import Assessed
    from assessments.judging import Judged

MINIMUM = (1024, 700)
USUAL = (1440, 900)
HEAD, STATUS = 56, 28
MOST_RECENT = 8
SAVE_WAIT_S = 5.0
"""So long closing waits for what is being saved before it asks."""


class MainWindow(QMainWindow):
    """The window. `pages` makes each page when it is first shown."""

    def __init__(
        self,
        *,
        session: Session,
        executor: SerialExecutor,
        probing: Probing,
        theme: Theme,
        settings: QSettings,
        stores: StoreOpening,
        pages: Mapping[str, PageKind],
    ) -> None:
        super().__init__()
        self.session, self.probing, self.settings, self.theme = session, probing, settings, theme
        self.stores = stores
        self.faults = Faults(self.say)
        self.context = Context(session, executor, probing, theme, settings, self.go_to, self.say, stores)
        self._kinds = pages
        self._pages: dict[str, Page] = {}
        self._shown = ""
        self._in_head: list[QWidget] = []
        self._kept_run = ""
        self.may_ask = True
        self.setWindowTitle(self.tr("Loadstone"))
        self.setMinimumSize(*MINIMUM)
        self.setAcceptDrops(True)
        self.rail = Rail(
            [(key, self._name(key), kind.icon) for key, kind in pages.items() if kind.needs_assessment],
            [(key, self._name(key), kind.icon) for key, kind in pages.items() if not kind.needs_assessment],
            theme,
        )
        self.rail.chosen.connect(self.go_to)
        self.rail.names.connect(lambda: self.go_to("home"))
        self._build(theme)
        self._connect()
        self._keys()
        self._placed = QTimer(self)
        self._placed.setSingleShot(True)
        self._placed.setInterval(1_000)
        self._placed.timeout.connect(self._keep_place)
        geometry = settings.value("window/geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(*USUAL)

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self, theme: Theme) -> None:
        self.title = PlainLabel("", PAGE, 600)
        self.subtitle = ElidedLabel("", SMALL, tone="muted")
        self._actions = QHBoxLayout()
        self._actions.setSpacing(12)
        head = QWidget()
        head.setFixedHeight(HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(32, 0, 32, 0)
        row.setSpacing(12)
        row.addWidget(self.title)
        row.addWidget(self.subtitle, 1)
        row.addLayout(self._actions)
        self.notice = Notice(theme)
        self.notice.hide()
        self.stack = QStackedWidget()
        self.saved = PlainLabel("", SMALL, tone="muted")
        self.saved.hide()
        self.lens = PlainLabel("", SMALL, tone="muted")
        status = QFrame()
        status.setObjectName("status")
        status.setFixedHeight(STATUS)
        foot = QHBoxLayout(status)
        foot.setContentsMargins(16, 0, 16, 0)
        foot.setSpacing(16)
        foot.addWidget(self.saved)
        foot.addWidget(self.lens)
        foot.addStretch(1)
        for key, what in (("Ctrl K", self.tr("Go to anything")), ("F1", self.tr("Keys on this page"))):
            foot.addWidget(KeyCap(key, theme))
            foot.addWidget(PlainLabel(what, SMALL, tone="muted"))
        body = QVBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(head)
        body.addWidget(rule())
        body.addWidget(self.notice)
        body.addWidget(self.stack, 1)
        across = QHBoxLayout()
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.rail)
        across.addWidget(rule(upright=True))
        across.addLayout(body, 1)
        whole = QWidget()
        outer = QVBoxLayout(whole)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(across, 1)
        outer.addWidget(rule())
        outer.addWidget(status)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        session = self.session
        session.opened.connect(self._opened)
        session.judged.connect(self._judged)
        session.assessed.connect(self._assessed)
        session.saving.connect(self._saving)
        session.saved.connect(self._saved)
        session.not_saved.connect(self._not_saved)
        session.failed.connect(self.say)
        session.store_opened.connect(self._store_opened)
        self.probing.started.connect(self._probe_started)
        self.probing.event.connect(self._probe_said)
        self.probing.ended.connect(self._probe_ended)
        for key, kind in self._kinds.items():
            if kind.needs_assessment:
                self.rail.buttons[key].setEnabled(False)
        self.rail.head.show_names(self.tr("No assessment"), self.tr("open one, or make one"))

    def _keys(self) -> None:
        def key(sequence: QKeySequence | QKeySequence.StandardKey | str, does: Callable[[], Any]) -> None:
            QShortcut(QKeySequence(sequence), self).activated.connect(does)

        numbered = [name for name, kind in self._kinds.items() if kind.needs_assessment]
        for number, name in enumerate(numbered[:9], start=1):
            key(f"Ctrl+{number}", partial(self.go_to, name))
        key("Ctrl+K", self.open_palette)
        key("F1", self.show_keys)
        key(QKeySequence.StandardKey.Undo, self.session.undo_stack.undo)
        key("Ctrl+Shift+Z", self.session.undo_stack.redo)
        key("Ctrl+E", lambda: self.go_to("report", export=True))
        key("Ctrl+N", lambda: self.go_to("home", new=True))
        key("Ctrl+O", lambda: self.go_to("home", open_file=True))
        key(QKeySequence.StandardKey.ZoomIn, lambda: self.zoom(1))
        key("Ctrl+=", lambda: self.zoom(1))
        key(QKeySequence.StandardKey.ZoomOut, lambda: self.zoom(-1))
        key("Ctrl+0", lambda: self.zoom(0))
        key("F6", self.change_part)

    def zoom(self, step: int) -> None:
        """Type one size larger or smaller, or as usual (0)."""
        at = ZOOMS.index(self.theme.zoom) + step
        self.theme.set_zoom(ZOOMS[max(0, min(len(ZOOMS) - 1, at))] if step else 100)
        self.settings.setValue("window/zoom", self.theme.zoom)

    def change_part(self) -> None:
        """F6: the keys go to the page, and from there to the rail."""
        focus = QApplication.focusWidget()
        if focus is not None and self.rail.isAncestorOf(focus) and self.page is not None:
            self.stack.setFocus(Qt.FocusReason.TabFocusReason)
            self.stack.focusNextChild()
        elif self._shown:
            self.rail.buttons[self._shown].setFocus(Qt.FocusReason.TabFocusReason)

    def open_palette(self) -> None:
        """Ctrl K: goes to any page or question by a few letters."""
        from app.gui.palette import Palette

        Palette(self).exec()

    def show_keys(self) -> None:
        """F1: the keys of the page that is shown."""
        from app.gui.palette import show_keys

        show_keys(self, self._pages[self._shown].keys if self._shown in self._pages else ())

    # -- pages ---------------------------------------------------------------------------------------------

    def _name(self, key: str) -> str:
        return {
            "overview": self.tr("Overview"),
            "checklist": self.tr("Checklist"),
            "probe": self.tr("Probe"),
            "evidence": self.tr("Evidence"),
            "forecast": self.tr("Forecast"),
            "plan": self.tr("Plan"),
            "compare": self.tr("Compare"),
            "report": self.tr("Report"),
            "home": self.tr("All assessments"),
            "settings": self.tr("Settings"),
        }.get(key, key)

    @property
    def page(self) -> Page | None:
        """The page that is shown."""
        return self._pages.get(self._shown)

    def page_of(self, key: str) -> Page:
        """The page of that key, made when it is first asked for."""
        found = self._pages.get(key)
        if found is None:
            found = self._pages[key] = self._kinds[key].make(self.context)
            self.stack.addWidget(found)
            found.head_changed.connect(self._show_head)
            if self.session.materials is not None:
                found.show_opened(self.session.name)
                if self.session.now is not None:
                    found.show_judged(self.session.now)
                if self.session.whole is not None:
                    found.show_assessed(self.session.whole)
        return found

    def go_to(self, key: str, **where: Any) -> None:
        """Shows a page; without an open assessment those that need one lead home."""
        may_stand_alone = key == "probe" and (self.probing.is_running or "demo" in where)
        if self._kinds[key].needs_assessment and self.session.materials is None and not may_stand_alone:
            key, where = "home", {}
        page = self.page_of(key)
        if self.page is not None and self.page is not page:
            self.page.leave()
        self._shown = key
        self.stack.setCurrentWidget(page)
        self.rail.show_page(key)
        self._show_head()
        page.enter(**where)

    def _show_head(self) -> None:
        page = self.page
        if page is None:
            return
        self.title.setText(page.title() or self._name(self._shown))
        self.subtitle.setText(page.subtitle())
        actions = list(page.head_actions())
        if self._in_head == actions:
            return
        for widget in self._in_head:
            self._actions.removeWidget(widget)
            widget.hide()
        self._in_head = actions
        before: QWidget = list(self.rail.buttons.values())[-1]
        for action in actions:
            self._actions.addWidget(action)
            action.show()
            for part in (action, *action.findChildren(QWidget)):
                if part.focusPolicy() & Qt.FocusPolicy.TabFocus:
                    QWidget.setTabOrder(before, part)
                    before = part

    # -- what the session says -----------------------------------------------------------------------------

    def _opened(self, name: str) -> None:
        materials = self.session.materials
        if name:
            self._remember(name)
        about = "" if materials is None else materials.title
        if name:
            self.rail.head.show_names(about or name, name if about else "")
        else:
            self.rail.head.show_names(self.tr("No assessment"), self.tr("open one, or make one"))
        for key, kind in self._kinds.items():
            if kind.needs_assessment:
                self.rail.buttons[key].setEnabled(bool(name) or (key == "probe" and self.probing.is_running))
                self.rail.set_note(key, "")
        if materials is None:
            self.lens.setText("")
        else:
            lens = materials.lens
            text = self.tr("Lens {0} {1}, {2} questions")
            self.lens.setText(filled(text, lens.title, lens.version, len(lens.questions)))
            for problem in materials.problems[:1]:
                self.say(problem)
        for page in self._pages.values():
            page.show_opened(name)

    def _judged(self, judged: Judged) -> None:
        left = sum(
            1 for entry in judged.judgements if entry.applies and entry.state in ("unsure", "unanswered")
        )
        self.rail.set_note("checklist", self.tr("{0} open").replace("{0}", str(left)) if left else "")
        self.rail.set_note("evidence", str(len(judged.evidence.facts)) if judged.evidence.facts else "")
        for page in self._pages.values():
            page.show_judged(judged)

    def _assessed(self, assessed: Assessed) -> None:
        self.rail.set_note("plan", str(len(assessed.actions)) if assessed.actions else "")
        for page in self._pages.values():
            page.show_assessed(assessed)
        self._show_head()

    def _saving(self) -> None:
        self.saved.setText(self.tr("Saving …"))
        self.saved.show()

    def _not_saved(self) -> None:
        self.saved.setText(self.tr("Not saved yet, it is tried again"))
        self.saved.show()

    def _saved(self, moment: datetime) -> None:
        if self.session.conflicts:
            # The checklist says which, and asks which of both answers counts.
            self.saved.setText(self.tr("Not all saved: somebody else changed an answer too"))
            return
        when = moment.astimezone().strftime("%H:%M")
        self.saved.setText(self.tr("All changes saved {0}").replace("{0}", when))

    def say(self, what: Failure | str) -> None:
        """Shows in place what went wrong, until it is dismissed; never a dialog."""
        if isinstance(what, Failure):
            self.notice.show_failure(self.faults.reported(what))
        else:
            self.notice.show_text(what)

    # -- what comes back after a crash ---------------------------------------------------------------------

    def _remember(self, name: str) -> None:
        """Notes at once what is open, so that it is open again after the window was killed."""
        settings = self.settings
        settings.setValue("session/name", name)
        others = [entry for entry in recents(settings) if entry != name]
        settings.setValue("session/recent", [name, *others][:MOST_RECENT])
        settings.sync()

    def _keep_place(self) -> None:
        self.settings.setValue("window/geometry", self.saveGeometry())

    def _store_opened(self) -> None:
        """Says what became of a run that was going on when the window ended."""
        run_id = str(self.settings.value("session/run", "") or "")
        if not run_id or self.probing.is_running:
            return
        self.settings.remove("session/run")
        store = self.session.store
        self.context.executor.submit(
            lambda: store.run(run_id), self._say_interrupted, lambda _failure: self._say_interrupted(None)
        )

    def _say_interrupted(self, run: Any) -> None:
        if run is None:
            return
        text = self.tr(
            "The window ended while run {0} was measuring. What it measured up to then is kept; the run is "
            "listed as {1}."
        )
        self.say(filled(text, str(run.id)[:8], str(run.status).replace("_", " ")))

    def _probe_started(self) -> None:
        if "probe" in self.rail.buttons:
            self.rail.set_note("probe", self.tr("running"))
            self.rail.buttons["probe"].setEnabled(True)
        self._kept_run = ""

    def _probe_said(self, _event: object) -> None:
        if self.probing.run_id != self._kept_run:
            self._kept_run = self.probing.run_id
            self.settings.setValue("session/run", self._kept_run)
            self.settings.sync()

    def _probe_ended(self, _code: int, _sentence: str) -> None:
        self.settings.remove("session/run")
        if "probe" in self.rail.buttons:
            self.rail.set_note("probe", "")
            self.rail.buttons["probe"].setEnabled(self.session.materials is not None)

    # -- files ---------------------------------------------------------------------------------------------

    def open_file(self, file: Path | None) -> None:
        """What a later start was given is opened here; without a file the window comes to the front."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        if file is not None:
            self.go_to("home", file=file)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802, Qt's name
        """Takes files of this machine; what a page does not take itself is opened on the start page."""
        if _paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802, Qt's name
        """Says what was dropped, and what can be done with it."""
        found = _paths(event)
        if found:
            event.acceptProposedAction()
            self.go_to("home", files=found)

    # -- leaving -------------------------------------------------------------------------------------------

    def resizeEvent(self, event: Any) -> None:  # noqa: N802, Qt's name
        """Notes the size a moment later."""
        super().resizeEvent(event)
        self._placed.start()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802, Qt's name
        """Notes that the window was maximised."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._placed.start()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802, Qt's name
        """Asks while a probe runs; waits for what is being saved, and asks where that fails."""
        if self.probing.is_running and not self._may_stop():
            event.ignore()
            return
        if self.page is not None:
            self.page.leave()
        if not self._is_saved() and not self._may_lose():
            event.ignore()
            return
        for page in self._pages.values():
            page.end()
        self._placed.stop()
        self._keep_place()
        self.settings.setValue("session/name", self.session.name)
        self.settings.sync()
        super().closeEvent(event)

    def _is_saved(self) -> bool:
        """Waits until what was changed is in the store; tries once more what could not be saved."""
        self.session.save_again()
        until = time.monotonic() + SAVE_WAIT_S
        while self.session.has_unsaved and time.monotonic() < until:
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 50)
        return not (self.session.has_unsaved or self.session.save_failed)

    def _may_lose(self) -> bool:
        return self._ask(
            self.tr("The last changes could not be saved."),
            self.tr("Closing loses them. Go back, make room or make the store writable, and close again."),
            self.tr("Close and lose them"),
            self.tr("Go back"),
        )

    def close_unasked(self) -> None:
        """Closes as a signal wants it: a probe is stopped, what can be saved is saved."""
        self.may_ask = False
        self.close()

    def _ask(self, text: str, more: str, yes: str, no: str) -> bool:
        if not self.may_ask:
            return True
        box = QMessageBox(self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(text)
        box.setInformativeText(more)
        sure = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(no, QMessageBox.ButtonRole.RejectRole))
        box.exec()
        return box.clickedButton() is sure

    def _may_stop(self) -> bool:
        if not self._ask(
            self.tr("A probe is running."),
            self.tr("Closing stops it within a second. What was measured is kept."),
            self.tr("Stop and close"),
            self.tr("Go on measuring"),
        ):
            return False
        self.probing.stop()
        self.probing.wait()
        return True


def recents(settings: QSettings) -> list[str]:
    """The assessments that were opened last, the newest first."""
    found = settings.value("session/recent", [])
    names = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [str(name) for name in names if name]


def _paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
