"""The memory of a target second by second, from what the watch and the engine tell."""

from __future__ import annotations

import pytest

from probes.load.memory_log import MemoryLog
from probes.watch.tree import Sample

S = 1_000_000_000
BASE = 200_000_000


def sample(at_s: float, rss: float) -> Sample:
    return Sample(int(at_s * S), 0.0, int(rss), 1, 1)


def run(seconds: int, bytes_a_request: float, rate: int = 100) -> tuple[MemoryLog, list[Sample]]:
    """A server that keeps so much of each request, watched ten times a second."""
    log = MemoryLog()
    for second in range(1, seconds + 1):
        log.second(second * S, 1.0, rate)
    samples = [
        sample(tenth / 10, BASE + bytes_a_request * rate * tenth / 10) for tenth in range(10 * seconds + 1)
    ]
    return log, samples


def test_what_a_target_keeps_of_each_request_is_told() -> None:
    log, samples = run(120, bytes_a_request=2_000.0)
    found = log.judged(samples)
    assert found is not None
    assert found.verdict == "growing"
    assert found.per_request is not None
    assert found.per_request.value == pytest.approx(2_000, rel=0.01)
    assert found.rate_per_s == pytest.approx(100, rel=0.02)


def test_a_limit_is_reached_after_so_many_hours_and_only_by_memory_that_grows() -> None:
    """2,000 bytes at 100/s are 0.2 MB/s: what is left below 2 GB after 120 s lasts 1.78 GB / 0.2 MB/s."""
    log, samples = run(120, bytes_a_request=2_000.0)
    found = log.judged(samples, 2e9)
    assert found is not None
    assert found.hours_to_limit == pytest.approx((2e9 - BASE - 24e6) / 2e5 / 3_600, rel=0.02)
    assert found.hours_interval is not None
    soonest, latest = found.hours_interval
    assert latest is not None
    assert soonest <= found.hours_to_limit <= latest
    document = found.to_json()
    assert document["hours_low"] <= document["hours_to_limit"] <= document["hours_high"]
    log, samples = run(120, bytes_a_request=0.0)
    flat = log.judged(samples, 2e9)
    assert flat is not None
    assert (flat.hours_to_limit, flat.hours_interval) == (None, None)
    assert "hours_low" not in flat.to_json()


def test_a_target_that_keeps_nothing_is_flat_and_a_short_run_tells_nothing() -> None:
    log, samples = run(120, bytes_a_request=0.0)
    found = log.judged(samples)
    assert found is not None
    assert found.verdict == "flat"
    log, samples = run(20, bytes_a_request=0.0)
    short = log.judged(samples)
    assert short is not None
    assert (short.verdict, short.per_request) == ("insufficient", None)


def test_without_a_second_that_was_watched_there_is_nothing_to_judge() -> None:
    log, samples = run(120, bytes_a_request=0.0)
    assert MemoryLog().judged(samples) is None
    assert log.judged([]) is None
    assert log.judged([sample(1_000, BASE)]) is None


def test_the_lowest_of_a_second_counts_and_remainders_are_no_moments() -> None:
    log = MemoryLog()
    samples = []
    for second in range(1, 121):
        log.second(second * S, 1.0, 100)
        log.second(second * S + S // 10, 0.1, 10)  # what was left of a stretch
        samples += [sample(second - 0.5, BASE + 50e6 * (second % 2)), sample(second - 0.2, BASE)]
    found = log.judged(samples)
    assert found is not None
    assert found.samples == 120
    assert found.verdict == "flat", "spikes within a second are none of the lower envelope"
    assert found.rate_per_s == pytest.approx(110, rel=0.02), "requests of remainders are counted"
