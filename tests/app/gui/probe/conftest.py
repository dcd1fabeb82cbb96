"""The probe page over a real store, and events of a run as a probe says them."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.application import make_window
from app.gui.live_run import LiveRun
from app.gui.pages.probe import ProbePage
from app.gui.probe_order import ProbeOrder
from app.gui.window import MainWindow
from assessments.claims import answers_of
from assessments.lens import bundled_lens
from assessments.stored import keep
from probes.events import Event, Phase, Preview, Second, Started, Step

WAIT_MS = 60_000
PROFILE = {"target_kind": "http", "slo": "p99<=200ms,errors<=1%", "peak_per_s": 100, "target_peak_per_s": 140}
LOAD = {
    "mode": "find_capacity", "slo": "p99<=200ms,errors<=1%", "arrivals": "poisson", "seed": 7,
    "warmup_s": "auto", "precision": 0.05, "budget_s": 60.0, "max_rate": None,
}  # fmt: skip


def started(load: dict[str, Any] | None = None) -> Started:
    run = {"id": "0123456789", "machine": {"cpu_usable": 4.0}}
    target = {"address": "http://127.0.0.1:8080/recommend", "method": "POST", "pids": [4242]}
    return Started(0.5, run, target, LOAD if load is None else load)


def second(t: float, p99: float | None = 100.0, rate: float | None = 50.0, step: int = 0) -> Second:
    p50 = None if p99 is None else p99 / 2
    return Second(t, step, rate, 49.0, 3, 0, 49, 1, 0, p50, p99, p99, 1.2, 100_000_000, None)


def step_document(verdict: str = "steady", **more: Any) -> dict[str, Any]:
    return {
        "mode": "open", "offered_per_s": 50.0, "achieved_per_s": 49.0, "seconds": 4.0, "scheduled": 200,
        "sent": 199, "unsent": 1, "ok": 197, "timeouts": 0, "errors": {"reset": 2}, "cpu_cores": 1.2,
        "response_ms": {"p50": 46.0, "p99": 139.0, "p99_low": 127.0, "p99_high": 152.0},
        "send_lag_ms": {"p50": 0.1, "p99": 0.3}, "client_cpu_cores": 0.11, "verdict": verdict,
    } | more  # fmt: skip


def step(t: float, verdict: str = "steady", **more: Any) -> Step:
    return Step(t, 0, step_document(verdict, **more), "", "")


def story() -> list[Event]:
    """Ten seconds of a search for capacity."""
    return [
        started(),
        Phase(1.0, "warmup", "warming up", 0.0),
        Phase(2.0, "ladder", "8 callers at once", 0.0),
        second(3.0, 74.0, None),
        second(4.0, 80.0, None),
        step(4.1, mode="closed", concurrency=8.0, offered_per_s=None),
        Preview(4.2, 196.0, 181.0, 212.0),
        Phase(6.5, "search", "196.3 requests/s", 0.4),
        second(7.5, 150.0, 196.0, 1),
        second(8.5, 160.0, 195.0, 1),
        step(8.6),
    ]


@pytest.fixture(scope="module")
def shop_window(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    """A window over an empty store; one for all tests of a file."""
    folder = tmp_path_factory.mktemp("shop")
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    window = make_window(qapp, str(folder / "loadstone.sqlite"), settings)
    window.show()
    window.stores.open(str(folder / "loadstone.sqlite"))
    yield window
    window.may_ask = False
    window.close()
    window.context.executor.close()
    window.session.store.close()
    window.deleteLater()


@pytest.fixture
def page(shop_window: MainWindow, qtbot: QtBot) -> ProbePage:
    """The page of a window in which an assessment of its own is open, all of it answered."""
    window, session = shop_window, shop_window.session
    qtbot.waitUntil(lambda: session.has_store, timeout=WAIT_MS)
    name = f"shop-{len(session.store.assessments())}"
    answers: dict[str, Any] = {question.id: question.choices[1].id for question in bundled_lens().questions}
    document = {"schema": "loadstone.answers/1", "profile": PROFILE, "answers": answers}
    keep(session.store, name, answers=answers_of(document, "answers"), lens=bundled_lens(), title="A shop")
    session.open(name)
    qtbot.waitUntil(lambda: session.name == name and session.whole is not None, timeout=WAIT_MS)
    window.go_to("probe")
    page = window.page_of("probe")
    assert isinstance(page, ProbePage)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    return page


@pytest.fixture(scope="module")
def only_page(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbePage]:
    """The page by itself, without an open assessment; one for all tests of a file."""
    folder = tmp_path_factory.mktemp("probe")
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    window = make_window(qapp, str(folder / "loadstone.sqlite"), settings)
    made = ProbePage(window.context)
    yield made
    made.close()
    window.context.executor.close()
    made.deleteLater()
    window.deleteLater()


@pytest.fixture
def bare(only_page: ProbePage) -> ProbePage:
    """The page as it is at first: the empty form, in a window of the usual size."""
    page = only_page
    page.resize(1_232, 816)
    page.running.show_run(LiveRun())
    page.running.show_numbers(False)
    page.notice.hide()
    page.setup.found = None
    page.setup.show_order(ProbeOrder())
    page.show_setup()
    page.show()
    return page


@pytest.fixture
def told(bare: ProbePage, qapp: QApplication) -> ProbePage:
    """The page while a probe runs, ten seconds of it; there is no child behind it."""
    bare._started()
    for event in story():
        bare._event(event)
    qapp.processEvents()
    return bare
