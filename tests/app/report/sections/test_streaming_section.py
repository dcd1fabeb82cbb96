"""What the load story says of streamed answers."""

from __future__ import annotations

from typing import Any

import pytest

from app.report.model import Paragraph, Table, plain
from app.report.run_reading import read_run
from app.report.sections.streaming import blocks

FOUND = {
    "streams": 40, "ttft_ms": {"p50": 61.2, "p95": 70.0, "max": 90.0}, "itl_ms": {"p50": 12.1},
    "tokens_per_s": 200.0, "tokens_from": "chunks", "merged_ratio": 0.25, "without_done": 1,
    "goodput_per_s": 19.5,
}  # fmt: skip


def test_times_stand_in_a_table_and_what_they_rest_on_before_it() -> None:
    found = blocks(read_run({"run": {"grade": "valid"}, "streaming": FOUND}))
    (paragraph,) = (block for block in found if isinstance(block, Paragraph))
    said = plain(paragraph.text).replace("\u00a0", " ")
    assert "40 answers came as streams, 200 tokens a second (events with text were counted" in said
    assert "19.5 a second kept every bound of the objective" in said
    assert "25 % of the tokens came together" in said
    assert "1 stream ended without the word [DONE]" in said
    (table,) = (block for block in found if isinstance(block, Table))
    rows = [[plain(cell) for cell in row] for row in table.rows]
    assert rows[0] == ["Time to first token, ms", "61.2", "–", "70", "–", "90"]
    assert rows[1][1:] == ["12.1", "–", "–", "–", "–"]
    assert len(rows) == 2


@pytest.mark.parametrize(
    "run",
    [
        {"run": {"grade": "client_limited"}, "streaming": FOUND},
        {"run": {"grade": "valid"}},
        {"run": {"grade": "valid"}, "streaming": {"ttft_ms": {"p50": "soon"}, "streams": -1}},
    ],
)
def test_what_is_spoilt_absent_or_damaged_is_not_told(run: dict[str, Any]) -> None:
    assert blocks(read_run(run)) == []
