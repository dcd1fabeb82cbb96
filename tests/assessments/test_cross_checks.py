"""Cross-checks: what was configured held against what was measured, with figures worked out by hand."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from assessments.assessment import assess, materials_of
from assessments.cross_checks import derived_facts, history_facts
from assessments.judging import Judged
from probes.facts import CATALOGUE, Fact, Source

GIB = 2**30
DERIVED = sorted(name for name in CATALOGUE if name.startswith("derived."))


def derived(scene: Any) -> Mapping[str, Fact]:
    return {fact.name: fact for fact in derived_facts(scene.evidence, scene.system)}


def value(scene: Any, name: str) -> Any:
    found = derived(scene).get(f"derived.{name}")
    return None if found is None else found.value


def leaking(scene: Any, **more: Any) -> Any:
    return scene.but(
        process__memory_verdict="growing",
        process__rss_peak_bytes=GIB,
        infra__kubernetes__memory_limit_bytes=2 * GIB,
        **more,
    )


# memory


def test_the_memory_limit_is_held_against_the_measured_peak(scene: Any) -> None:
    assert value(scene, "memory_limit_headroom") == 2.0
    tight = scene.but(infra__kubernetes__memory_limit_bytes=1_050, process__rss_peak_bytes=1_000)
    found = derived(tight)["derived.memory_limit_headroom"]
    assert (found.value, found.state, found.source.probe) == (1.05, "measured", "derived")


def test_a_gibibyte_of_headroom_lasts_24_9_hours_at_12_kilobytes_a_second(scene: Any) -> None:
    # 300 bytes of each of 40 requests/s: 1,073,741,824 / 12,000 / 3,600
    one = leaking(scene, process__growth_bytes_per_request=300.0, infra__kubernetes__hpa__max_replicas=1)
    one = one.of(peak_per_s=40, target_peak_per_s=None)
    assert value(one, "hours_to_memory_limit") == pytest.approx(24.855, abs=5e-4)
    by_time = leaking(scene, process__growth_bytes_per_second=12_000.0)
    assert value(by_time, "hours_to_memory_limit") == pytest.approx(24.855, abs=5e-4)
    both = one.but(process__growth_bytes_per_second=12_000.0)
    assert value(both, "hours_to_memory_limit") == pytest.approx(24.855 / 2, abs=5e-4)


def test_a_replica_grows_by_its_share_of_the_peak_and_no_more_than_it_carries(scene: Any) -> None:
    # 140/s over 6 replicas; with a single one its capacity of 50/s
    shared = leaking(scene, process__growth_bytes_per_request=300.0)
    assert value(shared, "hours_to_memory_limit") == pytest.approx(GIB / (300 * 140 / 6) / 3_600)
    alone = shared.but(infra__kubernetes__hpa__max_replicas=1)
    assert value(alone, "hours_to_memory_limit") == pytest.approx(GIB / (300 * 50) / 3_600)


def test_growth_by_request_needs_a_load_to_tell_hours_from(scene: Any) -> None:
    grows = leaking(scene, process__growth_bytes_per_request=300.0, process__growth_bytes_per_second=1.0)
    assert value(grows.of(peak_per_s=None, target_peak_per_s=None), "hours_to_memory_limit") is None
    no_fleet = grows.but(infra__kubernetes__hpa__max_replicas=None)
    assert value(no_fleet, "hours_to_memory_limit") is None, "with 1 B/s alone it would last far too long"


@pytest.mark.parametrize("verdict", ["flat", "insufficient", None])
def test_without_growth_there_are_no_hours(scene: Any, verdict: str | None) -> None:
    flat = leaking(scene, process__growth_bytes_per_second=12_000.0).but(process__memory_verdict=verdict)
    assert value(flat, "hours_to_memory_limit") is None


def test_a_peak_over_the_limit_has_no_hours_left(scene: Any) -> None:
    over = leaking(scene, process__growth_bytes_per_second=12_000.0)
    assert value(over.but(process__rss_peak_bytes=3 * GIB), "hours_to_memory_limit") == 0


# CPU


def test_the_autoscalers_target_is_held_against_the_cpu_at_the_knee(scene: Any) -> None:
    # 0.45 of 1 requested core at the knee, target 60 %: it is never reached
    found = scene.but(process__cpu_cores_at_saturation=0.45)
    assert value(found, "cpu_at_knee_request_ratio") == 0.45
    assert value(found, "hpa_target_margin") == 0.75
    assert value(scene, "hpa_target_margin") == pytest.approx(1 / 0.6)


def test_a_cpu_limit_bounds_what_the_autoscaler_ever_sees(scene: Any) -> None:
    found = scene.but(process__cpu_cores_at_saturation=2.0, infra__kubernetes__cpu_limit_cores=0.5)
    assert value(found, "cpu_at_knee_limit_ratio") == 4.0
    assert value(found, "cpu_at_knee_request_ratio") == 0.5
    assert value(found, "hpa_target_margin") == pytest.approx(0.5 / 0.6)


# the fleet and the forecast


def test_the_fleet_and_its_most_replicas_are_held_against_the_load_to_carry(scene: Any) -> None:
    found = derived(scene)
    headroom = found["derived.fleet_headroom"]
    assert (headroom.value, headroom.low, headroom.high) == pytest.approx(
        (6 * 50 / 140, 6 * 48 / 140, 6 * 52 / 140)
    )
    needed = found["derived.replicas_needed"]  # 140 / (0.7 x 50) = 4, at 48 4.2 and at 52 3.8
    assert (needed.value, needed.low, needed.high) == (4, 4, 5)
    most = found["derived.max_replicas_headroom"]
    assert (most.value, most.low, most.high) == pytest.approx((6 / 4, 6 / 5, 6 / 4))


def test_the_larger_of_peak_and_target_has_to_be_carried(scene: Any) -> None:
    assert value(scene.of(peak_per_s=200), "fleet_headroom") == 6 * 50 / 200
    assert value(scene.of(target_peak_per_s=None), "fleet_headroom") == 6 * 50 / 100
    assert value(scene.of(peak_per_s=None, target_peak_per_s=None), "fleet_headroom") is None


def test_an_autoscaler_overrides_the_manifest_and_the_manifest_the_profile(scene: Any) -> None:
    read = scene.but(infra__kubernetes__replicas=3).of(replicas=2)
    assert value(read, "fleet_headroom") == pytest.approx(6 * 50 / 140)
    fixed = read.but(infra__kubernetes__hpa__can_scale=False, infra__kubernetes__hpa__min_replicas=6)
    assert value(fixed, "fleet_headroom") == pytest.approx(6 * 50 / 140), "least and most are the same"
    read = read.but(infra__kubernetes__hpa__max_replicas=None)
    assert value(read, "fleet_headroom") == pytest.approx(3 * 50 / 140)
    assert value(read, "max_replicas_headroom") is None
    read = read.but(infra__kubernetes__replicas=None)
    assert value(read, "fleet_headroom") == pytest.approx(2 * 50 / 140)
    assert value(read.of(replicas=None), "fleet_headroom") is None


def test_a_million_requests_cost_what_the_replicas_cost_meanwhile(scene: Any) -> None:
    found = derived(scene)["derived.cost_per_million"]
    # 1.2 an hour for 0.7 x 50 x 3600 requests
    assert (found.value, found.low, found.high) == pytest.approx(
        (1.2e6 / (3600 * 0.7 * 50), 1.2e6 / (3600 * 0.7 * 52), 1.2e6 / (3600 * 0.7 * 48))
    )


def test_the_day_of_running_out_is_that_of_the_forecast(scene: Any) -> None:
    found = derived(scene)  # ln(6 x 0.7 x 50 / 100) / ln 1.08 months
    assert found["derived.days_to_run_out"].value == pytest.approx(9.6404 * 30.4375, rel=1e-4)
    assert found["derived.runs_out_on"].value == "2026-12-19"
    over = derived(scene.of(peak_per_s=300))
    assert over["derived.days_to_run_out"].value == 0
    never = derived(scene.of(growth={"workload": "0"}))
    assert never["derived.days_to_run_out"].value == 36 * 30.4375, "at least up to the horizon"
    assert "derived.runs_out_on" not in never
    assert "not within the horizon" in str(never["derived.days_to_run_out"].source.query)
    assert "derived.days_to_run_out" not in derived(scene.of(growth=None))


# monitoring


def test_the_latency_alert_is_held_against_the_slo(scene: Any) -> None:
    alerting = scene.but(monitoring__prometheus__latency_alert__threshold_ms=500.0)
    assert value(alerting, "latency_alert_ratio") == 2.5
    for slo in (None, "errors<=1%"):
        assert value(alerting.of(slo=slo), "latency_alert_ratio") is None


def test_metrics_that_count_too_little_contradict_the_claim(scene: Any) -> None:
    (claim,) = [
        entry
        for entry in scene.but(monitoring__prometheus__count_ratio=0.97).judged().judgements
        if entry.question == "MON-01"
    ]
    assert claim.state == "contradicted"
    assert "0.97" in claim.because


# what a derived fact rests on


def test_what_lacks_an_input_or_has_none_above_zero_is_not_known(scene: Any) -> None:
    rests_on = {
        "memory_limit_headroom": ("process__rss_peak_bytes", "infra__kubernetes__memory_limit_bytes"),
        "hpa_target_margin": (
            "process__cpu_cores_at_saturation",
            "infra__kubernetes__cpu_request_cores",
            "infra__kubernetes__hpa__target_cpu_ratio",
        ),
        "fleet_headroom": ("load__capacity",),
        "max_replicas_headroom": ("load__capacity", "infra__kubernetes__hpa__max_replicas"),
        "cost_per_million": ("load__capacity",),
        "days_to_run_out": ("load__capacity",),
    }
    for name, inputs in rests_on.items():
        assert value(scene, name) is not None
        for missing in inputs:
            kind = CATALOGUE[missing.replace("__", ".")].type
            for instead in (None, 0 if kind == "integer" else 0.0, -5 if kind == "integer" else -5.0):
                assert value(scene.but(**{missing: instead}), name) is None, (name, missing, instead)


def test_numbers_beyond_all_reason_make_nothing_and_break_nothing(scene: Any) -> None:
    inputs = [
        name
        for name in (*scene.measured, *scene.read)
        if CATALOGUE[name].type in ("number", "integer", "ratio")
    ]
    inputs += ["process.growth_bytes_per_request", "infra.kubernetes.cpu_limit_cores"]
    scene = scene.but(process__memory_verdict="growing")
    extremes = [1e-308, 1e-9, 1e9, 1e18, 1e300, -1e300, 10**40]
    for one, other in itertools.product(inputs, repeat=2):
        for size, opposite in ((1e300, 1e-308), (1e-308, 1e300)):
            changes = {}
            for name, number in ((one, size), (other, opposite)):
                whole = CATALOGUE[name].type == "integer"
                changes[name.replace(".", "__")] = int(number) if whole else number
            for fact in derived(scene.but(**changes)).values():
                assert fact.value is not None
    for name, number in itertools.product(inputs, extremes):
        whole = CATALOGUE[name].type == "integer"
        given = scene.but(**{name.replace(".", "__"): int(number) if whole else float(number)})
        assert given.assessed().to_json()["scores"]


def test_a_profile_of_extremes_breaks_nothing(scene: Any) -> None:
    chance = random.Random(20260301)
    for _ in range(200):
        given = scene.of(
            peak_per_s=chance.choice([0, 1e-300, 1e-6, 5, 1e9, 9e14]),
            target_peak_per_s=chance.choice([0, 1e-300, 1e-6, 5, 1e9, 9e14]),
            replicas=chance.choice([0, 1, 10**9]),
            utilisation=chance.choice([0.01, 0.7, 1.0]),
            price_per_replica_hour=chance.choice([0, 1e-300, 1.2, 9e14]),
            growth={"workload": chance.choice(["0", "-5%/month", "1e-9%/day", "1e14/day", "1%..900%/week"])},
        )
        if chance.random() < 0.5:
            given = given.but(infra__kubernetes__hpa__max_replicas=None)
        assert given.assessed().to_json()["verdict"]["headline"]


def test_a_derived_fact_is_as_old_as_the_oldest_and_counts_as_long_as_all_do(scene: Any) -> None:
    judged: Judged = scene.judged()
    headroom = judged.evidence.facts["derived.memory_limit_headroom"]
    assert (scene.evidence.as_of - headroom.at) == timedelta(days=100), "the manifest was read then"
    assert headroom.source.run == "r1"
    # on day 30 the load run has expired, and with it what rests on it
    later = scene.judged(scene.evidence.as_of + timedelta(days=29))
    assert "derived.memory_limit_headroom" not in later.evidence.facts
    assert later.scores.pillar("infrastructure").reading is not None


def test_what_rests_on_a_fact_by_hand_is_by_hand_and_contradicts_nothing(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=GIB)
    by_hand = replace(
        tight,
        read={name: value for name, value in tight.read.items() if "memory_limit" not in name},
        more=tuple(replace(fact, state="by_hand") for fact in tight.facts if "memory_limit" in fact.name),
    )
    assert derived(by_hand)["derived.memory_limit_headroom"].state == "by_hand"

    def state(of: Any) -> str:
        return next(entry.state for entry in of.judged().judgements if entry.question == "INF-08")

    assert (state(tight), state(by_hand)) == ("contradicted", "challenged")


def test_what_is_only_declared_makes_nothing(scene: Any) -> None:
    declared = replace(
        scene, read={}, more=tuple(replace(f, state="declared") for f in scene.facts if f.state == "read")
    )
    assert value(declared, "memory_limit_headroom") is None
    assert value(declared, "hpa_target_margin") is None


# derived anew, never trusted


def lie(name: str, number: Any, now: datetime, **source: Any) -> Fact:
    made = Source(**({"probe": "kubernetes", "machine": "elsewhere"} | source))
    return Fact(name, number, CATALOGUE[name].unit, made, now)


def test_a_derived_fact_out_of_a_file_is_set_aside_and_said(scene: Any) -> None:
    now = scene.evidence.as_of
    tight = scene.but(infra__kubernetes__memory_limit_bytes=GIB)
    lied = replace(tight, more=(lie("derived.memory_limit_headroom", 9.0, now),))
    judged = lied.judged()
    assert judged.evidence.facts["derived.memory_limit_headroom"].value == 1.0
    assert [(entry.fact.value, entry.why) for entry in judged.evidence.set_aside] == [
        (9.0, "it follows from other facts and is never taken as given")
    ]
    without = lied.but(process__rss_peak_bytes=None).judged()
    assert "derived.memory_limit_headroom" not in without.evidence.facts, "nor where nothing is derived"


def test_a_derived_fact_in_a_document_is_derived_again(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=GIB)
    document = tight.assessed().to_json()
    for fact in document["facts"]:
        if fact["name"] == "derived.memory_limit_headroom":
            fact["value"] = 9.0
    again = assess(materials_of(document), scene.evidence.as_of)
    assert again.to_json()["scores"] == tight.assessed().to_json()["scores"]
    assert again.judged.evidence.facts["derived.memory_limit_headroom"].value == 1.0


def test_runs_with_other_tools_may_be_counted_by_hand(scene: Any) -> None:
    now = scene.evidence.as_of
    by_hand = replace(lie("history.load_runs_90_days", 4, now), state="by_hand")
    judged = replace(scene, more=(by_hand, lie("history.load_run_age_days", 1.0, now))).judged()
    assert judged.evidence.facts["history.load_runs_90_days"].value == 4
    assert "history.load_run_age_days" not in judged.evidence.facts


# the assessment's own runs


def run(now: datetime, days: float, status: str = "completed", grade: str = "valid") -> dict[str, Any]:
    started = (now - timedelta(days=days)).isoformat()
    return {"run": {"id": f"run-{days:g}", "started_at": started, "status": status, "grade": grade}}


def test_completed_runs_of_90_days_are_counted(scene: Any) -> None:
    now = scene.evidence.as_of
    runs = [run(now, 2), run(now, 89.9), run(now, 90.1), run(now, 1, "interrupted"),
            run(now, 1, grade="client_limited"), run(now, 1, grade="insufficient"), run(now, -1)]  # fmt: skip
    facts = {fact.name: fact for fact in history_facts(runs, now)}
    assert facts["history.load_runs_90_days"].value == 2
    assert facts["history.load_run_age_days"].value == 2
    assert facts["history.load_run_age_days"].source.run == "run-2"


def test_without_a_completed_run_nothing_is_said_and_a_damaged_one_is_none(scene: Any) -> None:
    now = scene.evidence.as_of
    assert history_facts([], now) == []
    damaged: list[Any] = [
        {}, {"run": None}, {"run": {"status": "completed"}},
        {"run": {"status": "completed", "started_at": "yesterday"}},
        {"run": {"status": "completed", "started_at": "2026-02-28T00:00:00"}},
        {"run": {"status": "completed", "started_at": 5}}, run(now, 1, "failed"),
    ]  # fmt: skip
    assert history_facts(damaged, now) == []


def test_every_derived_name_of_the_catalogue_can_be_derived(scene: Any) -> None:
    full = leaking(scene, process__growth_bytes_per_request=300.0).but(
        infra__kubernetes__cpu_limit_cores=2.0, monitoring__prometheus__latency_alert__threshold_ms=500.0
    )
    assert sorted(derived(full)) == DERIVED
    assert all(fact.source.query for fact in derived(full).values()), "each says by which formula"
