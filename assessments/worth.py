"""What an answer is worth: its pillar's score now, with the honest answer, and with the action done.

Everything is found by scoring again, as in `actions.py`; the other answers stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from assessments.actions import judgement_after
from assessments.claims import Claim
from assessments.judging import Judged
from assessments.ladders import levels_of
from assessments.lens import Question
from assessments.scoring import Score, fleet_headroom, score_of
from assessments.states import Judgement, judge_question


@dataclass(frozen=True, slots=True)
class Worth:
    """The score of the question's pillar: now, with the answer `honest`, and with its action done and proven.

    `honest` is empty, and `honestly` None, where the answer is what the evidence allows; `fixed` is None
    where there is no action.
    """

    now: Score
    honest: tuple[str, ...] = ()
    honestly: Score | None = None
    fixed: Score | None = None


def honest_choices(question: Question, judgement: Judgement, judged: Judged) -> tuple[str, ...]:
    """What the evidence leaves of a claim: the choice that is proven, else the highest not contradicted.

    Of an open question it is what the evidence proves, which may be nothing. Empty where the answer stands.
    """
    if judgement.offered is not None:
        return tuple(judgement.offered.split(", "))
    if judgement.state != "contradicted":
        return ()
    levels = levels_of(question, judged.evidence)
    if question.by_rules is not None:
        contradicted = {level.choice.id for level in levels if level.standing == "contradicted"}
        return tuple(choice for choice in judgement.choices if choice not in contradicted)
    standing = [level for level in levels if level.standing != "contradicted"]
    proven = [level for level in standing if level.standing == "verified"]
    return ((proven or standing or levels[:1])[-1].choice.id,)


def worth_of(judged: Judged, question_id: str, claim: Claim | None) -> Worth:
    """What the answer to a question is worth to its pillar. Raises `KeyError` for an unknown question."""
    question = judged.lens.by_id[question_id]
    members = [entry for entry in judged.judgements if entry.pillar == question.pillar]
    place = next(at for at, entry in enumerate(members) if entry.question == question_id)
    judgement, headroom = members[place], fleet_headroom(judged.evidence)

    def with_judgement(instead: Judgement) -> Score:
        return score_of(question.pillar, [*members[:place], instead, *members[place + 1 :]], headroom)

    now = judged.scores.pillar(question.pillar)
    honest = honest_choices(question, judgement, judged)
    honestly = None
    if honest and judgement.applies:
        base = claim or Claim(question_id, honest)
        said = replace(base, choices=honest, state="answered", reason="")
        honestly = with_judgement(judge_question(question, said, judged.evidence))
    after = judgement_after(question, judgement) if judgement.applies else None
    fixed = None if after is None else with_judgement(after)
    return Worth(now, honest if honestly is not None else (), honestly, fixed)
