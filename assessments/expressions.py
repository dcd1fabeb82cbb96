"""Expressions over facts: what a lens says would prove or contradict a choice.

    or         = and { "||" and }
    and        = not { "&&" not }
    not        = "!" not | "(" or ")" | "always" | comparison | condition
    comparison = fact [ operator operand ]      a fact alone is one that is true or false
    operator   = "==" | "!=" | "<" | "<=" | ">" | ">="
    operand    = number | "true" | "false" | word | CONSTANT | fact

A fact has dots in its name (`load.capacity`), a constant of the lens is in capitals (`MEMORY_MARGIN`), and a
small word without dots is a value of a choice (`cpu`) behind an operator, and a named condition of the lens
anywhere else. `!` applies to the comparison behind it: `!infra.replicas == 1` is `!(infra.replicas == 1)`.

The logic is Kleene's strong one with three values: a fact that is not there, or of another type than it is
compared with, makes a comparison unknown (None); `false && unknown` is false, `true || unknown` is true, and
everything else with an unknown part is unknown. So a result that is known stays what it is, whatever facts
are added under new names.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Scalar = float | int | bool | str
Facts = Mapping[str, Scalar]
Check = Callable[[Facts], bool | None]
Explain = Callable[[Facts], tuple[bool | None, list[str]]]

MAX_LENGTH = 2_000
"""Characters in one expression."""
MAX_DEPTH = 32
"""Parentheses and `!` around one comparison, as written."""
MAX_LEVELS = 100
"""Levels of `&&`, `||` and `!` above one comparison, named conditions counted in."""
MAX_PARTS = 1_000
"""Comparisons in one expression, named conditions counted in."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])
        |(?P<fact>[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)(?![A-Za-z0-9_.])
        |(?P<word>[a-z][a-z0-9_]*)(?![A-Za-z0-9_.])
        |(?P<constant>[A-Z][A-Z0-9_]*)(?![A-Za-z0-9_.])
        |(?P<sign>\|\||&&|==|!=|<=|>=|<|>|!|\(|\)))""",
    re.VERBOSE | re.ASCII,
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_RESERVED = ("always", "true", "false")


class ExpressionError(ValueError):
    """The text is no expression; the message says where it goes wrong, without file and line."""


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
        return frozenset(_names(self.resolved))

    @cached_property
    def resolved(self) -> Node:
        """The tree with the values of constants and the terms of conditions in their places."""
        return _resolved(self.node, self.constants, self.conditions)

    @cached_property
    def value(self) -> Check:
        """Call it with facts by name: true, false, or None for unknown."""
        return _compiled(self.resolved)

    def explain(self, facts: Facts) -> Outcome:
        """The value, and the facts it rests on."""
        value, names = self._explained(facts)
        return Outcome(value, tuple(dict.fromkeys(names)))

    @cached_property
    def _explained(self) -> Explain:
        return _explaining(self.resolved)


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


def parse(text: str) -> Node:
    """The tree of an expression. Raises `ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it has {len(text)} characters, at most are {MAX_LENGTH}: name parts of it")
    return _Parser(text).whole()


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


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it; conditions are not entered."""
    yield node
    match node:
        case Not(term):
            yield from walk(term)
        case And(terms) | Or(terms):
            for part in terms:
                yield from walk(part)


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.index = 0
        self.depth = 0

    def whole(self) -> Node:
        if not self.tokens:
            raise ExpressionError("it is empty: write a comparison such as load.capacity >= 100")
        node = self.disjunction()
        if self.index < len(self.tokens):
            raise self.wrong("'&&' or '||' or the end")
        return node

    def disjunction(self) -> Node:
        terms = [self.conjunction()]
        while self.takes("||"):
            terms.append(self.conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def conjunction(self) -> Node:
        terms = [self.negation()]
        while self.takes("&&"):
            terms.append(self.negation())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def negation(self) -> Node:
        if self.takes("!"):
            self.enter()
            node: Node = Not(self.negation())
            self.depth -= 1
            return node
        if self.takes("("):
            self.enter()
            node = self.disjunction()
            if not self.takes(")"):
                raise self.wrong("')'")
            self.depth -= 1
            return node
        return self.comparison()

    def comparison(self) -> Node:
        kind, text = self.next("a fact, a condition, '!' or '('")
        if kind == "word" and text == "always":
            return Always()
        if kind == "word" and text not in _RESERVED:
            return Condition(text)
        if kind != "fact":
            self.index -= 1
            raise self.wrong("a fact, a condition, '!' or '('")
        fact = FactRef(text)
        if self.index < len(self.tokens) and self.tokens[self.index][1] in _COMPARE:
            _, sign = self.next("an operator")
            return Compare(fact, sign, self.operand(sign))
        return fact

    def operand(self, sign: str) -> Operand:
        kind, text = self.next("a number, true, false, a word, a CONSTANT or a fact")
        if kind == "number":
            return Literal(_number(text))
        if kind == "fact":
            return FactRef(text)
        if kind == "constant":
            return Constant(text)
        if kind == "word" and text != "always":
            if sign not in ("==", "!="):
                raise ExpressionError(f"'{text}' can be compared by == and != only, not by {sign}")
            return Literal(text == "true") if text in ("true", "false") else Word(text)
        self.index -= 1
        raise self.wrong("a number, true, false, a word, a CONSTANT or a fact")

    def takes(self, sign: str) -> bool:
        if self.index < len(self.tokens) and self.tokens[self.index][1] == sign:
            self.index += 1
            return True
        return False

    def next(self, expected: str) -> tuple[str, str]:
        if self.index >= len(self.tokens):
            raise self.wrong(expected)
        kind, text, _ = self.tokens[self.index]
        self.index += 1
        return kind, text

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"it is nested more than {MAX_DEPTH} deep: name parts of it")

    def wrong(self, expected: str) -> ExpressionError:
        if self.index >= len(self.tokens):
            return ExpressionError(f"it ends where {expected} was expected")
        _, text, at = self.tokens[self.index]
        return ExpressionError(f"'{text}' at character {at + 1} stands where {expected} was expected")


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            shown = text[start : start + 20].split(maxsplit=1)[0]
            raise ExpressionError(f"'{shown}' at character {start + 1} is no part of an expression")
        kind = found.lastgroup
        assert kind is not None
        yield kind, found[kind], found.start(kind)
        at = found.end()


def _number(text: str) -> float | int:
    if len(text) > 32:
        raise ExpressionError(f"the number {text[:32]}… is longer than 32 characters: write it shorter")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ExpressionError(f"the number {text} is too large: write a smaller one")
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else value


def _grouped(node: Node, *kinds: type) -> str:
    text = printed(node)
    return f"({text})" if isinstance(node, kinds) else text


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


def _names(node: Node) -> Iterator[str]:
    for part in walk(node):
        match part:
            case FactRef(name):
                yield name
            case Compare(fact, _, operand):
                yield fact.name
                if isinstance(operand, FactRef):
                    yield operand.name


def _compiled(node: Node) -> Check:
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
            inner = _compiled(term)

            def denied(facts: Facts) -> bool | None:
                value = inner(facts)
                return None if value is None else not value

            return denied
        case And(terms):
            return _first_of(tuple(map(_compiled, terms)), decisive=False)
        case Or(terms):
            return _first_of(tuple(map(_compiled, terms)), decisive=True)
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


def _explaining(node: Node) -> Explain:
    """The tree as nested functions that also tell what the value rests on."""
    match node:
        case Not(term):
            inner = _explaining(term)

            def denied(facts: Facts) -> tuple[bool | None, list[str]]:
                value, names = inner(facts)
                return (None if value is None else not value), names

            return denied
        case And(terms) | Or(terms):
            return _explaining_first_of(tuple(map(_explaining, terms)), decisive=isinstance(node, Or))
        case _:
            check, asked = _compiled(node), list(_names(node))

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
