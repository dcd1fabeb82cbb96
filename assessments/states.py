"""Claims held against facts: the state of each, and the credit it gets.

On a question's ladder of choices, by JUDGING's words:

    c  value of the claimed choice
    u  value of the highest choice with no contradiction at or below it
    f  value of the highest choice up to u that is proven, with nothing that casts doubt at or below it
    p  min(f, c), what is proven of the claim
    κ  0.5 for a bare claim; 0.75 where a dated attachment is young enough, or where facts given by hand would
       prove the claimed choice and nothing casts doubt on it

    c ≤ u: credit = p + κ·(c − p)        c > u: contradicted, credit = p

What is lost splits exactly: 1 = credit + not done (1 − c) + contradicted (c − p) or not proven (c − credit).
An open question, unsure or unanswered, gets 0 and loses all as unanswered.

Only what was measured or positively read contradicts. What an absence, a declaration or a fact by hand speaks
against is `challenged`: it stands as a bare claim, and no choice from there up counts as proven, until
someone confirms or corrects it (`evidence.py` says what an absence is).

A question with risk rules, of an imported AWS lens, has no ladder; `aws_judging` finds c, u, f and p for it.

A question does not apply when the lens's `applies_when` is false by the profile or by proof, whatever was
answered, or when a person says so with a reason. Where `applies_when` is unknown the question applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from assessments.aws_lens import Risk
from assessments.claims import Claim
from assessments.evidence import Evidence, attachment_counts, described, shown
from assessments.expressions import Expression
from assessments.lens import Choice, Lens, Question

State = Literal[
    "verified",
    "partly",
    "claimed",
    "challenged",
    "understated",
    "contradicted",
    "unsure",
    "unanswered",
    "not_applicable",
]
BARE, BACKED = 0.5, 0.75
"""κ: what the unproven part of a claim is worth, bare and with a dated document."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What a claim gets and loses; `credit` and the losses add up to 1. `claimed` is c, `proven` p."""

    claimed: float
    proven: float
    credit: float
    not_done: float
    contradicted: float
    not_proven: float
    unanswered: float


OPEN = Credit(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
"""Of a question that nobody answered, or of which nobody is sure."""


def credit_of(c: float, u: float, f: float, kappa: float) -> Credit:
    """The credit of a claim worth `c`, by the formulas above; all in 0 to 1, f ≤ u."""
    p = min(f, c)
    if c > u:
        return Credit(c, p, p, 1.0 - c, c - p, 0.0, 0.0)
    credit = p + kappa * (c - p)
    return Credit(c, p, credit, 1.0 - c, 0.0, c - credit, 0.0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one question.

    `state`, `because` and `facts` are what the report says; `credit` is what scoring adds up. `limit` is u.
    `out_of_scope` says that the lens, and not a person, leaves the question out. `offered` is the choice that
    the evidence proves where more was proven than claimed, or where nothing was answered; where a question
    takes several, it is all of them, joined by ", ". `risk` is what AWS's risk rules give for what is left of
    the claim, None on a ladder and where nothing is rated.
    """

    question: str
    pillar: str
    axes: tuple[str, ...]
    weight: float
    critical: bool
    state: State
    because: str
    choices: tuple[str, ...] = ()
    credit: Credit = OPEN
    limit: float = 1.0
    kappa: float = BARE
    facts: tuple[str, ...] = ()
    offered: str | None = None
    out_of_scope: bool = False
    risk: Risk | None = None

    @property
    def applies(self) -> bool:
        """Whether it counts at all."""
        return self.state != "not_applicable"

    @property
    def answered(self) -> bool:
        """Whether a choice was claimed."""
        return self.state not in ("unsure", "unanswered", "not_applicable")

    @property
    def at_level_zero(self) -> bool:
        """Whether nothing is claimed, or nothing of what is claimed can be true."""
        return self.answered and min(self.credit.claimed, self.limit) <= 0

    def to_json(self) -> dict[str, Any]:
        """As in `claims` of `loadstone.assessment/1`."""
        choice: Any = None
        if self.choices:
            choice = self.choices[0] if len(self.choices) == 1 else list(self.choices)
        document: dict[str, Any] = {
            "question": self.question,
            "choice": choice,
            "state": self.state,
            "credit": self.credit.credit if self.applies else None,
            "because": self.because,
            "facts": list(self.facts),
        }
        if self.risk is not None:
            document["risk"] = self.risk
        if self.out_of_scope:
            document["out_of_scope"] = True
        return document if self.offered is None else document | {"offered": self.offered}


@dataclass(frozen=True, slots=True)
class _Ladder:
    """What evidence says of a question's choices, by their places.

    `limit` is the highest without contradiction (−1 for none), `refuted` the first with one, `doubted` the
    first with a doubt, `proven` the highest proven.
    """

    limit: int
    refuted: int | None
    doubted: int | None
    proven: int | None


def judge(lens: Lens, claims: Mapping[str, Claim], evidence: Evidence) -> list[Judgement]:
    """All questions of the lens in its order; a question without a claim is unanswered."""
    return [judge_question(question, claims.get(question.id), evidence) for question in lens.questions]


def judge_question(question: Question, claim: Claim | None, evidence: Evidence) -> Judgement:
    """What becomes of one question. The choice must be one of its own (see `Answers.check`)."""
    if question.applies_when.value(evidence.proof) is False:
        outcome = question.applies_when.explain(evidence.proof)
        told = "; ".join(described_by_name(name, evidence) for name in outcome.facts)
        because = f"It does not apply here: {told}."
        if claim is not None and claim.state == "answered":
            because += f" The answer {', '.join(claim.choices)} is not counted."
        return judgement_of(question, "not_applicable", because, facts=outcome.facts, out_of_scope=True)
    if claim is not None and claim.state == "not_applicable":
        return judgement_of(question, "not_applicable", f"Said not to apply: {claim.reason}")
    if question.by_rules is not None:
        from assessments.aws_judging import judge_by_rules

        return judge_by_rules(question, claim, evidence)
    ladder = _climb(question.choices, evidence)
    if claim is None or claim.state != "answered":
        return _open(question, claim, ladder, evidence)
    return _answered(question, claim, ladder, evidence)


def _climb(choices: tuple[Choice, ...], evidence: Evidence) -> _Ladder:
    refuted = doubted = proven = None
    for place, choice in enumerate(choices):
        if evidence.proves(choice.contradicted_by):
            refuted = place
            break
        if doubted is None and evidence.doubts(choice.contradicted_by):
            doubted = place
        if doubted is None and evidence.proves(choice.verified_by):
            proven = place
    return _Ladder(len(choices) - 1 if refuted is None else refuted - 1, refuted, doubted, proven)


def _open(question: Question, claim: Claim | None, ladder: _Ladder, evidence: Evidence) -> Judgement:
    state: State = "unsure" if claim is not None and claim.state == "unsure" else "unanswered"
    because = "Nobody is sure." if state == "unsure" else "Nobody answered."
    proven = _choice(question, ladder.proven)
    facts: tuple[str, ...] = ()
    if proven is not None and proven.value > 0:
        facts, told = tell(proven.verified_by, evidence.proof, evidence)
        because += f" The evidence proves {proven.id}: {told}."
        return judgement_of(question, state, because, facts=facts, offered=proven.id)
    return judgement_of(question, state, because)


def _answered(question: Question, claim: Claim, ladder: _Ladder, evidence: Evidence) -> Judgement:
    choice_id = claim.choices[0]
    place = [choice.id for choice in question.choices].index(choice_id)
    claimed = question.choices[place]
    proven = _choice(question, ladder.proven)
    limit = question.choices[ladder.limit].value if ladder.limit >= 0 else 0.0
    doubt = ladder.doubted if ladder.doubted is not None and ladder.doubted <= place else None
    kappa, backing = backing_of(
        claim, evidence, by_hand=doubt is None and evidence.supports(claimed.verified_by)
    )
    credit = credit_of(claimed.value, limit, 0.0 if proven is None else proven.value, kappa)
    made = _Made(question, claim, credit, limit, kappa)
    if claimed.value > limit:
        refuted = _choice(question, ladder.refuted)
        assert refuted is not None
        facts, told = tell(refuted.contradicted_by, evidence.proof, evidence)
        rest = (
            f" Proven is {proven.id}." if proven is not None and proven.value > 0 else " Nothing is proven."
        )
        return made.judgement("contradicted", f"{told} contradicts {refuted.id}.{rest}", facts)
    if ladder.proven is not None and ladder.proven > place:
        assert proven is not None
        facts, told = tell(proven.verified_by, evidence.proof, evidence)
        return made.judgement("understated", f"{told} proves {proven.id}, which is more.", facts, proven.id)
    if doubt is not None:
        doubted = question.choices[doubt]
        facts, told = tell(doubted.contradicted_by, evidence.doubt, evidence)
        because = f"{told} casts doubt on {doubted.id}, and does not contradict it: confirm or correct it."
        return made.judgement("challenged", because, facts)
    if ladder.proven == place:
        facts, told = tell(claimed.verified_by, evidence.proof, evidence)
        return made.judgement("verified", f"{told} proves it.", facts)
    missing = _missing(claimed, evidence)
    if proven is not None and proven.value > 0:
        facts, told = tell(proven.verified_by, evidence.proof, evidence)
        return made.judgement("partly", f"{told} proves {proven.id}, not more.{backing} {missing}", facts)
    return made.judgement("claimed", f"Nothing measured proves it.{backing} {missing}", ())


@dataclass(frozen=True, slots=True)
class _Made:
    """What is known of an answered question before its state."""

    question: Question
    claim: Claim
    credit: Credit
    limit: float
    kappa: float

    def judgement(
        self, state: State, because: str, facts: tuple[str, ...], offered: str | None = None
    ) -> Judgement:
        return judgement_of(
            self.question,
            state,
            because,
            choices=self.claim.choices,
            credit=self.credit,
            limit=self.limit,
            kappa=self.kappa,
            facts=facts,
            offered=offered,
        )


def judgement_of(question: Question, state: State, because: str, **more: Any) -> Judgement:
    """A judgement of the question in this state."""
    return Judgement(
        question=question.id,
        pillar=question.pillar,
        axes=question.axes,
        weight=question.weight,
        critical=question.critical,
        state=state,
        because=because.strip(),
        **more,
    )


def _choice(question: Question, place: int | None) -> Choice | None:
    return None if place is None else question.choices[place]


def backing_of(claim: Claim, evidence: Evidence, *, by_hand: bool) -> tuple[float, str]:
    """κ, and a sentence on what raises it; `by_hand` says that facts given by hand would prove the claim."""
    for attachment in claim.attachments:
        if attachment_counts(attachment.dated, evidence.as_of, evidence.expiry):
            return BACKED, f" {attachment.file} of {attachment.dated} backs it."
    if by_hand:
        return BACKED, " Facts given by hand back it."
    return BARE, ""


def _missing(choice: Choice, evidence: Evidence) -> str:
    """What would prove the choice."""
    if choice.verified_by is None:
        return f"No probe can prove it: {choice.unprovable.rstrip('.')}." if choice.unprovable else ""
    outcome = choice.verified_by.explain(evidence.proof)
    if outcome.value is None:
        return f"Not known: {', '.join(outcome.facts)}."
    if outcome.value is False:
        told = "; ".join(described_by_name(name, evidence) for name in outcome.facts)
        return f"To be proven it lacks: {told}."
    return ""


def tell(
    expression: Expression | None, view: Mapping[str, Any], evidence: Evidence
) -> tuple[tuple[str, ...], str]:
    """The facts that an expression rests on, and what they say."""
    assert expression is not None
    names = expression.explain(view).facts
    return names, "; ".join(described_by_name(name, evidence) for name in names)


def described_by_name(name: str, evidence: Evidence) -> str:
    """A fact, or a value of the profile, in a few words."""
    if name in evidence.profile:
        text = f"{name} is {shown(evidence.profile[name])}"
        return f"{text} (declared, nobody gave it)" if name in evidence.declared else text
    fact = evidence.facts.get(name)
    return f"{name} is not known" if fact is None else described(fact, evidence.as_of)
