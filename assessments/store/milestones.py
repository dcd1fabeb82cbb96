"""Milestones: an assessment as it was at a moment, whole and under a label."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.assessment_rows import check_name, find_assessment, shown
from assessments.store.errors import DamagedMilestone, UnknownMilestone
from assessments.store.seal import clean
from assessments.store.session import present_time, reading, writing
from probes.errors import UsageError

_ROWS_AT_ONCE = 4
"""So that a listing holds a few documents of several megabytes at a time, and not all."""


@dataclass(frozen=True, slots=True)
class MilestoneSummary:
    """A milestone as it is listed. One that is not `intact` does not match its hash, and cannot be read."""

    label: str
    at: datetime
    intact: bool


@dataclass(frozen=True, slots=True)
class StoredMilestone:
    """A milestone with its whole `loadstone.assessment/1` document.

    Raises `UsageError` for a label that is empty, longer than 100 characters or holds control characters, and
    for a time without a zone.
    """

    label: str
    at: datetime
    document: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_name(self.label, "the label of a milestone")
        if self.at.tzinfo is None:
            raise UsageError(f"the milestone {shown(self.label)} needs a time with a time zone")


def save_milestone(engine: Engine, name: str, milestone: StoredMilestone) -> MilestoneSummary:
    """Adds a milestone to an assessment.

    Raises `UnknownAssessment`, and `UsageError` when there is a milestone of this label already.
    """
    with writing(engine) as session:
        assessment = find_assessment(session, name, hold=True)
        assessment.updated_at = present_time(session)
        add_milestones(session, assessment, [milestone])
    return MilestoneSummary(milestone.label, milestone.at, intact=True)


def list_milestones(engine: Engine, name: str) -> list[MilestoneSummary]:
    """The milestones of an assessment, oldest first. Raises `UnknownAssessment`."""
    with reading(engine) as session:
        return milestones_of(session, find_assessment(session, name))[0]


def read_milestone(engine: Engine, name: str, label: str) -> StoredMilestone:
    """The milestone of this label.

    Raises `UnknownAssessment`, `UnknownMilestone` naming near ones, and `DamagedMilestone`.
    """
    with reading(engine) as session:
        assessment = find_assessment(session, name)
        row = session.scalar(
            select(models.Milestone).where(
                models.Milestone.assessment_key == assessment.key, models.Milestone.label == label
            )
        )
        if row is None:
            raise _unknown(session, assessment, label)
    if not row.is_intact():
        raise DamagedMilestone(f"{_damage(row)}: take it from a backup, or from a report of that day")
    return StoredMilestone(row.label, row.at, json.loads(row.document))


def milestones_of(
    session: Session, assessment: models.Assessment
) -> tuple[list[MilestoneSummary], list[str]]:
    """The milestones of an assessment, oldest first, and a sentence for each that is damaged or lost."""
    found: list[MilestoneSummary] = []
    damaged: list[str] = []
    for row in _rows_of(session, assessment):
        found.append(MilestoneSummary(row.label, row.at, row.is_intact()))
        if not found[-1].intact:
            damaged.append(_damage(row))
    return found, damaged + _lost(assessment, len(found))


def whole_milestones_of(
    session: Session, assessment: models.Assessment
) -> tuple[list[StoredMilestone], list[str]]:
    """The intact milestones of an assessment whole, oldest first, and a sentence for each other one."""
    intact: list[StoredMilestone] = []
    damaged: list[str] = []
    for row in _rows_of(session, assessment):
        if row.is_intact():
            intact.append(StoredMilestone(row.label, row.at, json.loads(row.document)))
        else:
            damaged.append(_damage(row))
    return intact, damaged + _lost(assessment, len(intact) + len(damaged))


def _rows_of(session: Session, assessment: models.Assessment) -> Iterable[models.Milestone]:
    return session.scalars(
        select(models.Milestone)
        .where(models.Milestone.assessment_key == assessment.key)
        .order_by(*_OLDEST_FIRST)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )


def _lost(assessment: models.Assessment, found: int) -> list[str]:
    if found == assessment.milestone_count:
        return []
    return [
        f"{found} milestones are stored where {assessment.milestone_count} were written: "
        "take what is missing from a backup"
    ]


def add_milestones(
    session: Session, assessment: models.Assessment, milestones: Sequence[StoredMilestone]
) -> None:
    """Adds milestones to an assessment that is held. Raises `UsageError` for a label that is taken."""
    session.flush()
    taken = set(_labels(session, assessment))
    last = session.scalar(
        select(func.max(models.Milestone.position)).where(models.Milestone.assessment_key == assessment.key)
    )
    position = -1 if last is None else last
    for milestone in milestones:
        if milestone.label in taken:
            raise UsageError(
                f"there is a milestone '{shown(milestone.label)}' of '{shown(assessment.name)}' already: "
                "choose another label"
            )
        taken.add(milestone.label)
        position += 1
        row = models.Milestone(
            assessment_key=assessment.key,
            position=position,
            label=milestone.label,
            at=milestone.at,
            document=json.dumps(clean(milestone.document), ensure_ascii=False, separators=(",", ":")),
        )
        row.seal()
        session.add(row)
        session.flush()
        session.expunge(row)
        assessment.milestone_count += 1


_OLDEST_FIRST = models.Milestone.at, models.Milestone.position


def _labels(session: Session, assessment: models.Assessment) -> Sequence[str]:
    return session.scalars(
        select(models.Milestone.label)
        .where(models.Milestone.assessment_key == assessment.key)
        .order_by(*_OLDEST_FIRST)
    ).all()


def _unknown(session: Session, assessment: models.Assessment, label: str) -> UnknownMilestone:
    labels = _labels(session, assessment)
    near = [shown(text) for text in difflib.get_close_matches(label, labels, n=3)]
    if near:
        hint = f"near it are {', '.join(near)}"
    elif labels:
        hint = f"the last ones are {', '.join(shown(text) for text in labels[-3:])}"
    else:
        hint = "it has none yet"
    return UnknownMilestone(f"'{shown(assessment.name)}' has no milestone '{shown(label)}': {hint}")


def _damage(row: models.Milestone) -> str:
    return f"the milestone {shown(row.label)} does not match its hash and is not used"
