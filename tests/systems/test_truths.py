"""The load probe against servers whose truth is computed: what it reports is what was there.

Counts are compared exactly. Times are compared with the truth within a share of it; where this machine was
too busy for that, the run says so itself (`client_limited`), which is then what is asserted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from probes.events import Finished, Second, Started, Step
from probes.load.arrivals import due_times
from probes.load.histogram import Histogram
from probes.load.spec import ClosedSegment, OpenSegment, parse_slo

SERVERS = Path(__file__).with_name("servers")
pytestmark = pytest.mark.usefixtures("load_alone")

StartServer = Callable[..., Any]
Probe = Callable[..., Any]


def test_a_stall_shows_in_the_percentiles(start_server: StartServer, probe: Probe) -> None:
    """2 s without answers in 10 s of 100 requests/s: p(q) = L·(1 − (1 − q)/F) + S for q > 1 − F.

    Whoever waits for answers before sending again would send nothing meanwhile and miss it.
    """
    server = start_server(SERVERS / "stall_server.py", "--service-ms", 5, "--stall-at", 4, "--stall-s", 2)
    told = probe(server.url, rate=100, seconds=10)
    stall, share, service = 2.0, 0.2, 0.005
    truth = {q: 1e3 * (stall * (1 - (1 - q) / share) + service) for q in (0.85, 0.9, 0.95, 0.99, 1.0)}
    assert [round(ms) for ms in truth.values()] == [505, 1005, 1505, 1905, 2005]
    if told.grade != "client_limited":
        said = told.step["response_ms"]
        (step,) = told.events_of(Step)
        p85 = Histogram.from_text(step.response_histogram).quantile(0.85) / 1e6
        assert said["p99"] == pytest.approx(truth[0.99], rel=0.01)
        assert p85 == pytest.approx(truth[0.85], rel=0.06)
        for name, q in (("p90", 0.9), ("p95", 0.95), ("max", 1.0)):
            assert said[name] == pytest.approx(truth[q], rel=0.03), name
        assert said["p50"] < 100
    assert (told.step["scheduled"], told.step["ok"], told.step["unsent"]) == (1_000, 1_000, 0)
    assert server.stop()["received"] == told.result["client"]["requests_sent"] + 1  # the one asked first


@pytest.mark.parametrize("dist", ["det", "exp"])
def test_the_capacity_found_is_the_one_computed(
    dist: str, start_server: StartServer, probe: Probe, simulate: ModuleType
) -> None:
    """Four workers of 20 ms carry 200/s at most, and with p99 ≤ 200 ms what M/D/4 and M/M/4 say."""
    workers, service, limit_s = 4, 0.02, 0.2
    rate_of = simulate.mdc_rate if dist == "det" else simulate.mmc_rate
    truth = rate_of(workers, service, 0.99, limit_s)
    assert 0.8 * workers / service < truth < workers / service
    server = start_server(
        *(SERVERS / "queue_server.py", "--workers", workers, "--service-ms", 1e3 * service, "--dist", dist)
    )
    told = probe(server.url, slo=parse_slo("p99<=200ms,errors<=1%"), budget_s=28.0, timeout_s=5.0)
    result = told.result
    assert result["run"]["status"] == "completed"
    assert result["target"]["pids"] == [server.pid]
    if told.grade != "client_limited":
        found = result["capacity"]
        assert found["bound"] in ("bracketed", "provisional"), found
        low, rate, high = found["low"], found["rate_per_s"], found.get("high", np.inf)
        assert low <= rate <= high
        assert low <= truth <= high or rate == pytest.approx(truth, rel=0.1), (truth, found)
        assert found["saturation_per_s"] == pytest.approx(workers / service, rel=0.1)
        assert {fact["name"] for fact in result["facts"]} >= {"load.capacity", "load.saturation_rate"}
    for step in result["steps"]:
        if dist == "det" and step["ok"]:
            assert step["service_ms"].get("p50", np.inf) >= 1e3 * service
            assert step["response_ms"].get("p50", np.inf) >= 1e3 * service
    assert server.stop()["received"] == result["client"]["requests_sent"] + 1


def test_closed_loop_throughput_is_littles_law(start_server: StartServer, probe: Probe) -> None:
    """N callers of a server that takes S whatever the load get N/S, and no more: N = X·S."""
    service = 0.05
    server = start_server(SERVERS / "stall_server.py", "--service-ms", 1e3 * service, "--stall-s", 0)
    told = probe(
        server.url, segments=tuple(ClosedSegment(callers, 2.0) for callers in (1, 4, 16)), warmup_s=0.0
    )
    for callers, step in zip((1, 4, 16), told.result["steps"], strict=True):
        truth = callers / service
        assert (step["mode"], step["concurrency"]) == ("closed", callers)
        # callers in step with each other: how many fell into the time counted is right to one round
        assert step["achieved_per_s"] <= truth * 1.05
        assert told.grade == "client_limited" or step["achieved_per_s"] >= 0.85 * truth
        assert step["service_ms"]["p50"] >= 1e3 * service
        assert step["unsent"] == step["cancelled"] == 0
    assert server.stop()["received"] == told.result["client"]["requests_sent"] + 1


def test_stages_and_ramps_are_sent_as_computed(start_server: StartServer, probe: Probe) -> None:
    """Every stage has exactly the requests of its schedule, which the seed repeats; none is dropped."""
    server = start_server(SERVERS / "stall_server.py", "--service-ms", 5, "--stall-s", 0)
    segments = (OpenSegment(50, 50, 1.0), OpenSegment(50, 250, 2.0), OpenSegment(20, 20, 1.0))
    told = probe(server.url, segments=segments, arrivals="poisson", seed=5, warmup_s=0.0)
    _, first = due_times(segments, "poisson", np.random.default_rng(5))
    steps = told.result["steps"]
    assert [step["scheduled"] for step in steps] == np.diff(first).tolist()
    assert [step["seconds"] for step in steps] == [1.0, 2.0, 1.0]
    assert told.total("ok") == told.total("scheduled") == first[-1]
    assert all(step["response_ms"]["p50"] >= 5 for step in steps)
    assert server.stop()["received"] == first[-1] + 1


def test_what_is_told_on_the_way_adds_up(start_server: StartServer, probe: Probe) -> None:
    """`started` first, `finished` last; the seconds of a step hold all its requests."""
    server = start_server(SERVERS / "stall_server.py", "--service-ms", 2, "--stall-s", 0)
    told = probe(server.url, rate=200, seconds=2.5)  # what is left after the last whole second is told, too
    kinds = [type(event) for event in told.events]
    assert (kinds[0], kinds[-1]) == (Started, Finished)
    times = [event.t for event in told.events]
    assert times == sorted(times)
    assert sum(second.ok for second in told.events_of(Second)) == told.step["ok"] == 500
    assert told.result == told.events_of(Finished)[0].result
