"""Facts about the machine that measures."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from probes.watch import machine
from probes.watch.machine import CpuTimes, RunQueue, clock_ok
from probes.watch.process import descendants

SECOND_NS = 1_000_000_000

linux = pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")


def test_the_machine_is_described_in_json() -> None:
    facts = machine.describe_machine()
    assert json.loads(json.dumps(facts)) == facts
    assert None not in facts.values()
    assert {"name", "system", "kernel", "python", "cpu_count", "cpu_usable", "memory_bytes"} <= facts.keys()
    assert 0 < facts["cpu_usable"] <= facts["cpu_count"]
    assert 0 < facts["memory_available_bytes"] <= facts["memory_bytes"]


def test_a_quota_makes_fewer_cores_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cpu_quota_cores", lambda: 0.25)
    assert machine.usable_cores() == 0.25


@linux
def test_affinity_makes_fewer_cores_usable(python: Callable[[str], str]) -> None:
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from probes.watch.machine import usable_cores; print(usable_cores())"
    )
    said = python(code)
    assert 0 < float(said) <= 1


def test_timers_are_never_early() -> None:
    lateness_ns = machine.timer_lateness(20)
    assert lateness_ns.shape == (20,)
    assert lateness_ns.dtype == "int64"
    assert lateness_ns.min() >= 0


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors cannot be handed over")
def test_the_socket_floor_is_measured_and_leaves_nothing() -> None:
    before = descendants(os.getpid())
    round_trips_ns = machine.socket_floor(50)
    assert round_trips_ns is not None
    assert round_trips_ns.shape == (50,)
    assert round_trips_ns.min() > 0
    assert descendants(os.getpid()) == before


def test_without_an_echo_process_there_is_no_socket_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert machine.socket_floor(5) is None


def test_an_echo_process_that_ends_is_no_socket_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_ECHO", "")
    assert machine.socket_floor(5) is None


def test_busy_and_steal_are_shares_of_all_time() -> None:
    earlier, later = CpuTimes(100.0, 900.0, 10.0), CpuTimes(103.0, 901.0, 11.0)
    assert later.busy_ratio(earlier) == 0.75
    assert later.steal_ratio(earlier) == 0.25
    assert earlier.busy_ratio(earlier) is None
    assert CpuTimes(1.0, 1.0, None).steal_ratio(CpuTimes(0.0, 0.0, None)) is None


def test_burning_shows_in_the_cpu_times(eventually: Callable[..., Any]) -> None:
    earlier = CpuTimes.read()
    assert earlier is not None

    def busy() -> bool:
        sum(range(100_000))
        later = CpuTimes.read()
        assert later is not None
        return later.busy_s > earlier.busy_s

    eventually(busy)


def test_cpu_times_are_read_with_psutil_too() -> None:
    times = CpuTimes._from_psutil()
    assert times is not None
    assert times.busy_s > 0
    assert times.steal_s is None


@linux
def test_waiting_for_a_processor_is_counted(
    script: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    # Two that compute on one processor: either waits while the other runs.
    child = script("""
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        pid = os.fork()
        say(os.getpid()) if pid else None
        while True: pass
        """)
    queue = RunQueue(child.hear())
    assert queue.waited_s() is not None
    eventually(lambda: (queue.waited_s() or 0) > 0.05)


@linux
def test_the_wait_of_a_thread_that_has_ended_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([{"1": 100, "2": 50}, {"1": 200, "2": 80}, {"1": 300}, {"1": 300, "2": 5}])
    monkeypatch.setattr(RunQueue, "_read", lambda self: next(readings))
    queue = RunQueue()
    waited_ns = [round((queue.waited_s() or 0) * 1e9) for _ in range(3)]
    assert waited_ns == [130, 230, 235]


def test_a_process_that_is_gone_has_no_run_queue(script: Callable[..., Any]) -> None:
    child = script("say(1); heard()")
    child.hear()
    queue = RunQueue(child.pid)
    child.end()
    assert queue.waited_s() is None


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_the_limit_of_open_files_is_raised_as_far_as_allowed(python: Callable[[str], str]) -> None:
    code = (
        "import resource; hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, min(hard, 512)));"
        "from probes.watch.machine import *;"
        "print(descriptor_limit(), raise_descriptor_limit(), descriptor_limit())"
    )
    assert python(code) == "(64, 512) 512 (512, 512)"


@linux
def test_ports_are_counted() -> None:
    ports = machine.ephemeral_ports()
    assert ports is not None
    assert 0 < ports < 65_536
    waiting = machine.time_wait_sockets()
    assert waiting is not None
    assert waiting >= 0


@pytest.mark.parametrize(
    ("mono_s", "wall_s", "fine"),
    [
        (10, 10, True),
        (10, 10.09, True),
        (10, 9.91, True),
        (10, 10.2, False),
        (10, -3600, False),
        (0.01, 5, None),
    ],
)
def test_a_wall_clock_that_runs_differently_is_noticed(
    mono_s: float, wall_s: float, fine: bool | None
) -> None:
    mono0_ns, wall0_ns = 5 * SECOND_NS, 1_700_000_000 * SECOND_NS
    mono1_ns, wall1_ns = mono0_ns + round(mono_s * SECOND_NS), wall0_ns + round(wall_s * SECOND_NS)
    assert clock_ok(mono0_ns, wall0_ns, mono1_ns, wall1_ns) is fine


def test_importing_loads_nothing_heavy(python: Callable[[str], str]) -> None:
    code = (
        "import probes.watch.machine, sys; print(sorted({'numpy', 'psutil', 'asyncio'} & set(sys.modules)))"
    )
    assert python(code) == "[]"


@linux
def test_the_processors_together_are_the_machine() -> None:
    each = CpuTimes.read_each()
    assert len(each) >= len(os.sched_getaffinity(0))
    whole, total = CpuTimes.read(), CpuTimes.total(list(each.values()))
    assert whole is not None
    assert total.busy_s == pytest.approx(whole.busy_s, rel=0.01)


@linux
def test_the_processors_of_several_processes_are_all_they_may_use() -> None:
    assert machine.processors_of([os.getpid()]) == os.sched_getaffinity(0)
    assert machine.processors_of([os.getpid(), 0x7FFFFFFF]) == frozenset()
