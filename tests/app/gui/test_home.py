"""The start page, driven by its keys and buttons over a real store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.gui.models.assessments import NAME, SCORE
from app.gui.pages.forecast import ForecastPage
from app.gui.pages.home import HomePage
from app.gui.window import MainWindow, recents
from assessments.store import open_store
from assessments.stored import materials

WAIT_MS = 20_000
Open = Callable[..., MainWindow]


def home(window: MainWindow) -> HomePage:
    page = window.page_of("home")
    assert isinstance(page, HomePage)
    return page


def names(page: HomePage) -> list[str]:
    return [page.model.index(row, NAME).data() for row in range(page.model.rowCount())]


def press(widget: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(widget, key, held)


@pytest.fixture
def listed(make_shown: Open, filled_store: Path, qtbot: QtBot) -> MainWindow:
    """A window on its start page with `shop` in the list."""
    window = make_shown(filled_store)
    qtbot.waitUntil(lambda: home(window).model.rowCount() == 1, timeout=WAIT_MS)
    return window


def test_an_empty_store_says_the_first_step_and_has_the_keys_on_it(window: MainWindow, qtbot: QtBot) -> None:
    page = home(window)
    qtbot.waitUntil(page.first_button.isVisible, timeout=WAIT_MS)
    assert page.first_demo.isVisible()
    assert not page.table.isVisible()
    qtbot.waitUntil(page.first_button.hasFocus, timeout=WAIT_MS)


def test_a_new_assessment_needs_a_name_only_and_opens(
    window: MainWindow, qtbot: QtBot, store_file: Path
) -> None:
    page = home(window)
    press(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert page.form.isVisible()
    assert page.form.name.hasFocus()
    QTest.keyClicks(page.form.name, "ranking")
    press(page.form.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session.name == "ranking", timeout=WAIT_MS)
    assert not page.form.isVisible()
    assert page.form.name.text() == ""
    assert window.page is window.page_of("overview")
    with open_store(str(store_file)) as store:
        assert [entry.name for entry in store.assessments()] == ["ranking"]


def test_what_the_form_says_is_the_profile(window: MainWindow, qtbot: QtBot) -> None:
    form = home(window).form
    home(window).ask_new()
    form.name.setText("ranking")
    form.title.setText("before winter")
    form.kind.setCurrentIndex(form.kind.findData("retail-campaign"))
    form.target_kind.setCurrentIndex(form.target_kind.findData("http"))
    form.deploys_to.setCurrentIndex(form.deploys_to.findData("k8s"))
    form.peak_per_s.setText("100")
    form.target_peak_per_s.setText("140.5")
    form.slo.setText("p99<=200ms")
    form.occasion.setText("winter")
    form.occasion_on.setText("2027-01-15")
    qtbot.mouseClick(form.create_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.name == "ranking", timeout=WAIT_MS)
    assert window.session.answers.profile.to_json() == {
        "growth_profile": "retail-campaign", "target_kind": "http", "deploys_to": "k8s", "peak_per_s": 100,
        "target_peak_per_s": 140.5, "slo": "p99<=200ms", "event": "winter", "event_on": "2027-01-15",
    }  # fmt: skip
    assert window.session.materials is not None
    assert window.session.materials.title == "before winter"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("name", "   ", "is empty"),
        ("peak_per_s", "many", "'many' is no number"),
        ("peak_per_s", "-4", "'-4' is no number"),
        ("peak_per_s", "nan", "'nan' is no number"),
        ("slo", "quick", "quick"),
        ("occasion_on", "15.1.2027", "event_on is a day"),
    ],
)
def test_a_wrong_field_is_said_under_the_fields_and_nothing_is_made(
    window: MainWindow, qtbot: QtBot, field: str, text: str, said: str
) -> None:
    form = home(window).form
    home(window).ask_new()
    form.name.setText("ranking")
    line: QLineEdit = getattr(form, field)
    line.setText(text)
    with qtbot.assertNotEmitted(form.created):
        form.submit()
    assert form.error.isVisible()
    assert said in form.error.text()
    assert line.hasFocus()


def test_a_name_that_is_taken_is_said_and_the_other_one_stays_as_it_is(
    listed: MainWindow, qtbot: QtBot, filled_store: Path
) -> None:
    form = home(listed).form
    home(listed).ask_new()
    form.name.setText("shop")
    form.submit()
    qtbot.waitUntil(form.error.isVisible, timeout=WAIT_MS)
    assert "already" in form.error.text()
    with open_store(str(filled_store)) as store:
        assert len(store.answers("shop")) > 50


def test_the_score_of_a_row_in_sight_comes_by_itself(listed: MainWindow, qtbot: QtBot) -> None:
    model = home(listed).model
    qtbot.waitUntil(lambda: model.index(0, SCORE).data() != "", timeout=WAIT_MS)
    listed.session.open("shop")
    qtbot.waitUntil(lambda: listed.session.now is not None, timeout=WAIT_MS)
    assert listed.session.now is not None
    assert model.index(0, SCORE).data() == f"{listed.session.now.scores.overall.score:.0f}"


def test_enter_opens_and_the_name_is_among_the_recents(listed: MainWindow, qtbot: QtBot) -> None:
    page = home(listed)
    qtbot.waitUntil(page.table.hasFocus, timeout=WAIT_MS)
    press(page.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: listed.session.name == "shop", timeout=WAIT_MS)
    assert listed.page is listed.page_of("overview")
    assert recents(listed.settings) == ["shop"]
    assert listed.settings.value("session/name") == "shop"


def test_a_name_is_changed_in_its_row(listed: MainWindow, qtbot: QtBot) -> None:
    page = home(listed)
    page.table.choose("shop")
    press(page.table, Qt.Key.Key_F2)
    editor = page.table.findChild(QLineEdit)
    assert editor is not None
    editor.setText("shop in winter")
    press(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(page) == ["shop in winter"], timeout=WAIT_MS)


def test_the_open_assessment_stays_open_under_its_new_name(
    open_shop: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = open_shop()
    window.go_to("home")
    home(window).model.rename_asked.emit("shop", "shop in winter")
    qtbot.waitUntil(lambda: window.session.name == "shop in winter", timeout=WAIT_MS)


def test_a_copy_holds_the_same_answers(listed: MainWindow, qtbot: QtBot, filled_store: Path) -> None:
    page = home(listed)
    page.table.choose("shop")
    press(page.table, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: sorted(names(page)) == ["shop", "shop copy"], timeout=WAIT_MS)
    with open_store(str(filled_store)) as store:
        one, other = (materials(store, name) for name in ("shop", "shop copy"))
    assert one.answers.claims == other.answers.claims
    assert one.profile == other.profile


def test_deleting_asks_in_place_and_escape_keeps_it(listed: MainWindow, qtbot: QtBot) -> None:
    page = home(listed)
    page.table.choose("shop")
    press(page.table, Qt.Key.Key_Delete)
    assert page.strip.isVisible()
    assert "Delete 'shop'?" in page.strip.text.text()
    press(page, Qt.Key.Key_Escape)
    assert not page.strip.isVisible()
    assert names(page) == ["shop"]
    press(page.table, Qt.Key.Key_Delete)
    press(page.strip.link, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: names(page) == [], timeout=WAIT_MS)
    assert page.first_button.isVisible()


def test_deleting_the_open_one_closes_it_first(open_shop: Callable[[], MainWindow], qtbot: QtBot) -> None:
    window = open_shop()
    window.go_to("home")
    page = home(window)
    qtbot.waitUntil(lambda: names(page) == ["shop"], timeout=WAIT_MS)
    page.ask_delete("shop")
    page.strip.asked.emit()
    qtbot.waitUntil(lambda: names(page) == [], timeout=WAIT_MS)
    assert window.session.name == ""
    assert not window.rail.buttons["checklist"].isEnabled()


def test_a_slash_goes_to_the_search_and_a_letter_in_it_is_a_letter(listed: MainWindow, qtbot: QtBot) -> None:
    page = home(listed)
    qtbot.waitUntil(page.table.hasFocus, timeout=WAIT_MS)
    press(page.table, Qt.Key.Key_Slash)
    assert page.search.hasFocus()
    QTest.keyClicks(page.search, "nothing/like")
    assert page.search.text() == "nothing/like"
    qtbot.waitUntil(lambda: page.model.rowCount() == 0, timeout=WAIT_MS)
    assert page.nothing.isVisible()
    press(page.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: names(page) == ["shop"], timeout=WAIT_MS)


def test_the_wrong_file_is_said_in_place_with_what_can_be_opened(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "notes.bin"
    file.write_bytes(b"\0\1\2")
    page = home(window)
    drop(window, [file])
    qtbot.waitUntil(page.offer.error.isVisible, timeout=WAIT_MS)
    assert "'notes.bin' is nothing that Loadstone opens" in page.offer.error.text()
    assert "a loadstone.yaml" in page.offer.error.text()
    assert page.offer.cancel.hasFocus()
    press(page, Qt.Key.Key_Escape)
    assert not page.offer.isVisible()


def test_answers_that_are_dropped_become_an_assessment(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "ranking.yaml"
    file.write_text("schema: loadstone.answers/1\nprofile: {peak_per_s: 7}\nanswers: {INF-12: INF_12_d}\n")
    page = home(window)
    window.go_to("settings")
    drop(window, [file])
    qtbot.waitUntil(lambda: page.offer.found is not None or page.offer.error.isVisible(), timeout=WAIT_MS)
    assert page.offer.found is not None, page.offer.error.text()
    assert page.offer.name.text() == "ranking"
    press(page.offer.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session.name == "ranking", timeout=WAIT_MS)
    assert window.session.answers.profile.values["peak_per_s"] == 7


def test_a_file_named_at_the_start_waits_for_the_store(
    make_shown: Open, store_file: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "empty.yaml"
    file.touch()
    window = make_shown(store_file, wait=False)
    window.go_to("home", file=file)
    page = home(window)
    qtbot.waitUntil(page.offer.error.isVisible, timeout=WAIT_MS)
    assert "'empty.yaml' is empty" in page.offer.error.text()


def test_markup_in_a_name_is_shown_as_it_is(window: MainWindow, qtbot: QtBot) -> None:
    form = home(window).form
    home(window).ask_new()
    form.name.setText("<h1>Verified</h1>")
    form.submit()
    qtbot.waitUntil(lambda: window.session.name == "<h1>Verified</h1>", timeout=WAIT_MS)
    assert "<h1>Verified</h1>" in window.rail.head.text()
    window.go_to("home")
    qtbot.waitUntil(lambda: names(home(window)) == ["<h1>Verified</h1>"], timeout=WAIT_MS)


def test_the_objective_of_the_settings_stands_in_the_form(window: MainWindow, settings: QSettings) -> None:
    settings.setValue("defaults/slo", "p95<=80ms")
    home(window).ask_new()
    assert home(window).form.slo.text() == "p95<=80ms"


def test_everything_that_takes_keys_says_what_it_is(listed: MainWindow, qtbot: QtBot) -> None:
    page = home(listed)
    page.ask_new()
    for widget in page.findChildren(QWidget):
        is_of_ours = not widget.objectName().startswith("qt_") and widget.parent() is not page.search
        takes_keys = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes_keys and is_of_ours and widget.isVisibleTo(listed):
            said = widget.accessibleName() or getattr(widget, "text", lambda: "")()
            assert said, f"{widget} has no accessible name"


def drop(window: MainWindow, files: list[Path]) -> None:
    """Drops files on the window as a person does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    actions, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), actions, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), actions, data, left, none))


def test_one_click_starts_the_demo_and_cancel_ends_it(window: MainWindow, qtbot: QtBot) -> None:
    page = home(window)
    qtbot.waitUntil(page.first_demo.isVisible, timeout=WAIT_MS)
    qtbot.mouseClick(page.first_demo, Qt.MouseButton.LeftButton)
    assert window.probing.is_running
    assert window.probing.arguments == ("demo", "--quick")
    assert page.progress.isVisible()
    assert not page.first_demo.isEnabled()
    assert window.rail.buttons["probe"].isEnabled(), "the Probe page shows it though nothing is open yet"
    with qtbot.waitSignal(window.probing.ended, timeout=WAIT_MS):
        qtbot.mouseClick(page.progress.link, Qt.MouseButton.LeftButton)
    assert not page.progress.isVisible()
    assert page.first_demo.isEnabled()
    assert not window.rail.buttons["probe"].isEnabled()
    assert not window.notice.isVisible(), window.notice.text.text()


def test_the_empty_pages_start_the_demo_too(open_shop: Callable[[], MainWindow], qtbot: QtBot) -> None:
    window = open_shop()
    window.go_to("forecast")
    page = window.page_of("forecast")
    assert isinstance(page, ForecastPage)
    assert page.stack.currentWidget() is page.empty
    demo = next(one for one in page.empty.findChildren(QPushButton) if one.text() == "Try the demo")
    qtbot.mouseClick(demo, Qt.MouseButton.LeftButton)
    assert window.probing.arguments == ("demo", "--quick")
    assert window.probing.is_running
    with qtbot.waitSignal(window.probing.ended, timeout=WAIT_MS):
        window.probing.stop()


def test_what_a_system_has_not_is_not_asked(window: MainWindow, qtbot: QtBot) -> None:
    page = home(window)
    qtbot.waitUntil(page.first_button.isVisible, timeout=WAIT_MS)
    page.ask_new()
    form = page.form
    assert not set(form.profile()) & set(form.traits), "nothing ticked says nothing"
    form.no_trait.setChecked(True)
    assert {form.profile()[name] for name in form.traits} == {False}
    form.traits["uses_nn"].setChecked(True)
    assert not form.no_trait.isChecked()
    assert {name for name in form.traits if form.profile()[name]} == {"uses_nn"}
    form.name.setText("net")
    form.submit()
    qtbot.waitUntil(lambda: window.session.name == "net" and window.session.now is not None, timeout=WAIT_MS)
    judged = window.session.now
    assert judged is not None
    applies = {entry.question: entry.applies for entry in judged.judgements}
    lens = judged.lens
    about = {
        name: [one.id for one in lens.questions if f"profile.{name}" in one.applies_when.names]
        for name in ("uses_nn", "uses_gbm", "uses_ann")
    }
    assert all(about.values()), "the lens asks about each"
    assert [applies[question] for question in about["uses_nn"]] == [True] * len(about["uses_nn"])
    assert not any(applies[question] for name in ("uses_gbm", "uses_ann") for question in about[name])


def test_a_run_that_home_started_ends_on_the_overview_with_its_result(
    window: MainWindow, start_server: Callable[..., Any], tmp_path: Path, qtbot: QtBot
) -> None:
    """The demo is such a file: see `HomePage.try_demo`."""
    server = start_server("tests/systems/servers/queue_server.py", "--workers", 2, "--service-ms", 2)
    file = tmp_path / "loadstone.yaml"
    file.write_text(
        f"assessment: ranking\ntarget: {server.url}/\nslo: p99<=500ms\nload: {{rate: 40, duration: 3s}}\n"
    )
    page = home(window)
    drop(window, [file])
    qtbot.waitUntil(page.offer.use.isVisible, timeout=WAIT_MS)
    qtbot.mouseClick(page.offer.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.page is window.page_of("probe"), timeout=3 * WAIT_MS)
    assert window.probing.is_running, "it is watched while it runs"
    qtbot.waitUntil(lambda: window.page is window.page_of("overview"), timeout=3 * WAIT_MS)
    assert window.session.name == "ranking"
    qtbot.waitUntil(lambda: _runs_shown(window) == [f"{server.url}/"], timeout=WAIT_MS)


def _runs_shown(window: MainWindow) -> list[str]:
    """The targets of the runs of what the overview shows."""
    whole = window.session.whole
    return [] if whole is None else [run["target"]["address"] for run in whole.materials.runs]
