"""`loadstone analyse`: our statistics on measurements of other tools."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, one_of
from app.cli.output import Output

if TYPE_CHECKING:
    from app.cli.layout import Line

KINDS = ("requests",)


def parser() -> CommandParser:
    """How the command line of `analyse` is read."""
    parser = CommandParser(
        "analyse",
        "requests FILE [options]",
        "The same statistics on measurements of other tools.\n"
        "requests: FILE is CSV with the header due_s,sent_s,done_s,status, one row a request;\n"
        "times in seconds on any one clock, due_s and status may be missing.",
        ("loadstone analyse requests requests.csv", "loadstone analyse requests requests.csv --json -"),
    )
    parser.add_argument(
        "kind", metavar="requests", type=one_of("loadstone analyse", KINDS), help="what FILE holds"
    )
    parser.add_argument("file", metavar="FILE", help="the measurements")
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints the step that the requests make. Raises `UserError`."""
    from app.cli.summary import note_lines
    from app.cli.written import write_document
    from probes.analysis.requests import analyse_requests

    step, notes = analyse_requests(Path(options.file))
    if options.json is not None:
        write_document(step, options.json, output)
    output.lines([*shown(step, output.columns), *note_lines(_as_notes(notes), output.columns)])
    return 0


def _as_notes(sentences: Iterable[str]) -> list[dict[str, str]]:
    return [{"level": "warning", "text": sentence} for sentence in sentences]


def shown(step: Mapping[str, Any], columns: int) -> list[Line]:
    """The step as lines."""
    from app.cli.figures import interval, known, number, seconds, share
    from app.cli.layout import MISSING, line, table, wrapped
    from app.cli.outcome import error_ratio

    sent, unsent = known(step.get("sent")), known(step.get("unsent"))
    lines: list[Line] = wrapped(
        f"{number(sent)} requests in {seconds(step.get('seconds'))}: {number(step.get('achieved_per_s'))} "
        f"good answers a second, errors {share(error_ratio(step))}"
        f"{f', {number(unsent)} unsent' if unsent else ''}.",
        columns,
        "strong",
    )
    names = ("p50", "p90", "p95", "p99", "p999", "max", "mean")
    rows = []
    for title, key in (("response", "response_ms"), ("service", "service_ms"), ("send lag", "send_lag_ms")):
        times = step.get(key)
        if isinstance(times, Mapping):
            rows.append((f"{title} ms", *(number(times.get(name)) for name in names)))
    if rows:
        lines += [line(""), *table(("", *names), rows, "l" + "r" * len(names), columns)]
    response = step.get("response_ms") or {}
    span = interval(response.get("p99_low"), response.get("p99_high"))
    if span:
        lines += wrapped(f"p99 lies within {span} ms (95 %).", columns, "muted")
    elif number(response.get("p99")) == MISSING:
        lines += wrapped("Too few requests for p99.", columns, "muted")
    return lines
