"""A whole assessment that comes from elsewhere, taken in at once or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from assessments.store.answers import Answer, add_answers, check_questions
from assessments.store.assessment_rows import NAME, check_name, new_assessment
from assessments.store.evidence_rows import StoredEvidence, add_to
from assessments.store.milestones import StoredMilestone, add_milestones
from assessments.store.results import checked_result, hold_run, take_in
from assessments.store.session import present_time, writing
from assessments.store.setups import Setup, add_setup

_FACTS = frozenset({"facts"})


def restore(
    engine: Engine,
    name: str,
    *,
    assessment_id: str,
    setup: Setup,
    answers: Sequence[Answer],
    evidence: Sequence[StoredEvidence],
    results: Sequence[Mapping[str, Any]],
    milestones: Sequence[StoredMilestone],
) -> None:
    """Makes the assessment `name` of all its parts, in one transaction.

    It gets the id it had, unless an assessment of this store has that already: then a fresh one. Its runs are
    added and join it. One that is stored already joins where it belongs to none; else, and where what is
    stored of it is damaged or has other facts, the assessment gets the result given here as a piece of
    evidence. Raises `UsageError`, with nothing changed, when there is an assessment of this name, when a run
    is stored with another result, and for parts that contradict themselves.
    """
    check_name(name, NAME)
    check_name(assessment_id, "the id of an assessment")
    check_questions(answers)
    checked = [checked_result(result) for result in results]
    with writing(engine) as session:
        now = present_time(session)
        for run_id in sorted({result["run"]["id"] for result in checked}):
            hold_run(session, run_id)  # before the assessment, as a recorder does
        assessment = new_assessment(session, name, now, assessment_id)
        add_setup(session, assessment, setup, now)
        add_answers(session, assessment, answers, now)
        add_to(session, assessment, evidence)
        for result in reversed(checked):  # given newest first, and of one moment the last added is the newest
            take_in(session, result, assessment, now, but_for=_FACTS)
        add_milestones(session, assessment, milestones)
