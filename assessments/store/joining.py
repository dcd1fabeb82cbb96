"""Stored runs that join an assessment afterwards."""

from __future__ import annotations

from sqlalchemy import Engine

from assessments.store import models
from assessments.store.assessment_rows import touched_assessment
from assessments.store.runs import find_run
from assessments.store.session import present_time, writing


def join_run(engine: Engine, run_id: str, name: str) -> str:
    """Makes a run one of the assessment of this name, made if need be; returns the run's whole id.

    `run_id` may be a beginning of it, or `last`. A run that belongs to another assessment leaves it; one that
    is damaged joins too, and stays damaged. Raises `UnknownRun` and `AmbiguousRun`.
    """
    with writing(engine) as session:
        # A recorder holds its run before its assessment; the other way round would be a deadlock.
        run = session.get_one(models.Run, find_run(session, run_id), with_for_update=True)
        assessment = touched_assessment(session, name, present_time(session))
        session.flush()
        with run.amended():
            run.assessment_key = assessment.key
        return run.id
