"""What the plan comes to: the scores when its first actions, or all of them, are done and proven.

An action takes its question one step on: the claim is true afterwards, and proven where a probe can prove it
(`actions.py`). Several actions are scored together, because caps and the lowest pillar make the gains of
single actions no sum. Of levers all the changed facts are judged anew, together; the other actions take
their steps from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from assessments.actions import Action, judgement_after
from assessments.expressions import Scalar
from assessments.judging import Judged, WhatIf
from assessments.levers import Lever
from assessments.scoring import Scores, fleet_headroom, score_groups
from assessments.states import Judgement
from probes.facts import Fact

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


def plan_effects(
    judged: Judged, actions: Sequence[Action | Lever], what_if: WhatIf
) -> tuple[PlanEffect, ...]:
    """The effect of the first actions and that of all; one where there are no more, none without any."""
    counts = dict.fromkeys((min(FIRST, len(actions)), len(actions)))
    return tuple(effect_of(judged, actions[:count], what_if) for count in counts if count)


def effect_of(judged: Judged, actions: Sequence[Action | Lever], what_if: WhatIf) -> PlanEffect:
    """The effect of just these actions, done together."""
    levers = [action for action in actions if isinstance(action, Lever)]
    done = {action.question for action in actions if isinstance(action, Action)}
    then = judged
    if levers:
        facts: dict[str, Fact] = {fact.name: fact for lever in levers for fact in lever.change.facts}
        profile: dict[str, Scalar] = {}
        for lever in levers:
            profile |= lever.change.profile
        then = what_if(tuple(facts.values()), profile)
    judgements = [
        _done(judged, before, after) if before.question in done else after
        for before, after in zip(judged.judgements, then.judgements, strict=True)
    ]
    scores = score_groups(
        [pillar.id for pillar in judged.lens.pillars],
        [axis.id for axis in judged.lens.axes],
        judgements,
        fleet_headroom(then.evidence),
    )
    return PlanEffect(len(actions), fsum(action.effort_days for action in actions), scores)


def _done(judged: Judged, before: Judgement, after_levers: Judgement) -> Judgement:
    """The question with its action done, or as levers leave it where that is more."""
    stepped = judgement_after(judged.lens.by_id[before.question], before)
    if stepped is None or stepped.credit.credit < after_levers.credit.credit:
        return after_levers
    return stepped
