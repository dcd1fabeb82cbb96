"""What is found out about servers that behave otherwise under pressure, on servers of which it is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes.load.spec import ClosedSegment

SERVER = Path(__file__).with_name("servers") / "pressure_server.py"
pytestmark = pytest.mark.usefixtures("load_alone")

StartServer = Callable[..., Any]
Probe = Callable[..., Any]


def held(probe: Probe, url: str, callers: int, **spec: Any) -> Any:
    segments = (ClosedSegment(1, 1.0), ClosedSegment(callers, 4.0))
    spec = {"warmup_s": 1.0, "stacks": False, "check_answers": "yes"} | spec
    return probe(url, segments=segments, **spec)


def test_a_service_that_predicts_otherwise_under_pressure_is_found_out(
    start_server: StartServer, probe: Probe
) -> None:
    """Alone it predicts 0.731; with more than four in flight it answers 0.5 at once, and 200."""
    server = start_server(SERVER, "--beyond", "fallback", "--ms", 1, "--limit", 4)
    told = held(probe, server.url, 12)
    answers = told.result["answers"]
    assert (answers["verdict"], answers["different"]) == ("changed", ["score"])
    assert answers["left_out"] == ["id", "took_ms"]
    assert answers["in_steps"] == [1]  # alone it answers as at rest
    assert all(step["ok"] == step["sent"] for step in told.result["steps"])  # no status tells of it
    facts = {fact["name"]: fact for fact in told.result["facts"]}
    if told.grade != "client_limited":
        fact = facts["load.answers_changed_ratio"]
        assert fact["value"] == pytest.approx(1 - answers["equal"] / answers["compared"], abs=1e-4)
        assert fact["samples"] == answers["compared"]
    client = told.result["client"]
    assert server.stop()["received"] == client["requests_sent"] + client["checks_sent"]


def test_a_service_that_only_becomes_slower_answers_the_same(start_server: StartServer, probe: Probe) -> None:
    server = start_server(SERVER, "--beyond", "queue", "--ms", 1)
    told = held(probe, server.url, 12)
    answers = told.result["answers"]
    assert answers["equal"] == answers["compared"] > 5
    assert answers["verdict"] == ("same" if answers["compared"] >= 20 else "not_comparable")
    client = told.result["client"]
    assert server.stop()["received"] == client["requests_sent"] + client["checks_sent"]


def test_what_stays_otherwise_is_no_ground_for_a_verdict(start_server: StartServer, probe: Probe) -> None:
    """Once under pressure it keeps the other prediction: then the load need not have been the reason."""
    server = start_server(SERVER, "--beyond", "fallback", "--ms", 1, "--limit", 4, "--stuck")
    told = held(probe, server.url, 12)
    answers = told.result["answers"]
    assert answers["verdict"] == "not_comparable"
    assert answers["reason"] == "at rest the answer is another one after the load, in score"
    assert not [fact for fact in told.result["facts"] if fact["name"] == "load.answers_changed_ratio"]


def test_nothing_is_asked_beside_the_load_unless_wanted(start_server: StartServer, probe: Probe) -> None:
    server = start_server(SERVER, "--ms", 1)
    told = held(probe, server.url, 2, check_answers="no")
    assert "answers" not in told.result
    assert server.stop()["received"] == told.result["client"]["requests_sent"] + 1
