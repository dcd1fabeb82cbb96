"""Who runs a probe, and whether that process is still alive.

A process is known by its host, its number and when it started. The host's name is not enough: after a new
start, or in a container on it, the same numbers mean other processes, so the boot and the name space of
process numbers belong to it.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

HEARTBEAT_LIMIT = timedelta(seconds=10)
"""A run whose heartbeat is older has no owner any more, where its process cannot be asked."""

_START_TOLERANCE_S = 2.0
"""The wall clock from which a start time is counted may be set meanwhile; numbers are not reused so soon."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that runs a probe; `started` is in seconds since 1970."""

    host: str
    scope: str
    pid: int
    started: float


def this_process() -> Owner:
    """The present process as an owner."""
    import psutil

    pid = os.getpid()
    return Owner(socket.gethostname(), _scope(), pid, psutil.Process(pid).create_time())


def is_gone(owner: Owner, heartbeat: datetime, now: datetime) -> bool:
    """Whether `owner` runs no more: by its process, or where that cannot be judged by its heartbeat."""
    alive = _is_alive(owner) if (owner.host, owner.scope) == (socket.gethostname(), _scope()) else None
    if alive is None:
        return abs(now - heartbeat) > HEARTBEAT_LIMIT
    return not alive


def _is_alive(owner: Owner) -> bool | None:
    """None where this user may not see the process, or the number is none."""
    import psutil

    if not isinstance(owner.pid, int) or owner.pid <= 0:
        return None
    try:
        os.kill(owner.pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        process = psutil.Process(owner.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - owner.started) <= _START_TOLERANCE_S
    except psutil.Error:
        return None


def _scope() -> str:
    parts = []
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        pass
    return " ".join(parts)
