"""The verdict: ready only by the low end, what breaks first, and sentences that read right in every case."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assessments.limits import limits_of
from assessments.verdict import Verdict

GIB = 2**30
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def verdict(scene: Any) -> Verdict:
    found = scene.assessed().verdict
    assert isinstance(found, Verdict)
    return found


def carrying(scene: Any, load: float) -> Any:
    return scene.of(peak_per_s=load, target_peak_per_s=None)


# readiness


def test_ready_is_only_what_the_low_end_of_the_capacity_carries(scene: Any) -> None:
    # six replicas at 70 % of 48 (the low end) carry 201.6/s, of 50 they carry 210/s
    assert verdict(carrying(scene, 201.6)).readiness == "ready"
    assert verdict(carrying(scene, 201.7)).readiness == "not_ready"
    within = verdict(carrying(scene, 205))
    assert within.readiness == "not_ready"
    assert "lies within the uncertainty, and the lower end is what counts" in within.reasons[0]
    assert verdict(carrying(scene, 211)).readiness == "not_ready"


def test_enough_capacity_and_a_low_score_is_not_ready(scene: Any) -> None:
    low = scene.claiming(INF_08="INF_08_no", INF_01="INF_01_a")
    assert low.assessed().scores.overall.band in ("fragile", "limited")
    found = verdict(low)
    assert found.readiness == "capacity"
    assert found.headline == "Enough capacity for 140\N{NO-BREAK SPACE}req/s, but not ready"
    # (3 x 0.5 + 3 x 0) / 6: what decides comes before the reserve
    assert found.reasons[0] == "Infrastructure is the lowest pillar with 25 of 100: fragile."
    assert "more than" in found.reasons[1]


def test_a_refused_score_is_no_ground_to_be_ready(scene: Any) -> None:
    found = verdict(scene.claiming(MON_01="unsure"))
    assert found.readiness == "capacity"
    assert found.reasons[0] == "Monitoring has no score, so there is none overall."


def test_what_is_not_known_is_said_to_be_not_known(scene: Any) -> None:
    cases = {
        "no capacity was measured": scene.but(load__capacity=None),
        "nobody said how many replicas there are": scene.but(infra__kubernetes__hpa__max_replicas=None),
        "the measured capacity has no lower bound": scene.but(load__capacity=50.0),
    }
    for why, given in cases.items():
        found = verdict(given)
        assert (found.readiness, found.headline) == (
            "unknown",
            f"Not known whether it is ready for 140\N{NO-BREAK SPACE}req/s: {why}",
        )
    silent = verdict(scene.of(peak_per_s=None, target_peak_per_s=None))
    assert (silent.readiness, silent.headline) == ("unknown", "Nobody said what it has to carry")


def test_a_capacity_without_a_lower_bound_can_still_be_too_small(scene: Any) -> None:
    assert verdict(scene.but(load__capacity=30.0)).readiness == "not_ready"  # 6 x 0.7 x 30 = 126


def test_a_capacity_by_hand_can_be_too_small_and_cannot_suffice(scene: Any) -> None:
    def by_hand(of: Any) -> Any:
        facts = tuple(replace(fact, state="by_hand") for fact in of.facts if fact.name == "load.capacity")
        return replace(of.but(load__capacity=None), more=facts)

    enough = verdict(by_hand(scene))
    assert enough.readiness == "unknown"
    assert enough.headline.endswith("its capacity was not measured here")
    assert any("given by hand" in reason for reason in enough.reasons)
    assert verdict(by_hand(scene.but(load__capacity=(20.0, 19.0, 21.0)))).readiness == "not_ready"


# what breaks first


def test_the_fleet_breaks_first_where_nothing_else_does(scene: Any) -> None:
    (limit,) = limits_of(scene.evidence, scene.system)
    assert (limit.what, limit.rate_per_s) == ("The fleet of 6", pytest.approx(210))
    assert limit.because.startswith(
        "There are 6\N{NO-BREAK SPACE}replicas, the most that the autoscaler allows. "
    )
    assert limit.because.endswith("which of its resources gives out was not identified.")


def test_the_resource_that_limits_a_replica_is_named_where_it_was_identified(scene: Any) -> None:
    found = verdict(scene.but(load__limited_by="gil")).breaks_first
    assert found is not None
    assert found.because.endswith("; the interpreter lock limits it there.")
    for word in ("not_identified", "client"):
        found = verdict(scene.but(load__limited_by=word)).breaks_first
        assert found is not None
        assert found.because.endswith("was not identified.")


def test_a_memory_limit_under_the_peak_breaks_before_everything(scene: Any) -> None:
    killed = verdict(scene.but(infra__kubernetes__memory_limit_bytes=GIB // 2))
    assert killed.breaks_first is not None
    assert (killed.breaks_first.what, killed.breaks_first.rate_per_s) == ("The memory limit", 0.0)
    assert killed.readiness == "not_ready"
    assert plain(killed.reasons[0]) == (
        "A replica needed 1 GiB under load and may have 512 MiB: it is killed under such a load."
    )
    assert not any("more than" in reason for reason in killed.reasons), "a reserve is no reason"
    assert killed.capacity_finding.endswith("but the memory limit gives out before it")
    both = verdict(scene.but(infra__kubernetes__memory_limit_bytes=GIB // 2).of(target_peak_per_s=400))
    assert "it is killed" in both.reasons[0]
    assert "short of 400" in plain(both.reasons[1])


def test_an_autoscaler_that_never_acts_leaves_the_least_replicas(scene: Any) -> None:
    asleep = scene.but(process__cpu_cores_at_saturation=0.45)  # of 1 core, and the target is 60 %
    found = verdict(asleep)
    assert found.breaks_first is not None
    assert (found.breaks_first.what, found.breaks_first.rate_per_s) == ("The autoscaler", pytest.approx(70))
    assert "2\N{NO-BREAK SPACE}replicas have to do" in found.breaks_first.because
    assert found.readiness == "not_ready"
    one = verdict(asleep.but(infra__kubernetes__hpa__min_replicas=1)).breaks_first
    assert one is not None
    assert "1\N{NO-BREAK SPACE}replica has to do" in one.because
    fixed = verdict(asleep.but(infra__kubernetes__hpa__min_replicas=6)).breaks_first
    assert fixed is not None
    assert fixed.what == "The fleet of 6", "it has nothing to add"


def test_a_cpu_limit_under_what_was_used_throttles_earlier(scene: Any) -> None:
    found = verdict(scene.but(infra__kubernetes__cpu_limit_cores=0.8)).breaks_first
    assert found is not None
    assert (found.what, found.rate_per_s) == ("The CPU limit", pytest.approx(168)), "210 x 0.8 / 1.0"
    assert found.surely_per_s == pytest.approx(161.28), "201.6 x 0.8"
    throttled = scene.but(infra__kubernetes__cpu_limit_cores=0.8)
    assert verdict(carrying(throttled, 165)).readiness == "not_ready", "the low end counts here too"


def test_an_autoscaler_that_looks_at_another_metric_too_is_not_said_to_sleep(scene: Any) -> None:
    asleep = scene.but(process__cpu_cores_at_saturation=0.45, infra__kubernetes__hpa__other_metric=True)
    found = verdict(asleep).breaks_first
    assert found is not None
    assert found.what == "The fleet of 6"


# close behind, and when it runs out


def test_what_is_close_behind_is_named(scene: Any) -> None:
    near = scene.but(
        infra__kubernetes__memory_limit_bytes=int(1.05 * GIB),
        process__memory_verdict="growing",
        process__growth_bytes_per_second=12_000.0,
        monitoring__prometheus__count_ratio=0.9,
    )
    memory, growth, counting = verdict(near).close_behind
    assert memory == "Memory is close behind: the measured peak is 95\N{NO-BREAK SPACE}% of its limit."
    assert (
        growth == "Memory grows under load and reaches its limit after 1.24\N{NO-BREAK SPACE}h at the peak."
    )
    assert counting == "The service's own metrics counted 90\N{NO-BREAK SPACE}% of the requests sent."
    assert verdict(scene).close_behind == ()
    assert verdict(scene.but(monitoring__prometheus__count_ratio=1.2)).close_behind != ()


def test_a_target_within_the_autoscalers_tolerance_is_close_behind(scene: Any) -> None:
    (said,) = verdict(scene.but(process__cpu_cores_at_saturation=0.63)).close_behind  # 0.63 / 0.6 = 1.05
    assert plain(said).startswith("The autoscaler's CPU target is 95 % of what a replica shows")
    assert verdict(scene.but(process__cpu_cores_at_saturation=0.66)).close_behind == ()


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


FLEET = "the 210 req/s that 6 replicas carry at 70 % use."


def runs_out(scene: Any) -> tuple[str, str]:
    headline, text = verdict(scene).runs_out
    return headline, plain(text)


def test_the_day_of_running_out_is_given_with_its_interval(scene: Any) -> None:
    headline, text = runs_out(scene)
    # ln(210/100)/ln 1.08 months of 30.4375 days from 2026-03-01, and of 201.6 and 218.4 of low and high
    assert headline == "2026-12-19"
    assert text == (
        "Between 2026-12-03 and 2027-01-03 (95 %). Peak demand grows by 8%/month from 100 req/s to the "
        "210 req/s that 6 replicas carry at 70 % use."
    )


@pytest.mark.parametrize(
    ("profile", "headline", "text"),
    [
        ({"growth": {"workload": "0"}}, "Never at this growth",
         "Today's peak of 100 req/s does not grow (0) and is under " + FLEET),
        ({"growth": {"workload": "-2%/month"}}, "Never at this growth",
         "Today's peak of 100 req/s shrinks (-2%/month) and is under " + FLEET),
        ({"growth": {"workload": "0.1%/month"}}, "Not within 36 months",
         "Peak demand grows by 0.1%/month from 100 req/s to " + FLEET),
        ({"peak_per_s": 300}, "Now",
         "Today's peak of 300 req/s is over " + FLEET),
        ({"peak_per_s": 210}, "Now",
         "Today's peak of 210 req/s is at " + FLEET),
        ({"peak_per_s": None}, "Not known", "Nobody said today's peak: without it there is no date."),
        ({"growth": None}, "Not known", "Nobody said how the workload grows: without that there is no date."),
    ],
)  # fmt: skip
def test_what_is_said_of_running_out(scene: Any, profile: dict[str, Any], headline: str, text: str) -> None:
    assert runs_out(scene.of(**profile)) == (headline, text)


def test_an_end_that_is_not_known_is_told_from_one_beyond_the_horizon(scene: Any) -> None:
    assert runs_out(scene.but(load__capacity=(50.0, None, 52.0)))[1].startswith(
        "Between an unknown day and 2027-"
    )
    assert "2026-12-03 and an unknown day" in runs_out(scene.but(load__capacity=(50.0, 48.0, None)))[1]
    slow = runs_out(scene.of(growth={"workload": "2%..8%/month"}))
    assert slow[0] == "2027-06-10"
    slower = scene.of(growth={"workload": "1%..4%/month"}).but(load__capacity=(50.0, 48.0, 52.0))
    assert "later than 36 months from now" in runs_out(slower)[1]
    nobody = scene.of(peak_per_s=None).but(infra__kubernetes__hpa__max_replicas=None)
    assert "today's peak and the number of replicas: without them" in runs_out(nobody)[1]
    assert runs_out(scene.but(load__capacity=None)) == (
        "Not known", "Without a measured capacity that counts there is no date.",
    )  # fmt: skip


# how much was measured


def test_claims_are_counted_by_state_and_the_share_of_weight_that_evidence_settles(scene: Any) -> None:
    found = verdict(scene.claiming(MON_01="unsure", INF_01={"not_applicable": "one copy"}))
    assert found.counts["open"] == found.counts["not_applicable"] == found.counts["verified"] == 1
    assert found.measured_share == pytest.approx(3 / 5), "INF-08 of weight 3, MON-01 of weight 2 is open"
    assert verdict(scene).measured_share == 1.0


def test_the_rows_are_demand_and_what_carries_it(scene: Any) -> None:
    rows = [(plain(row.name), row.value, row.low, row.high) for row in verdict(scene).rows]
    assert rows == [
        ("Peak today", 100, None, None),
        ("One replica", 50, 48, 52),
        ("6 replicas at 70 % use", pytest.approx(210), pytest.approx(201.6), pytest.approx(218.4)),
        ("6 replicas, one lost, full use", 250, 240, 260),
    ]
    alone = verdict(scene.but(infra__kubernetes__hpa__max_replicas=1)).rows
    assert [plain(row.name) for row in alone][2:] == ["1 replica at 70 % use"]


# every sentence


SPOILT = re.compile(
    r"None|nan|inf\b|  | \.|\.\.|,,| ,|\(\)|\{|\}|\b1 replicas|(?<!\.)\b1 cores|\b1 claims| s\b"
)


def texts(scene: Any) -> list[str]:
    assessed = scene.assessed()
    found = assessed.verdict
    said = [found.headline, *found.reasons, found.capacity_finding, *found.close_behind, *found.runs_out]
    said += [limit.because for limit in limits_of(assessed.judged.evidence, assessed.judged.profile)]
    said += [row.name for row in found.rows]
    for action in assessed.actions:
        if hasattr(action, "because"):
            said += [action.text, action.because, action.tradeoff]
    return said


def check(said: str) -> None:
    shown = plain(said)
    assert shown, "nothing is said at all"
    assert not SPOILT.search(shown.replace("8%..12%", "")), shown
    assert shown[0].isupper() or shown[0].isdigit() or shown[0] in "+\N{MINUS SIGN}ab", shown
    assert not re.search(r"(?<!\.)\b1 (replicas|cores)\b", shown), shown
    assert not re.search(r"\b(\d{2,}|[2-9]) (replica|core)\b", shown), shown
    assert not re.search(r"\b1 replica (carry|have|are)\b", shown), shown
    assert not re.search(r"\b[2-9] replicas (carries|has|is)\b", shown), shown


def test_every_sentence_of_every_kind_of_case_reads_right(scene: Any) -> None:
    kinds: dict[str, list[Any]] = {
        "load__capacity": [None, 50.0, (50.0, 48.0, 52.0), (1.0, 0.98, 1.1), (20_000.0, 19_000.0, None)],
        "infra__kubernetes__hpa__max_replicas": [None, 1, 6],
        "infra__kubernetes__memory_limit_bytes": [None, GIB // 2, int(1.05 * GIB), 2 * GIB],
        "process__cpu_cores_at_saturation": [None, 0.3, 1.0, 2.5],
        "infra__kubernetes__cpu_limit_cores": [None, 0.9],
        "load__limited_by": [None, "cpu", "not_identified"],
        "infra__kubernetes__hpa__min_replicas": [None, 1, 2],
        "monitoring__prometheus__count_ratio": [None, 0.5, 1.0],
    }
    profiles: dict[str, list[Any]] = {
        "peak_per_s": [None, 1, 100, 5_000],
        "target_peak_per_s": [None, 140, 35],
        "growth": [None, {"workload": "0"}, {"workload": "8%..12%/month"}, {"workload": "12/month"}],
        "replicas": [None, 1, 3],
        "price_per_replica_hour": [None, 1.2],
        "currency": [None, "EUR"],
    }
    claims: dict[str, list[Any]] = {
        "INF_01": ["INF_01_no", "INF_01_b", "unsure", {"not_applicable": "no"}],
        "INF_08": ["INF_08_a", "INF_08_b"],
        "MON_01": ["MON_01_a", "unsure"],
    }
    chance = random.Random(20260301)
    seen: set[str] = set()
    for _ in range(500):
        given = scene.but(**{name: chance.choice(values) for name, values in kinds.items()})
        given = given.of(**{name: chance.choice(values) for name, values in profiles.items()})
        given = given.claiming(**{name: chance.choice(values) for name, values in claims.items()})
        for said in texts(given):
            if said not in seen:
                seen.add(said)
                check(said)
    assert len(seen) > 300


def test_readiness_never_says_ready_where_a_limit_is_reached_before(scene: Any) -> None:
    loads, limits = (50, 140, 201.6, 202, 500), (GIB // 2, 2 * GIB)
    for load, limit, cores in itertools.product(loads, limits, (0.45, 1.0)):
        given = carrying(scene, load).but(
            infra__kubernetes__memory_limit_bytes=limit, process__cpu_cores_at_saturation=cores
        )
        found = verdict(given)
        first = found.breaks_first
        assert first is not None
        assert first.rate_per_s is not None
        if found.readiness == "ready":
            assert first.rate_per_s >= load
            assert given.assessed().scores.overall.band in ("conditional", "ready")


def test_a_capacity_that_expired_is_not_said_to_be_unmeasured(scene: Any) -> None:
    late = scene.assessed(NOW + timedelta(days=60)).verdict
    assert late.headline.endswith(": no measured capacity counts")
    assert plain(late.reasons[0]) == (
        "The capacity of 50 req/s measured on 2026-02-28 does not count: it is 61 days old and load runs "
        "count for 30."
    )
    assert late.capacity_finding == "No measured capacity counts"


def test_a_run_without_a_usable_capacity_is_not_said_to_be_no_run(scene: Any) -> None:
    about = {"id": "r1", "started_at": "2026-02-28T00:00:00+00:00", "status": "completed"}
    spoilt = {"run": about | {"grade": "client_limited", "grade_reason": "others used 1.3 cores"}}
    found = verdict(replace(scene.but(load__capacity=None), runs=(spoilt,)))
    assert found.headline.endswith(": the load run does not count")
    assert found.capacity_finding == "The load run does not count"
    assert found.reasons[0] == (
        "The load run of 2026-02-28 was limited by its own client (others used 1.3 cores) and says nothing "
        "certain of the service: repeat it on a machine that is less busy."
    )
    vague = {"run": about | {"grade": "insufficient"}, "capacity": {"reason": "no step was long enough"}}
    found = verdict(replace(scene.but(load__capacity=None), runs=(vague,)))
    assert found.headline.endswith(": the load run found no capacity")
    assert "2026-02-28 found no capacity (no step was long enough)" in found.reasons[0]
    later = {"run": about | {"grade": "insufficient", "started_at": "2026-02-28T01:00:00+00:00"}}
    found = verdict(replace(scene.but(load__capacity=None), runs=(later, spoilt)))
    assert found.reasons[0].startswith("The load run of 2026-02-28 found no capacity: probe")


def test_a_low_end_that_is_reached_already_is_no_date_in_the_past(scene: Any) -> None:
    # today's peak of 205/s lies between the 201.6/s of the low end and 210/s
    _, text = runs_out(scene.of(peak_per_s=205, target_peak_per_s=None))
    assert text.startswith("Between today, since the low end is reached already, and 2026-")


def test_a_date_of_the_fleet_names_what_gives_out_before_it(scene: Any) -> None:
    asleep = runs_out(scene.but(process__cpu_cores_at_saturation=0.45))[1]
    assert plain(asleep).endswith("The autoscaler gives out before that, at 70 req/s.")
    killed = runs_out(scene.but(infra__kubernetes__memory_limit_bytes=GIB // 2))[1]
    assert killed.endswith("The memory limit gives out before that.")
    assert "before that" not in runs_out(scene)[1]
