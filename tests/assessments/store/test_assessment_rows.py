"""Assessments by name: made, listed, renamed, deleted; and what can be a name."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from assessments.store import Answer, Store, UnknownAssessment, open_store
from probes.errors import UsageError

UNSURE = Answer("INF-01", state="unsure")


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "the shop, before the campaign",
        "تقييم المتجر",
        "הערכה 2026",
        "店舗の評価",
        "🚀",
        "Ω" * 100,
        "a'b\"c;--",
        "%_",
        "नमस्ते\u200dः",
    ],
)
def test_any_text_that_can_be_shown_is_a_name(store: Store, name: str, sample: Any) -> None:
    store.save_answer(name, UNSURE)
    with store.record("run-0001", name) as recorder:
        recorder(sample.started())
    assert recorder.failure is None
    store.rename(name, "between")
    store.rename("between", name)
    (listed,) = store.assessments()
    assert (listed.name, listed.runs, listed.answers) == (name, 1, 1)
    assert store.assessment(name).summary == listed
    assert [run.assessment for run in store.runs(name)] == [name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        (" \t ", "is empty"),
        ("a\nb", "holds control characters"),
        ("a\0b", "holds control characters"),
        ("\x1b[31mred", "holds control characters"),
        ("\x9b31m", "holds control characters"),
        ("a\u2028b", "holds control characters"),
        ("invoice\u202efdp.exe", "holds control characters"),
        ("\u2067shop\u2069", "holds control characters"),
        ("half \ud83d", "holds control characters"),
        ("x" * 200, "has 200 characters: give it at most 100"),
    ],
)
def test_what_cannot_be_shown_is_no_name(store: Store, name: str, why: str) -> None:
    store.save_answer("checkout", UNSURE)
    attempts: list[Callable[[], Any]] = [
        lambda: store.save_answer(name, UNSURE),
        lambda: store.replace_answers(name, [UNSURE]),
        lambda: store.keep(name, [UNSURE]),
        lambda: store.rename("checkout", name),
        lambda: store.record("run-0001", name),
    ]
    for attempt in attempts:
        with pytest.raises(UsageError, match=why) as refused:
            attempt()
        assert str(refused.value).isprintable()
    assert [entry.name for entry in store.assessments()] == ["checkout"]
    with pytest.raises(UnknownAssessment) as unknown:
        store.assessment(name)
    assert str(unknown.value).isprintable()
    assert len(str(unknown.value)) < 300


def test_a_name_of_before_the_rules_stays_usable(
    path: Path, change: Callable[..., None], sample: Any
) -> None:
    with open_store(str(path)) as store:
        store.save_answer("checkout", UNSURE)
    change(path, f"UPDATE assessment SET name = '{'y' * 200}'")
    with open_store(str(path)) as store:
        with store.record("run-0001", "y" * 200) as recorder:
            recorder(sample.started())
        assert recorder.failure is None
        store.rename("y" * 200, "short")
        assert store.assessments()[0].runs == 1


def test_renaming_keeps_all_there_is(whole: Store) -> None:
    before = whole.contents("checkout")
    whole.rename("checkout", "shop")
    after = whole.contents("shop")
    assert (after.id, after.setup, after.answers) == (before.id, before.setup, before.answers)
    assert (after.evidence, after.results) == (before.evidence, before.results)
    assert (after.milestones, after.damaged) == (before.milestones, [])
    with pytest.raises(UnknownAssessment, match="there is no assessment 'checkout'"):
        whole.contents("checkout")


def test_a_name_in_use_is_not_given_twice(whole: Store) -> None:
    whole.save_answer("search", UNSURE)
    with pytest.raises(UsageError, match="there is an assessment 'search' already, and nothing was changed"):
        whole.rename("checkout", "search")
    with pytest.raises(UnknownAssessment):
        whole.rename("nowhere", "shop")
    assert {entry.name for entry in whole.assessments()} == {"checkout", "search"}


def test_a_run_follows_its_assessment_through_a_new_name(store: Store, sample: Any) -> None:
    with store.record("run-0001", "checkout") as recorder:
        recorder(sample.started())
        recorder.flush()
        store.rename("checkout", "shop")
        recorder(sample.finished())
    assert recorder.failure is None
    assert [run.assessment for run in store.runs()] == ["shop"]


def test_deleting_leaves_the_runs(whole: Store, path: Path) -> None:
    whole.save_answer("search", UNSURE)
    whole.delete("checkout")
    assert [entry.name for entry in whole.assessments()] == ["search"]
    run = whole.run("run-0001")
    assert (run.summary.assessment, run.damaged) == (None, [])
    with pytest.raises(UnknownAssessment):
        whole.delete("checkout")
    with closing(sqlite3.connect(path)) as connection:
        for table in ("setup", "evidence", "milestone"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM answer").fetchone() == (1,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_an_assessment_deleted_while_a_run_is_recorded_does_not_harm_it(store: Store, sample: Any) -> None:
    with store.record("run-0001", "checkout") as recorder:
        recorder(sample.started())
        recorder.flush()
        store.delete("checkout")
        recorder(sample.finished())
    assert recorder.failure is None
    assert (store.run("run-0001").status, store.run("run-0001").damaged) == ("completed", [])


def test_listing_is_linear_in_the_number_of_assessments(path: Path) -> None:
    """10,000 take about ten times as long to list as 1,000; by looking up each one it would be a hundred."""
    costs = {}
    with open_store(str(path)) as store:
        for count in (1_000, 10_000):
            fill(path, count)
            assert len(store.assessments()) == count
            costs[count] = median(cost_of(store.assessments) for _ in range(5))
        newest, *_, oldest = store.assessments()
    assert (newest.name, oldest.name) == ("assessment 9999", "assessment 0")
    assert (newest.answers, newest.evidence, newest.runs, newest.milestones) == (2, 1, 0, 0)
    assert costs[10_000] < 30 * costs[1_000]


def cost_of(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def fill(path: Path, count: int) -> None:
    """Makes assessments, with two answers and a piece of evidence each, up to that number."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (present,) = connection.execute("SELECT count(*) FROM assessment").fetchone()
        numbers = range(present, count)
        connection.executemany(
            "INSERT INTO assessment VALUES (?, ?, ?, ?, ?, 0, 0, 2, 1, 0)",
            [(n, f"assessment {n}", f"2026-{n:06}", f"2026-{n:06}", f"id-{n}") for n in numbers],
        )
        connection.executemany(
            "INSERT INTO answer VALUES (?, ?, 'unsure', '[]', '', NULL, '[]', 1, '2026', '')",
            [(n, question) for n in numbers for question in ("INF-01", "INF-02")],
        )
        connection.executemany(
            "INSERT INTO evidence VALUES (?, 0, 'scan', 'deploy/', 1, '2026', '', '', '{}')",
            [(n,) for n in numbers],
        )
