"""What threads wait for, told from their system calls, on processes that wait for known things."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from typing import Any

import pytest

from probes.watch.waits import WaitLog, Waits

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="system calls are known by their numbers on Linux, x86-64 and arm64",
)
Start = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], Any]


def seen(pid: int) -> Waits:
    log = WaitLog()
    assert log.look([pid])
    found = log.mean()
    assert found is not None
    return found


def test_a_lock_that_is_held_is_told_from_a_timer(script: Start, eventually: Eventually) -> None:
    """One thread sleeps with the lock, three wait for it; the main thread reads a pipe."""
    running = script(
        """
        lock = threading.Lock()
        def work():
            with lock:
                time.sleep(1_000)
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        say("ready")
        heard()
        """
    )
    assert running.hear() == "ready"
    expected = {"lock": 3, "timer": 1, "process": 1}
    eventually(lambda: seen(running.pid).threads == expected)


def test_a_thread_that_waits_for_another_service_names_its_address(
    script: Start, eventually: Eventually
) -> None:
    """Two threads read from connections that they opened, one of them with a time-out; one has accepted."""
    running = script(
        """
        import socket
        listener = socket.create_server(("127.0.0.1", 0))
        ends = [socket.create_connection(listener.getsockname()) for _ in range(2)]
        ends[1].settimeout(1_000)
        accepted = [listener.accept()[0] for _ in range(2)]
        for end in (*ends, accepted[0]):
            threading.Thread(target=end.recv, args=(1,), daemon=True).start()
        say(listener.getsockname()[1])
        heard()
        """
    )
    peer = f"127.0.0.1:{running.hear()}"
    eventually(lambda: seen(running.pid).peers == {peer: 2})
    found = seen(running.pid)
    assert found.outgoing == {peer: 2}
    assert (found.of("peer"), found.of("client")) == (2, 1)


def test_an_event_loop_waits_for_any_of_several(script: Start, eventually: Eventually) -> None:
    running = script(
        """
        import asyncio
        say("ready")
        asyncio.run(asyncio.sleep(1_000))
        """
    )
    assert running.hear() == "ready"
    eventually(lambda: seen(running.pid).of("poll") == 1)


def test_looks_are_averaged_and_none_is_no_answer() -> None:
    log = WaitLog()
    assert log.mean() is None
    assert not log.look([2**22 + 1])
    assert log.mean() is None
    assert log.look([os.getpid()])
    assert log.look([os.getpid()])
    found = log.mean()
    assert found is not None
    assert found.looks == 2
    assert sum(found.threads.values()) >= 1
