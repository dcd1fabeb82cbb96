"""The store: SQLite by default, PostgreSQL for a team; what was measured, answered and judged.

with open_store() as store, store.record(run_id) as recorder:
    probe.run(ProbeContext(run_id, emit=recorder))

`assessments.stored` puts together of it what an assessment is judged from.
"""

from __future__ import annotations

from assessments.store.answers import Answer, AnswerState
from assessments.store.assessment_rows import AssessmentSummary
from assessments.store.errors import (
    AmbiguousRun,
    AnswerChanged,
    DamagedAnswers,
    DamagedMilestone,
    DamagedSetup,
    SetupChanged,
    StoreError,
    UnknownAssessment,
    UnknownMilestone,
    UnknownRun,
)
from assessments.store.evidence_rows import EvidenceKind, StoredEvidence
from assessments.store.journal import journal_mode
from assessments.store.location import resolve_url, shown_url, store_path, stored_beside
from assessments.store.milestones import MilestoneSummary, StoredMilestone
from assessments.store.recorder import RunRecorder
from assessments.store.runs import RunSummary, StoredRun
from assessments.store.setups import Setup
from assessments.store.store import Store, open_store
from assessments.store.whole import StoredAssessment, StoredContents

__all__ = [
    "AmbiguousRun",
    "Answer",
    "AnswerChanged",
    "AnswerState",
    "AssessmentSummary",
    "DamagedAnswers",
    "DamagedMilestone",
    "DamagedSetup",
    "EvidenceKind",
    "MilestoneSummary",
    "RunRecorder",
    "RunSummary",
    "Setup",
    "SetupChanged",
    "Store",
    "StoreError",
    "StoredAssessment",
    "StoredContents",
    "StoredEvidence",
    "StoredMilestone",
    "StoredRun",
    "UnknownAssessment",
    "UnknownMilestone",
    "UnknownRun",
    "journal_mode",
    "open_store",
    "resolve_url",
    "shown_url",
    "store_path",
    "stored_beside",
]
