"""What an alert looks at is told from its expression."""

from __future__ import annotations

from typing import Any

import pytest

from probes.documents import read_yaml
from probes.monitoring.alert_rules import alerts_in, is_rule_file, subjects_of


def subjects(expression: str) -> set[str]:
    (alert,) = alerts_in({"groups": [{"rules": [{"alert": "A", "expr": expression}]}]}, "f")
    return set(alert.subjects)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.5",
            {"latency"},
        ),
        ("job:request_latency_seconds:p99 > 0.2", {"latency"}),
        ("histogram_quantile(0.95, rate(vllm:time_to_first_token_seconds_bucket[1m])) > 2", {"latency"}),
        (
            'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.01',
            {"errors"},
        ),
        ('rate(grpc_server_handled_total{grpc_code!="OK"}[5m]) > 1', {"errors"}),
        ("rate(model_prediction_failures_total[5m]) > 0", {"errors"}),
        ('rate(http_requests_total{code="200"}[5m]) < 1', set()),
        ("rate(container_cpu_usage_seconds_total[5m]) > 0.9", {"saturation"}),
        ("container_memory_working_set_bytes / container_spec_memory_limit_bytes > 0.9", {"saturation"}),
        ("vllm:num_requests_waiting > 10", {"saturation"}),
        ("kube_horizontalpodautoscaler_status_current_replicas == x", {"saturation"}),
        ("up == 0", set()),
        ("prometheus_rule_group_last_duration_seconds > 1", set()),
        ("scrape_duration_seconds > 1", set()),
        ('up{job="latency_errors_queue"} == 0', set()),
        ("sum by (queue, error) (up) == 0", set()),
        ('absent({__name__="request_duration_seconds_count"})', {"latency"}),
        ("up # not http_request_duration_seconds\n == 0", set()),
        ("", set()),
        ("(((", set()),
    ],
)
def test_subjects(expression: str, expected: set[str]) -> None:
    assert subjects(expression) == expected


@pytest.mark.parametrize(
    ("expression", "milliseconds"),
    [
        ("histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[5m])) > 0.5", 500),
        ("(http_request_latency_milliseconds > 250)", 250),
        ("request_latency > 3", None),
        ("http_request_duration_seconds_sum > 2 * x", None),
        ("up > 1", None),
    ],
)
def test_the_threshold_of_a_latency_alert(expression: str, milliseconds: float | None) -> None:
    (alert,) = alerts_in({"groups": [{"rules": [{"alert": "A", "expr": expression}]}]}, "f")
    assert alert.threshold_ms == milliseconds


def test_rules_of_files_of_kubernetes_and_of_the_api_have_lines_where_there_are_any() -> None:
    text = b"""
groups:
- name: g
  rules:
  - record: a
    expr: b
  - alert: Slow
    expr: request_latency_seconds > 1
  - alert: NoExpression
"""
    document = read_yaml(text, "f")
    (alert,) = alerts_in(document, "f")
    assert (alert.name, alert.line) == ("Slow", 7)
    wrapped: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "spec": document,
    }
    assert [one.name for one in alerts_in(wrapped, "f")] == ["Slow"]
    api = {
        "groups": [{"rules": [{"type": "alerting", "name": "Slow", "query": "request_latency_seconds > 1"}]}]
    }
    assert [one.name for one in alerts_in(api, "f")] == ["Slow"]
    assert is_rule_file(document)
    assert is_rule_file(wrapped)
    assert not is_rule_file({"groups": ["a"]})
    assert not is_rule_file(None)


@pytest.mark.parametrize(
    ("expression", "subject"),
    [
        ("feature_drift_score > 0.2", "drift"),
        ('max(evidently_data_drift{model="rank"}) > 0.1', "drift"),
        ("recommender_population_stability_index > 0.25", "drift"),
        ("model_accuracy < 0.8", "quality"),
        ("avg_over_time(ranking_ndcg[1d]) < 0.3", "quality"),
        ("sum(rate(click_through_total[1h])) < 10", "quality"),
        ("pg_database_size_bytes > 5e11", "data_size"),
        ("kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes > 0.8", "data_size"),
        ("kafka_log_log_size > 1e12", "data_size"),
    ],
)
def test_drift_quality_and_the_size_of_data_are_told(expression: str, subject: str) -> None:
    assert subject in subjects_of(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "node_filesystem_avail_bytes < 1e9", "http_request_size_bytes > 1e6",
        "process_resident_memory_bytes > 1e9",
        "up == 0", "rate(driftwood_requests_total[5m]) > 1",
        "histogram_quantile(0.99, rpc_duration_seconds_bucket) > 1",
    ],
)  # fmt: skip
def test_other_alerts_are_none_of_them(expression: str) -> None:
    assert not {"drift", "quality", "data_size"} & subjects_of(expression)
