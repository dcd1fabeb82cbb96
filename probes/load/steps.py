"""From the rows of a stretch of load to what is said of it: counts that sum, times, who was late.

Which requests count in the percentiles of response time: good answers, and all that were given up while
waiting (timed out, cancelled, never sent) with the time they had waited by then, so that waiting can only
make the figure worse. Failed answers are left out: a fast failure is not a fast answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from probes.analysis.percentiles import latency_summary
from probes.load import plan
from probes.load.engine import Record
from probes.load.histogram import Histogram
from probes.load.lateness import own_delay
from probes.slo import Slo
from probes.watch.detail import Detail
from probes.watch.tree import Usage

Verdict = Literal["steady", "saturated", "unstable", "client_limited", "insufficient"]
ERROR_CLASSES = (
    *("connect", "reset", "protocol", "status_4xx", "status_5xx"),
    *("throttled", "redirect", "tls", "assertion", "empty"),
)


@dataclass(frozen=True, slots=True)
class Users:
    """Users who think between an answer and their next request, and what Little's law says of them.

    Their number is `rate_per_s` · (`response_s` + `think_s`), where all three are measured: the requests that
    ended a second, their mean time since they were due, and the mean pause. `expected` is that product; how
    far it lies from `count` says how far the step was from equilibrium (Little 1961).
    """

    count: int
    think_s: float
    response_s: float
    rate_per_s: float

    @property
    def expected(self) -> float:
        """The number of users that the measured times and the measured rate make."""
        return self.rate_per_s * (self.response_s + self.think_s)

    def to_json(self) -> dict[str, float | int]:
        """Times in ms."""
        return {
            "count": self.count,
            "think_ms": round(self.think_s * 1e3, 3),
            "response_ms": round(self.response_s * 1e3, 4),
            "rate_per_s": round(self.rate_per_s, 3),
            "expected": round(self.expected, 2),
        }


@dataclass(frozen=True)
class StepResult:
    """One step. Times in `*_ns` are arrays of int64, one value a request that counts (see above)."""

    mode: Literal["open", "closed"]
    offered_per_s: float | None
    achieved_per_s: float
    concurrency: float
    seconds: float
    scheduled: int
    sent: int
    ok: int
    timeouts: int
    cancelled: int
    errors: dict[str, int]
    no_ports: int
    response_ns: NDArray[np.int64]
    service_ns: NDArray[np.int64]
    send_lag_ns: NDArray[np.int64]
    read_lag_ns: NDArray[np.int64]
    own_delay_ns: NDArray[np.int64]
    """What this client added to each response time: it noticed late that the request was due, or sent it late
    on a free connection, or read the answer late. Waiting for a connection is not of its making."""
    backlog: tuple[int, int, int, int]
    """Requests due but unanswered at a quarter, half, three quarters and the end."""
    usage: Usage | None
    client_cpu_cores: float
    verdict: Verdict = "steady"
    busiest_cores: float | None = None
    """Cores that the busiest of several load processes used; `client_cpu_cores` is their sum."""
    users: Users | None = None
    lost: tuple[str, ...] = ()
    """Load processes that ended before their time, a sentence each."""
    detail: Detail | None = None
    """What else the target's processes did meanwhile."""

    @property
    def busiest_client_cores(self) -> float:
        """Cores that one load process used, the busiest if there are several."""
        return self.client_cpu_cores if self.busiest_cores is None else self.busiest_cores

    @property
    def unsent(self) -> int:
        """Requests that were due but not sent by the end."""
        return self.scheduled - self.sent

    @property
    def failed(self) -> int:
        """Requests that failed: errors of every class, and time-outs."""
        return sum(self.errors.values()) + self.timeouts

    @property
    def censored(self) -> int:
        """Requests whose wait was cut off, so that their true response time is longer than counted."""
        return self.timeouts + self.cancelled + self.unsent

    @property
    def error_ratio(self) -> float | None:
        """Failed requests over requests that ended by themselves; None when none did."""
        ended = self.sent - self.cancelled
        return self.failed / ended if ended else None

    @property
    def cpu_ms_per_request(self) -> float | None:
        """CPU time (ms) of the target's process tree for each answer of this step."""
        answered = self.achieved_per_s * self.seconds
        return 1e3 * self.usage.cpu_s / answered if self.usage is not None and answered >= 1 else None

    def response_ms(self, quantile_name: str) -> float | None:
        """A percentile of response time, None when too few requests count."""
        return latency_summary(self.response_ns).get(quantile_name)

    def with_verdict(self, verdict: Verdict) -> StepResult:
        """The same step, judged."""
        return replace(self, verdict=verdict)

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's step object; what was not measured is left out."""
        document: dict[str, Any] = {"mode": self.mode}
        if self.offered_per_s is not None:
            document["offered_per_s"] = round(self.offered_per_s, 3)
        document |= {
            "achieved_per_s": round(self.achieved_per_s, 3),
            "concurrency": round(self.concurrency, 3),
            "seconds": round(self.seconds, 3),
            "scheduled": self.scheduled,
            "sent": self.sent,
            "unsent": self.unsent,
            "ok": self.ok,
            "timeouts": self.timeouts,
            "cancelled": self.cancelled,
            "errors": self.errors,
            "response_ms": _summary(self.response_ns),
            "service_ms": _summary(self.service_ns),
            "send_lag_ms": _summary(self.send_lag_ns),
            "read_lag_ms": _summary(self.read_lag_ns),
            "client_cpu_cores": round(self.client_cpu_cores, 4),
            "verdict": self.verdict,
        }
        if self.users is not None:
            document["users"] = self.users.to_json()
        if self.lost:
            document["lost"] = list(self.lost)
        if self.censored:
            document["censored"] = self.censored
        if self.usage is not None:
            document |= {
                "cpu_cores": round(self.usage.cpu_cores, 4),
                "rss_bytes": int(self.usage.rss_bytes_peak),
                "threads": int(self.usage.threads_peak),
            }
            if self.cpu_ms_per_request is not None:
                document["cpu_ms_per_request"] = round(self.cpu_ms_per_request, 4)
        if self.detail is not None:
            document["watched"] = self.detail.to_json()
        return {name: value for name, value in document.items() if value != {}}

    def histograms(self) -> tuple[str, str]:
        """Response and service times as texts of mergeable histograms."""
        return Histogram.of(self.response_ns).to_text(), Histogram.of(self.service_ns).to_text()


def summarise(
    record: Record, is_good: Callable[[int], bool], usage_of: Callable[[int, int], Usage | None]
) -> StepResult:
    """The step that a record shows. `is_good` says which HTTP statuses are wanted; `usage_of(from, to)` tells
    what the target's processes used between two monotonic times in ns."""
    outcome = record.outcome
    kinds, counts = np.unique(outcome[record.sent > 0], return_counts=True)
    count = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    errors = dict.fromkeys(ERROR_CLASSES, 0)
    good = []
    for kind, number in count.items():
        name = error_class(kind, is_good)
        if name == "ok":
            good.append(kind)
        elif name in errors:
            errors[name] += number
    is_ok = np.isin(outcome, good) & (record.read > 0)
    seconds = max((record.end_ns - record.start_ns) / 1e9, 1e-9)

    unsent = record.sent == 0
    counted = is_ok | np.isin(outcome, (plan.TIMEOUT, plan.CANCELLED)) | unsent
    ended = np.where(record.read > 0, record.read, max(record.report.ended_ns, record.end_ns))
    response = ended - record.due
    server_end = np.where(record.recv > 0, record.recv, record.read)
    send_lag = np.where(unsent, 0, record.sent - record.due)
    read_lag = np.where(record.recv > 0, record.read - record.recv, 0)
    own = own_delay(record.due, record.sent, record.recv, record.read, record.status)

    in_window = is_ok & (record.read <= record.end_ns)
    waits_only = record.concurrency > 0 and not record.think
    achieved = _closed_rate(record, is_ok) if waits_only else float(in_window.sum()) / seconds
    little = (
        float(np.minimum(response[counted], record.end_ns - record.due[counted]).clip(0).sum())
        / 1e9
        / seconds
    )
    return StepResult(
        mode="closed" if record.concurrency else "open",
        offered_per_s=None if record.concurrency else len(record.due) / seconds,
        achieved_per_s=achieved,
        concurrency=float(record.concurrency) if waits_only else little,
        seconds=seconds,
        scheduled=len(record.due),
        sent=int((~unsent).sum()),
        ok=int(is_ok.sum()),
        timeouts=count.get(plan.TIMEOUT, 0),
        cancelled=count.get(plan.CANCELLED, 0),
        errors=errors,
        no_ports=count.get(plan.NO_PORTS, 0),
        response_ns=response[counted],
        service_ns=np.maximum((server_end - record.sent)[is_ok], 0),
        send_lag_ns=send_lag[~unsent],
        read_lag_ns=np.maximum(read_lag[is_ok & (record.recv > 0)], 0),
        own_delay_ns=own[counted],
        backlog=_backlog(record, ended),
        usage=usage_of(record.start_ns, record.end_ns),
        client_cpu_cores=record.report.cpu_s / record.report.wall_s if record.report.wall_s else 0.0,
        busiest_cores=record.report.busiest_cores,
        users=_users(record, seconds) if record.think else None,
        lost=record.report.lost,
    )


def _users(record: Record, seconds: float) -> Users | None:
    ended = (record.read > 0) & (record.read <= record.end_ns)
    pauses = record.report.pauses
    if not pauses or not ended.any():
        return None
    return Users(
        count=record.concurrency,
        think_s=record.report.paused_ns / pauses / 1e9,
        response_s=float((record.read - record.due)[ended].mean()) / 1e9,
        rate_per_s=float(ended.sum()) / seconds,
    )


def error_class(outcome: int, is_good: Callable[[int], bool]) -> str:
    """CONTRACT's class of an outcome: `ok`, `timeouts`, `cancelled`, `unsent` or a class of errors."""
    special = {
        0: "unsent",
        plan.TIMEOUT: "timeouts",
        plan.CANCELLED: "cancelled",
    } | plan.ERROR_OF_OUTCOME
    if outcome in special:
        return special[outcome]
    if is_good(outcome):
        return "ok"
    if outcome in (429, 503):
        return "throttled"
    return {3: "redirect", 4: "status_4xx", 5: "status_5xx"}.get(outcome // 100, "assertion")


def exceedances(record: Record, is_good: Callable[[int], bool], limit_ms: float) -> NDArray[np.bool_]:
    """Which requests missed an objective, shape (scheduled,).

    Those that were answered later than `limit_ms` after they were due, failed, or timed out; with an infinite
    limit those that failed. What was cancelled or unsent before it had waited `limit_ms` counts as kept.
    """
    outcome = record.outcome
    kinds = np.unique(outcome)
    good = np.isin(
        outcome, [kind for kind in kinds.tolist() if is_good(kind) and kind < plan.TIMEOUT and kind]
    )
    open_ended = np.isin(outcome, (0, plan.CANCELLED))
    ended = np.where(record.read > 0, record.read, max(record.report.ended_ns, record.end_ns))
    late = (ended - record.due) / 1e6 > limit_ms
    return np.where(good | open_ended, late, True)


def misses(step: StepResult, slo: Slo) -> list[str]:
    """The parts of the SLO that a step was measured to break, each as `p99 = 312 ms > 200 ms`; [] = none."""
    broken = []
    for bound in slo.bounds:
        value = step.response_ms(bound.name)
        if value is not None and value > bound.limit_ms:
            broken.append(f"{bound.name} = {value:.4g} ms > {bound.limit_ms:g} ms")
    ratio = step.error_ratio
    if slo.error_ratio is not None and ratio is not None and ratio > slo.error_ratio:
        broken.append(f"errors = {ratio:.2%} > {slo.error_ratio:.2%}")
    return broken


def _summary(values: NDArray[np.int64]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in latency_summary(values).items()}


def _closed_rate(record: Record, is_ok: NDArray[np.bool_]) -> float:
    """Good answers a second of callers that wait, from the time when each has been answered once.

    An answer counts by the share of its wait that lies in the window, so that neither answers that come in
    bursts nor the edges of the window change the figure: N callers with a wait of S give N/S.
    """
    first = record.read[: record.concurrency]
    start, end = record.start_ns, record.end_ns
    if len(first) and (first > 0).all() and first.max() < start + 0.6 * (end - start):
        start = int(first.max())
    due, read = record.due[is_ok], record.read[is_ok]
    inside = np.clip(np.minimum(read, end) - np.maximum(due, start), 0, None)
    return float((inside / np.maximum(read - due, 1)).sum()) / max((end - start) / 1e9, 1e-9)


def _backlog(record: Record, ended: NDArray[np.int64]) -> tuple[int, int, int, int]:
    span = record.end_ns - record.start_ns
    moments = [record.start_ns + span * quarter // 4 for quarter in (1, 2, 3, 4)]
    left = [int(((record.due <= at) & (ended > at)).sum()) for at in moments]
    return left[0], left[1], left[2], left[3]
