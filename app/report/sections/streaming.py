"""What the load story says of streamed answers: the wait for the first token, the gaps, tokens a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.report.model import Block, Cell, Column, Heading, Paragraph, Table, text
from app.report.sections.run_words import number, part, share_words
from assessments.wording import NO_BREAK, amount, counted

Run = Mapping[str, Any]
TIMES = (
    ("ttft_ms", "Time to first token, ms"),
    ("itl_ms", "Gap between tokens (ITL), ms"),
    ("tpot_ms", "Time per output token (TPOT), ms"),
)
PERCENTILES = ("p50", "p90", "p95", "p99", "max")


def blocks(run: Run) -> list[Block]:
    """A table of times and what they rest on; nothing where nothing was streamed or our client spoilt it."""
    found = part(run, "streaming")
    if not found or part(run, "run").get("grade") == "client_limited":
        return []
    rows: list[tuple[Cell, ...]] = []
    for key, name in TIMES:
        times = part(found, key)
        values = [number(times.get(percentile)) for percentile in PERCENTILES]
        if any(value is not None for value in values):
            cells = [text("–" if value is None else amount(value)) for value in values]
            rows.append((text(name), *cells))
    if not rows:
        return []
    columns = (Column(""), *(Column(name, align="right") for name in PERCENTILES))
    caption = (
        "Of the step at capacity, or the last. The first token counts from when the request was due; a gap "
        "lies between two reads that brought tokens. – : too few for this percentile."
    )
    return [
        Heading("Streamed answers", 2),
        Paragraph(text(_said(found))),
        Table(columns, tuple(rows), caption, dense=True),
    ]


def _said(found: Run) -> str:
    answers, per_s = number(found.get("streams")) or 0, number(found.get("tokens_per_s"))
    said = f"{counted(int(answers), 'answer')} came as streams"
    said += f", {amount(per_s)}{NO_BREAK}tokens a second" if per_s is not None else ""
    if found.get("tokens_from") == "chunks":
        said += " (events with text were counted, because the service does not tell how many tokens it made)"
    good = number(found.get("goodput_per_s"))
    said += f"; {amount(good)} a second kept every bound of the objective" if good is not None else ""
    merged, without = number(found.get("merged_ratio")), number(found.get("without_done"))
    said += "."
    if merged:
        said += f" {share_words(merged)} of the tokens came together with the one before and have no gap."
    if without:
        said += f" {counted(int(without), 'stream')} ended without the word [DONE]."
    return said
