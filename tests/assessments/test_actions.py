"""Actions: what re-scoring says that each remediation is worth."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assessments.actions import Action, actions_of
from assessments.claims import Claim
from assessments.evidence import Evidence, weigh
from assessments.lens import Lens, load_lens
from assessments.scoring import scores_of
from assessments.states import judge
from probes.facts import CATALOGUE, Fact, Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEVELS = (
    "  - {{id: {0}_0, value: 0, text: Nothing}}\n"
    "  - {{id: {0}_1, value: 0.5, text: Something, verified_by: {1} >= 1, contradicted_by: {1} < 0}}\n"
    "  - {{id: {0}_2, value: 1, text: Everything, {2}}}\n"
)
PROVABLE = "verified_by: {0} >= 2, contradicted_by: {0} < 1"


def lens_of_questions(*questions: dict[str, Any]) -> Lens:
    """A lens whose questions have three levels, proven by 1 and 2 of their fact."""
    pillars = list(dict.fromkeys(entry.get("pillar", "infrastructure") for entry in questions))
    text = 'schema: loadstone.lens/1\nname: actions\ntitle: Actions\nversion: "1"\npillars:\n'
    text += "".join(f"- {{id: {pillar}, name: {pillar}}}\n" for pillar in pillars) + "questions:\n"
    for entry in questions:
        asked, fact = entry["id"], entry.get("fact", "load.capacity")
        top = "unprovable: nobody can" if entry.get("unprovable") else PROVABLE.format(fact)
        text += (
            f"- id: {asked}\n  pillar: {entry.get('pillar', 'infrastructure')}\n"
            f"  weight: {entry.get('weight', 1)}\n  critical: {str(entry.get('critical', False)).lower()}\n"
            f"  question: What?\n  choices:\n{LEVELS.format(asked, fact, top)}"
            f"  remediation: {{text: Improve {asked}, effort_days: {entry.get('days', 1)}, tradeoff: time}}\n"
        )
    lens = load_lens(text.encode(), "actions.yaml")
    assert lens.problems == ()
    return lens


def evidence(**values: float) -> Evidence:
    """`load_capacity=1` is the fact load.capacity."""
    facts = []
    for key, value in values.items():
        name = key.replace("_", ".", 1)
        at = NOW - timedelta(days=1)
        facts.append(Fact(name, float(value), CATALOGUE[name].unit, Source("test"), at))
    return weigh(facts, NOW)


def planned(lens: Lens, seen: Evidence, **choices: str) -> list[Action]:
    """The actions where `Q_1="Q-1_2"` claims that choice."""
    claims = {}
    for key, choice in choices.items():
        question = key.replace("_", "-")
        claims[question] = Claim(question, (), "unsure") if choice == "unsure" else Claim(question, (choice,))
    judgements = judge(lens, claims, seen)
    return actions_of(lens, judgements, scores_of(lens, judgements, seen), seen)


def test_where_all_is_proven_nothing_is_to_be_done() -> None:
    lens = lens_of_questions({"id": "Q-1"}, {"id": "Q-2", "weight": 3})
    assert planned(lens, evidence(load_capacity=2), Q_1="Q-1_2", Q_2="Q-2_2") == []
    modest = planned(lens, evidence(load_capacity=2), Q_1="Q-1_0", Q_2="Q-2_2")
    assert modest == [], "raising a claim to what is proven is no work"


def test_a_step_up_gains_the_credit_between() -> None:
    lens = lens_of_questions({"id": "Q-1", "days": 4}, {"id": "Q-2", "weight": 3, "fact": "load.throughput"})
    seen = evidence(load_capacity=1, load_throughput=2)
    (action,) = planned(lens, seen, Q_1="Q-1_1", Q_2="Q-2_2")
    assert (action.question, action.kind, action.to_choice) == ("Q-1", "raise", "Q-1_2")
    assert action.points == pytest.approx(100 * 0.5 / 4)
    assert action.points_per_day == pytest.approx(100 * 0.5 / 4 / 4)
    assert (action.score_points, action.overall_points) == (action.points, action.points)
    assert (action.lifts, action.lifts_cap, action.tradeoff) == ("infrastructure", None, "time")


def test_a_contradicted_claim_is_to_be_made_true() -> None:
    lens = lens_of_questions({"id": "Q-1"})
    (action,) = planned(lens, evidence(load_capacity=0.5), Q_1="Q-1_2")
    assert (action.kind, action.to_choice, action.points) == ("fix", "Q-1_2", 100)


def test_the_highest_claim_is_to_be_proven_where_it_can_be() -> None:
    (action,) = planned(lens_of_questions({"id": "Q-1"}), evidence(), Q_1="Q-1_2")
    assert (action.kind, action.points) == ("prove", 50)
    assert planned(lens_of_questions({"id": "Q-1", "unprovable": True}), evidence(), Q_1="Q-1_2") == []


def test_what_no_probe_can_prove_counts_as_backed_by_a_document() -> None:
    lens = lens_of_questions({"id": "Q-1", "unprovable": True})
    (action,) = planned(lens, evidence(load_capacity=1), Q_1="Q-1_1")
    assert action.points == pytest.approx(100 * (0.5 + 0.75 * 0.5 - 0.5))


def test_of_a_claim_too_modest_the_step_above_the_proof_is_planned() -> None:
    lens = lens_of_questions({"id": "Q-1"})
    (action,) = planned(lens, evidence(load_capacity=1), Q_1="Q-1_0")
    assert (action.kind, action.to_choice) == ("raise", "Q-1_2")
    assert action.points == pytest.approx(50), "from the 0.5 that is true already"


def test_actions_that_lift_a_cap_come_first_then_points_for_a_day() -> None:
    lens = lens_of_questions(
        {"id": "Q-1", "weight": 3, "days": 1},
        {"id": "Q-2", "weight": 1, "days": 20, "critical": True},
        {"id": "Q-3", "weight": 3, "days": 3},
        {"id": "Q-4", "weight": 3, "days": 3},
    )
    actions = planned(lens, evidence(), Q_1="Q-1_1", Q_2="Q-2_0", Q_3="Q-3_1", Q_4="Q-4_1")
    assert [action.question for action in actions] == ["Q-2", "Q-1", "Q-3", "Q-4"]
    assert actions[0].lifts_cap == 39
    assert actions[2].points_per_day == pytest.approx(actions[3].points_per_day)


def test_a_capped_pillar_gains_points_and_no_score() -> None:
    lens = lens_of_questions(
        {"id": "Q-1", "weight": 9, "fact": "load.throughput"}, {"id": "Q-2", "critical": True}
    )
    actions = {
        entry.question: entry
        for entry in planned(lens, evidence(load_throughput=1), Q_1="Q-1_1", Q_2="Q-2_0")
    }
    assert actions["Q-1"].points == pytest.approx(45)
    assert actions["Q-1"].score_points == 0
    assert actions["Q-1"].lifts is None
    assert actions["Q-2"].score_points == pytest.approx(50 - 39)
    assert actions["Q-2"].points == pytest.approx(5)


def test_only_the_lowest_pillar_lifts_the_whole_and_no_further_than_the_next() -> None:
    lens = lens_of_questions(
        {"id": "Q-1", "pillar": "infrastructure"},
        {"id": "Q-2", "pillar": "models", "fact": "load.throughput"},
    )
    seen = evidence(load_throughput=1)
    actions = {entry.question: entry for entry in planned(lens, seen, Q_1="Q-1_1", Q_2="Q-2_1")}
    assert (actions["Q-1"].lifts, actions["Q-2"].lifts) == ("infrastructure", None)
    assert actions["Q-1"].score_points == 75, "25 for a bare claim, then 100"
    assert actions["Q-1"].overall_points == 25, "up to the 50 of models"


def test_open_questions_and_refused_pillars_have_no_actions() -> None:
    lens = lens_of_questions({"id": "Q-1", "weight": 8}, {"id": "Q-2", "weight": 2})
    assert [entry.question for entry in planned(lens, evidence(), Q_1="Q-1_1", Q_2="unsure")] == ["Q-1"]
    assert planned(lens, evidence(), Q_1="unsure", Q_2="Q-2_1") == []


def test_an_action_is_written_as_the_contract_says() -> None:
    (action,) = planned(lens_of_questions({"id": "Q-1", "days": 2}), evidence(), Q_1="Q-1_1")
    document = action.to_json()
    assert set(document) >= {"text", "effort_days", "points", "points_per_day", "tradeoff"}
    assert (document["text"], document["points"], document["points_per_day"]) == ("Improve Q-1", 75, 37.5)


def test_every_action_gains_what_scoring_the_changed_answers_gives() -> None:
    chance = random.Random(20260306)
    facts = ["load.capacity", "load.throughput", "load.saturation_rate"]
    gained = 0
    for _ in range(60):
        count = chance.randint(3, 8)
        lens = lens_of_questions(
            *(
                {
                    "id": f"Q-{place}",
                    "weight": chance.randint(1, 3),
                    "critical": chance.random() < 0.3,
                    "fact": chance.choice(facts),
                    "days": chance.choice([0.5, 1, 3]),
                }
                for place in range(count)
            )
        )
        seen = evidence(**{name.replace(".", "_", 1): chance.choice([-1, 0.5, 1, 2]) for name in facts[:2]})
        choices = {f"Q_{place}": f"Q-{place}_{chance.randint(0, 2)}" for place in range(count)}
        actions = planned(lens, seen, **choices)
        assert actions == planned(lens, seen, **choices)
        assert all(action.points > 0 and action.effort_days > 0 for action in actions)
        assert all(action.overall_points <= action.score_points + 1e-9 for action in actions)
        gained += len(actions)
    assert gained > 100
