"""A window over a store of its own, offscreen, as all tests of the window use it.

`window` is shown with an empty store; `store_file` is where that lies; `filled_store` puts an assessment
`shop` in it before the window is made. `open_shop` opens that one and waits until all of it is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.application import make_window
from app.gui.window import MainWindow
from assessments.claims import answers_of
from assessments.lens import bundled_lens
from assessments.store import open_store
from assessments.stored import keep

PROFILE = {"target_kind": "http", "slo": "p99<=200ms,errors<=1%", "peak_per_s": 100, "target_peak_per_s": 140}
WAIT_MS = 20_000
"""The machine may be busy; a test ends as soon as what it waits for is there."""


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    return QApplication


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "loadstone.sqlite"


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def shop_answers(**claims: Any) -> dict[str, Any]:
    """Every question of our lens answered with its second level, but for `claims`."""
    answers: dict[str, Any] = {question.id: question.choices[1].id for question in bundled_lens().questions}
    return {"schema": "loadstone.answers/1", "profile": PROFILE, "answers": answers | claims}


@pytest.fixture
def filled_store(store_file: Path) -> Path:
    """The store with the assessment `shop`, all of it answered."""
    with open_store(str(store_file)) as store:
        keep(
            store, "shop", answers=answers_of(shop_answers(), "answers"), lens=bundled_lens(), title="A shop"
        )
    return store_file


@pytest.fixture
def make_shown(qtbot: QtBot, qapp: QApplication, settings: QSettings) -> Iterator[Callable[..., MainWindow]]:
    """Makes a window over a store, shows it on its start page and waits until the store is open."""
    made: list[MainWindow] = []

    def make(store: Path, *, wait: bool = True) -> MainWindow:
        window = make_window(qapp, str(store), settings)
        made.append(window)
        qtbot.addWidget(window)
        window.go_to("home")
        window.show()
        window.stores.open(str(store))
        if wait:
            qtbot.waitUntil(lambda: window.session.has_store, timeout=WAIT_MS)
        return window

    yield make
    for window in made:
        window.may_ask = False
        window.close()
        window.context.executor.close()
        if window.session.has_store:
            window.session.store.close()
        window.theme.set_scheme("system")
        window.theme.set_zoom(100)


@pytest.fixture
def window(make_shown: Callable[..., MainWindow], store_file: Path) -> MainWindow:
    return make_shown(store_file)


@pytest.fixture
def open_shop(
    make_shown: Callable[..., MainWindow], filled_store: Path, qtbot: QtBot
) -> Callable[[], MainWindow]:
    """A window in which `shop` is open and judged whole."""

    def opened() -> MainWindow:
        window = make_shown(filled_store)
        window.session.open("shop")
        qtbot.waitUntil(lambda: window.session.whole is not None, timeout=WAIT_MS)
        return window

    return opened
