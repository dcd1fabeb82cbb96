"""Milestones: an assessment as it stood, and what makes the difference between two of them.

The difference is found by going from one to the other in three steps and scoring after each: the lens changes
first, then the answers (with the profile, weights and challenges), then the evidence (with the moment it is
counted to, so that what has expired is evidence that changed). Each step's share of the change of every
score is exact; together they add up to the whole. Another order would share out otherwise where two changes
touch one question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from assessments.assessment import Assessed, assess
from assessments.evidence import shown
from assessments.judging import Materials
from probes.facts import Fact

STEPS = ("lens", "answers", "evidence")
SAME_LENS = "the lens of this assessment"


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """How one score changed, and by which step; None where it is refused before or after."""

    id: str
    before: float | None
    after: float | None
    lens: float | None
    answers: float | None
    evidence: float | None

    def to_json(self) -> dict[str, Any]:
        """As in `loadstone.compare/1`."""
        return {name: getattr(self, name) for name in ("id", "before", "after", *STEPS)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different: a question or a fact, before and after in words."""

    id: str
    before: str
    after: str

    def to_json(self) -> dict[str, Any]:
        """As in `loadstone.compare/1`."""
        return {"id": self.id, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one state of an assessment to another."""

    scores: tuple[ScoreChange, ...]
    lens: tuple[Change, ...]
    answers: tuple[Change, ...]
    facts: tuple[Change, ...]
    states: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """As in `loadstone.compare/1`."""
        return {
            "scores": [entry.to_json() for entry in self.scores],
            "changed": {
                "lens": [entry.to_json() for entry in self.lens],
                "answers": [entry.to_json() for entry in self.answers],
                "facts": [entry.to_json() for entry in self.facts],
                "states": [entry.to_json() for entry in self.states],
            },
        }


def difference(before: Assessed, after: Assessed) -> Difference:
    """What makes the second different. Raises `UsageError` where answers and lens do not fit."""
    first, last = before.materials, after.materials
    by_lens = _with_lens(first, last)
    with_lens = assess(by_lens, before.as_of)
    with_answers = assess(replace(last, facts=first.facts, runs=first.runs), before.as_of)
    stages = (before, with_lens, with_answers, after)
    return Difference(
        scores=_score_changes(stages),
        lens=_lens_changes(first, last),
        answers=_answer_changes(first, last),
        facts=_fact_changes(before, after),
        states=_state_changes(before, after),
    )


def _with_lens(first: Materials, last: Materials) -> Materials:
    """The first one's answers on the lens of the last, as far as it has their questions and choices."""
    known = last.lens.choice_ids
    claims = {
        name: claim
        for name, claim in first.answers.claims.items()
        if name in known
        and all(choice in known[name] for choice in claim.choices)
        and (len(claim.choices) <= 1 or last.lens.takes_several)
    }
    weights = {name: weight for name, weight in first.answers.weights.items() if name in known}
    return replace(first, lens=last.lens, answers=replace(first.answers, claims=claims, weights=weights))


def _scores(of: Assessed) -> dict[str, float | None]:
    scores = of.scores
    found: dict[str, float | None] = {"overall": scores.overall.score}
    for entry in scores.pillars:
        found[entry.id] = None if entry.reading is None else entry.reading.score
    return found


def _score_changes(stages: tuple[Assessed, Assessed, Assessed, Assessed]) -> tuple[ScoreChange, ...]:
    readings = [_scores(stage) for stage in stages]
    changes = []
    for name in dict.fromkeys([*readings[0], *readings[-1]]):
        values = [reading.get(name) for reading in readings]
        parts = [
            None if earlier is None or later is None else later - earlier
            for earlier, later in pairwise(values)
        ]
        changes.append(ScoreChange(name, values[0], values[-1], *parts))
    return tuple(changes)


def _lens_changes(first: Materials, last: Materials) -> tuple[Change, ...]:
    changes = []
    if (first.lens.name, first.lens.version) != (last.lens.name, last.lens.version):
        changes.append(
            Change("lens", f"{first.lens.name} {first.lens.version}", f"{last.lens.name} {last.lens.version}")
        )
    old, new = first.lens.by_id, last.lens.by_id
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            changes.append(Change(name, "asked", "no longer asked"))
        elif name not in old:
            changes.append(Change(name, "not asked", "asked"))
        elif old[name] != new[name]:
            changes.append(Change(name, "as it was", "reworded, or judged otherwise"))
    return tuple(changes)


def _answer_changes(first: Materials, last: Materials) -> tuple[Change, ...]:
    def told(of: Materials, question: str) -> str:
        claim = of.answers.claims.get(question)
        if claim is None:
            return "unanswered"
        if claim.state == "not_applicable":
            return f"not applicable: {claim.reason}"
        backed = f" with {len(claim.attachments)} attached" if claim.attachments else ""
        return (", ".join(claim.choices) if claim.choices else claim.state) + backed

    changes = [
        Change(name, told(first, name), told(last, name))
        for name in dict.fromkeys([*first.answers.claims, *last.answers.claims])
        if told(first, name) != told(last, name)
    ]
    old, new = first.profile.to_json(), last.profile.to_json()
    changes += [
        Change(f"profile.{name}", str(old.get(name, "not given")), str(new.get(name, "not given")))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]
    if first.answers.weights != last.answers.weights:
        changes.append(Change("weights", str(dict(first.answers.weights)), str(dict(last.answers.weights))))
    challenged = [sorted(entry.fact for entry in of.answers.challenges) for of in (first, last)]
    if challenged[0] != challenged[1]:
        changes.append(
            Change("challenges", ", ".join(challenged[0]) or "none", ", ".join(challenged[1]) or "none")
        )
    return tuple(changes)


def _fact_changes(before: Assessed, after: Assessed) -> tuple[Change, ...]:
    def told(fact: Fact | None) -> str:
        return "unknown" if fact is None or fact.value is None else shown(fact.value, fact.unit)

    old, new = before.judged.evidence.facts, after.judged.evidence.facts
    return tuple(
        Change(name, told(old.get(name)), told(new.get(name)))
        for name in sorted({*old, *new})
        if told(old.get(name)) != told(new.get(name))
    )


def _state_changes(before: Assessed, after: Assessed) -> tuple[Change, ...]:
    old = {entry.question: entry.state for entry in before.judgements}
    new = {entry.question: entry.state for entry in after.judgements}
    return tuple(Change(name, old[name], new[name]) for name in old if name in new and old[name] != new[name])


def compact(milestone: Mapping[str, Any], label: str, lens: Mapping[str, Any]) -> dict[str, Any]:
    """A milestone's document as it travels inside another one: without milestones of its own.

    Of its runs only stays what is judged of them: that there were some, and when. A lens equal to `lens` is
    left out, and stands for it.
    """
    kept = {key: value for key, value in milestone.items() if key not in ("runs", "milestones", "lens")}
    kept["lens"] = SAME_LENS if milestone.get("lens") == lens else milestone.get("lens")
    runs = [{"run": _heading(run)} for run in milestone.get("runs", ())]
    return {"label": label} | kept | {"runs": runs, "milestones": []}


def _heading(run: Mapping[str, Any]) -> dict[str, Any]:
    about = run.get("run")
    known = about if isinstance(about, Mapping) else {}
    return {key: known[key] for key in ("id", "started_at", "status", "grade") if key in known}


def expanded(milestone: Mapping[str, Any], lens: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The inverse of `compact`: the label, and a document that can be judged again, its runs cut short."""
    document = {key: value for key, value in milestone.items() if key != "label"}
    if document.get("lens") == SAME_LENS:
        document["lens"] = dict(lens)
    return str(milestone.get("label", "")), document
