"""What coordinator and agent say to each other: one message, one answer, each a pickle.

    Join(wire)            → Joined      starts the load process
    Clock()               → int         the agent's monotonic clock (ns)
    Begin(segment, due)   → None        one stretch of load
    Pull(stop)            → Frame       renews the lease; what has happened since the last one
    End()                 → None        ends the load process, and then the agent

An answer may also be `Failed`. All times are of the agent's clock.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from probes.load.plan import Segment, ShardReport, Wire

LEASE_S = 3.0
"""An agent that hears nothing for so long stops sending; a coordinator that hears nothing calls it lost."""
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Join:
    wire: Wire


@dataclass(frozen=True)
class Joined:
    """Who answers: its version, `clock_id` and `network_id`, the machine's name, and the load process."""

    version: str
    clock: str
    network: str
    host: str
    pid: int


@dataclass(frozen=True)
class Clock:
    pass


@dataclass(frozen=True)
class Begin:
    """`due` holds the shard's own due times (int64, ns), empty for callers who wait for their answers."""

    segment: Segment
    due: bytes


@dataclass(frozen=True)
class Pull:
    stop: int


@dataclass(frozen=True)
class Frame:
    """The shard's rows `first` … `last` - 1 as they are now, and its block of the header.

    `rows` is int64 of shape (5, last - first), the columns in the order of `plan.COLUMNS`. `report` comes
    with the last frame, `lost` instead of it where the load process ended before its time.
    """

    first: int
    last: int
    rows: bytes
    header: bytes
    report: ShardReport | None = None
    lost: str | None = None


@dataclass(frozen=True)
class End:
    pass


@dataclass(frozen=True)
class Failed:
    """A traceback, or a sentence."""

    text: str


def clock_id() -> str:
    """The same for two processes exactly when their monotonic clocks are one, as far as the system tells."""
    return _kernel("time")


def network_id() -> str:
    """The same for two processes exactly when the loopback of one is that of the other."""
    return _kernel("net")


def _kernel(namespace: str) -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        own = Path(f"/proc/self/ns/{namespace}")
        return f"{boot} {own.stat().st_ino if own.exists() else ''}"
    except OSError:
        return platform.node()


def write_message(file: BinaryIO, data: bytes) -> None:
    """Writes a message with its length before it."""
    file.write(_LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def read_message(file: BinaryIO | FileIO) -> bytes:
    """Reads a message. Raises `EOFError` where the other side has gone."""
    (size,) = _LENGTH.unpack(_read(file, _LENGTH.size))
    return _read(file, size)


def _read(file: BinaryIO | FileIO, size: int) -> bytes:
    """So many bytes; an unbuffered file gives fewer at a time."""
    parts = []
    while size:
        part = file.read(size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
