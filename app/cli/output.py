"""The one door to standard output and standard error.

Results go to standard output, progress and errors to standard error. Where standard output carries a document
for a machine (`--json -`, `--events -`), text for people goes to standard error.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from app.cli.layout import Line, plain, unstyled
from probes.errors import UserError

COLUMNS = 80
WIDE_COLUMNS = 200
_RICH_STYLES = {"": "", "strong": "bold", "muted": "dim", "ok": "green", "warn": "yellow", "bad": "red"}


class OutputError(UserError):
    """Standard output or standard error cannot be written; its disk is full, for example."""


class Output:
    """Where a command writes to.

    `machine` says that standard output belongs to a document for a machine; `quiet` leaves out progress, and
    also the summary for people where that would only go to standard error.
    """

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        *,
        quiet: bool = False,
        colour: bool = True,
        machine: bool = False,
    ) -> None:
        self.stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr
        self.quiet = quiet
        self.machine = machine
        self.colour = colour and not os.environ.get("NO_COLOR")
        for stream in (self.stdout, self.stderr):
            _make_forgiving(stream)

    @property
    def columns(self) -> int:
        """The width that text for people is laid out for: the terminal's, at most 80."""
        return max(40, min(COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns))

    @property
    def table_columns(self) -> int:
        """The width of tables that need room: the terminal's; generous where no terminal is."""
        if is_terminal(self.stderr if self.machine else self.stdout):
            return max(40, shutil.get_terminal_size((COLUMNS, 24)).columns)
        return WIDE_COLUMNS

    def is_live(self) -> bool:
        """True when progress may be drawn in place on standard error."""
        return not self.quiet and is_terminal(self.stderr) and os.environ.get("TERM") != "dumb"

    def result_is_on_terminal(self) -> bool:
        """True when the summary for people will appear on a terminal."""
        return is_terminal(self.stderr if self.machine else self.stdout)

    def lines(self, lines: Iterable[Line]) -> None:
        """The result, for people."""
        if not self.machine:
            self._write_lines(self.stdout, lines)
        elif not self.quiet:
            with suppress(OSError, OutputError):
                self._write_lines(self.stderr, lines)

    def text(self, text: str) -> None:
        """Text of our own for standard output, as it is."""
        _write(self.stdout, text)

    def document(self, document: Mapping[str, Any]) -> None:
        """A JSON document on standard output."""
        _write(self.stdout, to_json(document))

    def event_line(self, text: str) -> None:
        """One line on standard output, flushed at once."""
        _write(self.stdout, text + "\n")
        _flush(self.stdout)

    def progress(self, sentence: str) -> None:
        """What is going on, on standard error; left out when quiet."""
        if not self.quiet:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """A sentence on standard error that has to be read: `loadstone: …`.

        Where standard error is gone nothing can be said, and that is no reason to lose a measurement.
        """
        with suppress(OSError, OutputError):
            _write(self.stderr, f"loadstone: {plain(sentence)}\n")

    def error(self, sentence: str) -> None:
        """An error, on one line."""
        self.say(f"error: {' '.join(sentence.split())}")

    def is_unread(self) -> bool:
        """Whether standard output is a pipe whose reader has gone; False where that cannot be told."""
        return hung_up(self.stdout)

    def flush(self) -> None:
        """Hands over what is buffered. Raises `BrokenPipeError` and `OutputError`."""
        for stream in (self.stdout, self.stderr):
            _flush(stream)

    def _write_lines(self, stream: TextIO | None, lines: Iterable[Line]) -> None:
        if stream is not None and self.colour and is_terminal(stream):
            _write_coloured(stream, lines)
        else:
            _write(stream, "".join(row + "\n" for row in unstyled(lines)))


def hung_up(stream: TextIO | None) -> bool:
    """Whether `stream` is a pipe or a socket with nobody at the other end."""
    import select

    if stream is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
        return any(what & (select.POLLERR | select.POLLHUP) for _, what in poll.poll(0))
    except (OSError, ValueError):
        return False


def is_terminal(stream: TextIO | None) -> bool:
    """True when a person looks at the stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def to_json(document: Mapping[str, Any]) -> str:
    """The document as we write it into files: indented, UTF-8, no number that is not finite."""
    return json.dumps(document, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def rich_style(style: str) -> str:
    """The name that rich gives to one of our styles."""
    return _RICH_STYLES[style]


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        with _explained(stream):
            stream.write(text)


def _flush(stream: TextIO | None) -> None:
    if stream is not None and not stream.closed:
        with _explained(stream):
            stream.flush()


@contextmanager
def _explained(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "standard error" if stream is sys.stderr else "standard output"
        why = error.strerror or str(error)
        raise OutputError(f"{name} cannot be written ({why}): send it somewhere else") from error


def _write_coloured(stream: TextIO, lines: Iterable[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for entry in lines:
        row = Text()
        for span in entry:
            row.append(span.text.replace("\N{NO-BREAK SPACE}", " "), style=rich_style(span.style))
        row.rstrip()
        console.print(row)


def _make_forgiving(stream: TextIO | None) -> None:
    """A terminal that cannot show a sign gets a stand-in; never an exception."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
