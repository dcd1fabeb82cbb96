"""A server of several processes below one that only watches them: each answers, a thread a connection.

    prefork_server.py --workers 2 --ms 5 --size 2      each worker computes or waits in --size places
    prefork_server.py --workers 2 --respawn            what dies is started again

The first process forks the workers and serves nothing itself. Every request holds one of its worker's places
for `--ms`, of which it computes a fifth, so that the workers can be told by their CPU time.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

from lifecycle import announce, listen, say

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def serve(connection: socket.socket, places: threading.Semaphore, seconds: float) -> None:
    """Answers one request after the other; requests have no body."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = b""
    with connection, suppress(OSError):
        while part := connection.recv(65_536):
            waiting += part
            while b"\r\n\r\n" in waiting:
                waiting = waiting.partition(b"\r\n\r\n")[2]
                with places:
                    end = time.thread_time() + seconds / 5
                    while time.thread_time() < end:
                        sum(range(100))
                    time.sleep(seconds * 4 / 5)
                connection.sendall(ANSWER)


def work(listener: socket.socket, options: argparse.Namespace) -> None:
    """A worker, until it is ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    places = threading.Semaphore(options.size)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, places, options.ms / 1e3), daemon=True).start()


def main() -> None:
    """Reads the command line, forks, and watches the workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ms", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=2)
    parser.add_argument("--respawn", action="store_true")
    options = parser.parse_args()
    listener = listen()
    listener.setblocking(True)
    workers: set[int] = set()
    died = 0

    def fork() -> None:
        pid = os.fork()
        if not pid:
            work(listener, options)
        workers.add(pid)

    def end(*_: object) -> None:
        sys.exit(0)

    for _ in range(options.workers):
        fork()
    signal.signal(signal.SIGTERM, end)
    announce(listener, vars(options))
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG) if workers else (0, 0)
            if pid:
                died += 1
                workers.discard(pid)
                if options.respawn:
                    fork()
            time.sleep(0.05)
    finally:
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        say({"died": died})


if __name__ == "__main__":
    main()
