"""The plan: the chart and the table agree, and an action says why, what it changes and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from app.gui.models.actions import EFFORT, POINTS, RUNS_OUT
from app.gui.theme import BODY, font
from app.report.sections.plan import title


def test_the_chart_shows_the_first_actions_of_the_table(open_full: Any) -> None:
    _, page = open_full("plan")
    spec = page.effort.chart.spec
    assert page.headline.text() == title(page._view)
    for point in spec.points:
        action = page.model.action(point.number - 1)
        assert point.effort_days == action["effort_days"]
        assert point.points == pytest.approx(round(action["points"], 1))


def test_the_keys_move_through_the_actions(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("plan")
    page.table.setFocus()
    first = page.action.text()
    assert first == page.model.action(0)["text"]
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    assert page.action.text() == page.model.action(1)["text"]
    assert page.price.text().rstrip(".") == page.model.action(1)["tradeoff"].rstrip(".")


def test_what_it_changes_is_found_by_scoring_again(open_full: Any) -> None:
    window, page = open_full("plan")
    row = next(at for at in range(page.model.rowCount()) if page.model.action(at).get("points", 0) > 1)
    page.table.selectRow(row)
    whole = window.session.whole
    expected = whole.effect_of((whole.actions[row],)).scores
    shown = {entry.name: (entry.before, entry.after) for entry in page.change.chart.spec.rows}
    for pillar in whole.judged.lens.pillars:
        before, after = shown[pillar.name]
        assert before == pytest.approx(whole.scores.pillar(pillar.id).reading.score)
        assert after == pytest.approx(expected.pillar(pillar.id).reading.score)
    assert shown["Overall"][1] == pytest.approx(expected.overall.score)


def test_done_leads_to_the_question(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("plan")
    row = next(at for at in range(page.model.rowCount()) if page.model.action(at).get("question"))
    page.table.selectRow(row)
    question = page.model.action(row)["question"]
    qtbot.mouseClick(page.done, Qt.MouseButton.LeftButton)
    assert window.page.key == "checklist"
    assert window.page.current == question


def test_a_question_leads_to_its_action(open_full: Any) -> None:
    window, page = open_full("plan")
    question = page.model.action(5)["question"]
    window.go_to("plan", question=question)
    assert question in page.place.text()


def test_the_selected_action_stays_when_an_answer_changes(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("plan")
    page.table.selectRow(6)
    chosen = page.model.action(6)["question"]
    before = window.session.whole
    other = next(name for name in window.session.answers.claims if name not in (chosen, "MON-01"))
    claim = window.session.answers.claims[other]
    window.session.claim(replace(claim, choices=(), state="unsure"))
    qtbot.waitUntil(lambda: window.session.whole is not before, timeout=60_000)
    assert page.model.action(page.table.currentIndex().row())["question"] == chosen


def test_without_a_score_the_page_says_what_it_takes(open_materials: Any, profiled: Any) -> None:
    window, page = open_materials("plan", answers=replace(profiled(), claims={}), facts=(), runs=())
    assert page.stack.currentWidget() is page.empty
    assert window.session.whole.scores.overall.refused in page.empty.text.text()


def test_no_text_of_the_plan_is_cut(
    open_full: Any, qtbot: QtBot, nothing_is_cut: Callable[[Any], list[str]]
) -> None:
    window, page = open_full("plan")
    for size in ((1440, 900), (1024, 700)):
        window.resize(*size)
        qtbot.waitUntil(lambda: not nothing_is_cut(page), timeout=10_000)


def test_with_larger_type_the_chart_is_larger_and_its_unit_is_not_cut(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("plan")
    chart = page.effort.chart

    def unit_height() -> int:
        """Rows of pixels that the unit takes, which stands at the top left; the ring of the focus aside."""
        picture, paper = chart.grab().toImage(), window.theme.colour("surface").rgb()
        inked = [
            y for y in range(4, picture.height()) if any(picture.pixel(x, y) != paper for x in range(6, 60))
        ]
        return next((y for y in inked if y + 1 not in inked), 0)

    usual = []
    qtbot.waitUntil(lambda: usual.append(unit_height()) or usual[-1] > 5, timeout=10_000)
    window.theme.set_zoom(130)
    qtbot.waitUntil(lambda: unit_height() == pytest.approx(1.3 * usual[-1], abs=1.5), timeout=10_000)


def test_no_cell_of_effort_points_or_date_is_shortened(open_full: Any) -> None:
    window, page = open_full("plan")
    table = page.table
    for zoom in (100, 130):
        window.theme.set_zoom(zoom)
        table.model().modelReset.emit()
        table.resizeColumnsToContents()
        metrics = QFontMetricsF(font(BODY))
        for row in range(page.model.rowCount()):
            for column in (EFFORT, POINTS, RUNS_OUT):
                text = page.model.index(row, column).data()
                assert metrics.horizontalAdvance(text) <= table.columnWidth(column) - 16, text


def test_what_the_action_is_stays_in_view_while_the_plan_scrolls(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("plan")
    window.resize(1440, 800)
    bar = page.parts.area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 100, timeout=10_000)
    before = page.action.mapTo(window, page.action.rect().topLeft())
    bar.setValue(bar.maximum())
    assert page.action.mapTo(window, page.action.rect().topLeft()) == before
    assert not page.action.visibleRegion().isEmpty()
    window.resize(1024, 700)
    qtbot.waitUntil(lambda: page.parts.area.isAncestorOf(page.action), timeout=10_000)
    window.go_to("plan", action=2)
    qtbot.waitUntil(lambda: not page.action.visibleRegion().isEmpty(), timeout=10_000)
