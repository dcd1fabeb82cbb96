"""What callers notice when one of several processes of a target is ended under load."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from probes.events import Note
from probes.load.loss import Victim, victim_of
from probes.load.probe import LoadProbe
from probes.load.run import Run
from probes.load.spec import LoadSpec, parse_slo
from probes.probe import ProbeContext
from probes.targets.http import parse_target

SERVER = Path(__file__).with_name("servers") / "prefork_server.py"
pytestmark = [
    pytest.mark.usefixtures("load_alone"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are told by /proc"),
]

StartServer = Callable[..., Any]


def probed(server: Any, may_end_one: bool = True, budget_s: float = 3.0) -> tuple[dict[str, Any], list[str]]:
    """The result of a short search, and its notes."""
    notes: list[str] = []
    spec = LoadSpec(slo=parse_slo("p95<=300ms,errors<=1%"), budget_s=budget_s, warmup_s=0.5, stacks=False)
    probe = LoadProbe(parse_target(server.url), spec, pids=(server.pid,), may_end_one=may_end_one)
    context = ProbeContext(
        "0123456789", lambda event: notes.append(event.text) if isinstance(event, Note) else None
    )
    return probe.run(context), notes


def test_of_two_processes_one_is_ended_and_what_it_had_under_way_fails(start_server: StartServer) -> None:
    """At 40 % of what four places of 20 ms carry, some four requests are under way: no more can be lost."""
    server = start_server(SERVER, "--workers", 2, "--ms", 20, "--size", 2)
    result, notes = probed(server, budget_s=6.0)
    assert "loss" in result, notes
    loss = result["loss"]
    assert (loss["ended"], loss["of"]) == (1, 2)
    if loss.get("fault") is None and result["run"]["grade"] != "client_limited":
        assert loss["failed_before"] == 0
        assert loss["failed"] <= 20
        assert loss["recovery_s"] is not None
        facts = {fact["name"]: fact["value"] for fact in result["facts"]}
        assert facts["load.loss_errors"] == loss["failed"]
        assert facts["load.loss_recovery_seconds"] == loss["recovery_s"]
    assert server.stop()["died"] == 1


def test_a_worker_that_idled_in_the_last_step_has_served_all_the_same() -> None:
    """Which of two workers takes a connection is chance: in one step a single one may hold them all."""
    here, other, root = os.getpid(), os.getppid(), 1

    def step(seconds: float, *cores: tuple[int, float]) -> Any:
        return SimpleNamespace(seconds=seconds, detail=SimpleNamespace(process_cores=cores))

    def found(*steps: Any) -> Any:
        members = [SimpleNamespace(pid=pid) for pid in (here, other, root)]
        watcher = SimpleNamespace(roots=[SimpleNamespace(pid=root)], members=lambda: members)
        return victim_of(cast(Run, SimpleNamespace(watcher=watcher, steps=steps)))

    unwatched = SimpleNamespace(seconds=1.0, detail=None)
    assert found(
        step(4.0, (here, 0.5), (root, 0.9)), unwatched, step(2.0, (other, 0.8), (here, 0.0))
    ) == Victim(
        here,
        2,  # 2.0 s of CPU against 1.6
    )
    assert found(step(4.0, (here, 0.5)), step(20.0, (other, 0.005))) == "it serves from one process"  # 5 %
    assert found(step(4.0, (here, 0.0), (other, 0.0))) == "it serves from one process"
    assert found(unwatched) == "its processes were not watched"


def test_what_serves_from_one_process_is_left_alone(start_server: StartServer) -> None:
    server = start_server(SERVER, "--workers", 1, "--ms", 20)
    result, notes = probed(server)
    assert "loss" not in result
    assert "no process of the target was ended: it serves from one process" in notes
    assert server.stop()["died"] == 0


def test_nothing_is_ended_unless_the_starter_wants_it(start_server: StartServer) -> None:
    server = start_server(SERVER, "--workers", 2, "--ms", 20)
    result, _ = probed(server, may_end_one=False)
    assert "loss" not in result
    assert server.stop()["died"] == 0
