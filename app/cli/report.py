"""`loadstone report`: the readiness report of an assessment, as a file to hand on."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from app.cli.arguments import CommandParser, one_of
from app.cli.output import Output
from probes.errors import UsageError

SUFFIXES = {
    "pdf": ".pdf",
    "html": ".html",
    "json": ".json",
    "csv": ".csv",
    "junit": ".xml",
    "markdown": ".md",
}
"""The formats, and how a file of each ends."""
ENDINGS = {suffix: name for name, suffix in SUFFIXES.items()} | {".htm": "html", ".markdown": "markdown"}


def parser() -> CommandParser:
    """How the command line of `report` is read."""
    parser = CommandParser(
        "report",
        "NAME [options]",
        "Writes the readiness report of an assessment. NAME is an assessment, or NAME@LABEL\n"
        "for it as it stood at a milestone. The PDF carries all its data: loadstone verify\n"
        "checks it and loadstone restore brings it back.",
        (
            "loadstone report shop",
            "loadstone report shop -o shop.html",
            "loadstone report shop@before-campaign --format markdown -o -",
            "loadstone report shop --format junit -o readiness.xml",
        ),
    )
    parser.add_argument("name", metavar="NAME", help="the assessment, or NAME@LABEL")
    group = parser.add_argument_group("the report")
    group.add_argument(
        "-o", "--out", metavar="FILE|-", help="where to (default NAME-report.pdf here); - is standard output"
    )
    group.add_argument(
        "--format",
        metavar="|".join(SUFFIXES),
        type=one_of("--format", tuple(SUFFIXES)),
        help="default: by the ending of FILE, else pdf",
    )
    group.add_argument(
        "--as-of", metavar="TIME", help="count the ages of evidence to this moment (default now)"
    )
    parser.add_store_option(group)
    parser.add_output_group(json=False)
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Writes the report. Raises `UsageError` and `StoreError`."""
    form = format_of(options.format, options.out)
    place = options.out or default_place(options.name, form)
    check_place(place, form)
    from app.cli.stored_assessment import stored_document
    from assessments.store import open_store

    with open_store(options.store) as store:
        document = stored_document(store, options.name, options.as_of)
    from app.report.formats import render

    data = render(document, form)
    if place == "-":
        write_standard_output(data, output)
        return 0
    write_file(Path(place), data, "-o")
    output.text(f"Wrote {place}: {len(data) / 1000:,.0f} kB.\n")
    return 0


def format_of(asked: str | None, place: str | None) -> str:
    """The format that was asked for, or that the ending of a file names; else `pdf`.

    Raises `UsageError` for an ending that no format has.
    """
    if asked is not None:
        return asked
    if place is None or place == "-" or Path(place).is_dir():
        return "pdf"
    suffix = Path(place).suffix.lower()
    if suffix not in ENDINGS:
        shown = f"ends in '{suffix}'" if suffix else "has no ending"
        raise UsageError(
            f"{place} {shown}, which is no format of a report: name it report.pdf, say, or give --format"
        )
    return ENDINGS[suffix]


def default_place(name: str, form: str) -> str:
    """`shop-report.pdf` for the assessment `shop`; other signs than letters, digits and ._- are dashes."""
    plain = "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in name).strip(".-")[:80]
    return f"{plain or 'assessment'}-report{SUFFIXES[form]}"


def check_place(place: str, form: str) -> None:
    """Raises `UsageError` where nothing can be written, before anything is computed."""
    if place == "-":
        if form == "pdf" and sys.stdout.isatty():
            raise UsageError("a PDF is not for a terminal: name a file with -o, or send the output to one")
        return
    path = Path(place)
    if path.is_dir():
        raise UsageError(f"{place} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it first, or name another file")


def write_standard_output(data: bytes, output: Output) -> None:
    """The bytes on standard output, as they are."""
    output.flush()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"standard output cannot be written ({error.strerror}): name a file") from error


def write_file(path: Path, data: bytes, option: str) -> None:
    """Writes the file whole or not at all: what stood there before stays until it is written.

    Raises `UsageError`.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(made).chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
            Path(made).replace(path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"{option} {path} cannot be written ({why}): name another file") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
