"""A window without a screen that runs a probe and prints the child's pid once load is on: made to be killed.

window_until_killed.py STORE TARGET
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from app.gui.application import make_window
from probes.events import Event, Second


def main() -> None:
    store, target = sys.argv[1:3]
    app = QApplication([])
    ini = Path(tempfile.mkdtemp()) / "window.ini"
    window = make_window(app, store, QSettings(str(ini), QSettings.Format.IniFormat))
    window.show()
    seen: list[int] = []

    def said(event: Event) -> None:
        if isinstance(event, Second):
            seen.append(event.ok)
        if len(seen) == 2 and window.probing._process is not None:
            seen.append(0)
            print(window.probing.run_id, window.probing._process.processId(), flush=True)

    window.probing.event.connect(said)
    window.probing.start(("probe", target, "--rate", "50", "--duration", "60s", "--warmup", "0"))
    app.exec()


main()
