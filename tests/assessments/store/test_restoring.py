"""A whole assessment is taken in from elsewhere at once, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Answer, Setup, Store, StoredMilestone, open_store
from probes.errors import UsageError

Change = Callable[..., None]


@pytest.fixture
def parts(sample: Any, setup: Setup, evidence: Any, noon: datetime) -> dict[str, Any]:
    """All that `restore` takes, with two runs of one moment."""
    results = []
    for number in (2, 1):
        run_id = f"run-000{number}"
        fact = {**sample.fact, "source": {"probe": "load", "run": run_id}}
        started_at = "2026-03-01T10:00:00+00:00"
        document = sample.finished(id=run_id, started_at=started_at).result
        results.append(document | {"target": {"address": "http://x"}, "load": {}, "facts": [fact]})
    return {
        "assessment_id": "0123456789abcdef0123456789abcdef",
        "setup": setup,
        "answers": [Answer("INF-01", choices=("INF_01_a",), note="since March", updated_at=noon)],
        "evidence": [evidence(), evidence(7, origin="charts/")],
        "results": results,
        "milestones": [StoredMilestone("before", noon, {"schema": "loadstone.assessment/1"})],
    }


def test_all_parts_are_there(store: Store, parts: dict[str, Any], noon: datetime) -> None:
    store.restore("checkout", **parts)
    found = store.contents("checkout")
    assert (found.name, found.id) == ("checkout", parts["assessment_id"])
    assert replace(found.setup, version=0, updated_at=None) == parts["setup"]
    assert found.answers == [replace(parts["answers"][0], version=1)]
    assert (found.evidence, found.results) == (parts["evidence"], parts["results"])
    assert (found.milestones, found.damaged) == (parts["milestones"], [])
    assert [run.assessment for run in store.runs()] == ["checkout"] * 2


def test_an_id_that_is_taken_gives_way_to_a_fresh_one(store: Store, parts: dict[str, Any]) -> None:
    store.restore("checkout", **parts)
    store.restore("copy", **parts)
    first, second = store.assessment("checkout"), store.assessment("copy")
    assert first.id == parts["assessment_id"] != second.id


def test_runs_of_another_assessment_stay_there_and_count_in_both(store: Store, parts: dict[str, Any]) -> None:
    store.restore("checkout", **parts)
    store.restore("copy", **parts)
    found = store.contents("copy")
    assert [run.assessment for run in store.runs()] == ["checkout"] * 2
    assert [piece.document for piece in found.evidence if piece.kind == "probe_file"] == [
        parts["results"][1],
        parts["results"][0],
    ]
    assert store.assessment("checkout").damaged == found.damaged == []


def test_runs_that_a_deleted_assessment_left_join_again(store: Store, parts: dict[str, Any]) -> None:
    store.restore("checkout", **parts)
    store.delete("checkout")
    assert [run.assessment for run in store.runs()] == [None, None]
    store.restore("checkout", **parts)
    found = store.assessment("checkout")
    assert (found.id, len(found.runs), len(found.evidence)) == (parts["assessment_id"], 2, 2)
    assert found.damaged == []


def test_a_damaged_run_does_not_keep_an_assessment_out(
    path: Path, parts: dict[str, Any], change: Change
) -> None:
    with open_store(str(path)) as store:
        store.restore("checkout", **parts)
    change(path, "UPDATE run SET result = replace(result, '198.4', '298.4') WHERE id = 'run-0001'")
    with open_store(str(path)) as store:
        store.restore("copy", **parts)
        results = [piece.document for piece in store.contents("copy").evidence if piece.kind == "probe_file"]
        assert {result["capacity"]["rate_per_s"] for result in results} == {198.4}


def test_a_name_that_is_taken_is_refused_with_nothing_changed(store: Store, parts: dict[str, Any]) -> None:
    store.save_answer("checkout", Answer("INF-09", state="unsure"))
    before = store.contents("checkout")
    with pytest.raises(
        UsageError, match="there is an assessment 'checkout' already, and nothing was changed"
    ):
        store.restore("checkout", **parts)
    assert store.contents("checkout") == before
    assert store.runs() == []


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("results", [{"schema": "loadstone.probe/1", "run": {"id": "x"}}], "does not say when it started"),
        ("answers", [Answer("INF-01", state="unsure")] * 2, "INF-01 is answered twice"),
        ("assessment_id", "", "the id of an assessment is empty"),
        ("milestones", "twice", "there is a milestone 'before'"),
    ],
)
def test_what_contradicts_itself_leaves_nothing(
    store: Store, parts: dict[str, Any], name: str, value: Any, why: str
) -> None:
    parts[name] = parts[name] * 2 if value == "twice" else value
    with pytest.raises(UsageError, match=why):
        store.restore("checkout", **parts)
    assert (store.assessments(), store.runs()) == ([], [])


def test_a_run_with_another_result_leaves_nothing(store: Store, parts: dict[str, Any]) -> None:
    store.add_result(parts["results"][0] | {"capacity": {"rate_per_s": 900.0}})
    with pytest.raises(UsageError, match="a run run-0002 is stored already"):
        store.restore("checkout", **parts)
    assert store.assessments() == []
    assert [run.id for run in store.runs()] == ["run-0002"]
