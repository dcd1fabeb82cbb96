"""Protocols other than plain HTTP/1 under load: what a codec is, and where the loop finds the one asked for.

A connection whose `Wire.protocol` is not "http" has a codec: it makes the bytes of a request, reads the bytes
of its answer, and writes what it learns beside the five columns. The loop does everything else: due times,
connections, sending, stamps, time-outs. A connection carries one request at a time, or with
`Wire.streams` up to that many (`ManyCodec`).

Imported by the worker: a codec's module uses the standard library and httptools only.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from probes.load.plan import LOG_COUNT, LOG_LOST, Wire

CODECS: dict[str, str] = {}
"""`Wire.protocol` → the module that defines its codec as a class `Codec`. What is not in here is the name of
such a module itself."""


class Notes:
    """Where the codecs of a worker write, one for all of them; the loop gives it a segment's memory.

    `columns` are the shard's part of `Wire.extra_columns`, in that order, indexed by the row a codec was
    given. `errors` keeps the first reason for each outcome: `errors.setdefault(outcome, "one sentence")`.
    """

    def __init__(self, errors: dict[int, str]) -> None:
        self.errors = errors
        self.columns: list[memoryview] = []
        self._log = memoryview(b"").cast("q")
        self._header = memoryview(b"").cast("q")
        self._count = self._room = 0
        self._shard, self._shards = 0, 1

    def use(
        self, header: memoryview, columns: list[memoryview], log: memoryview, shard: int, shards: int
    ) -> None:
        """From now on a segment's memory."""
        self.columns = columns
        self._log, self._header = log, header
        self._count, self._room = 0, len(log) // 2
        self._shard, self._shards = shard, shards

    def log(self, row: int, value: int) -> None:
        """Appends a value of a request's row to the log, or counts that there was no room for it."""
        n = self._count
        if n < self._room:
            self._log[2 * n] = row * self._shards + self._shard
            self._log[2 * n + 1] = value
            self._header[LOG_COUNT] = self._count = n + 1
        else:
            self._header[LOG_LOST] += 1


class Codec(Protocol):
    """One connection's protocol; made when the connection is up (and its TLS handshake is done)."""

    pending: bytes
    """What is to be sent beside requests: a preface, an acknowledgement, more window. The loop sends it when
    the connection is up and after every `feed`, and empties it. `begin` may send it along itself."""

    keep: bool
    """Whether the connection can carry another request; asked when an answer is complete and, of a
    connection without a request, after every `feed`."""

    def __init__(self, wire: Wire, notes: Notes) -> None: ...

    def begin(self, row: int, request: bytes) -> bytes:
        """The bytes to send for the request (one of `Wire.requests`) of that row."""
        ...

    def feed(self, data: bytes, stamp: int, t: int) -> int:
        """Takes what came: 0 while the answer is not complete, then its outcome.

        An outcome is an HTTP status, or one that `plan.ERROR_OF_OUTCOME` gives a class of errors. The kernel
        received the bytes at `stamp` (0 = not known), they were read at `t`. Also called between requests;
        then 0 is returned.
        """
        ...

    def at_end(self) -> int:
        """The outcome of the request under way when the peer closed the connection."""
        ...


class ManyCodec(Protocol):
    """As `Codec`, of a connection that carries several requests at once."""

    pending: bytes
    keep: bool
    greeted: bool
    """Whether the peer has said how many it takes."""
    limit: int
    """How many the peer takes at once; it may change."""
    heard: int
    """When something came last."""
    rows: dict[bytes, int]
    """The rows of the requests under way, by what the protocol calls them."""

    def __init__(self, wire: Wire, notes: Notes) -> None: ...

    def begin(self, row: int, request: bytes) -> bytes: ...

    def feed(self, data: bytes, stamp: int, t: int) -> list[tuple[int, int]]:
        """Takes what came; row and outcome of each request that ended with it."""
        ...

    def cancel(self, row: int) -> None:
        """Gives a request up that took too long; what still comes of it is left aside."""
        ...

    def give_up(self, outcome: int) -> list[tuple[int, int]]:
        """Ends all requests under way with that outcome."""
        ...

    def at_end(self) -> list[tuple[int, int]]:
        """The peer closed the connection: row and outcome of each request under way."""
        ...


def codec_class(protocol: str) -> type[Codec]:
    """The codec of a protocol. Raises `ImportError` where there is none for it."""
    found: type[Codec] = import_module(CODECS.get(protocol, protocol)).Codec
    return found


def many_codec_class(protocol: str) -> type[ManyCodec]:
    """The codec of a protocol whose connections carry several requests. Raises as `codec_class` does."""
    found: type[ManyCodec] = import_module(CODECS.get(protocol, protocol)).Codec
    return found
