"""`loadstone run` as its users run it: what is done, stored, written and returned."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.cli.main import main
from assessments.store import open_store
from probes.events import Finished, Started
from probes.facts import Source, observed
from probes.probe import ProbeContext

Make = Callable[..., dict[str, Any]]
Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[3]
SERVER = ROOT / "tests" / "systems" / "servers" / "queue_server.py"

ANSWERS = """schema: loadstone.answers/1
profile: {target_kind: http, deploys_to: k8s, peak_per_s: 100, target_peak_per_s: 150, replicas: 2}
answers: {INF-08: INF_08_c, INF-12: INF_12_c, MON-01: MON_01_c}
"""
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: shop
        image: "shop:1"
        resources: {requests: {cpu: 1}, limits: {memory: MEMORY}}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "answers.yaml").write_text(ANSWERS)
    (tmp_path / "deploy.yaml").write_text(MANIFEST.replace("MEMORY", "100M"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def make(text: str) -> str:
        path = tmp_path / "loadstone.yaml"
        path.write_text(text)
        return str(path)

    return make


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, result: Make) -> Callable[..., None]:
    """Puts a probe in the place of the load probe which gives this result at once, with facts of its run."""

    def put(
        behave: Callable[[ProbeContext], None] | None = None,
        facts: Mapping[str, float] | None = None,
        **changes: Any,
    ) -> None:
        class Given:
            def __init__(self, *_: Any, **__: Any) -> None: ...

            def run(self, context: ProbeContext) -> Mapping[str, Any]:
                document = result(**changes)
                document["run"]["id"] = context.run_id
                given = {"load.capacity": 198.4} if facts is None else facts
                source = Source("load", run=context.run_id)
                document["facts"] = [observed(name, value, source).to_json() for name, value in given.items()]
                context.emit(Started(0.0, document["run"], document["target"], document["load"]))
                if behave is not None:
                    behave(context)
                if context.stop.is_set():
                    document["run"] |= {"status": "interrupted", "reason": "stopped"}
                context.emit(Finished(1.0, document))
                return document

        module = ModuleType("probes.load.probe")
        module.LoadProbe = Given  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "probes.load.probe", module)

    return put


FILE = """assessment: shop
title: Before the campaign
target: http://127.0.0.1:8000/predict
slo: p99<=200ms,errors<=1%
answers: answers.yaml
scan: deploy.yaml
"""


def states(document: Mapping[str, Any]) -> dict[str, str]:
    return {claim["question"]: claim["state"] for claim in document["claims"]}


def test_probe_scan_judging_and_reports_in_one_go(
    measured: Callable[..., None], write: Callable[[str], str], tmp_path: Path, capsys: Captured
) -> None:
    """A limit of 100 MB over a measured peak of 95 MB is 1.05: less than the margin that was claimed."""
    measured(facts={"load.capacity": 198.4, "process.rss_peak_bytes": 95_000_000})
    json_file = tmp_path / "out.json"
    code = main(["run", write(FILE + "report: [r.json, r.csv]\n"), "--json", str(json_file)])
    out, err = capsys.readouterr()
    assert code == 0, err
    document = json.loads(json_file.read_text(encoding="utf-8"))
    assert document["schema"] == "loadstone.assessment/1"
    assert document["assessment"]["title"] == "Before the campaign"
    found = states(document)
    assert (found["INF-08"], found["INF-12"], found["MON-01"]) == ("contradicted", "verified", "claimed")
    limit = next(f for f in document["facts"] if f["name"] == "infra.kubernetes.memory_limit_bytes")
    assert limit["source"]["file"] == "deploy.yaml", "named from the folder of the run file"
    assert [run["run"]["id"] for run in document["runs"]]
    assert document["profile"]["slo"] == "p99<=200ms,errors<=1%"
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["schema"] == "loadstone.assessment/1"
    assert "INF-08" in (tmp_path / "r.csv").read_text(encoding="utf-8")
    assert out.startswith("Carries 198 requests/s")
    assert "1 claim is contradicted by the evidence:" in out
    assert "INF-08  " in out
    assert f"Report:{tmp_path / 'r.json'}" in "".join(out.split()), "a long path is broken over lines"
    with open_store() as store:
        kept = store.assessment("shop")
        assert [run.assessment for run in kept.runs] == ["shop"]
        assert {answer.question for answer in kept.answers} == {"INF-08", "INF-12", "MON-01"}
        assert [piece.origin for piece in kept.evidence] == ["deploy.yaml"]


def test_without_a_store_the_same_is_judged_and_nothing_is_kept(
    measured: Callable[..., None], write: Callable[[str], str], tmp_path: Path, capsys: Captured
) -> None:
    measured(facts={"load.capacity": 198.4, "process.rss_peak_bytes": 95_000_000})
    assert main(["run", write(FILE), "--no-store", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert states(document)["INF-08"] == "contradicted"
    assert states(document)["INF-12"] == "verified"
    assert not (tmp_path / "store.sqlite").exists()


def test_a_second_run_replaces_what_was_scanned_and_answered(
    measured: Callable[..., None], write: Callable[[str], str], tmp_path: Path, capsys: Captured
) -> None:
    measured(facts={"load.capacity": 198.4, "process.rss_peak_bytes": 95_000_000})
    path = write(FILE)
    assert main(["run", path]) == 0
    (tmp_path / "deploy.yaml").write_text(MANIFEST.replace("MEMORY", "200M"))
    (tmp_path / "answers.yaml").write_text(ANSWERS.replace("MON-01: MON_01_c", "MON-01: unsure"))
    capsys.readouterr()
    assert main(["run", path, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (states(document)["INF-08"], states(document)["MON-01"]) == ("verified", "unsure")
    assert len(document["runs"]) == 2


def test_skipping_the_probe_judges_by_what_is_stored(
    measured: Callable[..., None], write: Callable[[str], str], capsys: Captured
) -> None:
    measured()
    path = write(FILE)
    assert main(["run", path, "--skip-probe", "--json", "-"]) == 0
    assert states(json.loads(capsys.readouterr().out))["INF-12"] == "claimed"
    assert main(["run", path]) == 0
    measured(behave=lambda _: pytest.fail("something was sent"))
    capsys.readouterr()
    assert main(["run", path, "--skip-probe", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert states(document)["INF-12"] == "verified"
    assert len(document["runs"]) == 1


def test_a_report_on_the_command_line_takes_the_place_of_those_in_the_file(
    measured: Callable[..., None], write: Callable[[str], str], tmp_path: Path
) -> None:
    measured()
    (tmp_path / "else").mkdir()
    wanted = tmp_path / "else" / "only.csv"
    assert main(["run", write(FILE + "report: r.json\n"), "--report", str(wanted), "--quiet"]) == 0
    assert wanted.exists()
    assert not (tmp_path / "r.json").exists()


def test_a_target_without_answers_gives_the_result_of_the_load(
    measured: Callable[..., None], write: Callable[[str], str], capsys: Captured
) -> None:
    measured()
    assert main(["run", write("assessment: shop\ntarget: http://127.0.0.1:1/\n"), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "loadstone.probe/1"


@pytest.mark.parametrize(
    ("changes", "more", "code"),
    [
        ({}, "require: [capacity>=150]\n", 0),
        ({}, "require: [capacity>=250]\n", 1),
        ({"bound": "unmet_at_minimum"}, "", 1),
        ({"bound": "indeterminate"}, "", 4),
        ({"grade": "client_limited"}, "", 4),
        ({"status": "failed"}, "require: [capacity>=250]\n", 3),
        ({"status": "aborted"}, "require: [capacity>=250]\n", 6),
    ],
)
def test_the_exit_code_is_that_of_the_load(
    measured: Callable[..., None], write: Callable[[str], str], changes: dict[str, Any], more: str, code: int
) -> None:
    measured(**changes)
    assert main(["run", write(FILE + more), "--quiet"]) == code


def test_bad_usage_starts_nothing(
    measured: Callable[..., None], write: Callable[[str], str], capsys: Captured, tmp_path: Path
) -> None:
    measured(behave=lambda _: pytest.fail("something was started"))
    path = write(FILE)
    for options, says in (
        (["--store", "x", "--no-store"], "exclude each other"),
        (["--skip-probe", "--no-store"], "leave --no-store out"),
        (["--json", "-", "--events", "-"], "both want standard output"),
        (["--report", "r.docx"], "which is no format of a report"),
        (["--json", str(tmp_path)], "is a folder"),
    ):
        assert main(["run", path, *options]) == 2
        assert says in capsys.readouterr().err
    assert main(["run", write(FILE + "reprot: a.pdf\n")]) == 2
    assert (
        "loadstone.yaml, line 7: a run file has no 'reprot': did you mean report?" in capsys.readouterr().err
    )
    assert main(["run", str(tmp_path / "none.yaml")]) == 2
    assert not (tmp_path / "store.sqlite").exists()


def test_a_report_that_cannot_be_written_is_said_and_the_rest_is_kept(
    measured: Callable[..., None], write: Callable[[str], str], capsys: Captured, tmp_path: Path
) -> None:
    measured(behave=lambda _: (tmp_path / "r.csv").mkdir())
    assert main(["run", write(FILE + "report: [r.csv, r.json]\n")]) == 2
    out, err = capsys.readouterr()
    assert "r.csv cannot be written" in err
    assert "r.json" in out
    assert (tmp_path / "r.json").exists()


def test_the_last_event_says_what_was_judged(
    measured: Callable[..., None], write: Callable[[str], str], capsys: Captured
) -> None:
    measured()
    assert main(["run", write(FILE), "--events", "-"]) == 0
    out, err = capsys.readouterr()
    events = [json.loads(row) for row in out.splitlines()]
    assert [event["event"] for event in events] == ["started", "finished", "assessed"]
    assert events[-1]["assessment"] == "shop"
    assert events[-1]["headline"]
    assert "Carries 198" in err


def test_an_interrupted_run_is_stored_and_printed_and_writes_no_report(
    measured: Callable[..., None], write: Callable[[str], str], capsys: Captured, tmp_path: Path
) -> None:
    def be_interrupted(context: ProbeContext) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert context.stop.wait(10)

    measured(behave=be_interrupted)
    assert main(["run", write(FILE + "report: r.csv\n")]) == 130
    out, _ = capsys.readouterr()
    assert out.startswith("Interrupted (stopped); what was measured until then: Carries 198")
    assert "of 100 overall" in out or "No overall score" in out
    assert not (tmp_path / "r.csv").exists()
    with open_store() as store:
        assert store.run("last").status == "interrupted"
        assert store.assessment("shop").answers


def test_a_target_that_is_not_there_ends_with_3(write: Callable[[str], str], capsys: Captured) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert main(["run", write(FILE.replace("8000", str(port)))]) == 3
    assert "nothing listens" in capsys.readouterr().err


def test_a_command_that_ends_at_once_is_a_target_that_failed(
    write: Callable[[str], str], capsys: Captured
) -> None:
    start = 'start: ["{python}", -c, "print(123); raise SystemExit(7)"]\n'
    assert main(["run", write(FILE.replace("8000", "{port}") + start)]) == 3
    err = capsys.readouterr().err
    assert "ended with exit code 7 before it was ready" in err
    assert "123" in err


@pytest.mark.usefixtures("load_alone")
def test_the_file_starts_its_target_on_a_free_port_and_everything_is_held_together(
    write: Callable[[str], str], tmp_path: Path, capsys: Captured
) -> None:
    """The real service, load and scan; the server ends with the run. What it took to start is a fact."""
    text = (
        FILE.replace("8000/predict", "{port}/")
        + f'start: ["{{python}}", "{SERVER}", --workers, "4", --service-ms, "1"]\n'
        + "load: {rate: 200, duration: 2s, warmup: 0}\nwith: {manifests: deploy.yaml}\n"
    )
    json_file = tmp_path / "out.json"
    code = main(["run", write(text), "--json", str(json_file)])
    out, err = capsys.readouterr()
    document = json.loads(json_file.read_text(encoding="utf-8"))
    (run,) = document["runs"]
    assert code in (0, 1, 4), err
    assert run["run"]["status"] == "completed"
    facts = {fact["name"]: fact for fact in document["facts"]}
    start = facts["load.cold_start_seconds"]
    assert 0 < start["value"] < 60
    assert start["source"]["run"] == run["run"]["id"]
    assert facts["infra.kubernetes.memory_limit_bytes"]["source"]["file"] == "deploy.yaml"
    port = int(run["target"]["address"].split(":")[2].split("/")[0])
    with socket.socket() as trial:
        assert trial.connect_ex(("127.0.0.1", port)) != 0, "the service has ended"
    assert "Answered" in out


@pytest.mark.usefixtures("load_alone")
def test_code_of_ones_own_is_started_measured_and_judged(
    write: Callable[[str], str], tmp_path: Path, capsys: Captured
) -> None:
    """A real callable in a process of its own; the result says what was called."""
    (tmp_path / "shop.py").write_text("def score(user):\n    return user + 1\n")
    text = FILE.replace("http://127.0.0.1:8000/predict", "python:shop.py:score") + (
        "sample: {user: 7}\nspread: true\nload: {concurrency: 1, step: 1s, warmup: 0}\n"
    )
    json_file = tmp_path / "out.json"
    code = main(["run", write(text), "--json", str(json_file)])
    err = capsys.readouterr().err
    (run,) = json.loads(json_file.read_text(encoding="utf-8"))["runs"]
    assert code in (0, 1, 4), err
    assert run["run"]["status"] == "completed"
    assert run["target"]["kind"] == "python"
    assert run["steps"][0]["ok"] > 100


def test_a_command_that_is_given_its_port_is_waited_for_at_its_ready_path(
    measured: Callable[..., None], write: Callable[[str], str], tmp_path: Path
) -> None:
    seen: list[str] = []
    measured(behave=lambda context: seen.append(context.run_id))
    (tmp_path / "serve.py").write_text(
        "import http.server, os, sys\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()\n"
        "http.server.HTTPServer(('127.0.0.1', int(os.environ['THE_PORT'])), H).serve_forever()\n"
    )
    start = "start: {command: '{python} serve.py', ready: /, environment: {THE_PORT: '{port}'}, folder: .}\n"
    assert main(["run", write(FILE.replace("8000", "{port}") + start), "--quiet"]) == 0
    assert seen


def test_sigint_before_the_load_ends_with_130_and_leaves_no_service(
    write: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)\n"
    )
    start = "start: {command: '{python} slow.py'}\n"
    path = write(FILE.replace("8000", "{port}") + start)
    with subprocess.Popen(
        [sys.executable, "-m", "loadstone", "run", path],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "starting the target" in process.stderr.readline()
        pid_file = tmp_path / "pid"
        while not pid_file.exists() or not pid_file.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_the_help_shows_examples(capsys: Captured) -> None:
    assert main(["run", "--help"]) == 0
    assert "loadstone run loadstone.yaml --report readiness.pdf" in capsys.readouterr().out
