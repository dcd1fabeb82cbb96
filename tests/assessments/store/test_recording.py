"""The recorder writes what a probe says, and never stands in the probe's way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from assessments.store import RunRecorder, Store, StoreError, models, open_store
from probes.errors import TargetError
from probes.events import FactFound, Finished, Second

NOT_KEPT = {"client_fault"}
"""Is for whoever watches; what became of it stands in the verdict of the step."""


def test_a_whole_run_is_read_as_it_was_told(store: Store, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        for event in sample.whole_run():
            recorder(event)
    run = store.run("run-0001")
    assert run.status == "completed"
    assert run.result == sample.finished().result
    assert run.seconds == [without_kind(sample.second(number)) for number in range(5)]
    assert run.steps == [sample.step(0).step, sample.step(1).step]
    assert run.histograms == [
        ("response-histogram-of-step-0", "service-histogram-of-step-0"),
        ("response-histogram-of-step-1", "service-histogram-of-step-1"),
    ]
    assert run.notes == [{"t": 11.0, "level": "info", "text": "the target was warm"}]
    assert run.facts == [sample.fact]
    assert run.damaged == []


def without_kind(second: Second) -> dict[str, Any]:
    return {name: value for name, value in second.to_json().items() if name not in {"event"} | NOT_KEPT}


def test_every_field_of_a_second_has_its_column() -> None:
    columns = {column.key for column in models.Second.__table__.columns}
    told = {field.name for field in fields(Second)} - NOT_KEPT
    assert columns - {"run_key", "position", "sha256"} == told


def test_the_listing_shows_what_the_result_says(store: Store, sample: Any) -> None:
    result = dict(sample.finished(grade="client_limited", grade_reason="too slow").result)
    with store.record("run-0001", "checkout") as recorder:
        recorder(sample.started())
        recorder(Finished(41.5, result))
    (summary,) = store.runs()
    assert summary.id == "run-0001"
    assert summary.assessment == "checkout"
    assert summary.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert summary.started_at.tzinfo is UTC
    assert (summary.status, summary.grade) == ("completed", "client_limited")
    assert summary.target_address == "http://127.0.0.1:8000/predict"
    assert (summary.capacity, summary.low, summary.high) == (198.4, 193.0, 203.1)
    assert summary.p99_ms == 21.0  # of the last step
    assert summary.seconds == 41.5
    assert not summary.damaged


def test_the_p99_at_capacity_goes_before_that_of_the_last_step(store: Store, sample: Any) -> None:
    result = dict(sample.finished().result)
    result["facts"] = [{"name": "load.response_p99_ms", "value": 87.5, "unit": "ms"}]
    record(store, sample.started(), Finished(41.5, result))
    assert store.runs()[0].p99_ms == 87.5


def test_facts_that_only_the_result_holds_are_stored_once(store: Store, sample: Any) -> None:
    other = {**sample.fact, "name": "load.throughput"}
    result = dict(sample.finished().result)
    result["facts"] = [dict(sample.fact), other]
    record(store, sample.started(), sample.fact_found(), Finished(41.5, result))
    assert store.run("run-0001").facts == [sample.fact, other]


def test_a_run_that_goes_on_can_be_read(store: Store, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder(sample.second(0))
        recorder(sample.step(0))
        assert recorder.flush()
        run = store.run("run-0001")
        assert (run.status, run.damaged) == ("running", [])
        assert run.result["steps"] == [sample.step(0).step]
        assert recorder.committed_seconds == len(run.seconds) == 1
        recorder(sample.finished())
    assert store.run("run-0001").status == "completed"


def test_an_error_of_the_probe_marks_the_run_as_failed(store: Store, sample: Any) -> None:
    with pytest.raises(TargetError), store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder(sample.second(3))
        raise TargetError("the target crashed: see its log")
    run = store.run("run-0001")
    assert (run.status, run.summary.reason) == ("failed", "the target crashed: see its log")
    assert run.summary.seconds == 3.0


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stop_marks_the_run_as_interrupted(store: Store, sample: Any, stop: type[BaseException]) -> None:
    with pytest.raises(stop), store.record("run-0001") as recorder:
        recorder(sample.started())
        raise stop
    assert store.run("run-0001").status == "interrupted"


def test_an_interrupted_run_is_rebuilt_from_its_parts(store: Store, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        for event in sample.whole_run()[:-1]:
            recorder(event)
    run = store.run("run-0001")
    assert run.status == "interrupted"
    assert run.result == {
        "schema": "loadstone.probe/1",
        "run": {
            **sample.started().run,
            "status": "interrupted",
            "seconds": 4.0,
            "reason": "it ended before its result was there",
            "grade": "insufficient",
            "grade_reason": "rebuilt from its stored parts: it has no whole result",
        },
        "target": sample.started().target,
        "load": sample.started().load,
        "steps": [sample.step(0).step, sample.step(1).step],
        "facts": [sample.fact],
    }
    assert len(run.seconds) == 5
    assert run.damaged == []


def test_a_run_that_never_started_is_not_stored(store: Store, sample: Any) -> None:
    record(store, sample.second(0), sample.note())
    assert store.runs() == []


def test_events_before_the_start_wait_for_it(store: Store, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        recorder(sample.note("resolving the address"))
        recorder.flush()
        recorder(sample.started())
        recorder(sample.finished())
    assert [note["text"] for note in store.run("last").notes] == ["resolving the address"]


def test_words_and_numbers_no_database_takes_are_cleaned(store: Store, sample: Any) -> None:
    """NUL and lone surrogates come from a target's answers, numbers that are not finite from a division."""
    record(
        store,
        sample.started(machine={"name": "a\0b\udcff"}),
        sample.second(0, max_ms=float("inf"), p50_ms=float("nan")),
        sample.note("x\0y\ud800"),
        FactFound(1.0, {"name": "load.throughput", "value": float("nan")}),
    )
    run = store.run("run-0001")
    assert run.damaged == []
    assert run.result["run"]["machine"] == {"name": "ab\ufffd"}
    assert (run.seconds[0]["max_ms"], run.seconds[0]["p50_ms"]) == (None, None)
    assert run.notes[0]["text"] == "xy\ufffd"
    assert run.facts[0]["value"] is None


def test_an_id_is_used_once(recorded: Path, sample: Any) -> None:
    with open_store(str(recorded)) as store:
        before = store.run("run-0001")
        recorder = record(store, sample.started(), sample.finished(status="aborted"))
        assert recorder.failure is not None
        assert "is stored already" in recorder.failure
        assert store.run("run-0001") == before


def test_a_full_disk_ends_the_writing_and_not_the_probe(store: Store, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder(sample.second(0))
        assert recorder.flush()
        limit_pages(store)
        recorder(sample.note("x" * 1_000_000))
        assert not recorder.flush()
        recorder(sample.second(1))
        recorder(sample.finished())
    assert recorder.failure == (
        "the run is stored only up to here: the store cannot be used: the disk is full: make room"
    )
    assert recorder.committed_seconds == len(store.run("run-0001").seconds) == 1


def limit_pages(store: Store) -> None:
    """From now on the file may not grow, which to SQLite is a full disk."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    store._engine.dispose()
    sqlalchemy_event.listen(store._engine, "connect", limit)


def test_a_store_that_is_moved_away_ends_the_writing(store: Store, path: Path, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        assert recorder.flush()
        path.rename(path.with_name("elsewhere.sqlite"))
        recorder(sample.second(0))
        assert not recorder.flush()
    assert recorder.failure is not None
    assert "moved or deleted" in recorder.failure or "cannot be opened" in recorder.failure


def test_a_fault_of_our_own_is_told_and_not_raised(store: Store, sample: Any) -> None:
    recorder = record(store, sample.started(), FactFound(1.0, {"name": "load.throughput", "value": object()}))
    assert recorder.failure is not None
    assert "a fault of Loadstone's own: TypeError" in recorder.failure


def test_a_locked_store_does_not_hold_up_the_probe(store: Store, path: Path, sample: Any) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other, store.record("run-0001") as recorder:
        other.execute("BEGIN IMMEDIATE")
        for event in sample.whole_run():
            recorder(event)
        assert other.execute("SELECT count(*) FROM run").fetchone() == (0,)
        other.execute("ROLLBACK")
        assert recorder.flush()
    assert store.run("run-0001").status == "completed"


def test_many_seconds_share_a_commit(store: Store, sample: Any) -> None:
    """Seconds alone never hurry the writer: all that came since its last commit go with the next."""
    commits = count_commits(store)
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder.flush()
        before = commits()
        for number in range(500):
            recorder(sample.second(number))
        recorder.flush()
        assert commits() - before <= 2
    assert len(store.run("run-0001").seconds) == 500


def count_commits(store: Store) -> Callable[[], int]:
    counted: list[None] = []
    sqlalchemy_event.listen(store._engine, "commit", lambda _connection: counted.append(None))
    return lambda: len(counted)


def test_the_heartbeat_goes_on_while_the_probe_says_nothing(
    store: Store, sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assessments.store.recorder.COMMIT_EVERY_S", 0.001)
    monkeypatch.setattr("assessments.store.recorder.HEARTBEAT_EVERY_S", 0.0)
    beats = threading.Semaphore(0)
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder.flush()
        sqlalchemy_event.listen(store._engine, "commit", lambda _connection: beats.release())
        for _ in range(3):
            assert beats.acquire(timeout=60)


def test_a_recorder_takes_events_from_many_threads(store: Store, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        threads = [
            threading.Thread(target=lambda: [recorder(sample.second(number)) for number in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(store.run("run-0001").seconds) == 200


def test_a_run_deleted_meanwhile_ends_the_writing(store: Store, path: Path, sample: Any) -> None:
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder.flush()
        with closing(sqlite3.connect(path)) as other:
            other.execute("DELETE FROM run")
            other.commit()
        recorder(sample.second(0))
        assert not recorder.flush()
    assert "was deleted from the store" in str(recorder.failure)


def test_after_its_end_a_recorder_stores_nothing_and_waits_for_nothing(store: Store, sample: Any) -> None:
    recorder = record(store, sample.started())
    recorder(sample.second(0))
    assert not recorder.flush()
    assert store.run("run-0001").seconds == []


def test_reading_a_closed_disk_says_what_to_do(store: Store, path: Path) -> None:
    store._engine.dispose()
    path.unlink()
    with pytest.raises(StoreError, match="cannot be opened: check that it"):
        store.runs()


def record(store: Store, *events: Any) -> RunRecorder:
    with store.record("run-0001") as recorder:
        for event in events:
            recorder(event)
    return recorder
