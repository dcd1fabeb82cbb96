"""The load loop's parts: how answers are read, byte by byte if need be, and what the worker leaves behind."""

from __future__ import annotations

import mmap
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httptools
import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import InternalError
from probes.load import together
from probes.load.answer import AnswerParser, parse_head
from probes.load.loop import clock_offset
from probes.load.plan import (
    HEARTBEAT,
    OUTCOME,
    STOP_NOW,
    TIMEOUT,
    Segment,
    ShardReport,
    Wire,
    region_bytes,
)
from probes.load.shard import Live, Region, Shard
from probes.load.together import run_together

ROOT = Path(__file__).resolve().parents[3]
GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


# heads


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 27", (200, 27, True)),
        (b"HTTP/1.1 200\r\ncontent-length:0", (200, 0, True)),
        (b"HTTP/1.1 404 Not Found\r\nA: b\r\nCONTENT-LENGTH: \t9 ", (404, 9, True)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5", (200, 5, False)),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5", (200, 5, True)),
        (b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 5", (503, 5, False)),
        (b"HTTP/1.1 200 OK\r\nConnection: te, Close\r\nContent-Length: 5", (200, 5, False)),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 5",
            (200, 5, False),
        ),
        (b"HTTP/1.1 204 No Content", (204, 0, True)),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500", (304, 0, True)),
    ],
)
def test_a_plain_head(head: bytes, plain: tuple[int, int, bool]) -> None:
    assert parse_head(head) == plain


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6",
        b"HTTP/2 200\r\nContent-Length: 5",
        b"HTTP/1.1 20 OK\r\nContent-Length: 5",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 5",
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nContent-Length: 0",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x5",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n folded",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 5",
    ],
)
def test_what_is_not_plain_is_left_to_the_full_parser(head: bytes) -> None:
    """Also what is wrong: the full parser then says so."""
    assert parse_head(head) is None


TOKENS = st.text("abcXYZ-09", min_size=1, max_size=8)
VALUES = st.text("abc XYZ;=/09,", max_size=12)
HEADERS = st.one_of(
    st.tuples(TOKENS, VALUES),
    st.tuples(st.just("Content-Length"), st.integers(0, 40).map(str)),
    st.tuples(st.just("Connection"), st.sampled_from(["close", "keep-alive", "Keep-Alive, x", "x"])),
    st.tuples(st.just("Transfer-Encoding"), st.just("chunked")),
)


@given(
    st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
    st.sampled_from([200, 204, 301, 304, 404, 500, 503]),
    st.lists(HEADERS, max_size=5),
)
def test_a_plain_head_is_what_the_full_parser_says(
    version: str, status: int, headers: list[tuple[str, str]]
) -> None:
    """Wherever the short cut takes a head, httptools reads the same status and length, and keeps the
    connection as well. (It keeps that of an HTTP/1.0 answer with both `close` and `keep-alive`, we do not.)
    """
    head = "\r\n".join([f"{version} {status} Some Words", *(f"{name}: {value}" for name, value in headers)])
    plain = parse_head(head.encode())
    if plain is None:
        return
    _, length, keep_alive = plain
    parser = AnswerParser(bytearray())
    parser.parser.feed_data(head.encode() + b"\r\n\r\n" + b"x" * length)
    assert (parser.status, len(parser.body or b""), parser.done) == (status, length, True)
    assert keep_alive == (parser.keep_alive and "close" not in " ".join(value for _, value in headers))


# answers off the short cut


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_an_answer_may_come_in_pieces(size: int) -> None:
    """An interim answer, then chunks with an extension and a trailer, cut anywhere."""
    whole = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n4;note=1\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    parser = AnswerParser(bytearray())
    for begin in range(0, len(whole), size):
        assert not parser.done
        parser.parser.feed_data(whole[begin : begin + size])
    assert (parser.done, parser.status, parser.reason, parser.body) == (True, 200, b"Fine", b"abcdefg")
    assert (parser.framed, parser.ends_at_close, parser.extra) == (True, False, False)


def test_only_an_answer_without_a_frame_ends_with_its_connection() -> None:
    """`Connection: close` does not excuse half a body of known length."""
    heads = {
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n": True,
        b"HTTP/1.0 200 OK\r\n\r\n": True,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n": False,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n": False,
        b"HTTP/1.1 100 Continue\r\n\r\n": False,
    }
    for head, ends in heads.items():
        parser = AnswerParser(None)
        parser.parser.feed_data(head + (b"" if b"100" in head else b"4\r\nha"))
        assert parser.ends_at_close is ends, head


def test_a_second_answer_is_noticed() -> None:
    parser = AnswerParser(None)
    with suppress(httptools.HttpParserError):
        parser.parser.feed_data(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert parser.extra


def test_a_body_is_kept_up_to_a_megabyte() -> None:
    parser = AnswerParser(body := bytearray())
    parser.parser.feed_data(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
    for _ in range(90):
        parser.parser.feed_data(b"x" * 100_000)
    assert parser.done
    assert 1 << 20 <= len(body) <= (1 << 20) + 100_000


def test_the_clock_offset_turns_wall_stamps_into_monotonic_ones() -> None:
    before = time.perf_counter_ns()
    stamp = time.time_ns() - clock_offset()
    assert before - 1_000_000 <= stamp <= time.perf_counter_ns() + 1_000_000


# shared memory


def test_a_region_leaves_no_file_behind() -> None:
    """Neither while it is used, on Linux, nor afterwards."""
    folder = Path("/dev/shm")
    before = sorted(folder.iterdir()) if folder.is_dir() else [], psutil.Process().num_fds()
    region = Region(100)
    assert region.path.startswith("/proc/")
    region.close()
    assert not Path(region.path).exists()
    assert (sorted(folder.iterdir()) if folder.is_dir() else [], psutil.Process().num_fds()) == before


def test_the_columns_of_a_region_lie_side_by_side() -> None:
    region = Region(3)
    for place, column in enumerate(region.columns.values()):
        column[:] = place
    region.header[:] = -1
    assert Path(region.path).stat().st_size == region_bytes(3)
    words = np.fromfile(region.path, np.int64)
    assert words[-15:].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert (words[:-15] == -1).all()
    del column
    region.close()


def test_rows_that_are_not_written_take_no_memory() -> None:
    """A region is made for more requests than will come: 4 GB of them are not there."""
    before = psutil.Process().memory_info().rss
    region = Region(100_000_000)
    region.columns["due"][:1_000] = 1
    assert psutil.Process().memory_info().rss - before < 50e6
    region.close()


# the worker process


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts (the kernel does) and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as sock:
        yield sock


def wire(listener: socket.socket, **changes: Any) -> Wire:
    settings = {"requests": (GET,), "timeout_ns": 10**10} | changes
    return Wire(family=socket.AF_INET, address=listener.getsockname(), **settings)


def segment(region: Region, seconds: float = 0.2, **changes: Any) -> Segment:
    start = time.perf_counter_ns() + 50_000_000
    settings = {
        "path": region.path, "capacity": region.capacity, "scheduled": 0, "start_ns": start,
        "end_ns": start + int(seconds * 1e9), "drain_ns": 0, "concurrency": 1,
    } | changes  # fmt: skip
    return Segment(**settings)


def alone(shard: Shard, region: Region, segment: Segment, on_tick: Callable[[Live], int]) -> ShardReport:
    (report,) = run_together([shard], region, segment, on_tick)
    return report


def test_a_worker_ends_with_its_context(listener: socket.socket) -> None:
    with Shard(wire(listener)) as shard:
        worker = psutil.Process(shard.pid)
        assert worker.ppid() == os.getpid()
    assert not worker.is_running()


def test_a_time_out_is_kept_to_the_tick(listener: socket.socket) -> None:
    region = Region(1_000)
    with Shard(wire(listener, timeout_ns=50_000_000)) as shard:
        report = alone(shard, region, segment(region), lambda live: 0)
    rows = slice(report.sent)
    assert report.sent >= 2
    timed_out = region.columns["status"][rows] & OUTCOME == TIMEOUT
    assert timed_out[:-1].all()  # the last one may be cancelled instead
    waited = (region.columns["read"] - region.columns["sent"])[rows][timed_out]
    assert (waited >= 50_000_000).all()
    assert np.median(waited) < 500_000_000
    del timed_out
    region.close()


def test_a_stop_reaches_the_worker_while_it_waits(listener: socket.socket) -> None:
    region = Region(10)
    began = time.monotonic()
    with Shard(wire(listener)) as shard:
        report = alone(shard, region, segment(region, 60.0), lambda live: STOP_NOW)
    assert time.monotonic() - began < 10  # of 60
    assert isinstance(report, ShardReport)
    region.close()


def test_a_worker_that_is_killed_is_a_fault_of_our_own(listener: socket.socket) -> None:
    region = Region(10)
    with Shard(wire(listener)) as shard:

        def kill(live: object) -> int:
            psutil.Process(shard.pid).kill()
            return 0

        with pytest.raises(InternalError, match="the load process ended with code -9"):
            alone(shard, region, segment(region, 60.0), kill)
    region.close()


def test_a_worker_that_cannot_go_on_says_why(listener: socket.socket) -> None:
    region = Region(10)
    with Shard(wire(listener)) as shard, pytest.raises(InternalError, match="No such file"):
        alone(shard, region, segment(region, path="/nowhere"), lambda live: 0)
    region.close()


def test_a_worker_that_does_not_stop_is_killed(
    start_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pattern that backtracks for ever (2^40 steps on this body) must not keep the load from ending."""
    monkeypatch.setattr(together, "STOPS_WITHIN_S", 0.3)
    server = start_server("tests/systems/servers/misbehaving_server.py", "--mode", "big", "--bytes", 40)
    region = Region(1_000)
    target = Wire(socket.AF_INET, ("127.0.0.1", server.port), (GET,), 10**10, expect_body="(x+x+)+y")

    def once_it_hangs(live: Live) -> int:
        """It looks for the stop word every 10 ms, and has not for half a second."""
        looked = live.header[HEARTBEAT]
        return STOP_NOW if looked and time.perf_counter_ns() - looked > 5e8 else 0

    with Shard(target) as shard:
        with pytest.raises(InternalError, match="did not stop when it had to and was killed"):
            alone(shard, region, segment(region, 60.0), once_it_hangs)
        pid = shard.pid
    assert not psutil.pid_exists(pid)
    region.close()


def test_a_worker_keeps_nothing_of_earlier_segments(listener: socket.socket) -> None:
    """It runs without garbage collection: what it maps it must give back by itself."""
    with Shard(wire(listener)) as shard:
        maps = []
        for _ in range(5):
            region = Region(200_000)
            region.columns["due"][:] = 0
            alone(shard, region, segment(region, 0.02), lambda live: 0)
            region.close()
            maps.append(Path(f"/proc/{shard.pid}/maps").read_text().count("loadstone-columns"))
        descriptors = psutil.Process(shard.pid).num_fds()
    assert max(maps) <= 1
    assert descriptors < 20


@pytest.mark.skipif(not hasattr(mmap, "MADV_REMOVE"), reason="a matter of Linux")
def test_memory_of_requests_that_have_ended_is_given_back() -> None:
    """All but the pages on which a column's first or last rows stand; what follows is untouched."""
    rows = 1_000_000
    region = Region(rows)
    before = Path(region.path).stat().st_blocks
    for column in region.columns.values():
        column[:] = 7
    full = Path(region.path).stat().st_blocks - before
    assert full >= 5 * 8 * rows // 512
    for ended in (1, 250_000, 600_000):
        region.release(ended)
    left = Path(region.path).stat().st_blocks - before
    assert left <= 0.4 * full + 5 * 2 * mmap.PAGESIZE // 512
    for column in region.columns.values():
        assert (column[600_000:] == 7).all()
    del column
    region.close()
