"""`loadstone show`: a stored run in the words in which it was printed, or an assessment as it stands."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line
    from assessments.store import Store, StoredRun

_HEADER = (
    "second", "step", "offered\n1/s", "achieved\n1/s", "in\nflight", "p50\nms", "p99\nms", "failed",
    "CPU\ncores", "RSS\nMB",
)  # fmt: skip


def parser() -> CommandParser:
    """How the command line of `show` is read."""
    parser = CommandParser(
        "show",
        "NAME|RUN [options]",
        "An assessment as it stands today, or one stored run. NAME is an assessment, or\n"
        "NAME@LABEL for it at a milestone; RUN is the id of a run, the first characters of it,\n"
        "or `last`.",
        (
            "loadstone show shop",
            "loadstone show last",
            "loadstone show 3f9a --seconds",
            "loadstone show 3f9a --json run.json",
        ),
    )
    parser.add_argument("name", metavar="NAME|RUN", help="an assessment, or a run")
    group = parser.add_argument_group("what is shown")
    group.add_argument("--seconds", action="store_true", help="every second of load as well")
    parser.add_store_option(group)
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints the assessment or the run. Raises `UsageError` and `StoreError`."""
    from app.cli.stored_assessment import is_assessment
    from assessments.store import open_store

    with open_store(options.store) as store:
        if not is_assessment(store, options.name):
            return _show_run(options, store.run(options.name), output)
        if options.seconds:
            raise UsageError("--seconds belongs to a run: name one, loadstone list has them")
        return _show_assessment(options, store, output)


def _show_assessment(options: argparse.Namespace, store: Store, output: Output) -> int:
    from app.cli.assessment_lines import assessment_lines
    from app.cli.stored_assessment import stored_assessed
    from app.cli.written import write_document

    found = stored_assessed(store, options.name)
    if options.json is not None:
        write_document(found.to_json(), options.json, output)
    output.lines(assessment_lines(found, output.columns))
    return 0


def _show_run(options: argparse.Namespace, found: StoredRun, output: Output) -> int:
    from app.cli.layout import line, plain, wrapped
    from app.cli.list_runs import local_time
    from app.cli.summary import note_lines, summary
    from app.cli.written import write_document
    from assessments.evidence import sealed
    from assessments.store import stored_beside

    if options.json is not None:
        whole = found.status != "running" and not found.damaged
        write_document(sealed(found.result) if whole else found.result, options.json, output)
    listed = found.summary
    of = f", assessment '{plain(listed.assessment)}'" if listed.assessment else ""
    lines: list[Line] = wrapped(
        f"Run {plain(found.id)} of {local_time(listed.started_at)} on {plain(listed.target_address)}{of}",
        output.columns,
        "muted",
    )
    if client := foreign_client(found.result):
        lines += wrapped(f"Its calls were made by the client of {plain(client)}.", output.columns, "muted")
    if found.status == "running":
        lines += wrapped("It is still running; this is what is stored so far.", output.columns, "warn")
    for sentence in found.damaged:
        lines += wrapped(f"damaged: {plain(sentence)}", output.columns, "bad")
    lines += summary(found.result, output.columns, folder=stored_beside(options.store))
    if found.notes:
        lines += [line(""), *note_lines(found.notes, output.columns)]
    if options.seconds:
        lines += [line(""), *seconds_table(found.seconds, output.columns)]
    output.lines(lines)
    return 0


def foreign_client(result: Mapping[str, Any]) -> str | None:
    """Whose client made the calls of a run, where it was not Loadstone's own."""
    target = result.get("target")
    client = target.get("client") if isinstance(target, Mapping) else None
    return client if isinstance(client, str) else None


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
