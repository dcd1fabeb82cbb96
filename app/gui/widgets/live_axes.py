"""Where the charts of a running probe draw: ends of their axes, names of parts, the points of a line.

Computes alone; `live_chart` draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.gui.live_run import LiveRun, Part
from assessments.wording import amount

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIME_STEPS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
"""Distances of the marks of the axis of time (s)."""
_LEAST_SPAN_S = 20.0
_LOG_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Axes:
    """The ends of the axes: seconds, response time (ms, log), rate (1/s)."""

    seconds: float
    low_ms: float
    high_ms: float
    rate: float
    is_guess: bool = False
    """Whether no response time is known yet: then the next axes need not hold these."""


def axes_for(run: LiveRun, before: Axes | None = None) -> Axes:
    """Axes that hold all there is, with empty room to the expected end. They never shrink."""
    if before is not None and before.is_guess:
        before = None
    limit = run.limit_ms()
    times = [value for value in (*run.p99[-2:], *run.p50[-2:]) if value]
    rates = [value for value in (*run.answered[-2:], *run.offered[-2:]) if value is not None]
    if before is None:
        times = [value for value in (*run.p99, *run.p50) if value]
        rates = [value for value in (*run.answered, *run.offered) if value is not None]
        if limit is not None:
            times += [limit[1] * 1.6, limit[1] / 8]
    seconds = max(_LEAST_SPAN_S, run.expected_s or 0.0, 0.0 if before is None else before.seconds)
    last = run.t[-1] if run.t else run.now
    if last > seconds:
        seconds = last * 1.2
    low, high = (before.low_ms, before.high_ms) if before else (math.inf, 0.0)
    for value in times:
        low, high = min(low, value), max(high, value)
    is_guess = before is None and not any(run.p50)
    if high <= 0.0:
        low, high = 1.0, 1_000.0
    low, high = _log_below(low), _log_above(max(high, low * 1.01))
    rate = before.rate if before else 10.0
    most = max(rates, default=0.0)
    if most > rate:
        rate = _linear_above(most)
    return Axes(_time_above(seconds), low, high, rate, is_guess)


def _log_below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return max(step * power for step in _LOG_STEPS if step * power <= value * (1 + 1e-9))


def _log_above(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return min(step * power for step in (*_LOG_STEPS, 10.0) if step * power >= value * (1 - 1e-9))


def _linear_above(value: float) -> float:
    """Some room over the highest rate, so that the axis changes seldom."""
    power = 10.0 ** math.floor(math.log10(value * 1.15))
    return math.ceil(value * 1.15 / power * 2) / 2 * power


def _time_above(seconds: float) -> float:
    step = next((step for step in TIME_STEPS if seconds / step <= 12), TIME_STEPS[-1])
    return math.ceil(seconds / step - 1e-9) * step


def clock(seconds: float) -> str:
    """`0:41`, `1:02:03`."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}"


def rate_of(text: str) -> str:
    """The rate in what a part of a search does: `85.6` of `85.61 requests/s`."""
    try:
        return amount(float(text.partition(" ")[0]))
    except ValueError:
        return text


def part_labels(parts: Sequence[Part]) -> list[tuple[float, str]]:
    """Where each part begins, with the word over it; empty where it goes on from the one before."""
    words = {"warmup": "warm-up", "ladder": "ladder"}
    labels = []
    before = ""
    for part in parts:
        if part.name == "search":
            label = rate_of(part.text) + "/s"
        elif part.name == "load":
            label = part.text.partition(",")[0].partition(" for ")[0]
        else:
            label = "" if part.name == before else words.get(part.name, part.name)
        labels.append((part.began, label))
        before = part.name
    return labels


def decimated(t: NDArray[np.float64], v: NDArray[np.float64], columns: int) -> NDArray[np.intp]:
    """Which points a line shows on so many columns: first, lowest, highest and last of each, and gaps (NaN).

    The same points as `app.charts.ticks.minmax_decimate` leaves, and equal extremes of a column all of them;
    an array instead of a list, because an hour of seconds is drawn within a frame.
    """
    import numpy as np

    if len(t) <= 4 * columns or t[-1] <= t[0]:
        return np.arange(len(t))
    column = np.minimum(columns - 1, ((t - t[0]) / (t[-1] - t[0]) * columns).astype(np.intp))
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    counts = np.diff(starts, append=len(t))
    lowest = np.repeat(np.fmin.reduceat(v, starts), counts)
    highest = np.repeat(np.fmax.reduceat(v, starts), counts)
    gaps = np.isnan(v)
    kept = (v == lowest) | (v == highest) | gaps
    kept[1:] |= gaps[:-1]
    kept[:-1] |= gaps[1:]
    kept[starts] = True
    kept[starts + counts - 1] = True
    return np.flatnonzero(kept)
