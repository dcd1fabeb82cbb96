"""Model servers as people run them, each in an environment of its own outside of this one.

`LOADSTONE_TEST_MLSERVER=/path/to/venv/bin/python` (or `…_MLFLOW`, `…_BENTOML`, `…_TRANSFORMERS`) says where
one is; else its program is looked for on PATH. A test whose server is nowhere is skipped, with the line that
installs it.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 90.0
END_SECONDS = 20.0


@dataclass(frozen=True)
class Environment:
    """An environment that holds a server: its interpreter and its programs."""

    python: Path

    def program(self, name: str) -> str:
        return str(self.python.parent / name)

    def run(self, *command: object, folder: Path) -> None:
        """Runs its interpreter to the end, as to train a model."""
        subprocess.run(
            [str(self.python), *map(str, command)], cwd=folder, check=True, capture_output=True, timeout=120
        )


@pytest.fixture(scope="module")
def environment_of() -> Callable[[str, str], Environment]:
    """The environment with a program; skips the test where there is none, with what installs it."""

    def find(program: str, install: str) -> Environment:
        variable = f"LOADSTONE_TEST_{program.upper()}"
        named = os.environ.get(variable)
        if named:
            assert Path(named).exists(), f"{variable} names {named}, which is not there"
            return Environment(Path(named))
        found = shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not installed: {install}, then {variable}=VENV/bin/python")
        return Environment(Path(found).parent / "python")

    return find


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    with ExitStack() as held:
        socks = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in socks]


@pytest.fixture(scope="module")
def ports() -> Callable[[int], list[int]]:
    return free_ports


Serve = Callable[..., psutil.Process]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts a command in a session of its own, waits until a GET of `ready` gives 200, ends all of it."""
    with ExitStack() as ending:

        def start(
            command: list[str], *, port: int, ready: str, folder: Path,
            environment: Mapping[str, str] | None = None,
        ) -> psutil.Process:  # fmt: skip
            log = (tmp_path_factory.mktemp("log") / "server.log").open("w+b")
            ending.callback(log.close)
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | dict(environment or {}),
            )  # fmt: skip
            ending.callback(end, process)
            try:
                wait_until_ready(port, ready, process)
            except Exception as error:
                log.seek(0)
                error.add_note(log.read()[-3000:].decode("utf-8", "replace"))
                raise
            return psutil.Process(process.pid)

        yield start


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and what it started: kindly, then not."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(family, END_SECONDS)
    for one in left:
        one.kill()


def wait_until_ready(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Asks until the answer is 200, at the pace at which connections are refused."""
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        assert process.poll() is None, "the server ended before it was ready"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        select.select([], [], [], 0.1)
    raise TimeoutError(f"the server was not ready within {READY_SECONDS:.0f} s")


@dataclass(frozen=True)
class Outcome:
    """What `loadstone probe` said: exit code, result ({} where there is none), text for people, errors."""

    code: int
    result: dict[str, Any]
    printed: str
    errors: str

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.result["steps"])

    @property
    def counted(self) -> dict[str, Any]:
        """The only cross-check: what the server counted of what was sent."""
        (check,) = (entry for entry in self.result["cross_checks"] if entry["system"] != "health")
        return dict(check)


@pytest.fixture
def loadstone(tmp_path: Path) -> Callable[..., Outcome]:
    """`loadstone probe` with these options; the sums of its steps are checked."""

    def run(*options: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "loadstone", "probe", *options, "--json", "result.json", "--no-store"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")},
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        path = tmp_path / "result.json"
        result = json.loads(path.read_text()) if path.exists() else {}
        for step in result.get("steps", ()):
            answered = step["ok"] + step["timeouts"] + step["cancelled"] + sum(step["errors"].values())
            assert step["sent"] == answered
            assert step["scheduled"] == step["sent"] + step["unsent"]
        return Outcome(done.returncode, result, done.stdout, done.stderr)

    return run


@pytest.fixture
def check_search() -> Callable[[Outcome], None]:
    """What holds of a search for the capacity of a server that answers everything, on any machine."""

    def check(outcome: Outcome) -> None:
        run, steps = outcome.result["run"], outcome.steps
        assert run["status"] == "completed", outcome.errors
        assert outcome.code in ((0, 4) if run["grade"] == "valid" else (4,))
        assert (run["grade_reason"] is None) == (run["grade"] == "valid")
        assert {step["mode"] for step in steps} == {"closed", "open"}
        assert sum(step["ok"] for step in steps) > 50
        assert all(step["errors"]["status_4xx"] == step["errors"]["status_5xx"] == 0 for step in steps)
        assert any(step["cpu_cores"] > 0 for step in steps), "nothing was seen of its processes"
        if run["grade"] == "valid":
            most = max(step["achieved_per_s"] for step in steps)
            assert 0 < outcome.result["capacity"]["rate_per_s"] <= 1.1 * most

    return check
