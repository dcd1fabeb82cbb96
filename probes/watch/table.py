"""What an operating system tells about processes: the values, and the table that gives them.

`probes.watch.procfs` is the table on Linux, `probes.watch.portable` the one for everywhere else.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, for good. `start_time` is in seconds: since boot on Linux, since 1970 elsewhere.

    Two start times are only ever compared for equality.
    """

    pid: int
    start_time: float


class Reading(NamedTuple):
    """What one process says of itself now.

    `cpu_s` is the CPU time of all its threads, `waited_cpu_s` that of the children it has waited for and of
    their own. `ended` is true for a zombie: its CPU time is final and it has no memory.
    """

    cpu_s: float
    waited_cpu_s: float
    rss_bytes: int
    threads: int
    parent: int
    ended: bool


class Gauge(Protocol):
    """Reads one process again and again, cheaply."""

    def read(self) -> Reading | None:
        """The process now; None when it is gone."""
        ...

    def close(self) -> None:
        """Lets go of what was kept open."""
        ...


class Listener(NamedTuple):
    """A listening TCP socket: its packed address (4 or 16 bytes) and what its owners are found by."""

    address: bytes
    owner: int


class ProcessTable(Protocol):
    """What an operating system tells about processes."""

    tick_s: float
    """How coarsely `Reading.waited_cpu_s` is counted, in seconds."""

    def identify(self, pid: int) -> ProcessId | None:
        """The process that has this pid now, a zombie too; None where there is none or it may not be read."""
        ...

    def alive(self, process: ProcessId) -> bool:
        """Whether this very process still runs; a zombie does not."""
        ...

    def children(self, pids: Collection[int]) -> list[int]:
        """Pids of the direct children of any of these, zombies too."""
        ...

    def parent(self, pid: int) -> int | None:
        """Pid of the parent, None where unknown."""
        ...

    def gauge(self, process: ProcessId) -> Gauge:
        """Something that reads this process again and again."""
        ...

    def pss_bytes(self, pid: int) -> int | None:
        """Proportional set size: shared pages divided among those who share them. None where unknown."""
        ...

    def unreclaimable_bytes(self, pid: int) -> int | None:
        """Of `pss_bytes` what is no page of a file. None where unknown."""
        ...

    def now(self) -> float:
        """The `start_time` of a process that would start now, seconds."""
        ...

    def listeners(self, port: int) -> list[Listener]:
        """The listening TCP sockets on a port."""
        ...

    def owners(self, listeners: Iterable[Listener]) -> set[int]:
        """Pids that hold one of these sockets."""
        ...


def packed_address(text: str) -> bytes:
    """An IP address as its 4 or 16 bytes, `unmapped`."""
    text = text.partition("%")[0]
    if ":" not in text:
        return socket.inet_pton(socket.AF_INET, text)
    return unmapped(socket.inet_pton(socket.AF_INET6, text))


def unmapped(packed: bytes) -> bytes:
    """A packed address, where it is an IPv4 address in IPv6 clothes (::ffff:1.2.3.4) as its 4 bytes."""
    return packed[12:] if packed.startswith(_MAPPED) else packed
