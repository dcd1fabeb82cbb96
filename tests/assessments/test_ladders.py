"""What the evidence says of every level agrees with what becomes of a claim of that level."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.claims import Claim
from assessments.evidence import Evidence, weigh
from assessments.ladders import asked_facts, claims_on, levels_of
from assessments.lens import Question, load_lens
from assessments.states import judge_question
from probes.facts import CATALOGUE, Fact, Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LENS = """\
schema: loadstone.lens/1
name: ladder-lens
title: Ladders
version: "1"
constants: {LEAST: {value: 1.1, reason: a margin}}
pillars: [{id: infrastructure, name: Infrastructure}]
axes: []
questions:
- id: INF-08
  pillar: infrastructure
  weight: 1
  question: Where do the limits come from?
  choices:
  - {id: INF_08_no, value: 0, text: There are none}
  - id: INF_08_a
    value: 0.25
    text: Set
    verified_by: infra.kubernetes.memory_limit.present
    contradicted_by: "!infra.kubernetes.memory_limit.present"
  - id: INF_08_b
    value: 0.5
    text: From a run
    verified_by: process.cpu_ms_per_request >= LEAST
    contradicted_by: process.cpu_ms_per_request < 1 || infra.kubernetes.gpus > 3
  - {id: INF_08_c, value: 0.75, text: Reviewed, unprovable: no probe reads reviews}
  - id: INF_08_d
    value: 1
    text: Derived for each release
    verified_by: process.cpu_ms_per_request >= 2 && infra.kubernetes.gpus == 0
  remediation: {text: Set it, effort_days: 1, tradeoff: memory}
"""
PRESENT, RATIO, GPUS = (
    "infra.kubernetes.memory_limit.present",
    "process.cpu_ms_per_request",
    "infra.kubernetes.gpus",
)


@pytest.fixture(scope="module")
def question() -> Question:
    return load_lens(LENS.encode(), "ladder.yaml").questions[0]


def evidence(present: bool | None = None, ratio: float | None = None, gpus: int | None = None) -> Evidence:
    facts = []
    for name, value, state in ((PRESENT, present, "read"), (RATIO, ratio, "measured"), (GPUS, gpus, "read")):
        if value is not None:
            source = Source("kubernetes")
            facts.append(
                Fact(name, value, CATALOGUE[name].unit, source, NOW - timedelta(days=1), state)  # type: ignore[arg-type]
            )
    return weigh(facts, NOW)


def standings(question: Question, **facts: object) -> list[str]:
    return [level.standing for level in levels_of(question, evidence(**facts))]  # type: ignore[arg-type]


def test_without_evidence_nothing_is_proven_and_the_lowest_needs_no_proof(question: Question) -> None:
    assert standings(question) == ["least", "not_proven", "not_proven", "unprovable", "not_proven"]


def test_what_lies_below_a_proven_level_is_included(question: Question) -> None:
    found = standings(question, ratio=1.5)
    assert found == ["included", "included", "verified", "unprovable", "not_proven"]


def test_a_contradiction_takes_all_levels_above_it(question: Question) -> None:
    levels = levels_of(question, evidence(present=True, ratio=0.5))
    assert [level.standing for level in levels] == ["included", "verified", *["contradicted"] * 3]
    assert [level.origin for level in levels[2:]] == [2, 2, 2]


def test_what_was_merely_not_found_challenges_from_there_up(question: Question) -> None:
    assert standings(question, present=False, ratio=5.0) == ["least", *["challenged"] * 4]


def test_the_deciding_comparison_is_the_one_that_holds(question: Question) -> None:
    of_ratio = levels_of(question, evidence(ratio=0.5, gpus=0))[2]
    assert [(ground.fact, ground.holds, ground.wanted) for ground in of_ratio.grounds] == [
        (RATIO, True, True)
    ]
    of_gpus = levels_of(question, evidence(ratio=1.5, gpus=4))[2]
    assert [ground.fact for ground in of_gpus.grounds] == [GPUS]


def test_of_what_is_not_proven_the_missing_and_the_failing_comparisons_are_told_apart(
    question: Question,
) -> None:
    missing = levels_of(question, evidence(ratio=2.5))[4]
    assert [(ground.fact, ground.holds) for ground in missing.grounds] == [(GPUS, None)]
    failing = levels_of(question, evidence(ratio=1.5, gpus=0))[4]
    assert [(ground.fact, ground.holds) for ground in failing.grounds] == [(RATIO, False)]


def test_a_negation_says_that_its_comparison_is_wanted_to_fail(question: Question) -> None:
    level = levels_of(question, evidence(present=False))[1]
    assert [(ground.fact, ground.holds, ground.wanted) for ground in level.grounds] == [
        (PRESENT, False, False)
    ]


@settings(max_examples=300, deadline=None)
@given(
    present=st.sampled_from([None, True, False]),
    ratio=st.sampled_from([None, 0.5, 1.05, 1.5, 2.5]),
    gpus=st.sampled_from([None, 0, 2, 4]),
)
def test_levels_agree_with_the_judgement_of_each_claim(
    question: Question, present: bool | None, ratio: float | None, gpus: int | None
) -> None:
    found = evidence(present, ratio, gpus)
    levels = levels_of(question, found)
    for level in levels:
        judgement = judge_question(question, Claim(question.id, (level.choice.id,)), found)
        refuted = level.standing == "contradicted" and level.choice.value > judgement.limit
        assert (judgement.state == "contradicted") == refuted
        if judgement.state == "verified":
            assert level.standing == "verified"
    proven = max((level.choice.value for level in levels if level.standing == "verified"), default=0.0)
    top = judge_question(question, Claim(question.id, (levels[-1].choice.id,)), found)
    assert top.credit.proven == proven


def test_asked_facts_stand_once_from_the_lowest_choice_up(question: Question) -> None:
    assert asked_facts(question) == (PRESENT, GPUS, RATIO)


def test_a_claim_rests_on_a_fact_also_by_way_of_a_derived_one(question: Question) -> None:
    assert claims_on((question,), GPUS, {}) == ["INF-08"]
    assert claims_on((question,), "load.capacity", {}) == []
    assert claims_on((question,), "load.capacity", {RATIO: ("load.capacity",)}) == ["INF-08"]
