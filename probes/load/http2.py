"""Unary gRPC over HTTP/2 as a codec of the load loop: many calls at once on a connection, frames of our own.

A call's outcome is the HTTP status that google.rpc.Code gives its gRPC status (`STATUS_OF_CODE`): 200 for OK,
429 for RESOURCE_EXHAUSTED, 503 for UNAVAILABLE. Beside the standard library the package hpack is needed.

Most answers have the headers and trailers of the one before. Those bytes, cut where the number of the stream
goes, are kept (`_Shape`): an answer like it is known by two comparisons. Every other goes frame by frame.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from hpack import HPACKError

from probes.load.codec import Notes
from probes.load.http2_frames import (
    ACK,
    CODES,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FRAME_BYTES,
    GOAWAY,
    HEADERS,
    HEADERS_BYTES,
    LARGEST_WINDOW,
    LAST_STREAM,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STATUS_OF_CODE,
    U32,
    WINDOW,
    WINDOW_STEP,
    WINDOW_UPDATE,
    Headers,
    frame,
    read_headers,
)
from probes.load.plan import ASSERTION, PROTOCOL, RESET, Wire

NO_ERROR, CANCEL = 0, 8
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
UNTIL_SETTINGS = 1
"""Calls at once before the peer has said how many it takes: the first goes along with the preface."""
_CONNECTION = bytes(4)
_MESSAGE = struct.Struct(">IBIBI")
"""A frame's head and the five bytes before a message: length and kind, flags, stream; compressed, length."""

Ended = list[tuple[int, int]]
"""Calls that are over: row and outcome."""


class _Request(NamedTuple):
    """A request cut where the number of its stream goes; `data` is the framed message.

    Where one frame holds not all headers or all of the message, `data_begin` is empty.
    """

    begin: bytes
    block: bytes
    data_begin: bytes
    data: bytes


class _Shape(NamedTuple):
    """Headers and trailers of a good answer, cut where the number of its stream goes, and their lengths."""

    headers: tuple[bytes, bytes]
    trailers: tuple[bytes, bytes]
    headers_size: int
    trailers_size: int


class _Call:
    """A call that is more than sent: its message waits for window, or its answer has begun."""

    __slots__ = ("body", "left", "size", "start", "status", "window")

    def __init__(self, window: int) -> None:
        self.left = memoryview(b"")  # of the message, for which there was no window yet
        self.window = window  # of the stream, that we may send
        self.status: int | None = None
        self.start = b""  # the first five bytes of the answer's message
        self.size = 0  # bytes of the answer's message, with these five
        self.body: bytearray | None = None


_requests: dict[bytes, _Request] = {}


def _cut(request: bytes) -> _Request:
    end = 4 + U32.unpack_from(request)[0]
    block, data = request[4:end], request[end:]
    begin = U32.pack(len(block) << 8 | HEADERS) + bytes((END_HEADERS,))
    data_begin = b""
    if len(block) <= FRAME_BYTES and len(data) <= FRAME_BYTES:
        data_begin = U32.pack(len(data) << 8 | DATA) + bytes((END_STREAM,))
    cut = _requests[request] = _Request(begin, block, data_begin, data)
    return cut


class Codec:
    """One HTTP/2 connection that carries up to `limit` unary calls at once; see `codec.ManyCodec`.

    With `keep_bodies` the framed message of the answer that ended last is in `body`, up to `body_limit`
    bytes.
    """

    body_limit = 1 << 24

    def __init__(self, wire: Wire, notes: Notes, *, keep_bodies: bool = False) -> None:
        self.pending = PREFACE
        self.keep = True
        self.greeted = False
        self.limit = UNTIL_SETTINGS
        self.heard = 0
        self.rows: dict[bytes, int] = {}
        self.code: int | None = None  # gRPC's status of the last call that ended with one
        self.body = b""
        self._expect = re.compile(wire.expect_body.encode()) if wire.expect_body is not None else None
        self._expected = wire.expect_body
        self._whole = keep_bodies or self._expect is not None
        self._errors = notes.errors
        self._rest = b""  # of a frame that has not come whole
        self._stream = -1
        self._calls: dict[bytes, _Call] = {}
        self._window = WINDOW  # that we may send, of the connection
        self._initial_window = WINDOW
        self._taken = 0  # bytes read since the peer was given window
        self._block: tuple[bytes, bytes, bool] | None = None  # stream, headers that go on, whether it ends
        self._shape: _Shape | None = None
        self._last_headers = b""  # the frame of headers and the number of the stream it was for
        self._last_stream = b""

    def begin(self, row: int, request: bytes) -> bytes:
        """The frames of a call; what has no window yet follows in `pending`."""
        cut = _requests.get(request) or _cut(request)
        self._stream = stream = self._stream + 2
        if stream >= LAST_STREAM:
            self.keep = False
        number = U32.pack(stream)
        self.rows[number] = row
        size = len(cut.data)
        before = b""
        if self.pending:
            before, self.pending = self.pending, b""
        if cut.data_begin and size <= self._window and size <= self._initial_window:
            self._window -= size
            return b"".join((before, cut.begin, number, cut.block, cut.data_begin, number, cut.data))
        call = self._calls[number] = _Call(self._initial_window)
        call.left = memoryview(cut.data)
        return b"".join((before, *_header_frames(cut.block, stream), self._more(number, call)))

    def cancel(self, row: int) -> None:
        """Gives a call up: what still comes of it is not looked at."""
        for number, of in self.rows.items():
            if of == row:
                del self.rows[number]
                self._calls.pop(number, None)
                self._reset(number, CANCEL)
                return

    def give_up(self, outcome: int) -> Ended:
        """The connection has ended: every call under way with that outcome."""
        ended = [(row, outcome) for row in self.rows.values()]
        self.rows.clear()
        self._calls.clear()
        self.keep = False
        return ended

    def at_end(self) -> Ended:
        """The peer closed the connection: what becomes of the calls under way."""
        self.keep = False
        ended = []
        for number, row in self.rows.items():
            call = self._calls.get(number)
            begun = call is not None and call.status is not None
            ended.append((row, PROTOCOL if begun else RESET))
            self._errors.setdefault(
                ended[-1][1],
                f"the connection was closed {'in the middle of' if begun else 'without'} an answer",
            )
        self.rows.clear()
        self._calls.clear()
        return ended

    def feed(self, data: bytes, stamp: int, t: int) -> Ended:
        """Takes what came; the calls that ended with it, in the order of their ends."""
        del stamp
        self.heard = t
        if self._rest:
            data, self._rest = self._rest + data, b""
        ended: Ended = []
        if not self.greeted and not self._is_greeting(data):
            return self._wrong(ended, f"what answers there does not speak HTTP/2: it said {data[:60]!r}")
        rows, calls, expect = self.rows, self._calls, self._expect
        at, end, taken = 0, len(data), 0
        while end - at >= 9:
            number = data[at + 5 : at + 9]
            shape = self._shape
            if shape is not None and number in rows and number not in calls and self._block is None:
                place = at + shape.headers_size
                if data.startswith(number.join(shape.headers), at) and place + 14 <= end:
                    word, flags, _, _, size = _MESSAGE.unpack_from(data, place)
                    after = place + 14 + size
                    if (
                        word == size + 5 << 8
                        and not flags
                        and data[place + 5 : place + 9] == number
                        and data.startswith(number.join(shape.trailers), after)
                    ):
                        taken += size + 5
                        outcome = 200
                        if self._whole:
                            self.body = data[place + 9 : after]
                            if expect is not None and not expect.search(self.body[5:]):
                                outcome = self._unexpected()
                        self.code = 0
                        ended.append((rows.pop(number), outcome))
                        at = after + shape.trailers_size
                        continue
            head = U32.unpack_from(data, at)[0]
            size = head >> 8
            if size > FRAME_BYTES:
                return self._wrong(ended, f"a frame of {size} bytes, more than was allowed")
            after = at + 9 + size
            if after > end:
                break
            kind, flags = head & 255, data[at + 4]
            if self._block is not None and (kind != CONTINUATION or number != self._block[0]):
                return self._wrong(ended, "headers were not ended")
            if number == _CONNECTION:
                wrong = self._of_connection(kind, flags, data[at + 9 : after], ended)
            elif kind == DATA and number not in rows:  # of a call that is over: it takes window all the same
                taken, wrong = taken + size, ""
            elif number in rows:
                taken += size if kind == DATA else 0
                wrong = self._of_call(kind, flags, number, data[at:after], ended)
            else:
                wrong = ""
            if wrong:
                return self._wrong(ended, wrong)
            at = after
        self._rest = data[at:]
        self._taken += taken
        if self._taken >= WINDOW_STEP:
            self.pending += frame(WINDOW_UPDATE, 0, 0, U32.pack(self._taken))
            self._taken = 0
        return ended

    def _is_greeting(self, data: bytes) -> bool:
        """Whether the first frame is one of settings, as far as it has come."""
        if len(data) < 9:
            return data[:1] in (b"", b"\0") and (len(data) < 4 or data[3] == SETTINGS)
        self.greeted = data[3] == SETTINGS and not data[4] & ACK and data[5:9] == _CONNECTION
        if self.greeted:
            self.limit = LARGEST_WINDOW  # as many as we like, unless the settings say otherwise
        return self.greeted

    def _of_connection(self, kind: int, flags: int, payload: bytes, ended: Ended) -> str:
        """A frame of the connection itself; what is wrong with it."""
        if kind == WINDOW_UPDATE:
            self._window += U32.unpack(payload)[0] & LARGEST_WINDOW if len(payload) == 4 else 0
            self._all_more()
        elif kind == PING:
            if not flags & ACK:
                self.pending += frame(PING, ACK, 0, payload)
        elif kind == SETTINGS:
            return "" if flags & ACK else self._settings(payload)
        elif kind == GOAWAY:
            self._goes_away(payload, ended)
        elif kind in (DATA, HEADERS, CONTINUATION, RST_STREAM):
            return "a frame of a call without the call's number"
        return ""

    def _of_call(self, kind: int, flags: int, number: bytes, whole: bytes, ended: Ended) -> str:
        """A frame of a call under way; what is wrong with it for the whole connection."""
        payload = whole[9:]
        if kind == WINDOW_UPDATE:
            call = self._calls.get(number)
            if call is not None and call.left and len(payload) == 4:
                call.window += U32.unpack(payload)[0] & LARGEST_WINDOW
                self.pending += self._more(number, call)
            return ""
        if kind == RST_STREAM:
            self._was_reset(number, payload, ended)
            return ""
        if kind in (DATA, HEADERS) and flags & (PADDED | PRIORITY):
            skip = (1 if flags & PADDED else 0) + (5 if kind == HEADERS and flags & PRIORITY else 0)
            pad = payload[0] if flags & PADDED and payload else 0
            if skip + pad > len(payload):
                return "a frame with more padding than bytes"
            payload = payload[skip : len(payload) - pad]
        if kind == DATA:
            self._data(number, payload, bool(flags & END_STREAM), ended)
        elif kind in (HEADERS, CONTINUATION):
            ends = bool(flags & END_STREAM)
            if kind == CONTINUATION:
                if self._block is None or len(self._block[1]) > HEADERS_BYTES:
                    return "headers that go on without end or beginning"
                payload, ends = self._block[1] + payload, self._block[2]
            if not flags & END_HEADERS:
                self._block = number, payload, ends
                return ""
            self._block = None
            try:
                headers = read_headers(payload)
            except (HPACKError, ValueError) as error:
                return f"headers that cannot be read ({error})"
            self._headers(number, headers, ends, ended)
            if kind == HEADERS and flags == END_HEADERS:
                self._last_headers, self._last_stream = whole, number
            elif kind == HEADERS and flags == END_HEADERS | END_STREAM and self.code == 0:
                self._remember(number, whole)
        return ""

    def _remember(self, number: bytes, trailers: bytes) -> None:
        """A good answer has ended with a frame of trailers: the next may look like it."""
        if number == self._last_stream and self._last_headers:
            begun = self._last_headers
            self._shape = _Shape(
                (begun[:5], begun[9:]), (trailers[:5], trailers[9:]), len(begun), len(trailers)
            )

    def _data(self, number: bytes, payload: bytes, ends: bool, ended: Ended) -> None:
        call = self._known(number)
        if call.size < 5:
            call.start = (call.start + payload[:5])[:5]
        call.size += len(payload)
        if self._whole:
            call.body = call.body if call.body is not None else bytearray()
            if len(call.body) < self.body_limit:
                call.body += payload
        if ends:
            self._ended(number, Headers(None, None, ""), ended)

    def _headers(self, number: bytes, headers: Headers, ends: bool, ended: Ended) -> None:
        call = self._known(number)
        if headers.status is not None and headers.status >= 200:
            call.status = headers.status
        if ends:
            self._ended(number, headers, ended)

    def _known(self, number: bytes) -> _Call:
        call = self._calls.get(number)
        if call is None:
            call = self._calls[number] = _Call(0)
        return call

    def _ended(self, number: bytes, headers: Headers, ended: Ended) -> None:
        """The stream has ended with these trailers: the call's outcome."""
        call = self._calls.pop(number)
        if call.left:  # answered before it had all of the message: the rest is not sent
            self._reset(number, CANCEL)
        ended.append((self.rows.pop(number), self._outcome(call, headers)))

    def _outcome(self, call: _Call, headers: Headers) -> int:
        code = self.code = headers.code
        if code is None:
            if call.status is not None and call.status != 200 and call.status < 600:
                self._errors.setdefault(call.status, "an answer of HTTP without a status of gRPC")
                return call.status
            return self._bad_answer("an answer without a status of gRPC")
        if code != 0:
            outcome = STATUS_OF_CODE[code] if 0 < code < len(CODES) else 500
            name = CODES[code] if 0 < code < len(CODES) else f"status {code}"
            self._errors.setdefault(outcome, f"{name}: {headers.message}" if headers.message else name)
            return outcome
        if len(call.start) < 5 or call.size != 5 + U32.unpack_from(call.start, 1)[0]:
            return self._bad_answer("the status OK without one whole message")
        if self._whole:
            self.body = bytes(call.body or b"")
            if self._expect is not None and not self._expect.search(self.body[5:]):
                return self._unexpected()
        return 200

    def _bad_answer(self, why: str) -> int:
        """One answer breaks the protocol: the connection takes no further call."""
        self.keep = False
        self._errors.setdefault(PROTOCOL, why)
        return PROTOCOL

    def _unexpected(self) -> int:
        self._errors.setdefault(ASSERTION, f"an answer does not match {self._expected!r}")
        return ASSERTION

    # what we send beside calls

    def _more(self, number: bytes, call: _Call) -> bytes:
        """Frames of as much of a call's message as there is window for."""
        out = []
        (stream,) = U32.unpack(number)
        while call.left:
            size = min(len(call.left), FRAME_BYTES, self._window, call.window)
            if size <= 0:
                break
            part, call.left = bytes(call.left[:size]), call.left[size:]
            self._window -= size
            call.window -= size
            out.append(frame(DATA, 0 if call.left else END_STREAM, stream, part))
        return b"".join(out)

    def _all_more(self) -> None:
        for number, call in self._calls.items():
            if call.left and self._window > 0:
                self.pending += self._more(number, call)

    def _reset(self, number: bytes, code: int) -> None:
        self.pending += frame(RST_STREAM, 0, U32.unpack(number)[0], U32.pack(code))

    # what the peer says beside answers

    def _settings(self, payload: bytes) -> str:
        if len(payload) % 6:
            return "settings of a wrong length"
        for at in range(0, len(payload), 6):
            name, value = struct.unpack_from(">HI", payload, at)
            if name == MAX_CONCURRENT_STREAMS:
                self.limit = value
            elif name == INITIAL_WINDOW_SIZE:
                if value > LARGEST_WINDOW:
                    return "settings of a window that is too large"
                for call in self._calls.values():
                    call.window += value - self._initial_window
                self._initial_window = value
        self.pending += frame(SETTINGS, ACK, 0)
        self._all_more()
        return ""

    def _was_reset(self, number: bytes, payload: bytes, ended: Ended) -> None:
        self._calls.pop(number, None)
        code = U32.unpack(payload)[0] if len(payload) == 4 else 0
        outcome = {REFUSED_STREAM: 503, ENHANCE_YOUR_CALM: 429}.get(code, RESET)
        self._errors.setdefault(outcome, f"the call's stream was reset (RST_STREAM {code})")
        ended.append((self.rows.pop(number), outcome))

    def _goes_away(self, payload: bytes, ended: Ended) -> None:
        """No further call; those that the server did not take are over, the others go on."""
        self.keep = False
        last = U32.unpack_from(payload)[0] & LARGEST_WINDOW if len(payload) >= 8 else 0
        for number in [number for number in self.rows if U32.unpack(number)[0] > last]:
            self._calls.pop(number, None)
            ended.append((self.rows.pop(number), RESET))
            said = payload[8:68].decode("latin-1")
            why = f"the server ended the connection (GOAWAY {said})".replace(" )", ")")
            self._errors.setdefault(RESET, why)

    def _wrong(self, ended: Ended, why: str) -> Ended:
        """The peer broke the protocol: nothing more is read from the connection."""
        self._rest = b""
        if self.rows:
            self._errors.setdefault(PROTOCOL, why)
        return ended + self.give_up(PROTOCOL)


def _header_frames(block: bytes, stream: int) -> list[bytes]:
    parts = [block[at : at + FRAME_BYTES] for at in range(0, len(block), FRAME_BYTES)]
    last = len(parts) - 1
    return [
        frame(CONTINUATION if k else HEADERS, END_HEADERS if k == last else 0, stream, part)
        for k, part in enumerate(parts)
    ]
