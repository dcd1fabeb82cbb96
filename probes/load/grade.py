"""The client judges itself: how far a step, and a whole run, can be trusted.

A run that our own client spoilt never becomes a fact about the target, so `client_limited` beats every
verdict about the target.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from probes.analysis.memory import MemoryGrowth
from probes.analysis.percentiles import smallest_sample
from probes.load.durations import Durations
from probes.load.steps import StepResult, Verdict
from probes.slo import Slo

Grade = Literal["valid", "client_limited", "unstable", "degrading", "insufficient"]

OWN_SHARE = 0.10
"""The client may add this share of the target's own p99."""
OWN_SHARE_OF_LIMIT = 0.05
"""… or of the SLO's bound, which is what is decided upon."""
OWN_FLOOR_MS = 1.0
"""… or this much: what a busy machine adds to the quietest client."""
BUSY_CORES = 0.95
"""A load process that uses more of a core than this cannot send more."""
LADDER_CORES = 0.90
"""… and from here on callers of a search, who wait for their answers, are too many for it."""
LEAST_REQUESTS = 20
"""Of fewer nothing is said about p99."""
FELL_BEHIND = 0.02
"""An open-loop step fell behind when less than all but this share came back in its time."""


def client_fault(step: StepResult, slo: Slo) -> str | None:
    """Why our own client spoilt a step, with its numbers; None when it did not."""
    return fault_of_client(
        slo,
        no_ports=step.no_ports,
        lost=step.lost,
        busiest_cores=step.busiest_client_cores,
        full_cores=BUSY_CORES if step.mode == "open" else None,
        response=step.response,
        without_us=step.without_us,
    )


def fault_of_client(
    slo: Slo,
    *,
    no_ports: int,
    busiest_cores: float,
    full_cores: float | None,
    response: Durations,
    without_us: Durations,
    lost: Sequence[str] = (),
) -> str | None:
    """The rules behind `client_fault`, on a step or on what there is of one.

    The durations are of the requests that count, with and without what we added; from `full_cores` on a load
    process can send no more (None: it may use all it gets).
    """
    if no_ports:
        return (
            f"{no_ports} connections could not be made because this machine ran out of ports or descriptors"
        )
    if lost:
        return f"{lost[0]}, and its requests are missing from then on"
    if full_cores is not None and busiest_cores > full_cores:
        return f"the load process used {busiest_cores:.2f} of one core"
    if len(response) < LEAST_REQUESTS:
        return None
    with_us_ms = response.quantile(0.99) / 1e6
    without_us_ms = without_us.quantile(0.99) / 1e6
    limit = min((bound.limit_ms for bound in slo.bounds if bound.of != "tpot"), default=0.0)
    allowed = max(OWN_FLOOR_MS, OWN_SHARE * without_us_ms, OWN_SHARE_OF_LIMIT * limit)
    if with_us_ms - without_us_ms > allowed:
        return (
            "late sending and reading by this client raised p99 "
            f"from {without_us_ms:.3g} ms to {with_us_ms:.3g} ms"
        )
    return None


def verdict_of(step: StepResult, slo: Slo) -> Verdict:
    """What a step shows by itself; `saturates` compares closed-loop steps with each other."""
    if client_fault(step, slo):
        return "client_limited"
    if step.mode == "open" and is_saturated(step):
        return "saturated"
    wanted = max((smallest_sample(bound.quantile) for bound in slo.bounds), default=20)
    if step.mode == "open" and len(step.response) < wanted:
        return "insufficient"
    return "steady"


def is_saturated(step: StepResult) -> bool:
    """True when an open-loop step offered more than came back.

    That is when what is unanswered grows from quarter to quarter beyond chance, or requests were given up.
    """
    given_up = step.unsent + step.cancelled + step.timeouts
    if given_up > 0.01 * max(step.scheduled, 1):
        return True
    first, second, third, last = step.backlog
    grows = last > third > second > first
    return grows and last - first > max(5.0, 3.0 * np.sqrt(step.scheduled), 0.02 * step.scheduled)


def saturates(step: StepResult, earlier: Sequence[StepResult], gain: float = 0.05) -> bool:
    """True when a closed-loop step brings less than `gain` more than the best before with fewer callers."""
    best = max(
        (
            other.achieved_per_s
            for other in earlier
            if other.mode == "closed" and other.concurrency < step.concurrency
        ),
        default=0.0,
    )
    return step.mode == "closed" and step.achieved_per_s < best * (1 + gain)


def outruns(step: StepResult, earlier: Sequence[StepResult]) -> bool:
    """True when an open-loop step offered more than waiting callers ever got answered, and fell behind.

    Short steps show no significant growth of what is unanswered yet.
    """
    best = max((other.achieved_per_s for other in earlier if other.mode == "closed"), default=math.inf)
    offered = step.offered_per_s
    return offered is not None and offered > best and step.achieved_per_s < (1 - FELL_BEHIND) * offered


def grade_steps(steps: Sequence[StepResult], slo: Slo) -> tuple[Grade, str | None]:
    """The grade of a run of given steps (fixed rates, stages, concurrencies) and its reason."""
    if not steps:
        return "insufficient", "nothing was measured"
    for number, step in enumerate(steps, 1):
        fault = client_fault(step, slo)
        if fault:
            return "client_limited", f"in step {number} {fault}"
    few = [number for number, step in enumerate(steps, 1) if step.verdict == "insufficient"]
    if few:
        wanted = max((smallest_sample(bound.quantile) for bound in slo.bounds), default=20)
        step = steps[few[0] - 1]
        return "insufficient", (f"step {few[0]} has {len(step.response)} requests; {slo.text} needs {wanted}")
    if all(step.ok == 0 for step in steps):
        return "insufficient", "no request was answered well"
    return "valid", None


def untold_memory(memory: MemoryGrowth | None) -> str | None:
    """Why a soak does not tell what it was asked, whether memory grows; None where it does."""
    if memory is not None and memory.verdict != "insufficient":
        return None
    because = "the target's memory was not measured" if memory is None else memory.because
    return f"whether memory grows cannot be told: {because}"
