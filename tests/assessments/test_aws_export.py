"""A lens of ours by AWS's rules: ladders as risk rules, and files that AWS takes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from assessments.aws_export import export_text, exported, ladder_risk, ladder_rules, rated_questions
from assessments.aws_lens import read_lens
from assessments.aws_lens_check import check_lens
from assessments.aws_rating import count_ratings, rate, select_all, select_first
from assessments.lens import Lens, bundled_lens, lens_of
from probes.errors import UsageError


def question(name: str = "INF-01", values: tuple[float, ...] = (0, 0.5, 1), **more: Any) -> dict[str, Any]:
    short = name.replace("-", "_")
    return {
        "id": name,
        "pillar": "infrastructure",
        "weight": 1,
        "question": "How does capacity follow demand?",
        "choices": [
            {"id": f"{short}_{place}", "value": value, "text": f"Level {place}", "unprovable": "nobody looks"}
            for place, value in enumerate(values)
        ],
        "remediation": {"text": "Scale it", "effort_days": 1, "tradeoff": "replicas cost money"},
    } | more


def lens(*questions: dict[str, Any], **more: Any) -> Lens:
    document = {
        "schema": "loadstone.lens/1",
        "name": "our-lens",
        "title": "Our lens",
        "version": "1.0",
        "pillars": [{"id": "infrastructure", "name": "Infrastructure"}],
        "questions": list(questions),
    }
    return lens_of(document | more, "ours.yaml")


def sent(of: Lens) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(export_text(of))
    return document


@pytest.mark.parametrize(
    ("value", "critical", "risk"),
    [
        (1, False, "NO_RISK"),
        (0.75, True, "NO_RISK"),
        (0.74, False, "MEDIUM_RISK"),
        (0.5, True, "MEDIUM_RISK"),
        (0.49, True, "HIGH_RISK"),
        (0.25, False, "MEDIUM_RISK"),
        (0, False, "HIGH_RISK"),
    ],
)
def test_a_choice_has_the_risk_of_a_finding(value: float, critical: bool, risk: str) -> None:
    assert ladder_risk(value, critical=critical) == risk


def test_a_ladder_becomes_rules_in_which_the_best_choice_counts() -> None:
    (found,) = sent(lens(question(values=(0, 0.25, 0.5, 0.75, 1))))["pillars"][0]["questions"]
    assert found["id"] == "INF_01"
    assert found["riskRules"] == [
        {"condition": "INF_01_3 || INF_01_4", "risk": "NO_RISK"},
        {"condition": "INF_01_1 || INF_01_2 || INF_01_3 || INF_01_4", "risk": "MEDIUM_RISK"},
        {"condition": "default", "risk": "HIGH_RISK"},
    ]
    assert found["choices"][1]["improvementPlan"]["displayText"] == (
        "Scale it (1 working day) Trade-off: replicas cost money"
    )
    assert "improvementPlan" not in found["choices"][0]


def test_every_single_choice_has_its_own_risk_whatever_the_ladder() -> None:
    chance = random.Random(20261105)
    for _ in range(300):
        count = chance.randint(2, 15)
        values = tuple(sorted(chance.sample([place / 100 for place in range(101)], count)))
        critical = chance.random() < 0.5
        (of,) = lens(question(values=values, critical=critical)).questions
        rules = ladder_rules(of)
        for choice in of.choices:
            assert rules.risk((choice.id,)) == ladder_risk(choice.value, critical=critical)
        some = chance.sample([choice.id for choice in of.choices], chance.randint(1, count))
        best = max(choice.value for choice in of.choices if choice.id in some)
        assert rules.risk(some) == ladder_risk(best, critical=critical)
        read = read_lens(export_text(lens(question(values=values, critical=critical))).encode(), "x.json")
        assert {problem.kind for problem in check_lens(read)} <= {"constant_risk"}
        assert 1 <= len(read.questions[0].rules) <= 3
        assert read.questions[0].rules[-1].is_default


def test_a_ladder_is_rated_like_a_question_of_aws() -> None:
    rated = rated_questions(lens(question(), question("INF-02", (0, 1), critical=True)))

    def counts(selected: dict[str, tuple[str, ...]]) -> list[int]:
        return list(count_ratings(rate(rated, selected)).values())

    assert counts({}) == [0, 0, 0, 2, 0]
    assert counts(select_all(rated)) == [0, 0, 2, 0, 0]
    assert counts(select_first(rated)) == [2, 0, 0, 0, 0]
    assert counts({"INF-01": ("INF_01_1",)}) == [0, 1, 0, 1, 0]


def test_long_texts_are_cut_at_a_word_and_stand_whole_elsewhere() -> None:
    asked = "Where " + "do the limits of a replica come from, and who looks after them, " * 4
    long = "A level " + "x" * 300
    choices = [
        {"id": "abc", "value": 0, "text": "no"},
        {"id": "def", "value": 1, "text": long, "unprovable": "-"},
    ]
    (found,) = sent(lens(question(question=asked, why="It matters.", choices=choices)))["pillars"][0][
        "questions"
    ]
    assert len(found["title"]) <= 128
    assert found["title"].endswith("…")
    assert asked.startswith(found["title"].removesuffix("…") + " ")
    assert found["description"] == f"{asked.strip()}\n\nIt matters."
    assert len(found["choices"][1]["title"]) == 128
    assert found["choices"][1]["helpfulResource"]["displayText"] == long


def test_what_aws_has_no_field_for_is_said() -> None:
    asked = question(
        applies_when="profile.deploys_to == k8s",
        references=["A book", {"title": "A page", "url": "https://a.org"}],
    )
    (found,) = sent(lens(asked))["pillars"][0]["questions"]
    assert found["description"] == "It is asked where profile.deploys_to == k8s."
    assert found["helpfulResource"] == {"displayText": "A page", "url": "https://a.org"}


@pytest.mark.parametrize(
    ("count", "sizes"), [(20, [20]), (21, [10, 11]), (60, [20, 20, 20]), (61, [15, 15, 15, 16])]
)
def test_a_pillar_of_more_questions_than_aws_takes_becomes_several(count: int, sizes: list[int]) -> None:
    document = sent(lens(*(question(f"INF-{place:03}") for place in range(count))))
    assert [len(pillar["questions"]) for pillar in document["pillars"]] == sizes
    assert len({pillar["id"] for pillar in document["pillars"]}) == len(sizes)
    assert document["pillars"][-1]["name"] == (
        "Infrastructure" if len(sizes) == 1 else f"Infrastructure ({len(sizes)} of {len(sizes)})"
    )


def test_what_cannot_be_fitted_in_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="11 pillars, AWS takes 10"):
        exported(lens(*(question(f"INF-{place:03}") for place in range(201))))
    with pytest.raises(UsageError, match="two questions would be 'INF_01' for AWS"):
        exported(lens(question(), question("INF_01") | {"choices": question("INF-77")["choices"]}))
    choices = [
        {"id": "a-1", "value": 0, "text": "no"},
        {"id": "a_1", "value": 1, "text": "yes", "unprovable": "-"},
    ]
    with pytest.raises(UsageError, match="two choices of INF-01 would be 'a_1'"):
        exported(lens(question(choices=choices)))
    heavy = {"text": "x" * 3_000, "effort_days": 1, "tradeoff": "none"}
    many = [
        question(f"INF-{place:03}", (0, *(n / 14 for n in range(1, 15))), remediation=heavy)
        for place in range(30)
    ]
    with pytest.raises(UsageError, match="KB, AWS takes 500 KB"):
        export_text(lens(*many))


def test_a_pillar_without_questions_is_left_out() -> None:
    pillars = [{"id": "infrastructure", "name": "Infrastructure"}, {"id": "data", "name": "Data"}]
    assert len(sent(lens(question(), pillars=pillars))["pillars"]) == 1


def test_the_lens_that_comes_along_exports_within_all_limits() -> None:
    text = export_text(bundled_lens())
    assert len(text.encode()) <= 500_000
    read = read_lens(text.encode(), "exported.json")
    assert [problem.message for problem in check_lens(read)] == []
    assert len(read.questions) == len(bundled_lens().questions)
    for pillar in read.pillars:
        assert len(pillar.questions) <= 20
    for entry in read.questions:
        assert len(entry.title) <= 128
        assert len(entry.choices) <= 15
        assert 1 <= len(entry.rules) <= 3
        assert sum(rule.is_default for rule in entry.rules) == 1
