"""What is found out about servers that behave otherwise under pressure, on servers of which it is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes.analysis.overload import Overload
from probes.events import Note
from probes.load.overload import overload, why_not
from probes.load.run import Run
from probes.load.search import Capacity
from probes.load.spec import ClosedSegment, LoadSpec, parse_slo
from probes.probe import ProbeContext
from probes.targets.http import parse_target

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


def overloaded(url: str) -> Overload:
    """Of 100/s at most: two places, 20 ms each."""
    spec = LoadSpec(slo=parse_slo("p95<=200ms,errors<=1%"), arrivals="constant", warmup_s=0.5, timeout_s=5.0)
    known = Capacity(90.0, 80.0, 100.0, "bracketed", None, 100.0, ())
    assert why_not(known, None) is None
    with Run(parse_target(url), spec, ProbeContext("0123456789", lambda _: None), None) as run:
        run.warm_up()
        found = overload(run, known)
    assert found.requests == 600
    assert found.requests == found.in_time + found.late + found.refused_at_once + found.failed
    if found.fault is not None:
        pytest.skip(f"this machine was too busy: {found.fault}")
    return found


def test_a_server_that_queues_whatever_comes_answers_hardly_anything_in_time(
    start_server: StartServer,
) -> None:
    """D/D/2 at twice its rate: the request due after t s waits t, so that 0.18 s of 3 s are in time; the 3 s
    of work that are left are done after 6 s at half the rate."""
    found = overloaded(start_server(SERVER, "--beyond", "queue", "--ms", 20, "--size", 2).url)
    assert found.refused_at_once == found.shed_ratio == 0
    assert found.goodput_ratio < 0.35
    assert found.recovery_s is not None
    assert 4.0 < found.recovery_s < 10.0


def test_a_server_that_refuses_what_is_too_much_keeps_answering(start_server: StartServer) -> None:
    """Beyond four in flight it says 503 at once: half of twice its rate is answered, and nothing is left."""
    server = start_server(SERVER, "--beyond", "refuse", "--ms", 20, "--size", 2, "--limit", 4)
    found = overloaded(server.url)
    assert found.shed_ratio is not None
    assert found.shed_ratio > 0.9
    assert found.goodput_ratio > 0.7
    assert found.recovery_s is not None
    assert found.recovery_s < 1.0


def test_a_target_is_not_overloaded_beyond_the_highest_rate_allowed(
    start_server: StartServer, probe: Probe
) -> None:
    server = start_server(SERVER, "--ms", 20)
    told = probe(server.url, max_rate=60.0, budget_s=4.0, warmup_s=0.0, stacks=False, overload=True)
    assert "overload" not in told.result
    assert any("was not overloaded" in note.text for note in told.events_of(Note))
