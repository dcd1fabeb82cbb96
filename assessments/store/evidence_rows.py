"""Evidence that comes from elsewhere than this store's own runs: scans, files, and what is given by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.assessment_rows import find_assessment, held_assessment, shown
from assessments.store.seal import clean, clean_text
from assessments.store.session import present_time, reading, writing
from probes.errors import UsageError

EvidenceKind = Literal["scan", "probe_file", "facts_file", "by_hand"]


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """A piece of evidence: `{"facts": [...], "problems": [...], "scanned": [...]}` and where it is from.

    `origin` names the paths, the file or the address; `sealed` says that a file carried its right seal; `at`
    is when it was taken in. Raises `UsageError` for an unknown kind and a time without a zone.
    """

    kind: EvidenceKind
    origin: str
    sealed: bool
    at: datetime
    document: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.kind not in get_args(EvidenceKind):
            known = ", ".join(get_args(EvidenceKind))
            raise UsageError(f"'{shown(self.kind)}' is no kind of evidence: name one of {known}")
        if self.at.tzinfo is None:
            raise UsageError(f"the evidence from {shown(self.origin)} needs a time with a time zone")


def read_evidence_of(engine: Engine, name: str) -> tuple[list[StoredEvidence], list[str]]:
    """The intact evidence of an assessment in the order it was added, and a sentence for each other piece.

    Raises `UnknownAssessment`.
    """
    with reading(engine) as session:
        return evidence_of(session, find_assessment(session, name))


def evidence_of(session: Session, assessment: models.Assessment) -> tuple[list[StoredEvidence], list[str]]:
    """The same, in a transaction."""
    rows = session.scalars(
        select(models.Evidence)
        .where(models.Evidence.assessment_key == assessment.key)
        .order_by(models.Evidence.position)
    ).all()
    intact: list[StoredEvidence] = []
    damaged: list[str] = []
    for row in rows:
        if row.is_intact():
            intact.append(_evidence(row))
        else:
            damaged.append(
                f"the evidence from {shown(row.origin)} does not match its hash and is left out: "
                "give it again"
            )
    if len(rows) != assessment.evidence_count:
        damaged.append(
            f"{len(rows)} pieces of evidence are stored where {assessment.evidence_count} were written: "
            "give again what is missing"
        )
    return intact, damaged


def add_evidence(engine: Engine, name: str, evidence: StoredEvidence) -> None:
    """Adds a piece of evidence, unless the newest of its kind and origin is the same.

    It takes the place of a damaged piece of its kind and origin. Makes the assessment when there is none of
    this name.
    """
    with writing(engine) as session:
        now = present_time(session)
        assessment = held_assessment(session, name, now)
        if add_to(session, assessment, [evidence]):
            assessment.updated_at = now


def add_to(session: Session, assessment: models.Assessment, pieces: Sequence[StoredEvidence]) -> int:
    """Adds pieces of evidence to an assessment that is held; returns how many were not there already."""
    session.flush()
    added = 0
    for piece in pieces:
        document = clean(piece.document)
        seal = models.Evidence.document_seal(document)
        if _is_there(session, assessment, piece, seal):
            continue
        position = _damaged_position(session, assessment, piece)
        if position is None:
            position = _next_position(session, assessment)
            assessment.evidence_count += 1
        row = models.Evidence(
            assessment_key=assessment.key,
            position=position,
            kind=piece.kind,
            origin=clean_text(piece.origin),
            sealed=piece.sealed,
            at=piece.at,
            document_sha256=seal,
            document=document,
        )
        row.seal()
        session.merge(row)
        session.flush()
        added += 1
    return added


def _is_there(
    session: Session, assessment: models.Assessment, piece: StoredEvidence, document_seal: str
) -> bool:
    newest = session.scalar(
        select(models.Evidence)
        .where(
            models.Evidence.assessment_key == assessment.key,
            models.Evidence.kind == piece.kind,
            models.Evidence.origin == piece.origin,
        )
        .order_by(models.Evidence.position.desc())
        .limit(1)
    )
    if newest is None or not newest.is_intact():
        return False
    return newest.document_sha256 == document_seal and newest.sealed == piece.sealed


def _damaged_position(session: Session, assessment: models.Assessment, piece: StoredEvidence) -> int | None:
    """Where a damaged piece stands that this one is given again for."""
    namesakes = session.scalars(
        select(models.Evidence)
        .where(
            models.Evidence.assessment_key == assessment.key,
            models.Evidence.kind == piece.kind,
            models.Evidence.origin == piece.origin,
        )
        .order_by(models.Evidence.position)
    )
    return next((row.position for row in namesakes if not row.is_intact()), None)


def _next_position(session: Session, assessment: models.Assessment) -> int:
    last = session.scalar(
        select(func.max(models.Evidence.position)).where(models.Evidence.assessment_key == assessment.key)
    )
    return 0 if last is None else last + 1


def _evidence(row: models.Evidence) -> StoredEvidence:
    return StoredEvidence(
        kind=cast("EvidenceKind", row.kind),
        origin=row.origin,
        sealed=row.sealed,
        at=row.at,
        document=row.document,
    )
