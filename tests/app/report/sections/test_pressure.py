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


OF_INSTANCES = {
    "what": "instance", "of": 2, "offered_per_s": 80.0, "requests": 800, "failed": 8, "watched_s": 6.0,
    "recovery_s": 0.05, "errors_s": 0.02, "carried": True, "because": None, "utilisation": 0.8,
    "before": {"requests": 320, "throughput_per_s": 80.0, "p95_ms": 21.0},
    "after": {"requests": 320, "throughput_per_s": 79.0, "p95_ms": 42.0},
}  # fmt: skip
INSTANCES = {
    "count": 2, "each": [{"address": "http://127.0.0.1:1/"}], "answers": {"verdict": "same", "compared": 6},
    "alone_per_s": [100.0, 100.0], "together_per_s": 130.0, "sum_ratio": 0.65, "machine_busy": 0.98,
}  # fmt: skip


def test_the_death_of_an_instance_says_whether_the_others_carried_the_load() -> None:
    text = said({"run": VALID, "loss": OF_INSTANCES})
    assert "One of 2 instances was killed at 80 requests/s: 8 of 800\xa0requests failed." in text
    assert "The last of them failed 0.02\xa0s after it." in text
    assert "carried the load within the objective, at 80\xa0% of the highest throughput that was left" in text
    assert "21\xa0ms before and 42\xa0ms after" in text
    less = OF_INSTANCES | {"carried": False, "because": "p95 was 900 ms, over 400 ms"}
    assert "did not carry the load within the objective, at 80\xa0% of the highest" in said(
        {"run": VALID, "loss": less}
    )
    unknown = OF_INSTANCES | {"carried": None, "because": "9 requests are too few for p95"}
    assert "is not known: 9 requests are too few for p95." in said({"run": VALID, "loss": unknown})


def test_instances_that_shared_a_full_machine_are_not_called_slow() -> None:
    text = said({"run": VALID, "instances": INSTANCES})
    assert "Together they carried 130 a second, 65\xa0% of what each carried alone in sum." in text
    assert "98\xa0% of the machine's processors were in use then" in text
    assert "All answered the same request alike." in text
    idle = INSTANCES | {"machine_busy": 0.3, "answers": {"verdict": "changed", "different": ["score"]}}
    text = said({"run": VALID, "instances": idle})
    assert "processors" not in text
    assert "They did not answer the same request alike, in score." in text


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
