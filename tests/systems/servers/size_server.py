"""Answers a JSON body {"instances": […]} after a millisecond, and 413 when it holds more than `--most`.

    size_server.py --most 50

Its last line counts the requests by how many instances they held.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lifecycle import announce, listen, say

sizes: Counter[int] = Counter()


class Handler(BaseHTTPRequestHandler):
    """One request; `most` is set on the class."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    most = 0

    def do_POST(self) -> None:
        """Counts and answers."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        held = len(body["instances"])
        sizes[held] += 1
        time.sleep(0.001)
        self.send_response(200 if held <= self.most else 413)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Says nothing."""


def main() -> None:
    """Reads the command line and serves until told to end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=50)
    Handler.most = parser.parse_args().most
    listener = listen()
    listener.setblocking(True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_address = listener.getsockname()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    announce(listener, {"most": Handler.most})
    server.serve_forever(0.05)
    say({"sizes": {str(size): count for size, count in sizes.items()}})


if __name__ == "__main__":
    main()
