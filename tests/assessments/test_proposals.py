"""Answers that evidence proves are offered for a service of one's own; what was not seen offers nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from assessments.assessment import assess
from assessments.claims import Answers
from assessments.judging import Materials
from assessments.lens import bundled_lens
from assessments.profile import read_profile
from probes.facts import Fact, Source, observed
from probes.scan import scan

PROFILE: Mapping[str, Any] = {
    "target_kind": "http", "deploys_to": "k8s", "slo": "p99<=200ms,errors<=1%", "peak_per_s": 100,
    "target_peak_per_s": 140, "growth": {"workload": "5%/month"}, "price_per_replica_hour": 0.1,
    "currency": "EUR", "replicas": 3, "trains": False, "uses_nn": False, "has_gpu": False,
    "edge_target": False, "uses_rf": False, "uses_gbm": False, "uses_ann": False, "streaming": False,
    "variable_input": False,
}  # fmt: skip
RUN: Mapping[str, Any] = {
    "load.capacity": 80.0, "load.service_p50_ms": 9.0, "load.response_p99_ms": 120.0,
    "load.limited_by": "gil", "process.rss_peak_bytes": 60 * 2**20, "process.memory_verdict": "flat",
    "process.cpu_cores_at_saturation": 1.0, "process.gil_share": 0.9, "load.answers_changed_ratio": 0.0,
}  # fmt: skip
REPOSITORY: Mapping[str, str] = {
    "requirements.txt": "fastapi\nopentelemetry-sdk\npolars==1.9\n",
    "metrics.prom": (
        "# TYPE http_requests_total counter\n"
        'http_requests_total{path="/p",status="200"} 3\n'
        "# TYPE http_request_duration_seconds histogram\n"
        'http_request_duration_seconds_bucket{le="+Inf"} 3\n'
        "http_request_duration_seconds_count 3\nhttp_request_duration_seconds_sum 1\n"
        "# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total 3\n"
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 3\n"
    ),
    "dags/nightly.py": 'from airflow import DAG\nDAG("nightly", default_args={"retries": 2})\n',
    "dbt/dbt_project.yml": "name: shop\nmodels: {shop: {+materialized: incremental}}\n",
    "dbt/profiles.yml": "shop: {target: prod, outputs: {prod: {type: snowflake}}}\n",
    "dbt/models/schema.yml": "version: 2\nmodels:\n- {name: orders, tests: [unique_rows]}\n",
    "dashboards/shop.json": json.dumps(
        {
            "title": "Shop",
            "panels": [
                {
                    "targets": [
                        {"expr": "histogram_quantile(0.99, rate(request_duration_seconds_bucket[5m]))"}
                    ]
                },
                {"targets": [{"expr": 'rate(requests_total{status=~"5.."}[5m])'}]},
                {"targets": [{"expr": "container_cpu_usage_seconds_total"}]},
            ],
        }
    ),
}


def offered(facts: list[Fact]) -> tuple[dict[str, str], int]:
    """The choices that are offered by question when nobody answered, and how many questions apply."""
    answers = replace(Answers("none"), profile=read_profile(PROFILE, "the profile"))
    made = Materials(name="shop", id="a", lens=bundled_lens(), answers=answers, facts=tuple(facts), runs=())
    judgements = [entry for entry in assess(made, datetime.now(UTC)).judged.judgements if entry.applies]
    assert all(entry.state == "unanswered" for entry in judgements), "offered, and never answered in silence"
    return {entry.question: entry.offered for entry in judgements if entry.offered}, len(judgements)


@pytest.fixture
def measured() -> list[Fact]:
    return [observed(name, value, Source("load", run="r1")) for name, value in RUN.items()]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in REPOSITORY.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for entry in files("resources").joinpath("demo", "deploy").iterdir():
        (tmp_path / entry.name).write_bytes(entry.read_bytes())
    return tmp_path


def test_more_than_half_of_the_answers_are_offered_for_a_service_with_its_repository(
    repository: Path, measured: list[Fact]
) -> None:
    found = scan([str(repository)])
    assert found.problems == ()
    proposals, applying = offered([*found.facts, *measured])
    assert applying == 47
    assert len(proposals) >= 24
    assert proposals.items() >= {
        "DAT-04": "DAT_04_c", "DAT-05": "DAT_05_b", "DAT-06": "DAT_06_b", "DAT-11": "DAT_11_b",
        "DAT-12": "DAT_12_b", "MON-02": "MON_02_c", "MON-11": "MON_11_b", "MON-01": "MON_01_c",
        "MON-07": "MON_07_c",
    }.items()  # fmt: skip


def test_what_was_not_seen_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("fastapi\n")
    (tmp_path / "main.tf").write_text('resource "aws_instance" "a" {}\n')
    proposals, _ = offered(list(scan([str(tmp_path)]).facts))
    assert proposals == {"INF-04": "INF_04_a"}, "one resource is written down; nothing else is told"


@pytest.mark.parametrize("limited_by", ["not_identified", "client"])
def test_a_run_that_named_no_limit_offers_none(measured: list[Fact], limited_by: str) -> None:
    named, _ = offered(measured)
    assert named["MON-07"] == "MON_07_c"
    without = [entry for entry in measured if entry.name != "load.limited_by"]
    unnamed, _ = offered([*without, observed("load.limited_by", limited_by, Source("load", run="r1"))])
    assert "MON-07" not in unnamed
