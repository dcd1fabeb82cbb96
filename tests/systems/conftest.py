"""Runs the real load probe and checks of every result what holds whatever the target does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from probes.events import Event
from probes.load.arrivals import due_times
from probes.load.engine import Engine, Progress, Record
from probes.load.probe import LoadProbe
from probes.load.shard import Live
from probes.load.spec import LoadSpec, OpenSegment
from probes.load.steps import StepResult
from probes.load.tally import summarise
from probes.probe import ProbeContext
from probes.targets.http import parse_target

Kind = TypeVar("Kind", bound=Event)
PERCENTILES = ("p50", "p90", "p95", "p99", "p999", "max")


@dataclass
class Told:
    """The result of a probe and all it said on the way."""

    result: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def step(self) -> dict[str, Any]:
        """The only step."""
        (step,) = self.result["steps"]
        return dict(step)

    @property
    def grade(self) -> str:
        return str(self.result["run"]["grade"])

    def events_of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def errors(self) -> dict[str, int]:
        """Errors by class over all steps, without the classes that did not occur."""
        total: dict[str, int] = {}
        for step in self.result["steps"]:
            for name, number in step["errors"].items():
                if number:
                    total[name] = total.get(name, 0) + number
        return total

    def total(self, name: str) -> int:
        """The sum of a count over all steps."""
        return sum(step[name] for step in self.result["steps"])


def check_invariants(result: Mapping[str, Any]) -> None:
    """CONTRACT's sums, exactly; percentiles never fall up to the maximum; a spoilt run has no facts."""
    for step in result["steps"]:
        answered = step["ok"] + step["timeouts"] + step["cancelled"] + sum(step["errors"].values())
        assert step["sent"] == answered, step
        assert step["scheduled"] == step["sent"] + step["unsent"], step
        assert all(
            value >= 0
            for value in (*step["errors"].values(), step["unsent"], step["cancelled"], step["timeouts"])
        )
        for times in ("response_ms", "service_ms", "send_lag_ms", "read_lag_ms"):
            values = [step[times][name] for name in PERCENTILES if name in step.get(times, {})]
            assert values == sorted(values), (times, step)
    assert sum(step["sent"] for step in result["steps"]) <= result["client"]["requests_sent"]
    if result["run"]["grade"] == "client_limited":
        assert result["run"]["grade_reason"]
        assert result["facts"] == []


class Nobody:
    """Watches an engine and never ends it."""

    def second(self, progress: Progress) -> None:
        """Does nothing."""

    def stop_word(self, live: Live, t_ns: int) -> int:
        return 0


@dataclass
class Found:
    """What an engine found, without what the probe does before and after."""

    record: Record
    step: StepResult
    notes: dict[int, str]
    bytes_read: int
    grew_bytes: int
    """By how much the worker's memory was larger at its peak than before."""


@pytest.fixture
def engine() -> Callable[..., Found]:
    """Runs the engine alone, evenly spaced requests, on a target that is not asked before."""

    def run(url: str, *, rate: float, seconds: float = 1.0, timeout_s: float = 10.0, **target: Any) -> Found:
        aim = parse_target(url, **target)
        with Engine(aim.wire(timeout_s), 512, Nobody()) as engine:
            before = memory(engine.shard.pid, "VmRSS")
            due, _ = due_times([OpenSegment(rate, rate, seconds)], "constant", np.random.default_rng(1))
            record = engine.open_loop(due, seconds)
            grew = memory(engine.shard.pid, "VmHWM") - before
        step = summarise(record, aim.is_good, lambda *_: None)
        return Found(record, step, engine.notes, record.report.bytes_read, grew)

    return run


def memory(pid: int, name: str) -> int:
    """A figure of /proc/PID/status in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


@pytest.fixture
def probe() -> Callable[..., Told]:
    """Runs the load probe on a url: options of the target in `target`, all others are those of `LoadSpec`.

    Without segments given, `rate` for `seconds`, evenly spaced and without warm-up.
    """

    def run(
        url: str,
        *,
        rate: float | None = None,
        seconds: float = 1.0,
        target: Mapping[str, Any] | None = None,
        stop: threading.Event | None = None,
        on_event: Callable[[Event], None] | None = None,
        **spec: Any,
    ) -> Told:
        if rate is not None:
            spec = {"arrivals": "constant", "warmup_s": 0.0} | spec
            spec["segments"] = (OpenSegment(rate, rate, seconds),)
        told = Told()

        def emit(event: Event) -> None:
            told.events.append(event)
            if on_event is not None:
                on_event(event)

        context = ProbeContext("0123456789", emit, stop or threading.Event())
        told.result = LoadProbe(parse_target(url, **(target or {})), LoadSpec(**spec)).run(context)
        check_invariants(told.result)
        return told

    return run
