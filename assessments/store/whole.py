"""An assessment read as a whole, from one state of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from assessments.store.answers import Answer, answers_of
from assessments.store.assessment_rows import AssessmentSummary, find_assessment, summary_of
from assessments.store.errors import DamagedSetup
from assessments.store.evidence_rows import StoredEvidence, evidence_of
from assessments.store.milestones import (
    MilestoneSummary,
    StoredMilestone,
    milestones_of,
    whole_milestones_of,
)
from assessments.store.results import results_of
from assessments.store.runs import RunSummary, runs_of
from assessments.store.session import reading
from assessments.store.setups import Setup, setup_of


@dataclass(frozen=True, slots=True)
class StoredAssessment:
    """An assessment with its runs, newest first, and what of its answers, setup and evidence is intact.

    `setup` is empty where none was saved, and where it is damaged. `evidence` stands in the order it was
    added, `milestones` oldest first. `damaged` has a sentence for each part that does not match its hash or
    is gone.
    """

    summary: AssessmentSummary
    runs: list[RunSummary]
    answers: list[Answer]
    damaged: list[str]
    id: str
    setup: Setup
    evidence: list[StoredEvidence]
    milestones: list[MilestoneSummary]


@dataclass(frozen=True, slots=True)
class StoredContents:
    """An assessment with the documents that it is judged from.

    `results` are `loadstone.probe/1` documents, newest first. The rest is as in `StoredAssessment`, but for
    the milestones, which are whole.
    """

    name: str
    id: str
    setup: Setup
    answers: list[Answer]
    evidence: list[StoredEvidence]
    results: list[dict[str, Any]]
    milestones: list[StoredMilestone]
    damaged: list[str]


def read_contents(engine: Engine, name: str) -> StoredContents:
    """The documents of the assessment of this name.

    Raises `UnknownAssessment`, and `DamagedSetup`: without its lens and its challenges it would be judged by
    another measure.
    """
    with reading(engine) as session:
        assessment = find_assessment(session, name)
        setup, damaged_setup = setup_of(session, assessment)
        if damaged_setup:
            raise DamagedSetup("; ".join(damaged_setup))
        answers, damaged_answers = answers_of(session, assessment)
        evidence, damaged_evidence = evidence_of(session, assessment)
        results, damaged_runs = results_of(session, assessment)
        milestones, damaged_milestones = whole_milestones_of(session, assessment)
        return StoredContents(
            name=assessment.name,
            id=assessment.id,
            setup=setup,
            answers=answers,
            evidence=evidence,
            results=results,
            milestones=milestones,
            damaged=[*damaged_answers, *damaged_evidence, *damaged_runs, *damaged_milestones],
        )


def read_assessment(engine: Engine, name: str) -> StoredAssessment:
    """The assessment of this name with all it holds. Raises `UnknownAssessment`."""
    with reading(engine) as session:
        assessment = find_assessment(session, name)
        setup, damaged_setup = setup_of(session, assessment)
        answers, damaged_answers = answers_of(session, assessment)
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
