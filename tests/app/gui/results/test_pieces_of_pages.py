"""Pieces that the result pages share."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.charts.pieces import verdict_badge
from app.gui.texts import plain_tip
from app.gui.theme import SMALL, Theme, font
from app.gui.widgets.assumption import Assumption, Scale
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.empty import EmptyPage
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.row_button import RowButton
from app.gui.widgets.score import BandLabel, ScoreBar, score_words

SCORE = {
    "score": 53.4, "proven": 47.7, "claimed": 72.7, "refused": None,
    "lost": {"contradicted": 13.6, "unanswered": 0.0},
}  # fmt: skip


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


def test_a_line_that_is_full_goes_on_below(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    flow = FlowLayout(holder, across=10, down=5)
    boxes = [QLabel() for _ in range(4)]
    for box in boxes:
        box.setFixedSize(100, 20)
        flow.addWidget(box)
    holder.resize(330, 200)
    holder.show()
    # Three of 100 with two gaps of 10 fit into 330, the fourth stands 20 + 5 lower.
    assert [(box.x(), box.y()) for box in boxes] == [(0, 0), (110, 0), (220, 0), (0, 25)]
    assert flow.heightForWidth(330) == 45
    assert flow.heightForWidth(430) == 20
    assert flow.heightForWidth(100) == 4 * 20 + 3 * 5
    boxes[1].hide()
    assert flow.heightForWidth(330) == 20


def test_a_text_that_is_too_long_is_whole_in_its_tool_tip(qtbot: QtBot) -> None:
    label = ElidedLabel("A name <b>of</b> some length")
    qtbot.addWidget(label)
    label.resize(60, 20)
    label.show()
    assert label.minimumSizeHint().width() < 60
    assert label.accessibleName() == "A name <b>of</b> some length"
    shown = QTextDocument()
    shown.setHtml(label.toolTip())
    assert shown.toPlainText() == "A name <b>of</b> some length", (
        "the tip shows the markup, and does not obey"
    )


def test_tips_show_markup_as_it_is() -> None:
    shown = QTextDocument()
    for text in ("<h1>Verified</h1>", "a &amp; b < c", "first <i>line</i>\nsecond"):
        shown.setHtml(plain_tip(text))
        assert shown.toPlainText() == text
    assert plain_tip("420 req/s") == "420 req/s"


def test_a_score_says_itself(theme: Theme, qtbot: QtBot) -> None:
    assert score_words(SCORE) == "53, proven 48, claimed 73, 14 contradicted"
    bar = ScoreBar(theme)
    qtbot.addWidget(bar)
    bar.show_score({"refused": "Only 20% of the weight is answered."})
    assert bar.accessibleName() == "Only 20% of the weight is answered."
    bar.resize(200, 18)
    assert not bar.grab().isNull()


def test_a_band_has_its_word_and_no_band_has_none(theme: Theme, qtbot: QtBot) -> None:
    band = BandLabel(theme)
    qtbot.addWidget(band)
    band.show_band("limited")
    assert (band.word.text(), band.meter.isHidden()) == ("limited", False)
    band.show_band(None, "no score")
    assert (band.word.text(), band.meter.isHidden()) == ("no score", True)


def test_a_row_is_pressed_by_a_key_and_says_all(theme: Theme, qtbot: QtBot) -> None:
    row = RowButton(theme, verdict_badge("contradicted", 13), "Memory limit", "1.05 × the peak", "INF-08")
    qtbot.addWidget(row)
    assert row.accessibleName() == "INF-08: Memory limit. 1.05 × the peak"
    with qtbot.waitSignal(row.clicked):
        qtbot.keyClick(row, Qt.Key.Key_Space)


def test_a_row_grows_until_every_word_below_its_title_is_shown(theme: Theme, qtbot: QtBot) -> None:
    below = "The autoscaler looks at something other than CPU and memory, which the measurement contradicts"
    row = RowButton(theme, verdict_badge("contradicted", 13), "Scaling signal", below, "INF-02")
    qtbot.addWidget(row)
    metrics = QFontMetrics(font(SMALL))
    longest = max(metrics.horizontalAdvance(word) for word in below.split())
    whole = row.heightForWidth(metrics.horizontalAdvance(below) + 100)
    assert row.heightForWidth(longest + 60) >= whole + 3 * metrics.lineSpacing(), "four lines at the least"


def test_a_line_never_ends_inside_the_unit_of_a_rate(theme: Theme, qtbot: QtBot) -> None:
    said = "At 198\N{NO-BREAK SPACE}req/s"
    label = PlainLabel(said, wrap=True)
    qtbot.addWidget(label)
    assert label.text() == said, "as it was given"
    metrics = label.fontMetrics()
    # Room for the unit but its last letter: broken at the slash, there would be a third line.
    narrow = metrics.horizontalAdvance("198\N{NO-BREAK SPACE}req/") + 1
    assert label.heightForWidth(narrow) == 2 * metrics.lineSpacing()
    option = PlainLabel("a --sweep", wrap=True)
    qtbot.addWidget(option)
    # Room for the dashes alone: broken behind them, there would be a third line.
    assert option.heightForWidth(metrics.horizontalAdvance("--") + 1) == 2 * metrics.lineSpacing()
    selectable = PlainLabel(said, wrap=True, selectable=True)
    qtbot.addWidget(selectable)
    assert QLabel.text(selectable) == said, "what may be copied is not changed"


def test_field_and_slider_of_an_assumption_go_together(theme: Theme, qtbot: QtBot) -> None:
    assumption = Assumption("Growth", theme)
    qtbot.addWidget(assumption)
    said: list[float] = []
    assumption.changed.connect(said.append)
    assumption.show_value(8.0, Scale(0, 30, 0.1, 1, "%"), "profile")
    assert said == []
    assert (assumption.value, assumption.slider.value(), assumption.slider.maximum()) == (8.0, 80, 300)
    assumption.slider.setValue(125)
    assert assumption.field.value() == pytest.approx(12.5)
    assumption.field.setValue(20.0)
    assert assumption.slider.value() == 200
    assert said == [pytest.approx(12.5), pytest.approx(20.0)]


def test_a_value_beyond_the_scale_widens_it(theme: Theme, qtbot: QtBot) -> None:
    assumption = Assumption("Growth", theme)
    qtbot.addWidget(assumption)
    assumption.show_value(45.0, Scale(0, 30, 0.1, 1, "%"), "")
    assert assumption.value == 45.0
    assert assumption.slider.value() == assumption.slider.maximum() == 450


def test_an_empty_page_has_one_primary_button(qtbot: QtBot) -> None:
    done: list[Any] = []
    page = EmptyPage((("First", lambda: done.append(1)), ("Second", lambda: done.append(2))))
    qtbot.addWidget(page)
    page.say("Nothing yet", "This page will say something.")
    assert [button.property("kind") for button in page.buttons] == ["primary", None]
    assert page.more.isHidden()
    for button in page.buttons:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert done == [1, 2]
