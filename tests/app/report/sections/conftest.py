"""Assessments to write reports about: a recommender of a shop with one recorded run and a small lens."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assessments.assessment import assess
from assessments.claims import answers_of
from assessments.judging import Materials
from assessments.lens import Lens, load_lens
from probes.facts import Fact

FIXTURES = Path(__file__).parents[1] / "fixtures"
PROFILE = {
    "target_kind": "http",
    "deploys_to": "k8s",
    "slo": "p99<=100ms,errors<=1%",
    "peak_per_s": 180,
    "target_peak_per_s": 260,
    "event": "the winter campaign",
    "event_on": "2027-01-15",
    "price_per_replica_hour": 0.12,
    "currency": "EUR",
    "growth": {"workload": "6%..10%/month", "users": "6%/month"},
}
ANSWERS: dict[str, Any] = {
    "INF-08": {"choice": "INF_08_b", "note": "from <b>run 3</b>, see the wiki"},
    "INF-02": "INF_02_b",
    "INF-12": "INF_12_a",
    "INF-14": {"not_applicable": "no GPUs anywhere"},
    "MOD-01": "MOD_01_b",
    "MOD-07": {"choice": "MOD_07_a", "attachments": [{"file": "int8-trial.pdf", "dated": "2026-10-02"}]},
    "DAT-01": "DAT_01_a",
    "DAT-03": "DAT_03_a",
    "MON-01": "MON_01_a",
    "MON-04": "MON_04_b",
    "MON-05": "unsure",
}


@cache
def small_lens() -> Lens:
    """Eleven questions on four pillars."""
    return load_lens((FIXTURES / "lens.yaml").read_bytes(), "lens.yaml")


@cache
def _recorded() -> str:
    return (FIXTURES / "probe.json").read_text(encoding="utf-8")


def recorded_run() -> dict[str, Any]:
    """A `loadstone.probe/1` document as a short run wrote it, with its facts."""
    run: dict[str, Any] = json.loads(_recorded())
    return run


def scanned(at: str) -> list[Fact]:
    """What scanners found: manifests whose limits are too tight, and the metrics of the service."""
    manifest = {"probe": "kubernetes", "file": "deploy/recommender.yaml"}
    metrics = {"probe": "prometheus", "query": "GET /metrics"}
    rows: list[tuple[str, Any, str, str, Mapping[str, Any]]] = [
        ("infra.kubernetes.replicas", 3, "replicas", "read", manifest | {"line": 8}),
        ("infra.kubernetes.memory_limit_bytes", 61 * 2**20, "bytes", "read", manifest | {"line": 41}),
        ("infra.kubernetes.cpu_request_cores", 2.0, "cores", "read", manifest | {"line": 38}),
        ("infra.kubernetes.hpa.present", True, "", "read", manifest | {"line": 60}),
        ("infra.kubernetes.hpa.can_scale", True, "", "read", manifest | {"line": 70}),
        ("infra.kubernetes.hpa.min_replicas", 2, "replicas", "read", manifest | {"line": 70}),
        ("infra.kubernetes.hpa.max_replicas", 3, "replicas", "read", manifest | {"line": 71}),
        ("infra.kubernetes.hpa.target_cpu_ratio", 0.8, "1", "read", manifest | {"line": 78}),
        ("monitoring.prometheus.has_request_counter", True, "", "read", metrics),
        ("monitoring.prometheus.count_ratio", 1.0, "1", "measured", metrics),
        ("monitoring.prometheus.latency_alert.present", False, "", "read", metrics),
        ("monitoring.prometheus.rules_failing", None, "rules", "unreadable", metrics),
    ]
    return [
        Fact.from_json(
            {"name": name, "value": value, "unit": unit, "state": state, "at": at, "source": source}
        )
        for name, value, unit, state, source in rows
    ]


def materials(
    *,
    lens: Lens | None = None,
    profile: Mapping[str, Any] = PROFILE,
    answers: Mapping[str, Any] = ANSWERS,
    runs: Iterable[Mapping[str, Any]] | None = None,
    facts: Iterable[Fact] | None = None,
    title: str = "Shop recommender",
    **more: Any,
) -> Materials:
    """The assessment of the recommender, with anything exchanged."""
    documents = [recorded_run()] if runs is None else [copy.deepcopy(dict(run)) for run in runs]
    found = [Fact.from_json(entry) for run in documents for entry in run.get("facts", [])]
    given = {"schema": "loadstone.answers/1", "profile": dict(profile), "answers": dict(answers)}
    at = recorded_run()["run"]["started_at"]
    return Materials(
        name="shop-recommender",
        id="a1",
        title=title,
        lens=small_lens() if lens is None else lens,
        answers=answers_of(given | more.pop("given", {}), "answers"),
        facts=tuple([*found, *(scanned(at) if facts is None else facts)]),
        runs=tuple(documents),
        **more,
    )


def judged_on() -> datetime:
    """The moment of judging: a day after the recorded run."""
    return datetime.fromisoformat(recorded_run()["run"]["started_at"]) + timedelta(days=1)


def document(**changed: Any) -> dict[str, Any]:
    """A `loadstone.assessment/1` document, as it is read back from a file."""
    as_of = changed.pop("as_of", judged_on())
    written = json.dumps(assess(materials(**changed), as_of).to_json())
    read: dict[str, Any] = json.loads(written)
    return read


@pytest.fixture
def assessed() -> Callable[..., dict[str, Any]]:
    """Makes documents; see `materials` for what can be exchanged, and `as_of`."""
    return document


@pytest.fixture
def a_run() -> Callable[[], dict[str, Any]]:
    """A fresh copy of the recorded run."""
    return recorded_run
