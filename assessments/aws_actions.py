"""What to do next in a question with risk rules: the fewest practices more that lower its risk.

As on a ladder (`actions.py`): a contradicted claim is made true; else the risk is lowered by one step; and
where there is none left, what is claimed gets proven. The practices of a step are found by trying: one and
two more of those that are not selected, then all of them. "None of these" is taken out where others
come in, and no step asks for it. The effort is that of its practices together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from assessments.aws_lens import RISKS
from assessments.aws_lens import Question as RatedQuestion
from assessments.lens import Choice, Question, Remediation
from assessments.states import BACKED, Judgement, credit_of

MOST_TRIED = 2
"""Practices that are tried together; more are only tried as all there are."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an action makes of a question: `choices` are selected afterwards."""

    kind: Literal["fix", "raise", "prove"]
    choices: tuple[str, ...]
    remediation: Remediation
    before: Judgement
    after: Judgement


def step_by_rules(question: Question, judgement: Judgement) -> Step | None:
    """The next step of an answered question with risk rules; None where there is nothing to gain."""
    rules = question.by_rules
    assert rules is not None
    if not judgement.answered or rules.only_informs:
        return None
    before, selected = judgement, judgement.choices
    if judgement.state == "understated" and judgement.offered is not None:
        # What is true already is no gain of the action.
        selected = tuple(judgement.offered.split(", "))
        value = rules.value(selected) or 0.0
        before = replace(judgement, credit=credit_of(value, 1.0, value, judgement.kappa))
    if judgement.state == "contradicted":
        return _step("fix", question, selected, selected, before)
    value = rules.value(selected) or 0.0
    more = fewest_more(rules, selected, value)
    if more:
        kept = [choice for choice in selected if choice not in rules.nones]
        return _step("raise", question, (*kept, *more), more, before)
    unproven = [choice for choice in _entries(question, selected) if choice.verified_by is not None]
    if value > 0 and len(unproven) == len(set(selected)):
        return _step("prove", question, selected, selected, before)
    return None


def fewest_more(rules: RatedQuestion, selected: Collection[str], value: float) -> tuple[str, ...]:
    """The fewest practices which, selected as well, are worth more than `value`; empty where none are.

    Of equally many those that are worth most, then those that stand first.
    """
    nones = rules.nones
    kept = [choice for choice in selected if choice not in nones]
    free = [choice.id for choice in rules.choices if choice.id not in nones and choice.id not in kept]
    free = list(dict.fromkeys(free))
    best: tuple[str, ...] = ()
    for count in (*range(1, min(MOST_TRIED, len(free)) + 1), len(free)):
        for more in combinations(free, count):
            worth = rules.value([*kept, *more])
            if worth is not None and worth > value:
                best, value = more, worth
        if best:
            break
    return best


def _step(
    kind: Literal["fix", "raise", "prove"],
    question: Question,
    choices: Sequence[str],
    to_do: Sequence[str],
    before: Judgement,
) -> Step | None:
    rules = question.by_rules
    assert rules is not None
    remediation = _together(_entries(question, to_do))
    if remediation is None:
        return None
    selected = tuple(dict.fromkeys(choice.id for choice in rules.choices if choice.id in choices))
    value = rules.value(selected) or 0.0
    provable = all(choice.verified_by is not None for choice in _entries(question, selected))
    proven = value if provable else min(before.credit.proven, value)
    kappa = before.kappa if provable else max(before.kappa, BACKED)
    risk = rules.risk(selected)
    after = replace(
        before,
        state="verified" if provable else "claimed",
        choices=selected,
        credit=credit_of(value, 1.0, proven, kappa),
        limit=1.0,
        kappa=kappa,
        offered=None,
        risk=next((known for known in RISKS if known == risk), None),
    )
    return Step(kind, selected, remediation, before, after)


def _entries(question: Question, choices: Collection[str]) -> list[Choice]:
    found = {choice.id: choice for choice in question.choices if choice.id in choices}
    return list(found.values())


def _together(choices: Sequence[Choice]) -> Remediation | None:
    """What there is to do for all of them."""
    parts = [choice.remediation for choice in choices if choice.remediation is not None]
    if not parts:
        return None
    return Remediation(
        text="; ".join(dict.fromkeys(_sentence(part.text) for part in parts)),
        effort_days=sum(part.effort_days for part in parts),
        effort_assumed=any(part.effort_assumed for part in parts),
    )


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
