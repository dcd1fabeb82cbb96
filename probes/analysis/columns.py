"""Columns of numbers out of CSV files that other tools wrote, each fault with its file and line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from probes.documents import DocumentError, read_file
from probes.errors import UsageError

LARGEST_FILE = 50_000_000
"""Bytes: some two million rows."""
LARGEST_NUMBER = 1e18

Columns = Mapping[str, NDArray[np.float64]]


def read_columns(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Columns:
    """The columns by name, each of shape (rows,), in the order of the file; an optional one may be missing.

    The first line is the header, in any order of names. Raises `UsageError`, with file and line, for a file
    that cannot be read, another header, no rows, and what is no finite number from 0 to 10¹⁸.
    """
    data = read_file(path, max_bytes=LARGEST_FILE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8: save it as CSV in that encoding") from error
    rows = csv.reader(io.StringIO(text, newline=""))
    header = ",".join((*needed, *(f"[{name}]" for name in optional)))
    try:
        names = [name.strip() for name in next(rows, [])]
        _check_header(str(path), names, needed, optional, header)
        values: list[list[float]] = [[] for _ in names]
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise DocumentError(
                    str(path), rows.line_num, f"{len(row)} values, and the header has {len(names)}"
                )
            for column, name, cell in zip(values, names, row, strict=True):
                column.append(_number(str(path), rows.line_num, name, cell))
    except csv.Error as error:
        raise DocumentError(str(path), rows.line_num, f"this is no CSV ({error})") from error
    if not values[0]:
        raise UsageError(f"{path} has no rows below its header: give at least one measurement")
    return {name: np.array(column, np.float64) for name, column in zip(names, values, strict=True)}


def _check_header(
    file: str, names: Sequence[str], needed: Sequence[str], optional: Sequence[str], header: str
) -> None:
    if not any(names):
        raise UsageError(f"{file} is empty: it must begin with the header {header}")
    known = (*needed, *optional)
    for name in names:
        if name not in known:
            near = get_close_matches(name[:200], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the header is {header}"
            raise DocumentError(file, 1, f"no column '{name:.60}' is known here: {hint}")
    missing = [name for name in needed if name not in names]
    if missing:
        raise DocumentError(file, 1, f"the column {missing[0]} is missing: the header is {header}")
    if len(set(names)) < len(names):
        raise DocumentError(file, 1, f"a column stands there twice: the header is {header}")


def _number(file: str, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell) if cell.strip().isascii() and "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= LARGEST_NUMBER:
        raise DocumentError(file, line, f"{name} is '{cell.strip():.60}': write a number from 0 up")
    return value
