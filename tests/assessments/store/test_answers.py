"""Answers round trip, and nobody overwrites what another saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from assessments.store import (
    Answer,
    AnswerChanged,
    DamagedAnswers,
    Store,
    UnknownAssessment,
    open_store,
)
from probes.errors import UsageError

ANSWERS = [
    Answer("INF-01", choices=("INF_01_a", "INF_01_c"), note="since March\nin both regions"),
    Answer("INF-12", choices=("INF_12_c",), attachments=({"file": "runbook.pdf", "dated": "2026-10-02"},)),
    Answer("INF-14", state="not_applicable", not_applicable="no GPUs anywhere"),
    Answer("MON-03", state="unsure"),
    Answer("MON-04", state="unanswered", note="ask the platform team"),
]


def test_answers_round_trip(store: Store) -> None:
    saved = [store.save_answer("checkout", answer) for answer in ANSWERS]
    assert store.answers("checkout") == saved
    for answer, before in zip(saved, ANSWERS, strict=True):
        assert answer.updated_at is not None
        assert answer.updated_at.tzinfo is UTC
        assert replace(answer, updated_at=None, version=0) == before
        assert answer.version == 1


def test_answers_outlive_the_process(path: Path) -> None:
    with open_store(str(path)) as store:
        saved = store.save_answer("checkout", ANSWERS[0])
    with open_store(str(path)) as store:
        assert store.answers("checkout") == [saved]


def test_an_answer_is_changed_from_the_version_it_was_read_as(store: Store) -> None:
    first = store.save_answer("checkout", ANSWERS[0])
    second = store.save_answer("checkout", replace(first, choices=("INF_01_b",)))
    assert second.version == 2
    assert store.answers("checkout") == [second]


def test_what_another_saved_meanwhile_is_not_overwritten(store: Store, path: Path) -> None:
    mine = store.save_answer("checkout", ANSWERS[0])
    with open_store(str(path)) as other:
        theirs = other.save_answer("checkout", replace(mine, note="theirs"))
    with pytest.raises(AnswerChanged, match="INF-01"):
        store.save_answer("checkout", replace(mine, note="mine"))
    with pytest.raises(AnswerChanged):
        store.save_answer("checkout", ANSWERS[0])
    assert store.answers("checkout") == [theirs]


def test_an_answer_that_was_never_stored_has_no_version(store: Store) -> None:
    with pytest.raises(AnswerChanged):
        store.save_answer("checkout", replace(ANSWERS[0], version=3))
    assert store.assessments() == []


def test_an_assessment_counts_its_runs_and_answers(store: Store, sample: Any) -> None:
    store.save_answer("older", ANSWERS[0])
    with store.record("run-0001", "checkout") as recorder:
        recorder(sample.started())
    saved = store.save_answer("checkout", ANSWERS[0])
    newer, older = store.assessments()
    assert (newer.name, newer.runs, newer.answers) == ("checkout", 1, 1)
    assert (older.name, older.runs, older.answers) == ("older", 0, 1)
    assert newer.updated_at == saved.updated_at
    found = store.assessment("checkout")
    assert found.summary == newer
    assert [run.id for run in found.runs] == ["run-0001"]
    assert (found.answers, found.damaged) == ([saved], [])


def test_an_unknown_assessment_names_near_ones(store: Store) -> None:
    store.save_answer("checkout", ANSWERS[0])
    with pytest.raises(UnknownAssessment, match="near it are checkout"):
        store.assessment("chekout")
    with pytest.raises(UnknownAssessment):
        store.answers("chekout")


def test_a_changed_answer_is_reported_and_can_be_given_again(path: Path, change: Callable[..., None]) -> None:
    with open_store(str(path)) as store:
        for answer in ANSWERS[:2]:
            store.save_answer("checkout", answer)
    change(path, "UPDATE answer SET choices = '[\"INF_12_d\"]' WHERE question = 'INF-12'")
    with open_store(str(path)) as store:
        with pytest.raises(DamagedAnswers, match="INF-12"):
            store.answers("checkout")
        found = store.assessment("checkout")
        assert [answer.question for answer in found.answers] == ["INF-01"]
        assert len(found.damaged) == 1
        store.save_answer("checkout", ANSWERS[1])
        assert len(store.answers("checkout")) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "answered"},
        {"state": "unsure", "choices": ("INF_01_a",)},
        {"state": "not_applicable"},
        {"state": "unsure", "not_applicable": "no GPUs"},
        {"state": "perhaps"},
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="INF-01"):
        Answer("INF-01", **fields)
