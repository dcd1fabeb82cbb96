"""What an expression is worth for given facts: true, false or unknown, and which facts decided it.

The logic is Kleene's strong one with three values: a fact that is not there, or of another type than it is
compared with, makes a comparison unknown (None); `false && unknown` is false, `true || unknown` is true, and
everything else with an unknown part is unknown. So a result that is known stays what it is, whatever facts
are added under new names.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from assessments.expression_tree import (
    Always,
    And,
    Compare,
    Condition,
    Constant,
    FactRef,
    Literal,
    Node,
    Not,
    Or,
    Word,
    walk,
)

Scalar = float | int | bool | str
Facts = Mapping[str, Scalar]
Check = Callable[[Facts], bool | None]
Explain = Callable[[Facts], tuple[bool | None, list[str]]]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def fact_names(node: Node) -> Iterator[str]:
    for part in walk(node):
        match part:
            case FactRef(name):
                yield name
            case Compare(fact, _, operand):
                yield fact.name
                if isinstance(operand, FactRef):
                    yield operand.name


def compiled(node: Node) -> Check:
    """The tree as nested functions: several times quicker to ask than the tree."""
    match node:
        case Always():
            return _always
        case FactRef(name):

            def stands(facts: Facts) -> bool | None:
                value = facts.get(name)
                return value if value is True or value is False else None

            return stands
        case Compare():
            return _comparison(node)
        case Not(term):
            inner = compiled(term)

            def denied(facts: Facts) -> bool | None:
                value = inner(facts)
                return None if value is None else not value

            return denied
        case And(terms):
            return _first_of(tuple(map(compiled, terms)), decisive=False)
        case Or(terms):
            return _first_of(tuple(map(compiled, terms)), decisive=True)
        case Condition(name):
            raise AssertionError(f"the condition {name} was not put in its place")


def _always(_facts: Facts) -> bool:
    return True


def _first_of(checks: tuple[Check, ...], *, decisive: bool) -> Check:
    """False decides a conjunction, true a disjunction; else one unknown term makes it unknown."""

    def combined(facts: Facts) -> bool | None:
        result: bool | None = not decisive
        for check in checks:
            value = check(facts)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    return combined


def _comparison(node: Compare) -> Check:
    name, sign = node.fact.name, node.operator
    compare = _COMPARE[sign]
    match node.operand:
        case FactRef(other):

            def against_fact(facts: Facts) -> bool | None:
                left, right = facts.get(name), facts.get(other)
                if left is None or right is None or not _comparable(left, right, sign):
                    return None
                return compare(left, right)

            return against_fact
        case Literal(expected) | Word(expected):

            def against_value(facts: Facts) -> bool | None:
                left = facts.get(name)
                if left is None or not _comparable(left, expected, sign):
                    return None
                return compare(left, expected)

            return against_value
        case Constant(constant):
            raise AssertionError(f"the constant {constant} was not put in its place")


def _comparable(left: Scalar, right: Scalar, sign: str) -> bool:
    """Numbers with numbers by any operator; words with words, true with false, by == and != alone."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and sign in ("==", "!=")
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and sign in ("==", "!=")
    return True


def explaining(node: Node) -> Explain:
    """The tree as nested functions that also tell what the value rests on."""
    match node:
        case Not(term):
            inner = explaining(term)

            def denied(facts: Facts) -> tuple[bool | None, list[str]]:
                value, names = inner(facts)
                return (None if value is None else not value), names

            return denied
        case And(terms) | Or(terms):
            return _explaining_first_of(tuple(map(explaining, terms)), decisive=isinstance(node, Or))
        case _:
            check, asked = compiled(node), list(fact_names(node))

            def told(facts: Facts) -> tuple[bool | None, list[str]]:
                value = check(facts)
                if value is None:
                    return None, [name for name in asked if name not in facts] or asked
                return value, asked

            return told


def _explaining_first_of(parts: tuple[Explain, ...], *, decisive: bool) -> Explain:
    def combined(facts: Facts) -> tuple[bool | None, list[str]]:
        told = [part(facts) for part in parts]
        for value, names in told:
            if value is decisive:
                return decisive, names
        missing = [name for value, names in told if value is None for name in names]
        if missing:
            return None, missing
        return not decisive, [name for _, names in told for name in names]

    return combined
