"""A load process on another machine, to be used as `probes.load.shard.Shard` is.

A thread asks the agent some twenty times a second for what has happened and writes it into the columns of the
stretch, in times of this machine's clock: for whoever reads them the load process might be here.
"""

from __future__ import annotations

import pickle
import threading
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from probes.errors import InternalError, UsageError, UserError
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
)
from probes.load.plan import (
    COLUMNS,
    COMPLETE_TO,
    HEADER_WORDS,
    HEARTBEAT,
    SENT_COUNT,
    SHARD_WORDS,
    STOP,
    Segment,
    ShardReport,
    Wire,
)
from probes.load.shard import ShardLost
from probes.load.worker import attach
from probes.version import version

PULL_S = 0.05
PINGS = 30
ENDS_WITHIN_S = 6.0
LARGEST_CLOCK_ERROR_NS = 5_000_000
_TIMES = ("due", "sent", "recv", "read")
Answer = TypeVar("Answer")


class Carrier(Protocol):
    """Brings messages to an agent and its answers back; `name` says where that is."""

    name: str

    def call(self, message: bytes) -> bytes:
        """The answer. Raises `OSError` or `EOFError` where there is nobody any more."""
        ...

    def close(self) -> None:
        """Ends the agent, if it is still there."""
        ...


class FarShard:
    """A load process on the machine that `carrier` leads to. `pid` is 0 where that is not this one."""

    def __init__(self, carrier: Carrier, wire: Wire) -> None:
        self.carrier = carrier
        self.wire = wire
        self.pid = 0
        self.offset_ns = 0
        """What is added to times of its clock to make them times of ours."""
        self._told, self._tells = Pipe(duplex=False)
        self._heard = 0.0
        self._at_work = self._given_up = self._lost = False

    def await_ready(self) -> None:
        """It is ready once it has joined."""

    def join(self) -> None:
        """Starts the load process and compares the clocks.

        Raises `UsageError` for another version of Loadstone there, a target on the loopback of another
        machine, and clocks that cannot be compared to within 5 ms; `ShardLost` where nobody answers.
        """
        joined = self._ask(Join(self.wire), Joined)
        here = joined.network == network_id()
        if joined.version != version():
            raise UsageError(
                f"{self.carrier.name} has loadstone {joined.version}, and this is {version()}: "
                "install the same version there"
            )
        if not here and self.wire.address[0] in ("127.0.0.1", "::1", "localhost"):
            raise UsageError(
                f"{self.carrier.name} is on another machine ({joined.host}), where {self.wire.address[0]} is "
                "not this target: name it by an address that both can reach"
            )
        self.pid = joined.pid if here else 0
        self.offset_ns = 0 if joined.clock == clock_id() else self._clock_offset()

    def begin(self, segment: Segment) -> None:
        """Gives the load process its part."""
        self._heard = time.monotonic()
        self._at_work, self._given_up = True, False
        threading.Thread(target=self._follow, args=(segment,), name="far-shard", daemon=True).start()

    @property
    def pipe(self) -> Connection:
        """Becomes readable when there is a report."""
        return self._told

    def report(self) -> ShardReport | None:
        """As of `Shard`; also `ShardLost` when nothing was heard for `LEASE_S`."""
        if self._told.poll():
            self._at_work = False
            answer = self._told.recv()
            if isinstance(answer, ShardReport):
                return answer
            self._lost = True
            raise answer
        if self._at_work and time.monotonic() - self._heard > LEASE_S:
            self._given_up, self._at_work, self._lost = True, False, True
            raise ShardLost(f"nothing was heard of the load process on {self.carrier.name} for {LEASE_S:g} s")
        return None

    def kill(self) -> None:
        """Ends the load process."""
        self._given_up = True
        self.close()

    def close(self) -> None:
        """Ends the load process and the agent."""
        self._given_up = True

        def end() -> None:
            with suppress(OSError, EOFError, UserError, InternalError):
                self._ask(End(), type(None))
            with suppress(OSError, EOFError, UserError):
                self.carrier.close()

        # What does not answer any more is not waited for: without us it stops by itself.
        ending = threading.Thread(target=end, name="far-shard-end", daemon=True)
        ending.start()
        ending.join(1.0 if self._lost else ENDS_WITHIN_S)

    # within the thread

    def _follow(self, segment: Segment) -> None:
        """Hands the stretch on and writes down what comes of it, until there is a report."""
        try:
            columns = _Columns(segment, self.offset_ns)
            self._ask(Begin(columns.theirs(), columns.due()), type(None))
            while not self._given_up:
                frame = self._ask(Pull(columns.stop_word), Frame)
                self._heard = time.monotonic()
                if self._given_up:
                    return
                columns.write(frame)
                if frame.lost is not None:
                    raise ShardLost(f"{frame.lost} on {self.carrier.name}")
                if frame.report is not None:
                    report = replace(frame.report, ended_ns=frame.report.ended_ns + self.offset_ns)
                    self._tells.send(report)
                    return
                time.sleep(PULL_S)
        except Exception as error:
            if not self._given_up:
                known = isinstance(error, InternalError)
                self._tells.send(error if known else InternalError(f"{type(error).__name__}: {error}"))

    def _ask(self, message: object, kind: type[Answer]) -> Answer:
        try:
            data = self.carrier.call(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
        except (OSError, EOFError) as error:
            raise ShardLost(f"{self.carrier.name} does not answer any more") from error
        answer = pickle.loads(data)
        if isinstance(answer, Failed):
            raise InternalError(f"the load process on {self.carrier.name} failed:\n{answer.text}")
        if not isinstance(answer, kind):
            raise InternalError(f"{self.carrier.name} answered with a {type(answer).__name__}")
        return answer

    def _clock_offset(self) -> int:
        """From the quickest of `PINGS` round trips: it is off by half of that one's time at most."""
        best, offset = 1 << 62, 0
        for _ in range(PINGS):
            before = time.perf_counter_ns()
            theirs = self._ask(Clock(), int)
            after = time.perf_counter_ns()
            if after - before < best:
                best, offset = after - before, (before + after) // 2 - theirs
        if best > 2 * LARGEST_CLOCK_ERROR_NS:
            raise UsageError(
                f"the clock of {self.carrier.name} can be compared with this one only to within "
                f"{best / 2e6:.0f} ms, and 5 ms are needed: use machines that are nearer"
            )
        return offset


class _Columns:
    """A shard's part of the columns of a stretch, seen from here."""

    def __init__(self, segment: Segment, offset_ns: int) -> None:
        self._segment, self._offset = segment, offset_ns
        self._map = attach(segment.path)  # kept, so that a region that is closed early does no harm
        words = np.frombuffer(self._map, np.int64)
        self._header = words[segment.shard * SHARD_WORDS : (segment.shard + 1) * SHARD_WORDS]
        whole = words[HEADER_WORDS : HEADER_WORDS + len(COLUMNS) * segment.capacity]
        self._own: dict[str, NDArray[np.int64]] = {
            name: column[segment.shard :: segment.shards]
            for name, column in zip(COLUMNS, whole.reshape(len(COLUMNS), -1), strict=True)
        }

    @property
    def stop_word(self) -> int:
        return int(self._header[STOP])

    def theirs(self) -> Segment:
        """The segment by the other clock."""
        segment = self._segment
        return replace(
            segment, path="", start_ns=segment.start_ns - self._offset, end_ns=segment.end_ns - self._offset
        )

    def due(self) -> bytes:
        """The due times by the other clock."""
        count = 0 if self._segment.concurrency else self._segment.scheduled
        return (self._own["due"][:count] - self._offset).tobytes()

    def write(self, frame: Frame) -> None:
        """Writes rows and then the header, in the order in which a load process does."""
        if frame.last > frame.first:
            rows = np.frombuffer(frame.rows, np.int64).reshape(len(COLUMNS), -1)
            parts = dict(zip(COLUMNS, rows, strict=True))
            names = [name for name in COLUMNS if name != "read"] + ["read"]
            if not self._segment.concurrency:
                names.remove("due")
            for name in names:
                values = parts[name]
                if name in _TIMES and self._offset:
                    values = np.where(values == 0, 0, values + self._offset)
                self._own[name][frame.first : frame.last] = values
        theirs = np.frombuffer(frame.header, np.int64).copy()
        if theirs[HEARTBEAT]:
            theirs[HEARTBEAT] += self._offset
        for word in (SENT_COUNT, HEARTBEAT, COMPLETE_TO):
            self._header[word] = theirs[word]
        others = [
            word for word in range(SHARD_WORDS) if word not in (STOP, SENT_COUNT, HEARTBEAT, COMPLETE_TO)
        ]
        self._header[others] = theirs[others]
