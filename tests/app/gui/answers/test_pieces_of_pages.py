"""Pieces that the pages of answers and evidence are made of."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.gui.theme import Theme
from app.gui.widgets.ladder import Ladder, Shown
from app.gui.widgets.segments import Segments


class Windows(QObject):
    """Notes every widget that becomes a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(type(watched).__name__)
        return False


def test_a_page_that_is_made_opens_no_window_of_its_own(desk: Any, qapp: QApplication) -> None:
    noted = Windows()
    qapp.installEventFilter(noted)
    try:
        desk.open("checklist", question="INF-08")
        desk.press("3", "c")
        desk.window.go_to("evidence")
        desk.evidence.ask_by_hand()
        desk.window.resize(1024, 700)
        desk.wait_saved()
    finally:
        qapp.removeEventFilter(noted)
    assert noted.seen == []


def test_segments_are_chosen_by_click_and_by_arrows(qtbot: Any, theme: Theme) -> None:
    control = Segments([("a", "All"), ("b", "Open"), ("c", "Critical")], theme, "Filter")
    qtbot.addWidget(control)
    control.show()
    control.activateWindow()
    qtbot.waitUntil(control.isActiveWindow, timeout=20_000)
    control.set_counts({"a": 4, "b": 1})
    assert [segment.text() for segment in control.segments.values()] == ["All 4", "Open 1", "Critical"]
    chosen: list[str] = []
    control.chosen.connect(chosen.append)
    qtbot.mouseClick(control.segments["b"], Qt.MouseButton.LeftButton)
    control.segments["b"].setFocus()
    qtbot.keyClick(control.segments["b"], Qt.Key.Key_Right)
    qtbot.keyClick(control.segments["c"], Qt.Key.Key_Right)
    assert chosen == ["b", "c", "c"]


@pytest.mark.parametrize("width", [340, 700])
def test_a_level_grows_with_its_text_and_says_all_of_it(qtbot: Any, theme: Theme, width: int) -> None:
    ladder = Ladder(theme)
    qtbot.addWidget(ladder)
    short = Shown("a", "1", "Copied", "verified", "verified", "ok", "limit: yes")
    long = Shown("b", "2", "word " * 60, "claimed", "not proven", "muted", "needs " * 30, mark="your answer")
    ladder.resize(width, 10)
    ladder.show_levels([long, short])
    high, low = ladder.levels
    assert low.height() == 56
    assert high.height() > 2 * low.height()
    assert ladder.height() == high.height() + low.height()
    assert high.accessibleName().startswith("Level 2: word word")
    assert high.accessibleName().count("needs") == 30
    assert "your answer" in high.accessibleName()


def test_the_space_bar_chooses_a_level(qtbot: Any, theme: Theme) -> None:
    ladder = Ladder(theme)
    qtbot.addWidget(ladder)
    ladder.resize(500, 10)
    ladder.show_levels([Shown("a", "0", "None", None, "", "muted", "")])
    ladder.show()
    with qtbot.waitSignal(ladder.chosen) as caught:
        qtbot.keyClick(ladder.levels[0], Qt.Key.Key_Space)
    assert caught.args == ["a"]
    assert not ladder.levels[0].isChecked()
