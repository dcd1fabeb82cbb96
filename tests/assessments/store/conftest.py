"""Events of a small run, and stores to write them into."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from assessments.store import Answer, Setup, Store, StoredEvidence, StoredMilestone, open_store
from probes.events import FactFound, Finished, Note, Second, Started, Step

RESPONSE_TEXT = "response-histogram-of-step-"
SERVICE_TEXT = "service-histogram-of-step-"
POSTGRES = "postgres"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETUP = Setup(
    profile={"deploys_to": "k8s", "peak_per_s": 180.0, "growth": {"workload": "8%/month"}},
    lens={"schema": "loadstone.lens/1", "zeta": 1, "alpha": {"b": 2.5, "a": [1, None, "µ"]}},
    weights={"INF-01": 2.0},
    challenges=({"fact": "load.capacity", "reason": "test data", "at": "2026-03-01T00:00:00+00:00"},),
    title="The checkout before the campaign",
    lens_name="our-lens.yaml",
)


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
def noon() -> datetime:
    return NOON


@pytest.fixture
def setup() -> Setup:
    """A setup with something in every field that a person gives."""
    return SETUP


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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a fresh cluster without its database's name; as root it runs as the user `postgres`."""
    pytest.importorskip("psycopg", reason='the driver is missing: pip install "loadstone[postgresql]"')
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("initdb is not installed below /usr/lib/postgresql")
    binaries = programs[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="loadstone-postgresql-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, POSTGRES, POSTGRES)
        as_user = {"user": POSTGRES, "group": POSTGRES, "extra_groups": []}
    data, port = folder / "data", free_port()

    def run(*command: str) -> None:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, timeout=120, **as_user,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    control = (str(binaries / "pg_ctl"), "-D", str(data), "-w", "-s", "-l", str(folder / "log"))
    try:
        run(str(binaries / "initdb"), "-D", str(data), "-U", POSTGRES, "-A", "trust", "-N", "-E", "UTF8")
        run(*control, "-o", f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off", "start")
        try:
            yield f"postgresql://{POSTGRES}@127.0.0.1:{port}"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def postgresql_url(postgresql: str, request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database for one test."""
    name = f"store_{abs(hash(request.node.nodeid))}"
    engine = create_engine(
        f"{postgresql}/postgres".replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{postgresql}/{name}"


@pytest.fixture
def evidence() -> Callable[..., StoredEvidence]:
    """Makes pieces of evidence that are alike but for what is named."""

    def make(value: float = 6, **fields: Any) -> StoredEvidence:
        fact = {"name": "infra.kubernetes.hpa.max_replicas", "value": value, "unit": "replicas"}
        given: dict[str, Any] = {
            "kind": "scan", "origin": "deploy/", "sealed": True, "at": NOON,
            "document": {"facts": [fact], "problems": [], "scanned": [{"path": "deploy/hpa.yaml"}]},
        }  # fmt: skip
        return StoredEvidence(**(given | fields))

    return make


@pytest.fixture
def whole(store: Store, sample: SampleEvents, evidence: Callable[..., StoredEvidence]) -> Store:
    """A store whose assessment `checkout` has one of everything."""
    with store.record("run-0001", "checkout") as recorder:
        for event in sample.whole_run():
            recorder(event)
    store.save_setup("checkout", SETUP)
    store.save_answer("checkout", Answer("INF-01", choices=("INF_01_a",), note="since March"))
    store.add_evidence("checkout", evidence())
    store.save_milestone("checkout", StoredMilestone("before", NOON, {"schema": "loadstone.assessment/1"}))
    return store
