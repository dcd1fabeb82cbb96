"""Results of runs: read for an assessment, added from a document alone, and joined afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Store, UnknownAssessment, UnknownRun, open_store
from probes.errors import UsageError

Change = Callable[..., None]


@pytest.fixture
def elsewhere(sample: Any) -> Callable[..., dict[str, Any]]:
    """The document of a run that another machine made."""

    def make(run_id: str = "run-0009", **run: Any) -> dict[str, Any]:
        about = {"started_at": "2026-03-02T10:00:00+00:00", "version": "0.1.0"} | run
        fact = {**sample.fact, "source": {"probe": "load", "run": run_id}}
        document: dict[str, Any] = sample.finished(id=run_id, **about).result
        return document | {
            "target": {"kind": "http", "address": "http://10.0.0.7/predict"},
            "load": {"mode": "open"},
            "facts": [fact],
            "seal": "0" * 64,
        }

    return make


def record(store: Store, sample: Any, run_id: str, assessment: str | None, *, finish: bool = True) -> None:
    with store.record(run_id, assessment) as recorder:
        recorder(sample.started(id=run_id, started_at=f"2026-03-01T10:00:0{run_id[-1]}+00:00"))
        recorder(sample.step(0))
        recorder(sample.fact_found())
        if finish:
            recorder(sample.finished(id=run_id))
    assert recorder.failure is None


def test_results_stand_newest_first(store: Store, sample: Any, elsewhere: Any) -> None:
    record(store, sample, "run-0001", "checkout")
    record(store, sample, "run-0002", "checkout")
    record(store, sample, "run-0003", "another")
    store.add_result(elsewhere(), "checkout")
    results, damaged = store.results("checkout")
    assert [result["run"]["id"] for result in results] == ["run-0009", "run-0002", "run-0001"]
    assert damaged == []
    assert results[2] == sample.finished(id="run-0001").result
    with pytest.raises(UnknownAssessment):
        store.results("chekout")


def test_a_run_that_ended_early_gives_its_steps_and_facts(store: Store, sample: Any) -> None:
    record(store, sample, "run-0001", "checkout", finish=False)
    ((result,), damaged) = store.results("checkout")
    assert result["run"]["status"] == "interrupted"
    assert result["run"]["grade"] == "insufficient"
    assert (result["steps"], result["facts"]) == ([sample.step(0).step], [sample.fact])
    assert damaged == []


def test_a_run_that_still_runs_has_no_result_yet(store: Store, sample: Any) -> None:
    with store.record("run-0001", "checkout") as recorder:
        recorder(sample.started())
        recorder.flush()
        assert store.results("checkout") == ([], [])


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE run SET result = replace(result, '198.4', '298.4')", "its result does not match its hash"),
        ("UPDATE run SET result = NULL", "its result does not match its hash"),
        ("UPDATE run SET result = NULL, result_sha256 = NULL", "its row in the store is damaged"),
        ("UPDATE run SET status = 'running'", "its row in the store is damaged"),
    ],
)
def test_a_damaged_result_is_left_out_and_said(
    recorded: Path, change: Change, statement: str, why: str
) -> None:
    change(recorded, statement)
    with open_store(str(recorded)) as store:
        assert store.results("checkout") == ([], [f"the run run-0001 is left out: {why}"])


@pytest.mark.parametrize(
    "statement",
    ["UPDATE step SET document = '{}'", "DELETE FROM fact", "DELETE FROM step WHERE position = 0"],
)
def test_a_result_is_not_rebuilt_from_damaged_parts(
    path: Path, sample: Any, change: Change, statement: str
) -> None:
    with open_store(str(path)) as store:
        record(store, sample, "run-0001", "checkout", finish=False)
    change(path, "PRAGMA foreign_keys=OFF", statement)
    with open_store(str(path)) as store:
        results, (said,) = store.results("checkout")
    assert results == []
    assert "do not match their hashes" in said


def test_a_run_that_left_its_assessment_is_missed(recorded: Path, change: Change) -> None:
    change(recorded, "UPDATE run SET assessment_key = NULL")
    with open_store(str(recorded)) as store:
        assert store.results("checkout") == (
            [],
            [
                "0 runs are stored where 1 joined: take what is missing from a backup, or measure again",
            ],
        )


def test_a_result_of_another_machine_is_a_run_like_others(store: Store, elsewhere: Any) -> None:
    document = elsewhere()
    assert store.add_result(document, "checkout") == "run-0009"
    run = store.run("run-0009")
    assert run.damaged == []
    assert run.result == {key: value for key, value in document.items() if key != "seal"}
    assert (run.status, run.steps, run.facts) == ("completed", document["steps"], document["facts"])
    assert run.seconds == []
    (listed,) = store.runs("checkout")
    assert (listed.capacity, listed.low, listed.high, listed.grade) == (198.4, 193.0, 203.1, "valid")
    assert listed.started_at == datetime.fromisoformat("2026-03-02T10:00:00+00:00")
    assert store.assessment("checkout").damaged == []


def test_a_result_may_belong_to_no_assessment_and_join_one(store: Store, elsewhere: Any) -> None:
    store.add_result(elsewhere())
    assert store.assessments() == []
    store.add_result(elsewhere(), "checkout")
    assert [run.assessment for run in store.runs()] == ["checkout"]
    store.add_result(elsewhere(), "checkout")
    found = store.assessment("checkout")
    assert (found.summary.runs, found.summary.evidence, found.damaged) == (1, 0, [])


def test_a_run_of_another_assessment_is_evidence_of_this_one(store: Store, elsewhere: Any) -> None:
    store.add_result(elsewhere(), "checkout")
    store.add_result(elsewhere(), "search")
    assert [run.assessment for run in store.runs()] == ["checkout"]
    ((piece,), _) = store.evidence("search")
    assert (piece.kind, piece.origin, piece.sealed) == ("probe_file", "run run-0009", True)
    assert piece.document == store.run("run-0009").result


def test_a_result_that_differs_from_what_is_stored_is_refused(store: Store, elsewhere: Any) -> None:
    store.add_result(elsewhere(), "checkout")
    other = elsewhere() | {"capacity": {"rate_per_s": 900.0}}
    for assessment in ("checkout", "search", None):
        with pytest.raises(UsageError, match="a run run-0009 is stored already, and not with this result"):
            store.add_result(other, assessment)
    assert [entry.name for entry in store.assessments()] == ["checkout"]


def test_six_digits_of_a_number_are_the_same_number(store: Store, elsewhere: Any) -> None:
    store.add_result(elsewhere() | {"capacity": {"rate_per_s": 198.4000004}}, "checkout")
    rounded = elsewhere() | {"capacity": {"rate_per_s": 198.4}}
    assert store.add_result(rounded, "checkout") == "run-0009"
    assert store.run("run-0009").result["capacity"]["rate_per_s"] == 198.4000004


def test_a_damaged_run_is_made_good_by_its_document(
    path: Path, sample: Any, change: Change, elsewhere: Any
) -> None:
    with open_store(str(path)) as store:
        store.add_result(elsewhere(), "checkout")
    change(path, "UPDATE run SET result = replace(result, '198.4', '298.4')")
    with open_store(str(path)) as store:
        store.add_result(elsewhere(), "checkout")
        ((piece,), _) = store.evidence("checkout")
        assert piece.document["capacity"]["rate_per_s"] == 198.4
        assert store.run("run-0009").damaged != []  # what is damaged stays so


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ({"id": ""}, "the id of a run is empty"),
        ({"id": "a\nb"}, "holds control characters"),
        ({"id": 7}, "lacks the run's id"),
        ({"status": "running"}, "is not finished"),
        ({"started_at": "noon"}, "does not say when it started"),
        ({"started_at": "2026-03-02T10:00:00"}, "does not say when it started"),
    ],
)
def test_what_is_no_finished_run_is_refused(
    store: Store, elsewhere: Any, run: dict[str, Any], why: str
) -> None:
    document = elsewhere()
    document["run"] = document["run"] | run
    with pytest.raises(UsageError, match=why):
        store.add_result(document, "checkout")
    assert store.assessments() == []
    with pytest.raises(UsageError, match="this is no result of a run"):
        store.add_result({"schema": "loadstone.facts/1"}, "checkout")


def test_a_stored_run_joins_an_assessment(store: Store, sample: Any) -> None:
    record(store, sample, "run-0001", None)
    assert store.join_run("run-", "checkout") == "run-0001"
    assert [run.id for run in store.assessment("checkout").runs] == ["run-0001"]
    assert store.run("run-0001").damaged == []
    with pytest.raises(UnknownRun):
        store.join_run("nothing-like-it", "checkout")


def test_a_run_that_joins_another_leaves_the_first(store: Store, sample: Any) -> None:
    record(store, sample, "run-0001", "checkout")
    store.join_run("run-0001", "search")
    store.join_run("run-0001", "search")
    by_name = {entry.name: entry.runs for entry in store.assessments()}
    assert by_name == {"search": 1, "checkout": 0}
    for name in by_name:
        assert store.assessment(name).damaged == []


def test_a_damaged_run_joins_and_stays_damaged(recorded: Path, change: Change) -> None:
    change(recorded, "UPDATE run SET target_address = 'another'")
    with open_store(str(recorded)) as store:
        store.join_run("run-0001", "search")
        assert [run.damaged for run in store.runs("search")] == [True]


def test_a_run_joins_while_it_is_recorded(store: Store, path: Path, sample: Any) -> None:
    with store.record("run-0001", "checkout") as recorder:
        recorder(sample.started())
        recorder.flush()
        with open_store(str(path)) as other:
            other.join_run("run-0001", "search")
        recorder(sample.finished())
    assert recorder.failure is None
    assert [run.status for run in store.runs("search")] == ["completed"]
    assert store.assessment("checkout").damaged == store.assessment("search").damaged == []


def test_runs_that_join_at_once_are_all_counted(path: Path, elsewhere: Any) -> None:
    def add(first: int) -> None:
        with open_store(str(path)) as mine:
            for number in range(first, 20, 2):
                mine.add_result(elsewhere(f"run-{number:04}"), "checkout")

    threads = [threading.Thread(target=add, args=(first,)) for first in (0, 1)]
    open_store(str(path)).close()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_store(str(path)) as store:
        found = store.assessment("checkout")
    assert (len(found.runs), found.damaged) == (20, [])
