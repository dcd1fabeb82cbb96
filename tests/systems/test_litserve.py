"""A model server as people run it, end to end through the command line: LitServe on FastAPI and uvicorn.

Needs the package litserve in the environment that runs the tests.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from probes.watch.process import listening_owners

ROOT = Path(__file__).resolve().parents[2]
SERVICE_MS = 5.0
READY_SECONDS = 60.0
BODY = '{"input": [1, 2.5]}'

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(importlib.util.find_spec("litserve") is None, reason="litserve is not installed"),
    pytest.mark.usefixtures("load_alone"),
]


@pytest.fixture
def litserve(tmp_path: Path) -> Iterator[tuple[int, psutil.Process]]:
    """(port, process): one worker that takes `SERVICE_MS` a request; ready, and known to be the one asked."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    script = ROOT / "tests/systems/servers/litserve_server.py"
    log = (tmp_path / "litserve.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, str(script), "--port", str(port), "--service-ms", str(SERVICE_MS)],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until_healthy(port, process)
        root = psutil.Process(process.pid)
        family = {root.pid} | {child.pid for child in root.children(recursive=True)}
        owners = listening_owners("127.0.0.1", port)
        assert owners, "nobody is known to listen"
        assert set(owners) <= family, "another process than the one started listens on its port"
        yield port, root
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    """Asks /health until it says ok, at the pace at which connections are refused."""
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        assert process.poll() is None, "litserve ended before it was ready"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            if (answer.status, answer.read()) == (200, b"ok"):
                return
        except OSError:
            pass
        finally:
            connection.close()
        select.select([], [], [], 0.1)
    raise TimeoutError(f"litserve was not healthy within {READY_SECONDS:.0f} s")


def loadstone(tmp_path: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, result, what was printed for people) of `loadstone probe`."""
    done = subprocess.run(
        [sys.executable, "-m", "loadstone", "probe", *options, "--json", "result.json", "--no-store"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    path = tmp_path / "result.json"
    assert path.exists(), done.stderr
    return done.returncode, json.loads(path.read_text()), done.stdout


def check_sums(result: dict[str, Any]) -> None:
    for step in result["steps"]:
        answered = step["ok"] + step["timeouts"] + step["cancelled"] + sum(step["errors"].values())
        assert step["sent"] == answered
        assert step["scheduled"] == step["sent"] + step["unsent"]


def test_a_short_capacity_search(litserve: tuple[int, psutil.Process], tmp_path: Path) -> None:
    """One worker that takes 5 ms carries less than 200/s; what is found is below that, and judged."""
    port, server = litserve
    code, result, printed = loadstone(
        tmp_path, f"http://127.0.0.1:{port}/predict", "--body", BODY, "--expect-body", '"output":3.5',
        "--slo", "p99<=250ms,errors<=1%", "--budget", "25s",
    )  # fmt: skip
    run = result["run"]
    assert run["status"] == "completed"
    assert run["grade"] in ("valid", "client_limited", "unstable", "degrading", "insufficient")
    assert (run["grade_reason"] is None) == (run["grade"] == "valid")
    assert code in ((0, 4) if run["grade"] == "valid" else (4,))
    check_sums(result)
    steps = result["steps"]
    assert {step["mode"] for step in steps} == {"closed", "open"}
    assert sum(step["ok"] for step in steps) > 100
    assert all(step["errors"]["assertion"] == 0 for step in steps), "an answer was wrong under load"
    alone = steps[0]
    assert (alone["concurrency"], alone["timeouts"]) == (1, 0)
    assert alone["service_ms"]["p50"] >= SERVICE_MS
    family = {server.pid} | {child.pid for child in server.children(recursive=True)}
    assert set(result["target"]["pids"]) <= family
    assert any(step["cpu_cores"] > 0 for step in steps)
    assert all(step["rss_bytes"] > 20e6 for step in steps if "rss_bytes" in step)
    most = 1e3 / SERVICE_MS
    if run["grade"] not in ("client_limited", "insufficient"):
        assert 10 < result["capacity"]["rate_per_s"] <= 1.1 * most
        assert "requests/s" in printed
    assert all(step["achieved_per_s"] <= 1.1 * most for step in steps)


def test_a_fixed_rate_it_carries_easily(litserve: tuple[int, psutil.Process], tmp_path: Path) -> None:
    port, _ = litserve
    code, result, _ = loadstone(
        tmp_path, f"http://127.0.0.1:{port}/predict", "--body", BODY, "--rate", "20", "--duration", "4s",
        "--arrivals", "constant", "--slo", "p50<=500ms,errors<=1%",
    )  # fmt: skip
    check_sums(result)
    (step,) = result["steps"]
    assert (step["scheduled"], step["ok"]) == (80, 80)
    assert step["service_ms"]["p50"] >= SERVICE_MS
    assert code == (4 if result["run"]["grade"] == "client_limited" else 0)


def test_a_request_it_refuses(litserve: tuple[int, psutil.Process], tmp_path: Path) -> None:
    """A GET where a POST is served: one sentence, no load, exit code 3."""
    port, _ = litserve
    done = subprocess.run(
        [sys.executable, "-m", "loadstone", "probe", f"http://127.0.0.1:{port}/predict", "--no-store"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3
    assert "answers 405 Method Not Allowed to GET instead of 2xx" in done.stderr
