"""What is wrong with an AWS custom lens that loads: what AWS would refuse, and rules that do not work.

Rules are decided exactly, over every selection of choices: a rule is dead when earlier rules take every
selection for which it is true. Two rules overlap when both are true for some selection, neither is a special
case of the other, and the earlier one, which wins, is the milder: there the order hides the higher risk. A
milder rule that is a special case of a later one is the usual way to write a lens, and no problem.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import chain, islice
from typing import Any

from assessments.aws_lens import (
    MAX_AWS_BYTES,
    NONE_ENDING,
    RISKS,
    SCHEMA_VERSION,
    AwsLens,
    Firing,
    Question,
    Rule,
)
from assessments.lens import Problem
from assessments.risk_conditions import DEFAULT
from probes.documents import line_of

MAX_PILLARS, MAX_QUESTIONS, MAX_CHOICES, MAX_RULES = 10, 20, 15, 3
MAX_NAME, MAX_DESCRIPTION = 128, 2048
MAX_PROBLEMS = 5_000
MOST_HINTS = 3
"""In a rule with more strange choices than these, nothing is guessed."""

_ID = re.compile(r"[A-Za-z0-9_]{3,128}")
_URL = re.compile(r"https?://[^\s]+")
_SEVERITY = {"NO_RISK": 0, "MEDIUM_RISK": 1, "HIGH_RISK": 2}
_RESOURCE = ("displayText", "url")
_KEYS = {
    "lens": ("schemaVersion", "name", "description", "pillars"),
    "pillar": ("id", "name", "questions"),
    "question": ("id", "title", "description", "helpfulResource", "choices", "riskRules"),
    "choice": ("id", "title", "helpfulResource", "improvementPlan", "additionalResources"),
    "rule": ("condition", "risk"),
}


def check_lens(lens: AwsLens) -> list[Problem]:
    """All problems, in the order of the file; the last says so where there are more than `MAX_PROBLEMS`."""
    every = chain(_lens_problems(lens), (found for question in _each(lens) for found in question))
    problems = list(islice(every, MAX_PROBLEMS))
    if next(every, None) is not None:
        problems.append(Problem("more", None, f"there are more than these {MAX_PROBLEMS:,} problems"))
    return problems


def _each(lens: AwsLens) -> Iterator[Iterator[Problem]]:
    seen: set[str] = set()
    for pillar in lens.pillars:
        yield _pillar_problems(pillar.entry, pillar.id, len(pillar.questions))
        for question in pillar.questions:
            yield _question_problems(question, question.id in seen)
            seen.add(question.id)
            yield _rule_problems(question)


def _lens_problems(lens: AwsLens) -> Iterator[Problem]:
    document = lens.document
    if lens.size > MAX_AWS_BYTES:
        size = f"{lens.size / 1000:,.0f} KB"
        yield Problem("too_large", None, f"the file has {size}, AWS takes {MAX_AWS_BYTES // 1000} KB at most")
    if (version := document.get("schemaVersion")) != SCHEMA_VERSION:
        what = "no schemaVersion" if version is None else f"the schemaVersion {_quoted(version)}"
        yield Problem(
            "schema_version",
            None,
            f"the lens has {what}: {SCHEMA_VERSION} is the one that is known",
            line_of(document, "schemaVersion"),
        )
    yield from _texts(document, {"name": MAX_NAME, "description": MAX_DESCRIPTION}, "the lens", None)
    yield from _unknown_keys(document, "lens", "the lens", None)
    yield from _too_many(document, "pillars", MAX_PILLARS, "the lens", None)
    ids = Counter(pillar.id for pillar in lens.pillars)
    for name in sorted(name for name, count in ids.items() if count > 1):
        yield Problem("duplicate_id", None, f"the pillar {_quoted(name)} is there more than once")


def _pillar_problems(entry: Mapping[str, Any], name: str, questions: int) -> Iterator[Problem]:
    what = f"the pillar {_quoted(name)}"
    yield from _bad_id(name, what, None, entry)
    yield from _texts(entry, {"name": MAX_NAME}, what, None)
    yield from _unknown_keys(entry, "pillar", what, None)
    yield from _too_many(entry, "questions", MAX_QUESTIONS, what, None)
    if not questions:
        yield Problem("no_questions", None, f"{what} has no questions", line_of(entry))


def _question_problems(question: Question, is_repeated: bool) -> Iterator[Problem]:
    entry, name = question.entry, question.id
    yield from _bad_id(name, "the question", name, entry)
    if is_repeated:
        yield Problem("duplicate_id", name, "another question has the same id", line_of(entry, "id"))
    yield from _texts(entry, {"title": MAX_NAME}, "the question", name)
    if "description" in entry:
        yield from _texts(entry, {"description": MAX_DESCRIPTION}, "the question", name)
    yield from _unknown_keys(entry, "question", "the question", name)
    yield from _resource(entry, "helpfulResource", "the question", name)
    yield from _too_many(entry, "choices", MAX_CHOICES, "the question", name)
    if not question.choices:
        yield Problem("no_choices", name, "it has no choices, so nobody can answer it", line_of(entry))
    ids: set[str] = set()
    for choice in question.choices:
        what = f"the choice {_quoted(choice.id)}"
        yield from _bad_id(choice.id, what, name, choice.entry)
        if choice.id in ids:
            yield Problem(
                "duplicate_id", name, f"{what} is there more than once", line_of(choice.entry, "id")
            )
        ids.add(choice.id)
        yield from _texts(choice.entry, {"title": None}, what, name)
        yield from _unknown_keys(choice.entry, "choice", what, name)
        for key in ("helpfulResource", "improvementPlan"):
            yield from _resource(choice.entry, key, what, name)
        yield from _additional(choice.entry, what, name)
        if choice.is_none and not choice.id.endswith(NONE_ENDING):
            yield Problem(
                "none_without_no",
                name,
                f"{what} is called {_quoted(choice.title)} but its id does not end in {NONE_ENDING}: it can "
                "be chosen together with the others",
                line_of(choice.entry),
            )


def _rule_problems(question: Question) -> Iterator[Problem]:
    name, rules = question.id, question.rules
    if not rules:
        yield Problem("no_rules", name, "it has no riskRules, so it is never rated", line_of(question.entry))
        return
    yield from _too_many(question.entry, "riskRules", MAX_RULES, "the question", name)
    known = {choice.id for choice in question.choices}
    for number, rule in enumerate(rules, 1):
        yield from _one_rule(rule, number, known, name)
    defaults = [number for number, rule in enumerate(rules, 1) if rule.is_default]
    firing = question.firing()
    if not defaults:
        message = f"no rule is the default{_left_open(firing)}"
        yield Problem("no_default", name, message, line_of(question.entry, "riskRules"))
    if firing is None:
        yield Problem(
            "not_checked", name, "its rules could not be checked against each other", line_of(question.entry)
        )
        return
    yield from _dead(question, firing)
    yield from _overlaps(question, firing)
    if question.only_informs:
        risk = next((rule.risk for rule, fires in zip(rules, firing.fires, strict=True) if fires), None)
        yield Problem(
            "constant_risk",
            name,
            f"its risk is {risk or 'not rated'} whatever is selected: it informs, and weighs nothing",
            line_of(question.entry, "riskRules"),
        )


def _left_open(firing: Firing | None) -> str:
    """What a question without a default leaves open; that nothing is selected is no case of its own."""
    if firing is None:
        return ""
    chosen = firing.selections.example(firing.unrated & ~1)
    if chosen:
        return f": it is not rated {_when(chosen)}, for example"
    return ", though the others decide whatever is selected" if not firing.unrated else ""


def _one_rule(rule: Rule, number: int, known: set[str], question: str) -> Iterator[Problem]:
    what = f"rule {number}"
    line = line_of(rule.entry)
    yield from _unknown_keys(rule.entry, "rule", what, question)
    if rule.condition is None:
        text = f" {_quoted(rule.text)}" if rule.text else ""
        yield Problem(
            "bad_condition", question, f"the condition{text} of {what} cannot be read: {rule.fault}", line
        )
    else:
        strange = sorted(rule.condition.choices() - known)
        ids = [name for name in known if len(name) <= MAX_NAME] if len(strange) <= MOST_HINTS else []
        for choice in strange:
            near = get_close_matches(choice[:MAX_NAME], ids, n=1)
            hint = f": did you mean {_quoted(near[0])}?" if near else ""
            yield Problem(
                "unknown_choice",
                question,
                f"{what} names the choice {_quoted(choice)}, which is not there and so never selected{hint}",
                line,
            )
    if rule.risk is None:
        found = _quoted(rule.entry["risk"]) if "risk" in rule.entry else "no risk"
        yield Problem(
            "bad_risk", question, f"{what} gives {found}: it has to be one of {', '.join(RISKS)}", line
        )


def _dead(question: Question, firing: Firing) -> Iterator[Problem]:
    named_all = len(firing.selections.choices) == len({choice.id for choice in question.choices})
    for index, rule in enumerate(question.rules):
        line, what = line_of(rule.entry), f"rule {index + 1} ({_told(rule)})"
        true, fires = firing.true[index], firing.fires[index]
        if not true:
            yield Problem(
                "dead_rule", question.id, f"{what} can never fire: its condition is never true", line
            )
        elif not fires:
            takers = [str(earlier + 1) for earlier in range(index) if firing.fires[earlier] & true]
            taken = f"rule {takers[0]} takes" if len(takers) == 1 else f"rules {_listed(takers)} take"
            what += f" can never fire: {taken} every selection for which it is true"
            yield Problem("dead_rule", question.id, what, line)
        elif fires == 1 and named_all and question.choices:
            yield Problem(
                "only_when_empty",
                question.id,
                f"{what} fires only when nothing is selected, which counts as unanswered: add a choice "
                f'for "none of these" whose id ends in {NONE_ENDING}',
                line,
            )


def _overlaps(question: Question, firing: Firing) -> Iterator[Problem]:
    for later, rule in enumerate(question.rules):
        for earlier, winner in enumerate(question.rules[:later]):
            if rule.is_default or winner.is_default or rule.risk is None or winner.risk is None:
                continue
            if _SEVERITY[winner.risk] >= _SEVERITY[rule.risk]:
                continue
            wins, loses = firing.fires[earlier], firing.true[later]
            both = wins & loses
            if both and firing.true[earlier] & ~loses and loses & ~firing.true[earlier]:
                chosen = firing.selections.example(both)
                yield Problem(
                    "overlap",
                    question.id,
                    f"rule {earlier + 1} ({_told(winner)}) and rule {later + 1} ({_told(rule)}) are both "
                    f"true {_when(chosen)}: the first, milder one wins",
                    line_of(rule.entry),
                )


def _when(chosen: tuple[str, ...]) -> str:
    return (
        f"for {_listed([_quoted(choice) for choice in chosen])}"
        if chosen
        else "for none of the choices named"
    )


def _told(rule: Rule) -> str:
    text = DEFAULT if rule.is_default else rule.text.strip()
    return f"{_cut(text)} → {rule.risk or 'no risk'}"


def _bad_id(found: str, what: str, question: str | None, entry: Mapping[str, Any]) -> Iterator[Problem]:
    if not _ID.fullmatch(found):
        message = f"the id {_quoted(found)} of {what} is none for AWS: 3 to 128 letters, digits and _"
        yield Problem("bad_id", question, message, line_of(entry, "id"))


def _texts(
    entry: Mapping[str, Any], keys: Mapping[str, int | None], what: str, question: str | None
) -> Iterator[Problem]:
    """Texts that have to be there, each with the most characters that AWS allows."""
    for key, longest in keys.items():
        value = entry.get(key)
        line = line_of(entry, key) or line_of(entry)
        if key not in entry:
            yield Problem("not_text", question, f"the {key} of {what} is missing", line)
        elif not isinstance(value, str):
            yield Problem("not_text", question, f"the {key} of {what} is {_quoted(value)}, no text", line)
        elif not value.strip():
            yield Problem("not_text", question, f"the {key} of {what} is empty", line)
        elif longest is not None and len(value) > longest:
            message = f"the {key} of {what} has {len(value):,} characters, AWS takes {longest:,}"
            yield Problem("too_long", question, message, line)


def _unknown_keys(entry: Mapping[str, Any], kind: str, what: str, question: str | None) -> Iterator[Problem]:
    known = _RESOURCE if kind == "resource" else _KEYS[kind]
    for key in entry:
        if key not in known:
            same = next((name for name in known if name.lower() == key.lower()), None)
            near = [same] if same else get_close_matches(key[:MAX_NAME], known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            message = f"{what} has the key {_quoted(key)}, which AWS does not know{hint}"
            yield Problem("unknown_key", question, message, line_of(entry, key))


def _too_many(
    entry: Mapping[str, Any], key: str, most: int, what: str, question: str | None
) -> Iterator[Problem]:
    count = len(entry.get(key, ()))
    if count > most:
        message = f"{what} has {count} {key}, AWS takes {most}"
        yield Problem("too_many", question, message, line_of(entry, key))


def _resource(entry: Mapping[str, Any], key: str, what: str, question: str | None) -> Iterator[Problem]:
    if key in entry:
        yield from _resource_problems(entry[key], f"the {key} of {what}", question, line_of(entry, key))


def _resource_problems(resource: Any, what: str, question: str | None, line: int | None) -> Iterator[Problem]:
    if not isinstance(resource, Mapping):
        yield Problem("not_object", question, f"{what} is {_quoted(resource)}, no object", line)
        return
    yield from _unknown_keys(resource, "resource", what, question)
    if "displayText" in resource:
        yield from _texts(resource, {"displayText": None}, what, question)
    if "url" in resource:
        url = resource["url"]
        if not isinstance(url, str) or not _URL.fullmatch(url):
            message = f"the url {_quoted(url)} of {what} is none"
            yield Problem("bad_url", question, message, line_of(resource, "url"))


def _additional(entry: Mapping[str, Any], what: str, question: str) -> Iterator[Problem]:
    """`additionalResources`: a list of `{type, content: [resource, …]}`."""
    if "additionalResources" not in entry:
        return
    line = line_of(entry, "additionalResources")
    name = f"the additionalResources of {what}"
    for group in _objects(entry["additionalResources"]):
        content = group.get("content") if isinstance(group, Mapping) else None
        if not isinstance(content, list):
            yield Problem("not_object", question, f"{name} are not objects with a type and a content", line)
            return
        for resource in content:
            yield from _resource_problems(resource, name, question, line)


def _objects(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _quoted(value: Any) -> str:
    return f"'{_cut(value)}'" if isinstance(value, str) else _cut(str(value))


def _cut(text: str, longest: int = 80) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
