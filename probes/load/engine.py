"""Runs load on one target: fills the due times, lets the shard run, and reads what happened.

The coordinator never touches the hot path. Some twenty times a second it looks at the shared columns: once a
second it reports the second that has passed, and it asks the stop rules whether to go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from probes.load.lateness import own_delay
from probes.load.plan import (
    CANCELLED,
    COLUMNS,
    COMPLETE_TO,
    HEARTBEAT,
    INSTANCE,
    OPEN_CONNECTIONS,
    OUTCOME,
    REFUSED,
    SCHEDULED,
    SENT_COUNT,
    STOP_ISSUING,
    TIMEOUT,
    Segment,
    ShardReport,
    Wire,
)
from probes.load.shard import Columns, Live, LoadProcess, Region, Shard
from probes.load.spec import Think
from probes.load.together import merged_live, merged_report, order_by_due, run_together

if TYPE_CHECKING:
    from probes.load.cluster.dask_cluster import Cluster

LEAD_NS = 60_000_000
"""Between the order to run and the first due time, so that the worker is ready."""
FAR_LEAD_NS = 500_000_000
"""… and so that due times have reached workers on other machines."""

LEAST_SPAN_NS = 1_000_000
"""A rest of a second that is shorter holds nothing that could be told as a rate."""

CLOSED_LOOP_RATE = 250_000
"""More requests a second than one worker can send: rows that are reserved, not memory that is used."""


@dataclass(frozen=True)
class Record:
    """The requests of one stretch of load, one row a request, in the order they were due.

    Columns of shape (scheduled,) in ns of the monotonic clock: `due`, `sent` (0 = unsent), `recv` (0 = no
    kernel stamp), `read` (0 = unsent), and `status` (HTTP status or outcome, and flags; see
    `probes.load.plan`). The load began at `start_ns`, the last request was due before `end_ns`.
    """

    due: NDArray[np.int64]
    sent: NDArray[np.int64]
    recv: NDArray[np.int64]
    read: NDArray[np.int64]
    status: NDArray[np.int64]
    start_ns: int
    end_ns: int
    concurrency: int
    report: ShardReport
    stopped: bool = False
    think: bool = False
    """The callers of a closed loop paused between an answer and their next request."""
    extra: Columns = field(default_factory=dict)
    """What the protocol's codec wrote of each request beside it, by name, shape (scheduled,)."""
    log: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    """What the codec logged, of shape (entries, 2): the request's row here, and a value; each request's in
    the order of time."""
    log_lost: int = 0
    """Entries of the whole stretch for which the log had no room."""
    first_row: int = 0
    """The requests before this one were given away while the load ran; see `Ended`."""

    @property
    def outcome(self) -> NDArray[np.int64]:
        """The status without flags; 0 = unsent."""
        return self.status & OUTCOME

    def rows(self, first: int, last: int, start_ns: int, end_ns: int) -> Record:
        """The part with rows first … last - 1, as a stretch of its own."""
        cut = slice(first, last)
        logged = self.log[(self.log[:, 0] >= first) & (self.log[:, 0] < last)]
        return Record(
            self.due[cut], self.sent[cut], self.recv[cut], self.read[cut], self.status[cut],
            start_ns, end_ns, self.concurrency, self.report, self.stopped, self.think,
            {name: column[cut] for name, column in self.extra.items()}, logged - (first, 0), self.log_lost,
        )  # fmt: skip

    def due_from(self, start_ns: int) -> Record:
        """The part that was due at `start_ns` or later."""
        first = int(np.searchsorted(self.due, start_ns))
        return self.rows(first, len(self.due), max(start_ns, self.start_ns), self.end_ns)


@dataclass(frozen=True)
class Ended:
    """Requests of a stretch that still runs: rows from `first_row` on, all of which have ended.

    `rows` are the five columns, as of a `Record` but that those of callers need not be in order; they are to
    be read at once, for their memory is given back. The load began at `start_ns` and is to end at `end_ns`.
    """

    first_row: int
    rows: Columns
    start_ns: int
    end_ns: int


Drain = Callable[[Ended], None]

GIVEN_AWAY_ROWS = 100_000
"""Requests that have ended are given away by at least that many."""


@dataclass(frozen=True)
class Progress:
    """What has happened in the last second of a running stretch; times in ns."""

    seconds: float
    span_s: float
    scheduled: int
    finished: int
    statuses: NDArray[np.int64]
    response_ns: NDArray[np.int64]
    in_flight: int
    waiting: int
    connections: int
    refused: int
    t_ns: int
    wait_ns: NDArray[np.int64]
    """Since each was due, and how much of that our own client added: shape of `statuses`."""
    own_delay_ns: NDArray[np.int64]
    client_cores: float | None
    """Cores that the load processes used in this second; None where they did not say."""
    busiest_cores: float | None
    client_cpu_s: float
    """CPU time of the load processes since the stretch began."""


class Observer(Protocol):
    """Told of each second; asked on each look for a stop word (0 = go on; see `probes.load.plan`)."""

    def second(self, progress: Progress) -> None: ...

    def stop_word(self, live: Live, t_ns: int) -> int: ...


class Engine:
    """Load on one target, one stretch after the other, on connections that live on between them."""

    def __init__(
        self, wire: Wire, connections: int, observer: Observer, shards: int = 1, cluster: str | None = None
    ) -> None:
        """With a `cluster` (`dask://host:port`) there is a load process on each of its workers instead."""
        self.cluster: Cluster | None = None
        self.shards: Sequence[LoadProcess]
        self.lead_ns = LEAD_NS
        if cluster is None:
            self.shards = [Shard(wire, wait=False) for _ in range(shards)]
        else:
            from probes.load.cluster.dask_cluster import Cluster

            self.cluster = Cluster(cluster, wire)
            self.shards = self.cluster.shards
            self.lead_ns = FAR_LEAD_NS
        for shard in self.shards:
            shard.await_ready()
        self.wire = wire
        self.timeout_s = wire.timeout_ns / 1e9
        self.connections = connections
        self.observer = observer
        self.cpu_s = 0.0
        self.sent = 0
        self.notes: dict[int, str] = {}
        self.requests: tuple[int, int] | None = None
        """Which requests of the wire the next stretches send, (first, end); None: all, in turn."""
        self.only: tuple[int, ...] | None = None
        """Which of several instances get the load of the next stretches, by their index; None: all."""
        self.by_instance = [0] * len(wire.addresses)
        """Requests sent to each of several instances; of a single one 0."""
        self.lost: tuple[str, ...] = ()
        """Load processes that ended before their time, a sentence each: from then on nothing may be sent."""

    @property
    def shard(self) -> LoadProcess:
        """The load process; the first of several."""
        return self.shards[0]

    def close(self) -> None:
        """Ends the load processes."""
        for shard in self.shards:
            shard.close()
        if self.cluster is not None:
            self.cluster.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_loop(
        self,
        due_ns: NDArray[np.int64],
        seconds: float,
        *,
        drain_s: float | None = None,
        enough: Callable[[Live], bool] | None = None,
        give: Drain | None = None,
    ) -> Record:
        """Sends each request when it is due (ns from the start), whatever the answers do.

        After `seconds` the load waits up to `drain_s` (the request's time-out by default) for what is
        unfinished, then cancels it. `enough` may end the stretch early. With `give`, requests that have ended
        are given away while the load runs, so that a long one takes no more memory than a short one; the
        record then has the others only.
        """
        scheduled = len(due_ns)
        region = Region(max(1, scheduled), self.wire, len(self.shards))
        start = time.perf_counter_ns() + self.lead_ns
        np.add(due_ns, start, out=region.columns["due"][:scheduled])
        rate = scheduled / seconds
        segment = Segment(
            path=region.path,
            capacity=region.capacity,
            scheduled=scheduled,
            start_ns=start,
            end_ns=start + int(seconds * 1e9),
            drain_ns=int((self.timeout_s + 0.1 if drain_s is None else drain_s) * 1e9),
            preopen=int(max(len(self.shards), min(self.connections, 8, rate / 10))),
            max_connections=self.connections,
            requests=self.requests,
            only=self.only,
        )
        return self._run(region, segment, enough, give)

    def closed_loop(
        self,
        concurrency: int,
        seconds: float,
        *,
        drain_s: float | None = None,
        enough: Callable[[Live], bool] | None = None,
        think: Think | None = None,
        seed: int = 0,
        give: Drain | None = None,
    ) -> Record:
        """`concurrency` callers, each sending again as soon as it has its answer, or after it has thought.

        The rest as of `open_loop`.
        """
        capacity = int(CLOSED_LOOP_RATE * min(seconds, 80.0)) + concurrency
        region = Region(capacity, self.wire, len(self.shards))
        start = time.perf_counter_ns() + self.lead_ns
        segment = Segment(
            path=region.path,
            capacity=region.capacity,
            scheduled=0,
            start_ns=start,
            end_ns=start + int(seconds * 1e9),
            drain_ns=int((self.timeout_s + 0.1 if drain_s is None else drain_s) * 1e9),
            concurrency=concurrency,
            preopen=concurrency,
            think_ns=0 if think is None else int(think.mean_s * 1e9),
            think_constant=think is not None and think.constant,
            seed=seed,
            requests=self.requests,
            only=self.only,
        )
        return self._run(region, segment, enough, give)

    def _run(
        self,
        region: Region,
        segment: Segment,
        enough: Callable[[Live], bool] | None,
        give: Drain | None,
    ) -> Record:
        clock = _Seconds(segment.start_ns, self.observer)
        shards = self.shards[: segment.concurrency or len(self.shards)]
        n = len(shards)
        stopped: int | None = None
        given = 0
        if set(self.wire.extra_columns) - {INSTANCE}:
            give = None  # what a codec wrote of a request beside its row is still wanted

        def give_away(ended_to: int) -> None:
            nonlocal given
            assert give is not None
            rows = {name: region.columns[name][given:ended_to] for name in COLUMNS}
            give(Ended(given, rows, segment.start_ns, segment.end_ns))
            region.release(ended_to)
            given = ended_to

        def on_tick(live: Live) -> int:
            nonlocal stopped
            t = time.perf_counter_ns()
            clock.look(live)
            ended_to = min(clock.first, int(live.header[COMPLETE_TO]))
            if give is not None and ended_to - given >= GIVEN_AWAY_ROWS:
                give_away(ended_to)
            word = self.observer.stop_word(live, t)
            if not word and enough is not None and enough(live):
                word = STOP_ISSUING
            if word and stopped is None:
                stopped = t
            return word

        try:
            reports = run_together(shards, region, segment, on_tick)
            report = merged_report(reports)
            if report.lost and stopped is None:
                stopped = report.ended_ns
            live = merged_live(region, segment, n)
            clock.look(live, report.ended_ns)
            end = segment.end_ns if stopped is None else min(stopped, segment.end_ns)
            end = min(end, report.ended_ns)
            filled = {name: column[given : report.scheduled] for name, column in region.columns.items()}
            log, log_lost = region.log()
            if n > 1 and segment.concurrency:
                order = order_by_due(region.columns["due"], [part.sent for part in reports], given)
                filled = {name: column[order] for name, column in region.columns.items()}
                if len(log):
                    place = np.zeros(int(order.max()) + 1, np.int64)
                    place[order] = np.arange(len(order))
                    log[:, 0] = place[log[:, 0]]
            rows = len(filled["due"])
            if stopped is not None:  # what would have been due only after an early stop was never due
                due = filled["due"]
                sent_to = rows if segment.concurrency else int(live.header[SENT_COUNT]) - given
                rows = max(sent_to, int(np.searchsorted(due, end)))
                end = max(end, int(due[rows - 1]) + 1) if rows else end
            columns: Columns = {name: column[:rows].copy() for name, column in filled.items()}
            extra = {name: columns.pop(name) for name in self.wire.extra_columns}
        finally:
            region.close()
        self.cpu_s += report.cpu_s
        self.sent += report.sent
        self.notes |= report.first_errors
        self.lost += report.lost
        for k, sent in enumerate(report.by_instance):
            self.by_instance[k] += sent
        return Record(
            **columns,
            start_ns=segment.start_ns,
            end_ns=max(end, segment.start_ns + 1),
            concurrency=segment.concurrency,
            report=report,
            think=segment.think_ns > 0,
            stopped=stopped is not None,
            extra=extra,
            log=log[log[:, 0] < rows],
            log_lost=log_lost,
            first_row=given,
        )


class _Seconds:
    """Cuts a running stretch into seconds and reports each.

    A second ends with the worker's heartbeat, and the header is read against the order in which it was
    written (see `COMPLETE_TO`), so that no answer falls between two seconds.
    """

    def __init__(self, start_ns: int, observer: Observer) -> None:
        self.start = self.edge = start_ns
        self.observer = observer
        self.first = 0
        self.cpu_ns: NDArray[np.int64] = np.zeros(1, np.int64)

    def look(self, live: Live, t: int | None = None) -> None:
        """Reports the second that has passed; at the end (`t` given) what is left of the last."""
        last = t is not None
        t = int(live.header[HEARTBEAT]) if t is None else t
        due_second = t - self.edge >= 1_000_000_000
        if not due_second and not (last and t - self.edge >= LEAST_SPAN_NS):
            return
        sent = int(live.header[SENT_COUNT])
        columns = live.columns
        read, sent_at = columns["read"][self.first : sent], columns["sent"][self.first : sent]
        ended = (read > self.edge) & (read <= t)
        rows = {name: column[self.first : sent][ended] for name, column in columns.items()}
        status = rows["status"] & OUTCOME
        answered = (status < TIMEOUT) | (status == TIMEOUT)
        waited = rows["read"] - rows["due"]
        cpu_ns = live.cpu_ns()
        used = (cpu_ns - self.cpu_ns) / (t - self.edge)
        if live.segment.concurrency:
            # rows that a slower shard has not filled yet are 0, so that the column need not ascend
            there = slice(self.first, int(live.header[SCHEDULED]))
            due, by_now = columns["due"][there], min(t, live.segment.end_ns)
            scheduled = int(((due >= self.edge) & (due < by_now)).sum())
            waiting = int(((due > 0) & (due < by_now) & (columns["sent"][there] == 0)).sum())
        else:
            due = columns["due"][: live.segment.scheduled]
            due_by_now = int(np.searchsorted(due, min(t, live.segment.end_ns)))
            scheduled = max(0, due_by_now - int(np.searchsorted(due, self.edge)))
            waiting = int((columns["sent"][self.first : due_by_now] == 0).sum())
        self.observer.second(
            Progress(
                seconds=(t - self.start) / 1e9,
                span_s=(t - self.edge) / 1e9,
                scheduled=scheduled,
                finished=int(ended.sum()),
                statuses=status,
                response_ns=waited[answered & (status != CANCELLED)],
                in_flight=int(((read == 0) & (sent_at > 0)).sum()),
                waiting=waiting,
                connections=int(live.header[OPEN_CONNECTIONS]),
                refused=int(live.header[REFUSED]),
                t_ns=t,
                wait_ns=waited,
                own_delay_ns=own_delay(**{name: rows[name] for name in COLUMNS}),
                client_cores=float(used.sum()) if used.any() else None,
                busiest_cores=float(used.max()) if used.any() else None,
                client_cpu_s=float(cpu_ns.sum()) / 1e9,
            )
        )
        still_open = (read == 0) | (read > t)  # one shard's heartbeat may be older than another's answers
        self.first += int(np.argmax(still_open)) if still_open.any() else len(read)
        self.edge, self.cpu_ns = t, cpu_ns


def split_rows(record: Record, first: Sequence[int], edges_s: Sequence[float]) -> list[Record]:
    """A stretch of several stages as one record a stage; `first` as from `due_times`, edges in seconds."""
    parts = []
    for j in range(len(first) - 1):
        start = record.start_ns + int(edges_s[j] * 1e9)
        end = min(record.start_ns + int(edges_s[j + 1] * 1e9), record.end_ns)
        if start >= end:
            break
        parts.append(record.rows(int(first[j]), int(first[j + 1]), start, end))
    return parts
