"""The way in: the console script `loadstone` and `python -m loadstone`.

Our packages carry everyday names (`app`, `resources`, …). So before anything of ours is imported, the folder
of this file goes first on the search path: a package of the same name in the current folder or on PYTHONPATH
cannot be taken for ours. Processes that `multiprocessing` spawns get the search path of this one.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Runs the command line in `sys.argv` and returns the exit code."""
    own_folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [own_folder, *(entry for entry in sys.path if entry != own_folder)]

    from app.cli.main import main as run_command_line

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
