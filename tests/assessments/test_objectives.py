"""A capacity counts where it was measured for the objective, or for more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

RUN = "r1"  # of the scene's measured facts


def with_run(scene: Any, asked: Any) -> Any:
    run = {"run": {"id": RUN, "started_at": "2026-02-28T00:00:00+00:00"}, "capacity": {"slo": asked}}
    return replace(scene, runs=(run,))


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (
            {"p99_ms": 500, "error_ratio": 0.01},
            "asked for p99 ≤ 500 ms only, and the objective is p99 ≤ 200 ms",
        ),
        ({"p95_ms": 200, "error_ratio": 0.01}, "did not ask for the objective's p99 ≤ 200 ms"),
        (
            {"p99_ms": 200, "error_ratio": 0.05},
            "asked for errors ≤ 5 % only, and the objective is errors ≤ 1 %",
        ),
        ({"p99_ms": 200}, "did not ask for the objective's errors ≤ 1 %"),
    ],
)
def test_a_capacity_for_a_laxer_objective_does_not_count(scene: Any, asked: Any, why: str) -> None:
    found = with_run(scene, asked).assessed()
    (aside,) = [entry for entry in found.judged.evidence.set_aside if entry.fact.name == "load.capacity"]
    assert aside.why == f"its run {why}"
    assert found.judged.forecast is None
    assert found.verdict.readiness == "unknown"
    assert found.verdict.headline.endswith(": no measured capacity counts")
    assert found.verdict.reasons[0].endswith(f"measured on 2026-02-28 does not count: its run {why}.")
    assert "derived.fleet_headroom" not in found.judged.evidence.facts


@pytest.mark.parametrize(
    "asked",
    [
        {"p99_ms": 200, "error_ratio": 0.01},
        {"p99_ms": 150, "error_ratio": 0.0, "p50_ms": 10},
        {"p999_ms": 200, "error_ratio": 0.01},
        None,
    ],
)
def test_one_for_the_objective_or_for_more_counts(scene: Any, asked: Any) -> None:
    assert with_run(scene, asked).assessed().verdict.readiness == "ready"


def test_an_objective_that_only_a_growth_profile_declares_sets_nothing_aside(scene: Any) -> None:
    declared = scene.of(slo=None, growth_profile="retail-campaign")
    assert with_run(declared, {"p99_ms": 5000}).assessed().judged.forecast is not None
    assert with_run(scene.of(slo=None), {"p99_ms": 5000}).assessed().judged.forecast is not None
