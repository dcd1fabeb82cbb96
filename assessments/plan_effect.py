"""What the plan comes to: the scores when its first actions, or all of them, are done and proven.

An action takes its question one step on: the claim is true afterwards, and proven where a probe can prove it
(`actions.py`). Several actions are scored together, because caps and the lowest pillar make the gains of
single actions no sum. A lever raises the measured headroom of the fleet to what it was found to make of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from assessments.actions import Action, judgement_after
from assessments.judging import Judged
from assessments.levers import Lever
from assessments.scoring import Scores, fleet_headroom, score_groups

FIRST = 3
"""So many actions stand on page one."""


@dataclass(frozen=True, slots=True)
class PlanEffect:
    """The scores after `count` actions, the best first; `effort_days` are working days of one person."""

    count: int
    effort_days: float
    scores: Scores

    def to_json(self) -> dict[str, Any]:
        """As in `plan` of `loadstone.assessment/1`."""
        return {
            "actions": self.count,
            "effort_days": self.effort_days,
            "overall": self.scores.overall.to_json(),
            "pillars": {
                score.id: None if score.reading is None else score.reading.score
                for score in self.scores.pillars
            },
        }


def plan_effects(judged: Judged, actions: Sequence[Action | Lever]) -> tuple[PlanEffect, ...]:
    """The effect of the first actions and that of all; one where there are no more, none without any."""
    counts = dict.fromkeys((min(FIRST, len(actions)), len(actions)))
    return tuple(effect_of(judged, actions[:count]) for count in counts if count)


def effect_of(judged: Judged, actions: Sequence[Action | Lever]) -> PlanEffect:
    """The effect of just these actions, done together."""
    done = {question for action in actions for question in _questions(action)}
    judgements = [
        (judgement_after(judged.lens.by_id[entry.question], entry) or entry)
        if entry.question in done
        else entry
        for entry in judged.judgements
    ]
    headroom = fleet_headroom(judged.evidence)
    for action in actions:
        if isinstance(action, Lever) and action.headroom is not None and headroom is not None:
            headroom = max(headroom, action.headroom)
    scores = score_groups(
        [pillar.id for pillar in judged.lens.pillars],
        [axis.id for axis in judged.lens.axes],
        judgements,
        headroom,
    )
    return PlanEffect(len(actions), fsum(action.effort_days for action in actions), scores)


def _questions(action: Action | Lever) -> tuple[str, ...]:
    return action.questions if isinstance(action, Lever) else (action.question,)
