"""What to do next in a question with risk rules: the fewest practices more that lower its risk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assessments.aws_actions import Step, fewest_more, step_by_rules
from assessments.aws_judging import judge_by_rules
from assessments.claims import Claim
from assessments.evidence import Evidence
from assessments.lens import Question, lens_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ("aaa", "bbb", "ccc", "ddd", "eee_no")


def question(*rules: tuple[str, str], sidecar: bool = False) -> Question:
    entry = {
        "id": "OPS-1",
        "title": "How?",
        "choices": [
            {"id": name, "title": name, "improvementPlan": {"displayText": f"Do {name}."}} for name in NAMES
        ],
        "riskRules": [{"condition": condition, "risk": risk} for condition, risk in rules],
    }
    document: dict[str, Any] = {"name": "x", "pillars": [{"id": "ops", "name": "Ops", "questions": [entry]}]}
    if sidecar:
        proofs = {name: {"verified_by": f"process.{name} > 0"} for name in NAMES[:-1]}
        document = {
            "schema": "loadstone.aws-lens/1",
            "lens": document,
            "sidecar": {
                "schema": "loadstone.sidecar/1",
                "questions": {"OPS-1": {"effort_days": 2, "choices": proofs}},
            },
        }
    (found,) = lens_of(document, "lens.json").questions
    return found


def step(of: Question, *selected: str, **known: int) -> Step | None:
    proof = {f"process.{name}": value for name, value in known.items()}
    evidence = Evidence(NOW, proof=proof, support=proof, doubt=proof)
    return step_by_rules(of, judge_by_rules(of, Claim("OPS-1", selected), evidence))


LADDER = (
    ("aaa && bbb && ccc && ddd", "NO_RISK"),
    ("ccc && ddd", "MEDIUM_RISK"),
    ("default", "HIGH_RISK"),
)


@pytest.mark.parametrize(
    ("selected", "more"),
    [
        (("eee_no",), ("ccc", "ddd")),
        (("ccc",), ("ddd",)),
        (("aaa", "bbb", "ccc"), ("ddd",)),
        (("ccc", "ddd"), ("aaa", "bbb")),
        (NAMES[:-1], ()),
    ],
)
def test_the_fewest_practices_that_lower_the_risk_are_found(
    selected: tuple[str, ...], more: tuple[str, ...]
) -> None:
    rules = question(*LADDER).by_rules
    assert rules is not None
    assert fewest_more(rules, selected, rules.value(selected) or 0.0) == more


def test_where_two_are_not_enough_all_are_asked_for() -> None:
    rules = question(("aaa && bbb && ccc", "NO_RISK"), ("default", "HIGH_RISK")).by_rules
    assert rules is not None
    assert fewest_more(rules, ("eee_no",), 0.0) == ("aaa", "bbb", "ccc", "ddd")


def test_a_step_takes_none_of_these_out_and_adds_up_the_effort() -> None:
    found = step(question(*LADDER, sidecar=True), "eee_no")
    assert found is not None
    assert (found.kind, found.choices) == ("raise", ("ccc", "ddd"))
    assert (found.remediation.text, found.remediation.effort_days) == ("Do ccc; Do ddd", 4.0)
    assert not found.remediation.effort_assumed
    assert (found.after.credit.credit, found.after.risk) == (0.5, "MEDIUM_RISK")


def test_without_a_sidecar_effort_is_assumed_and_a_step_is_backed_by_a_document() -> None:
    """κ = 0.75 for what no probe can prove: 0.75 · 0.5."""
    found = step(question(*LADDER), "ccc")
    assert found is not None
    assert found.remediation.effort_assumed
    assert found.after.state == "claimed"
    assert found.after.credit.credit == 0.375


def test_a_claim_at_the_top_is_to_be_proven_where_probes_can() -> None:
    found = step(question(*LADDER, sidecar=True), *NAMES[:-1])
    assert found is not None
    assert (found.kind, found.before.credit.credit, found.after.credit.credit) == ("prove", 0.5, 1.0)
    assert step(question(*LADDER), *NAMES[:-1]) is None


def test_what_is_proven_and_not_claimed_is_no_gain_of_the_step() -> None:
    of = question(
        ("aaa && bbb && ccc", "NO_RISK"), ("aaa", "MEDIUM_RISK"), ("default", "HIGH_RISK"), sidecar=True
    )
    found = step(of, "eee_no", aaa=1)
    assert found is not None
    assert (found.kind, found.choices) == ("raise", ("aaa", "bbb", "ccc"))
    assert (found.before.credit.credit, found.after.credit.credit) == (0.5, 1.0)


def test_a_question_that_only_informs_asks_for_nothing() -> None:
    assert step(question(("default", "HIGH_RISK")), "aaa") is None
