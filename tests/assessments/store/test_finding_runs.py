"""Runs are listed newest first, and found by a part of their id."""

from __future__ import annotations

from typing import Any

import pytest

from assessments.store import AmbiguousRun, Store, UnknownRun


@pytest.fixture
def runs(store: Store, sample: Any) -> list[str]:
    """Four runs; the one recorded last is not the one that started last."""
    started = {"aaaa1111": "10:00", "aaaa2222": "13:00", "bbbb3333": "11:00", "100%_abc": "12:00"}
    for run_id, time in started.items():
        with store.record(run_id, "one" if run_id.startswith("aaaa") else None) as recorder:
            recorder(sample.started(started_at=f"2026-03-01T{time}:00+00:00"))
            recorder(sample.finished())
    return list(started)


@pytest.mark.usefixtures("runs")
def test_the_newest_run_comes_first(store: Store) -> None:
    assert [run.id for run in store.runs()] == ["aaaa2222", "100%_abc", "bbbb3333", "aaaa1111"]
    assert [run.id for run in store.runs(limit=2)] == ["aaaa2222", "100%_abc"]
    assert len(store.runs(limit=None)) == 4
    assert store.run("last").id == "aaaa2222"


@pytest.mark.usefixtures("runs")
def test_runs_of_one_assessment(store: Store) -> None:
    assert [run.id for run in store.runs("one")] == ["aaaa2222", "aaaa1111"]
    assert store.runs("none") == []


def test_times_of_other_zones_sort_as_times(store: Store, sample: Any) -> None:
    for run_id, time in (("early", "09:00:00+05:00"), ("later", "03:00:00-05:00")):
        with store.record(run_id) as recorder:
            recorder(sample.started(started_at=f"2026-03-01T{time}"))
    assert [run.id for run in store.runs()] == ["later", "early"]
    assert store.runs()[0].started_at.isoformat() == "2026-03-01T08:00:00+00:00"


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("given", ["bbbb3333", "bbbb333", "bbbb"])
def test_a_run_is_found_by_the_beginning_of_its_id(store: Store, given: str) -> None:
    assert store.run(given).id == "bbbb3333"


@pytest.mark.usefixtures("runs")
def test_signs_that_sql_uses_stand_for_themselves(store: Store) -> None:
    assert store.run("100%").id == "100%_abc"
    for pattern in ("1___", "%%%%", "bb%b", "' OR 1=1 --"):
        with pytest.raises(UnknownRun):
            store.run(pattern)


@pytest.mark.usefixtures("runs")
def test_a_beginning_that_several_runs_share_names_them(store: Store) -> None:
    with pytest.raises(AmbiguousRun, match="aaaa2222, aaaa1111"):
        store.run("aaaa")


@pytest.mark.usefixtures("runs")
def test_an_unknown_run_names_near_ones(store: Store) -> None:
    with pytest.raises(UnknownRun, match="near it are bbbb3333") as failure:
        store.run("bbbb3334")
    assert failure.value.exit_code == 2


@pytest.mark.usefixtures("runs")
def test_too_short_a_beginning_is_refused(store: Store) -> None:
    with pytest.raises(UnknownRun, match="at least 4 characters"):
        store.run("bbb")


def test_a_whole_id_may_be_short(store: Store, sample: Any) -> None:
    with store.record("r1") as recorder:
        recorder(sample.started())
    assert store.run("r1").id == "r1"


def test_the_last_of_no_runs_is_unknown(store: Store) -> None:
    with pytest.raises(UnknownRun, match="holds no runs yet"):
        store.run("last")
