"""What is said of a step: counts that sum, times, who was late (`probes.load.tally` adds them up)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from probes.analysis.proof import prove
from probes.analysis.steady import LEAST_STEADY, steady_from
from probes.load import plan
from probes.load.durations import EXACT, Durations
from probes.load.engine import Record
from probes.load.streams import Streams
from probes.slo import LatencyBound, Slo
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
    """One step; its durations are of the requests that count (see `probes.load.tally`)."""

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
    response: Durations
    without_us: Durations
    """The same requests without what this client added: it noticed late that a request was due, or sent it
    late on a free connection, or read the answer late. Waiting for a connection is not of its making."""
    service: Durations
    send_lag: Durations
    read_lag: Durations
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
    size: tuple[str, int] | None = None
    """Axis and size of its requests, in a sweep."""
    detail: Detail | None = None
    """What else the target's processes did meanwhile."""
    streams: Streams | None = None
    """What its streamed answers were like."""

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
        return self.response.summary().get(quantile_name)

    def durations_of(self, bound: LatencyBound) -> Durations:
        """The times that a bound of an SLO is about; none where they are of streams and there were none."""
        if bound.of == "response":
            return self.response
        return Durations() if self.streams is None else self.streams.durations(bound.of)

    def bounded_ms(self, bound: LatencyBound) -> float | None:
        """What was measured of a bound's percentile, None when too few requests count."""
        times = self.durations_of(bound)
        return times.summary().get(bound.name.rpartition("_")[2]) if len(times) else None

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
            "response_ms": _summary(self.response),
            "service_ms": _summary(self.service),
            "send_lag_ms": _summary(self.send_lag),
            "read_lag_ms": _summary(self.read_lag),
            "client_cpu_cores": round(self.client_cpu_cores, 4),
            "verdict": self.verdict,
        }
        if self.size is not None:
            document["size"] = {self.size[0]: self.size[1]}
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
        if self.streams is not None:
            document["streaming"] = self.streams.to_json()
        if self.detail is not None:
            document["watched"] = self.detail.to_json()
        return {name: value for name, value in document.items() if value != {}}

    def histograms(self) -> tuple[str, str]:
        """Response and service times as texts of mergeable histograms."""
        return self.response.histogram().to_text(), self.service.histogram().to_text()


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


def steadiness(step: StepResult) -> dict[str, Any]:
    """Where the steady part of a step begins (`probes.analysis.steady`): `from_request`, None where the
    response times still rose or fell at its half. Nothing ({}) where it has too few requests to tell."""
    if not LEAST_STEADY <= len(step.response) <= EXACT:
        return {}
    first = steady_from(step.response.values)
    return {"steady": {"from_request": first, "of_requests": len(step.response)}}


def proofs(step: StepResult, slo: Slo) -> list[dict[str, Any]]:
    """Whether each bound of the SLO on a time is proven by a step's requests, or how many more it takes."""
    found = []
    for bound in slo.bounds:
        times = step.durations_of(bound)
        if 0 < len(times) <= EXACT:
            found.append(prove(times.values / 1e6, bound.name, bound.quantile, bound.limit_ms).to_json())
    return found


def exceedances(
    record: Record, is_good: Callable[[int], bool], limit_ms: float, of: str = "response"
) -> NDArray[np.bool_]:
    """Which requests missed an objective, shape (scheduled,); `of` as of a `LatencyBound`.

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
    waited = ended - record.due
    if of != "response":
        streams = Streams.of(record, is_good)
        waited = streams.ttft_ns if of == "ttft" else streams.tpot_ns
    late = waited / 1e6 > limit_ms
    return np.where(good | open_ended, late, True)


def misses(step: StepResult, slo: Slo) -> list[str]:
    """The parts of the SLO that a step was measured to break, each as `p99 = 312 ms > 200 ms`; [] = none."""
    broken = []
    for bound in slo.bounds:
        value = step.bounded_ms(bound)
        if value is not None and value > bound.limit_ms:
            broken.append(f"{bound.name} = {value:.4g} ms > {bound.limit_ms:g} ms")
    ratio = step.error_ratio
    if slo.error_ratio is not None and ratio is not None and ratio > slo.error_ratio:
        broken.append(f"errors = {ratio:.2%} > {slo.error_ratio:.2%}")
    return broken


def _summary(values: Durations) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.summary().items()}
