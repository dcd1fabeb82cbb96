"""What an assessment is judged from, and the judging: facts weighed, cross-checks derived, claims scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assessments.claims import Answers
from assessments.cross_checks import derived_facts, is_derived
from assessments.evidence import Evidence, weigh
from assessments.forecast import Forecast
from assessments.lens import Lens
from assessments.outlook import outlook
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

    @property
    def profile(self) -> Profile:
        """What the answers say of the system."""
        return self.answers.profile


@dataclass(frozen=True)
class Judged:
    """Claims held against facts at one moment: the part that is computed again for every what-if."""

    evidence: Evidence
    lens: Lens
    derived: tuple[Fact, ...]
    judgements: tuple[Judgement, ...]
    scores: Scores
    forecast: Forecast | None


def judged_at(materials: Materials, as_of: datetime) -> Judged:
    """Evidence weighed, cross-checks derived, claims judged and scored."""
    answers, profile = materials.answers, materials.profile
    lens = materials.lens.with_weights(answers.weights)
    base = [fact for fact in materials.facts if not is_derived(fact)]

    def weighed(facts: Iterable[Fact]) -> Evidence:
        return weigh(facts, as_of, profile.facts(), lens.expiry, answers.challenges)

    derived = derived_facts(weighed(base), profile, materials.runs)
    evidence = weighed((*base, *derived))
    judgements = tuple(judge(lens, answers.claims, evidence))
    scores = scores_of(lens, judgements, evidence)
    return Judged(
        evidence, lens, tuple(derived), judgements, scores, outlook(evidence, profile, as_of.date())
    )
