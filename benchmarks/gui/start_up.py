"""How soon the window is there, what it weighs, and how long one of 10,000 assessments takes to open.

    python benchmarks/gui/start_up.py [--repeat 5] [--assessments 10000]
    xvfb-run -a python benchmarks/gui/start_up.py --platform xcb

Each start is a process of its own, timed from before Python starts to the moment its first frame is painted;
bare Python and bare Qt (one empty window) are started between, since what the machine does meanwhile touches
all alike. Printed are medians of wall and CPU time in s, the modules that must not be loaded by then, the
resident memory once the list is shown, and wall and CPU time in ms from asking for an assessment until it is
judged. Aims: visible 1.0 s, 220 MB, opening 200 ms.
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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
AIMS = {"visible_s": 1.0, "rss_mb": 220.0, "open_ms": 200.0}
HEAVY = ("scipy", "reportlab", "sqlalchemy", "alembic", "pypdfium2", "numpy", "rich")

_PYTHON = "import json, time; print(json.dumps({'cpu': time.process_time(), 'at': time.time()}))"
_QT = """
import json, time
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
class Window(QWidget):
    def paintEvent(self, event):
        print(json.dumps({"cpu": time.process_time(), "at": time.time()}), flush=True)
        app.exit(0)
window = Window()
window.resize(1440, 900)
window.show()
app.exec()
"""
_WINDOW = """
import json, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from app.gui import application
store, heavy, opens = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
app = QApplication([])
window = application.make_window(app, store, application.settings_file())
said = {{}}

class FirstFrame(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and "at" not in said:
            said.update(cpu=time.process_time(), at=time.time(), loaded=[
                name for name in heavy if name in sys.modules])
        return False

watch = FirstFrame()
window.centralWidget().installEventFilter(watch)
application.begin(window, store, None)
window.show()
home = window.page_of("home")
waits = []

def step():
    if not opens or not opens[0]:
        said["open_ms"] = waits
        said["rss_mb"] = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
        print(json.dumps(said), flush=True)
        app.exit(0)
        return
    name = opens.pop(0)
    began, cpu = time.perf_counter(), time.process_time()

    def judged(_judged):
        waits.append(((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000))
        window.session.judged.disconnect(judged)
        QTimer.singleShot(400, step)

    window.session.judged.connect(judged)
    window.session.open(name)

def listed():
    said.setdefault("list_s", time.time())
    said["list_rss_mb"] = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
    QTimer.singleShot(1500, step)

home.model.modelReset.connect(lambda: home.model.total and "list_s" not in said and listed())
app.exec()
window.context.executor.close()
"""


def fill(store: Path, count: int) -> list[str]:
    """A store with so many assessments, the answered ones among them by name."""
    sys.path.insert(0, str(ROOT))
    from sqlalchemy import insert

    from assessments.claims import answers_of
    from assessments.lens import bundled_lens
    from assessments.store import models, open_store
    from assessments.store.session import present_time, writing
    from assessments.stored import keep

    answered = [f"answered {number}" for number in range(5)]
    lens = bundled_lens()
    document = {
        "schema": "loadstone.answers/1",
        "answers": {question.id: question.choices[1].id for question in lens.questions},
    }
    with open_store(str(store)) as found:
        with writing(found._engine) as session:
            now = present_time(session)
            rows = [
                {
                    "name": f"assessment {number:05}",
                    "created_at": now,
                    "updated_at": now,
                    "id": models.new_id(),
                }
                for number in range(count - len(answered))
            ]
            session.execute(insert(models.Assessment), rows)
        for name in answered:
            keep(found, name, answers=answers_of(document, name), lens=lens)
    return answered


def timed(script: str, *arguments: str, platform: str, settings: Path) -> dict[str, Any]:
    """Starts the script; what it says, and `wall` from before its start to the moment it names."""
    environment = {**os.environ, "QT_QPA_PLATFORM": platform, "LOADSTONE_SETTINGS": str(settings)}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said | {"wall": said["at"] - began}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--assessments", type=int, default=10_000)
    parser.add_argument("--platform", default="offscreen", help="offscreen or xcb (under Xvfb)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.sqlite"
        answered = fill(store, options.assessments)
        found: dict[str, list[dict[str, Any]]] = {"python": [], "qt": [], "window": []}
        scripts = {"python": _PYTHON, "qt": _QT, "window": _WINDOW.format(root=str(ROOT))}
        for number in range(options.repeat):
            for name, script in scripts.items():
                settings = Path(folder) / f"{name}{number}.ini"
                arguments = (str(store), ",".join(HEAVY), ",".join(answered)) if name == "window" else ()
                found[name].append(timed(script, *arguments, platform=options.platform, settings=settings))
    print(f"platform {options.platform}, {options.assessments:,} assessments, {options.repeat} starts each")
    for name, runs in found.items():
        wall, cpu = (statistics.median(run[key] for run in runs) for key in ("wall", "cpu"))
        print(f"{name:<8} first frame after {wall:6.3f} s, CPU {cpu:6.3f} s")
    runs = found["window"]
    loaded = sorted({name for run in runs for name in run["loaded"]})
    print(f"loaded by the first frame: {', '.join(loaded) or 'none of ' + ', '.join(HEAVY)}")
    listed = statistics.median(run["list_s"] - run["at"] for run in runs)
    print(f"list shown {listed:.3f} s after the first frame")
    rss = statistics.median(run["list_rss_mb"] for run in runs)
    used = statistics.median(run["rss_mb"] for run in runs)
    print(f"RSS {rss:.0f} MB with the list, {used:.0f} MB after five were opened (aim {AIMS['rss_mb']:.0f})")
    for what, at in (("wall", 0), ("CPU", 1)):
        waits = sorted(wait[at] for run in runs for wait in run["open_ms"])
        first = statistics.median(run["open_ms"][0][at] for run in runs)
        print(
            f"opening, {what}: median {statistics.median(waits):.0f} ms, largest {waits[-1]:.0f} ms, "
            f"the first of a start {first:.0f} ms (aim {AIMS['open_ms']:.0f})"
        )


if __name__ == "__main__":
    main()
