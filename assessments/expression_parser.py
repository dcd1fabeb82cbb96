"""Reading the text of an expression; nothing in it is ever run.

    or         = and { "||" and }
    and        = not { "&&" not }
    not        = "!" not | "(" or ")" | "always" | comparison | condition
    comparison = fact [ operator operand ]      a fact alone is one that is true or false
    operator   = "==" | "!=" | "<" | "<=" | ">" | ">="
    operand    = number | "true" | "false" | word | CONSTANT | fact

A fact has dots in its name (`load.capacity`), a constant of the lens is in capitals (`MEMORY_MARGIN`), and a
small word without dots is a value of a choice (`cpu`) behind an operator, and a named condition of the lens
anywhere else. `!` applies to the comparison behind it: `!infra.replicas == 1` is `!(infra.replicas == 1)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessments.expression_tree import (
    SIGNS,
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
)

MAX_LENGTH = 2_000
"""Characters in one expression."""
MAX_DEPTH = 32
"""Parentheses and `!` around one comparison, as written."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])
        |(?P<fact>[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)(?![A-Za-z0-9_.])
        |(?P<word>[a-z][a-z0-9_]*)(?![A-Za-z0-9_.])
        |(?P<constant>[A-Z][A-Z0-9_]*)(?![A-Za-z0-9_.])
        |(?P<sign>\|\||&&|==|!=|<=|>=|<|>|!|\(|\)))""",
    re.VERBOSE | re.ASCII,
)
_RESERVED = ("always", "true", "false")


class ExpressionError(ValueError):
    """The text is no expression; the message says where it goes wrong, without file and line."""


def parse(text: str) -> Node:
    """The tree of an expression. Raises `ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it has {len(text)} characters, at most are {MAX_LENGTH}: name parts of it")
    return _Parser(text).whole()


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
        if self.index < len(self.tokens) and self.tokens[self.index][1] in SIGNS:
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
