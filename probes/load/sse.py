"""Streamed chat completions over HTTP/1: server-sent events as they come, and what a request learns of them.

    head ── chunk ── chunk ── …        httptools takes HTTP's framing off
            data: {"choices": …}       `Events` finds whole events, however they are cut
            data: [DONE]               `Codec` counts those that carry text, with the stamp of their read

Several events with text in one read share one stamp: the first counts as having come then, the others as
*merged*, since nobody can say when they came. Between reads that brought text lie the gaps that are logged.
Standard library and httptools only: the load process imports this.
"""

from __future__ import annotations

import json
from typing import Any

import httptools

from probes.load.codec import Notes
from probes.load.plan import EMPTY, PROTOCOL, STREAM_ERROR, Wire

COLUMNS = ("first", "last", "texts", "merged", "tokens", "done")
"""Of each request: stamps (ns) of the first and the last read with text (0 = none), how many events with text
came and how many of them merged, the completion's tokens by the server's own count plus 1 (0 = it said
none), and whether `[DONE]` came. `first` is there as soon as it is known, the others at the answer's end."""
LONGEST_EVENT = 1 << 20
BODY_KEPT = 1 << 16
"""Bytes that are kept of an answer that is no stream."""


class Events:
    """Finds the data of whole events in pieces of a stream (WHATWG HTML, "Server-sent events")."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def take(self, part: bytes) -> list[bytes]:
        """The data of the events that this piece completes, in order. Raises `ValueError` when one does not
        end within a MiB."""
        if not self._begun:
            part = self._rest + part
            self._rest = b""
            if len(part) < 3 and b"\xef\xbb\xbf".startswith(part):
                self._rest = part
                return []
            self._begun = True
            part = part.removeprefix(b"\xef\xbb\xbf")
        if self._rest:
            part = self._rest + part
            self._rest = b""
        if b"\r" in part:
            part = self._plain(part)
        if not part.endswith(b"\n\n"):
            end = part.rfind(b"\n\n")
            if end < 0:
                self._keep(part)
                return []
            self._keep(part[end + 2 :])
            part = part[: end + 2]
        found = []
        for event in part[:-2].split(b"\n\n"):
            if event.startswith(b"data: ") and b"\n" not in event:
                found.append(event[6:])
            elif (data := data_of(event)) is not None:
                found.append(data)
        return found

    def _plain(self, part: bytes) -> bytes:
        """With line feeds alone; a carriage return at the very end waits for what follows it."""
        last = b""
        if part.endswith(b"\r"):
            part, last = part[:-1], b"\r"
        part = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not last:
            return part
        self._rest = last  # what is kept besides is put before it
        return part

    def _keep(self, part: bytes) -> None:
        self._rest = part + self._rest
        if len(self._rest) > LONGEST_EVENT:
            raise ValueError("an event of the stream does not end within a MiB")


def data_of(event: bytes) -> bytes | None:
    """The data of one event without its empty line; None where it has none, as a comment."""
    lines = []
    for line in event.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None


class Codec:
    """One connection's streamed answers, one after the other; see `probes.load.codec.Codec`."""

    def __init__(self, wire: Wire, notes: Notes) -> None:
        del wire
        self.notes = notes
        self.pending = b""
        self.keep = True
        self.row = -1
        self._fresh()

    def begin(self, row: int, request: bytes) -> bytes:
        self.row = row
        self._fresh()
        return request

    def _fresh(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._events = Events()
        self._body = bytearray()
        self._headed = self._framed = self._streamed = self._complete = self._keeps = False
        self._done, self._finished = False, False
        self._status, self._tokens = 0, 0
        self._texts, self._merged, self._last = 0, 0, 0
        self._failed: str | None = None
        self._around: tuple[bytes, bytes] = (b"", b"")
        self._first_of_read = True
        self._t = 0

    def feed(self, data: bytes, stamp: int, t: int) -> int:
        if self.row < 0:
            self.keep = False  # nobody asked
            return 0
        self._t = stamp or t
        self._first_of_read = True
        try:
            self._parser.feed_data(data)
        except ValueError as error:
            return self._end(PROTOCOL, str(error))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__  # what a callback raised comes wrapped
            if isinstance(cause, ValueError):
                return self._end(PROTOCOL, str(cause))
            return self._end(PROTOCOL, f"not a valid HTTP answer ({error}): {data[:60]!r}")
        return self._judged() if self._complete else 0

    def at_end(self) -> int:
        """Where nothing but the end of the connection ends an answer, its own last words must have come."""
        if self.row < 0:
            return 0
        if self._headed and not self._framed and (self._done or self._finished or not self._streamed):
            return self._judged()
        if not self._headed:
            return self._end(PROTOCOL, "the connection was closed without an answer")
        return self._end(PROTOCOL, "the connection was closed in the middle of an answer")

    # what httptools calls

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("more came than the answer's head announced")

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-type":
            self._streamed = value.lower().startswith(b"text/event-stream")
        elif name == b"content-length" or (name == b"transfer-encoding" and b"chunked" in value.lower()):
            self._framed = True

    def on_headers_complete(self) -> None:
        self._headed = True
        self._status = self._parser.get_status_code()
        self._keeps = self._parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        if self._streamed and self._status < 300:
            for data in self._events.take(part):
                self._event(data)
        elif len(self._body) < BODY_KEPT:
            self._body += part

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self._complete = True

    # one event

    def _event(self, data: bytes) -> None:
        before, after = self._around
        if before and data.startswith(before) and data.endswith(after):
            text = data[len(before) : -len(after)]
            if text and b'"' not in text:  # like the last event with text but for the text
                self._text()
                return
        if data == b"[DONE]":
            self._done = True
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise ValueError(f"an event of the stream is no JSON: {data[:60]!r}") from error
        if not isinstance(event, dict):
            raise ValueError(f"an event of the stream is no JSON object: {data[:60]!r}")
        if event.get("error"):
            failed = event["error"]
            said = failed.get("message") if isinstance(failed, dict) else failed
            self._failed = str(said)[:200]
            return
        usage = event.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
            self._tokens = max(0, usage["completion_tokens"]) + 1
        choices = event.get("choices")
        has_text = False
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._finished = self._finished or choice.get("finish_reason") is not None
                has_text = has_text or _has_text(choice)
        if has_text:
            self._text()
            self._around = _around_text(data)

    def _text(self) -> None:
        """An event that carries text has come."""
        if not self._texts:
            self.notes.columns[0][self.row] = self._t
        elif self._first_of_read:
            self.notes.log(self.row, self._t - self._last)
        else:
            self._merged += 1
        self._texts += 1
        self._last = self._t
        self._first_of_read = False

    # one answer

    def _judged(self) -> int:
        """The outcome of an answer that is whole."""
        if not 200 <= self._status < 300:
            return self._end(self._status)
        if self._failed is not None:
            return self._end(STREAM_ERROR, f"the stream says: {self._failed}")
        if not self._streamed:
            return self._end(PROTOCOL, f"answered whole and not as a stream: {bytes(self._body[:60])!r}")
        if not self._texts:
            return self._end(EMPTY, "a stream ended without any text")
        return self._end(self._status)

    def _end(self, outcome: int, why: str | None = None) -> int:
        if why is not None:
            self.notes.errors.setdefault(outcome, why)
        columns, row = self.notes.columns, self.row
        values = (self._last, self._texts, self._merged, self._tokens, int(self._done))
        for column, value in zip(columns[1:], values, strict=True):
            column[row] = value
        self.keep = self._complete and self._keeps
        self.row = -1
        return outcome


def _has_text(choice: dict[str, Any]) -> bool:
    """Whether a choice of an event brings anything that was generated."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return bool(choice.get("text"))  # of the older completions
    keys = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call")
    return any(delta.get(key) for key in keys)


def _around_text(data: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the text in an event: of the next one too, most likely.

    Nothing where the text stands elsewhere than in one `content`.
    """
    key = data.find(b'"content"')
    begin = data.find(b'"', data.find(b":", key) + 1) + 1 if key >= 0 else 0
    end = data.find(b'"', begin) if begin else -1
    if end <= begin or data[data.find(b":", key) + 1 : begin - 1].strip() or b"\\" in data[begin:end]:
        return b"", b""
    if data.find(b'"content"', end) >= 0:
        return b"", b""
    return data[:begin], data[end:]
