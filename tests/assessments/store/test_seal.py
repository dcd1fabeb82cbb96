"""The hash is the same for what a database gives back, and another for everything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.store.seal import canonical, clean, seal_of

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(documents)
def test_the_hash_survives_storing_as_json(document: Any) -> None:
    assert seal_of(json.loads(json.dumps(clean(document)))) == seal_of(document)


@given(documents)
def test_what_is_cleaned_can_be_encoded_and_is_clean(document: Any) -> None:
    cleaned = clean(document)
    json.dumps(cleaned, ensure_ascii=False, allow_nan=False).encode()
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(("one", "other"), [(99, 99.0), (1e22, 10**22), (0.0, -0.0), ((1, 2), [1, 2])])
def test_what_databases_do_not_tell_apart_has_one_hash(one: Any, other: Any) -> None:
    assert seal_of(one) == seal_of(other)


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), ("1", 1), (None, ""), ([], {}), (0.1, 0.1 + 1e-16), ("a", "A")]
)
def test_what_differs_has_another_hash(one: Any, other: Any) -> None:
    if one != other or type(one) is not type(other):
        assert seal_of(one) != seal_of(other)


def test_parts_do_not_run_together() -> None:
    assert seal_of("ab", "c") != seal_of("a", "bc")


def test_keys_are_sorted_and_times_are_in_utc() -> None:
    assert canonical({"b": 1, "a": 2.5}) == b'{"a":2.5,"b":1}'
    east = timezone(timedelta(hours=5))
    assert seal_of(datetime(2026, 3, 1, 17, tzinfo=east)) == seal_of(datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_numbers_of_numpy_become_plain_ones() -> None:
    cleaned = clean({"a": numpy.float64(1.5), "b": numpy.int64(7), "c": numpy.float32("nan")})
    assert cleaned == {"a": 1.5, "b": 7, "c": None}
    assert [type(value) for value in cleaned.values()] == [float, int, type(None)]


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be stored"):
        clean({"a": object()})
