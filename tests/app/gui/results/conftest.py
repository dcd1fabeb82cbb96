"""A window with a whole assessment in it: a measured capacity, manifests, answers and a milestone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.gui.page import Page
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.labels import PlainLabel
from app.gui.window import MainWindow
from assessments.assessment import Assessed, assess
from assessments.claims import Answers, read_answers
from assessments.judging import Materials
from assessments.lens import bundled_lens
from assessments.profile import read_profile
from assessments.store import open_store
from assessments.stored import milestone, restore_document
from probes.facts import Fact

RECORDED = Path(__file__).parents[2] / "report" / "fixtures" / "probe.json"
WAIT_MS = 60_000
CAPACITY = (150.0, 145.0, 156.0)
"""Of one replica in requests/s, with its interval."""
PEAK, TARGET, REPLICAS, USE = 200, 420, 3, 0.7
GROWTH = "6%..10%/month"
MARKED = "<h1>Verified</h1>"


def recorded(at: datetime) -> dict[str, Any]:
    """A run that found the capacity of one replica."""
    run: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    value, low, high = CAPACITY
    run["run"] |= {"started_at": at.isoformat(), "grade": "valid", "grade_reason": None}
    run["capacity"] |= {
        "bound": "bracketed", "rate_per_s": value, "low": low, "high": high, "confidence": 0.95,
    }  # fmt: skip
    for fact in run["facts"]:
        fact["at"] = at.isoformat()
        if fact["name"] == "load.capacity":
            fact |= {"value": value, "low": low, "high": high}
    return run


def scanned(at: datetime) -> list[Fact]:
    """What the manifests say: a memory limit that is too tight and an autoscaler that goes to three."""
    source = {"probe": "kubernetes", "file": "deploy/shop.yaml", "line": 41}
    rows = (
        ("infra.kubernetes.replicas", 3, "replicas"),
        ("infra.kubernetes.memory_limit_bytes", 61 * 2**20, "bytes"),
        ("infra.kubernetes.cpu_request_cores", 2.0, "cores"),
        ("infra.kubernetes.hpa.present", True, ""),
        ("infra.kubernetes.hpa.can_scale", True, ""),
        ("infra.kubernetes.hpa.min_replicas", 2, "replicas"),
        ("infra.kubernetes.hpa.max_replicas", REPLICAS, "replicas"),
    )
    return [
        Fact.from_json(
            {
                "name": name,
                "value": value,
                "unit": unit,
                "state": "read",
                "at": at.isoformat(),
                "source": source,
            }
        )
        for name, value, unit in rows
    ]


def answers(**profile: Any) -> Answers:
    """The answers of the demo's team, with another profile."""
    data = files("resources").joinpath("demo", "answers.yaml").read_bytes()
    found = read_answers(data, "answers.yaml")
    values: dict[str, Any] = {
        "target_kind": "http", "deploys_to": "k8s", "slo": "p99<=100ms,errors<=1%", "peak_per_s": PEAK,
        "target_peak_per_s": TARGET, "utilisation": USE, "event": "the winter campaign",
        "event_on": (datetime.now(UTC).date() + timedelta(days=50)).isoformat(),
        "price_per_replica_hour": 0.09, "currency": "EUR", "growth": {"workload": GROWTH},
        "peaks": {
            (datetime.now(UTC).date() - timedelta(days=30 * ago)).isoformat(): PEAK * 0.93**ago
            for ago in range(1, 7)
        },
    }  # fmt: skip
    return replace(found, profile=read_profile(values | profile, "profile"))


def whole(**changed: Any) -> Assessed:
    """The whole assessment, judged now; `changed` are parts of its `Materials`."""
    now = datetime.now(UTC)
    then = now - timedelta(days=1)
    run = recorded(then)
    facts = [*(Fact.from_json(entry) for entry in run["facts"]), *scanned(then)]
    given = {"answers": answers(), "facts": tuple(facts), "runs": (run,), "title": f"Shop {MARKED}"} | changed
    return assess(Materials(name="shop", id="a1", lens=bundled_lens(), **given), now)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store with `shop`, and a milestone of it with one answer less."""
    found, file = whole(), tmp_path_factory.mktemp("full") / "loadstone.sqlite"
    with open_store(str(file)) as store:
        restore_document(store, found.to_json())
        earlier = dict(found.materials.answers.claims)
        earlier.pop("MON-01")
        before = replace(found.materials, answers=replace(found.materials.answers, claims=earlier))
        milestone(store, "shop", "before", assess(before, found.as_of).to_json())
    return file


@pytest.fixture
def full_store(made_once: Path, store_file: Path) -> Path:
    """A copy of it."""
    shutil.copy(made_once, store_file)
    return store_file


@pytest.fixture
def open_full(
    make_shown: Callable[..., MainWindow], full_store: Path, qtbot: QtBot
) -> Callable[[str], tuple[MainWindow, Any]]:
    """Opens `shop` and a page on it."""

    def opened(page: str) -> tuple[MainWindow, Any]:
        window = make_shown(full_store)
        window.session.open("shop")
        qtbot.waitUntil(lambda: window.session.whole is not None, timeout=WAIT_MS)
        window.go_to(page)
        return window, window.page

    return opened


@pytest.fixture
def open_materials(
    make_shown: Callable[..., MainWindow], store_file: Path, qtbot: QtBot
) -> Callable[..., tuple[MainWindow, Any]]:
    """Opens an assessment of these parts (see `whole`) and a page on it."""

    def opened(page: str, **changed: Any) -> tuple[MainWindow, Any]:
        with open_store(str(store_file)) as store:
            restore_document(store, whole(**changed).to_json())
        window = make_shown(store_file)
        window.session.open("shop")
        qtbot.waitUntil(lambda: window.session.whole is not None, timeout=WAIT_MS)
        window.go_to(page)
        return window, window.page

    return opened


@pytest.fixture
def of_shop() -> Callable[..., Assessed]:
    """See `whole`."""
    return whole


@pytest.fixture
def profiled() -> Callable[..., Answers]:
    """See `answers`."""
    return answers


def cut_texts(page: QWidget) -> list[str]:
    """What of the texts on a page is cut off: by their own size, or by the page's edge."""
    found = []
    for label in page.findChildren(PlainLabel):
        if not label.isVisibleTo(page) or not label.text() or isinstance(label, ElidedLabel):
            continue
        area = label.contentsRect()
        if label.wordWrap():
            fits = label.heightForWidth(label.width()) <= label.height() + 1
            longest = max(label.text().split(" "), key=len)
            fits = fits and label.fontMetrics().horizontalAdvance(longest) <= area.width() + 1
        else:
            fits = label.fontMetrics().horizontalAdvance(label.text()) <= area.width() + 1
        if not fits:
            found.append(f"{label.text()!r} needs more than {label.width()} × {label.height()}")
    found += [
        f"button {button.text()!r} needs {button.sizeHint().width()}, has {button.width()}"
        for button in page.findChildren(QPushButton)
        if button.isVisibleTo(page) and button.width() < button.sizeHint().width()
    ]
    for widget in page.findChildren(QWidget):
        if isinstance(widget, PlainLabel | QPushButton) and widget.isVisibleTo(page) and widget.width() > 1:
            right = widget.mapTo(page, widget.rect().topRight()).x()
            if right > page.width():
                found.append(f"{widget.accessibleName() or getattr(widget, 'text', str)()!r} ends at {right}")
    for area in page.findChildren(QScrollArea):
        inside = area.widget()
        if inside is not None and area.isVisibleTo(page) and inside.width() > area.viewport().width():
            found.append(f"{inside.width()} pixels do not fit into {area.viewport().width()}")
    return found


@pytest.fixture
def nothing_is_cut() -> Callable[[Page], list[str]]:
    """See `cut_texts`."""
    return cut_texts


@pytest.fixture
def another_run() -> Callable[[], dict[str, Any]]:
    """A run that found twice the capacity."""

    def made() -> dict[str, Any]:
        run = recorded(datetime.now(UTC) - timedelta(hours=2))
        run["run"]["id"] = "aa00bb11"
        run["capacity"] |= {"rate_per_s": 300.0, "low": 290.0, "high": 310.0}
        return run

    return made
