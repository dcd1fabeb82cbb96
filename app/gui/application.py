"""The application: one QApplication and one window, over one store.

A second start with the same store hands its file to the first one and ends (`single_instance`). What nobody
expected is shown in the window, with a report that can be copied, and the window goes on.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSettings, QSocketNotifier, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.gui.executor import Failure, SerialExecutor
from app.gui.icons import program_icon
from app.gui.memory import give_back_large_blocks
from app.gui.page import PageKind
from app.gui.probing import Probing
from app.gui.session import Session
from app.gui.single_instance import SingleInstance, hand_over, socket_name
from app.gui.store_opening import StoreOpening, key_of
from app.gui.theme import SCHEMES, Theme
from app.gui.window import MainWindow

UNSEEN_MS = 500
"""A window that is not painted, since it is minimised, opens its store after so long."""
PAGES = (
    PageKind("overview", "layout-dashboard", "app.gui.pages.overview", "OverviewPage"),
    PageKind("checklist", "list-checks", "app.gui.pages.checklist", "ChecklistPage"),
    PageKind("probe", "activity", "app.gui.pages.probe", "ProbePage"),
    PageKind("evidence", "file-text", "app.gui.pages.evidence", "EvidencePage"),
    PageKind("forecast", "trending-up", "app.gui.pages.forecast", "ForecastPage"),
    PageKind("plan", "list", "app.gui.pages.plan", "PlanPage"),
    PageKind("compare", "columns-2", "app.gui.pages.compare", "ComparePage"),
    PageKind("report", "book-open", "app.gui.pages.report", "ReportPage"),
    PageKind("home", "house", "app.gui.pages.home", "HomePage", needs_assessment=False),
    PageKind(
        "settings", "sliders-horizontal", "app.gui.pages.settings", "SettingsPage", needs_assessment=False
    ),
)
"""The pages in the order of the rail."""


def page_kinds() -> dict[str, PageKind]:
    """The pages by their keys, in the order of the rail."""
    return {kind.key: kind for kind in PAGES}


def settings_file() -> QSettings:
    """Geometry, theme, recents: an ini file in the user's folder (`LOADSTONE_SETTINGS` names another)."""
    from platformdirs import user_config_path

    named = os.environ.get("LOADSTONE_SETTINGS")
    path = Path(named) if named else user_config_path("loadstone", appauthor=False) / "window.ini"
    return QSettings(str(path), QSettings.Format.IniFormat)


def make_window(app: QApplication, store_url: str | None, settings: QSettings) -> MainWindow:
    """The window, not shown yet; its store is opened by `window.stores.open`."""
    give_back_large_blocks()
    theme = Theme(app)
    scheme = settings.value("window/scheme", "system")
    if scheme in SCHEMES:
        theme.set_scheme(scheme)
    zoom = str(settings.value("window/zoom", 100))
    theme.set_zoom(int(zoom) if zoom.isdecimal() else 100)
    executor = SerialExecutor(app)
    session = Session(None, executor, app)
    probing = Probing(store_url, app)
    return MainWindow(
        session=session,
        executor=executor,
        probing=probing,
        theme=theme,
        settings=settings,
        stores=StoreOpening(session, executor, probing, app),
        pages=page_kinds(),
    )


def run(store_url: str | None, file: Path | None, argv: Sequence[str] = ()) -> int:
    """Opens the window and returns when it is closed; at once where a window has this store open already."""
    app = QApplication.instance() or QApplication([sys.argv[0] if sys.argv else "loadstone", *argv])
    assert isinstance(app, QApplication)
    app.setApplicationName("Loadstone")
    app.setDesktopFileName("loadstone")
    app.setWindowIcon(program_icon())
    name = socket_name(key_of(store_url))
    if name is not None and hand_over(name, file):
        return 0
    instance = SingleInstance(name, app) if name is not None else None
    window = make_window(app, store_url, settings_file())
    report_faults(window)
    if instance is not None:
        instance.called.connect(window.open_file)
    end_by_signal(window)
    begin(window, store_url, file)
    window.show()
    code = app.exec()
    window.context.executor.close()
    if window.session.has_store:
        window.session.store.close()
    if instance is not None:
        instance.close()
    return code


def begin(window: MainWindow, store_url: str | None, file: Path | None) -> None:
    """Shows the start page and opens the store; then the file that was named, or what was open last."""
    window.go_to("home", **({} if file is None else {"file": file}))
    last = window.settings.value("session/name", "")

    def go_on() -> None:
        if file is None and isinstance(last, str) and last:
            window.session.open_if_there(last, lambda: window.go_to("overview"))

    window.stores.opened.connect(go_on, Qt.ConnectionType.SingleShotConnection)
    _AfterFirstFrame(window, lambda: window.stores.open(store_url))


class _AfterFirstFrame(QObject):
    """Does something once the window was painted, or soon where it is not seen: the store takes its time."""

    def __init__(self, window: MainWindow, does: Callable[[], None]) -> None:
        super().__init__(window)
        self._does: Callable[[], None] | None = does
        window.installEventFilter(self)
        QTimer.singleShot(UNSEEN_MS, self, self._go)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, Qt's name
        """Waits for the first frame."""
        if event.type() == QEvent.Type.Paint and self._does is not None:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._go)
        return False

    def _go(self) -> None:
        does, self._does = self._does, None
        if does is not None:
            does()


def report_faults(window: MainWindow) -> None:
    """What nobody expected is said in the window, with the file of a report, and the window goes on."""

    def in_window(_kind: object, error: BaseException, _trace: object) -> None:
        if isinstance(error, KeyboardInterrupt):
            window.close()
        else:
            window.say(Failure(error))

    def elsewhere(args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        if error is not None:
            QTimer.singleShot(0, window, lambda: window.say(Failure(error)))

    sys.excepthook = in_window
    threading.excepthook = elsewhere


def end_by_signal(window: MainWindow) -> None:
    """Ctrl C in the terminal, and being asked to end, close the window as a person would."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno())
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, window)
    keeper = _SignalSockets(window, ours, theirs)
    notifier.activated.connect(keeper.drain)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: QTimer.singleShot(0, window, window.close_unasked))


class _SignalSockets(QObject):
    """Keeps both ends open as long as the window is there; Python runs its handler when one is read."""

    def __init__(self, parent: QObject, ours: socket.socket, theirs: socket.socket) -> None:
        super().__init__(parent)
        self._ours, self._theirs = ours, theirs

    def drain(self) -> None:
        try:
            self._ours.recv(64)
        except BlockingIOError:
            return
