"""Claims in words: levels in the place of ids, what facts mean in the place of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from app.report.sections.fact_names import meaning_of
from app.report.view import View, fact_source, fact_value, sentence
from assessments.expressions import (
    And,
    Compare,
    Condition,
    Expression,
    FactRef,
    Literal,
    Node,
    Not,
    Operand,
    Or,
    printed,
    walk,
)
from assessments.lens import Question
from assessments.wording import NO_BREAK, amount
from probes.facts import Fact

_SIGNS = re.compile(r"[\d_-]")
_VERBS = r"(?:(?<=contradicts )|(?<=proves )|(?<=Proven is )|(?<=doubt on )|(?<=prove )|(?<=room for ))"
"""Words that stand before the id of a choice. An id with a digit or a sign is known without them."""
_BLANKS = re.compile(r"[ \t\r\n]+")
"""Where a line may break; not at a no-break space."""
_NAME = re.compile(r"\b[a-z]+(?:\.[a-z0-9_]+)+\b")
_TOLD = r" = [^()\n]*? \([^()\n]*\)(?: (contradicts|proves|casts doubt on)\b)?"
"""` = 1.04876 (measured 1 day ago, run r1)`, as `evidence.described` writes it behind a name, and a verb."""


def cut(text: str, longest: int) -> str:
    """At most so many characters, cut between two words where that is possible; an ellipsis says so."""
    text = " ".join(_BLANKS.split(text.strip(" \t\r\n")))
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    whole, _, _ = kept.rpartition(" ")
    return (whole if len(whole) > longest * 0.6 else kept).rstrip(" ,;:–") + "…"


def sentences(text: str, longest: int) -> str:
    """As many whole sentences as fit, at least the first, cut where that alone is too long."""
    parts = re.split(r"(?<=[.!?]) ", " ".join(_BLANKS.split(text.strip(" \t\r\n"))))
    kept = ""
    for part in parts:
        longer = f"{kept} {part}".strip()
        if len(longer) > longest:
            break
        kept = longer
    return kept or cut(text, longest)


def growth_words(text: str) -> str:
    """`6–10 % a month` for `6%..10%/month`, as people wrote it in the profile."""
    found = re.fullmatch(r"\s*([-+\d.]+)\s*(%?)\s*(?:\.\.\s*([-+\d.]+)\s*(%?)\s*)?(?:/\s*(\w+))?\s*", text)
    if found is None:
        return text
    first, percent, last, last_percent, unit = found.groups()
    span = first if last is None else f"{first}–{last}"
    sign = f"{NO_BREAK}%" if percent or last_percent else ""
    return f"{span}{sign}" + (f" a{NO_BREAK}{unit}" if unit else "")


def level_words(question: Question, choice_id: str) -> str:
    """`level 2` for a choice of a ladder; the choice's own words where rules rate any choices."""
    choice = question.choice(choice_id)
    if choice is None:
        return choice_id
    if question.by_rules is not None:
        return f"“{cut(choice.text, 60)}”"
    return f"level{NO_BREAK}{question.choices.index(choice)}"


def claimed(view: View, question: Question) -> str:
    """What was claimed: `Level 2 of 4: it is set from a ramp`."""
    ids = choice_ids(view.claims.get(question.id, {}))
    choices = [choice for choice in question.choices if choice.id in ids]
    if not choices:
        return "–"
    if question.by_rules is not None:
        return "; ".join(choice.text for choice in choices)
    place = question.choices.index(choices[-1])
    return f"Level{NO_BREAK}{place} of {len(question.choices) - 1}: {choices[-1].text}"


def choice_ids(claim: Mapping[str, Any]) -> list[str]:
    """The choices that were claimed."""
    chosen = claim.get("choice")
    return [str(entry) for entry in chosen] if isinstance(chosen, list) else [str(chosen)] if chosen else []


def because(view: View, question: Question) -> str:
    """Why the claim is judged as it is, in the words of the catalogue and of the ladder."""
    return sentence(told(view, str(view.claims.get(question.id, {}).get("because", "")), question))


def told(view: View, text: str, question: Question | None = None) -> str:
    """A sentence of the document, with the ids of choices and the names of facts in words.

    The ids are those of `question`, or of the question that the sentence names.
    """
    about = question or next((entry for entry in view.lens.questions if entry.id in text), None)
    for choice in () if about is None else about.choices:
        before = "" if _SIGNS.search(choice.id) else _VERBS
        pattern = rf"{before}(?<![\w-]){re.escape(choice.id)}(?![\w-])"
        words = level_words(about, choice.id) if about is not None else ""
        text = re.sub(pattern, lambda _, words=words: words, text)  # type: ignore[misc]
    return said(view, text)


def said(view: View, text: str) -> str:
    """The text with the names of facts in words, and their values as people read them."""
    for name in sorted({*_NAME.findall(text)}, key=lambda entry: (-len(entry), entry)):
        meaning = meaning_of(name)
        if meaning is None:
            continue
        fact = view.counting.get(name)
        if fact is not None:
            words = f"{meaning}: {fact_value(fact)}"
            pattern = rf"\b{re.escape(name)}{_TOLD}"
            text = re.sub(pattern, partial(_with_verb, words), text)
        pattern = rf"(?<![\w.]){re.escape(name)}(?![\w]|\.\w)"
        small = lower(meaning)
        text = re.sub(pattern, lambda _, words=small: words, text)  # type: ignore[misc]
    return text


def _with_verb(words: str, found: re.Match[str]) -> str:
    return f"{words}. That {found[1]}" if found[1] else words


def lower(text: str) -> str:
    """The first letter small, unless the word is an abbreviation or a name."""
    small = text[1:2].islower() or text.startswith(("A ", "The "))
    return text[:1].lower() + text[1:] if small else text


def rule_words(view: View, question: Question) -> str:
    """The rule by which a claim is contradicted or doubted, in words; empty for none.

    It is that of the lowest choice up to the claimed one that does not hold. A condition that the lens names
    is told by its meaning; of alternatives only those that are so.
    """
    ids = choice_ids(view.claims.get(question.id, {}))
    for choice in question.choices:
        rule = choice.contradicted_by
        if rule is not None and (question.by_rules is None or choice.id in ids):
            reasons = [
                _term_words(view, term, rule)
                for term in _alternatives(rule.node)
                if replace(rule, node=term).value(view.values) is True
            ]
            if reasons:
                words = " or ".join(dict.fromkeys(filter(None, reasons)))
                return f"{level_words(question, choice.id)} does not hold: {words}" if words else ""
        if choice.id in ids and question.by_rules is None:
            break
    return ""


def _alternatives(node: Node) -> tuple[Node, ...]:
    return node.terms if isinstance(node, Or) else (node,)


def _term_words(view: View, term: Node, rule: Expression) -> str:
    """A reason: what a named condition means, a comparison in words, or nothing where the facts say it."""
    if isinstance(term, Condition):
        return lower(view.condition_meaning(term.name))
    resolved = replace(rule, node=term).resolved
    has_numbers = any(isinstance(node, Compare) for node in walk(resolved))
    return condition_words(resolved) if has_numbers else ""


_SIGNS_OF_COMPARISON = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}


def condition_words(node: Node) -> str:
    """A condition over facts in words: `memory limit over the measured peak < 1.1`."""
    match node:
        case FactRef(name):
            return lower(meaning_of(name) or name)
        case Compare(fact, sign, operand):
            name = lower(meaning_of(fact.name) or fact.name)
            return f"{name} {_SIGNS_OF_COMPARISON.get(sign, sign)} {_operand(operand)}"
        case Not(term):
            return f"it is not so that {condition_words(term)}"
        case And(terms):
            return " and ".join(
                f"either {condition_words(term)}" if isinstance(term, Or) else condition_words(term)
                for term in terms
            )
        case Or(terms):
            return " or ".join(condition_words(term) for term in terms)
        case _:
            return printed(node)


def _operand(operand: Operand) -> str:
    if isinstance(operand, FactRef):
        return lower(meaning_of(operand.name) or operand.name)
    if isinstance(operand, Literal) and not isinstance(operand.value, bool):
        return amount(float(operand.value))
    return printed(operand).replace("_", " ")


def evidence_words(view: View, question: Question, longest: int = 160) -> str:
    """What stands in the column of evidence: values with their sources, or what is missing."""
    claim = view.claims.get(question.id, {})
    facts = [view.counting[name] for name in claim.get("facts", ()) if name in view.counting]
    state = claim.get("state")
    if facts and state in ("verified", "understated", "partly"):
        parts = [_with_source(fact) for fact in facts[:3]]
        text = "; ".join(parts) + ("; …" if len(facts) > 3 else "")
        if state == "understated":
            offered = str(claim.get("offered", ""))
            names = " and ".join(level_words(question, part) for part in offered.split(", ") if part)
            text += f". That proves {names}: the answer may be raised"
        elif state == "partly":
            text += f". {_rest(because(view, question))}"
        return cut(text, longest)
    why = because(view, question)
    rest = why.removeprefix("Nothing measured proves it. ")
    return cut(rest or why, longest)


def _with_source(fact: Fact) -> str:
    """`Memory limit: 61 MiB (deploy.yaml, line 41)`; a derived one has no source but its formula."""
    told = f"{meaning_of(fact.name)}: {fact_value(fact)}"
    return told if fact.source.probe in ("derived", "history") else f"{told} ({fact_source(fact)})"


def _rest(text: str) -> str:
    """What is said behind the proof: what is lacking."""
    _, found, rest = text.partition("not more.")
    return rest.strip() if found else ""


def notes_of(view: View, question_ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """(question, note, attachments) of the questions to which a person added something, word for word."""
    found = []
    answers = view.answers.get("answers") or {}
    for name in question_ids:
        answer = answers.get(name)
        if not isinstance(answer, Mapping):
            continue
        note = str(answer.get("note") or answer.get("not_applicable") or "")
        attached = ", ".join(
            f"{entry.get('file')}" + (f" of {entry['dated']}" if entry.get("dated") else " (without a date)")
            for entry in answer.get("attachments") or ()
        )
        if note or attached:
            found.append((name, note, attached))
    return found


def points_words(value: float) -> str:
    """Points as people read them: `16.7`, `8`."""
    return amount(round(value, 1))
