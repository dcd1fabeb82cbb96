"""What the threads of a process tree wait for: a lock, another service, the next request, a timer, a disk.

Told by the system call in which each thread sleeps (/proc/PID/task/*/syscall), whatever language it is
written in, and by where the socket leads that it reads from. Looked at some dozens of times over a few
seconds: the mean number of threads in each kind of wait is what the answer rests on. One look costs some
0.1 ms a thread on our side and stops nobody. Linux on x86-64 and arm64 only, and only for processes of our
own user.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["running", "lock", "peer", "client", "poll", "timer", "disk", "process", "other"]

# asm/unistd_64.h, and the generic table that arm64 uses
_CALLS: Mapping[str, Mapping[str, frozenset[int]]] = {
    "x86_64": {
        "lock": frozenset({202}),
        "socket": frozenset({0, 1, 19, 20, 44, 45, 46, 47, 42}),
        "poll": frozenset({7, 23, 232, 270, 271, 281, 441}),
        "timer": frozenset({35, 230}),
        "accept": frozenset({43, 288}),
        "process": frozenset({61, 247}),
    },
    "aarch64": {
        "lock": frozenset({98}),
        "socket": frozenset({63, 64, 65, 66, 206, 207, 211, 212, 203}),
        "poll": frozenset({22, 72, 73, 441}),
        "timer": frozenset({101, 115}),
        "accept": frozenset({202, 242}),
        "process": frozenset({95, 260}),
    },
}
_POLL_ONE = {"x86_64": 7, "aarch64": 73}
_LISTEN, _ESTABLISHED = "0A", "01"


@dataclass(frozen=True, slots=True)
class Waits:
    """Mean numbers of threads in each kind of wait over `looks` looks.

    `threads` is by kind: `lock` waits in a futex, `peer` for data on a connection that the target itself
    opened, `client` for the next request, `poll` for any of several (an event loop), `timer` sleeps, `disk`
    cannot be interrupted, `process` waits for a child or a pipe. `peers` is `peer` by address; `outgoing` are
    open connections that the target made, by address, whoever waits for them.
    """

    looks: int
    threads: Mapping[str, float]
    peers: Mapping[str, float]
    outgoing: Mapping[str, float]

    def of(self, kind: Kind) -> float:
        """Mean number of threads in one kind of wait."""
        return self.threads.get(kind, 0.0)


@dataclass(slots=True)
class WaitLog:
    """Adds up looks. `look` is called again and again, `mean` at the end."""

    _looks: int = 0
    _threads: Counter[str] = field(default_factory=Counter)
    _peers: Counter[str] = field(default_factory=Counter)
    _outgoing: Counter[str] = field(default_factory=Counter)
    _sockets: dict[str, str | None] = field(default_factory=dict)
    _asked: bool = False
    """The table of connections was read in this look: it may be long."""

    def look(self, pids: Collection[int]) -> bool:
        """Looks at every thread once; false where this cannot be told (system, permission)."""
        calls = _CALLS.get(platform.machine())
        if calls is None:
            return False
        self._asked = False
        seen = False
        for pid in pids:
            files: dict[int, str] = {}
            for thread in _listed(f"/proc/{pid}/task"):
                kind = self._kind(pid, thread, calls, files)
                if kind is None:
                    continue
                seen = True
                name, _, peer = kind.partition(" ")
                self._threads[name] += 1
                if peer:
                    self._peers[peer] += 1
            for descriptor in _listed(f"/proc/{pid}/fd"):
                leads_to = self._leads_to(pid, int(descriptor), files)
                if leads_to and leads_to.startswith("peer "):
                    self._outgoing[leads_to.removeprefix("peer ")] += 1
        self._looks += seen
        return seen

    def mean(self) -> Waits | None:
        """What was seen; None where no look told anything."""
        if not self._looks:
            return None
        n = self._looks
        means = ({key: count / n for key, count in seen.items()} for seen in
                 (self._threads, self._peers, self._outgoing))  # fmt: skip
        threads, peers, outgoing = means
        return Waits(n, threads, peers, outgoing)

    def _kind(
        self, pid: int, thread: str, calls: Mapping[str, frozenset[int]], files: dict[int, str]
    ) -> str | None:
        text = _text(f"/proc/{pid}/task/{thread}/syscall")
        if text is None:
            return None
        if text.startswith("running"):
            return "running"
        parts = text.split()
        if _state(pid, thread) == "D":
            return "disk"
        if not parts or not parts[0].isdigit():
            return "other"  # in no system call and not running: a page fault, or stopped
        number = int(parts[0])
        if number in calls["lock"]:
            return "lock"
        if number in calls["timer"]:
            return "timer"
        if number in calls["process"]:
            return "process"
        if number in calls["accept"]:
            return "client"
        if number in calls["socket"]:
            return self._leads_to(pid, int(parts[1], 16), files) or "other"
        if number in calls["poll"]:
            return self._polled(pid, parts, files)
        return "other"

    def _polled(self, pid: int, parts: list[str], files: dict[int, str]) -> str:
        """A poll of one file is a read with a time-out; Python's sockets with time-outs wait so."""
        if int(parts[0]) == _POLL_ONE.get(platform.machine()) and int(parts[2], 16) == 1:
            descriptor = _first_polled(pid, int(parts[1], 16))
            if descriptor is not None:
                return self._leads_to(pid, descriptor, files) or "poll"
        return "poll"

    def _leads_to(self, pid: int, descriptor: int, files: dict[int, str]) -> str | None:
        """`peer ADDRESS`, `client` or `process` for what a descriptor is; None for files and the like."""
        if descriptor not in files:
            try:
                files[descriptor] = os.readlink(f"/proc/{pid}/fd/{descriptor}")  # noqa: PTH115 (faster)
            except OSError:
                files[descriptor] = ""
        link = files[descriptor]
        if link.startswith("pipe:"):
            return "process"
        if not link.startswith("socket:["):
            return None
        if link[8:-1] not in self._sockets and not self._asked:
            self._asked = True
            self._sockets = dict.fromkeys(self._sockets) | _tcp_sockets(pid)
        return self._sockets.setdefault(link[8:-1])


def _tcp_sockets(pid: int) -> dict[str, str | None]:
    """By inode: `peer ADDRESS` for a connection made from here, `client` for one that was accepted."""
    rows = []
    for table in ("tcp", "tcp6"):
        rows += [line.split() for line in (_text(f"/proc/{pid}/net/{table}") or "").splitlines()[1:]]
    listening = {row[1].rpartition(":")[2] for row in rows if len(row) > 9 and row[3] == _LISTEN}
    found: dict[str, str | None] = {}
    for row in rows:
        if len(row) <= 9:
            continue
        if row[3] == _LISTEN or row[1].rpartition(":")[2] in listening:
            found[row[9]] = "client"
        elif row[3] == _ESTABLISHED:
            found[row[9]] = f"peer {_address(row[2])}"
    return found


def _address(text: str) -> str:
    """`0100007F:1538` as `127.0.0.1:5432`."""
    import ipaddress
    import struct

    digits, _, port = text.rpartition(":")
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    address = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
    mapped = getattr(address, "ipv4_mapped", None)
    host = str(mapped or address)
    return f"[{host}]:{int(port, 16)}" if ":" in host else f"{host}:{int(port, 16)}"


def _first_polled(pid: int, address: int) -> int | None:
    """The descriptor in a `struct pollfd` of another process; None where its memory may not be read."""
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
            memory.seek(address)
            return int.from_bytes(memory.read(4), "little", signed=True)
    except (OSError, OverflowError, ValueError):
        return None


def _state(pid: int, thread: str) -> str:
    rest = (_text(f"/proc/{pid}/task/{thread}/stat") or "").rpartition(")")[2].split(None, 1)
    return rest[0] if rest else ""


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 (faster)
            return file.read()
    except OSError:
        return None


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (names only)
    except OSError:
        return []
