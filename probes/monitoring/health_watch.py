"""Asks the health paths of a service once a second while load runs, as an orchestrator would.

Kubernetes asks every 10 s by default, waits 1 s, and after three failures in a row takes a copy out of
rotation (readiness) or restarts it (liveness). Here a path is asked more often, so that short runs show
something. Each check has a connection of its own and is none of the load.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from probes.events import Event, Step
from probes.facts import Fact, Source, observed
from probes.monitoring.fetch import Address, FetchError, get

EVERY_S = 1.0
TIMEOUT_S = 1.0
"""Kubernetes' timeoutSeconds."""
IN_A_ROW = 3
"""Kubernetes' failureThreshold."""
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """When it was asked and answered (s of the run), and why it failed; None where it did not."""

    began: float
    ended: float
    failure: str | None


@dataclass(slots=True)
class HealthWatch:
    """Asks each of `paths` (by `readiness`, `liveness`) from `start` to `stop`; `elapsed` is the clock."""

    where: Address
    paths: Mapping[str, str]
    elapsed: Callable[[], float]
    _checks: dict[str, list[Check]] = field(default_factory=dict)
    _steps: list[tuple[int, float, float]] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begins to ask, a thread a path."""
        for kind, path in self.paths.items():
            self._checks[kind] = []
            thread = threading.Thread(target=self._ask, args=(kind, path), name=f"health {kind}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def heard(self, event: Event) -> None:
        """Told of every event of the run: when which step was measured."""
        if isinstance(event, Step):
            end = self.elapsed()
            self._steps.append((event.index, end - float(event.step["seconds"]), end))

    def stop(self) -> None:
        """Ends the asking."""
        self._end.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT_S)

    def to_json(self) -> dict[str, Any]:
        """By kind what was seen while steps were measured; a kind that was never asked then is left out."""
        found: dict[str, Any] = {}
        for kind, path in self.paths.items():
            checks = self._under_load(kind)
            if not checks:
                continue
            row = most = 0
            for _, check in checks:
                row = 0 if check.failure is None else row + 1
                most = max(most, row)
            failed = [(step, check) for step, check in checks if check.failure is not None]
            found[kind] = {
                "path": path,
                "checks": len(checks),
                "failed": len(failed),
                "failed_in_a_row": most,
                "held": most < IN_A_ROW,
                "slowest_ms": round(1e3 * max(check.ended - check.began for _, check in checks), 3),
            }
            if failed:
                found[kind] |= {"first_failed_step": failed[0][0], "because": failed[0][1].failure}
        return found

    def facts(self, source: Source) -> list[Fact]:
        """Whether each path held, and the share of checks that failed; nothing of fewer than three checks."""
        at, facts = datetime.now(UTC), []
        for kind, seen in self.to_json().items():
            n = seen["checks"]
            if n < IN_A_ROW:
                continue
            share = round(seen["failed"] / n, 4)
            facts.append(observed(f"load.{kind}_held", seen["held"], source, at=at, samples=n))
            facts.append(observed(f"load.{kind}_failed_ratio", share, source, at=at, samples=n))
        return facts

    def _under_load(self, kind: str) -> list[tuple[int, Check]]:
        checks = list(self._checks.get(kind, ()))
        return [
            (step, check)
            for check in checks
            for step, begin, end in self._steps
            if begin <= check.began <= end
        ]

    def _ask(self, kind: str, path: str) -> None:
        wait_s = EVERY_S
        while not self._end.wait(wait_s):
            began = self.elapsed()
            try:
                reply = get(self.where, path, timeout_s=TIMEOUT_S, max_bytes=MOST_BYTES)
                failure = None if 200 <= reply.status < 400 else f"it answered with status {reply.status}"
            except FetchError as error:
                failure = f"it {error.what}"
            ended = self.elapsed()
            self._checks[kind].append(Check(began, ended, failure))
            wait_s = max(0.0, EVERY_S - (ended - began))
