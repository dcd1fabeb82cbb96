"""Assessments by name, and the answers in them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.errors import AnswerChanged, DamagedAnswers, UnknownAssessment
from assessments.store.seal import clean
from assessments.store.session import present_time, reading, writing
from probes.errors import UsageError

AnswerState = Literal["answered", "unsure", "not_applicable", "unanswered"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    `not_applicable` is the reason why the question does not apply, and is given with that state alone.
    `version` is 0 for an answer that is not stored yet; the store counts it and sets `updated_at`.
    Raises `UsageError` when state and content do not fit.
    """

    question: str
    choices: tuple[str, ...] = ()
    state: AnswerState = "answered"
    note: str = ""
    not_applicable: str | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()
    updated_at: datetime | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if self.state not in get_args(AnswerState):
            raise UsageError(f"{self.question}: '{self.state}' is not a state of an answer")
        if (self.state == "answered") != bool(self.choices):
            raise UsageError(f"{self.question}: an answer has choices exactly when its state is 'answered'")
        if (self.state == "not_applicable") != bool(self.not_applicable):
            raise UsageError(f"{self.question}: say why it does not apply, and only where it does not")


@dataclass(frozen=True, slots=True)
class AssessmentSummary:
    """An assessment as it is listed: how many runs and answers it has, and when it last changed."""

    name: str
    runs: int
    answers: int
    created_at: datetime
    updated_at: datetime


def list_assessments(engine: Engine) -> list[AssessmentSummary]:
    """All assessments, the one changed last first."""
    newest_first = models.Assessment.updated_at.desc(), models.Assessment.key.desc()
    with reading(engine) as session:
        return [AssessmentSummary(*row) for row in session.execute(_SUMMARIES.order_by(*newest_first))]


def find_assessment(engine: Engine, name: str) -> AssessmentSummary:
    """The assessment of this name. Raises `UnknownAssessment` naming near ones."""
    with reading(engine) as session:
        key = _key_of(session, name)
        return AssessmentSummary(*session.execute(_SUMMARIES.where(models.Assessment.key == key)).one())


def read_answers(engine: Engine, name: str) -> tuple[list[Answer], list[str]]:
    """The intact answers of an assessment by question, and one sentence for each that is damaged.

    Raises `UnknownAssessment`.
    """
    with reading(engine) as session:
        key = _key_of(session, name)
        rows = session.scalars(
            select(models.Answer).where(models.Answer.assessment_key == key).order_by(models.Answer.question)
        ).all()
    answers = [_answer(row) for row in rows if row.is_intact()]
    damaged = [
        f"the answer to {row.question} does not match its hash and is left out: answer it again"
        for row in rows
        if not row.is_intact()
    ]
    return answers, damaged


def intact_answers(engine: Engine, name: str) -> list[Answer]:
    """All answers of an assessment by question. Raises `DamagedAnswers` and `UnknownAssessment`."""
    answers, damaged = read_answers(engine, name)
    if damaged:
        raise DamagedAnswers("; ".join(damaged))
    return answers


def save_answer(engine: Engine, name: str, answer: Answer) -> Answer:
    """Saves an answer over the version it was read as, and returns it as it stands now.

    Makes the assessment when there is none of this name. Raises `AnswerChanged`, with nothing written, when
    the stored version is another than `answer.version`.
    """
    with writing(engine) as session:
        now = present_time(session)
        assessment = touched_assessment(session, name, now)
        session.flush()
        stored = session.get(models.Answer, (assessment.key, answer.question), with_for_update=True)
        if stored is not None and stored.is_intact() and stored.version != answer.version:
            raise _changed(answer)
        if stored is None and answer.version != 0:
            raise _changed(answer)
        row = models.Answer(
            assessment_key=assessment.key,
            question=answer.question,
            state=answer.state,
            choices=list(answer.choices),
            note=answer.note,
            not_applicable=answer.not_applicable,
            attachments=clean(answer.attachments),
            version=answer.version + 1,
            updated_at=now,
        )
        row.seal()
        try:
            with session.begin_nested():
                row = session.merge(row)
        except IntegrityError:
            raise _changed(answer) from None
        return _answer(row)


def touched_assessment(session: Session, name: str, now: datetime) -> models.Assessment:
    """The assessment of this name, made if need be, as changed `now`."""
    found = select(models.Assessment).where(models.Assessment.name == name)
    assessment = session.scalar(found)
    if assessment is None:
        try:
            with session.begin_nested():
                assessment = models.Assessment(name=name, created_at=now, updated_at=now)
                session.add(assessment)
        except IntegrityError:
            assessment = session.scalars(found).one()
    assessment.updated_at = now
    return assessment


_SUMMARIES = select(
    models.Assessment.name,
    select(func.count()).where(models.Run.assessment_key == models.Assessment.key).scalar_subquery(),
    select(func.count()).where(models.Answer.assessment_key == models.Assessment.key).scalar_subquery(),
    models.Assessment.created_at,
    models.Assessment.updated_at,
)


def _key_of(session: Session, name: str) -> int:
    found = session.execute(select(models.Assessment.name, models.Assessment.key))
    names: dict[str, int] = {row.name: row.key for row in found}
    if name in names:
        return names[name]
    near = difflib.get_close_matches(name, names, n=3)
    raise UnknownAssessment(
        f"there is no assessment '{name}': "
        + (f"near it are {', '.join(near)}" if near else "`loadstone list` shows all there are")
    )


def _answer(row: models.Answer) -> Answer:
    return Answer(
        question=row.question,
        choices=tuple(row.choices),
        state=cast("AnswerState", row.state),
        note=row.note,
        not_applicable=row.not_applicable,
        attachments=tuple(row.attachments),
        updated_at=row.updated_at,
        version=row.version,
    )


def _changed(answer: Answer) -> AnswerChanged:
    return AnswerChanged(
        f"the answer to {answer.question} was changed meanwhile by somebody else, and nothing was saved: "
        "read it again first"
    )
