"""The tables of steps, seconds and plain rows, without any view."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from app.gui.live_run import LiveRun
from app.gui.models.rows import KEY, Line, RowsModel
from app.gui.models.steps import SIGN, SPOILT, VERDICT, SecondsModel, StepsModel, verdict_of
from probes.events import Second

LIMIT = ("p99", 200.0)


def step(
    verdict: str = "steady", low: float | None = None, high: float | None = None, **more: Any
) -> dict[str, Any]:
    response = {"p50": 46.0, "p99": 139.0, "p99_low": low, "p99_high": high}
    return {
        "mode": "open", "offered_per_s": 186.0, "achieved_per_s": 185.8, "sent": 1_000, "timeouts": 1,
        "errors": {"reset": 4}, "cpu_cores": 1.218, "response_ms": response, "verdict": verdict,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "word", "sign"),
    [
        (step(low=127.0, high=152.0), "holds", "verified"),
        (step(low=214.0, high=281.0), "over 200\u00a0ms", "contradicted"),
        (step(low=166.0, high=203.0), "undecided", "partly"),
        (step(), "steady", "verified"),
        (step(mode="closed", low=214.0, high=281.0), "steady", "verified"),
        (step("saturated"), "saturated", "limit"),
        (step("insufficient"), "too few requests", "unanswered"),
        (step("client_limited", low=1.0, high=2.0), "client-limited", "challenged"),
        (step("unstable"), "unstable", "challenged"),
        ({}, "–", None),
    ],
)
def test_a_step_is_decided_only_by_its_whole_interval(
    entry: dict[str, Any], word: str, sign: str | None
) -> None:
    found = verdict_of(entry, LIMIT)
    assert (found.word, found.sign) == (word, sign)


def test_a_row_says_what_was_measured_and_a_dash_where_nothing_was(qtmodeltester: ModelTester) -> None:
    model = StepsModel()
    qtmodeltester.check(model)
    model.show_steps([step(mode="closed", concurrency=8.0, offered_per_s=None, cpu_cores=None)], LIMIT)
    model.add(step(low=127.0, high=152.0))
    rows = [[model.index(row, column).data() for column in range(model.columnCount())] for row in range(2)]
    assert rows == [
        ["8 at once", "–", "186", "46", "139", "0.5\u00a0%", "–", "steady"],
        ["rate 1", "186", "186", "46", "139\u00a0(127–152)", "0.5\u00a0%", "1.22", "holds"],
    ]
    assert model.index(1, VERDICT).data(SIGN) == "verified"
    assert model.index(1, 0).data(SIGN) is None
    assert not model.index(1, 0).data(SPOILT)


def test_the_seconds_grow_with_the_run_newest_first(qtmodeltester: ModelTester) -> None:
    run, model = LiveRun(), SecondsModel()
    model.show_run(run)
    qtmodeltester.check(model)
    for t, p99 in ((1.0, 80.0), (2.0, None)):
        run.take(Second(t, 0, None, 49.0, 1, 0, 49, 0, 0, 20.0, p99, p99, None, None, None))
    assert model.rowCount() == 0
    model.refresh()
    rows = [[model.index(row, column).data() for column in range(5)] for row in range(model.rowCount())]
    assert rows == [["0:02", "–", "20", "–", "49"], ["0:01", "80", "20", "–", "49"]]


def test_plain_rows_have_a_sign_with_its_word_and_a_key(qtmodeltester: ModelTester) -> None:
    model = RowsModel(("question", "points"), (1,))
    model.show_lines([Line(("INF-08", "−8"), "contradicted", 0, "INF-08", tip="contradicted")])
    qtmodeltester.check(model)
    first, last = model.index(0, 0), model.index(0, 1)
    assert (first.data(SIGN), last.data(SIGN), first.data(KEY)) == ("contradicted", None, "INF-08")
    assert first.data(Qt.ItemDataRole.AccessibleTextRole) == "INF-08, contradicted"
    assert last.data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight


def test_a_step_of_nothing_but_errors_is_not_called_steady() -> None:
    failed = {"mode": "closed", "concurrency": 1.0, "sent": 306, "ok": 0, "verdict": "steady"}
    assert verdict_of(failed, None).sign == "contradicted"
    assert verdict_of(failed | {"ok": 306}, None).word == "steady"
