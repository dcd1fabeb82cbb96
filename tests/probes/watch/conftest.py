"""Real processes with a known truth, for the tests of watching."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import probes
from probes.watch.portable import PsutilTable
from probes.watch.procfs import ProcTable
from probes.watch.table import ProcessTable

DEADLINE_S = 30.0

# What the scripts of the tests may use: `say` prints JSON, `heard` waits for a line.
PRELUDE = """
import json, os, resource, signal, sys, threading, time

def say(value):
    print(json.dumps(value), flush=True)

def heard():
    return sys.stdin.readline().strip()

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def used():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
"""


class Script:
    """A Python script in a process and group of its own, talked to line by line."""

    def __init__(self, path: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        self.pid = self.process.pid
        self._heard = b""

    def tell(self, line: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    def hear(self) -> Any:
        assert self.process.stdout is not None
        deadline = time.monotonic() + DEADLINE_S
        while b"\n" not in self._heard:
            left_s = deadline - time.monotonic()
            assert select.select([self.process.stdout], [], [], max(0, left_s))[0], "the script says nothing"
            part = os.read(self.process.stdout.fileno(), 4096)
            assert part, "the script ended"
            self._heard += part
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)

    def ask(self, line: str = "") -> Any:
        self.tell(line)
        return self.hear()

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[..., Script]]:
    """Starts a script given as text; whatever it started in its group ends with the test."""
    started: list[Script] = []

    def start(text: str, *arguments: str) -> Script:
        path = tmp_path / f"script{len(started)}.py"
        path.write_text(PRELUDE + textwrap.dedent(text))
        started.append(Script(path, *arguments))
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Waits for a condition and returns its first true value; fails after half a minute."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.005)
        return found

    return wait


@pytest.fixture(params=[ProcTable, PsutilTable], ids=["procfs", "psutil"])
def table(request: pytest.FixtureRequest) -> ProcessTable:
    """Each way of asking the system about processes."""
    if request.param is ProcTable and sys.platform != "linux":
        pytest.skip("/proc is Linux's")
    made: ProcessTable = request.param()
    return made


@pytest.fixture
def python() -> Callable[[str], str]:
    """Runs a line of Python in a process of its own that can import our packages; returns what it printed."""
    folder = Path(probes.__file__).parents[1]

    def run(code: str) -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout.strip()

    return run
