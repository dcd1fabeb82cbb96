"""Events of a small run, and stores to write them into."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Store, open_store
from probes.events import FactFound, Finished, Note, Second, Started, Step

RESPONSE_TEXT = "response-histogram-of-step-"
SERVICE_TEXT = "service-histogram-of-step-"


class SampleEvents:
    """The events of a run at 100 requests a second; each made anew, so that tests may replace fields."""

    fact: dict[str, Any] = {  # noqa: RUF012 - read only
        "name": "load.capacity",
        "value": 198.4,
        "low": 193.0,
        "high": 203.1,
        "unit": "1/s",
        "state": "measured",
        "at": "2026-03-01T10:00:40+00:00",
        "source": {"probe": "load", "run": "run-0001"},
    }

    def started(self, **run: Any) -> Started:
        about = {"id": "run-0001", "started_at": "2026-03-01T10:00:00+00:00", "seed": 7, "version": "0.1.0"}
        return Started(
            0.0,
            run=about | run,
            target={"kind": "http", "address": "http://127.0.0.1:8000/predict", "pids": [4242]},
            load={"mode": "open", "rate": 100},
        )

    def second(self, number: int, **fields: Any) -> Second:
        values: dict[str, Any] = {
            "step": 0, "offered_per_s": 100.0, "achieved_per_s": 99.5, "in_flight": 3, "waiting": 0, "ok": 99,
            "errors": 1, "timeouts": 0, "p50_ms": 4.25, "p99_ms": None, "max_ms": 21.0, "cpu_cores": 0.75,
            "rss_bytes": 5_000_000_000, "client_cpu_cores": None,
        }  # fmt: skip
        return Second(float(number), **(values | fields))

    def step(self, index: int) -> Step:
        document = {"mode": "open", "offered_per_s": 100, "response_ms": {"p99": 20.0 + index}}
        return Step(10.0, index, document, f"{RESPONSE_TEXT}{index}", f"{SERVICE_TEXT}{index}")

    def note(self, text: str = "the target was warm") -> Note:
        return Note(11.0, "info", text)

    def fact_found(self) -> FactFound:
        return FactFound(12.0, dict(self.fact))

    def finished(self, **run: Any) -> Finished:
        about = {"id": "run-0001", "status": "completed", "grade": "valid", "seconds": 41.5, "reason": None}
        return Finished(
            41.5,
            {
                "schema": "loadstone.probe/1",
                "run": about | run,
                "capacity": {"rate_per_s": 198.4, "low": 193, "high": 203.1},
                "steps": [self.step(0).step, self.step(1).step],
                "facts": [dict(self.fact)],
            },
        )

    def whole_run(self, seconds: int = 5) -> list[Any]:
        """All events of a run of two steps, in order."""
        return [
            self.started(),
            *(self.second(number) for number in range(seconds)),
            self.step(0),
            self.step(1),
            self.note(),
            self.fact_found(),
            self.finished(),
        ]


@pytest.fixture
def sample() -> SampleEvents:
    return SampleEvents()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's store lies or will lie."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(str(path)) as opened:
        yield opened


@pytest.fixture
def recorded(path: Path, sample: SampleEvents) -> Path:
    """A closed store with the whole run `run-0001` of the assessment `checkout`."""
    with open_store(str(path)) as opened, opened.record("run-0001", "checkout") as recorder:
        for event in sample.whole_run():
            recorder(event)
    assert recorder.failure is None
    return path


@pytest.fixture
def change() -> Callable[..., None]:
    """Changes a closed store behind its back, by SQL."""

    def execute(path: Path, *statements: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return execute


@pytest.fixture
def digest() -> Callable[[Path], str]:
    """The hash of a file's bytes."""
    return lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
