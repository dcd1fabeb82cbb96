"""The answers of an assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.assessment_rows import (
    find_assessment,
    held_assessment,
    shown,
    touched_assessment,
)
from assessments.store.errors import AnswerChanged, DamagedAnswers
from assessments.store.seal import canonical, clean, clean_text
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
        if (self.state == "not_applicable") != bool(clean_text(self.not_applicable or "")):
            raise UsageError(f"{self.question}: say why it does not apply, and only where it does not")


def answers_of(session: Session, assessment: models.Assessment) -> tuple[list[Answer], list[str]]:
    """The intact answers of an assessment by question, and a sentence for each that is damaged or lost."""
    rows = _rows_of(session, assessment.key)
    answers = [_answer(row) for row in rows if row.is_intact()]
    damaged = [
        f"the answer to {shown(row.question)} does not match its hash and is left out: answer it again"
        for row in rows
        if not row.is_intact()
    ]
    if len(rows) != assessment.answer_count:
        damaged.append(
            f"{len(rows)} answers are stored where {assessment.answer_count} were written: answer again what "
            "is missing"
        )
    return answers, damaged


def intact_answers(engine: Engine, name: str) -> list[Answer]:
    """All answers of an assessment by question. Raises `DamagedAnswers` and `UnknownAssessment`."""
    with reading(engine) as session:
        answers, damaged = answers_of(session, find_assessment(session, name))
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
        row = _row(assessment.key, answer, answer.version + 1, now)
        try:
            with session.begin_nested():
                row = session.merge(row)
        except IntegrityError:
            raise _changed(answer) from None
        if stored is None:
            assessment.answer_count += 1
        return _answer(row)


def replace_answers(engine: Engine, name: str, answers: Sequence[Answer]) -> None:
    """Makes the stored answers of an assessment exactly these, whatever versions they were read as.

    An answer that stands there alike keeps its version and time. Makes the assessment when there is none of
    this name. Raises `UsageError`, with nothing written, when two answers are to one question.
    """
    check_questions(answers)
    with writing(engine) as session:
        now = present_time(session)
        replace_in(session, held_assessment(session, name, now), answers, now)


def replace_in(
    session: Session, assessment: models.Assessment, answers: Sequence[Answer], now: datetime
) -> None:
    """Makes the answers of an assessment that is held exactly these; each is to a question of its own."""
    session.flush()
    present = {row.question: row for row in _rows_of(session, assessment.key)}
    for answer in answers:
        stored = present.get(clean_text(answer.question))
        if stored is not None and stored.is_intact() and _content(_answer(stored)) == _content(answer):
            continue
        version = stored.version if stored is not None and isinstance(stored.version, int) else 0
        session.merge(_row(assessment.key, answer, version + 1, now))
        assessment.updated_at = now
    kept = {clean_text(answer.question) for answer in answers}
    if present.keys() - kept:
        # By SQL, because a damaged question may be no text that could be asked for.
        session.execute(
            delete(models.Answer).where(
                models.Answer.assessment_key == assessment.key, models.Answer.question.not_in(kept)
            )
        )
        assessment.updated_at = now
    assessment.answer_count = len(kept)


def change_in(
    session: Session,
    assessment: models.Assessment,
    changes: Sequence[tuple[Answer | None, Answer | None]],
    now: datetime,
) -> None:
    """Makes of each first answer its second, in an assessment that is held; None stands for no answer.

    All others stay as they are. Raises `AnswerChanged` when what is stored is neither the first nor the
    second, whatever the versions; a damaged answer may be changed.
    """
    session.flush()
    stored = {row.question: row for row in _rows_of(session, assessment.key)}
    for before, after in changes:
        named = after or before
        if named is None:
            continue
        question = clean_text(named.question)
        row = stored.get(question)
        wanted = None if after is None else _content(after)
        if row is None or row.is_intact():
            present = None if row is None else _content(_answer(row))
            if present == wanted:
                continue
            if present != (None if before is None else _content(before)):
                raise _changed(named)
        assessment.updated_at = now
        if after is None:
            session.delete(row)
            assessment.answer_count -= 1
            continue
        version = row.version if row is not None and isinstance(row.version, int) else 0
        session.merge(_row(assessment.key, after, version + 1, now))
        assessment.answer_count += row is None


def add_answers(
    session: Session, assessment: models.Assessment, answers: Sequence[Answer], now: datetime
) -> None:
    """Adds answers to an assessment that has none; a time they bring along stays."""
    for answer in answers:
        session.add(_row(assessment.key, answer, 1, answer.updated_at or now))
    assessment.answer_count = len(answers)


def check_questions(answers: Sequence[Answer]) -> None:
    """Raises `UsageError` when two answers are to one question."""
    seen: set[str] = set()
    for answer in answers:
        question = clean_text(answer.question)
        if question in seen:
            raise UsageError(f"{shown(question)} is answered twice: leave one of the answers out")
        seen.add(question)


def _rows_of(session: Session, assessment_key: int) -> Sequence[models.Answer]:
    return session.scalars(
        select(models.Answer)
        .where(models.Answer.assessment_key == assessment_key)
        .order_by(models.Answer.question)
    ).all()


def _row(assessment_key: int, answer: Answer, version: int, now: datetime) -> models.Answer:
    row = models.Answer(
        assessment_key=assessment_key,
        question=clean_text(answer.question),
        state=answer.state,
        choices=clean(answer.choices),
        note=clean_text(answer.note),
        not_applicable=clean(answer.not_applicable),
        attachments=clean(answer.attachments),
        version=version,
        updated_at=now,
    )
    row.seal()
    return row


def _content(answer: Answer) -> bytes:
    return canonical(
        (answer.state, answer.choices, answer.note, answer.not_applicable, list(answer.attachments))
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
