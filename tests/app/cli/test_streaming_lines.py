"""What the summary says of streamed answers."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli.streaming_lines import streaming_lines

FOUND = {
    "streams": 40, "ttft_ms": {"p50": 61.2, "p95": 70.0}, "itl_ms": {"p50": 12.1}, "tpot_ms": {"p50": 12.0},
    "tokens_per_s": 200.0, "tokens_from": "usage", "merged_ratio": 0.0, "without_done": 0,
    "goodput_per_s": 19.5,
}  # fmt: skip


def said(**changes: Any) -> str:
    lines = streaming_lines({"streaming": {**FOUND, **changes}}, 200)
    return "\n".join("".join(span.text for span in line) for line in lines).replace("\u00a0", " ")


def test_times_tokens_and_goodput() -> None:
    text = said()
    assert "first token p50 61.2 ms (p95 70), gaps p50 12.1 ms, a token p50 12 ms, 200 tokens/s" in text
    assert "19.5 requests/s within the SLO" in text
    assert "\n" not in text


def test_what_makes_them_less_than_they_seem_is_said() -> None:
    text = said(tokens_from="chunks", merged_ratio=0.75, without_done=3)
    assert "counted as events: it tells no usage" in text
    assert "75 % of the tokens came together with the one before" in text
    assert "3 streams ended without [DONE]" in text


@pytest.mark.parametrize(
    ("load", "opening"),
    [
        ({"mode": "open", "offered_per_s": 13.1}, "Streamed at 13.1 requests/s: "),
        ({"mode": "closed", "concurrency": 16}, "Streamed to 16 callers at once: "),
        ({"mode": "open"}, "Streamed: "),
    ],
)
def test_of_several_steps_it_is_said_which_was_meant(load: dict[str, Any], opening: str) -> None:
    other = {"mode": "closed", "concurrency": 1, "streaming": {"ttft_ms": {"p50": 5.0}}}
    steps = [other, load | {"streaming": {"ttft_ms": FOUND["ttft_ms"]}}, other]
    (first, *_) = streaming_lines({"streaming": FOUND, "steps": steps}, 400)
    assert "".join(span.text for span in first).replace("\u00a0", " ").startswith(opening)


@pytest.mark.parametrize("damaged", [None, [], {}, {"ttft_ms": 3}, {"tokens_per_s": "many"}])
def test_what_is_damaged_is_not_told(damaged: Any) -> None:
    assert streaming_lines({"streaming": damaged}, 80) == []
