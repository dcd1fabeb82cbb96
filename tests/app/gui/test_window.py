"""The manners of the window: pages, keys, faults, stores that cannot be opened, and after a crash."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QSettings, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.gui.application import PAGES, begin, make_window, report_faults
from app.gui.executor import Failure
from app.gui.pages.home import HomePage
from app.gui.palette import Palette
from app.gui.theme import font
from app.gui.window import MINIMUM, MainWindow
from assessments.claims import Claim
from assessments.store import open_store

WAIT_MS = 20_000
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Open = Callable[..., MainWindow]


def in_dialog(does: Callable[[QDialog], None]) -> None:
    """Does something in the next dialog, as soon as it is there."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QDialog):
            does(dialog)
        else:
            QTimer.singleShot(10, look)

    QTimer.singleShot(0, look)


@pytest.mark.parametrize("kind", PAGES, ids=lambda kind: kind.key)
def test_a_page_is_what_the_rail_says_of_it_before_it_is_made(kind: object) -> None:
    page = getattr(import_module(kind.module), kind.name)  # type: ignore[attr-defined]
    assert (page.key, page.icon, page.needs_assessment) == (
        kind.key,  # type: ignore[attr-defined]
        kind.icon,  # type: ignore[attr-defined]
        kind.needs_assessment,  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("kind", [kind for kind in PAGES if kind.needs_assessment], ids=lambda kind: kind.key)
def test_every_page_can_be_shown_with_an_assessment_open(
    open_shop: Callable[[], MainWindow], kind: object
) -> None:
    window = open_shop()
    number = [page.key for page in PAGES].index(kind.key) + 1  # type: ignore[attr-defined]
    QTest.keyClick(window, getattr(Qt.Key, f"Key_{number}"), CONTROL)
    assert window.page is window.page_of(kind.key)  # type: ignore[attr-defined]
    assert window.rail.buttons[kind.key].isChecked()  # type: ignore[attr-defined]
    assert not window.notice.isVisible(), window.notice.text.text()


class _Windows(QObject):
    """Notes every window that is shown beside the one it begins with."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self.window, self.seen = window, list[str]()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_shown = event.type() == QEvent.Type.Show and isinstance(watched, QWidget)
        if is_shown and watched.isWindow() and watched is not self.window:  # type: ignore[attr-defined]
            self.seen.append(repr(watched))
        return False


def test_no_part_of_a_page_flashes_as_a_window_of_its_own(
    open_shop: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    """A widget that is made visible before it has a parent does, and takes the keys from the window."""
    window = open_shop()
    windows = _Windows(window)
    for kind in PAGES:
        window.go_to(kind.key)
        assert windows.seen == [], kind.key
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QApplication.instance().removeEventFilter(windows)  # type: ignore[union-attr]


def test_without_an_assessment_pages_that_need_one_lead_home(window: MainWindow) -> None:
    window.go_to("checklist")
    assert window.page is window.page_of("home")
    assert not window.rail.buttons["checklist"].isEnabled()
    assert window.rail.buttons["settings"].isEnabled()


def test_the_window_fits_a_small_screen(window: MainWindow) -> None:
    assert (window.minimumWidth(), window.minimumHeight()) == MINIMUM == (1024, 700)
    window.resize(*MINIMUM)
    assert (window.width(), window.height()) == MINIMUM


def test_f1_lists_the_keys_of_the_page_and_ctrl_k_goes_anywhere(
    open_shop: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = open_shop()
    window.go_to("home")
    seen: list[str] = []

    def look(dialog: QDialog) -> None:
        seen.extend(label.text() for label in dialog.findChildren(QLabel))
        dialog.reject()

    in_dialog(look)
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert "rename it" in seen
    assert "go to any page or question" in seen

    def go(dialog: QDialog) -> None:
        assert isinstance(dialog, Palette)
        QTest.keyClicks(dialog.line, "inf-08")
        QTest.keyClick(dialog.line, Qt.Key.Key_Return)

    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    in_dialog(go)
    QTest.keyClick(window, Qt.Key.Key_K, CONTROL)
    assert window.page is window.page_of("checklist")
    assert window.page.current == "INF-08"  # type: ignore[union-attr]


def test_tab_goes_from_the_rail_over_the_head_to_the_body(
    open_shop: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = open_shop()
    head = window.title.parentWidget()
    for kind in PAGES:
        window.go_to(kind.key)
        page = window.page
        assert page is not None
        places: list[str] = []
        widget = window.rail.head
        for _ in range(5_000):
            takes_keys = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
            if takes_keys and widget.isEnabled() and widget.isVisible():
                inside = {"rail": window.rail, "head": head, "body": page}
                places += [name for name, part in inside.items() if part.isAncestorOf(widget)]
            widget = widget.nextInFocusChain()
            if widget is window.rail.head:
                break
        order = [place for at, place in enumerate(places) if at == 0 or places[at - 1] != place]
        assert order in (["rail", "head", "body"], ["rail", "body"], ["rail", "head"]), (kind.key, order)


def test_f6_goes_from_the_page_to_the_rail_and_back(
    open_shop: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = open_shop()
    window.go_to("home")
    page = window.page_of("home")
    qtbot.waitUntil(lambda: page.isAncestorOf(QApplication.focusWidget()), timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert window.rail.buttons["home"].hasFocus()
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert page.isAncestorOf(QApplication.focusWidget())


def test_zoom_makes_type_larger_and_is_kept(window: MainWindow, settings: QSettings) -> None:
    usual = window.title.font().pixelSize()
    QTest.keyClick(window, Qt.Key.Key_Plus, CONTROL)
    assert window.title.font().pixelSize() == round(usual * 1.1)
    assert font(13).pixelSize() == round(13 * 1.1)
    assert int(str(settings.value("window/zoom"))) == 110
    window.theme.set_scheme("dark")
    assert window.title.font().pixelSize() == round(usual * 1.1), "other colours leave the size as it is"
    QTest.keyClick(window, Qt.Key.Key_Minus, CONTROL)
    QTest.keyClick(window, Qt.Key.Key_Minus, CONTROL)
    assert window.theme.zoom == 90
    QTest.keyClick(window, Qt.Key.Key_0, CONTROL)
    assert window.title.font().pixelSize() == usual


def test_a_fault_of_ours_is_said_with_a_report_and_the_window_goes_on(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.cli.crash.state_folder", lambda: tmp_path / "crashes")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", sys.excepthook)
    report_faults(window)
    for _ in range(3):
        try:
            raise ZeroDivisionError("on purpose")
        except ZeroDivisionError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    assert window.notice.isVisible()
    assert "A fault of Loadstone's own (ZeroDivisionError)" in window.notice.text.text()
    reports = list((tmp_path / "crashes").iterdir())
    assert len(reports) == 1, "the same fault is reported once"
    assert str(reports[0]) in window.notice.text.text()
    assert "on purpose" in reports[0].read_text()
    window.notice.copy.click()
    assert "ZeroDivisionError: on purpose" in QGuiApplication.clipboard().text()
    window.go_to("settings")
    assert window.page is window.page_of("settings")


def test_work_that_fails_in_the_background_is_said_too(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.cli.crash.state_folder", lambda: tmp_path / "crashes")
    window.context.executor.submit(lambda: 1 / 0, None, window.say)
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT_MS)
    assert "ZeroDivisionError" in window.notice.text.text()
    assert len(list((tmp_path / "crashes").iterdir())) == 1


# -- the store ----------------------------------------------------------------------------------------------


def trouble(make_shown: Open, store: Path, qtbot: QtBot) -> tuple[MainWindow, HomePage]:
    window = make_shown(store, wait=False)
    page = window.page_of("home")
    assert isinstance(page, HomePage)
    qtbot.waitUntil(page.trouble.isVisible, timeout=WAIT_MS)
    return window, page


def test_a_damaged_store_is_said_in_place_left_as_it_is_and_moved_away_when_asked(
    make_shown: Open, filled_store: Path, qtbot: QtBot
) -> None:
    data = bytearray(filled_store.read_bytes())
    data[2_000:] = b"\xff" * (len(data) - 2_000)
    filled_store.write_bytes(data)
    window, page = trouble(make_shown, filled_store, qtbot)
    assert "is damaged" in page.trouble.text.text()
    assert filled_store.read_bytes() == bytes(data)
    assert not page.new_button.isEnabled()
    assert page.trouble.anew_button.isVisible()
    page.trouble.copy.click()
    assert "StoreError" in QGuiApplication.clipboard().text()
    qtbot.mouseClick(page.trouble.anew_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.has_store, timeout=WAIT_MS)
    assert not page.trouble.isVisible()
    kept = min(filled_store.parent.glob("loadstone.sqlite.damaged-*"), key=lambda path: len(path.name))
    assert kept.read_bytes() == bytes(data)
    assert str(kept) in window.notice.text.text()
    qtbot.waitUntil(page.first_button.isVisible, timeout=WAIT_MS)


def test_a_store_of_a_newer_version_is_left_alone(make_shown: Open, filled_store: Path, qtbot: QtBot) -> None:
    with sqlite3.connect(filled_store) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    connection.close()
    before = filled_store.read_bytes()
    _, page = trouble(make_shown, filled_store, qtbot)
    assert "newer" in page.trouble.text.text()
    assert not page.trouble.anew_button.isVisible()
    assert filled_store.read_bytes() == before


def test_a_store_that_is_none_can_be_tried_again_when_it_is_put_right(
    make_shown: Open, store_file: Path, qtbot: QtBot
) -> None:
    store_file.write_text("a letter to a friend")
    window, page = trouble(make_shown, store_file, qtbot)
    assert "is no SQLite database" in page.trouble.text.text()
    store_file.unlink()
    assert page.trouble.again_button.hasFocus()
    QTest.keyClick(page.trouble.again_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.session.has_store, timeout=WAIT_MS)
    assert not page.trouble.isVisible()


def test_a_store_that_cannot_be_opened_leaves_the_open_one_open(
    open_shop: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_shop()
    other = tmp_path / "letter.sqlite"
    other.write_text("a letter to a friend")
    window.stores.open(str(other))
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT_MS)
    assert window.session.name == "shop"
    assert window.probing.store_url != str(other)


def test_another_store_takes_the_place_of_the_open_one(
    open_shop: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_shop()
    other = tmp_path / "other.sqlite"
    with qtbot.waitSignal(window.stores.opened, timeout=WAIT_MS):
        window.stores.open(str(other))
    assert window.session.name == ""
    assert window.probing.store_url == str(other)
    assert window.session.store.assessments() == []


def test_a_disk_that_is_full_loses_nothing_and_the_next_save_brings_all(
    open_shop: Callable[[], MainWindow], qtbot: QtBot, filled_store: Path
) -> None:
    """A lock that another program holds on the file stands for whatever keeps SQLite from writing."""
    window = open_shop()
    first, second = window.session.now.lens.questions[:2]  # type: ignore[union-attr]
    with window.session.store._engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    def limit(count: int) -> None:
        from sqlalchemy import event

        @event.listens_for(window.session.store._engine, "connect")
        def _(dbapi_connection: sqlite3.Connection, _record: object) -> None:
            dbapi_connection.execute(f"PRAGMA max_page_count = {count}")

        window.session.store._engine.dispose()

    limit(pages)
    note = "x" * 1_900
    window.session.claim(Claim(first.id, (first.choices[0].id,), note=note))
    window.session.claim(Claim(second.id, (second.choices[0].id,), note=note))
    for question in window.session.now.lens.questions[2:12]:  # type: ignore[union-attr]
        window.session.claim(Claim(question.id, (question.choices[0].id,), note=note))
    qtbot.waitUntil(lambda: not window.session.has_unsaved, timeout=WAIT_MS)
    assert window.session.save_failed
    assert window.notice.isVisible()
    assert "full" in window.notice.text.text()
    assert window.session.answers.claims[first.id].note == note
    assert "Not saved" in window.saved.text()
    # Another assessment is opened meanwhile: what was answered in this one is not given up.
    window.session.close()
    limit(1_000_000)
    # Nobody does anything: it is tried again by itself.
    qtbot.waitUntil(lambda: not window.session.save_failed, timeout=WAIT_MS)
    assert "All changes saved" in window.saved.text()
    with open_store(str(filled_store)) as store:
        kept = {answer.question: answer for answer in store.answers("shop")}
    assert kept[first.id].note == kept[second.id].note == note


def test_closing_with_what_could_not_be_saved_asks(
    open_shop: Callable[[], MainWindow], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_shop()
    asked: list[str] = []

    def refuse(box: QMessageBox) -> int:
        asked.append(box.text())
        return 0

    monkeypatch.setattr(QMessageBox, "exec", refuse)
    monkeypatch.setattr(window.session, "save_again", lambda: None)
    window.session.save_failed = True
    assert not window.close()
    assert asked == ["The last changes could not be saved."]
    window.session.save_failed = False
    assert window.close()


def test_closing_while_a_probe_runs_asks_and_stops_it(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter((False, True))
    asked: list[str] = []

    def answer(text: str, *_: str) -> bool:
        asked.append(text)
        return next(answers)

    monkeypatch.setattr(window, "_ask", answer)
    window.probing.start(("demo", "--quick"))
    assert not window.close()
    assert window.probing.is_running
    assert window.close()
    assert not window.probing.is_running
    assert asked == ["A probe is running."] * 2


# -- after a crash ------------------------------------------------------------------------------------------


def test_what_was_open_is_open_again_though_the_window_was_never_closed(
    open_shop: Callable[[], MainWindow], qtbot: QtBot, qapp: QApplication, filled_store: Path, tmp_path: Path
) -> None:
    killed = open_shop()
    killed.resize(1_111, 777)
    qtbot.waitUntil(
        lambda: killed.settings.value("window/geometry") == killed.saveGeometry(), timeout=WAIT_MS
    )
    killed.settings.sync()
    again = make_window(
        qapp, str(filled_store), QSettings(killed.settings.fileName(), QSettings.Format.IniFormat)
    )
    qtbot.addWidget(again)
    begin(again, str(filled_store), None)
    again.show()
    qtbot.waitUntil(lambda: again.session.name == "shop", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: again.page is again.page_of("overview"), timeout=WAIT_MS)
    again.context.executor.close()
    again.session.store.close()


def test_an_assessment_that_is_gone_leaves_the_start_page(
    qtbot: QtBot, qapp: QApplication, settings: QSettings, filled_store: Path
) -> None:
    settings.setValue("session/name", "deleted meanwhile")
    window = make_window(qapp, str(filled_store), settings)
    qtbot.addWidget(window)
    begin(window, str(filled_store), None)
    qtbot.waitUntil(lambda: window.session.has_store, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.context.executor.pending == 0, timeout=WAIT_MS)
    assert window.page is window.page_of("home")
    assert window.notice.isHidden()
    window.context.executor.close()
    window.session.store.close()


def test_a_run_that_the_last_window_left_is_named_with_what_became_of_it(
    make_shown: Open, filled_store: Path, qtbot: QtBot, settings: QSettings
) -> None:
    """Its process is gone: the run is interrupted as soon as the store is opened again."""
    import subprocess

    script = (
        "import os, sys\n"
        "from assessments.store import open_store\n"
        "from probes.events import Started\n"
        "store = open_store(sys.argv[1])\n"
        "recorder = store.record('aaaa11112222', 'shop').__enter__()\n"
        "recorder(Started(t=0.0, run={'id': 'aaaa11112222'}, target={}, load={}))\n"
        "assert recorder.flush(), recorder.failure\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(filled_store)], check=False, timeout=60)
    settings.setValue("session/run", "aaaa11112222")
    window = make_shown(filled_store)
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT_MS)
    assert "run aaaa1111 was measuring" in window.notice.text.text()
    assert "interrupted" in window.notice.text.text()
    assert settings.value("session/run") is None


def test_a_failure_that_a_person_can_put_right_writes_no_report(window: MainWindow) -> None:
    from probes.errors import UsageError

    assert window.faults.reported(Failure(UsageError("write it otherwise"))).report is None
