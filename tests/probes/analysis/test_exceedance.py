"""Where a share of misses crosses what is allowed: the parts by hand, the whole on curves that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from probes.analysis.exceedance import (
    Block,
    cluster_dispersion,
    cluster_sizes,
    expected_crossing,
    fit_crossing,
    pearson_dispersion,
)


def test_misses_near_each_other_are_one_cluster() -> None:
    assert cluster_sizes(np.array([0.0, 0.1, 0.3, 2.0, 9.0, 9.4]), 0.5) == (3, 1, 2)
    assert cluster_sizes(np.array([]), 0.5) == ()


def test_dispersions_are_those_worked_out_by_hand() -> None:
    """(1 + 1 + 4 + 100) / 14; and of six blocks with 58 misses Pearson's χ² over 5, as of Poisson counts."""
    assert cluster_dispersion([1, 1, 2, 10]) == pytest.approx(106 / 14)
    missed = np.array([8.0, 14.0, 9.0, 5.0, 12.0, 10.0])
    expected = np.full(6, missed.mean())
    found = pearson_dispersion(missed, expected, expected, parameters=1)
    assert found == pytest.approx(1.0207, abs=5e-5)


def test_heavy_traffic_is_exact_for_exponential_service_seen_whole() -> None:
    """M/M/1: the response time is exponential with rate μ − λ, so that p99 = 100 ms at 100 − ln(100)/0.1."""
    found = expected_crossing(100.0, 1.0, 0.0, 0.1, 0.01)
    assert found == pytest.approx(100 - math.log(100) / 0.1)
    assert expected_crossing(100.0, 1.0, 0.0, math.inf, 0.01) == 100.0
    assert expected_crossing(100.0, 1.0, 0.2, 0.1, 0.01) == 100.0, "a limit under the service: nothing known"


def blocks_of(seed: int, crossing: float, slope: float, rates: list[float]) -> list[Block]:
    """Four blocks of 4 s at each rate, with independent misses by a logistic curve, 1 % at `crossing`."""
    random = np.random.default_rng(seed)
    found = []
    for rate in rates:
        share = 1 / (1 + math.exp(-(math.log(0.01 / 0.99) + slope * math.log(rate / crossing))))
        for _ in range(4):
            requests = int(random.poisson(rate * 4))
            missed = int(random.binomial(requests, share))
            found.append(Block(rate, requests, missed, (1,) * missed))
    return found


def test_the_interval_holds_the_crossing_of_a_known_curve() -> None:
    """60 draws; 95 % of them is 57, and fewer than 52 has a chance below 2 %."""
    rates = [450.0, 480.0, 500.0, 520.0, 550.0]
    held = 0
    for seed in range(60):
        found = fit_crossing(blocks_of(seed, 500.0, 25.0, rates), 0.01)
        assert found is not None
        assert found.surely[0] <= found.low <= found.rate <= found.high <= found.surely[1]
        held += found.low <= 500.0 <= found.high
    assert held >= 52


def test_more_blocks_say_it_closer() -> None:
    few, many = (blocks_of(1, 500.0, 25.0, [470.0, 500.0, 530.0] * times) for times in (1, 8))
    found = [fit_crossing(blocks, 0.01) for blocks in (few, many)]
    width = [one.high - one.low for one in found if one is not None]
    assert width[1] < 0.7 * width[0]
    assert found[1] is not None
    assert found[1].rate == pytest.approx(500, rel=0.02)


def test_nothing_missed_says_nothing_but_what_a_queue_must_do() -> None:
    """Without the highest throughput there is no curve; with it one that keeps below it, and above 0."""
    kept = [Block(100.0, 400, 0), Block(120.0, 480, 0)]
    assert fit_crossing(kept, 0.01) is None
    found = fit_crossing(kept, 0.01, saturation=200.0, expected=170.0)
    assert found is not None
    assert 0 < found.low < 170 < found.high < 300
    higher = fit_crossing([*kept, Block(185.0, 3_000, 0)], 0.01, saturation=200.0, expected=170.0)
    assert higher is not None
    assert higher.rate > found.rate
    assert higher.low > found.low


def test_a_median_has_a_crossing_too() -> None:
    """Half may miss: from there to saturation the curve still rises."""
    blocks = [Block(50.0, 400, 40), Block(90.0, 720, 500)]
    found = fit_crossing(blocks, 0.5, saturation=100.0, expected=80.0)
    assert found is not None
    assert 50 < found.rate < 90


def test_what_is_alike_within_a_step_does_not_count_as_many() -> None:
    """Steps at one rate of which each is all good or all bad: blocks agree with each other, steps do not."""
    bad, good = [8, 8, 8, 8], [0, 0, 0, 0]

    def steps(*missed: list[int]) -> list[Block]:
        return [Block(100.0 + step, 400, x, (x,) if x else ()) for step, of in enumerate(missed) for x in of]

    mixed = fit_crossing(steps(good, bad, good, bad, bad, good), 0.01, 130.0, 110.0)
    even = fit_crossing(steps(*[[4, 4, 4, 4]] * 6), 0.01, 130.0, 110.0)
    assert mixed is not None
    assert even is not None
    assert mixed.dispersion > 2 * even.dispersion or mixed.high / mixed.low > 1.2 * even.high / even.low
