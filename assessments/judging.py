"""What an assessment is judged from, and the judging: facts weighed, cross-checks derived, claims scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from assessments.claims import Answers
from assessments.cross_checks import derived_facts, not_to_be_given
from assessments.evidence import Evidence, SetAside, is_derived, weigh
from assessments.expressions import Scalar
from assessments.forecast import Forecast
from assessments.growth_profiles import asked_weights, with_declared
from assessments.lens import Lens
from assessments.objectives import measured_for_less
from assessments.outlook import outlook
from assessments.prices import Price, price_for, with_price
from assessments.profile import Profile
from assessments.scoring import Scores, scores_of
from assessments.states import Judgement, judge
from probes.facts import Fact


@dataclass(frozen=True)
class Materials:
    """What an assessment is judged from.

    `lens` is as it was read; the weights of the answers are applied when it is judged. `facts` are those of
    runs, scans and files of evidence, `runs` documents `loadstone.probe/1`, newest first, `milestones`
    earlier states as documents with a `label`. `problems` are sentences on what could not be used.
    `looked_up` is the price of the profile's instance where it was looked up before: it stays what it was.
    """

    name: str
    id: str
    lens: Lens
    answers: Answers
    facts: tuple[Fact, ...] = ()
    runs: tuple[Mapping[str, Any], ...] = ()
    title: str = ""
    milestones: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    looked_up: Price | None = None

    @cached_property
    def price(self) -> Price | None:
        """The list price of the profile's instance, where the profile gives no price. Raises `UsageError`."""
        return price_for(self.answers.profile, self.looked_up)

    @cached_property
    def profile(self) -> Profile:
        """What the answers say of the system, and what growth profile and price book add to it."""
        return with_price(with_declared(self.answers.profile), self.price)

    @property
    def weights(self) -> dict[str, float]:
        """Other weights than the lens gives: of the growth profile where asked for, then of the answers."""
        return {**asked_weights(self.answers.profile, self.lens), **self.answers.weights}


@dataclass(frozen=True)
class Judged:
    """Claims held against facts at one moment: the part that is computed again for every what-if."""

    evidence: Evidence
    profile: Profile
    lens: Lens
    derived: tuple[Fact, ...]
    judgements: tuple[Judgement, ...]
    scores: Scores
    forecast: Forecast | None


WhatIf = Callable[[Sequence[Fact], Mapping[str, Scalar]], Judged]
"""Judges anew with these facts instead of those of the same names, and these values in the profile."""


def what_if(materials: Materials, as_of: datetime) -> WhatIf:
    """The judging of what would be, with the rest as it is."""

    def judged(changed: Sequence[Fact], profile: Mapping[str, Scalar]) -> Judged:
        names = {fact.name for fact in changed}
        kept = (fact for fact in materials.facts if fact.name not in names)
        answers = materials.answers
        if profile:
            system = replace(answers.profile, values={**answers.profile.values, **profile})
            answers = replace(answers, profile=system)
        return judged_at(replace(materials, facts=(*kept, *changed), answers=answers), as_of)

    return judged


def judged_at(materials: Materials, as_of: datetime) -> Judged:
    """Evidence weighed, cross-checks derived, claims judged and scored."""
    answers, profile = materials.answers, materials.profile
    weights = materials.weights
    lens = materials.lens.with_weights(weights) if weights else materials.lens
    given = [fact for fact in materials.facts if not is_derived(fact)]
    base: list[Fact] = []
    refused: list[SetAside] = []
    for fact in given:
        aside = not_to_be_given(fact) or measured_for_less(fact, profile, materials.runs)
        if aside is None:
            base.append(fact)
        else:
            refused.append(aside)

    def weighed(facts: Iterable[Fact]) -> Evidence:
        evidence = weigh(facts, as_of, profile.facts(), lens.expiry, answers.challenges)
        return replace(evidence, declared={f"profile.{key}": why for key, why in profile.declared.items()})

    derived = derived_facts(weighed(base), profile, materials.runs)
    evidence = weighed((*base, *derived))
    if refused:
        refused.sort(key=lambda entry: (entry.fact.name, repr(entry.fact.to_json())))
        evidence = replace(evidence, set_aside=(*evidence.set_aside, *refused))
    judgements = tuple(judge(lens, answers.claims, evidence))
    scores = scores_of(lens, judgements, evidence)
    return Judged(
        evidence=evidence,
        profile=profile,
        lens=lens,
        derived=tuple(derived),
        judgements=judgements,
        scores=scores,
        forecast=outlook(evidence, profile, as_of.date()),
    )
