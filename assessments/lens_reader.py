"""Reading a lens: the document becomes a `Lens`, or is refused with file and line (see `lens.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assessments.checked_values import nearest
from assessments.expression_reader import ExpressionReader
from assessments.expressions import expression
from assessments.lens import (
    MAX_CHOICES,
    MAX_QUESTIONS,
    MAX_SHORT,
    MAX_TERMS,
    MAX_WEIGHT,
    NO_CHOICES,
    SCHEMA,
    Choice,
    Group,
    Lens,
    Question,
    Reference,
    Remediation,
)


class LensReader(ExpressionReader):
    """Reads one file; keeps its name, what was seen in it, and its problems."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.choice_ids: set[str] = set()

    def lens(self, document: Any) -> Lens:
        root = self.mapping(document, None, "a lens")
        if root.get("schema") != SCHEMA:
            raise self.wrong(
                root, "schema", f"the schema of a lens is {SCHEMA}, not {root.get('schema')!r:.60}"
            )
        self.keys(
            root,
            "a lens",
            ("schema", "name", "title", "version", "pillars", "questions"),
            ("description", "language", "licence", "constants", "conditions", "axes"),
        )
        thresholds = self.thresholds(root)
        self.read_conditions(root)
        pillars = self.groups(root, "pillars", needed=True)
        axes = self.groups(root, "axes", needed=False)
        entries = self.entries(root, "questions", "questions", 1, MAX_QUESTIONS)
        questions: list[Question] = []
        seen: set[str] = set()
        for entry in entries:
            question = self.question(entry, root, pillars, axes)
            if question.id in seen:
                raise self.wrong(entry, "id", f"the question '{question.id}' is there twice: rename one")
            seen.add(question.id)
            questions.append(question)
        self.unused(root, pillars, axes, questions)
        return Lens(
            name=self.id(root, "name"),
            title=self.text(root, "title"),
            version=self.text(root, "version"),
            pillars=pillars,
            axes=axes,
            questions=tuple(questions),
            thresholds=thresholds,
            problems=self.problems,
            document=root,
        )

    def groups(self, root: Mapping[str, Any], key: str, *, needed: bool) -> tuple[Group, ...]:
        if not needed and key not in root:
            return ()
        groups: list[Group] = []
        for item in self.entries(root, key, key, 1 if needed else 0, 10):
            what = "a pillar" if key == "pillars" else "an axis"
            entry = self.mapping(item, root, what, key)
            self.keys(entry, what, ("id", "name"))
            group = Group(self.id(entry, "id"), self.text(entry, "name"))
            if group.id in [other.id for other in groups]:
                raise self.wrong(entry, "id", f"{what} '{group.id}' is there twice: rename one")
            groups.append(group)
        return tuple(groups)

    def question(
        self, item: Any, root: Mapping[str, Any], pillars: Sequence[Group], axes: Sequence[Group]
    ) -> Question:
        entry = self.mapping(item, root, "a question", "questions")
        self.keys(
            entry,
            "a question",
            ("id", "pillar", "weight", "question", "choices"),
            ("axes", "critical", "applies_when", "why", "remediation", "references", "short", "terms"),
        )
        name = self.id(entry, "id")
        on_axes = self.entries(entry, "axes", "axes", 0, 10) if "axes" in entry else []
        if len(set(map(str, on_axes))) < len(on_axes):
            raise self.wrong(entry, "axes", f"{name} names an axis twice")
        weight = float(self.number(entry, "weight", 0.0, MAX_WEIGHT))
        if weight <= 0:
            raise self.wrong(entry, "weight", f"{name} weighs {weight:g}: write a number above 0")
        applies = self.expression(entry, "applies_when", name) or expression("always")
        outside = sorted(fact for fact in applies.names if not fact.startswith("profile."))
        if outside:
            self.note(
                "applies_by_evidence",
                name,
                f"applies_when asks for {', '.join(outside)}: whether a question is asked should follow "
                "from the profile alone",
                entry,
                "applies_when",
            )
        return Question(
            id=name,
            pillar=self.one_of(entry, "pillar", entry["pillar"], pillars, "pillar"),
            axes=tuple(self.one_of(entry, "axes", axis, axes, "axis") for axis in on_axes),
            weight=weight,
            critical=self.boolean(entry, "critical"),
            text=self.text(entry, "question"),
            why=self.text(entry, "why") if "why" in entry else "",
            choices=self.choices(entry, name),
            applies_when=applies,
            remediation=self.remediation(entry, name),
            references=self.references(entry, name),
            short=self.short(entry),
            terms=self.terms(entry, name),
        )

    def short(self, entry: Mapping[str, Any]) -> str:
        if "short" not in entry:
            return ""
        text = self.text(entry, "short")
        if len(text) > MAX_SHORT:
            raise self.wrong(
                entry, "short", f"short has {len(text)} characters: a title for lists has at most {MAX_SHORT}"
            )
        return text

    def terms(self, entry: Mapping[str, Any], question: str) -> tuple[str, ...]:
        if "terms" not in entry:
            return ()
        items = self.entries(entry, "terms", f"terms of {question}", 0, MAX_TERMS)
        terms = tuple(self.capped(entry, "terms", item) for item in items)
        if len(set(terms)) < len(terms):
            raise self.wrong(entry, "terms", f"{question} names a term twice")
        return terms

    def choices(self, entry: Mapping[str, Any], question: str) -> tuple[Choice, ...]:
        choices: list[Choice] = []
        for item in self.entries(entry, "choices", f"choices of {question}", 2, MAX_CHOICES):
            choice = self.choice(item, entry, question)
            if choices and choice.value <= choices[-1].value:
                raise self.wrong(
                    item,
                    "value",
                    f"{choice.id} is worth {choice.value:g}, not more than the {choices[-1].value:g} of "
                    f"{choices[-1].id} before it: values rise from choice to choice",
                )
            choices.append(choice)
        if choices[0].value != 0 or choices[-1].value != 1:
            self.note(
                "ladder_ends",
                question,
                f"its choices are worth {choices[0].value:g} to {choices[-1].value:g}, not 0 to 1",
                entry,
                "choices",
            )
        if "remediation" not in entry and any(choice.remediation is None for choice in choices[1:]):
            self.note("no_remediation", question, "nothing says how to improve", entry, "id")
        return tuple(choices)

    def choice(self, item: Any, parent: Mapping[str, Any], question: str) -> Choice:
        entry = self.mapping(item, parent, f"a choice of {question}", "choices")
        self.keys(
            entry,
            "a choice",
            ("id", "value", "text"),
            ("verified_by", "contradicted_by", "unprovable", "remediation"),
        )
        name = self.id(entry, "id")
        if name in NO_CHOICES:
            raise self.wrong(entry, "id", f"a choice cannot be called '{name}': answers use that word")
        if name in self.choice_ids:
            raise self.wrong(entry, "id", f"the choice '{name}' is there twice: rename one")
        self.choice_ids.add(name)
        value = float(self.number(entry, "value", 0.0, 1.0))
        verified = self.expression(entry, "verified_by", question)
        contradicted = self.expression(entry, "contradicted_by", question)
        unprovable = self.text(entry, "unprovable") if "unprovable" in entry else ""
        if value == 0 and contradicted is not None:
            raise self.wrong(
                entry,
                "contradicted_by",
                f"{name} is worth 0 and cannot be contradicted: let a higher choice be verified",
            )
        if value > 0 and verified is None and not unprovable:
            self.note(
                "no_proof", question, f"nothing proves {name}: give verified_by or unprovable", entry, "id"
            )
        if verified is not None and unprovable:
            self.note(
                "unprovable_but_verified",
                question,
                f"{name} is unprovable and verified_by",
                entry,
                "unprovable",
            )
        if verified is not None and not verified.names:
            self.note(
                "proved_by_nothing", question, f"verified_by of {name} asks no fact", entry, "verified_by"
            )
        return Choice(
            id=name,
            value=value,
            text=self.text(entry, "text"),
            verified_by=verified,
            contradicted_by=contradicted,
            unprovable=unprovable,
            remediation=self.remediation(entry, question),
        )

    def remediation(self, entry: Mapping[str, Any], question: str) -> Remediation | None:
        if "remediation" not in entry:
            return None
        table = self.mapping(entry["remediation"], entry, "a remediation", "remediation")
        self.keys(table, "a remediation", ("text", "effort_days"), ("impact", "tradeoff"))
        effort = float(self.number(table, "effort_days", 0.0, 1000.0))
        if effort <= 0:
            raise self.wrong(table, "effort_days", "effort_days is above 0: write 0.5 for half a day")
        impact = int(self.number(table, "impact", 1, 5)) if "impact" in table else None
        if "tradeoff" not in table:
            self.note("no_tradeoff", question, "a remediation names no trade-off", entry, "remediation")
        tradeoff = self.text(table, "tradeoff") if "tradeoff" in table else ""
        return Remediation(self.text(table, "text"), effort, impact, tradeoff)

    def references(self, entry: Mapping[str, Any], question: str) -> tuple[Reference, ...]:
        if "references" not in entry:
            return ()
        references = []
        for item in self.entries(entry, "references", f"references of {question}", 0, 20):
            if isinstance(item, str):
                references.append(Reference(self.capped(entry, "references", item)))
                continue
            table = self.mapping(item, entry, "a reference", "references")
            self.keys(table, "a reference", ("title",), ("url",))
            url = self.text(table, "url") if "url" in table else ""
            if url and not url.startswith(("https://", "http://")):
                raise self.wrong(table, "url", f"'{url[:60]}' is no address: it starts with https://")
            references.append(Reference(self.text(table, "title"), url))
        return tuple(references)

    def unused(
        self,
        root: Mapping[str, Any],
        pillars: Sequence[Group],
        axes: Sequence[Group],
        questions: Sequence[Question],
    ) -> None:
        self.note_unused(root)
        for pillar in pillars:
            if not any(question.pillar == pillar.id for question in questions):
                self.note("unused", None, f"no question is of the pillar {pillar.id}", root, "pillars")
        for axis in axes:
            if not any(axis.id in question.axes for question in questions):
                self.note("unused", None, f"no question is on the axis {axis.id}", root, "axes")

    def one_of(
        self, entry: Mapping[str, Any], key: str, value: Any, known: Iterable[Group], what: str
    ) -> str:
        names = [group.id for group in known]
        if value not in names:
            hint = nearest(str(value), names, f"known are {', '.join(names)}")
            raise self.wrong(entry, key, f"the lens has no {what} '{value!s:.60}': {hint}")
        return str(value)
