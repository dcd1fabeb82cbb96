"""A window with the pages of answers and evidence over a real store, and facts that settle some questions."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.gui.executor import SerialExecutor
from app.gui.page import Page
from app.gui.pages.checklist import ChecklistPage
from app.gui.pages.evidence import EvidencePage
from app.gui.probing import Probing
from app.gui.session import Session
from app.gui.store_opening import StoreOpening
from app.gui.theme import Theme
from app.gui.window import MainWindow
from assessments import stored
from assessments.claims import Answers, Claim
from assessments.lens import Lens, load_lens
from assessments.store import Store, open_store
from probes.facts import CATALOGUE, Fact, Source

LENS = """\
schema: loadstone.lens/1
name: window-lens
title: A lens for the window
version: "1"
pillars: [{id: infrastructure, name: Infrastructure}, {id: monitoring, name: Monitoring}]
axes: [{id: workload, name: Workload (requests per second)}]
questions:
- id: INF-01
  pillar: infrastructure
  axes: [workload]
  weight: 3
  critical: true
  short: Following demand
  question: How does capacity follow demand?
  why: It is what separates a slow page from an outage.
  choices:
  - {id: INF_01_no, value: 0, text: It does not}
  - {id: INF_01_a, value: 0.5, text: A policy, verified_by: infra.kubernetes.hpa.present}
  - id: INF_01_b
    value: 1
    text: A policy that was seen to work
    verified_by: infra.kubernetes.hpa.present && load.capacity >= 100
  remediation: {text: Tune the policy, effort_days: 3, tradeoff: more replicas}
- id: INF-08
  pillar: infrastructure
  weight: 3
  short: Memory limits
  question: Where do the memory limits come from?
  choices:
  - {id: INF_08_no, value: 0, text: There are none}
  - {id: INF_08_a, value: 0.25, text: Copied, verified_by: infra.kubernetes.memory_limit.present}
  - {id: INF_08_b, value: 0.5, text: From one run, unprovable: no probe reads notes}
  - id: INF_08_c
    value: 1
    text: From a ramp with a margin
    verified_by: derived.memory_limit_headroom >= 1.2
    contradicted_by: derived.memory_limit_headroom < 1.1
  remediation: {text: Raise the limit, effort_days: 1, tradeoff: idle memory}
- id: INF-09
  pillar: infrastructure
  weight: 1
  short: Reviews
  question: Who reviews the limits?
  choices:
  - {id: INF_09_no, value: 0, text: Nobody}
  - {id: INF_09_a, value: 1, text: A second person, unprovable: no probe reads reviews}
  remediation: {text: Review them, effort_days: 1, tradeoff: time}
- id: MON-01
  pillar: monitoring
  weight: 2
  critical: true
  short: Metrics
  question: What do the metrics count?
  choices:
  - {id: MON_01_no, value: 0, text: Nothing}
  - {id: MON_01_a, value: 0.5, text: Requests, verified_by: monitoring.prometheus.has_request_counter}
  - id: MON_01_b
    value: 1
    text: Every one
    verified_by: monitoring.prometheus.count_ratio >= 0.99
    contradicted_by: monitoring.prometheus.count_ratio < 0.99
  remediation: {text: Count them, effort_days: 2, tradeoff: time}
"""
NAME = "shop"
MIB = 2**20
PROFILE = {"target_kind": "http", "deploys_to": "k8s", "slo": "p99<=200ms,errors<=1%", "peak_per_s": 100}
HPA, LIMIT, LIMIT_PRESENT, PEAK, RATIO = (
    "infra.kubernetes.hpa.present",
    "infra.kubernetes.memory_limit_bytes",
    "infra.kubernetes.memory_limit.present",
    "process.rss_peak_bytes",
    "monitoring.prometheus.count_ratio",
)
READ: Mapping[str, Any] = {HPA: True, LIMIT_PRESENT: True, LIMIT: 1536 * MIB}
MEASURED: Mapping[str, Any] = {PEAK: 1463 * MIB}
"""The limit is 1536/1463 = 1.05 times the peak: less than the 1.1 that level 3 of INF-08 needs."""


def fact(name: str, value: Any, state: str = "read", **source: Any) -> Fact:
    """A fact of an hour ago."""
    probe = "load" if state == "measured" else "kubernetes"
    made = Source(**({"probe": probe} | source))
    at = datetime.now(UTC) - timedelta(hours=1)
    return Fact(name, value, CATALOGUE[name].unit, made, at, state)  # type: ignore[arg-type]


def scan_of(facts: list[Fact]) -> dict[str, Any]:
    """The document of a scan that found these."""
    return {"schema": "loadstone.facts/1", "facts": [entry.to_json() for entry in facts]}


class Home(Page):
    """Stands for the page of all assessments."""

    key, icon, needs_assessment = "home", "house", False


class Plan(Page):
    """Stands for the plan: remembers which question it was asked for."""

    key, icon = "plan", "list"
    where: Mapping[str, Any] = {}

    def enter(self, **where: Any) -> None:
        self.where = where


@dataclass(frozen=True)
class Kind:
    """A page before it is made, of a class of this file."""

    page: type[Page]

    @property
    def key(self) -> str:
        return self.page.key

    @property
    def icon(self) -> str:
        return self.page.icon

    @property
    def needs_assessment(self) -> bool:
        return self.page.needs_assessment

    def make(self, context: Any) -> Page:
        return self.page(context)


class Desk:
    """The window with what tests do to it."""

    def __init__(self, window: MainWindow, store: Store, bot: Any) -> None:
        self.window, self.store, self.bot = window, store, bot
        self.session = window.session

    @property
    def checklist(self) -> ChecklistPage:
        page = self.window.page_of("checklist")
        assert isinstance(page, ChecklistPage)
        return page

    @property
    def evidence(self) -> EvidencePage:
        page = self.window.page_of("evidence")
        assert isinstance(page, EvidencePage)
        return page

    def open(self, page: str = "checklist", name: str = NAME, **where: Any) -> None:
        """Opens the assessment and a page of it."""
        with self.bot.waitSignal(self.session.assessed, timeout=20_000):
            self.session.open(name)
        self.window.go_to(page, **where)

    def press(self, *keys: Any, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Presses keys, or types texts, where the focus is."""
        for key in keys:
            widget: QWidget = QApplication.focusWidget() or self.window
            if isinstance(key, str):
                QTest.keyClicks(widget, key, modifier)
            else:
                QTest.keyClick(widget, key, modifier)

    def click(self, widget: QWidget) -> None:
        """Clicks the middle of a widget."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def wait_saved(self) -> None:
        """Waits until everything that was changed is in the store."""
        self.bot.waitUntil(lambda: not self.session.has_unsaved, timeout=20_000)

    def stored(self) -> Answers:
        """The answers as they lie in the store."""
        self.wait_saved()
        return stored.materials(self.store, NAME).answers

    def state(self, question: str) -> str:
        """The state of a claim as it is judged now."""
        assert self.session.now is not None
        return next(entry.state for entry in self.session.now.judgements if entry.question == question)

    def claim(self, question: str) -> Claim | None:
        """What the session holds as the answer."""
        return self.session.answers.claims.get(question)

    def add(self, facts: list[Fact], origin: str = "more") -> None:
        """Somebody adds facts to the store, and the window reads it again."""
        stored.add_scan(self.store, NAME, scan_of(facts), origin=origin)
        with self.bot.waitSignal(self.session.judged, timeout=20_000):
            self.session.reload()


@pytest.fixture(scope="session")
def window_lens() -> Lens:
    """Three questions of infrastructure, one of monitoring."""
    return load_lens(LENS.encode(), "window.yaml")


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    """One theme for all windows, as in the application."""
    made = Theme(qapp)
    made.set_scheme("light")
    return made


@pytest.fixture
def store(tmp_path: Path, window_lens: Lens) -> Iterator[Store]:
    """A store with the assessment, without any answer, and the facts above."""
    with open_store(f"sqlite:///{tmp_path}/window.sqlite") as opened:
        answers = replace(Answers("none"), profile=stored_profile())
        stored.keep(opened, NAME, lens=window_lens, answers=answers, title="The shop")
        facts = [fact(name, value, file="deploy/shop.yaml", line=7) for name, value in READ.items()]
        facts += [fact(name, value, "measured", run="run7") for name, value in MEASURED.items()]
        stored.add_scan(opened, NAME, scan_of(facts), origin="deploy")
        yield opened


def stored_profile() -> Any:
    """The profile of the assessment."""
    from assessments.profile import read_profile

    return read_profile(PROFILE, "the profile")


@pytest.fixture
def desk(qtbot: Any, qapp: QApplication, theme: Theme, store: Store, tmp_path: Path) -> Iterator[Desk]:
    """The window, shown and with the focus."""
    executor = SerialExecutor()
    session = Session(store, executor)
    probing = Probing(None)
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(
        session=session,
        executor=executor,
        probing=probing,
        theme=theme,
        settings=settings,
        stores=StoreOpening(session, executor, probing),
        pages={kind.key: Kind(kind) for kind in (ChecklistPage, EvidencePage, Plan, Home)},  # type: ignore[misc]
    )
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=20_000)
    yield Desk(window, store, qtbot)
    qtbot.waitUntil(lambda: executor.pending == 0, timeout=20_000)
    executor.close()
