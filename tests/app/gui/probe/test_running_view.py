"""The running view: what the events say stands on it, and its keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from app.gui.live_run import LiveRun, kinds_of_parts
from app.gui.pages.probe import ProbePage
from probes.events import Note, Phase, Second, Started, Step


def second(t: float, p99: float | None = 100.0, rate: float | None = 50.0) -> Second:
    p50 = None if p99 is None else p99 / 2
    return Second(t, 1, rate, 49.0, 3, 0, 49, 1, 0, p50, p99, p99, 1.2, 100_000_000, None)


def step(t: float) -> Step:
    return Step(t, 2, {"mode": "open", "seconds": 1.0, "verdict": "steady"}, "", "")


def test_the_parts_of_the_run_are_those_of_a_search(told: ProbePage) -> None:
    assert kinds_of_parts(told.running.run) == ("warmup", "ladder", "search", "result")
    said = told.running.phases.accessibleName()
    assert "Warm-up done" in said
    assert "Rates number 1, 196 req/s on" in said
    assert "Result to come" in said


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ({"kind": "openai", "method": "POST"}, "POST"),
        ({"kind": "tf_serving", "method": "POST"}, "POST"),
        ({"kind": "kserve_grpc"}, "gRPC"),
        ({"kind": "python"}, "PYTHON"),
    ],
)
def test_every_kind_over_http_shows_its_method(bare: ProbePage, target: dict[str, str], shown: str) -> None:
    bare._started()
    bare._event(Started(0.5, {"id": "1"}, {"address": "x", **target}, {}))
    assert bare.running.method.accessibleName() == shown


def test_the_ladder_says_how_far_it_went_though_a_rung_is_climbed_again(told: ProbePage) -> None:
    told._event(Phase(9.0, "ladder", "2 callers at once", 0.9))
    assert "Ladder to 8 at once" in told.running.phases.accessibleName()


def test_the_estimate_is_called_a_preview_and_has_its_interval(told: ProbePage) -> None:
    assert told.running.side.preview.text() == "196"
    assert told.running.side.preview_more.text() == "req/s (181–212)"
    assert "± 7.91 %" in told.running.side.preview_note.text(), "half of 31 over 196"
    assert "never stored as a fact" in told.running.side.preview_note.text()


def test_our_own_client_and_the_target_have_their_numbers(told: ProbePage) -> None:
    running = told.running
    assert "2 of 400" in running.side.late.accessibleName(), "one unsent of 200 in each of two steps"
    assert "0.3" in running.side.lag.accessibleName()
    assert "1.2 of 4" in running.side.cpu.accessibleName()
    assert "4 of 200" in running.side.failed.accessibleName(), "one of fifty in each of four seconds"


def test_limited_by_the_client_shows_at_once(told: ProbePage) -> None:
    assert told.running.notice.isHidden()
    told._event(Note(9.0, "warning", "step at 196.3/s not used: the load process used 0.97 of one core"))
    assert told.running.notice.isVisible()
    assert "the load process used 0.97 of one core" in told.running.notice.text.text()
    assert told.running.side.grade.accessibleName() == "limited"
    assert told.running.side.preview.property("tone") == "muted"
    model = told.running.steps
    assert model.index(model.rowCount() - 1, model.columnCount() - 1).data() == "client-limited"


def test_what_spoils_the_step_that_runs_is_said_while_it_runs(told: ProbePage) -> None:
    running = told.running
    told._event(
        replace(second(9.5), client_cpu_cores=0.97, client_fault="the load process used 0.97 of one core")
    )
    assert running.notice.isVisible()
    assert "in the step that runs now, the load process used 0.97 of one core" in running.notice.text.text()
    assert running.side.grade.accessibleName() == "limited"
    assert (
        running.side.client_cpu.accessibleName() == "CPU 0.97 of 1\N{NO-BREAK SPACE}core, close to its limit"
    )
    running.notice.dismiss.click()
    told._event(
        replace(second(10.5), client_cpu_cores=0.98, client_fault="the load process used 0.98 of one core")
    )
    assert running.notice.isHidden(), "the same again, with another number"
    told._event(second(11.5))
    assert running.side.grade.accessibleName() == "valid so far"
    told._event(step(12.0))
    told._event(replace(second(12.5), client_fault="the load process used 0.99 of one core"))
    assert running.notice.isVisible(), "of another step"
    told._event(step(13.0))
    assert running.notice.isHidden(), "the whole step was graded and is not spoilt"


def test_a_dismissed_notice_stays_away_until_something_new(told: ProbePage) -> None:
    told._event(Note(9.0, "warning", "step at 196.3/s not used: it was late"))
    told.running.notice.dismiss.click()
    told._event(second(9.5))
    assert told.running.notice.isHidden()


def test_space_freezes_the_charts_and_lets_them_go_on(told: ProbePage, qapp: QApplication) -> None:
    chart = told.running.chart
    QTest.keyClick(chart, Qt.Key.Key_Space)
    assert chart.is_frozen
    before = chart.grab().toImage()
    told._event(second(9.5, 900.0))
    assert chart.grab().toImage() == before
    assert told.running.run.t[-1] == 9.5, "what comes in meanwhile is not lost"
    QTest.keyClick(chart, Qt.Key.Key_Space)
    assert not chart.is_frozen


def test_t_shows_the_numbers_as_a_table(told: ProbePage) -> None:
    QTest.keyClick(told.running.chart, Qt.Key.Key_T)
    assert told.running.pictures.currentWidget() is told.running.numbers
    model = told.running.seconds
    newest = [model.index(0, column).data() for column in range(5)]
    assert newest == ["0:08", "160", "80", "195", "49"]
    QTest.keyClick(told.running, Qt.Key.Key_T)
    assert told.running.pictures.currentWidget() is told.running.chart


def test_the_arrows_move_the_cursor_from_second_to_second(told: ProbePage) -> None:
    chart = told.running.chart
    chart._renew()
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.accessibleDescription().startswith("0:08 · p99 160")
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.accessibleDescription().startswith("0:07 · p99 150")


def test_letters_stay_letters_in_a_text_field(bare: ProbePage) -> None:
    bare.show_setup()
    bare.setup.target.setFocus()
    QTest.keyClicks(bare.setup.target, "t t")
    assert bare.setup.target.text() == "t t"


def test_a_page_made_late_catches_up(told: ProbePage) -> None:
    late = LiveRun()
    for event in (second(1.0), second(2.0)):
        late.take(event)
    told.running.show_run(late)
    assert told.running.run.answered_ok == 98


def step_of_probe(verdict: str) -> Step:
    response = {"p50": 46.1, "p99": 139.0, "p99_low": 127.0, "p99_high": 153.0}
    entry = {
        "mode": "open", "offered_per_s": 1_196.0, "achieved_per_s": 1_195.0, "seconds": 4.0, "sent": 799,
        "ok": 797, "errors": {"reset": 2}, "cpu_cores": 1.2, "response_ms": response, "verdict": verdict,
    }  # fmt: skip
    return Step(9.0, 2, entry, "", "")


def test_no_column_of_the_steps_is_cut_in_the_smallest_window_at_the_largest_type(
    told: ProbePage, qapp: QApplication
) -> None:
    table = told.running.table
    told._event(step_of_probe("client_limited"))  # the longest word of a verdict
    told.resize(1_024 - 208, 644)
    told.context.theme.set_zoom(130)
    try:
        qapp.processEvents()
        for column in range(table.model().columnCount()):
            needed = table._needed(column, table.model().rowCount())
            assert table.columnWidth(column) >= needed, table.model().headerData(
                column, Qt.Orientation.Horizontal
            )
        assert f"padding: 6px {table._delegate.gap}px" in table._heads.styleSheet(), "as close as the rows"
        asked = told.running.asked
        assert asked.fontMetrics().horizontalAdvance(asked.text()) <= asked.width(), "the objective is whole"
        assert table._heads.is_double, "one line of names does not fit there"
        assert table.height() >= table._heads.height() + table.model().rowCount() * table.rowHeight(0)
    finally:
        told.context.theme.set_zoom(100)
    told.resize(1_600, 816)
    qapp.processEvents()
    assert not table._heads.is_double


def test_the_command_that_runs_keeps_its_options_whole_and_can_be_copied(
    bare: ProbePage, qapp: QApplication
) -> None:
    bare.context.probing.arguments = ("probe", "http://127.0.0.1:1/", "--max-rate", "40")
    bare._started()
    running = bare.running
    running.all_settings.setChecked(True)
    try:
        shown = QLabel.text(running.command)
        assert "--max-rate".replace("-", "-\N{WORD JOINER}") in shown, "no line ends at one of its dashes"
        running.copy.click()
        assert qapp.clipboard().text() == "loadstone probe http://127.0.0.1:1/ --max-rate 40"
    finally:
        running.all_settings.setChecked(False)


@pytest.mark.parametrize("width", [1_400, 1_024])
def test_nothing_of_the_side_is_lost_in_a_narrow_window(
    told: ProbePage, width: int, qapp: QApplication
) -> None:
    told.resize(width - 208, 816)
    qapp.processEvents()
    side = told.running.side
    assert told.running.side.memory.geometry().bottom() < told.running.side.failed.geometry().top()
    for group in told.running.side.groups:
        assert group.height() >= group.minimumSizeHint().height()
        assert side.rect().contains(group.geometry())
