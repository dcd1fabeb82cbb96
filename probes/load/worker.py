"""The load process: holds nothing but the hot loop (`probes.load.loop`), one segment after the other."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from probes.load.loop import Loop
from probes.load.plan import Wire


def attach(path: str) -> mmap.mmap:
    """Maps the shared columns at `path`."""
    fd = os.open(path, os.O_RDWR)
    try:
        return mmap.mmap(fd, 0)
    finally:
        os.close(fd)


def prepare_process(*, collects: bool = False) -> None:
    """Dies with the coordinator, leaves Ctrl-C to it, wakes on time, collects garbage only where asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        with suppress(OSError):
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
            libc.prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: 1 ns instead of 50 µs
    gc.collect()
    gc.freeze()
    if not collects:
        gc.disable()


def main(wire: Wire, pipe: Connection) -> None:
    """The worker process: runs one segment after the other until the pipe closes or says None.

    Answers each `Segment` with a `ShardReport`, or with the text of a traceback.
    """
    loop: Any
    if wire.protocol == "grpcio":
        from probes.load.grpcio_loop import Loop as GrpcioLoop

        loop = GrpcioLoop(wire)
        prepare_process(collects=True)
    else:
        prepare_process()
        loop = Loop(wire)
    pipe.send(os.getpid())
    while True:
        try:
            segment: Any = pipe.recv()
        except (EOFError, OSError):
            break
        if segment is None:
            break
        try:
            region = attach(segment.path)
            report = loop.run(segment, memoryview(region).cast("q"))
        except Exception:
            import traceback

            pipe.send(traceback.format_exc())
            break
        pipe.send(report)
    loop.close()
