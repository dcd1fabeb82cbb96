"""HTTP/2 servers that behave badly in one way each, on a port of their own; they know what they did."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator

from probes.load.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

PREFACE_BYTES = 24
OK_HEAD = bytes.fromhex("885f") + b"\x10application/grpc"  # :status 200, content-type
TRAILERS = b"\x00\x0bgrpc-status\x010"


def answer(stream: int, message: bytes = b"ok") -> bytes:
    """A good answer in one piece."""
    framed = b"\0" + struct.pack(">I", len(message)) + message
    return (
        frame(HEADERS, END_HEADERS, stream, OK_HEAD)
        + frame(DATA, 0, stream, framed)
        + frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)
    )


class Peer:
    """One connection of a server: what it greets with, and what it does about each call. The base is good."""

    settings: tuple[tuple[int, int], ...] = ()

    def __init__(self, sock: socket.socket, seen: Counter[str]) -> None:
        self.sock = sock
        self.seen = seen
        self.calls: list[int] = []  # streams that are open
        self.number = 0

    def serve(self) -> None:
        self.say(frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *one) for one in self.settings)))
        read = self.sock.makefile("rb")
        read.read(PREFACE_BYTES)
        while head := read.read(9):
            size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            (stream,) = struct.unpack(">I", head[5:])
            payload = read.read(size)
            if kind == HEADERS:
                self.calls.append(stream)
                self.seen["most at once"] = max(self.seen["most at once"], len(self.calls))
            elif kind == RST_STREAM:
                self.seen[f"reset {int.from_bytes(payload, 'big')}"] += 1
                self.cancelled(stream)
            elif kind == DATA:
                self.took(stream, size)
                if flags & END_STREAM:
                    self.number += 1
                    self.called(stream)

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def took(self, stream: int, size: int) -> None:
        """So many bytes of a message have come: the connection may send as many more."""
        if size:
            self.say(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", size)))

    def called(self, stream: int) -> None:
        """A call has come whole."""
        self.done(stream)
        self.say(answer(stream))

    def cancelled(self, stream: int) -> None:
        """A call was given up."""

    def done(self, stream: int) -> None:
        self.calls.remove(stream)
        self.seen["answered"] += 1


class EveryThirdReset(Peer):
    """INTERNAL_ERROR for every third call of a connection."""

    def called(self, stream: int) -> None:
        if self.number % 3:
            return super().called(stream)
        self.calls.remove(stream)
        self.seen["reset by us"] += 1
        self.say(frame(RST_STREAM, 0, stream, struct.pack(">I", 2)))


class GoesAway(Peer):
    """Tells of its end at the tenth call, which it answers still; of those after it nothing."""

    def called(self, stream: int) -> None:
        if self.number == 10:
            self.say(frame(GOAWAY, 0, 0, struct.pack(">II", stream, 0)))
        if self.number <= 10:
            super().called(stream)


class WindowOfOneByte(Peer):
    """Lets one byte of a message come at a time."""

    settings = ((4, 1),)

    def took(self, stream: int, size: int) -> None:
        assert size <= 1, size
        one = struct.pack(">I", 1)
        self.say(frame(WINDOW_UPDATE, 0, stream, one) + frame(WINDOW_UPDATE, 0, 0, one))


class OneAtOnce(Peer):
    """One call at once."""

    settings = ((3, 1),)


class NoneAtOnce(Peer):
    """Takes no call, but those that were there before it said so."""

    settings = ((3, 0),)


class InBatches(Peer):
    """Answers four calls together, the last first."""

    def called(self, stream: int) -> None:
        if len(self.calls) == 4:
            self.say(b"".join(answer(one) for one in reversed(self.calls)))
            for one in list(self.calls):
                self.done(one)


class SomeLate(Peer):
    """Answers every fourth call once it was given up, and others at once."""

    def called(self, stream: int) -> None:
        if self.number % 4:
            super().called(stream)

    def cancelled(self, stream: int) -> None:
        self.say(answer(stream, b"late"))


class HeadersWithoutEnd(Peer):
    """Headers that go on for ever."""

    def called(self, stream: int) -> None:
        self.say(frame(HEADERS, 0, stream, bytes(16_384)))
        while True:
            self.say(frame(CONTINUATION, 0, stream, bytes(16_384)))


class DataWithoutEnd(Peer):
    """A message that goes on for ever."""

    def called(self, stream: int) -> None:
        self.say(frame(HEADERS, END_HEADERS, stream, OK_HEAD))
        while True:
            self.say(frame(DATA, 0, stream, bytes(16_384)))


class Garbage(Peer):
    """Noise in place of frames."""

    def called(self, stream: int) -> None:
        self.say(os.urandom(5_000))


class AsksWithoutReading(Peer):
    """Asks for signs of life without end, and reads none."""

    def called(self, stream: int) -> None:
        while True:
            self.say(frame(PING, 0, 0, bytes(8)) * 1_000)


class Silent(Peer):
    """Takes the connection and says nothing, not even its settings."""

    def serve(self) -> None:
        while self.sock.recv(65_536):
            pass


@contextlib.contextmanager
def serving(kind: type[Peer]) -> Iterator[tuple[tuple[str, int], Counter[str]]]:
    """Serves on a free port of the loopback: the address, and what was seen."""
    seen: Counter[str] = Counter()
    peers: list[socket.socket] = []

    def serve(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            kind(sock, seen).serve()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = server.accept()
                seen["connections"] += 1
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peers.append(sock)
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname(), seen
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            for sock in peers:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
