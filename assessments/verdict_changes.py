"""Which claims a run moved, and what each is worth: two judgings of the same answers compared."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from assessments.judging import Judged
from assessments.states import Judgement

LEAST_POINTS = 0.05
"""A smaller change of points alone is none."""


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A claim whose state or points changed.

    `points` are those of its pillar's supported score that it gained or, below 0, lost; None where the
    question applies in one of both only, and so no difference can be told.
    """

    question: str
    before: str
    after: str
    points: float | None
    because: str


def verdict_changes(before: Judged, after: Judged) -> tuple[VerdictChange, ...]:
    """The claims that were judged otherwise: losses, the largest first, then gains, then the rest."""
    old, new = _points(before), _points(after)
    was = {entry.question: entry for entry in before.judgements}
    changes = []
    for entry in after.judgements:
        earlier = was.get(entry.question)
        if earlier is None:
            continue
        points = None
        if entry.question in old and entry.question in new:
            points = new[entry.question] - old[entry.question]
        moved = earlier.state != entry.state or (points is not None and abs(points) >= LEAST_POINTS)
        if moved:
            changes.append(VerdictChange(entry.question, earlier.state, entry.state, points, entry.because))
    return tuple(sorted(changes, key=_order))


def _order(change: VerdictChange) -> tuple[bool, float, str]:
    return change.points is None, change.points or 0.0, change.question


def _points(judged: Judged) -> dict[str, float]:
    """What each question that applies gives its pillar, in points of the supported score (JUDGING)."""
    entries: list[Judgement] = [entry for entry in judged.judgements if entry.applies and entry.weight > 0]
    weights: dict[str, list[float]] = {}
    for entry in entries:
        weights.setdefault(entry.pillar, []).append(entry.weight)
    whole = {pillar: fsum(parts) for pillar, parts in weights.items()}
    return {
        entry.question: 100.0 * entry.weight * entry.credit.credit / whole[entry.pillar] for entry in entries
    }
