"""The claims as a table for spreadsheets: one line a question, comma-separated, UTF-8, CR LF."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from app.report import words
from app.report.view import View, short

COLUMNS = (
    "pillar",
    "question",
    "title",
    "weight",
    "state",
    "choice",
    "claim",
    "risk",
    "credit",
    "lost_not_done",
    "lost_contradicted",
    "lost_not_proven",
    "lost_unanswered",
    "because",
    "facts",
)
LOSSES = ("not_done", "contradicted", "not_proven", "unanswered")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would take for the beginning of a formula."""


def render_csv(document: Mapping[str, Any]) -> bytes:
    """The claims of a `loadstone.assessment/1` document below a head; an unknown number is empty."""
    view = View(document)
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for question in view.lens.questions:
        claim = view.claims.get(question.id)
        if claim is None or claim.get("out_of_scope"):
            continue
        chosen = view.chosen(question)
        choice = claim.get("choice")
        choices = choice if isinstance(choice, list) else [choice] if choice else []
        lost = claim.get("lost") or {}
        writer.writerow(
            (
                guarded(view.pillar_name(question.pillar)),
                guarded(question.id),
                guarded(short(question)),
                _number(question.weight),
                guarded(str(claim["state"])),
                guarded(" ".join(map(str, choices))),
                guarded("" if chosen is None else chosen.text),
                guarded(str(view.findings.get(question.id, {}).get("risk", ""))),
                _number(claim.get("credit")),
                *(_number(lost.get(loss)) for loss in LOSSES),
                guarded(str(claim.get("because") or "")),
                guarded(" ".join(map(str, claim.get("facts") or ()))),
            )
        )
    return file.getvalue().encode()


def guarded(text: str) -> str:
    """The text visible, on one line, and with a `'` before what a spreadsheet would compute."""
    shown = words.one_line(text)
    return f"'{shown}" if text.startswith(FORMULA_SIGNS) or shown.startswith(FORMULA_SIGNS) else shown


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return f"{value:.6g}"
