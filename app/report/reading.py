"""The data out of a report: a strict reader for the one kind of PDF that Loadstone writes.

It follows the cross-reference table from the sealed end to the catalogue and from there to the one
attachment of the fixed name, and unpacks no more than a report may carry. What other programs write (object
streams, incremental updates, filters of other kinds) is refused and not interpreted: a report that was opened
and saved elsewhere is no longer the report.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.report.attachment import (
    ATTACHMENT_NAME,
    MAX_ATTACHMENT_BYTES,
    MAX_REPORT_BYTES,
    canonical_bytes,
    content_hash,
    is_intact,
    read_keywords,
    sealed_end,
)
from probes.documents import read_file, read_json
from probes.errors import UsageError

SCHEMA = "loadstone.assessment/1"
_MAX_DEPTH = 20
_MAX_OBJECTS = 50_000
_SPACE = re.compile(rb"[\x00\t\n\x0c\r ]*")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})(?![0-9.])")
_REFERENCE = re.compile(rb"([0-9]{1,7}) ([0-9]{1,5}) R(?![0-9A-Za-z])")
_NAME = re.compile(rb"/([!-$&'*-.0-;=?-Z\\^-z|~]{0,127})")
_HEX = re.compile(rb"<([0-9A-Fa-f]{0,2000})>")
_WORD = re.compile(rb"true|false|null")
_OBJECT = re.compile(rb"([0-9]{1,7}) ([0-9]{1,5}) obj[\r\n ]")
_TABLE = re.compile(rb"xref\n0 ([0-9]{1,6})\n")
_STREAM = re.compile(rb"[\r\n ]*stream\r?\n")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class UnreadableReport(UsageError):  # noqa: N818
    """A file that is no report, or not one that can be believed; the message says which."""


@dataclass(frozen=True, slots=True)
class SharedReport:
    """What a report carries: the bytes of its data, the document in them, and what it says of itself.

    `printed_hash` is the SHA-256 that stands among the keywords and on page one; `made_with` names what the
    PDF was made with.
    """

    data: bytes
    document: Mapping[str, Any]
    printed_hash: str
    made_with: str


@dataclass(frozen=True, slots=True)
class _Reference:
    number: int


@dataclass(frozen=True, slots=True)
class _Name:
    text: bytes


def read_report(path: Path) -> tuple[bytes, SharedReport]:
    """The bytes of a report and what it carries. Raises `UsageError` where it cannot be believed."""
    pdf = read_file(path, max_bytes=MAX_REPORT_BYTES)
    return pdf, shared_in(pdf, str(path))


def shared_in(pdf: bytes, name: str) -> SharedReport:
    """What the bytes of a report carry.

    Raises `UnreadableReport` when they are no report, when any byte was changed, and when the data is
    missing, there twice, too large, or not what the report's own hash says.
    """
    if not pdf.startswith(b"%PDF-"):
        raise UnreadableReport(f"{name} is no PDF: give a report that loadstone report wrote")
    end = sealed_end(pdf)
    if end is None:
        raise UnreadableReport(
            f"{name} does not end with the seal of a report: it was cut, saved by another program, or not "
            "written by Loadstone"
        )
    if not is_intact(pdf, end):
        raise UnreadableReport(f"{name} was changed after it was written: its bytes do not match its seal")
    try:
        reader = _Reader(pdf, int(end[2]))
        data = reader.attachment()
        keywords = reader.keywords()
    except _Malformed as error:
        raise UnreadableReport(f"{name} is no report as Loadstone writes them: {error}") from error
    found = read_keywords(keywords)
    if found is None:
        raise UnreadableReport(f"{name} does not say the hash of its data: it is no report of Loadstone")
    printed_hash, made_with = found
    if content_hash(data) != printed_hash:
        raise UnreadableReport(f"{name}: the data inside is not what the report was printed from")
    document = read_json(data, f"{name}, {ATTACHMENT_NAME}")
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UnreadableReport(f"{name}: the data inside is no assessment ({SCHEMA})")
    if canonical_bytes(document) != data:
        raise UnreadableReport(f"{name}: the data inside is not written as Loadstone writes it")
    return SharedReport(data, document, printed_hash, made_with)


class _Malformed(Exception):  # noqa: N818
    """Something that Loadstone does not write; the message continues a sentence."""


class _Reader:
    """Objects of one file by their number, each read when it is asked for."""

    def __init__(self, pdf: bytes, start: int) -> None:
        self.pdf = pdf
        self.offsets, self.trailer = self._table(start)

    def _table(self, start: int) -> tuple[list[int], Mapping[bytes, Any]]:
        head = _TABLE.match(self.pdf, start)
        if head is None or int(head[1]) > _MAX_OBJECTS:
            raise _Malformed("its table of objects is not where its end says")
        count, at = int(head[1]), head.end()
        offsets = []
        for number in range(count):
            row = self.pdf[at + 20 * number : at + 20 * number + 20]
            if not re.fullmatch(rb"[0-9]{10} [0-9]{5} [fn][ \r]\n", row):
                raise _Malformed("its table of objects is damaged")
            offsets.append(int(row[:10]) if row[17:18] == b"n" else -1)
        at += 20 * count
        if self.pdf[at : at + 7] != b"trailer":
            raise _Malformed("it has no trailer behind its table of objects")
        trailer, _ = self._value(at + 7, 0)
        if not isinstance(trailer, dict):
            raise _Malformed("its trailer is damaged")
        return offsets, trailer

    def attachment(self) -> bytes:
        """The one attachment, unpacked."""
        catalogue = self._dictionary(self.trailer.get(b"Root"), "catalogue")
        names = self._dictionary(
            catalogue.get(b"Names"), "list of attachments", missing="it has no attachment"
        )
        files = self._dictionary(
            names.get(b"EmbeddedFiles"), "list of attachments", missing="it has no attachment"
        )
        entries = self._resolved(files.get(b"Names"))
        if b"Kids" in files or not isinstance(entries, list) or len(entries) % 2:
            raise _Malformed("its list of attachments is not a plain one")
        if len(entries) != 2:
            found = "no attachment" if not entries else f"{len(entries) // 2} attachments"
            raise _Malformed(f"it has {found} where a report has one")
        if self._resolved(entries[0]) != ATTACHMENT_NAME.encode():
            raise _Malformed(f"its attachment is not named {ATTACHMENT_NAME}")
        file = self._dictionary(entries[1], "attachment")
        streams = self._dictionary(file.get(b"EF"), "attachment")
        reference = streams.get(b"F")
        if not isinstance(reference, _Reference) or streams.get(b"UF", reference) != reference:
            raise _Malformed("its attachment is no single stream")
        return self._stream(reference)

    def keywords(self) -> bytes:
        """The keywords of the file, empty where it has none."""
        information = self._dictionary(self.trailer.get(b"Info"), "description")
        found = self._resolved(information.get(b"Keywords"))
        return found if isinstance(found, bytes) else b""

    def _stream(self, reference: _Reference) -> bytes:
        head, end = self._object(reference)
        if not isinstance(head, dict):
            raise _Malformed("its attachment is no stream")
        found = _STREAM.match(self.pdf, end)
        length = self._resolved(head.get(b"Length"))
        if found is None or not isinstance(length, int) or not 0 <= length <= MAX_REPORT_BYTES:
            raise _Malformed("its attachment is no stream")
        packed = self.pdf[found.end() : found.end() + length]
        filters = self._resolved(head.get(b"Filter"))
        filters = filters if isinstance(filters, list) else [filters]
        if filters != [_Name(b"FlateDecode")]:
            raise _Malformed("its attachment is not packed as Loadstone packs it")
        data = _unpacked(packed)
        parameters = self._dictionary(head.get(b"Params"), "attachment")
        if parameters.get(b"Size") != len(data):
            raise _Malformed("its attachment is not as large as it says")
        return data

    def _dictionary(self, value: Any, what: str, missing: str = "") -> Mapping[bytes, Any]:
        if value is None and missing:
            raise _Malformed(missing)
        found = self._resolved(value)
        if not isinstance(found, dict):
            raise _Malformed(f"its {what} is damaged")
        return found

    def _resolved(self, value: Any) -> Any:
        """The value itself, or the object that it refers to; a reference to a reference is refused."""
        if not isinstance(value, _Reference):
            return value
        found, _ = self._object(value)
        if isinstance(found, _Reference):
            raise _Malformed("an object of it refers to another and nothing else")
        return found

    def _object(self, reference: _Reference) -> tuple[Any, int]:
        """The object of a number, and where it ends."""
        offset = self.offsets[reference.number] if reference.number < len(self.offsets) else -1
        head = _OBJECT.match(self.pdf, offset) if offset > 0 else None
        if head is None or int(head[1]) != reference.number or head[2] != b"0":
            raise _Malformed(f"its object {reference.number} is not where its table says")
        return self._value(head.end(), 0)

    def _value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins at or after a place, and where it ends."""
        if depth > _MAX_DEPTH:
            raise _Malformed("its objects are nested too deep")
        at = self._skip(at)
        start = self.pdf[at : at + 2]
        if start == b"<<":
            return self._mapping(at + 2, depth)
        if start[:1] == b"[":
            return self._list(at + 1, depth)
        if start[:1] == b"(":
            return self._string(at + 1)
        if found := _HEX.match(self.pdf, at):
            digits = found[1] + b"0" * (len(found[1]) % 2)
            return bytes.fromhex(digits.decode()), found.end()
        if found := _NAME.match(self.pdf, at):
            return _Name(found[1]), found.end()
        if found := _REFERENCE.match(self.pdf, at):
            return _Reference(int(found[1])), found.end()
        if found := _NUMBER.match(self.pdf, at):
            return (float(found[0]) if b"." in found[0] else int(found[0])), found.end()
        if found := _WORD.match(self.pdf, at):
            return {b"true": True, b"false": False, b"null": None}[found[0]], found.end()
        raise _Malformed("an object of it cannot be read")

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.pdf, at)
        at = found.end() if found else at
        while self.pdf[at : at + 1] == b"%":
            line = self.pdf.find(b"\n", at, at + 1000)
            if line < 0:
                raise _Malformed("a remark in it does not end")
            found = _SPACE.match(self.pdf, line)
            at = found.end() if found else line
        return at

    def _mapping(self, at: int, depth: int) -> tuple[dict[bytes, Any], int]:
        found: dict[bytes, Any] = {}
        while True:
            at = self._skip(at)
            if self.pdf[at : at + 2] == b">>":
                return found, at + 2
            key, at = self._value(at, depth + 1)
            if not isinstance(key, _Name) or key.text in found:
                raise _Malformed("an object of it has a key that is no name, or one twice")
            found[key.text], at = self._value(at, depth + 1)

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            at = self._skip(at)
            if self.pdf[at : at + 1] == b"]":
                return found, at + 1
            value, at = self._value(at, depth + 1)
            found.append(value)

    def _string(self, at: int) -> tuple[bytes, int]:
        """A text in round brackets, which may stand in pairs inside it."""
        found = bytearray()
        open_brackets = 1
        while at < len(self.pdf):
            sign = self.pdf[at : at + 1]
            if sign == b"\\":
                octal = re.compile(rb"[0-7]{1,3}").match(self.pdf, at + 1)
                if octal:
                    found.append(int(octal[0], 8) & 0xFF)
                    at = octal.end()
                else:
                    escaped = self.pdf[at + 1 : at + 2]
                    found += _ESCAPES.get(escaped, escaped)
                    at += 2
                continue
            open_brackets += {b"(": 1, b")": -1}.get(sign, 0)
            at += 1
            if not open_brackets:
                return bytes(found), at
            found += sign
        raise _Malformed("a text in it does not end")


def _unpacked(packed: bytes) -> bytes:
    """At most what a report may carry; a bomb is refused before it is unpacked."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, MAX_ATTACHMENT_BYTES + 1)
    except zlib.error as error:
        raise _Malformed("its attachment cannot be unpacked") from error
    if len(data) > MAX_ATTACHMENT_BYTES:
        raise _Malformed(f"its attachment is larger than the {MAX_ATTACHMENT_BYTES / 1e6:g} MB of a report")
    if not unpacker.eof or unpacker.unused_data.strip(b"\r\n"):
        raise _Malformed("its attachment is cut, or something stands behind it")
    return data
