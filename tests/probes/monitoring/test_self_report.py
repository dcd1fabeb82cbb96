"""What a service says of itself at the usual places; servers that say it well, oddly, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from probes.cross_checked import CrossCheckedProbe
from probes.load.probe import LoadProbe
from probes.load.spec import ClosedSegment, LoadSpec
from probes.monitoring.request_counters import ASKED_AGAIN, COUNTED_APART
from probes.monitoring.self_report import Health, SelfReport, find_health, service_address
from probes.probe import ProbeContext
from probes.targets.http import parse_target

Answer = tuple[int, str]
Say = Callable[[str], Answer | None]


class Service:
    """A real HTTP server; `say` gives status and body of a path, None for what it does not have."""

    def __init__(self, say: Say) -> None:
        self.asked: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(self.path)
                status, body = say(self.path) or (404, "not here")
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(data)))
                if status in (301, 302):
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.where = service_address("http", "127.0.0.1", self.server.server_address[1], "127.0.0.1")

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Say], Service]]:
    services: list[Service] = []

    def start(say: Say) -> Service:
        services.append(Service(say))
        return services[-1]

    yield start
    for service in services:
        service.close()


def by_path(**answers: Answer) -> Say:
    """`healthz=(200, "ok")`; two underscores are a slash."""
    return lambda path: answers.get(path[1:].replace("/", "__").partition("?")[0])


def test_two_paths_are_found_and_told_apart(serve: Callable[[Say], Service]) -> None:
    service = serve(by_path(healthz=(200, "ok"), readyz=(503, "loading")))
    found = find_health(service.where)
    assert found == Health("/healthz", "/readyz", 503)
    assert service.asked[1:] == ["/livez", "/healthz", "/readyz"]


def test_one_path_is_liveness_and_no_readiness(serve: Callable[[Say], Service]) -> None:
    assert find_health(serve(by_path(health=(200, "ok"))).where) == Health("/health")


@pytest.mark.parametrize(
    ("say", "because"),
    [
        (lambda path: (200, "hello"), "it answers any path with status 200"),
        (lambda path: (302, ""), "it answers any path with status 302"),
        (lambda path: (404, "x" * 9_000_000), "sent more than 8 MB"),
    ],
)
def test_who_answers_everything_says_nothing(serve: Callable[[Say], Service], say: Say, because: str) -> None:
    found = find_health(serve(say).where)
    assert (found.liveness, found.readiness) == (None, None)
    assert because in str(found.because)


def test_a_path_that_hangs_ends_the_search(serve: Callable[[Say], Service]) -> None:
    released = threading.Event()

    def say(path: str) -> Answer | None:
        if path == "/livez":
            released.wait(30)
        return None

    service = serve(say)
    try:
        found = find_health(service.where, timeout_s=0.2)
        assert "did not answer" in str(found.because)
        assert len(service.asked) == 2
    finally:
        released.set()


def test_an_error_page_like_that_of_any_path_is_no_readiness(serve: Callable[[Say], Service]) -> None:
    assert find_health(serve(lambda path: (503, "down")).where) == Health()


def loaded(service: Service, work: str) -> Mapping[str, Any]:
    """A real run against the service, first one caller, then twelve."""
    spec = LoadSpec(
        segments=(ClosedSegment(1, 0.8), ClosedSegment(12, 0.8)),
        warmup_s=0.0,
        stacks=False,
        check_answers="no",
    )
    check = SelfReport(service.where, work, lambda: None)
    probe = CrossCheckedProbe(LoadProbe(parse_target(f"{service.where.url}{work}"), spec), [check])
    return probe.run(ProbeContext("0123456789", lambda _: None))


@pytest.mark.usefixtures("load_alone")
@pytest.mark.parametrize("fails", [True, False])
def test_readiness_is_asked_while_load_runs(
    serve: Callable[[Say], Service], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """With more than four requests in flight it says that it is not ready; liveness never fails."""
    monkeypatch.setattr("probes.monitoring.health_watch.EVERY_S", 0.05)
    in_flight: list[int] = []

    def say(path: str) -> Answer | None:
        if path == "/ready":
            return (503, "too busy") if fails and len(in_flight) > 4 else (200, "ready")
        if path == "/livez":
            return 200, "alive"
        if path != "/work":
            return None
        in_flight.append(1)
        time.sleep(0.03)
        in_flight.pop()
        return 200, "done"

    result = loaded(serve(say), "/work")
    (entry,) = result["cross_checks"]
    ready, alive = entry["under_load"]["readiness"], entry["under_load"]["liveness"]
    facts = {fact["name"]: fact["value"] for fact in result["facts"]}
    assert (ready["held"], alive["held"]) == (not fails, True)
    assert facts["load.readiness_held"] is not fails
    assert facts["load.liveness_failed_ratio"] == 0.0
    assert 3 <= ready["failed"] < ready["checks"] if fails else ready["failed"] == 0
    if fails:
        assert ready["first_failed_step"] == 1
        assert ready["because"] == "it answered with status 503"
        assert facts["load.readiness_failed_ratio"] == round(ready["failed"] / ready["checks"], 4)


def metrics(counted: float, start: float = 100.0) -> str:
    return (
        "# TYPE http_requests_total counter\n"
        f'http_requests_total{{path="/rank",status="200"}} {counted}\n'
        f"# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {start}\n"
        "# TYPE http_request_duration_seconds histogram\n"
        f'http_request_duration_seconds_bucket{{path="/rank",le="0.1"}} {counted}\n'
        f'http_request_duration_seconds_bucket{{path="/rank",le="+Inf"}} {counted}\n'
        f'http_request_duration_seconds_count{{path="/rank"}} {counted}\n'
        f'http_request_duration_seconds_sum{{path="/rank"}} 1\n'
    )


def run(service: Service, meanwhile: Callable[[], None], sent: int, **options: Any) -> Any:
    """A report from before to after `sent` requests."""
    context = ProbeContext("0123456789", lambda event: None)
    report = SelfReport(service.where, "/rank", lambda: None, **options)
    report.begin(context)
    meanwhile()
    return report.end(context, {"client": {"requests_sent": sent, "checks_sent": 0}, "steps": []})


def test_its_own_count_is_held_against_what_was_sent(serve: Callable[[Say], Service]) -> None:
    count = {"now": 5.0}
    service = serve(lambda path: (200, metrics(count["now"])) if path == "/metrics" else None)
    found = run(service, lambda: count.update(now=105.0), 100)
    facts = {fact.name: fact.value for fact in found.facts}
    assert facts["monitoring.prometheus.count_ratio"] == 1.0
    assert facts["monitoring.prometheus.has_latency_histogram"] is True
    assert all(fact.source.run == "0123456789" for fact in found.facts)
    health, counted = found.more
    assert (health["system"], health["liveness"]) == ("health", None)
    assert (counted["system"], counted["counted"], counted["found"]) == ("metrics", 100, True)


def test_a_service_that_counts_too_little_is_asked_again_and_then_believed(
    serve: Callable[[Say], Service],
) -> None:
    count = {"now": 0.0}
    service = serve(lambda path: (200, metrics(count["now"])) if path == "/metrics" else None)
    found = run(service, lambda: count.update(now=50.0), 100)
    facts = {fact.name: fact.value for fact in found.facts}
    assert facts["monitoring.prometheus.count_ratio"] == 0.5
    assert service.asked.count("/metrics") >= 2 + ASKED_AGAIN


def test_workers_that_count_apart_are_no_proof_of_a_wrong_count(serve: Callable[[Say], Service]) -> None:
    """Two workers answer in turn, each with what it has counted itself: 48 and 52 of 100."""
    state = {"loaded": False, "turn": 0}

    def say(path: str) -> Answer | None:
        if path != "/metrics":
            return None
        state["turn"] += state["loaded"]
        return 200, metrics((48.0, 52.0)[state["turn"] % 2] if state["loaded"] else 1.0)

    found = run(serve(say), lambda: state.update(loaded=True), 100)
    assert "monitoring.prometheus.count_ratio" not in {fact.name for fact in found.facts}
    assert found.more[1]["because"] == COUNTED_APART


def test_a_restart_meanwhile_is_a_lower_bound(serve: Callable[[Say], Service]) -> None:
    state = {"count": 900.0, "start": 100.0}
    service = serve(
        lambda path: (200, metrics(state["count"], state["start"])) if path == "/metrics" else None
    )
    found = run(service, lambda: state.update(count=40.0, start=9e9), 100)
    facts = {fact.name: fact.value for fact in found.facts}
    assert facts["monitoring.prometheus.count_restarted"] is True
    assert facts["monitoring.prometheus.count_ratio"] == 0.4


@pytest.mark.parametrize(
    "body", ["<html>hello</html>", "", "# TYPE python_info gauge\npython_info 1\n", "x" * 100_000]
)
def test_what_is_no_count_of_requests_is_left_alone(serve: Callable[[Say], Service], body: str) -> None:
    found = run(serve(lambda path: (200, body) if path == "/metrics" else None), lambda: None, 100)
    assert [entry["system"] for entry in found.more] == ["health"]
    assert "monitoring.prometheus.count_ratio" not in {fact.name for fact in found.facts}


def test_metrics_that_somebody_else_asks_are_left_alone(serve: Callable[[Say], Service]) -> None:
    service = serve(lambda path: (200, metrics(1.0)) if path == "/metrics" else None)
    found = run(service, lambda: None, 1, count=False)
    assert "/metrics" not in service.asked
    assert not any(fact.name.startswith("monitoring") for fact in found.facts)


def test_nobody_there_is_said_by_the_load_and_not_here() -> None:
    where = service_address("http", "127.0.0.1", 9, "127.0.0.1")
    report = SelfReport(where, "/", lambda: None)
    context = ProbeContext("0123456789", lambda event: None)
    report.begin(context)
    assert report.end(context, {}).facts == []
