"""Load that is safe to send: what is checked before, and the rules that end a run early."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from probes.errors import UsageError
from probes.load.engine import Progress
from probes.load.plan import NO_PORTS, OUTCOME, TIMEOUT
from probes.load.spec import LoadSpec, OpenSegment
from probes.slo import Slo
from probes.targets.target import Answer
from probes.watch.machine import clock_ok, descriptor_limit, raise_descriptor_limit
from probes.watch.table import ProcessId

Status = Literal["interrupted", "aborted", "failed"]

REFUSED_S = 3.0
ERRORS_S = 5.0
ERRORS_LEAST = 20
ERRORS_SHARE = 0.5
TOO_SLOW_S = 5.0
TOO_SLOW_TIMES = 10
"""A run is over when p99 was more than so many times its bound in two windows of `TOO_SLOW_S` in a row."""
LEAST_MEMORY_SHARE = 0.10
MOST_OF_LIMIT = 0.90
"""Of the target's memory limit."""
LEAST_JUMP_S = 0.5
"""A wall clock that is corrected by less than this has not jumped."""
LEAST_DISK_BYTES = 200_000_000
SPARE_DESCRIPTORS = 64
PORT_WAITS_S = 60.0
"""TIME_WAIT of TCP on Linux."""


@dataclass(frozen=True)
class Ending:
    """Why a run ends before its time; `failed` is the target's, `aborted` a safety rule's doing."""

    status: Status
    reason: str
    of_memory: bool = False
    """The target had, or was about to have, no memory left."""


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


def scarce_ports(answer: Answer, spec: LoadSpec, ports: int | None, waiting: int | None) -> str | None:
    """A warning where the target closes each connection and the load asked for needs more of them in the
    minute for which a closed one may keep its port than there are `ports` (of which `waiting` still wait)."""
    closes = any(name.lower() == "connection" and "close" in value.lower() for name, value in answer.headers)
    rates = [part.rate_to for part in spec.segments if isinstance(part, OpenSegment)]
    rates += [part.rate_from for part in spec.segments if isinstance(part, OpenSegment)]
    if not closes or ports is None:
        return None
    most = max(0, ports - (waiting or 0)) / PORT_WAITS_S
    if rates and max(rates) <= most:
        return None
    return (
        f"the target closes every connection, and this machine's {ports:,} local ports are safe for "
        f"{int(most):,} new ones a second: beyond, what fails for want of ports is this client's fault"
    )


@dataclass
class Rules:
    """Looks at every second of load and says when to end the run.

    `error_rule` is off while a search drives the target past its capacity, where errors are an answer. `slo`
    is what was asked for; None where nothing was, or where a search finds out what holds it. `memory_limit`
    is the target's, in bytes.
    """

    error_rule: bool = True
    slo: Slo | None = None
    memory_limit: int | None = None
    _seconds: list[tuple[float, int, int]] = field(default_factory=list)
    _window: list[NDArray[np.int64]] = field(default_factory=list)
    _window_s: float = 0.0
    _slow_windows: int = 0
    _without_ports_s: float = 0.0
    _clocks: tuple[int, int] | None = None
    _refused_since: float | None = None
    _refused: int = 0

    def after_second(self, progress: Progress, errors: int) -> Ending | None:
        """The ending that the last second calls for. `errors` counts its failed requests and time-outs."""
        return (
            self._port_rule(progress)
            or self._refused_rule(progress)
            or self._error_rule(progress, errors)
            or self._slow_rule(progress)
            or self._machine_rule()
        )

    def target_memory(self, rss_bytes: float, kept: Callable[[], int | None] = lambda: None) -> Ending | None:
        """The target's processes hold nearly all the memory they may have.

        Resident memory says too much: pages of files, as of an index that is mapped, are given back when
        there is no room, and what several processes share counts once for each. Where it is near the limit
        `kept` is asked for what is really held (bytes; None where that is not known).
        """
        if self.memory_limit is None or rss_bytes <= MOST_OF_LIMIT * self.memory_limit:
            return None
        held = kept()
        if held is None:
            held = round(rss_bytes)
        if held <= MOST_OF_LIMIT * self.memory_limit:
            return None
        share = held / self.memory_limit
        return Ending(
            "aborted",
            f"the target holds {share:.0%} of the {self.memory_limit / 1e6:,.0f} MB of memory it may have",
            of_memory=True,
        )

    def clocks(self, monotonic_ns: int, wall_ns: int) -> Ending | None:
        """Holds the wall clock against the monotonic one, from call to call: a machine that was suspended, or
        whose clock was set, has measured nothing meanwhile."""
        before, self._clocks = self._clocks, (monotonic_ns, wall_ns)
        if before is None or clock_ok(*before, monotonic_ns, wall_ns) is not False:
            return None
        apart = (wall_ns - before[1] - monotonic_ns + before[0]) / 1e9
        if abs(apart) < LEAST_JUMP_S:
            return None
        return Ending("aborted", f"this machine's clock jumped by {apart:.1f} s: it was set or suspended")

    def target_gone(self, gone: tuple[ProcessId, ...], killed: int = 0) -> Ending | None:
        """The target's process has ended; `killed` processes of its group were ended for want of memory."""
        if not gone:
            return None
        if killed > 0:
            limit = (
                "memory" if self.memory_limit is None else f"the {self.memory_limit / 1e6:,.0f} MB of memory"
            )
            text = f"the system ended the target's process {gone[0].pid} because {limit} it may have ran out"
            return Ending("failed", text, of_memory=True)
        return Ending("failed", f"the target's process {gone[0].pid} ended while it was under load")

    def _port_rule(self, progress: Progress) -> Ending | None:
        if not ((progress.statuses & OUTCOME) == NO_PORTS).any():
            self._without_ports_s = 0.0
            return None
        self._refused = progress.refused  # not the target's doing
        self._without_ports_s += progress.span_s
        if self._without_ports_s < REFUSED_S:
            return None
        return Ending("aborted", "this machine has no port or descriptor left for another connection")

    def _slow_rule(self, progress: Progress) -> Ending | None:
        if self.slo is None or not self.slo.bounds:
            return None
        self._window.append(progress.response_ns)
        self._window_s += progress.span_s
        if self._window_s < TOO_SLOW_S:
            return None
        times_ns = np.concatenate(self._window)
        self._window, self._window_s = [], 0.0
        limit_ms = TOO_SLOW_TIMES * self.slo.slowest_limit_ms
        p99_ms = float(np.quantile(times_ns, 0.99)) / 1e6 if len(times_ns) >= ERRORS_LEAST else 0.0
        self._slow_windows = self._slow_windows + 1 if p99_ms > limit_ms else 0
        if self._slow_windows < 2:
            return None
        return Ending(
            "aborted",
            f"p99 was {p99_ms:,.0f} ms, more than {TOO_SLOW_TIMES} times what the SLO allows, "
            f"for {2 * TOO_SLOW_S:.0f} s",
        )

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
