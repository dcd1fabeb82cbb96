"""A server that is limited by what it is told: a thread a connection, one kind of work a request.

    limit_server.py sleep --ms 20               waits, however many ask: no limit that a test reaches
    limit_server.py lock --ms 5                 waits while it holds the one lock: 1/ms a second
    limit_server.py pool --ms 20 --size 4       waits in one of four places: 4/ms a second
    limit_server.py python --ms 5               computes in Python: the interpreter lock
    limit_server.py hash --ms 5                 computes without the interpreter lock: all processors
    limit_server.py single --ms 5               computes without the interpreter lock, in one thread for all
    limit_server.py pages --mib 160             reads pages of a file of that size at random, by mapping it
    limit_server.py keep --kib 64               keeps that much memory of each request
    limit_server.py behind --downstream PORT    asks the server on that port, and waits for its answer

Computing is counted in CPU time of the thread, so that a busy machine does not shorten the work. Work is done
in small pieces of known size, which are measured before the server says that it is ready.
"""

from __future__ import annotations

import argparse
import hashlib
import mmap
import os
import queue
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from lifecycle import announce, listen, say

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BUFFER = bytes(1 << 18)

Work = Callable[[], None]


def burn_python(seconds: float) -> None:
    """Computes in Python, holding the interpreter lock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(200))


def burn_hash(seconds: float) -> None:
    """Computes in C, without the interpreter lock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        hashlib.sha256(BUFFER)


def worker_of(options: argparse.Namespace) -> Callable[[], Work]:
    """What makes the work of one connection."""
    seconds = options.ms / 1e3
    places = threading.Semaphore(1 if options.kind == "lock" else options.size)

    def guarded() -> None:
        with places:
            time.sleep(seconds)

    def behind() -> Work:
        connection = socket.create_connection(("127.0.0.1", options.downstream))

        def ask() -> None:
            connection.sendall(ASK)
            connection.recv(4096)

        return ask

    kept: list[bytes] = []
    read_once: list[bool] = []

    def pages() -> None:
        if not read_once:  # whatever is read from then on was in memory before
            read_once.append(True)
            for at in range(0, len(mapped), mmap.PAGESIZE):
                mapped[at : at + 1]
        for _ in range(32):
            at = random.randrange(0, len(mapped), mmap.PAGESIZE)
            mapped[at : at + 1]

    if options.kind == "pages":
        file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        for _ in range(options.mib):
            file.write(bytes(1 << 20))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # whoever reads it has it in its group
        mapped = mmap.mmap(file.fileno(), options.mib << 20, prot=mmap.PROT_READ)
        mapped.madvise(mmap.MADV_RANDOM)
    simple: dict[str, Work] = {
        "pages": pages,
        "keep": lambda: kept.append(b"x" * (options.kib << 10)),
        "sleep": lambda: time.sleep(seconds),
        "lock": guarded,
        "pool": guarded,
        "python": lambda: burn_python(seconds),
        "hash": lambda: burn_hash(seconds),
    }
    if options.kind == "behind":
        return behind
    if options.kind == "single":
        asked: queue.SimpleQueue[threading.Event] = queue.SimpleQueue()

        def serve_all() -> None:
            while True:
                done = asked.get()
                burn_hash(seconds)
                done.set()

        threading.Thread(target=serve_all, daemon=True).start()

        def wait_in_line() -> None:
            done = threading.Event()
            asked.put(done)
            done.wait()

        return lambda: wait_in_line
    return lambda: simple[options.kind]


def serve(connection: socket.socket, work: Work) -> None:
    """Answers one request after the other; requests have no body."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = b""
    with connection, suppress(OSError):
        while part := connection.recv(65_536):
            waiting += part
            while b"\r\n\r\n" in waiting:
                waiting = waiting.partition(b"\r\n\r\n")[2]
                work()
                connection.sendall(ANSWER)


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "kind", choices=("sleep", "lock", "pool", "python", "hash", "single", "pages", "keep", "behind")
    )
    parser.add_argument("--ms", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=4)
    parser.add_argument("--mib", type=int, default=160)
    parser.add_argument("--kib", type=int, default=64)
    parser.add_argument("--downstream", type=int, default=0)
    options = parser.parse_args()
    listener = listen()
    listener.setblocking(True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    make = worker_of(options)
    announce(listener, vars(options))
    try:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, make()), daemon=True).start()
    finally:
        say({})


if __name__ == "__main__":
    main()
