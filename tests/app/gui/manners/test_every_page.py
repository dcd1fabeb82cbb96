"""What holds on every page of the window, empty and full: names, keys, numbers of charts, and plain text.

A page that is added to the rail is walked here without another word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import Qt as Gui
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.gui.application import PAGES
from app.gui.page import Page
from app.gui.widgets.chart_view import ChartView
from app.gui.widgets.live_chart import LiveChart
from app.gui.widgets.numbers import NumbersWindow
from app.gui.widgets.plain_table import PlainTable

MARKUP = "<h1>Verified</h1>"
WAIT_MS = 20_000
TAKES_INPUT = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit,
    QPlainTextEdit, QTextEdit, ChartView, LiveChart,
)  # fmt: skip
PLAIN = Qt.TextFormat.PlainText


def of_input(looking: Any, root: QWidget) -> list[QWidget]:
    """What can be used: what takes input and is enabled, or takes the keys by Tab."""
    return [
        widget
        for widget in looking.shown_in(root)
        if widget.isEnabled()
        and (isinstance(widget, TAKES_INPUT) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    ]


def called(widget: QWidget) -> str:
    """What a screen reader says of it."""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return (widget.accessibleName() or text).strip()


def described(widget: QWidget) -> str:
    return f"{type(widget).__name__} {called(widget)!r} in {type(widget.parentWidget()).__name__}"


def test_whatever_can_be_used_has_a_name_and_is_reached_by_tab(looking: Any, page: Page) -> None:
    window = page.window()
    usable = of_input(looking, window)
    assert usable
    nameless = [described(widget) for widget in usable if not called(widget)]
    assert not nameless, "without a name"
    reached = by_tab(window)
    missed = [described(widget) for widget in usable if widget not in reached]
    assert not missed, "not reached by Tab"


def by_tab(window: QWidget) -> set[QWidget]:
    """The widgets that have the keys one after another while Tab is pressed, until one comes again."""
    window.setFocus()
    reached: list[QWidget] = []
    for _ in range(400):
        widget = QApplication.focusWidget() or window
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        assert now is not None
        if now in reached:
            return set(reached)
        reached.append(now)
    raise AssertionError("Tab does not come round")


def charts_in(looking: Any, page: Page) -> list[QWidget]:
    """The charts that show something."""
    return [
        widget
        for widget in looking.shown_in(page)
        if isinstance(widget, LiveChart) or (isinstance(widget, ChartView) and widget.spec is not None)
    ]


def test_every_chart_has_its_numbers_as_a_table(looking: Any, page: Page, qtbot: QtBot) -> None:
    for chart in charts_in(looking, page):
        assert called(chart)
        chart.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(chart, Qt.Key.Key_T)
        qtbot.waitUntil(lambda: any(True for _ in tables_of(looking, page)), timeout=WAIT_MS)
        model, close = next(tables_of(looking, page))
        assert model.rowCount() > 0
        assert all(
            model.headerData(column, Qt.Orientation.Horizontal) for column in range(model.columnCount())
        )
        cells = [
            str(model.index(row, column).data() or "")
            for row in range(model.rowCount())
            for column in range(model.columnCount())
        ]
        assert any(any(sign.isdigit() for sign in cell) for cell in cells), "a table of numbers has numbers"
        close()


def tables_of(looking: Any, page: Page) -> Iterator[tuple[QAbstractItemModel, Callable[[], Any]]]:
    """The tables that T opened: beside the window, or in the place of charts; and how each is closed."""
    window = page.window().findChild(NumbersWindow)
    if window is not None and window.isVisible():
        yield window.model, window.close
    for widget in looking.shown_in(page):
        if isinstance(widget, PlainTable) and "numbers" in widget.accessibleName().lower():
            yield widget.model(), lambda: QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_T)


def test_every_text_is_shown_as_it_is(looking: Any, page: Page) -> None:
    window = page.window()
    for label in (widget for widget in window.findChildren(QLabel) if widget.text()):
        assert label.textFormat() == PLAIN, described(label)
    for widget in (window, *window.findChildren(QWidget)):
        assert_plain_tip(widget.toolTip())
        if isinstance(widget, QTextEdit):
            assert not widget.acceptRichText(), described(widget)
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            for index in looking.indexes(widget.model()):
                assert_plain_tip(str(index.data(Qt.ItemDataRole.ToolTipRole) or ""))


def assert_plain_tip(tip: str) -> None:
    """Qt takes a tip that looks like markup for markup; what is shown then must still be the text."""
    if MARKUP in tip or "Verified" in tip:
        shown = QTextDocument()
        if Gui.mightBeRichText(tip):
            shown.setHtml(tip)
        else:
            shown.setPlainText(tip)
        assert MARKUP in shown.toPlainText(), tip


def test_markup_that_somebody_wrote_is_read_literally(scene: Any, looking: Any, page: Page) -> None:
    assert any(MARKUP in text for text in looking.texts_of(page)) == scene.marked


def test_every_page_of_the_rail_is_walked(desks: Any) -> None:
    assert set(desks.full.rail.buttons) == {kind.key for kind in PAGES}
