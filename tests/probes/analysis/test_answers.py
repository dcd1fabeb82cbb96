"""Answers held against those at rest: what counts as another answer, and when there is no verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes.analysis.answers import LEAST_COMPARED, differing, hold_answers, values_of


def answers(*documents: Any) -> list[Any]:
    return [values_of(json.dumps(document).encode()) for document in documents]


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}, set()),
        ({"a": 0.5}, {"a": 0.50004}, set()),  # 8e-5 of it: within the noise of single precision
        ({"a": 0.5}, {"a": 0.5001}, {"a"}),
        ({"a": 1}, {"a": 2}, {"a"}),
        ({"a": 1}, {"a": 1.0}, set()),
        ({"a": 1}, {"a": True}, {"a"}),
        ({"a": "x"}, {"a": None}, {"a"}),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"a[]", "a[2]"}),
        ({}, {"a": {}}, {"{}", "a{}"}),
        ([], {}, {"[]", "{}"}),
        (float("nan"), float("nan"), set()),
    ],
)
def test_answers_are_compared_value_by_value(one: Any, other: Any, paths: set[str]) -> None:
    first, second = answers(one, other)
    assert differing(first, second) == differing(second, first) == paths


def test_what_is_no_json_is_compared_as_it_is() -> None:
    assert differing(values_of(b"<p>1</p>"), values_of(b"<p>1</p>")) == set()
    assert differing(values_of(b"<p>1</p>"), values_of(b"<p>2</p>")) == {"body"}
    assert differing(values_of(b"[" * 100_000), values_of(b"[1]")) == {"body", "[]", "[0]"}


def test_what_differs_at_rest_too_is_left_out() -> None:
    """An id of each answer is none of the prediction; the prediction that differs is found in step 3."""
    before = answers({"score": 0.7, "id": "a", "n": 1}, {"score": 0.7, "id": "b", "n": 1})
    same = answers(*({"score": 0.7, "id": f"c{k}", "n": 1} for k in range(99)))
    other = answers({"score": 0.5, "id": "d", "n": 1})
    held = hold_answers(before, [*((1, one) for one in same), (3, other[0])], before)
    assert (held.verdict, held.compared, held.equal, held.in_steps) == ("changed", 100, 99, (3,))
    assert (held.varying, held.different) == (("id",), ("score",))
    assert held.changed_at_most is None
    held = hold_answers(before, [(1, one) for one in same], before)
    assert (held.verdict, held.compared, held.equal) == ("same", 99, 99)
    assert held.changed_at_most == pytest.approx(1 - 0.05 ** (1 / 99))  # 2.98 %


def test_no_verdict_without_ground() -> None:
    one, two = answers({"score": 0.7}, {"score": 0.5})
    many = [(0, one)] * LEAST_COMPARED
    assert hold_answers([one, one], many, [one]).verdict == "same"
    assert "20 are needed" in str(hold_answers([one, one], many[1:], [one]).reason)
    assert "differ at rest already, in score" in str(hold_answers([one, two], many, [one]).reason)
    empty = values_of(b"")
    assert "nothing to compare" in str(hold_answers([empty, empty], [(0, empty)] * 99, [empty]).reason)
    stuck = hold_answers([one, one], [*many, (1, two)], [two, two])
    assert (stuck.verdict, stuck.reason) == (
        "not_comparable", "at rest the answer is another one after the load, in score",
    )  # fmt: skip
    assert "was not asked at rest again" in str(hold_answers([one, one], [*many, (1, two)], []).reason)


def test_one_that_changed_is_enough() -> None:
    """Few answers are too few to say that none differs, never to say that one does."""
    one, two = answers({"score": 0.7}, {"score": 0.5})
    assert hold_answers([one, one], [(0, one), (0, two)], [one]).verdict == "changed"
