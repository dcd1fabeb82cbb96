"""An assessment read as a whole, from one state of the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from assessments.store.answers import Answer, answers_of
from assessments.store.assessment_rows import AssessmentSummary, find_assessment, summary_of
from assessments.store.evidence_rows import StoredEvidence, evidence_of
from assessments.store.milestones import MilestoneSummary, milestones_of
from assessments.store.runs import RunSummary, runs_of
from assessments.store.session import reading
from assessments.store.setups import Setup, setup_of


@dataclass(frozen=True, slots=True)
class StoredAssessment:
    """An assessment with its runs, newest first, and what of its answers, setup and evidence is intact.

    `setup` is empty where none was saved, and where it is damaged. `evidence` and `milestones` stand oldest
    first. `damaged` has a sentence for each part that does not match its hash or is gone.
    """

    summary: AssessmentSummary
    runs: list[RunSummary]
    answers: list[Answer]
    damaged: list[str]
    id: str
    setup: Setup
    evidence: list[StoredEvidence]
    milestones: list[MilestoneSummary]


def read_assessment(engine: Engine, name: str) -> StoredAssessment:
    """The assessment of this name with all it holds. Raises `UnknownAssessment`."""
    with reading(engine) as session:
        assessment = find_assessment(session, name)
        setup, damaged_setup = setup_of(session, assessment)
        answers, damaged_answers = answers_of(session, assessment.key)
        evidence, damaged_evidence = evidence_of(session, assessment)
        runs, damaged_runs = runs_of(session, assessment)
        milestones, damaged_milestones = milestones_of(session, assessment)
        return StoredAssessment(
            summary=summary_of(session, assessment),
            runs=runs,
            answers=answers,
            damaged=[
                *damaged_setup,
                *damaged_answers,
                *damaged_evidence,
                *damaged_runs,
                *damaged_milestones,
            ],
            id=assessment.id,
            setup=setup,
            evidence=evidence,
            milestones=milestones,
        )
