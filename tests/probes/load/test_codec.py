"""A protocol of its own on the load loop: what a codec is asked, and what becomes of what it writes.

The protocol here: the client greets once (`hello`), then each request is a line `N parts`; the server answers
that many lines and a full stop. Between requests it may say `ping`, which the codec answers with `pong`.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.load.codec import codec_class
from probes.load.engine import Engine, Progress, Record
from probes.load.plan import CANCELLED, EMPTY, PROTOCOL, RESET, Wire
from probes.load.shard import Live

PARTS = (0, 1, 2, 3)
REQUESTS = tuple(f"{parts} parts\n".encode() for parts in PARTS)


class Lines(socketserver.StreamRequestHandler):
    """Answers; serves nobody who has not said hello, pings after every answer, and counts the pongs."""

    def handle(self) -> None:
        server: Any = self.server
        if self.rfile.readline() != b"hello\n":
            return
        with server.lock:
            server.greeted += 1
        for line in iter(self.rfile.readline, b""):
            with server.lock:
                server.pongs += line == b"pong\n"
                server.asked += line != b"pong\n"
                number = server.asked
            if line == b"pong\n":
                continue
            for part in range(int(line.split()[0])):
                self.wfile.write(b"part %d\n" % part)
            if number == server.breaks_at:
                self.wfile.write(b"nonsense\n")
            if number == server.ends_at:
                return
            self.wfile.write(b".\n")
            self.wfile.write(b"ping\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Lines)
        self.lock = threading.Lock()
        self.greeted = self.pongs = self.asked = self.ends_at = self.breaks_at = 0


class Nobody:
    def second(self, progress: Progress) -> None:
        del progress

    def stop_word(self, live: Live, t_ns: int) -> int:
        del live, t_ns
        return 0


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load process imports the codec of these tests by the name of its module."""
    monkeypatch.syspath_prepend(Path(__file__).parent)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def engine(server: Server, shards: int = 1, connections: int = 4, **changes: Any) -> Engine:
    settings = {"protocol": "line_codec", "extra_columns": ("parts", "last"), "log_entries": 10_000} | changes
    wire = Wire(socket.AF_INET, ("127.0.0.1", server.server_address[1]), REQUESTS, 5 * 10**9, **settings)
    return Engine(wire, connections, Nobody(), shards)


def logged(record: Record) -> list[int]:
    """How often each row is in the log."""
    return np.bincount(record.log[:, 0], minlength=len(record.due)).tolist()


@pytest.mark.parametrize("shards", [1, 3])
def test_what_a_codec_writes_is_found_with_its_request(server: Server, shards: int) -> None:
    """Request k asks for k mod 4 parts: so says its column, and it stands as often in the log."""
    with engine(server, shards) as load:
        record = load.open_loop(np.arange(40) * 2_000_000, 0.1)
    asked = [PARTS[row % 4] for row in range(40)]
    assert record.outcome.tolist() == [200 if parts else EMPTY for parts in asked]
    assert record.extra["parts"].tolist() == asked == logged(record)
    some = record.extra["parts"] > 0
    assert (record.extra["last"][~some] == 0).all()
    assert (record.extra["last"][some] >= record.sent[some]).all()
    assert (record.extra["last"][some] <= record.read[some]).all()
    assert record.log_lost == 0
    first, last = 10, 23
    part = record.rows(first, last, record.start_ns, record.end_ns)
    assert part.extra["parts"].tolist() == logged(part) == asked[first:last]
    assert server.greeted == record.report.connections_opened
    assert server.asked == 40


@pytest.mark.parametrize("shards", [1, 2])
def test_callers_wait_for_their_codec(server: Server, shards: int) -> None:
    """A closed loop, whose rows are put in order afterwards and the log with them."""
    with engine(server, shards) as load:
        record = load.closed_loop(4, 0.3)
    assert record.report.sent == len(record.due) > 20
    done = record.outcome != CANCELLED
    assert (np.array(logged(record))[done] == record.extra["parts"][done]).all()
    assert server.greeted == 4


def test_what_a_codec_says_beside_requests_is_sent(server: Server) -> None:
    """Every answer is followed by a ping, most of which come while the connection is free."""
    with engine(server, connections=1) as load:
        record = load.open_loop(np.arange(20) * 5_000_000, 0.2)
    assert (record.outcome[1::4] == 200).all()
    assert server.pongs >= 19


def test_a_log_without_room_counts_what_it_lost(server: Server) -> None:
    with engine(server, log_entries=10) as load:
        record = load.open_loop(np.arange(40) * 1_000_000, 0.1)
        again = load.open_loop(np.arange(4) * 1_000_000, 0.1)
    assert (len(record.log), record.log_lost) == (10, 60 - 10)
    assert (len(again.log), again.log_lost) == (6, 0)  # each stretch has a log of its own


def test_a_broken_answer_costs_its_connection(server: Server) -> None:
    server.breaks_at, server.ends_at = 5, 9
    with engine(server, connections=1) as load:
        record = load.open_loop(np.arange(13) * 1_000_000, 0.1)
        assert load.notes[PROTOCOL] == "not a line of this protocol: b'nonsense'"
        assert record.report.connections_opened == server.greeted == 3
    expected = [EMPTY if row % 4 == 0 else 200 for row in range(13)]
    expected[4], expected[8] = PROTOCOL, RESET
    assert record.outcome.tolist() == expected


def test_nobody_speaks_an_unknown_protocol() -> None:
    with pytest.raises(ImportError, match="gopher"):
        codec_class("gopher")
