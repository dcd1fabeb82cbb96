"""The tables of a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from app.gui.models.changes import AFTER, ANSWERS, BEFORE, LENS, NAME, ChangeRow, ChangesModel, ScoresModel
from assessments.milestones import ScoreChange

SCORES = (
    ScoreChange("overall", None, 41.26, None, -2.04, None),
    ScoreChange("models", 40.0, 38.96, 0.0, 0.96, -2.0),
)
ROWS = (
    ChangeRow("states", "A-1", "A-1  One", "claimed", "verified"),
    ChangeRow("answers", "A-1", "A-1  One", "unanswered", "level 1"),
    ChangeRow("facts", "load.capacity", "Capacity", "unknown", "150 req/s"),
)


@pytest.fixture
def scores() -> ScoresModel:
    found = ScoresModel()
    found.show_scores(SCORES, {"models": "Models"})
    return found


@pytest.fixture
def changes() -> ChangesModel:
    found = ChangesModel()
    found.show_rows(ROWS)
    return found


def test_both_models_keep_to_the_rules(
    scores: ScoresModel, changes: ChangesModel, qtmodeltester: Any
) -> None:
    qtmodeltester.check(scores)
    qtmodeltester.check(changes)


def test_no_score_is_none_and_no_share_a_dash(scores: ScoresModel) -> None:
    assert [scores.index(0, column).data() for column in (NAME, BEFORE, AFTER, ANSWERS, LENS)] == [
        "Overall", "none", "41.3", "−2.0", "–",
    ]  # fmt: skip


def test_shares_have_their_sign_and_nothing_is_zero(scores: ScoresModel) -> None:
    assert [scores.index(1, column).data() for column in range(6)] == [
        "Models", "40.0", "39.0", "+1.0", "−2.0", "0",
    ]  # fmt: skip


def test_changes_of_one_kind(changes: ChangesModel) -> None:
    assert changes.counts() == {"all": 3, "states": 1, "answers": 1, "facts": 1, "lens": 0}
    changes.set_kind("facts")
    assert changes.rowCount() == 1
    assert changes.index(0, 0).data() == "Capacity"
    assert changes.row(0).id == "load.capacity"
    changes.set_kind(None)
    assert changes.rowCount() == 3
