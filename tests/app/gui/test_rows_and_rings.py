"""Texts of rows stand whole in two lines, filters wrap, and the ring of the focus is whole on every side."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QImage, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QLabel, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.gui.models.actions import ACTION
from app.gui.models.questions import IS_PILLAR, TITLE
from app.gui.theme import BODY, font
from app.gui.widgets.broken_text import broken, row_height
from app.gui.widgets.plain_table import PlainTable
from app.gui.window import MainWindow

WAIT_MS = 20_000
LONG = "Set the threshold at or below the response time of the objective, and scrape at least once a minute"
LEAST, LARGEST = (1024, 700), 130


@pytest.fixture
def small(open_shop: Callable[[], MainWindow]) -> MainWindow:
    """The smallest window with the largest type."""
    window = open_shop()
    window.resize(*LEAST)
    window.theme.set_zoom(LARGEST)
    return window


def test_a_text_breaks_between_words_and_nothing_of_it_is_lost(qapp: QApplication) -> None:
    shown = font(BODY)
    metrics = QFontMetrics(shown)
    width = round(metrics.horizontalAdvance(LONG) * 0.6)
    lines = broken(LONG, shown, width)
    assert " ".join(lines) == LONG
    assert len(lines) == 2
    assert all(metrics.horizontalAdvance(line) <= width for line in lines)
    assert broken(LONG, shown, metrics.horizontalAdvance(LONG)) == [LONG]


def test_what_two_lines_do_not_hold_ends_in_an_ellipsis_or_begins_with_one(qapp: QApplication) -> None:
    shown = font(BODY)
    metrics = QFontMetrics(shown)
    width = metrics.horizontalAdvance(LONG) // 4
    lines = broken(LONG, shown, width)
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert all(metrics.horizontalAdvance(line) <= width for line in lines)
    path = "deploy/" * 12 + "alerts.yaml, line 15"
    ending = broken(path, shown, metrics.horizontalAdvance(path) // 4, end_counts=True)
    assert ending[0].startswith("…")
    assert ending[-1].endswith("line\N{NO-BREAK SPACE}15")
    early = "deploy/recommender.yaml, line 51"
    for share in (0.5, 0.55, 0.6, 0.7, 0.8, 0.9):
        kept = broken(early, shown, round(metrics.horizontalAdvance(early) * share), end_counts=True)
        assert kept[-1].endswith("line\N{NO-BREAK SPACE}51"), share


def test_a_row_is_as_high_as_its_lines(qapp: QApplication) -> None:
    line = QFontMetrics(font(BODY)).lineSpacing()
    wide = QFontMetrics(font(BODY)).horizontalAdvance(LONG)
    assert row_height(LONG, 400, BODY, wide + 1, 32) == max(32, line + 12)
    assert row_height(LONG, 400, BODY, wide - 1, 32) == max(32, 2 * line + 12)


def test_filters_of_the_checklist_are_whole_in_the_smallest_window(small: MainWindow, qtbot: QtBot) -> None:
    small.go_to("checklist")
    page: Any = small.page

    def is_whole() -> bool:
        parts = list(page.filters.segments.values())
        boxes = [QRect(part.mapTo(small, part.rect().topLeft()), part.size()) for part in parts]
        return (
            all(part.isVisible() and part.width() >= part.sizeHint().width() for part in parts)
            and all(first.right() < second.left() for first, second in pairwise(boxes))
            and all(small.rect().contains(box) for box in boxes)
        )

    qtbot.waitUntil(is_whole, timeout=WAIT_MS)
    assert page.isAncestorOf(page.filters), "they have a row of their own"
    assert page.undo.isVisible()
    small.go_to("plan")
    small.go_to("checklist")
    assert is_whole()
    small.theme.set_zoom(100)
    small.resize(1440, 900)
    qtbot.waitUntil(lambda: not page.isAncestorOf(page.filters) and is_whole(), timeout=WAIT_MS)


def test_filters_of_the_evidence_are_whole_in_the_smallest_window(small: MainWindow, qtbot: QtBot) -> None:
    small.go_to("evidence")
    page: Any = small.page

    def is_whole() -> bool:
        parts = list(page.kinds.segments.values())
        words = QFontMetrics(page.search.font()).horizontalAdvance(page.search.placeholderText())
        return all(part.width() >= part.sizeHint().width() for part in parts) and page.search.width() > words

    qtbot.waitUntil(is_whole, timeout=WAIT_MS)


def test_titles_of_questions_stand_whole_in_two_lines(small: MainWindow, qtbot: QtBot) -> None:
    small.go_to("checklist")
    page: Any = small.page
    line = QFontMetrics(font(BODY, 600)).lineSpacing()

    def heights() -> dict[str, int]:
        shown = [page.model.index(row, 0) for row in range(page.model.rowCount())]
        return {
            str(index.data(TITLE)): page.list.visualRect(index).height()
            for index in shown
            if not index.data(IS_PILLAR)
        }

    qtbot.waitUntil(lambda: max(heights().values()) >= 2 * line, timeout=WAIT_MS)
    assert min(heights().values()) < 2 * line, "a short title takes one line"
    small.theme.set_zoom(80)
    small.resize(1440, 900)
    qtbot.waitUntil(lambda: len(set(heights().values())) == 1, timeout=WAIT_MS)


def test_actions_of_the_plan_stand_whole_in_two_lines(small: MainWindow, qtbot: QtBot) -> None:
    small.go_to("plan")
    table: Any = small.page.table  # type: ignore[union-attr]
    shown = font(BODY, 500)

    def is_fitted() -> bool:
        room = table.columnWidth(ACTION) - 16
        heights = [
            (len(broken(str(table.model().index(row, ACTION).data()), shown, room)), table.rowHeight(row))
            for row in range(table.model().rowCount())
        ]
        line = QFontMetrics(shown).lineSpacing()
        return {lines for lines, _ in heights} == {1, 2} and all(
            high >= lines * line for lines, high in heights
        )

    qtbot.waitUntil(is_fitted, timeout=WAIT_MS)


def is_broken_whole(label: QLabel) -> bool:
    """Whether all lines of a text that wraps have room."""
    needed = label.fontMetrics().boundingRect(
        QRect(0, 0, label.width(), 10_000), Qt.TextFlag.TextWordWrap, label.text()
    )
    return label.height() >= needed.height() and label.width() >= needed.width()


def test_a_strip_shows_all_of_a_long_sentence(small: MainWindow, qtbot: QtBot) -> None:
    small.go_to("home")
    page: Any = small.page
    qtbot.waitUntil(lambda: page.model.rowCount() > 0, timeout=WAIT_MS)
    page.ask_delete("shop")
    text = page.strip.text
    qtbot.waitUntil(lambda: text.isVisible() and is_broken_whole(text), timeout=WAIT_MS)
    line = text.fontMetrics().lineSpacing()
    assert text.height() >= 2 * line, "it does not fit in one line here"
    assert page.strip.link.x() >= text.geometry().right()
    small.theme.set_zoom(100)
    small.resize(1440, 900)
    qtbot.waitUntil(lambda: page.strip.height() == 36, timeout=WAIT_MS)


def test_what_the_settings_say_of_the_store_is_whole(small: MainWindow, qtbot: QtBot) -> None:
    small.go_to("settings")
    page: Any = small.page
    page.journal.setText(f"{LONG}. {LONG}.")
    qtbot.waitUntil(lambda: is_broken_whole(page.journal), timeout=WAIT_MS)


def is_ring(picture: QImage, area: QRect, colour: Any) -> bool:
    """Whether every pixel along all four edges of the area has the colour."""
    edges = [(x, y) for x in range(area.left(), area.right() + 1) for y in (area.top(), area.bottom())]
    edges += [(x, y) for y in range(area.top(), area.bottom() + 1) for x in (area.left(), area.right())]
    return all(picture.pixelColor(x, y) == colour for x, y in edges)


def take_keys(window: MainWindow, widget: QWidget, bot: QtBot) -> None:
    window.activateWindow()
    bot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    bot.waitUntil(widget.hasFocus, timeout=WAIT_MS)


@pytest.mark.parametrize("page_name", ["plan", "home"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_row_with_the_focus_has_a_whole_ring(
    page_name: str, scheme: Any, open_shop: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = open_shop()
    window.theme.set_scheme(scheme)
    window.go_to(page_name)
    table: QTableView = window.page.table  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: table.model().rowCount() > 0, timeout=WAIT_MS)
    table.selectRow(0)
    take_keys(window, table, qtbot)
    viewport = table.viewport()

    def row() -> QRect:
        header = table.horizontalHeader()
        return QRect(0, table.rowViewportPosition(0), header.length(), table.rowHeight(0))

    qtbot.waitUntil(
        lambda: is_ring(viewport.grab().toImage(), row(), window.theme.colour("accent")), timeout=WAIT_MS
    )


def test_a_plain_table_with_the_focus_has_a_whole_ring(window: MainWindow, qtbot: QtBot) -> None:
    model = QStandardItemModel(3, 2, window)
    for row in range(3):
        for column in range(2):
            model.setItem(row, column, QStandardItem(f"{row} {column}"))
    model.setHorizontalHeaderLabels(["first", "second"])
    table = PlainTable(model, window.theme, "three", stretch=0, grows=True, parent=window.page)
    table.setGeometry(0, 0, 400, table.height())
    table.show()
    take_keys(window, table, qtbot)
    accent = window.theme.colour("accent")
    qtbot.waitUntil(lambda: is_ring(table.grab().toImage(), table.rect(), accent), timeout=WAIT_MS)
