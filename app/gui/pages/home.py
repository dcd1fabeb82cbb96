"""The start page: the assessments of the store with their scores, a new one, the demo, and files to open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.executor import Failure
from app.gui.models.assessments import AssessmentModel, ListedScore, listed_score
from app.gui.page import Context, Page
from app.gui.pages.home_changes import HomeChanges
from app.gui.pages.home_empty import HomeEmpty
from app.gui.pages.home_files import HomeFiles
from app.gui.pages.home_runs import HomeRuns
from app.gui.pages.home_side import HomeSide
from app.gui.texts import filled
from app.gui.theme import BODY
from app.gui.widgets.assessment_table import AssessmentTable
from app.gui.widgets.file_offer import FileOffer
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.new_form import NewForm
from app.gui.widgets.store_trouble import StoreTrouble
from app.gui.widgets.strip import Strip
from app.gui.window import recents

if TYPE_CHECKING:
    from assessments.store import AssessmentSummary

WIDE = 940
"""From this width on the side column stands beside the list."""
SEARCH_MS, SCORE_MS = 120, 30
DEMO = "demo"
_TYPING = (QLineEdit,)


class HomePage(Page):
    """All assessments. `enter` takes `new`, `open_file`, `demo`, `file` and `files`."""

    key = "home"
    icon = "house"
    needs_assessment = False

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.keys = (
            ("Enter", self.tr("open the assessment")),
            ("F2", self.tr("rename it")),
            ("Ctrl D", self.tr("duplicate it")),
            ("Del", self.tr("delete it, after a question")),
            ("/", self.tr("search")),
            ("Esc", self.tr("close a form, end a search")),
        )
        self.stores = context.stores
        self.model = AssessmentModel(self)
        self._scoring = False
        self._scored_at = datetime.now(UTC)
        self._choose_next = ""
        self._take_focus = False
        self._is_wide = True
        self._build()
        self._connect()
        self._show_state()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.new_button = _headed(self.tr("New assessment"), "Ctrl N")
        self.new_button.setProperty("kind", "primary")
        self.open_button = _headed(self.tr("Open file…"), "Ctrl O")
        self.trouble = StoreTrouble(self.theme)
        self.offer = FileOffer(self.theme)
        self.form = NewForm()
        self.strip = Strip("trash-2", self.theme, "warn", can_dismiss=True)
        self.strip.dismiss.setText(self.tr("keep it"))
        self.progress = Strip("activity", self.theme, can_dismiss=False)
        self.runs = HomeRuns(self.context, self.progress, self.open_assessment, self)
        self.files = HomeFiles(
            self.context, self.offer, self.model.free_name, self.runs, self.open_assessment, self
        )
        self.table = AssessmentTable(self.model, self.theme)
        self.changes = HomeChanges(
            self.context,
            (self.model, self.table),
            self.strip,
            self.form,
            refresh=self.refresh,
            parent=self,
        )
        self.side = HomeSide(self.theme)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search assessments"))
        self.search.setAccessibleName(self.tr("Search assessments"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(320)
        self.rename_button = _small(self.tr("Rename"), "F2")
        self.copy_button = _small(self.tr("Duplicate"), "Ctrl D")
        self.delete_button = _small(self.tr("Delete"), "Del")
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self.search, 1)
        bar.addStretch(1)
        for button in (self.rename_button, self.copy_button, self.delete_button):
            bar.addWidget(button)
        self.nothing = PlainLabel("", BODY, tone="muted")
        listing = QWidget()
        rows = QVBoxLayout(listing)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(12)
        rows.addLayout(bar)
        rows.addWidget(self.nothing)
        rows.addWidget(self.table, 1)
        holder = QWidget()
        held = QVBoxLayout(holder)
        held.setContentsMargins(0, 0, 0, 0)
        held.addWidget(self.form)
        self.stack = QStackedWidget()
        self._empty, self._listing, self._form_place = HomeEmpty(), listing, holder
        self.first_button, self.first_demo = self._empty.new, self._empty.demo
        self._blank = QWidget()
        for widget in (self._blank, self._empty, self._listing, self._form_place):
            self.stack.addWidget(widget)
        main = QVBoxLayout()
        main.setSpacing(12)
        main.addWidget(self.trouble)
        main.addWidget(self.offer)
        main.addWidget(self.stack, 1)
        self._across = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._across.setContentsMargins(32, 20, 32, 16)
        self._across.setSpacing(32)
        self._across.addLayout(main, 1)
        self._across.addWidget(self.side)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.progress)
        outer.addWidget(self.strip)
        outer.addLayout(self._across, 1)

    def _connect(self) -> None:
        self.new_button.clicked.connect(self.ask_new)
        self.first_button.clicked.connect(self.ask_new)
        self.open_button.clicked.connect(self.choose_file)
        self.first_demo.clicked.connect(self.try_demo)
        self.side.demo.clicked.connect(self.try_demo)
        self.side.zone.clicked.connect(self.choose_file)
        self.side.zone.dropped.connect(self.open_paths)
        self.side.recent_chosen.connect(self.open_assessment)
        self.form.created.connect(self.changes.create)
        self.form.closed.connect(self._show_state)
        self.changes.made.connect(self._made)
        self.offer.accepted.connect(self.files.use)
        self.offer.closed.connect(self._offer_closed)
        self.strip.asked.connect(self.changes.delete)
        self.strip.dismissed.connect(self.changes.keep)
        self.table.asked.connect(self.open_assessment)
        self.table.deletion_asked.connect(self.ask_delete)
        self.rename_button.clicked.connect(self.table.rename)
        self.copy_button.clicked.connect(self.duplicate)
        self.delete_button.clicked.connect(lambda: self.ask_delete(self.table.chosen))
        self.model.rename_asked.connect(self.changes.rename)
        self._typing = _timer(self, SEARCH_MS, self._search)
        self.search.textChanged.connect(lambda _text: self._typing.start())
        self.search.returnPressed.connect(self._open_found)
        self._score_soon = _timer(self, SCORE_MS, self._score_next)
        self.table.in_sight.connect(self._score_soon.start)
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._enable())
        self.trouble.again.connect(self.stores.again)
        self.trouble.another.connect(self.choose_store)
        self.trouble.anew.connect(self.stores.begin_anew)
        self.stores.opened.connect(self._store_opened)
        self.stores.failed.connect(self._store_failed)
        self.runs.started.connect(self._show_state)
        self.runs.ended.connect(self._run_ended)

    # -- what the window asks ------------------------------------------------------------------------------

    def title(self) -> str:
        """All assessments."""
        return self.tr("All assessments")

    def subtitle(self) -> str:
        """How many there are, and how many of them are shown."""
        shown, total = self.model.rowCount(), self.model.total
        if not total:
            return ""
        if shown != total:
            return filled(self.tr("{0} of {1}"), f"{shown:,}", f"{total:,}")
        return f"{total:,}"

    def head_actions(self) -> Sequence[QWidget]:
        """A file, or a new assessment."""
        return (self.open_button, self.new_button)

    def show_opened(self, name: str) -> None:
        """Marks the one that is open."""
        self.model.show_open(name)
        self._show_recents()

    def enter(self, **where: Any) -> None:
        """Reads the list again; opens the form or a file where asked to."""
        self.refresh()
        if where.get("new"):
            self.ask_new()
        elif where.get("open_file"):
            self.choose_file()
        elif where.get("demo"):
            self.try_demo()
        elif "file" in where or "files" in where:
            self.open_paths([Path(path) for path in where.get("files", ())] or [Path(where["file"])])
        else:
            self._focus_body()

    def _focus_body(self) -> None:
        shown = self.stack.currentWidget()
        if not self.offer.isHidden() or shown is self._form_place:
            return
        if shown is self._listing:
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        elif shown is self._empty:
            self.first_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """A question about deleting does not stay."""
        self.changes.keep()

    # -- the list ------------------------------------------------------------------------------------------

    def refresh(self, choose: str = "") -> None:
        """Reads the list again, in the background; then the row of `choose` is the current one."""
        if not self.session.has_store:
            return
        store = self.session.store
        self._choose_next = choose or self._choose_next
        self.context.executor.submit(store.assessments, self._show_entries, self.context.say)

    def _show_entries(self, entries: Sequence[AssessmentSummary]) -> None:
        before = self._choose_next or self.table.chosen or self.session.name
        had_focus = self.table.hasFocus() or self._is_focus_lost() or self._take_focus
        self._choose_next, self._take_focus = "", False
        self.model.show_entries(entries)
        self._show_state()
        if self.table.chosen != before or not before:
            self.table.choose(before)
        if had_focus and self.isVisible():
            self._focus_body()
        self._enable()
        self._show_recents()
        self._score_soon.start()
        self.head_changed.emit()

    def _is_focus_lost(self) -> bool:
        focus = QApplication.focusWidget()
        return focus is None or focus is self or focus is self.first_button

    def _show_state(self) -> None:
        """The form, the list, the empty state, or nothing while the store is being opened."""
        if not self.form.isHidden():
            shown: QWidget = self._form_place
        elif self.model.total:
            shown = self._listing
        elif self.session.has_store:
            shown = self._empty
        else:
            shown = self._blank
        self.stack.setCurrentWidget(shown)
        ready = self.session.has_store
        for button in (self.new_button, self.first_button, self.side.demo, self.first_demo):
            button.setEnabled(ready and not (button in self._demos and self.context.probing.is_running))
        self.side.demo.setVisible(shown is not self._empty)
        self.side.about_demo.setVisible(shown is not self._empty)
        self.side.setVisible(self._is_wide or shown is not self._form_place)
        nothing = self.tr("No name holds that.")
        self.nothing.setText(nothing)
        self.nothing.setVisible(bool(self.model.total) and not self.model.rowCount())

    @property
    def _demos(self) -> tuple[QPushButton, QPushButton]:
        return (self.side.demo, self.first_demo)

    def _enable(self) -> None:
        is_chosen = bool(self.table.chosen)
        for button in (self.rename_button, self.copy_button, self.delete_button):
            button.setEnabled(is_chosen)

    def _show_recents(self) -> None:
        names = [name for name in recents(self.context.settings) if self.model.has(name)]
        self.side.show_recents(names[:5] if self.model.total > 5 else [])

    def _search(self) -> None:
        self.model.search(self.search.text())
        self._show_state()
        self.table.choose(self.session.name)
        self._enable()
        self.head_changed.emit()

    def _open_found(self) -> None:
        self._typing.stop()
        self._search()
        if self.table.chosen:
            self.open_assessment(self.table.chosen)

    def _score_next(self) -> None:
        """Computes the score of one assessment in sight, so that opening one never waits for more."""
        if self._scoring or not self.session.has_store or not self.isVisible():
            return
        entry = self.model.next_without_score(*self.table.rows_in_sight())
        if entry is None:
            return
        self._scoring = True
        store, name, changed = self.session.store, entry.name, entry.updated_at

        def put(score: ListedScore) -> None:
            self._scoring = False
            self.model.put_score(name, changed, score)
            self._score_soon.start()

        def fail(failure: Failure) -> None:
            put(ListedScore(refused=failure.sentence))

        self.context.executor.submit(lambda: listed_score(store, name, datetime.now(UTC)), put, fail)

    # -- one assessment ------------------------------------------------------------------------------------

    def open_assessment(self, name: str) -> None:
        """Opens it and shows its overview; the one that is open already is only shown."""
        if name == self.session.name:
            self.context.go_to("overview")
            return
        self.session.open_if_there(name, lambda: self.context.go_to("overview"))

    def ask_new(self) -> None:
        """Opens the form of a new assessment."""
        if not self.session.has_store:
            return
        self.changes.keep()
        self.form.ask(str(self.context.settings.value("defaults/slo", "") or ""))
        self._show_state()
        self.form.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def duplicate(self) -> None:
        """Makes a copy of the current one with all it holds, under a name that is free."""
        self.changes.duplicate(self.table.chosen)

    def ask_delete(self, name: str) -> None:
        """Asks in place whether an assessment shall be deleted."""
        self.changes.ask_delete(name)

    def _made(self, name: str) -> None:
        self.form.done()
        self._show_state()
        self.open_assessment(name)

    # -- the demo, and run files ---------------------------------------------------------------------------

    def try_demo(self) -> None:
        """Runs the demo; the Probe page shows it, and the assessment `demo` is open when it is done."""
        self.runs.start(("demo", "--quick"), DEMO, self.tr("The demo is starting its service …"))

    def _run_ended(self) -> None:
        self._show_state()
        self.refresh()

    # -- files ---------------------------------------------------------------------------------------------

    def choose_file(self) -> None:
        """Asks for a file to open."""
        folder = str(self.context.settings.value("files/folder", "") or "")
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Open"), folder)
        if name:
            self.context.settings.setValue("files/folder", str(Path(name).parent))
            self.open_paths([Path(name)])

    def choose_store(self) -> None:
        """Asks for another store."""
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Open a store"))
        if name:
            self.stores.open(name)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Looks at what was dropped or chosen: one file is offered here, several are evidence."""
        if paths:
            self.form.close_form()
            self.files.open_paths(paths)

    def _offer_closed(self) -> None:
        if self.stack.currentWidget() is self._listing:
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- the store -----------------------------------------------------------------------------------------

    def _store_opened(self) -> None:
        self.trouble.hide()
        if self.stores.moved_to is not None:
            text = self.tr("The damaged store was moved to {0}. This one is empty.")
            self.context.say(filled(text, self.stores.moved_to))
            self.stores.moved_to = None
        self.model.show_entries(())
        self._show_state()
        self._take_focus = True
        self.refresh()
        self.open_paths(self.files.take_waiting())

    def _store_failed(self, failure: Failure) -> None:
        if self.session.has_store:
            self.context.say(failure)
            return
        is_damaged = "is damaged" in failure.sentence and self.stores.can_begin_anew
        self.trouble.show_failure(failure, is_damaged=is_damaged)
        self._show_state()
        self.trouble.again_button.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- Qt's part -----------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Below a width the side column moves under the list."""
        super().resizeEvent(event)
        is_wide = self._is_wide = self.width() >= WIDE
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._across.setDirection(across if is_wide else down)
        self._across.setSpacing(32 if is_wide else 12)
        self.side.stand(upright=is_wide)
        self.side.setVisible(is_wide or self.stack.currentWidget() is not self._form_place)

    def showEvent(self, event: Any) -> None:  # noqa: N802, Qt's name
        """Scores are computed only while they can be seen."""
        super().showEvent(event)
        self._score_soon.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """The keys of the page; single letters never fire in text fields."""
        key, held = event.key(), event.modifiers()
        typing = isinstance(QApplication.focusWidget(), _TYPING)
        if key == Qt.Key.Key_Escape:
            self._escape()
        elif key == Qt.Key.Key_D and held == Qt.KeyboardModifier.ControlModifier:
            self.duplicate()
        elif key == Qt.Key.Key_Slash and not typing and self.stack.currentWidget() is self._listing:
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif key == Qt.Key.Key_Down and self.search.hasFocus():
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    def _escape(self) -> None:
        if self.changes.deleting:
            self.changes.keep()
        elif not self.offer.isHidden():
            self.offer.close_offer()
        elif self.search.text():
            self.search.clear()
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)


def _timer(parent: HomePage, milliseconds: int, does: Any) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(does)
    return timer


def _headed(text: str, keys: str) -> QPushButton:
    button = QPushButton(f"{text}   {keys}")
    button.setAccessibleName(text)
    button.setAccessibleDescription(keys)
    return button


def _small(text: str, keys: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(text)
    button.setToolTip(keys)
    return button
