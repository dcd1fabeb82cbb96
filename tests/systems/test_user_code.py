"""The whole probe on tiny callables of known truth, run by the user's interpreter under load.

What bounds a figure from one side whatever the machine does is asserted always; what needs free processors
only where the run does not say itself that it had none (`client_limited`).
"""

from __future__ import annotations

import json
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from probes.errors import TargetError
from probes.events import Event, FactFound, Finished, Note, Second, Started
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.probe import Probe, ProbeContext
from probes.targets.hosted_probe import HostedProbe
from probes.targets.user_code import Sample, parse_user_code
from probes.watch.process import alive, identify

pytestmark = pytest.mark.usefixtures("load_alone")
SERVICE_S = 0.005

TRUTHS = """
import os, signal, threading, time

lock = threading.Lock()
kept = []
calls = 0

def sleep(): time.sleep(0.005)

def work():
    end = time.thread_time() + 0.005
    while time.thread_time() < end: pass

def locked():
    with lock: time.sleep(0.005)

def leak(): kept.append(bytearray(1024))

def leak_files(): kept.append(open(os.devnull))

def slow_mode():
    global calls
    calls += 1
    time.sleep(0.05 if calls % 100 == 0 else 0.001)

def leak_much(): kept.append(bytearray(os.urandom(16384)))

def crash():
    global calls
    calls += 1
    if calls == 500:
        print("about to end", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(0.0005)

def noise():
    print("x" * 10_000)
    time.sleep(0.001)

def hang(x):
    if x == "hang": time.sleep(1000)

def half(x):
    if x: raise ValueError("an odd one")
"""


@dataclass
class Measured:
    """What a probe of user code gave and told."""

    result: dict[str, Any]
    events: list[Event] = field(default_factory=list)

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.result["steps"])

    @property
    def limited(self) -> bool:
        """Whether the machine was too busy for lower bounds."""
        return self.result["run"]["grade"] == "client_limited"

    def ok(self) -> int:
        return sum(step["ok"] for step in self.steps)


Measure = Callable[..., Measured]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Runs the probe on a callable of `TRUTHS` with that many callers, each for 1 s, or another load."""
    (tmp_path / "truths.py").write_text(textwrap.dedent(TRUTHS))

    def run(
        name: str, callers: tuple[int, ...] = (1,), *, seconds: float = 1.0, samples: tuple[Any, ...] = (),
        expect_body: str | None = None, stop_at: type[Event] | None = None, **options: Any,
    ) -> Measured:  # fmt: skip
        load = {
            name: options.pop(name)
            for name in ("timeout_s", "segments", "arrivals", "connections")
            if name in options
        }
        load = {"segments": tuple(ClosedSegment(number, seconds) for number in callers)} | load
        code = parse_user_code(
            f"python:truths.py:{name}", python=sys.executable, cwd=tmp_path,
            sample=Sample(tuple(json.dumps(one).encode() for one in samples)), **options,
        )  # fmt: skip
        told: list[Event] = []
        stop = threading.Event()

        def emit(event: Event) -> None:
            told.append(event)
            if stop_at is not None and isinstance(event, stop_at):
                stop.set()

        probe = HostedProbe(code, LoadSpec(warmup_s=0.0, **load), expect_body=expect_body)
        assert isinstance(probe, Probe)
        result = probe.run(ProbeContext("0123456789", emit, stop))
        assert json.loads(json.dumps(result, allow_nan=False)) == result
        for step in result["steps"]:
            answered = step["ok"] + step["timeouts"] + step["cancelled"] + sum(step["errors"].values())
            assert step["sent"] == answered
        for pid in result["target"]["pids"]:
            process = identify(pid)
            assert process is None or not alive(process), "a process of the target has survived"
        return Measured(dict(result), told)

    return run


def test_sleepers_scale_with_their_threads(measure: Measure) -> None:
    """N callers of 5 ms asleep get N/5ms, and never more; with one thread 4 get what one gets."""
    told = measure("sleep", (1, 4), threads=4)
    one, four = (step["achieved_per_s"] for step in told.steps)
    assert one <= 1.05 / SERVICE_S
    assert four <= 4 * 1.05 / SERVICE_S
    assert told.limited or four >= 2.5 * one
    alone = measure("sleep", (4,), threads=1)
    assert alone.steps[0]["achieved_per_s"] <= 1.05 / SERVICE_S
    assert alone.result["call"]["queued_ms"]["p50"] >= 5.0, "three wait while one is called"
    for step in told.steps + alone.steps:
        assert step["service_ms"]["p50"] >= 1e3 * SERVICE_S
    assert told.result["call"]["call_ms"]["p50"] >= 1e3 * SERVICE_S
    assert told.result["call"]["cpu_ms"]["p50"] < 1e3 * SERVICE_S / 2


def test_a_lock_around_a_sleep_serialises_whatever_the_threads(measure: Measure) -> None:
    told = measure("locked", (4,), threads=4)
    assert told.steps[0]["achieved_per_s"] <= 1.05 / SERVICE_S
    assert told.result["call"]["call_ms"]["p50"] >= 2 * 1e3 * SERVICE_S, "the wait is inside the call"
    assert told.result["call"]["queued_ms"]["p50"] < 1e3 * SERVICE_S
    assert told.result["call"]["cpu_ms"]["p50"] < 1e3 * SERVICE_S / 2


def test_the_interpreter_lock_holds_threads_back_and_not_processes(measure: Measure) -> None:
    """5 ms of Python on two threads are one core's worth, 200/s; the CPU of a request is 5 ms either way."""
    threads = measure("work", (2,), threads=2)
    processes = measure("work", (2,), workers=2)
    assert threads.steps[0]["achieved_per_s"] <= 1.05 / SERVICE_S
    if not (threads.limited or processes.limited):
        assert processes.steps[0]["achieved_per_s"] >= 1.3 * threads.steps[0]["achieved_per_s"]
    for told in (threads, processes):
        assert told.result["call"]["cpu_ms"]["p50"] == pytest.approx(5.0, rel=0.1)
        assert told.steps[0]["cpu_ms_per_request"] == pytest.approx(5.0, rel=0.2)
    assert len(processes.result["target"]["pids"]) == 2


def test_a_crash_on_call_500_is_told_with_all_results_before(measure: Measure) -> None:
    told = measure("crash", seconds=10.0)
    run = told.result["run"]
    assert run["status"] == "failed"
    assert run["reason"] == (
        "in call 500 the target's process was ended by SIGSEGV; the last it printed: about to end"
    )
    assert run["grade"] == "unstable"
    assert told.result["call"]["crash"]["calls"] == [500]
    assert told.ok() == 498, "all but the one asked first and the one that crashed"
    (step,) = told.steps
    assert step["errors"]["reset"] == 1


def test_noise_on_the_outputs_changes_no_count(measure: Measure) -> None:
    told = measure("noise", (2,), threads=2)
    assert told.ok() == told.steps[0]["sent"] > 0
    assert told.result["call"]["good"] == told.ok() + 1


def test_a_call_that_hangs_costs_time_outs_and_is_named(measure: Measure) -> None:
    """Every second call hangs; both callers are lost for good after it."""
    told = measure(
        "hang", samples=("go", "hang"), segments=(OpenSegment(10, 10, 2.0),), timeout_s=0.5, threads=2
    )
    assert told.ok() < sum(step["timeouts"] for step in told.steps)
    hung = told.result["call"]["hung"]
    assert len(hung) == 2
    assert all(one["seconds"] > 0.5 for one in hung)
    assert any("had not returned after" in event.text for event in told.events if isinstance(event, Note))


def test_what_a_callable_raises_is_an_error_and_counted(measure: Measure) -> None:
    """Two samples in turn, one of which it raises for: half of the answers are a 500."""
    told = measure("half", samples=(0, 1), segments=(OpenSegment(100, 100, 1.0),), arrivals="constant")
    (step,) = told.steps
    assert (step["ok"], step["errors"]["status_5xx"]) == (50, 50)
    assert told.result["call"]["errors"] == {"ValueError: an odd one": 50}
    assert told.result["target"]["sample_from"] == "given"


def test_results_can_be_held_against_a_pattern(measure: Measure) -> None:
    with pytest.raises(TargetError, match="does not match --expect-body"):
        measure("sleep", expect_body="something")
    assert measure("sleep", expect_body="null", seconds=0.5).ok() > 0


def test_a_leak_shows_in_the_memory_of_the_worker(measure: Measure) -> None:
    """16 KiB kept a call: resident memory grows by as many pages as calls, and not without them."""
    told = measure("leak_much", (1, 1), seconds=1.0)
    first, last = (step["rss_bytes"] for step in told.steps)
    ok = [step["ok"] for step in told.steps]
    kept = 16_384 * sum(ok) / 2  # from the middle of the first step to the middle of the second, about
    assert last - first == pytest.approx(kept, rel=0.6)


def test_a_file_left_open_by_every_call_is_counted(measure: Measure) -> None:
    """One a call, of calls that were made; a callable that only waits leaves none."""
    told = measure("leak_files", seconds=0.5, connections=1)
    assert told.result["kept"]["files_per_request"] == pytest.approx(1.0, rel=0.1)
    facts = {fact["name"]: fact["value"] for fact in told.result["facts"]}
    if not told.limited:
        assert facts["process.growth_files_per_request"] == told.result["kept"]["files_per_request"]
    assert measure("sleep", seconds=0.5).result["kept"]["files_per_request"] == 0


def test_a_mode_of_one_call_in_a_hundred_is_in_the_tail_and_nowhere_else(measure: Measure) -> None:
    """Every hundredth call takes 50 ms, the others 1 ms."""
    told = measure("slow_mode", seconds=1.5)
    assert told.result["call"]["calls"] > 100
    times = told.result["call"]["call_ms"]
    assert times["max"] >= 50
    assert times["p50"] >= 1
    if not told.limited:
        assert times["p95"] < 50


def test_the_document_and_the_events_are_whole(measure: Measure) -> None:
    told = measure("sleep", seconds=1.0)
    assert isinstance(told.events[0], Started)
    assert isinstance(told.events[-1], Finished)
    assert told.events[-1].result == told.result
    assert sum(isinstance(event, Finished) for event in told.events) == 1
    assert [event.fact for event in told.events if isinstance(event, FactFound)] == told.result["facts"]
    target = told.result["target"]
    assert (target["kind"], target["sample_from"], target["remote"]) == ("python", "signature", False)
    assert target["python"]["chosen"] == "given"
    assert {"response", "call", "cpu", "queued", "harness"} == set(told.result["call"]["measured"])
    cold = [fact for fact in told.result["facts"] if fact["name"] == "load.cold_start_seconds"]
    assert told.limited or (len(cold) == 1 and cold[0]["source"]["run"] == "0123456789")


def test_a_stop_ends_it_and_keeps_what_was_measured(measure: Measure) -> None:
    """It is stopped when the first second of load has been told."""
    told = measure("sleep", seconds=60.0, stop_at=Second)
    assert told.result["run"]["status"] == "interrupted"
    assert told.ok() > 0


def test_the_result_says_nothing_of_how_it_is_called_inside(measure: Measure) -> None:
    """Neither the key of the dispatcher nor its port: whoever reads a report could use them."""
    told = measure("sleep", seconds=0.5)
    assert "127.0.0.1" not in json.dumps(told.result)
    started = told.events[0]
    assert isinstance(started, Started)
    assert "127.0.0.1" not in json.dumps(dict(started.target))
