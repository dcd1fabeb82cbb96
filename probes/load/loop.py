"""The hot loop: due, sent, received, read. The load process holds nothing but this; standard library only.

One pass of the loop in `Loop.run` follows a request from its due time to its row:

    1. send        the request that is due next leaves on a free connection: DUE → SENT
    2. housekeep   every `TICK_NS`: time-outs, the coordinator's stop word, counts that it may read
    3. wait        for an answer or for what is due next, to the microsecond
    4. match       an answer is read with the kernel's stamp and its row is written: RECV, STATUS, READ

A request that is due while no connection is free waits with its due time; nothing is ever dropped. The
columns (`probes.load.plan`) are the only thing written while load runs. What happens rarely (a connection
that comes up, breaks, or cannot be made) stands in the functions before the loop.

An answer's head is parsed once and remembered: the next answer with the same bytes is known by comparing
them. Answers in pieces or without a plain Content-Length go through `probes.load.reader`.
"""

from __future__ import annotations

import os
import random
import select
import struct
import time
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from pathlib import Path

from probes.load.balance import Turns
from probes.load.connection import Conn, Connections
from probes.load.multiplexing import Ended, Lanes
from probes.load.plan import (
    CANCELLED,
    COLUMNS,
    COMPLETE_TO,
    CPU_NS,
    DELAY_SHIFT,
    HEADER_WORDS,
    HEARTBEAT,
    OPEN_CONNECTIONS,
    REFUSED,
    RESET,
    SCHEDULED,
    SENT_COUNT,
    SHARD_WORDS,
    STOP,
    STOP_NOW,
    TIMEOUT,
    WAITED,
    Segment,
    ShardReport,
    Wire,
)
from probes.load.reader import Reader

TICK_NS = 10_000_000
OFFSET_HOLDS_NS = 1_000_000_000
CLOSED_LOOP_RECONNECT_NS = 20_000_000
CONNECTS_A_PASS = 32
SMALL_READ = 448
"""Bytes first asked of a socket: with its header such an object is still taken from Python's own pools."""
READ_OF_MANY = 16_384
"""Where answers of several requests come at once."""
NEVER = 1 << 62

now = time.perf_counter_ns


def clock_offset() -> int:
    """Wall clock less monotonic clock in ns: the largest of fifty readings, so the least disturbed."""
    return max(time.clock_gettime_ns(time.CLOCK_REALTIME) - now() for _ in range(50))


def run_queue_ns() -> int:
    """Nanoseconds this process was ready but had no processor; -1 where the system does not tell."""
    try:
        return int(Path("/proc/self/schedstat").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return -1


def rows_of(segment: Segment, most: int) -> range:
    """The first `most` rows that are the segment's shard's, of all rows."""
    return range(segment.shard, segment.shard + most * segment.shards, segment.shards)


def columns_of(segment: Segment, words: memoryview, extra: int = 0) -> list[memoryview]:
    """The shard's part of the columns DUE, SENT, RECV, READ, STATUS and the `extra` ones after them."""
    n = segment.capacity
    whole = [words[HEADER_WORDS + k * n : HEADER_WORDS + (k + 1) * n] for k in range(len(COLUMNS) + extra)]
    return [column[segment.shard :: segment.shards] for column in whole]


def log_of(segment: Segment, words: memoryview, wire: Wire) -> memoryview:
    """The shard's log: two words an entry."""
    columns = len(COLUMNS) + len(wire.extra_columns)
    begin = HEADER_WORDS + columns * segment.capacity + 2 * segment.shard * wire.log_entries
    return words[begin : begin + 2 * wire.log_entries]


def new_pauses(segment: Segment) -> Callable[[], int]:
    """Draws how long (ns) a caller pauses between an answer and its next request."""
    think, draw = segment.think_ns, random.Random(segment.seed).expovariate
    if segment.think_constant:
        return lambda: think
    return lambda: int(draw(1.0) * think)


class Loop:
    """Runs segments against one target; connections live from one segment to the next."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.errors: dict[int, str] = {}
        self.connections = Connections(wire, self.errors)
        self.reader = Reader(wire, self.errors)
        self.turns = Turns(len(wire.addresses)) if wire.others else None
        self.free: list[Conn] | Turns = [] if self.turns is None else self.turns
        self.many = None
        if wire.streams and isinstance(self.free, list):
            self.many = Lanes(self.connections, self.free, now)
        self.coordinator = os.getppid()

    def close(self) -> None:
        """Closes every connection."""
        self.connections.close()

    def run(self, segment: Segment, words: memoryview) -> ShardReport:
        """Runs one segment in the shared words and returns what the worker says of itself."""
        header = words[segment.shard * SHARD_WORDS : (segment.shard + 1) * SHARD_WORDS]
        due, sent, recv, read, status, *extra = columns_of(segment, words, len(self.wire.extra_columns))
        turns, spread = self.turns, self.connections.spread
        instance = extra.pop() if turns is not None else None  # the last; the others are a codec's own
        log = log_of(segment, words, self.wire)
        self.connections.notes.use(header, extra, log, segment.shard, segment.shards)
        n = len(due)
        closed = segment.concurrency > 0
        limit = segment.concurrency if closed else segment.max_connections
        offered = self.wire.requests[slice(*(segment.requests or (None, None)))]
        kinds = len(offered)
        requests = [offered[row % kinds] for row in rows_of(segment, kinds)]
        request = requests[0]  # the next to send
        timeout = self.wire.timeout_ns
        connections, reader, free = self.connections, self.reader, self.free
        conns, poller = connections.all, connections.poller
        many = self.many
        plain_http = self.wire.protocol == "http"
        always_same = plain_http and kinds == 1 and turns is None
        short_cut = plain_http and reader.expect is None and not self.wire.head_only
        poll, listening, wait = poller.poll, poller.listening, select.select
        nobody: list[int] = []
        unpack = struct.Struct("qq").unpack
        offset = 0
        second = stamp_base = 0  # the last stamp's second, and what its nanoseconds are added to
        read_bytes = SMALL_READ if many is None else READ_OF_MANY
        last_head, last_status, whole = b"", 0, -1  # of the last plain answer: most are like the one before
        bytes_read = wakeups = 0
        self.errors.clear()
        connections.opened = 0

        if many is not None:
            many.use(limit)
        preopen = min(segment.preopen, limit)
        if spread is not None:
            limit, preopen = self._shared_out(segment, limit, preopen)
        while many is None and len(conns) > limit:
            connections.drop(free.pop() if free else next(iter(conns.values())))
        if turns is not None:
            turns.taken = [0] * len(turns.taken)
        for _ in range(preopen - len(conns) if many is None else many.room(preopen)):
            if connections.connect(now()):
                break

        i = 0  # the next request to send
        k = 0  # all before k are finished
        m = segment.scheduled  # rows that are scheduled
        finished = 0
        issuing = True
        at_once = closed and not segment.think_ns  # callers send again as soon as they have their answer
        seen = 0  # all before it were noticed when they were due, or are marked as having waited
        connect_after = 0
        tick = offset_until = 0
        cancel_at = NEVER
        think = segment.think_ns
        pause = new_pauses(segment)
        thinking: list[int] = []  # when each caller that pauses will want to send, the soonest first
        pauses = paused = 0
        if think:  # callers are met somewhere in a pause, not all at its beginning
            draw = random.Random(segment.seed + 1).random
            first = [int(draw() * think) if segment.think_constant else pause() for _ in range(limit)]
            thinking = [segment.start_ns + length for length in first]
            heapify(thinking)
        elif closed:
            m = min(segment.concurrency, n)
            for row in range(m):
                due[row] = segment.start_ns
        next_due = due[0] if m else NEVER
        cpu_0, queue_0, wall_0 = time.process_time_ns(), run_queue_ns(), now()
        t = now()

        def answered(t: int) -> None:
            """A caller of a closed loop has its answer: it sends again, at once or after a pause."""
            nonlocal m, pauses, paused
            if not issuing or m >= n:
                return
            if think:
                length = pause()
                pauses += 1
                paused += length
                heappush(thinking, t + length)
            else:
                due[m] = t
                m += 1

        def finish(conn: Conn, outcome: int, stamp: int, t: int) -> None:
            """Records the request a connection carries (off the fast path) and frees the connection."""
            nonlocal finished
            row = conn.row
            recv[row] = stamp
            status[row] |= reader.judged(conn, outcome)
            read[row] = t
            finished += 1
            conn.row = -1
            conn.need = 0
            conn.parser = conn.body = None
            keeps = outcome < TIMEOUT if conn.codec is None else conn.codec.keep
            if conn.close_after or conn.out is not None or not keeps:
                connections.drop(conn)
            else:
                free.append(conn)
            if closed:
                answered(t)

        def over(ended: Ended, stamp: int, t: int) -> None:
            """Records requests of a connection that carries several (off the fast path)."""
            nonlocal finished
            for row, outcome in ended:
                recv[row] = stamp
                status[row] |= outcome
                read[row] = t
                finished += 1
                if closed:
                    answered(t)

        def lost(conn: Conn, outcome: int, stamp: int, t: int) -> None:
            """A connection has ended or broken, and the request that it carries with it."""
            conn.close_after = True
            if conn.row >= 0:
                finish(conn, outcome, stamp, t)
            else:
                free.remove(conn)
                connections.drop(conn)

        def came_up(conn: Conn) -> bool:
            """Connecting goes on; True when the connection is up and may have something to read already."""
            nonlocal connect_after
            outcome = connections.advance(conn)
            if outcome > 0:
                t = now()
                fail_waiting(outcome, t)
                if closed:
                    connect_after = t + CLOSED_LOOP_RECONNECT_NS
            elif outcome == 0:
                if many is None:
                    free.append(conn)
                else:
                    many.came_up(conn)
            return outcome == 0 and conn.tls is not None  # the first word may come with the handshake

        def fail_waiting(outcome: int, t: int) -> None:
            """A connection could not be made: the request that waits longest fails with it."""
            nonlocal i, finished
            if i < m and due[i] <= t:
                sent[i] = t
                status[i] = outcome
                read[i] = t
                i += 1
                finished += 1
                if closed:
                    answered(t)

        while True:
            # 1. send what is due
            if thinking:
                while thinking and thinking[0] <= t and m < n:
                    due[m] = heappop(thinking)
                    m += 1
                next_due = due[i] if i < m else NEVER
            while next_due <= t:
                if free:
                    conn = free.pop()
                    if many is not None:
                        if many.begin(conn, i, requests[i % kinds]):
                            i += 1
                            next_due = due[i] if i < m else NEVER
                        continue
                    if not always_same:
                        request = requests[i % kinds]
                        if instance is not None:
                            instance[i] = conn.instance
                        if not plain_http:
                            request = connections.begin(conn, i, request)
                    conn.row = i
                    sent[i] = t = now()
                    try:
                        size = conn.send(request)
                    except BlockingIOError:
                        size = 0
                    except OSError as error:
                        self.errors.setdefault(RESET, error.strerror or str(error))
                        conn.close_after = True
                        i += 1
                        finish(conn, RESET, 0, now())
                        next_due = due[i] if i < m else NEVER
                        continue
                    i += 1
                    next_due = due[i] if i < m else NEVER
                    if size != len(request):
                        conn.out = memoryview(request)[size:]
                        poller.change(conn.fd, writable=True)
                else:
                    seen = max(seen, i)
                    while seen < m and due[seen] <= t:
                        status[seen] = WAITED | (t - due[seen]) // 1_000 << DELAY_SHIFT
                        seen += 1
                    room = limit - len(conns) if many is None else many.room(seen - i)
                    if room > 0 and t >= connect_after:
                        wanted = seen - i - connections.connecting if many is None else room
                        for _ in range(min(wanted, room, CONNECTS_A_PASS)):
                            outcome = connections.connect(t)
                            if outcome:
                                fail_waiting(outcome, t)
                                if closed:
                                    connect_after = t + CLOSED_LOOP_RECONNECT_NS
                                    break
                        next_due = due[i] if i < m else NEVER
                    break
            if many is not None and many.dirty:  # what goes to the same connection leaves together
                for broken, fault in many.flush(sent):
                    over(many.lost(broken, fault), 0, now())
                next_due = due[i] if i < m else NEVER

            # 2. housekeeping
            if t >= tick:
                tick = t + TICK_NS
                oldest = t - timeout
                overdue: list[int] = []
                row = k
                while row < i and (read[row] or sent[row] <= oldest):
                    if not read[row]:
                        overdue.append(row)
                    row += 1
                if overdue and many is not None:
                    carriers = many.owners()
                    for late in overdue:
                        over([(late, TIMEOUT)], 0, t)
                        over(many.given_up(carriers[late], late, sent[late]), 0, t)
                elif overdue:
                    owners = {conn.row: conn for conn in conns.values() if conn.row >= 0}
                    for late in overdue:
                        conn = owners[late]
                        conn.close_after = True
                        finish(conn, TIMEOUT, 0, t)
                k = row
                if connections.connecting:
                    for outcome in connections.give_up(oldest):
                        fail_waiting(outcome, t)
                if spread is not None and len(conns) < limit and spread.to_try_again(t):
                    connections.connect(t)
                header[SENT_COUNT] = i  # this, the heartbeat and what is complete in this order
                header[HEARTBEAT] = t
                header[COMPLETE_TO] = k
                header[SCHEDULED] = m
                header[OPEN_CONNECTIONS] = len(conns)
                header[REFUSED] = connections.refused
                header[CPU_NS] = time.process_time_ns() - cpu_0
                if t >= offset_until:
                    offset, offset_until, second = clock_offset(), t + OFFSET_HOLDS_NS, 0
                stop = header[STOP]
                if issuing and (stop or t >= segment.end_ns or (closed and finished == n)):
                    issuing = at_once = False
                    cancel_at = t + segment.drain_ns
                if stop or (closed and not issuing):
                    m = i  # what was not sent by now stays unsent
                    thinking.clear()
                next_due = due[i] if i < m else NEVER
                if stop == STOP_NOW or t >= cancel_at:
                    for conn in [conn for conn in conns.values() if conn.row >= 0]:
                        conn.close_after = True
                        finish(conn, CANCELLED, 0, t)
                    if many is not None:
                        over(many.cancelled(), 0, t)
                    break
                if os.getppid() != self.coordinator:
                    raise SystemExit("the coordinator is gone")
            if not issuing and i >= m and finished == i:
                break

            # 3. wait for an answer or for what is due next
            if thinking and thinking[0] < next_due:
                next_due = thinking[0]
            t = now()
            if next_due > t:
                until = next_due if next_due < tick else tick
            elif free or (len(conns) < limit if many is None else many.room(1) > 0):
                until = t if connect_after <= t and not connections.connecting else min(tick, t + 100_000)
            else:
                until = tick
            if until > t:
                if listening and until < tick:  # what is due is waited for to the microsecond
                    if not wait(listening, nobody, nobody, (until - t) * 1e-9)[0]:
                        t = now()
                        continue
                    events = poll(0, 64)
                else:
                    events = poll((until - t) * 1e-9, 64)
                    if not events:
                        t = now()
                        continue
            else:
                events = poll(0, 64)
            wakeups += 1

            # 4. match and record
            for fd, _ in events:
                try:
                    conn = conns[fd]
                except KeyError:
                    continue
                if conn.opened and not came_up(conn):
                    continue
                if conn.out is not None:
                    connections.send_on(conn)  # an answer may come before the request is sent whole
                try:
                    data, ancillary, _, _ = conn.recvmsg(read_bytes, 64)
                except BlockingIOError:
                    continue
                except OSError as error:
                    if many is not None:
                        over(many.lost(conn, error), 0, now())
                        continue
                    lost(conn, reader.at_error(conn, error) if conn.row >= 0 else 0, 0, now())
                    continue
                t = now()
                if ancillary:
                    seconds, nanoseconds = unpack(ancillary[0][2])
                    if seconds != second:
                        second, stamp_base = seconds, seconds * 1_000_000_000 - offset
                    stamp = stamp_base + nanoseconds
                else:
                    stamp = 0
                size = len(data)
                row = conn.row
                bytes_read += size
                if conn.many is not None and many is not None:
                    if not size:
                        over(many.lost(conn, None), stamp, t)
                        continue
                    if size == read_bytes and read_bytes < 262_144:
                        read_bytes *= 4
                    for row, outcome in conn.many.feed(data, stamp, t):
                        recv[row] = stamp
                        status[row] |= outcome
                        read[row] = t
                        finished += 1
                        if conn.slots:
                            free.append(conn)
                        if at_once:
                            if m < n:
                                due[m] = t
                                m += 1
                        elif closed:
                            answered(t)
                    over(many.after(conn), stamp, t)
                    continue
                if row < 0 or not size:
                    if row < 0 and size and conn.codec is not None:
                        connections.feed(conn, conn.codec, data, stamp, t)
                        if not conn.close_after:
                            continue
                    lost(conn, reader.at_end(conn) if row >= 0 else 0, stamp, t)
                    continue
                if size == read_bytes and read_bytes < 262_144:
                    read_bytes *= 4
                known = short_cut and not conn.need and conn.out is None
                if known and (size != whole or not data.startswith(last_head)):
                    alike = reader.seen_before(data)
                    known = alike is not None
                    if alike is not None:
                        last_status, last_head, whole = *alike, size
                if known:
                    recv[row] = stamp
                    status[row] = last_status if row >= seen else last_status | status[row]
                    read[row] = t
                    finished += 1
                    conn.row = -1
                    free.append(conn)
                    if at_once:
                        if m < n:
                            due[m] = t
                            m += 1
                    elif closed:
                        answered(t)
                    continue
                if conn.codec is None:
                    outcome = reader.read_on(conn, data)
                else:
                    outcome = connections.feed(conn, conn.codec, data, stamp, t)
                if outcome:
                    finish(conn, outcome, stamp, t)
            next_due = due[i] if i < m else NEVER

        ended = now()
        header[SENT_COUNT], header[HEARTBEAT], header[COMPLETE_TO] = i, ended, i
        queue = run_queue_ns()
        return ShardReport(
            scheduled=segment.scheduled if not closed else i,
            sent=i,
            ended_ns=ended,
            cpu_s=(time.process_time_ns() - cpu_0) / 1e9,
            run_queue_s=(queue - queue_0) / 1e9 if queue >= 0 and queue_0 >= 0 else None,
            wall_s=(now() - wall_0) / 1e9,
            wakeups=wakeups,
            connections_opened=connections.opened,
            bytes_read=bytes_read,
            first_errors=dict(self.errors),
            pauses=pauses,
            paused_ns=paused,
            by_instance=() if turns is None else tuple(turns.taken),
        )

    def _shared_out(self, segment: Segment, limit: int, preopen: int) -> tuple[int, int]:
        """Makes ready for the instances that get load, and returns as many connections as can be shared out
        evenly: most, and to begin with. Each instance gets one at least."""
        connections, spread = self.connections, self.connections.spread
        assert spread is not None
        spread.use(segment.only)
        for conn in [conn for conn in connections.all.values() if not spread.gets_load(conn.instance)]:
            if not conn.opened:
                self.free.remove(conn)
            connections.drop(conn)
        even = -(-limit // spread.count) * spread.count
        return even, min(even, -(-preopen // spread.count) * spread.count)
