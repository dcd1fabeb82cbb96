"""Milestones: what makes the difference between two states, lens, answers and evidence apart."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from assessments.assessment import assess, rescored
from assessments.lens import Lens, load_lens
from assessments.milestones import SAME_LENS, Difference, compact, difference, expanded

GIB = 2**30


def scores(found: Difference) -> dict[str, tuple[Any, ...]]:
    return {
        entry.id: (entry.before, entry.after, entry.lens, entry.answers, entry.evidence)
        for entry in found.scores
    }


@pytest.fixture
def stricter(small_lens: Lens) -> Lens:
    """The same lens, where a memory limit has to lie further above the peak and one question is new."""
    document = small_lens.to_json() | {"version": "2"}
    question = next(entry for entry in document["questions"] if entry["id"] == "INF-08")
    question["choices"][2] |= {
        "verified_by": "derived.memory_limit_headroom >= 3",
        "contradicted_by": "derived.memory_limit_headroom < 2.5",
    }

    lens = load_lens(json.dumps(document).encode(), "stricter.json")
    assert lens.problems == ()
    return lens


def test_without_a_change_nothing_differs(scene: Any) -> None:
    found = difference(scene.assessed(), scene.assessed())
    assert set(scores(found)) == {"overall", "infrastructure", "monitoring"}
    for before, after, *parts in scores(found).values():
        assert before == after
        assert parts == [0, 0, 0]
    assert (found.lens, found.answers, found.facts, found.states) == ((), (), (), ())


def test_changed_answers_are_the_answers_part_alone(scene: Any) -> None:
    found = difference(scene.claiming(INF_08="INF_08_a").assessed(), scene.assessed())
    # INF-08 of 6 from .25 to 1, both proven
    assert scores(found)["infrastructure"] == pytest.approx((62.5, 100, 0, 37.5, 0))
    assert [entry.to_json() for entry in found.answers] == [
        {"id": "INF-08", "before": "INF_08_a", "after": "INF_08_b"}
    ]
    assert (found.facts, found.lens) == ((), ())
    assert [(entry.id, entry.before, entry.after) for entry in found.states] == [
        ("INF-08", "understated", "verified")
    ]


def test_changed_evidence_is_the_evidence_part_alone(scene: Any) -> None:
    tight = scene.but(infra__kubernetes__memory_limit_bytes=GIB)
    found = difference(tight.assessed(), scene.assessed())
    assert scores(found)["infrastructure"] == pytest.approx((62.5, 100, 0, 0, 37.5))
    assert [(entry.id, entry.before, entry.after) for entry in found.facts] == [
        ("derived.memory_limit_headroom", "1", "2"),
        ("infra.kubernetes.memory_limit_bytes", "1073741824 bytes", "2147483648 bytes"),
    ]
    assert found.answers == ()


def test_evidence_that_expired_meanwhile_is_evidence_that_changed(scene: Any) -> None:
    later = scene.assessed(scene.evidence.as_of + timedelta(days=40))
    found = difference(scene.assessed(), later)
    before, after, by_lens, by_answers, by_evidence = scores(found)["infrastructure"]
    assert (by_lens, by_answers) == (0, 0)
    assert by_evidence == pytest.approx(after - before)
    assert by_evidence < 0
    assert ("load.capacity", "unknown") in [(entry.id, entry.after) for entry in found.facts]


def test_a_changed_lens_is_the_lens_part_alone(scene: Any, stricter: Lens) -> None:
    found = difference(scene.assessed(), replace(scene, lens=stricter).assessed())
    # 2 x the peak was proven, and is contradicted now: INF-08 keeps the .25 below
    assert scores(found)["infrastructure"] == pytest.approx((100, 62.5, -37.5, 0, 0))
    assert [(entry.id, entry.after) for entry in found.lens] == [
        ("lens", "small-lens 2"),
        ("INF-08", "reworded, or judged otherwise"),
    ]


def test_all_three_at_once_are_told_apart_and_add_up(scene: Any, stricter: Lens) -> None:
    before = scene.claiming(INF_08="INF_08_a", INF_01="INF_01_a").assessed()
    changed = replace(scene, lens=stricter).but(infra__kubernetes__memory_limit_bytes=4 * GIB)
    after = changed.of(target_peak_per_s=400).assessed(scene.evidence.as_of + timedelta(days=1))
    found = scores(difference(before, after))
    first, last, *parts = found["infrastructure"]
    assert all(part is not None for part in parts)
    assert sum(parts) == pytest.approx(last - first, abs=1e-9)
    # first the lens: .25 and .5 are claimed and proven as before; then the answers, of a fleet that 400/s are
    # too much for (contradicted, capped at 39); last the limit of 4 x the peak
    assert parts[0] == 0
    assert parts[1] == pytest.approx(37.5 - 37.5 + (100 * (0.5 * 3 + 0.25 * 3) / 6 - 37.5), abs=1e-9)


def test_the_parts_add_up_whatever_changed(scene: Any, stricter: Lens, small_lens: Lens) -> None:
    chance = random.Random(20260301)

    def state() -> Any:
        given = scene.claiming(
            INF_01=chance.choice(["INF_01_no", "INF_01_a", "INF_01_b"]),
            INF_08=chance.choice(["INF_08_no", "INF_08_a", "INF_08_b"]),
            MON_01=chance.choice(["MON_01_no", "MON_01_a"]),
        ).of(target_peak_per_s=chance.choice([140, 400]))
        given = given.but(
            infra__kubernetes__memory_limit_bytes=chance.choice([None, GIB, 2 * GIB, 4 * GIB]),
            load__capacity=chance.choice([None, (50.0, 48.0, 52.0)]),
            monitoring__prometheus__count_ratio=chance.choice([0.5, 1.0]),
        )
        given = replace(given, lens=chance.choice([small_lens, stricter]))
        return given.assessed(scene.evidence.as_of + timedelta(days=chance.choice([0, 40])))

    for _ in range(60):
        one, other = state(), state()
        forth, back = scores(difference(one, other)), scores(difference(other, one))
        for name, (before, after, *parts) in forth.items():
            assert sum(parts) == pytest.approx(after - before, abs=1e-9)
            assert back[name][:2] == (after, before)
        if one.materials == other.materials and one.as_of == other.as_of:
            assert all(parts == (0, 0, 0) for _, _, *parts in forth.values())


def test_a_question_that_a_lens_no_longer_has_takes_its_answer_with_it(scene: Any, small_lens: Lens) -> None:

    document = small_lens.to_json()
    document["questions"] = [entry for entry in document["questions"] if entry["id"] != "INF-08"]
    shorter = load_lens(json.dumps(document).encode(), "shorter.json")
    claims = {name: choice for name, choice in scene.claims.items() if name != "INF-08"}
    fewer = replace(scene, lens=shorter, claims=claims)
    tight = scene.but(infra__kubernetes__memory_limit_bytes=GIB)
    found = difference(tight.assessed(), fewer.but(infra__kubernetes__memory_limit_bytes=GIB).assessed())
    assert scores(found)["infrastructure"] == pytest.approx((62.5, 100, 37.5, 0, 0))
    assert [(entry.id, entry.before, entry.after) for entry in found.lens] == [
        ("INF-08", "asked", "no longer asked")
    ]
    back = difference(fewer.assessed(), scene.assessed())
    assert [(entry.id, entry.after) for entry in back.lens] == [("INF-08", "asked")]


def test_where_a_score_is_refused_there_is_no_part(scene: Any) -> None:
    refused = scene.claiming(MON_01="unsure").assessed()
    found = scores(difference(refused, scene.assessed()))
    assert found["monitoring"] == (None, 100, None, None, 0)
    assert found["overall"][0] is None
    assert found["infrastructure"] == (100, 100, 0, 0, 0)


def test_profile_weights_and_challenges_are_answers(scene: Any) -> None:
    more = {
        "weights": {"INF-08": 1},
        "challenges": [{"fact": "load.capacity", "reason": "test data", "at": "2026-03-01"}],
    }
    changed = replace(scene.of(replicas=3), answers_more=more)
    found = difference(scene.assessed(), changed.assessed())
    assert {entry.id for entry in found.answers} == {"profile.replicas", "weights", "challenges"}
    before, after, by_lens, by_answers, by_evidence = scores(found)["infrastructure"]
    assert (by_lens, by_evidence) == (0, 0)
    assert by_answers == pytest.approx(after - before)
    assert by_answers < 0


def test_answers_are_told_in_words(scene: Any) -> None:
    before = scene.claiming(MON_01={"not_applicable": "a batch job"})
    after = scene.claiming(
        MON_01={"choice": "MON_01_a", "attachments": [{"file": "a.pdf", "dated": "2026-01-01"}]}
    )
    (change,) = difference(before.assessed(), after.assessed()).answers
    assert (change.before, change.after) == ("not applicable: a batch job", "MON_01_a with 1 attached")


def test_a_difference_is_written_with_its_parts(scene: Any) -> None:
    document = difference(scene.claiming(INF_08="INF_08_a").assessed(), scene.assessed()).to_json()
    assert set(document) == {"scores", "changed"}
    assert set(document["scores"][0]) == {"id", "before", "after", "lens", "answers", "evidence"}
    assert set(document["changed"]) == {"lens", "answers", "facts", "states"}


def test_a_milestone_travels_without_its_lens_and_can_be_judged_again(scene: Any, stricter: Lens) -> None:
    document = scene.assessed().to_json()
    kept = compact(document, "before the sale", document["lens"])
    assert (kept["label"], kept["lens"], kept["runs"], kept["milestones"]) == (
        "before the sale", SAME_LENS, [], [],
    )  # fmt: skip
    label, whole = expanded(kept, document["lens"])
    assert label == "before the sale"
    assert rescored(whole) == document
    other = compact(document, "x", stricter.to_json())
    assert other["lens"] == document["lens"], "another lens travels along"
    assert rescored(expanded(other, stricter.to_json())[1]) == document


def test_milestones_of_an_assessment_are_in_its_document(scene: Any) -> None:
    document = scene.assessed().to_json()
    kept = compact(document, "first", document["lens"])
    with_it = assess(replace(scene.materials, milestones=(kept,)), scene.evidence.as_of).to_json()
    assert with_it["milestones"] == [kept]
    assert rescored(with_it) == with_it


def test_a_milestone_is_judged_as_it_was_with_the_runs_that_it_had(scene: Any) -> None:
    now = scene.evidence.as_of
    run = {"id": "r1", "started_at": now.isoformat(), "status": "completed", "grade": "valid"}
    with_run = replace(scene, runs=({"run": run | {"machine": {"name": "build-7"}}, "steps": [{}] * 50},))
    document = with_run.assessed().to_json()
    kept = compact(document, "first", document["lens"])
    assert kept["runs"] == [{"run": run}]
    again = rescored(expanded(kept, document["lens"])[1])
    assert again["facts"] == document["facts"], "with the count of runs among them"
    assert any(fact["name"] == "history.load_runs_90_days" for fact in again["facts"])
    assert again["scores"] == document["scores"]
