"""Trends: published tests and slopes worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from probes.analysis.trend import attribute, kendall, median_slope, trend


def every(count: int) -> np.ndarray:
    return np.triu(np.ones((count, count), bool), 1)


def test_kendalls_score_and_variance_are_those_of_the_textbook() -> None:
    # n = 5, one pair of the ten is a fall: S = 9 - 1; Var(S) = n(n-1)(2n+5)/18 without ties.
    score, variance = kendall(np.array([1.0, 2.0, 3.0, 5.0, 4.0]), every(5))
    assert score == 8
    for count in (4, 5, 10, 12):
        assert kendall(np.arange(count, dtype=float), every(count)) == (
            count * (count - 1) / 2,
            pytest.approx(count * (count - 1) * (2 * count + 5) / 18),
        )
    assert variance == pytest.approx(5 * 4 * 15 / 18)


def test_the_p_value_is_the_normal_one_with_its_correction_for_continuity() -> None:
    found = trend(np.arange(10.0), np.arange(10.0), every(10))
    z = (45 - 1) / math.sqrt(10 * 9 * 25 / 18)
    assert found.p_value == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert trend(np.arange(10.0), np.zeros(10), every(10)).p_value == 1.0


def test_the_slope_is_the_median_of_the_slopes_of_all_pairs() -> None:
    # slopes of (0,0) (1,1) (2,4) (3,4): 1, 2, 4/3, 3, 3/2, 0 -> median of 0 1 4/3 3/2 2 3
    x, y = np.arange(4.0), np.array([0.0, 1.0, 4.0, 4.0])
    assert median_slope(x, y, every(4)) == pytest.approx((4 / 3 + 3 / 2) / 2)
    far_out = np.array([0.0, 1.0, 2.0, 3.0, 400.0])
    assert median_slope(np.arange(5.0), far_out, every(5)) < 2, "one outlier does not carry the slope away"


def test_only_pairs_that_may_be_compared_count() -> None:
    pairs = every(4)
    pairs[:2, 2:] = False  # 0-1 and 2-3 are left
    y = np.array([0.0, 1.0, 100.0, 103.0])
    assert median_slope(np.arange(4.0), y, pairs) == pytest.approx(2.0)
    assert kendall(y, pairs) == (2.0, 2.0)


def test_without_a_pair_that_differs_there_is_no_slope_and_no_trend() -> None:
    found = trend(np.zeros(4), np.arange(4.0), every(4))
    assert (found.slope, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert median_slope(np.zeros(4), np.arange(4.0), every(4)) == 0.0


def test_the_interval_covers_the_true_slope_as_often_as_it_says() -> None:
    chance = np.random.default_rng(20260301)
    x, runs = np.arange(12.0), 1_000
    covered = sum(
        found.low <= 0.5 <= found.high
        for found in (trend(x, 0.5 * x + chance.standard_normal(12), every(12)) for _ in range(runs))
    )
    # 95 % and what is added for neighbours that look alike by chance; 3 standard errors are 2 points
    assert 0.93 <= covered / runs <= 0.995


def test_two_rates_tell_what_counts_from_what_runs() -> None:
    t = np.arange(12.0) * 10
    requests = np.cumsum(np.tile([0.0, 400.0], 6))
    for a_request, a_second in ((300.0, 0.0), (0.0, 50.0), (300.0, 50.0)):
        found = attribute(a_request * requests + a_second * t, (requests, t), every(12), 0.0)
        assert found is not None
        assert found[0].value == pytest.approx(a_request, abs=1e-6)
        assert found[1].value == pytest.approx(a_second, abs=1e-6)


def test_causes_that_always_went_together_cannot_be_told_apart() -> None:
    t = np.arange(12.0)
    assert attribute(3 * t, (40 * t, t), every(12), 0.0) is None
    assert attribute(3 * t, (np.zeros(12), t), every(12), 0.0) is None


def test_what_the_figure_may_be_off_widens_the_interval_by_no_less() -> None:
    t, requests = np.arange(12.0), np.cumsum(np.tile([0.0, 400.0], 6))
    y = 300.0 * requests
    found = attribute(y, (requests, t), every(12), 24_000.0)
    assert found is not None
    assert found[0].high - found[0].value >= 24_000.0 / np.ptp(requests) - 1e-9
