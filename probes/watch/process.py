"""Which process is which, and which of them listens on a port.

A pid alone names nobody: the kernel gives it out again. A process is its pid together with the moment it
started. On Linux all of this is read from /proc (`probes.watch.procfs`), elsewhere, or where /proc cannot be
read, with psutil (`probes.watch.portable`); both are a `ProcessTable`.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Iterable
from pathlib import Path

from probes.watch.table import Listener, ProcessId, ProcessTable, packed_address

_LOOPBACK_4 = bytes((127, 0, 0, 1))
_LOOPBACK_6 = bytes(15) + b"\x01"


@functools.cache
def process_table() -> ProcessTable:
    """The table for this machine: /proc where it shows our own pid namespace, psutil everywhere else."""
    try:
        readable = Path("/proc/self").readlink() == Path(str(os.getpid()))
    except OSError:
        readable = False
    if readable:
        from probes.watch.procfs import ProcTable

        return ProcTable()
    from probes.watch.portable import PsutilTable

    return PsutilTable()


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now, a zombie too; None where there is none or it may not be read."""
    return process_table().identify(pid)


def alive(process: ProcessId) -> bool:
    """Whether this very process still runs: not a later one with its pid, and not a zombie."""
    return process_table().alive(process)


def descendants(pid: int) -> tuple[ProcessId, ...]:
    """Children, their children and so on, parents before children, without `pid` itself; zombies too."""
    table = process_table()
    found: dict[int, ProcessId] = {}
    level = [pid]
    while level:
        identified = (table.identify(child) for child in table.children(level) if child not in found)
        fresh = {process.pid: process for process in identified if process is not None}
        found |= fresh
        level = list(fresh)
    return tuple(found.values())


def listening_owners(host: str, port: int) -> tuple[int, ...]:
    """Pids of the processes that a TCP connection to `host:port` would reach, in ascending order.

    Where a parent shares its socket with forked workers, only the parent. Of several listening sockets those
    that the kernel prefers count: bound to the very address, then to 0.0.0.0 or ::, then to :: for an IPv4
    address. Empty when the host is not this machine, nobody listens, or the owner may not be seen.
    A container's published port belongs to its proxy (docker-proxy), not to the service inside.
    """
    table = process_table()
    listeners = table.listeners(port)
    if not listeners:
        return ()
    for address in _resolve(host):
        if not _is_own(address):
            continue
        reached = _reached(listeners, _packed(address))
        if reached:
            return _topmost(table.owners(reached), table)
    return ()


def is_local_address(host: str) -> bool:
    """Whether a name or an address means this machine; an unknown name does not. May ask the name service."""
    addresses = _resolve(host)
    return bool(addresses) and all(_is_own(address) for address in addresses)


def _resolve(host: str) -> list[tuple[str, int, int]]:
    """The addresses of a host as (address, flow, scope), in the order in which a client tries them."""
    host = host.strip("[]")
    if not host:
        return []
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    addresses: list[tuple[str, int, int]] = []
    for family, _, _, _, place in found:
        if family not in (socket.AF_INET, socket.AF_INET6):
            continue
        flow, scope = (int(place[2]), int(place[3])) if len(place) == 4 else (0, 0)
        address = (str(place[0]), flow, scope)
        if address not in addresses:
            addresses.append(address)
    return addresses


def _packed(address: tuple[str, int, int]) -> bytes:
    packed = packed_address(address[0])
    # Connecting to the unspecified address reaches this machine.
    return packed if any(packed) else (_LOOPBACK_4 if len(packed) == 4 else _LOOPBACK_6)


def _is_own(address: tuple[str, int, int]) -> bool:
    """An address is ours when a socket can be bound to it."""
    packed = _packed(address)
    if (packed[0] == 127 and len(packed) == 4) or packed == _LOOPBACK_6:
        return True
    text, flow, scope = address
    try:
        if ":" in text:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
                trial.bind((text.partition("%")[0], 0, flow, scope))
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
                trial.bind((text, 0))
    except OSError:
        return False
    return True


def _reached(listeners: Iterable[Listener], address: bytes) -> list[Listener]:
    """Those listeners that a connection to this address reaches, by the kernel's order of preference."""
    choices = [address, bytes(len(address))]
    if len(address) == 4:
        choices.append(bytes(16))
    kept = list(listeners)
    for choice in choices:
        reached = [listener for listener in kept if listener.address == choice]
        if reached:
            return reached
    return []


def _topmost(pids: set[int], table: ProcessTable) -> tuple[int, ...]:
    """Those of the pids none of whose ancestors is among them."""
    return tuple(sorted(pid for pid in pids if not any(up in pids for up in _ancestors(pid, table))))


def _ancestors(pid: int, table: ProcessTable) -> list[int]:
    found: list[int] = []
    parent = table.parent(pid)
    while parent and parent not in found:
        found.append(parent)
        parent = table.parent(parent)
    return found
