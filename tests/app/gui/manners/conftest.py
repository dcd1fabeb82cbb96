"""Every page of the window in every state that it has, in windows that are made once for all tests of a file.

A `Scene` is a page as it stands before somebody: which window, which page, and what was done on it. `MARKUP`
stands wherever a person or a file of theirs can write a text.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.application import PAGES, make_window
from app.gui.executor import Failure
from app.gui.page import Page
from app.gui.probe_order import ProbeOrder
from app.gui.window import MainWindow
from assessments.assessment import Assessed, assess
from assessments.claims import Answers, Attachment, Claim, read_answers
from assessments.evidence import Challenge
from assessments.judging import Materials
from assessments.lens import bundled_lens
from assessments.profile import read_profile
from assessments.store import open_store
from assessments.stored import keep, milestone, restore_document
from probes.errors import UsageError
from probes.events import Event, Note, Phase, Preview, Second, Started, Step
from probes.facts import CATALOGUE, Fact, Source


def _load(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


LOOKING = _load("looking")
MARKUP = "<h1>Verified</h1>"
RECORDED = Path(__file__).parents[2] / "report" / "fixtures" / "probe.json"
WAIT_MS = 20_000
SHOP = "shop"
OPEN = ("INF-07", "MON-04")
"""Questions left open in the full assessment: the evidence proves an answer to the first."""


def run_of(at: datetime, run_id: str, rate: float) -> dict[str, Any]:
    """A run that found the capacity of one replica, of a target whose path is markup."""
    run: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    run["run"] |= {"id": run_id, "started_at": at.isoformat(), "grade": "valid", "grade_reason": None}
    run["target"] |= {"address": f"http://127.0.0.1:8080/{MARKUP}"}
    run["capacity"] |= {
        "bound": "bracketed", "rate_per_s": rate, "low": rate * 0.97, "high": rate * 1.03, "confidence": 0.95,
        "because": f"the CPU was busy in {MARKUP}",
    }  # fmt: skip
    for fact in run["facts"]:
        fact["at"] = at.isoformat()
        fact["source"] = {"probe": "load", "run": run_id}
        if fact["name"] == "load.capacity":
            fact |= {"value": rate, "low": rate * 0.97, "high": rate * 1.03}
    return run


def read_facts(at: datetime) -> list[Fact]:
    """What manifests say, in a file with markup in its name and in what it holds."""
    values: dict[str, Any] = {
        "infra.kubernetes.workload": f"Deployment/{MARKUP}",
        "infra.kubernetes.workloads.count": 1,
        "infra.kubernetes.replicas": 3,
        "infra.kubernetes.image_pinned": True,
        "infra.kubernetes.memory_limit_bytes": 61 * 2**20,
        "infra.kubernetes.hpa.present": True,
        "infra.kubernetes.hpa.can_scale": True,
        "infra.kubernetes.hpa.min_replicas": 2,
        "infra.kubernetes.hpa.max_replicas": 3,
        "monitoring.prometheus.latency_alert.name": MARKUP,
    }
    source = Source("kubernetes", file=f"deploy/{MARKUP}.yaml", line=41)
    return [Fact(name, value, CATALOGUE[name].unit, source, at, "read") for name, value in values.items()]


def marked_answers() -> Answers:
    """The answers of the demo's team with markup in every note, reason, document and in the profile."""
    found = read_answers(files("resources").joinpath("demo", "answers.yaml").read_bytes(), "answers.yaml")
    claims: dict[str, Claim] = {}
    for name, claim in found.claims.items():
        if name in OPEN:
            continue
        more = (Attachment(f"{MARKUP}.pdf", datetime.now(UTC).date()),)
        reason = MARKUP if claim.state == "not_applicable" else ""
        claims[name] = replace(claim, note=MARKUP, attachments=more, reason=reason)
    profile = {
        "target_kind": "http", "deploys_to": "k8s", "slo": "p99<=100ms,errors<=1%", "peak_per_s": 200,
        "target_peak_per_s": 420, "utilisation": 0.7, "event": MARKUP, "price_per_replica_hour": 0.09,
        "event_on": (datetime.now(UTC).date() + timedelta(days=50)).isoformat(), "currency": "EUR",
        "growth": {"workload": "6%..10%/month"}, "uses_nn": False, "has_gpu": False,
        "peaks": {(datetime.now(UTC).date() - timedelta(days=30 * ago)).isoformat(): 200 * 0.93**ago
                  for ago in range(1, 7)},
    }  # fmt: skip
    challenge = Challenge("infra.kubernetes.replicas", "test data", datetime.now(UTC), MARKUP, MARKUP)
    profile_read = read_profile(profile, "profile")
    return replace(found, claims=claims, challenges=(challenge,), profile=profile_read)


def full() -> Assessed:
    """A whole assessment: two runs, manifests, answers, a challenged fact, and markup wherever it may be."""
    now = datetime.now(UTC)
    runs = (
        run_of(now - timedelta(days=1), "aa00aa01", 150.0),
        run_of(now - timedelta(days=9), "bb00bb02", 120.0),
    )
    facts = [*(Fact.from_json(entry) for entry in runs[0]["facts"]), *read_facts(now - timedelta(days=1))]
    made = Materials(
        name=SHOP, id="a1", lens=bundled_lens(), answers=marked_answers(), facts=tuple(facts), runs=runs,
        title=f"Shop {MARKUP}",
    )  # fmt: skip
    return assess(made, now)


def fill(file: Path) -> None:
    """The store of the full window: the assessment, a milestone of it with one answer less, and others."""
    found = full()
    with open_store(str(file)) as store:
        restore_document(store, found.to_json())
        earlier = dict(found.materials.answers.claims)
        earlier.pop("MON-01")
        before = replace(found.materials, answers=replace(found.materials.answers, claims=earlier))
        milestone(store, SHOP, f"before {MARKUP}", assess(before, found.as_of).to_json())
        keep(store, "other", answers=Answers("none"), lens=bundled_lens(), title=MARKUP)


def fill_empty(file: Path) -> None:
    """The store of the bare window: an assessment without answers, evidence, runs or milestones."""
    with open_store(str(file)) as store:
        profile = read_profile({"target_kind": "http"}, "the profile")
        keep(
            store,
            "bare",
            answers=replace(Answers("none"), profile=profile),
            lens=bundled_lens(),
            title="Bare",
        )


@dataclass(frozen=True)
class Desks:
    """The three windows: without anything, with an assessment that is empty, and with a full one."""

    nothing: MainWindow
    empty: MainWindow
    full: MainWindow


@pytest.fixture(scope="module")
def desks(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    """All three, shown. They are made once; a scene puts a page back as it needs it."""
    made: list[MainWindow] = []

    def window(name: str, fills: Callable[[Path], None] | None, opens: str) -> MainWindow:
        folder = tmp_path_factory.mktemp(name)
        store = folder / "loadstone.sqlite"
        if fills is not None:
            fills(store)
        settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        found = make_window(qapp, str(store), settings)
        made.append(found)
        found.resize(1440, 900)
        found.go_to("home")
        found.show()
        found.stores.open(str(store))
        _wait(qapp, lambda: found.session.has_store)
        if opens:
            found.session.open(opens)
            _wait(qapp, lambda: found.session.whole is not None)
        return found

    yield Desks(window("nothing", None, ""), window("empty", fill_empty, "bare"), window("full", fill, SHOP))
    for entry in made:
        entry.may_ask = False
        entry.close()
        entry.context.executor.close()
        entry.session.store.close()
        entry.deleteLater()


def _wait(app: QApplication, until: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_MS / 1_000
    while not until():
        assert time.monotonic() < end, "the window did not get there"
        app.processEvents()


# -- scenes ------------------------------------------------------------------------------------------------


def events() -> list[Event]:
    """Ten seconds of a search for capacity of a target whose path is markup."""
    load = {
        "mode": "find_capacity", "slo": "p99<=200ms,errors<=1%", "arrivals": "poisson", "seed": 7,
        "warmup_s": "auto", "precision": 0.05, "budget_s": 60.0, "max_rate": None,
    }  # fmt: skip
    step = {
        "mode": "open", "offered_per_s": 50.0, "achieved_per_s": 49.0, "seconds": 4.0, "scheduled": 200,
        "sent": 199, "unsent": 1, "ok": 197, "timeouts": 0, "errors": {"reset": 2}, "cpu_cores": 1.2,
        "response_ms": {"p50": 46.0, "p99": 139.0, "p99_low": 127.0, "p99_high": 152.0},
        "send_lag_ms": {"p50": 0.1, "p99": 0.3}, "client_cpu_cores": 0.11, "verdict": "steady",
    }  # fmt: skip
    target = {"address": f"http://127.0.0.1:8080/{MARKUP}", "method": "POST", "pids": [4242]}
    seconds = [
        Second(3.0 + at, 0, 50.0, 49.0, 3, 0, 49, 1, 0, 40.0, 80.0 + at, 90.0 + at, 1.2, 100_000_000, None)
        for at in range(4)
    ]
    return [
        Started(0.5, {"id": "0123456789", "machine": {"cpu_usable": 4.0}}, target, load),
        Phase(1.0, "warmup", "warming up", 0.0),
        Phase(2.0, "search", MARKUP, 0.1),
        *seconds,
        Step(7.1, 0, step, MARKUP, MARKUP),
        Preview(7.2, 196.0, 181.0, 212.0),
        Note(7.3, "info", f"the target said {MARKUP}"),
    ]


def _settled(window: MainWindow, bot: QtBot) -> None:
    """Nothing waits in the executor, and everything that was asked for is drawn."""
    bot.waitUntil(lambda: window.context.executor.pending == 0, timeout=WAIT_MS)
    QApplication.processEvents()


def _stays(_page: Any) -> None:
    """The page as `go_to` shows it."""


@dataclass(frozen=True)
class Scene:
    """A page in one of its states. `does` brings it there; the page is shown before.

    `marked` says that markup somebody wrote is to be read on it.
    """

    page: str
    name: str
    desk: str
    does: Callable[[Any], None] = _stays
    marked: bool = False

    def __str__(self) -> str:
        return f"{self.page}-{self.name}"

    def show(self, desks: Desks, bot: QtBot) -> Page:
        """Shows it in its window, which has the keys."""
        window: MainWindow = getattr(desks, self.desk)
        window.notice.hide()
        window.go_to(self.page)
        page = window.page
        assert page is not None
        assert page.key == self.page
        self.does(page)
        _settled(window, bot)
        if self.marked:
            bot.waitUntil(lambda: any(MARKUP in text for text in LOOKING.texts_of(page)), timeout=WAIT_MS)
        window.activateWindow()
        bot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
        return page


def _measuring(page: Any) -> None:
    page._started()
    for event in events():
        page._event(event)


def _order(target: str) -> Callable[[Any], None]:
    def does(page: Any) -> None:
        page.setup.found = None
        page.setup.show_order(ProbeOrder(target=target))
        page.show_setup()

    return does


def _new(page: Any) -> None:
    page.ask_new()


def _challenged(page: Any) -> None:
    page.show_question("INF-08")
    page.pane.ask_challenge()


def _reasoned(page: Any) -> None:
    page.show_question("MON-04")
    page.pane.ask_reason()


def _labelled(page: Any) -> None:
    page.set_what("states")
    page._ask_label()


def _failed(page: Any) -> None:
    page.context.say(Failure(UsageError(f"{MARKUP} cannot be read: give another file")))


AT_FIRST: Mapping[str, Callable[[Any], None]] = {
    "checklist": lambda page: page.show_question("INF-01"),
    "compare": lambda page: page.set_what("states"),
}
"""How a page is put back as it is when it is first shown: scenes share their windows."""
WITHOUT_TEXTS_OF_THE_USER = ("home", "report", "settings")
"""The list of assessments shows their names, which take no markup; the pages of a report are pictures."""


def _full(page: str, name: str, does: Callable[[Any], None]) -> Scene:
    return Scene(page, name, "full", does, marked=True)


SCENES = (
    Scene("home", "nothing", "nothing"),
    Scene("home", "new", "nothing", _new),
    Scene("settings", "nothing", "nothing"),
    *(Scene(kind.key, "empty", "empty") for kind in PAGES),
    *(
        Scene(
            kind.key,
            "full",
            "full",
            AT_FIRST.get(kind.key, _stays),
            kind.key not in WITHOUT_TEXTS_OF_THE_USER,
        )
        for kind in PAGES
    ),
    Scene("home", "delete", "full", lambda page: page.ask_delete("other")),
    Scene("home", "failure", "full", _failed),
    _full("checklist", "question", lambda page: page.show_question("INF-08")),
    _full("checklist", "not applicable", lambda page: page.show_question("MOD-02")),
    Scene("checklist", "reason", "full", _reasoned),
    _full("checklist", "challenge", _challenged),
    _full("checklist", "proposals", lambda page: page.show_proposals()),
    _full("evidence", "challenge", lambda page: page.detail.ask_challenge()),
    _full("evidence", "by hand", lambda page: page.ask_by_hand()),
    _full("probe", "form", _order(f"http://127.0.0.1:9/{MARKUP}")),
    _full("probe", "form of code", _order(f"python:{MARKUP}:predict")),
    Scene("probe", "form of gRPC", "full", _order("grpc://127.0.0.1:9/shop.Ranker/Rank")),
    Scene("probe", "running", "empty", _measuring, marked=True),
    _full("probe", "result", lambda page: page.show_newest()),
    Scene("compare", "runs", "full", lambda page: page.set_what("runs")),
    _full("compare", "label", _labelled),
)
"""Every page as it is first shown, without and with something in it, and what opens on it."""


@pytest.fixture(params=SCENES, ids=str)
def scene(request: pytest.FixtureRequest) -> Scene:
    """Each scene in turn."""
    found: Scene = request.param
    return found


@pytest.fixture
def page(scene: Scene, desks: Desks, qtbot: QtBot) -> Page:
    """The page of the scene, as it stands there."""
    return scene.show(desks, qtbot)


@pytest.fixture(scope="session")
def looking() -> ModuleType:
    """The module looking.py: what stands before somebody on a page."""
    return LOOKING


@pytest.fixture(scope="session")
def whole_shop() -> Assessed:
    """See `full`."""
    return full()


@pytest.fixture(scope="session")
def story() -> list[Event]:
    """See `events`."""
    return events()
