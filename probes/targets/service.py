"""A service that we start, wait for and take down again, with everything it started.

The command runs under a keeper (`probes.watch.keeper`), a small process that adopts whatever the service
leaves behind and ends all of it when asked, or when we are gone, even by SIGKILL.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import probes
from probes.errors import InternalError, TargetError
from probes.watch.process import alive, descendants, listening_owners
from probes.watch.table import ProcessId

LOG_BYTES = 64 * 1024
_POLL_S = 0.05
_ANSWER_S = 10.0
_KEEPER_S = 15.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_RUN_KEEPER = "import sys; sys.path.insert(0, sys.argv.pop(1)); from probes.watch.keeper import main; main()"


class Service:
    """Runs `command` (arguments, no shell) from `start` to `stop`, in a session of its own.

    It is ready when it has printed a line on its standard output that is a JSON object with a whole number
    `"port"`, or, with `ready_path`, when `http://host:port/ready_path` answers with a status under 500 and
    the socket that answers belongs to it. `environment` replaces ours; `folder` is where it runs;
    `deadline_s` is how long it may take to be ready, `grace_s` how long to end after SIGTERM. The last
    64 KiB of what it prints stand in `log_path` while it runs, and in `log_text`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        ready_path: str | None = None,
        deadline_s: float = 60.0,
        grace_s: float = 5.0,
    ) -> None:
        if not command:
            raise InternalError("a service needs a command")
        if ready_path is not None and port is None:
            raise InternalError("a service with a ready path needs a port")
        self.command = tuple(command)
        self.host = host
        self.port = port
        self.ready_line: Mapping[str, Any] | None = None
        self._environment = environment
        self._folder = folder
        self._ready_path = None if ready_path is None else "/" + ready_path.removeprefix("/")
        self._deadline_s = deadline_s
        self._grace_s = grace_s
        self._keeper: subprocess.Popen[bytes] | None = None
        self._output: _Output | None = None
        self._seen: dict[ProcessId, None] = {}
        self._logs: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> Self:
        """Starts the command and waits until it is ready; a service starts once.

        Raises `TargetError` with one sentence when something else listens on the port, the command cannot be
        started, ends early or is not ready in time; nothing is left running then.
        """
        if self._keeper is not None:
            raise InternalError("a Service was started twice")
        if self._ready_path is not None and self._accepts():
            raise TargetError(self._occupied())
        deadline = time.monotonic() + self._deadline_s
        try:
            self._launch()
            if self._ready_path is None:
                self._await_line(deadline)
            else:
                self._await_answer(self._ready_path, deadline)
            self.processes()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends the service and all that it started; may be called more than once.

        SIGTERM first, SIGKILL after the grace. Afterwards `exit_status` and `log_text` still answer.
        """
        if self._keeper is None or self._output is None or self._logs is None:
            return
        self.processes()
        pipe = self._keeper.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.write(b".")
                pipe.flush()
        try:
            self._keeper.wait(self._grace_s + _KEEPER_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        self._kill_survivors()
        self._output.close()
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._logs.cleanup()
        self._logs = None

    def kill(self) -> None:
        """SIGKILL to the command and all that it started, at once and without a chance to say goodbye.

        What starts others goes first, so that nothing is started again. Returns when none of it runs.
        """
        deadline = time.monotonic() + _KEEPER_S
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.001)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The pid of the command."""
        if self._output is None or self._output.pid is None:
            raise InternalError("a Service was asked for its pid before it was started")
        return self._output.pid

    @property
    def address(self) -> str:
        """`http://host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def exit_status(self) -> int | None:
        """The command's exit code, negative for the signal that ended it; None while it runs."""
        return None if self._output is None else self._output.exit_status

    @property
    def log_path(self) -> Path | None:
        """The file that holds the end of what the service printed; None before `start` and after `stop`."""
        return None if self._logs is None else Path(self._logs.name) / "service.log"

    def log_text(self) -> str:
        """The end of what the service printed on both its outputs, at most 64 KiB."""
        return "" if self._output is None else self._output.text()

    def processes(self) -> tuple[ProcessId, ...]:
        """The command, all that it started, and what they left behind, as far as it runs now."""
        if self._keeper is None:
            return ()
        found = tuple(process for process in descendants(self._keeper.pid) if alive(process))
        self._seen.update(dict.fromkeys(found))
        return found

    def _kill_survivors(self) -> None:
        """Kills what was seen and still lives: there is something only where the keeper was killed itself."""
        deadline = time.monotonic() + _KEEPER_S
        while (left := [process for process in self._seen if alive(process)]) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.005)

    def _launch(self) -> None:
        self._logs = tempfile.TemporaryDirectory(prefix="loadstone-service-")
        status, telling = os.pipe()
        # By the path of our own package: the keeper sees no PYTHONPATH, and its folder is the service's.
        packages = str(Path(probes.__file__).parents[1])
        keeping = [str(os.getpid()), str(telling), str(self._grace_s), self._logs.name]
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-c", _RUN_KEEPER, packages, *keeping, *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(telling,),
                env=None if self._environment is None else dict(self._environment),
                cwd=self._folder,
                start_new_session=True,
            )
        except BaseException as error:
            os.close(status)
            self._logs.cleanup()
            if isinstance(error, OSError | ValueError):
                raise TargetError(f"{self._name()} cannot be started: {error}") from error
            raise
        finally:
            os.close(telling)
        self._output = _Output(self._keeper, status, Path(self._logs.name) / "service.log")
        output = self._output
        output.wait(lambda: output.pid is not None or output.closed, None)
        if output.failure:
            raise TargetError(f"{self._name()} cannot be started: {output.failure}")
        if output.pid is None:
            raise InternalError(f"the keeper of a service failed: {output.last_line()}")

    def _await_line(self, deadline: float) -> None:
        output = self._running()
        output.wait(lambda: output.ready_line is not None or self._over(), deadline)
        if output.ready_line is None:
            raise TargetError(self._not_ready('it has not printed a line {"port": …}'))
        self.ready_line = output.ready_line
        self.port = output.ready_line["port"]
        if self._owner() is _Owner.OTHER:
            raise TargetError(self._occupied())

    def _await_answer(self, path: str, deadline: float) -> None:
        output = self._running()
        complaint = f"nothing answers on {self.address}{path}"
        while not self._over() and (left := deadline - time.monotonic()) > 0:
            status = self._answer(path, min(left, _ANSWER_S))
            if status is not None:
                owner = self._owner()
                if owner is _Owner.OTHER:
                    raise TargetError(self._occupied())
                if owner is _Owner.OURS and status < 500:
                    return
                complaint = f"{self.address}{path} answers with status {status}"
                if owner is _Owner.UNKNOWN:
                    complaint += ", but nobody can be seen to own its socket"
            output.wait(self._over, min(deadline, time.monotonic() + _POLL_S))
        raise TargetError(self._not_ready(complaint))

    def _running(self) -> _Output:
        if self._output is None:
            raise InternalError("a Service was used before it was started")
        return self._output

    def _over(self) -> bool:
        output = self._running()
        return output.exit_status is not None or output.closed

    def _not_ready(self, complaint: str) -> str:
        """Why the service is not ready, in one sentence."""
        output = self._running()
        if self._over():
            # All of its last words are known once the keeper has ended.
            output.wait(lambda: output.closed, time.monotonic() + _KEEPER_S)
            complaint = f"{self._name()} {_end(output.exit_status)} before it was ready"
        else:
            complaint = f"{self._name()} was not ready within {self._deadline_s:g} s: {complaint}"
        last = output.last_line()
        return f"{complaint}; the last it printed: {last}" if last else f"{complaint}; it printed nothing"

    def _name(self) -> str:
        text = shlex.join(self.command)
        return f"`{text}`" if len(text) <= 100 else f"`{text[:97]}…`"

    def _occupied(self) -> str:
        owners = ", ".join(map(str, listening_owners(self.host, self.port or 0)))
        who = f" (process {owners})" if owners else ""
        return f"something else answers on port {self.port}{who}; end it or choose another port"

    def _owner(self) -> _Owner:
        """Whose the socket is that a connection to our port reaches."""
        owners = listening_owners(self.host, self.port or 0)
        ours = {process.pid for process in self.processes()}
        if not owners:
            return _Owner.UNKNOWN
        return _Owner.OURS if ours.issuperset(owners) else _Owner.OTHER

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self.host, self.port or 0), timeout=1).close()
        except OSError:
            return False
        return True

    def _answer(self, path: str, timeout_s: float) -> int | None:
        """The status of a GET; None where there is no HTTP answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class _Owner(Enum):
    OURS = auto()
    OTHER = auto()
    UNKNOWN = auto()


class _Output:
    """Reads, in a thread, what a service prints and what its keeper tells, until the keeper has ended.

    `wait` waits for any of its attributes to change. `closed` comes last: nothing changes after it.
    """

    def __init__(self, keeper: subprocess.Popen[bytes], status: int, log: Path) -> None:
        self.pid: int | None = None
        self.failure: str | None = None
        self.exit_status: int | None = None
        self.ready_line: Mapping[str, Any] | None = None
        self.closed = False
        self._tail = bytearray()
        self._changed = threading.Condition()
        self._log = log.open("wb", buffering=0)
        self._thread = threading.Thread(
            target=self._read, args=(keeper, status), name="service-output", daemon=True
        )
        self._thread.start()

    def wait(self, condition: Callable[[], bool], deadline: float | None) -> bool:
        """Waits for a condition on the attributes until `deadline` on `time.monotonic`; whether it holds."""
        timeout_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)

    def text(self) -> str:
        """The last 64 KiB that the service printed."""
        with self._changed:
            return bytes(self._tail[-LOG_BYTES:]).decode(errors="replace")

    def last_line(self) -> str:
        """The last line that is not blank, without colours, at most 300 characters; empty where none is."""
        lines = (_CONTROL.sub("", line).strip() for line in reversed(self.text().splitlines()))
        return next(filter(None, lines), "")[:300]

    def close(self) -> None:
        """Waits for the end of the thread; the keeper must have ended."""
        self._thread.join()

    def _read(self, keeper: subprocess.Popen[bytes], status: int) -> None:
        lines: dict[int, bytearray] = {}
        with (
            selectors.DefaultSelector() as selector,
            open(status, "rb", buffering=0) as told,
            self._log,
        ):
            pipes = [pipe for pipe in (keeper.stdout, keeper.stderr) if pipe is not None]
            takers = {told.fileno(): self._take_status, pipes[0].fileno(): self._take_line}
            for pipe in (told, *pipes):
                selector.register(pipe, selectors.EVENT_READ)
                lines[pipe.fileno()] = bytearray()
            deadline = None
            while selector.get_map():
                ready = selector.select(None if deadline is None else 0)
                if deadline is not None and (not ready or time.monotonic() > deadline):
                    break  # something has escaped and holds the outputs open
                for key, _ in ready:
                    part = os.read(key.fd, 65_536)
                    if not part:
                        selector.unregister(key.fileobj)
                        if key.fileobj is told:
                            deadline = time.monotonic() + 1
                        continue
                    with self._changed:
                        if key.fileobj is not told:
                            self._keep(part)
                        if key.fd in takers:
                            lines[key.fd] += part
                            _each_line(lines[key.fd], takers[key.fd])
                        self._changed.notify_all()
            for pipe in pipes:
                pipe.close()
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _keep(self, part: bytes) -> None:
        """Adds to the log, in memory and in its file, and cuts both to their end when they get too long."""
        self._tail += part
        if len(self._tail) > 2 * LOG_BYTES:
            del self._tail[:-LOG_BYTES]
            self._log.seek(0)
            self._log.truncate()
            self._log.write(self._tail)
        else:
            self._log.write(part)

    def _take_status(self, line: bytes) -> None:
        told = json.loads(line)
        self.pid = told.get("pid", self.pid)
        self.failure = told.get("failed", self.failure)
        self.exit_status = told.get("exit", self.exit_status)

    def _take_line(self, line: bytes) -> None:
        """A line of standard output: the one that says the port is kept."""
        if self.ready_line is not None or not line.lstrip().startswith(b"{"):
            return
        try:
            found = json.loads(line)
        except ValueError:
            return
        port = found.get("port")
        if isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65_536:
            self.ready_line = found


def _each_line(buffer: bytearray, take: Callable[[bytes], None]) -> None:
    """Takes the complete lines out of a buffer; of a line without an end only the last 64 KiB stay."""
    *whole, rest = buffer.split(b"\n")
    for line in whole:
        take(bytes(line))
    buffer[:] = rest[-LOG_BYTES:]


def _end(exit_status: int | None) -> str:
    """How a process ended, in words."""
    if exit_status is None:
        return "was lost, its keeper having ended,"
    if exit_status >= 0:
        return f"ended with exit code {exit_status}"
    try:
        return f"was ended by {signal.Signals(-exit_status).name}"
    except ValueError:
        return f"was ended by signal {-exit_status}"
