"""What the load probe names as the limit of servers that are built to be limited by one thing.

On a machine with nothing else to do the right one; on a busy one nothing, but never a wrong one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from probes.events import Note
from probes.load.spec import ClosedSegment, parse_slo
from probes.watch.gil import find_py_spy

SERVERS = Path(__file__).with_name("servers")
SERVER = SERVERS / "limit_server.py"
CPU_GROUPS = Path("/sys/fs/cgroup/cpu")
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")
CALLERS = (1, 2, 4, 8, 16)
BUSY_CORES = 0.2
"""Cores that others use, from which on a run need not name anything."""

pytestmark = [
    pytest.mark.usefixtures("load_alone", "short_look"),
    pytest.mark.skipif(sys.platform != "linux", reason="what limits is read from /proc"),
]

StartServer = Callable[..., Any]
Probe = Callable[..., Any]


@pytest.fixture
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.load.why.LOOK_S", 2)


def measured(probe: Probe, url: str, callers: tuple[int, ...] = CALLERS, **spec: Any) -> Any:
    segments = tuple(ClosedSegment(number, 0.8) for number in callers)
    return probe(url, segments=segments, slo=parse_slo("p50<=10s"), warmup_s=0.0, **spec)


def check_limit(told: Any, expected: str) -> dict[str, Any]:
    """The capacity, when it names what it should; skips where the machine was too busy to name anything."""
    capacity: dict[str, Any] = told.result.get("capacity", {})
    named = capacity.get("limited_by")
    others = told.result["run"]["machine"].get("others_cpu_cores", 0.0)
    if named != expected and (told.grade != "valid" or others > BUSY_CORES):
        assert named in (None, "client", "not_identified"), capacity
        pytest.skip(f"nothing was named: other processes used {others:.1f} cores of this machine")
    assert named == expected, capacity
    facts = {fact["name"]: fact["value"] for fact in told.result["facts"]}
    assert facts["load.limited_by"] == expected
    assert capacity["because"].endswith(".")
    assert capacity["confirm_by"].endswith(".")
    assert {row["resource"] for row in capacity["bounds"]} >= {"cpu", "thread"}
    return capacity


needs_py_spy = pytest.mark.skipif(find_py_spy() is None, reason="the GIL is measured by py-spy")


@needs_py_spy
def test_threads_that_compute_in_python_are_limited_by_the_interpreter_lock(
    start_server: StartServer, probe: Probe
) -> None:
    told = measured(probe, start_server(SERVER, "python", "--ms", 5).url)
    capacity = check_limit(told, "gil")
    assert "One Python process computes" in capacity["because"]
    assert told.result["hotspots"][0]["function"] == "burn_python"
    assert any(frame["name"] == "burn_python" for frame in told.result["flame"])


def test_threads_that_compute_without_the_lock_are_limited_by_the_processors(
    start_server: StartServer, probe: Probe
) -> None:
    told = measured(probe, start_server(SERVER, "hash", "--ms", 5).url)
    check_limit(told, "cpu" if (os.cpu_count() or 1) <= CALLERS[-1] else "not_identified")


def test_one_thread_that_computes_for_all_is_limited_by_its_one_core(
    start_server: StartServer, probe: Probe
) -> None:
    told = measured(probe, start_server(SERVER, "single", "--ms", 5).url)
    capacity = check_limit(told, "cpu")
    assert (os.cpu_count() or 1) == 1 or "single thread" in capacity["because"]


def test_a_lock_around_a_wait_is_named_a_lock(start_server: StartServer, probe: Probe) -> None:
    told = measured(probe, start_server(SERVER, "lock", "--ms", 5).url)
    capacity = check_limit(told, "lock")
    assert "waited for a lock" in capacity["because"]


def test_four_places_are_named_a_pool_of_four(start_server: StartServer, probe: Probe) -> None:
    told = measured(probe, start_server(SERVER, "pool", "--ms", 20, "--size", 4).url)
    assert "A pool of about 4" in check_limit(told, "pool")["because"]


def test_a_wait_for_another_service_names_it(start_server: StartServer, probe: Probe) -> None:
    """Behind it a service that answers four at a time."""
    behind = start_server(SERVERS / "queue_server.py", "--workers", 4, "--service-ms", 20)
    told = measured(probe, start_server(SERVER, "behind", "--downstream", behind.port).url)
    assert f"Requests wait for 127.0.0.1:{behind.port}" in check_limit(told, "downstream")["because"]


def test_a_server_that_only_waits_is_limited_by_nothing_that_was_reached(
    start_server: StartServer, probe: Probe
) -> None:
    """50 ms of sleep a request, a thread each: twice the callers, twice the answers."""
    told = measured(probe, start_server(SERVER, "sleep", "--ms", 50).url, callers=(1, 2, 4, 8))
    named = told.result.get("capacity", {}).get("limited_by")
    others = told.result["run"]["machine"].get("others_cpu_cores", 0.0)
    assert named is None or (others > BUSY_CORES and named == "not_identified")
    assert named is not None or "hotspots" not in told.result, "nothing saturated, so nothing was looked at"


@contextmanager
def quota(pid: int, cores: float) -> Iterator[None]:
    group = CPU_GROUPS / f"loadstone-test-{pid}"
    try:
        group.mkdir()
        (group / "cpu.cfs_period_us").write_text("100000")
        (group / "cpu.cfs_quota_us").write_text(str(round(cores * 100_000)))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no cgroup with a quota may be made here ({error})")
    try:
        yield
    finally:
        for process in (group / "cgroup.procs").read_text().split():
            (CPU_GROUPS / "cgroup.procs").write_text(process)
        group.rmdir()


@pytest.mark.skipif(not os.access(CPU_GROUPS, os.W_OK), reason="no cgroup (v1) may be made here")
def test_a_quota_of_half_a_core_is_named(start_server: StartServer, probe: Probe) -> None:
    server = start_server(SERVER, "hash", "--ms", 5)
    with quota(server.pid, 0.5):
        told = measured(probe, server.url)
    capacity = check_limit(told, "quota")
    assert "The CPU quota of 0.5 cores" in capacity["because"]
    (row,) = [row for row in capacity["bounds"] if row["resource"] == "quota"]
    assert row["bound_per_s"] == pytest.approx(100, rel=0.15)


@contextmanager
def memory_limit(pid: int, limit: int) -> Iterator[None]:
    group = MEMORY_GROUPS / f"loadstone-test-{pid}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(limit))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no cgroup with a memory limit may be made here ({error})")
    try:
        yield
    finally:
        for process in (group / "cgroup.procs").read_text().split():
            (MEMORY_GROUPS / "cgroup.procs").write_text(process)
        group.rmdir()


@pytest.mark.skipif(not os.access(MEMORY_GROUPS, os.W_OK), reason="no cgroup (v1) may be made here")
def test_an_index_that_is_mapped_does_not_end_the_run(start_server: StartServer, probe: Probe) -> None:
    """Its pages are resident beyond nine tenths of what the group may have, and can be given back."""
    server = start_server(SERVER, "pages", "--mib", 60)
    with memory_limit(server.pid, 80_000_000):
        told = measured(probe, server.url, (1, 4))
    assert max(step["rss_bytes"] for step in told.result["steps"]) > 0.9 * 80_000_000
    assert told.result["run"]["status"] == "completed", told.result["run"]["reason"]


@pytest.mark.skipif(not os.access(MEMORY_GROUPS, os.W_OK), reason="no cgroup (v1) may be made here")
def test_an_index_larger_than_the_memory_limit_is_limited_by_memory(
    start_server: StartServer, probe: Probe
) -> None:
    """Of 48 MiB that are read at random the group can keep 12 MB: three pages in four are read again."""
    server = start_server(SERVER, "pages", "--mib", 48)
    with memory_limit(server.pid, 12_000_000):
        told = measured(probe, server.url, (1, 2, 4, 8, 16))
    capacity = check_limit(told, "memory")
    assert "Memory is too small for what is in use" in capacity["because"]
    assert "Raise the memory limit" in capacity["confirm_by"]
    (row,) = [row for row in capacity["bounds"] if row["resource"] == "memory"]
    assert row["utilisation"] >= 0.95
    last = told.result["steps"][-1]
    again = last["watched"]["refaults_per_s"] / last["achieved_per_s"]
    missing = 32 * (1 - 12_000_000 / (48 << 20))  # of 32 pages a request those that cannot be there
    assert again == pytest.approx(missing, rel=0.3)


@pytest.mark.skipif(not os.access(MEMORY_GROUPS, os.W_OK), reason="no cgroup (v1) may be made here")
def test_a_run_that_memory_ends_says_so_and_how_much_further_it_had_gone(
    start_server: StartServer, probe: Probe
) -> None:
    """64 KiB kept of each request: of 60 MB nine tenths are held after some 600 to 825 of them."""
    server = start_server(SERVER, "keep", "--kib", 64)
    with memory_limit(server.pid, 60_000_000):
        told = probe(server.url, rate=150.0, seconds=20.0)
    assert told.result["run"]["status"] == "aborted", told.result["run"]
    capacity = told.result["capacity"]
    assert capacity["limited_by"] == "memory"
    assert "Memory ended the run: the target holds 9" in capacity["because"]
    each = re.search(r"over ([\d,]+) requests, ([\d.]+) kB each", capacity["because"])
    more = re.search(r"limit is reached after about ([\d,]+) more", capacity["because"])
    assert each and more, capacity["because"]
    assert float(each[2]) == pytest.approx(65.536, rel=0.15)
    assert int(each[1].replace(",", "")) * 65_536 < 60_000_000
    assert int(more[1].replace(",", "")) * 65_536 < 0.1 * 60_000_000
    facts = {fact["name"]: fact["value"] for fact in told.result["facts"]}
    assert told.grade == "client_limited" or facts["load.limited_by"] == "memory"


@pytest.mark.skipif(not os.access(MEMORY_GROUPS, os.W_OK), reason="no cgroup (v1) may be made here")
def test_a_target_that_the_system_ends_for_want_of_memory_is_told_from_one_that_crashed(
    start_server: StartServer, probe: Probe
) -> None:
    """8 MiB kept of each request: a limit of 60 MB is gone before a second is over."""
    server = start_server(SERVER, "keep", "--kib", 8 << 10)
    with memory_limit(server.pid, 60_000_000):
        told = probe(server.url, rate=40.0, seconds=10.0)
    assert told.result["run"]["status"] == "failed"
    assert "because the 60 MB of memory it may have ran out" in told.result["run"]["reason"]
    assert told.result["capacity"]["limited_by"] == "memory"


def test_stacks_that_nobody_wanted_are_not_taken(start_server: StartServer, probe: Probe) -> None:
    """And then what four at a time are cannot be told from outside."""
    told = measured(probe, start_server(SERVER, "pool", "--ms", 20).url, stacks=False)
    assert told.result["load"]["stacks"] is False
    assert not {"hotspots", "flame", "flame_file", "stacks"} & set(told.result)
    assert told.result.get("capacity", {}).get("limited_by") in (None, "not_identified")
    assert not [note for note in told.events_of(Note) if "stacks" in note.text]
