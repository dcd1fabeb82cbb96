"""Ends one of several instances that Loadstone started, under load; counts what callers notice.

    load ── BEFORE_S ── SIGKILL to all processes of the last instance ── until back and told, AFTER_S at most

The load is the rate that was asked for; otherwise `LOAD` of what the instances that are left carry by their
number. Callers stand behind a balancer (`probes.load.balance`): of an instance that is killed what it had
under way fails, and nothing else has to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from probes.analysis.instances import Together
from probes.analysis.overload import IN_A_ROW, recovery_of
from probes.analysis.percentiles import smallest_sample
from probes.facts import Fact, Source, observed
from probes.load.arrivals import due_times
from probes.load.engine import Record
from probes.load.grade import is_saturated
from probes.load.instances import Instance
from probes.load.overload import AS_AT_REST, highest_throughput, waited_s
from probes.load.plan import COMPLETE_TO, INSTANCE, OUTCOME
from probes.load.run import Run
from probes.load.search import Capacity
from probes.load.shard import Live
from probes.load.spec import ClosedSegment, OpenSegment
from probes.load.steps import StepResult, error_class
from probes.slo import Slo

LOAD = 0.8
"""Of what the instances that are left carry by their number."""
BEFORE_S, AFTER_S = 4.0, 15.0
SETTLED_S = 2.0
"""From so long after its death on it counts how the others carry the load."""
LEAST_AFTER_S = 6.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Requests due within a while: good answers a second, and the 95th percentile of response time (ms), None
    where they are too few for it."""

    requests: int
    throughput_per_s: float
    p95_ms: float | None

    @classmethod
    def of(cls, step: StepResult) -> Stretch:
        return cls(step.scheduled, step.achieved_per_s, step.response_ms("p95"))

    def to_json(self) -> dict[str, Any]:
        p95 = None if self.p95_ms is None else round(self.p95_ms, 3)
        return {
            "requests": self.requests,
            "throughput_per_s": round(self.throughput_per_s, 3),
            "p95_ms": p95,
        }


@dataclass(frozen=True, slots=True)
class InstanceLoss:
    """What came of it; counts are of all requests of the stretch.

    `failed_before` were over before the instance was killed; of `failed` those afterwards `under_way` were
    at most with the killed one. `errors` has the failed by class. `errors_s` counts from its death to the
    last failure (0: none failed), `recovery_s` to the first of several requests in a row that were answered
    well and as fast as at rest; None where failures or slow answers did not end, or the others could not
    carry the load: before a queue has grown answers are quick. `carried` says whether the
    others kept the SLO from `SETTLED_S` on, None where that cannot be told (`because`). `utilisation` is the
    load over what they carry, `left_cores` the CPU cores that they used; None is not known.
    """

    of: int
    rate_per_s: float
    requests: int
    failed_before: int
    failed: int
    under_way: int
    errors: dict[str, int]
    errors_s: float | None
    watched_s: float
    recovery_s: float | None
    before: Stretch
    after: Stretch | None
    carried: bool | None
    because: str | None
    utilisation: float | None
    left_cores: float | None
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The `loss` object of the result."""
        document: dict[str, Any] = {
            "ended": 1,
            "what": "instance",
            "of": self.of,
            "offered_per_s": round(self.rate_per_s, 3),
            "requests": self.requests,
            "failed_before": self.failed_before,
            "failed": self.failed,
            "under_way": self.under_way,
            "errors": self.errors,
            "errors_s": _rounded(self.errors_s),
            "watched_s": round(self.watched_s, 3),
            "recovery_s": _rounded(self.recovery_s),
            "before": self.before.to_json(),
            "after": None if self.after is None else self.after.to_json(),
            "carried": self.carried,
            "because": self.because,
            "utilisation": _rounded(self.utilisation),
            "left_cpu_cores": _rounded(self.left_cores),
        }
        return document | ({"fault": self.fault} if self.fault else {})

    def facts(self, source: Source) -> list[Fact]:
        """None where our own client spoilt it, or requests failed before already."""
        if self.fault is not None or self.failed_before:
            return []
        at = datetime.now(UTC)
        facts = [
            observed("load.loss_of", "instance", source, at=at),
            observed("load.loss_rate", round(self.rate_per_s, 3), source, at=at),
            observed("load.loss_errors", self.failed, source, at=at, samples=self.requests),
        ]
        for name, value in (
            ("error_seconds", self.errors_s),
            ("recovery_seconds", self.recovery_s),
            ("utilisation", self.utilisation),
        ):
            if value is not None:
                facts.append(observed(f"load.loss_{name}", round(value, 3), source, at=at))
        if self.carried is not None:
            samples = None if self.after is None else self.after.requests
            facts.append(observed("load.loss_carried", self.carried, source, at=at, samples=samples))
        early, late = self.before.p95_ms, None if self.after is None else self.after.p95_ms
        if early and late is not None:
            facts.append(observed("load.loss_p95_growth", round(late / early, 4), source, at=at))
        return facts


def rate_for(run: Run, capacity: Capacity | None, count: int) -> float | str:
    """The load (1/s) under which one of `count` instances is ended, or why there is none."""
    left = LOAD * (count - 1) / count
    last = run.spec.segments[-1] if run.spec.segments else None
    if isinstance(last, OpenSegment):
        return last.rate_to
    if isinstance(last, ClosedSegment) and run.spec.sweep is None:
        most = max((step.achieved_per_s for step in run.steps), default=0.0)
        return left * most if most else "no request was answered well"
    if capacity is None:
        return "this kind of load has no rate that could go on"
    known = capacity.rate if capacity.bound in ("bracketed", "provisional") else None
    most = known or highest_throughput(capacity)
    if not most:
        return "what they carry at most was not reached"
    return min(left * most, run.spec.max_rate or left * most)


def lose_instance(
    run: Run,
    instances: Sequence[Instance],
    rate: float,
    capacity: Capacity | None,
    together: Together | None,
) -> InstanceLoss:
    """Ends the last instance and counts. Raises `RunEnded` as every load does."""
    run.settle()
    run.rules.error_rule, run.rules.slo = (
        False,
        None,
    )  # what goes wrong now is asked about, and no ground to stop
    victim, left = instances[-1], instances[:-1]
    due, _ = due_times([OpenSegment(rate, rate, BEFORE_S + AFTER_S)], run.spec.arrivals, run.generator)
    limit_s = run.spec.slo.slowest_limit_ms / 1e3
    rest_s = min(limit_s, AS_AT_REST * (np.inf if run.base_ms is None else run.base_ms / 1e3))
    wanted = max((smallest_sample(bound.quantile) for bound in run.spec.slo.bounds), default=0)
    killed: list[int] = []
    gone: list[int] = []

    def is_told(live: Live) -> bool:
        now = time.perf_counter_ns()
        if now < live.segment.start_ns + BEFORE_S * 1e9:
            return False
        if not gone:
            run.may_be_gone.add(victim.service.pid)
            killed.append(time.perf_counter_ns())
            victim.service.kill()
            gone.append(time.perf_counter_ns())
            return False
        if now < killed[0] + LEAST_AFTER_S * 1e9:
            return False
        done = int(live.header[COMPLETE_TO])
        last = slice(done - IN_A_ROW, done)
        if last.start < 0 or live.columns["due"][last][0] < killed[0]:
            return False
        settled = int(np.searchsorted(live.columns["due"][:done], killed[0] + SETTLED_S * 1e9))
        if done - settled < wanted:
            return False
        good = run.is_good(live.columns["status"][last] & OUTCOME)
        waited = waited_s(live.columns["due"][last], live.columns["read"][last])
        return bool((good & (waited <= rest_s)).all())

    text = f"ending one of {len(instances)} instances at {rate:.4g} requests/s"
    began = run.moment()
    record = run.beside("loss", text, due, BEFORE_S + AFTER_S, is_told)
    at, dead = (killed[0], gone[0]) if gone else (record.end_ns, record.end_ns)
    good, waited = run.is_good(record.outcome), waited_s(record.due, record.read)
    ended_before = (record.read > 0) & (record.read < at)
    failed = ~good & ~ended_before
    there = (record.sent > 0) & (record.sent <= dead) & ~ended_before
    there &= record.extra[INSTANCE] == len(instances) - 1
    later = record.due >= at
    before = run.summarised(record.rows(0, _row(record, at), record.start_ns, at))
    first = int(at + SETTLED_S * 1e9)
    after = None
    if record.end_ns > first:
        after = run.summarised(record.rows(_row(record, first), len(record.due), first, record.end_ns))
    back = recovery_of((record.due[later] - at) / 1e9, waited[later], good[later], rest_s)
    carried, because = _carried(after, run.spec.slo)
    classes = [error_class(int(outcome), run.target.is_good) for outcome in record.outcome[failed]]
    return InstanceLoss(
        of=len(instances),
        rate_per_s=rate,
        requests=len(record.due),
        failed_before=int((ended_before & ~good).sum()),
        failed=int(failed.sum()),
        under_way=int(there.sum()),
        errors={name: classes.count(name) for name in sorted(set(classes))},
        errors_s=_errors_s(record, failed, at),
        watched_s=max(0.0, (record.end_ns - at) / 1e9),
        recovery_s=None if carried is False else back,
        before=Stretch.of(before),
        after=None if after is None else Stretch.of(after),
        carried=carried,
        because=because,
        utilisation=_utilisation(rate, capacity, together, len(instances)),
        left_cores=_cores(after, left),
        fault=run.spoilt_by(record, began),
    )


def _row(record: Record, t_ns: int) -> int:
    """The first request due at that time or later."""
    return int(np.searchsorted(record.due, t_ns))


def _errors_s(record: Record, failed: np.ndarray[Any, np.dtype[np.bool_]], at: int) -> float | None:
    """Seconds until the last failure; None where failures went on to the end."""
    if not failed.any():
        return 0.0
    if failed[-IN_A_ROW:].any():
        return None
    return max(0.0, (int(record.read[failed].max()) - at) / 1e9)


def _carried(after: StepResult | None, slo: Slo) -> tuple[bool | None, str | None]:
    """Whether a stretch kept the SLO, and why not or why that is not known."""
    if after is None or not after.scheduled:
        return None, "the load ended before it could be told"
    if slo.is_of_streams:
        return None, "bounds on tokens are not judged here"
    if is_saturated(after):
        return False, "what was left unanswered grew: the others could not keep up"
    ratio = after.error_ratio or 0.0
    if slo.error_ratio is not None and ratio > slo.error_ratio:
        return False, f"{ratio:.1%} of the requests failed"
    few = None
    for bound in slo.bounds:
        measured = after.bounded_ms(bound)
        if measured is None or len(after.response) < smallest_sample(bound.quantile):
            few = f"{len(after.response)} requests are too few for {bound.name}"
        elif measured > bound.limit_ms:
            return False, f"{bound.name} was {measured:,.3g} ms, over {bound.limit_ms:g} ms"
    return (True, None) if few is None else (None, few)


def _utilisation(
    rate: float, capacity: Capacity | None, together: Together | None, count: int
) -> float | None:
    """The load over the highest throughput of the instances that are left."""
    if together is not None and together.fault is None and all(together.alone_per_s):
        return rate / sum(together.alone_per_s[:-1])
    most = 0.0 if capacity is None else highest_throughput(capacity)
    return rate / (most * (count - 1) / count) if most else None


def _cores(after: StepResult | None, left: Sequence[Instance]) -> float | None:
    """CPU cores that the instances that are left used."""
    if after is None or after.detail is None:
        return None
    pids = frozenset().union(*(instance.pids() for instance in left))
    return sum(cores for pid, cores in after.detail.process_cores if pid in pids)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
