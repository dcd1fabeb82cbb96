"""Reads the answers that the loop's short cut does not take: in pieces, chunked, held against a pattern."""

from __future__ import annotations

import re

from probes.load.answer import BODY_KEPT_BYTES, AnswerParser, parse_head
from probes.load.connection import Conn
from probes.load.plan import ASSERTION, PROTOCOL, RESET, TLS, TlsError, Wire

HEADS_KEPT = 4_096
UNTIL_PARSED = -1
"""A connection's `need` while httptools reads its answer."""


class Reader:
    """Reads plain HTTP/1 answers for all connections; `heads` are the plain heads that were seen, parsed."""

    def __init__(self, wire: Wire, errors: dict[int, str]) -> None:
        self.head_only = wire.head_only
        self.expect_body = wire.expect_body
        self.expect = re.compile(wire.expect_body.encode()) if wire.expect_body is not None else None
        self.heads: dict[bytes, tuple[int, int, bool]] = {}
        self.errors = errors

    def read_on(self, conn: Conn, data: bytes) -> int:
        """Takes the next bytes of an answer; its outcome when it is complete, 0 while bytes are missing."""
        if conn.need > 0:
            conn.need -= len(data)
            if conn.body is not None and len(conn.body) < BODY_KEPT_BYTES:
                conn.body += data
            return 0 if conn.need > 0 else self.whole(conn)
        if conn.need == 0:
            if conn.out is not None:  # answered before the request was sent whole: do not reuse
                conn.close_after = True
            end = data.find(b"\r\n\r\n")
            if conn.parser is None and end >= 0:
                plain = self.heads.get(data[:end]) or self.remember(data[:end])
                if plain is not None:
                    conn.status, length, keep_alive = plain
                    conn.close_after = conn.close_after or not keep_alive
                    if self.head_only:
                        length = 0
                    if self.expect is not None:
                        conn.body = bytearray(data[end + 4 :])
                    conn.need = length - (len(data) - end - 4)
                    return 0 if conn.need > 0 else self.whole(conn)
            conn.body = bytearray() if self.expect is not None else None
            conn.parser = AnswerParser(conn.body)
            conn.need = UNTIL_PARSED
        parser = conn.parser
        assert parser is not None
        try:
            parser.parser.feed_data(data)
        except (parser.error, parser.upgrade) as error:
            self.errors.setdefault(PROTOCOL, f"not a valid HTTP answer ({error}): {data[:60]!r}")
            return PROTOCOL
        if parser.extra:
            return self.too_long()
        if parser.done or (self.head_only and parser.headed and parser.status >= 200):
            conn.status = parser.status
            conn.close_after = conn.close_after or not parser.keep_alive or self.head_only
            return conn.status
        return 0

    def seen_before(self, data: bytes) -> tuple[int, bytes] | None:
        """The status and the head (with the empty line) of what is one whole answer with a head that was read
        before and that keeps the connection; None of all else."""
        end = data.find(b"\r\n\r\n")
        plain = self.heads.get(data[:end]) if end >= 0 else None
        if plain is None or not plain[2] or len(data) != end + 4 + plain[1]:
            return None
        return plain[0], data[: end + 4]

    def whole(self, conn: Conn) -> int:
        """The outcome of an answer of known length that has come whole."""
        return self.too_long() if conn.need < 0 else conn.status

    def too_long(self) -> int:
        self.errors.setdefault(PROTOCOL, "more came than the answer's head announced")
        return PROTOCOL

    def remember(self, head: bytes) -> tuple[int, int, bool] | None:
        plain = parse_head(head)
        if plain is not None:
            if len(self.heads) >= HEADS_KEPT:
                self.heads.clear()
            self.heads[head] = plain
        return plain

    def at_end(self, conn: Conn) -> int:
        """The peer closed: the outcome of the request under way."""
        if conn.codec is not None:
            return conn.codec.at_end()
        parser = conn.parser
        if parser is not None and parser.ends_at_close:
            conn.status = parser.status
            return parser.status
        if conn.need == 0 and parser is None:
            self.errors.setdefault(RESET, "the connection was closed without an answer")
            return RESET
        self.errors.setdefault(PROTOCOL, "the connection was closed in the middle of an answer")
        return PROTOCOL

    def at_error(self, conn: Conn, error: OSError) -> int:
        """The connection or its TLS session broke: the outcome of the request under way."""
        if conn.tls is None or isinstance(error, ConnectionError):
            outcome = RESET
        elif not isinstance(error, TlsError) or not error.truncated or (outcome := self.at_end(conn)) < 1_000:
            outcome = TLS  # without close_notify nobody knows whether an answer without a length is whole
        self.errors.setdefault(outcome, error.strerror or str(error))
        return outcome

    def judged(self, conn: Conn, outcome: int) -> int:
        """The outcome after the body was held against the expected pattern."""
        if conn.codec is not None:
            return outcome
        if self.expect is not None and 200 <= outcome < 600 and not self.expect.search(conn.body or b""):
            self.errors.setdefault(ASSERTION, f"an answer does not match {self.expect_body!r}")
            return ASSERTION
        return outcome
