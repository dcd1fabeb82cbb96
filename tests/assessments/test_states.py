"""States: claims held against facts, by the formulas of the score."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assessments.claims import Attachment, Claim
from assessments.evidence import Evidence, weigh
from assessments.lens import Lens, load_lens
from assessments.states import Judgement, credit_of, judge, judge_question
from probes import facts as catalogue_module
from probes.facts import CATALOGUE, Fact, FactName, Source, register

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FOUND = "infra.test_autoscaler.present"
LENS = """\
schema: loadstone.lens/1
name: ladder
title: One ladder
version: "1"
pillars: [{id: infrastructure, name: Infrastructure}]
questions:
- id: INF-01
  pillar: infrastructure
  weight: 3
  applies_when: profile.target_kind == http || process.threads_peak > 99
  question: How does capacity follow demand?
  choices:
  - {id: none, value: 0, text: It does not, verified_by: load.capacity < 10}
  - id: some
    value: 0.25
    text: A policy exists
    verified_by: infra.test_autoscaler.present
    contradicted_by: "!infra.test_autoscaler.present"
  - id: more
    value: 0.5
    text: Between bounds
    verified_by: infra.test_autoscaler.present && derived.fleet_headroom >= 1
    contradicted_by: derived.fleet_headroom < 1
  - {id: doc, value: 0.75, text: Written down, unprovable: a probe reads no documents}
  - id: best
    value: 1
    text: Measured
    verified_by: derived.fleet_headroom >= 1.3 && load.capacity >= 100
    contradicted_by: "!infra.test_autoscaler.present || load.capacity < 50"
  remediation: {text: Do it, effort_days: 1, tradeoff: money}
"""


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """The name of an absence, gone after the test."""
    before = dict(catalogue_module._catalogue)
    register([FactName(FOUND, "boolean", "", "infrastructure", "Whether one was found", "test")])
    yield
    catalogue_module._catalogue.clear()
    catalogue_module._catalogue.update(before)


@pytest.fixture
def lens() -> Lens:
    """One question with one ladder."""
    return load_lens(LENS.encode(), "ladder.yaml")


def fact(name: str, value: Any, state: Any = "measured", days: float = 1) -> Fact:
    at = NOW - timedelta(days=days)
    return Fact(name, value, CATALOGUE[name].unit, Source("test", run="r1"), at, state)


def evidence(*facts: Fact, profile: dict[str, Any] | None = None) -> Evidence:
    return weigh(facts, NOW, {"profile.target_kind": "http"} if profile is None else profile)


def judged(lens: Lens, choice: str, *facts: Fact, **claim: Any) -> Judgement:
    return judge_question(lens.questions[0], Claim("INF-01", (choice,), **claim), evidence(*facts))


def known(*names: str) -> list[Fact]:
    """The facts of these names, of which each test takes those it needs."""
    table = {
        "policy": (FOUND, True, "read"),
        "no policy": (FOUND, False, "read"),
        "short": ("derived.fleet_headroom", 0.9, "measured"),
        "enough": ("derived.fleet_headroom", 1.05, "measured"),
        "ample": ("derived.fleet_headroom", 1.4, "measured"),
        "tiny": ("load.capacity", 5.0, "measured"),
        "slow": ("load.capacity", 40.0, "measured"),
        "fast": ("load.capacity", 120.0, "measured"),
    }
    return [fact(*table[name]) for name in names]


@pytest.mark.parametrize(
    ("choice", "facts", "state", "credit"),
    [
        # nothing measured: κ = 0.5
        ("some", [], "claimed", 0.125),
        ("best", [], "claimed", 0.5),
        ("none", [], "claimed", 0.0),
        # proven up to what is claimed
        ("some", ["policy"], "verified", 0.25),
        ("more", ["policy", "enough"], "verified", 0.5),
        ("best", ["policy", "ample", "fast"], "verified", 1.0),
        ("none", ["tiny"], "verified", 0.0),
        # proven in part: p + 0.5 (c - p)
        ("more", ["policy"], "partly", 0.25 + 0.5 * 0.25),
        ("doc", ["policy", "enough"], "partly", 0.5 + 0.5 * 0.25),
        ("best", ["policy", "enough"], "partly", 0.5 + 0.5 * 0.5),
        # proven more than claimed
        ("some", ["policy", "enough"], "understated", 0.25),
        ("none", ["policy"], "understated", 0.0),
        # contradicted at or below the claim: what is proven below stays
        ("more", ["policy", "short"], "contradicted", 0.25),
        ("doc", ["policy", "short"], "contradicted", 0.25),
        ("best", ["policy", "short"], "contradicted", 0.25),
        ("best", ["short"], "contradicted", 0.0),
        ("best", ["slow"], "contradicted", 0.0),
        # contradicted above the claim: that touches it not
        ("some", ["policy", "short"], "verified", 0.25),
        ("doc", ["policy", "enough", "slow"], "partly", 0.625),
        # merely not found: the claim stands, and nothing from there up is proven
        ("some", ["no policy"], "challenged", 0.125),
        ("more", ["no policy", "ample"], "challenged", 0.25),
        ("best", ["no policy", "ample", "fast"], "challenged", 0.5),
        ("none", ["no policy"], "claimed", 0.0),
        # a contradiction counts beside it
        ("best", ["no policy", "short"], "contradicted", 0.0),
    ],
)
def test_the_state_and_credit_of_a_claim(
    lens: Lens, choice: str, facts: list[str], state: str, credit: float
) -> None:
    judgement = judged(lens, choice, *known(*facts))
    assert judgement.state == state
    assert judgement.credit.credit == pytest.approx(credit, abs=1e-12)
    given = judgement.credit
    assert given.credit + given.not_done + given.contradicted + given.not_proven == pytest.approx(
        1, abs=1e-12
    )
    assert given.unanswered == 0
    assert judgement.because.endswith((".", ":", "documents"))


@pytest.mark.parametrize(
    ("dated", "credit"),
    [
        (None, 0.5),
        (date(2026, 2, 28), 0.75),
        (date(2025, 9, 3), 0.75),
        (date(2025, 9, 2), 0.5),
        (date(2026, 3, 5), 0.5),
    ],
)
def test_a_dated_attachment_younger_than_180_days_is_worth_three_quarters(
    lens: Lens, dated: date | None, credit: float
) -> None:
    judgement = judged(lens, "best", attachments=(Attachment("runbook.pdf", dated),))
    assert (judgement.state, judgement.credit.credit) == ("claimed", credit)
    assert ("runbook.pdf" in judgement.because) == (credit == 0.75)


def test_facts_given_by_hand_raise_the_credit_and_never_prove_or_contradict(lens: Lens) -> None:
    by_hand = [replace(fact, state="by_hand") for fact in known("policy", "ample", "fast")]
    backed = judged(lens, "best", *by_hand)
    assert (backed.state, backed.credit.credit, backed.kappa) == ("claimed", 0.75, 0.75)
    against = judged(lens, "best", replace(known("short")[0], state="by_hand"))
    assert (against.state, against.credit.credit) == ("challenged", 0.5)
    part = judged(lens, "best", *known("policy"), replace(known("ample")[0], state="by_hand"), *known("fast"))
    assert (part.state, part.credit.credit) == ("partly", 0.25 + 0.75 * 0.75)


def test_declared_facts_back_nothing_and_cast_doubt(lens: Lens) -> None:
    declared = [replace(fact, state="declared") for fact in known("policy", "ample", "fast")]
    assert judged(lens, "best", *declared).credit.credit == 0.5
    assert judged(lens, "best", replace(known("short")[0], state="declared")).state == "challenged"


@pytest.mark.parametrize("state", ["unreadable", "stale"])
def test_what_could_not_be_read_is_unknown(lens: Lens, state: Any) -> None:
    value = None if state == "unreadable" else False
    assert judged(lens, "some", fact(FOUND, value, state)).state == "claimed"


def test_expired_evidence_falls_back_to_a_bare_claim(lens: Lens) -> None:
    old = [replace(fact, at=NOW - timedelta(days=30)) for fact in known("policy", "ample", "fast")]
    assert judged(lens, "best", *old).state == "claimed"
    young = [replace(fact, at=NOW - timedelta(days=29.9)) for fact in old]
    assert judged(lens, "best", *young).state == "verified"


def test_open_questions_have_no_credit_and_a_loss_of_their_own(lens: Lens) -> None:
    question = lens.questions[0]
    for claim, state in (
        (None, "unanswered"),
        (Claim("INF-01", (), "unanswered"), "unanswered"),
        (Claim("INF-01", (), "unsure"), "unsure"),
    ):
        judgement = judge_question(question, claim, evidence(*known("policy")))
        assert judgement.state == state
        assert judgement.credit.credit == 0
        assert judgement.credit.unanswered == 1
        assert judgement.offered == "some", "what the evidence proves is offered, and gives no credit"
        assert judge_question(question, claim, evidence()).offered is None


def test_a_question_that_does_not_apply_says_why(lens: Lens) -> None:
    question = lens.questions[0]
    claim = Claim("INF-01", (), "not_applicable", reason="no GPUs anywhere")
    said = judge_question(question, claim, evidence())
    assert (said.state, said.applies, said.out_of_scope) == ("not_applicable", False, False)
    assert "no GPUs anywhere" in said.because
    quiet = fact("process.threads_peak", 3)
    by_rule = judge_question(
        question, Claim("INF-01", ("best",)), evidence(quiet, profile={"profile.target_kind": "file"})
    )
    assert (by_rule.state, by_rule.out_of_scope) == ("not_applicable", True)
    assert "profile.target_kind is file" in by_rule.because
    assert "best is not counted" in by_rule.because


@pytest.mark.parametrize("state", ["absent", "by_hand", "declared"])
def test_a_question_applies_where_it_is_unknown_whether_it_does(lens: Lens, state: Any) -> None:
    facts = [] if state == "absent" else [fact("process.threads_peak", 3, state)]
    judgement = judge_question(
        lens.questions[0], None, evidence(*facts, profile={"profile.target_kind": "file"})
    )
    assert judgement.applies


def test_a_claim_names_the_facts_it_rests_on(lens: Lens) -> None:
    verified = judged(lens, "more", *known("policy"), *known("enough"))
    assert verified.facts == (FOUND, "derived.fleet_headroom")
    assert "derived.fleet_headroom = 1.05 (measured 1 day ago, run r1)" in verified.because
    contradicted = judged(lens, "best", *known("policy"), *known("short"))
    assert contradicted.facts == ("derived.fleet_headroom",)
    assert "contradicts more. Proven is some." in contradicted.because
    bare = judged(lens, "best", *known("fast"))
    assert bare.facts == ()
    assert "Not known: derived.fleet_headroom." in bare.because
    assert "No probe can prove it: a probe reads no documents" in judged(lens, "doc").because
    assert "confirm or correct it" in judged(lens, "some", *known("no policy")).because
    assert judged(lens, "some", *known("policy"), *known("enough")).offered == "more"


def test_a_claim_is_written_as_the_contract_says(lens: Lens) -> None:
    document = judged(lens, "best", *known("policy"), *known("short")).to_json()
    assert {key: document[key] for key in ("question", "choice", "state", "credit", "facts")} == {
        "question": "INF-01",
        "choice": "best",
        "state": "contradicted",
        "credit": 0.25,
        "facts": ["derived.fleet_headroom"],
    }
    open_question = judge(lens, {}, evidence())[0].to_json()
    assert (open_question["choice"], open_question["state"], open_question["credit"]) == (
        None,
        "unanswered",
        0,
    )


def test_by_any_numbers_credit_and_losses_add_up_and_lying_never_pays() -> None:
    chance = random.Random(20260302)
    for _ in range(20_000):
        ladder = sorted({0.0, 1.0, *(round(chance.random(), 2) for _ in range(chance.randint(0, 3)))})
        u = chance.choice(ladder)
        f = chance.choice([value for value in ladder if value <= u])
        c = chance.choice(ladder)
        kappa = chance.choice([0.5, 0.75])
        given = credit_of(c, u, f, kappa)
        losses = (given.not_done, given.contradicted, given.not_proven, given.unanswered)
        assert abs(given.credit + sum(losses) - 1) < 1e-12
        assert min(losses) >= -1e-15
        assert 0 <= given.proven <= given.credit <= given.claimed + 1e-15
        best_honest = max(credit_of(value, u, f, kappa).credit for value in ladder if value <= u)
        if c > u:
            assert given.credit <= best_honest
        for proven in ladder:
            if f <= proven <= u:
                assert credit_of(c, u, proven, kappa).credit >= given.credit - 1e-15
        assert credit_of(c, u, f, 0.75).credit >= credit_of(c, u, f, 0.5).credit


def test_more_evidence_lowers_a_credit_only_where_it_speaks_against_the_claim(lens: Lens) -> None:
    chance = random.Random(20260305)
    question = lens.questions[0]
    names = ["policy", "no policy", "short", "enough", "ample", "tiny", "slow", "fast"]
    lowered = raised = 0
    for _ in range(2_000):
        fewer = known(*chance.sample(names, chance.randint(0, 3)))
        more = [new for new in known(chance.choice(names)) if new.name not in {old.name for old in fewer}]
        before, after = evidence(*fewer), evidence(*fewer, *more)
        against = any(
            (after.doubts(choice.contradicted_by), after.proves(choice.contradicted_by))
            != (before.doubts(choice.contradicted_by), before.proves(choice.contradicted_by))
            for choice in question.choices
        )
        for choice in question.choices:
            claim = Claim("INF-01", (choice.id,))
            was, now = (judge_question(question, claim, seen).credit.credit for seen in (before, after))
            assert now >= was or against
            lowered += now < was
            raised += now > was
    assert lowered > 10
    assert raised > 10
