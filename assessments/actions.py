"""The improvement plan: what to do next for each question, worth what re-scoring says it is worth.

For each question there is at most one action:

- `fix`: the claim is contradicted. Afterwards the claimed choice is true and the same evidence proves it.
- `raise`: the next choice of the ladder, above what is proven. Afterwards it is claimed, and proven where it
  has a `verified_by`; a choice that no probe can prove is backed by a dated document (κ = 0.75).
- `prove`: the highest choice is claimed and not proven. Afterwards it is.

In an AWS lens, where several choices are selected, `aws_actions` finds the step.

`points` is the gain of the pillar's *supported* and `score_points` that of its score, which caps may hold at
0. Questions that are open have no action: nobody knows where they stand; a pillar without a score has none
either. Actions that lift a cap come first, then the most points per effort-day; ties by the order of the
lens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from assessments.evidence import Evidence
from assessments.lens import Lens, Question, Remediation
from assessments.scoring import Score, Scores, fleet_headroom, overall_of, score_of
from assessments.states import BACKED, Judgement, credit_of

Kind = Literal["fix", "raise", "prove"]
_DIGITS = 9
"""Points are told apart to so many digits, so that ties are ties."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, in points on the scale of scores, 0 to 100.

    `lifts` names the pillar where it is the lowest and the action raises the overall score by
    `overall_points`; `lifts_cap` is the cap that the action takes away. `effort_assumed` says that nobody
    named the effort.
    """

    question: str
    pillar: str
    kind: Kind
    text: str
    to_choice: str
    effort_days: float
    points: float
    score_points: float
    overall_points: float
    lifts: str | None
    lifts_cap: float | None
    tradeoff: str = ""
    impact: int | None = None
    effort_assumed: bool = False

    @property
    def points_per_day(self) -> float:
        """Points for each effort-day."""
        return self.points / self.effort_days

    def to_json(self) -> dict[str, Any]:
        """As in `actions` of `loadstone.assessment/1`."""
        return {
            "question": self.question,
            "pillar": self.pillar,
            "kind": self.kind,
            "text": self.text,
            "to_choice": self.to_choice,
            "effort_days": self.effort_days,
            **({"effort_assumed": True} if self.effort_assumed else {}),
            "points": self.points,
            "points_per_day": self.points_per_day,
            "score_points": self.score_points,
            "overall_points": self.overall_points,
            "lifts": self.lifts,
            "lifts_cap": self.lifts_cap,
            "tradeoff": self.tradeoff,
            "impact": self.impact,
        }


def actions_of(
    lens: Lens, judgements: Sequence[Judgement], scores: Scores, evidence: Evidence
) -> list[Action]:
    """All actions that gain something, the best first. `scores` are those of `judgements`."""
    headroom = fleet_headroom(evidence)
    by_pillar: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        by_pillar.setdefault(judgement.pillar, []).append(judgement)
    order = {question.id: place for place, question in enumerate(lens.questions)}
    actions: list[Action] = []
    for score in scores.pillars:
        if score.reading is None:
            continue
        members = by_pillar.get(score.id, [])
        for place, judgement in enumerate(members):
            planned = _planned(lens.by_id[judgement.question], judgement)
            if planned is None:
                continue
            before, after = (
                score_of(score.id, [*members[:place], instead, *members[place + 1 :]], headroom)
                for instead in (planned.before, planned.after)
            )
            actions += _actions(planned, before, after, scores)
    return sorted(actions, key=lambda action: (*_rank(action), order[action.question]))


@dataclass(frozen=True, slots=True)
class _Planned:
    """What an action would make of a question."""

    kind: Kind
    to_choice: str
    remediation: Remediation
    before: Judgement
    after: Judgement


def judgement_after(question: Question, judgement: Judgement) -> Judgement | None:
    """What becomes of the question when its action is done and proven; None where there is none to do."""
    planned = _planned(question, judgement)
    return None if planned is None else planned.after


def _planned(question: Question, judgement: Judgement) -> _Planned | None:
    if question.by_rules is not None:
        from assessments.aws_actions import step_by_rules

        step = step_by_rules(question, judgement)
        if step is None:
            return None
        return _Planned(step.kind, ", ".join(step.choices), step.remediation, step.before, step.after)
    if not judgement.answered or len(judgement.choices) != 1:
        return None
    places = {choice.id: place for place, choice in enumerate(question.choices)}
    place = places[judgement.choices[0]]
    before = judgement
    if judgement.state == "understated" and judgement.offered is not None:
        # What is true already is no gain of the action.
        place = places[judgement.offered]
        value = question.choices[place].value
        before = replace(judgement, credit=credit_of(value, 1.0, value, judgement.kappa))
    top = place == len(question.choices) - 1
    kind: Kind
    if judgement.state == "contradicted":
        kind, target = "fix", question.choices[place]
    elif not top:
        kind, target = "raise", question.choices[place + 1]
    else:
        kind, target = "prove", question.choices[place]
    remediation = target.remediation or question.remediation
    if remediation is None or (kind == "prove" and target.verified_by is None):
        return None
    provable = target.verified_by is not None
    proven = target.value if provable else min(before.credit.proven, target.value)
    kappa = judgement.kappa if provable else max(judgement.kappa, BACKED)
    after = replace(
        judgement,
        state="verified" if provable else "claimed",
        choices=(target.id,),
        credit=credit_of(target.value, 1.0, proven, kappa),
        limit=1.0,
        kappa=kappa,
    )
    return _Planned(kind, target.id, remediation, before, after)


def _actions(planned: _Planned, before: Score, after: Score, scores: Scores) -> list[Action]:
    """The action, or nothing where it gains nothing."""
    assert before.reading is not None
    assert after.reading is not None, "an action leaves a pillar's scope as it is"
    points = after.reading.supported - before.reading.supported
    if round(points, _DIGITS) <= 0:
        return []
    overall_points = 0.0
    lifts = None
    if scores.overall.score is not None:
        now, then = (
            overall_of([changed if entry.id == changed.id else entry for entry in scores.pillars]).score
            for changed in (before, after)
        )
        assert now is not None
        assert then is not None
        overall_points = then - now
        if round(overall_points, _DIGITS) > 0:
            lifts = after.id
    question = planned.after.question
    lifted = [cap.at_most for cap in before.caps if cap.question == question and cap not in after.caps]
    return [
        Action(
            question=question,
            pillar=after.id,
            kind=planned.kind,
            text=planned.remediation.text,
            to_choice=planned.to_choice,
            effort_days=planned.remediation.effort_days,
            effort_assumed=planned.remediation.effort_assumed,
            points=points,
            score_points=after.reading.score - before.reading.score,
            overall_points=overall_points,
            lifts=lifts,
            lifts_cap=min(lifted) if lifted else None,
            tradeoff=planned.remediation.tradeoff,
            impact=planned.remediation.impact,
        )
    ]


def _rank(action: Action) -> tuple[float, ...]:
    return (
        101.0 if action.lifts_cap is None else action.lifts_cap,
        -round(action.points_per_day, _DIGITS),
        -round(action.points, _DIGITS),
    )
