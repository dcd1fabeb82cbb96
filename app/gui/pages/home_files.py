"""Files that are dropped or chosen on the start page: looked at, offered, and used as the person decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from app.gui.executor import Failure
from app.gui.opening import Found, look, make
from app.gui.page import Context
from app.gui.pages.home_runs import HomeRuns
from app.gui.texts import filled
from app.gui.widgets.file_offer import FileOffer


class HomeFiles(QObject):
    """`offer` shows what a file is; `free_name` gives a name that no assessment has yet."""

    def __init__(  # noqa: PLR0917
        self,
        context: Context,
        offer: FileOffer,
        free_name: Callable[[str], str],
        runs: HomeRuns,
        open_assessment: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.context, self.session, self.stores = context, context.session, context.stores
        self.offer, self.runs = offer, runs
        self._free_name, self._open = free_name, open_assessment
        self._waiting: list[Path] = []

    def take_waiting(self) -> Sequence[Path]:
        """What came before there was a store."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Looks at what was dropped or chosen: one file is offered here, several are evidence."""
        if len(paths) > 1:
            if self.session.name:
                self.context.go_to("evidence", files=[str(path) for path in paths])
                return
            self.offer.show_wrong(
                filled(self.tr("{0} files"), len(paths)),
                self.tr("Several files at once are evidence: open the assessment they belong to first"),
            )
            return
        path = paths[0]
        if not self.session.has_store:
            self._waiting = [path]
            return
        self.offer.show_reading(path.name)

        def found(what: Found) -> None:
            self.offer.show_found(what, self._free_name(what.name or path.stem), self.session.name)

        self.context.executor.submit(
            lambda: look(path), found, lambda failure: self._not_opened(path, failure)
        )

    def _not_opened(self, path: Path, failure: Failure) -> None:
        if not failure.expected:
            self.context.say(failure)
        self.offer.show_wrong(path.name, failure.sentence)

    def use(self, how: str, name: str) -> None:
        """Does with the file what was chosen: adds it, opens it, runs it, or makes `name` of it."""
        found = self.offer.found
        if found is None:
            return
        if how == "add":
            self.offer.close_offer()
            self.context.go_to("evidence", files=[str(found.path)])
        elif how == "store":
            self.offer.close_offer()
            self.stores.open(str(found.path))
        elif how == "run":
            self.offer.close_offer()
            self.runs.start(
                ("run", str(found.path)),
                found.name,
                filled(self.tr("'{0}' is being run …"), found.path.name),
            )
        else:
            store = self.session.store

            def made(what: str) -> None:
                self.offer.close_offer()
                self._open(what)

            def failed(failure: Failure) -> None:
                if failure.expected:
                    self.offer.fail(failure.sentence)
                else:
                    self.context.say(failure)

            self.context.executor.submit(lambda: make(store, found, name), made, failed)
