"""What a shard of load is given and what it gives back: plain values, and the layout of the shared columns.

A shard's requests live in columns of int64 in memory that coordinator and worker share, one row a request:

    DUE     when it ought to be sent
    SENT    when the worker began to send it (0 = not sent)
    RECV    when the kernel received the last byte of the answer (0 = no stamp)
    READ    when the worker read that byte (0 = not finished); written last
    STATUS  the HTTP status, or one of the outcomes below; plus, when it waited for a connection, `WAITED` and
            from `DELAY_SHIFT` on how long (µs) after it was due the worker noticed it

All times are nanoseconds of the monotonic clock. Before the columns lies a header of int64 words, a block of
`SHARD_WORDS` a shard. Of n shards number j works on the rows j, j + n, j + 2n, …: what they have done
together needs no merging.

A protocol that is no plain HTTP may ask for more columns of its own (`Wire.extra_columns`); they follow the
five. After them each shard has a log of `Wire.log_entries` entries of two words, the number of a row and a
value, for what a request may have any number of.
This module is imported by the worker: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

COLUMNS = ("due", "sent", "recv", "read", "status")
INSTANCE = "instance"
"""The column that says which of several instances a request went to, by its index."""
SHARD_WORDS = 64
MOST_SHARDS = 64
HEADER_WORDS = SHARD_WORDS * MOST_SHARDS

# words of a shard's block of the header
STOP = 0
"""Written by the coordinator: 0 go on, `STOP_ISSUING` or `STOP_NOW`."""
SENT_COUNT = 1
COMPLETE_TO = 2
"""All rows before this one are finished.

Written after `HEARTBEAT`, and that after `SENT_COUNT`: whoever reads them the other way round finds every
answer that was read by the heartbeat in the rows from this one to the last sent.
"""
SCHEDULED = 3
OPEN_CONNECTIONS = 4
HEARTBEAT = 5
REFUSED = 6
"""Connection attempts that failed."""
CPU_NS = 7
LOG_COUNT = 8
"""Entries of the shard's log that are written."""
LOG_LOST = 9
"""Entries for which the log had no room."""

STOP_ISSUING = 1
STOP_NOW = 2

# outcomes that are no HTTP status
TIMEOUT = 1001
CANCELLED = 1002
CONNECT = 1003
RESET = 1004
PROTOCOL = 1005
ASSERTION = 1006
NO_PORTS = 1007
"""No connection because this machine ran out of ports or descriptors: the client's fault."""
EMPTY = 1008
"""A complete answer, of a protocol that wants something in it, with nothing in it."""
TLS = 1009
"""The TLS handshake failed or was not finished in time, or the session broke."""
STREAM_ERROR = 1100
"""A stream that began well and then said that something went wrong."""
ERROR_OF_OUTCOME = {
    CONNECT: "connect",
    NO_PORTS: "connect",
    RESET: "reset",
    PROTOCOL: "protocol",
    ASSERTION: "assertion",
    EMPTY: "empty",
    TLS: "tls",
    STREAM_ERROR: "status_5xx",
}
"""The class of errors of every outcome that is one. A codec that needs an outcome of its own (1100 and on)
gives it a class here."""

WAITED = 1 << 16
OUTCOME = WAITED - 1
"""Mask: the outcome without flags."""
DELAY_SHIFT = 17


def region_bytes(capacity: int, extra: int = 0, log_words: int = 0) -> int:
    """Size of the shared memory for that many requests, `extra` more columns and all logs together."""
    return 8 * (HEADER_WORDS + (len(COLUMNS) + extra) * capacity + log_words)


@dataclass(frozen=True)
class Tls:
    """How to secure a connection: the `name` that the certificate must hold, and whose word counts for it.

    By default the system's store; `ca` names a file of certificates instead. `insecure` checks nothing.
    `alpn` are the protocols offered.
    """

    name: str
    ca: str | None = None
    insecure: bool = False
    alpn: tuple[str, ...] = ("http/1.1",)


class TlsError(OSError):
    """The handshake failed or the session broke; `strerror` says why in one sentence.

    `truncated` when the connection ended without the end of the session.
    """

    def __init__(self, why: str, *, truncated: bool = False) -> None:
        super().__init__(0, why)
        self.truncated = truncated


@dataclass(frozen=True)
class Wire:
    """How to talk to the target: where, and the encoded requests that are sent in turn.

    With a `protocol` other than "http" each connection has a codec (`probes.load.codec`), which may write
    the columns `extra_columns` and a log of `log_entries` a shard. With `streams` a connection carries up to
    that many requests at once; 0 = its protocol knows one at a time. `others` are further instances of the
    same service, which share the load (`probes.load.balance`); all get the same bytes.
    """

    family: int
    address: tuple[str, int]
    requests: tuple[bytes, ...]
    timeout_ns: int
    head_only: bool = False
    expect_body: str | None = None
    protocol: str = "http"
    tls: Tls | None = None
    extra_columns: tuple[str, ...] = ()
    log_entries: int = 0
    streams: int = 0
    others: tuple[tuple[str, int], ...] = ()

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Of all instances, by their index."""
        return (self.address, *self.others)

    def spread_over(self, others: tuple[tuple[str, int], ...]) -> Wire:
        """The wire for several instances, with a column that says which a request went to."""
        if not others:
            return self
        return replace(self, others=others, extra_columns=(*self.extra_columns, INSTANCE))


@dataclass(frozen=True)
class Segment:
    """One stretch of load for one shard.

    Open loop (`concurrency` 0): `scheduled` rows of DUE are filled beforehand. Closed loop: the worker fills
    DUE itself, up to `end_ns`. `drain_ns` is how long unfinished requests are waited for after the last
    one was due; then they are cancelled. The rows are those of `shard` among `shards`; `scheduled`,
    `concurrency` and connections are this shard's own, `capacity` is of all rows.

    In a closed loop with `think_ns` each caller pauses between an answer and its next request: for that long
    when `think_constant`, else for exponential times of that mean. `seed` is of these pauses.

    Of the requests of the `Wire` those of `requests`, (first, end), are sent in turn; by default all. Of
    several instances those of `only` get load, by their index; by default all.
    """

    path: str
    capacity: int
    scheduled: int
    start_ns: int
    end_ns: int
    drain_ns: int
    concurrency: int = 0
    preopen: int = 1
    max_connections: int = 512
    shard: int = 0
    shards: int = 1
    think_ns: int = 0
    think_constant: bool = False
    seed: int = 0
    requests: tuple[int, int] | None = None
    only: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ShardReport:
    """What a worker says of itself after a segment, or several together; the requests stand in the columns.

    `pauses` callers paused for `paused_ns` in all after an answer. Of several workers `wall_s` and `ended_ns`
    are those of the last, `busiest_cores` is the CPU of the busiest, and everything else is their sum; `lost`
    tells of workers that ended before their time. `by_instance` is how many requests each of several
    instances was sent. `wakeups`, `connections_opened` and `bytes_read` are None where they are not known, as
    of sockets that are not the worker's own.
    """

    scheduled: int
    sent: int
    ended_ns: int
    cpu_s: float
    run_queue_s: float | None
    wall_s: float
    wakeups: int | None
    connections_opened: int | None
    bytes_read: int | None
    failure: str | None = None
    first_errors: dict[int, str] = field(default_factory=dict)
    pauses: int = 0
    paused_ns: int = 0
    busiest_cores: float | None = None
    lost: tuple[str, ...] = ()
    by_instance: tuple[int, ...] = ()
