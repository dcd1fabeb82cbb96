"""A lens: a versioned checklist, read from YAML or JSON and checked as a whole.

    schema: loadstone.lens/1
    name: loadstone-readiness            # an id
    title: Loadstone readiness
    version: 1.0.0
    language: en                         # also description, licence: free text, may be left out
    constants:                           # thresholds, each with its reason; names in capitals
      MEMORY_MARGIN: {value: 1.1, reason: "below it a garbage collection pause was enough for an OOM kill"}
      EVIDENCE_DAYS: {value: 180, reason: "…"}      # these three are settings: how long evidence counts
      LOAD_RUN_DAYS: {value: 30, reason: "…"}
      ATTACHMENT_DAYS: {value: 180, reason: "…"}
    conditions:                          # expressions with a name; may use constants and each other
      autoscaled: {when: "infra.kubernetes.hpa.present || infra.kubernetes.hpa.present", meaning: "…"}
    pillars: [{id: infrastructure, name: Infrastructure}, …]
    axes: [{id: workload, name: Requests per second}, …]
    questions:
    - id: INF-08
      pillar: infrastructure
      axes: [workload, complexity]       # may be empty
      weight: 3                          # above 0, at most 100
      critical: false                    # default
      applies_when: profile.deploys_to == k8s       # default: always
      question: Where do the memory limits of a replica come from?
      why: Wrong limits show up as out-of-memory kills, and only under load.
      choices:                           # the ladder, lowest first: 2 to 15, values rising from 0 to 1
      - {id: INF_08_no, value: 0, text: There are none}
      - id: INF_08_a
        value: 0.5
        text: Set from watching one run
        verified_by: derived.memory_limit_headroom >= MEMORY_MARGIN
        contradicted_by: derived.memory_limit_headroom < 1
      - {id: INF_08_b, value: 1, text: Derived again for each release, unprovable: no probe reads releases
        yet}
      remediation: {text: Set the limit to …, effort_days: 1, impact: 4, tradeoff: Idle memory costs money}
      references: ["Kubernetes documentation: …", {title: …, url: "https://…"}]

Ids (of the lens, pillars, axes, questions, choices) have 3 to 128 of `[A-Za-z0-9_-]`; choice ids are unique
in the whole lens. A choice may have a `remediation` of its own, which says how to get there; else the
question's holds. `verified_by` proves that a choice is true, `contradicted_by` that it is not; they are
`expressions`. A choice above 0 that no probe can prove says `unprovable` and why. The choice at 0 cannot be
contradicted: what shows that there is more proves a higher choice.

`load_lens` refuses with file and line what makes a lens unusable. What can be used but deserves a look is a
`Problem`: a fact that is not catalogued (its comparison is unknown for ever), a comparison that never fits
the fact's type, a choice that nothing can prove, a constant or condition that nothing uses, and so on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Any

from assessments.evidence import Expiry
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
from assessments.profile import PROFILE_FACTS
from probes.documents import DocumentError, line_of, read_json, read_yaml
from probes.errors import UsageError
from probes.facts import CATALOGUE, FactName

SCHEMA = "loadstone.lens/1"
MAX_QUESTIONS = 500
MAX_CHOICES = 15
MAX_CONDITIONS = 200
MAX_TEXT = 4_000
MAX_WEIGHT = 100.0
NO_CHOICES = ("unsure", "unanswered", "not_applicable")
"""What an answer says instead of a choice; no choice may have such an id."""
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "EVIDENCE_DAYS": "evidence_days",
        "LOAD_RUN_DAYS": "load_run_days",
        "ATTACHMENT_DAYS": "attachment_days",
    }
)
_ID = re.compile(r"[A-Za-z0-9_-]{3,128}", re.ASCII)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_CONDITION = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a lens that deserves a look, in a sentence; `kind` is a stable word."""

    kind: str
    question: str | None
    message: str
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As in `loadstone.lens-check/1`."""
        document = {"kind": self.kind, "question": self.question, "message": self.message}
        return document if self.line is None else document | {"line": self.line}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A named constant of the lens, and why it has this value."""

    name: str
    value: float | int
    reason: str


@dataclass(frozen=True, slots=True)
class Group:
    """A pillar or a growth axis."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Remediation:
    """What to do; `effort_days` in working days of one person, `impact` from 1 to 5."""

    text: str
    effort_days: float
    impact: int | None = None
    tradeoff: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something to read."""

    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A level of a question's ladder; `value` is what it is worth, 0 to 1."""

    id: str
    value: float
    text: str
    verified_by: Expression | None = None
    contradicted_by: Expression | None = None
    unprovable: str = ""
    remediation: Remediation | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `choices` rise in value."""

    id: str
    pillar: str
    axes: tuple[str, ...]
    weight: float
    critical: bool
    text: str
    why: str
    choices: tuple[Choice, ...]
    applies_when: Expression
    remediation: Remediation | None = None
    references: tuple[Reference, ...] = ()

    def choice(self, choice_id: str) -> Choice | None:
        """The choice of that id."""
        return next((choice for choice in self.choices if choice.id == choice_id), None)


@dataclass(frozen=True)
class Lens:
    """A checklist that was read and checked. `document` is the file as it was, for storing it whole."""

    name: str
    title: str
    version: str
    pillars: tuple[Group, ...]
    axes: tuple[Group, ...]
    questions: tuple[Question, ...]
    thresholds: tuple[Threshold, ...] = ()
    problems: tuple[Problem, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        """The questions by id."""
        return {question.id: question for question in self.questions}

    @cached_property
    def choice_ids(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of choices by id of question."""
        return {question.id: tuple(choice.id for choice in question.choices) for question in self.questions}

    @property
    def takes_several(self) -> bool:
        """Whether a question may be answered by several choices: on a ladder it is one."""
        return False

    @property
    def expiry(self) -> Expiry:
        """For how long evidence counts, as the constants say."""
        given = {SETTINGS[entry.name]: entry.value for entry in self.thresholds if entry.name in SETTINGS}
        return Expiry(**given)

    def with_weights(self, weights: Mapping[str, float]) -> Lens:
        """The lens with other weights for some questions. Raises `UsageError` for an unknown question."""
        for name, weight in weights.items():
            if name not in self.by_id:
                raise UsageError(
                    f"weights: the lens has no question '{name}': {_hint(name, self.by_id, 'name one of it')}"
                )
            if not 0 < weight <= MAX_WEIGHT:
                raise UsageError(
                    f"weights: {name} weighs {weight:g}: write a number above 0, at most {MAX_WEIGHT:g}"
                )
        return replace(
            self,
            questions=tuple(
                replace(question, weight=float(weights.get(question.id, question.weight)))
                for question in self.questions
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """The lens as `lens_of` reads it, plain all the way down."""
        plain = _plain(self.document)
        assert isinstance(plain, dict)
        return plain


def load_lens(data: bytes, name: str) -> Lens:
    """Reads a lens from the bytes of a YAML file, or of a JSON file where `name` ends in `.json`.

    Raises `UsageError` with file and line when the lens cannot be used.
    """
    return lens_of(read_json(data, name) if name.endswith(".json") else read_yaml(data, name), name)


def lens_of(document: Any, name: str) -> Lens:
    """The lens in a document that was read; `name` is for messages. Raises `UsageError` like `load_lens`."""
    return _Reader(name).lens(document)


class _Reader:
    """Reads one file; keeps its name, what was seen in it, and its problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.constants: dict[str, float | int] = {}
        self.conditions: dict[str, Node] = {}
        self.used: set[str] = set()
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
            question = self.question(entry, pillars, axes)
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
            problems=tuple(self.problems),
            document=root,
        )

    def thresholds(self, root: Mapping[str, Any]) -> tuple[Threshold, ...]:
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

    def question(self, item: Any, pillars: Sequence[Group], axes: Sequence[Group]) -> Question:
        entry = self.mapping(item, None, "a question")
        self.keys(
            entry,
            "a question",
            ("id", "pillar", "weight", "question", "choices"),
            ("axes", "critical", "applies_when", "why", "remediation", "references"),
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
        )

    def choices(self, entry: Mapping[str, Any], question: str) -> tuple[Choice, ...]:
        choices: list[Choice] = []
        for item in self.entries(entry, "choices", f"choices of {question}", 2, MAX_CHOICES):
            choice = self.choice(item, question)
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

    def choice(self, item: Any, question: str) -> Choice:
        entry = self.mapping(item, None, f"a choice of {question}")
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

    def expression(self, entry: Mapping[str, Any], key: str, question: str | None) -> Expression | None:
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
        known = PROFILE_FACTS.get(name) or CATALOGUE.get(name)
        if known is None:
            near = _hint(name, [*CATALOGUE, *PROFILE_FACTS], "no probe gives it")
            self.note("unknown_fact", question, f"'{name}' is no catalogued fact: {near}", entry, key)
        return known

    def unused(
        self,
        root: Mapping[str, Any],
        pillars: Sequence[Group],
        axes: Sequence[Group],
        questions: Sequence[Question],
    ) -> None:
        for name in self.constants:
            if name not in self.used and name not in SETTINGS:
                self.note("unused", None, f"nothing uses the constant {name}", root, "constants")
        for name in self.conditions:
            if name not in self.used:
                self.note("unused", None, f"nothing uses the condition {name}", root, "conditions")
        for pillar in pillars:
            if not any(question.pillar == pillar.id for question in questions):
                self.note("unused", None, f"no question is of the pillar {pillar.id}", root, "pillars")
        for axis in axes:
            if not any(axis.id in question.axes for question in questions):
                self.note("unused", None, f"no question is on the axis {axis.id}", root, "axes")

    # Reading of single values, each with file and line where it is wrong.

    def wrong(self, node: Any, key: Any, message: str) -> UsageError:
        return DocumentError(self.file, _line(node, key), " ".join(message.split()))

    def note(self, kind: str, question: str | None, message: str, node: Mapping[str, Any], key: str) -> None:
        problem = Problem(kind, question, message, _line(node, key))
        if problem not in self.problems:
            self.problems.append(problem)

    def mapping(
        self, value: Any, parent: Mapping[str, Any] | None, what: str, key: str | None = None
    ) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.wrong(parent, key, f"{what} is a mapping of names to values, not {_kind(value)}")
        return value

    def keys(
        self, entry: Mapping[str, Any], what: str, needed: Sequence[str], optional: Sequence[str] = ()
    ) -> None:
        known = (*needed, *optional)
        for key in entry:
            if key not in known:
                hint = _hint(str(key), known, f"known are {', '.join(known)}")
                raise self.wrong(entry, key, f"{what} has no '{key:.60}': {hint}")
        for key in needed:
            if key not in entry:
                raise self.wrong(entry, None, f"{what} needs '{key}': add it")

    def entries(self, entry: Mapping[str, Any], key: str, what: str, low: int, high: int) -> list[Any]:
        value = entry[key]
        if not isinstance(value, list):
            raise self.wrong(entry, key, f"{key} is a list, not {_kind(value)}")
        if not low <= len(value) <= high:
            raise self.wrong(entry, key, f"there are {len(value)} {what}: write {low} to {high}")
        return value

    def text(self, entry: Mapping[str, Any], key: str) -> str:
        return self.capped(entry, key, entry[key])

    def capped(self, entry: Mapping[str, Any], key: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(entry, key, f"{key} is a text, not {_kind(value)}")
        if len(value) > MAX_TEXT:
            raise self.wrong(entry, key, f"{key} has {len(value)} characters: at most are {MAX_TEXT}")
        return value.strip()

    def id(self, entry: Mapping[str, Any], key: str) -> str:
        value = entry[key]
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise self.wrong(
                entry, key, f"{value!r:.80} is no id: write 3 to 128 of letters, digits, _ and -"
            )
        return value

    def number(self, entry: Mapping[str, Any], key: str, low: float, high: float) -> float | int:
        value = entry[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(
                entry, key, f"{key} is a number from {low:g} to {high:g}, not {_kind(value, with_value=True)}"
            )
        assert math.isfinite(value)
        return value

    def boolean(self, entry: Mapping[str, Any], key: str) -> bool:
        value = entry.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(entry, key, f"{key} is true or false, not {_kind(value, with_value=True)}")
        return value

    def one_of(
        self, entry: Mapping[str, Any], key: str, value: Any, known: Iterable[Group], what: str
    ) -> str:
        names = [group.id for group in known]
        if value not in names:
            hint = _hint(str(value), names, f"known are {', '.join(names)}")
            raise self.wrong(entry, key, f"the lens has no {what} '{value!s:.60}': {hint}")
        return str(value)


def _line(node: Any, key: Any) -> int | None:
    found = line_of(node, key) if key is not None else None
    return line_of(node) if found is None else found


def _hint(name: str, known: Iterable[str], otherwise: str) -> str:
    near = get_close_matches(name[:200], list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _kind(value: Any, *, with_value: bool = False) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or value == "":
        return "empty"
    return f"{value!r:.60}" if with_value or isinstance(value, bool | int | float) else f"'{value!s:.60}'"


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
        return f"is never {operand.text}: " + _hint(
            operand.text, known.choices, f"it is one of {', '.join(known.choices)}"
        )
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def named_facts(lens: Lens) -> Iterator[str]:
    """All facts that the lens asks for, each once, in alphabetical order."""
    names: set[str] = set()
    for question in lens.questions:
        names |= question.applies_when.names
        for choice in question.choices:
            for asked in (choice.verified_by, choice.contradicted_by):
                names |= asked.names if asked is not None else frozenset()
    yield from sorted(names)
