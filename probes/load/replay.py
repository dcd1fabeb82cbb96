"""Arrivals out of a file: when each request of a replay is due.

    due_s        a header, or none
    0.000        seconds on any one clock, never falling: the first is sent at once, the others as long
    0.013        after it as the file says
    0.013

A file of requests as `loadstone analyse requests` reads it (due_s,sent_s,done_s,status) will do: of several
columns only `due_s` counts. A time that is missing, no number, negative or earlier than the one before would
have to be guessed at, and is refused before anything is sent.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from array import array
from pathlib import Path

import numpy as np

from probes.documents import DocumentError, read_file
from probes.errors import UsageError
from probes.load.spec import MAX_REQUESTS, ReplaySegment

COLUMN = "due_s"
LARGEST_FILE = 500_000_000
LONGEST_S = 7 * 86_400.0
"""More than a week between two requests is a file in other units."""
LARGEST_TIME = 1e11


def read_replay(path: Path) -> ReplaySegment:
    """The arrivals of a file. They end one mean gap after the last, but no sooner than a millisecond.

    Raises `UsageError`, with file and line, for what cannot be read or is no ascending column of seconds.
    """
    data = read_file(path, max_bytes=LARGEST_FILE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8: save it as CSV in that encoding") from error
    times = np.frombuffer(_times(str(path), text), np.float64)
    if not len(times):
        raise UsageError(f"{path} holds no times: write one a line, in seconds, under the header {COLUMN}")
    due = times - times[0]
    span = float(due[-1])
    seconds = max(span * len(due) / max(len(due) - 1, 1), span + 1e-3)
    return ReplaySegment(
        file=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        seconds=seconds,
        due_ns=np.rint(due * 1e9).astype(np.int64),
    )


def _times(file: str, text: str) -> array[float]:
    times = array("d")
    rows = csv.reader(io.StringIO(text, newline=""))
    at: int | None = None
    columns = 1
    last, last_line = 0.0, 0
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                if row and len(row) == columns and at is not None:
                    raise DocumentError(file, rows.line_num, f"{COLUMN} is empty: every request has a time")
                continue
            if at is None:
                names = [cell.strip() for cell in row]
                at, columns = (names.index(COLUMN) if COLUMN in names else 0), len(row)
                if COLUMN in names:
                    continue
                if columns > 1:
                    raise DocumentError(file, rows.line_num, f"no column {COLUMN} is named in the header")
            if len(row) != columns:
                raise DocumentError(file, rows.line_num, f"{len(row)} values where {columns} are expected")
            time = _seconds(file, rows.line_num, row[at])
            if times and time < last:
                raise DocumentError(
                    file, rows.line_num, f"{time:.17g} lies before {last:.17g} in line {last_line}: "
                    "sort the times, from the first request to the last",
                )  # fmt: skip
            if times and time - last > LONGEST_S:
                raise DocumentError(
                    file, rows.line_num, f"{time - last:,.0f} seconds without a request: times are in seconds"
                )
            if len(times) == MAX_REQUESTS:
                raise DocumentError(file, rows.line_num, f"over {MAX_REQUESTS:,} requests: split the file")
            times.append(time)
            last, last_line = time, rows.line_num
    except csv.Error as error:
        raise DocumentError(file, rows.line_num, f"this is no CSV ({error})") from error
    return times


def _seconds(file: str, line: int, cell: str) -> float:
    try:
        value = float(cell) if cell.isascii() and "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= LARGEST_TIME:
        raise DocumentError(
            file, line, f"'{cell.strip():.60}' is no time: write seconds from 0 up, such as 12.034"
        )
    return value
