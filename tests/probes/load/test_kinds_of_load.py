"""Whole runs of the other kinds of load: soak, replay, users who think, several processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import pytest

from probes.analysis.memory import MemoryGrowth
from probes.events import Event, Second
from probes.load.grade import untold_memory
from probes.load.probe import LoadProbe
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment, ReplaySegment, Segment, Think
from probes.probe import ProbeContext
from probes.targets.http import parse_target

Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measure(start_server: Callable[..., Any], load_alone: None) -> Measure:
    server = start_server("tests/systems/servers/queue_server.py", "--workers", 64, "--service-ms", 5)

    def run(
        *segments: Segment, emit: Callable[[Event], None] = lambda event: None, **spec: Any
    ) -> dict[str, Any]:
        asked = LoadSpec(segments=segments, warmup_s=0.0, **spec)
        return LoadProbe(parse_target(server.url), asked).run(ProbeContext("0123456789", emit))

    return run


def test_a_soak_too_short_to_tell_says_so(measure: Measure) -> None:
    found = measure(OpenSegment(200, 200, 2), soak=True)
    assert found["load"]["soak"] is True
    assert found["memory"]["verdict"] == "insufficient"
    run = found["run"]
    assert run["grade"] != "valid"
    if run["grade"] == "insufficient":  # and not spoilt by what else this machine does
        assert run["grade_reason"] == untold_memory(
            MemoryGrowth("insufficient", found["memory"]["because"], samples=0)
        )


def test_a_soak_is_answered_by_growth_and_by_none() -> None:
    assert untold_memory(MemoryGrowth("flat", "it is", samples=90)) is None
    assert untold_memory(MemoryGrowth("growing", "it does", samples=90)) is None
    assert "cannot be told: 9 samples" in str(untold_memory(MemoryGrowth("insufficient", "9 samples", 9)))
    assert "was not measured" in str(untold_memory(None))


def test_a_replay_sends_at_the_times_of_the_file(measure: Measure) -> None:
    """A hundred at once, then none for a second, then fifty over half a second."""
    due = np.concatenate([np.zeros(100), np.linspace(1.0, 1.5, 50)])
    told: list[Event] = []
    segment = ReplaySegment("times.csv", "0" * 64, 2.0, (due * 1e9).astype(np.int64))
    found = measure(segment, emit=told.append)
    (step,) = found["steps"]
    assert (step["mode"], step["scheduled"], step["sent"]) == ("open", 150, 150)
    assert step["offered_per_s"] == pytest.approx(75)
    seconds = [event for event in told if isinstance(event, Second)]
    assert seconds[0].offered_per_s == pytest.approx(100, rel=0.3)  # the first second holds the hundred
    assert found["load"]["segments"] == [
        {"replay": "times.csv", "sha256": "0" * 64, "requests": 150, "seconds": 2.0}
    ]


def test_users_are_a_step_with_littles_law(measure: Measure) -> None:
    found = measure(ClosedSegment(20, 2.0, Think(0.1)))
    (step,) = found["steps"]
    assert (step["mode"], step["users"]["count"]) == ("closed", 20)
    product = step["users"]["rate_per_s"] * (step["users"]["response_ms"] + step["users"]["think_ms"]) / 1e3
    assert step["users"]["expected"] == pytest.approx(product, rel=1e-3)
    assert product == pytest.approx(20, rel=0.25)
    assert "scalability" not in found


def test_a_run_of_two_processes_is_a_run(measure: Measure) -> None:
    found = measure(OpenSegment(300, 300, 2), shards=2, arrivals="constant")
    (step,) = found["steps"]
    assert (step["scheduled"], step["ok"], step["unsent"]) == (600, 600, 0)
    assert found["load"]["shards"] == 2
    assert found["client"]["requests_sent"] == 600
    assert "lost" not in step


def test_what_a_lost_process_leaves_is_no_fact_about_the_target(measure: Measure) -> None:
    """Killed from outside, as the system does when memory is short."""

    def emit(event: Event) -> None:
        if isinstance(event, Second):
            workers = [
                child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())
            ]
            threading.Thread(target=workers[0].kill).start()

    found = measure(OpenSegment(300, 300, 30), shards=2, emit=emit)
    (step,) = found["steps"]
    assert "of 2: the load process ended with code -9" in step["lost"][0]
    assert step["verdict"] == "client_limited"
    assert (found["run"]["grade"], found["run"]["status"]) == ("client_limited", "aborted")
    assert "missing from then on" in found["run"]["grade_reason"]
    assert found["facts"] == []
    assert step["scheduled"] == step["sent"] + step["unsent"]
    assert step["seconds"] < 20
