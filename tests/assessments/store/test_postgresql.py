"""The same store on a real PostgreSQL server, started for these tests alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import inspect, text

from assessments.store import Answer, AnswerChanged, Store, StoreError, open_store

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
