"""Comparing: what changed and by what, as the command line says it; milestones are kept in place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.gui.comparing import Compared, ComparedRuns
from app.gui.models.changes import AFTER, ANSWERS, BEFORE, EVIDENCE, LENS, NAME
from assessments.store import open_store

WAIT_MS = 60_000


def shown(page: Any, qtbot: QtBot) -> Any:
    qtbot.waitUntil(lambda: page.result is not None, timeout=WAIT_MS)
    return page.result


def test_the_newest_milestone_is_held_against_now(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("compare")
    found = shown(page, qtbot)
    assert isinstance(found, Compared)
    assert page.before.currentText().startswith("before, milestone of")
    assert page.after.currentText() == "shop, now"
    # The milestone has one answer less: its verdict and its answer changed, and nothing else did.
    assert {(row.kind, row.id) for row in found.rows} >= {("states", "MON-01"), ("answers", "MON-01")}
    assert {row.id for row in found.rows if row.kind in ("states", "answers")} == {"MON-01"}
    answer = next(row for row in found.rows if row.kind == "answers")
    assert answer.meaning.startswith("MON-01  ")
    assert answer.before == "unanswered"
    assert answer.after.startswith("level\N{NO-BREAK SPACE}")


def test_the_numbers_are_those_of_the_command_line(open_full: Any, full_store: Any, qtbot: QtBot) -> None:
    _, page = open_full("compare")
    shown(page, qtbot)
    command = [
        sys.executable, "-m", "loadstone", "compare", "shop@before", "shop", "--store", str(full_store),
    ]  # fmt: skip
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = {line.split()[0]: line.split() for line in printed.splitlines() if line.strip()}
    model = page.scores
    for row in range(model.rowCount()):
        cells = [model.index(row, column).data() for column in (NAME, BEFORE, AFTER, ANSWERS, EVIDENCE, LENS)]
        assert lines[cells[0].split()[0]] == cells


def test_swapping_turns_it_round(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("compare")
    first = shown(page, qtbot)
    qtbot.mouseClick(page.swap, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.result is not first and page.result is not None, timeout=WAIT_MS)
    before = {entry.id: (entry.before, entry.after) for entry in first.scores}
    for entry in page.result.scores:
        assert (entry.after, entry.before) == before[entry.id]


def test_only_one_kind_of_change(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("compare")
    shown(page, qtbot)
    page.kinds.segments["answers"].click()
    assert page.changes.rowCount() == 1
    page.kinds.segments["lens"].click()
    assert page.changes.rowCount() == 0
    assert page.nothing.isVisibleTo(page)


def test_a_verdict_leads_to_its_question(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("compare")
    shown(page, qtbot)
    page.kinds.segments["states"].click()
    page.change_table.setFocus()
    page.change_table.setCurrentIndex(page.changes.index(0, 0))
    qtbot.keyClick(page.change_table, Qt.Key.Key_Return)
    assert window.page.key == "checklist"
    assert window.page.current == "MON-01"


def test_a_milestone_is_kept_in_place(open_full: Any, full_store: Any, qtbot: QtBot) -> None:
    window, page = open_full("compare")
    shown(page, qtbot)
    qtbot.mouseClick(page.keep, Qt.MouseButton.LeftButton)
    assert page.label_row.isVisibleTo(page)
    qtbot.keyClicks(page.label, "after <b>the</b> sprint")
    qtbot.keyClick(page.label, Qt.Key.Key_Return)
    label = "after <b>the</b> sprint"
    qtbot.waitUntil(
        lambda: any(page.before.itemText(at).startswith(label) for at in range(page.before.count())),
        timeout=WAIT_MS,
    )
    assert page.label_row.isHidden()
    with open_store(str(full_store)) as store:
        assert [entry.label for entry in store.milestones("shop")] == ["before", label]
    assert not window.notice.isVisible()


def test_a_label_that_is_taken_is_said(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("compare")
    shown(page, qtbot)
    page.keep.click()
    page.label.setText("before")
    page.keep_it()
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT_MS)
    assert "before" in window.notice.text.text()
    assert page.label_row.isVisibleTo(page), "what was typed is not lost"


def test_the_same_on_both_sides_says_so(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("compare")
    shown(page, qtbot)
    page.before.setCurrentIndex(0)
    page.before.activated.emit(0)
    assert page.result is None
    assert page.headline.text() == "Both are the same"


def test_one_run_alone_has_nothing_to_be_held_against(open_full: Any, qtbot: QtBot) -> None:
    _, page = open_full("compare")
    shown(page, qtbot)
    page.what.segments["runs"].click()
    qtbot.waitUntil(lambda: page.before.count() == 1 and page.result is None, timeout=WAIT_MS)
    assert page.headline.text() == "There is nothing to compare with yet"


def test_two_runs_side_by_side(
    open_full: Any, full_store: Any, another_run: Callable[[], dict[str, Any]], qtbot: QtBot
) -> None:
    with open_store(str(full_store)) as store:
        store.add_result(another_run())
    _, page = open_full("compare")
    page.what.segments["runs"].click()
    qtbot.waitUntil(lambda: isinstance(page.result, ComparedRuns), timeout=WAIT_MS)
    rows = {row[0]: row for row in page.result.rows}
    # 300 (290–310) and 150 (145–156): which is before depends on the order of the list, newest first.
    assert sorted(float(cell.split("\N{NO-BREAK SPACE}")[0]) for cell in rows["capacity"][1:3]) == [150, 300]
    assert rows["capacity"][4] == "intervals apart"
    assert "Capacity" in page.headline.text()


def test_no_text_of_the_comparison_is_cut(
    open_full: Any, qtbot: QtBot, nothing_is_cut: Callable[[Any], list[str]]
) -> None:
    window, page = open_full("compare")
    shown(page, qtbot)
    page.keep.click()
    for size in ((1440, 900), (1024, 700)):
        window.resize(*size)
        qtbot.waitUntil(lambda: not nothing_is_cut(page), timeout=10_000)


def test_another_page_can_say_what_is_compared(
    open_full: Any, full_store: Any, another_run: Callable[[], dict[str, Any]], qtbot: QtBot
) -> None:
    later = another_run()
    with open_store(str(full_store)) as store:
        store.add_result(later)
        earlier = next(run.id for run in store.runs("shop", 50) if run.id != later["run"]["id"])
    window, page = open_full("compare")
    shown(page, qtbot)
    for before, after, capacities in (
        (earlier, later["run"]["id"], (150, 300)),
        (later["run"]["id"], earlier, (300, 150)),
    ):
        window.go_to("overview")
        window.go_to("compare", before=before, after=after)
        qtbot.waitUntil(
            lambda wanted=before: (
                isinstance(page.result, ComparedRuns) and wanted in page.before.currentText()
            ),
            timeout=WAIT_MS,
        )
        row = next(row for row in page.result.rows if row[0] == "capacity")
        assert tuple(float(cell.split("\N{NO-BREAK SPACE}")[0]) for cell in row[1:3]) == capacities
    window.go_to("compare", before="shop", after="before")
    qtbot.waitUntil(lambda: isinstance(page.result, Compared), timeout=WAIT_MS)
    assert page.before.currentText() == "shop, now"
    assert page.after.currentText().startswith("before, milestone")
