"""What the plan comes to, and what each claim costs: by the exact split of points."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assessments.assessment import assess
from assessments.claims import answers_of
from assessments.judging import Materials
from assessments.lens import load_lens
from assessments.scoring import losses_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LENS = b"""\
schema: loadstone.lens/1
name: two-pillars
title: Two pillars
version: "1"
pillars: [{id: infrastructure, name: Infrastructure}, {id: models, name: Models}]
questions:
- id: INF-01
  pillar: infrastructure
  weight: 3
  question: First?
  choices:
  - {id: INF_01_no, value: 0, text: No}
  - {id: INF_01_a, value: 0.5, text: Half, verified_by: load.capacity > 0}
  - {id: INF_01_b, value: 1, text: Whole, verified_by: load.capacity > 1}
  remediation: {text: Do the first, effort_days: 2, tradeoff: time}
- id: INF-02
  pillar: infrastructure
  weight: 1
  question: Second?
  choices:
  - {id: INF_02_no, value: 0, text: No}
  - {id: INF_02_b, value: 1, text: Whole, verified_by: load.capacity > 1}
  remediation: {text: Do the second, effort_days: 1, tradeoff: time}
- id: MOD-01
  pillar: models
  weight: 2
  question: Third?
  choices:
  - {id: MOD_01_no, value: 0, text: No}
  - {id: MOD_01_b, value: 1, text: Whole, unprovable: nobody can}
  remediation: {text: Do the third, effort_days: 5, tradeoff: time}
"""


def _materials(answers: dict[str, str]) -> Materials:
    given = {"schema": "loadstone.answers/1", "answers": answers}
    return Materials("a", "1", load_lens(LENS, "lens.yaml"), answers_of(given, "answers"))


def test_all_actions_together_give_the_sum_of_what_each_makes_true() -> None:
    assessed = assess(_materials({"INF-01": "INF_01_a", "INF-02": "INF_02_no", "MOD-01": "MOD_01_no"}), NOW)
    (effect,) = assessed.plan_effects()
    assert (effect.count, effect.effort_days) == (3, 8.0)
    # Both questions of infrastructure are at their highest level and proven; the third is claimed with a
    # document, since no probe can prove it: 0.75 of it counts.
    pillars = {score.id: score.reading for score in effect.scores.pillars}
    assert pillars["infrastructure"] is not None
    assert pillars["models"] is not None
    assert pillars["infrastructure"].score == pytest.approx(100)
    assert pillars["models"].score == pytest.approx(75)
    assert effect.scores.overall.pillar == "models"


def test_the_first_actions_stand_beside_all_where_there_are_more() -> None:
    lens = LENS.decode().replace("- id: MOD-01", "- id: MOD-02", 1)
    more = lens + lens[lens.index("- id: MOD-02") :].replace("MOD-02", "MOD-03").replace("MOD_01", "MOD_03")
    given = {
        "schema": "loadstone.answers/1",
        "answers": {
            "INF-01": "INF_01_no",
            "INF-02": "INF_02_no",
            "MOD-02": "MOD_01_no",
            "MOD-03": "MOD_03_no",
        },
    }
    materials = Materials("a", "1", load_lens(more.encode(), "lens.yaml"), answers_of(given, "answers"))
    assessed = assess(materials, NOW)
    assert [effect.count for effect in assessed.plan_effects()] == [3, 4]


def test_without_actions_there_is_no_effect() -> None:
    assessed = assess(_materials({}), NOW)
    assert assessed.actions == ()
    assert assessed.plan_effects() == ()


def test_losses_of_claims_add_up_to_those_of_their_pillar() -> None:
    assessed = assess(_materials({"INF-01": "INF_01_a", "MOD-01": "MOD_01_b"}), NOW)
    losses = losses_of(assessed.judgements)
    # INF-01 is half claimed and not proven: 75 points of weight · (0.5 not done, 0.25 not proven).
    assert losses["INF-01"].not_done == pytest.approx(37.5)
    assert losses["INF-01"].not_proven == pytest.approx(18.75)
    assert losses["INF-02"].unanswered == pytest.approx(25)
    document = assessed.to_json()
    lost = document["scores"]["pillars"]["infrastructure"]["lost"]
    claims = [claim for claim in document["claims"] if claim["question"].startswith("INF")]
    for part, points in lost.items():
        assert sum(claim["lost"][part] for claim in claims) == pytest.approx(points)


def test_a_pillar_says_its_band() -> None:
    answers = {"INF-01": "INF_01_a", "INF-02": "INF_02_b", "MOD-01": "MOD_01_b"}
    scores = assess(_materials(answers), NOW).scores.to_json()["pillars"]
    # (3 · 0.25 + 1 · 0.5) / 4 and 0.5
    assert (scores["infrastructure"]["score"], scores["infrastructure"]["band"]) == (31.25, "fragile")
    assert (scores["models"]["score"], scores["models"]["band"]) == (50.0, "limited")
