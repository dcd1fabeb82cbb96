"""Durations: exact up to a million, within 0.1 % beyond, in memory that stops growing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.analysis.percentiles import latency_summary
from probes.load import durations
from probes.load.durations import Durations

MS = 1_000_000
NS = st.integers(0, 10**11)


@given(st.lists(st.lists(NS, max_size=40), max_size=8))
def test_few_are_exact_however_they_came(parts: list[list[int]]) -> None:
    kept = Durations()
    for part in parts:
        kept.add(np.array(part, np.int64))
    whole = np.array([value for part in parts for value in part], np.int64)
    assert len(kept) == len(whole)
    assert kept.values.tolist() == whole.tolist()
    assert kept.summary() == latency_summary(whole)
    for q in (0.5, 0.99):
        if len(whole):
            assert kept.quantile(q) == np.sort(whole)[int(np.ceil(q * len(whole) - 1e-9)) - 1]


def test_more_than_a_million_are_counted_within_a_thousandth() -> None:
    """Exponential times of 5 ms, and a slow mode of one in a hundred: against all of them in order."""
    generator = np.random.default_rng(1)
    values = generator.exponential(5 * MS, 1_200_000) * generator.choice([1, 40], 1_200_000, p=[0.99, 0.01])
    values = values.astype(np.int64)
    kept = Durations()
    for part in np.array_split(values, 7):
        kept.add(part)
    exact = latency_summary(values)
    assert kept.summary().keys() == exact.keys() >= {"p50", "p999", "p99_low", "p99_high"}
    assert kept.summary() == pytest.approx(exact, rel=1e-3)
    assert kept.summary()["max"] == exact["max"]
    assert kept.summary()["mean"] == pytest.approx(exact["mean"], rel=1e-12)
    assert kept.quantile(0.99) == pytest.approx(exact["p99"] * MS, rel=1e-3)
    assert kept.histogram().total == len(kept) == 1_200_000
    with pytest.raises(ValueError, match="no longer kept"):
        _ = kept.values


def test_memory_stops_growing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "EXACT", 100)
    kept = Durations(np.arange(60))
    assert len(kept.values) == 60
    kept.add(np.arange(60))
    assert kept._parts == []
    assert kept.histogram().total == 120
    assert kept.quantile(1.0) == 59


def test_of_nothing_nothing_is_said() -> None:
    assert Durations().summary() == {}
    assert len(Durations().values) == 0
    with pytest.raises(ValueError, match="no quantile"):
        Durations().quantile(0.5)


def test_variability_is_one_for_exponential_times_and_zero_for_equal_ones() -> None:
    exponential = np.random.default_rng(1).exponential(5e6, 200_000).astype(np.int64)
    assert Durations(exponential).variability == pytest.approx(1.0, rel=0.02)
    assert Durations(np.full(9, 5_000_000, np.int64)).variability == 0.0
    assert Durations(np.array([5_000_000])).variability is None
