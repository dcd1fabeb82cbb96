"""What stands beside a level of a ladder: the word of its state, and the number that decides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.charts.pieces import State
from assessments.evidence import Evidence
from assessments.expressions import Compare, FactRef, Literal, Word
from assessments.ladders import Ground, Level
from assessments.lens import Lens, Question
from assessments.wording import NO_BREAK, amount
from probes.facts import CATALOGUE, Fact, FactError, Source

_OPPOSITE = {">=": "<", ">": "≤", "<=": ">", "<": "≥", "==": "≠", "!=": "="}
_SIGNS = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
MOST_GROUNDS = 2


class Told:
    """What `claim_words` asks for, of an assessment that is open."""

    def __init__(self, lens: Lens, evidence: Evidence) -> None:
        self.lens = lens
        self.counting: Mapping[str, Fact] = evidence.facts


def because_words(lens: Lens, evidence: Evidence, because: str, question: Question) -> str:
    """Why a claim is judged as it is, in the words of the catalogue and of the ladder."""
    from app.report.sections.claim_words import told
    from app.report.view import sentence

    view: Any = Told(lens, evidence)
    return sentence(told(view, because, question))


def meaning(name: str) -> str:
    """A fact in a few words; its name where it has none."""
    from app.report.sections.fact_names import meaning_of

    return meaning_of(name) or name


def value_words(fact: Fact) -> str:
    """The value with interval and unit, as in the report."""
    from app.report.view import fact_value

    return fact_value(fact)


def tr(text: str, *values: str) -> str:
    """The text in the language of the window, with `{0}` and `{1}` filled in."""
    shown = QCoreApplication.translate("Ladder", text)
    for place, value in enumerate(values):
        shown = shown.replace(f"{{{place}}}", value)
    return shown


def standing_sign(level: Level) -> tuple[State | None, str, str]:
    """The sign of a level's state, its word and the role of its colour; without sign where none is needed."""
    match level.standing:
        case "verified":
            return "verified", tr("verified"), "ok"
        case "included":
            return None, tr("included"), "muted"
        case "contradicted":
            return "contradicted", tr("contradicted"), "bad"
        case "challenged":
            return "challenged", tr("challenged"), "warn"
        case "least":
            return None, "", "muted"
        case _:
            return "claimed", tr("not proven"), "muted"


def deciding_words(level: Level, evidence: Evidence) -> str:
    """What decides the level's state, with its number; empty where nothing has to be said."""
    match level.standing:
        case "included":
            return tr("below level {0}, which is proven", str(level.origin))
        case "least":
            return ""
        case "unprovable":
            return level.choice.unprovable or tr("no probe can prove it yet")
    by_fact: dict[str, list[Ground]] = {}
    for ground in level.grounds:
        by_fact.setdefault(ground.fact, []).append(ground)
    words = [_about(name, grounds, level, evidence) for name, grounds in by_fact.items()]
    more = len(words) - MOST_GROUNDS
    said = "; ".join(words[:MOST_GROUNDS])
    return said if more <= 0 else said + "; " + tr("{0} more", str(more))


def _about(fact: str, grounds: list[Ground], level: Level, evidence: Evidence) -> str:
    """A fact, its value, and what it is held against."""
    name, value = _small(meaning(fact)), _value(fact, evidence)
    needs = list(dict.fromkeys(need for ground in grounds if (need := _need(ground, level, evidence, value))))
    need = tr(" and ").join(needs)
    if value is None:
        return tr("needs {0} {1}, not known", name, need) if need else tr("not known: {0}", name)
    if not need:
        return tr("{0}: {1}", name, value)
    if level.standing == "verified":
        return tr("{0}: {1} ({2})", name, value, need)
    return tr("{0}: {1}, needs {2}", name, value, need)


def _need(ground: Ground, level: Level, evidence: Evidence, value: str | None) -> str:
    """What the comparison asks for: `≥ 1.2`; empty where the value says it all."""
    node = ground.node
    if isinstance(node, FactRef):
        return ""
    if isinstance(node.operand, Literal) and (
        isinstance(node.operand.value, bool) or (not node.operand.value and node.operator in (">", ">="))
    ):
        return ""
    # What contradicts has to fail, what proves has to hold; behind a `!` it is the other way round.
    against = level.standing in ("contradicted", "challenged")
    sign = _SIGNS.get(node.operator, node.operator)
    if ground.wanted == against:
        sign = _OPPOSITE[node.operator]
    return f"{sign}{NO_BREAK}{_bound(node, evidence, value)}"


def _value(name: str, evidence: Evidence) -> str | None:
    fact = evidence.facts.get(name)
    if fact is not None:
        # The interval stands beside, among the evidence.
        return value_words(replace(fact, low=None, high=None))
    found = evidence.profile.get(name)
    if found is None:
        return None
    return ("yes" if found else "no") if isinstance(found, bool) else _number(found)


def _bound(node: Compare, evidence: Evidence, value: str | None) -> str:
    operand = node.operand
    if isinstance(operand, FactRef):
        known = _value(operand.name, evidence)
        words = _small(meaning(operand.name))
        return words if known is None else f"{known} ({words})"
    if isinstance(operand, Word):
        return operand.text.replace("_", " ")
    assert isinstance(operand, Literal)
    entry = CATALOGUE.get(node.fact.name)
    if entry is None or isinstance(operand.value, bool):
        return _number(operand.value)
    bound = int(operand.value) if entry.type == "integer" else operand.value
    try:
        limit = Fact(node.fact.name, bound, entry.unit, Source("lens"), evidence.as_of, "declared")
    except (FactError, ValueError):
        return _number(operand.value)
    shown = value_words(limit)
    # Beside 2.5 it is 1 and not 100 %.
    return _number(operand.value) if shown.endswith("%") and value and not value.endswith("%") else shown


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return amount(float(value)) if isinstance(value, int | float) else str(value)


def _small(text: str) -> str:
    from app.report.sections.claim_words import lower

    return lower(text)


def age_words(fact: Fact, evidence: Evidence) -> str:
    """How old a fact is: `11 min`, `today`, `3 days`."""
    days = evidence.age_days(fact)
    minutes = days * 24 * 60
    if minutes < 1:
        return tr("now")
    if minutes < 60:
        return tr("{0} min", str(int(minutes))).replace(" min", f"{NO_BREAK}min")
    if days < 1:
        return tr("{0} h", str(int(minutes // 60))).replace(" h", f"{NO_BREAK}h")
    whole = int(days)
    return tr("1 day") if whole == 1 else tr("{0} days", str(whole))


def source_words(fact: Fact) -> str:
    """Where a fact comes from, without the machine."""
    from app.report.view import fact_source

    place = fact_source(fact)
    machine = fact.source.machine
    return place.removesuffix(f" on {machine}") if machine else place
