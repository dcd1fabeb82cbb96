"""What a service's own monitoring counted of a load run: exact, and fair to what the client gave up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from probes.cross_checked import CrossCheckedProbe
from probes.events import Event, Finished, Phase
from probes.facts import FactName
from probes.load.probe import LoadProbe
from probes.load.spec import LoadSpec, OpenSegment
from probes.monitoring.counting import CountCheck
from probes.monitoring.fetch import FetchError
from probes.monitoring.request_counters import RequestCounter, Sent, sent_in
from probes.probe import ProbeContext
from probes.targets.http import parse_target

RATIO = "monitoring.prometheus.count_ratio"


def exposed(series: Mapping[str, int]) -> tuple[int, str, bytes]:
    """An exposition of one process that counts by path."""
    lines = ["# TYPE process_start_time_seconds gauge", "process_start_time_seconds 100"]
    lines.append("# TYPE http_requests_total counter")
    lines += [f'http_requests_total{{path="{path}",status="200"}} {n}' for path, n in series.items()]
    return 200, "text/plain; version=0.0.4", ("\n".join(lines) + "\n").encode()


class Sends:
    """A probe that pretends to have sent so much, while the service counts what `counts` says."""

    name: ClassVar[str] = "load"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def __init__(self, loopback: Any, counts: Mapping[str, int], sent: int, **step: Any) -> None:
        self.loopback, self.counts, self.sent, self.step = loopback, counts, sent, step

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        self.loopback.answers["/metrics"] = exposed(self.counts)
        result = {
            "steps": [{"timeouts": 0, "cancelled": 0, "errors": {}} | self.step],
            "client": {"requests_sent": self.sent - 1, "checks_sent": 1},
            "facts": [],
        }
        context.emit(Finished(1.0, result))
        return result


def checked(probe: Any, counter: RequestCounter) -> tuple[dict[str, Any], dict[str, Any], list[Event]]:
    """The check's entry, its facts by name, and what was told."""
    events: list[Event] = []
    result = CrossCheckedProbe(probe, [counter]).run(ProbeContext("r1", events.append))
    return result["cross_checks"][0], {fact["name"]: fact for fact in result["facts"]}, events


def counter_at(url: str, prime: Callable[[], object] = lambda: None, port: int = 1) -> RequestCounter:
    return RequestCounter(url, "/predict?x=1", prime, target=("127.0.0.1", port))


@pytest.mark.parametrize(
    ("given_up", "counted", "ratio"),
    [
        (0, 1000, 1.0),
        (0, 500, 0.5),
        (0, 1010, 1.01),
        (100, 1000, 1.0),  # it counted also those that were given up
        (100, 900, 1.0),  # it counted those that it answered
        (100, 950, 1.0),
        (100, 450, 0.5),  # half of those that it answered
        (100, 1010, 1.01),
    ],
)
def test_a_service_is_not_blamed_for_what_the_client_gave_up(
    given_up: int, counted: float, ratio: float
) -> None:
    fair = Sent(1000, given_up).fairly(CountCheck(1000, counted))
    assert fair.ratio == pytest.approx(ratio)


def test_what_was_sent_is_taken_from_the_result() -> None:
    steps = [
        {"timeouts": 3, "cancelled": 4, "errors": {"reset": 1, "connect": 2, "status_5xx": 9}},
        {"timeouts": 0, "cancelled": 1, "errors": {}},
    ]
    sent = sent_in({"steps": steps, "client": {"requests_sent": 500, "checks_sent": 1}})
    assert sent == Sent(501, 3 + 4 + 1 + 2 + 1)
    assert sent_in({}) == Sent(0, 0)


def test_half_of_the_requests_counted_is_half(loopback: Any) -> None:
    """As two workers do of which each answers half of the scrapes' questions about the same path."""
    loopback.answers["/metrics"] = exposed({"/predict": 10, "/other": 3})
    probe = Sends(loopback, {"/predict": 210, "/other": 9}, sent=400)
    entry, facts, _ = checked(probe, counter_at(f"{loopback.url}/metrics"))
    assert facts[RATIO]["value"] == 0.5
    assert facts[RATIO]["source"]["run"] == "r1"
    assert facts[RATIO]["source"]["file"] == f"{loopback.url}/metrics"
    assert (entry["sent"], entry["counted"], entry["ratio"]) == (400, 200, 0.5)
    assert entry["counter"] == 'http_requests_total{path="/predict"}'


def test_a_counter_that_does_not_exist_before_is_called_into_being(loopback: Any) -> None:
    """One request is sent first and is not among those that are compared."""
    loopback.answers["/metrics"] = exposed({})

    def prime() -> None:
        loopback.answers["/metrics"] = exposed({"/predict": 1})

    entry, _, _ = checked(Sends(loopback, {"/predict": 101}, sent=100), counter_at(loopback.url, prime))
    assert entry["address"] == f"{loopback.url}/metrics", "it was looked for below a bare address"
    assert (entry["counted"], entry["ratio"]) == (100, 1.0)


def test_what_nothing_counts_is_unknown_and_no_fact(loopback: Any) -> None:
    loopback.answers["/metrics"] = exposed({"/other": 1})
    entry, facts, _ = checked(Sends(loopback, {"/other": 9}, sent=8), counter_at(loopback.url))
    assert facts == {}
    assert entry["ratio"] is None
    assert "counts requests for /predict" in entry["because"]


def test_an_endpoint_that_is_gone_after_the_run_is_unknown(loopback: Any) -> None:
    loopback.answers["/metrics"] = exposed({"/predict": 1})

    class Breaks(Sends):
        def run(self, context: ProbeContext) -> Mapping[str, Any]:
            result = super().run(context)
            self.loopback.answers["/metrics"] = (500, "text/plain", b"")
            return result

    entry, facts, _ = checked(Breaks(loopback, {"/predict": 9}, sent=8), counter_at(loopback.url))
    assert facts == {}
    assert "could not be read after the run: answered with status 500" in entry["because"]


def test_an_address_where_neither_answers_is_refused_before_anything_is_sent(loopback: Any) -> None:
    sent: list[int] = []

    class Counts(Sends):
        def run(self, context: ProbeContext) -> Mapping[str, Any]:
            sent.append(1)
            return super().run(context)

    with pytest.raises(FetchError, match="status 404"):
        checked(Counts(loopback, {}, sent=1), counter_at(loopback.url))
    loopback.answers["/metrics"] = (200, "text/plain", b"hello")
    with pytest.raises(FetchError, match="exposes no metrics"):
        checked(Counts(loopback, {}, sent=1), counter_at(f"{loopback.url}/metrics"))
    assert sent == []


def load(service: Any, seconds: float) -> LoadProbe:
    target = parse_target(f"{service.url}/recommend", body=b'{"user": 1}')
    return LoadProbe(target, LoadSpec(segments=(OpenSegment(60, 60, seconds),), warmup_s=0.0))


@pytest.mark.usefixtures("load_alone")
def test_every_request_of_a_real_run_is_found_in_the_service_s_own_counter(
    start_server: Callable[..., Any],
) -> None:
    service = start_server("resources/demo/recommender.py", "--port", 0, "--items", 1_000)
    probe = load(service, 1.0)
    counter = RequestCounter(
        f"{service.url}/metrics",
        "/recommend",
        lambda: probe.target.ask(5.0),
        target=("127.0.0.1", service.port),
    )
    entry, facts, _ = checked(probe, counter)
    assert entry["counted"] == entry["sent"] > 30
    assert facts[RATIO]["value"] == 1.0


@pytest.mark.server
@pytest.mark.usefixtures("load_alone")
def test_every_request_of_a_real_run_is_found_in_a_prometheus_server(
    real_prometheus: tuple[Any, str],
) -> None:
    """The server scrapes four times a second; one more scrape is waited for after the run."""
    service, address = real_prometheus
    probe = load(service, 2.0)
    counter = RequestCounter(
        address, "/recommend", lambda: probe.target.ask(5.0), target=("127.0.0.1", service.port)
    )
    wait_for_targets(address)
    entry, facts, events = checked(probe, counter)
    assert entry["system"] == "prometheus"
    assert entry["counted"] == entry["sent"] > 60, entry
    assert facts[RATIO]["value"] == 1.0
    assert any(isinstance(event, Phase) and event.name == "cross_check" for event in events)


@pytest.mark.server
def test_a_server_that_scrapes_something_else_says_nothing_of_this_target(
    real_prometheus: tuple[Any, str], loopback: Any
) -> None:
    _, address = real_prometheus
    wait_for_targets(address)
    counter = RequestCounter(address, "/", lambda: None, target=("127.0.0.1", loopback.port))
    entry, facts, _ = checked(Sends(loopback, {}, sent=10), counter)
    assert entry["because"] == f"the server scrapes nothing at 127.0.0.1:{loopback.port}"
    assert facts == {}


def wait_for_targets(address: str) -> None:
    """Until the server has read its configuration."""
    from probes.monitoring.fetch import resolve
    from probes.monitoring.prometheus import PrometheusServer

    server = PrometheusServer(resolve(address))
    for _ in range(600):
        try:
            if server.scrape_interval() is not None:
                return
        except FetchError:
            pass
        threading.Event().wait(0.05)
    raise TimeoutError("the server knows no target")
