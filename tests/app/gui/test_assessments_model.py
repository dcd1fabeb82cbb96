"""The list of assessments without any view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.gui.models.assessments import (
    ANSWERS,
    BAND,
    CHANGED,
    NAME,
    OPEN_ROLE,
    RUNS,
    SCORE,
    SCORE_ROLE,
    AssessmentModel,
    ListedScore,
    listed_score,
)
from assessments.assessment import assess
from assessments.claims import answers_of
from assessments.store import AssessmentSummary, open_store
from assessments.stored import keep, materials

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(name: str, number: int = 0) -> AssessmentSummary:
    at = BEGAN + timedelta(days=number)
    return AssessmentSummary(
        name,
        runs=number,
        answers=10 * number,
        created_at=at,
        updated_at=at,
        id=name,
        evidence=0,
        milestones=0,
    )


@pytest.fixture
def model(qtmodeltester: ModelTester) -> AssessmentModel:
    model = AssessmentModel()
    model.show_entries([entry("Shop", 3), entry("search", 2), entry("shop old", 1)])
    return model


def shown(model: AssessmentModel, column: int) -> list[str]:
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_the_model_keeps_the_rules_of_qt(qtmodeltester: ModelTester, model: AssessmentModel) -> None:
    qtmodeltester.check(model)


def test_a_row_is_an_assessment_in_the_order_given(model: AssessmentModel) -> None:
    assert shown(model, NAME) == ["Shop", "search", "shop old"]
    assert shown(model, RUNS) == ["3", "2", "1"]
    assert shown(model, ANSWERS) == ["30", "20", "10"]
    assert shown(model, CHANGED)[0].startswith("2026-03-0")
    assert shown(model, SCORE) == ["", "", ""]


def test_a_search_wants_every_word_and_no_case(model: AssessmentModel) -> None:
    model.search("SHOP")
    assert shown(model, NAME) == ["Shop", "shop old"]
    model.search("old shop")
    assert shown(model, NAME) == ["shop old"]
    model.search("")
    assert model.rowCount() == model.total == 3


def test_scores_are_asked_for_rows_in_sight_only_and_kept_until_something_changes(
    model: AssessmentModel,
) -> None:
    first = model.next_without_score(0, 1)
    assert first is not None
    assert first.name == "Shop"
    model.put_score("Shop", first.updated_at, ListedScore(53.4, "limited", "Data", 48.0, 73.0))
    second = model.next_without_score(0, 1)
    assert second is not None
    assert second.name == "search"
    model.put_score("search", second.updated_at, ListedScore(refused="Only 40 % is answered."))
    assert model.next_without_score(0, 1) is None
    assert shown(model, SCORE) == ["53", "", ""]
    assert shown(model, BAND) == ["limited", "no score yet", ""]
    model.show_entries([entry("Shop", 9), entry("search", 2)])
    changed = model.next_without_score(0, 1)
    assert changed is not None
    assert changed.name == "Shop"


def test_a_score_is_said_in_words_and_a_refusal_with_its_reason(model: AssessmentModel) -> None:
    model.put_score(
        "Shop", entry("Shop", 3).updated_at, ListedScore(53.4, "limited", "Data", 48.0, 73.0, 14.0)
    )
    said = model.index(0, SCORE).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "53, set by Data; proven 48, claimed 73, 14 contradicted"
    model.put_score("search", entry("search", 2).updated_at, ListedScore(refused="Only 40 % is answered."))
    assert model.index(1, BAND).data(Qt.ItemDataRole.AccessibleTextRole) == "Only 40 % is answered."


def test_a_new_name_is_asked_for_and_not_taken_for_granted(model: AssessmentModel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(model.rename_asked) as asked:
        assert not model.setData(model.index(0, NAME), " shop 2 ")
    assert asked.args == ["Shop", "shop 2"]
    assert shown(model, NAME)[0] == "Shop"
    with qtbot.assertNotEmitted(model.rename_asked):
        model.setData(model.index(0, NAME), "Shop")
        model.setData(model.index(0, NAME), "  ")


def test_the_open_one_is_marked(model: AssessmentModel) -> None:
    model.show_open("search")
    assert [model.index(row, NAME).data(OPEN_ROLE) for row in range(3)] == [False, True, False]


def test_a_free_name_counts_on(model: AssessmentModel) -> None:
    assert model.free_name("new") == "new"
    assert model.free_name("Shop") == "Shop 2"


def test_the_listed_score_is_that_of_the_assessment(filled_store: Path) -> None:
    with open_store(str(filled_store)) as store:
        found = listed_score(store, "shop", BEGAN)
        whole = assess(materials(store, "shop"), BEGAN).scores
        assert found.score == whole.overall.score
        assert found.score is not None
        assert found.band == whole.overall.band
        reading = whole.pillar(str(whole.overall.pillar)).reading
        assert reading is not None
        assert (found.proven, found.claimed) == (reading.proven, reading.claimed)
        keep(store, "bare", answers=answers_of({"schema": "loadstone.answers/1", "answers": {}}, "bare"))
        bare = listed_score(store, "bare", BEGAN)
        assert bare.score is None
        assert "has a score" in bare.refused
        assert "gone" in listed_score(store, "gone", BEGAN).refused


def test_the_score_role_is_empty_until_there_is_one(model: AssessmentModel) -> None:
    assert model.index(0, SCORE).data(SCORE_ROLE) is None
