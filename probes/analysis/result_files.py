"""Rows out of a file of results, whatever its form: CSV, JSON by lines, or the XML of JMeter.

    k6 run --out json=FILE      {"metric":"http_req_duration","type":"Point","data":{"time":…,"value":…,…}}
    vegeta encode --to json     {"attack":"","seq":0,"code":200,"timestamp":…,"latency":…,"error":"",…}
    jmeter, output_format=xml   <httpSample t="12" ts="1700000000000" s="true" rc="200" …/>

JSON and XML become the rows that the same tool writes as CSV, so that `probes.analysis.other_tools` reads
each tool once. Of JMeter's nested samples the outermost count, as in its CSV. XML with a document type is
refused: results have no entities.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO
from xml.parsers import expat

from probes.errors import UsageError

_LONGEST_LINE = 100_000
_CHUNK = 65_536
_GZIP = b"\x1f\x8b"
_K6 = ("metric_name", "timestamp", "metric_value", "status", "error_code", "expected_response")
_JMETER = ("timeStamp", "elapsed", "responseCode", "success")
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")

Row = list[str]


class Rows(Protocol):
    """Rows of cells, the first of which is the header where the form has one."""

    @property
    def line_num(self) -> int:
        """The line of the file that the last row came from."""
        ...

    def __iter__(self) -> Iterator[Row]: ...

    def __next__(self) -> Row: ...


def check_text(path: Path) -> None:
    """Raises `UsageError` for a compressed file, and `OSError`."""
    with path.open("rb") as file:
        if file.read(2) == _GZIP:
            raise UsageError(f"{path} is compressed: unpack it first, with gunzip")


def rows_of(path: Path, file: TextIO) -> Rows:
    """The rows of an open file, told by how it begins. Raises `UsageError` while they are read."""
    begins = file.read(4_096).lstrip()[:1]
    file.seek(0)
    if begins == "{":
        return _Made(path, file, _json_rows)
    if begins == "<":
        return _Made(path, file, _xml_rows)
    return csv.reader(_short_lines(path, file))


class _Made:
    """Rows made of something else; whoever makes them says which line they are of."""

    def __init__(self, path: Path, file: TextIO, make: Callable[[_Made, TextIO], Iterator[Row]]) -> None:
        self.path = path
        self.line_num = 1
        self._rows = make(self, file)

    def refused(self, what: str) -> UsageError:
        return UsageError(f"{self.path}, line {self.line_num}: {what}")

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        return next(self._rows)


def _short_lines(path: Path, file: TextIO) -> Iterator[str]:
    """The lines of a file, none longer than could be a row: a line may be the whole file."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise UsageError(
                f"{path}, line {number}: over {_LONGEST_LINE:,} characters: this is no file of requests"
            )
        yield line


def _json_rows(made: _Made, file: TextIO) -> Iterator[Row]:
    of_k6: bool | None = None
    for number, line in enumerate(_short_lines(made.path, file), 1):
        made.line_num = number
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise made.refused(f"this is no JSON object ({error}): write one a line") from None
        if not isinstance(entry, dict):
            raise made.refused("this is no JSON object: write one a line")
        if of_k6 is None:
            of_k6 = _is_of_k6(made, entry)
            if of_k6:
                yield list(_K6)
        if not of_k6:
            yield _vegeta_row(made, entry)
        elif entry.get("type") == "Point":
            yield _k6_row(entry)


def _is_of_k6(made: _Made, entry: dict[str, Any]) -> bool:
    if entry.get("type") in ("Metric", "Point") and "metric" in entry:
        return True
    if {"timestamp", "latency", "code"} <= set(entry):
        return False
    if "metrics" in entry:
        raise made.refused("this is a summary of k6 and holds no requests: run it with --out json=FILE")
    if {"latencies", "requests"} <= set(entry):
        raise made.refused("this is a report of vegeta and holds no requests: use vegeta encode --to json")
    raise made.refused("this JSON is neither of k6 (--out json) nor of vegeta (encode --to json)")


def _k6_row(entry: dict[str, Any]) -> Row:
    data = entry.get("data")
    data = data if isinstance(data, dict) else {}
    tags = data.get("tags")
    tags = tags if isinstance(tags, dict) else {}
    cells = [str(tags.get(name, "")) for name in _K6[3:]]
    return [str(entry.get("metric", "")), str(data.get("time", "")), str(data.get("value", "")), *cells]


def _vegeta_row(made: _Made, entry: dict[str, Any]) -> Row:
    found = _RFC3339.fullmatch(str(entry.get("timestamp", "")))
    if not found:
        raise made.refused(
            f"{str(entry.get('timestamp'))[:60]!r} is no time of vegeta's: encode the file again"
        )
    whole = round(datetime.fromisoformat(found[1] + found[3]).timestamp())
    began = whole * 10**9 + int((found[2] or "").ljust(9, "0"))
    cells = [str(entry.get(name, 0)) for name in ("code", "latency", "bytes_out", "bytes_in")]
    return [f"{began:019d}", *cells, str(entry.get("error", ""))]


def _xml_rows(made: _Made, file: TextIO) -> Iterator[Row]:
    parser = expat.ParserCreate()
    found: list[tuple[int, Row]] = []
    depth = 0

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1 and name != "testResults":
            made.line_num = parser.CurrentLineNumber
            raise made.refused(
                f"the XML begins with <{name[:40]}>: results of JMeter begin with <testResults>"
            )
        if depth == 2 and name in ("httpSample", "sample"):
            row = [given.get(key, "") for key in ("ts", "t", "rc", "s")]
            found.append((parser.CurrentLineNumber, row))

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        made.line_num = parser.CurrentLineNumber
        raise made.refused("XML with a document type is not read: results of JMeter have none")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    yield list(_JMETER)
    last = False
    while not last:
        chunk = file.read(_CHUNK)
        last = not chunk
        try:
            parser.Parse(chunk, last)
        except expat.ExpatError as error:
            made.line_num = error.lineno
            text = expat.ErrorString(error.code)
            raise made.refused(
                f"this is no whole XML ({text}): let JMeter end before the file is read"
            ) from None
        for made.line_num, row in found:
            yield row
        found.clear()
