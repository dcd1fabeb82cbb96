"""`loadstone assess`: claims held against facts, and the score."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import CommandParser, one_of
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from assessments.assessment import Assessed

DONE, CONTRADICTED = 0, 1


def parser() -> CommandParser:
    """How the command line of `assess` is read."""
    parser = CommandParser(
        "assess",
        "NAME --answers FILE [options]",
        "Holds the answers of a checklist against what was measured and found, and gives the\n"
        "score. NAME is the assessment; its stored runs and scans are its evidence. Without\n"
        "--answers the stored answers are judged again.",
        (
            "loadstone assess shop --answers answers.yaml",
            "loadstone assess shop --answers answers.yaml --evidence facts.json --json assessment.json",
            "loadstone assess shop --answers answers.yaml --lens team-lens.json",
            "loadstone assess shop --as-of 2026-12-31 --fail-on contradicted",
        ),
    )
    parser.add_argument("name", metavar="NAME", help="the assessment")
    group = parser.add_argument_group("what is judged")
    group.add_argument("--answers", metavar="FILE", help="loadstone.answers/1, YAML or JSON")
    group.add_argument(
        "--lens", metavar="FILE", help="the lens that is answered (default: that of the answers, else ours)"
    )
    group.add_argument(
        "--evidence",
        metavar="FILE",
        action="append",
        default=[],
        help="what probe --json or scan --json wrote, also on another machine; repeatable",
    )
    group.add_argument("--as-of", metavar="TIME", help="ages of evidence count to this moment (default: now)")
    group.add_argument("--title", metavar="TEXT", help="the title of its reports")
    group.add_argument(
        "--fail-on",
        metavar="contradicted",
        type=one_of("--fail-on", ("contradicted",)),
        help="exit code 1 where a claim is contradicted",
    )
    store = parser.add_argument_group("where it is stored")
    parser.add_store_option(store)
    store.add_argument("--no-store", action="store_true", help="store nothing, and use nothing stored")
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Judges, prints and writes. Raises `UserError`."""
    from app.assessing import moment
    from app.cli.assessment_lines import assessment_lines, contradicted
    from app.cli.layout import line, plain, wrapped
    from app.cli.measuring import Wishes, check_wishes
    from app.cli.written import write_document

    if options.store is not None and options.no_store:
        raise UsageError("--store and --no-store exclude each other: give one of them")
    if options.answers is None and (options.no_store or options.lens is not None):
        what = "--lens" if options.lens is not None else "--no-store"
        raise UsageError(f"{what} needs --answers FILE: give the answers too")
    check_wishes(Wishes(json=options.json))
    as_of = None if options.as_of is None else moment(options.as_of)
    assessed, remarks = judged(options, as_of)
    lines = assessment_lines(assessed, output.columns)
    if remarks:
        lines += [line("")]
    for remark in remarks:
        lines += wrapped(plain(remark), output.columns, "warn", "  ")
    if not options.no_store:
        option = f" --store {plain(options.store)}" if options.store else ""
        ending = f"Stored as '{plain(options.name)}': loadstone report {plain(options.name)}{option}"
        lines += [line(""), *wrapped(ending, output.columns, "muted")]
    output.lines(lines)
    if options.json is not None:
        write_document(assessed.to_json(), options.json, output)
    return CONTRADICTED if options.fail_on and contradicted(assessed) else DONE


def judged(options: argparse.Namespace, as_of: datetime | None) -> tuple[Assessed, Sequence[str]]:
    """The assessment, and sentences on evidence that does not count in full. Raises `UserError`."""
    from app.assessing import Given, assess_here, assess_stored, keep, lens_for, read_answers_file
    from assessments.evidence import read_evidence
    from assessments.store import open_store
    from assessments.store.assessment_rows import check_name
    from probes.documents import read_file

    name = check_name(options.name, "the name of an assessment")
    files = tuple((path, read_file(Path(path))) for path in options.evidence)
    found = [read_evidence(data, path) for path, data in files]
    remarks = [
        f"{entry.name} has no right seal: its facts count as given by hand, which proves nothing"
        for entry in found
        if not entry.sealed
    ]
    given = None
    if options.answers is not None:
        file = Path(options.answers)
        answers = read_answers_file(file)
        lens = lens_for(answers, file.parent, options.lens)
        answers.check(lens)
        given = Given(name, lens, answers, options.title or "", files=files)
    if options.no_store:
        assert given is not None, "refused before"
        return assess_here(given, as_of=as_of), remarks
    with open_store(options.store) as store:
        if given is not None:
            remarks += keep(store, given)
        else:
            from assessments import stored

            store.assessment(name)
            if options.title is not None:
                stored.keep(store, name, title=options.title)
            for path, data in files:
                remarks += stored.add_evidence_file(store, name, data, path).problems
        return assess_stored(store, name, as_of), remarks
