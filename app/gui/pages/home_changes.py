"""What the start page does to an assessment: makes, renames, copies and deletes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from app.gui.executor import Failure
from app.gui.models.assessments import AssessmentModel
from app.gui.opening import check_free
from app.gui.page import Context
from app.gui.texts import filled
from app.gui.widgets.assessment_table import AssessmentTable
from app.gui.widgets.new_form import NewForm
from app.gui.widgets.strip import Strip
from app.gui.window import recents


class HomeChanges(QObject):
    """Each in the background; `refresh` reads the list anew, with the row of a name as the current one."""

    made = Signal(str)
    """The name of a new assessment."""

    def __init__(
        self,
        context: Context,
        table: tuple[AssessmentModel, AssessmentTable],
        strip: Strip,
        form: NewForm,
        *,
        refresh: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.context, self.session = context, context.session
        self.model, self.table = table
        self.strip, self.form, self._refresh = strip, form, refresh
        self.deleting = ""
        """The assessment that is asked about."""

    def create(self, name: str, title: str, profile: Mapping[str, Any]) -> None:
        """Makes a new assessment; the form says why where that is refused."""
        store = self.session.store

        def work() -> None:
            from assessments.claims import answers_of
            from assessments.lens import bundled_lens
            from assessments.stored import keep

            check_free(store, name)
            document = {"schema": "loadstone.answers/1", "profile": dict(profile), "answers": {}}
            keep(store, name, answers=answers_of(document, name), lens=bundled_lens(), title=title)

        def made(_: object) -> None:
            self.made.emit(name)

        self.context.executor.submit(work, made, self._not_created)

    def _not_created(self, failure: Failure) -> None:
        if failure.expected:
            self.form.fail(failure.sentence)
            self.form.name.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.context.say(failure)

    def rename(self, old: str, new: str) -> None:
        """Gives an assessment another name."""
        store = self.session.store

        def renamed(_: object) -> None:
            settings = self.context.settings
            names = [new if name == old else name for name in recents(settings)]
            settings.setValue("session/recent", names)
            if old == self.session.name:
                self.session.open(new)
            self._refresh(new)

        self.context.executor.submit(lambda: store.rename(old, new), renamed, self.context.say)

    def duplicate(self, name: str) -> None:
        """Makes a copy with all it holds, under a name that is free."""
        if not name:
            return
        store = self.session.store
        copy = self.model.free_name(filled(self.tr("{0} copy"), name)[:95])

        def work() -> str:
            from assessments.assessment import assess
            from assessments.stored import materials, restore_document

            return restore_document(store, assess(materials(store, name), datetime.now(UTC)).to_json(), copy)

        self.context.executor.submit(work, self._refresh, self.context.say)

    def ask_delete(self, name: str) -> None:
        """Asks in place whether an assessment shall be deleted."""
        row = self.model.row_of(name)
        entry = self.model.entry(row)
        if entry is None:
            return
        self.deleting = name
        text = self.tr("Delete '{0}'? Answers: {1}, milestones: {2}. Its runs ({3}) stay in the store.")
        shown = name if len(name) <= 40 else f"{name[:39]}…"
        self.strip.say(
            filled(text, shown, entry.answers, entry.milestones, entry.runs), self.tr("Delete for good")
        )
        self.strip.link.setFocus(Qt.FocusReason.OtherFocusReason)

    def delete(self) -> None:
        """Deletes what was asked about."""
        name, self.deleting = self.deleting, ""
        self.strip.hide()
        if not name:
            return
        store = self.session.store
        if name == self.session.name:
            self.session.close()
            self.context.settings.remove("session/name")
        row = self.model.row_of(name)
        after = self.model.entry(row + 1) or self.model.entry(row - 1)
        next_name = "" if after is None else after.name
        self.context.executor.submit(
            lambda: store.delete(name), lambda _: self._refresh(next_name), self.context.say
        )
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def keep(self) -> None:
        """Withdraws the question about deleting."""
        if self.deleting:
            self.deleting = ""
            self.strip.hide()
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
