"""Readers of a repository's files survive what stands in them: another type anywhere, texts that repeat."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probes.documents import DocumentError
from probes.repository import readers

_SLOW = {"policies": [{"type": "and", "and": {"and_sub_policy": [{"type": "latency"}]}}]}
_API = {
    "build": ".", "image": "a:1", "ports": ["1:1"], "healthcheck": {"test": ["CMD"], "disable": False},
    "deploy": {"replicas": 2, "resources": {"limits": {"memory": "1G"}}},
}  # fmt: skip
DOCUMENTS: dict[str, Any] = {
    "shop.json": {"title": "S", "panels": [{"targets": [{"expr": "rate(a_total[5m])"}], "panels": []}]},
    "v2.json": {"spec": {"title": "S", "elements": {"a": {"spec": {"query": "p99:a.b{c}"}}}}},
    "boards.yaml": {"kind: ConfigMap": 1, "data": {"a.json": '{"panels": [{"targets": []}]}'}},
    "monitors.json": [{"type": "query alert", "query": "p99:a{b}", "message": "m", "options": {}}],
    "machine.json": {"StartAt": "A", "States": {"A": {"Retry": [{"MaxAttempts": 2}]}}},
    "argo.yaml": {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "kind:": 1,
        "spec": {"templates": [{"retryStrategy": {"limit": "3"}}]},
    },
    "otel.yaml": {
        "receivers": {"otlp": {}}, "exporters": {"otlp": {}}, "processors": {"tail_sampling": _SLOW},
        "service": {"pipelines": {"traces": {"processors": ["tail_sampling"], "exporters": ["otlp"]}}},
        "receivers:": 1, "exporters:": 1, "pipelines:": 1,
    },
    "compose.yaml": {"services": {"api": _API}},
    "dbt_project.yml": {"models": {"shop": {"+materialized": "incremental", "+cluster_by": ["a"]}}},
    "profiles.yml": {
        "shop": {"outputs": {"prod": {"type": "bigquery", "maximum_bytes_billed": 1}}}, "outputs:": 1,
    },
    "schema.yml": {
        "models": [{"tests": ["a"], "columns": [{"data_tests": ["b"]}], "config": {"a": 1}}],
        "sources": [{"tables": [{"columns": [{"tests": ["c"]}]}]}], "version: 2": 1, "models:": 1,
    },
    "suite.json": {"expectations": [{"expectation_type": "a"}]},
    "feature_store.yaml": {"project:": 1, "online_store": {"type": "redis"}},
}  # fmt: skip
OTHERS: tuple[Any, ...] = (None, 3, -1.5, True, "x", "", [], {}, [3], [None], {"a": [3]}, [[[]]])


def changed(node: Any) -> Iterator[Any]:
    """The document with one of its parts of another kind, for every part and every kind."""
    yield from OTHERS
    if isinstance(node, dict):
        for key, value in node.items():
            yield from ({**node, key: other} for other in changed(value))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from ([*node[:place], other, *node[place + 1 :]] for other in changed(value))


def read(name: str, text: str) -> int:
    """How many readers took the file."""
    taken = 0
    for reader in readers():
        if reader.looks_at(Path(name)):
            try:
                taken += reader.read(Path(name), text.encode(), text) is not None
            except DocumentError:
                continue
            reader.findings()
    return taken


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_another_type_anywhere_is_no_fault_of_ours(name: str) -> None:
    for document in changed(DOCUMENTS[name]):
        read(name, json.dumps(document))


@pytest.mark.parametrize("name", [name for name in sorted(DOCUMENTS) if name != "boards.yaml"])
def test_each_of_these_is_read_as_it_stands(name: str) -> None:
    """Else the test above would change what nobody reads."""
    assert read(name, json.dumps(DOCUMENTS[name])) >= 1


HOSTILE = {
    "main.tf": 'a = "${',
    "model.sql": "{{ config(",
    "config.pbtxt": "\n",
    "dags/x.py": "\n",
    "stack.yaml": "AWS:: Resources\n",
    "Dockerfile": "FROM --a ",
    ".github/workflows/ci.yml": "python eva ",
    "requirements.txt": "'a[",
    "pyproject.toml": '"a" ',
    "rank.yaml": "\n kind: InferenceService",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_twice_as_long_a_text_takes_about_twice_as_long(name: str) -> None:
    """Text that begins a thing again and again and never ends it; CPU of this process, as a ratio."""

    def took(length: int) -> float:
        text = HOSTILE[name] * (length // len(HOSTILE[name]))
        times = []
        for _ in range(3):
            began = time.process_time()
            read(name, text)
            times.append(time.process_time() - began)
        return min(times)

    short, long = took(20_000), took(160_000)
    assert long < 24 * short + 0.05, "eight times the text; in squares it would be 64 times the time"
