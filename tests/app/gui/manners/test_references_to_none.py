"""Qt's bindings keep None's reference count: with PySide6 6.12.0 on Python 3.11 they lose it and abort."""

from __future__ import annotations

import gc
import itertools
import statistics
import sys
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

CALLS = 2_000
ROUNDS = 11
LOST_A_ROUND = 10

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")


def test_two_thousand_void_calls_leave_the_references_to_none_as_they_were(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        widget.update()
    assert abs(sys.getrefcount(None) - before) < 100


def test_going_through_all_pages_again_and_again_loses_no_reference_to_none(desks: Any, qtbot: QtBot) -> None:
    window = desks.full

    def walk() -> None:
        for key in window.rail.buttons:
            window.go_to(key)
            QApplication.processEvents()
        qtbot.waitUntil(lambda: window.context.executor.pending == 0, timeout=20_000)
        QApplication.processEvents()
        gc.collect()

    walk()
    walk()
    counts = [sys.getrefcount(None)]
    for _ in range(ROUNDS):
        walk()
        counts.append(sys.getrefcount(None))
    # What is under way in other threads and processes comes and goes in a round, the more the busier the
    # machine is. Void calls that lose references lose them in every round.
    lost = statistics.median(before - after for before, after in itertools.pairwise(counts))
    assert lost < LOST_A_ROUND, f"references to None after each round: {counts}"
