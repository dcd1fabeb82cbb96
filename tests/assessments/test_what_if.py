"""The forecast by other assumptions is the one of an assessment that has these, without judging it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from assessments.assessment import Assessed, assess
from assessments.claims import answers_of
from assessments.judging import Materials
from assessments.lens import bundled_lens
from assessments.provable import answers_to_be_settled
from assessments.what_if import (
    Assumptions,
    assumptions_of,
    cost_a_month,
    forecast_if,
    materials_if,
    rate_of,
    with_rate,
)
from probes.errors import UsageError
from probes.facts import Fact

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PROFILE = {
    "peak_per_s": 200,
    "target_peak_per_s": 420,
    "replicas": 2,
    "growth": {"workload": "6%..10%/month"},
}


def fact(name: str, value: Any, unit: str, **more: Any) -> Fact:
    source = {"probe": "kubernetes", "file": "a.yaml"}
    return Fact.from_json(
        {"name": name, "value": value, "unit": unit, "state": "read", "at": NOW.isoformat(), "source": source}
        | more
    )


def shop(*facts: Fact, capacity: bool = True, **profile: Any) -> Assessed:
    measured = fact("load.capacity", 150.0, "1/s", low=145.0, high=156.0, state="measured")
    given = {"schema": "loadstone.answers/1", "profile": PROFILE | profile, "answers": {}}
    materials = Materials(
        name="shop", id="1", lens=bundled_lens(), answers=answers_of(given, "answers"),
        facts=(*((measured,) if capacity else ()), *facts),
    )  # fmt: skip
    return assess(materials, NOW)


AUTOSCALER = (
    fact("infra.kubernetes.hpa.present", True, ""),
    fact("infra.kubernetes.hpa.max_replicas", 3, "replicas"),
    fact("infra.kubernetes.hpa.can_scale", False, ""),
)


def test_as_it_is_nothing_changes() -> None:
    found = shop()
    assumed = assumptions_of(found.judged)
    assert assumed == Assumptions("6%..10%/month", 0.7, 2, None)
    assert forecast_if(found.judged, NOW.date(), assumed) == found.to_json()["forecast"]


@pytest.mark.parametrize("facts", [(), AUTOSCALER])
def test_it_is_the_forecast_of_an_assessment_that_has_these_assumptions(facts: tuple[Fact, ...]) -> None:
    found = shop(*facts)
    assumed = Assumptions("3%/month", 0.5, 7, 0.25)
    forecast = forecast_if(found.judged, NOW.date(), assumed)
    whole = assess(materials_if(found.materials, found.judged, assumed), NOW)
    assert forecast == whole.to_json()["forecast"]
    assert forecast is not None
    # Seven replicas at 50 % of 150 requests/s.
    assert forecast["axes"]["workload"]["limit"]["value"] == 525.0
    assert forecast["price_per_replica_hour"] == 0.25


def test_replicas_take_the_place_of_what_a_manifest_says() -> None:
    found = shop(*AUTOSCALER)
    assert assumptions_of(found.judged).replicas == 3
    changed = materials_if(found.materials, found.judged, replace(assumptions_of(found.judged), replicas=5))
    values = {entry.name: entry.value for entry in changed.facts}
    assert values["infra.kubernetes.hpa.max_replicas"] == 5
    assert values["infra.kubernetes.hpa.can_scale"] is True
    assert {entry.name: entry.value for entry in found.materials.facts}[
        "infra.kubernetes.hpa.max_replicas"
    ] == 3


def test_without_a_capacity_there_is_none() -> None:
    found = shop(capacity=False)
    assert forecast_if(found.judged, NOW.date(), assumptions_of(found.judged)) is None


def test_what_cannot_be_is_refused() -> None:
    found = shop()
    with pytest.raises(UsageError, match="utilisation"):
        forecast_if(found.judged, NOW.date(), Assumptions("1%/month", 1.5, 2))


@pytest.mark.parametrize(
    ("growth", "rate", "expected"),
    [
        (None, 0.08, "8%/month"),
        ("5%/month", 0.08, "8%/month"),
        ("12/month", 20.5, "20.5/month"),
        ("10..20/month", 25.0, "20..30/month"),
        ("0", 3.0, "3/month"),
        ("5%/month", 0.00004, "0.004%/month"),
    ],
)
def test_growth_gets_another_middle(growth: str | None, rate: float, expected: str) -> None:
    assert with_rate(growth, rate) == expected
    assert rate_of(with_rate(growth, rate)) == pytest.approx(rate)


def test_a_range_of_compound_growth_keeps_the_width_of_its_rates() -> None:
    moved = with_rate("6%..10%/month", 0.2)
    half = (math.log(1.10) - math.log(1.06)) / 2
    low, high = math.exp(math.log(1.2) - half) - 1, math.exp(math.log(1.2) + half) - 1
    assert (round(100 * low, 2), round(100 * high, 2)) == (17.8, 22.24)
    assert moved == "17.8%..22.24%/month"
    assert rate_of(moved) == pytest.approx(0.2, abs=1e-4)


def test_a_month_has_730_and_a_half_hours() -> None:
    assert cost_a_month(4, 0.09) == pytest.approx(4 * 0.09 * 365.25 * 24 / 12)


def test_what_a_probe_can_settle_is_counted_from_the_lens() -> None:
    lens = bundled_lens()
    load, asked = answers_to_be_settled(lens, ("load",))
    more, _ = answers_to_be_settled(lens, ("load", "kubernetes", "prometheus", "derived"))
    assert asked == len(lens.questions)
    assert 0 < load < more <= asked
    assert answers_to_be_settled(lens, ()) == (0, asked)
