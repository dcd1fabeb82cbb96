"""A probe as a child process of the command line; its events as signals.

The window runs `loadstone probe … --events -` (or `run`, or `demo`) and draws what that says.
The child stores the run itself, and it notices within a fifth of a second when nobody reads its events any
more: then it stops sending, keeps what it measured and ends. So a window that is killed loses nothing, and
leaves no load behind.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from probes.events import Event, Finished, Started, from_line

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from loadstone import main; sys.exit(main())"
"""Runs this very installation, whatever the folder and the environment hold."""


def this_program() -> tuple[str, ...]:
    """The command line that runs this very installation (a frozen one too, see docs/desktop/frozen.py)."""
    return (sys.executable, "-P", "-c", _SCRIPT)


STOP_MS = 6_000
"""After so long a child that was asked to stop is ended by force. It sends nothing since it was asked; what
takes time is storing what it measured, which being ended would lose."""
MAX_LINE = 64_000_000
MAX_ERROR = 20_000


class Probing(QObject):
    """At most one running probe."""

    started = Signal()
    stopping = Signal()
    """It was asked to stop: nothing is sent any more, and what was measured is being stored."""
    event = Signal(object)  # type: ignore[assignment]
    """One `probes.events.Event`."""
    ended = Signal(int, str)
    """The exit code (-1 where the child crashed) and the last sentence of its standard error."""

    def __init__(self, store_url: str | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store_url = store_url
        self.arguments: tuple[str, ...] = ()
        self.result: dict[str, object] | None = None
        self.run_id = ""
        self.events: list[Event] = []
        """What the probe has said so far, for a page that is made while it runs."""
        self.is_stopping = False
        self._process: QProcess | None = None
        self._pending = bytearray()
        self._error = bytearray()
        self._stopping = QTimer(self)
        self._stopping.setSingleShot(True)
        self._stopping.setInterval(STOP_MS)
        self._stopping.timeout.connect(self._end)

    @property
    def is_running(self) -> bool:
        """Whether a probe runs."""
        return self._process is not None

    def start(self, arguments: Sequence[str]) -> None:
        """Runs `loadstone ARGUMENTS --events -`. Raises `RuntimeError` while another probe runs."""
        if self._process is not None:
            raise RuntimeError("a probe is running")
        more = ["--events", "-", "--quiet"]
        if self.store_url is not None:
            more += ["--store", self.store_url]
        self.arguments = tuple(arguments)
        self.result = None
        self.run_id = ""
        self.events = []
        self.is_stopping = False
        self._pending.clear()
        self._error.clear()
        process = QProcess(self)
        program, *before = this_program()
        process.setProgram(program)
        process.setArguments([*before, *arguments, *more])
        process.setStandardInputFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_error)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process = process
        process.start()
        self.started.emit()

    def stop(self) -> None:
        """Asks the probe to stop: it stores what it measured and ends within a second."""
        if self._process is None or self.is_stopping:
            return
        self.is_stopping = True
        pid = self._process.processId()
        if pid and sys.platform != "win32":
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        else:
            self._process.closeReadChannel(QProcess.ProcessChannel.StandardOutput)
        self._stopping.start()
        self.stopping.emit()

    def _end(self) -> None:
        """A second signal ends the child at once, without another word."""
        if self._process is not None:
            self._process.terminate()

    def _read(self) -> None:
        if self._process is None:
            return
        self._pending += self._process.readAllStandardOutput().data()
        *lines, rest = self._pending.split(b"\n")
        self._pending = bytearray(rest if len(rest) <= MAX_LINE else b"")
        for line in lines:
            try:
                found: Event | None = from_line(line.decode("utf-8", "replace"))
            except ValueError:
                continue
            if found is None:
                continue
            if isinstance(found, Started):
                self.run_id = str(found.run.get("id", ""))
            elif isinstance(found, Finished):
                self.result = dict(found.result)
            self.events.append(found)
            self.event.emit(found)

    def _read_error(self) -> None:
        if self._process is not None:
            self._error += self._process.readAllStandardError().data()
            del self._error[:-MAX_ERROR]

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._over(-1, "the probe could not be started")

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_error()
        crashed = status == QProcess.ExitStatus.CrashExit
        said = [row for row in self._error.decode("utf-8", "replace").splitlines() if row.strip()]
        last = said[-1].removeprefix("loadstone: ").removeprefix("error: ") if said else ""
        self._over(-1 if crashed else code, last)

    def _over(self, code: int, sentence: str) -> None:
        self._stopping.stop()
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        self.ended.emit(code, sentence)

    def wait(self) -> None:
        """Waits until the child has ended, ending it where it does not by itself."""
        if self._process is not None and not self._process.waitForFinished(STOP_MS + 500):
            self._process.kill()
            self._process.waitForFinished(1_000)
