"""How long Stop takes: a real probe of the demo's service in the real window, stopped again and again.

    python benchmarks/gui/stop.py [--stops 7] [--after 6] [--hogs 0]
    xvfb-run -a python benchmarks/gui/stop.py               (with QT_QPA_PLATFORM unset: a real window)

For each stop a probe of the shop recommender is started from the form, left to run for some seconds, each
time a little longer, and stopped with a click on the button. Printed are the time until the window says so
(the button is grey, and that is painted), the time until the child has ended and the window shows what it
measured, and the CPU time that the child used meanwhile. `--hogs` starts so many processes that only use up
processor time. The aims: 100 ms and 1 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.gui.pages.probe import ProbePage

AIM_SAID_MS, AIM_ENDED_S = 100.0, 1.0
PATIENCE_S = 60.0
HOG = "while True: pass"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stops", type=int, default=7)
    parser.add_argument("--after", type=float, default=6.0, help="seconds until the first is stopped")
    parser.add_argument("--hogs", type=int, default=0, help="processes that use up processor time")
    options = parser.parse_args()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    hogs = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(options.hogs)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), options.stops, options.after)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def _measure(folder: Path, stops: int, after: float) -> None:
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from app.gui.application import make_window
    from app.gui.pages.probe import ProbePage
    from assessments.lens import bundled_lens
    from assessments.stored import keep

    app = QApplication([])
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    window = make_window(app, str(folder / "store.sqlite"), settings)
    window.show()
    window.stores.open(str(folder / "store.sqlite"))
    session = window.session
    _until(lambda: session.has_store)
    keep(session.store, "shop", lens=bundled_lens(), title="A shop")
    session.open("shop")
    _until(lambda: session.name == "shop" and session.whole is not None)
    window.go_to("probe")
    page = window.page_of("probe")
    assert isinstance(page, ProbePage)
    said, ended, used, crashed = [], [], [], 0
    with subprocess.Popen(
        [sys.executable, "-P", "resources/demo/recommender.py", "--port", "0", "--die-with-parent"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as service:  # fmt: skip
        assert service.stdout is not None
        try:
            ready = json.loads(service.stdout.readline())
            address = f"http://{ready['host']}:{ready['port']}/recommend"
            for at in range(stops):
                seconds = after + 2.3 * at
                times = _stop_once(page, address, seconds)
                said.append(times[0])
                ended.append(times[1])
                used.append(times[2])
                crashed += page.context.probing.result is None
                print(f"stopped at {seconds:5.1f} s   said {times[0] * 1e3:6.1f} ms   ended {times[1]:5.2f} s"
                      f"   {times[2]:.2f} s of it CPU of the child", flush=True)  # fmt: skip
        finally:
            service.kill()
    print(f"platform     {app.platformName()}, load average {os.getloadavg()[0]:.1f}")
    print(f"said after   {statistics.median(said) * 1e3:6.1f} ms median, {max(said) * 1e3:6.1f} ms at most"
          f"   aim {AIM_SAID_MS:.0f} ms")  # fmt: skip
    print(f"ended after  {statistics.median(ended):6.2f} s median, {max(ended):7.2f} s at most"
          f"    aim {AIM_ENDED_S:.0f} s")  # fmt: skip
    print(f"child's CPU  {statistics.median(used):6.2f} s median, {max(used):7.2f} s at most")
    print(f"without a result: {crashed} of {stops}")
    page.context.executor.close()
    window.may_ask = False
    window.close()
    window.session.store.close()


def _stop_once(page: ProbePage, address: str, after: float) -> tuple[float, float, float]:
    """Seconds until it was said, until it had ended, and of CPU that the child used from the click on."""
    import psutil
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from app.gui.probe_order import ProbeOrder

    probing = page.context.probing
    bodies = str(Path("resources/demo/bodies.jsonl").absolute())
    page.show_setup()
    page.setup.show_order(ProbeOrder(target=address, body_kind="lines", bodies=bodies, limit_ms="100"))
    page.start()
    _until(lambda: bool(page.running.run.parts) and page.stop_button.isVisible())
    _wait(after)
    assert probing.is_running, page.notice.text.text()
    assert probing._process is not None
    child = psutil.Process(probing._process.processId())
    before = sum(child.cpu_times()[:2])
    cpu = [before]

    def is_over() -> bool:
        with suppress(psutil.Error):
            cpu[0] = max(cpu[0], sum(child.cpu_times()[:2]))
        return not probing.is_running

    began = time.perf_counter()
    QTest.mouseClick(page.stop_button, Qt.MouseButton.LeftButton)
    _until(lambda: not page.stop_button.isEnabled())
    page.window().repaint()
    said = time.perf_counter() - began
    _until(is_over)
    return said, time.perf_counter() - began, cpu[0] - before


def _until(holds: Callable[[], bool]) -> None:
    """Turns the event loop until it holds, looking every 5 ms. Raises `TimeoutError`."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError("it did not come to pass")
        _wait(0.005)


def _wait(seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1e3), loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
