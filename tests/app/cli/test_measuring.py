"""A probe run by the command line: what is stored, shown and returned. The probe is a fake one."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.cli.main import main
from assessments.evidence import is_sealed
from assessments.store import open_store
from probes.errors import TargetError
from probes.events import Finished, Note, Phase, Preview, Second, Started, Step
from probes.load.histogram import Histogram
from probes.probe import ProbeContext

Make = Callable[..., dict[str, Any]]
TARGET = "http://127.0.0.1:8000/predict"


class FakeProbe:
    """Says what a real probe would, in no time; `behave` may do something else in the middle."""

    def __init__(
        self, document: Mapping[str, Any], behave: Callable[[ProbeContext], None] | None = None
    ) -> None:
        self.document = document
        self.behave = behave
        self.made_with: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any, **named: Any) -> FakeProbe:
        self.made_with = (*arguments, named)
        return self

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        document = {**self.document, "run": {**self.document["run"], "id": context.run_id}}
        steps = document["steps"]
        context.emit(Started(0.0, document["run"], document["target"], document["load"]))
        context.emit(Phase(0.1, "ladder", "how much it can do at all", 0.2))
        context.emit(second(1.0))
        empty = Histogram().to_text()
        for index, step in enumerate(steps):
            context.emit(Step(1.5, index, step, empty, empty))
        context.emit(Preview(1.6, 190.0, 150.0, 240.0))
        context.emit(Note(1.7, "warning", "this machine was busy"))
        if self.behave is not None:
            self.behave(context)
        if context.stop.is_set():
            document["run"] = {**document["run"], "status": "interrupted", "reason": "stopped"}
        context.emit(Finished(2.0, document))
        return document


def second(t: float) -> Second:
    return Second(t, 0, 100.0, 99.0, 3, 0, 99, 0, 0, 12.0, 80.0, 99.0, 0.98, 120_000_000, 0.2)


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "store.sqlite"
    monkeypatch.setenv("LOADSTONE_STORE", str(path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return str(path)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, store_url: str) -> Callable[[FakeProbe], FakeProbe]:
    def put(probe: FakeProbe) -> FakeProbe:
        module = ModuleType("probes.load.probe")
        module.LoadProbe = probe  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "probes.load.probe", module)
        return probe

    return put


Install = Callable[[FakeProbe], FakeProbe]
Captured = pytest.CaptureFixture[str]


def test_a_run_is_stored_and_told(install: Install, result: Make, capsys: Captured, store_url: str) -> None:
    install(FakeProbe(result()))
    assert main(["probe", TARGET, "--require", "capacity>=150", "--assessment", "shop"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Carries 198 requests/s (193–203, 95 %) with p99 ≤ 200 ms and errors ≤ 1 %.\n")
    assert "held         capacity>=150 (measured 198 1/s)" in out
    assert "loadstone: warning: this machine was busy" in err
    assert "preview: about 190 requests/s (150–240)" in err
    with open_store(store_url) as store:
        run = store.run("last")
    assert f"loadstone show {run.id}" in out
    assert run.summary.assessment == "shop"
    assert run.result["requirements"] == [{"text": "capacity>=150", "held": True, "measured": 198.4}]
    assert len(run.seconds) == 1


def test_the_options_reach_target_and_load(install: Install, result: Make, tmp_path: Path) -> None:
    probe = install(FakeProbe(result()))
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_bytes(b'{"x": 1}\r\n\n{"x": 2}\n')
    options = (
        "--slo p95<=50ms --precision 10% --max-rate 300 --budget 30s --arrivals constant --seed 9 "
        "--timeout 2s --warmup 0 --connections 64 --header X-A:b --pid 12 --pid 13 --expect-status 201 "
        "--method PUT --no-store --quiet"
    )
    main(["probe", TARGET, "--bodies", f"@{bodies}", *options.split()])
    target, spec, named = probe.made_with
    assert (target.bodies, target.method, target.expect_status) == ((b'{"x": 1}', b'{"x": 2}'), "PUT", 201)
    assert named == {"pids": (12, 13), "folder": None}
    assert spec.finds_capacity
    assert (spec.slo.text, spec.slo_asked, spec.precision, spec.max_rate) == ("p95<=50ms", True, 0.1, 300.0)
    assert (spec.budget_s, spec.arrivals, spec.seed, spec.timeout_s) == (30.0, "constant", 9, 2.0)
    assert (spec.warmup_s, spec.connections) == (0.0, 64)


def test_json_to_standard_output_leaves_only_the_document_there(
    install: Install, result: Make, capsys: Captured
) -> None:
    install(FakeProbe(result()))
    assert main(["probe", TARGET, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["schema"] == "loadstone.probe/1"
    assert is_sealed(json.loads(out))
    assert "Carries 198 requests/s" in err


def test_quiet_with_a_document_says_nothing_else(install: Install, result: Make, capsys: Captured) -> None:
    install(FakeProbe(result()))
    main(["probe", TARGET, "--json", "-", "--quiet"])
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert err == ""


def test_json_to_a_file_leaves_the_summary_on_standard_output(
    install: Install, result: Make, capsys: Captured, tmp_path: Path
) -> None:
    install(FakeProbe(result()))
    assert main(["probe", TARGET, "--json", str(tmp_path / "r.json"), "--require", "p99<=1ms"]) == 1
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert is_sealed(document), "whoever reads it on another machine can tell that nobody changed it"
    assert document["requirements"] == [{"text": "p99<=1ms", "held": False, "measured": 80.0}]
    assert "broken       p99<=1ms (measured 80 ms)" in capsys.readouterr().out


def test_events_are_one_object_a_line_and_the_last_holds_the_requirements(
    install: Install, result: Make, capsys: Captured
) -> None:
    install(FakeProbe(result()))
    assert main(["probe", TARGET, "--events", "-", "--require", "goodput>=1"]) == 4
    out, err = capsys.readouterr()
    events = [json.loads(row) for row in out.splitlines()]
    assert [event["event"] for event in events][0:3] == ["started", "phase", "second"]
    assert events[-1]["event"] == "finished"
    assert events[-1]["result"]["requirements"] == [{"text": "goodput>=1", "held": None, "measured": None}]
    assert "not measured goodput>=1" in err


def test_no_store_stores_nothing(install: Install, result: Make, store_url: str, capsys: Captured) -> None:
    install(FakeProbe(result()))
    assert main(["probe", TARGET, "--no-store"]) == 0
    assert not Path(store_url).exists()
    assert "Stored" not in capsys.readouterr().out


def test_a_store_that_cannot_be_opened_is_refused_before_any_load(
    install: Install, result: Make, capsys: Captured, tmp_path: Path
) -> None:
    probe = install(FakeProbe(result()))
    begun = []
    probe.behave = begun.append
    (tmp_path / "foreign").write_text("not a database, and long enough to have a header of its own" * 9)
    assert main(["probe", TARGET, "--store", str(tmp_path / "foreign")]) == 2
    assert not begun
    assert capsys.readouterr().err.count("\n") == 1


def test_what_cannot_be_recorded_is_saved_and_named(
    install: Install, result: Make, capsys: Captured, store_url: str, tmp_path: Path
) -> None:
    def lose_the_store(context: ProbeContext) -> None:
        with open_store(store_url) as store:
            wait_until(lambda: bool(store.runs()))
        import sqlite3

        with sqlite3.connect(store_url) as connection:
            for table in ("runs", "run"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.close()

    install(FakeProbe(result(), lose_the_store))
    assert main(["probe", TARGET]) == 0
    out, err = capsys.readouterr()
    saved = list(tmp_path.glob("loadstone-*.json"))
    assert len(saved) == 1
    assert str(saved[0]) in err
    assert json.loads(saved[0].read_text(encoding="utf-8"))["capacity"]["rate_per_s"] == 198.4
    assert "Carries 198" in out
    assert "Stored" not in out


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        time.sleep(0.01)
    raise TimeoutError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_probe_and_keeps_what_was_measured(
    install: Install, result: Make, capsys: Captured, store_url: str, number: signal.Signals
) -> None:
    def be_interrupted(context: ProbeContext) -> None:
        os.kill(os.getpid(), number)
        assert context.stop.wait(10)

    before = signal.getsignal(number)
    install(FakeProbe(result(), be_interrupted))
    assert main(["probe", TARGET]) == 130
    out, err = capsys.readouterr()
    assert out.startswith("Interrupted (stopped); what was measured until then: Carries 198")
    assert "stopping" in err
    assert signal.getsignal(number) == before
    with open_store(store_url) as store:
        assert store.run("last").status == "interrupted"


def test_a_target_that_fails_at_the_start_ends_with_3(
    install: Install, result: Make, capsys: Captured
) -> None:
    class Unreachable(FakeProbe):
        def run(self, context: ProbeContext) -> Mapping[str, Any]:
            raise TargetError("nothing listens on 127.0.0.1:8000; start the service")

    install(Unreachable(result()))
    assert main(["probe", TARGET]) == 3
    out, err = capsys.readouterr()
    assert (out, err) == ("", "loadstone: error: nothing listens on 127.0.0.1:8000; start the service\n")


def test_a_fault_of_ours_ends_with_70_and_a_report_without_secrets(
    install: Install, result: Make, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Bearer fromenvironment")

    def fail(context: ProbeContext) -> None:
        raise ValueError("sent Authorization: Bearer fromenvironment with hunter2secret")

    install(FakeProbe(result(), fail))
    argv = ["probe", TARGET, "--header", "X-Key: hunter2secret", "--header=Authorization: env:TOKEN"]
    assert main(argv) == 70
    err = capsys.readouterr().err
    (report,) = (tmp_path / "state").rglob("crash-*.txt")
    assert str(report) in err
    assert "ValueError" in err
    text = report.read_text(encoding="utf-8")
    assert "ValueError" in text
    assert "Traceback" in text
    assert "fromenvironment" not in text + err
    assert "hunter2secret" not in text + err
    assert report.stat().st_mode & 0o077 == 0


def test_events_for_a_reader_that_goes_away_stop_the_probe(
    install: Install, result: Make, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_for_the_stop(context: ProbeContext) -> None:
        assert context.stop.wait(10)

    class Broken:
        encoding = "utf-8"

        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return False

        closed = False

        def fileno(self) -> int:
            return os.open(os.devnull, os.O_WRONLY)

    install(FakeProbe(result(), wait_for_the_stop))
    monkeypatch.setattr(sys, "stdout", Broken())
    assert main(["probe", TARGET, "--events", "-"]) == 141
    with open_store(store_url) as store:
        assert store.run("last").status == "interrupted"


def test_load_never_goes_on_after_the_face_has_failed(
    install: Install, result: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()

    def note_the_stop(context: ProbeContext) -> None:
        assert context.stop.wait(10)
        stopped.set()

    def fail(self: object, event: object) -> None:
        raise RuntimeError("a bug in the face")

    install(FakeProbe(result(), note_the_stop))
    monkeypatch.setattr("app.cli.terminal.PlainLines.__call__", fail)
    assert main(["probe", TARGET, "--no-store"]) == 70
    assert stopped.is_set()
