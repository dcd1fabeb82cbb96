"""The faces of a running probe on a terminal: a live table, plain lines, or the events themselves.

A face takes each event and is closed at the end. Progress goes to standard error.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from app.cli.figures import fixed, interval, number
from app.cli.layout import MISSING, NO_BREAK, Line, Span, cut, line, plain, unstyled
from app.cli.output import Output, rich_style
from app.cli.summary import note_lines, step_row, step_table
from probes.events import Event, Finished, Note, Phase, Preview, Second, Started, Step, to_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

REDRAWS_PER_S = 4
MOST_WORDS = 400


class Face(Protocol):
    """Shows a running probe."""

    def __call__(self, event: Event) -> None:
        """Takes the next event."""

    def lost_reader(self) -> BrokenPipeError | None:
        """What a write would raise because nobody will ever read it; None while somebody may, or where
        nobody has to."""

    def __enter__(self) -> Face: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Face:
    def lost_reader(self) -> BrokenPipeError | None:
        return None

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class EventLines(_Face):
    """`--events -`: one JSON object a line, flushed at once."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def __call__(self, event: Event) -> None:
        self._output.event_line(to_line(event))

    def lost_reader(self) -> BrokenPipeError | None:
        """Known at once, also while there is nothing to say: a window that was killed ends its probe."""
        return BrokenPipeError(errno.EPIPE, "nobody reads the events") if self._output.is_unread() else None


class PlainLines(_Face):
    """Progress where no terminal is: a line for what begins, for each step and for each note."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def __call__(self, event: Event) -> None:
        for row in self._rows(event):
            self._output.progress(row)

    def _rows(self, event: Event) -> Iterable[str]:
        if isinstance(event, Started):
            return [title(event)]
        if isinstance(event, Phase):
            return [event.text]
        if isinstance(event, Step):
            return [_step_sentence(event)]
        if isinstance(event, Preview):
            return [preview_text(event)]
        if isinstance(event, Note):
            return unstyled(note_lines([event.to_json()], MOST_WORDS))
        return []


@dataclass
class RunningView:
    """What the live table shows, as lines; fed by events, drawn by `LiveTable`."""

    started: Started | None = None
    phase: Phase | None = None
    steps: list[Step] = field(default_factory=list)
    second: Second | None = None
    preview: Preview | None = None

    def take(self, event: Event) -> None:
        """Keeps what the event says."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Phase):
            self.phase = event
        elif isinstance(event, Step):
            self.steps.append(event)
            self.second = None
        elif isinstance(event, Second):
            self.second = event
        elif isinstance(event, Preview):
            self.preview = event

    def lines(self, columns: int, rows: int) -> list[Line]:
        """The steps, the second that has just passed and the preview, in at most so many rows."""
        shown: list[Line] = []
        room = max(1, rows - 7)
        if self.steps:
            left_out = len(self.steps) - room
            shown += [line(""), *step_table([step.step for step in self.steps[-room:]], columns)]
            if left_out > 0:
                shown.insert(3, line(Span(f"… {left_out} steps before", "muted")))
        if self.second is not None:
            shown.append(line(Span("now      ", "muted"), cut(second_text(self.second), columns - 9)))
        if self.preview is not None:
            shown.append(
                line(Span("preview  ", "muted"), preview_text(self.preview).removeprefix("preview: "))
            )
        return shown


class LiveTable(_Face):
    """The live table: title, phase with a progress bar, steps, the current second, the preview."""

    def __init__(self, output: Output, *, keep: bool, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.live import Live

        self._view = RunningView()
        self._clock = clock
        self._began = clock()
        self._gone = False
        self._console: Console = Console(
            file=output.stderr,
            highlight=False,
            markup=False,
            emoji=False,
            no_color=not output.colour,
        )
        self._live: Live = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=REDRAWS_PER_S,
            transient=not keep,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveTable:
        self._quietly(self._live.start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quietly(self._live.stop)

    def __call__(self, event: Event) -> None:
        self._view.take(event)
        if isinstance(event, Note):
            rows = note_lines([event.to_json()], self._columns)
            for row in rows:
                self._print(row)
        elif not isinstance(event, Finished):
            self._quietly(self._live.refresh)

    def tell(self, sentence: str) -> None:
        """A sentence above the table."""
        self._print(line(Span(sentence, "warn")))

    def _print(self, row: Line) -> None:
        self._quietly(lambda: self._console.print(_text(row)))

    @property
    def _columns(self) -> int:
        return max(40, min(100, self._console.width))

    def _quietly(self, draw: Callable[[], object]) -> None:
        """A terminal that went away is no reason to lose a measurement."""
        if not self._gone:
            try:
                draw()
            except OSError:
                self._gone = True

    def _drawn(self) -> RenderableType:
        from rich.console import Group

        parts: list[RenderableType] = []
        if self._view.started is not None:
            parts.append(_text(line(Span(cut(title(self._view.started), self._columns), "strong"))))
        parts.append(self._progress())
        parts += [_text(row) for row in self._view.lines(self._columns, self._console.height - 4)]
        return Group(*parts)

    def _progress(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        phase = self._view.phase
        share = None if phase is None else phase.share
        elapsed = int(self._clock() - self._began)
        grid = Table.grid(padding=(0, 1))
        done = 0.0 if share is None else min(1.0, max(0.0, share))
        bar = ProgressBar(total=1.0, completed=done, width=20, complete_style="blue", finished_style="blue")
        percent = f"{done:4.0%}".replace("%", f"{NO_BREAK}%") if share is not None else "    "
        words = "starting" if phase is None else plain(phase.text)
        grid.add_row(
            bar,
            _text(line(percent)),
            _text(line(Span(f"{elapsed // 60}:{elapsed % 60:02d}", "muted"))),
            _text(line(cut(words, max(10, self._columns - 36)))),
        )
        return grid


def title(event: Started) -> str:
    """What is put under load, and how."""
    target, load = event.target, event.load
    where = plain(target.get("address", MISSING))
    if load.get("mode") == "find_capacity":
        return f"finding what {where} carries with {plain(load.get('slo', ''))}"
    return f"putting {where} under load"


def second_text(event: Second) -> str:
    """The second that has just passed."""
    offered = f"{number(event.offered_per_s)} offered, " if event.offered_per_s is not None else ""
    parts = [
        f"{offered}{number(event.achieved_per_s)} achieved/s",
        f"{event.errors + event.timeouts} failed",
        f"p50 {number(event.p50_ms)}, p99 {number(event.p99_ms)} ms",
        f"{event.in_flight} in flight" + (f" + {event.waiting} waiting" if event.waiting else ""),
    ]
    if event.cpu_cores is not None:
        parts.append(f"CPU {fixed(event.cpu_cores, 2)}")
    if event.client_fault is not None:
        parts.insert(0, "limited by this client")
    return " · ".join(parts)


def preview_text(event: Preview) -> str:
    """The first estimate, never without the word."""
    span = interval(event.low, event.high)
    return f"preview: about {number(event.rate_per_s)} requests/s" + (f" ({span})" if span else "")


def _step_sentence(event: Step) -> str:
    load, offered, achieved, p50, p99, errors, cpu, rss, verdict = (
        cell.text if isinstance(cell, Span) else cell for cell in step_row(event.step)
    )
    asked = load if offered == MISSING else f"{load} {offered}/s"
    text = (
        f"step {event.index + 1}: {asked}, achieved {achieved}/s, p50 {p50} ms, p99 {p99} ms, "
        f"errors {errors}, CPU {cpu} cores, RSS {rss} MB: {verdict}"
    )
    return text.replace(NO_BREAK, " ")


def _text(row: Line) -> Text:
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis")
    for span in row:
        text.append(span.text.replace(NO_BREAK, " "), style=rich_style(span.style))
    return text


def face_for(output: Output, *, events: bool) -> Face:
    """The face that the options and the terminal ask for."""
    if events:
        return EventLines(output)
    if output.is_live():
        return LiveTable(output, keep=not output.result_is_on_terminal())
    return PlainLines(output)
