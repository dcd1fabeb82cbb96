"""What stands on one screen is read from the queries of its panels: Grafana's and Datadog's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.documents import DocumentError
from probes.monitoring.dashboards import DashboardReader

LATENCY = "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))"
MEAN = "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])"
TRAFFIC = "sum(rate(http_requests_total[5m]))"
ERRORS = 'sum(rate(http_requests_total{status=~"5.."}[5m]))'
SATURATION = "rate(container_cpu_usage_seconds_total[5m])"
FOUR = (LATENCY, TRAFFIC, ERRORS, SATURATION)


def grafana(*expressions: str, title: str = "Shop") -> dict[str, Any]:
    panels = [{"type": "timeseries", "targets": [{"refId": "A", "expr": entry}]} for entry in expressions]
    return {"title": title, "schemaVersion": 39, "panels": panels}


def read(document: Any, name: str = "shop.json") -> dict[str, Any]:
    reader = DashboardReader()
    text = document if isinstance(document, str) else json.dumps(document)
    assert reader.looks_at(Path(name))
    reader.read(Path(name), text.encode(), text)
    return {fact.name.removeprefix("monitoring.dashboards."): fact.value for fact in reader.findings().facts}


def test_four_signals_on_one_screen() -> None:
    assert read(grafana(*FOUR)) == {"count": 1, "best": "Shop", "four_signals": True, "percentiles": True}


@pytest.mark.parametrize("missing", range(4))
def test_three_of_them_are_not_four(missing: int) -> None:
    left = [entry for place, entry in enumerate(FOUR) if place != missing]
    if missing == 1:  # a query of errors is one of requests, too
        left.remove(ERRORS)
    assert read(grafana(*left))["four_signals"] is False


def test_a_mean_is_no_percentile() -> None:
    assert read(grafana(MEAN, TRAFFIC, ERRORS, SATURATION))["percentiles"] is False


def test_panels_lie_in_rows_and_in_an_answer_of_the_api() -> None:
    row = {"type": "row", "collapsed": True, "panels": grafana(*FOUR)["panels"]}
    document = {"dashboard": {"title": "In a row", "panels": [row]}, "meta": {"slug": "x"}}
    assert read(document)["four_signals"] is True


def test_the_second_version_of_the_schema_has_elements() -> None:
    elements = {
        f"panel-{place}": {
            "kind": "Panel",
            "spec": {"data": {"spec": {"queries": [{"spec": {"query": {"spec": {"expr": entry}}}}]}}},
        }
        for place, entry in enumerate(FOUR)
    }
    document = {
        "apiVersion": "dashboard.grafana.app/v2",
        "kind": "Dashboard",
        "spec": {"title": "V2", "elements": elements},
    }
    assert read(document) == {"count": 1, "best": "V2", "four_signals": True, "percentiles": True}


def test_a_config_map_holds_dashboards() -> None:
    inner = json.dumps(grafana(*FOUR))
    document = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: boards}}\ndata:\n  shop.json: |\n    {inner}\n"
    )
    assert read(document, "boards.yaml")["four_signals"] is True


def test_a_dashboard_of_datadog() -> None:
    queries = (
        "p99:trace.flask.request{service:shop}", "sum:trace.flask.request.hits{service:shop}.as_rate()",
        "sum:trace.flask.request.errors{service:shop}", "avg:kubernetes.cpu.usage.total{service:shop}",
    )  # fmt: skip
    widgets = [
        {"definition": {"type": "timeseries", "requests": [{"queries": [{"query": entry}]}]}}
        for entry in queries
    ]
    found = read({"title": "DD", "layout_type": "ordered", "widgets": widgets})
    assert found == {"count": 1, "best": "DD", "four_signals": True, "percentiles": True}


def test_the_one_with_most_on_it_is_told() -> None:
    reader = DashboardReader()
    for document in (grafana(SATURATION, title="Nodes"), grafana(*FOUR, title="Service")):
        text = json.dumps(document)
        reader.read(Path("a.json"), text.encode(), text)
    found = {fact.name: fact.value for fact in reader.findings().facts}
    assert found["monitoring.dashboards.count"] == 2
    assert found["monitoring.dashboards.best"] == "Service"


@pytest.mark.parametrize(
    "document", [{"widgets": [{"x": 1}]}, {"panels": []}, {"panels": "a"}, ["panels"], {}]
)
def test_other_json_is_no_dashboard(document: Any) -> None:
    assert read(document) == {}


def test_json_that_is_broken_is_said() -> None:
    with pytest.raises(DocumentError):
        read('{"panels": [')
