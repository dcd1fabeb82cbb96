"""A whole assessment that comes from elsewhere, taken in at once or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from assessments.store.answers import Answer, add_answers, check_questions
from assessments.store.assessment_rows import check_name, new_assessment
from assessments.store.evidence_rows import StoredEvidence, add_to
from assessments.store.milestones import StoredMilestone, add_milestones
from assessments.store.results import add_run, checked_result, is_stored
from assessments.store.session import present_time, writing
from assessments.store.setups import Setup, add_setup


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

    It gets the id it had, unless an assessment of this store has that already: then a fresh one. Runs that
    are stored already with the same result stay where they are, the others are added and join it. Raises
    `UsageError`, with nothing changed, when there is an assessment of this name, when a run is stored with
    another result, and for parts that contradict themselves.
    """
    check_name(name, "the name of an assessment")
    check_name(assessment_id, "the id of an assessment")
    check_questions(answers)
    checked = [checked_result(result) for result in results]
    with writing(engine) as session:
        now = present_time(session)
        assessment = new_assessment(session, name, now, assessment_id)
        add_setup(session, assessment, setup, now)
        add_answers(session, assessment.key, answers, now)
        add_to(session, assessment, evidence)
        for result in checked:
            if not is_stored(session, result):
                add_run(session, result, assessment.key, now)
        add_milestones(session, assessment, milestones)
