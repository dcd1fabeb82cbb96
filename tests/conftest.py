"""What tests of every package share: servers with a known truth, and the arithmetic of that truth.

`start_server("tests/systems/servers/queue_server.py", "--workers", 4)` starts a script and returns its
`Server` once it is ready; whatever a test starts ends with it. `simulate` is `tests/systems/simulate.py`,
loaded by path since nothing below `tests/` is a package. A test that uses `load_alone` sends load while no
other such test does, whichever xdist worker runs it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 30.0
END_SECONDS = 10.0

# A shell that runs the tests in the background has them ignore SIGINT, and what they start would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Where Loadstone is not installed, its packages are those of this checkout.
sys.path.append(str(ROOT))


class Server:
    """A server in a process of its own, from its ready line to its last words."""

    def __init__(self, command: list[str]) -> None:
        """Starts `command` and waits for its ready line: one JSON object with its port and its pid."""
        self.process = subprocess.Popen(
            command, bufsize=0, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self._last_words: dict[str, Any] | None = None
        try:
            self.ready: dict[str, Any] = json.loads(self._first_line())
            self.port: int = self.ready["port"]
            self.pid: int = self.ready["pid"]
            assert self.pid == self.process.pid, "another process than the one started says it is ready"
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.poll()

    def stop(self) -> dict[str, Any]:
        """Ends the server with SIGTERM and returns its last line, {} if there is none; safe to call again."""
        if self._last_words is None:
            with suppress(ProcessLookupError):
                self.process.terminate()
            try:
                said, _ = self.process.communicate(timeout=END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
                raise
            lines = said.decode().splitlines()
            self._last_words = json.loads(lines[-1]) if lines else {}
        return self._last_words

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        line, give_up = b"", time.monotonic() + READY_SECONDS
        while not line.endswith(b"\n"):
            left = give_up - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise TimeoutError(f"{self.process.args!r} was not ready within {READY_SECONDS:.0f} s")
            # Byte by byte: what follows the line belongs to `stop`.
            if not (byte := os.read(descriptor, 1)):
                raise RuntimeError(
                    f"{self.process.args!r} ended with {self.process.wait()} before it was ready"
                )
            line += byte
        return line


StartServer = Callable[..., Server]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts a script (its path from the repository's root) with arguments, and ends it after the test."""
    with starting_servers() as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_server() -> Iterator[StartServer]:
    """The same for a server that all tests of a file may use: it ends after the last of them."""
    with starting_servers() as start:
        yield start


@contextmanager
def starting_servers() -> Iterator[StartServer]:
    """Gives the function that starts servers, and ends at the end whatever it has started."""
    with ExitStack() as ending:

        def start(script: str | Path, *arguments: object) -> Server:
            server = Server([sys.executable, str(ROOT / script), *map(str, arguments)])
            ending.callback(server.stop)
            return server

        yield start


@pytest.fixture
def load_alone() -> Iterator[None]:
    """Holds a lock that all tests with load share: two at once on two cores would measure each other."""
    try:
        import fcntl
    except ImportError:  # elsewhere than on POSIX; those tests are not run in parallel there
        yield
        return
    with (Path(tempfile.gettempdir()) / f"loadstone-tests-load-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def simulate() -> ModuleType:
    """The module tests/systems/simulate.py: what queues of known parameters must show."""
    return load_module(ROOT / "tests/systems/simulate.py")


def load_module(path: Path) -> ModuleType:
    """The module at `path`, under its own name, whatever sys.path is."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]
