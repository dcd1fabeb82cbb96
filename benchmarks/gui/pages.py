"""What the window weighs when every page was looked at and the report was read to its end.

    python benchmarks/gui/pages.py [--rounds 2]
    xvfb-run -a python benchmarks/gui/pages.py              (with QT_QPA_PLATFORM unset: a real window)

Lets `loadstone demo --quick` make an assessment (or takes that of an earlier `--out DIR`: `--store`), goes
through all pages of the rail, turns every page of the report, and does so again. Printed are resident memory
after each page of the first round and after each round, and CPU ms of the window's thread until a page is
shown. The aim: 220 MB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QSettings
from PySide6.QtWidgets import QApplication

from app.gui.application import make_window
from app.gui.pages.report import ReportPage

ROOT = Path(__file__).resolve().parents[2]
AIM_MB = 220.0
LOOK_S = 0.3


def resident_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Prints the figures; 1 where the aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--store", type=Path, help="DIR/loadstone.sqlite of an earlier demo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store: Path | None = options.store
        if store is None:
            line = [sys.executable, "-m", "loadstone", "demo", "--quick", "--quiet", "--out", folder]
            subprocess.run(line, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
            store = Path(folder, "loadstone.sqlite")
        return measure(store, Path(folder) / "window.ini", options.rounds)


def measure(store: Path, settings: Path, rounds: int) -> int:
    """Goes through the pages of a window over this store."""
    app = QApplication([])
    window = make_window(app, str(store), QSettings(str(settings), QSettings.Format.IniFormat))
    window.resize(1440, 900)
    window.go_to("home")
    window.show()
    window.stores.open(str(store))
    wait(app, lambda: window.session.has_store)
    print(f"platform       {app.platformName()}")
    print(f"start page     {resident_mb():6.0f} MB")
    window.session.open("demo")
    wait(app, lambda: window.session.whole is not None)
    most = 0.0
    for turn in range(rounds):
        for key in window.rail.buttons:
            began = time.thread_time()
            window.go_to(key)
            app.processEvents()
            took = time.thread_time() - began
            look(app)
            page = window.page
            if isinstance(page, ReportPage):
                read(app, page)
            most = max(most, resident_mb())
            if turn == 0:
                print(f"{key:<14} {resident_mb():6.0f} MB   shown after {1e3 * took:5.1f} ms of CPU")
        print(f"round {turn + 1}        {resident_mb():6.0f} MB, at most {most:.0f} MB   aim {AIM_MB:.0f} MB")
    window.context.executor.close()
    window.session.store.close()
    return 0 if most <= AIM_MB else 1


def read(app: QApplication, page: ReportPage) -> None:
    """Turns every page of the report, and waits until each is drawn."""
    wait(app, lambda: page.view.count > 0)
    for place in range(page.view.count):
        page.view.go_to(place)
        wait(app, lambda place=place: page.view.picture(place) is not None)  # type: ignore[misc]


def look(app: QApplication) -> None:
    """Lets the window work for a moment."""
    end = time.monotonic() + LOOK_S
    while time.monotonic() < end:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


def wait(app: QApplication, until: Callable[[], bool]) -> None:
    """Lets the window work until something holds."""
    end = time.monotonic() + 60
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there within a minute")
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


if __name__ == "__main__":
    raise SystemExit(main())
