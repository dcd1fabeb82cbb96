"""The whole story as a person does it: name, probe, evidence, answers, a contradiction, a report in a file.

Everything is real: the window with its keys, the store, the child process that measures a service in a
process of its own, the manifests of the demo, the PDF and its seal. Once offscreen, and where Xvfb is
installed once more in a window of X11.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

import resources.demo
from app.gui.window import MainWindow
from app.report.verifying import verify
from assessments.store import open_store

(_DEMO,) = resources.demo.__path__
MANIFESTS = Path(_DEMO) / "deploy"
ROOT = Path(__file__).resolve().parents[3]
SERVER = "tests/systems/servers/queue_server.py"
WAIT_MS = 60_000
CONTROL = Qt.KeyboardModifier.ControlModifier
XVFB_SECONDS = 300


def test_from_a_name_to_a_report_with_a_contradiction(
    window: MainWindow, qtbot: QtBot, start_server: Callable[..., Any], tmp_path: Path, store_file: Path
) -> None:
    server = start_server(SERVER, "--workers", 2, "--service-ms", 5)
    session = window.session

    def page(key: str) -> Any:
        return window.page_of(key)

    def press(key: Qt.Key) -> None:
        """A key with Ctrl. Under a bare Xvfb no window manager makes the window the active one."""
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
        QTest.keyClick(window, key, CONTROL)

    # A name is enough.
    qtbot.waitUntil(page("home").first_button.isVisible, timeout=WAIT_MS)
    press(Qt.Key.Key_N)
    form = page("home").form
    QTest.keyClicks(form.name, "story")
    form.target_kind.setCurrentIndex(form.target_kind.findData("http"))
    form.deploys_to.setCurrentIndex(form.deploys_to.findData("k8s"))
    form.slo.setText("p99<=500ms,errors<=1%")
    form.peak_per_s.setText("30")
    form.target_peak_per_s.setText("40")
    QTest.keyClick(form.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.name == "story" and session.whole is not None, timeout=WAIT_MS)

    # The service is put under load: 40 requests a second for three seconds.
    press(Qt.Key.Key_3)
    setup = page("probe").setup
    assert window.page is page("probe")
    setup.target.setText(f"{server.url}/")
    qtbot.mouseClick(setup.kind.segments["rate"], Qt.MouseButton.LeftButton)
    setup.rate.setText("40")
    setup.duration.setText("3")
    press(Qt.Key.Key_Return)
    assert window.probing.is_running, page("probe").notice.text.text()
    qtbot.waitUntil(lambda: not window.probing.is_running, timeout=WAIT_MS)
    assert window.probing.result is not None, page("probe").notice.text.text()
    qtbot.waitUntil(lambda: len(session.materials.runs) == 1, timeout=WAIT_MS)  # type: ignore[union-attr]
    assert server.stop()["answered"] >= 100

    # The manifests are dropped on the window and added.
    _drop(window, MANIFESTS)
    offer = page("home").offer
    qtbot.waitUntil(offer.add.isVisible, timeout=WAIT_MS)
    qtbot.mouseClick(offer.add, Qt.MouseButton.LeftButton)
    assert window.page is page("evidence")
    qtbot.waitUntil(
        lambda: "infra.memory_limit_bytes" in _known(session) or _scanned(session), timeout=WAIT_MS
    )

    # Questions are answered by keys; the highest answer to INF-02 is more than the manifests bear out.
    press(Qt.Key.Key_2)
    checklist = page("checklist")
    checklist.show_question("INF-01")
    checklist.setFocus()
    QTest.keyClick(checklist, Qt.Key.Key_1)
    QTest.keyClick(checklist, Qt.Key.Key_J)
    assert checklist.current == "INF-02"
    QTest.keyClick(checklist, Qt.Key.Key_4)
    assert session.answers.claims["INF-01"].choices == ("INF_01_a",)
    assert session.answers.claims["INF-02"].choices == ("INF_02_d",)
    states = {entry.question: entry.state for entry in session.now.judgements}  # type: ignore[union-attr]
    assert states["INF-02"] == "contradicted"
    qtbot.waitUntil(lambda: not session.has_unsaved, timeout=WAIT_MS)
    with open_store(str(store_file)) as store:
        assert {answer.question for answer in store.answers("story")} == {"INF-01", "INF-02"}

    # The report is written, and it is what it says.
    qtbot.waitUntil(lambda: _is_whole(session), timeout=WAIT_MS)
    file = tmp_path / "story.pdf"
    press(Qt.Key.Key_E)
    report = page("report")
    qtbot.waitUntil(lambda: getattr(report, "dialog", None) is not None, timeout=WAIT_MS)
    dialog: QFileDialog = report.dialog
    dialog.fileSelected.emit(str(file))
    dialog.reject()
    qtbot.waitUntil(lambda: file.exists() and file.read_bytes().endswith(b"%%EOF\n"), timeout=WAIT_MS)
    verified = verify(file)
    assert verified.holds
    told = {entry["question"]: entry["state"] for entry in verified.report.document["claims"]}
    assert told["INF-02"] == "contradicted"
    assert not window.notice.isVisible(), window.notice.text.text()


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb-run is not installed")
@pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "xcb", reason="this is the run under Xvfb")
def test_the_same_in_a_window_of_x11() -> None:
    done = subprocess.run(
        [
            "xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, "-m", "pytest", "-n", "0", "-q",
            "-p", "no:cacheprovider", f"{__file__}::test_from_a_name_to_a_report_with_a_contradiction",
        ],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "xcb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=XVFB_SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:]
    assert "1 passed" in done.stdout


def _known(session: Any) -> set[str]:
    return set() if session.now is None else set(session.now.evidence.facts)


def _scanned(session: Any) -> bool:
    return any(name.startswith("infra.") for name in _known(session))


def _is_whole(session: Any) -> bool:
    """Whether verdict and actions are those of the answers as they stand."""
    return session.whole is not None and session.whole.judged.judgements == session.now.judgements


def _drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    actions, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(400, 300), actions, data, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), actions, data, left, none))
