"""Unary gRPC load by grpcio's own client, for servers that our frames (`http2.py`) cannot talk to.

It takes the place of `loop.Loop` where `Wire.protocol` is "grpcio": the same plan, rows and stop words. What
differs: all calls share one channel, there is no kernel receive stamp, timers are asyncio's (1 ms), and a
call costs several times the CPU.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import grpc

from probes.load.http2_frames import CODES, STATUS_OF_CODE, U32
from probes.load.loop import TICK_NS, columns_of, new_pauses, now, rows_of, run_queue_ns
from probes.load.plan import (
    CANCELLED,
    COMPLETE_TO,
    CONNECT,
    CPU_NS,
    DELAY_SHIFT,
    HEARTBEAT,
    OPEN_CONNECTIONS,
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

PROTOCOL = "grpcio"
LONGEST_MESSAGE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def encoded(
    path: str, authority: str, agent: str, metadata: tuple[tuple[str, str], ...], message: bytes
) -> bytes:
    """One of `Wire.requests`: what goes with the call as JSON behind its length, and the message."""
    head = json.dumps([path, authority, agent, metadata]).encode()
    return U32.pack(len(head)) + head + message


def decoded(request: bytes) -> tuple[str, str, str, tuple[tuple[str, str], ...], bytes]:
    """The parts that `encoded` was given."""
    end = 4 + U32.unpack_from(request)[0]
    path, authority, agent, metadata = json.loads(request[4:end])
    return path, authority, agent, tuple((name.lower(), value) for name, value in metadata), request[end:]


def channel_of(module: Any, wire: Wire, authority: str, agent: str) -> Any:
    """A channel of `grpc` or `grpc.aio` to the target."""
    host, port = wire.address
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = [("grpc.primary_user_agent", agent), ("grpc.default_authority", authority), *LONGEST_MESSAGE]
    if wire.tls is None:
        return module.insecure_channel(where, options=options)
    roots = None if wire.tls.ca is None else Path(wire.tls.ca).read_bytes()
    options.append(("grpc.ssl_target_name_override", wire.tls.name))
    return module.secure_channel(where, grpc.ssl_channel_credentials(roots), options=options)


def outcome_of(code: Any, details: str, waited_ns: int, timeout_ns: int) -> tuple[int, str]:
    """The outcome of a call that failed, and the words for it."""
    number = code.value[0]
    name = CODES[number] if number < len(CODES) else f"status {number}"
    if name == "DEADLINE_EXCEEDED" and waited_ns >= timeout_ns:
        return TIMEOUT, ""
    if name == "UNAVAILABLE" and "connect" in details.lower():
        return CONNECT, details[:200]
    if name == "UNAVAILABLE" and ("Socket closed" in details or "reset" in details.lower()):
        return RESET, details[:200]
    outcome = STATUS_OF_CODE[number] if number < len(CODES) else 500
    return outcome, f"{name}: {details[:200]}" if details else name


class Loop:
    """Runs segments against one target, over one channel."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)  # where grpc.aio looks for it
        self.channel: Any = None
        self.coordinator = os.getppid()

    def close(self) -> None:
        """Closes the channel."""
        if self.channel is not None:
            self.loop.run_until_complete(self.channel.close())
        self.loop.close()

    def run(self, segment: Segment, words: memoryview) -> ShardReport:
        """Runs one segment in the shared words, as `loop.Loop.run`."""
        return self.loop.run_until_complete(_Run(self, segment, words).whole())


class _Run:
    """One segment: `sent` rows have begun, all before `complete` are finished."""

    def __init__(self, loop: Loop, segment: Segment, words: memoryview) -> None:
        self.loop, self.segment = loop, segment
        self.header = words[segment.shard * SHARD_WORDS : (segment.shard + 1) * SHARD_WORDS]
        self.due, self.sent_at, self.recv, self.read, self.status = columns_of(segment, words)
        offered = loop.wire.requests[slice(*(segment.requests or (None, None)))]
        kinds = len(offered)
        requests = [decoded(offered[row % kinds]) for row in rows_of(segment, kinds)]
        if loop.channel is None:
            loop.channel = channel_of(grpc.aio, loop.wire, requests[0][1], requests[0][2])
        self.calls = [
            (loop.channel.unary_unary(path), message, metadata) for path, _, _, metadata, message in requests
        ]
        self.closed = segment.concurrency > 0
        self.scheduled = segment.scheduled
        self.sent = self.complete = self.finished = self.pauses = self.paused = 0
        self.issuing = True
        self.errors: dict[int, str] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def whole(self) -> ShardReport:
        cpu, queue, began = time.process_time_ns(), run_queue_ns(), now()
        drivers = [asyncio.ensure_future(one) for one in self._drivers()]
        await self._watch(drivers, cpu)
        for task in (*drivers, *self.tasks):
            task.cancel()
        await asyncio.gather(*drivers, *self.tasks, return_exceptions=True)
        ended = now()
        for row in range(self.complete, self.sent):
            if not self.read[row]:  # cancelled before it had begun
                self.status[row] |= CANCELLED
                self.read[row] = ended
        self.header[SENT_COUNT], self.header[HEARTBEAT] = self.sent, ended
        self.header[COMPLETE_TO] = self.sent
        queue_now = run_queue_ns()
        return ShardReport(
            scheduled=self.sent if self.closed else self.segment.scheduled,
            sent=self.sent,
            ended_ns=ended,
            cpu_s=(time.process_time_ns() - cpu) / 1e9,
            run_queue_s=(queue_now - queue) / 1e9 if queue >= 0 and queue_now >= 0 else None,
            wall_s=(ended - began) / 1e9,
            wakeups=None,
            connections_opened=None,
            bytes_read=None,
            first_errors=self.errors,
            pauses=self.pauses,
            paused_ns=self.paused,
        )

    async def _watch(self, drivers: list[asyncio.Future[None]], cpu: int) -> None:
        """Every 10 ms: what the coordinator reads, its stop word, the end."""
        header, cancel_at = self.header, None
        while True:
            t = now()
            while self.complete < self.sent and self.read[self.complete]:
                self.complete += 1
            header[SENT_COUNT], header[HEARTBEAT], header[COMPLETE_TO] = self.sent, t, self.complete
            header[SCHEDULED] = self.sent if self.closed else self.scheduled
            header[OPEN_CONNECTIONS] = 1
            header[CPU_NS] = time.process_time_ns() - cpu
            stop = header[STOP]
            if self.issuing and (stop or t >= self.segment.end_ns):
                self.issuing = not stop and not self.closed and self.sent < self.scheduled
                cancel_at = t + self.segment.drain_ns if cancel_at is None else cancel_at
            over = all(driver.done() for driver in drivers) or not self.issuing
            if stop == STOP_NOW or (over and self.finished == self.sent):
                return
            if cancel_at is not None and t >= cancel_at:
                return
            if os.getppid() != self.loop.coordinator:
                raise SystemExit("the coordinator is gone")
            await asyncio.sleep(TICK_NS / 1e9)

    def _drivers(self) -> list[Any]:
        if not self.closed:
            return [self._arrivals()]
        draw = random.Random(self.segment.seed + 1).random
        pause = new_pauses(self.segment)
        return [self._caller(pause, draw()) for _ in range(self.segment.concurrency)]

    async def _arrivals(self) -> None:
        """Open loop: what is due is sent, or waits until fewer calls than allowed are under way."""
        room = asyncio.Semaphore(self.segment.max_connections)

        async def one(row: int) -> None:
            try:
                await self._call(row)
            finally:
                room.release()

        for row in range(self.scheduled):
            while (wait := self.due[row] - now()) > 0:
                await asyncio.sleep(wait / 1e9)
            if room.locked():
                self.status[row] = WAITED | max(0, now() - self.due[row]) // 1_000 << DELAY_SHIFT
            await room.acquire()
            if not self.issuing:
                return
            self.sent = row + 1
            self.sent_at[row] = now()
            task = asyncio.ensure_future(one(row))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _caller(self, pause: Any, met: float) -> None:
        """Closed loop: one that waits for its answer, and maybe thinks."""
        segment = self.segment
        due = segment.start_ns + int(met * segment.think_ns)
        while True:
            while (wait := due - now()) > 0:
                await asyncio.sleep(wait / 1e9)
            if not self.issuing or self.sent >= len(self.due):
                return
            row = self.sent
            self.sent += 1
            self.due[row] = due
            self.sent_at[row] = now()
            await self._call(row)
            due = self.read[row]
            if segment.think_ns:
                length = pause()
                self.pauses += 1
                self.paused += length
                due += length

    async def _call(self, row: int) -> None:
        ask, message, metadata = self.calls[row % len(self.calls)]
        timeout = self.loop.wire.timeout_ns
        outcome = CANCELLED
        try:
            await ask(message, timeout=timeout / 1e9, metadata=metadata)
            outcome = 200
        except grpc.aio.AioRpcError as error:
            waited = now() - self.sent_at[row] + TICK_NS
            outcome, said = outcome_of(error.code(), error.details() or "", waited, timeout)
            if said:
                self.errors.setdefault(outcome, said)
        finally:
            self.status[row] |= outcome
            self.read[row] = now()
            self.finished += 1
