"""The plan: chart, table, dates and scores afterwards say what the document says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from app.charts.spec import ChangeChart, EffortChart, RangeChart
from app.report.model import Figure, Table, plain
from app.report.sections import plan
from app.report.view import View

Document = dict[str, Any]


def _charts(document: Document, of_kind: Any) -> dict[type, Any]:
    return {type(f.spec): f.spec for f in of_kind(plan.section(View(document), "4").blocks, Figure)}


def test_numbers_in_the_chart_are_rows_of_the_table(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    chart = _charts(document, of_kind)[EffortChart]
    table = of_kind(plan.section(View(document), "4").blocks, Table)[0]
    assert [plain(row[0]) for row in table.rows] == [str(point.number) for point in chart.points]
    for action, point in zip(document["actions"], chart.points, strict=True):
        assert point.effort_days == action["effort_days"]
        assert point.points == pytest.approx(action["points"], abs=0.06)


def test_a_row_has_points_capacity_date_and_price(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    table = of_kind(plan.section(View(document), "4").blocks, Table)[0]
    rows = [[plain(cell) if isinstance(cell, tuple) else cell for cell in row] for row in table.rows]
    memory = next(row for row in rows if str(row[1]).startswith("Raise the memory limit"))
    assert memory[3:] == ["1\xa0day", "+16.7", "–", "12\xa0MiB more for every replica"]
    replicas = next(row for row in rows if str(row[1]).startswith("Let the autoscaler go to"))
    action = next(entry for entry in document["actions"] if entry.get("runs_out_on"))
    assert f"runs out {action['runs_out_on']}" in str(replicas[5])


def test_dates_by_action_start_from_how_it_is(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    chart = _charts(document, of_kind)[RangeChart]
    days = document["forecast"]["axes"]["workload"]["runs_out_on"]
    first, *others = chart.rows
    assert first.base
    assert [day.isoformat() for day in (first.value, first.low, first.high)] == [
        days["value"],
        max(days["low"], document["forecast"]["from"]),  # no date lies in the past
        days["high"],
    ]
    assert [row.shown for row in others] == [
        entry["runs_out_on"] for entry in document["actions"] if entry.get("runs_out_on")
    ]
    assert chart.marks == ((date(2027, 1, 15), "the winter campaign"),)


def test_scores_afterwards_are_those_of_the_plan(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    chart = _charts(document, of_kind)[ChangeChart]
    after = document["plan"][-1]
    assert [row.after for row in chart.rows] == list(after["pillars"].values())
    assert [row.before for row in chart.rows] == [
        score["score"] for score in document["scores"]["pillars"].values()
    ]
    assert f"overall {after['overall']['score']:.0f}, {after['overall']['band']}" in chart.title


def test_the_title_counts_days_and_scores(assessed: Callable[..., Document]) -> None:
    document = assessed()
    after = document["plan"][-1]
    assert plan.section(View(document), "4").title == (
        f"{after['effort_days']:.0f}\xa0days of work lift the overall score from "
        f"{document['scores']['overall']['score']:.0f} to {after['overall']['score']:.0f}"
    )


def test_without_a_score_it_says_what_to_do_first(assessed: Callable[..., Document], said: Any) -> None:
    section = plan.section(View(assessed(answers={}, runs=[], facts=[])), "4")
    assert section.title == "There is nothing to plan yet"
    assert "there is no score" in said(section)


def test_without_a_forecast_there_are_no_dates(assessed: Callable[..., Document], of_kind: Any) -> None:
    charts = _charts(assessed(runs=[], facts=[]), of_kind)
    assert RangeChart not in charts
    assert EffortChart in charts


def test_an_effort_that_nobody_named_is_said_to_be_assumed(
    assessed: Callable[..., Document], said: Any
) -> None:
    document = assessed()
    assert "assumed" not in said(plan.section(View(document), "4"))
    document["actions"][0] |= {"effort_days": 3, "effort_assumed": True}
    words = said(plan.section(View(document), "4"))
    assert "3\xa0days, assumed" in words
    assert "Assumed: the lens names none, 3 days are taken for each practice." in words
