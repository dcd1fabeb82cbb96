"""Starts the user's code in processes of the user's interpreter, and takes all of it down again.

    Loadstone ─ keeper ─ dispatcher.py (our interpreter) ─ host/host.py × workers (the user's interpreter)

The keeper removes whatever the code leaves behind, also sessions of their own; what it prints goes to a log
of 64 KiB. The rest of Loadstone sees an HTTP target on the loopback.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import probes
from probes.errors import InternalError, TargetError, UsageError
from probes.targets.dispatcher import COLUMNS, KEY
from probes.targets.http import HttpTarget
from probes.targets.interpreter import Interpreter, find_interpreter, stripped
from probes.targets.service import Service
from probes.targets.target import Answer
from probes.targets.user_code import UserCode

LOAD_S = 300.0
"""How long the code may take to be imported, or the model to be loaded."""
ASK_S = 30.0
GRACE_S = 0.5
LOOK_S = 0.2
MEMORY_SHARE = 0.8
"""The memory a worker may take, of what is free when it starts, where no other limit is asked for."""
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from probes.targets.dispatcher import main; main()"


@dataclass(frozen=True)
class HostedTarget(HttpTarget):
    """The user's code as the load engine sees it: an address on the loopback."""

    kind: str = "python"
    about: Mapping[str, Any] = field(default_factory=dict)
    host_process: Host | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's target object, without process ids; how it is called inside is nobody's business."""
        return {
            "kind": self.kind,
            "address": self.address,
            "remote": False,
            "sample_from": self.sample_from,
            **self.about,
        }

    def sized(self, axis: str, sizes: Sequence[int]) -> HostedTarget:
        """The target itself: its samples were made in every size when it was started."""
        del axis, sizes
        return self

    def harness_cpu_s(self) -> float:
        """The CPU time of the dispatcher."""
        return 0.0 if self.host_process is None else self.host_process.dispatcher_cpu_s()

    def check(self, timeout_s: float, run_id: str | None = None) -> Answer:
        """Calls once. Raises `TargetError` when it raises, does not return, or ends its process."""
        host = self.host_process
        try:
            answer = self.ask(timeout_s, run_id)
        except TargetError as error:
            why = host.why_it_ended() if host is not None else None
            if why is not None:
                raise TargetError(f"{self.address}: {why}; correct the code or the sample") from error
            raise TargetError(
                f"{self.address} did not return within {timeout_s:g} s; correct the code or allow more with "
                "--timeout"
            ) from error
        if not self.is_good(answer.status):
            said = " ".join(answer.body.decode(errors="replace").split())[:300]
            given = "--sample" if self.sample_from == "given" else f"its sample (from: {self.sample_from})"
            raise TargetError(
                f"{self.address}, called with {given}, raised {said}; correct the code or give "
                "another --sample @FILE"
            )
        if host is not None:
            host.has_answered()
        if self.expect_body is not None:
            return super().check(timeout_s, run_id)
        return answer


class Host:
    """The processes of one target, from `start` to `stop`. A context manager.

    `timeout_s` is that of a request. With `expect_body`, to be held against it, or with `returns` the results
    are sent back, which costs time outside the call.
    """

    def __init__(
        self,
        code: UserCode,
        *,
        timeout_s: float = 10.0,
        expect_body: str | None = None,
        returns: bool = False,
    ) -> None:
        self.code = code
        self.timeout_s = timeout_s
        self.expect_body = expect_body
        self.returns = returns or expect_body is not None
        self.about: dict[str, Any] = {}
        self.pids: tuple[int, ...] = ()
        self.cold_start_s: float | None = None
        self._began = 0.0
        self._key = secrets.token_hex(16)
        self._service: Service | None = None
        self._interpreter: Interpreter | None = None

    def start(self, stop: threading.Event | None = None) -> Self:
        """Starts the processes and loads the code in each; returns once all are ready.

        Raises `UsageError` or `TargetError` with one sentence when that cannot be done, `KeyboardInterrupt`
        when `stop` was set; nothing runs then.
        """
        if self.code.kind != "command":
            self._interpreter = find_interpreter(self.code.python, os.environ, self.code.folder)
        self._began = time.monotonic()
        packages = str(Path(probes.__file__).parents[1])
        self._service = Service(
            [sys.executable, "-I", "-c", _RUN, packages],
            environment=stripped(os.environ) | {KEY: self._key},
            folder=self.code.cwd,
            grace_s=GRACE_S,
        )
        try:
            self._service.start()
            self._load(stop)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends all of it; may be called more than once."""
        if self._service is not None:
            self._service.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def target(self) -> HostedTarget:
        """What the load is sent to."""
        about: dict[str, Any] = {"workers": self.code.workers, "threads": self.code.threads}
        if self._interpreter is not None:
            about["python"] = {
                "path": self._interpreter.path,
                "version": self._interpreter.version,
                "chosen": self._interpreter.chosen,
            }
        about |= {
            name: self.about[name]
            for name in ("runtime", "model", "parameters", "inputs", "sample_shapes", "called")
            if name in self.about
        }
        if self.code.spread:
            about["spread"] = True
        if self.code.kind == "model":
            about["file_bytes"] = Path(self.code.path).stat().st_size
        about["samples"] = self.about["samples"]
        return HostedTarget(
            address=self.code.address,
            method="POST",
            path=f"/{self._key}/call",
            host="127.0.0.1",
            port=self._port(),
            family=socket.AF_INET,
            ip="127.0.0.1",
            headers=(),
            shown_headers=(),
            bodies=tuple(str(number).encode() for number in range(self.about["samples"])),
            expect_status=None,
            expect_body=self.expect_body,
            remote=False,
            sample_from=str(self.about["sample_from"]),
            kind=self.code.kind,
            about=about,
            host_process=self,
        )

    def has_answered(self) -> None:
        """The first good answer has come: the end of the cold start."""
        if self.cold_start_s is None:
            self.cold_start_s = time.monotonic() - self._began

    def state(self) -> dict[str, Any]:
        """Counts of calls, errors by what was raised, calls under way, and the crash where there was one."""
        return dict(json.loads(self._get("state")))

    def calls(self) -> dict[str, NDArray[np.int64]]:
        """Of every call that ended (at most 4 million), in the order they ended, in ns: see
        `dispatcher.COLUMNS`."""
        rows = np.frombuffer(self._get("calls"), np.int64).reshape(-1, len(COLUMNS))
        return {name: rows[:, at].copy() for at, name in enumerate(COLUMNS)}

    def dispatcher_cpu_s(self) -> float:
        """CPU time of the dispatcher until now; 0 where that cannot be told."""
        import psutil

        try:
            used = psutil.Process(self._service.pid if self._service is not None else -1).cpu_times()
        except (psutil.Error, ValueError):
            return 0.0
        return float(used.user + used.system)

    def log_text(self) -> str:
        """The end of what the code printed."""
        return "" if self._service is None else self._service.log_text()

    def why_it_ended(self) -> str | None:
        """What ended a process of the target, with the number of the call; None when none has ended."""
        try:
            crash = self.state()["crash"]
        except (OSError, http.client.HTTPException):
            return None
        return None if crash is None else crash_sentence(crash)

    def last_line(self) -> str:
        """The last line that the code printed; empty where there is none."""
        printed = self.log_text().splitlines()
        lines = (line.strip() for line in reversed(printed) if not line.startswith('{"port": '))
        return "".join(char for char in next(filter(None, lines), "") if char.isprintable())[:300]

    def _load(self, stop: threading.Event | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=ASK_S)
        try:
            connection.request("POST", f"/{self._key}/load", json.dumps(self._plan()))
            status, answer = self._await_loaded(connection, stop)
        finally:
            connection.close()
        if status == 200:
            self.about, self.pids = answer, tuple(answer["pids"])
            return
        failed = answer["failed"]
        if failed["kind"] == "usage":
            raise UsageError(failed["text"])
        if failed["kind"] == "target":
            raise TargetError(failed["text"])
        last = self.last_line()
        whole = "check that the file is whole; " if self.code.kind == "model" else ""
        raise TargetError(
            f"the interpreter {ended_how(failed['exit_status'])} while it loaded {self.code.shown}; {whole}"
            + (f"the last it printed: {last}" if last else "it printed nothing")
        )

    def _await_loaded(
        self, connection: http.client.HTTPConnection, stop: threading.Event | None
    ) -> tuple[int, dict[str, Any]]:
        deadline = time.monotonic() + LOAD_S
        while not select.select([connection.sock], [], [], LOOK_S)[0]:
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt  # nothing has been measured that could be kept
            if time.monotonic() > deadline:
                raise TargetError(
                    f"{self.code.shown} was not loaded within {LOAD_S:g} s; see that importing it ends"
                )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def _plan(self) -> dict[str, Any]:
        code = self.code
        python = [sys.executable, "-I"] if self._interpreter is None else [self._interpreter.path]
        return {
            "kind": code.kind,
            "shown": code.shown,
            "python": python,
            "cwd": str(code.cwd),
            "folder": str(code.folder),
            "module": code.module,
            "attribute": code.attribute,
            "file": code.file,
            "path": code.path,
            "argv": list(code.argv),
            "workers": code.workers,
            "threads": code.threads,
            "spread": code.spread,
            "form": code.sample.form,
            "samples": [base64.b64encode(item).decode("ascii") for item in code.sample.items],
            "memory_bytes": code.memory_bytes or _memory_share(),
            "timeout_s": self.timeout_s,
            "answers": self.returns,
            "grown": code.grown,
        }

    def _port(self) -> int:
        if self._service is None or self._service.port is None:
            raise InternalError("a Host was used before it was started")
        return self._service.port

    def _get(self, what: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=ASK_S)
        try:
            connection.request("GET", f"/{self._key}/{what}")
            return connection.getresponse().read()
        finally:
            connection.close()


def crash_sentence(crash: Mapping[str, Any]) -> str:
    """`call 500 ended its process with exit code 7`, from a dispatcher's state."""
    how = (
        "closed Loadstone's connections"
        if crash.get("closed_connection")
        else ended_how(crash["exit_status"])
    )
    calls = [f"{number:,}" for number in crash["calls"]]
    if not calls:
        return f"a process of the target {how} after call {crash['after']:,}"
    if len(calls) == 1:
        return f"in call {calls[0]} the target's process {how}"
    shown = ", ".join(calls[:8]) + (" …" if len(calls) > 8 else "")
    return f"the target's process {how} with the calls {shown} under way"


def ended_how(exit_status: int) -> str:
    """How a process ended, in words."""
    if exit_status >= 0:
        return f"ended with exit code {exit_status}"
    try:
        name = signal.Signals(-exit_status).name
    except ValueError:
        name = f"signal {-exit_status}"
    hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


def _memory_share() -> int:
    import psutil

    return int(MEMORY_SHARE * psutil.virtual_memory().available)
