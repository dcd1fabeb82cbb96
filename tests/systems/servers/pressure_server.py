"""A server that behaves otherwise when more requests are in flight than it likes; a thread a connection.

    pressure_server.py --beyond queue       a pool: whatever comes waits for one of its places
    pressure_server.py --beyond refuse      beyond --limit in flight: 503 at once
    pressure_server.py --beyond fallback    beyond --limit in flight: 200 at once, with another prediction

`--ms` is the time a request holds one of `--size` places. Every answer has an id and the time it took, which
differ from answer to answer; `--stuck` keeps the other prediction once it has been given.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
import uuid
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lifecycle import announce, listen, say


class Pressure:
    """How many requests are in flight, and what is done with one more."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.places = threading.Semaphore(options.size)
        self.lock = threading.Lock()
        self.in_flight = self.received = self.other = 0

    def answer(self) -> tuple[int, float]:
        """The status and the prediction for one request."""
        with self.lock:
            self.received += 1
            self.in_flight += 1
            beyond = self.options.beyond != "queue" and self.in_flight > self.options.limit
            beyond = beyond or (self.options.stuck and self.other > 0)
            self.other += beyond
        try:
            if beyond and self.options.beyond == "refuse":
                return 503, 0.0
            if beyond:
                return 200, 0.5
            with self.places:
                time.sleep(self.options.ms / 1e3)
            return 200, 0.731
        finally:
            with self.lock:
                self.in_flight -= 1


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beyond", choices=("queue", "refuse", "fallback"), default="queue")
    parser.add_argument("--ms", type=float, default=20.0)
    parser.add_argument("--size", type=int, default=2)
    parser.add_argument("--limit", type=int, default=4)
    parser.add_argument("--stuck", action="store_true")
    options = parser.parse_args()
    pressure = Pressure(options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            began = time.perf_counter()
            status, score = pressure.answer()
            took = time.perf_counter() - began
            body = json.dumps({"score": score, "id": uuid.uuid4().hex, "took_ms": took * 1e3}).encode()
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            with suppress(OSError):
                self.wfile.write(head + body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    listener = listen()
    listener.setblocking(True)
    server = ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    announce(listener, vars(options))
    try:
        server.serve_forever()
    finally:
        say({"received": pressure.received, "other": pressure.other})


if __name__ == "__main__":
    main()
