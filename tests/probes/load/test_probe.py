"""The load probe's document apart from its numbers: what is refused first, what is said of whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.analysis.memory import judge_memory
from probes.errors import TargetError, UsageError
from probes.events import Event, FactFound, Finished, Note, Started
from probes.load import safety
from probes.load.durations import Durations
from probes.load.probe import LoadProbe, decisive_step
from probes.load.search import Capacity
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.load.steps import ERROR_CLASSES, StepResult
from probes.probe import Probe, ProbeContext
from probes.targets.http import parse_target

ROOT = Path(__file__).resolve().parents[3]
NOTHING = Durations()
HALF_A_SECOND = LoadSpec(segments=(OpenSegment(100, 100, 0.5),), arrivals="constant", warmup_s=0.0)


def a_step(offered: float | None) -> StepResult:
    return StepResult(
        mode="closed" if offered is None else "open", offered_per_s=offered, achieved_per_s=offered or 0.0,
        concurrency=1.0, seconds=1.0, scheduled=0, sent=0, ok=0, timeouts=0, cancelled=0,
        errors=dict.fromkeys(ERROR_CLASSES, 0), no_ports=0, response=NOTHING, service=NOTHING,
        send_lag=NOTHING, read_lag=NOTHING, without_us=NOTHING, backlog=(0, 0, 0, 0), usage=None,
        client_cpu_cores=0.0,
    )  # fmt: skip


def test_latencies_at_capacity_are_those_of_the_nearest_step_below() -> None:
    """Of steps at 80, 120, 95 and again 95 requests/s and a capacity of 100: the last at 95."""
    steps = [a_step(None), a_step(80), a_step(120), a_step(95), replace(a_step(95), ok=1)]
    at_100 = Capacity(100.0, 90.0, 110.0, "bracketed", None, 120.0, ())
    assert decisive_step(steps, at_100) is steps[4]
    assert decisive_step(steps, replace(at_100, rate=50.0)) is None
    assert decisive_step(steps, replace(at_100, rate=None)) is None
    assert decisive_step(steps, None) is steps[4]
    assert decisive_step([], None) is None


@pytest.fixture
def server(start_server: Callable[..., Any]) -> Any:
    return start_server("tests/systems/servers/stall_server.py", "--service-ms", 5, "--stall-s", 0)


def run(server: Any, spec: LoadSpec, **options: Any) -> tuple[dict[str, Any], list[Event]]:
    told: list[Event] = []
    probe = LoadProbe(parse_target(server.url), spec, **options)
    assert isinstance(probe, Probe)
    return probe.run(ProbeContext("0123456789", told.append)), told


_FIRST_PHASE = """
import sys
from probes.load.probe import LoadProbe
from probes.load.spec import LoadSpec, OpenSegment
from probes.probe import ProbeContext
from probes.targets.http import parse_target

def tell(event):
    if event.kind in ("started", "phase"):
        print(event.kind, "scipy.optimize" in sys.modules)

if __name__ == "__main__":
    load = LoadSpec(segments=(OpenSegment(100, 100, 0.2),), arrivals="constant", warmup_s=0.0)
    LoadProbe(parse_target(sys.argv[1]), load).run(ProbeContext("0123456789", tell))
"""


def test_what_the_result_needs_is_imported_before_any_load(
    server: Any, tmp_path: Path, load_alone: None
) -> None:
    """Else who stops a run waits for it."""
    script = tmp_path / "first_phase.py"
    script.write_text(_FIRST_PHASE)
    command = [sys.executable, str(script), server.url]
    said = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said[:2] == ["started False", "phase True"]


def test_the_document_is_whole_and_plain(server: Any, load_alone: None) -> None:
    result, told = run(server, HALF_A_SECOND)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["schema"] == "loadstone.probe/1"
    assert result["run"]["id"] == "0123456789"
    assert result["target"]["pids"] == [server.pid]
    assert result["load"] == HALF_A_SECOND.to_json()
    assert result["client"]["kernel_stamps"] is True
    assert isinstance(told[0], Started)
    assert isinstance(told[-1], Finished)
    assert [event.fact for event in told if isinstance(event, FactFound)] == result["facts"]
    assert {fact["source"]["run"] for fact in result["facts"]} <= {"0123456789"}


def test_who_is_watched_can_be_said(server: Any, load_alone: None) -> None:
    """A pid of one's own choice, for example behind a proxy; one that is not there is refused."""
    result, _ = run(server, HALF_A_SECOND, pids=(os.getpid(),))
    assert result["target"]["pids"] == [os.getpid()]
    with pytest.raises(TargetError):
        run(server, HALF_A_SECOND, pids=(2**22 + 1,))


def test_a_target_whose_process_is_not_found_is_measured_without_it(
    server: Any, load_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.load.probe.listening_owners", lambda *_: ())
    result, told = run(server, HALF_A_SECOND)
    assert "pids" not in result["target"]
    assert "cpu_cores" not in result["steps"][0]
    assert any("was not found" in event.text for event in told if isinstance(event, Note))


@pytest.mark.parametrize(
    "spec",
    [replace(HALF_A_SECOND, connections=5_000), LoadSpec(segments=(ClosedSegment(5_000, 0.5),))],
    ids=["connections", "callers"],
)
def test_more_connections_than_the_system_allows_are_refused(
    spec: LoadSpec, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any load: they would be failures of our own."""
    monkeypatch.setattr(safety, "descriptor_limit", lambda: (1_024, 4_096))
    monkeypatch.setattr(safety, "raise_descriptor_limit", lambda: 4_096)
    with pytest.raises(UsageError, match="this system allows 4096 open files, too few for 5000 connections"):
        run(server, spec)
    assert server.stop()["received"] <= 1


def test_memory_is_judged_and_a_short_run_is_no_ground_for_a_fact(server: Any, load_alone: None) -> None:
    spec = replace(HALF_A_SECOND, segments=(OpenSegment(100, 100, 1.5),))
    result, _ = run(server, spec)
    memory = result["memory"]
    assert (memory["verdict"], memory["bytes_per_request"], memory["hours_to_limit"]) == (
        "insufficient", None, None,
    )  # fmt: skip
    assert memory["more_samples_needed"] > 0
    names = {fact["name"] for fact in result["facts"]}
    assert not names & {"process.memory_verdict", "process.growth_bytes_per_request"}


def test_a_memory_that_grows_is_a_fact_with_its_interval() -> None:
    probe = LoadProbe(parse_target("http://127.0.0.1:9/"), HALF_A_SECOND)
    t = np.arange(120.0)
    leak = judge_memory(t, 2e8 + 200_000 * t, 100 * t, np.full(120, 100.0))
    facts = {fact.name: fact for fact in probe._facts([], None, leak, "r1")}
    assert facts["process.memory_verdict"].value == "growing"
    growth = facts["process.growth_bytes_per_request"]
    assert growth.value == pytest.approx(2_000, rel=1e-6)
    assert growth.low is not None
    assert growth.high is not None
    assert growth.low < 2_000 < growth.high
    assert "process.growth_bytes_per_second" not in facts, "it is counted once"
    flat = judge_memory(t, np.full(120, 2e8), 100 * t, np.full(120, 100.0))
    facts = {fact.name: fact for fact in probe._facts([], None, flat, "r1")}
    assert {name: fact.value for name, fact in facts.items()} == {"process.memory_verdict": "flat"}
