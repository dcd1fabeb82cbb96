"""The same store on a real PostgreSQL server, started for these tests alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from assessments.store import (
    Answer,
    AnswerChanged,
    DamagedMilestone,
    DamagedSetup,
    Setup,
    SetupChanged,
    Store,
    StoredMilestone,
    StoreError,
    open_store,
)
from assessments.store.models import Base

pytestmark = pytest.mark.server


@pytest.fixture
def url(postgresql_url: str) -> str:
    """The URL of a fresh database for one test."""
    return postgresql_url


def test_a_run_and_its_answers_round_trip(url: str, sample: Any) -> None:
    fact = {**sample.fact, "value": 1e22, "low": -0.0, "high": 5e-324}
    with open_store(url) as store:
        assert store.journal_mode == "server"
        with store.record("run-0001", "checkout") as recorder:
            for event in sample.whole_run()[:-1]:
                recorder(event)
            recorder(sample.note("a\0b\udcff"))
            recorder(type(sample.fact_found())(13.0, fact))
            recorder(sample.finished())
        assert recorder.failure is None
        saved = store.save_answer("checkout", Answer("INF-01", choices=("INF_01_a",), note="x\0y"))
    with open_store(url) as store:
        run = store.run("run-")
        assert run.damaged == []
        assert run.result == sample.finished().result
        assert run.seconds[4]["rss_bytes"] == 5_000_000_000
        assert run.histograms[1] == ("response-histogram-of-step-1", "service-histogram-of-step-1")
        assert run.notes[1]["text"] == "ab\ufffd"
        assert run.facts == [sample.fact, fact]
        (summary,) = store.runs("checkout")
        assert summary.started_at.isoformat() == "2026-03-01T10:00:00+00:00"
        assert not summary.damaged
        (answer,) = store.answers("checkout")
        assert (answer.note, answer.version) == ("xy", 1)
        with pytest.raises(AnswerChanged):
            store.save_answer("checkout", Answer("INF-01", choices=("INF_01_b",)))
        assert store.save_answer("checkout", saved).version == 2
        assert store.assessment("checkout").summary.runs == 1
        assert_types(store)
        alter(store, 'UPDATE step SET document = \'{"mode": "closed"}\' WHERE position = 0')
        assert store.run("last").damaged == ["step 0 does not match its hash and is left out"]


def assert_types(store: Store) -> None:
    types = {
        (table, column["name"]): str(column["type"])
        for table in ("run", "second")
        for column in inspect(store._engine).get_columns(table)
    }
    assert types["run", "result"] == "JSONB"
    assert types["run", "key"] == types["second", "rss_bytes"] == "BIGINT"
    assert types["run", "heartbeat"].startswith("TIMESTAMP")


def alter(store: Store, statement: str) -> None:
    with store._engine.begin() as connection:
        connection.execute(text(statement))


def test_two_that_open_a_fresh_database_at_once_make_it_once(url: str) -> None:
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def open_it() -> None:
        start.wait()
        try:
            open_store(url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_newer_schema_and_a_missing_database_are_refused(url: str) -> None:
    with open_store(url) as store:
        alter(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Loadstone"):
        open_store(url)
    with pytest.raises(StoreError, match="see to the server, or correct --store"):
        open_store(f"{url}_missing")


def test_a_run_of_another_host_is_interrupted_by_the_servers_clock(url: str, sample: Any) -> None:
    with open_store(url) as store, store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder.flush()
        alter(store, "UPDATE run SET owner_host = 'elsewhere'")
        with open_store(url) as other:
            assert other.run("run-0001").status == "running"
        alter(store, "UPDATE run SET heartbeat = clock_timestamp() - interval '11 seconds'")
        with open_store(url) as other:
            assert other.run("run-0001").status == "interrupted"


def test_models_equal_migrations(url: str) -> None:
    with open_store(url) as store, store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert list(compare_metadata(context, Base.metadata)) == []


def test_a_whole_assessment_round_trips(
    url: str, setup: Setup, evidence: Any, sample: Any, noon: datetime
) -> None:
    document = {"schema": "loadstone.assessment/1", "z": 1e22, "a": ["x\0y", None]}
    with open_store(url) as store:
        store.keep("checkout", [Answer("INF-01", state="unsure")], lambda _: setup)
        store.add_evidence("checkout", evidence(1e-7))
        result = sample.finished(started_at="2026-03-01T10:00:00+00:00").result
        store.add_result(result | {"target": {"address": "http://x"}}, "checkout")
        store.save_milestone("checkout", StoredMilestone("before", noon, document))
    with open_store(url) as store:
        found = store.contents("checkout")
        assert found.damaged == []
        assert replace(found.setup, version=0, updated_at=None) == setup
        assert found.setup.lens is not None
        assert list(found.setup.lens) == ["schema", "zeta", "alpha"]
        assert found.evidence == [evidence(1e-7)]
        assert found.results[0]["capacity"] == result["capacity"]
        assert found.milestones[0].document == document | {"a": ["xy", None]}
        with pytest.raises(SetupChanged):
            store.save_setup("checkout", setup)
        store.restore(
            "copy", assessment_id=found.id, setup=found.setup, answers=found.answers,
            evidence=found.evidence, results=found.results, milestones=found.milestones,
        )  # fmt: skip
        copy = store.contents("copy")
        assert copy.damaged == []
        assert [piece.kind for piece in copy.evidence] == ["scan", "probe_file"]
        store.rename("copy", "shop")
        store.delete("checkout")
        assert [entry.name for entry in store.assessments()] == ["shop"]
        assert store.run("last").summary.assessment is None


def test_damage_is_noticed(url: str, setup: Setup, evidence: Any, noon: datetime) -> None:
    with open_store(url) as store:
        store.save_setup("checkout", setup)
        store.add_evidence("checkout", evidence())
        store.save_milestone("checkout", StoredMilestone("before", noon, {"a": 1}))
        alter(store, "UPDATE evidence SET document = '{\"facts\": []}'")
        alter(store, "UPDATE milestone SET document = '{}'")
        found = store.contents("checkout")
        assert (len(found.damaged), found.evidence, found.milestones) == (2, [], [])
        with pytest.raises(DamagedMilestone):
            store.milestone("checkout", "before")
        alter(store, "UPDATE setup SET weights = '{}'")
        with pytest.raises(DamagedSetup):
            store.contents("checkout")


def test_writers_at_once_lose_nothing(url: str, evidence: Any, sample: Any, noon: datetime) -> None:
    """Five kinds of change to one assessment, each ten times."""
    result: dict[str, Any] = sample.finished(started_at="2026-03-01T10:00:00+00:00").result

    def run(number: int) -> dict[str, Any]:
        return result | {"run": result["run"] | {"id": f"run-{number:04}"}}

    def stamp(store: Store, number: int) -> None:
        while True:
            try:
                store.save_setup("checkout", replace(store.setup("checkout"), title=str(number)))
            except SetupChanged:
                continue
            return

    writers: list[Callable[[Store, int], object]] = [
        lambda store, number: store.save_answer("checkout", Answer(f"INF-{number:02}", state="unsure")),
        lambda store, number: store.add_evidence("checkout", evidence(number)),
        lambda store, number: store.add_result(run(number), "checkout"),
        lambda store, number: store.save_milestone("checkout", StoredMilestone(f"m{number}", noon, {})),
        stamp,
    ]
    failures = at_once(url, writers)
    assert failures == []
    with open_store(url) as store:
        found = store.contents("checkout")
    assert found.damaged == []
    assert (len(found.answers), len(found.evidence), len(found.results)) == (10, 10, 10)
    assert (len(found.milestones), found.setup.version) == (10, 10)


def test_runs_that_change_places_do_not_wait_for_each_other(url: str, sample: Any) -> None:
    """Moving from A to B and from B to A at once would be a deadlock if each held its aim first."""
    result = sample.finished(started_at="2026-03-01T10:00:00+00:00").result
    with open_store(url) as store:
        for number, name in enumerate(("a", "b")):
            store.add_result(result | {"run": result["run"] | {"id": f"run-{number:04}"}}, name)

    def back_and_forth(run_id: str, names: str) -> Callable[[Store, int], object]:
        return lambda store, number: store.join_run(run_id, names[number % 2])

    failures = at_once(url, [back_and_forth("run-0000", "ba"), back_and_forth("run-0001", "ab")], 30)
    assert failures == []
    with open_store(url) as store:
        assert [store.assessment(name).damaged for name in "ab"] == [[], []]


def at_once(url: str, writers: list[Callable[[Store, int], object]], times: int = 10) -> list[BaseException]:
    """Lets each writer, in a thread and store of its own, write that many times; returns what failed."""
    with open_store(url) as store:
        store.keep("checkout")
    start = threading.Barrier(len(writers))
    failures: list[BaseException] = []

    def work(write: Callable[[Store, int], object]) -> None:
        try:
            with open_store(url) as store:
                start.wait()
                for number in range(times):
                    write(store, number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(write,)) for write in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
