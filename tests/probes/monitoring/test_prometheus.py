"""A Prometheus server: read only, unreadable where it refuses, its samples held against requests sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest

from probes.events import FactFound
from probes.monitoring.counting import select_requests
from probes.monitoring.exposition import scrape
from probes.monitoring.fetch import FetchError, resolve
from probes.monitoring.prometheus import (
    ALLOWED,
    PrometheusProbe,
    PrometheusServer,
    configuration_findings,
    duration_seconds,
    is_configuration,
    read_live,
)
from probes.probe import Probe, ProbeContext
from probes.scanned import Findings

TARGETS = {
    "activeTargets": [
        {"health": "up", "scrapeInterval": "15s"},
        {"health": "down", "scrapeInterval": "1m"},
    ]
}
RULES = {
    "groups": [
        {
            "rules": [
                {
                    "type": "alerting",
                    "name": "Slow",
                    "query": "histogram_quantile(0.99, rate(request_latency_seconds_bucket[5m])) > 0.25",
                    "health": "ok",
                },
                {"type": "alerting", "name": "Broken", "query": "up == 0", "health": "err"},
            ]
        }
    ]
}


def answer(data: Any, status: int = 200) -> tuple[int, str, bytes]:
    document = {"status": "success", "data": data} if status == 200 else {"status": "error", "error": data}
    return status, "application/json", json.dumps(document).encode()


def values(findings: Findings) -> dict[str, Any]:
    return {fact.name.removeprefix("monitoring.prometheus."): fact.value for fact in findings.facts}


def test_targets_and_rules_are_measured(loopback: Any) -> None:
    loopback.answers |= {"/api/v1/targets": answer(TARGETS), "/api/v1/rules": answer(RULES)}
    findings = read_live(loopback.url)
    assert values(findings) == {
        "targets.count": 2,
        "targets_up_ratio": 0.5,
        "scrape_interval_seconds": 60.0,
        "rules_failing": 1,
        "alerts.count": 2,
        "latency_alert.present": True,
        "latency_alert.name": "Slow",
        "latency_alert.threshold_ms": 250.0,
        "error_alert.present": False,
        "saturation_alert.present": False,
    }
    assert {fact.state for fact in findings.facts} == {"measured"}


def test_only_get_and_only_what_is_allowed_is_asked(loopback: Any) -> None:
    loopback.answers |= {"/api/v1/targets": answer(TARGETS), "/api/v1/rules": answer(RULES)}
    loopback.answers["/api/v1/query"] = answer({"resultType": "matrix", "result": []})
    server = PrometheusServer(resolve(loopback.url))
    server.findings()
    server.raw_samples(select_requests_of_demo(), 0.0, 10.0)
    assert {verb for verb, _ in loopback.log} == {"GET"}
    assert {path.partition("?")[0] for _, path in loopback.log} == ALLOWED
    with pytest.raises(ValueError, match="none of the paths"):
        server.ask("/api/v1/admin/tsdb/delete_series", {})


def select_requests_of_demo() -> Any:
    from probes.monitoring.counting import Selection

    return Selection("http_requests_total", {"path": "/recommend"})


def test_a_prefix_is_kept(loopback: Any) -> None:
    loopback.answers |= {"/prom/api/v1/targets": answer(TARGETS), "/prom/api/v1/rules": answer(RULES)}
    assert values(read_live(f"{loopback.url}/prom/"))["targets.count"] == 2


@pytest.mark.parametrize("status", [401, 403, 500])
def test_what_is_refused_is_unreadable_and_never_absent(loopback: Any, status: int) -> None:
    loopback.answers |= {"/api/v1/targets": answer(TARGETS), "/api/v1/rules": answer("no", status)}
    findings = read_live(loopback.url)
    found = {fact.name.removeprefix("monitoring.prometheus."): fact for fact in findings.facts}
    for name in ("latency_alert", "error_alert", "saturation_alert"):
        assert (found[f"{name}.present"].value, found[f"{name}.present"].state) == (None, "unreadable")
    assert "alerts.count" not in found
    assert len(findings.problems) == 1
    assert found["targets.count"].value == 2


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"status": "success"}',
        b'{"status": "success", "data": {"groups": [3, {"rules": 1}]}}',
    ],
)
def test_odd_answers_are_no_crash(loopback: Any, body: bytes) -> None:
    for path in ("/api/v1/targets", "/api/v1/rules"):
        loopback.answers[path] = (200, "application/json", body)
    try:
        read_live(loopback.url)
    except FetchError as error:
        assert "Prometheus" in str(error)


def test_no_prometheus_there_is_an_error(loopback: Any) -> None:
    with pytest.raises(FetchError, match="give the address of a Prometheus server"):
        read_live(loopback.url)
    with pytest.raises(FetchError, match="status 404"):
        read_live(f"{loopback.url}/metrics")
    loopback.answers["/metrics"] = (200, "text/plain", b"<h1>{</h1>")
    with pytest.raises(FetchError, match="exposes no metrics"):
        read_live(f"{loopback.url}/metrics")


def test_the_probe_reads_an_endpoint(loopback: Any) -> None:
    loopback.answers["/metrics"] = (
        200,
        "text/plain",
        b"# TYPE http_requests_total counter\nhttp_requests_total 1\n",
    )
    told: list[Any] = []
    probe = PrometheusProbe(f"{loopback.url}/metrics")
    assert isinstance(probe, Probe)
    document = probe.run(ProbeContext("r1", told.append))
    assert [event.fact for event in told if isinstance(event, FactFound)] == document["facts"]
    assert {fact["name"]: fact["value"] for fact in document["facts"]}[
        "monitoring.prometheus.has_request_counter"
    ] is True


def test_a_configuration_s_longest_scrape_interval() -> None:
    findings = Findings("prometheus")
    document = {
        "global": {"scrape_interval": "15s"},
        "scrape_configs": [{"job_name": "a"}, {"scrape_interval": "1m30s"}],
    }
    assert is_configuration(document)
    configuration_findings(findings, document, "prometheus.yml")
    assert values(findings) == {"scrape_interval_seconds": 90.0}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("15s", 15), ("1m30s", 90), ("250ms", 0.25), ("1d", 86400), ("15", None), (15, None), ("0s", None)],
)
def test_durations(written: object, seconds: float | None) -> None:
    assert duration_seconds(written) == seconds


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What the condition gives as soon as it is true."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except FetchError:
            pass
        assert time.monotonic() < give_up, "it did not come true"
        threading.Event().wait(0.05)


@pytest.mark.server
def test_a_real_server_s_samples_count_every_request(real_prometheus: tuple[Any, str]) -> None:
    service, address = real_prometheus
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)

    def send(query: str) -> None:
        connection.request("GET", f"/recommend?{query}")
        connection.getresponse().read()

    send("user=1")
    selection = select_requests(scrape(resolve(f"{service.url}/metrics")), "/recommend")
    assert selection is not None
    server = PrometheusServer(resolve(address))
    until(lambda: any(one.samples for one in server.raw_samples(selection, time.time() - 60, time.time())))
    assert server.scrape_interval() == 0.25

    start, sent = time.time(), 0
    while time.time() - start < 2.0:
        send("user=2" if sent % 10 else "user=nobody")
        sent += 1
    end = time.time()
    connection.close()
    check = until(
        lambda: (found := server.count_check(selection, start, end, sent, time.time())).ratio and found
    )
    assert (check.counted, check.ratio, check.restarted) == (sent, 1.0, False)

    found = values(
        until(lambda: (seen := server.findings()) and values(seen).get("targets_up_ratio") == 1 and seen)
    )
    assert found["targets.count"] == 1
    assert found["rules_failing"] == 0
    assert found["latency_alert.threshold_ms"] == 100
    assert found["error_alert.present"] is False
