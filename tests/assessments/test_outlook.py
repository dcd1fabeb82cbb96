"""What a measured capacity means for the system: the forecast in the document, with its worked example."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from assessments.assessment import assess
from assessments.outlook import capacity_of, fleet_of, load_to_carry, target_outlook


def test_the_worked_example_of_the_forecast_comes_out_of_an_assessment(scene: Any) -> None:
    # C = 52 [48, 56], peak 270/s, 0.7 planned, 1.20 an hour, 10 replicas, 8 % a month from 2026-01-01
    start = datetime(2026, 1, 1, tzinfo=UTC)
    example = scene.of(peak_per_s=270, target_peak_per_s=None, growth={"workload": "8%/month"})
    example = example.but(load__capacity=(52.0, 48.0, 56.0), infra__kubernetes__hpa__max_replicas=10)
    facts = tuple(replace(fact, at=start) for fact in example.facts)
    document = assess(replace(example.materials, facts=facts), start).to_json()["forecast"]
    assert document["replicas"] == {"now": 8, "conservative": 9, "with_spare": 10, "running": 10}
    assert document["autoscaling_target_per_replica"] == 33.6
    cost = document["cost_per_million"]
    assert [cost[key] for key in ("value", "low", "high", "currency")] == [9.15751, 8.5034, 9.92063, "EUR"]
    workload = document["axes"]["workload"]
    assert workload["months"]["value"] == pytest.approx(3.8816, abs=5e-5)
    assert workload["runs_out_on"] == {"value": "2026-04-29", "low": "2026-03-28", "high": "2026-05-28"}
    assert "270/s / 33.6" in document["autoscaling"]["kubernetes"]["text"]
    assert document["fleet"] == {"replicas": 10, "because": "the most that the autoscaler allows"}


def test_the_document_has_what_the_load_to_carry_needs_beside_todays_peak(scene: Any) -> None:
    document = scene.assessed().to_json()["forecast"]
    assert document["peak_per_s"] == 100
    assert document["replicas"]["now"] == 3  # 100 / 35
    assert document["to_carry"]["per_s"] == 140
    assert document["to_carry"]["replicas"] == {"now": 4, "conservative": 5, "with_spare": 6, "running": 6}


def test_bounds_on_the_wrong_side_and_absurd_capacities_count_as_unknown(scene: Any) -> None:
    odd = capacity_of(scene.but(load__capacity=(50.0, 51.0, 52.0)).evidence)
    assert odd is not None
    assert (odd.low, odd.high) == (None, 52.0)
    for absurd in (0.0, -5.0, 1e-9, 1e12):
        assert capacity_of(scene.but(load__capacity=absurd).evidence) is None


def test_a_profile_says_little_or_nothing(scene: Any) -> None:
    silent = scene.of(peak_per_s=None, target_peak_per_s=None, growth=None, price_per_replica_hour=None)
    assert load_to_carry(silent.system) is None
    assert target_outlook(silent.evidence, silent.system, datetime(2026, 3, 1, tzinfo=UTC).date()) is None
    document = silent.assessed().to_json()["forecast"]
    assert (document["replicas"]["now"], document["cost_per_million"]) == (None, None)
    assert "to_carry" not in document
    assert load_to_carry(scene.of(peak_per_s=0, target_peak_per_s=0).system) is None


def test_a_fleet_of_none_or_beyond_all_reason_is_no_fleet(scene: Any) -> None:
    bare = scene.but(infra__kubernetes__hpa__max_replicas=None)
    for replicas in (0, None, 10**9):
        assert fleet_of(bare.evidence, bare.of(replicas=replicas).system) is None
    fleet = fleet_of(bare.evidence, bare.of(replicas=3).system)
    assert fleet is not None
    assert (fleet.replicas, fleet.because, fleet.fact) == (3, "as the profile says", None)
