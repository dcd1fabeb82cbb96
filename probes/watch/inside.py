"""A look inside a target while it is saturated: its stacks, its interpreter lock, what its threads wait for.

It takes some seconds of load of its own, after everything that decides anything was measured, so that
looking disturbs no figure. The caller sends the load and calls `tick` some twenty times a second.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from probes.watch.stacks import StackPass, StackSamples
from probes.watch.tree import TreeWatcher
from probes.watch.waits import WaitLog, Waits

LEAD_S = 0.5
"""Of load before the look begins, so that the target is saturated and its busiest processes are known."""
LOOK_EVERY_S = 0.1
LOOKING_SHARE = 0.1
"""Looking at threads may take this share of our own time."""
BUSY_PROCESS_CORES = 0.2


@dataclass(frozen=True, slots=True)
class Inside:
    """What was seen from `begin_ns` to `end_ns` (monotonic clock); `is_python`: there is an interpreter."""

    begin_ns: int
    end_ns: int
    stacks: StackSamples | None
    waits: Waits | None
    is_python: bool

    @property
    def refused(self) -> str | None:
        """Why stacks were not seen, as a sentence without its full stop; None where they were."""
        return self.stacks.refused[0] if self.stacks is not None and self.stacks.refused else None


@dataclass(slots=True)
class InsideLook:
    """One look for whole `seconds` at the processes of a watched tree."""

    watcher: TreeWatcher
    seconds: int
    _first_ns: int = 0
    _begin_ns: int = 0
    _next_s: float = 0.0
    _stacks: StackPass | None = None
    _waits: WaitLog = field(default_factory=WaitLog)

    def tick(self) -> bool:
        """Goes on looking; true once everything was seen."""
        now_ns = time.monotonic_ns()
        self._first_ns = self._first_ns or now_ns
        if now_ns - self._first_ns < LEAD_S * 1e9:
            return False
        if self._stacks is None:
            self._begin_ns = now_ns
            pids, computes = self._busiest(now_ns)
            self._stacks = StackPass(pids, self.seconds, waiting=not computes)
            self._stacks.start()
        self._look()
        return self._stacks.done() and now_ns - self._begin_ns >= self.seconds * 1e9

    def result(self) -> Inside | None:
        """What was seen; None where the look never began. Ends what still runs."""
        if self._stacks is None:
            return None
        seen = self._stacks.result()
        return Inside(
            self._begin_ns,
            time.monotonic_ns(),
            seen if self._stacks.is_python else None,
            self._waits.mean(),
            self._stacks.is_python,
        )

    def close(self) -> None:
        """Ends what still runs."""
        if self._stacks is not None:
            self._stacks.close()

    def _busiest(self, now_ns: int) -> tuple[Sequence[int], bool]:
        """The processes that compute, the busiest first; where none does, all of them, and false."""
        detail = self.watcher.detail(self._first_ns, now_ns)
        members = [process.pid for process in self.watcher.members()]
        if detail is None:
            return members, True
        cores = dict(detail.process_cores)
        members.sort(key=lambda pid: -cores.get(pid, 0.0))
        busy = [pid for pid in members if cores.get(pid, 0.0) >= BUSY_PROCESS_CORES]
        return busy or members, bool(busy)

    def _look(self) -> None:
        began = time.monotonic()
        if began < self._next_s:
            return
        self._waits.look([process.pid for process in self.watcher.members()])
        took = time.monotonic() - began
        self._next_s = began + max(LOOK_EVERY_S, took / LOOKING_SHARE)
