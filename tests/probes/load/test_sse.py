"""Server-sent events however they are cut, and what the codec notes of a streamed answer."""

from __future__ import annotations

import json
import socket
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.codec import Notes
from probes.load.plan import EMPTY, PROTOCOL, SHARD_WORDS, STREAM_ERROR, Wire
from probes.load.sse import COLUMNS, Codec, Events

TEXTS = ["Hello", " wörld", "\n", 'a "quote"', "\\", "{", "data: x", "✓" * 3]


def event(text: str, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return (
        b"data: "
        + json.dumps({"id": "1", "choices": [choice], **more}, ensure_ascii=False).encode()
        + b"\n\n"
    )


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(
    st.lists(
        st.lists(st.sampled_from(["x", "yy", "ü", ": not a comment"]), min_size=1, max_size=3), max_size=6
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.booleans(),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_any_cut_gives_the_same_events(
    events: list[list[str]], end: bytes, bom: bool, cuts: list[int]
) -> None:
    """Several data lines of one event are joined by line feeds; comments and other fields say nothing."""
    stream = b"\xef\xbb\xbf" if bom else b""
    for lines in events:
        stream += b": ping" + end + b"event: message" + end
        stream += b"".join(b"data: " + line.encode() + end for line in lines) + end
    found: list[bytes] = []
    reader = Events()
    for piece in pieces(stream, cuts):
        found += reader.take(piece)
    found += reader.take(b"\n") if end == b"\r" else []  # a lone return waits for what follows it
    assert found == ["\n".join(lines).encode() for lines in events]


def test_an_event_without_an_end_is_not_kept_for_ever() -> None:
    reader = Events()
    with pytest.raises(ValueError, match="does not end within a MiB"):
        for _ in range(2_000):
            reader.take(b"x" * 1_000)


class Noted:
    """A codec with memory for ten requests and ten gaps."""

    def __init__(self) -> None:
        self.errors: dict[int, str] = {}
        notes = Notes(self.errors)
        self.header = memoryview(bytearray(8 * SHARD_WORDS)).cast("q")
        self.columns = [memoryview(bytearray(80)).cast("q") for _ in COLUMNS]
        self.log = memoryview(bytearray(160)).cast("q")
        notes.use(self.header, self.columns, self.log, 0, 1)
        self.codec = Codec(Wire(socket.AF_INET, ("127.0.0.1", 1), (b"",), 1), notes)

    def row(self, row: int = 0) -> dict[str, int]:
        return {name: column[row] for name, column in zip(COLUMNS, self.columns, strict=True)}

    def gaps(self) -> list[tuple[int, int]]:
        pairs = [(self.log[2 * n], self.log[2 * n + 1]) for n in range(10)]
        return [pair for pair in pairs if pair[1]]

    def feed(self, *parts: bytes, first_stamp: int = 1_000) -> int:
        outcome = 0
        for number, part in enumerate(parts):
            assert not outcome, "it had ended"
            outcome = self.codec.feed(part, first_stamp + 100 * number, 10**9)
        return outcome


def head(more: bytes = b"Transfer-Encoding: chunked\r\n", kind: bytes = b"text/event-stream") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + more + b"\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


DONE = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
USAGE = chunk(b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 7}}\n\n')


def test_stamps_gaps_and_counts_of_an_answer() -> None:
    """Reads at 1000, 1100, …: the first word at 1100, the next at 1200, two together at 1300."""
    noted = Noted()
    assert noted.codec.begin(3, b"request") == b"request"
    role = chunk(b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n')
    outcome = noted.feed(
        head() + role, chunk(event("a")), chunk(event("b")), chunk(event("c") + event("d")), USAGE + DONE
    )
    assert (outcome, noted.codec.keep) == (200, True)
    assert noted.row(3) == {"first": 1_100, "last": 1_300, "texts": 4, "merged": 1, "tokens": 8, "done": 1}
    assert noted.gaps() == [(3, 100), (3, 100)]
    noted.codec.begin(4, b"request")
    assert noted.feed(head(), chunk(event("z")) + b"0\r\n\r\n") == 200
    assert noted.row(4) == {"first": 1_100, "last": 1_100, "texts": 1, "merged": 0, "tokens": 0, "done": 0}


@given(st.lists(st.sampled_from([*TEXTS, ""]), max_size=8), st.lists(st.integers(0, 100_000), max_size=12))
def test_every_event_with_text_counts_once_however_it_is_cut(texts: list[str], cuts: list[int]) -> None:
    """The short cut for events like the last must not see text where there is none, nor overlook any."""
    noted = Noted()
    noted.codec.begin(0, b"")
    stream = head() + b"".join(chunk(event(text)) for text in texts) + chunk(event("", "stop")) + USAGE + DONE
    outcome = 0
    for piece in pieces(stream, cuts):
        if piece:
            outcome = outcome or noted.codec.feed(piece, 5, 5)
    said = sum(bool(text) for text in texts)
    assert outcome == (200 if said else EMPTY)
    assert noted.row()["texts"] == said
    assert noted.row()["tokens"] == 8


@pytest.mark.parametrize(
    ("delta", "counts"),
    [
        ({"content": "x"}, True),
        ({"content": None, "reasoning_content": "hm"}, True),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}, True),
        ({"refusal": "no"}, True),
        ({"role": "assistant", "content": None}, False),
        ({}, False),
    ],
)
def test_what_counts_as_text(delta: dict[str, Any], counts: bool) -> None:
    noted = Noted()
    noted.codec.begin(0, b"")
    data = b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"
    assert noted.feed(head() + chunk(data) + DONE) == (200 if counts else EMPTY)


@pytest.mark.parametrize(
    ("parts", "outcome", "said"),
    [
        ([head(), DONE], EMPTY, "without any text"),
        (
            [head(), chunk(event("a")), chunk(b'data: {"error": {"message": "oom"}}\n\n') + DONE],
            STREAM_ERROR,
            "oom",
        ),
        ([head(), chunk(b"data: {oops\n\n")], PROTOCOL, "is no JSON"),
        ([head(), chunk(b"data: [1]\n\n")], PROTOCOL, "is no JSON object"),
        ([head(b"Content-Length: 2\r\n", b"application/json") + b"{}"], PROTOCOL, "answered whole"),
        ([b"SSH-2.0-OpenSSH\r\n"], PROTOCOL, "not a valid HTTP answer"),
        ([b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"], 503, None),
        ([b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"], 429, None),
    ],
)
def test_answers_that_are_none(parts: list[bytes], outcome: int, said: str | None) -> None:
    noted = Noted()
    noted.codec.begin(0, b"")
    assert noted.feed(*parts) == outcome
    assert said is None or said in noted.errors[outcome]


def test_a_stream_that_is_cut_is_no_answer_and_one_without_length_ends_with_its_last_word() -> None:
    cut = Noted()
    cut.codec.begin(0, b"")
    assert cut.feed(head(), chunk(event("a"))) == 0
    assert cut.codec.at_end() == PROTOCOL
    assert "in the middle" in cut.errors[PROTOCOL]
    bare = Noted()
    bare.codec.begin(0, b"")
    assert bare.feed(head(b"Connection: close\r\n"), event("a"), b"data: [DONE]\n\n") == 0
    assert (bare.codec.at_end(), bare.codec.keep) == (200, False)
    unknown = Noted()
    unknown.codec.begin(0, b"")
    assert unknown.feed(head(b"Connection: close\r\n"), event("a")) == 0
    assert unknown.codec.at_end() == PROTOCOL


def test_what_nobody_asked_for_ends_the_connection() -> None:
    noted = Noted()
    assert noted.codec.feed(b"HTTP/1.1 200 OK\r\n\r\n", 1, 1) == 0
    assert not noted.codec.keep
