"""Every item model of the window, filled, keeps the rules of Qt. A new one without a sample here fails."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel
from pytestqt.modeltest import ModelTester

import app.gui
from app.charts.table import rows_of
from app.gui.live_run import LiveRun
from app.gui.models.actions import ActionsModel
from app.gui.models.assessments import AssessmentModel
from app.gui.models.changes import ChangeRow, ChangesModel, ScoresModel
from app.gui.models.facts import FactsFilter, FactsModel
from app.gui.models.facts import rows_of as fact_rows
from app.gui.models.questions import QuestionsModel
from app.gui.models.rows import Line, RowsModel
from app.gui.models.steps import SecondsModel, StepsModel
from app.gui.reading import view_of
from app.gui.widgets.numbers import NumbersModel
from app.report.sections.load_charts import response_chart
from assessments.assessment import Assessed
from assessments.milestones import ScoreChange
from assessments.store import AssessmentSummary
from probes.events import Step


def models_of_the_window() -> dict[str, type[QAbstractItemModel]]:
    """The classes of item models that are written in `app.gui`, by their names."""
    found: dict[str, type[QAbstractItemModel]] = {}
    for entry in pkgutil.walk_packages(app.gui.__path__, "app.gui."):
        module = import_module(entry.name)
        found |= {
            name: kind
            for name, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, QAbstractItemModel) and kind.__module__ == module.__name__
        }
    return found


MODELS = models_of_the_window()


def actions(assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = ActionsModel()
    model.show_view(view_of(assessed))
    return model


def assessments(_assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model, at = AssessmentModel(), datetime(2026, 3, 1, tzinfo=UTC)
    model.show_entries(
        [
            AssessmentSummary(
                name, runs=1, answers=2, created_at=at, updated_at=at, id=name, evidence=0, milestones=0
            )
            for name in ("shop", "search")
        ]
    )
    return model


def scores(_assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = ScoresModel()
    model.show_scores((ScoreChange("overall", None, 41.3, None, -2.0, None),), {})
    return model


def changes(_assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = ChangesModel()
    model.show_rows((ChangeRow("answers", "INF-01", "INF-01  Demand", "unanswered", "level 1"),))
    return model


def facts(assessed: Assessed, _story: Any) -> FactsModel:
    model = FactsModel()
    model.show_rows(fact_rows(assessed.judged))
    return model


def filtered_facts(assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = FactsFilter()
    source = facts(assessed, _story)
    source.setParent(model)
    model.setSourceModel(source)
    return model


def questions(assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = QuestionsModel()
    model.show_judged(assessed.judged)
    return model


def rows(_assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = RowsModel(("question", "points"), (1,))
    model.show_lines([Line(("INF-08", "−8"), "contradicted", 0, "INF-08", tip="contradicted")])
    return model


def steps(_assessed: Assessed, story: Any) -> QAbstractItemModel:
    model = StepsModel()
    model.show_steps([event.step for event in story if isinstance(event, Step)], ("p99", 200.0))
    return model


def seconds(_assessed: Assessed, story: Any) -> QAbstractItemModel:
    run, model = LiveRun(), SecondsModel()
    model.show_run(run)
    for event in story:
        run.take(event)
    model.refresh()
    return model


def numbers(assessed: Assessed, _story: Any) -> QAbstractItemModel:
    model = NumbersModel()
    chart = response_chart(assessed.materials.runs[0])
    assert chart is not None
    model.show_rows(*rows_of(chart))
    return model


SAMPLES: Mapping[str, Callable[[Assessed, Any], QAbstractItemModel]] = {
    "ActionsModel": actions,
    "AssessmentModel": assessments,
    "ChangesModel": changes,
    "FactsFilter": filtered_facts,
    "FactsModel": facts,
    "NumbersModel": numbers,
    "QuestionsModel": questions,
    "RowsModel": rows,
    "ScoresModel": scores,
    "SecondsModel": seconds,
    "StepsModel": steps,
}


def test_models_are_found_in_pages_widgets_and_models() -> None:
    assert {"QuestionsModel", "NumbersModel", "FactsFilter"} <= MODELS.keys()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_filled_model_keeps_the_rules_of_qt(
    name: str, whole_shop: Assessed, story: Any, qtmodeltester: ModelTester
) -> None:
    assert name in SAMPLES, f"{MODELS[name].__module__}.{name} has no sample in this file: add one"
    model = SAMPLES[name](whole_shop, story)
    assert type(model) is MODELS[name]
    assert model.rowCount() > 0, "an empty model shows nothing of its rules"
    qtmodeltester.check(model, force_py=False)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_has_nothing_outside_its_rows(name: str, whole_shop: Assessed, story: Any) -> None:
    model = SAMPLES[name](whole_shop, story)
    inside = model.index(0, 0)
    assert model.rowCount(inside) == 0, "these are lists and tables: a row holds no rows"
    assert not model.index(model.rowCount(), 0).isValid()
    if not isinstance(model, QAbstractListModel):
        assert model.columnCount(inside) == 0
        assert not model.index(0, model.columnCount()).isValid()
