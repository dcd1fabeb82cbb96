"""`loadstone lens show`: the questions of a lens of either kind, or one of them whole."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.cli.arguments import nearest
from app.cli.layout import MISSING, line, plain, wrapped
from app.cli.lens import DONE, counts_of, name_of, summary
from app.cli.output import Output
from app.cli.written import write_document
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line, Style
    from assessments.expressions import Expression
    from assessments.lens import Choice, Lens, Question, Remediation


def show(options: argparse.Namespace, output: Output, lens: Lens) -> int:
    """Prints the lens, or the one question that was asked for. Raises `UsageError` where it has none such."""
    only: str | None = options.question
    if only is not None and only not in lens.by_id:
        hint = nearest(only[:200], lens.by_id, f"it has {len(lens.by_id)}, see loadstone lens show")
        raise UsageError(f"{options.file} has no question '{only:.60}': {hint}")
    if options.json is not None:
        content = [_pillar_json(lens, pillar.id, pillar.name, only) for pillar in lens.pillars]
        document = {
            "schema": "loadstone.lens-show/1",
            "name": name_of(lens),
            **counts_of(lens),
            "content": [pillar for pillar in content if pillar["questions"] or only is None],
        }
        write_document(document, options.json, output)
    page = _Page(output.columns)
    page.add(summary(lens), "strong")
    for pillar in lens.pillars:
        asked = [
            question
            for question in lens.questions
            if question.pillar == pillar.id and only in (None, question.id)
        ]
        if only is not None and not asked:
            continue
        page.blank()
        page.add(f"{pillar.name} ({pillar.id})", "strong")
        for question in asked:
            _question(page, question)
            if only is not None:
                _whole(page, question, lens)
    output.lines(page.lines)
    return DONE


class _Page:
    """Collects lines of text from files, made safe to print."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines: list[Line] = []

    def blank(self) -> None:
        self.lines.append(line(""))

    def add(self, text: str, style: Style = "", indent: int = 0) -> None:
        room = max(20, self.columns - indent)
        for row in wrapped(plain(" ".join(text.split())), room, style, "  "):
            self.lines.append(line(" " * indent, *row) if indent else row)


def _question(page: _Page, question: Question) -> None:
    page.blank()
    weight = f"weight {question.weight:g}" if question.weight else "informs only"
    told = [weight, *(["critical"] if question.critical else []), *question.axes]
    title = question.text if question.by_rules is None else question.by_rules.title.strip() or MISSING
    page.add(f"{question.id}  {title} ({', '.join(told)})")
    if str(question.applies_when) != "always":
        page.add(f"asked where: {question.applies_when}", "muted", 4)
    for choice in question.choices:
        value = "" if question.by_rules is not None else f" {choice.value:g}"
        page.add(f"[ ] {choice.id}{value}  {choice.text}", indent=4)
        if choice.verified_by is not None:
            page.add(f"proven by: {choice.verified_by}", "muted", 8)
        if choice.contradicted_by is not None:
            page.add(f"contradicted by: {choice.contradicted_by}", "muted", 8)
        if choice.unprovable and question.by_rules is None:
            page.add(f"cannot be proven yet: {choice.unprovable}", "muted", 8)
    if question.by_rules is not None:
        for rule in question.by_rules.rules:
            page.add(f"{rule.risk or 'no risk'}: {rule.text}", "muted", 4)


def _whole(page: _Page, question: Question, lens: Lens) -> None:
    """What else belongs to a question."""
    if question.why:
        page.blank()
        page.add(f"Why: {question.why}", indent=2)
    if question.terms:
        page.add(f"Topics: {', '.join(question.terms)}", indent=2)
    if question.remediation is not None:
        page.blank()
        page.add(f"To do: {_told(question.remediation)}", indent=2)
    for choice in question.choices:
        if choice.remediation is not None:
            page.add(f"To get to {choice.id}: {_told(choice.remediation)}", indent=2)
    names = list(_named(question, lens))
    if names:
        page.blank()
        for entry in names:
            page.add(entry, "muted", 2)
    if question.references:
        page.blank()
        for reference in question.references:
            page.add(f"Read: {reference.title} {reference.url}".rstrip(), indent=2)


def _told(remediation: Remediation) -> str:
    days = f"{remediation.effort_days:g} working day{'s' * (remediation.effort_days != 1)}"
    assumed = ", assumed" if remediation.effort_assumed else ""
    impact = f", impact {remediation.impact} of 5" if remediation.impact else ""
    tradeoff = f" Trade-off: {remediation.tradeoff}" if remediation.tradeoff else ""
    return f"{remediation.text} ({days}{assumed}{impact}).{tradeoff}"


def _named(question: Question, lens: Lens) -> Iterator[str]:
    """The conditions and constants that the question's expressions use, each with its meaning or reason."""
    from assessments.expressions import Compare, Condition, Constant, Node, printed, walk

    conditions: dict[str, Node] = {}
    constants: dict[str, None] = {}

    def follow(node: Node, known: Mapping[str, Node]) -> None:
        for part in walk(node):
            if isinstance(part, Condition) and part.name not in conditions:
                conditions[part.name] = known[part.name]
                follow(known[part.name], known)
            if isinstance(part, Compare) and isinstance(part.operand, Constant):
                constants[part.operand.name] = None

    for asked in _expressions(question):
        follow(asked.node, asked.conditions)
    holder = lens.document.get("sidecar", lens.document)
    written = holder.get("conditions") if isinstance(holder, Mapping) else None
    for name, node in conditions.items():
        entry = written.get(name) if isinstance(written, Mapping) else None
        meaning = entry.get("meaning") if isinstance(entry, Mapping) else None
        yield f"{name}: {printed(node)}" + (f" ({meaning})" if isinstance(meaning, str) else "")
    for threshold in lens.thresholds:
        if threshold.name in constants:
            yield f"{threshold.name} = {threshold.value:g}: {threshold.reason}"


def _expressions(question: Question) -> Iterator[Expression]:
    yield question.applies_when
    for choice in question.choices:
        for asked in (choice.verified_by, choice.contradicted_by):
            if asked is not None:
                yield asked


def _pillar_json(lens: Lens, pillar: str, name: str, only: str | None) -> dict[str, Any]:
    return {
        "id": pillar,
        "name": name,
        "questions": [
            _question_json(question)
            for question in lens.questions
            if question.pillar == pillar and only in (None, question.id)
        ],
    }


def _question_json(question: Question) -> dict[str, Any]:
    rules = [] if question.by_rules is None else question.by_rules.rules
    return {
        "id": question.id,
        "title": question.text if question.by_rules is None else question.by_rules.title,
        "short": question.short,
        "why": question.why,
        "terms": list(question.terms),
        "weight": question.weight,
        "critical": question.critical,
        "axes": list(question.axes),
        "applies_when": str(question.applies_when),
        "choices": [_choice_json(choice, question) for choice in question.choices],
        "rules": [{"condition": rule.text.strip(), "risk": rule.risk or "no risk"} for rule in rules],
        "remediation": _remediation_json(question.remediation),
        "references": [{"title": entry.title, "url": entry.url} for entry in question.references],
    }


def _choice_json(choice: Choice, question: Question) -> dict[str, Any]:
    document: dict[str, Any] = {"id": choice.id, "title": choice.text}
    if question.by_rules is None:
        document["value"] = choice.value
    for key in ("verified_by", "contradicted_by"):
        asked: Expression | None = getattr(choice, key)
        document[key] = None if asked is None else str(asked)
    document["unprovable"] = choice.unprovable or None
    document["remediation"] = _remediation_json(choice.remediation)
    return document


def _remediation_json(remediation: Remediation | None) -> dict[str, Any] | None:
    if remediation is None:
        return None
    return {
        "text": remediation.text,
        "effort_days": remediation.effort_days,
        "impact": remediation.impact,
        "tradeoff": remediation.tradeoff,
    }
