"""What was asked of a load run: the SLO, the load and the requirements, as values, and their spellings.

    p99<=200ms,errors<=1%      an SLO
    50@20s,100@20s             stages: arrival rate @ time
    2s, constant:2s            how long users think between an answer and their next request
    capacity>=150              a requirement

Each parser raises `UsageError` with one sentence that names the text, what is wrong and a right example.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from probes.errors import UsageError
from probes.slo import (
    DEFAULT_SLO,
    LATENCY_METRICS,
    LatencyBound,
    Slo,
    parse_ratio,
    parse_seconds,
    parse_slo,
    read_number,
    unknown_metric,
)

__all__ = [
    "DEFAULT_SLO", "LATENCY_METRICS", "ClosedSegment", "LatencyBound", "LoadSpec", "OpenSegment",
    "ReplaySegment", "Requirement", "Segment", "Slo", "Think", "parse_concurrency", "parse_ramp",
    "parse_rate", "parse_ratio", "parse_requirement", "parse_seconds", "parse_slo", "parse_soak",
    "parse_stages", "parse_think",
]  # fmt: skip

CheckAnswers = Literal["no", "auto", "yes"]
Arrivals = Literal["poisson", "constant"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from probes.load.sizes import Sweep

MIN_RATE, MAX_RATE = 1e-6, 1_000_000.0
MAX_CONCURRENCY = 10_000
MAX_REQUESTS = 20_000_000
"""Of a file that is replayed."""
MOST_DUE = 100_000_000
"""Requests of one open-loop stretch: 16 bytes of memory each are there before the first is sent."""
WARMUP_LEAST_S = 1.0
"""How long a warm-up lasts at least that ends by itself."""


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """Arrivals at a rate that runs from `rate_from` to `rate_to` (requests/s) over `seconds`."""

    rate_from: float
    rate_to: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Think:
    """How long (s) a user pauses between an answer and the next request: exponential, or always the same."""

    mean_s: float
    constant: bool = False


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    """`concurrency` callers for `seconds`, each sending as soon as it has its answer, or has thought."""

    concurrency: int
    seconds: float
    think: Think | None = None


@dataclass(frozen=True, slots=True)
class ReplaySegment:
    """Arrivals at the times of a file: `due_ns` counts from its first, ascending, the last before `seconds`.

    `file` is its name without folders, `sha256` of its bytes: the same name need not be the same file.
    """

    file: str
    sha256: str
    seconds: float
    due_ns: NDArray[np.int64] = field(compare=False, repr=False)


Segment = OpenSegment | ClosedSegment | ReplaySegment
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

    `warmup_s` None means automatic; `connections` caps the connections that open-loop load may hold. `soak`
    asks whether the target keeps memory; `shards` is the number of load processes, or there is one on each
    worker of the `cluster` (`dask://host:port`); `stacks` looks inside the
    target once more when it was saturated. `check_answers` holds answers under load against answers at rest:
    always, or "auto", where that costs the target nothing beside a request now and then.
    `overload` sends twice what was found, for some seconds after a search.
    With a `sweep` there is one closed segment, which every size gets.
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
    soak: bool = False
    shards: int = 1
    cluster: str | None = None
    stacks: bool = True
    check_answers: CheckAnswers = "no"
    overload: bool = False
    sweep: Sweep | None = None

    @property
    def finds_capacity(self) -> bool:
        """True when the run looks for the highest rate that keeps the SLO."""
        return not self.segments

    def check(self) -> None:
        """Raises `UsageError` for what cannot be done, though each value by itself could be."""
        warmup_s = WARMUP_LEAST_S if self.warmup_s is None else self.warmup_s
        if self.finds_capacity and warmup_s > 0 and self.budget_s <= warmup_s:
            raise UsageError(
                f"a budget of {self.budget_s:g} s is no longer than the warm-up of {warmup_s:g} s: "
                "give the search more time (--budget 60s) or leave the warm-up out (--warmup 0)"
            )
        due = sum(
            (segment.rate_from + segment.rate_to) / 2 * segment.seconds
            for segment in self.segments
            if isinstance(segment, OpenSegment)
        )
        if due > MOST_DUE:
            raise UsageError(
                f"this load is {due:,.0f} requests, over the {MOST_DUE:,} that one run may send: "
                "lower the rate or shorten the time"
            )

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
        if self.sweep is not None:
            document |= {"mode": "sweep", "sweep": self.sweep.to_json(), "budget_s": self.budget_s}
        if self.soak:
            document["soak"] = True
        if self.overload:
            document["overload"] = True
        if self.shards > 1:
            document["shards"] = self.shards
        if self.cluster is not None:
            document["cluster"] = self.cluster
        if not self.stacks:
            document["stacks"] = False
        if self.check_answers != "no":
            document["check_answers"] = self.check_answers
        if self.requirements:
            document["require"] = [requirement.text for requirement in self.requirements]
        return document


def _segment_json(segment: Segment) -> Mapping[str, Any]:
    if isinstance(segment, ClosedSegment):
        document: dict[str, Any] = {"concurrency": segment.concurrency, "seconds": segment.seconds}
        if segment.think is not None:
            pauses = "constant" if segment.think.constant else "exponential"
            document |= {"think_s": segment.think.mean_s, "think": pauses}
        return document
    if isinstance(segment, ReplaySegment):
        return {
            "replay": segment.file,
            "sha256": segment.sha256,
            "requests": len(segment.due_ns),
            "seconds": segment.seconds,
        }
    return {"rate_from": segment.rate_from, "rate_to": segment.rate_to, "seconds": segment.seconds}


def parse_rate(text: str, what: str = "a rate") -> float:
    """Requests a second, from one in a million seconds up to a million."""
    rate = read_number(text)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(f"'{text}' is not {what}: write requests a second, over 0 and up to {MAX_RATE:,.0f}")
    return rate


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


def parse_think(text: str) -> Think:
    """`2s` (exponential pauses of that mean), or `constant:2s`."""
    kind, colon, seconds = text.rpartition(":")
    if colon and kind not in ("constant", "exponential"):
        raise UsageError(f"'{text}' is no time to think: write for example 2s, or constant:2s")
    return Think(parse_seconds(seconds, "a time to think"), kind == "constant")


def parse_soak(text: str) -> OpenSegment:
    """`100@10m`: one rate for a long time."""
    stages = parse_stages(text)
    if len(stages) != 1:
        raise UsageError(f"'{text}' is no soak: write one rate@time, for example 100@10m")
    return stages[0]


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
        raise UsageError(unknown_metric(metric, list(REQUIREMENT_UNITS), "a requirement"))
    if unit == "share":
        value = parse_ratio(limit, "a share of errors")
    elif unit == "time" and re.search(r"[a-z]$", limit):
        value = parse_seconds(limit, "a bound on a time") * 1e3
    else:
        value = read_number(limit)
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(
                f"'{limit}' is no limit for {metric}: write a number of at least 0, for example 150"
            )
    return Requirement(metric, comparison, value, text.replace(" ", ""))  # type: ignore[arg-type]
