"""Whether traces are kept somewhere, and slow ones among them, by the collector's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.monitoring.telemetry import CollectorReader

CONFIG = """receivers:
  otlp: {protocols: {grpc: {endpoint: 0.0.0.0:4317}}}
processors:
  batch:
  tail_sampling/slow:
    policies:
    - {name: slow, type: latency, latency: {threshold_ms: 500}}
exporters:
  otlp/tempo: {endpoint: "tempo:4317"}
  debug: {verbosity: basic}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [PROCESSORS], exporters: [EXPORTERS]}
    metrics: {receivers: [otlp], exporters: [debug]}
"""


def read(text: str, name: str = "otel.yaml") -> dict[str, Any]:
    reader = CollectorReader()
    assert reader.looks_at(Path(name))
    reader.read(Path(name), text.encode(), text)
    facts = reader.findings().facts
    return {fact.name.removeprefix("monitoring.tracing."): (fact.value, fact.source.line) for fact in facts}


def made(processors: str = "batch", exporters: str = "otlp/tempo, debug") -> str:
    return CONFIG.replace("PROCESSORS", processors).replace("EXPORTERS", exporters)


def test_traces_go_somewhere() -> None:
    assert read(made()) == {"pipeline.present": (True, 13)}


def test_slow_ones_are_kept_where_the_pipeline_samples_by_latency() -> None:
    found = read(made("tail_sampling/slow, batch"))
    assert found == {"pipeline.present": (True, 13), "slow_kept.present": (True, 6)}


def test_printing_traces_keeps_none() -> None:
    assert read(made(exporters="debug")) == {}


def test_metrics_alone_are_no_traces() -> None:
    assert read(made().replace("    traces:", "    logs:")) == {}


def test_a_policy_among_others_of_one() -> None:
    policies = "[{name: a, type: latency}, {name: b, type: status_code}]"
    combined = f"    - {{name: both, type: and, and: {{and_sub_policy: {policies}}}}}"
    text = made("tail_sampling/slow").replace(
        "    - {name: slow, type: latency, latency: {threshold_ms: 500}}", combined
    )
    assert "slow_kept.present" in read(text)


def test_in_a_config_map_and_in_the_operators_own_object() -> None:
    inner = "\n".join(f"    {line}" for line in made().splitlines())
    assert "pipeline.present" in read(f"kind: ConfigMap\napiVersion: v1\ndata:\n  config.yaml: |\n{inner}\n")
    nested = "\n".join(f"    {line}" for line in made().splitlines())
    operator = (
        f"apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nspec:\n  config:\n{nested}\n"
    )
    assert "pipeline.present" in read(operator)


@pytest.mark.parametrize(
    "text", ["receivers: {}\nexporters: {}\nservice: {pipelines: 3}\n", "pipelines: [a]\n", "a: b\n"]
)
def test_other_yaml_is_none(text: str) -> None:
    assert read(text) == {}
