"""What a result document means for the caller: requirements held or not, the asked SLO, the exit code.

Pure functions over `loadstone.probe/1`. A value that was not measured keeps no requirement and breaks none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cli.figures import known
from probes.load.spec import Requirement
from probes.slo import LATENCY_METRICS, STREAM_METRICS, Slo

Document = Mapping[str, Any]

DONE = 0
BROKEN = 1
BAD_USAGE = 2
TARGET_FAILED = 3
UNDECIDED = 4
SLOWER = 5
STOPPED_FOR_SAFETY = 6
OUR_FAULT = 70
INTERRUPTED = 130

_BY_PRIORITY = (
    *(OUR_FAULT, INTERRUPTED, STOPPED_FOR_SAFETY, TARGET_FAILED),
    *(BROKEN, SLOWER, UNDECIDED, BAD_USAGE, DONE),
)
_BY_STATUS = {"interrupted": INTERRUPTED, "aborted": STOPPED_FOR_SAFETY, "failed": TARGET_FAILED}
_BY_VERDICT = {"worse": SLOWER, "unclear": UNDECIDED}
_UNDECIDED_GRADES = ("client_limited", "insufficient", "unstable")


@dataclass(frozen=True, slots=True)
class SloBreach:
    """A step that broke the SLO: its index, and what was measured in ms or as a ratio against which limit."""

    step: int
    name: str
    measured: float
    limit: float


@dataclass(frozen=True, slots=True)
class SloVerdict:
    """Whether every step kept the SLO; `held` is None where a step could not be judged and none broke it."""

    held: bool | None
    breaches: tuple[SloBreach, ...]
    unjudged: tuple[int, ...]


def exit_code(result: Document, slo: Slo | None = None) -> int:
    """CONTRACT's exit code of a probe. `slo` is the SLO where the caller asked for one, else None."""
    run = result.get("run") or {}
    codes = {_BY_STATUS.get(run.get("status", ""), DONE)}
    codes |= {_requirement_code(entry.get("held")) for entry in result.get("requirements") or ()}
    if run.get("grade") in _UNDECIDED_GRADES:
        codes.add(UNDECIDED)
    if finds_capacity(result):
        bound = (result.get("capacity") or {}).get("bound")
        if bound in (None, "indeterminate"):
            codes.add(UNDECIDED)
        elif bound == "unmet_at_minimum" and slo is not None:
            codes.add(UNDECIDED if run.get("grade") == "client_limited" else BROKEN)
    elif is_sweep(result):
        codes.add(_sweep_code(result.get("volume") or {}, slo is not None))
    elif slo is not None:
        codes.add(_requirement_code(judge_slo(result, slo).held))
    codes.add(_BY_VERDICT.get((result.get("baseline") or {}).get("verdict", ""), DONE))
    return first_of(codes)


def first_of(codes: Iterable[int]) -> int:
    """The code that counts where several hold, as CONTRACT orders them."""
    held = set(codes)
    return next(code for code in _BY_PRIORITY if code in held)


def _requirement_code(held: bool | None) -> int:
    return UNDECIDED if held is None else DONE if held else BROKEN


def finds_capacity(result: Document) -> bool:
    """True when the run looked for the highest rate that keeps the SLO."""
    return (result.get("load") or {}).get("mode") == "find_capacity"


def is_sweep(result: Document) -> bool:
    """True when the run sent requests of rising size; a size that breaks the SLO is then no failure."""
    return (result.get("load") or {}).get("mode") == "sweep"


def _sweep_code(volume: Document, slo_asked: bool) -> int:
    if slo_asked and known(volume.get("largest_within_slo")) is None:
        sizes = volume.get("sizes") or ()
        return BROKEN if sizes and sizes[0].get("within_slo") is False else UNDECIDED
    return UNDECIDED if volume.get("exponent") is None and volume.get("law") != "1" else DONE


def judged_in_every_step(result: Document) -> bool:
    """Whether an SLO that was asked for has to hold in every step."""
    return not finds_capacity(result) and not is_sweep(result)


def with_requirements(result: Document, requirements: Iterable[Requirement]) -> dict[str, Any]:
    """The document with `requirements` filled in; without any asked for it is left as it is."""
    judged = [judge_requirement(result, requirement) for requirement in requirements]
    return {**result, "requirements": judged} if judged else dict(result)


def judge_requirement(result: Document, requirement: Requirement) -> dict[str, Any]:
    """CONTRACT's object for one requirement.

    `held` is None when nothing was measured, when only a bound on one side is known that does not decide it,
    when an unresolved estimate has the limit inside its interval, and when it was missed in a run that our
    own client limited: that says nothing certain about the target.
    """
    held: bool | None
    if requirement.metric == "capacity":
        measured, held = _judge_capacity(result, requirement)
    else:
        measured = measure(result, requirement.metric)
        held = requirement.held_by(measured)
    if held is False and (result.get("run") or {}).get("grade") == "client_limited":
        held = None
    return {"text": requirement.text, "held": held, "measured": measured}


def _judge_capacity(result: Document, requirement: Requirement) -> tuple[float | None, bool | None]:
    capacity = result.get("capacity") or {}
    bound = capacity.get("bound")
    rate, low, high = (known(capacity.get(key)) for key in ("rate_per_s", "low", "high"))
    wants_more = requirement.comparison in (">=", ">")
    if bound == "at_least":
        floor = low if rate is None else rate
        held = requirement.held_by(floor)
        return floor, held if held is wants_more else None
    if bound == "unmet_at_minimum":
        lowest = next((value for value in (high, rate, low) if value is not None), None)
        held = requirement.held_by(lowest)
        return rate, held if held is not wants_more else None
    if bound == "indeterminate":
        return None, None
    if bound == "provisional" and (low or 0.0) <= requirement.limit <= (math.inf if high is None else high):
        return rate, None
    return rate, requirement.held_by(rate)


def measure(result: Document, metric: str) -> float | None:
    """The value of one of CONTRACT's metrics in its unit, or None where it was not measured.

    Of a step: the last, or with a capacity search the one at capacity (see `decisive_step`).
    """
    if metric == "capacity":
        return known((result.get("capacity") or {}).get("rate_per_s"))
    elsewhere = {
        "goodput": ("streaming", "goodput_per_s"),
        "growth_bytes_per_request": ("memory", "bytes_per_request"),
        "ttft_p95": ("streaming", "ttft_ms", "p95"),
        "itl_p95": ("streaming", "itl_ms", "p95"),
    }.get(metric)
    if elsewhere:
        return known(_at(result, elsewhere))
    step = decisive_step(result)
    if step is None:
        return None
    if metric in STREAM_METRICS:
        return known(_at(step, _place_of(metric)))
    if metric in LATENCY_METRICS or metric in ("max", "mean"):
        return known(_at(step, ("response_ms", metric)))
    if metric == "errors":
        return error_ratio(step)
    if metric == "throughput":
        return known(step.get("achieved_per_s"))
    if metric == "rss_mb":
        rss = known(step.get("rss_bytes"))
        return None if rss is None else rss / 1e6
    return known(step.get(metric))


def _place_of(name: str) -> tuple[str, ...]:
    """Where in a step a percentile that an SLO bounds stands: `p99`, `ttft_p95`."""
    if name not in STREAM_METRICS:
        return ("response_ms", name)
    of, _, percentile = name.partition("_")
    return ("streaming", f"{of}_ms", percentile)


def _at(document: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def decisive_step(result: Document) -> Document | None:
    """The last step; with a capacity search the open step whose rate is nearest at or below the capacity."""
    steps: Sequence[Document] = result.get("steps") or ()
    if not finds_capacity(result):
        return steps[-1] if steps else None
    rate = known((result.get("capacity") or {}).get("rate_per_s"))
    if rate is None:
        return None
    below = [
        step
        for step in steps
        if step.get("mode") == "open" and (known(step.get("offered_per_s")) or rate + 1) <= rate
    ]
    return max(reversed(below), key=lambda step: float(step["offered_per_s"]), default=None)


def error_ratio(step: Document) -> float | None:
    """Failed requests over those that were sent and not cut off by the end of the step."""
    counts = [known(step.get(key)) for key in ("sent", "cancelled", "ok")]
    sent, cancelled, ok = (value or 0.0 for value in counts)
    if counts[0] is None or counts[2] is None or sent - cancelled <= 0:
        return None
    return max(0.0, sent - cancelled - ok) / (sent - cancelled)


def judge_slo(result: Document, slo: Slo) -> SloVerdict:
    """Every step held against the SLO. What our own client spoilt is not judged."""
    breaches: list[SloBreach] = []
    unjudged: list[int] = []
    steps: Sequence[Document] = result.get("steps") or ()
    for index, step in enumerate(steps):
        values = [(f"{bound.name}_ms", bound.limit_ms) for bound in slo.bounds]
        measured = {f"{bound.name}_ms": known(_at(step, _place_of(bound.name))) for bound in slo.bounds}
        if slo.error_ratio is not None:
            values.append(("error_ratio", slo.error_ratio))
            measured["error_ratio"] = error_ratio(step)
        if step.get("verdict") == "client_limited":
            unjudged.append(index)
            continue
        broken = [
            SloBreach(index, name, value, limit)
            for name, limit in values
            if (value := measured[name]) is not None and value > limit
        ]
        breaches += broken
        if not broken and any(measured[name] is None for name, _ in values):
            unjudged.append(index)
    spoilt = (result.get("run") or {}).get("grade") == "client_limited"
    held = None if (breaches and spoilt) or (not breaches and (unjudged or not steps)) else not breaches
    return SloVerdict(held, tuple(breaches), tuple(unjudged))
