"""A shard: one worker process, and the memory that the shards of a load share with the coordinator."""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from probes.errors import InternalError
from probes.load import worker
from probes.load.plan import (
    COLUMNS,
    CPU_NS,
    HEADER_WORDS,
    LOG_COUNT,
    LOG_LOST,
    SHARD_WORDS,
    Segment,
    ShardReport,
    Wire,
    region_bytes,
)

Columns = dict[str, NDArray[np.int64]]


class Region:
    """Memory that a worker maps by `path`; the pages exist only once written.

    It holds what a `wire` asks for beside the five columns, for that many shards.
    On Linux an anonymous file, so that nothing is left behind by a killed process; elsewhere a temporary one.
    """

    def __init__(self, capacity: int, wire: Wire | None = None, shards: int = 1) -> None:
        extra = () if wire is None else wire.extra_columns
        entries = 0 if wire is None else wire.log_entries
        size = region_bytes(capacity, len(extra), 2 * entries * shards)
        self.capacity = capacity
        self._columns = len(COLUMNS) + len(extra)
        self._released = 0
        self._file: Path | None = None
        if hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("loadstone-columns", os.MFD_CLOEXEC)
            self.path = f"/proc/{os.getpid()}/fd/{self._fd}"
        else:
            self._fd, name = tempfile.mkstemp(prefix="loadstone-columns-")
            self.path, self._file = name, Path(name)
        os.ftruncate(self._fd, size)
        self._map = mmap.mmap(self._fd, 0)
        words = np.frombuffer(self._map, np.int64)
        self.header: NDArray[np.int64] = words[:HEADER_WORDS]
        self.columns: Columns = {
            name: words[HEADER_WORDS + k * capacity : HEADER_WORDS + (k + 1) * capacity]
            for k, name in enumerate((*COLUMNS, *extra))
        }
        self._log = words[len(words) - 2 * entries * shards :].reshape(shards, entries, 2)

    def log(self) -> tuple[NDArray[np.int64], int]:
        """A copy of what all shards logged, of shape (entries, 2): row and value; and how many were lost.

        Entries of one shard stand in the order in which they were written.
        """
        blocks = self.header.reshape(-1, SHARD_WORDS)
        parts = [entries[: blocks[j, LOG_COUNT]] for j, entries in enumerate(self._log)]
        return np.concatenate(parts), int(blocks[:, LOG_LOST].sum())

    def release(self, rows: int) -> None:
        """Gives back the memory of the first `rows` requests, whole pages of it; they read as 0 afterwards.

        Only where the system can do that (Linux); elsewhere the memory stays until `close`.
        """
        if not hasattr(mmap, "MADV_REMOVE"):
            return
        page = mmap.PAGESIZE
        for column in range(self._columns):
            begin = 8 * (HEADER_WORDS + column * self.capacity)
            first = max(-(-begin // page) * page, (begin + 8 * self._released) // page * page)
            last = (begin + 8 * rows) // page * page
            if last > first:
                self._map.madvise(mmap.MADV_REMOVE, first, last - first)
        self._released = rows

    def close(self) -> None:
        """Gives the memory back; arrays taken from it must not be used afterwards (copy them first)."""
        self.header = np.zeros(0, np.int64)
        self.columns = {}
        self._log = np.zeros((0, 0, 2), np.int64)
        with suppress(BufferError):
            self._map.close()
        os.close(self._fd)
        if self._file is not None:
            self._file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Live:
    """What is known while a segment runs: its header and its columns as they fill."""

    header: NDArray[np.int64]
    columns: Columns
    segment: Segment
    shards_cpu_ns: NDArray[np.int64] | None = None

    def cpu_ns(self) -> NDArray[np.int64]:
        """CPU time (ns) of each load process since the segment began."""
        return self.header[CPU_NS : CPU_NS + 1].copy() if self.shards_cpu_ns is None else self.shards_cpu_ns


class ShardLost(InternalError):  # noqa: N818 - what happened, told to whoever runs the shards
    """A worker ended before its time."""


class LoadProcess(Protocol):
    """What a stretch of load needs of a load process, here (`Shard`) or on another machine; see `Shard`."""

    pid: int
    """0 where it is on another machine."""

    @property
    def pipe(self) -> Connection: ...

    def await_ready(self) -> None: ...

    def begin(self, segment: Segment) -> None: ...

    def report(self) -> ShardReport | None: ...

    def kill(self) -> None: ...

    def close(self) -> None: ...


class Shard:
    """A spawned worker process. A context manager: leaving it ends the process.

    Raises `InternalError` when the worker fails. With `wait` off it is only begun: `await_ready` waits.
    """

    ENDS_WITHIN_S = 5.0

    def __init__(self, wire: Wire, *, wait: bool = True) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=worker.main, args=(wire, theirs), name="loadstone-load", daemon=True
        )
        self._process.start()
        theirs.close()
        self.pid: int = self._process.pid or 0
        if wait:
            self.await_ready()

    def await_ready(self) -> None:
        """Waits until the worker can be given a segment."""
        try:
            self._pipe.recv()
        except EOFError as error:
            self.close()
            raise InternalError("the load process ended before it began") from error

    @property
    def pipe(self) -> Connection:
        """Becomes readable when the worker has something to say, or has ended."""
        return self._pipe

    def __enter__(self) -> Shard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker, by force where it does not end by itself."""
        with suppress(OSError):
            self._pipe.send(None)
        self._process.join(self.ENDS_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._pipe.close()

    def begin(self, segment: Segment) -> None:
        """Gives the worker its part. Raises `ShardLost` when there is no worker any more."""
        try:
            self._pipe.send(segment)
        except OSError as error:
            raise self._lost() from error

    def report(self) -> ShardReport | None:
        """What the worker says at the end of its part, None while it is under way.

        Raises `ShardLost` when it ended before it could say anything, `InternalError` when it failed.
        """
        try:
            if not self._pipe.poll():
                return None
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._lost() from error
        if not isinstance(answer, ShardReport):
            raise InternalError(f"the load process failed:\n{answer}")
        return answer

    def kill(self) -> None:
        """Ends the worker at once."""
        self._process.kill()

    def _lost(self) -> ShardLost:
        self._process.join(self.ENDS_WITHIN_S)
        return ShardLost(f"the load process ended with code {self._process.exitcode}")
