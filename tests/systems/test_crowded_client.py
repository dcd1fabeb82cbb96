"""Others crowd the client's processor: the service time stays the server's own, and the run says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = [
    pytest.mark.usefixtures("load_alone"),
    pytest.mark.skipif(
        not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
        reason="one processor for the client and one for the server",
    ),
]
SERVERS = "tests/systems/servers"


@pytest.fixture
def crowded() -> Iterator[int]:
    """This process, and so the load process that it starts, shares one processor with two that compute; gives
    the number of another one for the server."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[-1]})
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield allowed[0]
    finally:
        os.sched_setaffinity(0, allowed)
        for hog in hogs:
            hog.kill()
            hog.wait()


@pytest.mark.parametrize("rate", [400, 2_000])
def test_a_crowded_client_never_blames_the_server(
    rate: float, crowded: int, start_server: Callable[..., Any], probe: Callable[..., Any]
) -> None:
    """The server holds its answers against the kernel's stamps of the requests, on a processor of its own."""
    server = start_server(f"{SERVERS}/stall_server.py", "--service-ms", 5, "--stall-s", 0)
    os.sched_setaffinity(server.pid, {crowded})
    told = probe(server.url, rate=rate, seconds=3.0)
    truth = server.stop()["took_ms"]["p99"]
    assert told.step["service_ms"]["p99"] == pytest.approx(truth, abs=1.0, rel=0.2)
    assert told.step["service_ms"]["p50"] >= 5.0
    assert told.grade == told.step["verdict"] == "client_limited"
    assert "cores of the processors on which the load process may run" in told.result["run"]["grade_reason"]
    assert told.result["facts"] == []
