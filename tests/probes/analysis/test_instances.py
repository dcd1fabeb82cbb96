"""Whether instances agree, and whether their throughput adds up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from probes.analysis.answers import values_of
from probes.analysis.instances import Together, agreement


def said(*documents: str) -> list[object]:
    return [values_of(document.encode()) for document in documents]


def test_instances_agree_apart_from_who_answered() -> None:
    first = said('{"score": 0.5, "pid": 1, "took_ms": 3}', '{"score": 0.5, "pid": 1, "took_ms": 4}')
    second = said('{"score": 0.50000001, "pid": 2, "took_ms": 3}', '{"score": 0.5, "pid": 2, "took_ms": 9}')
    found = agreement([first, second])  # type: ignore[list-item]
    assert (found.verdict, found.compared, found.left_out) == ("same", 4, ("pid", "took_ms"))


def test_instances_that_predict_differently_are_told_where() -> None:
    one, other = said('{"score": 1}', '{"score": 1}'), said('{"score": 2}', '{"score": 2}')
    found = agreement([one, other])  # type: ignore[list-item]
    assert (found.verdict, found.different) == ("changed", ("score",))


@pytest.mark.parametrize(
    "answers",
    [
        [said("1", "1"), said("1")],
        [said("1", "1")],
        [said("", ""), said("", "")],
        [said('{"score": 1}', '{"score": 2}'), said('{"score": 1}', '{"score": 1}')],
    ],
)
def test_without_two_steady_answers_of_each_there_is_no_verdict(answers: list[list[object]]) -> None:
    found = agreement(answers)  # type: ignore[arg-type]
    assert found.verdict == "not_comparable"
    assert found.reason


def test_the_sum_is_what_each_carries_alone() -> None:
    whole = Together((100.0, 60.0), 120.0, 8, 900, 0.5)
    assert whole.sum_ratio == pytest.approx(120 / 160)
    assert not whole.machine_was_full
    assert replace(whole, machine_busy=0.95).machine_was_full
    assert Together((0.0, 0.0), 0.0, 1, 0, None).sum_ratio is None
