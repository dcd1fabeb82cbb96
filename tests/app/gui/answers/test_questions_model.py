"""The model of questions, without any view."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.gui.models.questions import (
    IS_PILLAR,
    IS_PROPOSED,
    KEY,
    SCORE,
    STATE,
    QuestionsModel,
    changed_between,
    proposals,
)
from assessments.claims import Claim
from assessments.judging import Judged, judged_at
from assessments.stored import materials


@pytest.fixture
def judged(store: Any) -> Judged:
    return judged_at(materials(store, "shop"), datetime.now(UTC))


@pytest.fixture
def model(judged: Judged) -> QuestionsModel:
    made = QuestionsModel()
    made.show_judged(judged)
    return made


def keys(model: QuestionsModel) -> list[str]:
    return [model.index(row, 0).data(KEY) for row in range(model.rowCount())]


def test_it_is_a_sound_model_with_every_filter(model: QuestionsModel, qtmodeltester: Any) -> None:
    qtmodeltester.check(model, force_py=False)
    for name in ("open", "contradicted", "critical", "changed", "all"):
        model.set_filter(name)  # type: ignore[arg-type]
        model.set_search("limits" if name == "open" else "")
        qtmodeltester.check(model, force_py=False)
    model.show_judged(None)
    qtmodeltester.check(model, force_py=False)


def test_questions_stand_below_their_pillar(model: QuestionsModel) -> None:
    assert keys(model) == ["infrastructure", "INF-01", "INF-08", "INF-09", "monitoring", "MON-01"]
    assert [model.index(row, 0).data(IS_PILLAR) for row in range(6)] == [
        True,
        False,
        False,
        False,
        True,
        False,
    ]


def test_a_pillar_without_a_score_shows_a_dash_and_not_zero(model: QuestionsModel) -> None:
    assert model.index(0, 0).data(SCORE) == "–"


def test_filters_count_what_they_show(model: QuestionsModel, judged: Judged) -> None:
    model.set_changed(["INF-09"])
    assert model.counts() == {"all": 4, "open": 4, "contradicted": 0, "critical": 2, "changed": 1}
    for name, count in model.counts().items():
        model.set_filter(name)
        assert len(model.questions()) == count


def test_a_question_that_is_being_answered_stays_where_the_filter_leaves_it_out(
    model: QuestionsModel,
) -> None:
    model.set_filter("critical")
    assert model.questions() == ["INF-01", "MON-01"]
    model.keep("INF-08")
    assert model.questions() == ["INF-01", "INF-08", "MON-01"]


def test_every_word_that_is_searched_for_has_to_be_there(model: QuestionsModel) -> None:
    model.set_search("LIMITS memory")
    assert model.questions() == ["INF-08"]
    model.set_search("inf-09")
    assert keys(model) == ["infrastructure", "INF-09"]
    model.set_search("limits penguins")
    assert keys(model) == []


def test_what_the_evidence_proves_is_proposed_and_not_answered(model: QuestionsModel, judged: Judged) -> None:
    assert [(entry.question, entry.offered) for entry in proposals(judged)] == [
        ("INF-01", "INF_01_a"),
        ("INF-08", "INF_08_a"),
    ]
    rows = {model.index(row, 0).data(KEY): model.index(row, 0) for row in range(model.rowCount())}
    assert rows["INF-01"].data(IS_PROPOSED) is True
    assert rows["INF-01"].data(STATE) == "unanswered"
    assert rows["INF-09"].data(IS_PROPOSED) is False


def test_moving_stops_at_both_ends_and_the_next_open_question_comes_round(model: QuestionsModel) -> None:
    assert model.beside("INF-01", -1) == "INF-01"
    assert model.beside("INF-09", 1) == "MON-01"
    assert model.beside("MON-01", 1) == "MON-01"
    assert model.next_open("MON-01") == "INF-01"
    assert model.next_open("INF-08") == "INF-09"


def test_a_row_that_changes_is_told_without_a_reset(model: QuestionsModel, store: Any, qtbot: Any) -> None:
    given = materials(store, "shop")
    answered = replace(given.answers, claims={"INF-09": Claim("INF-09", ("INF_09_a",))})
    after = judged_at(replace(given, answers=answered), datetime.now(UTC))
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    with qtbot.waitSignal(model.dataChanged) as caught:
        model.show_judged(after)
    assert [caught.args[0].row(), resets] == [3, []]


def test_changed_is_what_got_another_state_or_another_proposal(store: Any, judged: Judged) -> None:
    given = materials(store, "shop")
    without = judged_at(replace(given, facts=()), datetime.now(UTC))
    assert changed_between(without, judged) == ("INF-01", "INF-08")
    assert changed_between(judged, judged) == ()
