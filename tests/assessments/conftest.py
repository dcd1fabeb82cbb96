"""A small assessment that tests change in one place or another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assessments.assessment import Assessed, assess
from assessments.claims import Answers, answers_of
from assessments.evidence import Evidence, weigh
from assessments.judging import Judged, Materials, judged_at
from assessments.lens import Lens, load_lens
from assessments.profile import Profile, read_profile
from probes.facts import CATALOGUE, Fact, FactState, Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GIB = 2**30
LENS = """\
schema: loadstone.lens/1
name: small-lens
title: A small lens
version: "1"
pillars: [{id: infrastructure, name: Infrastructure}, {id: monitoring, name: Monitoring}]
axes: [{id: workload, name: Workload}]
questions:
- id: INF-01
  pillar: infrastructure
  axes: [workload]
  weight: 3
  critical: true
  question: How does capacity follow demand?
  choices:
  - {id: INF_01_no, value: 0, text: It does not}
  - id: INF_01_a
    value: 0.5
    text: A policy
    verified_by: infra.kubernetes.hpa.max_replicas > 1
  - id: INF_01_b
    value: 1
    text: Enough for the peak
    verified_by: derived.fleet_headroom >= 1.3
    contradicted_by: derived.fleet_headroom < 1
  remediation: {text: Tune the policy, effort_days: 3, tradeoff: more replicas}
- id: INF-08
  pillar: infrastructure
  axes: [workload]
  weight: 3
  question: Where do the limits come from?
  choices:
  - {id: INF_08_no, value: 0, text: There are none}
  - {id: INF_08_a, value: 0.25, text: Set, verified_by: infra.kubernetes.memory_limit_bytes > 0}
  - id: INF_08_b
    value: 1
    text: From a ramp
    verified_by: derived.memory_limit_headroom >= 1.2
    contradicted_by: derived.memory_limit_headroom < 1.1
  remediation: {text: Set the limit to the peak and a quarter, effort_days: 1, tradeoff: idle memory}
- id: MON-01
  pillar: monitoring
  weight: 2
  question: Do the metrics count all requests?
  choices:
  - {id: MON_01_no, value: 0, text: No metrics}
  - id: MON_01_a
    value: 1
    text: Every one
    verified_by: monitoring.prometheus.count_ratio >= 0.99
    contradicted_by: monitoring.prometheus.count_ratio < 0.99
  remediation: {text: Count them, effort_days: 2, tradeoff: time}
"""
PROFILE: Mapping[str, Any] = {
    "target_kind": "http",
    "deploys_to": "k8s",
    "slo": "p99<=200ms,errors<=1%",
    "peak_per_s": 100,
    "target_peak_per_s": 140,
    "growth": {"workload": "8%/month"},
    "price_per_replica_hour": 1.2,
    "currency": "EUR",
}
CLAIMS: Mapping[str, Any] = {"INF-01": "INF_01_b", "INF-08": "INF_08_b", "MON-01": "MON_01_a"}
MEASURED: Mapping[str, Any] = {
    "load.capacity": (50.0, 48.0, 52.0),
    "process.rss_peak_bytes": GIB,
    "process.cpu_cores_at_saturation": 1.0,
    "process.cpu_ms_per_request": 20.0,
    "monitoring.prometheus.count_ratio": 1.0,
}
READ: Mapping[str, Any] = {
    "infra.kubernetes.workload": "Deployment/shop",
    "infra.kubernetes.memory_limit_bytes": 2 * GIB,
    "infra.kubernetes.cpu_request_cores": 1.0,
    "infra.kubernetes.hpa.target_cpu_ratio": 0.6,
    "infra.kubernetes.hpa.min_replicas": 2,
    "infra.kubernetes.hpa.max_replicas": 6,
    "infra.kubernetes.hpa.can_scale": True,
}


def fact(name: str, value: Any, state: FactState = "measured", days: float = 1.0, **source: Any) -> Fact:
    """A fact of `days` before `NOW`; a value may come with its bounds as (value, low, high)."""
    low = high = None
    if isinstance(value, tuple):
        value, low, high = value
    given = {"probe": "load", "run": "r1"} if state == "measured" else {"probe": "kubernetes"}
    made = Source(**(given | source))
    return Fact(name, value, CATALOGUE[name].unit, made, NOW - timedelta(days=days), state, low, high)


@dataclass(frozen=True)
class Scene:
    """Capacity 50 (48 to 52) requests/s a replica, up to 6 replicas, 140/s to carry: all is well."""

    lens: Lens
    profile: Mapping[str, Any] = field(default_factory=lambda: dict(PROFILE))
    claims: Mapping[str, Any] = field(default_factory=lambda: dict(CLAIMS))
    measured: Mapping[str, Any] = field(default_factory=lambda: dict(MEASURED))
    read: Mapping[str, Any] = field(default_factory=lambda: dict(READ))
    more: tuple[Fact, ...] = ()
    runs: tuple[Mapping[str, Any], ...] = ()
    answers_more: Mapping[str, Any] = field(default_factory=dict)

    def but(self, **facts: Any) -> Scene:
        """With other facts: `process__rss_peak_bytes=5`; None takes one away."""
        measured, read = dict(self.measured), dict(self.read)
        for key, value in facts.items():
            name = key.replace("__", ".")
            table = read if name.startswith("infra.") else measured
            table.pop(name, None)
            if value is not None:
                table[name] = value
        return replace(self, measured=measured, read=read)

    def of(self, **profile: Any) -> Scene:
        """With another profile; None takes a value away."""
        values = {**self.profile, **profile}
        return replace(self, profile={key: value for key, value in values.items() if value is not None})

    def claiming(self, **claims: Any) -> Scene:
        """With other answers: `INF_01="INF_01_a"`."""
        given = {key.replace("_", "-"): value for key, value in claims.items()}
        return replace(self, claims={**self.claims, **given})

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All facts."""
        table: Iterable[Fact] = (
            *(fact(name, value) for name, value in self.measured.items()),
            *(fact(name, value, "read", 100.0) for name, value in self.read.items()),
        )
        return (*table, *self.more)

    @property
    def system(self) -> Profile:
        """The profile as it is read."""
        return read_profile(self.profile)

    @property
    def evidence(self) -> Evidence:
        """The facts without what follows from them."""
        return weigh(self.facts, NOW, self.system.facts())

    @property
    def answers(self) -> Answers:
        """The answers as they are read."""
        document = {"schema": "loadstone.answers/1", "profile": self.profile, "answers": self.claims}
        return answers_of(document | dict(self.answers_more), "answers.yaml")

    @property
    def materials(self) -> Materials:
        """What is judged."""
        return Materials("shop", "a1", self.lens, self.answers, self.facts, self.runs, title="The shop")

    def judged(self, as_of: datetime = NOW) -> Judged:
        """Judged at a moment."""
        return judged_at(self.materials, as_of)

    def assessed(self, as_of: datetime = NOW) -> Assessed:
        """The whole assessment at a moment."""
        return assess(self.materials, as_of)


@pytest.fixture(scope="session")
def small_lens() -> Lens:
    """Two questions of infrastructure, one of monitoring."""
    return load_lens(LENS.encode(), "small.yaml")


@pytest.fixture
def scene(small_lens: Lens) -> Scene:
    """An assessment in which all is well; see `Scene`."""
    return Scene(small_lens)
