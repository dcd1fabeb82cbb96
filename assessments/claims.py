"""Claims: what a person answered, and the file of answers that holds it.

    schema: loadstone.answers/1
    lens: loadstone-readiness            # or the path of a lens file
    profile: {target_kind: http, deploys_to: k8s, peak_per_s: 180, growth: {workload: 8%/month}}
    answers:
      INF-01: INF_01_c                   # a choice
      INF-12: {choice: INF_12_c, note: "…", attachments: [{file: runbook.pdf, dated: 2026-10-02}]}
      INF-14: {not_applicable: "no GPUs anywhere"}
      MON-03: unsure
      SEC-1: [sec_1_a, sec_1_b]          # several, where the lens allows it
    weights: {INF-01: 2}                 # optional: other weights than the lens gives
    challenges:                          # optional: facts that do not count, and why
    - {fact: load.capacity, reason: test data, at: 2026-10-02, note: "…", by: "…"}

`profile` may name a growth profile of `resources/profiles/`: `growth_profile: retail-campaign`. Growth, SLO
and kind of system that the profile does not give are then those of that profile: declared, never given. With
`growth_profile_weights: true` beside it, its practices weigh the questions of the lens; `weights` go before.

A question that is not named is unanswered. Reasons of a challenge: see `evidence.ChallengeReason`; it applies
to what was observed up to the end of the day `at` (or the moment, where a time is given).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Any, Literal, Protocol, get_args

from assessments.evidence import Challenge, challenge_of
from assessments.profile import EMPTY, Profile, read_profile
from probes.documents import DocumentError, line_of, read_json, read_yaml
from probes.errors import UsageError

SCHEMA = "loadstone.answers/1"
MAX_TEXT = 10_000
MAX_NOTE = 200_000
"""Characters of a note: whatever a person pastes is kept whole, and a report shows the beginning of it."""
MAX_BYTES = 2_000_000
"""Of a file of answers."""

ClaimState = Literal["answered", "unsure", "not_applicable", "unanswered"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that backs a claim, and the day it was made; without a day it backs nothing."""

    file: str
    dated: date | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in a file of answers."""
        return {"file": self.file} | ({} if self.dated is None else {"dated": self.dated.isoformat()})


@dataclass(frozen=True, slots=True)
class Claim:
    """What a person says about one question.

    `choices` is empty unless the state is `answered`; `reason` says why a question does not apply. Raises
    `UsageError` when these do not fit.
    """

    question: str
    choices: tuple[str, ...] = ()
    state: ClaimState = "answered"
    note: str = ""
    reason: str = ""
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        if self.state not in get_args(ClaimState):
            raise UsageError(f"{self.question}: '{self.state}' is not a state of an answer")
        if (self.state == "answered") != bool(self.choices):
            raise UsageError(f"{self.question}: name a choice, or write unsure or {{not_applicable: why}}")
        if (self.state == "not_applicable") != bool(self.reason.strip()):
            raise UsageError(f'{self.question}: say why it does not apply: {{not_applicable: "no GPUs"}}')

    def to_json(self) -> Any:
        """As it stands in a file of answers."""
        more: dict[str, Any] = {"note": self.note} if self.note else {}
        if self.attachments:
            more["attachments"] = [attachment.to_json() for attachment in self.attachments]
        if self.state == "not_applicable":
            return {"not_applicable": self.reason} | more
        word: Any = self.state
        if self.state == "answered":
            word = self.choices[0] if len(self.choices) == 1 else list(self.choices)
        return {"choice": word} | more if more else word


class HasQuestions(Protocol):
    """What answers are checked against: ids of questions, and of the choices of each."""

    @property
    def choice_ids(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of choices by id of question."""

    @property
    def takes_several(self) -> bool:
        """Whether a question may be answered by several choices."""


@dataclass(frozen=True)
class Answers:
    """A file of answers that was read. `lens` is None where the file names none; `places` is file and line of
    each answer and weight, for messages."""

    name: str
    lens: str | None = None
    profile: Profile = EMPTY
    claims: Mapping[str, Claim] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    challenges: tuple[Challenge, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def check(self, lens: HasQuestions) -> None:
        """Raises `UsageError` for a question or choice that the lens has not, naming the nearest."""
        known = lens.choice_ids
        for name in (*self.claims, *self.weights):
            if name not in known:
                hint = _hint(name, known, f"it has {len(known)}, such as {', '.join(list(known)[:3])}")
                place = self._place(name)
                raise UsageError(f"{place}: the lens has no question '{name:.60}': {hint}")
        for claim in self.claims.values():
            choices = known[claim.question]
            if len(claim.choices) > 1 and not lens.takes_several:
                raise UsageError(
                    f"{self._place(claim.question)}: {claim.question} takes one choice, "
                    f"not {len(claim.choices)}: name the highest that is true"
                )
            for choice in claim.choices:
                if choice not in choices:
                    hint = _hint(choice, choices, f"it has {', '.join(choices)}")
                    place = self._place(claim.question)
                    raise UsageError(f"{place}: {claim.question} has no choice '{choice:.60}': {hint}")

    def to_json(self) -> dict[str, Any]:
        """The answers as a document that `answers_of` reads."""
        document: dict[str, Any] = {"schema": SCHEMA}
        if self.lens is not None:
            document["lens"] = self.lens
        document["profile"] = self.profile.to_json()
        document["answers"] = {name: claim.to_json() for name, claim in self.claims.items()}
        if self.weights:
            document["weights"] = dict(self.weights)
        if self.challenges:
            document["challenges"] = [challenge.to_json() for challenge in self.challenges]
        return document

    def _place(self, question: str) -> str:
        return self.places.get(question, self.name)


def read_answers(data: bytes, name: str) -> Answers:
    """Reads a file of answers: YAML, or JSON where `name` ends in `.json`.

    Raises `UsageError` with file and line. Whether questions and choices exist is for `Answers.check`.
    """
    return answers_of(read_json(data, name) if name.endswith(".json") else read_yaml(data, name), name)


def answers_of(document: Any, name: str) -> Answers:
    """The answers in a document that was read, also one written inline in `loadstone.yaml`."""
    reader = _Reader(name)
    root = reader.mapping(document, None, None, "a file of answers")
    if root.get("schema") != SCHEMA:
        raise reader.wrong(
            root,
            "schema",
            f"the schema of answers is {SCHEMA}, not {root.get('schema')!r:.60}: write it first",
        )
    known = ("schema", "lens", "profile", "answers", "weights", "challenges")
    reader.keys(root, "a file of answers", known, ("answers",))
    answers = reader.mapping(root["answers"], root, "answers", "answers")
    weights = reader.mapping(root.get("weights") or {}, root, "weights", "weights")
    claims = {str(question): reader.claim(answers, question) for question in answers}
    return Answers(
        name=name,
        lens=reader.text(root, "lens") if root.get("lens") is not None else None,
        profile=reader.profile(root),
        claims=claims,
        weights={str(question): reader.weight(weights, question) for question in weights},
        challenges=tuple(reader.challenge(root, entry) for entry in reader.entries(root, "challenges")),
        places={str(key): reader.place(table, key) for table in (weights, answers) for key in table},
    )


class _Reader:
    """Reads values of one file, each with file and line where it is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file

    def claim(self, answers: Mapping[str, Any], question: str) -> Claim:
        value = answers[question]
        if not isinstance(value, Mapping):
            return self.plain_claim(answers, question, value)
        self.keys(value, f"the answer to {question}", ("choice", "not_applicable", "note", "attachments"))
        if ("choice" in value) == ("not_applicable" in value):
            raise self.wrong(
                answers, question, f"the answer to {question} has either a choice or not_applicable: give one"
            )
        note = self.text(value, "note", MAX_NOTE) if value.get("note") else ""
        attachments = tuple(self.attachment(value, entry) for entry in self.entries(value, "attachments"))
        if "not_applicable" in value:
            reason = value["not_applicable"]
            if not isinstance(reason, str) or not reason.strip():
                raise self.wrong(
                    value, "not_applicable", f'say why {question} does not apply: not_applicable: "no GPUs"'
                )
            reason = self.text(value, "not_applicable")
            return Claim(question, (), "not_applicable", note, reason, attachments)
        return self.plain_claim(
            value, question, value["choice"], "choice", note=note, attachments=attachments
        )

    def plain_claim(
        self,
        node: Mapping[str, Any],
        question: str,
        value: Any,
        key: str | None = None,
        *,
        note: str = "",
        attachments: tuple[Attachment, ...] = (),
    ) -> Claim:
        key = question if key is None else key
        if value is None or value in ("unsure", "unanswered"):
            state: ClaimState = "unsure" if value == "unsure" else "unanswered"
            return Claim(question, (), state, note, "", attachments)
        choices = value if isinstance(value, list) else [value]
        if value == "not_applicable":
            raise self.wrong(
                node, key, f'say why {question} does not apply: {{not_applicable: "no GPUs anywhere"}}'
            )
        if not choices or not all(isinstance(choice, str) and choice for choice in choices):
            raise self.wrong(
                node, key, f"the answer to {question} is the id of a choice, unsure, or a list of ids"
            )
        if len(set(choices)) < len(choices):
            raise self.wrong(node, key, f"the answer to {question} names a choice twice: name each once")
        return Claim(question, tuple(choices), "answered", note, "", attachments)

    def attachment(self, parent: Mapping[str, Any], entry: Any) -> Attachment:
        table = self.mapping(entry, parent, "attachments", "an attachment")
        self.keys(table, "an attachment", ("file", "dated"), ("file",))
        dated = table.get("dated")
        return Attachment(
            self.text(table, "file"), None if dated is None else self.moment(table, "dated", dated).date()
        )

    def challenge(self, root: Mapping[str, Any], entry: Any) -> Challenge:
        table = self.mapping(entry, root, "challenges", "a challenge")
        self.keys(table, "a challenge", ("fact", "reason", "at", "note", "by"), ("fact", "reason", "at"))
        texts = {key: self.text(table, key) for key in ("note", "by") if table.get(key)}
        try:
            return challenge_of(
                self.text(table, "fact"),
                self.text(table, "reason"),
                self.moment(table, "at", table["at"]),
                **texts,
            )
        except UsageError as error:
            if isinstance(error, DocumentError):
                raise
            raise self.wrong(table, "fact", str(error)) from error

    def weight(self, weights: Mapping[str, Any], question: str) -> float:
        value = weights[question]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 100:
            raise self.wrong(weights, question, f"the weight of {question} is a number above 0, at most 100")
        return float(value)

    def profile(self, root: Mapping[str, Any]) -> Profile:
        value = root.get("profile") or {}
        table = self.mapping(value, root, "profile", "a profile")
        places = {str(key): self.place(table, key) for key in table}
        profile = read_profile(table, self.place(root, "profile"), places)
        if "growth_profile" in profile.values:
            self.growth_profile(table, profile)
        elif profile.values.get("growth_profile_weights") is True:
            what = "growth_profile_weights needs a growth_profile: name one, such as retail-campaign"
            raise self.wrong(table, "growth_profile_weights", what)
        if "instance" in profile.values:
            self.instance(table, profile)
        return profile

    def instance(self, table: Mapping[str, Any], profile: Profile) -> None:
        """Refuses an instance whose price is needed and not known."""
        from assessments.prices import price_for

        try:
            price_for(profile)
        except UsageError as error:
            raise self.wrong(table, "instance", str(error)) from error

    def growth_profile(self, table: Mapping[str, Any], profile: Profile) -> None:
        """Refuses a growth profile that is not there."""
        from assessments.growth_profiles import profile_named

        try:
            profile_named(profile)
        except UsageError as error:
            raise self.wrong(table, "growth_profile", str(error)) from error

    def moment(self, table: Mapping[str, Any], key: str, value: Any) -> datetime:
        """A day, to its end, or a moment; UTC where no zone is given."""
        try:
            if isinstance(value, datetime):
                found = value
            elif isinstance(value, date):
                found = datetime.combine(value, time.max)
            elif isinstance(value, str) and len(value) == 10:
                found = datetime.combine(date.fromisoformat(value), time.max)
            else:
                found = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            message = f"{key} is a day such as 2026-10-02, not {value!r:.60}"
            raise self.wrong(table, key, message) from error
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

    def entries(self, table: Mapping[str, Any], key: str) -> Iterable[Any]:
        value = table.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > 1000:
            raise self.wrong(table, key, f"{key} is a list, of at most 1,000 entries")
        return value

    def text(self, table: Mapping[str, Any], key: str, longest: int = MAX_TEXT) -> str:
        value = table[key]
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise self.wrong(table, key, f"{key} is a text of at most {longest:,} characters")
        return value.strip()

    def mapping(
        self, value: Any, parent: Mapping[str, Any] | None, key: str | None, what: str
    ) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            line = 1 if parent is None else self.line(parent, key)
            raise DocumentError(self.file, line, f"{what} is a mapping of names to values")
        return value

    def keys(
        self, table: Mapping[str, Any], what: str, known: tuple[str, ...], needed: tuple[str, ...] = ()
    ) -> None:
        for key in table:
            if key not in known:
                hint = _hint(str(key), known, f"known are {', '.join(known)}")
                raise self.wrong(table, key, f"{what} has no '{key:.60}': {hint}")
        for key in needed:
            if key not in table:
                raise self.wrong(table, None, f"{what} needs '{key}': add it")

    def place(self, node: Any, key: str | None) -> str:
        line = self.line(node, key)
        return f"{self.file}, line {line}" if line else self.file

    def line(self, node: Any, key: str | None) -> int | None:
        found = line_of(node, key) if key is not None else None
        return line_of(node) if found is None else found

    def wrong(self, node: Any, key: str | None, message: str) -> UsageError:
        return DocumentError(self.file, self.line(node, key), " ".join(message.split()))


def _hint(name: str, known: Iterable[str], otherwise: str) -> str:
    near = get_close_matches(name[:200], list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise
