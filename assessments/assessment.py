"""A whole assessment: what it is judged from, and everything that follows from that.

    Materials (answers, lens, facts, runs) ──assess(as_of)──▶ Assessed ──to_json──▶ loadstone.assessment/1
                       ▲                                                                    │
                       └──────────────────────── materials_of ──────────────────────────────┘

The document holds all that it was made from, so that `rescored` can make it again anywhere, to the digit:
inputs stand in it as they were given, what was computed has six significant digits, scores nine decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assessments.actions import Action, actions_of
from assessments.claims import answers_of
from assessments.evidence import is_derived
from assessments.judging import Judged, Materials, judged_at, what_if
from assessments.lens import Lens, lens_of
from assessments.levers import Lever, levers_of
from assessments.outlook import fleet_of, forecast_json, target_outlook
from assessments.plan_effect import PlanEffect, effect_of, plan_effects
from assessments.prices import price_of_document
from assessments.scaling_rules import scaling_rules
from assessments.scoring import Finding, Lost, Scores, findings_of, losses_of
from assessments.states import Judgement
from assessments.verdict import Verdict, verdict_of
from probes.errors import UsageError
from probes.facts import FIRST_YEAR, LAST_YEAR, Fact, FactError
from probes.version import version

SCHEMA = "loadstone.assessment/1"
_NOT_OF_RUNS = ("facts",)
"""What the runs of a document leave out: their facts stand among the assessment's."""


@dataclass(frozen=True)
class Assessed:
    """An assessment with all that follows from it at `as_of`."""

    materials: Materials
    as_of: datetime
    judged: Judged
    findings: tuple[Finding, ...]
    actions: tuple[Action | Lever, ...]
    verdict: Verdict

    @property
    def scores(self) -> Scores:
        """All scores."""
        return self.judged.scores

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """All questions in the order of the lens."""
        return self.judged.judgements

    def effect_of(self, actions: Sequence[Action | Lever]) -> PlanEffect:
        """What just these actions come to, done together."""
        return effect_of(self.judged, actions, what_if(self.materials, self.as_of))

    def plan_effects(self) -> tuple[PlanEffect, ...]:
        """What the first actions come to, and what all do."""
        return plan_effects(self.judged, self.actions, what_if(self.materials, self.as_of))

    def to_json(self) -> dict[str, Any]:
        """The document `loadstone.assessment/1`."""
        given, judged = self.materials, self.judged
        profile = given.profile
        start = self.as_of.date()
        losses = losses_of(judged.judgements)
        target = target_outlook(judged.evidence, profile, start)
        computed = {
            "claims": [self._claim(entry, losses) for entry in judged.judgements],
            "verdict": self.verdict.to_json(),
            "findings": [entry.to_json() for entry in self.findings],
            "actions": [entry.to_json() for entry in self.actions],
            "plan": [entry.to_json() for entry in self.plan_effects()],
            "set_aside": [entry.to_json() for entry in judged.evidence.set_aside],
            "forecast": forecast_json(
                judged.forecast,
                target,
                fleet_of(judged.evidence, profile),
                scaling_rules(judged.evidence, target),
                given.price,
            ),
        }
        kept = (fact for fact in given.facts if not is_derived(fact))
        facts = [fact.to_json() for fact in (*kept, *judged.derived)]
        return {
            "schema": SCHEMA,
            "version": version(),
            "as_of": self.as_of.isoformat(),
            "assessment": {"name": given.name, "id": given.id, "title": given.title},
            "profile": profile.to_json(),
            **({"profile_declared": profile.declared_json()} if profile.declared else {}),
            **({"price": given.price.to_json()} if given.price is not None else {}),
            "lens": given.lens.to_json(),
            "answers": given.answers.to_json(),
            "facts": sorted(facts, key=lambda fact: (fact["name"], fact["at"], repr(fact))),
            "runs": [
                {key: value for key, value in run.items() if key not in _NOT_OF_RUNS} for run in given.runs
            ],
            "milestones": [dict(entry) for entry in given.milestones],
            "problems": list(given.problems),
            "scores": nine_decimals(judged.scores.to_json()),
            **six_digits(computed),
        }

    @staticmethod
    def _claim(judgement: Judgement, losses: Mapping[str, Lost]) -> dict[str, Any]:
        """The claim with what it costs its pillar, in points."""
        document = judgement.to_json()
        lost = losses.get(judgement.question)
        return document if lost is None else document | {"lost": lost.to_json()}


def assess(materials: Materials, as_of: datetime | None = None) -> Assessed:
    """Judges everything at `as_of`, by default now. Raises `UsageError` where answers and lens do not fit."""
    moment = datetime.now(UTC) if as_of is None else as_of
    if moment.tzinfo is None:
        raise UsageError("an assessment is judged at a moment with a time zone: write 2026-03-01T00:00:00Z")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise UsageError(
            f"an assessment is judged in the years {FIRST_YEAR} to {LAST_YEAR}, not in {moment.year}: write "
            "for example 2026-03-01T00:00:00Z"
        )
    materials.answers.check(materials.lens)
    judged = judged_at(materials, moment)
    verdict = verdict_of(
        judged.evidence,
        materials.profile,
        judged.judgements,
        judged.scores,
        judged.forecast,
        names={pillar.id: pillar.name for pillar in materials.lens.pillars},
        runs=materials.runs,
    )
    actions = actions_of(judged.lens, judged.judgements, judged.scores, judged.evidence)
    levers = levers_of(judged, what_if(materials, moment))
    return Assessed(
        materials=materials,
        as_of=moment,
        judged=judged,
        findings=tuple(findings_of(judged.judgements)),
        actions=_merged(actions, levers),
        verdict=verdict,
    )


def _merged(actions: Sequence[Action], levers: Sequence[Lever]) -> tuple[Action | Lever, ...]:
    """Levers in the place of the actions that say the same in general.

    First the levers without which the load to carry is not reached, however few points they gain; then the
    best as in `actions.py`.
    """
    settled = {question for lever in levers for question in lever.questions}
    kept = [action for action in actions if action.question not in settled]
    together: list[Action | Lever] = [*levers, *kept]
    return tuple(sorted(together, key=_rank))


def _rank(entry: Action | Lever) -> tuple[float, ...]:
    decides = isinstance(entry, Lever) and entry.decides_readiness
    cap = 101.0 if entry.lifts_cap is None else entry.lifts_cap
    return 0.0 if decides else 1.0, cap, -round(entry.points_per_day, 9)


def materials_of(document: Mapping[str, Any], name: str = "the assessment") -> Materials:
    """What a document `loadstone.assessment/1` was made from. Raises `UsageError` where it is none."""
    if document.get("schema") != SCHEMA:
        raise UsageError(f"{name} is no assessment: its schema is {document.get('schema')!r:.60}")
    try:
        about = document["assessment"]
        facts = [Fact.from_json(entry) for entry in document["facts"]]
        lens = read_lens_document(document["lens"], f"{name}: lens")
        answers = answers_of(document["answers"], f"{name}: answers")
        return Materials(
            name=str(about["name"]),
            id=str(about["id"]),
            title=str(about.get("title", "")),
            lens=lens,
            answers=answers,
            facts=tuple(fact for fact in facts if not is_derived(fact)),
            runs=_listed(document, "runs", Mapping),
            milestones=_listed(document, "milestones", Mapping),
            problems=_listed(document, "problems", str),
            looked_up=None if document.get("price") is None else price_of_document(document["price"]),
        )
    except (KeyError, TypeError, AttributeError, FactError) as error:
        raise UsageError(f"{name} is no whole assessment ({error}): write it again") from error


def _listed(document: Mapping[str, Any], key: str, kind: type) -> tuple[Any, ...]:
    entries = document.get(key, [])
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, kind) for entry in entries):
        raise TypeError(f"'{key}' is no list of what it should hold")
    return tuple(entries)


def read_lens_document(document: Any, name: str) -> Lens:
    """The lens that stands in a document, ours or an imported one. Raises `UsageError`."""
    return lens_of(document, name)


def rescored(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document computed anew from its own answers, lens and facts, at its own `as_of`."""
    try:
        as_of = datetime.fromisoformat(str(document["as_of"]))
    except (KeyError, ValueError) as error:
        raise UsageError(f"the assessment says no moment that it was judged at ({error})") from error
    return assess(materials_of(document), as_of).to_json()


def six_digits(value: Any) -> Any:
    """The same with every float rounded to six significant digits, all the way down."""
    return _rounded(value, lambda number: float(f"{number:.6g}"))


def nine_decimals(value: Any) -> Any:
    """The same with every float rounded to nine decimals: the parts of a score still add up to 100."""
    return _rounded(value, lambda number: round(number, 9))


def _rounded(value: Any, digits: Callable[[float], float]) -> Any:
    if isinstance(value, float):
        return digits(value)
    if isinstance(value, Mapping):
        return {key: _rounded(entry, digits) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry, digits) for entry in value]
    return value
