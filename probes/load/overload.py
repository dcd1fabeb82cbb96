"""Sends twice what a target carries for some seconds, then half of it, and sees what becomes of the requests.

capacity known ─▶ SPIKE_S at twice the highest throughput ─▶ half of it until the target is back
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from probes.analysis.overload import IN_A_ROW, Overload, judge_spike, recovery_of
from probes.load.arrivals import due_times
from probes.load.plan import COMPLETE_TO, OUTCOME
from probes.load.run import Run
from probes.load.search import Capacity
from probes.load.shard import Live
from probes.load.spec import OpenSegment

SPIKE_S = 3.0
WATCHED_S = 15.0
TIMES = 2.0
AFTER = 0.5
AS_AT_REST = 5.0
"""A request is answered as at rest when it took at most so many times what one takes alone."""
LEAST_REQUESTS = 100
"""A spike of fewer says little of shares."""


def why_not(capacity: Capacity | None, max_rate: float | None) -> str | None:
    """Why no overload can be made of what was found; None where it can."""
    if capacity is None or not (most := highest_throughput(capacity)):
        return "what it carries at most was not reached"
    rate = TIMES * most
    if max_rate is not None and rate > max_rate:
        return f"twice what it carries, {rate:.4g}/s, is more than --max-rate {max_rate:g}"
    if rate * SPIKE_S < LEAST_REQUESTS:
        return f"{rate * SPIKE_S:.0f} requests in {SPIKE_S:g} s are too few to tell"
    return None


def overload(run: Run, capacity: Capacity) -> Overload:
    """Overloads the target, once `why_not` has nothing against it. Raises `RunEnded` as every load does."""
    run.settle()
    most = highest_throughput(capacity)
    spike = OpenSegment(TIMES * most, TIMES * most, SPIKE_S)
    after = OpenSegment(AFTER * most, AFTER * most, WATCHED_S)
    due, rows = due_times([spike, after], run.spec.arrivals, run.generator)
    first_after = int(rows[1])
    limit_ms = run.spec.slo.slowest_limit_ms
    base_s = math.inf if run.base_ms is None else run.base_ms / 1e3
    rest_s = min(limit_ms / 1e3, AS_AT_REST * base_s)

    def is_back(live: Live) -> bool:
        last = slice(int(live.header[COMPLETE_TO]) - IN_A_ROW, int(live.header[COMPLETE_TO]))
        if last.start < first_after:
            return False
        columns = {name: live.columns[name][last] for name in ("due", "read", "status")}
        good, waited = run.is_good(columns["status"] & OUTCOME), waited_s(columns["due"], columns["read"])
        return bool((good & (waited <= rest_s)).all())

    text = f"{spike.rate_from:.4g} requests/s, twice what it carries, then {after.rate_from:.4g}/s"
    record = run.beside("overload", text, due, SPIKE_S + WATCHED_S, is_back)
    seconds = (record.due - record.start_ns) / 1e9
    waited, good = waited_s(record.due, record.read), run.is_good(record.outcome)
    in_spike = seconds < SPIKE_S
    back = recovery_of(seconds[~in_spike], waited[~in_spike], good[~in_spike], rest_s)
    return Overload(
        rate_per_s=spike.rate_from,
        seconds=SPIKE_S,
        rate_after_per_s=after.rate_from,
        watched_s=max(0.0, (record.end_ns - record.start_ns) / 1e9 - SPIKE_S),
        most_per_s=most,
        **judge_spike(record.outcome[in_spike], waited[in_spike], good[in_spike], limit_ms / 1e3),
        recovery_s=None if back is None else back - SPIKE_S,
        fault=run.fault_of(record.rows(0, int(in_spike.sum()), record.start_ns, record.end_ns)),
    )


def highest_throughput(capacity: Capacity) -> float:
    """The highest throughput (1/s) of the target, or its capacity where that was found without; else 0."""
    reached = capacity.bound in ("bracketed", "provisional")
    return max(capacity.saturation or 0.0, (capacity.rate or 0.0) if reached else 0.0)


def waited_s(due: NDArray[np.int64], read: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds from due to read; infinite where nothing was sent."""
    return np.where(read > 0, (read - due) / 1e9, np.inf)
