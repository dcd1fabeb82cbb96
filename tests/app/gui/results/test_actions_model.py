"""The actions as a table: what the document says of each, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.gui.models.actions import (
    ACTION,
    CAPACITY,
    EFFORT,
    MARK_ROLE,
    PILLAR,
    POINTS,
    PRICE,
    RUNS_OUT,
    ActionsModel,
)
from app.gui.reading import view_of
from assessments.assessment import Assessed

NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.fixture
def model(of_shop: Callable[..., Assessed]) -> ActionsModel:
    found = ActionsModel()
    found.show_view(view_of(of_shop()))
    return found


def text(model: ActionsModel, row: int, column: int) -> str:
    return str(model.index(row, column).data())


def test_the_model_keeps_to_the_rules(model: ActionsModel, qtmodeltester: Any) -> None:
    qtmodeltester.check(model)


def test_a_row_says_what_the_document_says(model: ActionsModel) -> None:
    rows = range(model.rowCount())
    row = next(at for at in rows if "replicas" in text(model, at, ACTION))
    action = model.action(row)
    # 420 req/s at 70 % of the low end of 145: 4.14, so 5, and one to spare.
    assert text(model, row, ACTION) == f"Let the autoscaler go to 6{NO_BREAK}replicas"
    assert text(model, row, EFFORT) == f"1{NO_BREAK}day"
    assert text(model, row, RUNS_OUT) == action["runs_out_on"]
    assert text(model, row, PRICE).startswith(f"Up to 3{NO_BREAK}replicas more")
    assert model.index(row, PILLAR).data(MARK_ROLE) == "circle"
    assert text(model, row, PILLAR) == "Infrastructure"


def test_points_carry_their_sign_and_stand_at_the_right(model: ActionsModel) -> None:
    gaining = [row for row in range(model.rowCount()) if model.action(row)["points"] >= 1]
    assert gaining
    for row in gaining:
        assert text(model, row, POINTS).startswith("+")
        assert model.index(row, POINTS).data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight


def test_what_moves_nothing_has_a_dash(model: ActionsModel) -> None:
    still = [row for row in range(model.rowCount()) if not model.action(row).get("fleet_per_s")]
    assert still
    assert {text(model, row, CAPACITY) for row in still} == {"–"}


def test_the_row_of_a_question(model: ActionsModel) -> None:
    question = model.action(4)["question"]
    assert model.row_of(question) is not None
    assert question in str(model.action(model.row_of(question)))  # type: ignore[arg-type]
    assert model.row_of("NO-99") is None


def test_without_an_assessment_it_is_empty(model: ActionsModel) -> None:
    model.show_view(None)
    assert model.rowCount() == 0
