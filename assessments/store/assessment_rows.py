"""Assessments by name: found, listed, made, renamed and deleted."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.errors import UnknownAssessment
from assessments.store.session import present_time, reading, writing
from probes.errors import UsageError

LONGEST_NAME = 100
NAME = "the name of an assessment"


@dataclass(frozen=True, slots=True)
class AssessmentSummary:
    """An assessment as it is listed: how much it holds, and when it last changed."""

    name: str
    runs: int
    answers: int
    created_at: datetime
    updated_at: datetime
    id: str
    evidence: int
    milestones: int


def list_assessments(engine: Engine) -> list[AssessmentSummary]:
    """All assessments, the one changed last first."""
    newest_first = models.Assessment.updated_at.desc(), models.Assessment.key.desc()
    with reading(engine) as session:
        return [AssessmentSummary(*row) for row in session.execute(_SUMMARIES.order_by(*newest_first))]


def summary_of(session: Session, assessment: models.Assessment) -> AssessmentSummary:
    """What of this assessment is listed."""
    found = session.execute(_SUMMARIES.where(models.Assessment.key == assessment.key))
    return AssessmentSummary(*found.one())


def find_assessment(session: Session, name: str, *, hold: bool = False) -> models.Assessment:
    """The assessment of this name; with `hold` nobody else writes to it until the transaction ends.

    Raises `UnknownAssessment` naming near ones.
    """
    assessment = session.scalar(_held(name) if hold else _named(name))
    if assessment is not None:
        return assessment
    near = difflib.get_close_matches(name, session.scalars(select(models.Assessment.name)).all(), n=3)
    raise UnknownAssessment(
        f"there is no assessment '{shown(name)}': "
        + (f"near it are {', '.join(near)}" if near else "`loadstone list` shows all there are")
    )


def held_assessment(session: Session, name: str, now: datetime) -> models.Assessment:
    """The assessment of this name, made if need be; nobody else writes to it until the transaction ends.

    Raises `UsageError` for a name that none may have.
    """
    assessment = session.scalar(_held(name))
    if assessment is None:
        check_name(name, NAME)
        try:
            with session.begin_nested():
                assessment = models.Assessment(name=name, created_at=now, updated_at=now)
                session.add(assessment)
        except IntegrityError:
            assessment = session.scalars(_held(name)).one()
    return assessment


def touched_assessment(session: Session, name: str, now: datetime) -> models.Assessment:
    """The same, as changed `now`."""
    assessment = held_assessment(session, name, now)
    assessment.updated_at = now
    return assessment


def new_assessment(session: Session, name: str, now: datetime, preferred_id: str) -> models.Assessment:
    """Makes an assessment, with the id `preferred_id` unless another one has it.

    Raises `UsageError` when there is one of this name.
    """
    try:
        with session.begin_nested():
            assessment = models.Assessment(name=name, created_at=now, updated_at=now, id=preferred_id)
            session.add(assessment)
    except IntegrityError:
        if session.scalar(_named(name)) is not None:
            raise _taken(name) from None
        return new_assessment(session, name, now, models.new_id())
    return assessment


def rename_assessment(engine: Engine, old: str, new: str) -> None:
    """Gives an assessment another name. Raises `UnknownAssessment`, and `UsageError` for a name not free."""
    check_name(new, NAME)
    with writing(engine) as session:
        assessment = find_assessment(session, old, hold=True)
        if assessment.name == new:
            return
        try:
            with session.begin_nested():
                assessment.name = new
                assessment.updated_at = present_time(session)
        except IntegrityError:
            raise _taken(new) from None


def delete_assessment(engine: Engine, name: str) -> None:
    """Deletes an assessment and all it holds but its runs, which stay and belong to none then.

    Raises `UnknownAssessment`.
    """
    with writing(engine) as session:
        key = find_assessment(session, name).key
        # A recorder holds its run before its assessment; the other way round would be a deadlock.
        session.execute(select(models.Run.key).where(models.Run.assessment_key == key).with_for_update())
        session.execute(select(models.Assessment.key).where(models.Assessment.key == key).with_for_update())
        for run in session.scalars(select(models.Run).where(models.Run.assessment_key == key)):
            with run.amended():
                run.assessment_key = None
        for table in (models.Answer, models.Setup, models.Evidence, models.Milestone):
            session.execute(delete(table).where(table.assessment_key == key))
        session.flush()
        session.execute(delete(models.Assessment).where(models.Assessment.key == key))


def check_new_name(engine: Engine, name: str) -> None:
    """Raises `UsageError` unless there is an assessment of this name, or one may be made."""
    with reading(engine) as session:
        if session.scalar(_named(name)) is None:
            check_name(name, NAME)


def check_name(text: str, what: str) -> str:
    """Returns `text` when it can be a name or label. Raises `UsageError`; `what` says whose it is.

    Text that runs from right to left can; marks that turn the direction of what follows cannot.
    """
    if not text.strip():
        raise UsageError(f"{what} is empty: give it at least one letter")
    if len(text) > LONGEST_NAME:
        raise UsageError(f"{what} has {len(text)} characters: give it at most {LONGEST_NAME}")
    if shown(text) != text:
        raise UsageError(f"{what} '{shown(text)}' holds control characters: leave them out")
    return text


def shown(text: object) -> str:
    """A stored text as it may stand in a sentence: cut short, and without control characters."""
    whole = str(text)
    cut = whole if len(whole) <= LONGEST_NAME else f"{whole[: LONGEST_NAME - 1]}…"
    return "".join("�" if _is_control(sign) else sign for sign in cut)


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in _CONTROLS or unicodedata.bidirectional(sign) in _TURNS


_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})

_SUMMARIES = select(
    models.Assessment.name,
    select(func.count()).where(models.Run.assessment_key == models.Assessment.key).scalar_subquery(),
    select(func.count()).where(models.Answer.assessment_key == models.Assessment.key).scalar_subquery(),
    models.Assessment.created_at,
    models.Assessment.updated_at,
    models.Assessment.id,
    select(func.count()).where(models.Evidence.assessment_key == models.Assessment.key).scalar_subquery(),
    select(func.count()).where(models.Milestone.assessment_key == models.Assessment.key).scalar_subquery(),
)


def _named(name: str) -> Select[models.Assessment]:
    return select(models.Assessment).where(models.Assessment.name == name)


def _held(name: str) -> Select[models.Assessment]:
    return _named(name).with_for_update(key_share=True)


def _taken(name: str) -> UsageError:
    return UsageError(
        f"there is an assessment '{shown(name)}' already, and nothing was changed: give another name"
    )
