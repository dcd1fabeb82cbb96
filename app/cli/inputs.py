"""What a command line names with `@`: bodies from files and from standard input, read with a cap."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from probes.errors import UsageError

MAX_BYTES = 64 * 1024 * 1024


def read_body(text: str, option: str = "--body") -> bytes:
    """The bytes that `TEXT`, `@FILE` or `@-` (standard input) stands for. Raises `UsageError`."""
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    return read_input(text[1:], option)


def read_bodies(text: str, option: str = "--bodies") -> list[bytes]:
    """One body a line of `@FILE` or `@-`; empty lines are left out. Raises `UsageError`."""
    if not text.startswith("@"):
        raise UsageError(f"{option} takes a file with one body a line: write {option} @FILE.jsonl")
    lines = [line.rstrip(b"\r") for line in read_input(text[1:], option).split(b"\n")]
    bodies = [line for line in lines if line.strip()]
    if not bodies:
        raise UsageError(f"{option} {text} holds no body: write one a line")
    return bodies


def read_input(name: str, option: str) -> bytes:
    """The whole of a file, or of standard input for `-`; at most 64 MB. Raises `UsageError`."""
    if not name:
        raise UsageError(f"{option} @ names no file: write {option} @FILE, or {option} @- for standard input")
    try:
        if name == "-":
            if sys.stdin is None:
                raise UsageError(f"{option} @- reads standard input, which is closed")
            return _read_capped(sys.stdin.buffer, "standard input", option)
        with Path(name).open("rb") as file:
            return _read_capped(file, f"'{name}'", option)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{option}: '{name}' cannot be read ({why}): name a file that is there") from error


def _read_capped(stream: BinaryIO, name: str, option: str) -> bytes:
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{option}: {name} is larger than 64 MB: give a smaller one")
    return data
