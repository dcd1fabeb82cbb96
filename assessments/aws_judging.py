"""Judging a question with risk rules: claimed is a set of choices, and rules say what a set is worth.

The rules are a function w from the set of choices that are true to 1, 0.5 or 0. Evidence, by way of the
sidecar, divides the choices: some are proven (V), some refuted (K), all others are unknown. Where a choice is
proven, "none of these" is refuted, and the other way round. A choice in doubt is not proven. Of a selection S

    c = w(S)                    what is claimed, as AWS rates it
    u = w((S without K) with V) what is left of it: refuted choices count as not selected, proven ones as
                                selected, whoever selected them
    f                           the least that w can be, whatever is true of the unknown choices

and credit and losses follow from c, u and f as on a ladder (`states.py`); c > u is contradicted. f comes from
trying the rules in order with three values: one that may hold may give its value, one that must hold ends the
search, one that nobody can read gives 0. It is at most w of any set that the evidence allows, so f ≤ u. It
counts as proven only where it is more than the rules would give with no evidence at all, or where each
selected choice is proven; and never where nothing is left of the selection.

From that follows what holds on ladders too. A contradicted claim gets min(f, c); an honest one, of V, or of
any choices that are not refuted where V is empty, is worth f or more, proven. So over-claiming never pays,
whatever the rules, also those by which a choice makes things worse. Evidence that proves a selected choice
raises f and lowers nothing.

A choice that is refuted but changes nothing (u ≥ c) leaves the claim as it is, challenged: it should be taken
out. What no rule rates is nobody's answer: it is open, like a question with nothing selected.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from assessments.aws_lens import RISK_VALUES, Risk
from assessments.aws_lens import Question as RatedQuestion
from assessments.aws_reasons import RISK_WORDS, Reasons, listed
from assessments.claims import Claim
from assessments.evidence import Evidence
from assessments.lens import Question
from assessments.risk_conditions import Condition
from assessments.states import Credit, Judgement, State, backing_of, credit_of, judgement_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What evidence says of a question's choices: which are proven, refuted, and in doubt."""

    proven: frozenset[str] = frozenset()
    refuted: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """c, u and f of a selection, and the risk of what is left of it."""

    claimed: float
    limit: float
    proven: float
    risk: Risk | None

    @property
    def contradicted(self) -> bool:
        """Whether less is left than was claimed."""
        return self.claimed > self.limit

    def credit(self, kappa: float) -> Credit:
        """The credit and the losses."""
        return credit_of(self.claimed, self.limit, self.proven, kappa)


def judge_by_rules(question: Question, claim: Claim | None, evidence: Evidence) -> Judgement:
    """What becomes of a question with risk rules that applies."""
    rules = question.by_rules
    assert rules is not None
    standing = standing_of(question, evidence)
    selected = selected_of(rules, claim)
    if not selected or rules.value(selected) is None:
        return _open(question, claim, selected, standing, evidence)
    assert claim is not None
    reading = read(rules, selected, standing)
    by_hand = _is_backed_by_hand(question, selected, standing, reading, evidence)
    kappa, backing = backing_of(claim, evidence, by_hand=by_hand)
    reasons = Reasons(question, evidence)
    state, because = _state(reasons, selected, standing, reading, backing)
    if len(selected) > 1 and any(entry.is_none for entry in rules.choices if entry.id in selected):
        because += " 'None of these' is selected together with others: take one of them out."
    if rules.only_informs:
        because = f"It only informs: its risk is the same whatever is selected. {because}"
    corrected = (set(selected) - standing.refuted) | standing.proven
    return judgement_of(
        question,
        state,
        because,
        choices=selected,
        credit=reading.credit(kappa),
        limit=reading.limit,
        kappa=kappa,
        facts=reasons.facts,
        offered=_offered(question, corrected) if state == "understated" else None,
        risk=reading.risk,
    )


def selected_of(rules: RatedQuestion, claim: Claim | None) -> tuple[str, ...]:
    """The choices of the question that a claim selects, in the order of the lens."""
    if claim is None or claim.state != "answered":
        return ()
    return tuple(dict.fromkeys(choice.id for choice in rules.choices if choice.id in claim.choices))


def standing_of(question: Question, evidence: Evidence) -> Standing:
    """What evidence says of each choice; a contradiction wins over a proof."""
    refuted = {choice.id for choice in question.choices if evidence.proves(choice.contradicted_by)}
    doubted = {choice.id for choice in question.choices if evidence.doubts(choice.contradicted_by)} - refuted
    proven = {choice.id for choice in question.choices if evidence.proves(choice.verified_by)}
    assert question.by_rules is not None
    return settled(question.by_rules, proven - refuted - doubted, refuted, doubted)


def settled(
    rules: RatedQuestion, proven: Collection[str], refuted: Collection[str], doubted: Collection[str]
) -> Standing:
    """The same with what follows for "none of these" and the others, of which one side alone is true."""
    none = {choice.id for choice in rules.choices if choice.excludes_others}
    others = {choice.id for choice in rules.choices} - none
    proven, refuted = frozenset(proven), frozenset(refuted)
    if proven & others:
        proven, refuted = proven - none, refuted | none
    elif proven & none:
        refuted |= others
    return Standing(proven, refuted, frozenset(doubted) - refuted)


def read(rules: RatedQuestion, selected: Collection[str], standing: Standing) -> Reading:
    """c, u and f of a selection that the rules rate."""
    every = frozenset(choice.id for choice in rules.choices)
    left = (frozenset(selected) - standing.refuted) | standing.proven
    least = least_value(rules, standing.proven, standing.refuted, every)
    by_evidence = least > least_value(rules, frozenset(), frozenset(), every)
    counts = bool(left) and (by_evidence or frozenset(selected) <= standing.proven)
    return Reading(
        claimed=least_value(rules, selected, every - frozenset(selected), every),
        limit=least_value(rules, left, every - left, every),
        proven=least if counts else 0.0,
        risk=_risk(rules, left, every),
    )


def least_value(
    rules: RatedQuestion, true: Collection[str], false: Collection[str], every: Collection[str]
) -> float:
    """The least that the rules can give where these choices are true and these are not; others are unknown.

    With no unknown it is what the rules give. What is not rated is worth 0.
    """
    least = 1.0
    for rule in rules.rules:
        if rule.condition is None:
            return 0.0
        holds = _holds(rule.condition, true, false, every)
        if holds is False:
            continue
        least = min(least, 0.0 if rule.risk is None else RISK_VALUES[rule.risk])
        if holds:
            return least
    return 0.0


def _risk(rules: RatedQuestion, true: Collection[str], every: Collection[str]) -> Risk | None:
    """The risk when exactly these are true, also when none is."""
    false = frozenset(every) - frozenset(true)
    for rule in rules.rules:
        if rule.condition is None:
            return None
        if _holds(rule.condition, true, false, every):
            return rule.risk
    return None


def _holds(
    condition: Condition, true: Collection[str], false: Collection[str], every: Collection[str]
) -> bool | None:
    """Whether the condition holds; None where that depends on unknown choices. A strange choice is false."""
    if condition.operator == "choice":
        if condition.choice in true:
            return True
        return False if condition.choice in false or condition.choice not in every else None
    if condition.operator == "default":
        return True
    parts = [_holds(part, true, false, every) for part in condition.parts]
    if condition.operator == "not":
        return None if parts[0] is None else not parts[0]
    decisive = condition.operator == "or"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def _is_backed_by_hand(
    question: Question,
    selected: Collection[str],
    standing: Standing,
    reading: Reading,
    evidence: Evidence,
) -> bool:
    """Whether the claim would be proven if facts given by hand were measured; not where it is in doubt."""
    rules = question.by_rules
    assert rules is not None
    supported = {choice.id for choice in question.choices if evidence.supports(choice.verified_by)}
    supported -= standing.refuted | standing.doubted
    if supported <= standing.proven or standing.doubted & set(selected):
        return False
    with_them = settled(rules, standing.proven | supported, standing.refuted, standing.doubted)
    return read(rules, selected, with_them).proven >= reading.claimed


def _state(
    reasons: Reasons,
    selected: tuple[str, ...],
    standing: Standing,
    reading: Reading,
    backing: str,
) -> tuple[State, str]:
    """The state of a selection that is rated, and why."""
    refuted = [choice for choice in selected if choice in standing.refuted]
    doubted = [choice for choice in selected if choice in standing.doubted]
    left = "what no rule rates" if reading.risk is None else RISK_WORDS[reading.risk]
    if reading.contradicted:
        unselected = standing.proven - set(selected)
        told = reasons.refutation(refuted, standing.proven) if refuted else ""
        if not told:
            told = f"{reasons.proof(unselected)}, and is not selected"
        return "contradicted", f"{told}. That leaves {left}.{_proven(reading)}"
    if reading.proven > reading.claimed:
        told = reasons.proof(standing.proven) or reasons.refutation(standing.refuted, standing.proven)
        return "understated", f"{told}. That leaves {left}, which is less than claimed."
    if refuted:
        told = reasons.refutation(refuted, standing.proven)
        return "challenged", f"{told}. That changes nothing of the risk: take {listed(refuted)} out."
    if doubted:
        because = f"{reasons.doubt(doubted)}, and does not contradict it: confirm or correct it."
        return "challenged", because
    proven = set(selected) & standing.proven
    if reading.proven >= reading.claimed and (reading.claimed > 0 or set(selected) <= proven):
        told = reasons.proof(proven) or reasons.proof(standing.proven)
        told = told or reasons.refutation(standing.refuted, standing.proven)
        return "verified", f"{told}: {left}."
    missing = reasons.missing([choice for choice in selected if choice not in proven])
    if reading.proven > 0:
        told = reasons.proof(standing.proven) or reasons.refutation(standing.refuted, standing.proven)
        return "partly", f"{told}.{_proven(reading)}{backing} {missing}"
    if proven:
        return "claimed", f"{reasons.proof(proven)}, which alone lowers no risk.{backing} {missing}"
    return "claimed", f"Nothing measured proves it.{backing} {missing}"


def _proven(reading: Reading) -> str:
    """What is proven of the claim."""
    if reading.proven <= 0:
        return " Nothing is proven."
    word = next(risk for risk, value in RISK_VALUES.items() if value <= min(reading.proven, reading.claimed))
    return f" Proven is {RISK_WORDS[word]} at most."


def _open(
    question: Question,
    claim: Claim | None,
    selected: tuple[str, ...],
    standing: Standing,
    evidence: Evidence,
) -> Judgement:
    """Of a question without an answer, or with one that no rule rates."""
    state: State = "unanswered"
    because = "Nobody answered."
    if selected:
        because = f"No rule of the lens rates {listed(selected)}: it counts as not answered."
    elif claim is not None and claim.state == "unsure":
        state, because = "unsure", "Nobody is sure."
    if not standing.proven:
        return judgement_of(question, state, because, choices=selected)
    reasons = Reasons(question, evidence)
    because += f" The evidence: {reasons.proof(standing.proven)}."
    offered = _offered(question, standing.proven)
    return judgement_of(question, state, because, choices=selected, facts=reasons.facts, offered=offered)


def _offered(question: Question, choices: Collection[str]) -> str | None:
    """The choices in the order of the lens, joined; None where there is none."""
    return ", ".join(dict.fromkeys(entry.id for entry in question.choices if entry.id in choices)) or None
