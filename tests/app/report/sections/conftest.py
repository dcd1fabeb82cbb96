"""Assessments to write reports about: a recommender of a shop with one recorded run and a small lens."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.report.model import Columns, Span, plain
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
        facts=(*found, *(scanned(at) if facts is None else facts)),
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


def words_of(*blocks: Any) -> str:
    """All that blocks say, a line for each text."""
    return "\n".join(_words(blocks))


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple) and value and all(isinstance(entry, Span) for entry in value):
        yield plain(value)
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from _words(entry)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _words(getattr(value, entry.name))


def inside(blocks: Iterable[Any]) -> Iterable[Any]:
    """The blocks with those that stand in columns."""
    for block in blocks:
        if isinstance(block, Columns):
            for column in block.columns:
                yield from inside(column)
        else:
            yield block


@pytest.fixture
def said() -> Callable[..., str]:
    """All that blocks or sections say."""
    return words_of


@pytest.fixture
def of_kind() -> Callable[[Iterable[Any], type], list[Any]]:
    """The blocks of one kind, those in columns too."""

    def found(blocks: Iterable[Any], kind: type) -> list[Any]:
        return [block for block in inside(blocks) if isinstance(block, kind)]

    return found


def with_ramp(run: dict[str, Any]) -> dict[str, Any]:
    """The run with an open-loop ramp of an M/M/1 service of 200/s, whose p99 is ln(100)/(200 − rate)."""
    template = next(step for step in run["steps"] if step["mode"] == "open")
    steps = []
    for rate in (25.0, 50.0, 100.0, 140.0, 150.0, 160.0):
        mean_ms = 1000.0 / (200.0 - rate)
        p99 = mean_ms * math.log(100.0)
        step = copy.deepcopy(template)
        step |= {
            "offered_per_s": rate,
            "achieved_per_s": rate,
            "sent": int(rate * 10),
            "scheduled": int(rate * 10),
            "ok": int(rate * 10),
            "seconds": 10.0,
            "verdict": "steady",
            "response_ms": {
                "p50": mean_ms * math.log(2.0),
                "p90": mean_ms * math.log(10.0),
                "p95": mean_ms * math.log(20.0),
                "p99": p99,
                "max": p99 * 2,
                "mean": mean_ms,
                "p99_low": p99 * 0.9,
                "p99_high": p99 * 1.15,
            },
            "cpu_cores": rate / 200.0,
        }
        steps.append(step)
    run["steps"] = [*(step for step in run["steps"] if step["mode"] == "closed"), *steps]
    # ln(100)/(200 − rate) = 100 ms at 200 − 46.05 = 153.95/s.
    run["capacity"] |= {
        "bound": "bracketed",
        "rate_per_s": 153.95,
        "low": 148.0,
        "high": 158.0,
        "confidence": 0.95,
        "saturation_per_s": 200.0,
    }
    run["run"] |= {"grade": "valid", "grade_reason": None}
    for fact in run["facts"]:
        if fact["name"] == "load.capacity":
            fact |= {"value": 153.95, "low": 148.0, "high": 158.0}
    return run


@pytest.fixture
def ramp() -> Callable[[], dict[str, Any]]:
    """A run with steps enough for every chart."""
    return lambda: with_ramp(recorded_run())
