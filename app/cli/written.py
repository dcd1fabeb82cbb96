"""Files that the command line writes: documents for machines, and what only their owner may read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.output import Output, to_json
from probes.errors import UsageError


def write_document(document: Mapping[str, Any], place: str, output: Output) -> None:
    """Writes the document where `--json` says. Raises `UsageError` when that cannot be written."""
    if place == "-":
        output.document(document)
        return
    try:
        Path(place).write_text(to_json(document), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"--json {place} cannot be written ({why}): name another file") from error


def write_private(path: Path, text: str) -> None:
    """Makes a new file that only its owner may read. Raises `OSError`, also when it is there already."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
