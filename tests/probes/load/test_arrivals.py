"""Schedules of requests: how many, how evenly or how randomly spaced, over stages and ramps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from probes.load.arrivals import due_times
from probes.load.spec import Arrivals, OpenSegment

RATES = st.floats(0.5, 5_000)
SECONDS = st.floats(0.01, 3)
SEGMENTS = st.lists(st.builds(OpenSegment, RATES, RATES, SECONDS), min_size=1, max_size=4)


def schedule(
    *segments: OpenSegment, arrivals: Arrivals = "constant", seed: int = 1
) -> tuple[NDArray[np.float64], list[int]]:
    """Due times in seconds, and the first row of each segment."""
    due, first = due_times(segments, arrivals, np.random.default_rng(seed))
    return due / 1e9, first.tolist()


def expected(segment: OpenSegment) -> float:
    return (segment.rate_from + segment.rate_to) / 2 * segment.seconds


def test_constant_arrivals_are_counted_and_spaced_exactly() -> None:
    due, first = schedule(OpenSegment(100, 100, 10))
    assert first == [0, 1_000]
    assert due == pytest.approx(np.arange(1_000) / 100, abs=1e-8)


def test_spacing_is_carried_over_from_stage_to_stage() -> None:
    """10.5 requests and 9.5 requests are 20, not 11 and 10; the gap over the edge is of both rates."""
    due, first = schedule(OpenSegment(10.5, 10.5, 1), OpenSegment(9.5, 9.5, 1))
    assert first == [0, 11, 20]
    assert due[11] == pytest.approx(1 + 0.5 / 9.5)


def test_many_short_stages_lose_no_request() -> None:
    """A rate of 1/s in stages of 0.3 s is still one request a second."""
    due, first = schedule(*[OpenSegment(1, 1, 0.3)] * 100)
    assert first[-1] == 30
    assert due == pytest.approx(np.arange(30), abs=1e-6)


def test_a_ramp_has_the_rate_that_its_moment_asks_for() -> None:
    """From r0 to r1 in T seconds, r0·t + (r1 − r0)·t²/2T requests are due by t: up, down, from 0."""
    for r0, r1, seconds in ((10, 500, 60), (500, 10, 60), (1e-6, 100, 10), (100, 1e-6, 10)):
        due, first = schedule(OpenSegment(r0, r1, seconds))
        assert first[-1] == pytest.approx((r0 + r1) / 2 * seconds, abs=1)
        by_then = r0 * due + (r1 - r0) * due**2 / (2 * seconds)
        assert by_then == pytest.approx(np.arange(len(due)), abs=1e-3)


@given(SEGMENTS, st.sampled_from(["poisson", "constant"]), st.integers(0, 2**32))
def test_what_holds_of_every_schedule(segments: list[OpenSegment], arrivals: Arrivals, seed: int) -> None:
    """Ascending; each segment's rows lie within it; of even ones, the expected count to within one in all."""
    due, first = schedule(*segments, arrivals=arrivals, seed=seed)
    assert first[0] == 0
    assert first[-1] == len(due)
    assert (np.diff(due) >= 0).all()
    start = 0.0
    for segment, begin, end in zip(segments, first, first[1:], strict=False):
        rows = due[begin:end]
        assert ((rows >= start - 1e-6) & (rows <= start + segment.seconds + 1e-6)).all()
        start += segment.seconds
    if arrivals == "constant":
        assert abs(len(due) - sum(map(expected, segments))) <= 1


def test_poisson_arrivals_are_poisson() -> None:
    """100,000 gaps: mean and standard deviation 1/λ; counts in tenths of a second have dispersion 1."""
    due, _ = schedule(OpenSegment(1_000, 1_000, 100), arrivals="poisson")
    n = len(due)
    assert n == pytest.approx(100_000, abs=4 * 316)
    gaps = np.diff(due) * 1_000
    assert gaps.mean() == pytest.approx(1, rel=0.02)
    assert gaps.std() == pytest.approx(1, rel=0.02)
    counts = np.histogram(due, np.arange(0, 100.05, 0.1))[0]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / len(counts)))
    assert np.corrcoef(gaps[:-1], gaps[1:])[0, 1] == pytest.approx(0, abs=0.02)


def test_poisson_arrivals_follow_a_ramp() -> None:
    """Half the requests of a ramp from (nearly) 0 are due after 1/√2 of its time."""
    due, _ = schedule(OpenSegment(1e-6, 2_000, 20), arrivals="poisson")
    assert (due > 20 / np.sqrt(2)).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(due)))


def test_the_seed_repeats_a_schedule_and_another_changes_it() -> None:
    segment = OpenSegment(200, 200, 2)
    again = [schedule(segment, arrivals="poisson", seed=seed)[0] for seed in (1, 1, 2)]
    assert np.array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])


def test_nothing_may_be_due() -> None:
    """A rate so low that chance brings no request at all."""
    due, first = schedule(OpenSegment(1e-6, 1e-6, 0.1), arrivals="poisson")
    assert (len(due), first) == (0, [0, 0])
    assert schedule()[1] == [0]
