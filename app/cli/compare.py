"""`loadstone compare`: two runs, two assessments or two milestones, and what makes the difference."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line
    from assessments.store import Store


def parser() -> CommandParser:
    """How the command line of `compare` is read."""
    parser = CommandParser(
        "compare",
        "A B [options]",
        "Two stored runs side by side, or two states of an assessment: what changed by its\n"
        "answers, by evidence and by the lens. A and B are run ids, their first characters or\n"
        "`last`; or assessments, or NAME@LABEL for an assessment at a milestone.",
        (
            "loadstone compare 3f9a 81c0",
            "loadstone compare shop@before-campaign shop",
            "loadstone compare shop@before-campaign shop@after --json -",
        ),
    )
    parser.add_argument("a", metavar="A", help="what was before")
    parser.add_argument("b", metavar="B", help="what came after")
    group = parser.add_argument_group("where they are")
    parser.add_store_option(group)
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints the comparison. Raises `UsageError` and `StoreError`."""
    from app.cli.written import write_document
    from assessments.store import open_store

    with open_store(options.store) as store:
        lines, document = _compared(store, options.a, options.b, output.columns)
    if options.json is not None:
        write_document(document, options.json, output)
    output.lines(lines)
    return 0


def _compared(store: Store, a: str, b: str, columns: int) -> tuple[list[Line], dict[str, Any]]:
    from app.cli.stored_assessment import is_assessment

    kinds = [is_assessment(store, name) for name in (a, b)]
    if kinds == [False, False]:
        from app.cli import compare_runs

        return compare_runs.lines_of(store.run(a), store.run(b), columns)
    if kinds != [True, True]:
        assessment, other = (a, b) if kinds[0] else (b, a)
        raise UsageError(
            f"'{assessment}' is an assessment and '{other}' is none: compare two assessments, or two runs"
        )
    from app.cli import compare_assessments
    from app.cli.stored_assessment import moment, stored_assessed

    now = moment(None).isoformat()  # one moment for both, so that seconds between make no difference
    first, second = (stored_assessed(store, name, None if "@" in name else now) for name in (a, b))
    return compare_assessments.lines_of(a, first, b, second, columns)
