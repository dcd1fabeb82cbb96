"""The way in: the console script `loadstone` and `python -m loadstone`.

Our packages carry everyday names (`app`, `resources`, …). So before anything of ours is imported, the folder
of this file goes first on the search path: a package of the same name in the current folder or on PYTHONPATH
cannot be taken for ours. Processes that `multiprocessing` spawns get the search path of this one.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path


def main() -> int:
    """Runs the command line in `sys.argv` and returns the exit code."""
    own_folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [own_folder, *(entry for entry in sys.path if entry != own_folder)]

    from app.cli.main import main as run_command_line

    try:
        return run_command_line(sys.argv[1:])
    finally:
        if "PySide6" not in sys.modules:  # Qt wants its objects to be gone in order
            _end_soon()


def _end_soon() -> None:
    """Spares the interpreter's last search for garbage among all that was imported.

    After a probe that is a quarter of a second of CPU time, in which somebody waits for it to have stopped.
    """
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
