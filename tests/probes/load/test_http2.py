"""The codec of gRPC over HTTP/2, byte by byte, without a server."""

from __future__ import annotations

import struct

import pytest

pytest.importorskip("hpack", reason="the extra grpc is not installed")

from probes.load.codec import Notes
from probes.load.http2 import Codec
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
    WINDOW_STEP,
    WINDOW_UPDATE,
    encoded_request,
    frame,
    header_block,
)
from probes.load.plan import PROTOCOL, RESET, Wire

WIRE = Wire(2, ("127.0.0.1", 1), (), 1)
BLOCK = header_block("h:1", "/a.B/C", secure=False, agent="x")
OK_HEAD = bytes.fromhex("885f") + b"\x10application/grpc"  # :status 200, content-type
TRAILERS = b"\x00\x0bgrpc-status\x010"
HELLO = frame(SETTINGS, 0, 0)


def fed(codec: Codec, data: bytes) -> int:
    """The outcome of the one call that ends with what came, 0 where none does."""
    ended = codec.feed(data, 0, 0)
    assert len(ended) <= 1
    return ended[0][1] if ended else 0


@pytest.fixture
def errors() -> dict[int, str]:
    return {}


@pytest.fixture
def codec(errors: dict[int, str]) -> Codec:
    """Greeted, with a call of one byte under way."""
    codec = Codec(WIRE, Notes(errors))
    codec.begin(0, encoded_request(BLOCK, b"m"))
    assert fed(codec, HELLO) == 0
    codec.pending = b""
    return codec


def answer(stream: int, message: bytes = b"ok") -> bytes:
    framed = b"\0" + struct.pack(">I", len(message)) + message
    return (
        frame(HEADERS, END_HEADERS, stream, OK_HEAD)
        + frame(DATA, 0, stream, framed)
        + frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)
    )


def test_the_headers_are_what_a_library_reads_out_of_them() -> None:
    from hpack import Decoder

    assert Decoder().decode(header_block("h:1", "/a.B/" + "C" * 300, secure=True, agent="x")) == [
        (":method", "POST"), (":scheme", "https"), (":path", "/a.B/" + "C" * 300), (":authority", "h:1"),
        ("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", "x"),
    ]  # fmt: skip


def test_an_answer_is_the_same_however_it_is_cut(errors: dict[int, str]) -> None:
    for size in (1, 2, 7, 1_000):
        codec = Codec(WIRE, Notes(errors))
        codec.begin(0, encoded_request(BLOCK, b"m"))
        told = HELLO + answer(1)
        outcomes = [fed(codec, told[at : at + size]) for at in range(0, len(told), size)]
        assert outcomes[-1] == 200 and not any(outcomes[:-1]), size
    assert errors == {}


def test_streams_are_numbered_by_odd_numbers(codec: Codec) -> None:
    assert fed(codec, answer(1)) == 200
    sent = codec.begin(1, encoded_request(BLOCK, b"m"))
    assert struct.unpack_from(">I", sent, 5)[0] == 3
    assert fed(codec, answer(3)) == 200
    assert codec.keep


def test_an_answer_like_the_one_before_is_still_held_against_its_stream(
    codec: Codec, errors: dict[int, str]
) -> None:
    """Another status, length or stream than that of the good ones before is told."""
    for stream in (1, 3, 5):
        assert fed(codec, answer(stream, b"%d" % stream)) == 200
        codec.begin(0, encoded_request(BLOCK, b"m"))
    assert fed(codec, answer(5)) == 0  # of the call before
    assert fed(codec, answer(7)[:-1]) == 0  # not whole yet
    assert fed(codec, answer(7)[-1:]) == 200
    codec.begin(0, encoded_request(BLOCK, b"m"))
    refused = answer(9).replace(TRAILERS, TRAILERS[:-1] + b"8")
    assert fed(codec, refused) == 429
    codec.begin(0, encoded_request(BLOCK, b"m"))
    wrong = answer(11).replace(b"\0\0\0\x02ok", b"\0\0\0\x03ok")
    assert fed(codec, wrong) == PROTOCOL


def test_window_that_comes_along_of_answers_counts_each_time(errors: dict[int, str]) -> None:
    """Each call takes 50 bytes and each answer gives 100: after ten the window has grown by 500."""
    codec = Codec(WIRE, Notes(errors))
    fed(codec, HELLO)
    request = encoded_request(BLOCK, b"m" * 45)
    begun = codec._window
    for k in range(10):
        codec.begin(k, request)
        more = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 100))
        assert fed(codec, answer(2 * k + 1, b"same") + more) == 200
    assert codec._window - begun == 10 * (100 - 50)


def test_no_more_is_sent_than_there_is_window_for(errors: dict[int, str]) -> None:
    codec = Codec(WIRE, Notes(errors))
    sent = codec.begin(0, encoded_request(BLOCK, b"m" * 99_995))

    def data_bytes(frames: bytes) -> int:
        at = total = 0
        while at < len(frames):
            size = struct.unpack_from(">I", frames, at)[0] >> 8
            total += size if frames[at + 3] == DATA else 0
            at += 9 + size
        return total

    start = sent.index(b"SM\r\n\r\n") + 6 if sent.startswith(b"PRI") else 0
    assert data_bytes(sent[start:]) == 65_535
    fed(codec, HELLO)
    codec.pending = b""
    fed(codec, frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1_000_000)))
    assert data_bytes(codec.pending) == 0  # the stream has none
    fed(codec, frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1_000_000)))
    assert data_bytes(codec.pending) == 100_000 - 65_535


def test_a_ping_is_answered_with_its_own_bytes(codec: Codec) -> None:
    assert fed(codec, frame(PING, 0, 0, b"12345678")) == 0
    assert codec.pending == frame(PING, 1, 0, b"12345678")


def test_window_is_given_back_in_large_steps(codec: Codec) -> None:
    frames = WINDOW_STEP // 16_384
    one = frame(DATA, 0, 1, bytes(16_384))
    for _ in range(frames - 1):
        fed(codec, one)
    assert codec.pending == b""
    fed(codec, one)
    assert codec.pending == frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", frames * 16_384))


@pytest.mark.parametrize(
    ("told", "outcome", "keep"),
    [
        (frame(RST_STREAM, 0, 1, struct.pack(">I", 2)), RESET, True),
        (frame(RST_STREAM, 0, 1, struct.pack(">I", 7)), 503, True),
        (frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)), RESET, False),
        (frame(GOAWAY, 0, 0, struct.pack(">II", 1, 0)) + answer(1), 200, False),
        (frame(HEADERS, END_HEADERS | END_STREAM, 1, OK_HEAD + b"\x00\x0bgrpc-status\x018"), 429, True),
        (frame(HEADERS, END_HEADERS | END_STREAM, 1, OK_HEAD + TRAILERS), PROTOCOL, False),  # no message
        (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x8d"), 404, True),  # :status 404, no gRPC
        (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x88"), PROTOCOL, False),
        (frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"), PROTOCOL, False),
        (frame(HEADERS, 0, 1, OK_HEAD) + frame(PING, 0, 0, bytes(8)), PROTOCOL, False),
        (frame(DATA, 0, 1, bytes(16_385)), PROTOCOL, False),
    ],
)
def test_endings_are_told_apart(
    told: bytes, outcome: int, keep: bool, codec: Codec, errors: dict[int, str]
) -> None:
    assert fed(codec, told) == outcome
    assert codec.keep is keep
    assert outcome == 200 or errors[outcome]


def test_headers_without_end_are_cut_off(codec: Codec) -> None:
    outcome = fed(codec, frame(HEADERS, 0, 1, bytes(16_384)))
    for _ in range(10):
        outcome = outcome or fed(codec, frame(CONTINUATION, 0, 1, bytes(16_384)))
    assert outcome == PROTOCOL


def test_what_speaks_no_http2_is_quoted(errors: dict[int, str]) -> None:
    codec = Codec(WIRE, Notes(errors))
    codec.begin(0, encoded_request(BLOCK, b"m"))
    assert fed(codec, b"HTTP/1.1 400 Bad Request\r\n") == PROTOCOL
    assert "HTTP/1.1 400" in errors[PROTOCOL]
