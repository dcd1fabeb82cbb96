"""How every truth server begins and ends, so that a test can trust it and nothing is left behind.

It binds a free port of 127.0.0.1, says on standard output in one JSON line where it is and who
(`{"port": …, "pid": …}`), and when SIGTERM or SIGINT ends it, says in a second one what it has counted. It
dies with the thread that started it (Linux). Standard library only: these scripts are run by path.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1
PR_SET_TIMERSLACK = 29


def listen() -> socket.socket:
    """A non-blocking listener on a free port of 127.0.0.1; from now on this process dies with its parent."""
    if sys.platform == "linux":
        parent = os.getppid()
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the process that started this is gone")
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    return listener


def announce(listener: socket.socket, parameters: dict[str, object]) -> None:
    """Says that the server is ready."""
    say({"port": listener.getsockname()[1], "pid": os.getpid(), **parameters})


def say(what: dict[str, object]) -> None:
    """One JSON line on standard output."""
    print(json.dumps(what), flush=True)
