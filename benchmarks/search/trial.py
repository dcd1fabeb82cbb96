"""One search, or one of its peers, on one simulated server; and what many of them come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from probes.load.search import Limits, Search

from .bench import SimulatedBench
from .kinds import Kind, truth


@dataclass(frozen=True)
class Found:
    """What a method said. `low`, `high`: None where it gives no interval. Seconds are virtual ones."""

    rate: float | None
    low: float | None
    high: float | None
    resolved: bool
    flagged: bool
    seconds: float
    preview_s: float


Method = Callable[[Kind, int], Found]


def ours(budget_s: float) -> Method:
    """The search as the product runs it."""

    def method(kind: Kind, seed: int) -> Found:
        bench = SimulatedBench(kind.make(seed, False), kind.objectives, seed)
        answer = Search(bench, kind.objectives, Limits(budget_s=budget_s)).run()
        first = next((preview[0] for preview in bench.previews), math.inf)
        return Found(
            rate=answer.rate,
            low=answer.low,
            high=answer.high,
            resolved=answer.bound == "bracketed" and answer.grade == "valid",
            flagged=answer.grade != "valid",
            seconds=bench.elapsed(),
            preview_s=first,
        )

    return method


@dataclass(frozen=True)
class Summary:
    """Of many trials of a kind. Shares from 0 to 1; `wrong`: resolved, and the interval does not hold
    the truth. nan where a method gives no interval."""

    kind: str
    trials: int
    seconds: float
    off: float
    within_5: float
    within_10: float
    coverage: float
    half_width: float
    low_is_zero: float
    resolved: float
    wrong: float
    flagged: float
    preview_s: float

    @classmethod
    def of(cls, kind: Kind, found: Sequence[Found]) -> Summary:
        true = truth(kind)
        off = np.array([abs(one.rate / true - 1) if one.rate else math.inf for one in found])
        covered = [
            (one.low if one.low is not None else 0.0)
            <= true
            <= (one.high if one.high is not None else math.inf)
            for one in found
        ]
        width = [
            (one.high - one.low) / 2 / one.rate
            for one in found
            if one.rate and one.low is not None and one.high is not None
        ]
        told = any(one.high is not None for one in found)  # peers give no interval
        wrong = [one.resolved and not inside for one, inside in zip(found, covered, strict=True)]
        return cls(
            kind=kind.name,
            trials=len(found),
            seconds=float(np.median([one.seconds for one in found])),
            off=float(np.median([one.rate / true - 1 if one.rate else -1.0 for one in found])),
            within_5=float((off <= 0.05).mean()),
            within_10=float((off <= 0.10).mean()),
            coverage=float(np.mean(covered)) if told else math.nan,
            half_width=float(np.median(width)) if width else math.nan,
            low_is_zero=float(np.mean([not one.low for one in found])) if told else math.nan,
            resolved=float(np.mean([one.resolved for one in found])),
            wrong=float(np.mean(wrong)) if told else math.nan,
            flagged=float(np.mean([one.flagged for one in found])),
            preview_s=float(np.max([one.preview_s for one in found])),
        )


HEAD = (
    f"{'':26} {'seconds':>7} {'off':>6} {'±5 %':>5} {'±10 %':>5} {'covers':>6} {'half':>6} {'low 0':>5} "
    f"{'resolv':>6} {'wrong':>5} {'flag':>5} {'first':>6}"
)


def line(one: Summary) -> str:
    return (
        f"{one.kind:26} {one.seconds:7.0f} {one.off:+6.0%} {one.within_5:5.0%} {one.within_10:5.0%} "
        f"{one.coverage:6.0%} "
        f"{one.half_width:6.1%} {one.low_is_zero:5.0%} {one.resolved:6.0%} {one.wrong:5.0%} "
        f"{one.flagged:5.0%} {one.preview_s:5.1f}s"
    )
