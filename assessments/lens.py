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
      short: Memory limits               # optional: a title for lists, at most 30 characters
      terms: [containers, orchestration] # optional: the topics that it asks about
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

`find_lens` also reads AWS custom lenses, whose questions have risk rules in the place of ladders.

`load_lens` refuses with file and line what makes a lens unusable. What can be used but deserves a look is a
`Problem`: a fact that is not catalogued (its comparison is unknown for ever), a comparison that never fits
the fact's type, a choice that nothing can prove, a constant or condition that nothing uses, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from assessments.aws_lens import AwsLens, is_aws_lens
from assessments.aws_lens import Question as RatedQuestion
from assessments.checked_values import nearest
from assessments.evidence import Expiry
from assessments.expressions import Expression
from probes.documents import read_file, read_json, read_yaml
from probes.errors import UsageError

SCHEMA = "loadstone.lens/1"
BUNDLED = "loadstone-readiness"
"""The name of the lens that comes with Loadstone."""

MAX_BYTES = 2_000_000
"""Of a file with a lens."""

MAX_QUESTIONS = 500
MAX_CHOICES = 15
MAX_CONDITIONS = 200
MAX_SHORT = 30
MAX_TERMS = 20
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
    """What to do; `effort_days` in working days of one person, `impact` from 1 to 5.

    `effort_assumed` says that nobody named the effort and that it is a default.
    """

    text: str
    effort_days: float
    impact: int | None = None
    tradeoff: str = ""
    effort_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Something to read."""

    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A level of a question's ladder; `value` is what it is worth, 0 to 1.

    Of a question with risk rules it is one of several practices, and worth nothing by itself.
    """

    id: str
    value: float
    text: str
    verified_by: Expression | None = None
    contradicted_by: Expression | None = None
    unprovable: str = ""
    remediation: Remediation | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `choices` rise in value. `short` is a title for lists or empty, `terms` its topics.

    `by_rules` is the question of an imported AWS lens: there any choices may be selected, and risk rules say
    what the selection is worth.
    """

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
    short: str = ""
    terms: tuple[str, ...] = ()
    by_rules: RatedQuestion | None = None

    @property
    def title(self) -> str:
        """The short title, or the whole question where it has none."""
        return self.short or self.text

    def choice(self, choice_id: str) -> Choice | None:
        """The choice of that id."""
        return next((choice for choice in self.choices if choice.id == choice_id), None)


@dataclass(frozen=True)
class Lens:
    """A checklist that was read and checked. `document` is the file as it was, for storing it whole.

    `imported` is the AWS lens that it was made of, None for a lens of ours.
    """

    name: str
    title: str
    version: str
    pillars: tuple[Group, ...]
    axes: tuple[Group, ...]
    questions: tuple[Question, ...]
    thresholds: tuple[Threshold, ...] = ()
    problems: tuple[Problem, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    imported: AwsLens | None = field(default=None, compare=False, repr=False)

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
        """Whether a question may be answered by several choices: on a ladder it is one, by risk rules any."""
        return self.imported is not None

    @property
    def expiry(self) -> Expiry:
        """For how long evidence counts, as the constants say."""
        given = {SETTINGS[entry.name]: entry.value for entry in self.thresholds if entry.name in SETTINGS}
        return Expiry(**given)

    def with_weights(self, weights: Mapping[str, float]) -> Lens:
        """The lens with other weights for some questions.

        Raises `UsageError` for an unknown question, and for one that only informs and so weighs nothing.
        """
        for name, weight in weights.items():
            if name not in self.by_id:
                hint = nearest(name, self.by_id, "name one of it")
                raise UsageError(f"weights: the lens has no question '{name}': {hint}")
            if not 0 < weight <= MAX_WEIGHT:
                raise UsageError(
                    f"weights: {name} weighs {weight:g}: write a number above 0, at most {MAX_WEIGHT:g}"
                )
            rules = self.by_id[name].by_rules
            if rules is not None and rules.only_informs:
                raise UsageError(f"weights: {name} has the same risk whatever is selected: it weighs nothing")
        return replace(
            self,
            questions=tuple(
                replace(question, weight=float(weights[question.id])) if question.id in weights else question
                for question in self.questions
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """The lens as `lens_of` reads it, plain all the way down."""
        plain = _plain(self.document)
        assert isinstance(plain, dict)
        return plain


def find_lens(name_or_path: str, folder: Path | None = None) -> Lens:
    """The lens of that name among those that come with Loadstone, or in the file of that path.

    A relative path starts at `folder`, by default the working directory. Beside an AWS lens `NAME.json` its
    sidecar `NAME.loadstone.yaml` is read too, where there is one (see `aws_sidecar`). Raises `UsageError`,
    with file and line where a file is wrong.
    """
    if name_or_path == BUNDLED:
        return bundled_lens()
    path = Path(folder or "", name_or_path)
    try:
        is_there = path.exists()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        hint = nearest(name_or_path, (BUNDLED,), f"name a file, or {BUNDLED}")
        raise UsageError(f"'{name_or_path:.200}' is neither a lens nor a file: {hint}")
    shown = name_or_path if folder is None else str(path)
    return load_lens(read_file(path, max_bytes=MAX_BYTES), shown, path)


@cache
def bundled_lens() -> Lens:
    """The lens that comes with Loadstone; read once."""
    file = f"{BUNDLED}.yaml"
    data = resources.files("resources").joinpath("lenses", file).read_bytes()
    return load_lens(data, file)


def load_lens(data: bytes, name: str, path: Path | None = None) -> Lens:
    """Reads a lens from the bytes of a file: YAML or JSON for ours, JSON for AWS custom lenses.

    `name` stands in messages; `path` says where the file lies, if its sidecar counts. Raises `UsageError`
    with file and line when the lens cannot be used.
    """
    is_json = name.lower().endswith(".json") or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    if not is_json:
        return lens_of(read_yaml(data, name), name, path)
    return lens_of(read_json(data, name, allow_nan=True), name, path, size=len(data))


def lens_of(document: Any, name: str, path: Path | None = None, *, size: int = 0) -> Lens:
    """The lens in a document that was read, of either kind; `size` is the bytes of its file.

    Raises `UsageError` like `load_lens`.
    """
    if is_aws_lens(document):
        from assessments.aws_adapter import adapted

        return adapted(document, name, path, size)
    from assessments.lens_reader import LensReader

    return LensReader(name).lens(document)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def unprovable_choices(lens: Lens) -> Iterator[tuple[Question, Choice]]:
    """The choices that no probe can prove yet, with their questions; what is worth 0 needs no proof.

    In an AWS lens all practices count that its sidecar says nothing of.
    """
    for question in lens.questions:
        none = question.by_rules.nones if question.by_rules is not None else frozenset()
        for choice in question.choices:
            needs_proof = choice.id not in none if question.by_rules is not None else choice.value > 0
            if needs_proof and choice.verified_by is None:
                yield question, choice


def named_facts(lens: Lens) -> Iterator[str]:
    """All facts that the lens asks for, each once, in alphabetical order."""
    names: set[str] = set()
    for question in lens.questions:
        names |= question.applies_when.names
        for choice in question.choices:
            for asked in (choice.verified_by, choice.contradicted_by):
                names |= asked.names if asked is not None else frozenset()
    yield from sorted(names)
