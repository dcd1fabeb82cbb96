"""Percentiles and shares: the published figures, the definitions, and the coverage they promise."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.analysis import percentiles
from probes.analysis.percentiles import (
    PERCENTILES,
    binomial_interval,
    binomial_upper,
    early_stopping_requests,
    interval_ranks,
    latency_summary,
    latency_summary_from_histogram,
    quantile,
    smallest_sample,
)
from probes.load.histogram import Histogram


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(at most k of n), summed term by term."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize(("q", "n"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3_688)])
def test_the_smallest_sample_is_the_first_whose_extremes_bound_the_quantile(q: float, n: int) -> None:
    assert smallest_sample(q) == n
    assert max(q, 1 - q) ** n <= 0.025 < max(q, 1 - q) ** (n - 1)
    assert smallest_sample(1 - q) == n
    assert interval_ranks(n, q) is not None
    assert interval_ranks(n - 1, q) is None


def test_the_ranks_of_p99_of_a_thousand() -> None:
    assert interval_ranks(1_000, 0.99) == (983, 997)


@settings(deadline=None)
@given(st.integers(6, 900), st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_ranks_are_the_tightest_whose_tails_are_small_enough(n: int, q: float, confidence: float) -> None:
    ranks = interval_ranks(n, q, confidence)
    if ranks is None:
        assert n < smallest_sample(q, confidence)
        return
    low, high = ranks
    tail = (1 - confidence) / 2
    # the value of rank r is above the quantile when fewer than r values are at or below it
    assert binomial_cdf(low - 1, n, q) <= tail < binomial_cdf(low, n, q)
    assert 1 - binomial_cdf(high - 1, n, q) <= tail + 1e-12
    assert 1 - binomial_cdf(high - 2, n, q) > tail - 1e-12
    assert 1 <= low <= math.ceil(q * n) <= high <= n


def test_the_interval_covers_the_true_p99_as_often_as_it_says() -> None:
    n, runs = 1_000, 4_000
    low, high = interval_ranks(n, 0.99) or (0, 0)
    # the true coverage, and a simulation of it whose standard error is 0.3 %
    exact = binomial_cdf(high - 1, n, 0.99) - binomial_cdf(low - 1, n, 0.99)
    assert 0.95 <= exact < 0.98  # ranks are whole, and both tails at most 2.5 %
    ordered = np.sort(np.random.default_rng(5).exponential(1.0, (runs, n)), axis=1)
    truth = -math.log(0.01)
    covered = ((ordered[:, low - 1] <= truth) & (truth <= ordered[:, high - 1])).mean()
    assert covered == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_share_outside_of_0_and_1_is_refused(bad: float) -> None:
    for refuse in (
        lambda: smallest_sample(bad),
        lambda: smallest_sample(0.5, bad),
        lambda: interval_ranks(1_000, bad),
        lambda: interval_ranks(1_000, 0.5, bad),
        lambda: binomial_interval(1, 2, bad),
        lambda: binomial_upper(1, 2, bad),
        lambda: early_stopping_requests(bad, 0),
        lambda: early_stopping_requests(0.9, 0, bad),
    ):
        with pytest.raises(ValueError, match="between 0 and 1"):
            refuse()


@pytest.mark.parametrize(
    ("q", "expected"),
    [(0.0, 1), (0.01, 1), (0.07, 7), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1, 100)],
)
def test_a_quantile_is_the_order_statistic_of_rank_ceil_qn(q: float, expected: int) -> None:
    assert quantile(np.arange(1, 101), q) == expected


def test_a_quantile_of_nothing_or_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="empty sample"):
        quantile(np.array([], np.float64), 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile(np.array([1.0]), 1.1)


@pytest.mark.parametrize(
    ("n", "names"),
    [
        (1, {"max", "mean"}),
        (5, {"max", "mean"}),
        (6, {"max", "mean", "p50"}),
        (36, {"max", "mean", "p50", "p90"}),
        (72, {"max", "mean", "p50", "p90", "p95"}),
        (367, {"max", "mean", "p50", "p90", "p95"}),
        (368, {"max", "mean", "p50", "p90", "p95", "p99", "p99_low", "p99_high"}),
        (3_688, {"max", "mean", *PERCENTILES, "p99_low", "p99_high"}),
    ],
)
def test_a_percentile_is_absent_below_its_smallest_sample(n: int, names: set[str]) -> None:
    assert set(latency_summary(np.full(n, 5_000_000))) == names


def test_nothing_measured_is_nothing_said() -> None:
    assert latency_summary(np.array([], np.int64)) == {}
    assert latency_summary_from_histogram(lambda q: 1.0, 0, 0.0, 0.0) == {}


def test_a_summary_is_exact_and_in_milliseconds() -> None:
    durations = np.random.default_rng(1).permutation(np.arange(1, 10_001)) * 1_000_000  # 1 … 10,000 ms
    low, high = interval_ranks(10_000, 0.99) or (0, 0)
    assert latency_summary(durations) == {
        "p50": 5_000, "p90": 9_000, "p95": 9_500, "p99": 9_900, "p999": 9_990,
        "p99_low": low, "p99_high": high, "max": 10_000, "mean": 5_000.5,
    }  # fmt: skip


def test_a_summary_leaves_the_durations_alone() -> None:
    durations = np.array([3, 1, 2] * 200)
    before = durations.copy()
    latency_summary(durations)
    assert (durations == before).all()


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=800))
def test_percentiles_never_fall_and_never_pass_the_maximum(values: list[int]) -> None:
    summary = latency_summary(np.array(values))
    found = [summary[name] for name in PERCENTILES if name in summary]
    assert found == sorted(found)
    assert all(value <= summary["max"] for value in summary.values())
    if "p99" in summary:
        assert summary["p99_low"] <= summary["p99"] <= summary["p99_high"]


def test_a_stall_shows_in_the_percentiles_that_it_must() -> None:
    # LOAD-ENGINE: 100/s for 10 s, 5 ms of service, a stall of 2 s, every request counted from its due time
    due = np.arange(1_000) * 10_000_000
    stalled = np.maximum(2_000_000_000 - due, 0)
    summary = latency_summary(stalled + 5_000_000)
    for name, seconds in (("p90", 1.0), ("p95", 1.5), ("p99", 1.9), ("max", 2.0)):
        assert summary[name] == pytest.approx(seconds * 1e3, abs=16)
    assert summary["p50"] == 5


def test_a_summary_from_a_histogram_agrees_within_its_error() -> None:
    durations = np.random.default_rng(3).exponential(5e6, 200_000).astype(np.int64)
    exact = latency_summary(durations)
    histogram = Histogram.of(durations)
    found = latency_summary_from_histogram(
        histogram.quantile, histogram.total, float(durations.max()), float(durations.mean())
    )
    assert found == pytest.approx(exact, rel=1e-3)
    assert found["max"] == exact["max"]


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=500))
def test_a_summary_from_a_histogram_asks_for_the_same_ranks(values: list[int]) -> None:
    ordered = np.sort(np.array(values))
    asked = latency_summary_from_histogram(
        lambda q: quantile(ordered, q), len(values), float(ordered[-1]), float(ordered.mean())
    )
    assert asked == pytest.approx(latency_summary(ordered))


def test_a_histogram_gives_no_percentile_above_the_maximum() -> None:
    durations = np.full(4_000, 1_000_001)
    found = latency_summary_from_histogram(Histogram.of(durations).quantile, 4_000, 1_000_001.0, 1_000_001.0)
    assert max(found.values()) == found["max"]


def test_no_error_in_a_thousand_leaves_three_in_a_thousand_possible() -> None:
    assert binomial_upper(0, 1_000) == pytest.approx(1 - 0.05 ** (1 / 1_000), rel=1e-12)
    assert round(binomial_upper(0, 1_000), 5) == 0.00299
    assert binomial_interval(0, 1_000) == (0.0, pytest.approx(1 - 0.025 ** (1 / 1_000), rel=1e-12))


def test_an_exact_interval_solves_its_own_definition() -> None:
    # Clopper & Pearson: at the lower bound k or more, at the upper k or fewer, is as unlikely as half of 5 %
    for k, n in ((1, 10), (3, 20), (10, 200), (199, 200)):
        low, high = binomial_interval(k, n)
        assert 1 - binomial_cdf(k - 1, n, low) == pytest.approx(0.025, rel=1e-9)
        assert binomial_cdf(k, n, high) == pytest.approx(0.025, rel=1e-9)
        assert binomial_cdf(k, n, binomial_upper(k, n)) == pytest.approx(0.05, rel=1e-9)


def test_the_ends_of_an_exact_interval() -> None:
    assert binomial_interval(10, 10) == (pytest.approx(0.025 ** (1 / 10)), 1.0)
    assert binomial_upper(10, 10) == 1.0
    assert binomial_interval(0, 0) == (0.0, 1.0)
    assert binomial_upper(0, 0) == 1.0


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_a_count_that_is_no_part_of_a_whole_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a count"):
        binomial_interval(k, n)
    with pytest.raises(ValueError, match="not a count"):
        binomial_upper(k, n)


@pytest.mark.parametrize(
    ("q", "requests"), [(0.9, [44, 64, 81]), (0.95, [90, 130, 165]), (0.99, [459, 662, 838, 1_001])]
)
def test_early_stopping_by_mlperfs_rule(q: float, requests: list[int]) -> None:
    assert [early_stopping_requests(q, over) for over in range(len(requests))] == requests


@pytest.mark.parametrize(("q", "over"), [(0.9, 0), (0.9, 5), (0.99, 2), (0.5, 10), (0.999, 1)])
def test_early_stopping_is_the_fewest_requests_that_the_binomial_allows(q: float, over: int) -> None:
    # had the quantile not been held, so few of n over it would have had a chance of at most 1 %
    n = early_stopping_requests(q, over)
    assert binomial_cdf(over, n, 1 - q) <= 0.01 + 1e-12
    assert binomial_cdf(over, n - 1, 1 - q) > 0.01


def test_a_negative_number_over_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        early_stopping_requests(0.99, -1)


def test_the_analysis_loads_scipy_only_when_it_computes() -> None:
    folder = Path(percentiles.__file__).parent
    names = [path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "exceedance")]
    script = (
        f"import sys; import {', '.join('probes.analysis.' + name for name in sorted(names))}; "
        "print([name for name in sys.modules if name.split('.')[0] == 'scipy'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=folder.parents[1], check=True
    )
    assert ran.stdout.strip() == "[]"
