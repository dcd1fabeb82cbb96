"""Our lens: what it asks about, what proves and contradicts its choices, and whom it asks."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest

from assessments.claims import Answers, Claim
from assessments.cross_checks import derived_facts
from assessments.evidence import Evidence, weigh
from assessments.expressions import (
    Compare,
    Constant,
    Expression,
    FactRef,
    Literal,
    Scalar,
    Word,
    walk,
)
from assessments.judging import Judged, Materials, judged_at
from assessments.lens import Choice, Lens, Question, bundled_lens, named_facts
from assessments.profile import PROFILE_FACTS, read_profile
from probes.facts import CATALOGUE, Fact, Source

NOW = datetime(2026, 10, 1, tzinfo=UTC)

TOPICS = """
cloud elasticity; AWS; Azure; Google Cloud; managed services; SageMaker training; SageMaker endpoints;
auto scaling groups; microservices; containers; Docker; orchestration; Kubernetes; distributed training;
fault tolerance; accelerators;
pruning; quantisation; distillation; TensorFlow Lite; random forests; gradient boosting;
approximate nearest neighbours;
ingestion; Kafka; processing; Spark; warehouses; Snowflake; BigQuery; pipelines; feature engineering;
data sampling;
response time; throughput; utilisation; Prometheus; Grafana; Datadog; profiling; bottlenecks;
automated scaling; quality of answers under load; cost; growth
"""
"""What the lens has to ask about."""

UNPROVABLE = """
INF-02:d INF-03:ad INF-04:cd INF-05:abcd INF-06:ad INF-07:a INF-09:cd INF-10:bc INF-11:d INF-12:a
INF-13:ad INF-14:a INF-15:ad INF-16:abc INF-17:ac INF-18:d MOD-01:abcd MOD-02:abcd MOD-03:abcd
MOD-04:abcd MOD-05:abcd MOD-07:a MOD-08:a MOD-09:abcd MOD-10:a MOD-11:abc MOD-12:bcd MOD-13:acd
MOD-14:a MOD-15:abcd MOD-16:cd MOD-17:abd MOD-18:acd DAT-01:acd DAT-02:ad DAT-03:abcd DAT-04:abd
DAT-05:a DAT-06:acd DAT-07:acd DAT-08:abcd DAT-09:ad DAT-10:abcd DAT-11:acd DAT-12:ac DAT-13:abcd
MON-01:a MON-02:d MON-03:a MON-04:d MON-06:abd MON-07:ad MON-08:bc MON-09:c MON-10:ad MON-11:a
MON-12:bcd MON-13:ab
"""
"""The choices that no probe can prove today. A new probe shortens the list; nothing else should change it."""

CRITICAL = {
    "INF-01", "INF-10", "INF-11", "INF-12", "INF-13", "MOD-07", "MOD-13", "DAT-03", "MON-01", "MON-04",
}  # fmt: skip

OF_A_REPOSITORY = (
    *(
        "data.",
        "infra.ci.",
        "infra.cloud.",
        "infra.compose.",
        "infra.dockerfile.",
        "infra.serving.",
        "model.",
    ),
    *("monitoring.alarms.", "monitoring.dashboards.", "monitoring.inputs_watched.", "monitoring.tracing."),
    *("monitoring.prometheus.data_size", "monitoring.prometheus.drift", "monitoring.prometheus.quality"),
    *("monitoring.prometheus.has_cache", "monitoring.prometheus.has_feature", "load.batch_gain"),
    *("load.models_timed", "infra.kubernetes.session_affinity", "infra.kubernetes.hpa.target_memory"),
)

OVERRULED = {
    (
        "INF_01_c",
        "INF_01_c",
    ): "the manifest has bounds that differ, and a load run shows a target never reached",
    (
        "INF_02_a",
        "INF_02_a",
    ): "the cloud has an autoscaler, and the manifests of the workload that serves have none, or one that "
    "cannot act",
    ("INF_02_c", "INF_02_a"): "as INF_02_a",
    ("INF_02_c", "INF_02_b"): "as INF_02_a, with one that never acts",
    ("INF_02_c", "INF_02_c"): "the cloud's autoscaler follows demand, that of the manifests only CPU",
    ("MON_07_c", "MON_07_a"): "a load run named a resource, and the profile names another one",
    ("INF_06_c", "INF_06_c"): "as INF_01_c, for the service that was scanned",
    ("INF_14_b", "INF_14_b"): "the manifest asks for three copies, and the autoscaler goes down to one",
    ("INF_14_c", "INF_14_b"): "as INF_14_b",
    ("INF_14_d", "INF_14_b"): "as INF_14_b",
    ("MOD_08_b", "MOD_08_a"): "memory is watched, and reaches its limit within a day all the same",
}
"""Choices that are proven (first) although one at or below them is contradicted (second), of honest systems.

The contradiction wins; for each it is said why it should.
"""


@pytest.fixture(scope="module")
def lens() -> Lens:
    return bundled_lens()


def ladders(lens: Lens) -> Iterator[tuple[Question, Choice]]:
    """Each choice that is worth something, with its question."""
    for question in lens.questions:
        for choice in question.choices[1:]:
            yield question, choice


def asked(lens: Lens) -> Iterator[tuple[str, Expression]]:
    """Each expression that proves or contradicts, under a name."""
    for _, choice in ladders(lens):
        for name in ("verified_by", "contradicted_by"):
            found: Expression | None = getattr(choice, name)
            if found is not None:
                yield f"{choice.id}.{name}", found


def applies(question: Question, **profile: Scalar) -> bool | None:
    return question.applies_when.value({f"profile.{name}": value for name, value in profile.items()})


# what it is


def test_nothing_in_it_deserves_a_second_look(lens: Lens) -> None:
    assert [problem.to_json() for problem in lens.problems] == []


def test_it_asks_between_50_and_80_questions_over_four_pillars_and_four_axes(lens: Lens) -> None:
    assert (lens.name, lens.takes_several) == ("loadstone-readiness", False)
    assert 50 <= len(lens.questions) <= 80
    assert [pillar.id for pillar in lens.pillars] == ["infrastructure", "models", "data", "monitoring"]
    assert [axis.id for axis in lens.axes] == ["workload", "users", "data", "complexity"]
    on_axis = Counter(axis for question in lens.questions for axis in question.axes)
    assert min(on_axis[axis.id] for axis in lens.axes) >= 10
    assert all(question.axes for question in lens.questions)


def test_it_fits_the_limits_of_an_aws_lens(lens: Lens) -> None:
    in_pillar = Counter(question.pillar for question in lens.questions)
    assert max(in_pillar.values()) <= 20
    assert max(len(question.text) for question in lens.questions) <= 128
    assert max(len(choice.text) for _, choice in ladders(lens)) <= 128
    assert len((files("resources.lenses") / "loadstone-readiness.yaml").read_bytes()) < 500_000


def test_ids_are_numbered_within_their_pillar(lens: Lens) -> None:
    prefixes = {"infrastructure": "INF", "models": "MOD", "data": "DAT", "monitoring": "MON"}
    for pillar, prefix in prefixes.items():
        ids = [question.id for question in lens.questions if question.pillar == pillar]
        assert ids == [f"{prefix}-{number:02}" for number in range(1, len(ids) + 1)]
    for question in lens.questions:
        endings = ("no", "a", "b", "c", "d")[: len(question.choices)]
        stem = question.id.replace("-", "_")
        assert [choice.id for choice in question.choices] == [f"{stem}_{ending}" for ending in endings]


def test_each_ladder_has_four_or_five_choices_and_rises_evenly_from_0_to_1(lens: Lens) -> None:
    ladder = {4: [0, 0.33, 0.67, 1], 5: [0, 0.25, 0.5, 0.75, 1]}
    for question in lens.questions:
        values = [choice.value for choice in question.choices]
        assert values == ladder[len(values)], question.id


def test_each_question_has_a_short_title_a_reason_and_something_to_read(lens: Lens) -> None:
    shorts = [question.short for question in lens.questions]
    assert all(0 < len(short) <= 30 for short in shorts)
    assert len(set(shorts)) == len(shorts)
    for question in lens.questions:
        assert question.text.endswith("?"), question.id
        assert len(question.why) >= 40, question.id
        assert question.references, question.id
        assert question.terms, question.id


def test_the_questions_that_cap_a_score_are_few_and_chosen(lens: Lens) -> None:
    assert {question.id for question in lens.questions if question.critical} == CRITICAL


def test_every_topic_is_asked_about(lens: Lens) -> None:
    topics = {topic.strip() for topic in TOPICS.replace("\n", " ").split(";")}
    assert len(topics) == 45
    found = {term for question in lens.questions for term in question.terms}
    assert topics - found == set()


def test_each_threshold_has_a_reason_of_its_own(lens: Lens) -> None:
    reasons = [threshold.reason for threshold in lens.thresholds]
    assert len(set(reasons)) == len(reasons)
    assert all(len(reason) >= 25 for reason in reasons)
    expiry = lens.expiry
    assert (expiry.evidence_days, expiry.load_run_days, expiry.attachment_days) == (180, 30, 180)


def test_thresholds_are_named_and_not_written_into_expressions(lens: Lens) -> None:
    """Only 0 (there is none) and 1 (there is one) stand as numbers."""
    numbers = {
        (name, part.operand.value)
        for name, found in asked(lens)
        for part in walk(found.node)
        if isinstance(part, Compare) and isinstance(part.operand, Literal)
        if not isinstance(part.operand.value, bool)
    }
    assert {value for _, value in numbers} <= {0, 1}, sorted(numbers)


# how to get better


def test_each_step_up_says_what_to_do_what_it_takes_and_what_it_costs(lens: Lens) -> None:
    for _, choice in ladders(lens):
        remedy = choice.remediation
        assert remedy is not None, choice.id
        assert 0.25 <= remedy.effort_days <= 20, choice.id
        assert remedy.impact is not None, choice.id
        assert len(remedy.text) >= 25, choice.id
        assert len(remedy.tradeoff) >= 30, choice.id
        assert remedy.tradeoff not in remedy.text


def test_no_two_steps_say_the_same(lens: Lens) -> None:
    remedies = [choice.remediation for _, choice in ladders(lens) if choice.remediation is not None]
    for texts in ([remedy.text for remedy in remedies], [remedy.tradeoff for remedy in remedies]):
        assert [text for text, times in Counter(text.lower() for text in texts).items() if times > 1] == []
    beginnings = Counter(" ".join(remedy.tradeoff.split()[:5]) for remedy in remedies)
    assert max(beginnings.values()) <= 2, beginnings.most_common(3)


# whom it asks


def test_every_question_is_asked_of_some_system(lens: Lens) -> None:
    everything: dict[str, Scalar] = {
        name.removeprefix("profile."): True
        for name, entry in PROFILE_FACTS.items()
        if entry.type == "boolean"
    }
    everything |= {"target_kind": "http", "deploys_to": "k8s"}
    assert [question.id for question in lens.questions if not applies(question, **everything)] == []


@pytest.mark.parametrize(
    ("profile", "without"),
    [
        ({"has_gpu": False}, {"INF-16"}),
        ({"uses_ann": False}, {"MOD-12"}),
        ({"uses_rf": False}, {"MOD-10"}),
        ({"uses_gbm": False}, {"MOD-11"}),
        ({"uses_nn": False}, {"MOD-02", "MOD-03", "MOD-04"}),
        ({"edge_target": False}, {"MOD-05"}),
        ({"streaming": False}, {"DAT-01"}),
        ({"variable_input": False}, {"MOD-15"}),
        ({"trains": False}, {"INF-05", "MOD-09", "DAT-08", "DAT-10", "DAT-13"}),
        ({"deploys_to": "serverless"}, {"INF-08", "INF-09", "INF-18", "MON-08"}),
        ({"deploys_to": "vm"}, set()),
        ({"deploys_to": "k8s"}, set()),
        ({"deploys_to": "unknown"}, set()),
    ],
)
def test_what_a_system_does_not_have_is_not_asked_about(
    lens: Lens, profile: dict[str, Scalar], without: set[str]
) -> None:
    left_out = {question.id for question in lens.questions if applies(question, **profile) is False}
    assert left_out == without


@pytest.mark.parametrize("place", ["edge", "desktop"])
def test_what_runs_at_its_users_is_not_asked_about_fleets(lens: Lens, place: str) -> None:
    on_kubernetes = {
        question.id
        for question in lens.questions
        for choice in question.choices
        for found in (choice.verified_by, choice.contradicted_by)
        if found is not None and any(name.startswith("infra.kubernetes.hpa.") for name in found.names)
    }
    left_out = {question.id for question in lens.questions if applies(question, deploys_to=place) is False}
    assert on_kubernetes <= left_out
    assert {"MOD-01", "MOD-17", "DAT-11", "INF-12"} & left_out == set()


def test_a_profile_that_says_nothing_leaves_nothing_out(lens: Lens) -> None:
    assert [question.id for question in lens.questions if applies(question) is False] == []


# what proves and what contradicts


def test_the_choices_that_no_probe_can_prove_are_these(lens: Lens) -> None:
    listed = [entry.split(":") for entry in UNPROVABLE.split()]
    expected = {
        f"{question.replace('-', '_')}_{ending}" for question, endings in listed for ending in endings
    }
    assert {choice.id for _, choice in ladders(lens) if choice.unprovable} == expected
    assert all(len(choice.unprovable) >= 20 for _, choice in ladders(lens) if choice.unprovable)


def test_it_looks_at_what_is_measured_and_read_today(lens: Lens) -> None:
    names = set(named_facts(lens))
    assert {
        "load.capacity",
        "load.limited_by",
        "load.response_p99_ms",
        "load.cold_start_seconds",
        "load.scalability_sigma",
        "process.memory_verdict",
        "process.cpu_cores_at_saturation",
        "process.rss_peak_bytes",
        "infra.kubernetes.hpa.can_scale",
        "infra.kubernetes.hpa.other_metric",
        "infra.kubernetes.memory_limit.present",
        "infra.kubernetes.readiness_probe.present",
        "infra.kubernetes.probes_differ",
        "infra.kubernetes.pdb.allowed_disruptions",
        "infra.kubernetes.spread.present",
        "infra.kubernetes.image_pinned",
        "infra.kubernetes.replicas",
        "monitoring.prometheus.has_latency_histogram",
        "monitoring.prometheus.latency_alert.present",
        "monitoring.prometheus.rules_failing",
        "monitoring.prometheus.count_ratio",
        "derived.memory_limit_headroom",
        "derived.hours_to_memory_limit",
        "derived.fleet_headroom",
        "derived.max_replicas_headroom",
        "derived.hpa_target_margin",
        "derived.latency_alert_ratio",
        "derived.cost_per_million",
        "derived.days_to_run_out",
        "history.load_runs_90_days",
        "history.load_run_age_days",
    } <= names


def test_every_expression_can_be_true_and_can_be_false(lens: Lens) -> None:
    for name, found in asked(lens):
        seen = {found.value(facts) for facts in boundary_facts(found)}
        assert {True, False} <= seen, f"{name}: {found.node}"
        assert found.value({}) is None, f"{name} is known without any fact"


def test_what_proves_a_step_never_contradicts_it_but_where_that_is_meant(lens: Lens) -> None:
    """Over systems whose derived facts follow from the others, as they do in an assessment."""
    dice = random.Random(7)
    overruled: set[tuple[str, str]] = set()
    proven: set[str] = set()
    for _ in range(2_000):
        evidence = a_system(dice)
        for question in lens.questions:
            against = None
            for choice in question.choices:
                if against is None and evidence.proves(choice.contradicted_by):
                    against = choice.id
                if evidence.proves(choice.verified_by):
                    proven.add(choice.id)
                    if against is not None:
                        overruled.add((choice.id, against))
    assert proven == {choice.id for _, choice in ladders(lens) if choice.verified_by is not None}
    assert overruled == set(OVERRULED)


def boundary_facts(found: Expression) -> Iterator[dict[str, Scalar]]:
    """Facts on either side of each limit that the expression names, in all combinations."""
    values: dict[str, set[Scalar]] = {name: set() for name in found.names}
    for part in walk(found.resolved):
        if isinstance(part, FactRef):
            values[part.name] |= {True, False}
        if isinstance(part, Compare):
            entry = PROFILE_FACTS.get(part.fact.name) or CATALOGUE[part.fact.name]
            match part.operand:
                case Literal(bool()):
                    values[part.fact.name] |= {True, False}
                case Literal(limit):
                    values[part.fact.name] |= {limit - 0.001, limit, limit + 0.001}
                case Word() | FactRef():
                    values[part.fact.name] |= set(entry.choices)
                    if isinstance(part.operand, FactRef):
                        values[part.operand.name] |= set(PROFILE_FACTS[part.operand.name].choices)
                case Constant():
                    raise AssertionError("constants are resolved")
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def a_system(dice: random.Random) -> Evidence:
    """What one load run, one scan and one comparison of counts would find of some system."""
    pick = dice.choice
    cores_allowed = pick((1.0, 2.0, 4.0))
    cores_used = min(cores_allowed, pick((0.5, 1.0, 1.05, 1.9, 3.9)))
    peak = pick((10**8, 10**9))
    least, most = pick(((1, 1), (1, 6), (2, 6), (3, 3), (2, 40)))
    has_autoscaler, has_alert = dice.random() < 0.8, dice.random() < 0.7
    latency, errors, saturation = has_alert, has_alert and pick((True, False)), pick((True, False))
    values: dict[str, Any] = {
        "load.capacity": pick((5.0, 42.0, 300.0)),
        "load.service_p50_ms": 8.0,
        "load.response_p99_ms": pick((40.0, 400.0)),
        "load.limited_by": pick(CATALOGUE["load.limited_by"].choices),
        "load.scalability_sigma": pick((0.01, 0.1, 0.2, 0.31)),
        "load.scalability_kappa": pick((0.0, 0.001, 0.01)),
        "load.cold_start_seconds": pick((5.0, 60.0, 100.0, 121.0)),
        "process.cpu_cores_at_saturation": cores_used,
        "process.rss_peak_bytes": peak,
        "process.memory_verdict": pick(("growing", "flat", "insufficient")),
        "process.growth_bytes_per_request": pick((0.0, 1.0, 10_000.0)),
        "process.gil_share": pick((0.1, 0.9)),
        "infra.kubernetes.workloads.count": pick((1, 2, 5)),
        "infra.kubernetes.cpu_request.present": True,
        "infra.kubernetes.cpu_request_cores": cores_allowed * pick((0.1, 0.5, 1.0)),
        "infra.kubernetes.cpu_limit_cores": cores_allowed,
        "infra.kubernetes.memory_limit.present": True,
        "infra.kubernetes.memory_limit_bytes": int(peak * pick((0.9, 1.05, 1.1, 1.15, 1.2, 2.0, 3.5))),
        "infra.kubernetes.readiness_probe.present": True,
        "infra.kubernetes.liveness_probe.present": True,
        "infra.kubernetes.probes_differ": pick((True, False)),
        "infra.kubernetes.termination_grace_seconds": pick((1, 30)),
        "infra.kubernetes.image_pinned": pick((True, False)),
        "infra.kubernetes.rolling_update.max_surge": pick((0, 1)),
        "infra.kubernetes.spread.present": pick((True, False)),
        "infra.kubernetes.pdb.present": True,
        "infra.kubernetes.pdb.allowed_disruptions": pick((0, 1)),
        "infra.kubernetes.replicas": pick((1, 3)),
        "infra.kubernetes.hpa.present": has_autoscaler,
        "monitoring.prometheus.series.count": pick((0, 200)),
        "monitoring.prometheus.alerts.count": latency + errors + saturation,
        "monitoring.prometheus.latency_alert.present": latency,
        "monitoring.prometheus.error_alert.present": errors,
        "monitoring.prometheus.saturation_alert.present": saturation,
        "monitoring.prometheus.scrape_interval_seconds": pick((15.0, 61.0)),
        "monitoring.prometheus.rules_failing": pick((0, 1)),
        "monitoring.prometheus.count_ratio": pick((0.49, 0.99, 1.0, 1.3)),
    }
    back, shed, goodput = pick(
        ((True, 0.0, 0.1), (False, 0.0, 0.05), (True, 0.5, 0.3), (True, 0.95, 0.9), (True, 0.2, 0.7))
    )
    values |= {
        "load.recovers": back,
        "load.overload_shed_ratio": shed,
        "load.overload_goodput_ratio": goodput,
        "load.answers_changed_ratio": pick((0.0, 0.01, 0.3)),
        "load.loss_of": pick(("process", "instance")),
        "load.loss_carried": pick((True, False)),
        "load.volume_exponent": pick((0.9, 1.1, 1.9)),
    }
    values["infra.kubernetes.image_digest"] = values["infra.kubernetes.image_pinned"] and pick((True, False))
    if has_autoscaler:
        other = pick((True, False))
        values |= {
            "infra.kubernetes.hpa.min_replicas": least,
            "infra.kubernetes.hpa.max_replicas": most,
            "infra.kubernetes.hpa.can_scale": most > least,
            "infra.kubernetes.hpa.target_resolves": True,
            "infra.kubernetes.hpa.cpu_target_usable": True,
            "infra.kubernetes.hpa.other_metric": other,
        }
        if not other or pick((True, False)):
            values["infra.kubernetes.hpa.target_cpu_ratio"] = pick((0.3, 0.7, 0.95))
    if values["monitoring.prometheus.series.count"]:
        for name in ("request_counter", "error_label", "latency_histogram", "process_metrics"):
            values[f"monitoring.prometheus.has_{name}"] = pick((True, True, True, False))
    else:
        del values["monitoring.prometheus.count_ratio"]
    values |= of_a_repository(dice)
    if latency:
        values["monitoring.prometheus.latency_alert.threshold_ms"] = pick((100.0, 250.0, 900.0))
    kept = {name: value for name, value in values.items() if dice.random() < 0.9}
    profile = read_profile(
        {
            "slo": "p99<=250ms,errors<=1%",
            "peak_per_s": pick((20, 150, 400)),
            "target_peak_per_s": pick((20, 240, 900)),
            "growth": {"workload": pick(("0", "2%/month", "25%/month"))},
            "replicas": pick((1, 4)),
            "price_per_replica_hour": 1.2,
            "claimed_bottleneck": pick(PROFILE_FACTS["profile.claimed_bottleneck"].choices),
        }
    )
    runs = [
        {
            "run": {
                "id": f"r{days}",
                "status": "completed",
                "started_at": (NOW - timedelta(days=days)).isoformat(),
            }
        }
        for days in pick(((), (1,), (1, 20, 60), (100,), (200,), (400,)))
    ]
    base = [fact(name, value) for name, value in kept.items()]
    derived = derived_facts(weigh(base, NOW, profile.facts()), profile, runs)
    return weigh([*base, *derived], NOW, profile.facts())


def of_a_repository(dice: random.Random) -> dict[str, Any]:
    """What a scan of the rest of a repository may find, each by itself."""
    pick = dice.choice
    found: dict[str, Any] = {}
    for name in sorted(set(itertools.chain.from_iterable(one.names for _, one in asked(bundled_lens())))):
        entry = CATALOGUE.get(name)
        if entry is None or not name.startswith(OF_A_REPOSITORY):
            continue
        if entry.type == "boolean":
            found[name] = pick((True, False))
        elif entry.choices:
            found[name] = pick(entry.choices)
        elif entry.type == "integer":
            found[name] = pick((0, 1, 2, 3, 5, 40))
        else:
            found[name] = pick((0.4, 1.0, 1.5, 3.0, 9.0))
    return found


def fact(name: str, value: Any, *, days: float = 1, state: Any = None) -> Fact:
    """A fact as a load run measures it or a scan reads it."""
    by_run = name.partition(".")[0] in ("load", "process")
    source = Source("load", run="r1") if by_run else Source("scan", file="deploy.yaml", line=3)
    state = state or ("measured" if by_run else "read")
    return Fact(name, value, CATALOGUE[name].unit, source, NOW - timedelta(days=days), state)


def judged(
    lens: Lens,
    claims: Mapping[str, Claim | str],
    facts: Mapping[str, Any],
    profile: Mapping[str, Any] | None = None,
    *,
    days: float = 1,
) -> Judged:
    """The assessment of these claims; the facts were observed so many days ago."""
    given = {
        question: claim if isinstance(claim, Claim) else Claim(question, (claim,))
        for question, claim in claims.items()
    }
    answers = Answers("answers.yaml", profile=read_profile(profile or {}), claims=given)
    observed = tuple(fact(name, value, days=days) for name, value in facts.items())
    return judged_at(Materials("example", "id", lens, answers, observed), NOW)


def state_of(lens: Lens, choice: str, facts: Mapping[str, Any], **more: Any) -> str:
    """The state of the claim of that choice."""
    question = "-".join(choice.split("_")[:2])
    found = judged(lens, {question: choice}, facts, **more)
    return next(entry.state for entry in found.judgements if entry.question == question)


# the examples


@pytest.mark.parametrize(
    ("times_peak", "state"),
    [
        (1.05, "contradicted"),
        (1.099, "contradicted"),
        (1.1, "partly"),
        (1.199, "partly"),
        (1.2, "verified"),
        (3.5, "partly"),
    ],
)
def test_a_memory_limit_needs_a_tenth_above_the_peak_and_a_fifth_to_be_proven(
    lens: Lens, times_peak: float, state: str
) -> None:
    facts = {
        "infra.kubernetes.memory_limit.present": True,
        "infra.kubernetes.cpu_request.present": True,
        "infra.kubernetes.memory_limit_bytes": int(times_peak * 10**9),
        "process.rss_peak_bytes": 10**9,
    }
    assert state_of(lens, "INF_08_c", facts) == state


@pytest.mark.parametrize(
    ("target", "other_metric", "state"),
    [
        (0.95, False, "contradicted"),
        (0.95, True, "verified"),
        (0.8, False, "verified"),
        (0.9, False, "verified"),
    ],
)
def test_a_cpu_target_above_the_knee_contradicts_that_capacity_follows_demand(
    lens: Lens, target: float, other_metric: bool, state: str
) -> None:
    """The knee lies at 0.45 of 0.5 requested cores: a target of 80 or 90 % is reached, one of 95 % never."""
    facts = {
        "process.cpu_cores_at_saturation": 0.45,
        "infra.kubernetes.cpu_request_cores": 0.5,
        "infra.kubernetes.hpa.present": True,
        "infra.kubernetes.hpa.can_scale": True,
        "infra.kubernetes.hpa.other_metric": other_metric,
        "infra.kubernetes.hpa.target_cpu_ratio": target,
    }
    assert state_of(lens, "INF_01_c", facts) == state


def test_bounds_that_are_equal_contradict_and_no_autoscaler_found_only_challenges(lens: Lens) -> None:
    autoscaler = {"infra.kubernetes.hpa.present": True, "infra.kubernetes.hpa.can_scale": False}
    assert state_of(lens, "INF_01_c", autoscaler) == "contradicted"
    assert state_of(lens, "INF_01_c", {"infra.kubernetes.hpa.present": False}) == "challenged"
    assert state_of(lens, "INF_01_c", {}) == "claimed"


def test_one_copy_contradicts_where_the_autoscaler_says_so_and_challenges_where_none_was_found(
    lens: Lens,
) -> None:
    assert state_of(lens, "INF_14_b", {"infra.kubernetes.hpa.min_replicas": 1}) == "contradicted"
    found = {"infra.kubernetes.replicas": 1, "infra.kubernetes.hpa.present": False}
    assert state_of(lens, "INF_14_b", found) == "challenged"
    scaled = {"infra.kubernetes.replicas": 1, "infra.kubernetes.hpa.min_replicas": 2}
    assert state_of(lens, "INF_14_b", scaled) == "verified"


@pytest.mark.parametrize(
    ("ratio", "state"),
    [(0.497, "contradicted"), (0.98, "contradicted"), (0.995, "verified"), (1.4, "partly")],
)
def test_counts_that_miss_requests_contradict_that_metrics_are_complete(
    lens: Lens, ratio: float, state: str
) -> None:
    """197 of 397 counted is what two workers without shared counters gave."""
    names = ("request_counter", "error_label", "latency_histogram", "process_metrics")
    facts: dict[str, Any] = {f"monitoring.prometheus.has_{name}": True for name in names}
    facts |= {"monitoring.prometheus.count_ratio": ratio}
    assert state_of(lens, "MON_01_d", facts) == state


@pytest.mark.parametrize(
    ("threshold_ms", "state"), [(150, "verified"), (200, "verified"), (500, "contradicted")]
)
def test_an_alert_above_the_objective_comes_too_late(lens: Lens, threshold_ms: float, state: str) -> None:
    facts = {
        "monitoring.prometheus.latency_alert.present": True,
        "monitoring.prometheus.latency_alert.threshold_ms": float(threshold_ms),
        "monitoring.prometheus.scrape_interval_seconds": 15.0,
    }
    assert state_of(lens, "MON_04_c", facts, profile={"slo": "p99<=200ms"}) == state


def test_a_capacity_is_known_for_thirty_days(lens: Lens) -> None:
    assert state_of(lens, "INF_12_c", {"load.capacity": 42.0}, days=29) == "verified"
    assert state_of(lens, "INF_12_c", {"load.capacity": 42.0}, days=31) == "claimed"


def test_memory_that_grows_contradicts_that_it_stays_level(lens: Lens) -> None:
    assert state_of(lens, "MOD_08_c", {"process.memory_verdict": "flat"}) == "verified"
    assert state_of(lens, "MOD_08_c", {"process.memory_verdict": "growing"}) == "contradicted"
    assert state_of(lens, "MOD_08_c", {"process.memory_verdict": "insufficient"}) == "claimed"


@pytest.mark.parametrize(
    ("measured", "named", "state"),
    [
        ("cpu", "cpu", "verified"),
        ("gil", "lock", "verified"),
        ("gil", "downstream", "contradicted"),
        ("memory", "cpu", "contradicted"),
        ("not_identified", "cpu", "claimed"),
        ("client", "cpu", "claimed"),
        ("memory", "unknown", "verified"),
    ],
)
def test_the_resource_that_ran_out_is_held_against_the_one_that_was_named(
    lens: Lens, measured: str, named: str, state: str
) -> None:
    facts = {"load.limited_by": measured, "load.capacity": 42.0}
    assert state_of(lens, "MON_07_c", facts, profile={"claimed_bottleneck": named}) == state


def test_a_maximum_below_the_copies_needed_contradicts_that_there_is_room(lens: Lens) -> None:
    """240 a second at 70 % of 42 a copy need 9 copies."""
    facts = {"load.capacity": 42.0, "infra.kubernetes.hpa.max_replicas": 8}
    profile = {"target_peak_per_s": 240}
    assert state_of(lens, "INF_18_b", facts, profile=profile) == "contradicted"
    facts["infra.kubernetes.hpa.max_replicas"] = 9
    assert state_of(lens, "INF_18_b", facts, profile=profile) == "verified"


def worked(lens: Lens, times_peak: float) -> Judged:
    """The worked example on this lens: five questions, a load run of yesterday and the manifests."""
    kept = ("INF-12", "INF-01", "INF-08", "INF-15", "INF-14")
    small = replace(lens, questions=tuple(lens.by_id[question] for question in kept))
    claims: dict[str, Claim | str] = {
        "INF-12": "INF_12_c",
        "INF-01": "INF_01_d",
        "INF-08": "INF_08_c",
        "INF-15": "INF_15_a",
        "INF-14": Claim("INF-14", (), "not_applicable", reason="one copy by design"),
    }
    facts = {
        "load.capacity": 42.0,
        "process.rss_peak_bytes": 2 * 10**9,
        "infra.kubernetes.hpa.present": True,
        "infra.kubernetes.hpa.min_replicas": 2,
        "infra.kubernetes.hpa.max_replicas": 6,
        "infra.kubernetes.hpa.can_scale": True,
        "infra.kubernetes.cpu_request.present": True,
        "infra.kubernetes.memory_limit.present": True,
        "infra.kubernetes.memory_limit_bytes": int(times_peak * 2 * 10**9),
    }
    return judged(small, claims, facts, {"deploys_to": "k8s", "peak_per_s": 240})


def test_the_worked_example_comes_out_on_this_lens(lens: Lens) -> None:
    found = worked(lens, 1.05)
    derived = {entry.name: entry.value for entry in found.derived}
    assert derived["derived.fleet_headroom"] == pytest.approx(42 * 6 / 240)
    assert derived["derived.memory_limit_headroom"] == pytest.approx(1.05)
    assert [
        (entry.question, entry.weight, entry.state, entry.credit.credit) for entry in found.judgements
    ] == [
        ("INF-12", 3, "verified", 0.75),
        ("INF-01", 3, "partly", 0.875),
        ("INF-08", 3, "contradicted", 0.25),
        ("INF-15", 2, "claimed", 0.125),
        ("INF-14", 2, "not_applicable", 0.0),
    ]
    reading = found.scores.pillar("infrastructure").reading
    assert reading is not None
    readings = (reading.supported, reading.claimed, reading.proven)
    assert [round(value, 2) for value in readings] == [53.41, 72.73, 47.73]
    lost = {name: round(value, 2) for name, value in reading.lost.to_json().items()}
    assert lost == {"not_done": 27.27, "contradicted": 13.64, "not_proven": 5.68, "unanswered": 0.0}


def test_a_limit_of_a_quarter_above_the_peak_lifts_the_worked_example(lens: Lens) -> None:
    reading = worked(lens, 1.25).scores.pillar("infrastructure").reading
    assert reading is not None
    assert round(reading.supported, 2) == 67.05


def test_no_work_in_progress_is_left_in_the_text() -> None:
    text = (files("resources.lenses") / "loadstone-readiness.yaml").read_text(encoding="utf-8")
    assert re.search(r"\b(TODO|TBD|FIXME|XXX|being written|lorem)\b", text, re.IGNORECASE) is None
    assert "\t" not in text
