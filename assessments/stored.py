"""Between the store and the judging: a stored assessment as `Materials`, and what was answered kept in it.

    store ──materials──▶ Materials ──assess──▶ loadstone.assessment/1 ──milestone──▶ store
                                                        └──────restore_document──▶ another store

Nothing damaged is judged: what does not match its hash, and what this version cannot read, is left out, with
a sentence in `Materials.problems`. A damaged setup stops the judging instead (`DamagedSetup`), because by
another lens and without its challenges the score would be of another thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from assessments.claims import Answers
from assessments.evidence import EvidenceFile, evidence_of, read_evidence
from assessments.judging import Materials
from assessments.lens import Lens
from assessments.store import EvidenceKind, MilestoneSummary, Setup, Store, StoredEvidence, StoredMilestone
from assessments.stored_parts import (
    PROBE_SCHEMA,
    answer_of,
    claim_of,
    facts_by_run,
    facts_document,
    read_facts,
    run_id_of,
    stored_answers,
    stored_facts,
    stored_lens,
    stored_milestones,
    stored_runs,
)
from probes.documents import read_json
from probes.errors import UsageError
from probes.facts import Fact

__all__ = [
    "add_by_hand",
    "add_evidence",
    "add_evidence_file",
    "add_scan",
    "answer_of",
    "claim_of",
    "keep",
    "keep_changes",
    "materials",
    "milestone",
    "restore_document",
]

FACTS_SCHEMA = "loadstone.facts/1"
RESTORED = "the restored assessment"
"""Where facts come from that a restored document holds beside those of its runs."""


def materials(store: Store, name: str) -> Materials:
    """What the assessment of this name is judged from.

    Of several scans and files of one origin the last one given counts, since what it no longer finds is gone.
    Answers that the lens has no question or choice for are left out and named. Raises `UnknownAssessment`,
    `DamagedSetup`, and `UsageError` when this version cannot read the lens.
    """
    found = store.contents(name)
    problems = list(found.damaged)
    lens = stored_lens(found.setup, name)
    answers = stored_answers(found, lens, problems)
    runs = stored_runs(found)
    facts = stored_facts(found, runs, problems)
    return Materials(
        name=found.name,
        id=found.id,
        title=found.setup.title,
        lens=lens,
        answers=answers,
        facts=facts,
        runs=tuple(runs),
        milestones=stored_milestones(found, lens),
        problems=tuple(dict.fromkeys(problems)),
    )


def keep(
    store: Store,
    name: str,
    *,
    answers: Answers | None = None,
    lens: Lens | None = None,
    title: str | None = None,
) -> None:
    """Puts answers, lens and title in the place of what is stored; None leaves what is there.

    Answers bring their profile, weights and challenges along. They are checked against the lens that then
    holds: the one given, the stored one, or the one that comes with Loadstone, which is stored whole with
    them. Makes the assessment when there is none of this name. Raises `UsageError`, with nothing written,
    where answers and lens do not fit, and `DamagedSetup` unless answers and lens are both given.
    """

    def amended(setup: Setup) -> Setup:
        holds = lens
        if answers is not None:
            holds = lens or stored_lens(setup, name)
            answers.check(holds)
            holds.with_weights(answers.weights)
            setup = replace(
                setup,
                profile=answers.profile.to_json(),
                weights=dict(answers.weights),
                challenges=tuple(entry.to_json() for entry in answers.challenges),
                lens_name=answers.lens,
            )
        if holds is not None:
            setup = replace(setup, lens=holds.to_json())
        return setup if title is None else replace(setup, title=title)

    claims = None if answers is None else [answer_of(claim) for claim in answers.claims.values()]
    store.keep(name, claims, amended, even_damaged=answers is not None and lens is not None)


def keep_changes(store: Store, name: str, before: Answers, after: Answers) -> None:
    """Keeps what makes the second answers different from the first, and leaves all else that is stored.

    So several people can answer at once. Of profile and weights single entries are changed, the challenges
    as a whole. Raises, with nothing written, `UsageError` where the second do not fit the stored lens,
    `AnswerChanged` when somebody else has changed one of these answers meanwhile, `UnknownAssessment` and
    `DamagedSetup`.
    """

    def amended(setup: Setup) -> Setup:
        lens = stored_lens(setup, name)
        after.check(lens)
        lens.with_weights(after.weights)
        challenges = setup.challenges
        if before.challenges != after.challenges:
            challenges = tuple(entry.to_json() for entry in after.challenges)
        return replace(
            setup,
            profile=_changed(setup.profile, before.profile.to_json(), after.profile.to_json()),
            weights=_changed(setup.weights, before.weights, after.weights),
            challenges=challenges,
            lens_name=after.lens if before.lens != after.lens else setup.lens_name,
        )

    questions = dict.fromkeys((*before.claims, *after.claims))
    pairs = [(before.claims.get(question), after.claims.get(question)) for question in questions]
    changes = [
        (None if old is None else answer_of(old), None if new is None else answer_of(new))
        for old, new in pairs
        if old != new
    ]
    store.change(name, changes, amended)


def _changed(
    stored: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """What is stored with the entries that are different between `before` and `after`."""
    kept = {key: value for key, value in stored.items() if key in after or key not in before}
    return kept | {key: value for key, value in after.items() if before.get(key) != value}


def add_evidence(
    store: Store,
    name: str,
    evidence: EvidenceFile | Mapping[str, Any],
    *,
    origin: str | None = None,
    at: datetime | None = None,
) -> tuple[str, ...]:
    """Adds evidence that comes from elsewhere; returns a sentence for each fact that is left out.

    `evidence` is a `loadstone.probe/1` or `loadstone.facts/1` document as it was read, or an `EvidenceFile`,
    of which the facts alone are kept. A document without its right seal counts as given by hand; a sealed
    result of a run becomes a run of the assessment. `origin` names it to people, by default after what it
    holds; `at` is when it is taken in, by default now. Makes the assessment when there is none of this name.
    Raises `UsageError` for what is no evidence.
    """
    if isinstance(evidence, EvidenceFile):
        kind: EvidenceKind = "probe_file" if evidence.schema == PROBE_SCHEMA else "facts_file"
        document = facts_document(evidence.facts, evidence.problems)
        _add(store, name, kind, origin or evidence.name, document, sealed=evidence.sealed, at=at)
        return evidence.problems
    found = evidence_of(evidence, origin or _origin_of(evidence))
    if found.sealed and found.schema == PROBE_SCHEMA:
        store.add_result(evidence, name)
        return found.problems
    return add_evidence(store, name, found, at=at)


def add_evidence_file(store: Store, name: str, data: bytes, file_name: str) -> EvidenceFile:
    """Adds what a file of evidence holds, like `add_evidence`; returns what was read of it."""
    found = read_evidence(data, file_name)
    add_evidence(store, name, read_json(data, file_name), origin=file_name)
    return found


def add_scan(
    store: Store,
    name: str,
    document: Mapping[str, Any],
    *,
    origin: str | None = None,
    at: datetime | None = None,
) -> tuple[str, ...]:
    """Adds the `loadstone.facts/1` document of a scan that Loadstone has just made, which needs no seal.

    `origin` names the paths that were asked for: a later scan of the same takes the place of this one. Else
    as `add_evidence`.
    """
    if document.get("schema") != FACTS_SCHEMA:
        raise UsageError(
            f"this is no scan, its schema is {document.get('schema')!r:.60}: give a {FACTS_SCHEMA}"
        )
    origin = origin or _origin_of(document)
    facts, left_out = read_facts(document.get("facts"), origin)
    content = facts_document(facts)
    content["problems"] = [*(document.get("problems") or []), *left_out]
    content["scanned"] = list(document.get("scanned") or [])
    _add(store, name, "scan", origin, content, sealed=True, at=at)
    return tuple(left_out)


def add_by_hand(store: Store, name: str, fact: Fact) -> None:
    """Adds a fact that a person gives; it takes the place of an earlier one of its name given so."""
    document = facts_document([replace(fact, state="by_hand")])
    _add(store, name, "by_hand", f"{fact.name}, by hand", document, sealed=False, at=None)


def milestone(store: Store, name: str, label: str, document: Mapping[str, Any]) -> MilestoneSummary:
    """Keeps a `loadstone.assessment/1` document under a label, as of the moment it was judged at.

    The milestones that it holds itself are left out, since they are kept under their own labels. Raises
    `UnknownAssessment`, and `UsageError` for a label that is taken or none, and for another document.
    """
    return store.save_milestone(name, _stored_milestone(label, document))


def restore_document(store: Store, document: Mapping[str, Any], name: str | None = None) -> str:
    """Makes an assessment of a `loadstone.assessment/1` document; returns its name.

    Judged at the document's `as_of` it gives the same document again (under another name and id where those
    are taken). The document is taken at its word: whether it is as Loadstone wrote it is for the caller to
    verify. `name` is by default the one it has. Raises `UsageError`, with nothing changed, when there is an
    assessment of this name, and for what is no whole assessment.
    """
    from assessments.assessment import materials_of
    from assessments.milestones import expanded

    given = materials_of(document)
    answers, lens = given.answers, given.lens.to_json()
    of_runs, others = facts_by_run(document)
    evidence = []
    if others or given.problems:
        content = {"facts": others, "problems": list(given.problems), "scanned": []}
        evidence.append(StoredEvidence("facts_file", RESTORED, True, _as_of(document), content))
    new_name = given.name if name is None else name
    store.restore(
        new_name,
        assessment_id=given.id,
        setup=Setup(
            profile=answers.profile.to_json(),
            lens=lens,
            lens_name=answers.lens,
            weights=dict(answers.weights),
            challenges=tuple(entry.to_json() for entry in answers.challenges),
            title=given.title,
        ),
        answers=[answer_of(claim) for claim in answers.claims.values()],
        evidence=evidence,
        results=[dict(run) | {"facts": of_runs.get(run_id_of(run), [])} for run in given.runs],
        milestones=[_stored_milestone(*expanded(entry, lens)) for entry in given.milestones],
    )
    return new_name


def _add(
    store: Store,
    name: str,
    kind: EvidenceKind,
    origin: str,
    document: Mapping[str, Any],
    *,
    sealed: bool,
    at: datetime | None,
) -> None:
    store.add_evidence(name, StoredEvidence(kind, origin, sealed, at or datetime.now(UTC), document))


def _origin_of(document: Mapping[str, Any]) -> str:
    """What was scanned, or which run it is, in a few words."""
    if document.get("schema") == PROBE_SCHEMA:
        return f"run {run_id_of(document)}"
    scanned = document.get("scanned")
    entries = scanned if isinstance(scanned, list) else []
    paths = {str(entry["path"]) for entry in entries if isinstance(entry, Mapping) and "path" in entry}
    return ", ".join(sorted(paths)) or "a document of facts"


def _stored_milestone(label: str, document: Mapping[str, Any]) -> StoredMilestone:
    from assessments.assessment import SCHEMA

    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"this is no assessment, its schema is {document.get('schema')!r:.60}: give a {SCHEMA}"
        )
    return StoredMilestone(label, _as_of(document), dict(document) | {"milestones": []})


def _as_of(document: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(str(document["as_of"]))
    except (KeyError, ValueError) as error:
        raise UsageError(f"the assessment does not say at which moment it was judged ({error})") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
