"""When requests prove a bound: MLPerf's counts, clusters of misses, and the requests that are missing."""

from __future__ import annotations

import numpy as np
import pytest

from probes.analysis.proof import dispersion, prove


def times(n: int, over: int) -> np.ndarray:
    """n times of 10 ms, of which `over`, spread evenly, are 100 ms."""
    found = np.full(n, 10.0)
    found[(np.arange(over) * n // max(over, 1) + n // (2 * max(over, 1))) % n] = 100.0
    return found


@pytest.mark.parametrize(("over", "needed"), [(0, 459), (1, 662), (2, 838), (3, 1_001)])
def test_the_published_counts_of_p99_are_where_proof_begins(over: int, needed: int) -> None:
    """MLPerf Inference, early stopping at 99 %: p99 with 0 to 3 over."""
    assert prove(times(needed, over), "p99", 0.99, 50.0).proven
    before = prove(times(needed - 1, over), "p99", 0.99, 50.0)
    assert not before.proven
    assert before.more_requests is not None
    assert before.more_requests >= 1


def test_what_is_missing_is_named_and_proves_it() -> None:
    found = prove(times(100, 0), "p99", 0.99, 50.0)
    assert (found.proven, found.more_requests) == (False, 359)
    assert prove(times(100 + 359, 0), "p99", 0.99, 50.0).more_requests == 0
    half = prove(times(1_000, 5), "p99", 0.99, 50.0)  # half of what is allowed
    assert half.more_requests is not None
    again = 1_000 + half.more_requests
    assert prove(times(again, round(again * 0.005)), "p99", 0.99, 50.0).proven


def test_no_number_of_requests_proves_what_is_broken() -> None:
    assert prove(times(1_000, 20), "p99", 0.99, 50.0).more_requests is None
    assert prove(np.zeros(0), "p99", 0.99, 50.0).proven is False


def test_misses_in_clusters_tell_less() -> None:
    """Forty misses, one by one at random and in two bursts of twenty."""
    generator = np.random.default_rng(3)
    single = np.zeros(10_000, bool)
    single[generator.choice(10_000, 40, replace=False)] = True
    bursts = np.zeros(10_000, bool)
    bursts[3_000:3_020] = bursts[7_000:7_020] = True
    assert dispersion(single) < 2
    assert dispersion(bursts) > 10
    assert prove(np.where(single, 100.0, 10.0), "p99", 0.99, 50.0).proven
    assert not prove(np.where(bursts, 100.0, 10.0), "p99", 0.99, 50.0).proven


@pytest.mark.parametrize("share", [0.0105, 0.02])
def test_a_broken_bound_is_called_proven_in_one_of_a_hundred_at_most(share: float) -> None:
    generator = np.random.default_rng(7)
    wrong = sum(
        prove(np.where(generator.random(2_000) < share, 100.0, 10.0), "p99", 0.99, 50.0).proven
        for _ in range(600)
    )
    assert wrong <= 14  # of 600 at 1 %: more has a chance of 1 in 1,000
