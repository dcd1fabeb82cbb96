"""What the report says of answers under load, of too many requests and of a process that dies."""

from __future__ import annotations

from typing import Any

import pytest

from app.report.model import Heading, Paragraph, plain
from app.report.run_reading import read_run
from app.report.sections.pressure import blocks

VALID = {"grade": "valid"}
ANSWERS = {
    "compared": 400, "equal": 400, "verdict": "same", "left_out": ["id", "took_ms"],
    "changed_at_most": 0.0075,
}  # fmt: skip
OVERLOAD = {
    "offered_per_s": 200.0, "goodput_per_s": 13.0, "goodput_ratio": 0.13, "shed_ratio": 0.0,
    "watched_s": 6.1, "recovery_s": 5.65,
}  # fmt: skip
LOSS = {"of": 2, "offered_per_s": 80.0, "requests": 320, "failed": 3, "watched_s": 15.0, "recovery_s": None}


def said(run: dict[str, Any]) -> str:
    found = blocks(read_run(run))
    assert all(isinstance(block, Heading | Paragraph) for block in found)
    return " ".join(plain(block.text) for block in found if isinstance(block, Paragraph))


def test_answers_that_are_the_same_are_so_within_what_was_compared() -> None:
    text = said({"run": VALID, "answers": ANSWERS})
    assert "400 answers under load were held against those at rest; all say the same" in text
    assert "at most 0.75" in text
    assert "Left out, because it differs at rest too: id, took_ms." in text


def test_answers_that_differ_say_where() -> None:
    text = said(
        {
            "run": VALID,
            "answers": {"compared": 400, "equal": 390, "verdict": "changed", "different": ["score"]},
        }
    )
    assert "10 of 400 answers under load differ from those at rest in score" in text


def test_too_many_requests_and_a_death_are_told_in_numbers() -> None:
    text = said({"run": VALID, "overload": OVERLOAD, "loss": LOSS})
    assert "Offered 200 requests/s, it answered 13 a second well and in time" in text
    assert "back 5.65\xa0s after the spike" in text
    assert "One of 2 processes was killed at 80 requests/s: 3 of 320\xa0requests failed." in text
    assert "not back 15\xa0s after its death" in text


@pytest.mark.parametrize(
    "run",
    [
        {"run": {"grade": "client_limited"}, "overload": OVERLOAD, "loss": LOSS},
        {"run": VALID, "overload": OVERLOAD | {"fault": "the load process used 0.99 of one core"}},
        {"run": VALID, "answers": ANSWERS | {"verdict": "not_comparable"}},
        {"run": VALID, "answers": 7, "overload": [1], "loss": "x"},
        {"run": VALID, "overload": OVERLOAD | {"goodput_per_s": float("nan")}, "loss": {"of": "two"}},
    ],
)
def test_what_is_spoilt_or_damaged_is_not_told(run: dict[str, Any]) -> None:
    assert said(run) == ""


def test_names_that_are_none_are_left_out() -> None:
    assert "Left out" not in said({"run": VALID, "answers": ANSWERS | {"left_out": 5}})
    assert "too: id." in said({"run": VALID, "answers": ANSWERS | {"left_out": ["id", 3]}})
