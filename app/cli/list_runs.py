"""`loadstone list`: the assessments, the one changed last first, and the stored runs, newest first."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, whole_number
from app.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.layout import Cell, Line
    from assessments.store import AssessmentSummary, RunSummary

DEFAULT_LIMIT = 50


def parser() -> CommandParser:
    """How the command line of `list` is read."""
    parser = CommandParser(
        "list",
        "[options]",
        "The assessments of the store, and its runs, newest first.",
        (
            "loadstone list",
            "loadstone list --assessment shop --limit 10",
            "loadstone list --json -",
        ),
    )
    group = parser.add_argument_group("which runs")
    group.add_argument("--assessment", metavar="NAME", help="only the runs of this assessment")
    group.add_argument(
        "--limit",
        metavar="N",
        type=whole_number("--limit", 1, 100_000),
        default=DEFAULT_LIMIT,
        help=f"so many at most (default {DEFAULT_LIMIT})",
    )
    parser.add_store_option(group)
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints the table. Raises `StoreError`."""
    from app.cli.layout import line, plain, table, wrapped
    from app.cli.written import write_document
    from assessments.store import open_store

    with open_store(options.store) as store:
        runs = store.runs(options.assessment, options.limit)
        assessments = [entry for entry in store.assessments() if options.assessment in (None, entry.name)][
            : options.limit
        ]
        where = store.url
    if options.json is not None:
        document = {
            "schema": "loadstone.runs/1",
            "assessments": [_assessment_json(entry) for entry in assessments],
            "runs": [to_json(entry) for entry in runs],
        }
        write_document(document, options.json, output)
    if assessments:
        output.lines([*_assessments_table(assessments, output.table_columns), line("")])
    if not runs:
        whose = f" of the assessment '{plain(options.assessment)}'" if options.assessment else ""
        place = plain(where).removeprefix("sqlite:///")
        text = f"No runs{whose} are stored in {place}: loadstone probe TARGET makes one."
        output.lines(wrapped(text, output.columns))
        return 0
    header: tuple[str, ...] = ("run", "started", "grade", "capacity 1/s", "p99 ms", "target")
    assessed = options.assessment is None and any(entry.assessment for entry in runs)
    rows: list[tuple[Cell, ...]] = [_row(entry) for entry in runs]
    if assessed:
        header = (*header, "assessment")
        rows = [(*row, plain(entry.assessment or "")) for row, entry in zip(rows, runs, strict=True)]
    output.lines(table(header, rows, "lllrrt" + "t" * assessed, output.table_columns))
    if len(runs) == options.limit:
        output.lines(
            [line(""), *wrapped(f"The newest {len(runs)}; --limit N shows more.", output.columns, "muted")]
        )
    return 0


def _assessments_table(found: Sequence[AssessmentSummary], columns: int) -> list[Line]:
    from app.cli.layout import plain, table

    rows = [
        (
            plain(entry.name),
            f"{entry.answers:,}",
            f"{entry.runs:,}",
            f"{entry.evidence:,}",
            f"{entry.milestones:,}",
            local_time(entry.updated_at),
        )
        for entry in found
    ]
    header = ("assessment", "answers", "runs", "evidence", "milestones", "changed")
    return table(header, rows, "trrrrl", columns)


def _assessment_json(entry: AssessmentSummary) -> dict[str, Any]:
    return {
        "name": entry.name,
        "id": entry.id,
        "answers": entry.answers,
        "runs": entry.runs,
        "evidence": entry.evidence,
        "milestones": entry.milestones,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
    }


def _row(entry: RunSummary) -> tuple[Cell, ...]:
    from app.cli.figures import number
    from app.cli.layout import MISSING, plain
    from app.cli.summary import capacity_cell

    usable = not entry.damaged
    return (
        plain(entry.id),
        local_time(entry.started_at),
        _grade_cell(entry),
        capacity_cell(entry.capacity, entry.low, entry.high) if usable else MISSING,
        number(entry.p99_ms) if usable else MISSING,
        plain(entry.target_address).removeprefix("http://"),
    )


def _grade_cell(entry: RunSummary) -> Cell:
    """The grade of a completed run; of others, what became of them."""
    from app.cli.layout import MISSING, Span, plain

    if entry.damaged:
        return Span("damaged", "bad")
    if entry.status != "completed":
        return Span(plain(entry.status), "warn")
    return Span(plain(entry.grade or MISSING).replace("_", " "), "" if entry.grade == "valid" else "warn")


def local_time(moment: datetime) -> str:
    """The moment on this machine's clock, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def to_json(entry: RunSummary) -> dict[str, Any]:
    """The listed run as a JSON object; what is not known is left out."""
    document = {
        "id": entry.id,
        "assessment": entry.assessment,
        "started_at": entry.started_at.isoformat(),
        "status": entry.status,
        "grade": entry.grade,
        "target": entry.target_address,
        "capacity": None
        if entry.capacity is None
        else {"rate_per_s": entry.capacity, "low": entry.low, "high": entry.high},
        "p99_ms": entry.p99_ms,
        "seconds": entry.seconds,
        "reason": entry.reason,
        "damaged": entry.damaged or None,
    }
    return {name: value for name, value in document.items() if value is not None}
