"""A lens of ours by AWS's rules: the risk of a ladder, and the whole lens as a custom lens that AWS takes.

A ladder becomes two or three risk rules. A choice has no risk from 0.75 up, as `scoring.findings_of` sees a
proven claim of it; a medium one below; a high one where nothing is done and, in a critical question, below
0.5. Of several choices that are selected the best counts, so each rule also names the choices that are better
than its own. The risk of the lowest choice is the default.

What AWS has no field for goes into texts, or is left out: weights, axes and evidence. Texts that are too long
are cut, and stand whole in the description. A pillar of more than 20 questions becomes several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assessments.aws_documents import aws_id, to_text
from assessments.aws_lens import MAX_AWS_BYTES, SCHEMA_VERSION, Risk, Rule
from assessments.aws_lens import Choice as RatedChoice
from assessments.aws_lens import Question as RatedQuestion
from assessments.aws_lens_check import MAX_DESCRIPTION, MAX_NAME, MAX_PILLARS, MAX_QUESTIONS
from assessments.lens import Choice, Lens, Question, Remediation
from assessments.risk_conditions import DEFAULT, Condition
from assessments.scoring import HIGH_CREDIT, MEDIUM_CREDIT
from probes.errors import UsageError

MAX_ID = 128
_MILD_FIRST: tuple[Risk, ...] = ("NO_RISK", "MEDIUM_RISK", "HIGH_RISK")


def rated_questions(lens: Lens) -> tuple[RatedQuestion, ...]:
    """The questions as risk rules see them: those of an AWS lens as they are, ladders by the rules above."""
    return tuple(question.by_rules or ladder_rules(question) for question in lens.questions)


def ladder_rules(question: Question) -> RatedQuestion:
    """The question of a ladder with risk rules in its place; ids are ours."""
    return RatedQuestion(
        id=question.id,
        title=question.text,
        pillar=question.pillar,
        choices=tuple(RatedChoice(choice.id, choice.text, {}) for choice in question.choices),
        rules=tuple(_rules(question)),
        entry={},
    )


def ladder_risk(value: float, *, critical: bool) -> Risk:
    """The risk of a choice worth `value`, 0 to 1."""
    if value >= MEDIUM_CREDIT:
        return "NO_RISK"
    is_high = value < HIGH_CREDIT if critical else value <= 0
    return "HIGH_RISK" if is_high else "MEDIUM_RISK"


def _rules(question: Question) -> Iterator[Rule]:
    risks = {choice.id: ladder_risk(choice.value, critical=question.critical) for choice in question.choices}
    kinds = sorted(set(risks.values()), key=_MILD_FIRST.index)
    for kind in kinds[:-1]:
        most = _MILD_FIRST.index(kind)
        names = [name for name, risk in risks.items() if _MILD_FIRST.index(risk) <= most]
        parts = tuple(Condition("choice", choice=name) for name in names)
        condition = parts[0] if len(parts) == 1 else Condition("or", parts)
        yield Rule(" || ".join(names), condition, kind, "", {})
    yield Rule(DEFAULT, Condition("default"), kinds[-1], "", {})


def exported(lens: Lens) -> Mapping[str, Any]:
    """The lens as AWS's document: an imported one as it was, to the letter; one of ours within AWS's limits.

    Raises `UsageError` where a lens of ours cannot be fitted in.
    """
    if lens.imported is not None:
        return lens.imported.document
    pillars = [pillar for group in lens.pillars for pillar in _pillars(lens, group.id, group.name)]
    if len(pillars) > MAX_PILLARS:
        raise UsageError(
            f"{lens.name} would have {len(pillars)} pillars, AWS takes {MAX_PILLARS} of {MAX_QUESTIONS} "
            "questions each: split the lens"
        )
    _refuse_twins([pillar["id"] for pillar in pillars], "pillars")
    _refuse_twins([aws_id(question.id) for question in lens.questions], "questions")
    written = lens.document.get("description")
    description = written if isinstance(written, str) else ""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "name": _cut(lens.title, MAX_NAME),
        "description": _cut(f"{description} Version {lens.version}.".strip(), MAX_DESCRIPTION),
        "pillars": pillars,
    }


def export_text(lens: Lens) -> str:
    """The file for AWS. Raises `UsageError`, also where one of ours is larger than AWS takes."""
    document = exported(lens)
    if lens.imported is not None:
        return to_text(document)
    text = to_text(document, MAX_AWS_BYTES)
    if (size := len(text.encode())) > MAX_AWS_BYTES:
        raise UsageError(
            f"{lens.name} would be a file of {size / 1000:,.0f} KB, AWS takes {MAX_AWS_BYTES // 1000} KB: "
            "shorten its texts or split it"
        )
    return text


def _pillars(lens: Lens, name: str, title: str) -> Iterator[dict[str, Any]]:
    """The pillar, or as many as it takes; none where it has no question."""
    questions = [question for question in lens.questions if question.pillar == name]
    count = -(-len(questions) // MAX_QUESTIONS)
    for place in range(count):
        part = questions[place * len(questions) // count : (place + 1) * len(questions) // count]
        mark, told = (f"_{place + 1}", f" ({place + 1} of {count})") if count > 1 else ("", "")
        yield {
            "id": aws_id(name)[: MAX_ID - len(mark)] + mark,
            "name": _cut(title, MAX_NAME - len(told)) + told,
            "questions": [_question(question) for question in part],
        }


def _question(question: Question) -> dict[str, Any]:
    title = _cut(question.text, MAX_NAME)
    told = [] if title == question.text else [question.text]
    told += [question.why] if question.why else []
    if str(question.applies_when) != "always":
        told.append(f"It is asked where {question.applies_when}.")
    document: dict[str, Any] = {"id": aws_id(question.id), "title": title}
    if told:
        document["description"] = _cut("\n\n".join(told), MAX_DESCRIPTION)
    linked = next((reference for reference in question.references if reference.url), None)
    if linked is not None:
        document["helpfulResource"] = {"displayText": linked.title, "url": linked.url}
    _refuse_twins([aws_id(choice.id) for choice in question.choices], f"choices of {question.id}")
    document["choices"] = [_choice(choice, question) for choice in question.choices]
    document["riskRules"] = [
        {"condition": _spelled(rule.condition), "risk": rule.risk} for rule in ladder_rules(question).rules
    ]
    return document


def _choice(choice: Choice, question: Question) -> dict[str, Any]:
    title = _cut(choice.text, MAX_NAME)
    document: dict[str, Any] = {"id": aws_id(choice.id), "title": title}
    if title != choice.text:
        document["helpfulResource"] = {"displayText": _cut(choice.text, MAX_DESCRIPTION)}
    remediation = choice.remediation or question.remediation
    if choice.value > 0 and remediation is not None:
        document["improvementPlan"] = {"displayText": _cut(_plan(remediation), MAX_DESCRIPTION)}
    return document


def _plan(remediation: Remediation) -> str:
    days = f"{remediation.effort_days:g} working day{'s' * (remediation.effort_days != 1)}"
    tradeoff = f" Trade-off: {remediation.tradeoff}" if remediation.tradeoff else ""
    return f"{remediation.text} ({days}){tradeoff}"


def _spelled(condition: Condition | None) -> str:
    assert condition is not None, "rules of a ladder can be read"
    if condition.operator == "default":
        return DEFAULT
    parts = condition.parts or (condition,)
    return " || ".join(aws_id(part.choice) for part in parts)


def _refuse_twins(ids: Sequence[str], what: str) -> None:
    """Two ids of ours that differ in `-` and `_` alone are one for AWS."""
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise UsageError(f"two {what} would be '{name:.60}' for AWS, which has no '-': rename one")
        seen.add(name)


def _cut(text: str, longest: int) -> str:
    """The text, or as many of its words as fit."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    words = kept.rsplit(None, 1)[0] if " " in kept[longest // 2 :] else kept
    return words.rstrip(" ,;:.") + "…"
