"""`loadstone verify`: whether a shared report is what it says."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.arguments import CommandParser
from app.cli.layout import Line, Span
from app.cli.output import Output

WRONG = 2
_TEXT_AT = 20
_SIGNS = {
    "right": Span("right", "ok"),
    "wrong": Span("wrong", "bad"),
    "not_checked": Span("not checked", "warn"),
}


def parser() -> CommandParser:
    """How the command line of `verify` is read."""
    parser = CommandParser(
        "verify",
        "FILE.pdf [options]",
        "Checks a report that somebody handed on: that no byte was changed, that the data\n"
        "inside is what it was printed from, and that judging that data again, and drawing\n"
        "its pages again, gives the same. Exit code 2 when the report is not what it says.",
        ("loadstone verify report.pdf", "loadstone verify report.pdf --json -"),
    )
    parser.add_argument("file", metavar="FILE.pdf", help="the report")
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints what came of each check. Raises `UsageError` where the file is no report to be believed."""
    from app.cli.layout import line, plain, wrapped
    from app.cli.written import write_document
    from app.report.verifying import verify

    found = verify(Path(options.file))
    if options.json is not None:
        write_document(found.to_json(), options.json, output)
    document = found.report.document
    about = document.get("assessment") or {}
    title = plain(about.get("title") or about.get("name") or "an assessment")
    lines: list[Line] = wrapped(
        f"{plain(options.file)}: {title}, judged {str(document.get('as_of'))[:10]} by Loadstone "
        f"{plain(document.get('version'))}",
        output.columns,
        "strong",
    )
    for check in found.checks:
        sign = _SIGNS[check.outcome]
        lead = line(Span(f"{check.name:<7}", "muted"), sign, " " * (_TEXT_AT - 7 - len(sign.text)))
        first, *rest = wrapped(plain(check.text), output.columns - _TEXT_AT)
        lines += [(*lead, *first), *(line(" " * _TEXT_AT, *row) for row in rest)]
    lines.append(line(""))
    if found.holds:
        text = "The report is what it says. It bears no signature: it does not show who wrote it."
        lines += wrapped(text, output.columns)
    else:
        lines += wrapped("The report is not what it says: do not rely on it.", output.columns, "bad")
    output.lines(lines)
    return 0 if found.holds else WRONG
