"""Stored runs that join an assessment afterwards."""

from __future__ import annotations

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.assessment_rows import touched_assessment
from assessments.store.runs import find_run
from assessments.store.session import present_time, writing


def join_run(engine: Engine, run_id: str, name: str) -> str:
    """Makes a run one of the assessment of this name, made if need be; returns the run's whole id.

    `run_id` may be a beginning of it, or `last`. A run that belongs to another assessment leaves it; one that
    is damaged joins too, and stays damaged. Raises `UnknownRun` and `AmbiguousRun`, and `UsageError` for a
    name that none may have.
    """
    with writing(engine) as session:
        # A recorder holds its run before its assessment; the other way round would be a deadlock.
        run = session.get_one(models.Run, find_run(session, run_id), with_for_update=True)
        concerned = (models.Assessment.key == run.assessment_key) | (models.Assessment.name == name)
        in_order = select(models.Assessment.key).where(concerned).order_by(models.Assessment.key)
        session.execute(in_order.with_for_update(key_share=True))
        assessment = touched_assessment(session, name, present_time(session))
        session.flush()
        move_to(session, run, assessment)
        return run.id


def move_to(session: Session, run: models.Run, assessment: models.Assessment) -> None:
    """Moves a run to another assessment; both are held."""
    if run.assessment_key == assessment.key:
        return
    if run.assessment_key is not None:
        left = models.Assessment.key == run.assessment_key
        session.execute(
            update(models.Assessment).where(left).values(run_count=models.Assessment.run_count - 1)
        )
    with run.amended():
        run.assessment_key = assessment.key
    assessment.run_count += 1
