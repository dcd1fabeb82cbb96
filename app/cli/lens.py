"""`loadstone lens`: checks, shows, rates, imports and exports lens files, ours and AWS custom lenses."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, one_of
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line
    from assessments.aws_rating import Rated
    from assessments.lens import Lens, Problem

KINDS = ("check", "show", "risks", "import", "export")
SELECTIONS = ("none", "all", "first")
DONE, BROKEN = 0, 1
MOST_PRINTED = 500
_OPTIONS_OF = {
    "strict": ("check",),
    "question": ("show",),
    "select": ("risks",),
    "out": ("import", "export"),
}


def parser() -> CommandParser:
    """How the command line of `lens` is read."""
    parser = CommandParser(
        "lens",
        "check|show|risks|import|export FILE [options]",
        "Lens files: ours (loadstone.lens/1) and AWS custom lenses (schema 2021-11-01).\n"
        "check   what deserves a look: rules that never fire, facts that no probe gives,\n"
        "        what AWS would refuse; exit code 2 where the lens does not load\n"
        "show    pillars, questions, choices, and what proves or contradicts them\n"
        "risks   how many questions come out at which risk for a selection of choices\n"
        "import  keeps a lens as a file of ours, without loss\n"
        "export  writes an AWS custom lens: an imported one as it was, or one of ours",
        (
            "loadstone lens check custom-lens.json --strict",
            "loadstone lens show loadstone-readiness --question INF-08",
            "loadstone lens risks custom-lens.json --select @answers.yaml --json -",
            "loadstone lens import custom-lens.json -o team-lens.json",
            "loadstone lens export loadstone-readiness -o for-aws.json",
        ),
    )
    parser.add_argument("kind", metavar="WHAT", type=one_of("loadstone lens", KINDS), help=", ".join(KINDS))
    parser.add_argument("file", metavar="FILE", help="the lens file, or loadstone-readiness for ours")
    group = parser.add_argument_group("how")
    group.add_argument("--strict", action="store_true", help="check: exit code 1 where there are problems")
    group.add_argument("--question", metavar="ID", help="show: one question with all that belongs to it")
    group.add_argument(
        "--select",
        metavar="WHICH",
        help="risks: none, all, first (of every question), or @FILE with loadstone.answers/1",
    )
    group.add_argument(
        "-o", "--out", metavar="FILE", help="import, export: where to, or - for standard output"
    )
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Does what was asked for. Raises `UserError`."""
    for name, kinds in _OPTIONS_OF.items():
        if getattr(options, name) and options.kind not in kinds:
            option = "-o" if name == "out" else f"--{name}"
            raise UsageError(
                f"{option} belongs to lens {' and '.join(kinds)}, not to {options.kind}: remove it"
            )
    from assessments.lens import find_lens

    lens = find_lens(options.file)
    if options.kind == "check":
        return _check(options, output, lens)
    if options.kind == "show":
        from app.cli.lens_shown import show

        return show(options, output, lens)
    if options.kind == "risks":
        return _risks(options, output, lens)
    return _convert(options, output, lens)


def problems_of(lens: Lens) -> Sequence[Problem]:
    """What deserves a look in a lens that loads; in an AWS lens also what its sidecar brings."""
    from assessments.aws_lens_check import check_lens

    found = [] if lens.imported is None else check_lens(lens.imported)
    return [*found, *lens.problems]


def counts_of(lens: Lens) -> dict[str, int]:
    """How many pillars, questions, choices and rules there are; in a lens of ours, rules are expressions."""
    if lens.imported is not None:
        return lens.imported.counts
    choices = [choice for question in lens.questions for choice in question.choices]
    asked = [rule for choice in choices for rule in (choice.verified_by, choice.contradicted_by)]
    return {
        "pillars": len(lens.pillars),
        "questions": len(lens.questions),
        "choices": len(choices),
        "rules": sum(rule is not None for rule in asked),
    }


def name_of(lens: Lens) -> str:
    """The name as it stands in the file; of an AWS lens it may be empty."""
    return lens.name if lens.imported is None else lens.imported.name


def summary(lens: Lens) -> str:
    """The lens in a line: its name, and how much is in it."""
    counts = ", ".join(
        f"{count:,} {name.removesuffix('s') if count == 1 else name}"
        for name, count in counts_of(lens).items()
    )
    return f"{name_of(lens) or 'A lens without a name'}: {counts}."


def _check(options: argparse.Namespace, output: Output, lens: Lens) -> int:
    from app.cli.layout import line, plain, wrapped
    from app.cli.written import write_document
    from assessments.lens import unprovable_choices

    problems = problems_of(lens)
    unprovable = [choice.id for _, choice in unprovable_choices(lens)]
    if options.json is not None:
        document = {
            "schema": "loadstone.lens-check/1",
            "name": name_of(lens),
            **counts_of(lens),
            "problems": [problem.to_json() for problem in problems],
            "unprovable": unprovable,
        }
        write_document(document, options.json, output)
    lines: list[Line] = wrapped(plain(summary(lens)), output.columns, "strong")
    if lens.imported is None and unprovable:
        lines += wrapped(f"Choices that no probe can prove yet: {len(unprovable)}.", output.columns)
    if not problems:
        lines += wrapped("No problems.", output.columns, "ok")
    else:
        kinds = Counter(problem.kind for problem in problems)
        lines += wrapped(
            f"{len(problems)} problem{'' if len(problems) == 1 else 's'}: "
            + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
            output.columns,
            "warn",
        )
        lines.append(line(""))
        for problem in problems[:MOST_PRINTED]:
            where = f"line {problem.line}: " if problem.line else ""
            whose = f"{problem.question}: " if problem.question else ""
            text = f"{problem.kind}  {where}{whose}{problem.message}"
            lines += wrapped(plain(text), output.columns, indent="  ")
        if len(problems) > MOST_PRINTED:
            text = f"and {len(problems) - MOST_PRINTED} more: --json - names them"
            lines += wrapped(text, output.columns, "warn")
    output.lines(lines)
    return BROKEN if options.strict and problems else DONE


def _risks(options: argparse.Namespace, output: Output, lens: Lens) -> int:
    from app.cli.layout import line, plain, table, wrapped
    from app.cli.written import write_document
    from assessments.aws_export import rated_questions
    from assessments.aws_rating import count_ratings, rate

    selected, left_out = _selection(options.select, lens)
    rated = rate(rated_questions(lens), selected)
    judged = [entry for entry in rated if entry.question.id not in left_out]
    counts: dict[str, int] = {str(rating): count for rating, count in count_ratings(judged).items()}
    if left_out:
        counts["NOT_APPLICABLE"] = len(rated) - len(judged)
    informing = [entry.question.id for entry in rated if entry.question.only_informs]
    both = [entry.question.id for entry in judged if lens.takes_several and entry.contradicts_itself]
    if options.json is not None:
        document = {
            "schema": "loadstone.lens-risks/1",
            "name": name_of(lens),
            "select": options.select,
            **counts,
            "only_inform": informing,
            "none_with_others": both,
            "questions": [_rated_json(entry, entry.question.id in left_out) for entry in rated],
        }
        write_document(document, options.json, output)
    lines: list[Line] = wrapped(plain(summary(lens)), output.columns, "strong")
    rows = [(name, str(count)) for name, count in counts.items()]
    lines += [line(""), *table(("risk", "questions"), rows, "lr", output.columns)]
    if informing:
        lines += wrapped(f"Of these only inform, whatever is selected: {len(informing)}.", output.columns)
    if both:
        named = ", ".join(both[:5]) + (", …" if len(both) > 5 else "")
        text = f"warning: 'none of these' is selected together with others in {len(both)} questions ({named})"
        lines += wrapped(plain(text), output.columns, "warn")
    output.lines(lines)
    return DONE


def _rated_json(entry: Rated, left_out: bool) -> dict[str, Any]:
    return {
        "question": entry.question.id,
        "selected": list(entry.selected),
        "risk": "NOT_APPLICABLE" if left_out else entry.rating,
    }


def _selection(select: str | None, lens: Lens) -> tuple[Mapping[str, Sequence[str]], set[str]]:
    """What is selected in each question, and which do not apply: as answered, or by the profile."""
    from assessments.aws_export import rated_questions
    from assessments.aws_rating import select_all, select_first

    if select is None:
        raise UsageError(f"lens risks needs a selection: write --select {', '.join(SELECTIONS)} or @ANSWERS")
    if not select.startswith("@"):
        one_of("--select", SELECTIONS)(select)
        if select == "none":
            return {}, set()
        questions = rated_questions(lens)
        return select_all(questions) if select == "all" else select_first(questions), set()
    from assessments.claims import MAX_BYTES, read_answers
    from assessments.growth_profiles import with_declared
    from probes.documents import read_file

    answers = read_answers(read_file(Path(select[1:]), max_bytes=MAX_BYTES), select[1:])
    answers.check(lens)
    claims = answers.claims.values()
    left_out = {claim.question for claim in claims if claim.state == "not_applicable"}
    facts = with_declared(answers.profile).facts()
    left_out |= {question.id for question in lens.questions if question.applies_when.value(facts) is False}
    return {claim.question: claim.choices for claim in claims}, left_out


def _convert(options: argparse.Namespace, output: Output, lens: Lens) -> int:
    from app.cli.layout import plain, wrapped
    from assessments.aws_export import export_text

    if options.out is None:
        raise UsageError(f"lens {options.kind} needs a place to write to: add -o FILE, or -o - to print it")
    if options.json is not None:
        raise UsageError(f"lens {options.kind} writes its document to -o FILE: leave --json out")
    is_import = options.kind == "import"
    text = _imported_text(options.file, lens) if is_import else export_text(lens)
    if options.out == "-":
        output.text(text)
        return DONE
    target = Path(options.out)
    try:
        if target.exists() and target.samefile(options.file):
            raise UsageError(f"-o {options.out} is the lens that is read: name another file")
        target.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"-o {options.out} cannot be written ({why}): name another file") from error
    lines = wrapped(plain(summary(lens)), output.columns, "strong")
    lines += wrapped(plain(f"{'Imported' if is_import else 'Exported'} to {options.out}."), output.columns)
    if problems := problems_of(lens):
        told = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        text = f"It has {told}: loadstone lens check {options.file} names them."
        lines += wrapped(plain(text), output.columns, "warn")
    output.lines(lines)
    return DONE


def _imported_text(file: str, lens: Lens) -> str:
    """The lens as a document of ours: an AWS lens with where it came from, one of ours as JSON."""
    from assessments.aws_documents import source_of, to_text
    from probes.documents import read_file

    document = lens.to_json()
    if lens.imported is not None and not document["source"]:
        document["source"] = source_of(read_file(Path(file)), Path(file).name)
    return to_text(document)
