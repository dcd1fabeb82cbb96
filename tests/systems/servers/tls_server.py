"""A server behind TLS that does one thing.

    tls_server.py --certificate one.pem --key one.key --mode good

`good` answers every request with 27 bytes and keeps the connection; `large` with 300,000 bytes; `cut` answers
once without a length and closes the connection without the end of the TLS session; `ends` answers once
without a length and ends the session first; `silent` takes connections and never answers the handshake;
`plain` speaks HTTP without TLS.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import ssl
import threading
from contextlib import suppress

BODY = b"twenty-seven bytes of body\n"
LARGE = 300_000


def read_request(connection: socket.socket) -> bool:
    """Reads up to the end of a head; False when the peer has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return False
        data += part
    return True


def serve(connection: socket.socket, mode: str, context: ssl.SSLContext) -> None:
    """One connection, until its peer closes it."""
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if mode == "silent":
            while connection.recv(65_536):
                pass
            return
        if mode == "plain":
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        connection = context.wrap_socket(connection, server_side=True)
        while read_request(connection):
            if mode in ("cut", "ends"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY)
                if mode == "ends":
                    assert isinstance(connection, ssl.SSLSocket)
                    connection.unwrap()
                connection.close()
                return
            body = b"x" * LARGE if mode == "large" else BODY
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with suppress(OSError):
        connection.close()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--mode", default="good")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, options.mode, context), daemon=True).start()


if __name__ == "__main__":
    main()
