"""Whether two answers say the same, and what a set of answers held against those at rest tells.

An answer is a JSON document, compared value by value, or else its bytes. Numbers with a fraction may differ
by `TOLERANCE`: batches and threads change the order of sums, and single precision has seven digits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

TOLERANCE = 1e-4
"""Relative, of a number with a fraction; below `NEAR_ZERO` numbers count as equal."""
NEAR_ZERO = 1e-6
MOST_VALUES = 20_000
"""Of a larger document only the bytes are compared."""
LEAST_COMPARED = 20
"""With fewer equal answers than this, one in seven could differ unseen (95 %): no verdict."""
ACCOUNTS = frozenset(
    (
        *("id", "uuid", "trace", "nonce", "session", "time", "date", "timestamp", "stamp", "created", "now"),
        *("took", "elapsed", "duration", "latency", "seconds", "s", "ms", "us", "ns"),
        *("host", "worker", "pid", "server", "instance", "cache", "cached", "count", "served"),
        *("request", "requests"),
    )
)
"""Names of values that say something of the request and not of what was asked; they may differ at rest."""
SHOWN = 5

Values = Mapping[str, Any]
Verdict = Literal["same", "changed", "not_comparable"]


@dataclass(frozen=True, slots=True)
class HeldAnswers:
    """What came of the comparison.

    `in_steps` are the indices of the steps in which answers differed, `varying` the values left out because
    they differ at rest too, `different` those that differ under load, both by path. `unanswered` asks under
    load got no good answer and are not among those compared.
    """

    compared: int
    equal: int
    unanswered: int
    verdict: Verdict
    reason: str | None = None
    in_steps: tuple[int, ...] = ()
    varying: tuple[str, ...] = ()
    different: tuple[str, ...] = ()

    @property
    def changed_at_most(self) -> float | None:
        """Upper end (95 %, one-sided) of the share that differs where none was seen: 1 − 0.05^(1/n), exact
        binomial; None where some were seen or nothing was compared."""
        if not self.compared or self.equal < self.compared:
            return None
        return float(1.0 - 0.05 ** (1.0 / self.compared))

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's `answers`, with its reasons."""
        document: dict[str, Any] = {"compared": self.compared, "equal": self.equal, "verdict": self.verdict}
        more = {
            "reason": self.reason,
            "unanswered": self.unanswered,
            "in_steps": list(self.in_steps),
            "left_out": list(self.varying[:SHOWN]),
            "different": list(self.different[:SHOWN]),
            "changed_at_most": None if self.changed_at_most is None else round(self.changed_at_most, 4),
        }
        return document | {name: value for name, value in more.items() if value}


def values_of(body: bytes) -> Values:
    """The values of an answer by their paths: `scores[0].value`; what is no JSON has the one path `body`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {"body": body}
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}" if path else name, part) for name, part in value.items()]
            found[f"{path}{{}}"] = len(value)
        elif isinstance(value, list):
            waiting += [(f"{path}[{k}]", part) for k, part in enumerate(value)]
            found[f"{path}[]"] = len(value)
        else:
            found[path] = value
        if len(found) > MOST_VALUES:
            return {"body": body}
    return found


def differing(one: Values, other: Values) -> set[str]:
    """The paths at which two answers say different things."""
    paths = one.keys() ^ other.keys()
    return paths | {path for path in one.keys() & other.keys() if not _same(one[path], other[path])}


def hold_answers(
    before: Sequence[Values],
    under_load: Sequence[tuple[int, Values]],
    after: Sequence[Values],
    unanswered: int = 0,
) -> HeldAnswers:
    """Holds the answers under load, each with the index of its step, against those at rest before and after.

    What differs among those before is left out. What is the same before, and other afterwards as well as
    under load, has changed for good, which the load need not have done: then there is no verdict.
    """
    compared = len(under_load)

    def none(reason: str) -> HeldAnswers:
        return HeldAnswers(compared, 0, unanswered, "not_comparable", reason, varying=shown_paths(varying))

    varying: set[str] = set()
    if len(before) < 2 or any(values == {"body": b""} for values in before):
        return none("the target's answers hold nothing to compare")
    first = before[0]
    for values in before[1:]:
        varying |= differing(first, values)
    if undue := {path for path in varying if not is_account(path)}:
        return none(f"answers differ at rest already, in {_words(undue)}")
    changes = [(step, differing(first, values) - varying) for step, values in under_load]
    drifted = {path for values in after for path in differing(first, values)} - varying
    by_load = set().union(*(paths for _, paths in changes)) - drifted
    if any(paths & drifted for _, paths in changes) and not by_load:
        return none(f"at rest the answer is another one after the load, in {_words(drifted)}")
    changed = [step for step, paths in changes if paths - drifted]
    left_out = shown_paths(varying | drifted)
    equal = compared - len(changed)
    if changed and not after:
        return none("answers differ under load, and the target was not asked at rest again")
    if changed:
        steps = tuple(sorted(set(changed)))
        return HeldAnswers(
            compared, equal, unanswered, "changed", None, steps, left_out, shown_paths(by_load)
        )
    if compared < LEAST_COMPARED:
        reason = f"{compared} answers were compared, all equal; {LEAST_COMPARED} are needed"
        return HeldAnswers(compared, equal, unanswered, "not_comparable", reason, varying=left_out)
    return HeldAnswers(compared, equal, unanswered, "same", varying=left_out)


def _same(one: Any, other: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if numbers and (isinstance(one, float) or isinstance(other, float)):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=NEAR_ZERO)
    return (numbers or type(one) is type(other)) and bool(one == other)


def is_account(path: str) -> bool:
    """Whether a value by its name says something of the request: `meta.request_id`, `took_ms`."""
    name = re.sub(r"\[\d*\]|\{\}", "", path).rpartition(".")[2]
    parts = [part for part in re.split(r"[_\-]|(?<=[a-z])(?=[A-Z])", name) if part]
    return any(part.lower() in ACCOUNTS for part in parts)


def _words(paths: set[str]) -> str:
    return ", ".join(shown_paths(paths)[:SHOWN])


def shown_paths(paths: set[str]) -> tuple[str, ...]:
    """Paths as a person reads them: without the places in lists, each once."""
    return tuple(sorted({re.sub(r"\[\d*\]|\{\}", "", path) or "the whole answer" for path in paths}))
