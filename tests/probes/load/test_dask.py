"""Load from the workers of a real Dask cluster."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.cli.main import main

pytestmark = [
    pytest.mark.server,
    pytest.mark.usefixtures("load_alone"),
    pytest.mark.skipif(find_spec("distributed") is None, reason="needs Dask: pip install -e '.[cluster]'"),
    pytest.mark.filterwarnings("default"),
]


def said(process: subprocess.Popen[str], pattern: str, readers: list[threading.Thread]) -> str:
    """What a line of its standard error holds that matches; all after it is read and forgotten."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(pattern, line):
            readers.append(threading.Thread(target=process.stderr.read))
            readers[-1].start()
            return found[1]
    raise AssertionError(f"it ended without {pattern}")


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    processes: list[subprocess.Popen[str]] = []
    readers: list[threading.Thread] = []

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    try:
        scheduler = start(
            *(sys.executable, "-m", "distributed.cli.dask_scheduler"),
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        )
        address = said(scheduler, r"Scheduler at:\s+tcp://(127\.0\.0\.1:\d+)", readers)
        for _ in range(2):
            worker = start(
                *(sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{address}"),
                *("--no-dashboard", "--no-nanny", "--nthreads", "1"),
            )
            said(worker, r"(Registered to)", readers)
        yield f"dask://{address}"
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join()
        for process in processes:
            assert process.stderr is not None
            process.stderr.close()


def probe(url: str, cluster: str, tmp_path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    out = tmp_path / "found.json"
    argv = ["probe", url, "--shards", cluster, "--no-store", "--quiet", "--json", str(out), *options]
    return main(argv), json.loads(out.read_text())


def agents() -> list[psutil.Process]:
    """The processes of this test's cluster that carry load."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "probes.load.cluster.agent" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_the_workers_share_the_requests(
    start_server: Callable[..., Any], cluster: str, tmp_path: Path
) -> None:
    server = start_server("tests/systems/servers/queue_server.py", "--workers", 64, "--service-ms", 3)
    options = ("--rate", "200", "--duration", "3s", "--arrivals", "constant", "--warmup", "0")
    code, found = probe(server.url, cluster, tmp_path, *options, "--no-check-answers")
    assert code in (0, 4)
    (step,) = found["steps"]
    assert (step["scheduled"], step["sent"], step["ok"], step["unsent"]) == (600, 600, 600, 0)
    assert found["client"]["load_processes"] == 2
    assert found["load"]["cluster"] == cluster
    assert not agents()
    assert server.stop()["received"] >= 600


def test_a_worker_that_dies_ends_the_run(
    start_server: Callable[..., Any], cluster: str, tmp_path: Path
) -> None:
    server = start_server("tests/systems/servers/queue_server.py", "--workers", 64, "--service-ms", 3)

    def kill_one() -> None:
        while len(there := agents()) < 2:
            pass
        worker = there[0].parent()
        assert worker is not None
        threading.Event().wait(3)  # well into the minute that the load is to last
        os.kill(worker.pid, signal.SIGKILL)

    threading.Thread(target=kill_one).start()
    code, found = probe(server.url, cluster, tmp_path, "--rate", "200", "--duration", "60s", "--warmup", "0")
    assert code == 6
    assert found["run"]["grade"] == "client_limited"
    (step,) = found["steps"]
    assert "of 2: " in step["lost"][0]
    assert step["scheduled"] == step["sent"] + step["unsent"]
    assert step["seconds"] < 30
