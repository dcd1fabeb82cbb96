"""`loadstone lens`: checks, shows, rates, imports and exports lens files, AWS custom lenses and ours."""

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
    from assessments.aws_lens import AwsLens, Rated
    from assessments.lens import Lens, Problem

KINDS = ("check", "show", "risks", "import", "export")
SELECTIONS = ("none", "all", "first")
DONE, BROKEN = 0, 1
_OPTIONS_OF = {"strict": ("check",), "select": ("risks",), "out": ("import", "export")}


def parser() -> CommandParser:
    """How the command line of `lens` is read."""
    parser = CommandParser(
        "lens",
        "check|show|risks|import|export FILE [options]",
        "Lens files: AWS custom lenses (schema 2021-11-01), and for check and show ours too.\n"
        "check   what AWS would refuse, and rules that cannot do their job; exit code 2 where it\n"
        "        does not load\n"
        "show    pillars, questions, choices and rules\n"
        "risks   how many questions come out at which risk for a selection of choices\n"
        "import  keeps an AWS lens as a file of ours, without loss\n"
        "export  gives the AWS lens back",
        (
            "loadstone lens check custom-lens.json --strict",
            "loadstone lens risks custom-lens.json --select first",
            "loadstone lens risks custom-lens.json --select @answers.yaml --json -",
            "loadstone lens import custom-lens.json -o team-lens.json",
        ),
    )
    parser.add_argument("kind", metavar="WHAT", type=one_of("loadstone lens", KINDS), help=", ".join(KINDS))
    parser.add_argument("file", metavar="FILE", help="the lens file")
    group = parser.add_argument_group("how")
    group.add_argument("--strict", action="store_true", help="check: exit code 1 where there are problems")
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
    data, lens = _read(options.file)
    if options.kind == "check":
        return _check(options, output, lens)
    if options.kind == "show":
        return _show(options, output, lens)
    aws = _aws_only(lens, options)
    if options.kind == "risks":
        return _risks(options, output, aws)
    return _convert(options, output, aws, data)


def _read(file: str) -> tuple[bytes, AwsLens | Lens]:
    """The bytes of the file, and the lens in them, of either kind."""
    from assessments import aws_lens, lens
    from probes.documents import read_file, read_json

    data = read_file(Path(file), max_bytes=aws_lens.MAX_BYTES)
    is_json = file.lower().endswith(".json") or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    if not is_json:
        return data, lens.load_lens(data, file)
    document = read_json(data, file, allow_nan=True)
    if isinstance(document, Mapping) and document.get("schema") == lens.SCHEMA:
        return data, lens.lens_of(document, file)
    return data, aws_lens.lens_of(document, file, len(data))


def _aws_only(lens: AwsLens | Lens, options: argparse.Namespace) -> AwsLens:
    from assessments.aws_lens import AwsLens

    if isinstance(lens, AwsLens):
        return lens
    why = {
        "risks": "it has ladders instead of risk rules",
        "import": "it needs no import",
        "export": "exporting it to AWS is not part of this version",
    }[options.kind]
    raise UsageError(
        f"{options.file} is a lens of Loadstone's own, and lens {options.kind} is for AWS custom lenses: "
        f"{why}"
    )


def problems_of(lens: AwsLens | Lens) -> Sequence[Problem]:
    """What deserves a look in a lens that loads."""
    from assessments.aws_lens import AwsLens
    from assessments.aws_lens_check import check_lens

    return check_lens(lens) if isinstance(lens, AwsLens) else lens.problems


def counts_of(lens: AwsLens | Lens) -> dict[str, int]:
    """How many pillars, questions, choices and rules there are; in a lens of ours, rules are expressions."""
    from assessments.aws_lens import AwsLens

    if isinstance(lens, AwsLens):
        return lens.counts
    choices = [choice for question in lens.questions for choice in question.choices]
    rules = [
        rule
        for choice in choices
        for rule in (choice.verified_by, choice.contradicted_by)
        if rule is not None
    ]
    return {
        "pillars": len(lens.pillars),
        "questions": len(lens.questions),
        "choices": len(choices),
        "rules": len(rules),
    }


def _summary(lens: AwsLens | Lens) -> str:
    counts = ", ".join(
        f"{count:,} {name.removesuffix('s') if count == 1 else name}"
        for name, count in counts_of(lens).items()
    )
    return f"{lens.name or 'A lens without a name'}: {counts}."


def _check(options: argparse.Namespace, output: Output, lens: AwsLens | Lens) -> int:
    from app.cli.layout import line, plain, wrapped
    from app.cli.written import write_document

    problems = problems_of(lens)
    if options.json is not None:
        document = {
            "schema": "loadstone.lens-check/1",
            "name": lens.name,
            **counts_of(lens),
            "problems": [problem.to_json() for problem in problems],
        }
        write_document(document, options.json, output)
    lines: list[Line] = wrapped(plain(_summary(lens)), output.columns, "strong")
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
        for problem in problems:
            where = f"line {problem.line}: " if problem.line else ""
            whose = f"{problem.question}: " if problem.question else ""
            text = f"{problem.kind}  {where}{whose}{problem.message}"
            lines += wrapped(plain(text), output.columns, indent="  ")
    output.lines(lines)
    return BROKEN if options.strict and problems else DONE


def _show(options: argparse.Namespace, output: Output, lens: AwsLens | Lens) -> int:
    from app.cli.layout import line, plain, wrapped
    from app.cli.written import write_document
    from assessments.aws_lens import AwsLens

    pillars = _aws_pillars(lens) if isinstance(lens, AwsLens) else _own_pillars(lens)
    if options.json is not None:
        document = {
            "schema": "loadstone.lens-show/1",
            "name": lens.name,
            **counts_of(lens),
            "content": pillars,
        }
        write_document(document, options.json, output)
    lines: list[Line] = wrapped(plain(_summary(lens)), output.columns, "strong")
    for pillar in pillars:
        lines += [line(""), *wrapped(plain(f"{pillar['name']} ({pillar['id']})"), output.columns, "strong")]
        for question in pillar["questions"]:
            informs = "" if question["weight"] else " (informs only)"
            title = plain(f"{question['id']}  {question['title'] or '–'}{informs}")
            lines += [line(""), *wrapped(title, output.columns, indent="  ")]
            for choice in question["choices"]:
                text = plain(f"  [ ] {choice['id']}  {choice['title'] or '–'}")
                lines += wrapped(text, output.columns, indent="      ")
            for rule in question["rules"]:
                lines += wrapped(
                    plain(f"  {rule['risk']}: {rule['condition']}"), output.columns, "muted", "      "
                )
    output.lines(lines)
    return DONE


def _aws_pillars(lens: AwsLens) -> list[dict[str, Any]]:
    return [
        {
            "id": pillar.id,
            "name": pillar.name,
            "questions": [
                {
                    "id": question.id,
                    "title": question.title,
                    "weight": question.weight,
                    "choices": [{"id": choice.id, "title": choice.title} for choice in question.choices],
                    "rules": [
                        {"condition": rule.text.strip(), "risk": rule.risk or "no risk"}
                        for rule in question.rules
                    ],
                }
                for question in pillar.questions
            ],
        }
        for pillar in lens.pillars
    ]


def _own_pillars(lens: Lens) -> list[dict[str, Any]]:
    return [
        {
            "id": pillar.id,
            "name": pillar.name,
            "questions": [
                {
                    "id": question.id,
                    "title": question.text,
                    "weight": question.weight,
                    "choices": [{"id": choice.id, "title": choice.text} for choice in question.choices],
                    "rules": [],
                }
                for question in lens.questions
                if question.pillar == pillar.id
            ],
        }
        for pillar in lens.pillars
    ]


def _risks(options: argparse.Namespace, output: Output, lens: AwsLens) -> int:
    from app.cli.layout import line, plain, table, wrapped
    from app.cli.written import write_document
    from assessments.aws_lens import count_ratings, rate

    selected, left_out = _selection(options.select, lens)
    rated = rate(lens, selected)
    judged = [entry for entry in rated if entry.question.id not in left_out]
    counts: dict[str, int] = {str(rating): count for rating, count in count_ratings(judged).items()}
    if left_out:
        counts["NOT_APPLICABLE"] = len(rated) - len(judged)
    informing = [entry.question.id for entry in rated if entry.question.only_informs]
    both = [entry.question.id for entry in judged if entry.contradicts_itself]
    if options.json is not None:
        document = {
            "schema": "loadstone.lens-risks/1",
            "name": lens.name,
            "select": options.select,
            **counts,
            "only_inform": informing,
            "none_with_others": both,
            "questions": [_rated_json(entry, entry.question.id in left_out) for entry in rated],
        }
        write_document(document, options.json, output)
    lines: list[Line] = wrapped(plain(_summary(lens)), output.columns, "strong")
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


def _selection(select: str | None, lens: AwsLens) -> tuple[Mapping[str, Sequence[str]], set[str]]:
    """What is selected in each question, and the questions that are answered as not applicable."""
    from assessments.aws_lens import select_all, select_first

    if select is None:
        raise UsageError(f"lens risks needs a selection: write --select {', '.join(SELECTIONS)} or @ANSWERS")
    if not select.startswith("@"):
        one_of("--select", SELECTIONS)(select)
        if select == "none":
            return {}, set()
        return select_all(lens) if select == "all" else select_first(lens), set()
    from assessments.claims import read_answers
    from probes.documents import read_file

    answers = read_answers(read_file(Path(select[1:])), select[1:])
    answers.check(lens)
    claims = answers.claims.values()
    return (
        {claim.question: claim.choices for claim in claims},
        {claim.question for claim in claims if claim.state == "not_applicable"},
    )


def _convert(options: argparse.Namespace, output: Output, lens: AwsLens, data: bytes) -> int:
    from app.cli.layout import plain, wrapped
    from assessments.aws_lens import imported, to_text

    if options.out is None:
        raise UsageError(f"lens {options.kind} needs a place to write to: add -o FILE, or -o - to print it")
    if options.json is not None:
        raise UsageError(f"lens {options.kind} writes its document to -o FILE: leave --json out")
    is_import = options.kind == "import"
    text = to_text(imported(lens, data, Path(options.file).name) if is_import else lens.document)
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
    lines = wrapped(plain(_summary(lens)), output.columns, "strong")
    lines += wrapped(plain(f"{'Imported' if is_import else 'Exported'} to {options.out}."), output.columns)
    if problems := problems_of(lens):
        text = f"It has {len(problems)} problems: loadstone lens check {options.file} names them."
        lines += wrapped(plain(text), output.columns, "warn")
    output.lines(lines)
    return DONE
