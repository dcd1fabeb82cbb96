"""The law of cost by size: named where it can be told, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.analysis.volume import LAWS, check_sizes, fit_volume

SIZES = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256], np.float64)
TRUTHS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1": lambda n: 3 + 0 * n,
    "log n": lambda n: 1 + np.log(n),
    "n": lambda n: 20 + 3 * n,
    "n log n": lambda n: 2 + n * np.log(n),
    "n^2": lambda n: 30 + 0.1 * n**2,
    "n^3": lambda n: 100 + 0.001 * n**3,
}
POWERS = {"n": 1.0, "n^2": 2.0, "n^3": 3.0}


def noisy(law: str, seed: int, share: float, sizes: np.ndarray = SIZES) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(len(sizes))
    return TRUTHS[law](sizes) * np.exp(share * noise)


@pytest.mark.parametrize("law", LAWS)
def test_each_law_is_named_from_exact_costs(law: str) -> None:
    found = fit_volume(SIZES, TRUTHS[law](SIZES))
    assert (found.law, found.between, found.refused) == (law, None, None)
    if law in POWERS:
        assert found.exponent == pytest.approx(POWERS[law], abs=0.05)


@pytest.mark.parametrize("law", LAWS)
def test_each_law_is_named_through_noise_of_two_percent(law: str) -> None:
    """A wrong name is a defect, "between" is an answer: over 12 draws none is wrong and most are named."""
    found = [fit_volume(SIZES, noisy(law, seed, 0.02)) for seed in range(12)]
    assert {one.law for one in found} <= {law, None}
    assert sum(one.law == law for one in found) >= 10


@pytest.mark.parametrize("law", POWERS)
def test_the_interval_of_the_exponent_holds_the_true_one(law: str) -> None:
    found = [fit_volume(SIZES, noisy(law, seed, 0.05)) for seed in range(25)]
    held = [(one.low or 0.0) <= POWERS[law] <= (one.high or 4.0) for one in found]
    assert sum(held) >= 20  # of 25 at 95 %: fewer has a chance of 1 in 800
    assert all(one.low <= one.exponent <= one.high for one in found if one.low and one.high and one.exponent)


def test_a_fixed_cost_does_not_bend_the_exponent() -> None:
    """A straight line through the logarithms of 30 + n²/10 reads a slope of 1.2; what grows is n²."""
    costs = TRUTHS["n^2"](SIZES)
    line = np.polyfit(np.log(SIZES), np.log(costs), 1)[0]
    assert line < 1.5
    assert fit_volume(SIZES, costs).exponent == pytest.approx(2.0, abs=0.05)


def test_noise_that_hides_the_law_gives_two_names() -> None:
    """Of n and n·log n at 30 % noise nothing tells them apart."""
    found = [fit_volume(SIZES, noisy("n", seed, 0.3)) for seed in range(12)]
    assert sum(one.law is None for one in found) >= 9
    for one in found:
        if one.law is None:
            assert one.between is not None
            assert set(one.between) <= set(LAWS)
            assert one.to_json()["law"] == "between"
            assert one.ahead is not None
            assert one.ahead < 10


def test_constant_is_shown_and_not_assumed() -> None:
    hidden = [fit_volume(SIZES, noisy("1", seed, 0.4)) for seed in range(10)]
    assert all(one.law is None for one in hidden)  # it may as well grow by half


def test_falling_costs_are_no_law_of_growth() -> None:
    found = fit_volume(SIZES, 100 / SIZES)
    assert found.law is None
    assert "cost falls" in str(found.refused)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([1, 10, 100, 1_000, 10_000], "5 different sizes"),
        ([1, 1, 10, 10, 100, 100, 1_000], "4 different sizes"),
        ([0.5, 1, 2, 4, 8, 16, 64], "sizes count from 1"),
        ([], "0 different sizes"),
    ],
)
def test_too_few_sizes_are_refused_before_anything_is_measured(sizes: list[float], said: str) -> None:
    assert said in str(check_sizes(sizes))
    found = fit_volume(sizes, np.ones(len(sizes)))
    assert (found.law, found.refused) == (None, check_sizes(sizes))


@pytest.mark.parametrize("law", POWERS)
def test_less_than_two_decades_tell_an_exponent_and_no_law(law: str) -> None:
    found = fit_volume(SIZES[:7], noisy(law, 1, 0.02, SIZES[:7]))  # 1 to 64
    assert found.law is None
    assert found.between is not None
    assert law in found.between
    assert found.low is not None
    assert found.high is not None
    assert found.low <= POWERS[law] <= found.high


def test_enough_sizes_are_enough() -> None:
    assert check_sizes([1, 3, 10, 30, 60, 100]) is None


@pytest.mark.parametrize("costs", [[1.0] * 8, [0.0] * 9, [-1.0] * 9, [float("nan")] * 9])
def test_costs_that_cannot_be_are_a_mistake(costs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"each size needs|has to be over 0"):
        fit_volume(SIZES, costs)


@given(st.sampled_from(["n", "n^2"]), st.floats(1e-6, 1e6), st.permutations(range(len(SIZES))))
@settings(max_examples=8, deadline=None)
def test_neither_unit_nor_order_matters(law: str, unit: float, order: list[int]) -> None:
    costs = noisy(law, 3, 0.02)
    one, other = fit_volume(SIZES, costs), fit_volume(SIZES[order], costs[order] * unit)
    assert (one.law, one.exponent) == (other.law, other.exponent)
    assert all(first[0] <= second[0] for first, second in pairwise(other.points))
