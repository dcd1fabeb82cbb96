"""The application: one QApplication and one window, over one store.

A second start with the same store hands its file to the first one and ends (`single_instance`). What nobody
expected is shown in the window, with a report that can be copied, and the window goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from app.gui.executor import Failure, SerialExecutor
from app.gui.page import Page
from app.gui.probing import Probing
from app.gui.session import Session
from app.gui.theme import SCHEMES, Theme
from app.gui.window import MainWindow
from assessments.store import Store, open_store


def page_kinds() -> dict[str, type[Page]]:
    """The pages in the order of the rail."""
    from app.gui.pages.checklist import ChecklistPage
    from app.gui.pages.compare import ComparePage
    from app.gui.pages.evidence import EvidencePage
    from app.gui.pages.forecast import ForecastPage
    from app.gui.pages.home import HomePage
    from app.gui.pages.overview import OverviewPage
    from app.gui.pages.plan import PlanPage
    from app.gui.pages.probe import ProbePage
    from app.gui.pages.report import ReportPage
    from app.gui.pages.settings import SettingsPage

    kinds = (
        OverviewPage, ChecklistPage, ProbePage, EvidencePage, ForecastPage, PlanPage, ComparePage, ReportPage,
        HomePage, SettingsPage,
    )  # fmt: skip
    return {kind.key: kind for kind in kinds}


def settings_file() -> QSettings:
    """Geometry, theme, recents: an ini file in the user's folder (`LOADSTONE_SETTINGS` names another)."""
    from platformdirs import user_config_path

    named = os.environ.get("LOADSTONE_SETTINGS")
    path = Path(named) if named else user_config_path("loadstone", appauthor=False) / "window.ini"
    return QSettings(str(path), QSettings.Format.IniFormat)


def make_window(app: QApplication, store: Store, store_url: str | None, settings: QSettings) -> MainWindow:
    """The window over a store, not shown yet."""
    theme = Theme(app)
    scheme = settings.value("window/scheme", "system")
    if scheme in SCHEMES:
        theme.set_scheme(scheme)
    executor = SerialExecutor(app)
    session = Session(store, executor, app)
    probing = Probing(store_url, app)
    return MainWindow(
        session=session,
        executor=executor,
        probing=probing,
        theme=theme,
        settings=settings,
        pages=page_kinds(),
    )


def run(store_url: str | None, file: Path | None, argv: Sequence[str] = ()) -> int:
    """Opens the window and returns when it is closed. Raises `StoreError` before there is a window."""
    app = QApplication.instance() or QApplication([sys.argv[0] if sys.argv else "loadstone", *argv])
    assert isinstance(app, QApplication)
    app.setApplicationName("Loadstone")
    app.setDesktopFileName("loadstone")
    with open_store(store_url) as store:
        window = make_window(app, store, store_url, settings_file())
        sys.excepthook = lambda _kind, error, _trace: window.say(Failure(error))
        window.show()
        QTimer.singleShot(0, lambda: _begin(window, file))
        code = app.exec()
        window.context.executor.close()
    return code


def _begin(window: MainWindow, file: Path | None) -> None:
    """Opens the file that was named, else the assessment that was open last, else the start page."""
    window.go_to("home", **({"file": file} if file is not None else {}))
    name = window.settings.value("session/name", "")
    if file is None and isinstance(name, str) and name:
        known = [entry.name for entry in window.session.store.assessments()]
        if name in known:
            window.session.opened.connect(lambda _name: window.go_to("overview"), _once())
            window.session.open(name)


def _once() -> object:
    from PySide6.QtCore import Qt

    return Qt.ConnectionType.SingleShotConnection
