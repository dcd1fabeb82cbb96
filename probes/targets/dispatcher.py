"""Between the load and the user's code: takes requests over HTTP, hands each to a free caller, keeps times.

    load process ── HTTP, loopback ──▶ dispatcher ── 4 bytes ──▶ host.py, worker 1: thread 1 … M
    (the one hot loop there is)         one queue  ── 4 bytes ──▶ host.py, worker N: thread 1 … M

A process of our own, so that nothing of it shares the interpreter or the lock of the user's code: a call that
hangs, holds the lock or kills its process takes one worker and nothing else. One queue serves all callers,
the worker with the fewest calls under way first, as in a queue with N·M servers. It listens on the loopback
and answers only whoever knows the key that it was started with (in the variable `KEY`).

    POST /KEY/load    a plan (JSON) ▶ 200 what was loaded, or 422 why not
    POST /KEY/call    the number of a sample ▶ 200, or 500 with what was raised; closed when its worker died
    GET  /KEY/state   counts, errors, the crash, calls under way
    GET  /KEY/calls   int64 columns one after the other: see `COLUMNS`
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from array import array
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from probes.load.poller import new_poller
from probes.targets.host_frames import ANSWER, INDEX, LENGTH

KEY = "LOADSTONE_DISPATCHER_KEY"
COLUMNS = ("wall", "cpu", "queued", "harness")
"""Of each call, in ns: the call alone, its CPU time, the wait for a free caller, the cost of handing over."""
CALLS_KEPT = 4_000_000
ERRORS_KEPT = 20
END_S = 2.0
SEND_S = 5.0
FOREVER_S = 3600.0

now = time.perf_counter_ns


class Connection:
    """An HTTP connection. `request` collects what has come of a request that is not whole yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.request = bytearray()
        self.need = 0
        self.closed = False

    def answer(self, status: bytes, body: bytes, kind: bytes = b"text/plain") -> None:
        """Sends an answer whole."""
        self.send(
            b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (status, kind, len(body), body)
        )

    def answer_json(self, document: Mapping[str, Any], status: bytes = b"200 OK") -> None:
        self.answer(status, json.dumps(document).encode(), b"application/json")

    def send(self, data: bytes) -> None:
        if self.closed:
            return
        try:
            sent = self.sock.send(data)
            if sent < len(data):
                self.send_rest(data[sent:])
        except BlockingIOError:
            self.send_rest(data)
        except OSError:
            pass  # the reader has gone; its end of file comes by the poller

    def send_rest(self, data: bytes) -> None:
        """What did not fit into the socket's buffer: an answer of many bytes, so time does not matter."""
        try:
            self.sock.settimeout(SEND_S)
            self.sock.sendall(data)
            self.sock.setblocking(False)
        except OSError:
            self.sock.close()
            self.closed = True


class Slot:
    """One caller: its socket to the host, and the call under way."""

    def __init__(self, worker: Worker, sock: socket.socket) -> None:
        self.worker = worker
        self.sock = sock
        self.connection: Connection | None = None
        self.call = 0
        self.received = self.begun = 0
        self.partial = b""


class Worker:
    """One process of the user's interpreter."""

    def __init__(self, command: list[str], threads: int, folder: str) -> None:
        pairs = [socket.socketpair() for _ in range(threads + 1)]
        theirs = [pair[1].fileno() for pair in pairs]
        self.process = subprocess.Popen(
            [*command, *map(str, theirs)],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what the user's code prints goes to the log, and only there
            stderr=2,
            cwd=folder,
            pass_fds=theirs,
        )
        for _, other in pairs:
            other.close()
        self.control = pairs[0][0]
        self.told = bytearray()
        self.slots = [Slot(self, ours) for ours, _ in pairs[1:]]
        self.idle = list(reversed(self.slots))
        self.ready: dict[str, Any] | None = None
        self.dead = False
        self.pidfd = _pidfd(self.process.pid)

    @property
    def pid(self) -> int:
        return self.process.pid


class Dispatcher:
    """The loop."""

    def __init__(self, key: str) -> None:
        self.prefix = f"/{key}/".encode()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.poller = new_poller()
        self.listening = self.listener.fileno()
        self.connections: dict[int, Connection] = {}
        self.slots: dict[int, Slot] = {}
        self.controls: dict[int, Worker] = {}
        self.ends: dict[int, Worker] = {}
        self.workers: list[Worker] = []
        self.waiting: deque[tuple[Connection, int, int]] = deque()
        self.known: dict[bytes, int] = {}
        self.samples = 0
        self.loading: Connection | None = None
        self.loaded: dict[str, Any] | None = None
        self.calls = 0
        self.good = self.failed = 0
        self.errors: dict[str, int] = {}
        self.crash: dict[str, Any] | None = None
        self.columns = array("q")

    def run(self) -> None:
        """Serves until the process is ended."""
        self.poller.add(self.listening, writable=False)
        sys.stdout.write(json.dumps({"port": self.listener.getsockname()[1]}) + "\n")
        sys.stdout.flush()
        poll, connections, slots = self.poller.poll, self.connections, self.slots
        while True:
            for fd, _ in poll(FOREVER_S, 64):
                if fd in slots:
                    self.returned(slots[fd])
                elif fd in connections:
                    self.asked(connections[fd])
                elif fd == self.listening:
                    self.accept()
                elif fd in self.controls:
                    self.told(self.controls[fd])
                elif fd in self.ends:
                    self.over(self.ends[fd])

    def accept(self) -> None:
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections[sock.fileno()] = Connection(sock)
        self.poller.add(sock.fileno(), writable=False)

    def close(self, connection: Connection) -> None:
        if not connection.closed:
            self.poller.remove(connection.sock.fileno())
            del self.connections[connection.sock.fileno()]
            connection.sock.close()
            connection.closed = True

    # requests

    def asked(self, connection: Connection) -> None:
        """Takes what has come. A request seen before, byte for byte, needs no reading."""
        try:
            data = connection.sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close(connection)
            return
        received = now()
        if not connection.request and (index := self.known.get(data)) is not None:
            self.call_or_wait(connection, index, received)
            return
        connection.request += data
        if len(connection.request) < connection.need:
            return
        end = connection.request.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(connection.request[:end])
        connection.need = end + 4 + _content_length(head)
        if len(connection.request) < connection.need:
            return
        request = bytes(connection.request)
        connection.request.clear()
        connection.need = 0
        self.route(connection, request, head.split(b" ", 2)[:2], request[end + 4 :], received)

    def route(
        self, connection: Connection, request: bytes, line: list[bytes], body: bytes, received: int
    ) -> None:
        path = line[1] if len(line) > 1 else b""
        what = path[len(self.prefix) :] if path.startswith(self.prefix) else b""
        if what == b"call" and body.isdigit() and int(body) < self.samples:
            index = int(body)
            if len(self.known) < 10_000:
                self.known[request] = index
            self.call_or_wait(connection, index, received)
        elif what == b"load" and self.loading is None and self.loaded is None:
            self.loading = connection
            self.start_workers(json.loads(body))
        elif what == b"state":
            connection.answer_json(self.state())
        elif what == b"calls":
            connection.answer(b"200 OK", self.columns.tobytes(), b"application/octet-stream")
        else:
            connection.answer(b"404 Not Found", b"")

    def call_or_wait(self, connection: Connection, index: int, received: int) -> None:
        slot = self.free_slot()
        if slot is not None:
            self.begin(slot, connection, index, received)
        else:  # also when no worker is left: the run is about to end, and only the call that did it failed
            self.waiting.append((connection, index, received))

    def free_slot(self) -> Slot | None:
        """A free caller of the worker with the fewest calls under way."""
        workers = self.workers
        if len(workers) == 1:
            idle = workers[0].idle
            return idle.pop() if idle else None
        best = max(workers, key=lambda worker: len(worker.idle))
        return best.idle.pop() if best.idle else None

    def begin(self, slot: Slot, connection: Connection, index: int, received: int) -> None:
        self.calls += 1
        slot.call = self.calls
        slot.connection = connection
        slot.received = received
        slot.begun = now()
        try:
            slot.sock.send(INDEX.pack(index))
        except OSError:
            self.lost(slot.worker)

    # what the workers say

    def returned(self, slot: Slot) -> None:
        """An answer of a caller, or its end."""
        try:
            data = slot.partial + slot.sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if len(data) == len(slot.partial):
            self.lost(slot.worker)
            return
        at = now()
        if len(data) < ANSWER.size or len(data) < ANSWER.size + ANSWER.unpack_from(data)[1]:
            slot.partial = data
            return
        slot.partial = b""
        outcome, length, wall, cpu = ANSWER.unpack_from(data)
        text = data[ANSWER.size : ANSWER.size + length]
        connection, slot.connection = slot.connection, None
        if len(self.columns) < CALLS_KEPT * len(COLUMNS):
            self.columns.extend((wall, cpu, slot.begun - slot.received, max(0, at - slot.begun - wall)))
        if connection is not None:
            if outcome == 0:
                self.good += 1
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, text))
            else:
                self.raised(text)
                connection.answer(b"500 Internal Server Error", text)
        self.next_call(slot)

    def next_call(self, slot: Slot) -> None:
        while self.waiting:
            connection, index, received = self.waiting.popleft()
            if not connection.closed:
                self.begin(slot, connection, index, received)
                return
        slot.worker.idle.append(slot)

    def raised(self, text: bytes) -> None:
        self.failed += 1
        said = text.decode(errors="replace")
        if said in self.errors or len(self.errors) < ERRORS_KEPT:
            self.errors[said] = self.errors.get(said, 0) + 1

    def lost(self, worker: Worker) -> None:
        """A worker has died, or closed what connects it with us, which comes to the same."""
        if worker.dead:
            return
        worker.dead = True
        worker.idle.clear()
        closed_by_itself = False
        try:
            code = worker.process.wait(END_S)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            code, closed_by_itself = worker.process.wait(), True
        under_way = sorted(slot.call for slot in worker.slots if slot.connection is not None)
        if self.crash is None:
            self.crash = {"pid": worker.pid, "exit_status": code, "calls": under_way, "after": self.calls}
            self.crash["closed_connection"] = closed_by_itself
        for slot in worker.slots:
            self.slots.pop(slot.sock.fileno(), None)
            if worker.ready is not None:
                self.poller.remove(slot.sock.fileno())
            slot.sock.close()
            connection, slot.connection = slot.connection, None
            if connection is not None:
                self.close(connection)

    # loading

    def start_workers(self, plan: dict[str, Any]) -> None:
        host = str(Path(__file__).with_name("host") / "host.py")
        data = json.dumps(plan).encode("ascii")
        sizes = len(plan["grown"][1]) if plan.get("grown") else 1
        self.samples = max(1, len(plan["samples"])) * sizes
        for _ in range(plan["workers"]):
            worker = Worker([*plan["python"], host], plan["threads"], plan["cwd"])
            self.workers.append(worker)
            self.controls[worker.control.fileno()] = worker
            self.poller.add(worker.control.fileno(), writable=False)
            if worker.pidfd is not None:
                self.ends[worker.pidfd] = worker
                self.poller.add(worker.pidfd, writable=False)
        for worker in self.workers:
            try:
                worker.control.sendall(LENGTH.pack(len(data)) + data)
            except OSError:
                self.told(worker)

    def over(self, worker: Worker) -> None:
        """The process has ended, also where children of its hold its sockets open."""
        assert worker.pidfd is not None
        self.poller.remove(worker.pidfd)
        del self.ends[worker.pidfd]
        os.close(worker.pidfd)
        while worker.ready is None and worker.control.fileno() in self.controls and self.may_tell(worker):
            self.told(worker)
        if worker.ready is None:
            self.could_not_load({"kind": "died", "exit_status": self.ended(worker)})
        for slot in worker.slots if worker.ready is not None else ():
            if slot.connection is not None and self.may_tell(worker, slot.sock):
                self.returned(slot)  # its last words
        if worker.ready is not None:
            self.lost(worker)

    def may_tell(self, worker: Worker, sock: socket.socket | None = None) -> bool:
        """Whether something of a worker's is still to be read."""
        try:
            return bool((sock or worker.control).recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def told(self, worker: Worker) -> None:
        """What a worker says of loading: ready, failed, or nothing because it has died."""
        try:
            part = worker.control.recv(65_536)
        except OSError:
            part = b""
        worker.told += part
        if not part:
            self.poller.remove(worker.control.fileno())
            del self.controls[worker.control.fileno()]
            if worker.ready is None:
                self.could_not_load({"kind": "died", "exit_status": self.ended(worker)})
            else:
                self.lost(worker)
            return
        size = 4 + (LENGTH.unpack_from(worker.told)[0] if len(worker.told) >= 4 else 0)
        if len(worker.told) < max(5, size):
            return
        message = json.loads(worker.told[4:size])
        worker.told.clear()
        if "failed" in message:
            self.could_not_load(message["failed"])
            return
        worker.ready = message["ready"]
        for slot in worker.slots:
            slot.sock.setblocking(False)
            self.slots[slot.sock.fileno()] = slot
            self.poller.add(slot.sock.fileno(), writable=False)
        if all(one.ready is not None for one in self.workers) and self.loading is not None:
            about = dict(self.workers[0].ready or {})
            self.loaded = about | {"pids": [one.pid for one in self.workers]}
            self.loading.answer_json(self.loaded)
            self.loading = None

    def could_not_load(self, why: Mapping[str, Any]) -> None:
        if self.loading is not None:
            self.loading.answer_json({"failed": why}, b"422 Unprocessable Content")
            self.loading = None
            self.loaded = {}

    def ended(self, worker: Worker) -> int:
        try:
            return worker.process.wait(END_S)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            return worker.process.wait()

    def state(self) -> dict[str, Any]:
        """What is known of the calls until now; times in seconds."""
        under_way = [slot for worker in self.workers for slot in worker.slots if slot.connection is not None]
        at = now()
        return {
            "begun": self.calls,
            "good": self.good,
            "raised": self.failed,
            "errors": self.errors,
            "crash": self.crash,
            "under_way": [{"call": slot.call, "seconds": (at - slot.begun) / 1e9} for slot in under_way],
            "waiting": len(self.waiting),
        }


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the system has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0


def main() -> None:
    """Runs as a process of its own, started by `probes.targets.hosting`."""
    Dispatcher(os.environ.pop(KEY)).run()
