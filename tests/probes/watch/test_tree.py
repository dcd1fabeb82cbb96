"""The tree watcher, held against processes that measure themselves."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes.errors import InternalError, TargetError
from probes.watch.process import identify, process_table
from probes.watch.procfs import ProcTable
from probes.watch.table import Gauge, ProcessId, ProcessTable, Reading
from probes.watch.tree import TreeWatcher, Usage

# Two ticks of the kernel's clock for what is counted in ticks, as much again for what the scripts do besides.
TOLERANCE_S = 0.04

BURNS = """
say(1)
while line := heard():
    start = used()
    burn(float(line))
    say([time.monotonic_ns(), used() - start])
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")


def open_files() -> list[str]:
    return os.listdir("/proc/self/fd")  # noqa: PTH208 (names)


@pytest.fixture
def settled(eventually: Callable[..., Any]) -> Callable[[TreeWatcher], float]:
    """Waits for two samples later than now, and returns the CPU seconds of the last."""

    def settle(watcher: TreeWatcher) -> float:
        now_ns, count = time.monotonic_ns(), len(watcher.samples())
        eventually(lambda: len(watcher.samples()) >= count + 2)
        last = watcher.samples()[-1]
        assert last.t_ns > now_ns
        return last.cpu_s

    return settle


def test_known_cpu_is_counted(
    script: Callable[..., Any], table: ProcessTable, settled: Callable[[TreeWatcher], float]
) -> None:
    child = script(BURNS)
    child.hear()
    child.ask("0.3")  # before the watch: does not count
    start_ns = time.monotonic_ns()
    with TreeWatcher([child.pid], table=table) as watcher:
        settled(watcher)
        end_ns, truth_s = child.ask("2")
        counted_s = settled(watcher)
        usage = watcher.usage(start_ns, time.monotonic_ns())
    assert counted_s == pytest.approx(truth_s, abs=TOLERANCE_S)
    assert usage is not None
    assert usage.cpu_s == pytest.approx(truth_s, abs=TOLERANCE_S)
    assert usage.cpu_cores == pytest.approx(usage.cpu_s / usage.seconds)
    assert usage.processes_peak == 1
    assert end_ns > start_ns


def test_all_threads_count(script: Callable[..., Any], settled: Callable[[TreeWatcher], float]) -> None:
    child = script("""
        say(1); heard()
        threads = [threading.Thread(target=lambda: sum(i * i for i in range(2_000_000))) for _ in range(3)]
        start = used()
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        say(used() - start); heard()
        """)
    child.hear()
    with TreeWatcher([child.pid], interval_s=0.02) as watcher:
        truth_s = child.ask()
        assert settled(watcher) == pytest.approx(truth_s, abs=TOLERANCE_S)
        assert watcher.usage(0, time.monotonic_ns()).threads_peak == 4  # type: ignore[union-attr]


def test_workers_that_are_born_and_die_count_to_their_ends(
    script: Callable[..., Any], table: ProcessTable, settled: Callable[[TreeWatcher], float]
) -> None:
    # Lives of 20 to 300 ms: some end between two samples, some are seen often.
    child = script("""
        say(1); heard()
        start = used()
        for seconds in (0.02, 0.3, 0.05, 0.15, 0.02, 0.25, 0.1):
            pid = os.fork()
            if pid == 0:
                burn(seconds)
                os._exit(0)
            os.waitpid(pid, 0)
        say(used() - start); heard()
        """)
    child.hear()
    with TreeWatcher([child.pid], table=table) as watcher:
        truth_s = child.ask()
        assert truth_s > 0.85
        assert settled(watcher) == pytest.approx(truth_s, abs=2 * TOLERANCE_S)
        assert watcher.gone() == ()


def test_a_zombie_is_counted_once(
    script: Callable[..., Any],
    table: ProcessTable,
    settled: Callable[[TreeWatcher], float],
    eventually: Callable[..., Any],
) -> None:
    child = script("""
        say(1); heard()
        pid = os.fork()
        if pid == 0:
            burn(0.3)
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        say(1); heard()
        os.waitpid(pid, 0)
        say(used()); heard()
        """)
    child.hear()
    with TreeWatcher([child.pid], table=table) as watcher:
        child.ask()
        before_s = settled(watcher)
        child.ask()
        after_s = settled(watcher)
        last = watcher.latest()
    assert (
        before_s <= after_s <= before_s + TOLERANCE_S or before_s < TOLERANCE_S
    )  # not yet found, or counted
    assert after_s == pytest.approx(0.3, abs=2 * TOLERANCE_S)
    assert last is not None
    assert last.processes == 1


def test_a_worker_that_nobody_waits_for_still_counts(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float], eventually: Callable[..., Any]
) -> None:
    child = script("""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        say(1); heard()
        pid = os.fork()
        if pid == 0:
            burn(0.3)
            say(os.getpid())
            signal.pause()
        heard()
        os.kill(pid, signal.SIGKILL)
        heard()
        """)
    child.hear()
    with TreeWatcher([child.pid]) as watcher:
        worker = child.ask()
        eventually(lambda: any(member.pid == worker for member in watcher.members()))
        child.tell()
        eventually(lambda: identify(worker) is None)
        assert settled(watcher) == pytest.approx(0.3, abs=TOLERANCE_S)


def test_what_a_root_leaves_behind_stays_watched(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float], eventually: Callable[..., Any]
) -> None:
    child = script("""
        pid = os.fork()
        if pid == 0:
            say(os.getpid())
            parent = os.getppid()
            while os.getppid() == parent:
                time.sleep(0.001)
            burn(0.2)
            say(used())
            signal.pause()
        heard()
        """)
    orphan = child.hear()
    watcher = TreeWatcher([child.pid])
    (root,) = watcher.roots
    with watcher:
        eventually(lambda: (latest := watcher.latest()) and latest.processes == 2)
        before_s = settled(watcher)
        child.tell()
        truth_s = child.hear()
        assert settled(watcher) - before_s == pytest.approx(truth_s, abs=TOLERANCE_S)
        assert watcher.gone() == (root,)
        assert [member.pid for member in watcher.members() if member != root] == [orphan]


def test_a_newborn_worker_is_found(
    script: Callable[..., Any], table: ProcessTable, eventually: Callable[..., Any]
) -> None:
    child = script("""
        say(1); heard()
        pid = os.fork()
        if pid == 0: signal.pause()
        say(pid); heard()
        """)
    child.hear()
    with TreeWatcher([child.pid], table=table) as watcher:
        assert [member.pid for member in watcher.members()] == [child.pid]
        worker = child.ask()
        eventually(lambda: len(watcher.members()) == 2)
        assert [member.pid for member in watcher.members()] == [child.pid, worker]


def test_trees_that_overlap_count_once(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float]
) -> None:
    child = script("""
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        pid = os.fork()
        if pid == 0:
            signal.sigwait([signal.SIGUSR1])
            burn(0.3)
            say(used())
            signal.pause()
        say(pid); heard()
        """)
    worker = child.hear()
    with TreeWatcher([worker, child.pid, worker]) as watcher:
        settled(watcher)
        os.kill(worker, signal.SIGUSR1)
        truth_s = child.hear()
        assert settled(watcher) == pytest.approx(truth_s, abs=TOLERANCE_S)
        assert len(watcher.roots) == 2
        latest = watcher.latest()
        assert latest is not None
        assert latest.processes == 2


def test_windows_side_by_side_add_up(script: Callable[..., Any]) -> None:
    child = script(BURNS)
    child.hear()
    with TreeWatcher([child.pid], interval_s=0.02) as watcher:
        start_ns = time.monotonic_ns()
        end_ns, _ = child.ask("0.5")
        middle_ns = (start_ns + end_ns) // 2 + 12_345
        edges = [(start_ns, middle_ns), (middle_ns, end_ns), (start_ns, end_ns)]
        first, second, whole = (watcher.usage(*edge) for edge in edges)
    assert first
    assert second
    assert whole
    assert first.cpu_s + second.cpu_s == pytest.approx(whole.cpu_s, abs=1e-9)
    assert first.seconds == pytest.approx((middle_ns - start_ns) / 1e9)
    assert first.samples + second.samples == whole.samples


def test_memory_that_is_taken_shows(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float]
) -> None:
    child = script("say(1); heard(); kept = b'x' * 50_000_000; say(2); heard()")
    child.hear()
    with TreeWatcher([child.pid]) as watcher:
        before = watcher.latest()
        child.ask()
        settled(watcher)
        usage = watcher.usage(0, time.monotonic_ns())
        pss_bytes = watcher.measure_pss()
    assert before is not None
    assert usage is not None
    assert 48_000_000 < usage.rss_bytes_peak - before.rss_bytes < 60_000_000
    assert before.rss_bytes <= usage.rss_bytes_mean <= usage.rss_bytes_peak
    if sys.platform == "linux":
        assert pss_bytes is not None
        assert 50_000_000 < pss_bytes <= usage.rss_bytes_peak + 4_000_000


@linux
def test_pages_that_workers_share_count_once_in_pss(script: Callable[..., Any], table: ProcessTable) -> None:
    child = script("""
        kept = b"x" * 50_000_000
        if os.fork() == 0: signal.pause()
        if os.fork() == 0: signal.pause()
        say(1); heard()
        """)
    child.hear()
    with TreeWatcher([child.pid], table=table) as watcher:
        latest, pss_bytes = watcher.latest(), watcher.measure_pss()
    assert latest is not None
    assert pss_bytes is not None
    assert latest.rss_bytes > 150_000_000
    assert 50_000_000 < pss_bytes < 80_000_000


@linux
def test_pages_of_files_can_be_given_back(
    script: Callable[..., Any], table: ProcessTable, tmp_path: Path
) -> None:
    """50 MB of its own and 80 MB of a file that is mapped: the first are held, the others are not."""
    (tmp_path / "index").write_bytes(b"x" * 80_000_000)
    child = script(f"""
        import mmap
        kept = b"x" * 50_000_000
        file = open({str(tmp_path / "index")!r}, "rb")
        index = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        sum(index[at] for at in range(0, len(index), 4096))
        say(1); heard()
        """)
    child.hear()
    with TreeWatcher([child.pid], table=table) as watcher:
        latest, held = watcher.latest(), watcher.measure_unreclaimable()
    assert latest is not None
    assert latest.rss_bytes > 130_000_000
    if isinstance(table, ProcTable):
        assert held is not None
        assert 50_000_000 < held < 75_000_000
    else:
        assert held is None, "psutil does not tell"


@linux
def test_a_name_with_spaces_and_parentheses_is_read_right(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float]
) -> None:
    child = script(
        """
        import ctypes
        ctypes.CDLL(None).prctl(15, b") 1 (2) R 3", 0, 0, 0)
        """
        + BURNS.replace("\n", "\n        ")
    )
    child.hear()
    with TreeWatcher([child.pid]) as watcher:
        _, truth_s = child.ask("0.3")
        assert settled(watcher) == pytest.approx(truth_s, abs=TOLERANCE_S)
        latest = watcher.latest()
        assert latest is not None
        assert (latest.threads, latest.processes) == (1, 1)


def test_too_few_samples_are_no_measurement(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float]
) -> None:
    child = script(BURNS)
    child.hear()
    before_ns = time.monotonic_ns()
    with TreeWatcher([child.pid]) as watcher:
        first = watcher.latest()
        assert first is not None
        assert watcher.usage(0, before_ns) is None
        assert watcher.usage(first.t_ns, first.t_ns) is None
        settled(watcher)
        assert isinstance(watcher.usage(0, time.monotonic_ns()), Usage)
        assert watcher.usage(time.monotonic_ns(), time.monotonic_ns()) is None


def test_after_the_end_of_all_processes_nothing_is_measured(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float], eventually: Callable[..., Any]
) -> None:
    child = script(BURNS)
    child.hear()
    with TreeWatcher([child.pid]) as watcher:
        settled(watcher)
        child.end()
        eventually(watcher.gone)
        eventually(lambda: not watcher.members())
        end_ns = time.monotonic_ns()
        samples = len(watcher.samples())
        assert watcher.usage(end_ns, time.monotonic_ns()) is None
        assert watcher.measure_pss() is None
    assert len(watcher.samples()) == samples
    assert watcher.usage(0, end_ns) is not None


def test_a_process_that_does_not_run_cannot_be_watched(
    script: Callable[..., Any], table: ProcessTable
) -> None:
    child = script(BURNS)
    child.hear()
    child.end()
    with pytest.raises(TargetError, match=f"no process {child.pid} "):
        TreeWatcher([child.pid], table=table)


@linux
def test_nothing_stays_open(script: Callable[..., Any]) -> None:
    child = script(BURNS)
    child.hear()
    before = set(open_files())
    watcher = TreeWatcher([child.pid])
    watcher.start()
    watcher.stop()
    watcher.stop()
    assert set(open_files()) == before
    with pytest.raises(InternalError):
        watcher.start()


def test_a_stopped_watcher_still_answers(
    script: Callable[..., Any], settled: Callable[[TreeWatcher], float]
) -> None:
    child = script(BURNS)
    child.hear()
    with TreeWatcher([child.pid], interval_s=0.02) as watcher:
        settled(watcher)
    assert watcher.usage(0, time.monotonic_ns()) is not None
    assert [sample.t_ns for sample in watcher.samples()] == sorted(
        {sample.t_ns for sample in watcher.samples()}
    )


class FaultyTable:
    """A table whose gauges fail after the first reading."""

    def __init__(self) -> None:
        self.real = process_table()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def gauge(self, process: ProcessId) -> Gauge:
        return FaultyGauge(self.real.gauge(process))


class FaultyGauge:
    def __init__(self, real: Gauge) -> None:
        self.real, self.left = real, 2
        self.close = real.close

    def read(self) -> Reading | None:
        self.left -= 1
        if self.left < 0:
            raise ValueError("made to fail")
        return self.real.read()


def test_a_fault_in_the_thread_is_not_taken_for_silence(
    script: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    child = script(BURNS)
    child.hear()
    watcher = TreeWatcher([child.pid], interval_s=0.01, table=FaultyTable())
    watcher.start()

    def fails() -> bool:
        try:
            watcher.usage(0, 1)
        except InternalError as error:
            return "made to fail" in str(error)
        return False

    eventually(fails)
    with pytest.raises(InternalError, match="made to fail"):
        watcher.stop()


@linux
def test_more_processes_than_files_may_be_kept_open(
    script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, settled: Callable[[TreeWatcher], float]
) -> None:
    from probes.watch import procfs

    monkeypatch.setattr(procfs, "_KEPT_OPEN", 0)
    child = script(BURNS)
    child.hear()
    before = len(open_files())
    with TreeWatcher([child.pid]) as watcher:
        assert len(open_files()) == before
        _, truth_s = child.ask("0.2")
        assert settled(watcher) == pytest.approx(truth_s, abs=TOLERANCE_S)


@linux
def test_without_the_cpu_clock_the_ticks_serve(
    script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, settled: Callable[[TreeWatcher], float]
) -> None:
    from probes.watch.procfs import ProcGauge

    monkeypatch.setattr(ProcGauge, "_clock_s", lambda self: None)
    child = script(BURNS)
    child.hear()
    with TreeWatcher([child.pid]) as watcher:
        _, truth_s = child.ask("0.3")
        assert settled(watcher) == pytest.approx(truth_s, abs=TOLERANCE_S)


def test_importing_the_watcher_loads_nothing_heavy(python: Callable[[str], str]) -> None:
    code = "import probes.watch.tree, sys; print(sorted({'numpy', 'psutil', 'asyncio'} & set(sys.modules)))"
    assert python(code) == "[]"
