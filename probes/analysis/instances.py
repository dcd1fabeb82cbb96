"""What several instances of one service say of each other: the same answers, and a throughput that adds up.

Instances that share nothing carry together what each carries alone, so that the ratio of the one to the sum
of the others is 1. Less of it is lost to what they share: processors, a database, a lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probes.analysis.answers import SHOWN, Values, Verdict, differing, is_account, shown_paths

MACHINE_FULL = 0.9
"""From this share of the processors' time on instances may have taken it from each other."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether instances answer the same request alike; `different` are the values in which they do not."""

    verdict: Verdict
    compared: int
    reason: str | None = None
    different: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The `answers` of the result's `instances`."""
        more = {
            "reason": self.reason,
            "different": list(self.different[:SHOWN]),
            "left_out": list(self.left_out[:SHOWN]),
        }
        document: dict[str, Any] = {"verdict": self.verdict, "compared": self.compared}
        return document | {name: value for name, value in more.items() if value}


def agreement(answers: Sequence[Sequence[Values]]) -> Agreement:
    """Holds the answers of each instance, two or more to the same request, against those of the first.

    Left out is what differs from answer to answer of one instance, and what by its name says something of the
    request or of who answered.
    """
    compared = sum(map(len, answers))
    if len(answers) < 2 or any(len(own) < 2 for own in answers):
        return Agreement("not_comparable", compared, "not every instance answered")
    if any(values == {"body": b""} for own in answers for values in own):
        return Agreement("not_comparable", compared, "the answers hold nothing to compare")
    varying: set[str] = set()
    for own in answers:
        for values in own[1:]:
            varying |= differing(own[0], values)
    if undue := {path for path in varying if not is_account(path)}:
        names = ", ".join(shown_paths(undue)[:SHOWN])
        return Agreement("not_comparable", compared, f"one instance alone answers differently, in {names}")
    apart: set[str] = set()
    for own in answers[1:]:
        apart |= differing(answers[0][0], own[0])
    accounts = varying | {path for path in apart if is_account(path)}
    different = shown_paths(apart - accounts)
    verdict: Verdict = "changed" if different else "same"
    return Agreement(verdict, compared, None, different, shown_paths(accounts & (apart | varying)))


@dataclass(frozen=True, slots=True)
class Together:
    """Good answers a second (1/s) of each instance alone, and of all of them under as many callers each.

    `machine_busy` is the share of this machine's processors that was in use while all had load, None where
    that cannot be told. With `fault` our own client spoilt it.
    """

    alone_per_s: tuple[float, ...]
    together_per_s: float
    callers_each: int
    answers: int
    machine_busy: float | None
    fault: str | None = None

    @property
    def sum_ratio(self) -> float | None:
        """What they carry together over the sum of what each carries alone; None where that is nothing."""
        total = sum(self.alone_per_s)
        return self.together_per_s / total if total > 0 else None

    @property
    def machine_was_full(self) -> bool:
        """Whether instances may have taken this machine's processors from each other."""
        return self.machine_busy is not None and self.machine_busy >= MACHINE_FULL

    def to_json(self) -> dict[str, Any]:
        """Its part of the result's `instances`."""
        document: dict[str, Any] = {
            "alone_per_s": [round(rate, 3) for rate in self.alone_per_s],
            "together_per_s": round(self.together_per_s, 3),
            "callers_each": self.callers_each,
            "sum_ratio": None if self.sum_ratio is None else round(self.sum_ratio, 4),
        }
        if self.machine_busy is not None:
            document["machine_busy"] = round(self.machine_busy, 4)
        return document | ({"fault": self.fault} if self.fault else {})
