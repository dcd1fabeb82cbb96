"""Settings: kept in the ini file, shown as they are, and reset without touching what is stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.gui.pages.settings import SettingsPage
from app.gui.window import MainWindow


@pytest.fixture
def page(window: MainWindow) -> SettingsPage:
    window.go_to("settings")
    found = window.page
    assert isinstance(found, SettingsPage)
    return found


def read(settings: QSettings, key: str) -> object:
    """What stands in the file."""
    settings.sync()
    return QSettings(settings.fileName(), QSettings.Format.IniFormat).value(key)


def test_colours_change_at_once_and_are_kept(page: SettingsPage, qtbot: QtBot, settings: QSettings) -> None:
    qtbot.mouseClick(page.scheme.segments["dark"], Qt.MouseButton.LeftButton)
    assert page.theme.is_dark
    assert page.scheme.segments["dark"].isChecked()
    assert read(settings, "window/scheme") == "dark"
    qtbot.mouseClick(page.scheme.segments["light"], Qt.MouseButton.LeftButton)
    assert not page.theme.is_dark


def test_arrows_choose_the_size_of_type(page: SettingsPage, settings: QSettings) -> None:
    segment = page.zoom.segments["100"]
    segment.setFocus()
    QTest.keyClick(segment, Qt.Key.Key_Right)
    assert page.theme.zoom == 110
    assert page.zoom.segments["110"].isChecked()
    assert str(read(settings, "window/zoom")) == "110"


def test_the_store_is_named_with_its_journal(page: SettingsPage, store_file: Path) -> None:
    assert page.store.text() == str(store_file)
    assert page.session.store.journal_mode in page.journal.text()
    page.copy.click()
    assert QGuiApplication.clipboard().text() == str(store_file)


def test_an_objective_is_kept_when_it_is_one(page: SettingsPage, settings: QSettings) -> None:
    page.slo.setFocus()
    QTest.keyClicks(page.slo, "p99<=80ms")
    QTest.keyClick(page.slo, Qt.Key.Key_Return)
    assert read(settings, "defaults/slo") == "p99<=80ms"
    page.slo.setText("quick")
    QTest.keyClick(page.slo, Qt.Key.Key_Return)
    assert page.slo_wrong.isVisible()
    assert read(settings, "defaults/slo") == "p99<=80ms"


def test_reset_asks_first_and_leaves_the_store(
    page: SettingsPage, qtbot: QtBot, settings: QSettings, store_file: Path
) -> None:
    page.set_scheme("dark")
    page.set_zoom(120)
    settings.setValue("defaults/slo", "p99<=80ms")
    qtbot.mouseClick(page.reset, Qt.MouseButton.LeftButton)
    assert page.unsure.hasFocus()
    assert read(settings, "window/scheme") == "dark"
    qtbot.mouseClick(page.sure, Qt.MouseButton.LeftButton)
    assert page.theme.scheme == "system"
    assert page.theme.zoom == 100
    assert read(settings, "defaults/slo") is None
    assert page.slo.text() == ""
    assert page.reset.isVisible()
    assert store_file.exists()
    assert page.session.has_store


def test_everything_that_takes_keys_says_what_it_is(
    page: SettingsPage, window: Callable[..., MainWindow]
) -> None:
    for widget in page.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(page):
            said = widget.accessibleName() or getattr(widget, "text", lambda: "")()
            assert said, f"{widget} has no accessible name"
