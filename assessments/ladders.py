"""What the evidence says of every choice of a question, whatever was answered.

`states.py` judges one claim. Here stands what each claim would meet, so that a person sees it before
answering, and on which comparisons that rests. The two agree: a choice that is `contradicted` here is
contradicted when it is claimed, and the highest `verified` one is what the judgement takes as proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from assessments.evidence import Evidence
from assessments.expressions import (
    Always,
    And,
    Compare,
    Expression,
    FactRef,
    Node,
    Not,
    Or,
)
from assessments.lens import Choice, Question

Standing = Literal["verified", "included", "contradicted", "challenged", "not_proven", "unprovable", "least"]
"""`included`: below a choice that is proven. `least`: worth 0, so that it needs no proof."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One comparison that decides, and whether it holds; None where a fact is missing or of another type.

    `wanted` says whether what it decides asks it to hold: behind a `!` it is asked to fail.
    """

    node: Compare | FactRef
    holds: bool | None
    wanted: bool = True

    @property
    def fact(self) -> str:
        """The fact that is held against something."""
        return self.node.name if isinstance(self.node, FactRef) else self.node.fact.name


@dataclass(frozen=True, slots=True)
class Level:
    """A choice with what the evidence says of it.

    `grounds` are the comparisons that make it so: that contradict or cast doubt, that prove, or that are
    missing or fail to prove. `origin` is the place of the choice whose comparisons they are: what contradicts
    a level contradicts those above.
    """

    choice: Choice
    place: int
    standing: Standing
    grounds: tuple[Ground, ...] = ()
    origin: int = 0


def levels_of(question: Question, evidence: Evidence) -> tuple[Level, ...]:
    """The choices of the question in its order, each with what the evidence says of it."""
    if question.by_rules is not None:
        none = question.by_rules.nones
        return tuple(
            _alone(place, choice, evidence, is_least=choice.id in none)
            for place, choice in enumerate(question.choices)
        )
    refuted = doubted = proven = None
    for place, choice in enumerate(question.choices):
        if evidence.proves(choice.contradicted_by):
            refuted = place
            break
        if doubted is None and evidence.doubts(choice.contradicted_by):
            doubted = place
        if doubted is None and evidence.proves(choice.verified_by):
            proven = place
    levels = []
    for place, choice in enumerate(question.choices):
        if refuted is not None and place >= refuted:
            against = question.choices[refuted].contradicted_by
            levels.append(
                Level(choice, place, "contradicted", _grounds(against, evidence.proof, True), refuted)
            )
        elif proven is not None and place <= proven and evidence.proves(choice.verified_by):
            levels.append(
                Level(choice, place, "verified", _grounds(choice.verified_by, evidence.proof, True), place)
            )
        elif proven is not None and place < proven:
            levels.append(Level(choice, place, "included", origin=proven))
        elif doubted is not None and place >= doubted:
            against = question.choices[doubted].contradicted_by
            levels.append(
                Level(choice, place, "challenged", _grounds(against, evidence.doubt, True), doubted)
            )
        elif choice.value <= 0:
            levels.append(Level(choice, place, "least", origin=place))
        else:
            levels.append(_unproven(choice, place, evidence))
    return tuple(levels)


def _alone(place: int, choice: Choice, evidence: Evidence, *, is_least: bool) -> Level:
    """A choice of a question with risk rules, which stands by itself."""
    if evidence.proves(choice.contradicted_by):
        grounds = _grounds(choice.contradicted_by, evidence.proof, True)
        return Level(choice, place, "contradicted", grounds, place)
    if evidence.doubts(choice.contradicted_by):
        grounds = _grounds(choice.contradicted_by, evidence.doubt, True)
        return Level(choice, place, "challenged", grounds, place)
    if evidence.proves(choice.verified_by):
        return Level(choice, place, "verified", _grounds(choice.verified_by, evidence.proof, True), place)
    if is_least:
        return Level(choice, place, "least", origin=place)
    return _unproven(choice, place, evidence)


def _unproven(choice: Choice, place: int, evidence: Evidence) -> Level:
    if choice.verified_by is None:
        return Level(choice, place, "unprovable", origin=place)
    value = choice.verified_by.value(evidence.proof)
    # True here means that the profile alone says it, which proves nothing.
    return Level(choice, place, "not_proven", _grounds(choice.verified_by, evidence.proof, value), place)


def _grounds(
    expression: Expression | None, view: Mapping[str, Any], value: bool | None
) -> tuple[Ground, ...]:
    assert expression is not None
    return tuple(dict.fromkeys(_deciding(expression.resolved, view, value, wanted=True)))


def _value(node: Node, view: Mapping[str, Any]) -> bool | None:
    return Expression(node).value(view)


def _deciding(node: Node, view: Mapping[str, Any], value: bool | None, *, wanted: bool) -> Iterator[Ground]:
    """The comparisons that give the node this value; where it is unknown, those that are."""
    match node:
        case Compare() | FactRef():
            yield Ground(node, value, wanted)
        case Not(term):
            opposite = None if value is None else not value
            yield from _deciding(term, view, opposite, wanted=not wanted)
        case And(terms) | Or(terms):
            decisive = isinstance(node, Or)
            values = [_value(term, view) for term in terms]
            if value is decisive:
                first = values.index(decisive)
                yield from _deciding(terms[first], view, decisive, wanted=wanted)
                return
            for term, found in zip(terms, values, strict=True):
                if found is value:
                    yield from _deciding(term, view, found, wanted=wanted)
        case Always():
            return
        case _:
            raise AssertionError("conditions stand resolved")


def asked_facts(question: Question) -> tuple[str, ...]:
    """All facts that the question's choices ask for, from the lowest choice up, each once."""
    names: dict[str, None] = {}
    for choice in question.choices:
        for asked in (choice.contradicted_by, choice.verified_by):
            names |= dict.fromkeys(sorted(asked.names) if asked is not None else ())
    return tuple(names)


def claims_on(questions: tuple[Question, ...], fact: str, parts: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The ids of the questions whose choices ask for a fact, also by way of a derived one.

    `parts` are the facts that each derived one is made from.
    """
    names = {fact} | {derived for derived, made_from in parts.items() if fact in made_from}
    return [question.id for question in questions if names & set(asked_facts(question))]
