"""The numbers of any chart as a table beside the work."""

from __future__ import annotations

from datetime import date
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.charts.spec import Bar, BarChart, DateRange, RangeChart
from app.charts.table import rows_of
from app.gui.theme import Theme
from app.gui.widgets.figure import Figure
from app.gui.widgets.numbers import NumbersModel, NumbersWindow, show_numbers

BARS = BarChart(
    "105 req/s short",
    (Bar("Peak", 200, shown="200 req/s"), Bar("One <b>replica</b>", 150, 145, 156, "150 (145–156)")),
    420,
    "target",
    "95 % intervals.",
)
DATES = RangeChart("It moves", (DateRange("as it is", date(2027, 3, 14)),))


def test_t_opens_the_table_and_t_closes_it(qtbot: QtBot, qapp: QApplication) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    figure = Figure(Theme(qapp), parent=holder)
    figure.show_chart(BARS)
    holder.show()
    qtbot.keyClick(figure.chart, Qt.Key.Key_T)
    numbers = holder.findChild(NumbersWindow)
    assert numbers is not None
    assert numbers.title.text() == BARS.title
    assert numbers.caption.text() == BARS.caption
    assert [numbers.model.index(row, 0).data() for row in range(3)] == [
        "Peak",
        "One <b>replica</b>",
        "target",
    ]
    numbers.activateWindow()
    qtbot.waitUntil(numbers.isActiveWindow)
    qtbot.keyClick(numbers.table, Qt.Key.Key_T)
    assert not numbers.isVisible()


def test_another_letter_or_another_key_with_it_does_nothing(qtbot: QtBot, qapp: QApplication) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    figure = Figure(Theme(qapp), parent=holder)
    figure.show_chart(BARS)
    qtbot.keyClick(figure.chart, Qt.Key.Key_R)
    qtbot.keyClick(figure.chart, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert holder.findChild(NumbersWindow) is None


def test_the_next_chart_takes_the_place_of_the_first(qtbot: QtBot, qapp: QApplication) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    theme = Theme(qapp)
    first = show_numbers(holder, BARS, theme)
    assert show_numbers(holder, DATES, theme) is first
    assert first.model.rows == (("as it is", "2027-03-14", "–", "–"),)
    first.close()


def test_rows_are_copied_with_their_header(qtbot: QtBot, qapp: QApplication) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    numbers = show_numbers(holder, BARS, Theme(qapp))
    numbers.copy.click()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert lines[0] == "what\tvalue\tinterval\tshown"
    assert lines[2] == "One <b>replica</b>\t150\t145–156\t150 (145–156)"
    assert len(lines) == 4
    numbers.table.selectRow(0)
    numbers.copy_rows()
    assert QGuiApplication.clipboard().text().split("\n")[1:] == ["Peak\t200\t–\t200 req/s"]
    numbers.close()


def test_numbers_stand_at_the_right_and_words_at_the_left(qtmodeltester: Any) -> None:
    model = NumbersModel()
    model.show_rows(("", "value", "said"), (("a", "1,200", "so"), ("b", "3–4", "")))
    qtmodeltester.check(model)
    right, left = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft
    aligned = [model.index(0, column).data(Qt.ItemDataRole.TextAlignmentRole) for column in range(3)]
    assert aligned == [left, right, left]


def test_the_model_keeps_the_rules_of_qt(qtmodeltester: ModelTester) -> None:
    model = NumbersModel()
    qtmodeltester.check(model)
    model.show_rows(*rows_of(BARS))
    qtmodeltester.check(model)
    model.show_rows((), ())
    qtmodeltester.check(model)
