"""The entry script of a frozen program (see packaging.md).

Loadstone starts children of its own Python: probes of the window, the pages of reports, watchers, the service
of the demo. In a frozen program there is no Python to start: the program itself is started, and does what
Python would, as far as Loadstone asks it.
"""

from __future__ import annotations

import multiprocessing
import runpy
import sys
from pathlib import Path

FLAGS = ("-P", "-I", "-S", "-E", "-u")


def run() -> int:
    """A script given with `-c` or by its path, or Loadstone."""
    multiprocessing.freeze_support()
    words = sys.argv[1:]
    while words and words[0] in FLAGS:
        del words[0]
    if words[:1] == ["-c"]:
        script, sys.argv = words[1], ["-c", *words[2:]]
        exec(compile(script, "<child>", "exec"), {"__name__": "__main__"})
        return 0
    if words and words[0].endswith(".py") and Path(words[0]).is_file():
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")
        return 0
    from loadstone import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
