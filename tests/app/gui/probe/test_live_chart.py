"""The live charts: one exact throttle, no redraw without news, axes that hold all there is."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.charts.ticks import minmax_decimate
from app.gui.live_run import LiveRun, Part
from app.gui.theme import Theme
from app.gui.throttle import Throttle
from app.gui.widgets.live_axes import axes_for, clock, decimated, part_labels
from app.gui.widgets.live_chart import LiveChart
from probes.events import Second, Started

LOAD = {"mode": "segments", "slo": "p99<=200ms", "warmup_s": 0, "segments": [{"seconds": 60.0}]}


def second(t: float, p99: float | None = 100.0, rate: float | None = 50.0) -> Second:
    p50 = None if p99 is None else p99 / 2
    return Second(t, 0, rate, 49.0, 3, 0, 49, 1, 0, p50, p99, p99, 1.2, 100_000_000, None)


def run_of(*seconds: Second) -> LiveRun:
    run = LiveRun()
    run.take(Started(0.0, {"id": "x"}, {"address": "http://127.0.0.1/"}, LOAD))
    for entry in seconds:
        run.take(entry)
    return run


@pytest.fixture
def chart(qtbot: QtBot, qapp: QApplication) -> LiveChart:
    made = LiveChart(Theme(qapp))
    made.resize(800, 420)
    qtbot.addWidget(made)
    made.show()
    return made


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_throttle_draws_at_once_then_not_before_its_time(qtbot: QtBot) -> None:
    now, drawn = Clock(), []
    throttle = Throttle(100, lambda: drawn.append(now.now), clock=now)
    throttle.ask()
    assert drawn == [0.0]
    now.now = 0.03
    throttle.ask()
    throttle.ask()
    assert drawn == [0.0]
    assert throttle.is_waiting
    now.now = 0.1
    qtbot.waitUntil(lambda: len(drawn) == 2)
    assert not throttle.is_waiting


def test_the_throttle_waits_on_when_its_timer_was_early(qtbot: QtBot) -> None:
    now, drawn = Clock(), []
    throttle = Throttle(10, lambda: drawn.append(now.now), clock=now)
    throttle.ask()
    throttle.ask()
    now.now = 0.009
    throttle._due()
    assert len(drawn) == 1
    assert throttle.is_waiting
    now.now = 0.01
    throttle._due()
    assert drawn == [0.0, 0.01]


def test_nothing_is_drawn_when_nothing_has_changed(chart: LiveChart) -> None:
    chart.show_run(run_of(second(1.0), second(2.0)))
    chart._renew()
    before = chart.redraws
    for _ in range(5):
        chart._renew()
    assert chart.redraws == before
    chart.run.take(second(3.0))
    chart._renew()
    assert chart.redraws == before + 1


def test_a_second_adds_its_piece_and_does_not_draw_all_again(chart: LiveChart) -> None:
    chart.show_run(run_of(*(second(1.0 + at) for at in range(20))))
    chart._renew()
    before = chart.whole_redraws
    for at in range(20, 40):
        chart.run.take(second(1.0 + at))
        chart._renew()
    assert chart.whole_redraws == before


def test_the_picture_made_piece_by_piece_is_the_whole_one(chart: LiveChart) -> None:
    chance = random.Random(3)
    entries = [second(1.0 + at, chance.uniform(60, 240), chance.uniform(40, 60)) for at in range(50)]
    entries[20:24] = []
    chart.show_run(run_of(entries[0]))
    chart._axes = axes_for(run_of(*entries))
    chart._renew()
    for entry in entries[1:]:
        chart.run.take(entry)
        chart._renew()
    pieces = chart.grab().toImage()
    chart._layer = None
    whole = chart.grab().toImage()
    assert differing(pieces, whole) < 0.004, "but for the joins of lines and the ends of dashes"


def differing(first: QImage, second: QImage) -> float:
    """The share of pixels that differ by more than a trace."""
    arrays = []
    for picture in (first, second):
        image = picture.convertToFormat(QImage.Format.Format_Grayscale8)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        arrays.append(rows[:, : image.width()].astype(int))
    return float((np.abs(arrays[0] - arrays[1]) > 24).mean())


def test_a_pause_is_a_gap_and_no_line() -> None:
    run = run_of(second(1.0), second(2.0), second(6.0))
    assert run.t == [1.0, 2.0, 4.0, 6.0]
    assert run.p99 == [100.0, 100.0, None, 100.0]


def test_axes_hold_all_there_is_and_leave_room_to_the_expected_end() -> None:
    axes = axes_for(run_of(second(1.0, 35.0, 180.0), second(2.0, 1_200.0, 220.0)))
    assert axes.low_ms <= 17.5
    assert axes.high_ms >= 1_200
    assert axes.rate >= 220
    assert axes.seconds == 60


def test_axes_never_shrink_and_grow_when_the_run_takes_longer() -> None:
    run = run_of(second(1.0, 5_000.0, 400.0))
    first = axes_for(run)
    for at in range(2, 80):
        run.take(second(float(at), 100.0, 10.0))
    later = axes_for(run, first)
    assert later.high_ms == first.high_ms
    assert later.rate == first.rate
    assert later.seconds > 79


def test_axes_of_nothing_are_a_guess_that_the_first_second_replaces() -> None:
    empty = LiveRun()
    guess = axes_for(empty)
    assert guess.is_guess
    empty.take(second(1.0, 30.0))
    assert axes_for(empty, guess).high_ms < guess.high_ms


@pytest.mark.parametrize("count", [10, 3_600])
def test_reduced_points_keep_every_extreme_of_every_column(count: int) -> None:
    chance, columns = random.Random(1), 250
    t = [float(at) for at in range(count)]
    v = [math.nan if chance.random() < 0.01 else chance.gauss(100, 30) for _ in t]
    kept = set(decimated(np.array(t), np.array(v), columns).tolist())
    values = [None if math.isnan(value) else value for value in v]
    asked, _ = minmax_decimate(t, values, columns)
    assert {int(at) for at in asked} <= kept
    gaps = sum(value is None for value in values)
    assert len(kept) <= max(count if count <= 4 * columns else 0, 4 * columns + 3 * gaps)


def test_parts_are_named_where_they_begin_and_rates_by_their_number() -> None:
    parts = [
        Part("warmup", "warming up", 1.0), Part("ladder", "1 caller at once", 2.0),
        Part("ladder", "2 callers at once", 4.0), Part("search", "196.31 requests/s", 6.0),
        Part("load", "200/s for 30 s", 9.0),
    ]  # fmt: skip
    assert part_labels(parts) == [
        (1.0, "warm-up"),
        (2.0, "ladder"),
        (4.0, ""),
        (6.0, "196/s"),
        (9.0, "200/s"),
    ]


def test_times_are_shown_as_a_clock() -> None:
    assert [clock(seconds) for seconds in (0.0, 41.9, 62.0, 3_723.0)] == ["0:00", "0:41", "1:02", "1:02:03"]


def test_the_short_rest_of_a_step_counts_but_is_not_drawn_as_a_second() -> None:
    run = run_of(second(1.0), second(1.05))
    assert run.t == [1.0]
    assert run.answered_ok == 98
