"""`loadstone show`: one stored run, in the words in which it was printed when it was measured."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser
from app.cli.output import Output

if TYPE_CHECKING:
    from app.cli.layout import Line

_HEADER = (
    "second", "step", "offered\n1/s", "achieved\n1/s", "in\nflight", "p50\nms", "p99\nms", "failed",
    "CPU\ncores", "RSS\nMB",
)  # fmt: skip


def parser() -> CommandParser:
    """How the command line of `show` is read."""
    parser = CommandParser(
        "show",
        "RUN [options]",
        "One stored run. RUN is its id, the first characters of it, or `last`.",
        (
            "loadstone show last",
            "loadstone show 3f9a --seconds",
            "loadstone show 3f9a --json run.json",
        ),
    )
    parser.add_argument("run_id", metavar="RUN", help="the id, its first characters, or last")
    group = parser.add_argument_group("what is shown")
    group.add_argument("--seconds", action="store_true", help="every second of load as well")
    parser.add_store_option(group)
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints the run. Raises `StoreError`."""
    from app.cli.layout import line, plain, wrapped
    from app.cli.list_runs import local_time
    from app.cli.summary import note_lines, summary
    from app.cli.written import write_document
    from assessments.store import open_store

    with open_store(options.store) as store:
        found = store.run(options.run_id)
    if options.json is not None:
        write_document(found.result, options.json, output)
    listed = found.summary
    of = f", assessment '{plain(listed.assessment)}'" if listed.assessment else ""
    lines: list[Line] = wrapped(
        f"Run {plain(found.id)} of {local_time(listed.started_at)} on {plain(listed.target_address)}{of}",
        output.columns,
        "muted",
    )
    if found.status == "running":
        lines += wrapped("It is still running; this is what is stored so far.", output.columns, "warn")
    for sentence in found.damaged:
        lines += wrapped(f"damaged: {plain(sentence)}", output.columns, "bad")
    lines += summary(found.result, output.columns)
    if found.notes:
        lines += [line(""), *note_lines(found.notes, output.columns)]
    if options.seconds:
        lines += [line(""), *seconds_table(found.seconds, output.columns)]
    output.lines(lines)
    return 0


def seconds_table(seconds: Sequence[Mapping[str, Any]], columns: int) -> list[Line]:
    """One row a second of load."""
    from app.cli.figures import fixed, known, megabytes, number
    from app.cli.layout import table, wrapped

    if not seconds:
        return wrapped("No second of load is stored.", columns)

    def failed(second: Mapping[str, Any]) -> str:
        counts = [known(second.get(name)) for name in ("errors", "timeouts")]
        return number(None if None in counts else sum(count or 0 for count in counts))

    rows = [
        (
            fixed(second.get("t"), 0),
            number(None if (step := known(second.get("step"))) is None else step + 1),
            number(second.get("offered_per_s")),
            number(second.get("achieved_per_s")),
            number(second.get("in_flight")),
            number(second.get("p50_ms")),
            number(second.get("p99_ms")),
            failed(second),
            fixed(second.get("cpu_cores"), 2),
            megabytes(second.get("rss_bytes")),
        )
        for second in seconds
    ]
    return table(_HEADER, rows, "r" * len(_HEADER), columns)
