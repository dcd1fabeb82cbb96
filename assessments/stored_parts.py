"""What the parts of a stored assessment say to the judging: its lens, answers, runs, facts and milestones.

What this version cannot read is left out, and a sentence on it added to `problems`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from assessments.claims import Answers, Attachment, Claim
from assessments.evidence import Challenge, challenge_of, is_derived
from assessments.lens import Lens, bundled_lens, lens_of
from assessments.profile import EMPTY, Profile, read_profile
from assessments.store import Answer, Setup, StoredContents, StoredEvidence
from assessments.store.seal import canonical
from probes.errors import UsageError
from probes.facts import Fact, FactError

PROBE_SCHEMA = "loadstone.probe/1"
_NAMED_AT_MOST = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def claim_of(answer: Answer) -> Claim:
    """The claim that a stored answer is. Raises `UsageError` where its attachments are none."""
    return Claim(
        question=answer.question,
        choices=answer.choices,
        state=answer.state,
        note=answer.note,
        reason=answer.not_applicable or "",
        attachments=tuple(_attachment_of(entry, answer.question) for entry in answer.attachments),
    )


def answer_of(claim: Claim, *, version: int = 0) -> Answer:
    """A claim as it is stored; `version` is that of the answer it was read as."""
    return Answer(
        question=claim.question,
        choices=claim.choices,
        state=claim.state,
        note=claim.note,
        not_applicable=claim.reason or None,
        attachments=tuple(attachment.to_json() for attachment in claim.attachments),
        version=version,
    )


def stored_lens(setup: Setup, name: str) -> Lens:
    """The lens of a setup, or the one that comes with Loadstone where none was chosen."""
    if setup.lens is None or setup.lens == bundled_lens().to_json():
        return bundled_lens()
    return lens_of(setup.lens, f"the lens of '{name}'")


def stored_answers(found: StoredContents, lens: Lens, problems: list[str]) -> Answers:
    """The answers that the lens has questions and choices for, with profile, weights and challenges."""
    claims: dict[str, Claim] = {}
    strange: list[str] = []
    for answer in found.answers:
        try:
            claim = claim_of(answer)
        except UsageError as error:
            problems.append(f"{error}; the answer is left out")
            continue
        if _fits(claim, lens):
            claims[claim.question] = claim
        else:
            strange.append(claim.question)
    if strange:
        named = ", ".join(strange[:_NAMED_AT_MOST]) + (", …" if len(strange) > _NAMED_AT_MOST else "")
        problems.append(
            f"the answers to {named} are left out, as the lens {lens.name} has no such question or choice: "
            "answer by this lens"
        )
    setup = found.setup
    return Answers(
        name=f"the answers of '{found.name}'",
        lens=setup.lens_name,
        profile=_profile(setup, problems),
        claims=claims,
        weights=_weights(setup, lens, problems),
        challenges=tuple(_challenges(setup, problems)),
    )


def stored_runs(found: StoredContents) -> list[dict[str, Any]]:
    """The results of the runs of this store and of those kept as evidence, newest first, each once."""
    by_id = {run_id_of(result): result for result in found.results}
    for piece in found.evidence:
        if _is_run(piece):
            by_id.setdefault(run_id_of(piece.document), dict(piece.document))
    return sorted(by_id.values(), key=_when_started, reverse=True)


def stored_facts(
    found: StoredContents, runs: Sequence[Mapping[str, Any]], problems: list[str]
) -> tuple[Fact, ...]:
    """The facts of runs, and of each kind and origin of evidence those of the last piece; each once."""
    facts: list[Fact] = []
    for run in runs:
        read, left_out = read_facts(run.get("facts"), f"run {run_id_of(run)}")
        facts += read
        problems += left_out
    newest = {(piece.kind, piece.origin): piece for piece in found.evidence if not _is_run(piece)}
    for piece in newest.values():
        read, left_out = read_facts(piece.document.get("facts"), piece.origin)
        facts += read
        problems += left_out
        problems += [_told(entry, piece.origin) for entry in piece.document.get("problems") or ()]
    once = {canonical(fact.to_json()): fact for fact in facts if not is_derived(fact)}
    return tuple(once.values())


def stored_milestones(found: StoredContents, lens: Lens) -> tuple[dict[str, Any], ...]:
    """The milestones as they travel inside a document, oldest first."""
    if not found.milestones:
        return ()
    from assessments.milestones import compact

    whole = lens.to_json()
    return tuple(compact(entry.document, entry.label, whole) for entry in found.milestones)


def read_facts(entries: Any, origin: str) -> tuple[list[Fact], list[str]]:
    """The facts in a list of documents that this version knows, and a sentence for each other one."""
    facts: list[Fact] = []
    left_out: list[str] = []
    for entry in entries if isinstance(entries, list) else []:
        try:
            facts.append(Fact.from_json(entry))
        except (FactError, KeyError, TypeError, AttributeError) as error:
            left_out.append(f"{origin}: a fact is left out, as it cannot be read ({error})")
    return facts, left_out


def run_id_of(result: Mapping[str, Any]) -> str:
    """The id of the run in a `loadstone.probe/1` document, empty where there is none."""
    run = result.get("run")
    return str(run.get("id", "")) if isinstance(run, Mapping) else ""


def facts_by_run(document: Mapping[str, Any]) -> tuple[dict[str, list[Any]], list[Any]]:
    """The facts of an assessment's document by the run that found them, and those of no run in it.

    They stand as they are given; what was derived is left out.
    """
    runs = {run_id_of(run) for run in document.get("runs", ())}
    of_runs: dict[str, list[Any]] = {}
    others: list[Any] = []
    for entry in document["facts"]:
        fact = Fact.from_json(entry)
        if is_derived(fact):
            continue
        if fact.source.run in runs:
            of_runs.setdefault(str(fact.source.run), []).append(entry)
        else:
            others.append(entry)
    return of_runs, others


def facts_document(facts: Iterable[Fact], problems: Iterable[str] = ()) -> dict[str, Any]:
    """Facts as the document of a piece of evidence."""
    return {"facts": [fact.to_json() for fact in facts], "problems": list(problems), "scanned": []}


def _attachment_of(entry: Mapping[str, Any], question: str) -> Attachment:
    try:
        dated = entry.get("dated")
        return Attachment(str(entry["file"]), None if dated is None else date.fromisoformat(str(dated)))
    except (KeyError, ValueError, AttributeError) as error:
        raise UsageError(f"{question}: an attachment cannot be read ({error}): give it again") from error


def _fits(claim: Claim, lens: Lens) -> bool:
    choices = lens.choice_ids.get(claim.question)
    if choices is None or (len(claim.choices) > 1 and not lens.takes_several):
        return False
    return all(choice in choices for choice in claim.choices)


def _profile(setup: Setup, problems: list[str]) -> Profile:
    known: dict[str, Any] = {}
    for key, value in setup.profile.items():
        try:
            read_profile({key: value}, "the stored profile")
            known[key] = value
        except UsageError as error:
            problems.append(f"{error}; it is left out")
    return read_profile(known) if known else EMPTY


def _weights(setup: Setup, lens: Lens, problems: list[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for question, weight in setup.weights.items():
        try:
            lens.with_weights({question: weight})
            weights[question] = weight
        except UsageError as error:
            problems.append(f"{error}; the weight is left out")
    return weights


def _challenges(setup: Setup, problems: list[str]) -> Iterator[Challenge]:
    for entry in setup.challenges:
        try:
            at = datetime.fromisoformat(str(entry["at"]))
            texts = {key: str(entry[key]) for key in ("note", "by") if entry.get(key)}
            yield challenge_of(str(entry["fact"]), str(entry["reason"]), at, **texts)
        except (KeyError, ValueError, AttributeError, UsageError) as error:
            problems.append(f"a stored challenge cannot be read ({error}) and is left out: give it again")


def _when_started(result: Mapping[str, Any]) -> tuple[datetime, str]:
    run_id = run_id_of(result)
    try:
        started = datetime.fromisoformat(result["run"]["started_at"])
    except (KeyError, TypeError, ValueError):
        return _LONG_AGO, run_id
    return (started if started.tzinfo is not None else started.replace(tzinfo=UTC)), run_id


def _is_run(piece: StoredEvidence) -> bool:
    return piece.kind == "probe_file" and piece.sealed and piece.document.get("schema") == PROBE_SCHEMA


def _told(problem: Any, origin: str) -> str:
    if not isinstance(problem, Mapping):
        return str(problem)
    line = problem.get("line")
    where = f"{problem.get('file') or origin}{f', line {line}' if line else ''}"
    return f"{where}: {problem.get('message', 'it could not be read')}"
