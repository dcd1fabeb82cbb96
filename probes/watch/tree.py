"""Watches process trees: CPU, memory, threads and number of processes, ten times a second.

A sample costs some 10 µs a process. CPU is right to some milliseconds and stays so when workers die and are
born (see `cpu_ledger`); memory is the sum of resident sets, which counts pages that forked workers share once
for each of them: for memory as such see `measure_pss`. A newborn process is found within a second, or at the
sample after another one vanished, and then counts from its birth.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from probes.errors import InternalError, TargetError
from probes.watch.cpu_ledger import CpuLedger
from probes.watch.detail import Detail, DetailLog, open_descriptors
from probes.watch.process import process_table
from probes.watch.procfs import ProcTable
from probes.watch.table import Gauge, ProcessId, ProcessTable

_REFRESH_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """The trees at one moment. `t_ns` is on the clock of `time.monotonic_ns`; `cpu_s` counts from the start
    of the watch; the rest is sums over all living processes."""

    t_ns: int
    cpu_s: float
    rss_bytes: int
    threads: int
    processes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What the trees used in a window of time.

    `cpu_s` is the CPU time between the window's edges, interpolated between samples, and `cpu_cores` that
    over `seconds`: the length of the window, or of that part of it during which the trees were watched.
    Means and peaks are over the samples inside the window.
    """

    cpu_s: float
    cpu_cores: float
    rss_bytes_mean: float
    rss_bytes_peak: int
    threads_peak: int
    processes_peak: int
    samples: int
    seconds: float


class TreeWatcher:
    """Samples processes and all their descendants in a thread of its own, from `start` to `stop`.

    Descendants that their parents leave behind stay watched. Raises `TargetError` when one of the pids is not
    a running process that may be read. `table` is for machines and tests that need another than the
    machine's own.
    """

    def __init__(
        self, pids: Iterable[int], interval_s: float = 0.1, table: ProcessTable | None = None
    ) -> None:
        self._table = table or process_table()
        self._interval_ns = round(interval_s * 1e9)
        self._roots = tuple(self._root(pid) for pid in dict.fromkeys(pids))
        self._gauges: dict[ProcessId, Gauge] = {}
        self._detail: DetailLog | None = None
        if self._roots and isinstance(self._table, ProcTable):
            self._detail = DetailLog(self._roots[0].pid)
        self._ledger = CpuLedger(self._table.tick_s)
        self._born_after = float("inf")
        self._refreshed_ns = 0
        # Columns that grow by doubling.
        self._t_ns, self._cpu_s, self._rss_bytes = array("q"), array("d"), array("q")
        self._threads, self._processes = array("q"), array("q")
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: Exception | None = None

    @property
    def roots(self) -> tuple[ProcessId, ...]:
        """The processes whose trees are watched."""
        return self._roots

    def start(self) -> None:
        """Takes the first sample and goes on in a thread. A watcher starts once."""
        if self._thread is not None:
            raise InternalError("a TreeWatcher was started twice")
        with self._lock:
            self._born_after = self._table.now()
            for root in sorted(self._roots, key=lambda root: root.start_time):
                self._admit(root, newborn=False)
            self._discover(newborn=False)
            self._sample()
        self._thread = threading.Thread(target=self._run, name="tree-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes a last sample and ends the thread; what was sampled stays. May be called more than once."""
        if self._thread is None or self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        with self._lock:
            if self._fault is None:
                self._sample()
            for gauge in self._gauges.values():
                gauge.close()
            self._gauges.clear()
        self._check()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def usage(self, t0_ns: int, t1_ns: int) -> Usage | None:
        """What the trees used from `t0_ns` to `t1_ns` on the clock of `time.monotonic_ns`.

        None where fewer than two samples lie in the window: not measured, which is never zero. Where the
        last sample is older than `t1_ns`, one is taken now.
        """
        with self._lock:
            self._check()
            if self._t_ns and self._t_ns[-1] < t1_ns and not self._stop.is_set():
                self._sample()
            first, end = bisect_left(self._t_ns, t0_ns), bisect_right(self._t_ns, t1_ns)
            if end - first < 2:
                return None
            # A sample taken just now stands behind the window; it serves to interpolate its edge.
            begin_ns, end_ns = max(t0_ns, self._t_ns[0]), min(t1_ns, self._t_ns[-1])
            cpu_s = self._cpu_at(end_ns) - self._cpu_at(begin_ns)
            seconds = (end_ns - begin_ns) / 1e9
            rss_bytes = self._rss_bytes[first:end]
            return Usage(
                cpu_s=cpu_s,
                cpu_cores=cpu_s / seconds,
                rss_bytes_mean=sum(rss_bytes) / len(rss_bytes),
                rss_bytes_peak=max(rss_bytes),
                threads_peak=max(self._threads[first:end]),
                processes_peak=max(self._processes[first:end]),
                samples=end - first,
                seconds=seconds,
            )

    def detail(self, t0_ns: int, t1_ns: int) -> Detail | None:
        """What else the trees did in a window of the same clock: threads, waits, faults, files.

        None where that cannot be read (elsewhere than on Linux), or with fewer than two readings inside.
        """
        with self._lock:
            return None if self._detail is None else self._detail.between(t0_ns, t1_ns)

    def latest(self) -> Sample | None:
        """The last sample; None before the first."""
        with self._lock:
            return self._at(-1) if self._t_ns else None

    def samples(self) -> list[Sample]:
        """All samples so far, oldest first."""
        with self._lock:
            return [self._at(index) for index in range(len(self._t_ns))]

    def gone(self) -> tuple[ProcessId, ...]:
        """Those of the roots that do not run any more."""
        return tuple(root for root in self._roots if not self._table.alive(root))

    def members(self) -> tuple[ProcessId, ...]:
        """All processes that the last sample found, parents before children."""
        with self._lock:
            return tuple(self._gauges)

    def descriptors(self) -> int | None:
        """How many files and sockets the trees have open; None where that cannot be read."""
        if self._detail is None:
            return None
        counts = [open_descriptors(process.pid) for process in self.members()]
        return None if not counts or None in counts else sum(count or 0 for count in counts)

    def measure_pss(self) -> int | None:
        """Memory of the trees in bytes now, shared pages divided among those who share them.

        Milliseconds of work for the kernel: for the ends of phases only. None where it cannot be read of
        every living process.
        """
        return self._summed(self._table.pss_bytes)

    def measure_unreclaimable(self) -> int | None:
        """Of `measure_pss` what cannot be given back when memory is short: all but pages of files. It costs
        as much."""
        return self._summed(self._table.unreclaimable_bytes)

    def _summed(self, read: Callable[[int], int | None]) -> int | None:
        """The sum over all living processes; None where it cannot be read of every one."""
        total = 0
        found = False
        for process in self.members():
            size = read(process.pid)
            if size is not None:
                total += size
                found = True
            elif self._table.alive(process):
                return None
        return total if found else None

    def _root(self, pid: int) -> ProcessId:
        process = self._table.identify(pid)
        if process is None or not self._table.alive(process):
            raise TargetError(f"there is no process {pid} to watch: it has ended or may not be read")
        return process

    def _run(self) -> None:
        due_ns = time.monotonic_ns()
        try:
            while True:
                now_ns = time.monotonic_ns()
                due_ns = max(due_ns + self._interval_ns, now_ns)
                if self._stop.wait((due_ns - now_ns) / 1e9):
                    return
                with self._lock:
                    if not self._sample():
                        return
        except Exception as fault:
            self._fault = fault

    def _check(self) -> None:
        if self._fault is not None:
            raise InternalError(f"watching the processes failed: {self._fault!r}") from self._fault

    def _sample(self) -> bool:
        """Reads every process once; false when none is left, and then nothing is recorded."""
        now_ns = time.monotonic_ns()
        if now_ns - self._refreshed_ns >= _REFRESH_NS:
            self._discover()
            now_ns = time.monotonic_ns()
        rss_bytes = threads = processes = 0
        vanished = []
        for process, gauge in self._gauges.items():
            reading = gauge.read()
            if reading is None:
                vanished.append(process)
                self._ledger.leave(process.pid)
                continue
            self._ledger.read(process.pid, reading)
            if not reading.ended:
                rss_bytes += reading.rss_bytes
                threads += reading.threads
                processes += 1
        cpu_s = self._ledger.settle()
        for process in vanished:
            self._gauges.pop(process).close()
        if vanished:
            self._refreshed_ns = 0  # a worker that died may have been replaced: look at the next sample
        if not processes or (self._t_ns and now_ns <= self._t_ns[-1]):
            return bool(self._gauges)
        self._t_ns.append(now_ns)
        self._cpu_s.append(cpu_s)
        self._rss_bytes.append(rss_bytes)
        self._threads.append(threads)
        self._processes.append(processes)
        if self._detail is not None:
            self._detail.sample(now_ns, [process.pid for process in self._gauges])
        return True

    def _discover(self, newborn: bool = True) -> None:
        """Finds descendants that are not watched yet; parents come to stand before their children."""
        self._refreshed_ns = time.monotonic_ns()
        level = [process.pid for process in self._gauges]
        while level:
            found = (
                self._table.identify(pid) for pid in self._table.children(level) if pid not in self._ledger
            )
            level = [child.pid for child in found if child is not None and self._admit(child, newborn)]

    def _admit(self, process: ProcessId, newborn: bool) -> bool:
        gauge = self._table.gauge(process)
        reading = gauge.read()
        if reading is None:
            gauge.close()
            return False
        self._gauges[process] = gauge
        self._ledger.enter(process.pid, reading, newborn and process.start_time >= self._born_after)
        return True

    def _at(self, index: int) -> Sample:
        return Sample(
            self._t_ns[index],
            self._cpu_s[index],
            self._rss_bytes[index],
            self._threads[index],
            self._processes[index],
        )

    def _cpu_at(self, t_ns: int) -> float:
        """Cumulative CPU seconds at a time within the samples, on a straight line between two of them."""
        after = bisect_left(self._t_ns, t_ns)
        if self._t_ns[after] == t_ns:
            return self._cpu_s[after]
        t0_ns, t1_ns = self._t_ns[after - 1], self._t_ns[after]
        share = (t_ns - t0_ns) / (t1_ns - t0_ns)
        return self._cpu_s[after - 1] + share * (self._cpu_s[after] - self._cpu_s[after - 1])
