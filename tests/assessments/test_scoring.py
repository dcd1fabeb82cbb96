"""Scores: the worked example, the invariants, caps, refusals, bands and findings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assessments.actions import actions_of
from assessments.claims import Claim
from assessments.evidence import Evidence, weigh
from assessments.lens import Lens, load_lens
from assessments.scoring import (
    Finding,
    Scores,
    findings_of,
    overall_of,
    score_groups,
    score_of,
    scores_of,
)
from assessments.states import OPEN, Judgement, credit_of, judge
from probes import facts as catalogue_module
from probes.facts import CATALOGUE, Fact, FactName, Source, register

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SURGE, LIMITED, RUNS = "derived.test_surge_gap_s", "infra.test_limits", "history.test_runs_90d"
WORKED = f"""\
schema: loadstone.lens/1
name: worked-example
title: The worked example of JUDGING.md
version: "1"
pillars: [{{id: infrastructure, name: Infrastructure}}]
axes: [{{id: workload, name: Workload}}, {{id: users, name: Users}}]
questions:
- id: INF-12
  pillar: infrastructure
  axes: [workload, users]
  weight: 3
  critical: true
  question: What is the highest load that one copy holds?
  choices:
  - {{id: INF_12_no, value: 0, text: Unknown}}
  - {{id: INF_12_b, value: 0.5, text: Measured once, verified_by: load.capacity > 0}}
  - {{id: INF_12_c, value: 0.75, text: Measured quarterly, verified_by: load.capacity > 0}}
  - {{id: INF_12_d, value: 1, text: For each release, verified_by: load.capacity > 0 && {RUNS} >= 3}}
  remediation: {{text: Run a ramp, effort_days: 1, tradeoff: load on the system}}
- id: INF-01
  pillar: infrastructure
  axes: [workload]
  weight: 3
  critical: true
  question: How does capacity follow demand?
  choices:
  - {{id: INF_01_no, value: 0, text: It does not}}
  - id: INF_01_c
    value: 0.75
    text: A policy between bounds
    verified_by: infra.kubernetes.hpa.max_replicas > profile.replicas
    contradicted_by: infra.kubernetes.hpa.max_replicas == profile.replicas
  - id: INF_01_d
    value: 1
    text: Exercised in load runs
    verified_by: derived.fleet_headroom >= 1.3 && {SURGE} <= 0
    contradicted_by: derived.fleet_headroom < 1
  remediation: {{text: Tune the policy, effort_days: 3, tradeoff: more replicas}}
- id: INF-08
  pillar: infrastructure
  axes: [workload]
  weight: 3
  question: Where do the limits come from?
  choices:
  - {{id: INF_08_no, value: 0, text: There are none}}
  - {{id: INF_08_a, value: 0.25, text: From an example, verified_by: {LIMITED}}}
  - id: INF_08_b
    value: 0.5
    text: From one run
    verified_by: {LIMITED} && derived.memory_limit_headroom >= 1.1
    contradicted_by: derived.memory_limit_headroom < 1
  - id: INF_08_c
    value: 0.75
    text: From a ramp, with a margin
    verified_by: {LIMITED} && derived.memory_limit_headroom >= 1.2 && derived.memory_limit_headroom <= 3
    contradicted_by: derived.memory_limit_headroom < 1.1
  - {{id: INF_08_d, value: 1, text: For each release, unprovable: no probe reads releases}}
  remediation: {{text: Set the limit to the peak and a quarter, effort_days: 1, tradeoff: idle memory}}
- id: INF-15
  pillar: infrastructure
  axes: [workload]
  weight: 2
  question: What does a thousand predictions cost?
  choices:
  - {{id: INF_15_no, value: 0, text: Unknown}}
  - {{id: INF_15_a, value: 0.25, text: The bill is known, unprovable: it is a document}}
  - {{id: INF_15_b, value: 1, text: Also for the planned growth, unprovable: no probe forecasts}}
  remediation: {{text: Work it out, effort_days: 2, tradeoff: time}}
- id: INF-14
  pillar: infrastructure
  axes: [users]
  weight: 2
  question: What do users notice when a copy dies?
  choices:
  - {{id: INF_14_no, value: 0, text: It stops}}
  - {{id: INF_14_a, value: 1, text: Nothing, unprovable: nothing is killed here}}
  remediation: {{text: Run two, effort_days: 3, tradeoff: cost}}
"""
CLAIMS = {
    "INF-12": Claim("INF-12", ("INF_12_c",)),
    "INF-01": Claim("INF-01", ("INF_01_d",)),
    "INF-08": Claim("INF-08", ("INF_08_c",)),
    "INF-15": Claim("INF-15", ("INF_15_a",)),
    "INF-14": Claim("INF-14", (), "not_applicable", reason="one copy by design"),
}


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """Names that the example needs, gone after the test."""
    before = dict(catalogue_module._catalogue)
    register(
        [
            FactName(SURGE, "number", "s", "infrastructure", "Seconds that a surge has to wait", "derived"),
            FactName(LIMITED, "boolean", "", "infrastructure", "Whether all containers have limits", "test"),
            FactName(RUNS, "integer", "", "infrastructure", "Load runs of 90 days", "test"),
        ]
    )
    yield
    catalogue_module._catalogue.clear()
    catalogue_module._catalogue.update(before)


@pytest.fixture
def lens() -> Lens:
    """The lens of the worked example."""
    return load_lens(WORKED.encode(), "worked.yaml")


def fact(name: str, value: Any, state: Any = "measured") -> Fact:
    return Fact(name, value, CATALOGUE[name].unit, Source("test"), NOW - timedelta(days=1), state)


def measured(**instead: float) -> Evidence:
    values: dict[str, Any] = {
        "load.capacity": 42.0,
        "infra.kubernetes.hpa.max_replicas": 6,
        "derived.fleet_headroom": 1.05,
        SURGE: 45.0,
        LIMITED: True,
        "derived.memory_limit_headroom": 1.05,
    }
    values |= {"derived." + name: value for name, value in instead.items()}
    return weigh([fact(name, value) for name, value in values.items()], NOW, {"profile.replicas": 2})


def scored(lens: Lens, evidence: Evidence, claims: dict[str, Claim] | None = None) -> Scores:
    return scores_of(lens, judge(lens, CLAIMS if claims is None else claims, evidence), evidence)


def test_the_worked_example_comes_out_to_two_decimals(lens: Lens) -> None:
    assert lens.problems == ()
    judgements = judge(lens, CLAIMS, measured())
    assert [(entry.question, entry.state, entry.credit.credit) for entry in judgements] == [
        ("INF-12", "verified", 0.75),
        ("INF-01", "partly", 0.875),
        ("INF-08", "contradicted", 0.25),
        ("INF-15", "claimed", 0.125),
        ("INF-14", "not_applicable", 0.0),
    ]
    score = scores_of(lens, judgements, measured()).pillar("infrastructure")
    assert score.caps == ()
    assert score.reading is not None
    reading = score.reading
    assert [round(value, 2) for value in (reading.supported, reading.claimed, reading.proven)] == [
        53.41, 72.73, 47.73,
    ]  # fmt: skip
    assert reading.score == reading.supported
    assert {name: round(value, 2) for name, value in reading.lost.to_json().items()} == {
        "not_done": 27.27,
        "contradicted": 13.64,
        "not_proven": 5.68,
        "unanswered": 0.0,
    }


def test_raising_the_memory_limit_lifts_the_worked_example(lens: Lens) -> None:
    reading = scored(lens, measured(memory_limit_headroom=1.25)).pillar("infrastructure").reading
    assert reading is not None
    assert round(reading.supported, 2) == 67.05
    judgements = judge(lens, CLAIMS, measured())
    actions = actions_of(lens, judgements, scores_of(lens, judgements, measured()), measured())
    (fix,) = [action for action in actions if action.question == "INF-08"]
    assert (fix.kind, round(fix.points, 2), fix.to_choice) == ("fix", 13.64, "INF_08_c")


def test_scores_are_written_as_the_contract_says(lens: Lens) -> None:
    document = scored(lens, measured()).to_json()
    pillar = document["pillars"]["infrastructure"]
    assert set(pillar) >= {"score", "supported", "claimed", "proven", "lost", "caps", "refused"}
    assert set(pillar["lost"]) == {"not_done", "contradicted", "not_proven", "unanswered"}
    assert pillar["refused"] is None
    assert pillar["supported"] + sum(pillar["lost"].values()) == pytest.approx(100, abs=1e-9)
    overall = document["overall"]
    assert (overall["pillar"], overall["band"]) == ("infrastructure", "limited")
    assert overall["score"] == overall["mean"] == pillar["score"]
    assert set(document["axes"]) == {"workload", "users"}
    # Of the axis users only INF-12 applies, and 2 of 5 of its weight, which is not above 40 %, does not.
    assert document["axes"]["users"]["supported"] == pytest.approx(75)


def test_other_weights_are_used(lens: Lens) -> None:
    reading = scored(lens.with_weights({"INF-08": 6}), measured()).pillar("infrastructure").reading
    assert reading is not None
    assert reading.supported == pytest.approx(100 * (5.875 + 0.75) / 14)


def made(  # noqa: PLR0917
    question: str = "Q-1",
    c: float = 1.0,
    u: float = 1.0,
    f: float = 0.0,
    weight: float = 1.0,
    critical: bool = False,
    **more: Any,
) -> Judgement:
    """A judgement of these values."""
    state = "contradicted" if c > u else "verified" if f >= c > 0 else "partly" if f > 0 else "claimed"
    given = {
        "pillar": "infrastructure",
        "axes": (),
        "state": state,
        "because": "because.",
        "choices": ("x",),
        "credit": credit_of(c, u, f, 0.5),
        "limit": u,
    }
    return Judgement(question=question, weight=weight, critical=critical, **(given | more))


def left_out(question: str = "Q-9", weight: float = 1.0, **more: Any) -> Judgement:
    return made(question, weight=weight, state="not_applicable", choices=(), credit=OPEN, **more)


def unanswered(question: str = "Q-8", weight: float = 1.0, **more: Any) -> Judgement:
    return made(question, weight=weight, **({"state": "unanswered", "choices": (), "credit": OPEN} | more))


def points(*judgements: Judgement, headroom: float | None = None) -> float | None:
    reading = score_of("infrastructure", judgements, headroom).reading
    return None if reading is None else reading.score


@pytest.mark.parametrize(
    ("critical", "headroom", "score", "caps"),
    [
        ({"c": 1.0, "u": 0.5, "f": 0.5}, None, 59.0, [59.0]),
        ({"c": 0.0}, None, 39.0, [39.0]),
        ({"c": 1.0, "u": 0.0}, None, 39.0, [39.0]),
        ({"f": 1.0}, None, 100.0, []),
        ({"f": 1.0}, 0.99, 39.0, [39.0]),
        ({"f": 1.0}, 1.0, 100.0, []),
        ({"c": 1.0, "u": 0.5, "f": 0.5}, 0.5, 39.0, [39.0, 59.0]),
    ],
)
def test_caps_hold_the_score_and_are_printed(
    critical: dict[str, float], headroom: float | None, score: float, caps: list[float]
) -> None:
    entries = [made("Q-1", critical=True, **critical), made("Q-2", f=1.0, weight=99)]
    result = score_of("infrastructure", entries, headroom)
    assert result.reading is not None
    assert result.reading.supported > 98
    assert (result.reading.score, [cap.at_most for cap in result.caps]) == (score, caps)
    assert all(cap.because for cap in result.caps)
    entries[0] = replace(entries[0], critical=False)
    assert points(*entries) == result.reading.supported, "a question that is not critical caps nothing"


def test_a_cap_never_raises_a_score_and_the_fleet_caps_its_own_pillar_alone() -> None:
    assert points(made(c=1.0, u=0.2, f=0.2, critical=True)) == pytest.approx(20)
    elsewhere = score_of("models", [made(f=1.0)], headroom=0.5)
    assert elsewhere.caps == ()


def test_the_fleets_headroom_counts_only_when_measured(lens: Lens) -> None:
    short = {"derived.fleet_headroom": 0.9, "load.capacity": 42.0}
    for state, capped in (("measured", True), ("by_hand", False), ("declared", False)):
        evidence = weigh([fact(name, value, state) for name, value in short.items()], NOW)
        caps = scored(lens, evidence).pillar("infrastructure").caps
        assert any("fleet" in cap.because for cap in caps) is capped


def test_there_is_no_score_where_too_little_is_answered() -> None:
    assert points(made(weight=7), unanswered(weight=3)) == pytest.approx(35)
    assert points(made(weight=6.99), unanswered(weight=3.01)) is None
    refused = score_of("data", [made(weight=6), unanswered("DAT-03", 4)])
    assert refused.refused == ("Only 60% of the weight of data is answered, 70% are needed: answer DAT-03.")
    assert refused.to_json() == {"caps": [], "refused": refused.refused}
    assert points(made(weight=6), made(weight=4, state="unsure", choices=(), credit=OPEN)) is None


def test_there_is_no_score_where_too_much_was_said_not_to_apply() -> None:
    assert points(made(weight=6), left_out(weight=4)) == 50
    assert points(made(weight=5.99), left_out(weight=4.01)) is None
    assert points(made(weight=1), left_out(weight=99, out_of_scope=True)) == 50, "the lens left that out"


def test_an_empty_scope_has_no_score_and_a_refused_pillar_leaves_none_overall() -> None:
    for entries in ([], [left_out(out_of_scope=True)], [left_out()]):
        refused = score_of("data", entries)
        assert refused.reading is None
        assert "nothing to score" in str(refused.refused)
    overall = score_groups(["infrastructure", "data"], [], [made(f=1.0)], None).overall
    assert (overall.score, overall.band, overall.pillar) == (None, None, None)
    assert overall.to_json() == {"refused": "Data has no score, so there is none overall."}
    some = score_groups(["infrastructure", "models", "data"], [], [made(f=1.0)], None).overall
    assert some.refused == "Models and data have no score, so there is none overall."
    every = score_groups(["infrastructure", "models", "data"], [], [], None).overall
    assert every.refused == "No pillar has a score, so there is none overall."
    most = score_groups(["infrastructure", *"abcd"], [], [made(f=1.0)], None).overall
    assert most.refused == "4 of 5 pillars have no score, so there is none overall."


def test_a_refused_axis_leaves_the_overall_score() -> None:
    scores = score_groups(["infrastructure"], ["users"], [made(f=1.0)], None)
    assert scores.overall.score == 100
    assert scores.axes[0].refused is not None


@pytest.mark.parametrize(
    ("scores", "band"),
    [
        ((39.99, 90), "fragile"),
        ((40, 90), "limited"),
        ((59.99, 90), "limited"),
        ((60, 90), "conditional"),
        ((79.99, 90), "conditional"),
        ((80, 90), "ready"),
        ((100, 100), "ready"),
    ],
)
def test_the_bands_begin_at_40_60_and_80(scores: tuple[float, ...], band: str) -> None:
    pillars = [
        score_of(f"p{place}", [made(c=score / 100, f=score / 100)]) for place, score in enumerate(scores)
    ]
    overall = overall_of(pillars)
    assert overall.band == band
    assert overall.pillar == "p0"
    assert overall.mean == pytest.approx(sum(scores) / 2)


def test_ready_needs_60_percent_of_the_weight_of_each_pillar_proven() -> None:
    proven = score_of("one", [made(f=1.0)])
    for share, band in ((0.6, "ready"), (0.59, "conditional")):
        backed = made(f=share, credit=credit_of(1.0, 1.0, share, 0.75))
        other = score_of("two", [backed])
        assert other.reading is not None
        assert other.reading.score > 89
        assert overall_of([proven, other]).band == band


def test_of_equal_pillars_the_first_is_named() -> None:
    pillars = [score_of(name, [made(c=0.7, f=0.7)]) for name in ("models", "data")]
    assert overall_of(pillars).pillar == "models"


@pytest.mark.parametrize(
    ("entry", "risk"),
    [
        (made(c=1.0, u=0.9, f=0.9), "high"),
        (made(c=0.5, f=0.49, critical=True), "high"),
        (made(c=0.5, f=0.5, critical=True), "medium"),
        (made(c=0.5, f=0.49), "medium"),
        (made(c=0.75, f=0.75), "none"),
        (made(f=1.0, critical=True), "none"),
        (made(c=1.0, f=0.9, state="challenged"), "medium"),
        (unanswered(), "medium"),
        (unanswered(critical=True), "high"),
    ],
)
def test_each_question_that_applies_has_a_finding(entry: Judgement, risk: Any) -> None:
    assert findings_of([entry, left_out()]) == [Finding(entry.question, risk, "because.")]
    assert findings_of([entry])[0].to_json() == {"question": entry.question, "risk": risk, "text": "because."}


LADDERS = ((0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 0.33, 0.67, 1.0), (0.0, 1.0))


def random_judgement(chance: random.Random, place: int) -> Judgement:
    weight, critical = chance.choice([1.0, 2.0, 3.0, 0.7]), chance.random() < 0.3
    kind = chance.random()
    name = f"Q-{place:02}"
    if kind < 0.08:
        return left_out(name, weight, critical=critical)
    if kind < 0.16:
        return unanswered(name, weight, critical=critical)
    ladder = chance.choice(LADDERS)
    u = chance.choice(ladder)
    f = chance.choice([value for value in ladder if value <= u])
    return made(name, chance.choice(ladder), u, f, weight, critical)


def test_for_20000_random_checklists_the_readings_are_ordered_and_add_up() -> None:
    chance = random.Random(20260303)
    given = 0
    for _ in range(20_000):
        entries = [random_judgement(chance, place) for place in range(chance.randint(1, 6))]
        headroom = chance.choice([None, 0.5, 1.5])
        score = score_of("infrastructure", entries, headroom)
        shuffled = chance.sample(entries, len(entries))
        assert score_of("infrastructure", shuffled, headroom) == score, "the order makes no difference"
        reading = score.reading
        if reading is None:
            assert score.refused
            continue
        given += 1
        lost = reading.lost.to_json()
        assert abs(reading.supported + sum(lost.values()) - 100) < 1e-9
        assert min(lost.values()) >= -1e-9
        assert -1e-9 <= reading.proven <= reading.supported + 1e-9
        assert reading.supported <= reading.claimed + 1e-9
        assert reading.score <= reading.supported
        assert all(reading.score <= cap.at_most for cap in score.caps)
    assert given > 5_000


def test_after_caps_too_no_contradicted_claim_beats_the_best_honest_one_and_proof_never_lowers() -> None:
    chance = random.Random(20260304)
    for _ in range(20_000):
        others = [made(f"Q-{place}", f=chance.choice(LADDERS[0])) for place in range(2, 5)]
        ladder = chance.choice(LADDERS)
        u = chance.choice(ladder[:-1])
        f = chance.choice([value for value in ladder if value <= u])
        critical = chance.random() < 0.5
        weight = chance.choice([1.0, 3.0, 9.0])
        lie = points(made("Q-1", ladder[-1], u, f, weight, critical), *others)
        honest = [
            points(made("Q-1", value, u, f, weight, critical), *others) for value in ladder if value <= u
        ]
        assert lie is not None
        assert lie <= max(value for value in honest if value is not None)
        c = chance.choice([value for value in ladder if value <= u])
        by_proof = [
            points(made("Q-1", c, u, proven, weight, critical), *others) for proven in ladder if proven <= u
        ]
        assert by_proof == sorted(by_proof, key=lambda value: value or 0.0)


def test_the_order_of_answers_and_facts_does_not_matter(lens: Lens) -> None:
    chance = random.Random(1)
    facts = list(measured().facts.values())
    profile = {"profile.replicas": 2}
    expected = scored(lens, weigh(facts, NOW, profile))
    for _ in range(20):
        claims = dict(chance.sample(list(CLAIMS.items()), len(CLAIMS)))
        again = weigh(chance.sample(facts, len(facts)), NOW, profile)
        assert scored(lens, again, claims) == expected
