"""Ends one of several processes of a target that Loadstone started, under load; counts what callers notice.

    LOAD of the highest throughput ── BEFORE_S ── SIGKILL to the busiest child ── until back, AFTER_S at most

Only the starter of a target may do this to it: the processes are those below the one that was started.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from probes.analysis.overload import IN_A_ROW, recovery_of
from probes.facts import Fact, Source, observed
from probes.load.arrivals import due_times
from probes.load.overload import AS_AT_REST, highest_throughput, waited_s
from probes.load.plan import COMPLETE_TO, OUTCOME
from probes.load.run import Run
from probes.load.search import Capacity
from probes.load.shard import Live
from probes.load.spec import OpenSegment

LOAD = 0.4
"""Of the highest throughput: what is left of two can carry it."""
BEFORE_S, AFTER_S = 2.0, 15.0
LEAST_AFTER_S = 2.0
"""So long it is watched at least, since a process that dies may take others with it a little later."""
SERVES = 0.1
"""A process serves when it uses at least this share of the CPU of the busiest."""


@dataclass(frozen=True, slots=True)
class Victim:
    """The process to end, and how many served."""

    pid: int
    of: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What came of it; counts are of the requests due from `BEFORE_S` before the end of the process on.

    `failed_before` were due and over before it. `recovery_s` counts from it to the first of several requests
    in a row that were answered well and as fast as at rest; None where there were none.
    """

    of: int
    rate_per_s: float
    requests: int
    failed_before: int
    failed: int
    watched_s: float
    recovery_s: float | None
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The `loss` object of the result."""
        document: dict[str, Any] = {
            "ended": 1,
            "of": self.of,
            "offered_per_s": round(self.rate_per_s, 3),
            "requests": self.requests,
            "failed_before": self.failed_before,
            "failed": self.failed,
            "watched_s": round(self.watched_s, 3),
            "recovery_s": None if self.recovery_s is None else round(self.recovery_s, 3),
        }
        return document | ({"fault": self.fault} if self.fault else {})

    def facts(self, source: Source) -> list[Fact]:
        """None where our own client spoilt it, or requests failed before already."""
        if self.fault is not None or self.failed_before:
            return []
        at, n = datetime.now(UTC), self.requests
        facts = [
            observed("load.loss_of", "process", source, at=at),
            observed("load.loss_rate", round(self.rate_per_s, 3), source, at=at),
            observed("load.loss_errors", self.failed, source, at=at, samples=n),
        ]
        if self.recovery_s is not None:
            facts.append(observed("load.loss_recovery_seconds", round(self.recovery_s, 3), source, at=at))
        return facts


def victim_of(run: Run) -> Victim | str:
    """The busiest of the processes that serve below the one that was started, or why there is none."""
    if run.watcher is None or sys.platform != "linux":
        return "its processes are not watched"
    roots = {root.pid for root in run.watcher.roots}
    if all(step.detail is None for step in run.steps):
        return "its processes were not watched"
    alive = {process.pid for process in run.watcher.members()}
    used: Counter[int] = Counter()  # in one step a single worker may hold all connections
    for step in run.steps:
        if step.detail is not None:
            used.update({pid: cores * step.seconds for pid, cores in step.detail.process_cores})
    children = [(pid, cpu_s) for pid, cpu_s in used.most_common() if pid not in roots and pid in alive]
    serving = [pid for pid, cpu_s in children if cpu_s > 0 and cpu_s >= SERVES * children[0][1]]
    if len(serving) < 2:
        return "it serves from one process"
    return Victim(serving[0], len(serving))


def lose_one(run: Run, capacity: Capacity, victim: Victim) -> Loss:
    """Ends the process and counts. Raises `RunEnded` as every load does."""
    assert run.watcher is not None, "a victim is only found by a watcher"
    run.settle()
    rate = LOAD * highest_throughput(capacity)
    due, _ = due_times([OpenSegment(rate, rate, BEFORE_S + AFTER_S)], run.spec.arrivals, run.generator)
    limit_s = run.spec.slo.slowest_limit_ms / 1e3
    rest_s = min(limit_s, AS_AT_REST * (np.inf if run.base_ms is None else run.base_ms / 1e3))
    process = next(one for one in run.watcher.members() if one.pid == victim.pid)
    ended: list[int] = []

    def is_back(live: Live) -> bool:
        now = time.perf_counter_ns()
        if now < live.segment.start_ns + BEFORE_S * 1e9:
            return False
        if not ended:
            if process in run.watcher.members():  # type: ignore[union-attr]  # not a later one with its number
                os.kill(victim.pid, signal.SIGKILL)
            ended.append(time.perf_counter_ns())
            return False
        if now < ended[0] + LEAST_AFTER_S * 1e9:
            return False
        last = slice(int(live.header[COMPLETE_TO]) - IN_A_ROW, int(live.header[COMPLETE_TO]))
        if last.start < 0 or live.columns["due"][last][0] < ended[0]:
            return False
        good = run.is_good(live.columns["status"][last] & OUTCOME)
        waited = waited_s(live.columns["due"][last], live.columns["read"][last])
        return bool((good & (waited <= rest_s)).all())

    text = f"ending one of {victim.of} processes at {rate:.4g} requests/s"
    record = run.beside("loss", text, due, BEFORE_S + AFTER_S, is_back)
    at = ended[0] if ended else record.end_ns
    good, waited = run.is_good(record.outcome), waited_s(record.due, record.read)
    before = (record.read > 0) & (record.read < at)
    later = record.due >= at
    back = recovery_of((record.due[later] - at) / 1e9, waited[later], good[later], rest_s)
    return Loss(
        of=victim.of,
        rate_per_s=rate,
        requests=len(record.due),
        failed_before=int((before & ~good).sum()),
        failed=int((~before & ~good).sum()),
        watched_s=max(0.0, (record.end_ns - at) / 1e9),
        recovery_s=back,
        fault=run.fault_of(record),
    )
