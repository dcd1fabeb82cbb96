"""Frames of HTTP/2 (RFC 9113) and the headers of unary gRPC calls, as bytes.

A request's header block is the same bytes every time: it refers to the static table of HPACK (RFC 7541) and
puts nothing into the dynamic one. For answers the table is set to size 0, so that a block of headers means
the same whenever it comes: what was read once is remembered by its bytes.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from urllib.parse import unquote

from hpack import Decoder

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
U32 = struct.Struct(">I")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame of HTTP/2."""
    return U32.pack(len(payload) << 8 | kind) + bytes((flags,)) + U32.pack(stream) + payload


PREFACE = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + frame(SETTINGS, 0, 0, struct.pack(">HIHIHI", 1, 0, 2, 0, 4, LARGEST_WINDOW))
    + frame(WINDOW_UPDATE, 0, 0, U32.pack(LARGEST_WINDOW - WINDOW))
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
    return U32.pack(len(block)) + block + b"\0" + U32.pack(len(message)) + message


class Headers(NamedTuple):
    """What a block of headers or trailers says of the call; None where it does not."""

    status: int | None
    code: int | None
    message: str


_blocks: dict[bytes, Headers] = {}


def read_headers(block: bytes) -> Headers:
    """What a block says, remembered by its bytes.

    Raises `HPACKError` or `ValueError` for what is no block of headers without a dynamic table.
    """
    return _blocks.get(block) or _read_block(block)


def _read_block(block: bytes) -> Headers:
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
