"""Under which load a target is looked into, and what of a run the judgement on its limit is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from probes.load.durations import Durations
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.load.steps import ERROR_CLASSES, StepResult, Users
from probes.load.why import (
    LOOK_S,
    SHORT_LOOK_S,
    Why,
    level_of,
    look_seconds,
    reserved_s,
    saturating_load,
    stacks_json,
)
from probes.watch.inside import Inside
from probes.watch.stacks import Place, StackSamples
from probes.watch.tree import Usage

NOTHING = Durations()


def a_step(
    achieved: float, *, callers: int | None = None, offered: float | None = None, verdict: str = "steady"
) -> StepResult:
    return StepResult(
        mode="closed" if offered is None else "open", offered_per_s=offered, achieved_per_s=achieved,
        concurrency=float(callers or 1), seconds=2.0, scheduled=0, sent=10, ok=10, timeouts=0, cancelled=0,
        errors=dict.fromkeys(ERROR_CLASSES, 0), no_ports=0, response=NOTHING, service=NOTHING,
        send_lag=NOTHING, read_lag=NOTHING, without_us=NOTHING, backlog=(0, 0, 0, 0), usage=None,
        client_cpu_cores=0.0, verdict=verdict,
    )  # fmt: skip


def ladder(rates: dict[int, float]) -> list[StepResult]:
    best = max(rates.values())
    return [
        a_step(rate, callers=n, verdict="saturated" if n > 1 and rate >= 0.95 * best else "steady")
        for n, rate in rates.items()
    ]


def test_twice_the_callers_that_were_needed_are_sent_but_never_more_than_before() -> None:
    """So that a queue inside shows: with the four of a pool of four nobody would wait."""
    pool = ladder({1: 50, 2: 100, 4: 199, 8: 200, 16: 198, 32: 200})
    assert saturating_load(pool, 5.0) == ClosedSegment(8, 5.0)
    one = ladder({1: 99, 2: 100, 4: 100, 8: 100})
    assert saturating_load(one, 5.0) == ClosedSegment(4, 5.0)
    few = ladder({1: 99, 2: 100})
    assert saturating_load(few, 5.0) == ClosedSegment(2, 5.0)


def test_what_was_never_saturated_is_not_looked_into() -> None:
    assert saturating_load([a_step(50, callers=1), a_step(99, callers=2)], 5.0) is None
    failed = replace(a_step(0.0, callers=2, verdict="saturated"), ok=0)
    assert saturating_load([a_step(50, callers=1), failed], 5.0) is None
    assert saturating_load([], 5.0) is None


def test_a_rate_that_saturated_it_is_sent_again_where_no_callers_were_asked_for() -> None:
    steps = [a_step(80, offered=80), a_step(95, offered=120, verdict="saturated"),
             a_step(95, offered=110, verdict="saturated")]  # fmt: skip
    assert saturating_load(steps, 5.0) == OpenSegment(110, 110, 5.0)


def test_users_who_think_are_no_callers_that_wait() -> None:
    users = replace(a_step(100, callers=50, verdict="saturated"), users=Users(50, 0.4, 0.1, 100.0))
    assert saturating_load([users], 5.0) is None


def test_the_look_lies_within_a_budget_that_has_room_for_it() -> None:
    assert look_seconds(LoadSpec(budget_s=120.0)) == LOOK_S
    assert LOOK_S < reserved_s(LoadSpec(budget_s=120.0)) <= LOOK_S + 1
    assert look_seconds(LoadSpec(budget_s=12.0)) == SHORT_LOOK_S
    assert reserved_s(LoadSpec(budget_s=12.0)) == 0
    switched_off = LoadSpec(budget_s=120.0, stacks=False)
    assert (look_seconds(switched_off), reserved_s(switched_off)) == (0, 0)
    assert switched_off.to_json()["stacks"] is False
    assert "stacks" not in LoadSpec().to_json()


def test_a_level_is_what_was_measured_of_a_step() -> None:
    usage = Usage(1.0, 0.5, 1.0, 1, 1, 1, 10, 2.0)
    level = level_of(replace(a_step(100, callers=4), usage=usage))
    assert (level.callers, level.throughput, level.cpu_cores, level.thread_cores) == (4, 100, 0.5, None)
    assert level.closed
    assert level_of(a_step(100, offered=120)).cpu_cores is None


A = Place("rank", "model.py", 88)
SEEN = Inside(0, 1, StackSamples({(A,): 391}, {(A,): 200}, {7: 0.5}, 400, 4.0), None, True)


def test_stacks_join_the_result_and_their_file_lies_in_the_folder(tmp_path: Path) -> None:
    document, lost = stacks_json(Why(SEEN), "r1", tmp_path)
    assert lost is None
    assert document["hotspots"] == [
        {"function": "rank", "file": "model.py", "line": 88, "share": 1.0, "gil_share": 0.5115}
    ]
    assert document["flame_file"] == "stacks/r1.speedscope.json"
    assert (tmp_path / document["flame_file"]).is_file()
    assert document["stacks"] == {"of": "threads that compute", "seconds": 4.0, "samples": 391}
    assert [frame["name"] for frame in document["flame"]] == ["rank"]


def test_where_the_interpreter_lock_is_the_limit_only_what_holds_it_is_shown(tmp_path: Path) -> None:
    """Four threads wait for the lock in `tree`, which does not hold it: `wrap` does three times in four."""
    tree, wrap = Place("tree", "t.py", 1), Place("wrap", "w.py", 2)
    stacks = StackSamples({(A, tree): 1200, (A, wrap): 90}, {(A, wrap): 270, (A,): 90}, {7: 0.9}, 400, 4.0)
    document, _ = stacks_json(Why(replace(SEEN, stacks=stacks)), "r1", tmp_path, of_lock=True)
    assert [(spot["function"], spot["share"]) for spot in document["hotspots"]] == [
        ("wrap", 0.75), ("rank", 0.25),
    ]  # fmt: skip
    assert document["stacks"]["of"] == "threads that hold the interpreter lock"
    nothing_held = replace(stacks, gil={})
    document, _ = stacks_json(Why(replace(SEEN, stacks=nothing_held)), "r1", tmp_path, of_lock=True)
    assert document["stacks"]["of"] == "threads that compute"


def test_a_flame_graph_that_cannot_be_written_costs_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "stacks").write_text("in the way")
    document, lost = stacks_json(Why(SEEN), "r1", tmp_path)
    assert "flame_file" not in document
    assert document["hotspots"]
    assert lost is not None
    assert "could not be written" in lost


NO_SAMPLES = replace(SEEN, stacks=StackSamples({}, {}, {7: 0.0}, 400, 4.0))


@pytest.mark.parametrize("why", [Why(), Why(replace(SEEN, stacks=None)), Why(NO_SAMPLES)])
def test_without_samples_nothing_is_said_of_stacks(why: Why, tmp_path: Path) -> None:
    assert stacks_json(why, "r1", tmp_path) == ({}, None)
    assert not list(tmp_path.iterdir())
