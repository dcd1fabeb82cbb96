"""Expressions over facts: what a lens says would prove or contradict a choice.

`expression_parser` reads the text, which becomes a tree (`expression_tree`); `expression_values` says what it
is worth. Here names of a lens, its constants and conditions, are bound to it. What others need of these four
files they take from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from assessments.expression_parser import ExpressionError, parse
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
    Operand,
    Or,
    Word,
    printed,
    walk,
)
from assessments.expression_values import Check, Explain, Facts, Scalar, compiled, explaining, fact_names

__all__ = [
    "Always",
    "And",
    "Check",
    "Compare",
    "Condition",
    "Constant",
    "Expression",
    "ExpressionError",
    "FactRef",
    "Facts",
    "Literal",
    "Node",
    "Not",
    "Operand",
    "Or",
    "Outcome",
    "Scalar",
    "Word",
    "expression",
    "ordered_conditions",
    "parse",
    "printed",
    "walk",
]

MAX_LEVELS = 100
"""Levels of `&&`, `||` and `!` above one comparison, named conditions counted in."""
MAX_PARTS = 1_000
"""Comparisons in one expression, named conditions counted in."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an expression gave: true, false or unknown (None).

    `facts` are the names that decided it, in the order in which they stand: with these facts alone the result
    is the same. Where it is unknown they are the names that are missing, or of another type than expected.
    """

    value: bool | None
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Expression:
    """An expression ready to be asked; equal where the trees are."""

    node: Node
    constants: Mapping[str, float | int] = field(default_factory=dict, compare=False, repr=False)
    conditions: Mapping[str, Node] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return printed(self.node)

    @cached_property
    def names(self) -> frozenset[str]:
        """All facts that it names, also through its conditions."""
        return frozenset(fact_names(self.resolved))

    @cached_property
    def resolved(self) -> Node:
        """The tree with the values of constants and the terms of conditions in their places."""
        return _resolved(self.node, self.constants, self.conditions)

    @cached_property
    def value(self) -> Check:
        """Call it with facts by name: true, false, or None for unknown."""
        return compiled(self.resolved)

    def explain(self, facts: Facts) -> Outcome:
        """The value, and the facts it rests on."""
        value, names = self._explained(facts)
        return Outcome(value, tuple(dict.fromkeys(names)))

    @cached_property
    def _explained(self) -> Explain:
        return explaining(self.resolved)


def expression(
    text: str,
    constants: Mapping[str, float | int] | None = None,
    conditions: Mapping[str, Node] | None = None,
) -> Expression:
    """Reads `text` and binds the names of a lens to it.

    Raises `ExpressionError` when it is no expression, names a constant or condition that is not there, or
    grows past `MAX_PARTS` or `MAX_LEVELS` with its conditions, which must be without a circle
    (see `ordered_conditions`).
    """
    node = parse(text)
    constants, conditions = constants or {}, conditions or {}
    for part in walk(node):
        if isinstance(part, Compare) and isinstance(part.operand, Constant):
            _known(part.operand.name, constants, "constant")
        if isinstance(part, Condition):
            _known(part.name, conditions, "condition")
    parts, depth = _size(node, conditions)
    if parts > MAX_PARTS or depth > MAX_LEVELS:
        raise ExpressionError(
            f"it has {parts:,} comparisons on {depth} levels with its conditions, and at most "
            f"{MAX_PARTS:,} on {MAX_LEVELS} are read: write less in one"
        )
    return Expression(node, constants, conditions)


def ordered_conditions(conditions: Mapping[str, Node]) -> list[str]:
    """The names so that each comes after those it uses; at most some hundred of them.

    Raises `ExpressionError` that shows a circle.
    """
    done: dict[str, None] = {}

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            circle = [*path[path.index(name) :], name]
            raise ExpressionError(f"conditions go in a circle: {' → '.join(circle)}")
        if name in conditions and name not in done:
            for used in _used_conditions(conditions[name]):
                visit(used, [*path, name])
            done[name] = None

    for name in conditions:
        visit(name, [])
    return list(done)


def _known(name: str, names: Mapping[str, object], what: str) -> None:
    if name not in names:
        from difflib import get_close_matches

        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"name it under {what}s"
        raise ExpressionError(f"the lens has no {what} '{name}': {hint}")


def _used_conditions(node: Node) -> list[str]:
    return list(dict.fromkeys(part.name for part in walk(node) if isinstance(part, Condition)))


def _size(
    node: Node, conditions: Mapping[str, Node], known: dict[str, tuple[int, int]] | None = None
) -> tuple[int, int]:
    """Comparisons, and how deep they lie, with conditions in their places."""
    known = {} if known is None else known
    match node:
        case Condition(name):
            if name not in known:
                parts, depth = _size(conditions[name], conditions, known) if name in conditions else (1, 0)
                known[name] = parts, depth + 1
            return known[name]
        case Not(term):
            parts, depth = _size(term, conditions, known)
            return parts, depth + 1
        case And(terms) | Or(terms):
            sizes = [_size(term, conditions, known) for term in terms]
            return sum(parts for parts, _ in sizes), 1 + max(depth for _, depth in sizes)
        case _:
            return 1, 0


def _resolved(node: Node, constants: Mapping[str, float | int], conditions: Mapping[str, Node]) -> Node:
    match node:
        case Compare(fact, sign, Constant(name)):
            return Compare(fact, sign, Literal(constants[name]))
        case Condition(name):
            return _resolved(conditions[name], constants, conditions)
        case Not(term):
            return Not(_resolved(term, constants, conditions))
        case And(terms):
            return And(tuple(_resolved(term, constants, conditions) for term in terms))
        case Or(terms):
            return Or(tuple(_resolved(term, constants, conditions) for term in terms))
        case _:
            return node
