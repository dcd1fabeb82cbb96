"""A service level objective and its spelling: `p99<=200ms,errors<=1%`.

What load is held against, what a profile states and what an alert should guard. Each parser raises
`UsageError` with one sentence that names the text, what is wrong and a right example.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from probes.errors import UsageError

DEFAULT_SLO = "p99<=500ms,errors<=1%"
_OF_STREAMS: tuple[Literal["ttft", "tpot"], ...] = ("ttft", "tpot")
LATENCY_METRICS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
STREAM_METRICS: dict[str, tuple[Literal["ttft", "tpot"], float]] = {
    f"{of}_{name}": (of, q) for of in _OF_STREAMS for name, q in LATENCY_METRICS.items()
}
"""Of streamed answers: time to first token since the request was due, and time per output token after it."""
MIN_SECONDS, MAX_SECONDS = 1e-6, 86_400.0

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_NUMBER = r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"


@dataclass(frozen=True, slots=True)
class LatencyBound:
    """At least `quantile` of the requests are answered within `limit_ms` of being due.

    Of a stream, where `of` is "ttft", the first token came by then; where it is "tpot" the others followed at
    that distance in the mean.
    """

    quantile: float
    limit_ms: float
    name: str
    of: Literal["response", "ttft", "tpot"] = "response"


@dataclass(frozen=True, slots=True)
class Slo:
    """A service level objective: bounds on response time, and the share of requests that may fail."""

    bounds: tuple[LatencyBound, ...]
    error_ratio: float | None
    text: str

    @property
    def slowest_limit_ms(self) -> float:
        """The largest bound on response time; infinite where the SLO has none."""
        return max((bound.limit_ms for bound in self.bounds if bound.of == "response"), default=math.inf)

    @property
    def is_of_streams(self) -> bool:
        """Whether it bounds what only streamed answers have."""
        return any(bound.of != "response" for bound in self.bounds)

    def to_json(self) -> dict[str, float]:
        """CONTRACT's object, e.g. `{"p99_ms": 200, "error_ratio": 0.01}`."""
        document = {f"{bound.name}_ms": bound.limit_ms for bound in self.bounds}
        return document if self.error_ratio is None else document | {"error_ratio": self.error_ratio}


def parse_seconds(text: str, what: str = "a time") -> float:
    """Seconds in `30s`, `500ms`, `2m`, `1h` or `10` (seconds). At least a microsecond and at most a day."""
    found = re.fullmatch(_NUMBER + r"\s*(us|ms|s|m|h)?", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2] or ""] if found else math.nan
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise UsageError(f"'{text}' is not {what}: write a time from 1us to 24h such as 30s, 500ms or 2m")
    return seconds


def read_number(text: str) -> float:
    """A plain number; NaN for any other text, also for what only Python takes (1_000, ١٢, inf)."""
    found = re.fullmatch(_NUMBER, text.strip())
    return float(found[1]) if found else math.nan


def parse_ratio(text: str, what: str) -> float:
    """A share in `5%` or `0.05`; at least 0 and below 1."""
    found = re.fullmatch(_NUMBER + r"\s*(%)?", text.strip())
    ratio = float(found[1]) / (100 if found[2] else 1) if found else math.nan
    if not 0 <= ratio < 1:
        raise UsageError(f"'{text}' is not {what}: write a share such as 5% or 0.05, below 100%")
    return ratio


def parse_slo(text: str) -> Slo:
    """An SLO such as `p99<=200ms,errors<=1%`: percentiles p50 p90 p95 p99 p999, and errors, each once.

    Of streamed answers also `ttft_p95<=500ms` and `tpot_p95<=50ms`.
    """
    bounds: dict[str, LatencyBound] = {}
    error_ratio: float | None = None
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>|=+)\s*(\S+)\s*", part)
        if not found:
            raise UsageError(
                f"'{part.strip()}' is no part of an SLO: write for example p99<=200ms,errors<=1%"
            )
        name, sign, limit = found.groups()
        if name not in LATENCY_METRICS and name not in STREAM_METRICS and name != "errors":
            raise UsageError(unknown_metric(name, [*LATENCY_METRICS, "errors", *STREAM_METRICS], "an SLO"))
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
            of, quantile = STREAM_METRICS.get(name) or ("response", LATENCY_METRICS[name])
            bounds[name] = LatencyBound(quantile, limit_ms, name, of)
    return Slo(tuple(bounds.values()), error_ratio, text.replace(" ", ""))


def unknown_metric(name: str, known: list[str], of: str) -> str:
    """A sentence on a metric that is none, with the nearest name."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"
    return f"'{name}' is not a metric of {of}: {hint}"
