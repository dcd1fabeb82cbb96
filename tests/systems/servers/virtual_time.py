"""A server that answers a request at a moment computed when it arrives, not when a timer happens to fire.

A model is a function from the arrival of a request to its completion, both in nanoseconds of the monotonic
clock. It is asked once for each request, in order of arrival, and the arrival is the kernel's own stamp of
the request's last byte. (This is Linux: epoll and SO_TIMESTAMPNS.) So a late wake-up of this process delays
one answer by as much, and shifts nothing that comes after: capacity and queue are exactly the model's.

`GET /whoami` answers at once with pid and parameters, outside the model and its counts. Every other request,
whatever its method and path, goes through the model. On one connection answers keep the order of the
requests: pipelined ones wait for their predecessor.

Its last line says what it really took (`took_ms`): from the kernel's stamp of the request to after the answer
was handed to the kernel, with p50, p99 and max over all answers of the model.
"""

from __future__ import annotations

import gc
import heapq
import json
import math
import os
import re
import select
import signal
import socket
import struct
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from lifecycle import announce, listen, say

Model = Callable[[int], int]
"""arrival_ns → completion_ns."""

BODY = b'{"answer": 42}\n'
SO_TIMESTAMPNS = 35
TWO_LONGS = struct.Struct("@ll")
IMPLAUSIBLE_NS = 10_000_000_000
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
KEEP = re.compile(rb"\r\nconnection:[ \t]*keep-alive", re.IGNORECASE)

now = time.monotonic_ns


@dataclass(eq=False, slots=True)
class Client:
    """One connection: its socket, bytes that are no whole request yet, and when its latest answer leaves."""

    sock: socket.socket
    unread: bytes = b""
    last_end: int = 0
    open: bool = True


@dataclass(slots=True)
class Counts:
    """received = answered + abandoned (the client was gone by then) + waiting (at the end)."""

    received: int = 0
    answered: int = 0
    abandoned: int = 0
    whoami: int = 0
    connections: int = 0


@dataclass(slots=True)
class VirtualTimeServer:
    """Serves `model` until SIGTERM or SIGINT. `parameters` are told to whom asks, and in the last line."""

    model: Model
    parameters: dict[str, object]
    counts: Counts = field(default_factory=Counts)
    clients: dict[int, Client] = field(default_factory=dict)
    answers: list[tuple[int, int, int, Client, bytes, bool]] = field(default_factory=list)
    """A heap of (end, number, arrival, client, bytes, close after it)."""
    took_ns: array[int] = field(default_factory=lambda: array("q"))
    number: int = 0

    def run(self) -> None:
        """Serves, in the calling thread, until told to end."""
        listener = listen()
        ended, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: None)
        poller = select.epoll()
        for sock in (listener, ended):
            poller.register(sock.fileno(), select.EPOLLIN)
        gc.freeze()
        gc.disable()
        announce(listener, self.parameters)
        while True:
            # select takes microseconds; epoll.poll would round up to whole milliseconds.
            wait = max(0, self.answers[0][0] - now()) * 1e-9 if self.answers else None
            ready = poller.poll(0) if select.select([poller], [], [], wait)[0] else []
            arrived: list[tuple[int, int, Client, bytes]] = []
            for descriptor, _ in ready:
                if descriptor == ended.fileno():
                    self._say_goodbye()
                    return
                if descriptor == listener.fileno():
                    self._accept(listener, poller)
                else:
                    self._read(self.clients[descriptor], arrived)
            for arrival, _, client, head in sorted(arrived, key=lambda one: one[:2]):
                self._admit(arrival, client, head)
            self._answer()

    def _accept(self, listener: socket.socket, poller: select.epoll) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            poller.register(sock.fileno(), select.EPOLLIN)
            self.clients[sock.fileno()] = Client(sock)
            self.counts.connections += 1

    def _read(self, client: Client, arrived: list[tuple[int, int, Client, bytes]]) -> None:
        """Appends the requests that are complete now as (arrival, number, client, head)."""
        try:
            data, ancillary, _, _ = client.sock.recvmsg(16_384, 64)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._close(client)
            return
        arrival = read = now()
        if ancillary:
            seconds, nanoseconds = TWO_LONGS.unpack(ancillary[0][2])
            age = time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)
            if 0 <= age < IMPLAUSIBLE_NS:
                arrival = read - age
        rest = client.unread + data
        while (end := rest.find(b"\r\n\r\n")) >= 0:
            head = rest[: end + 2]
            given = CONTENT_LENGTH.search(head)
            length = int(given[1]) if given else 0
            if len(rest) < end + 4 + length:
                break
            rest = rest[end + 4 + length :]
            self.number += 1
            arrived.append((arrival, self.number, client, head))
        client.unread = rest

    def _admit(self, arrival: int, client: Client, head: bytes) -> None:
        """Puts the answer to a request where it belongs in time."""
        if head.startswith(b"GET /whoami "):
            self.counts.whoami += 1
            end, body = arrival, json.dumps({"pid": os.getpid(), **self.parameters}).encode()
        else:
            self.counts.received += 1
            end, body = self.model(arrival), BODY
        client.last_end = end = max(end, client.last_end)
        close = bool(CLOSE.search(head)) or (b" HTTP/1.0\r\n" in head and not KEEP.search(head))
        self.number += 1
        heapq.heappush(self.answers, (end, self.number, arrival, client, body, close))

    def _answer(self) -> None:
        """Sends what is due."""
        while self.answers and self.answers[0][0] <= now():
            _, _, arrival, client, body, close = heapq.heappop(self.answers)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (
                len(body),
                b"Connection: close\r\n" if close else b"",
            )
            if client.open:
                try:
                    client.sock.send(head + body)
                except OSError:
                    self._close(client)
            if body is BODY:
                if client.open:
                    self.counts.answered += 1
                    self.took_ns.append(now() - arrival)
                else:
                    self.counts.abandoned += 1
            if close and client.open:
                self._close(client)

    def _close(self, client: Client) -> None:
        client.open = False
        del self.clients[client.sock.fileno()]
        client.sock.close()

    def _say_goodbye(self) -> None:
        counts = self.counts
        took, n = sorted(self.took_ns), len(self.took_ns)
        ranks = {"p50": (n + 1) // 2, "p99": math.ceil(0.99 * n), "max": n}
        say(
            {
                "received": counts.received,
                "answered": counts.answered,
                "abandoned": counts.abandoned,
                "waiting": counts.received - counts.answered - counts.abandoned,
                "whoami": counts.whoami,
                "connections": counts.connections,
                "cpu_s": time.process_time(),
                "took_ms": {name: took[rank - 1] / 1e6 for name, rank in ranks.items()} if n else {},
                **self.parameters,
            }
        )
