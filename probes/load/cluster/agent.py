"""A process on a machine of the cluster: holds one load process and its columns, and answers messages.

Started by `relay.py` as `python -m probes.load.cluster.agent`; messages come on standard input, answers leave
on standard output. It stops the load when it has heard nothing for `LEASE_S`, and ends with its input.
"""

from __future__ import annotations

import os
import pickle
import platform
import select
import time
import traceback
from dataclasses import replace
from io import FileIO
from typing import BinaryIO

import numpy as np

from probes.errors import InternalError
from probes.load.cluster.messages import (
    LEASE_S,
    Begin,
    Clock,
    End,
    Failed,
    Frame,
    Join,
    Joined,
    Pull,
    clock_id,
    network_id,
    read_message,
    write_message,
)
from probes.load.plan import COLUMNS, COMPLETE_TO, SCHEDULED, SENT_COUNT, SHARD_WORDS, STOP, STOP_NOW, Segment
from probes.load.shard import Region, Shard, ShardLost
from probes.version import version

IDLE_ENDS_S = 600.0
"""Without load and without a word for so long the agent ends: its coordinator is gone."""
RELEASED_ROWS = 100_000
"""The memory of requests that were handed on is given back by so many at least."""


class Agent:
    """The load process of this machine and the stretch it is at work on."""

    def __init__(self) -> None:
        self.shard: Shard | None = None
        self.region: Region | None = None
        self.segment: Segment | None = None
        self.first = 0  # of the shard's own rows the first that may still change
        self.released = 0

    @property
    def at_work(self) -> bool:
        """Load is under way."""
        return self.region is not None

    def answer(self, message: object) -> object:
        """What there is to say to a message. Raises what goes wrong."""
        if isinstance(message, Clock):
            return time.perf_counter_ns()
        if isinstance(message, Join):
            self.shard = Shard(message.wire)
            return Joined(version(), clock_id(), network_id(), platform.node(), self.shard.pid)
        if isinstance(message, Begin):
            self._begin(message)
            return None
        if isinstance(message, Pull):
            return self._frame(message.stop)
        raise InternalError(f"the agent of a load process was sent a {type(message).__name__}")

    def stop(self) -> None:
        """Nothing is sent any more in this stretch."""
        if self.region is not None and self.segment is not None:
            self.region.header[self.segment.shard * SHARD_WORDS + STOP] = STOP_NOW

    def close(self) -> None:
        """Ends the load process."""
        if self.shard is not None:
            self.shard.close()
        if self.region is not None:
            self.region.close()

    def _begin(self, message: Begin) -> None:
        assert self.shard is not None
        segment = message.segment
        self.region = Region(segment.capacity, shards=segment.shards)
        self.segment = segment
        self.first = self.released = 0
        due = np.frombuffer(message.due, np.int64)
        self.region.columns["due"][segment.shard :: segment.shards][: len(due)] = due
        self.shard.begin(replace(segment, path=self.region.path))

    def _frame(self, stop: int) -> Frame:
        assert self.shard is not None
        region, segment = self.region, self.segment
        if region is None or segment is None:
            raise InternalError("the agent of a load process was asked for a stretch that it does not know")
        block = region.header[segment.shard * SHARD_WORDS : (segment.shard + 1) * SHARD_WORDS]
        block[STOP] = max(stop, block[STOP])
        report, lost = None, None
        try:
            report = self.shard.report()
        except ShardLost as error:
            lost = str(error)
        complete = int(block[COMPLETE_TO])  # read before the counts that it was written after
        header = block.copy()
        header[COMPLETE_TO] = complete
        last = int(header[SENT_COUNT])
        if segment.concurrency:
            last = max(last, int(header[SCHEDULED]))
        elif report is not None or lost is not None:
            last = segment.scheduled  # also what was never sent has flags
        own = [region.columns[name][segment.shard :: segment.shards][self.first : last] for name in COLUMNS]
        frame = Frame(self.first, last, np.stack(own).tobytes(), header.tobytes(), report, lost)
        self.first = complete
        if report is not None or lost is not None:
            region.close()
            self.region = None
        elif complete - self.released >= RELEASED_ROWS:
            region.release(complete * segment.shards)
            self.released = complete
        return frame


def serve(asked: FileIO, told: BinaryIO) -> None:
    """Answers messages until the other side has gone or says `End`."""
    agent = Agent()
    heard = time.monotonic()
    try:
        while True:
            limit = LEASE_S if agent.at_work else IDLE_ENDS_S
            if not select.select([asked], [], [], max(0.0, heard + limit - time.monotonic()))[0]:
                if not agent.at_work:
                    return
                agent.stop()
                heard = time.monotonic() + IDLE_ENDS_S - LEASE_S
                continue
            try:
                message = pickle.loads(read_message(asked))
            except EOFError:
                return
            heard = time.monotonic()
            if isinstance(message, End):
                agent.close()
                write_message(told, pickle.dumps(None))
                return
            try:
                answer = agent.answer(message)
            except Exception:
                answer = Failed(traceback.format_exc())
            write_message(told, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
    finally:
        agent.close()


def main() -> None:
    """The process. What anything else prints goes to standard error."""
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with os.fdopen(os.dup(0), "rb", buffering=0) as asked:  # what is waited for must not lie in a buffer
        serve(asked, told)


if __name__ == "__main__":
    main()
