"""Threads, waits for a processor, faults, files, disks and limits of processes whose truth is known."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from probes.watch.detail import Detail, DetailLog
from probes.watch.tree import TreeWatcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
Start = Callable[..., Any]
CPU_GROUPS = Path("/sys/fs/cgroup/cpu")


def during(pid: int, what: Callable[[], object], readings: int = 1) -> Detail:
    """What the process did while `what` went on, between readings before and after."""
    log = DetailLog(pid)
    begin = time.monotonic_ns()
    log.sample(begin, [pid])
    for _ in range(readings):
        what()
        log.sample(max(time.monotonic_ns(), begin + 2_000_000_000), [pid])
    found = log.between(begin, time.monotonic_ns() + 2_000_000_000)
    assert found is not None
    return found


def test_the_busiest_thread_is_told_from_all(script: Start) -> None:
    """Two threads compute .4 s of CPU time together, one three times what the other does.

    What the process as a whole used is held against its own clock, since handing the interpreter's lock to
    and fro costs more the busier the machine is.
    """
    running = script(
        """
        def work(seconds):
            end = time.thread_time() + seconds
            while time.thread_time() < end:
                pass
            threading.Event().wait()
        while command := heard():
            if command == "go":
                threads = [threading.Thread(target=work, args=(s,), daemon=True) for s in (0.3, 0.1)]
                for thread in threads: thread.start()
            say(time.process_time())
        """
    )
    log = DetailLog(running.pid)
    before = float(running.ask("how much"))
    begin = time.monotonic_ns()
    log.sample(begin, [running.pid])
    running.ask("go")
    end = begin
    while (found := log.between(begin, end)) is None or found.thread_cores * found.seconds < 0.25:
        assert time.monotonic_ns() < begin + 60_000_000_000
        end = time.monotonic_ns()
        log.sample(end, [running.pid])
    used = found.thread_cores * found.seconds
    (process,) = found.process_cores
    assert process[0] == running.pid
    assert 0.25 <= used <= 0.35
    at_most = float(running.ask("how much")) - before
    assert used + 0.02 < process[1] * found.seconds <= at_most + 0.02, "the other thread counts too"


def test_pages_that_are_touched_are_faults(script: Start) -> None:
    """4,096 pages of fresh memory, each written once."""
    running = script(
        """
        import mmap
        while heard():
            kept = mmap.mmap(-1, 4_096 * 4_096)
            if hasattr(mmap, "MADV_NOHUGEPAGE"):
                kept.madvise(mmap.MADV_NOHUGEPAGE)
            for page in range(4_096):
                kept[page * 4_096] = 1
            say("touched")
        """
    )
    found = during(running.pid, lambda: running.ask("go"))
    assert 4_096 <= found.minor_faults_per_s * found.seconds < 8_192


def test_open_files_are_counted(script: Start) -> None:
    running = script(
        """
        kept = []
        while heard():
            kept += [open("/dev/null") for _ in range(10)]
            say(len(os.listdir("/proc/self/fd")) - 1)
        """
    )
    count = running.ask("go")
    found = during(running.pid, lambda: None)
    assert found.descriptors == count


def test_nothing_is_said_of_less_than_two_readings(script: Start) -> None:
    running = script("heard()")
    log = DetailLog(running.pid)
    log.sample(1_000, [running.pid])
    assert log.between(0, 2_000) is None
    log.sample(2_000, [running.pid])  # too early: not taken
    assert log.between(0, 5_000) is None
    log.sample(2_000_000_000, [])
    assert log.between(0, 3_000_000_000) is None


def test_pressure_and_disks_are_shares(script: Start) -> None:
    running = script("heard()")
    found = during(running.pid, lambda: None)
    shares = (found.cpu_pressure, found.memory_pressure, found.io_pressure, found.disk_busy)
    assert all(share is None or 0 <= share <= 1 for share in shares)
    document = found.to_json()
    assert document["thread_cores"] >= 0
    assert "quota_cores" not in document or document["quota_cores"] > 0
    assert None not in document.values()


def test_a_watched_tree_tells_its_detail_by_time(script: Start, eventually: Callable[..., Any]) -> None:
    running = script("while heard(): burn(0.2); say(1)")
    with TreeWatcher([running.pid], interval_s=0.02) as watcher:
        begin = time.monotonic_ns()
        eventually(lambda: watcher.detail(begin, time.monotonic_ns()))
        running.ask("go")
        found = eventually(
            lambda: (
                (detail := watcher.detail(begin, time.monotonic_ns()))
                and detail.thread_cores * detail.seconds > 0.15
                and detail
            )
        )
    assert found.process_cores[0][0] == running.pid


@contextmanager
def quota(pid: int, cores: float) -> Iterator[None]:
    """Puts a process into a group of its own with a quota, where this user may."""
    group = CPU_GROUPS / f"loadstone-test-{pid}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup may be made here ({error})")
    try:
        (group / "cpu.cfs_period_us").write_text("100000")
        (group / "cpu.cfs_quota_us").write_text(str(round(cores * 100_000)))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    except OSError as error:
        pytest.skip(f"no quota may be set here ({error})")
    finally:
        for process in (group / "cgroup.procs").read_text().split():
            (CPU_GROUPS / "cgroup.procs").write_text(process)
        group.rmdir()


@pytest.mark.skipif(not os.access(CPU_GROUPS, os.W_OK), reason="no cgroup (v1) may be made here")
def test_a_quota_that_is_used_up_shows_as_throttling(script: Start) -> None:
    """A tenth of a core for a process that wants a whole one: stopped in nearly every period."""
    running = script("while heard(): burn(0.15); say(1)")
    with quota(running.pid, 0.1):
        found = during(running.pid, lambda: running.ask("go"))
    assert found.quota_cores == pytest.approx(0.1)
    assert found.throttled_ratio is not None
    assert found.throttled_ratio > 0.5
