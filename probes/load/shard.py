"""A shard: one worker process, and the memory it shares with the coordinator."""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from probes.errors import InternalError
from probes.load import worker
from probes.load.plan import (
    COLUMNS,
    HEADER_WORDS,
    STOP,
    STOP_ISSUING,
    STOP_NOW,
    Segment,
    ShardReport,
    Wire,
    region_bytes,
)

Columns = dict[str, NDArray[np.int64]]


class Region:
    """Memory that a worker maps by `path`; the pages exist only once written.

    On Linux an anonymous file, so that nothing is left behind by a killed process; elsewhere a temporary one.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._file: Path | None = None
        if hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("loadstone-columns", os.MFD_CLOEXEC)
            self.path = f"/proc/{os.getpid()}/fd/{self._fd}"
        else:
            self._fd, name = tempfile.mkstemp(prefix="loadstone-columns-")
            self.path, self._file = name, Path(name)
        os.ftruncate(self._fd, region_bytes(capacity))
        self._map = mmap.mmap(self._fd, 0)
        words = np.frombuffer(self._map, np.int64)
        self.header: NDArray[np.int64] = words[:HEADER_WORDS]
        self.columns: Columns = {
            name: words[HEADER_WORDS + k * capacity : HEADER_WORDS + (k + 1) * capacity]
            for k, name in enumerate(COLUMNS)
        }

    def close(self) -> None:
        """Gives the memory back; arrays taken from it must not be used afterwards (copy them first)."""
        self.header = np.zeros(0, np.int64)
        self.columns = {}
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


class Shard:
    """A spawned worker process. A context manager: leaving it ends the process.

    Raises `InternalError` when the worker fails.
    """

    TICK_S = 0.05
    ENDS_WITHIN_S = 5.0
    STOPS_WITHIN_S = 5.0
    """A worker that has not stopped by then, for example within a pattern that takes for ever, is killed."""

    def __init__(self, wire: Wire) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=worker.main, args=(wire, theirs), name="loadstone-load", daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            self.pid: int = self._pipe.recv()
        except EOFError as error:
            self.close()
            raise InternalError("the load process ended before it began") from error

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

    def run(self, region: Region, segment: Segment, on_tick: Callable[[Live], int]) -> ShardReport:
        """Runs a segment whose rows stand in `region`; `on_tick` is called some 20 times a second.

        What `on_tick` returns is the stop word for the worker (0 = go on). Raises `InternalError` when the
        worker fails or does not come to an end.
        """
        live = Live(region.header, region.columns, segment)
        ends_at = segment.end_ns + segment.drain_ns
        try:
            self._pipe.send(segment)
            while not self._pipe.poll(self.TICK_S):
                stop = on_tick(live)
                region.header[STOP] = max(region.header[STOP], stop)
                if region.header[STOP] == STOP_NOW:
                    ends_at = min(ends_at, time.perf_counter_ns())
                if time.perf_counter_ns() > ends_at + self.STOPS_WITHIN_S * 1e9:
                    self._process.kill()
                    raise InternalError("the load process did not stop when it had to and was killed")
            answer = self._pipe.recv()
        except KeyboardInterrupt:
            region.header[STOP] = STOP_ISSUING
            raise
        except (EOFError, OSError) as error:
            self._process.join(self.ENDS_WITHIN_S)
            raise InternalError(f"the load process ended with code {self._process.exitcode}") from error
        if not isinstance(answer, ShardReport):
            raise InternalError(f"the load process failed:\n{answer}")
        return answer
