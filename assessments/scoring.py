"""Scores of pillars and growth axes, the overall score, and findings.

Of the questions that apply, each with weight w (`states.py` says what credit and losses are):

    supported = 100·Σw·credit/Σw      proven = 100·Σw·p/Σw      claimed = 100·Σw·c/Σw
    supported + lost (not done + contradicted + not proven + unanswered) = 100

These are before caps; the score is *supported* after caps: a critical question contradicted, at most 59; a
critical question at level 0, or contradicted down to it, at most 39; a measured headroom of the fleet under
1, infrastructure at most 39.

There is no score where nothing applies, where less than 70 % of the weight that applies is answered, or where
persons said of more than 40 % of the weight that it does not apply. What the lens itself leaves out by the
profile was never in scope and is in neither of these shares.

Overall is the lowest pillar's score, by name, beside the mean of all pillars. A pillar without a score leaves
the whole without one. Bands: under 40 fragile, under 60 limited, under 80 conditional; from 80 on ready where
at least 60 % of the weight of each pillar is proven, else conditional.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Literal

from assessments.evidence import Evidence
from assessments.lens import Lens
from assessments.states import Judgement

Band = Literal["fragile", "limited", "conditional", "ready"]
Risk = Literal["high", "medium", "none"]

CAP_CONTRADICTED = 59.0
CAP_LEVEL_ZERO = 39.0
CAP_FLEET = 39.0
CAPPED_BY_FLEET = "infrastructure"
LEAST_ANSWERED = 0.70
MOST_NOT_APPLICABLE = 0.40
LEAST_PROVEN = 60.0
_BANDS: tuple[tuple[float, Band], ...] = ((40.0, "fragile"), (60.0, "limited"), (80.0, "conditional"))
MEDIUM_CREDIT, HIGH_CREDIT = 0.75, 0.5
"""Credit below which a question is a medium risk, and a critical question a high one."""
_DIGITS = 9
"""Shares and scores are held against limits to so many digits: 80 is 80, however it was added up."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Points lost, by reason; with *supported* they add up to 100."""

    not_done: float
    contradicted: float
    not_proven: float
    unanswered: float

    def to_json(self) -> dict[str, float]:
        """The four by name."""
        return {
            "not_done": self.not_done,
            "contradicted": self.contradicted,
            "not_proven": self.not_proven,
            "unanswered": self.unanswered,
        }


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit of a score; `question` is None where a fact and not an answer sets it."""

    at_most: float
    because: str
    question: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The cap as a JSON object."""
        document: dict[str, Any] = {"at_most": self.at_most, "because": self.because}
        return document if self.question is None else document | {"question": self.question}


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of a pillar or an axis, 0 to 100; `answered` and `not_applicable` are shares of weight."""

    score: float
    supported: float
    claimed: float
    proven: float
    lost: Lost
    answered: float
    not_applicable: float


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a pillar or an axis: a reading, or in `refused` the sentence why there is none."""

    id: str
    reading: Reading | None
    caps: tuple[Cap, ...] = ()
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As in `scores` of `loadstone.assessment/1`; a refused one has no numbers."""
        if self.reading is None:
            return {"caps": [], "refused": self.refused}
        reading = self.reading
        return {
            "score": reading.score,
            "band": _band(reading.score, [reading]),
            "supported": reading.supported,
            "claimed": reading.claimed,
            "proven": reading.proven,
            "lost": reading.lost.to_json(),
            "caps": [cap.to_json() for cap in self.caps],
            "answered_share": reading.answered,
            "not_applicable_share": reading.not_applicable,
            "refused": None,
        }


@dataclass(frozen=True, slots=True)
class Overall:
    """The lowest pillar and its score, the mean, the band; or in `refused` why there is none."""

    pillar: str | None
    score: float | None
    mean: float | None
    band: Band | None
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As in `scores` of `loadstone.assessment/1`; a refused one has no numbers."""
        if self.refused is not None:
            return {"refused": self.refused}
        return {
            "pillar": self.pillar,
            "score": self.score,
            "mean": self.mean,
            "band": self.band,
            "refused": None,
        }


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of an assessment, pillars and axes in the order of the lens."""

    overall: Overall
    pillars: tuple[Score, ...]
    axes: tuple[Score, ...]

    def pillar(self, pillar_id: str) -> Score:
        """The score of a pillar. Raises `KeyError`."""
        for score in self.pillars:
            if score.id == pillar_id:
                return score
        raise KeyError(pillar_id)

    def to_json(self) -> dict[str, Any]:
        """`scores` of `loadstone.assessment/1`."""
        return {
            "overall": self.overall.to_json(),
            "pillars": {score.id: score.to_json() for score in self.pillars},
            "axes": {score.id: score.to_json() for score in self.axes},
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """How much of a risk a question is, and why."""

    question: str
    risk: Risk
    text: str

    def to_json(self) -> dict[str, Any]:
        """As in `findings` of `loadstone.assessment/1`."""
        return {"question": self.question, "risk": self.risk, "text": self.text}


def scores_of(lens: Lens, judgements: Sequence[Judgement], evidence: Evidence) -> Scores:
    """The scores of all pillars and axes of the lens. The order of judgements makes no difference."""
    return score_groups(
        [pillar.id for pillar in lens.pillars],
        [axis.id for axis in lens.axes],
        judgements,
        fleet_headroom(evidence),
    )


def score_groups(
    pillars: Sequence[str], axes: Sequence[str], judgements: Sequence[Judgement], headroom: float | None
) -> Scores:
    """The same for any checklist; `headroom` is the measured headroom of the fleet, None where unknown."""
    scored = tuple(
        score_of(pillar, [entry for entry in judgements if entry.pillar == pillar], headroom)
        for pillar in pillars
    )
    return Scores(
        overall=overall_of(scored),
        pillars=scored,
        axes=tuple(
            score_of(axis, [entry for entry in judgements if axis in entry.axes], None) for axis in axes
        ),
    )


def fleet_headroom(evidence: Evidence) -> float | None:
    """The measured capacity of the fleet over its peak load; None where it is not measured."""
    value = evidence.proof.get("derived.fleet_headroom")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def score_of(group: str, judgements: Iterable[Judgement], headroom: float | None = None) -> Score:
    """The score of one pillar or axis, from the judgements of its questions.

    `headroom` under 1 caps the pillar `infrastructure`, and no other.
    """
    in_scope = [entry for entry in judgements if not entry.out_of_scope]
    applying = [entry for entry in in_scope if entry.applies]
    weight = fsum(entry.weight for entry in applying)
    if not applying or weight <= 0:
        return Score(group, None, refused=f"No question of {group} applies: there is nothing to score.")
    left_out = 1.0 - weight / fsum(entry.weight for entry in in_scope)
    answered = fsum(entry.weight for entry in applying if entry.answered) / weight
    if round(left_out, _DIGITS) > MOST_NOT_APPLICABLE:
        return Score(
            group,
            None,
            refused=f"{left_out:.0%} of the weight of {group} was said not to apply, at most "
            f"{MOST_NOT_APPLICABLE:.0%} may be: answer more of it.",
        )
    if round(answered, _DIGITS) < LEAST_ANSWERED:
        open_questions = [entry.question for entry in applying if not entry.answered]
        shown = ", ".join(sorted(open_questions)[:5]) + (", …" if len(open_questions) > 5 else "")
        return Score(
            group,
            None,
            refused=f"Only {answered:.0%} of the weight of {group} is answered, {LEAST_ANSWERED:.0%} are "
            f"needed: answer {shown}.",
        )

    def points(weighted: list[float]) -> float:
        return 100.0 * fsum(weighted) / weight

    given = [(entry.weight, entry.credit) for entry in applying]
    supported = points([w * credit.credit for w, credit in given])
    caps = _caps(group, applying, headroom)
    reading = Reading(
        score=min([supported, *(cap.at_most for cap in caps)]),
        supported=supported,
        claimed=points([w * credit.claimed for w, credit in given]),
        proven=points([w * credit.proven for w, credit in given]),
        lost=Lost(
            not_done=points([w * credit.not_done for w, credit in given]),
            contradicted=points([w * credit.contradicted for w, credit in given]),
            not_proven=points([w * credit.not_proven for w, credit in given]),
            unanswered=points([w * credit.unanswered for w, credit in given]),
        ),
        answered=answered,
        not_applicable=left_out,
    )
    return Score(group, reading, caps)


def losses_of(judgements: Iterable[Judgement]) -> dict[str, Lost]:
    """What each question that applies costs its pillar, in points; the pillar's losses are their sums."""
    entries = [entry for entry in judgements if entry.applies and entry.weight > 0]
    weights: dict[str, list[float]] = {}
    for entry in entries:
        weights.setdefault(entry.pillar, []).append(entry.weight)
    of_pillar = {pillar: fsum(parts) for pillar, parts in weights.items()}
    found = {}
    for entry in entries:
        share, credit = 100.0 * entry.weight / of_pillar[entry.pillar], entry.credit
        found[entry.question] = Lost(
            share * credit.not_done,
            share * credit.contradicted,
            share * credit.not_proven,
            share * credit.unanswered,
        )
    return found


def _caps(group: str, applying: Sequence[Judgement], headroom: float | None) -> tuple[Cap, ...]:
    """All caps that hold, the lowest first."""
    caps = []
    for entry in applying:
        if not entry.critical:
            continue
        if entry.at_level_zero:
            how = "is contradicted down to level 0" if entry.state == "contradicted" else "is at level 0"
            caps.append(Cap(CAP_LEVEL_ZERO, f"{entry.question} is critical and {how}", entry.question))
        elif entry.state == "contradicted":
            caps.append(
                Cap(CAP_CONTRADICTED, f"{entry.question} is critical and contradicted", entry.question)
            )
    if group == CAPPED_BY_FLEET and headroom is not None and headroom < 1:
        caps.append(
            Cap(CAP_FLEET, f"the fleet's measured capacity is {headroom:.2f} of the load it has to carry")
        )
    return tuple(sorted(caps, key=lambda cap: (cap.at_most, cap.question or "")))


def overall_of(pillars: Sequence[Score]) -> Overall:
    """The overall score; of equal pillars the first is named."""
    refused = [score for score in pillars if score.reading is None]
    if refused or not pillars:
        return Overall(
            None, None, None, None, refused=_refused([score.id for score in refused], len(pillars))
        )
    readings = [(score.id, score.reading) for score in pillars if score.reading is not None]
    lowest, reading = min(readings, key=lambda entry: round(entry[1].score, _DIGITS))
    mean = fsum(entry.score for _, entry in readings) / len(readings)
    return Overall(lowest, reading.score, mean, _band(reading.score, [entry for _, entry in readings]))


def _refused(pillars: Sequence[str], of: int) -> str:
    """A short sentence on pillars without a score; each says for itself why."""
    if not pillars:
        return "The lens has no pillar."
    if len(pillars) == of > 1:
        return "No pillar has a score, so there is none overall."
    if len(pillars) > 3:
        return f"{len(pillars)} of {of} pillars have no score, so there is none overall."
    named = pillars[0] if len(pillars) == 1 else f"{', '.join(pillars[:-1])} and {pillars[-1]}"
    have = "has" if len(pillars) == 1 else "have"
    return f"{named[:1].upper()}{named[1:]} {have} no score, so there is none overall."


def _band(score: float, readings: Iterable[Reading]) -> Band:
    for limit, band in _BANDS:
        if round(score, _DIGITS) < limit:
            return band
    if all(round(reading.proven, _DIGITS) >= LEAST_PROVEN for reading in readings):
        return "ready"
    return "conditional"


def findings_of(judgements: Iterable[Judgement]) -> list[Finding]:
    """One finding for each question that applies.

    A high risk is what is contradicted, and a critical question with a credit under 0.5; a medium one is what
    is challenged or open, and any other question with a credit under 0.75. What the rules of an AWS lens rate
    as a high risk is one, and a question that only informs is none.
    """
    return [Finding(entry.question, _risk(entry), entry.because) for entry in judgements if entry.applies]


def _risk(entry: Judgement) -> Risk:
    credit = round(entry.credit.credit, _DIGITS)
    if entry.weight <= 0:
        return "none"
    if entry.state == "contradicted" or (entry.critical and credit < HIGH_CREDIT):
        return "high"
    if entry.risk == "HIGH_RISK":
        return "high"
    if entry.state == "challenged" or not entry.answered or credit < MEDIUM_CREDIT:
        return "medium"
    return "none"
