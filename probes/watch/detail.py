"""What a process tree does beside using CPU and memory: threads, waits for a processor, faults and files.

Read up to ten times a second from /proc by the thread that watches the tree. Linux only; elsewhere there is
none of it. A reading costs some 15 µs a thread and 40 µs a process, on our side alone: the target does
nothing for it.

A thread's time on a processor and in the queue for one come from its own schedstat: /proc/PID/schedstat is
the main thread only. A CPU quota looks like that queue, which is why throttling is read beside it.
"""

from __future__ import annotations

import functools
import os
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from probes.watch.cgroup import Throttling, cpu_quota_cores, throttling
from probes.watch.gpu import GpuGauge
from probes.watch.memory_group import MemoryGauge, MemoryUse
from probes.watch.pressure import Pressure, PressureGauge

INTERVALS_NS = ((50, 90_000_000), (200, 190_000_000), (1 << 30, 990_000_000))
"""Up to so many threads a reading is taken that often."""
KEPT = 3_000
"""Readings kept, five minutes of them: who asks about a step asks when it ends."""
_SECTOR_MS_FIELD = 12
_MIN_FAULTS, _MAJOR_FAULTS = 7, 9


@dataclass(frozen=True, slots=True)
class Detail:
    """What happened in a window of time. Rates are a second, shares run from 0 to 1, None is not measured.

    `waiting_threads` is the mean number of threads that were ready and waited for a processor, `thread_cores`
    what the busiest thread used, `process_cores` each process by its use, the busiest first.
    `throttled_ratio` is the share of a quota's periods in which it was used up. Pressure is the share of time
    in which anything waited, of this machine unless the target has a group of its own. `disk_busy` is the
    busiest disk's.
    """

    seconds: float
    thread_cores: float
    process_cores: tuple[tuple[int, float], ...]
    waiting_threads: float
    minor_faults_per_s: float
    major_faults_per_s: float
    read_bytes_per_s: float | None = None
    written_bytes_per_s: float | None = None
    quota_cores: float | None = None
    throttled_ratio: float | None = None
    cpu_pressure: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    pressure_of_machine: bool = True
    disk_busy: float | None = None
    network_busy: float | None = None
    gpu_busy: float | None = None
    descriptors: int | None = None
    memory_used_ratio: float | None = None
    """Of the limit of the target's group, pages of files among it; of this machine's where it has none."""
    refaults_per_s: float | None = None
    """Pages read again that had been given back for want of room, in that group or machine."""
    limit_hits_per_s: float | None = None
    disk_read_ms: float | None = None
    """What the busiest disk took for a read, on average."""

    def to_json(self) -> dict[str, Any]:
        """The step's `watched` object; what was not measured is left out."""
        document: dict[str, Any] = {
            name: round(value, 4)
            for name in (
                "thread_cores", "waiting_threads", "minor_faults_per_s", "major_faults_per_s",
                "read_bytes_per_s", "written_bytes_per_s", "quota_cores", "throttled_ratio", "cpu_pressure",
                "memory_pressure", "io_pressure", "disk_busy", "network_busy", "gpu_busy",
                "memory_used_ratio", "refaults_per_s", "limit_hits_per_s", "disk_read_ms",
            )
            if (value := getattr(self, name)) is not None
        }  # fmt: skip
        if self.descriptors is not None:
            document["descriptors"] = self.descriptors
        return document


@dataclass(frozen=True, slots=True)
class _Reading:
    t_ns: int
    threads: Mapping[tuple[int, int], tuple[int, int]]
    """(pid, thread): ns on a processor, ns waiting for one."""
    waited_s: float
    """All threads since the watch began, those that ended with what was last read of them."""
    minor_faults: int
    major_faults: int
    read_bytes: int | None
    written_bytes: int | None
    throttling: Throttling | None
    pressure: Pressure
    disks_s: Mapping[str, float]
    links_s: Mapping[str, float]
    gpu_busy: float | None
    descriptors: int | None
    memory: MemoryUse
    reads: Mapping[str, tuple[int, int]]
    """By disk: reads that were done, and the ms they took."""


@dataclass(slots=True)
class DetailLog:
    """Takes readings of a changing set of processes and tells what happened between two times.

    `pid` is whose group's limits count.
    """

    pid: int
    _readings: deque[_Reading] = field(default_factory=lambda: deque(maxlen=KEPT))
    _pressure: PressureGauge | None = None
    _gpu: GpuGauge | None = None
    _memory: MemoryGauge | None = None
    _quota_cores: float | None = None
    _due_ns: int = 0

    def sample(self, t_ns: int, pids: Collection[int]) -> None:
        """Takes a reading when the last one is old enough; `t_ns` is now, on the monotonic clock."""
        if t_ns < self._due_ns or not pids:
            return
        if self._pressure is None:
            self._pressure = PressureGauge(self.pid)
            self._gpu = GpuGauge.open()
            self._memory = MemoryGauge(self.pid)
            self._quota_cores = cpu_quota_cores(self.pid)
        last = self._readings[-1] if self._readings else None
        threads: dict[tuple[int, int], tuple[int, int]] = {}
        minor = major = 0
        reads = writes = descriptors = 0
        io_known = fd_known = True
        for pid in pids:
            threads |= _threads(pid)
            faults = _faults(pid)
            minor, major = minor + faults[0], major + faults[1]
            moved = _io_bytes(pid)
            io_known &= moved is not None
            reads, writes = reads + (moved or (0, 0))[0], writes + (moved or (0, 0))[1]
            files = open_descriptors(pid)
            fd_known &= files is not None
            descriptors += files or 0
        waited_s = 0.0 if last is None else last.waited_s
        if last is not None:
            for name, (_, waiting) in threads.items():
                waited_s += max(0, waiting - last.threads.get(name, (0, 0))[1]) / 1e9
        self._readings.append(
            _Reading(
                t_ns, threads, waited_s, minor, major,
                reads if io_known else None, writes if io_known else None,
                throttling(self.pid) if self._quota_cores is not None else None,
                self._pressure.read(), _disks_busy_s(), _links_busy_s(),
                None if self._gpu is None else self._gpu.busy(),
                descriptors if fd_known else None,
                MemoryUse() if self._memory is None else self._memory.read(), _disk_reads(),
            )
        )  # fmt: skip
        self._due_ns = t_ns + next(every for most, every in INTERVALS_NS if len(threads) <= most)

    def between(self, t0_ns: int, t1_ns: int) -> Detail | None:
        """What happened from the first to the last reading in the window; None with fewer than two."""
        times = [reading.t_ns for reading in self._readings]
        first, end = bisect_left(times, t0_ns), bisect_right(times, t1_ns)
        if end - first < 2:
            return None
        inside = [self._readings[index] for index in range(first, end)]
        a, b = inside[0], inside[-1]
        seconds = (b.t_ns - a.t_ns) / 1e9
        # A thread that was born inside the window starts from nothing; one that ended before the last reading
        # counts with its last one.
        last_seen: dict[tuple[int, int], int] = {}
        for reading in inside:
            last_seen |= {name: cpu for name, (cpu, _) in reading.threads.items()}
        used = {name: (cpu - a.threads.get(name, (0, 0))[0]) / 1e9 for name, cpu in last_seen.items()}
        processes: dict[int, float] = {}
        for (pid, _), cpu_s in used.items():
            processes[pid] = processes.get(pid, 0.0) + cpu_s / seconds
        cpu, memory, io = b.pressure.since(a.pressure, seconds)
        throttled = None
        if a.throttling is not None and b.throttling is not None:
            since = b.throttling.since(a.throttling)
            throttled = since.throttled_periods / since.periods if since.periods > 0 else 0.0
        gpus = [reading.gpu_busy for reading in inside if reading.gpu_busy is not None]
        return Detail(
            seconds=seconds,
            thread_cores=max(used.values(), default=0.0) / seconds,
            process_cores=tuple(sorted(processes.items(), key=lambda entry: -entry[1])),
            waiting_threads=(b.waited_s - a.waited_s) / seconds,
            minor_faults_per_s=max(0, b.minor_faults - a.minor_faults) / seconds,
            major_faults_per_s=max(0, b.major_faults - a.major_faults) / seconds,
            read_bytes_per_s=_rate(a.read_bytes, b.read_bytes, seconds),
            written_bytes_per_s=_rate(a.written_bytes, b.written_bytes, seconds),
            quota_cores=self._quota_cores,
            throttled_ratio=throttled,
            cpu_pressure=cpu,
            memory_pressure=memory,
            io_pressure=io,
            pressure_of_machine=b.pressure.of_machine,
            disk_busy=_busiest(a.disks_s, b.disks_s, seconds),
            network_busy=_busiest(a.links_s, b.links_s, seconds),
            gpu_busy=sum(gpus) / len(gpus) if gpus else None,
            descriptors=b.descriptors,
            memory_used_ratio=b.memory.used_ratio,
            refaults_per_s=_rate(a.memory.refaults, b.memory.refaults, seconds),
            limit_hits_per_s=_rate(a.memory.limit_hits, b.memory.limit_hits, seconds),
            disk_read_ms=_read_ms(a.reads, b.reads),
        )


def _busiest(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> float | None:
    """The largest share of the time in which one of them was busy."""
    shares = [(busy_s - before[name]) / seconds for name, busy_s in after.items() if name in before]
    return min(1.0, max(0.0, *shares)) if shares else None


def _read_ms(before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]) -> float | None:
    """What a read took on the disk that was read most often; None where there was no read."""
    since = [
        (reads - before[name][0], ms - before[name][1])
        for name, (reads, ms) in after.items()
        if name in before
    ]
    reads, ms = max(since, default=(0, 0))
    return ms / reads if reads > 0 else None


def _rate(before: int | None, after: int | None, seconds: float) -> float | None:
    return None if before is None or after is None else max(0, after - before) / seconds


def _bytes(path: str) -> bytes | None:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.read(file, 4096)
    except OSError:
        return None
    finally:
        os.close(file)


def _threads(pid: int) -> dict[tuple[int, int], tuple[int, int]]:
    try:
        names = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 (names only)
    except OSError:
        return {}
    found = {}
    for name in names:
        parts = (_bytes(f"/proc/{pid}/task/{name}/schedstat") or b"").split()
        if len(parts) == 3:
            found[pid, int(name)] = (int(parts[0]), int(parts[1]))
    return found


def _faults(pid: int) -> tuple[int, int]:
    fields = (_bytes(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
    if len(fields) <= _MAJOR_FAULTS:
        return 0, 0
    return int(fields[_MIN_FAULTS]), int(fields[_MAJOR_FAULTS])


def _io_bytes(pid: int) -> tuple[int, int] | None:
    """Bytes really read from and written to disks."""
    text = _bytes(f"/proc/{pid}/io")
    if text is None:
        return None
    found = dict(line.split(b": ") for line in text.splitlines() if b": " in line)
    try:
        return int(found[b"read_bytes"]), int(found[b"write_bytes"])
    except (KeyError, ValueError):
        return None


def open_descriptors(pid: int) -> int | None:
    """How many files and sockets a process has open; None where that may not be seen."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 (names only)
    except OSError:
        return None


def _disks_busy_s() -> dict[str, float]:
    """Seconds since boot in which a disk had something to do, by its name; whole disks, not their parts."""
    try:
        lines = Path("/proc/diskstats").read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) > _SECTOR_MS_FIELD and not fields[2].startswith(("loop", "ram", "zram")):
            found[fields[2]] = int(fields[_SECTOR_MS_FIELD]) / 1e3
    return found


def _disk_reads() -> dict[str, tuple[int, int]]:
    """Reads since boot and the ms they took, by the disk's name."""
    try:
        lines = Path("/proc/diskstats").read_text().splitlines()
    except OSError:
        return {}
    rows = (line.split() for line in lines)
    return {
        row[2]: (int(row[3]), int(row[6]))
        for row in rows
        if len(row) > _SECTOR_MS_FIELD and not row[2].startswith(("loop", "ram"))
    }


def _links_busy_s() -> dict[str, float]:
    """Seconds since boot that a network link was busy: bytes of its fuller direction over its speed.

    Links of unknown speed are left out, and the loopback has none.
    """
    found = {}
    for name, speed in _link_speeds().items():
        folder = f"/sys/class/net/{name}/statistics"
        counts = [_bytes(f"{folder}/{way}_bytes") for way in ("rx", "tx")]
        if None not in counts:
            found[name] = max(int(count) for count in counts if count is not None) / speed
    return found


@functools.cache
def _link_speeds() -> dict[str, float]:
    """Bytes a second that each network link carries, where the system knows."""
    found = {}
    for folder in Path("/sys/class/net").glob("*"):
        text = _bytes(f"{folder}/speed")
        if text is not None and text.strip().isdigit() and int(text) > 0:
            found[folder.name] = int(text) * 1e6 / 8
    return found
