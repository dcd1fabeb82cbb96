"""The faces of a running probe."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.cli.layout import unstyled, width
from app.cli.output import Output
from app.cli.terminal import EventLines, LiveTable, PlainLines, RunningView, face_for
from probes.events import Finished, Note, Phase, Preview, Second, Started, Step, from_line

Make = Callable[..., dict[str, Any]]


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def started(**load: Any) -> Started:
    return Started(0.0, {"id": "x"}, {"address": "http://h/\x1b[2J[red]"}, {"mode": "find_capacity", **load})


def second(**changes: Any) -> Second:
    values: dict[str, Any] = {
        "t": 1.0, "step": 0, "offered_per_s": 100.0, "achieved_per_s": 99.0, "in_flight": 3,
        "waiting": 0, "ok": 99, "errors": 1, "timeouts": 1, "p50_ms": 12.0, "p99_ms": None, "max_ms": None,
        "cpu_cores": None, "rss_bytes": None, "client_cpu_cores": None,
    }  # fmt: skip
    return Second(**(values | changes))


def stepped(index: int, step: Mapping[str, Any]) -> Step:
    return Step(2.0, index, step, "", "")


def test_the_running_table_shows_steps_second_and_preview(step: Make) -> None:
    view = RunningView()
    for event in (started(), stepped(0, step()), second(), Preview(3.0, 190.0, 150.0, 240.0)):
        view.take(event)
    rows = unstyled(view.lines(80, 30))
    assert rows[-3].startswith("open")
    assert rows[-2] == "now      100 offered, 99 achieved/s · 2 failed · p50 12, p99 – ms · 3 in flight"
    assert rows[-1] == "preview  about 190 requests/s (150–240)"
    assert max(map(width, rows)) <= 80


def test_a_step_that_is_over_ends_the_second(step: Make) -> None:
    view = RunningView()
    view.take(second())
    view.take(stepped(0, step()))
    assert not any(row.startswith("now") for row in unstyled(view.lines(80, 30)))


def test_a_low_terminal_shows_the_newest_steps_and_says_how_many_there_were(step: Make) -> None:
    view = RunningView()
    for index in range(30):
        view.take(stepped(index, step(offered_per_s=float(index + 1))))
    rows = unstyled(view.lines(80, 12))
    assert rows[3] == "… 25 steps before"
    assert len(rows) <= 12
    assert " 30 " in rows[-1]


def test_the_live_table_is_drawn_on_standard_error_and_escapes_foreign_text(step: Make) -> None:
    terminal = Terminal()
    output = Output(io.StringIO(), terminal)
    with LiveTable(output, keep=True) as live:
        for event in (
            started(slo="p99<=200ms"),
            Phase(0.5, "ladder", "closed loop with 4 callers", 0.25),
            stepped(0, step()),
            second(),
            Preview(3.0, 190.0, 150.0, 240.0),
            Note(3.5, "warning", "busy [bold]machine[/]"),
            Finished(4.0, {}),
        ):
            live(event)
        live.tell("stopping")
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "finding what http://h/\\x1b[2J[red] carries with p99<=200ms" in drawn
    assert "25 %" in drawn
    assert "closed loop with 4 callers" in drawn
    assert "warning: busy [bold]machine[/]" in drawn
    assert "stopping" in drawn
    assert "preview  about 190" in drawn
    assert "\x1b[2J" not in terminal.getvalue()


def test_no_color_leaves_no_colour_in_the_live_table(step: Make) -> None:
    terminal = Terminal()
    with LiveTable(Output(io.StringIO(), terminal, colour=False), keep=True) as live:
        live(stepped(0, step()))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", terminal.getvalue())


def test_a_terminal_that_goes_away_does_not_end_the_run(step: Make) -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    with LiveTable(Output(io.StringIO(), Gone()), keep=False) as live:
        live(started())
        live(Note(1.0, "info", "x"))


def test_plain_lines_are_one_for_each_thing_that_begins_or_ends(step: Make) -> None:
    stderr = io.StringIO()
    face = PlainLines(Output(io.StringIO(), stderr))
    for event in (
        started(slo="p99<=200ms"),
        Phase(0.5, "ladder", "closed loop", 0.25),
        second(),
        stepped(0, step(mode="closed", offered_per_s=None, concurrency=4)),
        Preview(3.0, 190.0, 150.0, 240.0),
        Note(3.5, "info", "x"),
        Finished(4.0, {}),
    ):
        face(event)
    assert stderr.getvalue().splitlines() == [
        "loadstone: finding what http://h/\\x1b[2J[red] carries with p99<=200ms",
        "loadstone: closed loop",
        "loadstone: step 1: closed 4, achieved 99.5/s, p50 12 ms, p99 80 ms, errors 0.5 %, "
        "CPU 0.98 cores, RSS 120 MB: steady",
        "loadstone: preview: about 190 requests/s (150–240)",
        "loadstone: note: x",
    ]


def test_quiet_shows_no_progress(step: Make) -> None:
    stderr = Terminal()
    output = Output(io.StringIO(), stderr, quiet=True)
    with face_for(output, events=False) as face:
        face(started())
        face(stepped(0, step()))
    assert stderr.getvalue() == ""


def test_the_face_follows_the_options_and_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(face_for(Output(io.StringIO(), Terminal()), events=False), LiveTable)
    assert isinstance(face_for(Output(io.StringIO(), io.StringIO()), events=False), PlainLines)
    assert isinstance(face_for(Output(io.StringIO(), Terminal()), events=True), EventLines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(face_for(Output(io.StringIO(), Terminal()), events=False), PlainLines)


def test_event_lines_can_be_read_back(step: Make) -> None:
    stdout = io.StringIO()
    face = EventLines(Output(stdout, io.StringIO()))
    said = [started(slo="p99<=1s"), second(), stepped(0, step())]
    for event in said:
        face(event)
    assert [from_line(row) for row in stdout.getvalue().splitlines()] == said


def test_a_terminal_gets_colour_unless_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli.layout import Span, line

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for environment, colour, coloured in (
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
    ):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        terminal = Terminal()
        Output(terminal, io.StringIO(), colour=colour).lines([line("so ", Span("[b]held[/b]", "ok"))])
        assert ("\x1b[" in terminal.getvalue()) is coloured
        assert "[b]held[/b]" in terminal.getvalue()
