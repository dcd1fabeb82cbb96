"""Levers: numbers from the measurements, effects from judging anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assessments.levers import Lever

GIB = 2**30


def levers(scene: Any) -> dict[str, Lever]:
    """The levers by the first word of what they are about."""
    found = [action for action in scene.assessed().actions if isinstance(action, Lever)]
    kinds = {"memory": "memory limit", "replicas": "replica", "cpu": "CPU request", "cpu limit": "CPU limit"}
    return {kind: lever for kind, word in kinds.items() for lever in found if word in lever.text}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_where_all_is_well_there_is_no_lever(scene: Any) -> None:
    roomy = scene.but(infra__kubernetes__hpa__target_cpu_ratio=0.5)
    assert levers(roomy) == {}


def test_the_memory_limit_is_raised_to_a_quarter_over_the_measured_peak(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=int(1.05 * GIB))
    lever = levers(tight)["memory"]
    assert plain(lever.text) == "Raise the memory limit to 1,280 MiB"  # 1.25 x 1,024
    assert plain(lever.because) == "1.25 × the 1 GiB that a replica needed under load"
    assert plain(lever.tradeoff) == "205 MiB more for every replica"
    assert lever.questions == ("INF-08",)
    # INF-08 of 6: contradicted (.25 is proven) before, verified (1) after
    assert lever.points == pytest.approx(100 * 3 * 0.75 / 6)
    raised = tight.but(infra__kubernetes__memory_limit_bytes=int(1.25 * GIB))
    before, after = (entry.assessed().scores.pillar("infrastructure").reading for entry in (tight, raised))
    assert before is not None
    assert after is not None
    assert lever.points == pytest.approx(after.supported - before.supported), "what judging anew gives"


def test_the_worst_pillar_that_a_lever_lifts_is_named(scene: Any) -> None:
    lever = levers(scene.but(infra__kubernetes__memory_limit_bytes=int(1.05 * GIB)))["memory"]
    assert (lever.lifts, lever.pillar) == ("infrastructure", "infrastructure")
    assert lever.overall_points == pytest.approx(37.5), "from 62.5 to 100, where monitoring is too"
    both = scene.but(
        infra__kubernetes__memory_limit_bytes=int(1.05 * GIB), monitoring__prometheus__count_ratio=0.5
    )
    other = levers(both)["memory"]
    assert (other.lifts, other.overall_points) == (None, 0.0), "monitoring is lower"


def test_a_limit_under_the_peak_carries_nothing_until_it_is_raised(scene: Any) -> None:
    lever = levers(scene.but(infra__kubernetes__memory_limit_bytes=GIB // 2))["memory"]
    assert lever.fleet_per_s == (0.0, pytest.approx(210))


def test_a_cpu_limit_that_throttles_is_raised_to_what_was_used(scene: Any) -> None:
    throttled = scene.but(infra__kubernetes__cpu_limit_cores=0.6, process__cpu_cores_at_saturation=0.95)
    lever = levers(throttled)["cpu limit"]
    assert plain(lever.text) == "Raise the CPU limit to 1 core"  # 0.95, up to a tenth
    assert plain(lever.tradeoff) == "Up to 0.4 cores more for every replica under load"
    # 201.6/s x 0.6 / 0.95 = 127.3/s by the low end, and 140/s have to be carried
    assert lever.decides_readiness
    assert lever.fleet_per_s == (pytest.approx(210 * 0.6 / 0.95, rel=1e-3), pytest.approx(210))
    assert "cpu limit" not in levers(throttled.but(infra__kubernetes__cpu_limit_cores=0.95))


def test_the_most_replicas_rise_to_what_the_low_end_needs_and_one_to_spare(scene: Any) -> None:
    short = scene.of(target_peak_per_s=240)
    lever = levers(short)["replicas"]  # 240 / (0.7 x 48) = 7.14, so 8 and one to spare
    assert plain(lever.text) == "Let the autoscaler go to 9 replicas"
    assert plain(lever.because) == "240 req/s at 70 % of 48 (lower bound) a replica, and one to spare"
    # 3 x 1.2 an hour for 730.5 hours a month
    assert plain(lever.tradeoff) == "Up to 3 replicas more, 2,630 EUR a month while they run"
    assert lever.fleet_per_s == (pytest.approx(210), pytest.approx(315))
    # ln(315/100)/ln 1.08 months of 30.4375 days
    assert lever.runs_out_on == "2027-05-28"


def test_a_fleet_that_is_too_small_lifts_its_cap_and_its_claim(scene: Any) -> None:
    short = scene.of(target_peak_per_s=400)  # 6 x 50 / 400 = 0.75
    assert [cap.at_most for cap in short.assessed().scores.pillar("infrastructure").caps] == [39, 59]
    lever = levers(short)["replicas"]
    assert lever.lifts_cap == 39
    assert lever.questions == ("INF-01",)
    first = short.assessed().actions[0]
    assert first == lever, "what lifts a cap comes first"
    effect = short.assessed().effect_of([lever])
    assert effect.scores.pillar("infrastructure").caps == (), "⌈400/33.6⌉ + 1 = 13 carry 650/s"


def test_replicas_of_a_manifest_and_of_the_profile_are_levers_too(scene: Any) -> None:
    fixed = scene.but(infra__kubernetes__hpa__max_replicas=None, infra__kubernetes__replicas=2)
    lever = levers(fixed)["replicas"]
    assert plain(lever.text) == "Run 6 replicas"  # 140 / 33.6 = 4.2
    assert lever.fleet_per_s == (pytest.approx(70), pytest.approx(210))
    told = scene.but(infra__kubernetes__hpa__max_replicas=None).of(replicas=2)
    lever = levers(told)["replicas"]
    assert plain(lever.text) == "Run 6 replicas"
    assert lever.fleet_per_s == (pytest.approx(70), pytest.approx(210))
    assert lever.runs_out_on == "2026-12-19"


def test_an_autoscaler_with_equal_bounds_can_scale_afterwards(scene: Any) -> None:
    equal = scene.but(
        infra__kubernetes__hpa__max_replicas=2,
        infra__kubernetes__hpa__min_replicas=2,
        infra__kubernetes__hpa__can_scale=False,
    )
    assert levers(equal)["replicas"].fleet_per_s == (pytest.approx(70), pytest.approx(210))


def test_without_a_lower_bound_the_lever_says_so_by_leaving_it_out(scene: Any) -> None:
    lever = levers(scene.but(load__capacity=30.0))["replicas"]
    assert "at 70 % of 30 a replica" in plain(lever.because)


def test_the_cpu_target_is_what_a_replica_shows_at_the_planned_use(scene: Any) -> None:
    # 9 ms a request x 0.7 x 48/s, the low end = 0.3024 cores of 1
    asleep = scene.but(process__cpu_cores_at_saturation=0.45, process__cpu_ms_per_request=9.0)
    lever = levers(asleep)["cpu"]
    assert plain(lever.text) == "Let the autoscaler act at 30 % of the CPU request"
    assert plain(lever.because) == (
        "at 33.6 req/s, 70 % of 48 (lower bound), a replica uses 0.302 cores of 1 requested"
    )
    assert lever.fleet_per_s == (pytest.approx(70), pytest.approx(210)), "from two replicas to all six"
    assert (
        "averageUtilization: 30\n"
        in asleep.assessed().to_json()["forecast"]["autoscaling"]["kubernetes"]["text"]
    )
    assert "cpu" not in levers(scene.but(infra__kubernetes__hpa__target_cpu_ratio=0.67)), "0.672 of 1 core"
    assert "cpu" not in levers(asleep.but(load__capacity=50.0)), "no target without a lower bound"


def test_a_challenged_or_missing_measurement_moves_no_lever(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=GIB // 2)
    assert levers(tight.but(process__rss_peak_bytes=None)).get("memory") is None
    challenge = {"fact": "process.rss_peak_bytes", "reason": "test data", "at": "2026-03-01"}
    challenged = replace(tight, answers_more={"challenges": [challenge]})
    assert "memory" not in levers(challenged)
    (aside,) = challenged.assessed().to_json()["set_aside"]
    assert aside["why"] == "challenged as test data"


def test_a_lever_stands_in_the_place_of_the_general_action(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=int(1.05 * GIB))
    document = tight.assessed().to_json()["actions"]
    of_limits = [entry for entry in document if entry["question"] == "INF-08"]
    assert [entry["kind"] for entry in of_limits] == ["set"]
    assert set(of_limits[0]) >= {"text", "effort_days", "points", "points_per_day", "tradeoff"}


def test_actions_come_by_points_for_an_effort_day_after_those_that_lift_a_cap(scene: Any) -> None:
    many = scene.of(target_peak_per_s=400).but(
        infra__kubernetes__memory_limit_bytes=GIB // 2, monitoring__prometheus__count_ratio=0.5
    )
    actions = many.assessed().actions
    assert len(actions) >= 3
    deciding = [isinstance(entry, Lever) and entry.decides_readiness for entry in actions]
    assert deciding == sorted(deciding, reverse=True)
    assert sum(deciding) == 2, "memory, and replicas for 400/s"
    for first in (True, False):
        rank = [
            (101 if entry.lifts_cap is None else entry.lifts_cap, -entry.points_per_day)
            for entry, decides in zip(actions, deciding, strict=True)
            if decides is first
        ]
        assert rank == sorted(rank)


def test_a_lever_without_which_the_load_is_not_reached_comes_first_however_few_points_it_gains(
    scene: Any,
) -> None:
    short = scene.of(target_peak_per_s=215).but(monitoring__prometheus__count_ratio=0.5)
    first = short.assessed().actions[0]  # 6 x 0.7 x 48 = 201.6
    assert isinstance(first, Lever)
    assert first.decides_readiness
    assert first.points < max(entry.points for entry in short.assessed().actions)
    assert first.to_json()["decides_readiness"] is True
    assert not levers(scene.but(infra__kubernetes__memory_limit_bytes=int(1.05 * GIB)))[
        "memory"
    ].decides_readiness


def test_what_actions_come_to_is_judged_from_the_changed_facts_of_levers(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=int(1.05 * GIB))
    lever = levers(tight)["memory"]
    raised = tight.but(infra__kubernetes__memory_limit_bytes=int(1.25 * GIB)).assessed()
    assert tight.assessed().effect_of([lever]).scores == raised.scores
    # A claim that stands already gains nothing by it: nobody's answer is changed.
    modest = tight.claiming(INF_08="INF_08_a")
    assert "memory" not in levers(modest)
