"""Memory growth: leaks of known size are found, and what only looks like one is not.

Resident memory is simulated a sample a second, with the truth known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.analysis.memory import (
    LEAST_GROWTH_BYTES,
    REQUESTS_NEEDED,
    SAMPLES_NEEDED,
    MemoryGrowth,
    hours_to_limit,
    judge_memory,
)

Floats = NDArray[np.float64]
MB = 1e6
GIB = 2**30
SECONDS = 240
RUNS = 400
AT_MOST = 0.02
"""Share of false alarms, as STATISTICS has it."""


def seconds(count: int = SECONDS) -> Floats:
    return np.arange(float(count))


def white(chance: np.random.Generator, count: int) -> Floats:
    return 300 * MB + 3 * MB * chance.standard_normal(count)


def autocorrelated(chance: np.random.Generator, count: int) -> Floats:
    level = np.empty(count)
    value = 0.0
    for place, shock in enumerate(chance.standard_normal(count)):
        value = 0.95 * value + shock
        level[place] = value
    return 300 * MB + 2 * MB * level


def saw_teeth(chance: np.random.Generator, count: int) -> Floats:
    """A collector that runs every 20 to 40 s and gives all of it back."""
    period, phase = chance.uniform(20, 40), chance.uniform(0, 40)
    return (
        300 * MB
        + 30 * MB * (((np.arange(count) + phase) % period) / period)
        + 0.2 * MB * chance.random(count)
    )


def warm_up(chance: np.random.Generator, count: int) -> Floats:
    """Rises to its level within the first sixth of the run."""
    rise = 1 - np.exp(-np.arange(count) / chance.uniform(10, count / 12))
    return 200 * MB + 150 * MB * rise + 0.5 * MB * chance.standard_normal(count)


def plateaus(chance: np.random.Generator, count: int) -> Floats:
    """Two caches that are filled at once, each at some moment, and stay."""
    level = np.full(count, 300 * MB)
    for moment in chance.integers(0, count, 2):
        level[moment:] += chance.uniform(10, 40) * MB
    return level + 0.5 * MB * chance.standard_normal(count)


NOISE = {"white": white, "autocorrelated": autocorrelated, "saw teeth": saw_teeth, "warm-up": warm_up,
         "plateaus": plateaus}  # fmt: skip


@pytest.mark.parametrize("kind", NOISE)
def test_what_only_looks_like_a_leak_is_hardly_ever_called_growing(kind: str) -> None:
    chance = np.random.default_rng(20260301)
    make: Callable[[np.random.Generator, int], Floats] = NOISE[kind]
    alarms = sum(
        judge_memory(seconds(), make(chance, SECONDS), 100 * seconds()).verdict == "growing"
        for _ in range(RUNS)
    )
    assert alarms <= AT_MOST * RUNS, f"{alarms} of {RUNS}"


def test_a_memory_that_follows_the_load_of_a_rising_search_is_no_leak() -> None:
    chance = np.random.default_rng(20260302)
    rates = np.repeat([20.0, 40, 80, 160, 320, 250, 200, 230, 210, 220], 24)
    alarms = 0
    for _ in range(100):
        kept = np.maximum.accumulate(rates) * 0.3 * MB  # allocators keep what a peak made them take
        resident = 300 * MB + kept + 0.5 * MB * chance.standard_normal(SECONDS)
        found = judge_memory(seconds(), resident, np.cumsum(rates), rates)
        alarms += found.verdict == "growing"
    assert alarms <= 2


@pytest.mark.parametrize("kind", ["white", "saw teeth", "autocorrelated"])
def test_a_leak_far_over_the_noise_is_found_under_every_kind_of_it(kind: str) -> None:
    chance = np.random.default_rng(20260303)
    leak, runs = 0.5 * MB * seconds(), 40
    found = [
        judge_memory(seconds(), NOISE[kind](chance, SECONDS) + leak, 100 * seconds()) for _ in range(runs)
    ]
    assert sum(entry.verdict == "growing" for entry in found) >= 0.9 * runs
    rates = [entry.per_request.value for entry in found if entry.per_request is not None]
    assert np.median(rates) == pytest.approx(5_000, rel=0.1)


def two_rates(
    count: int = 1_800, bytes_a_request: float = 300.0, bytes_a_second: float = 0.0
) -> MemoryGrowth:
    """40 requests a second for a minute, none for the next, and so on."""
    count = 1_800
    chance, t = np.random.default_rng(1), seconds(count)
    rates = np.where((t // 60) % 2 == 0, 40.0, 0.0)
    done = np.cumsum(rates)
    kept = bytes_a_request * done + bytes_a_second * t
    resident = 200 * MB + kept + 0.3 * MB * chance.random(count)
    return judge_memory(t, resident, done, rates, headroom_bytes=GIB)


def test_twelve_kilobytes_a_second_at_forty_and_none_idle_are_300_bytes_a_request() -> None:
    found = two_rates()
    assert found.verdict == "growing"
    assert found.per_request is not None
    assert found.per_request.value == pytest.approx(300, rel=0.02)
    assert found.per_request.low < 300 < found.per_request.high
    assert found.per_second is None
    document = found.to_json()
    assert document["bytes_per_request"] == pytest.approx(300, rel=0.02)
    assert document["bytes_per_s"] is None


def test_growth_that_goes_on_idle_is_growth_by_time() -> None:
    found = two_rates(bytes_a_request=0.0, bytes_a_second=6_000.0)
    assert found.verdict == "growing"
    assert found.per_request is None
    assert found.per_second is not None
    assert found.per_second.value == pytest.approx(6_000, rel=0.03)


def test_growth_by_both_is_told_apart() -> None:
    found = two_rates(bytes_a_request=300.0, bytes_a_second=6_000.0)
    assert found.per_request is not None
    assert found.per_second is not None
    assert found.per_request.value == pytest.approx(300, rel=0.05)
    assert found.per_second.value == pytest.approx(6_000, rel=0.05)


def test_a_gibibyte_of_headroom_lasts_24_9_hours() -> None:
    # 12 KB/s: 1,073,741,824 / 12,000 / 3,600
    assert hours_to_limit(GIB, bytes_per_s=12_000) == pytest.approx(24.855, abs=1e-3)
    assert hours_to_limit(GIB, bytes_per_request=300, rate_per_s=40) == pytest.approx(24.855, abs=1e-3)
    assert hours_to_limit(GIB, bytes_per_request=150, bytes_per_s=6_000, rate_per_s=40) == pytest.approx(
        24.855, abs=1e-3
    )
    assert hours_to_limit(GIB) is None
    assert hours_to_limit(GIB, bytes_per_s=-5) is None, "what shrinks reaches no limit"
    assert hours_to_limit(-1.0, bytes_per_s=5) == 0
    with pytest.raises(ValueError, match="below 0"):
        hours_to_limit(GIB, bytes_per_request=1, rate_per_s=-1)


def test_at_one_rate_the_requests_get_all_of_the_growth_and_it_is_said() -> None:
    t = seconds(1_200)
    found = judge_memory(t, 200 * MB + 12_000 * t, 40 * t, np.full(1_200, 40.0), headroom_bytes=GIB)
    assert found.verdict == "growing"
    assert found.per_request is not None
    assert found.per_request.value == pytest.approx(300, rel=1e-6)
    assert (found.per_second, found.told_apart) == (None, False)
    assert "one rate of requests" in found.because
    assert found.hours_to_limit == pytest.approx(24.855, abs=1e-2)
    document = found.to_json()
    assert document["told_apart"] is False
    assert document["low"] <= 300 <= document["high"]


def test_without_requests_the_growth_is_by_time() -> None:
    t = seconds(1_200)
    for found in (
        judge_memory(t, 200 * MB + 12_000 * t, headroom_bytes=GIB),
        judge_memory(t, 200 * MB + 12_000 * t, 0 * t, 0 * t, headroom_bytes=GIB),
    ):
        assert found.verdict == "growing"
        assert found.per_request is None
        assert found.per_second is not None
        assert found.per_second.value == pytest.approx(12_000, rel=1e-6)
        assert found.hours_to_limit == pytest.approx(24.855, abs=1e-2)


def test_growth_counts_from_five_megabytes_and_one_percent_of_the_memory_on() -> None:
    t = seconds(300)
    looked_at = 200.0  # the first third is dropped
    for base, over in ((100 * MB, LEAST_GROWTH_BYTES), (2_000 * MB, 20 * MB)):
        verdicts = [
            judge_memory(t, base + share * over / looked_at * t, 100 * t).verdict for share in (0.8, 1.25)
        ]
        assert verdicts == ["flat", "growing"], (base, verdicts)


def test_the_first_third_counts_for_nothing() -> None:
    t = seconds(300)
    rising_early = 200 * MB + np.minimum(t, 95) * MB
    assert judge_memory(t, rising_early, 100 * t).verdict == "flat"


def test_with_too_little_it_says_how_much_more() -> None:
    t = seconds(SAMPLES_NEEDED - 4)
    found = judge_memory(t, 200 * MB + MB * t, 100 * t)
    assert (found.verdict, found.samples_needed) == ("insufficient", 4)
    assert (found.per_request, found.per_second, found.hours_to_limit) == (None, None, None)
    assert "4 more" in found.because
    enough = seconds(SAMPLES_NEEDED)
    assert judge_memory(enough, 200 * MB + MB * enough, 100 * enough).verdict == "growing"


def test_few_requests_rule_no_leak_out() -> None:
    t = seconds(300)
    few = judge_memory(t, np.full(300, 200 * MB), t)  # 200 in the part that is looked at
    assert few.verdict == "insufficient"
    assert few.samples_needed == pytest.approx(300 * (REQUESTS_NEEDED / 199 - 1), abs=3)
    assert judge_memory(t, np.full(300, 200 * MB), 10 * t).verdict == "flat"


def test_a_rate_that_cannot_be_told_is_none_that_a_requirement_may_rest_on() -> None:
    chance = np.random.default_rng(4)
    found = judge_memory(seconds(), 300 * MB + 60 * MB * chance.standard_normal(SECONDS), 100 * seconds())
    assert found.verdict == "insufficient"
    document = found.to_json()
    assert (document["bytes_per_request"], document["bytes_per_s"]) == (None, None)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, 1], [1]), "same length"),
        (([], []), "same length"),
        (([0, 1], [1, float("nan")]), "finite"),
        (([0, 1], [1, -1]), "negative"),
        (([1, 1], [1, 1]), "time must rise"),
        (([0, 1], [1, 1], [5, 4]), "requests must not fall"),
    ],
)
def test_columns_that_are_none_are_refused(columns: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge_memory(*columns)
