"""CPU of the probe page while a probe runs: 4 series of 3,600 points, and ten events a second.

    python benchmarks/gui/live_page.py [--seconds 10] [--whole]
    xvfb-run -a python benchmarks/gui/live_page.py          (with QT_QPA_PLATFORM unset: a real window)

An hour of seconds is there before the clock starts; then ten more come a second, each with its own redraw, as
if every one were an event of the probe. Printed are CPU-seconds of this process per second of wall time, in
percent of a core, the longest gap between two turns of the event loop (on a busy machine much of it may be
waiting for a processor, so the CPU time in it stands beside), and the redraws. `--whole` makes every
redraw a whole one, which happens otherwise only when an axis, the size or the colours change. The aims: 20 %
of a core, no gap over 50 ms.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probes.events import Event

POINTS, TURNS_A_SECOND = 3_600, 10
TICK_MS = 5
AIM_SHARE, AIM_GAP_MS = 0.20, 50.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--whole", action="store_true", help="draw everything again every time")
    options = parser.parse_args()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), options.seconds, whole=options.whole)


def _measure(folder: Path, seconds: float, *, whole: bool) -> None:
    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from app.gui.application import make_window
    from app.gui.pages.probe_running import ProbeRunning

    app = QApplication([])
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    window = make_window(app, str(folder / "store.sqlite"), settings)
    view = ProbeRunning(window.context)
    window.setCentralWidget(view)
    window.show()
    events = _events()
    view.begin()
    for event in events[:POINTS]:
        view.take(event)
    _wait(app, 1.0)
    chart = view.chart
    before_redraws, before_whole = chart.redraws, chart.whole_redraws
    left = iter(events[POINTS:])
    gaps: list[tuple[float, float]] = []
    last = [time.perf_counter(), time.process_time()]

    def turn() -> None:
        now, used = time.perf_counter(), time.process_time()
        gaps.append((now - last[0] - TICK_MS / 1e3, used - last[1]))
        last[:] = now, used

    def feed() -> None:
        if whole:
            chart._layer = None
        view.take(next(left))

    ticker, feeder = QTimer(), QTimer()
    ticker.timeout.connect(turn)
    feeder.timeout.connect(feed)
    ticker.start(TICK_MS)
    wall, cpu = time.perf_counter(), time.process_time()
    # What the ticker itself costs is part of the figure.
    last[:] = time.perf_counter(), time.process_time()
    feeder.start(1_000 // TURNS_A_SECOND)
    _wait(app, seconds)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ticker.stop()
    feeder.stop()
    share, (gap, in_gap) = cpu / wall, max(gaps)
    longest = max(used for _, used in gaps)
    print(f"platform          {app.platformName()}, {window.width()} x {window.height()}")
    print(f"points            4 x {len(view.run.t):,}")
    print(f"CPU               {share:6.1%} of a core     aim {AIM_SHARE:.0%}")
    print(f"longest gap       {gap * 1e3:6.1f} ms, {in_gap * 1e3:.1f} ms of it CPU   aim {AIM_GAP_MS:.0f} ms")
    print(f"longest turn      {longest * 1e3:6.1f} ms of CPU")
    print(f"redraws           {(chart.redraws - before_redraws) / wall:.1f} a second, "
          f"{chart.whole_redraws - before_whole} of them whole")  # fmt: skip
    window.context.executor.close()


def _wait(app: object, seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    del app
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1e3), loop.quit)
    loop.exec()


def _events() -> list[Event]:
    from probes.events import Second, Started

    chance = random.Random(1)
    load = {
        "mode": "segments", "slo": "p99<=200ms,errors<=1%", "arrivals": "poisson", "seed": 1, "warmup_s": 0,
        "segments": [{"rate_from": 200, "rate_to": 200, "seconds": 2 * POINTS}],
    }  # fmt: skip
    machine = {"cpu_usable": 4.0}
    target = {"address": "http://127.0.0.1:8080/recommend", "method": "POST", "pids": [4242]}
    events: list[Event] = [Started(0.5, {"id": "0123456789", "machine": machine}, target, load)]
    for at in range(2 * POINTS):
        slow = 60.0 * math.exp(0.6 * math.sin(at / 170) + chance.gauss(0, 0.25))
        rate = 200 + 40 * math.sin(at / 400) + chance.gauss(0, 5)
        events.append(
            Second(
                1.0 + at, at // 60, round(rate, 2), round(rate + chance.gauss(0, 4), 2), 12, 0, 200, 0, 0,
                round(slow * 0.4, 3), round(slow, 3), round(slow * 2, 3), 1.2, 120_000_000 + at * 1000, None,
            )
        )  # fmt: skip
    return events


if __name__ == "__main__":
    main()
