"""The steady part of a run: found where it begins, denied where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.analysis.steady import steady_from


def noise(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, n)


def test_a_steady_series_is_steady_from_its_start_or_near_it() -> None:
    starts = [steady_from(50 + noise(500, seed)) for seed in range(200)]
    assert sum(start is None for start in starts) <= 4  # under 1 % is said; 4 of 200 leave room for chance
    assert np.median([start for start in starts if start is not None]) == 0


def test_a_warm_up_is_cut_off() -> None:
    # 100 slow values of 500: none may be left, and few of the others should go
    starts = [steady_from(noise(500, seed) + np.where(np.arange(500) < 100, 20, 0)) for seed in range(50)]
    assert all(start is not None and 100 <= start < 250 for start in starts)
    assert starts.count(100) > 25


def test_a_warm_up_that_fades_is_cut_where_it_no_longer_matters() -> None:
    for seed in range(50):
        at = np.arange(1_000)
        start = steady_from(noise(1_000, seed) + 20 * np.exp(-at / 50))
        assert start is not None
        # by 100 the transient is at 2.7 noises, by 250 at 0.13
        assert 100 <= start <= 350


@pytest.mark.parametrize("slope", [20.0, -20.0])
def test_a_series_that_rises_or_falls_all_the_time_is_not_steady(slope: float) -> None:
    for seed in range(50):
        assert steady_from(noise(300, seed) + np.linspace(0, slope, 300)) is None


def test_a_jump_in_the_second_half_is_not_steady() -> None:
    for seed in range(50):
        assert steady_from(noise(300, seed) + np.where(np.arange(300) < 200, 0, 10)) is None


@settings(deadline=None)
@given(st.floats(-1e12, 1e12), st.integers(60, 400))
def test_a_constant_series_is_steady_from_its_start(value: float, n: int) -> None:
    assert steady_from(np.full(n, value)) == 0


@settings(deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3), st.integers(0, 50))
def test_the_unit_does_not_matter(scale: float, shift: float, seed: int) -> None:
    values = noise(300, seed) + np.where(np.arange(300) < 40, 15, 0)
    assert steady_from((values + shift) * scale) == steady_from(values)


def test_a_small_change_on_a_large_value_is_seen() -> None:
    values = noise(300) + np.where(np.arange(300) < 40, 15, 0)
    assert steady_from(values + 1e9) == steady_from(values)


def test_too_few_values_cannot_tell() -> None:
    assert steady_from([]) is None
    assert steady_from(np.full(59, 5.0)) is None
    assert steady_from(np.full(60, 5.0)) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        steady_from([*[1.0] * 80, bad])
