"""`loadstone milestone`: keeps an assessment as it stands now, under a label."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.cli.arguments import CommandParser
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line
    from assessments.store import MilestoneSummary


def parser() -> CommandParser:
    """How the command line of `milestone` is read."""
    parser = CommandParser(
        "milestone",
        "NAME [LABEL] [options]",
        "Keeps the assessment NAME as it stands: answers, lens, evidence and score. Without a\n"
        "LABEL the milestones that it has are listed. Compare them with loadstone compare.",
        (
            "loadstone milestone shop before-campaign",
            "loadstone milestone shop",
        ),
    )
    parser.add_argument("name", metavar="NAME", help="the assessment")
    parser.add_argument("label", metavar="LABEL", nargs="?", help="what it is called from now on")
    group = parser.add_argument_group("the milestone")
    group.add_argument(
        "--as-of", metavar="TIME", help="count the ages of evidence to this moment (default now)"
    )
    parser.add_store_option(group)
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Keeps or lists. Raises `UsageError` and `StoreError`."""
    from app.cli.layout import plain, wrapped
    from app.cli.stored_assessment import moment, stored_assessed
    from app.cli.written import write_document
    from assessments.store import open_store
    from assessments.stored import milestone

    if options.label is None:
        if options.as_of is not None:
            raise UsageError("--as-of belongs to a milestone that is made: give its LABEL, or leave it out")
        return _list(options, output)
    if "@" in options.name:
        raise UsageError(f"'{options.name}' is a milestone already: name the assessment alone")
    as_of = moment(options.as_of)
    with open_store(options.store) as store:
        found = stored_assessed(store, options.name, as_of.isoformat())
        document = found.to_json()
        milestone(store, options.name, options.label, document)
    if options.json is not None:
        write_document(document, options.json, output)
    score = found.scores.overall.score
    stands = "no score yet" if score is None else f"overall {score:.0f} of 100"
    text = f"Kept '{plain(options.name)}' as '{plain(options.label)}' of {as_of.date()}: {stands}."
    output.lines(wrapped(text, output.columns))
    return 0


def _list(options: argparse.Namespace, output: Output) -> int:
    from app.cli.layout import plain, wrapped
    from app.cli.written import write_document
    from assessments.store import open_store

    with open_store(options.store) as store:
        milestones = store.milestones(options.name)
    if options.json is not None:
        entries = [
            {"label": entry.label, "at": entry.at.isoformat(), "intact": entry.intact} for entry in milestones
        ]
        document = {"schema": "loadstone.milestones/1", "assessment": options.name, "milestones": entries}
        write_document(document, options.json, output)
    if not milestones:
        name = plain(options.name)
        text = f"'{name}' has no milestones: loadstone milestone {name} LABEL keeps it as it stands."
        output.lines(wrapped(text, output.columns))
        return 0
    output.lines(_table(milestones, output.table_columns))
    return 0


def _table(milestones: list[MilestoneSummary], columns: int) -> list[Line]:
    from app.cli.layout import Span, plain, table
    from app.cli.list_runs import local_time

    rows = [
        (local_time(entry.at), plain(entry.label), Span("", "") if entry.intact else Span("damaged", "bad"))
        for entry in milestones
    ]
    return table(("kept", "label", ""), rows, "ltl", columns)
