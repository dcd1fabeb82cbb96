"""`loadstone restore`: the assessment in a shared report, back into a store."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.arguments import CommandParser
from app.cli.output import Output
from probes.errors import UsageError


def parser() -> CommandParser:
    """How the command line of `restore` is read."""
    parser = CommandParser(
        "restore",
        "FILE.pdf|FILE.json [options]",
        "Brings the assessment in a shared report, or in what loadstone report --format json\n"
        "wrote, back into the store: answers, lens, evidence, runs and milestones. A file\n"
        "that was changed since it was written is refused.",
        (
            "loadstone restore report.pdf",
            "loadstone restore report.pdf --name shop-of-a-colleague",
            "loadstone restore shop-report.json",
        ),
    )
    parser.add_argument("file", metavar="FILE", help="the report, or the JSON file")
    group = parser.add_argument_group("where to")
    group.add_argument("--name", metavar="NAME", help="its name in the store (default: its own)")
    parser.add_store_option(group)
    parser.add_output_group(json=False)
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Restores. Raises `UsageError` and `StoreError`, with nothing written."""
    from app.cli.layout import plain, wrapped
    from assessments.store import open_store
    from assessments.stored import restore_document

    document = document_in(Path(options.file))
    with open_store(options.store) as store:
        name = restore_document(store, document, options.name)
    text = (
        f"Restored '{plain(name)}' as it was judged {str(document.get('as_of'))[:10]}: "
        f"loadstone show {plain(name)} prints it."
    )
    output.lines(wrapped(text, output.columns))
    return 0


def document_in(path: Path) -> Mapping[str, Any]:
    """The document `loadstone.assessment/1` in a report or in a sealed JSON file.

    Raises `UsageError` where it is neither, or was changed since it was written.
    """
    from app.report.attachment import MAX_REPORT_BYTES
    from app.report.reading import SCHEMA, shared_in
    from assessments.evidence import is_sealed
    from probes.documents import read_file, read_json

    data = read_file(path, max_bytes=MAX_REPORT_BYTES)
    if data.startswith(b"%PDF-"):
        return shared_in(data, str(path)).document
    document = read_json(data, str(path))
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{path} holds no assessment: give a report, or what --format json wrote")
    if not is_sealed(document):
        raise UsageError(
            f"{path} was changed after it was written, or not written by Loadstone: its seal is not right"
        )
    return {key: value for key, value in document.items() if key != "seal"}
