"""The tree of an expression: its nodes, a walk over them, and the text that it is printed as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SIGNS = ("==", "!=", "<", "<=", ">", ">=")
"""The operators of a comparison."""


@dataclass(frozen=True, slots=True)
class Always:
    """True, whatever the facts."""


@dataclass(frozen=True, slots=True)
class FactRef:
    """The value of a fact: alone a boolean, behind an operator anything."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A threshold that the lens names."""

    name: str


@dataclass(frozen=True, slots=True)
class Word:
    """A value of a choice."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true or false. Equal ones of different type are different: 1 is neither 1.0 nor true."""

    value: float | int | bool

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        return hash(repr(self.value))


Operand = Literal | Word | Constant | FactRef


@dataclass(frozen=True, slots=True)
class Compare:
    """A fact held against something."""

    fact: FactRef
    operator: str
    operand: Operand


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that the lens names."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; of unknown, unknown."""

    term: Node


@dataclass(frozen=True, slots=True)
class And:
    """True when all terms are; false when one is."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when one term is; false when all are."""

    terms: tuple[Node, ...]


Node = Always | FactRef | Compare | Condition | Not | And | Or


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it; conditions are not entered."""
    yield node
    match node:
        case Not(term):
            yield from walk(term)
        case And(terms) | Or(terms):
            for part in terms:
                yield from walk(part)


def printed(node: Node | Operand) -> str:
    """The expression as text that `parse` turns into the same tree."""
    match node:
        case Always():
            return "always"
        case FactRef(name) | Constant(name) | Condition(name) | Word(name):
            return name
        case Literal(value):
            return str(value).lower() if isinstance(value, bool) else repr(value)
        case Compare(fact, sign, operand):
            return f"{fact.name} {sign} {printed(operand)}"
        case Not(term):
            return f"!{_grouped(term, And, Or, Compare)}"
        case And(terms):
            return " && ".join(_grouped(term, And, Or) for term in terms)
        case Or(terms):
            return " || ".join(_grouped(term, Or) for term in terms)


def _grouped(node: Node, *kinds: type) -> str:
    text = printed(node)
    return f"({text})" if isinstance(node, kinds) else text
