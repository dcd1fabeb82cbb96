"""HTTP/1.1 for one service in one process: requests wait in one queue, and one at a time is served.

    sockets ─► Connection (parses) ─► Line (first in, first out) ─► Answer ─► the same connection

Between two answers the event loop reads whatever has arrived, so a request stands in the line, and in the
gauge of requests in flight, as soon as it is complete. Everything passes through the line, also errors and
health checks: answers on a connection leave in the order of its requests, and a busy service is slow to
everyone, as real ones of this make are.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
import traceback
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import accumulate
from pathlib import Path
from typing import Final, cast

import httptools

MAX_BODY_BYTES: Final = 16 * 1024
MAX_HEAD_BYTES: Final = 16 * 1024
FED_AT_ONCE: Final = 4 * 1024
"""Bytes given to the parser in one piece, and so the exactness with which the bytes of a head are counted."""

MAX_PIPELINED: Final = 64
"""Requests of one connection in the line before reading from it pauses."""

LINGER_SECONDS: Final = 1.0
"""How long a connection stays half open after a refusal, so that what the client is still sending does not
make the kernel throw the refusal away (RFC 9112, 9.6)."""

CLIENT_WENT_AWAY: Final = 499
"""The status under which a request is counted whose client hung up while it waited (nginx's convention)."""

BUCKETS: Final = (
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One complete request, or one that could not be read: then `refusal` is the answer to it."""

    connection: Connection
    method: str
    target: str
    body: bytes
    keep_alive: bool
    arrived: float
    refusal: Answer | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, body, and a header or two beyond the usual."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[str, ...] = ()


def json_answer(value: object, status: int = 200, headers: tuple[str, ...] = ()) -> Answer:
    """`value` as JSON, always in the same bytes."""
    return Answer(status, json.dumps(value, separators=(",", ":")).encode() + b"\n", headers=headers)


def refuse(status: int, why: str, headers: tuple[str, ...] = ()) -> Answer:
    """An error with its reason."""
    return json_answer({"error": why}, status, headers)


Handler = Callable[[Request], Answer]
Routes = Mapping[str, Mapping[str, Handler]]
"""path → method → handler; GET stands for HEAD too."""


class Metrics:
    """What the service counts, as Prometheus reads it (text exposition format 0.0.4).

    A request is counted when its answer is written, so a scrape never contains itself.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._started = time.time()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._durations: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def count(self, path: str, status: int, seconds: float) -> None:
        """One request to `path` (a route or "other"), `seconds` from its arrival to its end with `status`."""
        self._requests[path, status] += 1
        self._durations.setdefault(path, [0] * (len(BUCKETS) + 1))[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[path] += seconds

    def render(self) -> str:
        """All series with their help and type lines."""
        lines = ["# HELP http_requests_total Requests answered.", "# TYPE http_requests_total counter"]
        for (path, status), number in sorted(self._requests.items()):
            lines.append(f'http_requests_total{{path="{path}",status="{status}"}} {number}')
        name = "http_request_duration_seconds"
        lines += [
            f"# HELP {name} From the request being complete to its answer being written, waiting included.",
            f"# TYPE {name} histogram",
        ]
        for path, counts in sorted(self._durations.items()):
            *below, total = accumulate(counts)
            lines += [
                f'{name}_bucket{{path="{path}",le="{le}"}} {n}' for le, n in zip(BUCKETS, below, strict=True)
            ]
            lines.append(f'{name}_bucket{{path="{path}",le="+Inf"}} {total}')
            lines.append(f'{name}_sum{{path="{path}"}} {self._seconds[path]!r}')
            lines.append(f'{name}_count{{path="{path}"}} {total}')
        for name, kind, text, value in (
            (
                "http_requests_in_flight",
                "gauge",
                "Requests waiting or being served, this one included.",
                self.in_flight,
            ),
            ("process_resident_memory_bytes", "gauge", "Resident memory.", _resident_bytes()),
            ("process_cpu_seconds_total", "counter", "User and system CPU time.", time.process_time()),
            ("process_start_time_seconds", "gauge", "Start, in seconds since the epoch.", self._started),
        ):
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value!r}"]
        return "\n".join(lines) + "\n"


class Line:
    """The one queue: serves requests in the order of their coming, one between two looks at the sockets."""

    def __init__(self, routes: Routes, metrics: Metrics) -> None:
        self.routes, self.metrics = routes, metrics
        self.connections: set[Connection] = set()
        self._waiting: deque[Request] = deque()

    def join(self, request: Request) -> None:
        """Appends `request`."""
        self.metrics.in_flight += 1
        self._waiting.append(request)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._serve_first)

    async def drain(self, seconds: float) -> None:
        """Reads nothing more, answers who stands in line for at most `seconds`, closes all connections."""
        for connection in list(self.connections):
            connection.finish()
        give_up = time.monotonic() + seconds
        while self._waiting and time.monotonic() < give_up:
            await asyncio.sleep(0.001)
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)

    def _serve_first(self) -> None:
        request = self._waiting[0]
        path = request.target.partition("?")[0]
        if request.connection.gone:
            status = CLIENT_WENT_AWAY
        else:
            answer = request.refusal or self._handle(path, request)
            status = answer.status
            request.connection.send(request, answer)
        self.metrics.in_flight -= 1
        known = path if path in self.routes else "other"
        self.metrics.count(known, status, time.perf_counter() - request.arrived)
        self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._serve_first)

    def _handle(self, path: str, request: Request) -> Answer:
        methods = self.routes.get(path)
        if methods is None:
            return refuse(404, f"nothing is served at {path}; GET / lists what is")
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
            return refuse(405, f"{path} answers {allowed}", (f"Allow: {allowed}",))
        try:
            return handler(request)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return refuse(500, "the service failed; its standard error says where")


class Connection(asyncio.Protocol):
    """One client: turns bytes into requests, and answers into bytes.

    A client that hangs up, be it only its sending side, is gone: what it has in the line is not worked on.
    """

    def __init__(self, line: Line) -> None:
        self.gone = False
        self._line = line
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._finished = False
        """Nothing more is read: a last request stands in the line, or its answer is on its way."""
        self._unanswered = 0
        self._write_buffer_full = False
        self._head_bytes = 0
        self._begin()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._line.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.gone, self._finished = True, True
        self._line.connections.discard(self)
        self._transport = self._parser = None  # breaks the cycles: nothing is left for the garbage collector

    def pause_writing(self) -> None:
        self._write_buffer_full = True
        self._read_if_there_is_room()

    def resume_writing(self) -> None:
        self._write_buffer_full = False
        self._read_if_there_is_room()

    def data_received(self, data: bytes) -> None:
        for begin in range(0, len(data), FED_AT_ONCE):
            if self._finished or self._parser is None:
                return
            piece = data[begin : begin + FED_AT_ONCE]
            try:
                self._parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                self._finished = True  # answered as plain HTTP/1.1; what follows would not be
            except httptools.HttpParserError as error:
                self._refuse(refuse(400, f"this is not HTTP: {error}"))
            self._head_bytes = 0 if self._in_body else self._head_bytes + len(piece)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(refuse(431, f"the head of a request may have {MAX_HEAD_BYTES} bytes"))

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"content-length" and value.isdigit() and int(value) > MAX_BODY_BYTES:
            self._too_large = True
        elif lower == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True

    def on_headers_complete(self) -> None:
        self._in_body = True
        if self._too_large:
            self._refuse_body()
        elif self._expects_continue and not self._unanswered and not self._finished and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > MAX_BODY_BYTES:
            self._refuse_body()
        else:
            self._body += body

    def on_message_complete(self) -> None:
        parser = self._parser
        if self._finished or parser is None:
            return
        keep_alive = parser.should_keep_alive() and not parser.should_upgrade()
        self._finished = not keep_alive
        self._join(bytes(self._body), keep_alive)
        self._begin()

    def _begin(self) -> None:
        """Makes ready for the next request."""
        self._target = b""
        self._body = bytearray()
        self._in_body = self._too_large = self._expects_continue = False
        self._head_bytes = 0

    def _refuse_body(self) -> None:
        self._refuse(refuse(413, f"a body may have {MAX_BODY_BYTES} bytes"))

    def _refuse(self, refusal: Answer) -> None:
        if not self._finished:
            self._finished = True
            self._join(b"", False, refusal)

    def _join(self, body: bytes, keep_alive: bool, refusal: Answer | None = None) -> None:
        parser = self._parser
        if parser is None:
            return
        self._unanswered += 1
        self._read_if_there_is_room()
        method = "" if refusal else parser.get_method().decode("latin-1")
        target = self._target.decode("latin-1")
        self._line.join(Request(self, method, target, body, keep_alive, time.perf_counter(), refusal))

    def _read_if_there_is_room(self) -> None:
        if self._transport is None:
            return
        if self._write_buffer_full or self._unanswered >= MAX_PIPELINED:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # What the line calls.

    def send(self, request: Request, answer: Answer) -> None:
        """Writes `answer` to `request`, and ends the connection with it where nothing can follow."""
        transport = self._transport
        if transport is None:
            return
        self._unanswered -= 1
        last = not request.keep_alive or (self._finished and not self._unanswered)
        head = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            "Server: shop-recommender",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            f"Connection: {'close' if last else 'keep-alive'}",
            *answer.headers,
        ]
        body = b"" if request.method == "HEAD" else answer.body
        transport.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
        if not last:
            self._read_if_there_is_room()
        elif request.refusal:
            transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.close)
        else:
            self.close()

    def finish(self) -> None:
        """Reads no further request, and ends the connection when the last one read is answered."""
        self._finished = True
        if not self._unanswered:
            self.close()

    def close(self) -> None:
        """Ends the connection after what is written has gone out."""
        self.gone = self._finished = True
        if self._transport:
            self._transport.close()


def _resident_bytes() -> int:
    """Resident memory of this process; the peak of it where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
