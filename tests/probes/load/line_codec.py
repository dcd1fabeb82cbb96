"""The client's side of the protocol of `test_codec`, imported by load processes."""

from __future__ import annotations

from probes.load.codec import Notes
from probes.load.plan import EMPTY, PROTOCOL, RESET, Wire


class Codec:
    """The client's side."""

    def __init__(self, wire: Wire, notes: Notes) -> None:
        self.notes = notes
        self.pending, self.keep = b"hello\n", True
        self.row, self.parts, self.left, self.last = -1, 0, b"", 0

    def begin(self, row: int, request: bytes) -> bytes:
        self.row, self.parts, self.last = row, 0, 0
        return request

    def feed(self, data: bytes, stamp: int, t: int) -> int:
        *lines, self.left = (self.left + data).split(b"\n")
        outcome = 0
        for line in lines:
            if line == b"ping":
                self.pending += b"pong\n"
            elif line == b".":
                self.notes.columns[0][self.row] = self.parts
                outcome = 200 if self.parts else EMPTY
            elif line.startswith(b"part "):
                self.notes.log(self.row, t - self.last if self.last else 0)
                self.parts, self.last = self.parts + 1, t
                self.notes.columns[1][self.row] = t
            else:
                self.keep = False
                self.notes.errors.setdefault(PROTOCOL, f"not a line of this protocol: {line!r}")
                outcome = PROTOCOL
        return outcome

    def at_end(self) -> int:
        return RESET
