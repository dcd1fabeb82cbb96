"""Draws a report in a process of its own, for whoever must not wait for it: `python -c "…draw(…)"`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from probes.errors import UserError


def draw(document: str, form: str, out: str) -> int:
    """Draws the `loadstone.assessment/1` document in one file into another, in this format.

    Returns the exit code: 0, or 2 where it cannot be, with the sentence on standard error.
    """
    from app.report.formats import render

    try:
        Path(out).write_bytes(render(json.loads(Path(document).read_text(encoding="utf-8")), form))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
