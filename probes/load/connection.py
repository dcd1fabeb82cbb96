"""Connections of a load process: opened without waiting, secured where asked, closed."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from probes.load.answer import AnswerParser
from probes.load.balance import Spread
from probes.load.codec import Codec, ManyCodec, Notes, codec_class, many_codec_class
from probes.load.plan import CONNECT, NO_PORTS, TLS, Wire
from probes.load.poller import new_poller

if TYPE_CHECKING:
    from probes.load.tls import TlsSocket

SO_TIMESTAMPNS = 35
NOT_YET = -1
"""What `advance` says of a connection whose TLS handshake goes on."""
OWN_FAULTS = (errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EMFILE, errno.ENFILE, errno.ENOBUFS)
"""Of connecting: this machine has no port, descriptor or memory left."""


class Conn:
    """One connection: its socket, the request it carries and how much of the answer is missing."""

    __slots__ = (
        *("body", "close_after", "codec", "fd", "fresh", "instance", "many", "need", "opened", "out"),
        *("parser", "queue", "recvmsg", "row", "send", "slots", "sock", "status", "tls"),
    )

    def __init__(self, sock: socket.socket, opened: int) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.send: Callable[[bytes | memoryview], int] = sock.send
        self.recvmsg: Callable[[int, int], tuple[bytes, list[Any], int, Any]] = sock.recvmsg
        self.instance = 0  # of several, which it leads to
        self.row = -1  # the request under way
        self.need = 0  # bytes of the body still missing; 0 = at the start of an answer
        self.status = 0
        self.opened = opened  # when connecting began; 0 once connected
        self.out: memoryview | None = None  # what the socket's buffer did not take yet
        self.parser: AnswerParser | None = None
        self.body: bytearray | None = None
        self.close_after = False
        self.codec: Codec | None = None
        self.tls: TlsSocket | None = None
        self.many: ManyCodec | None = None  # for several requests at once, see `multiplexing.py`
        self.slots = 0  # how many it may carry
        self.queue: list[bytes] = []  # requests that leave with the next send
        self.fresh: list[int] = []  # their rows


class Connections:
    """All connections of a load process to its target, by descriptor.

    `errors` is given the first reason of each outcome, also by codecs through `notes`.
    """

    def __init__(self, wire: Wire, errors: dict[int, str]) -> None:
        self.wire = wire
        self.errors = errors
        self.poller = new_poller()
        self.all: dict[int, Conn] = {}
        self.connecting = 0
        self.opened = 0
        self.refused = 0
        self.stamped = sys.platform == "linux"
        self.notes = Notes(errors)
        self.spread = Spread(len(wire.addresses)) if wire.others else None
        self.new_codec = None if wire.protocol == "http" or wire.streams else codec_class(wire.protocol)
        self.new_many = many_codec_class(wire.protocol) if wire.streams else None
        self.tls_context = None
        if wire.tls is not None:
            from probes.load.tls import new_context

            self.tls_context = new_context(wire.tls)

    def close(self) -> None:
        """Closes every connection."""
        for conn in list(self.all.values()):
            self.drop(conn)
        self.poller.close()

    def connect(self, t: int) -> int:
        """Begins a connection; 0, or the outcome when it fails at once.

        Of several instances those that are out are passed over, and so is one that refuses at once.
        """
        spread = self.spread
        if spread is None:
            return self._begin(self.wire.address, 0, t)
        while True:
            instance = spread.next(t)
            outcome = self._begin(self.wire.addresses[instance], instance, t)
            if outcome != CONNECT or not spread.refused(instance, t):
                return outcome

    def _begin(self, address: tuple[str, int], instance: int, t: int) -> int:
        try:
            sock = socket.socket(self.wire.family, socket.SOCK_STREAM)
        except OSError as error:
            return self.refuse(error, NO_PORTS)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.stamped:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            sock.close()
            return self.refuse(OSError(code, os.strerror(code)), NO_PORTS if code in OWN_FAULTS else CONNECT)
        conn = Conn(sock, t)
        conn.instance = instance
        if self.spread is not None:
            self.spread.open[instance] += 1
        self.all[conn.fd] = conn
        self.connecting += 1
        self.opened += 1
        self.poller.add(conn.fd, writable=True)
        return 0

    def advance(self, conn: Conn) -> int:
        """Something happened while connecting: 0 when the connection is up, or how it failed; `NOT_YET` where
        it goes on, or another of several instances is left to try."""
        if conn.tls is None:
            code = conn.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self.drop(conn)
                return self._unless_elsewhere(conn, self.refuse(OSError(code, os.strerror(code)), CONNECT))
            if self.tls_context is not None:
                self._secure(conn)
        if conn.tls is not None:
            try:
                done = conn.tls.handshake()
            except OSError as error:
                self.drop(conn)
                return self._unless_elsewhere(conn, self.refuse(error, TLS))
            if not done:
                self.poller.change(conn.fd, writable=conn.tls.is_behind)
                return NOT_YET
        conn.opened = 0
        self.connecting -= 1
        self.poller.change(conn.fd, writable=False)
        if self.new_codec is not None:
            conn.codec = self.new_codec(self.wire, self.notes)
            self.send_pending(conn, conn.codec)
        elif self.new_many is not None:
            conn.many = self.new_many(self.wire, self.notes)
        return 0

    def _unless_elsewhere(self, conn: Conn, outcome: int) -> int:
        """The outcome of a connection that could not be made; `NOT_YET` where another instance is left."""
        if self.spread is not None and self.spread.refused(conn.instance, time.perf_counter_ns()):
            return NOT_YET
        return outcome

    def _secure(self, conn: Conn) -> None:
        from probes.load.tls import TlsSocket

        assert self.tls_context is not None and self.wire.tls is not None
        conn.tls = TlsSocket(conn.sock, self.tls_context, self.wire.tls.name)
        conn.send, conn.recvmsg = conn.tls.send, conn.tls.recvmsg

    def give_up(self, before: int) -> list[int]:
        """Drops connections that began to connect at `before` or earlier and are not up; their outcomes."""
        late = [conn for conn in self.all.values() if conn.opened and conn.opened <= before]
        outcomes = []
        for conn in late:
            self.drop(conn)
            if conn.tls is None:
                outcome = self.refuse(TimeoutError("connecting took too long"), CONNECT)
            else:
                outcome = self.refuse(TimeoutError("the TLS handshake took too long"), TLS)
            outcomes.append(self._unless_elsewhere(conn, outcome))
        return [outcome for outcome in outcomes if outcome != NOT_YET]

    def refuse(self, error: OSError, outcome: int) -> int:
        """Counts a connection that could not be made."""
        self.refused += 1
        self.errors.setdefault(outcome, error.strerror or str(error))
        return outcome

    def drop(self, conn: Conn) -> None:
        """Closes a connection; the loop must not take it for a free one afterwards."""
        if conn.opened:
            self.connecting -= 1
        if self.all.pop(conn.fd, None) is not None:
            if self.spread is not None:
                self.spread.open[conn.instance] -= 1
            self.poller.remove(conn.fd)
            conn.sock.close()

    def send_on(self, conn: Conn) -> None:
        """Sends what is left of a request that the socket did not take whole, as far as it takes it now."""
        assert conn.out is not None
        try:
            conn.out = conn.out[conn.send(conn.out) :]
        except BlockingIOError:
            return
        except OSError:  # the peer wants no more of it; it may have answered before
            conn.close_after = True
            conn.out = conn.out[:0]
        if not conn.out:
            conn.out = None
            self.poller.change(conn.fd, writable=False)

    # of other protocols

    def begin(self, conn: Conn, row: int, request: bytes) -> bytes:
        """The bytes that begin a codec's request, after what the socket has not taken yet."""
        assert conn.codec is not None
        data = conn.codec.begin(row, request)
        if conn.out is None:
            return data
        data, conn.out = bytes(conn.out) + data, None
        self.poller.change(conn.fd, writable=False)
        return data

    def feed(self, conn: Conn, codec: Codec, data: bytes, stamp: int, t: int) -> int:
        """Gives a codec what came; 0, or the outcome of the request whose answer is complete."""
        outcome = codec.feed(data, stamp, t)
        if codec.pending:
            self.send_pending(conn, codec)
        conn.close_after = conn.close_after or not codec.keep
        return outcome

    def send_pending(self, conn: Conn, codec: Codec | ManyCodec) -> None:
        """Sends what a codec has to say beside requests, after what the socket has not taken yet."""
        data, codec.pending = codec.pending, b""
        if data and conn.out is not None:
            conn.out = memoryview(bytes(conn.out) + data)
        elif data:
            conn.out = memoryview(data)
            self.send_on(conn)
            if conn.out is not None:
                self.poller.change(conn.fd, writable=True)
