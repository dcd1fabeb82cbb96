"""The main window: rail, head, page and status bar; the page that is shown, keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.executor import Failure, SerialExecutor
from app.gui.page import Context, Page
from app.gui.probing import Probing
from app.gui.rail import Rail
from app.gui.session import Session
from app.gui.theme import PAGE, SMALL, Theme
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from assessments.assessment import Assessed
    from assessments.judging import Judged

MINIMUM = (1024, 700)
USUAL = (1440, 900)
HEAD, STATUS = 56, 28


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
        pages: Mapping[str, type[Page]],
    ) -> None:
        super().__init__()
        self.session, self.probing, self.settings = session, probing, settings
        self.context = Context(session, executor, probing, theme, settings, self.go_to, self.say)
        self._kinds = pages
        self._pages: dict[str, Page] = {}
        self._shown = ""
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
        geometry = settings.value("window/geometry")
        if isinstance(geometry, QByteArray) and self.restoreGeometry(geometry):
            pass
        else:
            self.resize(*USUAL)

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self, theme: Theme) -> None:
        self.title = PlainLabel("", PAGE, 600)
        self.subtitle = PlainLabel("", SMALL, tone="muted")
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
            from app.gui.widgets.keycap import KeyCap

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
        session.saving.connect(lambda: self.saved.setText(self.tr("Saving …")))
        session.saved.connect(self._saved)
        session.failed.connect(self.say)

    def _keys(self) -> None:
        def key(sequence: QKeySequence | QKeySequence.StandardKey | str, does: Callable[[], Any]) -> None:
            QShortcut(QKeySequence(sequence), self).activated.connect(does)

        numbered = [name for name, kind in self._kinds.items() if kind.needs_assessment]
        for number, name in enumerate(numbered[:9], start=1):
            key(f"Ctrl+{number}", lambda name=name: self.go_to(name))
        key("Ctrl+K", self.open_palette)
        key("F1", self.show_keys)
        key(QKeySequence.StandardKey.Undo, self.session.undo_stack.undo)
        key("Ctrl+Shift+Z", self.session.undo_stack.redo)
        key("Ctrl+E", lambda: self.go_to("report", export=True))
        key("Ctrl+N", lambda: self.go_to("home", new=True))
        key("Ctrl+O", lambda: self.go_to("home", open_file=True))

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
            found = self._pages[key] = self._kinds[key](self.context)
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
        while self._actions.count():
            widget = self._actions.takeAt(0).widget()
            if widget is not None:
                widget.hide()
        for action in page.actions():
            self._actions.addWidget(action)
            action.show()

    # -- what the session says -----------------------------------------------------------------------------

    def _opened(self, name: str) -> None:
        materials = self.session.materials
        about = "" if materials is None else materials.title
        self.rail.head.show_names(about or name or self.tr("No assessment"), name if about else "")
        for key, kind in self._kinds.items():
            if kind.needs_assessment:
                self.rail.buttons[key].setEnabled(bool(name))
                self.rail.set_note(key, "")
        if materials is None:
            self.lens.setText("")
        else:
            lens = materials.lens
            text = self.tr("Lens {0} {1}, {2} questions")
            for place, value in enumerate((lens.title, lens.version, str(len(lens.questions)))):
                text = text.replace(f"{{{place}}}", value)
            self.lens.setText(text)
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

    def _saved(self, moment: datetime) -> None:
        when = moment.astimezone().strftime("%H:%M")
        self.saved.setText(self.tr("All changes saved {0}").replace("{0}", when))

    def say(self, what: Failure | str) -> None:
        """Shows in place what went wrong, until it is dismissed; never a dialog."""
        if isinstance(what, Failure):
            self.notice.show_failure(what)
        else:
            self.notice.show_text(what)

    # -- leaving -------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802, Qt's name
        """Asks while a probe runs; waits for what is being saved."""
        if self.probing.is_running and not self._may_stop():
            event.ignore()
            return
        if self.page is not None:
            self.page.leave()
        self.settings.setValue("window/geometry", self.saveGeometry())
        self.settings.setValue("session/name", self.session.name)
        super().closeEvent(event)

    def _may_stop(self) -> bool:
        box = QMessageBox(self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("A probe is running."))
        box.setInformativeText(self.tr("Closing stops it within a second. What was measured is kept."))
        stop = box.addButton(self.tr("Stop and close"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(self.tr("Go on measuring"), QMessageBox.ButtonRole.RejectRole)
        box.exec()
        if box.clickedButton() is not stop:
            return False
        self.probing.stop()
        self.probing.wait()
        return True
