"""Which facts count on the day of judging, and for how much.

Out of all facts that an assessment holds, `weigh` takes one for each name:

- A fact proves and contradicts while it is *measured* or *read* and not expired. Facts of load runs count for
  `load_run_days`, all others for `evidence_days`, counted from their observation to the assessment's `as_of`.
  What is dated after `as_of` does not count.
- An **absence** is a fact of state *read* that says only that nothing was found in what was given: its name
  ends in `.present` and its value is false, or its name ends in `.count` and its value is 0. It challenges a
  claim and never contradicts one. A probe that asked a live system for all there is, and got none, says so
  with the state *measured*: that contradicts. Where nothing was scanned there is no fact, and the expression
  is unknown.
- A fact *by hand* supports a claim like a dated attachment, and corrects an absence; it never proves.
- A *declared* fact is a claim itself: it can cast doubt on another one, and supports none.
- An *unreadable* or *stale* fact, one that has expired, and one that a person challenged count as unknown.

What is derived from other facts (`cross_checks.py`) does not expire by itself: it is made anew of facts that
count.

Of several facts under one name the newest counts, what is positive before an absence of the same moment.

The profile (`profile.*`) is what the assessment is about, not evidence: expressions may compare with it, but
what follows from the profile alone neither proves nor contradicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

from assessments.expressions import Expression, Scalar
from probes.documents import DocumentError, line_of, read_json
from probes.errors import UsageError
from probes.facts import CATALOGUE, Fact, FactError

ChallengeReason = Literal["test data", "remediated", "not applicable", "not supported", "not detected"]
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a fact may be dated after `as_of`: clocks of two machines differ."""
SCHEMAS = ("loadstone.probe/1", "loadstone.facts/1")
DERIVING = ("derived", "history")
"""What `cross_checks` writes as the probe of its facts, and the subjects of their names."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """For how many days evidence counts; the constants of a lens may say otherwise (see `lens.py`)."""

    evidence_days: float = 180
    load_run_days: float = 30
    attachment_days: float = 180


@dataclass(frozen=True, slots=True)
class Challenge:
    """A person says why a fact does not count.

    It applies to what was observed up to `at`, not to what a later run or scan finds. Raises `UsageError` for
    a reason that is none of `ChallengeReason`.
    """

    fact: str
    reason: ChallengeReason
    at: datetime
    note: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        if self.reason not in get_args(ChallengeReason):
            known = ", ".join(get_args(ChallengeReason))
            raise UsageError(f"'{self.reason}' is no reason to challenge {self.fact}: write one of {known}")
        if self.at.tzinfo is None:
            raise UsageError(f"the challenge of {self.fact} needs a date with a time zone")

    def covers(self, fact: Fact) -> bool:
        """Whether this fact is the one that was challenged."""
        return fact.name == self.fact and fact.at <= self.at

    def to_json(self) -> dict[str, Any]:
        """The challenge as a JSON object."""
        document = {"fact": self.fact, "reason": self.reason, "at": self.at.isoformat()}
        return document | {name: text for name, text in (("note", self.note), ("by", self.by)) if text}


@dataclass(frozen=True, slots=True)
class SetAside:
    """A fact that does not count, and why, for the report to print."""

    fact: Fact
    why: str
    challenge: Challenge | None = None

    def to_json(self) -> dict[str, Any]:
        """The fact, why it does not count, and the challenge if it is one."""
        document: dict[str, Any] = {"fact": self.fact.to_json(), "why": self.why}
        return document if self.challenge is None else document | {"challenge": self.challenge.to_json()}


@dataclass(frozen=True)
class Evidence:
    """What is known at `as_of`, by name. `facts` are the facts that count.

    Each of the mappings is a view that expressions are asked with: `proof` holds what was measured or
    positively read, `support` also what was given by hand, `doubt` everything, absences and declarations
    included. All three hold the profile, and `profile` nothing else. `declared` says of values of the profile
    that nobody gave who declared them.
    """

    as_of: datetime
    expiry: Expiry = field(default_factory=Expiry)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    profile: Mapping[str, Scalar] = field(default_factory=dict)
    proof: Mapping[str, Scalar] = field(default_factory=dict)
    support: Mapping[str, Scalar] = field(default_factory=dict)
    doubt: Mapping[str, Scalar] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    declared: Mapping[str, str] = field(default_factory=dict)

    def proves(self, expression: Expression | None) -> bool:
        """Whether what was measured or positively read makes it true, and not the profile alone."""
        return (
            expression is not None
            and expression.value(self.proof) is True
            and expression.value(self.profile) is not True
        )

    def supports(self, expression: Expression | None) -> bool:
        """The same, with facts given by hand."""
        return (
            expression is not None
            and expression.value(self.support) is True
            and expression.value(self.profile) is not True
        )

    def doubts(self, expression: Expression | None) -> bool:
        """Whether it is true when everything counts: absences, declarations and the profile too."""
        return expression is not None and expression.value(self.doubt) is True

    def age_days(self, fact: Fact) -> float:
        """The fact's age at `as_of` in days, never below 0."""
        return max(0.0, (self.as_of - fact.at) / timedelta(days=1))


def is_absence(fact: Fact) -> bool:
    """Whether the fact says only that nothing was found in what was given."""
    if fact.state != "read":
        return False
    return (fact.name.endswith(".present") and fact.value is False) or (
        fact.name.endswith(".count") and fact.value == 0
    )


def is_derived(fact: Fact) -> bool:
    """Whether `cross_checks` made the fact of others, so that it is made anew and never taken over."""
    return fact.source.probe in DERIVING and fact.name.split(".", 1)[0] in DERIVING


def is_of_load_run(fact: Fact) -> bool:
    """Whether the fact rests on a run under load, and so expires earlier."""
    return fact.source.probe == "load" or fact.source.run is not None


def weigh(
    facts: Iterable[Fact],
    as_of: datetime,
    profile: Mapping[str, Scalar] | None = None,
    expiry: Expiry | None = None,
    challenges: Iterable[Challenge] = (),
) -> Evidence:
    """What the facts amount to at `as_of`. `profile` has full names (`profile.target_kind`).

    The order of `facts` makes no difference. Raises `UsageError` when `as_of` has no time zone.
    """
    if as_of.tzinfo is None:
        raise UsageError("evidence is weighed at a moment with a time zone: write 2026-03-01T00:00:00Z")
    expiry = expiry or Expiry()
    challenges = tuple(challenges)
    counting: dict[str, list[Fact]] = {}
    aside: list[SetAside] = []
    for fact in facts:
        refused = _refused(fact, as_of, expiry, challenges)
        if refused is None:
            counting.setdefault(fact.name, []).append(fact)
        else:
            aside.append(refused)
    context: dict[str, Scalar] = {}
    proof: dict[str, Scalar] = {}
    by_hand: dict[str, Scalar] = {}
    weak: dict[str, Scalar] = {}
    chosen: dict[str, Fact] = {}
    for name in sorted(counting):
        fact = _chosen(counting[name])
        chosen[name] = fact
        value = fact.value
        assert value is not None, "an unreadable fact was set aside"
        if name.startswith("profile."):
            context[name] = value
        elif fact.state == "by_hand":
            by_hand[name] = value
        elif fact.state == "declared" or is_absence(fact):
            weak[name] = value
        else:
            proof[name] = value
    context |= profile or {}
    proof = context | proof
    support = proof | by_hand
    aside.sort(key=lambda entry: (entry.fact.name, *_order(entry.fact)))
    return Evidence(
        as_of=as_of,
        expiry=expiry,
        facts=chosen,
        profile=context,
        proof=proof,
        support=support,
        doubt=support | weak,
        set_aside=tuple(aside),
    )


def _refused(
    fact: Fact, as_of: datetime, expiry: Expiry, challenges: tuple[Challenge, ...]
) -> SetAside | None:
    challenge = next((entry for entry in challenges if entry.covers(fact)), None)
    if challenge is not None:
        note = f": {challenge.note}" if challenge.note else ""
        return SetAside(fact, f"challenged as {challenge.reason}{note}", challenge)
    if fact.state in ("unreadable", "stale"):
        return SetAside(fact, f"it was {fact.state}")
    if fact.at > as_of + CLOCK_TOLERANCE:
        return SetAside(fact, f"it is dated after the assessment's {as_of:%Y-%m-%d %H:%M}")
    if fact.name.startswith("profile.") or is_derived(fact):
        return None
    days = expiry.load_run_days if is_of_load_run(fact) else expiry.evidence_days
    age = (as_of - fact.at) / timedelta(days=1)
    if age >= days:
        what = "load runs count" if is_of_load_run(fact) else "evidence counts"
        old = "1 day" if round(age) == 1 else f"{age:.0f} days"
        return SetAside(fact, f"it is {old} old and {what} for {days:g}")
    return None


def _chosen(facts: list[Fact]) -> Fact:
    """The newest of the strongest kind; what is given by hand corrects an absence."""
    if len(facts) == 1:
        return facts[0]

    def newest(entries: list[Fact]) -> Fact | None:
        if not entries:
            return None
        latest = max((entry.at, not is_absence(entry)) for entry in entries)
        tied = [entry for entry in entries if (entry.at, not is_absence(entry)) == latest]
        tied = [tied[0], *(entry for entry in tied[1:] if entry != tied[0])]
        return tied[0] if len(tied) == 1 else max(tied, key=_order)

    found = newest([fact for fact in facts if fact.state in ("measured", "read")])
    by_hand = newest([fact for fact in facts if fact.state == "by_hand"])
    if found is not None and not (is_absence(found) and by_hand is not None):
        return found
    chosen = by_hand or found or newest(facts)
    assert chosen is not None, "there is at least one fact of the name"
    return chosen


def _order(fact: Fact) -> tuple[str, str]:
    """Something to order facts by that does not depend on where they stood."""
    return fact.at.astimezone(UTC).isoformat(), repr(fact.to_json())


def attachment_counts(dated: date | None, as_of: datetime, expiry: Expiry) -> bool:
    """Whether an attachment of that date (midnight UTC) is younger than `attachment_days`, and no later."""
    if dated is None:
        return False
    age = as_of - datetime(dated.year, dated.month, dated.day, tzinfo=UTC)
    return -CLOCK_TOLERANCE <= age < timedelta(days=expiry.attachment_days)


def described(fact: Fact, as_of: datetime) -> str:
    """A fact in a few words: `load.capacity = 42 1/s (measured 1 day ago, run r1)`."""
    days = max(0, int((as_of - fact.at) / timedelta(days=1)))
    source = fact.source
    where = [f"{fact.state.replace('_', ' ')} {_ago(days)}"]
    if is_derived(fact):
        where = ["derived" if days == 0 else f"derived, the oldest part {_ago(days)}"]
    if source.run is not None:
        where.append(f"run {source.run}")
    if source.file is not None:
        where.append(source.file if source.line is None else f"{source.file}:{source.line}")
    value = "unreadable" if fact.value is None else shown(fact.value, fact.unit)
    return f"{fact.name} = {value} ({', '.join(where)})"


def shown(value: Scalar, unit: str = "") -> str:
    """A value for people: yes and no, numbers with six digits, and the unit unless it is 1."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}" if unit not in ("", "1") else text


def _ago(days: int) -> str:
    return "today" if days == 0 else f"{days} day{'s' * (days != 1)} ago"


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """What a file of evidence holds.

    `sealed` says whether it is as Loadstone wrote it; without that its facts have the state `by_hand`.
    `problems` are sentences about facts that are left out.
    """

    name: str
    schema: str
    facts: tuple[Fact, ...]
    sealed: bool
    problems: tuple[str, ...]


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its `seal`: the SHA-256 of the canonical JSON of all the rest."""
    rest = {key: value for key, value in document.items() if key != "seal"}
    return rest | {"seal": _seal(rest)}


def is_sealed(document: Mapping[str, Any]) -> bool:
    """Whether the document holds the right seal."""
    rest = {key: value for key, value in document.items() if key != "seal"}
    return document.get("seal") == _seal(rest)


def _seal(rest: Mapping[str, Any]) -> str:
    from hashlib import sha256

    from assessments.canonical import canonical

    return sha256(canonical(rest)).hexdigest()


def read_evidence(data: bytes, name: str) -> EvidenceFile:
    """The facts in a `loadstone.probe/1` or `loadstone.facts/1` file; `name` is for messages.

    A fact that this version does not know, or that does not fit the catalogue, is left out and named among
    the problems. Raises `UsageError` when the file is none of these.
    """
    return evidence_of(read_json(data, name), name)


def evidence_of(document: Any, name: str) -> EvidenceFile:
    """The same in a document that was read. Raises `UsageError`."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema not in SCHEMAS:
        raise DocumentError(
            name,
            line_of(document, "schema"),
            f"no evidence of Loadstone, its schema is {schema!r:.60}: "
            "give what `loadstone probe --json` or `loadstone scan --json` wrote",
        )
    entries = document.get("facts", [])
    if not isinstance(entries, list):
        raise DocumentError(name, line_of(document, "facts"), "'facts' is no list of facts: write it again")
    genuine = is_sealed(document)
    facts: list[Fact] = []
    problems: list[str] = []
    for entry in entries:
        try:
            if not isinstance(entry, dict):
                raise FactError("a fact is a JSON object")
            facts.append(Fact.from_json(entry if genuine else _by_hand(entry)))
        except (FactError, KeyError) as error:
            why = f"a fact needs {error}" if isinstance(error, KeyError) else str(error)
            line = line_of(entry) if isinstance(entry, dict) else None
            problems.append(f"{name}{f', line {line}' if line else ''}: {why}; the fact is left out")
    return EvidenceFile(name, schema, tuple(facts), genuine, tuple(problems))


def _by_hand(entry: Mapping[str, Any]) -> dict[str, Any]:
    state = entry.get("state", "measured")
    return dict(entry) | ({"state": "by_hand"} if state in ("measured", "read") else {})


def challenge_of(fact: str, reason: str, at: datetime, note: str = "", by: str = "") -> Challenge:
    """A challenge of a catalogued fact. Raises `UsageError` naming the nearest fact where there is none."""
    if fact not in CATALOGUE:
        from difflib import get_close_matches

        near = get_close_matches(fact[:200], CATALOGUE, n=1)
        hint = f"did you mean {near[0]}?" if near else "name a fact of the report"
        raise UsageError(f"'{fact:.60}' is no fact: {hint}")
    return Challenge(fact, reason, at, note, by)  # type: ignore[arg-type]
