"""AWS lenses judged like ours: risk rules say what a selection is worth, evidence what is left of it."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assessments.assessment import Assessed, assess, rescored
from assessments.aws_judging import judge_by_rules, read, standing_of
from assessments.aws_lens import Question as RatedQuestion
from assessments.claims import Attachment, Claim, read_answers
from assessments.evidence import Evidence
from assessments.expressions import expression
from assessments.judging import Materials
from assessments.lens import Lens, Question, find_lens, lens_of
from assessments.states import Judgement
from probes.errors import UsageError
from probes.facts import CATALOGUE, Fact, Source

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RULES = (
    ("ops_limits && ops_scales", "NO_RISK"),
    ("ops_limits || ops_scales", "MEDIUM_RISK"),
    ("default", "HIGH_RISK"),
)
SIDECAR = """\
schema: loadstone.sidecar/1
lens: Team lens
constants: {MARGIN: {value: 1.1, reason: below it a pause of the collector was enough}}
conditions: {roomy: {when: derived.memory_limit_headroom >= MARGIN, meaning: the limit lies above the peak}}
questions:
  OPS-1:
    weight: 3
    critical: true
    axes: [workload]
    effort_days: 2
    choices:
      ops_limits: {verified_by: roomy, contradicted_by: derived.memory_limit_headroom < 1}
      ops_scales:
        verified_by: infra.kubernetes.hpa.can_scale
        contradicted_by: "!infra.kubernetes.hpa.can_scale"
"""


def document(
    *rules: tuple[str, str], choices: tuple[str, ...] = ("ops_limits", "ops_scales", "ops_no"), **more: Any
) -> dict[str, Any]:
    question = {
        "id": "OPS-1",
        "title": "How is capacity kept?",
        "choices": [
            {"id": name, "title": f"Practice {name}", "improvementPlan": {"displayText": f"Do {name}"}}
            for name in choices
        ],
        "riskRules": [{"condition": condition, "risk": risk} for condition, risk in rules or RULES],
    }
    informing = {
        "id": "OPS-2",
        "title": "Who runs it?",
        "choices": [{"id": "ops_team", "title": "A team"}],
        "riskRules": [{"condition": "default", "risk": "HIGH_RISK"}],
    }
    pillar = {"id": "pillar_1", "name": "Operations", "questions": [question | more, informing]}
    return {
        "schemaVersion": "2021-11-01", "name": "Team lens", "description": "Ours", "pillars": [pillar],
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lens with its sidecar beside it."""
    (tmp_path / "team.loadstone.yaml").write_text(SIDECAR)
    (tmp_path / "team.json").write_text(json.dumps(document()))
    return tmp_path / "team.json"


def fact(name: str, value: Any, **more: Any) -> Fact:
    given = {"state": "measured", "at": NOW - timedelta(days=1), "source": Source(probe="test"), **more}
    return Fact(name=name, value=value, unit=CATALOGUE[name].unit, **given)


HEADROOM, SCALES = "derived.memory_limit_headroom", "infra.kubernetes.hpa.can_scale"


def assessed(lens: Lens, answers: str, *facts: Fact) -> Assessed:
    read_one = read_answers(f"schema: loadstone.answers/1\nanswers:\n  {answers}\n".encode(), "answers.yaml")
    return assess(Materials("shop", "1", lens, read_one, facts), NOW)


def first(found: Assessed) -> Judgement:
    return found.judgements[0]


def scaling(value: bool, **more: Any) -> Fact:
    return fact(SCALES, value, **more)


def limits(peak: float, limit: float = 2e9) -> list[Fact]:
    """Facts from which the headroom of the memory limit is derived: limit over peak."""
    return [
        fact("infra.kubernetes.memory_limit_bytes", int(limit), state="read"),
        fact("process.rss_peak_bytes", int(peak), source=Source(probe="load", run="r1")),
    ]


def test_without_a_sidecar_a_selection_is_a_bare_claim(tmp_path: Path) -> None:
    lens = lens_of(document(), "team.json")
    found = assessed(lens, "OPS-1: [ops_limits, ops_scales]")
    judged = first(found)
    assert (judged.state, judged.risk, judged.credit.claimed, judged.credit.credit) == (
        "claimed", "NO_RISK", 1.0, 0.5,
    )  # fmt: skip
    reading = found.scores.pillar("pillar_1").reading
    assert reading is not None
    assert (reading.supported, reading.claimed, reading.proven) == (50, 100, 0)
    assert found.scores.overall.pillar == "pillar_1"
    document_of = json.loads(json.dumps(found.to_json()))
    assert rescored(document_of) == document_of
    assert document_of["claims"][0]["choice"] == ["ops_limits", "ops_scales"]


@pytest.mark.parametrize(
    ("answer", "claimed", "risk"),
    [
        ("[ops_limits]", 0.5, "MEDIUM_RISK"),
        ("ops_no", 0.0, "HIGH_RISK"),
        ("[ops_scales, ops_limits]", 1.0, "NO_RISK"),
    ],
)
def test_a_selection_is_worth_what_its_risk_is(answer: str, claimed: float, risk: str) -> None:
    found = assessed(lens_of(document(), "team.json"), f"OPS-1: {answer}")
    assert (first(found).credit.claimed, first(found).risk) == (claimed, risk)
    (finding, informing) = found.findings
    assert finding.risk == {"NO_RISK": "medium", "MEDIUM_RISK": "medium", "HIGH_RISK": "high"}[risk]
    assert informing.risk == "none"


def test_an_action_says_that_its_effort_is_assumed() -> None:
    found = assessed(lens_of(document(), "team.json"), "OPS-1: [ops_limits]")
    assert found.to_json()["actions"][0]["effort_assumed"] is True


def test_a_question_of_constant_risk_counts_nothing() -> None:
    with_it = assessed(lens_of(document(), "team.json"), "OPS-1: ops_limits\n  OPS-2: ops_team")
    without = assessed(lens_of(document(), "team.json"), "OPS-1: ops_limits")
    assert with_it.scores == without.scores
    assert with_it.judgements[1].weight == 0
    assert "only informs" in with_it.judgements[1].because


def test_nothing_selected_is_open_and_never_a_risk() -> None:
    for answer in ("OPS-2: ops_team", "OPS-1: unsure", "OPS-1: null"):
        judged = first(assessed(lens_of(document(), "team.json"), answer))
        assert judged.risk is None
        assert judged.credit.unanswered == 1
        assert not judged.answered


def test_what_no_rule_rates_counts_as_unanswered() -> None:
    lens = lens_of(document(("ops_limits", "NO_RISK")), "team.json")
    judged = first(assessed(lens, "OPS-1: ops_scales"))
    assert judged.state == "unanswered"
    assert "No rule of the lens rates ops_scales" in judged.because


def test_what_is_measured_verifies_through_the_sidecar(path: Path) -> None:
    found = assessed(find_lens(str(path)), "OPS-1: [ops_limits, ops_scales]", *limits(1e9), scaling(True))
    judged = first(found)
    assert (judged.state, judged.credit.credit, judged.weight, judged.critical) == (
        "verified",
        1.0,
        3.0,
        True,
    )
    assert set(judged.facts) == {HEADROOM, SCALES}
    assert [axis.id for axis in found.scores.axes] == ["workload"]


def test_one_practice_proven_of_two_is_partly_proven(path: Path) -> None:
    """f = 0.5: with the one that is proven the risk is medium at most; credit 0.5 + 0.5 · 0.5."""
    judged = first(assessed(find_lens(str(path)), "OPS-1: [ops_limits, ops_scales]", scaling(True)))
    assert (judged.state, judged.credit.proven, judged.credit.credit) == ("partly", 0.5, 0.75)


def test_a_practice_that_is_refuted_takes_the_claim_down(path: Path) -> None:
    """The limit lies under the peak: of no risk a medium one is left, and nothing is proven."""
    found = assessed(find_lens(str(path)), "OPS-1: [ops_limits, ops_scales]", *limits(3e9))
    judged = first(found)
    assert (judged.state, judged.risk, judged.limit, judged.credit.credit) == (
        "contradicted", "MEDIUM_RISK", 0.5, 0.0,
    )  # fmt: skip
    assert judged.credit.contradicted == 1.0
    assert HEADROOM in judged.because
    assert [cap.at_most for cap in found.scores.pillar("pillar_1").caps] == [59]


def test_more_that_is_proven_than_selected_is_offered(path: Path) -> None:
    judged = first(assessed(find_lens(str(path)), "OPS-1: [ops_limits]", *limits(1e9), scaling(True)))
    assert (judged.state, judged.offered, judged.credit.credit) == (
        "understated", "ops_limits, ops_scales", 0.5,
    )  # fmt: skip


def test_evidence_is_offered_where_nobody_answered(path: Path) -> None:
    judged = first(assessed(find_lens(str(path)), "OPS-2: ops_team", scaling(True)))
    assert (judged.state, judged.offered) == ("unanswered", "ops_scales")


def test_a_practice_that_is_proven_refutes_none_of_these(path: Path) -> None:
    judged = first(assessed(find_lens(str(path)), "OPS-1: ops_no", *limits(1e9), scaling(True)))
    assert judged.state == "understated"
    assert judged.offered == "ops_limits, ops_scales"


def test_a_declared_value_challenges_and_contradicts_nothing(path: Path) -> None:
    judged = first(
        assessed(find_lens(str(path)), "OPS-1: [ops_limits, ops_scales]", scaling(False, state="declared"))
    )
    assert (judged.state, judged.credit.credit) == ("challenged", 0.5)


@pytest.mark.parametrize(
    ("dated", "credit"), [(date(2026, 10, 1), 0.75), (date(2025, 10, 1), 0.5), (None, 0.5)]
)
def test_a_dated_attachment_backs_a_selection(dated: date | None, credit: float) -> None:
    (question, _) = lens_of(document(), "team.json").questions
    claim = Claim("OPS-1", ("ops_limits", "ops_scales"), attachments=(Attachment("runbook.pdf", dated),))
    assert judge_by_rules(question, claim, Evidence(NOW)).credit.credit == credit


def test_facts_by_hand_back_a_selection_and_prove_nothing(path: Path) -> None:
    rules = (("ops_scales", "NO_RISK"), ("default", "HIGH_RISK"))
    path.write_text(json.dumps(document(*rules)))
    judged = first(assessed(find_lens(str(path)), "OPS-1: ops_scales", scaling(True, state="by_hand")))
    assert (judged.state, judged.credit.credit, judged.credit.proven) == ("claimed", 0.75, 0.0)


def test_the_plan_names_the_fewest_practices_more(path: Path) -> None:
    found = assessed(find_lens(str(path)), "OPS-1: ops_no")
    (action,) = found.actions
    document_of = action.to_json()
    assert (document_of["kind"], document_of["to_choice"], document_of["effort_days"]) == (
        "raise", "ops_limits", 2.0,
    )  # fmt: skip
    assert document_of["text"] == "Do ops_limits"


def provable(*rules: tuple[str, str], choices: tuple[str, ...] = ("a", "b", "e_no")) -> Question:
    """A question whose choice x is proven by `test.true_x` and refuted by `test.false_x`."""
    (question, _) = lens_of(document(*rules, choices=choices), "provable").questions
    return with_proofs(question, frozenset(choices))


def test_none_of_these_proven_refutes_the_others() -> None:
    question = provable(("a", "NO_RISK"), ("default", "HIGH_RISK"))
    judged = judge_by_rules(question, Claim("OPS-1", ("a",)), evidence_of({"e_no"}, set(), set()))
    assert (judged.state, judged.risk, judged.credit.credit) == ("contradicted", "HIGH_RISK", 0.0)
    assert "leaves no room for a" in judged.because


def test_nothing_is_proven_of_a_selection_of_which_nothing_is_left() -> None:
    """Without `a` there would be no risk; but then nothing is selected, and that is no answer."""
    question = provable(("!a", "NO_RISK"), ("default", "MEDIUM_RISK"))
    evidence = evidence_of(set(), {"a"}, set())
    reading = read(rules_of(question), ("a",), standing_of(question, evidence))
    assert (reading.claimed, reading.limit, reading.proven) == (0.5, 1.0, 0.0)
    assert judge_by_rules(question, Claim("OPS-1", ("a",)), evidence).state == "challenged"


def test_a_practice_in_doubt_is_not_proven() -> None:
    question = provable(("a", "NO_RISK"), ("default", "HIGH_RISK"))
    claim = Claim("OPS-1", ("a",))
    assert judge_by_rules(question, claim, evidence_of({"a"}, set(), set())).state == "verified"
    doubted = judge_by_rules(question, claim, evidence_of({"a"}, set(), {"a"}))
    assert (doubted.state, doubted.credit.proven, doubted.credit.credit) == ("challenged", 0.0, 0.5)


# Any rules, any selection, any evidence.

NAMES = ("a", "b", "c", "d", "e_no")
RISKS = ("NO_RISK", "MEDIUM_RISK", "HIGH_RISK")


def random_condition(chance: random.Random, depth: int = 2) -> str:
    roll = chance.random()
    if depth == 0 or roll < 0.4:
        return chance.choice([*NAMES, "strange"]) if chance.random() < 0.95 else "strange"
    if roll < 0.55:
        return f"!({random_condition(chance, depth - 1)})"
    sign = chance.choice((" && ", " || "))
    return f"({sign.join(random_condition(chance, depth - 1) for _ in range(2))})"


def random_question(chance: random.Random) -> Question:
    rules = [(random_condition(chance), chance.choice(RISKS)) for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.7:
        rules.append(("default", chance.choice(RISKS)))
    (question, _) = lens_of(document(*rules, choices=NAMES), "random").questions
    return with_proofs(question, {name for name in NAMES if chance.random() < 0.8})


def with_proofs(question: Question, proven: Collection[str]) -> Question:
    return replace(
        question,
        choices=tuple(
            replace(
                choice,
                verified_by=expression(f"test.true_{choice.id}") if choice.id in proven else None,
                contradicted_by=None if choice.id == "e_no" else expression(f"test.false_{choice.id}"),
            )
            for choice in question.choices
        ),
    )


@cache
def pool() -> list[Question]:
    """Questions to draw from: making one takes longer than judging it."""
    chance = random.Random(20261101)
    return [random_question(chance) for _ in range(1_000)]


def evidence_of(true: set[str], false: set[str], doubted: set[str]) -> Evidence:
    proof = {f"test.true_{name}": True for name in true} | {f"test.false_{name}": True for name in false}
    doubt = proof | {f"test.false_{name}": True for name in doubted}
    return Evidence(NOW, proof=proof, support=proof, doubt=doubt)


def some(chance: random.Random, names: tuple[str, ...], share: float) -> set[str]:
    return {name for name in names if chance.random() < share}


def rules_of(question: Question) -> RatedQuestion:
    assert question.by_rules is not None
    return question.by_rules


def claim_of(selected: set[str]) -> Claim | None:
    return Claim("OPS-1", tuple(sorted(selected))) if selected else None


def subsets(names: tuple[str, ...]) -> list[set[str]]:
    return [set(part) for size in range(len(names) + 1) for part in itertools.combinations(names, size)]


def test_what_is_proven_is_at_most_what_evidence_allows_and_credit_is_between() -> None:
    chance = random.Random(20261101)
    for _ in range(8_000):
        question = chance.choice(pool())
        rules = rules_of(question)
        selected = some(chance, NAMES, 0.5)
        true, false, doubted = some(chance, NAMES, 0.25), some(chance, NAMES, 0.25), some(chance, NAMES, 0.1)
        evidence = evidence_of(true, false, doubted)
        judged = judge_by_rules(question, claim_of(selected), evidence)
        credit = judged.credit
        lost = credit.not_done + credit.contradicted + credit.not_proven + credit.unanswered
        assert credit.credit + lost == pytest.approx(1, abs=1e-12)
        assert 0 <= credit.proven <= credit.credit <= max(credit.claimed, credit.proven)
        if not selected or rules.value(selected) is None:
            assert credit.unanswered == 1
            continue
        standing = standing_of(question, evidence)
        reading = read(rules, selected, standing)
        assert reading.proven <= reading.limit
        assert reading.claimed == rules.value(selected)
        left = (selected - standing.refuted) | standing.proven
        if left:
            assert reading.limit == (rules.value(left) or 0.0)
        open_names = set(NAMES) - standing.proven - standing.refuted
        worst = min(
            rules.value(standing.proven | part) or 0.0
            for part in subsets(tuple(sorted(open_names)))
            if standing.proven | part
        ) if standing.proven or open_names else 0.0  # fmt: skip
        assert reading.proven <= worst or reading.proven == 0


def test_claiming_more_than_is_true_never_pays() -> None:
    """Whatever a contradicted selection gets, some selection that nothing refutes gets as much."""
    chance = random.Random(20261102)
    contradicted = 0
    while contradicted < 4_000:
        question = chance.choice(pool())
        true, false = some(chance, NAMES, 0.3), some(chance, NAMES, 0.4)
        evidence = evidence_of(true, false, set())
        standing = standing_of(question, evidence)
        judged = judge_by_rules(question, claim_of(some(chance, NAMES, 0.6)), evidence)
        if judged.state != "contradicted":
            continue
        contradicted += 1
        got = judged.credit.credit
        assert got == 0 or any(
            judge_by_rules(question, claim_of(part), evidence).credit.credit >= got
            for part in subsets(NAMES)
            if part and not part & standing.refuted
        )


def test_proving_what_is_selected_never_lowers_the_credit() -> None:
    chance = random.Random(20261103)
    for _ in range(6_000):
        question = chance.choice(pool())
        selected = some(chance, NAMES[:-1], 0.6) or {"a"}
        true, false = some(chance, NAMES[:-1], 0.2), some(chance, NAMES[:-1], 0.1)
        doubted = some(chance, NAMES[:-1], 0.1)
        more = true | {chance.choice(sorted(selected))}
        before, after = (
            judge_by_rules(question, claim_of(selected), evidence_of(known, false, doubted)).credit
            for known in (true, more)
        )
        assert after.credit >= before.credit
        assert after.proven >= before.proven


def test_the_order_of_choices_and_answers_makes_no_difference() -> None:
    chance = random.Random(20261104)
    for _ in range(4_000):
        question = chance.choice(pool())
        selected = sorted(some(chance, NAMES, 0.6)) or ["a"]
        mixed = selected.copy()
        chance.shuffle(mixed)
        evidence = evidence_of(some(chance, NAMES, 0.3), some(chance, NAMES, 0.2), set())
        first_one, second_one = (
            judge_by_rules(question, Claim("OPS-1", tuple(names)), evidence) for names in (selected, mixed)
        )
        assert first_one == second_one
    lens = lens_of(document(), "team.json")
    answers = ("OPS-1: [ops_limits]\n  OPS-2: ops_team", "OPS-2: ops_team\n  OPS-1: [ops_limits]")
    one, other = (assessed(lens, text) for text in answers)
    assert one.judgements == other.judgements
    assert one.scores == other.scores


def test_answers_to_what_the_lens_has_not_are_refused_with_the_nearest(path: Path) -> None:
    lens = find_lens(str(path))
    with pytest.raises(UsageError, match="line 3: the lens has no question 'OPS-11': did you mean OPS-1"):
        assessed(lens, "OPS-11: ops_no")
    with pytest.raises(UsageError, match="line 3: OPS-1 has no choice 'ops_limit': did you mean ops_limits"):
        assessed(lens, "OPS-1: [ops_limit]")
