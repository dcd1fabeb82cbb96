"""Which process is which, and who listens, held against processes started here."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from probes.watch import process as subject
from probes.watch.process import alive, descendants, identify, is_local_address, listening_owners
from probes.watch.table import ProcessTable

WAITS = "say(os.getpid()); heard()"
NAMED = """
import ctypes
ctypes.CDLL(None).prctl(15, b") R 1 (x y", 0, 0, 0)
say(os.getpid()); heard()
"""
LISTENS = """
import socket
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.socket(family)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
if family == socket.AF_INET6:
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(len(sys.argv) > 3))
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen()
say(listener.getsockname()[1]); heard()
"""
FORKS_WORKERS = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
for _ in range(2):
    if os.fork() == 0:
        if os.fork() == 0:
            signal.pause()
        signal.pause()
say(listener.getsockname()[1]); heard()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")


@pytest.fixture(autouse=True)
def _asked(table: ProcessTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this file runs with /proc and with psutil."""
    monkeypatch.setattr(subject, "process_table", lambda: table)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def test_a_process_keeps_its_identity() -> None:
    ourselves = identify(os.getpid())
    assert ourselves is not None
    assert ourselves == identify(os.getpid())
    assert alive(ourselves)


def test_a_later_process_with_the_same_pid_is_another_one() -> None:
    ourselves = identify(os.getpid())
    assert ourselves is not None
    assert not alive(replace(ourselves, start_time=ourselves.start_time - 1))


def test_a_process_that_has_ended_has_no_identity(script: Callable[..., Any]) -> None:
    child = script(WAITS)
    before = identify(child.hear())
    assert before is not None
    child.end()
    assert identify(child.pid) is None
    assert not alive(before)


def test_a_zombie_is_not_alive(script: Callable[..., Any], eventually: Callable[..., Any]) -> None:
    parent = script("pid = os.fork()\nif pid == 0: os._exit(0)\nsay(pid); heard()")
    pid = parent.hear()
    zombie = identify(pid)
    assert zombie is not None
    eventually(lambda: not alive(zombie))
    assert identify(pid) == zombie


@linux
def test_a_name_with_spaces_and_parentheses_is_no_obstacle(
    script: Callable[..., Any], table: ProcessTable
) -> None:
    child = script(NAMED)
    process = identify(child.hear())
    assert process is not None
    assert alive(process)
    assert table.parent(child.pid) == os.getpid()
    gauge = table.gauge(process)
    reading = gauge.read()
    gauge.close()
    assert reading is not None
    assert (reading.parent, reading.threads, reading.ended) == (os.getpid(), 1, False)


def test_descendants_come_after_their_parents(script: Callable[..., Any]) -> None:
    child = script("""
        middle = os.fork()
        if middle == 0:
            last = os.fork()
            if last:
                say([os.getpid(), last])
            signal.pause()
        heard()
        """)
    middle, last = child.hear()
    assert [process.pid for process in descendants(child.pid)] == [middle, last]
    assert [process.pid for process in descendants(middle)] == [last]
    assert descendants(last) == ()


@pytest.mark.parametrize(
    ("bound", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("127.0.0.1", "localhost"),
        pytest.param("::1", "::1", marks=ipv6),
        pytest.param("::1", "[::1]", marks=ipv6),
        pytest.param("::", "::1", marks=ipv6),
        pytest.param("::", "127.0.0.1", marks=ipv6, id="dual-stack"),
        pytest.param("::ffff:127.0.0.1", "127.0.0.1", marks=ipv6, id="mapped"),
    ],
)
def test_the_owner_of_a_listening_socket_is_found(script: Callable[..., Any], bound: str, asked: str) -> None:
    child = script(LISTENS, bound, "0")
    assert listening_owners(asked, child.hear()) == (child.pid,)


def test_forked_workers_that_share_a_socket_are_left_out(script: Callable[..., Any]) -> None:
    parent = script(FORKS_WORKERS)
    assert listening_owners("127.0.0.1", parent.hear()) == (parent.pid,)


@linux
def test_of_two_sockets_the_one_that_is_reached_counts(script: Callable[..., Any]) -> None:
    anyone = script(LISTENS, "0.0.0.0", "0")
    port = anyone.hear()
    exact = script(LISTENS, "127.0.0.1", str(port))
    assert exact.hear() == port
    assert listening_owners("127.0.0.1", port) == (exact.pid,)
    assert listening_owners("127.0.0.2", port) == (anyone.pid,)


@linux
def test_two_processes_that_share_a_port_are_both_owners(script: Callable[..., Any]) -> None:
    first = script(LISTENS, "127.0.0.1", "0")
    port = first.hear()
    second = script(LISTENS, "127.0.0.1", str(port))
    assert second.hear() == port
    assert listening_owners("127.0.0.1", port) == tuple(sorted((first.pid, second.pid)))


def test_another_address_or_nobody_listening_has_no_owner(script: Callable[..., Any]) -> None:
    child = script(LISTENS, "127.0.0.1", "0")
    port = child.hear()
    assert listening_owners("127.0.0.2", port) == ()
    assert listening_owners("192.0.2.1", port) == ()
    child.end()
    assert listening_owners("127.0.0.1", port) == ()


@linux
def test_a_connection_on_the_port_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
        with socket.create_connection(place) as client:
            assert listening_owners("127.0.0.1", place[1]) == (os.getpid(),)
            assert listening_owners("127.0.0.1", client.getsockname()[1]) == ()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.8.7", True),
        ("0.0.0.0", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
        pytest.param("::1", True, marks=ipv6),
        pytest.param("[::1]", True, marks=ipv6),
        pytest.param("::ffff:127.0.0.1", True, marks=ipv6),
    ],
)
def test_local_addresses_are_told_from_others(host: str, local: bool) -> None:
    assert is_local_address(host) is local


def test_a_name_that_nobody_knows_is_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not is_local_address("no-such-host.invalid")
    assert listening_owners("no-such-host.invalid", 80) == ()
