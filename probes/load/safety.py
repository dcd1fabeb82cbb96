"""Load that is safe to send: what is checked before, and the rules that end a run early."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from typing import Literal

from probes.errors import UsageError
from probes.load.engine import Progress
from probes.load.plan import OUTCOME, TIMEOUT
from probes.watch.machine import descriptor_limit, raise_descriptor_limit
from probes.watch.table import ProcessId

Status = Literal["interrupted", "aborted", "failed"]

REFUSED_S = 3.0
ERRORS_S = 5.0
ERRORS_LEAST = 20
ERRORS_SHARE = 0.5
LEAST_MEMORY_SHARE = 0.10
LEAST_DISK_BYTES = 200_000_000
SPARE_DESCRIPTORS = 64


@dataclass(frozen=True)
class Ending:
    """Why a run ends before its time; `failed` is the target's, `aborted` a safety rule's doing."""

    status: Status
    reason: str


class RunEnded(Exception):  # noqa: N818 - an ending, not an error
    """Raised between steps once a run has to end; carries the `Ending`."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


def check_descriptors(connections: int) -> None:
    """Makes room for that many connections. Raises `UsageError` when the system does not allow them."""
    limit = descriptor_limit()
    if limit is None or limit[0] >= connections + SPARE_DESCRIPTORS:
        return
    raised = raise_descriptor_limit()
    if raised is not None and raised < connections + SPARE_DESCRIPTORS:
        raise UsageError(
            f"this system allows {raised} open files, too few for {connections} connections; "
            f"raise it (ulimit -n) or ask for fewer (--connections, --concurrency)"
        )


@dataclass
class Rules:
    """Looks at every second of load and says when to end the run.

    `error_rule` is off while a search drives the target past its capacity, where errors are an answer.
    """

    error_rule: bool = True
    _seconds: list[tuple[float, int, int]] = field(default_factory=list)
    _refused_since: float | None = None
    _refused: int = 0

    def after_second(self, progress: Progress, errors: int) -> Ending | None:
        """The ending that the last second calls for. `errors` counts its failed requests and time-outs."""
        return self._refused_rule(progress) or self._error_rule(progress, errors) or self._machine_rule()

    def target_gone(self, gone: tuple[ProcessId, ...]) -> Ending | None:
        """The target's process has ended."""
        if not gone:
            return None
        return Ending("failed", f"the target's process {gone[0].pid} ended while it was under load")

    def _refused_rule(self, progress: Progress) -> Ending | None:
        answered = int((((progress.statuses & OUTCOME) < TIMEOUT) & (progress.statuses > 0)).sum())
        refused = progress.refused != self._refused
        self._refused = progress.refused
        if answered or not refused:
            self._refused_since = None
            return None
        now = progress.t_ns / 1e9
        if self._refused_since is None:
            self._refused_since = now - progress.span_s
        if now - self._refused_since >= REFUSED_S:
            return Ending("failed", f"the target refused every connection for {REFUSED_S:.0f} s")
        return None

    def _error_rule(self, progress: Progress, errors: int) -> Ending | None:
        now = progress.t_ns / 1e9
        self._seconds.append((now, progress.finished, errors))
        self._seconds = [entry for entry in self._seconds if now - entry[0] < ERRORS_S]
        requests = sum(entry[1] for entry in self._seconds)
        failed = sum(entry[2] for entry in self._seconds)
        covered = now - self._seconds[0][0] + progress.span_s
        if not self.error_rule or requests < ERRORS_LEAST or failed <= ERRORS_SHARE * requests:
            return None
        if covered < ERRORS_S - 1:
            return None
        return Ending(
            "aborted",
            f"{failed} of the last {requests} requests failed, more than half over {ERRORS_S:.0f} s",
        )

    def _machine_rule(self) -> Ending | None:
        import psutil

        memory = psutil.virtual_memory()
        if memory.available < LEAST_MEMORY_SHARE * memory.total:
            share = memory.available / memory.total
            return Ending("aborted", f"only {share:.0%} of this machine's memory is left")
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < LEAST_DISK_BYTES:
            return Ending("aborted", f"only {free / 1e6:.0f} MB of disk are left")
        return None
