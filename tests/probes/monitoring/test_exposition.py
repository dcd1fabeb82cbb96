"""What an exposition tells of the service behind it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.documents import DocumentError
from probes.monitoring.exposition import (
    exposition_findings,
    latency_histograms,
    looks_like_exposition,
    read_exposition,
    request_counters,
)

SERVICE = b"""# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{path="/predict",status="200"} 400
http_requests_total{path="/predict",status="500"} 2
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{path="/predict",le="0.1"} 300
http_request_duration_seconds_bucket{path="/predict",le="+Inf"} 402
http_request_duration_seconds_sum{path="/predict"} 30.5
http_request_duration_seconds_count{path="/predict"} 402
# TYPE http_requests_in_flight gauge
http_requests_in_flight 1
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 61308928
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 0.33
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1795491308.8
"""


def values(data: bytes) -> dict[str, Any]:
    findings = exposition_findings(read_exposition(data, "metrics.prom"), live=False)
    return {fact.name.removeprefix("monitoring.prometheus."): fact.value for fact in findings.facts}


def test_a_service_that_exposes_what_is_needed() -> None:
    assert values(SERVICE) == {
        "series.count": 10,
        "has_request_counter": True,
        "request_counter": "http_requests_total",
        "has_latency_histogram": True,
        "latency_histogram": "http_request_duration_seconds",
        "has_error_label": True,
        "has_process_metrics": True,
        "has_saturation_metric": True,
    }


def test_a_platform_s_own_metrics_say_nothing_of_requests() -> None:
    found = values(
        b"# TYPE promhttp_metric_handler_requests_total counter\n"
        b'promhttp_metric_handler_requests_total{code="200"} 4\n'
        b"# TYPE go_gc_duration_seconds summary\n"
        b"# TYPE prometheus_http_request_duration_seconds histogram\n"
        b"# TYPE python_gc_objects_collected_total counter\n"
        b"# TYPE http_response_size_bytes histogram\n"
    )
    assert not any(
        found[name] for name in ("has_request_counter", "has_latency_histogram", "has_error_label")
    )
    assert "request_counter" not in found


def test_a_summary_is_no_histogram_and_bytes_are_no_requests() -> None:
    found = values(
        b"# TYPE http_request_duration_seconds summary\nhttp_request_duration_seconds_sum 1\n"
        b"# TYPE http_requests_size_bytes_total counter\nhttp_requests_size_bytes_total 9\n"
    )
    assert found["has_latency_histogram"] is False
    assert found["has_request_counter"] is False


def test_a_counter_declared_and_not_yet_used_leaves_its_labels_open() -> None:
    found = values(b"# TYPE http_requests_total counter\n# TYPE x gauge\nx 1\n")
    assert found["has_request_counter"] is True
    assert "has_error_label" not in found


@pytest.mark.parametrize(
    "name",
    ["http_requests_total", "vllm:request_success_total", "grpc_server_handled_total", "predictions_total"],
)
def test_names_of_request_counters(name: str) -> None:
    exposition = read_exposition(f"# TYPE {name} counter\n{name} 3\n".encode(), "f")
    assert [family.name for family in request_counters(exposition)] == [name]


@pytest.mark.parametrize(
    "name",
    ["http_request_duration_seconds", "vllm:e2e_request_latency_seconds", "vllm:time_to_first_token_seconds"],
)
def test_names_of_latency_histograms(name: str) -> None:
    text = f'# TYPE {name} histogram\n{name}_bucket{{le="+Inf"}} 1\n{name}_count 1\n{name}_sum 1\n'
    assert [family.name for family in latency_histograms(read_exposition(text.encode(), "f"))] == [name]


def test_open_metrics_is_told_by_its_end() -> None:
    text = (
        b'# TYPE http_requests counter\nhttp_requests_total{code="200"} 5\nhttp_requests_created 1.0\n# EOF\n'
    )
    exposition = read_exposition(text.replace(b"http_requests_created 1.0\n", b""), "f")
    assert [family.name for family in request_counters(exposition)] == ["http_requests_total"]
    assert values(text.replace(b"http_requests_created 1.0\n", b""))["has_error_label"] is True


def test_a_bad_line_is_named() -> None:
    with pytest.raises(DocumentError, match=r"^f, line 3: this is no exposition"):
        read_exposition(b"# TYPE a counter\na 1\na{b= 2\n", "f")


def test_too_many_lines_and_other_encodings() -> None:
    with pytest.raises(DocumentError, match="50,000 lines"):
        read_exposition(b"a 1\n" * 50_001, "f")
    with pytest.raises(DocumentError, match="line 2: has more than 20,000 characters"):
        read_exposition(b"a 1\n" + b"a" * 20_001 + b" 1\n", "f")
    with pytest.raises(DocumentError, match="line 2: this is no UTF-8"):
        read_exposition(b"a 1\n\xff\n", "f")


def test_an_exposition_is_told_by_its_type_lines() -> None:
    assert looks_like_exposition(SERVICE.decode())
    assert not looks_like_exposition("Get the application URL by running:\n# TYPE of service\n")


@given(st.text(alphabet='abc_{}="\\,# \n0123.eE+-TYPHLcounter', max_size=80))
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_or_refused_as_a_document(text: str) -> None:
    for open_metrics in (True, False):
        try:
            exposition = read_exposition(text.encode(), "f", open_metrics=open_metrics)
        except DocumentError as error:
            assert "\n" not in str(error)
        else:
            exposition_findings(exposition, live=False)


def test_counts_of_a_cache_and_times_of_features_are_told_where_they_are_seen() -> None:
    cache = b"# TYPE embedding_cache_hits counter\nembedding_cache_hits_total 3\n"
    assert values(cache)["has_cache_counter"] is True
    features = b"# TYPE feature_lookup_seconds summary\nfeature_lookup_seconds_count 3\n"
    assert values(features)["has_feature_timing"] is True
    gauge = b"# TYPE cache_hit_ratio gauge\ncache_hit_ratio 0.4\n"
    assert not {"has_cache_counter", "has_feature_timing"} & values(gauge).keys()
