"""The process between us and a service we started: whatever the service leaves behind, it removes.

    python -I -c "…; from probes.watch.keeper import main; main()" OUR-PID STATUS-FD GRACE-S FOLDER COMMAND…

It starts the command in a session of its own, says what becomes of it on the status pipe, one JSON object a
line, and ends everything when a byte or the end of file comes on its standard input, when we are gone
(however we went: it holds a handle of our process), or when the command has ended. Orphans of the service
come to it (PR_SET_CHILD_SUBREAPER), so that neither a double fork nor a session of their own takes them out
of reach; and should it be killed itself, the kernel kills the command. Where we are gone it also removes the
folder, which we would have removed. Elsewhere than on Linux the process group and the descendants that still
have their parents are reached, no more.

    {"pid": 4242}               started
    {"failed": "No such file or directory"}
    {"exit": 3}                 the command's exit code; negative: the signal that ended it
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import sys
import time
from typing import NoReturn

from probes.watch.process import descendants

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_KILL_SECONDS = 10.0
_DEFAULTS = ("SIGCHLD", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGPIPE", "SIGXFSZ", "SIGUSR1", "SIGUSR2")


def main() -> None:
    """Keeps the command in `sys.argv` until it ends, or the process that started us."""
    parent, status, grace_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    Keeper(parent, status, grace_s).keep(sys.argv[5:])
    if os.getppid() != parent:
        shutil.rmtree(sys.argv[4], ignore_errors=True)


class Keeper:
    """Keeps one command. `parent` is the pid for whose sake, `status` the descriptor to report to."""

    def __init__(self, parent: int, status: int, grace_s: float) -> None:
        self._status = status
        self._grace_s = grace_s
        self._exit: int | None = None
        os.set_inheritable(status, False)
        _control_process(_PR_SET_CHILD_SUBREAPER, 1)
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ)
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                # The pipe alone would not do: a process that ours forked may hold its other end.
                self._selector.register(os.pidfd_open(parent), selectors.EVENT_READ)
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for name in ("SIGCHLD", "SIGTERM", "SIGHUP", "SIGINT"):
            signal.signal(getattr(signal, name), _wake_up)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._orphaned = os.getppid() != parent
        self._main = 0

    def keep(self, command: list[str]) -> None:
        """Runs the command to its end or ours."""
        if self._orphaned:
            return
        failure = self._start(command)
        if failure:
            self._tell({"failed": failure})
            return
        self._tell({"pid": self._main})
        while self._exit is None and not self._wait(None):
            self._look()
        self._terminate()
        self._kill()

    def _start(self, command: list[str]) -> str:
        """Starts the command; returns what went wrong, or nothing."""
        failed, failing = os.pipe()
        self._main = os.fork()
        if self._main == 0:
            self._become(command, failing)
        os.close(failing)
        number = os.read(failed, 16)  # nothing, when the command's start closed the other end
        os.close(failed)
        if not number:
            return ""
        os.waitpid(self._main, 0)
        return os.strerror(int(number))

    def _become(self, command: list[str], failing: int) -> NoReturn:
        try:
            keeper = os.getppid()
            signal.set_wakeup_fd(-1)
            for name in _DEFAULTS:
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            os.setsid()
            _control_process(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != keeper:
                os._exit(1)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(failing, str(error.errno).encode())
        finally:
            os._exit(127)

    def _wait(self, seconds: float | None) -> bool:
        """Waits until something happens; whether it was a call to end."""
        told = False
        for key, _ in self._selector.select(seconds):
            if key.fd != self._wake:
                told = True
                self._selector.unregister(key.fd)
                continue
            with contextlib.suppress(BlockingIOError):
                told |= any(number != signal.SIGCHLD for number in os.read(self._wake, 4096))
        return told

    def _look(self) -> None:
        """Notes the end of the command, which stays a zombie so that its group's number stays taken, and
        waits for orphans that ended."""
        if self._exit is None:
            ended = os.waitid(os.P_PID, self._main, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                self._exit = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
                self._tell({"exit": self._exit})
        for pid in self._others():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)

    def _terminate(self) -> None:
        """Asks everything to end, and gives the command's group time for it."""
        if self._exit is not None:
            return
        deadline = time.monotonic() + self._grace_s
        _signal_group(self._main, signal.SIGTERM)
        for pid in self._others():
            if not self._in_group(pid):
                _signal(pid, signal.SIGTERM)
        while (left := deadline - time.monotonic()) > 0:
            self._look()
            if self._exit is not None and not any(map(self._in_group, self._others())):
                return
            self._wait(min(left, 0.05))

    def _kill(self) -> None:
        """Kills all that is left, again and again: what is killed leaves orphans, and they come to us."""
        deadline = time.monotonic() + _KILL_SECONDS
        while True:
            _signal_group(self._main, signal.SIGKILL)
            left = self._others()
            for pid in left:
                _signal(pid, signal.SIGKILL)
            self._look()
            if (self._exit is not None and not left) or time.monotonic() > deadline:
                break
            self._wait(0.02)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._main, os.WNOHANG)

    def _others(self) -> list[int]:
        """All that came of the command, without itself."""
        return [process.pid for process in descendants(os.getpid()) if process.pid != self._main]

    def _in_group(self, pid: int) -> bool:
        try:
            return os.getpgid(pid) == self._main
        except ProcessLookupError:
            return False

    def _tell(self, message: dict[str, int | str]) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._status, json.dumps(message).encode() + b"\n")


def _wake_up(number: int, frame: object) -> None:
    """A handler is needed for a signal to reach the wake-up descriptor, which does the work."""


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _control_process(option: int, value: int) -> None:
    """prctl(2), on Linux."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
