"""What was asked for is the most that is ever sent, from the first request on; counted at the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SERVER = "tests/systems/servers/misbehaving_server.py"

pytestmark = pytest.mark.usefixtures("load_alone")


def test_a_search_never_passes_its_highest_rate(
    start_server: Callable[..., Any], probe: Callable[..., Any]
) -> None:
    """Poisson arrivals at 100/s for T s: no more than T·100 + 6·√(T·100) requests, warm-up and all."""
    server = start_server(SERVER, "--mode", "ok")
    told = probe(server.url, max_rate=100.0, budget_s=12.0)
    seconds = told.result["run"]["seconds"]
    assert told.result["capacity"]["bound"] == "at_least"
    assert server.stop()["received"] <= 100 * seconds + 6 * (100 * seconds) ** 0.5


def test_few_requests_claim_no_capacity(start_server: Callable[..., Any], probe: Callable[..., Any]) -> None:
    """p99 needs 368 requests; at 2/s there is no time for them."""
    server = start_server(SERVER, "--mode", "ok")
    told = probe(server.url, max_rate=2.0, budget_s=6.0)
    assert told.result["capacity"]["bound"] == "indeterminate"
    assert told.grade == "insufficient"


def test_the_warm_up_of_a_given_rate_keeps_to_it(
    start_server: Callable[..., Any], probe: Callable[..., Any]
) -> None:
    """At most 5 s of warm-up and 1 s of load at 20/s, evenly spaced, and the check before."""
    server = start_server(SERVER, "--mode", "ok")
    probe(server.url, rate=20.0, warmup_s=None)
    assert server.stop()["received"] <= 20 * 6 + 2


def test_a_target_that_falls_silent_has_failed(
    start_server: Callable[..., Any], probe: Callable[..., Any]
) -> None:
    server = start_server(SERVER, "--mode", "hang-after", "--after", "3000")
    told = probe(server.url, budget_s=15.0, timeout_s=1.0)
    assert told.result["run"]["status"] == "failed"
    assert "stopped answering" in told.result["run"]["reason"]
    assert told.grade != "valid"
