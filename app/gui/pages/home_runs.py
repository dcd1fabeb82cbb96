"""Runs that the start page starts, the demo and run files: said while they begin, watched, then opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from app.gui.page import Context
from app.gui.texts import filled
from app.gui.widgets.strip import Strip
from probes.events import Started


class HomeRuns(QObject):
    """One at a time. `progress` says that it begins, the Probe page shows it, then its assessment opens."""

    started = Signal()
    ended = Signal()

    def __init__(
        self, context: Context, progress: Strip, open_assessment: Callable[[str], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self.context, self.session, self.progress = context, context.session, progress
        self._open = open_assessment
        self._running = ""
        """The assessment that a demo or a run file makes, while it runs."""
        progress.asked.connect(context.probing.stop)
        context.probing.event.connect(self._said)
        context.probing.ended.connect(self._ended)

    def start(self, arguments: Sequence[str], name: str, text: str) -> None:
        """Starts a command that makes the assessment `name`; `text` says so until it has begun."""
        if self.context.probing.is_running:
            self.context.say(self.tr("A probe is running: wait for its end, or stop it on the Probe page."))
            return
        if not self.session.has_store:
            return
        self._running = name
        self.context.probing.start(arguments)
        self.progress.say(text, self.tr("Cancel"))
        self.started.emit()

    def _said(self, event: object) -> None:
        if not self._running or not isinstance(event, Started):
            return
        self.progress.hide()
        name = self._running

        def show() -> None:
            if self.context.probing.is_running:
                self.context.go_to("probe")

        if self.session.name == name:
            self.session.reload()
            show()
        else:
            # A run file without answers makes no assessment before it has measured.
            self.session.open_if_there(name, show, show)

    def _ended(self, code: int, sentence: str) -> None:
        name, self._running = self._running, ""
        self.progress.hide()
        self.ended.emit()
        if not name:
            return
        if code in (0, 1, 4):
            if self.session.name == name:
                self.session.reload()
                self.context.go_to("overview")
            else:
                self._open(name)
        elif not self.context.probing.is_stopping:
            why = sentence or self.tr("it ended without a word")
            self.context.say(filled(self.tr("The run did not complete: {0}."), why.rstrip(".")))
