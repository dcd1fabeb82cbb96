"""Percentiles and shares, each with how much it can be trusted.

A percentile is an order statistic: the p-quantile of n durations is the one of rank ceil(p·n). Its interval
is a pair of order statistics too, and needs no assumption on the shape of the distribution: the number of
durations at or below the true quantile is binomial(n, p) (David & Nagaraja, Order Statistics, 3rd ed., 7.1).
Below a smallest number of requests no such pair exists, and the percentile is left out instead of guessed.

All intervals here assume independent requests. Exceedances that come in clusters carry less information;
whoever judges them divides n by their dispersion first.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
"""The percentiles of a `response_ms` object by their names."""

_NS_PER_MS = 1e6


def smallest_sample(q: float, confidence: float = 0.95) -> int:
    """The fewest requests from which the q-quantile has a two-sided interval at all.

    The largest of n values lies below the q-quantile with probability qⁿ, the smallest above it with
    (1 - q)ⁿ; both must be at most half of 1 - confidence: p50 6, p90 36, p95 72, p99 368, p99.9 3,688.
    Raises `ValueError` unless q and confidence lie between 0 and 1.
    """
    _check_share("q", q)
    _check_share("confidence", confidence)
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(q, 1 - q)))


def interval_ranks(n: int, q: float, confidence: float = 0.95) -> tuple[int, int] | None:
    """The 1-based ranks of the order statistics that bound the q-quantile of n values, or None.

    Two-sided and equal-tailed: each bound errs with a probability of at most (1 - confidence)/2. For p99 of
    1,000 values it is (983, 997). None when n is below `smallest_sample(q, confidence)`.
    Raises `ValueError` for a q or confidence not between 0 and 1.
    """
    if n < smallest_sample(q, confidence):
        return None
    from scipy.special import bdtr, bdtrc

    tail = (1 - confidence) / 2
    # The value of rank r lies above the quantile exactly when fewer than r values are at or below it.
    low = bisect_left(range(n), True, key=lambda rank: bool(bdtr(rank, n, q) > tail))
    high = bisect_left(range(n), True, key=lambda rank: bool(bdtrc(rank, n, q) <= tail)) + 1
    return low, high


def rank_of(n: int, q: float) -> int:
    """The 1-based rank ceil(q·n) of the q-quantile of n values, at least 1."""
    return max(1, math.ceil(q * n - 1e-9))  # .07 · 100 is 7.000000000000001


def quantile(sorted_values: NDArray[np.int64] | NDArray[np.float64], q: float) -> float:
    """The q-quantile of values in rising order: the order statistic of rank ceil(q·n), in their unit.

    Raises `ValueError` when there is none, or when q is not between 0 and 1 (0 and 1 themselves are allowed).
    """
    if not len(sorted_values):
        raise ValueError("an empty sample has no quantile")
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    return float(sorted_values[rank_of(len(sorted_values), q) - 1])


def latency_summary(durations_ns: NDArray[np.int64]) -> dict[str, float]:
    """CONTRACT's `response_ms` object, in ms, from durations in ns of shape (n,), in any order.

    p50 p90 p95 p99 p999, each absent below its `smallest_sample`; p99_low and p99_high, its 95 % interval;
    max and mean. Exact. Nothing at all ({}) from no durations.
    """
    n = len(durations_ns)
    if not n:
        return {}
    places = sorted({rank - 1 for rank in _ranks(n).values()})
    ordered = np.partition(durations_ns, places) if places else durations_ns
    return _summary(
        n, lambda rank: float(ordered[rank - 1]), float(durations_ns.max()), float(durations_ns.mean())
    )


def latency_summary_from_histogram(
    quantile_ns: Callable[[float], float], total: int, max_ns: float, mean_ns: float
) -> dict[str, float]:
    """The same object from a histogram of `total` durations, for more of them than one would keep.

    `quantile_ns(q)` gives the duration (ns) of rank ceil(q·total), within the histogram's error; max and mean
    are counted exactly beside it. A quantile is never given above the maximum.
    """
    if not total:
        return {}
    # half a rank lower, so that rounding in q·total cannot reach the next rank
    return _summary(total, lambda rank: min(quantile_ns((rank - 0.5) / total), max_ns), max_ns, mean_ns)


def _ranks(n: int) -> dict[str, int]:
    """The ranks of everything that n requests can support, by its name in the `response_ms` object."""
    ranks = {name: rank_of(n, q) for name, q in PERCENTILES.items() if n >= smallest_sample(q)}
    bounds = interval_ranks(n, PERCENTILES["p99"])
    return ranks if bounds is None else ranks | {"p99_low": bounds[0], "p99_high": bounds[1]}


def _summary(n: int, value_at: Callable[[int], float], max_ns: float, mean_ns: float) -> dict[str, float]:
    values = {name: value_at(rank) for name, rank in _ranks(n).items()}
    return {name: value / _NS_PER_MS for name, value in (values | {"max": max_ns, "mean": mean_ns}).items()}


def binomial_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided exact interval (Clopper & Pearson 1934) of a share of which k in n were seen.

    From nothing (n = 0) it is (0, 1). Raises `ValueError` unless 0 ≤ k ≤ n and 0 < confidence < 1.
    """
    _check_counts(k, n)
    _check_share("confidence", confidence)
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return low, high


def binomial_upper(k: int, n: int, confidence: float = 0.95) -> float:
    """One-sided exact upper bound of a share of which k in n were seen: 0 in 1,000 → .00299.

    1 when k = n. Raises `ValueError` unless 0 ≤ k ≤ n and 0 < confidence < 1.
    """
    _check_counts(k, n)
    _check_share("confidence", confidence)
    from scipy.special import betaincinv

    return float(betaincinv(k + 1, n - k, confidence)) if k < n else 1.0


def early_stopping_requests(q: float, over: int, confidence: float = 0.99) -> int:
    """The fewest requests that prove a bound on the q-quantile when `over` of them exceeded it.

    n = h + over with the smallest h for which I_q(h, over + 1) ≤ 1 - confidence, I the regularised incomplete
    beta function: MLPerf's early stopping (MLPerf Inference rules, appendix "Early stopping criterion") with
    tolerance d = 0. p99: 459, 662, 838, 1,001 for 0 to 3 over. Dependent exceedances need more: multiply by
    their dispersion. Raises `ValueError` for a q or confidence not between 0 and 1, or a negative `over`.
    """
    _check_share("q", q)
    _check_share("confidence", confidence)
    if over < 0:
        raise ValueError(f"a count cannot be negative, and {over} is")
    from scipy.special import betainc

    def proven(held: int) -> bool:
        return bool(betainc(held, over + 1, q) <= 1 - confidence)

    enough = 1
    while not proven(enough):
        enough *= 2
    return over + bisect_left(range(enough), True, lo=1, key=proven)


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, and {value} does not")


def _check_counts(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a count out of a whole")
