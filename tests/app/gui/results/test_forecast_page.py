"""The forecast: the date, and how it moves with what is assumed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.charts.shapes import Line
from app.charts.table import rows_of
from assessments.what_if import rate_of

WAIT_MS = 60_000
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONTH_DAYS = 30.4375


def date_in(text: str) -> datetime:
    found = DAY.search(text)
    assert found is not None, text
    return datetime.fromisoformat(found[0]).replace(tzinfo=UTC)


def test_the_title_is_the_date_of_the_verdict(open_full: Any) -> None:
    window, page = open_full("forecast")
    assert window.session.whole.verdict.runs_out[0] in page.headline.text()
    assert page.between.text().startswith("between ")


def test_the_date_moves_at_once_while_growth_is_dragged(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("forecast")
    before = date_in(page.headline.text())
    page.growth.slider.setValue(page.growth.slider.value() + 70)  # steps of 0.1 %
    qtbot.waitUntil(lambda: date_in(page.headline.text()) != before, timeout=WAIT_MS)
    assert page.growth.value == pytest.approx(15.0, abs=0.1)
    # 200 req/s to 3 × 70 % × 150 = 315 req/s, at the rate that is assumed.
    months = math.log(315 / 200) / math.log1p(rate_of(page.assumed.growth))
    today = datetime.combine(window.session.whole.as_of.date(), datetime.min.time(), UTC)
    assert date_in(page.headline.text()) == today + timedelta(days=math.floor(months * MONTH_DAYS))


def test_the_interval_of_growth_keeps_its_width(open_full: Any) -> None:
    _, page = open_full("forecast")
    low, high = (float(end) for end in re.findall(r"(\d+(?:\.\d+)?)%", page.assumed.growth))
    page.growth.field.setValue(20.0)
    moved_low, moved_high = (float(end) for end in re.findall(r"(\d+(?:\.\d+)?)%", page.assumed.growth))
    assert math.log1p(moved_high / 100) - math.log1p(moved_low / 100) == pytest.approx(
        math.log1p(high / 100) - math.log1p(low / 100), abs=2e-4
    )


def test_more_replicas_carry_more(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("forecast")
    page.replicas.slider.setFocus()
    before = page.replicas.value
    qtbot.keyClick(page.replicas.slider, Qt.Key.Key_Right)
    assert page.replicas.value == before + 1 == 4
    qtbot.waitUntil(lambda: page.forecast["axes"]["workload"]["limit"]["value"] == 420.0, timeout=WAIT_MS)
    # Four replicas at 0.09 EUR for 730.5 hours.
    assert page.figures[3].number.text() == f"{4 * 0.09 * 730.5:,.0f}"


def test_planned_use_sets_the_target_of_the_autoscaler(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("forecast")
    page.use.field.setValue(50)
    qtbot.waitUntil(lambda: page.figures[1].number.text() == "72.5", timeout=WAIT_MS)  # 50 % of 145
    assert page.figures[0].number.text() == "6"  # 420 / (0.5 × 150) = 5.6


def test_reset_brings_everything_back(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("forecast")
    said = page.headline.text(), page.lead.text(), [figure.number.text() for figure in page.figures]
    assert not page.reset.isEnabled()
    page.use.field.setValue(40)
    page.replicas.field.setValue(8)
    assert page.reset.isEnabled()
    qtbot.mouseClick(page.reset, Qt.MouseButton.LeftButton)

    def now() -> Any:
        return page.headline.text(), page.lead.text(), [figure.number.text() for figure in page.figures]

    qtbot.waitUntil(lambda: now() == said, timeout=WAIT_MS)
    assert (page.use.value, page.replicas.value) == (70, 3)
    assert not page.reset.isEnabled()


def test_dragging_leaves_the_assessment_as_it_is(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("forecast")
    answers = window.session.answers
    page.use.field.setValue(40)
    qtbot.waitUntil(lambda: not page._settle.isActive() and not page._throttle.is_waiting, timeout=WAIT_MS)
    assert window.session.answers is answers
    qtbot.mouseClick(page.keep, Qt.MouseButton.LeftButton)
    assert window.session.answers.profile.values["utilisation"] == 0.4
    window.session.undo_stack.undo()
    assert window.session.answers == answers


def test_the_dates_of_the_actions_follow(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("forecast")
    before = page.dates.chart.spec
    assert before.rows[0].base
    page.growth.field.setValue(20.0)
    qtbot.waitUntil(lambda: page.dates.chart.spec != before, timeout=WAIT_MS)
    assert page.dates.chart.spec.rows[0].value.isoformat() in page.headline.text()


def test_every_assumption_says_where_it_is_from(open_full: Any) -> None:
    _, page = open_full("forecast")
    assert page.replicas.source.text().startswith("deploy/shop.yaml, line 41")
    for assumption in (page.growth, page.use, page.replicas, page.price):
        assert assumption.source.text()
        assert assumption.slider.accessibleName() == assumption.name.text()


def test_the_manifest_that_is_exported_has_what_is_shown(
    open_full: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    _, page = open_full("forecast")
    file = tmp_path / "hpa.yaml"
    page.export_to("kubernetes", file)
    qtbot.waitUntil(page.written.isVisible, timeout=WAIT_MS)
    manifest = yaml.safe_load(file.read_text())
    assert manifest["kind"] == "HorizontalPodAutoscaler"
    assert manifest["spec"]["maxReplicas"] == 6  # 420 / (0.7 × 145) = 4.14, so 5, and one to spare
    assert str(file) in page.written.text()


def test_the_policy_that_is_exported_has_its_derivation_beside_it(
    open_full: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    _, page = open_full("forecast")
    page.export_to("aws", tmp_path / "policy.json")
    qtbot.waitUntil(page.written.isVisible, timeout=WAIT_MS)
    assert '"TargetValue"' in (tmp_path / "policy.json").read_text()
    assert "requests/s a replica" in (tmp_path / "policy.txt").read_text()


def test_a_folder_that_is_not_there_is_said_in_place(open_full: Any, qtbot: QtBot, tmp_path: Path) -> None:
    window, page = open_full("forecast")
    page.export_to("kubernetes", tmp_path / "nowhere" / "hpa.yaml")
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT_MS)
    assert "cannot be written" in window.notice.text.text()


def test_without_a_measured_capacity_it_says_what_it_takes(open_materials: Any) -> None:
    _, page = open_materials("forecast", facts=(), runs=())
    assert page.stack.currentWidget() is page.empty
    assert "capacity" in page.empty.title.text()
    assert not page.export.isEnabled()


def test_without_growth_there_is_no_date_and_it_can_be_tried(
    open_materials: Any, profiled: Any, qtbot: QtBot
) -> None:
    _, page = open_materials("forecast", answers=profiled(growth=None))
    assert page.headline.text().startswith("There is no date")
    page.growth.field.setValue(8.0)
    qtbot.waitUntil(lambda: DAY.search(page.headline.text()) is not None, timeout=WAIT_MS)


def test_linear_growth_is_dragged_in_requests(open_materials: Any, profiled: Any, qtbot: QtBot) -> None:
    window, page = open_materials("forecast", answers=profiled(growth={"workload": "12/month"}))
    assert page.growth.value == 12
    assert page.growth.field.suffix().endswith("req/s")
    page.growth.field.setValue(23.0)
    today = datetime.combine(window.session.whole.as_of.date(), datetime.min.time(), UTC)
    # 315 − 200 = 115 req/s at 23 a month: 5 months.
    expected = today + timedelta(days=math.floor(5 * MONTH_DAYS))
    qtbot.waitUntil(lambda: date_in(page.headline.text()) == expected, timeout=WAIT_MS)


def test_an_answer_that_changes_leaves_what_is_dragged(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("forecast")
    page.use.field.setValue(55)
    before = window.session.whole
    claim = window.session.answers.claims["MON-01"]
    window.session.claim(replace(claim, choices=(), state="unsure"))
    qtbot.waitUntil(lambda: window.session.whole is not before, timeout=WAIT_MS)
    assert page.use.value == 55
    assert page.is_changed


def test_no_text_of_the_forecast_is_cut(
    open_full: Any, qtbot: QtBot, nothing_is_cut: Callable[[Any], list[str]]
) -> None:
    window, page = open_full("forecast")
    for size in ((1440, 900), (1024, 700)):
        window.resize(*size)
        qtbot.waitUntil(lambda: not nothing_is_cut(page), timeout=10_000)


def test_the_chart_shows_the_peaks_so_far_and_the_campaign_as_a_cross(open_full: Any) -> None:
    window, page = open_full("forecast")
    chart, profile = page.fan.chart.spec, window.session.answers.profile
    demand, past = chart.series
    assert {
        date.fromordinal(int(day)).isoformat(): rate for day, rate in zip(past.x, past.y, strict=True)
    } == dict(profile.peaks)
    assert max(past.x) < min(demand.x), "the past ends where the fan begins"
    (cross,) = chart.notes
    assert cross.cross
    assert (date.fromordinal(int(cross.x)).isoformat(), cross.y) == (profile.values["event_on"], 420)
    _, rows = rows_of(chart)
    assert any(row[0] == cross.text and "420" in row[1] for row in rows), "the table has it too"
    strokes = [shape for shape in page.fan.chart._shapes if getattr(shape, "role", "") == "bad"]
    assert len([one for one in strokes if isinstance(one, Line)]) == 2
