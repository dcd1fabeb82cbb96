"""Unary gRPC over HTTP/2 (RFC 9113) as a codec of the load loop: frames of our own, one call at a time.

A request's header block is the same bytes every time: it refers to the static table of HPACK (RFC 7541) and
puts nothing into the dynamic one. For answers the table is set to size 0, so that a block of headers means
the same whenever it comes: what was read once is remembered by its bytes.

A call's outcome is the HTTP status that google.rpc.Code gives its gRPC status (`STATUS_OF_CODE`): 200 for OK,
429 for RESOURCE_EXHAUSTED, 503 for UNAVAILABLE. Beside the standard library the package hpack is needed.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from urllib.parse import unquote

from hpack import Decoder, HPACKError

from probes.load.codec import Notes
from probes.load.plan import PROTOCOL, RESET, Wire

CODES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"),
    *("UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
"""Names of gRPC's statuses by their numbers."""
STATUS_OF_CODE = (200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)
"""The HTTP status of each, as google/rpc/code.proto maps them."""

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
REFUSED_STREAM, ENHANCE_YOUR_CALM = 7, 11
FRAME_BYTES = 16_384
"""The longest frame that every peer takes, and that ours may send."""
WINDOW = 65_535
LARGEST_WINDOW = 2**31 - 1
WINDOW_STEP = 1 << 29
"""So many bytes are read before the peer is given more window."""
HEADERS_BYTES = 65_536
BLOCKS_KEPT = 4_096
LAST_STREAM = 2**31 - 3
_U32 = struct.Struct(">I")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame of HTTP/2."""
    return _U32.pack(len(payload) << 8 | kind) + bytes((flags,)) + _U32.pack(stream) + payload


PREFACE = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + frame(SETTINGS, 0, 0, struct.pack(">HIHIHI", 1, 0, 2, 0, 4, LARGEST_WINDOW))
    + frame(WINDOW_UPDATE, 0, 0, _U32.pack(LARGEST_WINDOW - WINDOW))
)
"""No dynamic table, no push, and as much window as there is."""


def _integer(value: int, bits: int, first: int) -> bytes:
    """HPACK's integer with a prefix of so many bits, below the bits of `first`."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    out = [first | most]
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def _text(text: bytes) -> bytes:
    return _integer(len(text), 7, 0) + text


def _field(index: int, name: bytes, value: bytes) -> bytes:
    """A literal that is not put into the table, its name by an index of the static table or (0) in full."""
    return _integer(index, 4, 0) + (b"" if index else _text(name)) + _text(value)


def header_block(
    authority: str, path: str, *, secure: bool, agent: str, metadata: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """The headers of a unary call; names of `metadata` are sent in small letters."""
    block = b"\x83" + (b"\x87" if secure else b"\x86")  # :method POST, :scheme
    block += _field(4, b":path", path.encode()) + _field(1, b":authority", authority.encode())
    block += _field(0, b"te", b"trailers") + _field(31, b"content-type", b"application/grpc")
    block += _field(58, b"user-agent", agent.encode())
    for name, value in metadata:
        block += _field(0, name.lower().encode(), value.encode("latin-1"))
    return block


def encoded_request(block: bytes, message: bytes) -> bytes:
    """One of `Wire.requests`: the header block behind its length, and the message as gRPC frames it."""
    return _U32.pack(len(block)) + block + b"\0" + _U32.pack(len(message)) + message


class Headers(NamedTuple):
    """What a block of headers or trailers says of the call; None where it does not."""

    status: int | None
    code: int | None
    message: str


class _Request(NamedTuple):
    """A request cut where the number of its stream goes; `data` is the framed message."""

    begin: bytes
    block: bytes
    data_begin: bytes
    data: bytes


class _Alike(NamedTuple):
    """A whole answer that was good, cut where the number of its stream goes: what lies before its message and
    after it. `size` are the bytes of its message, with the five before it, `window` what came along of it."""

    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    size: int
    window: int


_alike: dict[int, _Alike] = {}
"""By the bytes of the whole answer: the next one of that length is known by comparing."""
_requests: dict[bytes, _Request] = {}
_blocks: dict[bytes, Headers] = {}


def _cut(request: bytes) -> _Request:
    end = 4 + _U32.unpack_from(request)[0]
    block, data = request[4:end], request[end:]
    begin = _U32.pack(len(block) << 8 | HEADERS) + bytes((END_HEADERS,))
    data_begin = _U32.pack(len(data) << 8 | DATA) + bytes((END_STREAM,)) if len(data) <= FRAME_BYTES else b""
    cut = _requests[request] = _Request(begin, block, data_begin, data)
    return cut


def _remember(data: bytes, stream: int, size: int) -> None:
    """Keeps the shape of a good answer that came in one piece: headers, one frame of data, trailers, and
    window for the connection, if any."""
    kinds, places, at = [], [], 0
    while at + 9 <= len(data):
        length = _U32.unpack_from(data, at)[0] >> 8
        kinds.append((data[at + 3], data[at + 4], _U32.unpack_from(data, at + 5)[0]))
        places.append(at)
        at += 9 + length
    plain = [(HEADERS, END_HEADERS, stream), (DATA, 0, stream), (HEADERS, END_HEADERS | END_STREAM, stream)]
    more = kinds[3:]
    if at != len(data) or kinds[:3] != plain or more not in ([], [(WINDOW_UPDATE, 0, 0)]):
        return
    message, trailers = places[1:3]
    window = _U32.unpack_from(data, places[3] + 9)[0] & LARGEST_WINDOW if more else 0
    if len(_alike) >= BLOCKS_KEPT:
        _alike.clear()
    _alike[len(data)] = _Alike(
        (data[:5], data[9 : message + 5], data[message + 9 : message + 14]),
        (data[trailers : trailers + 5], data[trailers + 9 :]),
        size,
        window,
    )


def _read_block(block: bytes) -> Headers:
    """Raises `HPACKError` or `ValueError` for what is no block of headers without a dynamic table."""
    decoder = Decoder()
    decoder.max_allowed_table_size = decoder.header_table_size = 0
    found: dict[bytes, bytes] = {}
    for name, value in decoder.decode(block, raw=True):
        found[bytes(name)] = bytes(value)
    status, code = found.get(b":status"), found.get(b"grpc-status")
    said = unquote(found.get(b"grpc-message", b"").decode("latin-1"))
    headers = Headers(
        None if status is None else int(status),
        None if code is None else int(code),
        "".join(char if char.isprintable() else "?" for char in said)[:200],
    )
    if len(_blocks) >= BLOCKS_KEPT:
        _blocks.clear()
    _blocks[block] = headers
    return headers


class Codec:
    """One HTTP/2 connection that carries unary calls, one after the other.

    `body` collects the framed answer where it is a bytearray, up to `body_limit` bytes.
    """

    body_limit = 1 << 24

    def __init__(self, wire: Wire, notes: Notes) -> None:
        del wire
        self.pending = PREFACE
        self.keep = True
        self.body: bytearray | None = None
        self.code: int | None = None  # gRPC's status of the last call that ended with one
        self._errors = notes.errors
        self._rest = b""  # of a frame that has not come whole
        self._greeted = False
        self._stream = -1
        self._busy = False
        self._window = WINDOW  # that we may send, of the connection
        self._stream_window = WINDOW
        self._initial_window = WINDOW
        self._left = memoryview(b"")  # of the message, for which there was no window yet
        self._taken = 0  # bytes read since the peer was given window
        self._block: bytes | None = None  # of headers that go on in the next frame
        self._block_ends = False
        self._status: int | None = None
        self._start = b""  # the first five bytes of the answer's message
        self._size = 0  # bytes of the answer's message, with these five

    def begin(self, row: int, request: bytes) -> bytes:
        """The frames of a call; what has no window yet follows in `pending`."""
        del row
        cut = _requests.get(request) or _cut(request)
        self._stream = stream = self._stream + 2
        self._busy = True
        self._status = self.code = None
        self._start, self._size = b"", 0
        if stream >= LAST_STREAM:
            self.keep = False
        number = _U32.pack(stream)
        before, self.pending = self.pending, b""
        size = len(cut.data)
        if (
            len(cut.block) <= FRAME_BYTES
            and cut.data_begin
            and size <= self._window
            and size <= self._initial_window
        ):
            self._window -= size
            self._stream_window = self._initial_window - size
            return b"".join((before, cut.begin, number, cut.block, cut.data_begin, number, cut.data))
        self._stream_window = self._initial_window
        self._left = memoryview(cut.data)
        return b"".join((before, *self._header_frames(cut.block), self._more()))

    def _header_frames(self, block: bytes) -> list[bytes]:
        parts = [block[at : at + FRAME_BYTES] for at in range(0, len(block), FRAME_BYTES)]
        last = len(parts) - 1
        return [
            frame(CONTINUATION if k else HEADERS, END_HEADERS if k == last else 0, self._stream, part)
            for k, part in enumerate(parts)
        ]

    def _more(self) -> bytes:
        """Frames of as much of the message as there is window for."""
        out = []
        while self._left:
            size = min(len(self._left), FRAME_BYTES, self._window, self._stream_window)
            if size <= 0:
                break
            part, self._left = bytes(self._left[:size]), self._left[size:]
            self._window -= size
            self._stream_window -= size
            out.append(frame(DATA, 0 if self._left else END_STREAM, self._stream, part))
        return b"".join(out)

    def feed(self, data: bytes, stamp: int, t: int) -> int:
        """Takes what came: 0, or the outcome of the call once its stream has ended."""
        del stamp, t
        alike = _alike.get(len(data))
        if alike is not None and self._busy and not self._rest and not self._left and self.body is None:
            number = _U32.pack(self._stream)
            if data.startswith(number.join(alike.before)) and data.endswith(number.join(alike.after)):
                self._busy = False
                self._status, self.code = 200, 0
                self._window += alike.window
                self._take(alike.size)
                return 200
        whole = data if self._busy and not self._rest and self._status is None else b""
        outcome = self._read(data)
        if outcome == 200 and whole and not self._rest:
            _remember(whole, self._stream, self._size)
        return outcome

    def _read(self, data: bytes) -> int:
        if self._rest:
            data = self._rest + data
        if not self._greeted and not self._is_greeting(data):
            return self._wrong(f"what answers there does not speak HTTP/2: it said {data[:60]!r}")
        at, end, outcome = 0, len(data), 0
        while end - at >= 9:
            head = _U32.unpack_from(data, at)[0]
            size = head >> 8
            if size > FRAME_BYTES:
                return self._wrong(f"a frame of {size} bytes, more than was allowed")
            after = at + 9 + size
            if after > end:
                break
            flags = data[at + 4]
            stream = _U32.unpack_from(data, at + 5)[0] & LARGEST_WINDOW
            kind = head & 255
            if kind == WINDOW_UPDATE:
                self._more_window(stream, data[at + 9 : after])
            elif stream and (stream != self._stream or not self._busy):
                if kind == DATA:  # of a call that is over: it takes window all the same
                    self._take(size)
            elif self._block is not None and kind != CONTINUATION:
                return self._wrong("headers were not ended")
            else:
                outcome = self._frame(kind, flags, data[at + 9 : after]) or outcome
                if outcome == PROTOCOL:
                    return outcome
            at = after
        self._rest = data[at:]
        return outcome

    def _is_greeting(self, data: bytes) -> bool:
        """Whether the first frame is one of settings, as far as it has come."""
        if len(data) < 9:
            return data[:1] in (b"", b"\0") and (len(data) < 4 or data[3] == SETTINGS)
        self._greeted = data[3] == SETTINGS and not data[4] & ACK and data[5:9] == b"\0\0\0\0"
        return self._greeted

    def _frame(self, kind: int, flags: int, payload: bytes) -> int:
        if kind in (DATA, HEADERS) and flags & (PADDED | PRIORITY):
            skip = (1 if flags & PADDED else 0) + (5 if kind == HEADERS and flags & PRIORITY else 0)
            pad = payload[0] if flags & PADDED and payload else 0
            if kind == DATA:
                self._take(pad + skip)
            if skip + pad > len(payload):
                return self._wrong("a frame with more padding than bytes")
            payload = payload[skip : len(payload) - pad]
        if kind == DATA:
            self._take(len(payload))
            if self._size < 5:
                self._start = (self._start + payload[:5])[:5]
            self._size += len(payload)
            if self.body is not None and len(self.body) < self.body_limit:
                self.body += payload
            return self._ended(Headers(None, None, "")) if flags & END_STREAM else 0
        if kind in (HEADERS, CONTINUATION):
            if kind == CONTINUATION:
                if self._block is None or len(self._block) > HEADERS_BYTES:
                    return self._wrong("headers that go on without end or beginning")
                payload = self._block + payload
            else:
                self._block_ends = bool(flags & END_STREAM)
            if not flags & END_HEADERS:
                self._block = payload
                return 0
            self._block = None
            return self._headers(payload)
        if kind == SETTINGS:
            return 0 if flags & ACK else self._settings(payload)
        if kind == PING and not flags & ACK:
            self.pending += frame(PING, ACK, 0, payload)
        elif kind == RST_STREAM:
            return self._reset(payload)
        elif kind == GOAWAY:
            return self._goes_away(payload)
        return 0

    def _take(self, size: int) -> None:
        """So many bytes of the connection's window are used."""
        self._taken += size
        if self._taken >= WINDOW_STEP:
            self.pending += frame(WINDOW_UPDATE, 0, 0, _U32.pack(self._taken))
            self._taken = 0

    def _headers(self, block: bytes) -> int:
        try:
            headers = _blocks.get(block) or _read_block(block)
        except (HPACKError, ValueError) as error:
            return self._wrong(f"headers that cannot be read ({error})")
        if headers.status is not None and headers.status >= 200:
            self._status = headers.status
        return self._ended(headers) if self._block_ends else 0

    def _ended(self, headers: Headers) -> int:
        """The stream has ended with these trailers: the call's outcome."""
        outcome = self._outcome(headers)
        self._busy = False
        return outcome

    def _outcome(self, headers: Headers) -> int:
        if self._left:  # answered before it had all of the message: the rest is not sent
            self._left = memoryview(b"")
            self.keep = False
        code = self.code = headers.code
        if code is None:
            if self._status is not None and self._status != 200 and self._status < 600:
                self._errors.setdefault(self._status, "an answer of HTTP without a status of gRPC")
                return self._status
            return self._wrong("an answer without a status of gRPC")
        if code != 0:
            outcome = STATUS_OF_CODE[code] if 0 < code < len(CODES) else 500
            name = CODES[code] if 0 < code < len(CODES) else f"status {code}"
            self._errors.setdefault(outcome, f"{name}: {headers.message}" if headers.message else name)
            return outcome
        if len(self._start) < 5 or self._size != 5 + _U32.unpack_from(self._start, 1)[0]:
            return self._wrong("the status OK without one whole message")
        return 200

    def _settings(self, payload: bytes) -> int:
        if len(payload) % 6:
            return self._wrong("settings of a wrong length")
        for at in range(0, len(payload), 6):
            name, value = struct.unpack_from(">HI", payload, at)
            if name == 4:  # INITIAL_WINDOW_SIZE
                self._stream_window += value - self._initial_window
                self._initial_window = value
        self.pending += frame(SETTINGS, ACK, 0) + self._more()
        return 0

    def _more_window(self, stream: int, payload: bytes) -> None:
        size = _U32.unpack(payload)[0] & LARGEST_WINDOW if len(payload) == 4 else 0
        if not stream:
            self._window += size
        elif stream == self._stream:
            self._stream_window += size
        if self._left:
            self.pending += self._more()

    def _reset(self, payload: bytes) -> int:
        self._busy = False
        self._left = memoryview(b"")
        code = _U32.unpack(payload)[0] if len(payload) == 4 else 0
        outcome = {REFUSED_STREAM: 503, ENHANCE_YOUR_CALM: 429}.get(code, RESET)
        self._errors.setdefault(outcome, f"the call's stream was reset (RST_STREAM {code})")
        return outcome

    def _goes_away(self, payload: bytes) -> int:
        self.keep = False
        last = _U32.unpack_from(payload)[0] & LARGEST_WINDOW if len(payload) >= 8 else 0
        if self._busy and self._stream > last:
            self._busy = False
            said = payload[8:68].decode("latin-1")
            self._errors.setdefault(
                RESET, f"the server ended the connection (GOAWAY {said})".replace(" )", ")")
            )
            return RESET
        return 0

    def at_end(self) -> int:
        """The peer closed the connection under a call."""
        if self._status is None:
            self._errors.setdefault(RESET, "the connection was closed without an answer")
            return RESET
        self._errors.setdefault(PROTOCOL, "the connection was closed in the middle of an answer")
        return PROTOCOL

    def _wrong(self, why: str) -> int:
        """The peer broke the protocol: nothing more is read from the connection."""
        self.keep = False
        was_busy, self._busy = self._busy, False
        self._rest = b""
        self._errors.setdefault(PROTOCOL, why)
        return PROTOCOL if was_busy else 0
