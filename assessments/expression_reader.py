"""Reading constants, named conditions and expressions, which lenses and sidecars share.

What cannot be read is refused with file and line. What can be read and never does what its author means is
noted as a `Problem`: a fact that no probe gives, a comparison that never fits, a name that nothing uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assessments.checked_values import CheckedValues, line_at, nearest
from assessments.expressions import (
    Compare,
    Condition,
    Constant,
    Expression,
    ExpressionError,
    FactRef,
    Literal,
    Node,
    Word,
    expression,
    ordered_conditions,
    parse,
    walk,
)
from assessments.lens import MAX_CONDITIONS, SETTINGS, Problem, Threshold
from assessments.profile import PROFILE_FACTS
from probes.facts import CATALOGUE, FactName

MOST_HINTS = 50
"""Names that are not catalogued get a hint at the nearest up to so many; each takes some milliseconds."""

_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_CONDITION = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class ExpressionReader(CheckedValues):
    """Reads the expressions of one file; keeps its constants, its conditions and its problems."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self._problems: dict[Problem, None] = {}
        self._unknown: dict[str, str] = {}
        self.constants: dict[str, float | int] = {}
        self.conditions: dict[str, Node] = {}
        self.used: set[str] = set()

    def thresholds(self, root: Mapping[str, Any]) -> tuple[Threshold, ...]:
        """The constants under `constants`, each with its reason."""
        table = self.mapping(root.get("constants", {}), root, "constants", "constants")
        thresholds = []
        for name in table:
            if not _CONSTANT.fullmatch(str(name)):
                raise self.wrong(table, name, f"a constant is named in capitals, not '{name:.60}'")
            entry = self.mapping(table[name], table, f"the constant {name}", name)
            self.keys(entry, f"the constant {name}", ("value", "reason"))
            value = self.number(entry, "value", -1e15, 1e15)
            if name in SETTINGS and not 0 < value <= 3650:
                raise self.wrong(entry, "value", f"{name} is a number of days above 0, at most 3650")
            self.constants[name] = value
            thresholds.append(Threshold(name, value, self.text(entry, "reason")))
        return tuple(thresholds)

    def read_conditions(self, root: Mapping[str, Any]) -> None:
        """Keeps what is under `conditions`; the constants have to be read before."""
        table = self.mapping(root.get("conditions", {}), root, "conditions", "conditions")
        if len(table) > MAX_CONDITIONS:
            raise self.wrong(root, "conditions", f"there are more than {MAX_CONDITIONS} conditions")
        for name in table:
            if not _CONDITION.fullmatch(str(name)) or name in ("always", "true", "false"):
                raise self.wrong(table, name, f"a condition is named by a small word, not '{name:.60}'")
            entry = self.mapping(table[name], table, f"the condition {name}", name)
            self.keys(entry, f"the condition {name}", ("when", "meaning"))
            self.text(entry, "meaning")
            try:
                self.conditions[name] = parse(self.text(entry, "when"))
            except ExpressionError as error:
                raise self.wrong(entry, "when", f"the condition {name}: {error}") from error
        try:
            ordered_conditions(self.conditions)
        except ExpressionError as error:
            raise self.wrong(root, "conditions", f"{error}: take one of them out") from error
        for name in self.conditions:
            self.expression(self.mapping(table[name], table, name), "when", None)

    def expression(self, entry: Mapping[str, Any], key: str, question: str | None) -> Expression | None:
        """The expression under the key; None where the key is absent."""
        if key not in entry:
            return None
        try:
            result = expression(self.text(entry, key), self.constants, self.conditions)
        except ExpressionError as error:
            whose = question or "conditions"
            raise self.wrong(entry, key, f"{whose}: '{key}' cannot be read: {error}") from error
        for part in walk(result.node):
            self.check_part(part, entry, key, question)
        return result

    def check_part(self, part: Node, entry: Mapping[str, Any], key: str, question: str | None) -> None:
        """Notes what is odd about one part of an expression, and what it uses."""
        match part:
            case Condition(name):
                self.used.add(name)
            case FactRef(name):
                known = self.fact(name, entry, key, question)
                if known is not None and known.type != "boolean":
                    self.note(
                        "never_fits",
                        question,
                        f"{name} is a {known.type} and stands alone: compare it with something",
                        entry,
                        key,
                    )
            case Compare(ref, sign, operand):
                known = self.fact(ref.name, entry, key, question)
                if isinstance(operand, Constant):
                    self.used.add(operand.name)
                other = (
                    self.fact(operand.name, entry, key, question) if isinstance(operand, FactRef) else None
                )
                if known is None or (isinstance(operand, FactRef) and other is None):
                    return
                why = _misfit(known, sign, operand, other)
                if why:
                    self.note("never_fits", question, f"{ref.name} {why}", entry, key)

    def fact(self, name: str, entry: Mapping[str, Any], key: str, question: str | None) -> FactName | None:
        """The catalogued fact of that name; notes one that is not there."""
        known = PROFILE_FACTS.get(name) or CATALOGUE.get(name)
        if known is None:
            near = self._near_fact(name)
            self.note("unknown_fact", question, f"'{name}' is no catalogued fact: {near}", entry, key)
        return known

    def note(self, kind: str, question: str | None, message: str, node: Mapping[str, Any], key: str) -> None:
        """Keeps a problem, once."""
        self._problems[Problem(kind, question, message, line_at(node, key))] = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was noted, in the order of the file."""
        return tuple(self._problems)

    def _near_fact(self, name: str) -> str:
        """What is said of a fact that is not catalogued; the nearest is looked for a few times only."""
        otherwise = "no probe gives it"
        if name not in self._unknown:
            is_early = len(self._unknown) < MOST_HINTS
            self._unknown[name] = (
                nearest(name, [*CATALOGUE, *PROFILE_FACTS], otherwise) if is_early else otherwise
            )
        return self._unknown[name]

    def note_unused(self, root: Mapping[str, Any]) -> None:
        """Notes the constants and conditions that no expression uses."""
        for name in self.constants:
            if name not in self.used and name not in SETTINGS:
                self.note("unused", None, f"nothing uses the constant {name}", root, "constants")
        for name in self.conditions:
            if name not in self.used:
                self.note("unused", None, f"nothing uses the condition {name}", root, "conditions")


def _misfit(known: FactName, sign: str, operand: object, other: FactName | None) -> str | None:
    """Why the comparison is unknown for ever, or None."""
    numeric = ("number", "integer", "ratio")
    ordered = sign not in ("==", "!=")
    if known.type in numeric:
        fits = (
            isinstance(operand, Constant)
            or (isinstance(operand, Literal) and not isinstance(operand.value, bool))
            or (other is not None and other.type in numeric)
        )
        return None if fits else "is a number, and is compared with none"
    if ordered:
        return f"is a {known.type} and cannot be compared by {sign}"
    if known.type == "boolean":
        is_boolean = isinstance(operand, Literal) and isinstance(operand.value, bool)
        fits = is_boolean or (other is not None and other.type == "boolean")
        return None if fits else "is true or false, and is compared with something else"
    if isinstance(operand, Literal | Constant) or (other is not None and other.type in (*numeric, "boolean")):
        return f"is a {known.type}, and is compared with something else"
    if known.type == "choice" and isinstance(operand, Word) and operand.text not in known.choices:
        return f"is never {operand.text}: " + nearest(
            operand.text, known.choices, f"it is one of {', '.join(known.choices)}"
        )
    return None
