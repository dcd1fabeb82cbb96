"""The probe page, driven by keys and buttons, over real services and real child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.pages.probe import ProbePage
from app.gui.probe_order import ProbeOrder
from app.gui.widgets.page_scroll import PageScroll
from assessments.store import open_store
from probes.facts import Source, observed

StartServer = Callable[..., Any]
QUEUE = "tests/systems/servers/queue_server.py"
WAIT_MS = 60_000
ROOT = Path(__file__).resolve().parents[4]


def fill(page: ProbePage, order: ProbeOrder) -> None:
    page.show_setup()
    page.setup.show_order(order)


def started_against(page: ProbePage, url: str, qtbot: QtBot, seconds: str = "60") -> None:
    """A fixed rate, started by its keys, until two seconds of it are there."""
    fill(page, ProbeOrder(target=url, kind="rate", rate="40", duration=seconds))
    QTest.keyClick(page.setup.target, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert page.context.probing.is_running
    assert page.stack.currentWidget() is page.running
    qtbot.waitUntil(
        lambda: page.running.run.answered_ok > 0 and len(page.running.run.t) >= 2, timeout=WAIT_MS
    )


def run_shown(page: ProbePage, qtbot: QtBot, run_id: str) -> str:
    """A run joins the open assessment, and is shown."""
    document = finished_run()
    document["run"]["id"] = run_id
    page.session.store.add_result(document, page.session.name)
    page.session.reload()
    qtbot.waitUntil(lambda: any(run["run"]["id"] == run_id for run in page._runs()), timeout=WAIT_MS)
    page.show_result(run_id)
    return run_id


def test_a_run_joins_the_open_assessment_and_its_result_is_shown(
    page: ProbePage, start_server: StartServer, qtbot: QtBot, load_alone: None
) -> None:
    server = start_server(QUEUE, "--workers", 4, "--service-ms", 5)
    started_against(page, server.url, qtbot, seconds="3")
    assert page.running.address.text() == f"{server.url}/"
    assert page.running.run.started is not None
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.result, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(page._runs()) == 1, timeout=WAIT_MS)
    run_id = page.context.probing.run_id
    assert page.result.run["run"]["id"] == run_id
    assert [run.id for run in page.session.store.runs(page.session.name)] == [run_id]
    assert page.result.steps.rowCount() == 1
    assert page.result.facts.text().count("0 of ") == 1, "not one of some 120 requests failed"
    assert run_id in page.subtitle()


def test_what_a_run_changed_stands_beside_it_with_points(page: ProbePage, qtbot: QtBot) -> None:
    page._started()
    before = {entry.question: entry.state for entry in page.session.now.judgements}
    document = finished_run()
    page.session.store.add_result(document, page.session.name)
    page.context.probing.result, page.context.probing.run_id = document, document["run"]["id"]
    page._ended(0, "")
    assert page.stack.currentWidget() is page.result, "the result is there before the store was read again"
    qtbot.waitUntil(lambda: document["run"]["id"] in page._changes, timeout=WAIT_MS)
    after = {entry.question: entry.state for entry in page.session.now.judgements}
    moved = {question for question, state in after.items() if state != before[question]}
    lines = {line.key: line for line in page.result.changes.lines}
    assert "MON-05" in moved, "a run of today proves more than its second level, which is one of this year"
    assert moved <= set(lines)
    assert lines["MON-05"].cells[-1].startswith("+")
    assert lines["MON-05"].tip == "only claimed → could claim more"
    assert "could claim more" in page.result.changes_title.text()


def finished_run() -> dict[str, Any]:
    """A valid run of a moment ago that found a capacity."""
    now = datetime.now(UTC)
    source = Source("load", run="0123456789")
    facts = [
        observed("load.capacity", 198.0, source, at=now, low=192.0, high=203.0, samples=9_000),
        observed("load.response_p99_ms", 180.0, source, at=now, samples=900),
    ]
    step = {
        "mode": "open", "offered_per_s": 196.0, "achieved_per_s": 196.0, "seconds": 8.0, "sent": 1_568,
        "ok": 1_568, "errors": {}, "timeouts": 0, "response_ms": {"p50": 66.0, "p99": 183.0},
        "verdict": "steady",
    }  # fmt: skip
    return {
        "schema": "loadstone.probe/1",
        "run": {
            "id": "0123456789", "started_at": now.isoformat(), "seconds": 41.7, "status": "completed",
            "reason": None, "grade": "valid", "grade_reason": None, "seed": 7, "machine": {"cpu_usable": 4.0},
        },
        "target": {"kind": "http", "address": "http://127.0.0.1:8080/recommend", "method": "POST"},
        "load": {"mode": "find_capacity", "slo": "p99<=200ms,errors<=1%"},
        "capacity": {
            "rate_per_s": 198.0, "low": 192.0, "high": 203.0, "bound": "bracketed",
            "slo": {"p99_ms": 200.0, "error_ratio": 0.01},
        },
        "steps": [step],
        "facts": [fact.to_json() for fact in facts],
    }  # fmt: skip


def test_esc_stops_at_once_and_what_was_measured_is_kept(
    page: ProbePage, start_server: StartServer, qtbot: QtBot, load_alone: None
) -> None:
    server = start_server(QUEUE, "--workers", 4, "--service-ms", 5)
    started_against(page, server.url, qtbot)
    QTest.keyClick(page.running.chart, Qt.Key.Key_Escape)
    assert page.context.probing.is_stopping, "said within the very key press"
    assert not page.stop_button.isEnabled()
    assert "stopping" in page.subtitle()
    qtbot.waitUntil(lambda: not page.context.probing.is_running, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.result, timeout=WAIT_MS)
    assert "stopped" in page.result.notice.text.text()
    stored = page.session.store.run(page.context.probing.run_id)
    assert stored.status == "interrupted"
    assert stored.result["steps"], "what was sent until then is a step"


def test_the_stop_button_ends_the_load_itself(
    page: ProbePage, start_server: StartServer, qtbot: QtBot, load_alone: None
) -> None:
    server = start_server(QUEUE, "--workers", 4, "--service-ms", 5)
    started_against(page, server.url, qtbot)
    QTest.mouseClick(page.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.context.probing.is_running, timeout=WAIT_MS)
    result = page.context.probing.result
    assert result is not None
    assert result["run"]["seconds"] < 30, "of the sixty that were asked for"


def test_a_starved_client_is_said_while_the_step_runs(
    page: ProbePage, start_server: StartServer, qtbot: QtBot, load_alone: None
) -> None:
    """Two processes that compute share its core with the load process: what is late is its own doing."""
    server = start_server(QUEUE, "--workers", 4, "--service-ms", 2)
    fill(page, ProbeOrder(target=server.url, kind="rate", rate="400", duration="60", limit_ms="10"))
    page.start()
    running, probing = page.running, page.context.probing
    qtbot.waitUntil(lambda: len(running.run.t) >= 1, timeout=WAIT_MS)
    assert probing._process is not None
    core = min(os.sched_getaffinity(0))
    hogs = []
    try:
        child = psutil.Process(probing._process.processId())
        for loader in child.children(recursive=True):
            if "spawn_main" in " ".join(loader.cmdline()):
                os.sched_setaffinity(loader.pid, {core})
        hog = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
        hogs = [subprocess.Popen([sys.executable, "-c", hog]) for _ in range(2)]
        qtbot.waitUntil(running.notice.isVisible, timeout=WAIT_MS)
        assert probing.is_running
        assert not running.run.steps, "its only step is not over"
        assert "in the step that runs now" in running.notice.text.text()
        assert running.side.grade.accessibleName() == "limited"
        assert running.run.second is not None
        assert 0 < (running.run.second.client_cpu_cores or 0) <= 1.05
    finally:
        for process in hogs:
            process.kill()
            process.wait()
        page.stop()
    qtbot.waitUntil(lambda: not probing.is_running, timeout=WAIT_MS)


def test_an_empty_address_is_explained_in_place_and_nothing_starts(bare: ProbePage, qtbot: QtBot) -> None:
    fill(bare, ProbeOrder())
    bare.activateWindow()  # a shortcut is heard by the active window alone
    qtbot.waitUntil(bare.isActiveWindow, timeout=WAIT_MS)
    field = bare.setup._fields["target"]
    assert not field.problem.isVisible(), "nothing has been tried yet"
    QTest.keyClick(bare.setup.target, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert field.problem.isVisible()
    assert "http://127.0.0.1:8000/predict" in field.problem.text()
    assert not bare.context.probing.is_running
    assert bare.setup.target.hasFocus()


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ProbeOrder(target="ftp://127.0.0.1/"), "target"),
        (ProbeOrder(target="http://127.0.0.1:1/", limit_ms="fast"), "slo"),
        (ProbeOrder(target="http://127.0.0.1:1/", precision="0"), "capacity"),
        (ProbeOrder(target="http://127.0.0.1:1/", kind="steps", concurrency="1,two"), "steps"),
        (ProbeOrder(target="http://127.0.0.1:1/", kind="rate", rate="-1"), "fixed"),
        (ProbeOrder(target="http://127.0.0.1:1/", headers=("Authorization: Bearer x",)), "headers"),
        (ProbeOrder(target="http://127.0.0.1:1/", checks=("grafana=http://127.0.0.1/",)), "checks"),
    ],
)
def test_every_invalid_field_says_so_below_itself(bare: ProbePage, order: ProbeOrder, field: str) -> None:
    fill(bare, order)
    assert not bare.setup.try_to_start()
    wrong = [name for name, entry in bare.setup._fields.items() if entry.problem.text()]
    assert wrong == [field]


def test_the_command_line_is_that_which_runs(page: ProbePage, qapp: QApplication) -> None:
    fill(page, ProbeOrder(target="http://127.0.0.1:8000/x", limit_ms="150", budget="30"))
    page.setup.copy.click()
    text = qapp.clipboard().text()
    assert text.startswith("loadstone probe http://127.0.0.1:8000/x --slo 'p99<=150ms,errors<=1%'")
    assert "--budget 30s" in text
    assert f"--assessment {page.session.name}" in text


def test_the_objective_of_the_profile_stands_in_the_form(page: ProbePage) -> None:
    assert page.setup.order.slo == "p99<=200ms,errors<=1%"


def test_a_grpc_target_alone_has_fields_for_how_its_calls_are_made(bare: ProbePage) -> None:
    setup = bare.setup
    fill(bare, ProbeOrder(target="http://127.0.0.1:1/"))
    assert not setup.streams.isVisibleTo(bare)
    assert not setup.client.isVisibleTo(bare)
    fill(bare, ProbeOrder(target="grpc://127.0.0.1:1/shop.Shop/Rank"))
    assert setup.client.isVisibleTo(bare)
    setup.streams.setText("4")
    assert "--streams 4" in setup.command.text()
    setup.client.segments["grpcio"].click()
    assert "--client grpcio" in setup.command.text()
    assert "--streams" not in setup.command.text()
    assert not setup.streams.isVisibleTo(bare)


def test_what_answers_is_said_with_its_process(
    bare: ProbePage, start_server: StartServer, qtbot: QtBot
) -> None:
    server = start_server(QUEUE)
    fill(bare, ProbeOrder(target=f"{server.url}/"))
    bare.setup.look()
    qtbot.waitUntil(lambda: bare.setup.found is not None, timeout=WAIT_MS)
    assert bare.setup.found.status == 200
    assert bare.setup.found.pid == server.pid
    assert "200" in bare.setup.badge.accessibleName()


def test_nothing_is_sent_to_another_machine_before_its_name_was_typed(bare: ProbePage, qtbot: QtBot) -> None:
    fill(bare, ProbeOrder(target="http://192.0.2.1:9/"))
    bare.setup.look()
    qtbot.waitUntil(lambda: bare.setup.found is not None, timeout=WAIT_MS)
    assert bare.setup.found.is_remote
    assert not bare.setup.found.answers
    assert not bare.setup.found.problem, "it was not even tried"
    assert not bare.setup.try_to_start()
    assert "192.0.2.1" in bare.setup._fields["remote"].problem.text()
    bare.setup.confirm.setText("192.0.2.1")
    assert bare.setup.order.arguments()[-1] == "--allow-remote"
    assert bare.setup.try_to_start()


def test_an_unreachable_target_is_said_in_place_and_nothing_is_stored(bare: ProbePage, qtbot: QtBot) -> None:
    fill(bare, ProbeOrder(target="http://127.0.0.1:1/", kind="rate"))
    bare.start()
    qtbot.waitUntil(lambda: not bare.context.probing.is_running, timeout=WAIT_MS)
    assert bare.stack.currentWidget() is bare.setup
    assert bare.notice.isVisible()
    assert "nothing listens on 127.0.0.1:1" in bare.notice.text.text()
    with open_store(bare.context.probing.store_url) as store:
        assert store.runs() == []


def test_code_of_ones_own_is_set_up_and_measured(
    bare: ProbePage, tmp_path: Path, qtbot: QtBot, load_alone: None
) -> None:
    script = tmp_path / "score.py"
    script.write_text("def predict(x):\n    return 2 * x\n")
    setup = bare.setup
    setup.target.setText(f"python:{script}:predict")
    setup.look()
    qtbot.waitUntil(lambda: setup.found is not None, timeout=WAIT_MS)
    assert "code of yours" in setup.badge.accessibleName()
    assert setup.code_sample.isVisibleTo(bare)
    assert not setup.method.isVisibleTo(bare)
    assert setup.sample.text() == "Call it once"
    setup.code_sample.setText("[1, 2]")
    setup._choose_kind("rate")
    setup.rate.setText("20")
    setup.duration.setText("1")
    bare.start()
    qtbot.waitUntil(lambda: bare.context.probing.result is not None, timeout=WAIT_MS)
    assert bare.context.probing.result["target"]["kind"] == "python"
    assert bare.running.method.accessibleName() == "PYTHON"
    assert bare.running.run.started.target["sample_from"] == "given"
    qtbot.waitUntil(lambda: not bare.context.probing.is_running, timeout=WAIT_MS)


def test_a_probe_that_dies_is_said_in_place_and_its_seconds_are_readable(
    page: ProbePage, start_server: StartServer, qtbot: QtBot, load_alone: None
) -> None:
    server = start_server(QUEUE, "--workers", 4, "--service-ms", 5)
    started_against(page, server.url, qtbot)
    run_id = page.context.probing.run_id
    qtbot.waitUntil(lambda: len(page.session.store.run(run_id).seconds) >= 1, timeout=WAIT_MS)
    os.kill(page.context.probing._process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: not page.context.probing.is_running, timeout=WAIT_MS)
    assert "ended early" in page.notice.text.text()
    assert run_id in page.notice.text.text()
    qtbot.waitUntil(lambda: page.session.store.run(run_id).status == "interrupted", timeout=WAIT_MS)
    assert page.session.store.run(run_id).seconds


def test_a_killed_window_leaves_no_load_behind_and_a_readable_run(
    start_server: StartServer, tmp_path: Path, load_alone: None
) -> None:
    server = start_server(QUEUE, "--workers", 4, "--service-ms", 5)
    store = tmp_path / "loadstone.sqlite"
    script = Path(__file__).parent / "scripts/window_until_killed.py"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        [sys.executable, str(script), str(store), f"{server.url}/"],
        stdout=subprocess.PIPE, env=environment, text=True,
    ) as window:  # fmt: skip
        assert window.stdout is not None
        run_id, pid = window.stdout.readline().split()
        child = psutil.Process(int(pid))
        load_processes = child.children(recursive=True)
        assert load_processes, "the load process was not seen"
        window.kill()
        window.wait()
        gone, left = psutil.wait_procs([child, *load_processes], timeout=20)
    assert not left
    assert len(gone) == 1 + len(load_processes)
    with open_store(str(store)) as opened:
        run = opened.run(run_id)
        assert run.status == "interrupted"
        assert len(run.seconds) >= 2


def test_runs_can_be_chosen_and_held_beside_each_other(page: ProbePage, qtbot: QtBot) -> None:
    first = run_shown(page, qtbot, "0123456701")
    second = run_shown(page, qtbot, "0123456702")
    result = page.result
    qtbot.waitUntil(lambda: result.which.count() == 2, timeout=WAIT_MS)
    assert result.which.currentData() == second
    result.beside.setCurrentIndex(result.beside.findData(first))
    result.beside.activated.emit(result.beside.currentIndex())
    assert result.compare_box.isVisible()
    assert first in result.compare_title.text()
    assert result.comparison.rowCount() > 0
    result.which.activated.emit(result.which.findData(first))
    assert result.run["run"]["id"] == first
    assert not result.compare_box.isVisible()


def test_a_result_is_no_wider_than_the_smallest_window_at_the_largest_type(
    page: ProbePage, qtbot: QtBot
) -> None:
    run_shown(page, qtbot, "0123456704")
    run_shown(page, qtbot, "0123456705")
    qtbot.waitUntil(page.result.beside.isVisible, timeout=WAIT_MS)  # beside a second run it can be held
    window = page.window()
    before = window.size()
    window.resize(1_024, 700)
    page.context.theme.set_zoom(130)
    try:
        scroll = page.result.findChild(PageScroll)
        qtbot.waitUntil(
            lambda: window.width() == 1_024 and scroll.viewport().width() < 1_024, timeout=WAIT_MS
        )
        assert scroll.widget().layout().minimumSize().width() <= scroll.viewport().width()
    finally:
        page.context.theme.set_zoom(100)
        window.resize(before)


def test_the_next_step_is_the_open_questions_or_the_report(page: ProbePage, qtbot: QtBot) -> None:
    run_shown(page, qtbot, "0123456703")
    assert "every question is answered" in page.result.next_words.text()
    gone: list[tuple[str, dict[str, Any]]] = []
    go_to = page.context.go_to
    object.__setattr__(page.context, "go_to", lambda key, **where: gone.append((key, where)))
    try:
        page.result.to_report.click()
        page.result.setFocus()
        QTest.keyClick(page.result, Qt.Key.Key_Return)
    finally:
        object.__setattr__(page.context, "go_to", go_to)
    assert gone == [("report", {}), ("checklist", {"filter": "contradicted"})]


def test_what_a_model_takes_is_shown_and_can_be_filled_in_as_the_body(bare: ProbePage, qtbot: QtBot) -> None:
    from app.gui.detection import Found

    setup = bare.setup
    setup.target.setText("kserve+http://127.0.0.1:9/rank")
    setup._look.stop()
    request = '{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}]}'
    told = {"told": "protocol", "kind": "kserve+http", "is_ready": True, "takes": "x FP32 [1, 2]"}
    setup._looked(setup._turn, Found("kserve+http://127.0.0.1:9/rank", request=request, **told))
    assert "Open Inference Protocol, says what it takes" in setup.badge.accessibleName()
    assert setup.answer.body_shown.toPlainText() == request
    assert setup.answer.take.isVisibleTo(bare)
    setup.answer.take.click()
    assert (setup.order.body_kind, setup.order.body) == ("text", request)
    assert setup.body.isVisibleTo(bare)
