"""What was asked of a load run: the SLO, the load and the requirements, as values, and their spellings.

    p99<=200ms,errors<=1%      an SLO
    50@20s,100@20s             stages: arrival rate @ time
    capacity>=150              a requirement

Each parser raises `UsageError` with one sentence that names the text, what is wrong and a right example.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

from probes.errors import UsageError

Arrivals = Literal["poisson", "constant"]

DEFAULT_SLO = "p99<=500ms,errors<=1%"
LATENCY_METRICS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
MIN_SECONDS, MAX_SECONDS = 1e-6, 86_400.0
MIN_RATE, MAX_RATE = 1e-6, 1_000_000.0
MAX_CONCURRENCY = 10_000
MAX_REQUESTS = 20_000_000

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_NUMBER = r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"


@dataclass(frozen=True, slots=True)
class LatencyBound:
    """At least `quantile` of the requests are answered within `limit_ms` of being due."""

    quantile: float
    limit_ms: float
    name: str


@dataclass(frozen=True, slots=True)
class Slo:
    """A service level objective: bounds on response time, and the share of requests that may fail."""

    bounds: tuple[LatencyBound, ...]
    error_ratio: float | None
    text: str

    @property
    def slowest_limit_ms(self) -> float:
        """The largest latency bound; infinite where the SLO bounds only errors."""
        return max((bound.limit_ms for bound in self.bounds), default=math.inf)

    def to_json(self) -> dict[str, float]:
        """CONTRACT's object, e.g. `{"p99_ms": 200, "error_ratio": 0.01}`."""
        document = {f"{bound.name}_ms": bound.limit_ms for bound in self.bounds}
        return document if self.error_ratio is None else document | {"error_ratio": self.error_ratio}


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """Arrivals at a rate that runs from `rate_from` to `rate_to` (requests/s) over `seconds`."""

    rate_from: float
    rate_to: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    """`concurrency` callers, each sending as soon as it has its answer, for `seconds`."""

    concurrency: int
    seconds: float


Segment = OpenSegment | ClosedSegment
Comparison = Literal["<=", ">=", "<", ">"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """`metric comparison limit`, the limit in the unit of the result document (ms, 1/s, MB, a ratio)."""

    metric: str
    comparison: Comparison
    limit: float
    text: str

    def held_by(self, measured: float | None) -> bool | None:
        """Whether the measured value keeps it; None when nothing was measured."""
        if measured is None:
            return None
        return {
            "<=": measured <= self.limit,
            ">=": measured >= self.limit,
            "<": measured < self.limit,
            ">": measured > self.limit,
        }[self.comparison]


@dataclass(frozen=True)
class LoadSpec:
    """Everything asked of one run. No segments means: find the capacity.

    `warmup_s` None means automatic; `connections` caps the connections that open-loop load may hold.
    """

    segments: tuple[Segment, ...] = ()
    slo: Slo = field(default_factory=lambda: parse_slo(DEFAULT_SLO))
    slo_asked: bool = False
    arrivals: Arrivals = "poisson"
    seed: int = 1
    timeout_s: float = 10.0
    warmup_s: float | None = None
    precision: float = 0.05
    max_rate: float | None = None
    budget_s: float = 120.0
    connections: int = 512
    requirements: tuple[Requirement, ...] = ()

    @property
    def finds_capacity(self) -> bool:
        """True when the run looks for the highest rate that keeps the SLO."""
        return not self.segments

    def to_json(self) -> dict[str, Any]:
        """What was asked, enough to ask it again."""
        document: dict[str, Any] = {
            "mode": "find_capacity" if self.finds_capacity else "segments",
            "slo": self.slo.text,
            "arrivals": self.arrivals,
            "seed": self.seed,
            "timeout_s": self.timeout_s,
            "warmup_s": "auto" if self.warmup_s is None else self.warmup_s,
            "connections": self.connections,
        }
        if self.finds_capacity:
            document |= {"precision": self.precision, "budget_s": self.budget_s, "max_rate": self.max_rate}
        else:
            document["segments"] = [_segment_json(segment) for segment in self.segments]
        if self.requirements:
            document["require"] = [requirement.text for requirement in self.requirements]
        return document


def _segment_json(segment: Segment) -> Mapping[str, Any]:
    if isinstance(segment, ClosedSegment):
        return {"concurrency": segment.concurrency, "seconds": segment.seconds}
    return {"rate_from": segment.rate_from, "rate_to": segment.rate_to, "seconds": segment.seconds}


def parse_seconds(text: str, what: str = "a time") -> float:
    """Seconds in `30s`, `500ms`, `2m`, `1h` or `10` (seconds). At least a microsecond and at most a day."""
    found = re.fullmatch(_NUMBER + r"\s*(us|ms|s|m|h)?", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2] or ""] if found else math.nan
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise UsageError(f"'{text}' is not {what}: write a time from 1us to 24h such as 30s, 500ms or 2m")
    return seconds


def _number(text: str) -> float:
    """A plain number; NaN for any other text, also for what only Python takes (1_000, ١٢, inf)."""
    found = re.fullmatch(_NUMBER, text.strip())
    return float(found[1]) if found else math.nan


def parse_rate(text: str, what: str = "a rate") -> float:
    """Requests a second, from one in a million seconds up to a million."""
    rate = _number(text)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(f"'{text}' is not {what}: write requests a second, over 0 and up to {MAX_RATE:,.0f}")
    return rate


def parse_ratio(text: str, what: str) -> float:
    """A share in `5%` or `0.05`; at least 0 and below 1."""
    found = re.fullmatch(_NUMBER + r"\s*(%)?", text.strip())
    ratio = float(found[1]) / (100 if found[2] else 1) if found else math.nan
    if not 0 <= ratio < 1:
        raise UsageError(f"'{text}' is not {what}: write a share such as 5% or 0.05, below 100%")
    return ratio


def parse_slo(text: str) -> Slo:
    """An SLO such as `p99<=200ms,errors<=1%`: percentiles p50 p90 p95 p99 p999, and errors, each once."""
    bounds: dict[str, LatencyBound] = {}
    error_ratio: float | None = None
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>|=+)\s*(\S+)\s*", part)
        if not found:
            raise UsageError(
                f"'{part.strip()}' is no part of an SLO: write for example p99<=200ms,errors<=1%"
            )
        name, sign, limit = found.groups()
        if name not in LATENCY_METRICS and name != "errors":
            raise UsageError(_unknown_metric(name, [*LATENCY_METRICS, "errors"], "an SLO"))
        if sign != "<=":
            raise UsageError(f"'{part.strip()}': an SLO sets upper bounds, write {name}<={limit}")
        if name in bounds or (name == "errors" and error_ratio is not None):
            raise UsageError(f"the SLO '{text}' bounds {name} twice: leave one out")
        if name == "errors":
            error_ratio = parse_ratio(limit, "a share of errors")
        else:
            if not re.search(r"[a-z]$", limit):
                raise UsageError(
                    f"'{part.strip()}' lacks a unit: write {name}<={limit}ms or {name}<={limit}s"
                )
            limit_ms = parse_seconds(limit, "a bound on response time") * 1e3
            bounds[name] = LatencyBound(LATENCY_METRICS[name], limit_ms, name)
    return Slo(tuple(bounds.values()), error_ratio, text.replace(" ", ""))


def parse_stages(text: str) -> tuple[OpenSegment, ...]:
    """`50@20s,100@20s`: a constant rate for a time, one after the other."""
    segments = []
    for part in text.split(","):
        rate, at, seconds = part.partition("@")
        if not at:
            raise UsageError(f"'{part.strip()}' is no stage: write rate@time, for example 50@20s,100@20s")
        value = parse_rate(rate.strip(), "the rate of a stage")
        segments.append(OpenSegment(value, value, parse_seconds(seconds, "the time of a stage")))
    return tuple(segments)


def parse_ramp(text: str) -> OpenSegment:
    """`10..500@60s`: a rate that rises (or falls) evenly."""
    rates, at, seconds = text.partition("@")
    first, dots, last = rates.partition("..")
    if not (at and dots):
        raise UsageError(f"'{text}' is no ramp: write from..to@time, for example 10..500@60s")
    return OpenSegment(
        parse_rate(first, "the first rate of a ramp"),
        parse_rate(last, "the last rate of a ramp"),
        parse_seconds(seconds, "the time of a ramp"),
    )


def parse_concurrency(text: str, step_s: float) -> tuple[ClosedSegment, ...]:
    """`1,2,4,8`: that many callers at once, one step each."""
    segments = []
    for part in text.split(","):
        if not re.fullmatch(r"[0-9]{1,6}", part.strip()) or not 1 <= int(part) <= MAX_CONCURRENCY:
            raise UsageError(
                f"'{part.strip()}' is no concurrency: write whole numbers from 1 to {MAX_CONCURRENCY}, "
                "for example 1,2,4,8"
            )
        segments.append(ClosedSegment(int(part), step_s))
    return tuple(segments)


REQUIREMENT_UNITS: Mapping[str, Literal["rate", "time", "share", "bytes", "plain"]] = {
    "capacity": "rate",
    "throughput": "rate",
    "goodput": "rate",
    **dict.fromkeys([*LATENCY_METRICS, "max", "mean", "ttft_p95", "itl_p95", "cpu_ms_per_request"], "time"),
    "errors": "share",
    "rss_mb": "plain",
    "growth_bytes_per_request": "plain",
}


def parse_requirement(text: str) -> Requirement:
    """`capacity>=150`, `p99<=200ms`, `errors<1%`, `cpu_ms_per_request<=5`, `rss_mb<=512`."""
    found = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>)\s*(\S+)\s*", text)
    if not found:
        raise UsageError(f"'{text}' is no requirement: write for example capacity>=150 or p99<=200ms")
    metric, comparison, limit = found.groups()
    unit = REQUIREMENT_UNITS.get(metric)
    if unit is None:
        raise UsageError(_unknown_metric(metric, list(REQUIREMENT_UNITS), "a requirement"))
    if unit == "share":
        value = parse_ratio(limit, "a share of errors")
    elif unit == "time" and re.search(r"[a-z]$", limit):
        value = parse_seconds(limit, "a bound on a time") * 1e3
    else:
        value = _number(limit)
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(
                f"'{limit}' is no limit for {metric}: write a number of at least 0, for example 150"
            )
    return Requirement(metric, comparison, value, text.replace(" ", ""))  # type: ignore[arg-type]


def _unknown_metric(name: str, known: list[str], of: str) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"
    return f"'{name}' is not a metric of {of}: {hint}"
