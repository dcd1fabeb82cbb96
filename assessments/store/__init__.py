"""The store: SQLite by default, PostgreSQL for a team; what was measured and what was answered.

with open_store() as store, store.record(run_id) as recorder:
    probe.run(ProbeContext(run_id, emit=recorder))
"""

from __future__ import annotations

from assessments.store.answers import Answer, AnswerState, AssessmentSummary
from assessments.store.errors import (
    AmbiguousRun,
    AnswerChanged,
    DamagedAnswers,
    StoreError,
    UnknownAssessment,
    UnknownRun,
)
from assessments.store.journal import journal_mode
from assessments.store.location import resolve_url, shown_url, store_path
from assessments.store.recorder import RunRecorder
from assessments.store.runs import RunSummary, StoredRun
from assessments.store.store import Store, StoredAssessment, open_store

__all__ = [
    "AmbiguousRun",
    "Answer",
    "AnswerChanged",
    "AnswerState",
    "AssessmentSummary",
    "DamagedAnswers",
    "RunRecorder",
    "RunSummary",
    "Store",
    "StoreError",
    "StoredAssessment",
    "StoredRun",
    "UnknownAssessment",
    "UnknownRun",
    "journal_mode",
    "open_store",
    "resolve_url",
    "shown_url",
    "store_path",
]
