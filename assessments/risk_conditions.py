"""The conditions of risk rules in AWS custom lenses, and which selections of choices make them true.

    condition = all, { "||", all }
    all       = one, { "&&", one }
    one       = "!", one | "(", condition, ")" | choice id

`&&` binds tighter than `||`. The word `default`, alone, is true for every selection.

A question of n choices has 2^n selections. `Selections` writes the truth of a condition for all of them as
one whole number of 2^n bits: bit s is the truth for the selection s, whose own bit i says whether choice i is
selected. `and`, `or` and `not` of conditions are then one operation each on these numbers, and a question is
decided exactly, not by samples.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Literal

DEFAULT = "default"
MAX_CHARACTERS = 10_000
MAX_DEPTH = 50
MAX_ENUMERATED_CHOICES = 15
"""As many as AWS allows a question; 2^15 selections are 4 kB a condition."""

_TOKEN = re.compile(r"\s*(?:(&&|\|\||[!()])|([^\s&|!()]+)|(\S))")

Operator = Literal["and", "or", "not", "choice", "default"]


class ConditionError(ValueError):
    """The condition is not one; the message says what is wrong with it, and at which character."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as a tree: an operator over parts, a choice by its id, or `default`."""

    operator: Operator
    parts: tuple[Condition, ...] = ()
    choice: str = ""

    def is_true(self, selected: Collection[str]) -> bool:
        """Whether it holds when exactly these choices are selected."""
        if self.operator == "choice":
            return self.choice in selected
        if self.operator == "not":
            return not self.parts[0].is_true(selected)
        if self.operator == "and":
            return all(part.is_true(selected) for part in self.parts)
        return self.operator == "default" or any(part.is_true(selected) for part in self.parts)

    def choices(self) -> frozenset[str]:
        """The ids that it names."""
        if self.operator == "choice":
            return frozenset((self.choice,))
        return frozenset().union(*(part.choices() for part in self.parts))


def parse_condition(text: str) -> Condition:
    """The condition that `text` spells. Raises `ConditionError`."""
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(f"it is longer than {MAX_CHARACTERS:,} characters")
    if text.strip() == DEFAULT:
        return Condition("default")
    reader = _Reader(_tokens(text))
    found = reader.condition(0)
    if reader.at < len(reader.tokens):
        at, sign = reader.tokens[reader.at]
        raise ConditionError(f"'{sign}' at character {at} follows without an operator between")
    return found


def _tokens(text: str) -> list[tuple[int, str]]:
    """The signs and ids with their place, counted from 1."""
    tokens = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        assert found is not None, "some sign follows, and the pattern takes any"
        sign = found[1] or found[2]
        if sign is None:
            wanted = f"'{found[3]}{found[3]}'" if found[3] in "&|" else "a choice id"
            raise ConditionError(f"'{found[3]}' at character {found.start(3) + 1} is not {wanted}")
        tokens.append((found.end() - len(sign) + 1, sign))
        position = found.end()
    return tokens


@dataclass
class _Reader:
    """Reads the tokens one after the other."""

    tokens: list[tuple[int, str]]
    at: int = field(default=0)

    def condition(self, depth: int) -> Condition:
        parts = [self._all(depth)]
        while self._takes("||"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Condition("or", tuple(parts))

    def _all(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._takes("&&"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Condition("and", tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth >= MAX_DEPTH:
            raise ConditionError(f"it is nested deeper than {MAX_DEPTH}")
        if self.at >= len(self.tokens):
            raise ConditionError("it ends where a choice id should follow" if self.tokens else "it is empty")
        at, sign = self.tokens[self.at]
        self.at += 1
        if sign == "!":
            return Condition("not", (self._one(depth + 1),))
        if sign == "(":
            found = self.condition(depth + 1)
            if not self._takes(")"):
                raise ConditionError(f"the '(' at character {at} is not closed")
            return found
        if sign in ("&&", "||", ")"):
            raise ConditionError(f"'{sign}' at character {at} stands where a choice id should")
        if sign == DEFAULT:
            raise ConditionError(f"'{DEFAULT}' at character {at} has to stand alone")
        return Condition("choice", choice=sign)

    def _takes(self, sign: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at][1] == sign:
            self.at += 1
            return True
        return False


class TooManyChoicesError(ValueError):
    """There are more choices than can be decided by looking at every selection."""


@dataclass(frozen=True)
class Selections:
    """All selections of these choices, as bits of whole numbers. Raises `TooManyChoicesError`."""

    choices: Sequence[str]

    def __post_init__(self) -> None:
        if len(self.choices) > MAX_ENUMERATED_CHOICES:
            raise TooManyChoicesError(
                f"{len(self.choices)} choices are more than the {MAX_ENUMERATED_CHOICES} "
                "that are tried in every combination"
            )

    @property
    def count(self) -> int:
        """How many selections there are, with the empty one."""
        return 1 << len(self.choices)

    @property
    def every(self) -> int:
        """All selections."""
        return (1 << self.count) - 1

    def true_for(self, condition: Condition) -> int:
        """The selections for which the condition holds. A choice that is not here is never selected."""
        if condition.operator == "choice":
            return self._columns.get(condition.choice, 0)
        if condition.operator == "default":
            return self.every
        parts = [self.true_for(part) for part in condition.parts]
        if condition.operator == "not":
            return self.every ^ parts[0]
        found = parts[0]
        for part in parts[1:]:
            found = found & part if condition.operator == "and" else found | part
        return found

    def example(self, selections: int) -> tuple[str, ...]:
        """The choices of the first of these selections; none where there is no selection."""
        first = max(0, (selections & -selections).bit_length() - 1)
        return tuple(choice for index, choice in enumerate(self.choices) if first >> index & 1)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {choice: _column(index, self.count) for index, choice in enumerate(self.choices)}


@cache
def _column(index: int, count: int) -> int:
    """The selections, of so many, that hold the choice of this index."""
    width = 1 << index
    pattern, length = ((1 << width) - 1) << width, 2 * width
    while length < count:
        pattern |= pattern << length
        length *= 2
    return pattern
