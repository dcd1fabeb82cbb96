"""The report as a file, drawn and checked by processes of their own, and its pages as pictures.

Drawing a report computes for about a second. In a thread of the window's process it would hold the
interpreter lock and the window would stutter, so a child draws it, from the document that the window has
open: what stands on the screen, not what is stored yet. Pictures of pages are made by PDFium, which works
without the lock, in the background thread.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QProcess, Signal
from PySide6.QtGui import QImage

from app.gui.executor import Failure
from probes.errors import UserError

_ROOT = Path(__file__).resolve().parents[2]
_HERE = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
"""This very installation, whatever the folder and the environment hold."""
_DRAW = _HERE + "from app.report.apart import draw; sys.exit(draw(*sys.argv[1:4]))"
_VERIFY = _HERE + "from loadstone import main; sys.exit(main())"
LARGEST = 4_000
"""Pixels of the longer side of a page's picture: at any zoom it stays a few tens of megabytes."""


class CannotBeDrawn(UserError):  # noqa: N818
    """The report could not be drawn; the sentence says why."""


class Child(QObject):
    """At most one process of Python; starting another one ends it. `ended` brings code, output and errors."""

    ended = Signal(int, bytes, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    @property
    def is_busy(self) -> bool:
        """Whether it runs."""
        return self._process is not None

    def start(self, script: str, arguments: Sequence[str]) -> None:
        """Runs the script with these arguments."""
        self.stop()
        process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(["-P", "-c", script, *arguments])
        process.setStandardInputFile(QProcess.nullDevice())
        process.finished.connect(lambda code, status: self._finished(process, code, status))
        process.errorOccurred.connect(lambda error: self._broken(process, error))
        self._process = process
        process.start()

    def stop(self) -> None:
        """Ends it; nothing is emitted."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(1000)
            process.deleteLater()

    def _finished(self, process: QProcess, code: int, status: QProcess.ExitStatus) -> None:
        if process is not self._process:
            return
        self._process = None
        said = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        told = bytes(process.readAllStandardOutput().data())
        process.deleteLater()
        self.ended.emit(code if status == QProcess.ExitStatus.NormalExit else -1, told, said)

    def _broken(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if process is self._process and error == QProcess.ProcessError.FailedToStart:
            self._process = None
            self.ended.emit(-1, b"", process.errorString())


class Drawing(QObject):
    """Draws one report at a time; asking again drops what is under way."""

    drawn = Signal(bytes)
    failed = Signal(object)
    """`Failure`: why there is no report."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child = Child(self)
        self._child.ended.connect(self._ended)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a report is being drawn."""
        return self._child.is_busy

    def start(self, document: Mapping[str, Any], form: str = "pdf") -> None:
        """Draws the report on a `loadstone.assessment/1` document in this format."""
        self.stop()
        self._folder = tempfile.TemporaryDirectory(prefix="loadstone-report-", ignore_cleanup_errors=True)
        given, out = (Path(self._folder.name) / name for name in ("assessment.json", "report"))
        given.write_bytes(json.dumps(document, ensure_ascii=False).encode(errors="replace"))
        self._child.start(_DRAW, (str(given), form, str(out)))

    def stop(self) -> None:
        """Drops what is under way; nothing is emitted for it."""
        self._child.stop()
        self._clean()

    def _ended(self, code: int, _told: bytes, said: str) -> None:
        data = None
        if code == 0 and self._folder is not None:
            with suppress(OSError):
                data = (Path(self._folder.name) / "report").read_bytes()
        self._clean()
        if data is not None:
            self.drawn.emit(data)
        else:
            self.failed.emit(_failure(code, said))

    def _clean(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def _failure(code: int, said: str) -> Failure:
    last = said.splitlines()[-1] if said else f"its process ended with {code}"
    failure = Failure(CannotBeDrawn(last if code == 2 else f"The report could not be drawn: {last}"))
    failure.details = said or failure.details
    return failure


class Verifying(QObject):
    """Checks a written report with `loadstone verify`. `verified` brings a sentence, and whether it holds."""

    verified = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child = Child(self)
        self._child.ended.connect(self._ended)

    @property
    def is_busy(self) -> bool:
        """Whether a report is being checked."""
        return self._child.is_busy

    def start(self, path: Path) -> None:
        """Checks this report."""
        self._child.start(_VERIFY, ("verify", str(path), "--json", "-"))

    def stop(self) -> None:
        """Checks nothing any more."""
        self._child.stop()

    def _ended(self, code: int, told: bytes, said: str) -> None:
        try:
            found = json.loads(told)
            checks = found["checks"]
        except (ValueError, KeyError, TypeError):
            self.verified.emit(said.splitlines()[-1] if said else f"verify ended with {code}", False)
            return
        words = {"right": "right", "wrong": "wrong", "not_checked": "not checked"}
        text = ", ".join(f"{check['check']} {words.get(check['outcome'], '?')}" for check in checks)
        self.verified.emit(text, bool(found["holds"]) and code == 0)


@dataclass(frozen=True, slots=True)
class PageSize:
    """Width and height of a page in points."""

    width: float
    height: float


class Pages:
    """The pages of a PDF. Only for the background thread: PDFium may not be used from two threads.

    The document is opened for every picture, which takes a millisecond or two, so that none is left open.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def sizes(self) -> list[PageSize]:
        """The sizes of all pages."""
        with self._opened() as pdf:
            return [PageSize(*pdf.get_page_size(at)) for at in range(len(pdf))]

    def picture(self, place: int, scale: float) -> QImage:
        """A page, `scale` pixels to a point; smaller where it would be larger than `LARGEST`."""
        with self._opened() as pdf, closing(pdf[place]) as page:
            scale = min(scale, LARGEST / max(page.get_size()))
            with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
                # The copy is QImage's own: the buffer is PDFium's.
                return QImage(
                    bitmap.buffer, bitmap.width, bitmap.height, bitmap.stride, QImage.Format.Format_RGB888
                ).copy()

    def _opened(self) -> AbstractContextManager[Any]:
        import pypdfium2  # type: ignore[import-untyped]

        return closing(pypdfium2.PdfDocument(self._data))
