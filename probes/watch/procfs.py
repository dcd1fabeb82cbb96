"""Processes as Linux shows them in /proc.

CPU time comes from the process's own CPU clock, which any process may read by pid: all its threads, ended
ones too, 0.3 µs a reading, right to 1.5 ms while it runs (as old as the scheduler's last tick) and exact at
rest. /proc/PID/stat counts the same in ticks of 10 ms, 10 ms low on average; the sum of task/*/schedstat is
as exact as the clock, but took 60 µs for three threads and forgets those that ended.
"""

from __future__ import annotations

import functools
import os
import re
import struct
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from probes.watch.table import Listener, ProcessId, Reading, unmapped

_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_ENDED = b"ZXx"
_LISTEN = b"0A"
_KEPT_OPEN = 256

# Positions in /proc/PID/stat behind the closing parenthesis of the name, see proc_pid_stat(5).
_STATE, _PPID, _UTIME, _STIME, _CUTIME, _CSTIME, _THREADS, _START, _RSS = 0, 1, 11, 12, 13, 14, 17, 19, 21


def _fields(line: bytes) -> list[bytes]:
    """The fields behind the name, which may hold spaces and parentheses of its own."""
    return line.rpartition(b")")[2].split(None, 22)


def _read(path: str) -> bytes | None:
    """What stands in a file of /proc; None where it is gone."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        text = b""
        while part := os.read(file, 65_536):  # the kernel gives long lists in pieces
            text += part
        return text
    except OSError:
        return None
    finally:
        os.close(file)


def _stat(pid: int) -> list[bytes] | None:
    fields = _fields(_read(f"/proc/{pid}/stat") or b"")
    return fields if len(fields) > _RSS else None


def _ended(fields: list[bytes]) -> bool:
    """A zombie; a leader that left its other threads running looks like one but is none."""
    return fields[_STATE] in _ENDED and int(fields[_THREADS]) <= 1


class ProcTable:
    """`ProcessTable` from /proc."""

    def __init__(self) -> None:
        self.tick_s = 1 / _TICKS_PER_S

    def identify(self, pid: int) -> ProcessId | None:
        """See `ProcessTable`."""
        fields = _stat(pid)
        return None if fields is None else ProcessId(pid, int(fields[_START]) / _TICKS_PER_S)

    def alive(self, process: ProcessId) -> bool:
        """See `ProcessTable`."""
        fields = _stat(process.pid)
        return (
            fields is not None
            and int(fields[_START]) / _TICKS_PER_S == process.start_time
            and not _ended(fields)
        )

    def children(self, pids: Collection[int]) -> list[int]:
        """See `ProcessTable`."""
        if not _lists_children():
            parents = set(pids)
            stats = ((pid, _stat(pid)) for pid in _pids())
            return [pid for pid, fields in stats if fields is not None and int(fields[_PPID]) in parents]
        found: list[int] = []
        for pid in pids:
            for task in _listed(f"/proc/{pid}/task"):
                found += map(int, (_read(f"/proc/{pid}/task/{task}/children") or b"").split())
        return found

    def parent(self, pid: int) -> int | None:
        """See `ProcessTable`."""
        fields = _stat(pid)
        return None if fields is None else int(fields[_PPID])

    def gauge(self, process: ProcessId) -> ProcGauge:
        """See `ProcessTable`."""
        return ProcGauge(process)

    def pss_bytes(self, pid: int) -> int | None:
        """See `ProcessTable`. Costs milliseconds: the kernel walks every page."""
        text = _read(f"/proc/{pid}/smaps_rollup") or b""
        found = re.search(rb"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    def unreclaimable_bytes(self, pid: int) -> int | None:
        """See `ProcessTable`. Costs what `pss_bytes` costs."""
        text = _read(f"/proc/{pid}/smaps_rollup") or b""
        found = re.findall(rb"^Pss_(?:Anon|Shmem):\s+(\d+) kB", text, re.MULTILINE)
        return sum(map(int, found)) * 1024 if len(found) == 2 else None

    def now(self) -> float:
        """See `ProcessTable`."""
        ticks = time.clock_gettime_ns(time.CLOCK_BOOTTIME) * _TICKS_PER_S // 1_000_000_000
        return ticks / _TICKS_PER_S

    def listeners(self, port: int) -> list[Listener]:
        """See `ProcessTable`; the owner is the socket's inode."""
        return [*_listening("/proc/net/tcp", port), *_listening("/proc/net/tcp6", port)]

    def owners(self, listeners: Iterable[Listener]) -> set[int]:
        """See `ProcessTable`."""
        wanted = {f"socket:[{listener.owner}]" for listener in listeners}
        found = set()
        for pid in _pids():
            folder = f"/proc/{pid}/fd"
            for descriptor in _listed(folder):
                try:
                    if os.readlink(f"{folder}/{descriptor}") in wanted:  # noqa: PTH115 (ten times faster)
                        found.add(pid)
                        break
                except OSError:
                    continue
        return found


class ProcGauge:
    """Reads one process from a /proc/PID/stat kept open, which goes stale when the process goes: a later
    process with the same pid is never read in its place."""

    _open = 0

    def __init__(self, process: ProcessId) -> None:
        self._pid = process.pid
        self._start = str(round(process.start_time * _TICKS_PER_S)).encode()
        # The kernel's number for the CPU clock of another process: see clock_getcpuclockid(3).
        self._clock = (~process.pid << 3) | 2
        self._file: int | None = None
        if ProcGauge._open < _KEPT_OPEN:
            try:
                self._file = os.open(f"/proc/{process.pid}/stat", os.O_RDONLY)
                ProcGauge._open += 1
            except OSError:
                self._file = None
        self._exact = self._clock_agrees()

    def read(self) -> Reading | None:
        """See `Gauge`."""
        # The clock goes by pid. It is read first, so that a stat read after it vouches for it.
        cpu_s = self._clock_s() if self._exact else None
        fields = self._read_fields()
        if fields is None:
            return None
        if cpu_s is None:
            cpu_s = (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS_PER_S
        return Reading(
            cpu_s,
            (int(fields[_CUTIME]) + int(fields[_CSTIME])) / _TICKS_PER_S,
            int(fields[_RSS]) * _PAGE_BYTES,
            int(fields[_THREADS]),
            int(fields[_PPID]),
            fields[_STATE] in _ENDED and _ended(fields),
        )

    def close(self) -> None:
        """See `Gauge`."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
            ProcGauge._open -= 1

    def _read_fields(self) -> list[bytes] | None:
        if self._file is None:
            fields = _stat(self._pid)
            return fields if fields is not None and fields[_START] == self._start else None
        try:
            fields = _fields(os.pread(self._file, 4096, 0))
        except OSError:
            return None
        return fields if len(fields) > _RSS and fields[_START] == self._start else None

    def _clock_s(self) -> float | None:
        try:
            return time.clock_gettime_ns(self._clock) / 1e9
        except OSError:
            return None

    def _clock_agrees(self) -> bool:
        """Whether the clock exists here and shows what /proc shows; some sandboxes make one of them up."""
        cpu_s, fields = self._clock_s(), self._read_fields()
        if cpu_s is None or fields is None:
            return False
        ticks_s = (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS_PER_S
        return abs(cpu_s - ticks_s) <= 0.1 + 0.1 * ticks_s


@functools.cache
def _lists_children() -> bool:
    """Whether the kernel was built with lists of children (CONFIG_PROC_CHILDREN)."""
    pid = os.getpid()
    return Path(f"/proc/{pid}/task/{pid}/children").exists()


def _pids() -> list[int]:
    return [int(name) for name in _listed("/proc") if name.isdigit()]


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (names only, and 3 times faster)
    except OSError:
        return []


def _listening(table: str, port: int) -> Iterator[Listener]:
    try:
        with open(table, "rb") as file:  # noqa: PTH123
            next(file, None)
            for line in file:
                fields = line.split(None, 10)
                # Listening sockets come first; behind them may stand 100,000 others.
                if fields[3] != _LISTEN:
                    return
                address, _, number = fields[1].partition(b":")
                if int(number, 16) == port:
                    yield Listener(_address(address), int(fields[9]))
    except OSError:
        return


def _address(digits: bytes) -> bytes:
    """The kernel prints an address as 32-bit words, each in the machine's byte order."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    return unmapped(struct.pack(f"={len(words)}I", *words))
