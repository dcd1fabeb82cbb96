"""AWS custom lenses (schema 2021-11-01), read as they are: tolerant of what real files hold, without loss.

Of a question, choices are selected; its risk rules are tried in order and the first whose condition is true
gives the risk. Nothing selected is unanswered, never a risk. What no rule decides is not rated. For a score
NO_RISK is worth 1, MEDIUM_RISK 0.5 and HIGH_RISK 0; a question whose risk is the same whatever is selected
only informs and weighs nothing.

`read_lens` refuses only what has no shape of a lens. Everything else that AWS would refuse, or that does not
do what its author meant, is a `Problem` (see `aws_lens_check`). The document is kept as it was read: titles
that are NaN, unknown keys and all, so that import and export lose nothing. An imported lens is the same
document inside a `loadstone.aws-lens/1` object that says where it came from; where it holds what strict JSON
cannot (NaN), it stands there as text, under `lens_text`. Its `sidecar` is the document of `aws_sidecar`.

Source of the format: AWS Well-Architected Tool user guide, "Lens format specification".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, get_args

from assessments.risk_conditions import (
    Condition,
    ConditionError,
    Selections,
    TooManyChoicesError,
    parse_condition,
)
from probes.documents import DocumentError, line_of, read_json

SCHEMA_VERSION = "2021-11-01"
IMPORTED_SCHEMA = "loadstone.aws-lens/1"
MAX_AWS_BYTES = 500_000
"""AWS takes no larger file; what is larger still loads here, and is named as a problem."""

MAX_BYTES = 1_000_000
MAX_PILLARS, MAX_QUESTIONS, MAX_CHOICES, MAX_RULES = 50, 500, 100, 100
"""AWS allows 10 pillars, 20 questions in each, 15 choices and 3 rules. A lens beyond these, or of more bytes,
is refused: it would take too long to check."""

MAX_KEPT_BYTES = 2_000_000
"""Of the file of an imported lens, with what stands around it."""

MAX_COMPARED_RULES = 10
"""AWS allows 3 rules a question; more than these are not held against each other."""

Risk = Literal["HIGH_RISK", "MEDIUM_RISK", "NO_RISK"]
Rating = Literal["HIGH_RISK", "MEDIUM_RISK", "NO_RISK", "UNANSWERED", "NOT_RATED"]
RISKS: tuple[Risk, ...] = get_args(Risk)
RATINGS: tuple[Rating, ...] = get_args(Rating)
RISK_VALUES: Mapping[str, float] = MappingProxyType({"NO_RISK": 1.0, "MEDIUM_RISK": 0.5, "HIGH_RISK": 0.0})

_NONE_TITLE = re.compile(r"\s*none\b", re.IGNORECASE)
_NONE_OF_THESE = re.compile(
    r"\s*none(\s+of\s+(these|those|them|the\s+(above|following))\b.*)?\W*", re.IGNORECASE | re.DOTALL
)
NONE_ENDING = "_no"


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice; `title` is empty where the file has no text there. `entry` is its object in the file."""

    id: str
    title: str
    entry: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def is_none(self) -> bool:
        """Whether it says that none of the others is true: by AWS's ending, or by its title."""
        return self.id.endswith(NONE_ENDING) or bool(_NONE_TITLE.match(self.title))

    @property
    def excludes_others(self) -> bool:
        """Whether it cannot be true together with another choice.

        It is narrower than `is_none`: "None of our data leaves the region" is a practice like any other.
        """
        return self.id.endswith(NONE_ENDING) or bool(_NONE_OF_THESE.fullmatch(self.title))


@dataclass(frozen=True, slots=True)
class Rule:
    """A risk rule. `condition` is None where it cannot be read (`fault` says why), `risk` if it is none."""

    text: str
    condition: Condition | None
    risk: Risk | None
    fault: str
    entry: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def is_default(self) -> bool:
        """Whether it is the rule for what no other rule decides."""
        return self.condition is not None and self.condition.operator == "default"


@dataclass(frozen=True, slots=True)
class Firing:
    """For which selections each rule fires, as numbers of `selections` (see `risk_conditions`).

    `selections` are those of the choices that the rules name; `true` says where each condition holds, `fires`
    where it is the first to hold, `unrated` where none does.
    """

    selections: Selections
    true: tuple[int, ...]
    fires: tuple[int, ...]
    unrated: int


@dataclass(frozen=True)
class Question:
    """A question with its choices and rules. `entry` is its object in the file."""

    id: str
    title: str
    pillar: str
    choices: tuple[Choice, ...]
    rules: tuple[Rule, ...]
    entry: Mapping[str, Any] = field(compare=False, repr=False)

    def risk(self, selected: Collection[str]) -> Rating:
        """The risk when exactly these choices are selected.

        A rule that cannot be read, before one that fires, leaves the question not rated: nobody knows whether
        it would have fired.
        """
        if not selected:
            return "UNANSWERED"
        for rule in self.rules:
            if rule.condition is None:
                return "NOT_RATED"
            if rule.condition.is_true(selected):
                return rule.risk or "NOT_RATED"
        return "NOT_RATED"

    def value(self, selected: Collection[str]) -> float | None:
        """What the selection is worth, 0 to 1; None where it is unanswered or not rated."""
        return RISK_VALUES.get(self.risk(selected))

    def firing(self) -> Firing | None:
        """Which rule fires for which selections; None where a rule cannot be read, or there are too many.

        It is made anew each time, because that of a large lens would fill the memory.
        """
        conditions = [rule.condition for rule in self.rules]
        if len(conditions) > MAX_COMPARED_RULES:
            return None
        named: set[str] = set()
        for condition in conditions:
            if condition is None:
                return None
            named |= condition.choices()
        ids = dict.fromkeys(choice.id for choice in self.choices)
        try:
            selections = Selections(tuple(choice for choice in ids if choice in named))
        except TooManyChoicesError:
            return None
        true, fires, left = [], [], selections.every
        for condition in conditions:
            assert condition is not None
            holds = selections.true_for(condition)
            true.append(holds)
            fires.append(holds & left)
            left &= ~holds
        return Firing(selections, tuple(true), tuple(fires), left)

    @cached_property
    def only_informs(self) -> bool:
        """Whether the risk is the same whatever is selected, so that an answer says nothing of it."""
        firing = self.firing()
        if firing is None:
            return False
        ratings = {
            rule.risk or "NOT_RATED" for rule, fires in zip(self.rules, firing.fires, strict=True) if fires
        }
        return len(ratings | ({"NOT_RATED"} if firing.unrated else set())) <= 1

    @property
    def nones(self) -> frozenset[str]:
        """The ids of "none of these"."""
        return frozenset(choice.id for choice in self.choices if choice.excludes_others)

    @property
    def weight(self) -> float:
        """1, or 0 for a question that only informs."""
        return 0.0 if self.only_informs else 1.0


@dataclass(frozen=True, slots=True)
class Pillar:
    """A pillar with its questions. `entry` is its object in the file."""

    id: str
    name: str
    questions: tuple[Question, ...]
    entry: Mapping[str, Any] = field(compare=False, repr=False)


@dataclass(frozen=True)
class AwsLens:
    """A custom lens. `document` is AWS's document as it was read, `size` the bytes of its file."""

    name: str
    description: str
    pillars: tuple[Pillar, ...]
    document: Mapping[str, Any] = field(compare=False, repr=False)
    size: int = field(compare=False, default=0)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The questions of all pillars, in the order of the file."""
        return tuple(question for pillar in self.pillars for question in pillar.questions)

    @cached_property
    def choice_ids(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of choices by id of question."""
        return {question.id: tuple(choice.id for choice in question.choices) for question in self.questions}

    @property
    def takes_several(self) -> bool:
        """Whether a question may be answered by several choices: of best practices any may be true."""
        return True

    @property
    def counts(self) -> dict[str, int]:
        """How many pillars, questions, choices and rules there are."""
        return {
            "pillars": len(self.pillars),
            "questions": len(self.questions),
            "choices": sum(len(question.choices) for question in self.questions),
            "rules": sum(len(question.rules) for question in self.questions),
        }


def is_aws_lens(document: Any) -> bool:
    """Whether a document that was read is meant as an AWS custom lens, imported or as AWS writes it."""
    if not isinstance(document, Mapping):
        return False
    if "schema" in document:
        return bool(document["schema"] == IMPORTED_SCHEMA)
    return "schemaVersion" in document or ("pillars" in document and "questions" not in document)


def read_lens(data: bytes, name: str) -> AwsLens:
    """The lens in an AWS custom-lens file, or in one that `imported` wrote; `name` stands in messages.

    Raises `DocumentError`, a `UsageError`, with file and line for what is no JSON (NaN is let pass, duplicate
    keys are not) and for what has no shape of a lens: pillars, questions and choices with ids.
    """
    return lens_of(read_json(data, name, allow_nan=True, max_bytes=MAX_KEPT_BYTES), name, len(data))


def lens_of(document: Any, name: str, size: int = 0) -> AwsLens:
    """The lens in a document that was read. Raises `DocumentError`."""
    reader = _Reader(name)
    if isinstance(document, Mapping) and document.get("schema") == IMPORTED_SCHEMA:
        document, size = _unpacked(document, name), 0
    if not isinstance(document, Mapping) or "pillars" not in document:
        what = "this is no AWS custom lens: it has to be an object with schemaVersion, name and pillars"
        raise reader.wrong(document, None, what)
    if size > MAX_BYTES:
        most = f"{MAX_BYTES / 1e6:g} MB"
        raise reader.wrong(None, None, f"an AWS custom lens of more than {most} is not read: split it")
    entries = reader.objects(document, "pillars", "the lens", MAX_PILLARS)
    if sum(len(reader.objects(entry, "questions", "a pillar")) for entry in entries) > MAX_QUESTIONS:
        raise reader.wrong(document, "pillars", f"the lens has more than {MAX_QUESTIONS} questions: split it")
    pillars = tuple(reader.pillar(entry) for entry in entries)
    if not pillars:
        raise reader.wrong(document, "pillars", "the lens has no pillar: give it one with questions")
    return AwsLens(_text(document.get("name")), _text(document.get("description")), pillars, document, size)


def _unpacked(document: Mapping[str, Any], name: str) -> Any:
    """AWS's document in an imported lens."""
    text = document.get("lens_text")
    if not isinstance(text, str):
        return document.get("lens")
    return read_json(
        text.encode(errors="replace"), f"{name}: lens_text", allow_nan=True, max_bytes=MAX_KEPT_BYTES
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file; keeps its name for messages."""

    name: str

    def wrong(self, node: Any, key: str | None, what: str) -> DocumentError:
        return DocumentError(self.name, line_of(node, key), what)

    def objects(
        self, parent: Mapping[str, Any], key: str, what: str, most: int | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """The list of objects under a key, at most so many; an absent one is empty."""
        entries = parent.get(key, [])
        if not isinstance(entries, list):
            raise self.wrong(parent, key, f"{key} of {what} has to be a list")
        if most is not None and len(entries) > most:
            raise self.wrong(
                parent, key, f"{what} has {len(entries):,} {key}, at most {most} are read: split it"
            )
        for entry in entries:
            if not isinstance(entry, Mapping):
                raise self.wrong(parent, key, f"{key} of {what} may hold objects only")
        return entries

    def id(self, entry: Mapping[str, Any], what: str) -> str:
        found = entry.get("id")
        if not isinstance(found, str) or not found:
            raise self.wrong(entry, "id" if "id" in entry else None, f"{what} needs an id that is text")
        return found

    def pillar(self, entry: Mapping[str, Any]) -> Pillar:
        name = self.id(entry, "a pillar")
        questions = tuple(
            self.question(question, name) for question in self.objects(entry, "questions", f"pillar '{name}'")
        )
        return Pillar(name, _text(entry.get("name")), questions, entry)

    def question(self, entry: Mapping[str, Any], pillar: str) -> Question:
        name = self.id(entry, "a question")
        what = f"question '{name}'"
        choices = tuple(
            Choice(self.id(choice, f"a choice of {what}"), _text(choice.get("title")), choice)
            for choice in self.objects(entry, "choices", what, MAX_CHOICES)
        )
        rules = tuple(_rule(rule) for rule in self.objects(entry, "riskRules", what, MAX_RULES))
        return Question(name, _text(entry.get("title")), pillar, choices, rules, entry)


def _rule(entry: Mapping[str, Any]) -> Rule:
    text, risk = entry.get("condition"), entry.get("risk")
    condition, fault = None, ""
    if isinstance(text, str):
        try:
            condition = parse_condition(text)
        except ConditionError as error:
            fault = str(error)
    else:
        fault = "it is no text"
    known = risk if isinstance(risk, str) and risk in RISKS else None
    return Rule(_text(text), condition, known, fault, entry)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
