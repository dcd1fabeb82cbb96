"""Several shards at work on one stretch of load: ordered, watched and stopped together.

Request k belongs to shard k mod n, and so do its rows of the shared columns. What the shards have done so far
is therefore read as from one; only the counts in their blocks of the header are put together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from multiprocessing.connection import wait

import numpy as np
from numpy.typing import NDArray

from probes.errors import InternalError
from probes.load.plan import (
    CANCELLED,
    COMPLETE_TO,
    CPU_NS,
    HEARTBEAT,
    OPEN_CONNECTIONS,
    REFUSED,
    SCHEDULED,
    SENT_COUNT,
    SHARD_WORDS,
    STOP,
    STOP_ISSUING,
    STOP_NOW,
    Segment,
    ShardReport,
)
from probes.load.shard import Live, LoadProcess, Region, ShardLost

TICK_S = 0.05
STOPS_WITHIN_S = 5.0
"""A worker that has not stopped by then, for example within a pattern that takes for ever, is killed."""

OnTick = Callable[[Live], int]


def part_of(segment: Segment, shard: int, shards: int) -> Segment:
    """What one of several shards does of a segment: every n-th request, its share of callers and connections.

    The parts add up to the segment. Each draws pauses of its own.
    """

    def share(total: int) -> int:
        return total // shards + (shard < total % shards)

    return replace(
        segment,
        scheduled=len(range(shard, segment.scheduled, shards)),
        concurrency=share(segment.concurrency),
        preopen=share(segment.preopen),
        max_connections=share(segment.max_connections),
        shard=shard,
        shards=shards,
        seed=segment.seed + 1_000_003 * shard,
    )


def run_together(
    shards: Sequence[LoadProcess], region: Region, segment: Segment, on_tick: OnTick
) -> tuple[ShardReport, ...]:
    """Runs a segment whose rows stand in `region` on all shards; one report a shard.

    `on_tick` is called some 20 times a second; what it returns is the stop word (0 = go on). When one of
    several shards ends before its time the others are stopped at once: its report says so in `lost`, what
    it had under way counts as cancelled, and what it had not sent stays unsent. Raises `InternalError` when
    a worker fails, does not come to an end, or was the only one.
    """
    n = len(shards)
    reports: dict[int, ShardReport] = {}
    ends_at = segment.end_ns + segment.drain_ns
    begun = time.perf_counter_ns()

    def lose(j: int, error: ShardLost) -> None:
        if n == 1:
            raise InternalError(str(error)) from error
        reports[j] = _lost(region, part_of(segment, j, n), begun, str(error))

    def collect() -> None:
        for j in range(n):
            if j not in reports:
                try:
                    report = shards[j].report()
                except ShardLost as error:
                    lose(j, error)
                    continue
                if report is not None:
                    reports[j] = report

    try:
        for j, shard in enumerate(shards):
            try:
                shard.begin(part_of(segment, j, n))
            except ShardLost as error:
                lose(j, error)
        while True:
            wait([shards[j].pipe for j in range(n) if j not in reports], TICK_S)
            collect()
            if len(reports) == n:
                return tuple(reports[j] for j in range(n))
            stop = on_tick(merged_live(region, segment, n))
            if any(report.lost for report in reports.values()):
                stop = STOP_NOW
            said = max(stop, int(region.header[STOP]))
            region.header[STOP::SHARD_WORDS] = said
            if said == STOP_NOW:
                ends_at = min(ends_at, time.perf_counter_ns())
            if time.perf_counter_ns() > ends_at + STOPS_WITHIN_S * 1e9:
                for j in range(n):
                    if j not in reports:
                        shards[j].kill()
                raise InternalError("the load process did not stop when it had to and was killed")
    except KeyboardInterrupt:
        region.header[STOP::SHARD_WORDS] = STOP_ISSUING
        raise


def merged_live(region: Region, segment: Segment, shards: int) -> Live:
    """What all shards have done so far, as if one had done it.

    Row `COMPLETE_TO` is the first that is not finished; those up to `SENT_COUNT` are the ones that may have
    been sent. The heartbeat is the oldest. Read in the order that `COMPLETE_TO` asks for.
    """
    if shards == 1:
        return Live(region.header, region.columns, segment)
    blocks = region.header.reshape(-1, SHARD_WORDS)[:shards]
    shard = np.arange(shards)
    merged = np.zeros(SHARD_WORDS, np.int64)

    def beyond(counts: NDArray[np.int64]) -> int:
        """One beyond the last row that any shard counts."""
        return int(np.where(counts > 0, (counts - 1) * shards + shard + 1, 0).max())

    complete = (blocks[:, COMPLETE_TO].copy() * shards + shard).min()
    merged[HEARTBEAT] = blocks[:, HEARTBEAT].copy().min()
    merged[SENT_COUNT] = beyond(blocks[:, SENT_COUNT].copy())
    merged[COMPLETE_TO] = min(complete, merged[SENT_COUNT])
    merged[SCHEDULED] = beyond(blocks[:, SCHEDULED])
    for word in (OPEN_CONNECTIONS, REFUSED, CPU_NS):
        merged[word] = blocks[:, word].sum()
    return Live(merged, region.columns, segment, blocks[:, CPU_NS].copy())


def merged_report(reports: Sequence[ShardReport]) -> ShardReport:
    """What several workers say of themselves, together."""
    queues = [report.run_queue_s for report in reports]
    errors: dict[int, str] = {}
    for report in reversed(reports):
        errors |= report.first_errors
    return ShardReport(
        scheduled=sum(report.scheduled for report in reports),
        sent=sum(report.sent for report in reports),
        ended_ns=max(report.ended_ns for report in reports),
        cpu_s=sum(report.cpu_s for report in reports),
        run_queue_s=None if None in queues else sum(queue or 0.0 for queue in queues),
        wall_s=max(report.wall_s for report in reports),
        wakeups=_sum(report.wakeups for report in reports),
        connections_opened=_sum(report.connections_opened for report in reports),
        bytes_read=_sum(report.bytes_read for report in reports),
        first_errors=errors,
        pauses=sum(report.pauses for report in reports),
        paused_ns=sum(report.paused_ns for report in reports),
        busiest_cores=max(
            (report.cpu_s / report.wall_s for report in reports if report.wall_s), default=None
        ),
        lost=tuple(text for report in reports for text in report.lost),
        by_instance=tuple(
            map(sum, zip(*(report.by_instance for report in reports if report.by_instance), strict=True))
        ),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    """The sum; None where one of them is not known."""
    known = list(counts)
    return None if None in known else sum(count or 0 for count in known)


def order_by_due(due: NDArray[np.int64], sent: Sequence[int], first: int = 0) -> NDArray[np.int64]:
    """The rows from `first` on that shards of a closed loop have filled, `sent[j]` of shard j, in the order
    in which they were due."""
    n = len(sent)
    begin = [-(-(first - j) // n) if first > j else 0 for j in range(n)]
    rows = np.concatenate([j + n * np.arange(begin[j], count) for j, count in enumerate(sent)])
    return rows[np.argsort(due[rows], kind="stable")]


def _lost(region: Region, part: Segment, begun: int, error: str) -> ShardReport:
    """The report of a worker that cannot say anything any more, from what it has written."""
    mine = {name: column[part.shard :: part.shards] for name, column in region.columns.items()}
    now = time.perf_counter_ns()
    block = region.header[part.shard * SHARD_WORDS : (part.shard + 1) * SHARD_WORDS]
    ended = int(block[COMPLETE_TO])  # what lies before it may have been given away
    later = mine["sent"][ended:]
    sent = ended + (len(later) if later.all() else int(np.argmin(later != 0)))
    under_way = ended + np.flatnonzero(mine["read"][ended:sent] == 0)
    mine["recv"][under_way] = 0
    mine["status"][under_way] = CANCELLED
    mine["read"][under_way] = now
    block[SENT_COUNT], block[COMPLETE_TO], block[HEARTBEAT] = sent, sent, now
    block[OPEN_CONNECTIONS] = 0
    return ShardReport(
        scheduled=sent if part.concurrency else part.scheduled,
        sent=sent,
        ended_ns=now,
        cpu_s=float(block[CPU_NS]) / 1e9,
        run_queue_s=None,
        wall_s=max((now - begun) / 1e9, 1e-9),
        wakeups=None,
        connections_opened=None,
        bytes_read=None,
        lost=(f"load process {part.shard + 1} of {part.shards}: {error}",),
    )
