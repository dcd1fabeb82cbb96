"""Takes the pictures of the README anew, from the window itself.

    loadstone demo --out /tmp/demo
    python docs/pictures/take.py /tmp/demo/loadstone.sqlite demo [--dark] [--to FOLDER]

On a machine that is not busy, or the demo finds no capacity and the pictures say so.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.gui.application import make_window

SIZE = (1440, 900)
PICTURES = {
    "overview": ("overview", {}),
    "checklist": ("checklist", {"question": "INF-02"}),
    "probe": ("probe", {}),
}
SETTLED_MS = 1_500
STEP_MS, MOST_STEPS = 50, 600


def main() -> None:
    """Writes the three pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("name")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder, "window.ini")), QSettings.Format.IniFormat)
        window = make_window(app, given.store, settings)
        window.theme.set_scheme("dark" if given.dark else "light")
        window.resize(*SIZE)
        window.go_to("home")
        window.show()
        window.stores.open(given.store)
        _until(lambda: window.session.has_store, "the store is not open")
        window.session.open(given.name)
        _until(lambda: window.session.whole is not None, f"'{given.name}' is not judged")
        for name, (page, where) in PICTURES.items():
            window.go_to(page, **where)
            _wait(SETTLED_MS)
            picture = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
            picture.save(str(given.to / f"{name}.png"), "PNG", 0)  # 0: the smallest file, nothing lost
        window.may_ask = False
        window.close()
        window.context.executor.close()
        window.session.store.close()


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    for _ in range(MOST_STEPS):
        if holds():
            return
        _wait(STEP_MS)
    raise SystemExit(otherwise)


def _wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
