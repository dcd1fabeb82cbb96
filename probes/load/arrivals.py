"""When each request is due, computed before the first is sent: lateness cannot drift, and runs repeat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from probes.load.spec import Arrivals, OpenSegment


def due_times(
    segments: Sequence[OpenSegment], arrivals: Arrivals, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Due times of one stretch of open-loop load.

    Returns (due, first): `due` in ns from the start, ascending; `first[j]` is the row of the first request of
    segment j, with `first[-1] == len(due)`. Poisson arrivals have exponential gaps (dispersion 1), constant
    ones are evenly spaced in expected count. A rate that changes over a segment is reached by inverting
    its integral: with unit-rate arrivals u, t solves r0·t + (r1 − r0)·t²/(2T) = u.
    """
    parts: list[NDArray[np.int64]] = []
    first = [0]
    start = 0.0
    carried = 0.0  # expected count left over from the segment before, so that constant spacing goes on
    for segment in segments:
        expected = (segment.rate_from + segment.rate_to) / 2 * segment.seconds
        if arrivals == "poisson":
            units = _poisson_units(expected, generator)
        else:
            units = np.arange(carried, expected - 1e-9)
            carried = carried + len(units) - expected
        times = _times(units, segment)
        times += start
        times *= 1e9
        parts.append(times.astype(np.int64))
        first.append(first[-1] + len(times))
        start += segment.seconds
    due = np.concatenate(parts) if len(parts) > 1 else (parts or [np.zeros(0, np.int64)])[0]
    return due, np.array(first, np.int64)


def _poisson_units(expected: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Arrivals of a unit-rate Poisson process on [0, expected)."""
    units = np.zeros(0)
    while not len(units) or units[-1] < expected:
        last = units[-1] if len(units) else 0.0
        more = int((expected - last) + 4 * np.sqrt(expected - last) + 16)
        units = np.concatenate([units, last + np.cumsum(generator.exponential(1.0, more))])
    return units[units < expected]


def _times(units: NDArray[np.float64], segment: OpenSegment) -> NDArray[np.float64]:
    r0, r1, seconds = segment.rate_from, segment.rate_to, segment.seconds
    if r0 == r1:
        return units / r0
    slope = (r1 - r0) / seconds
    # the root that also holds for a falling rate and for a slope near 0
    return 2 * units / (r0 + np.sqrt(np.maximum(r0 * r0 + 2 * slope * units, 0.0)))
