"""What came back: an HTTP answer's head, and the full parser for answers that need it."""

from __future__ import annotations

import re

BODY_KEPT_BYTES = 1 << 20


class AnswerParser:
    """Reads one answer with httptools; complete when `done`. Interim (1xx) answers are passed over.

    An answer that is not `framed` (by a length or by chunks) ends where the connection does.
    """

    def __init__(self, body: bytearray | None) -> None:
        import httptools

        self.error = httptools.HttpParserError
        self.upgrade = httptools.HttpParserUpgrade
        self.body = body
        self.done = False
        self.extra = False
        self.headed = False
        self.framed = False
        self.keep_alive = False
        self.status = 0
        self.reason = b""
        self.parser = httptools.HttpResponseParser(self)

    def on_message_begin(self) -> None:
        if self.done:
            self.extra = True
        else:
            self.reason = b""

    def on_status(self, part: bytes) -> None:
        self.reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length" or (name == b"transfer-encoding" and b"chunked" in value.lower()):
            self.framed = True

    def on_headers_complete(self) -> None:
        self.headed = True
        if not self.done:
            self.status = self.parser.get_status_code()
            self.keep_alive = self.parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        if self.body is not None and len(self.body) < BODY_KEPT_BYTES:
            self.body += part

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self.done = True

    @property
    def ends_at_close(self) -> bool:
        """Whether the answer is complete when the connection closes now."""
        return self.headed and self.status >= 200 and not self.framed


def parse_head(head: bytes) -> tuple[int, int, bool] | None:
    """(status, body length, keep alive) of an answer's head, or None where it needs the full parser.

    `head` ends before the empty line. Only what is plain is taken: HTTP/1.1 or 1.0, one Content-Length of
    digits, no Transfer-Encoding, no interim answer.
    """
    lines = head.split(b"\r\n")
    first = lines[0]
    if not re.fullmatch(rb"HTTP/1\.[01] [2-5]\d\d(?: [^\r\n]*)?", first):
        return None
    status = int(first[9:12])
    connection: list[bytes] = []
    length = -1
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or name != name.strip():
            return None
        if name == b"content-length":
            value = value.strip(b" \t")
            if length >= 0 or not re.fullmatch(rb"[0-9]{1,15}", value):
                return None
            length = int(value)
        elif name in (b"transfer-encoding", b"upgrade"):
            return None
        elif name == b"connection":
            connection += [token.strip().lower() for token in value.split(b",")]
    if status in (204, 304):
        length = 0
    keep_alive = b"close" not in connection and (first[7:8] == b"1" or b"keep-alive" in connection)
    return None if length < 0 else (status, length, keep_alive)
