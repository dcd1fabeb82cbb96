"""Load shared by several processes: the same requests, the same figures, the same obedience as of one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load import plan
from probes.load.arrivals import due_times
from probes.load.engine import Engine, Progress, Record
from probes.load.grade import client_fault
from probes.load.histogram import Histogram
from probes.load.loop import columns_of, rows_of
from probes.load.plan import CANCELLED, COMPLETE_TO, OUTCOME, SENT_COUNT, Segment, ShardReport, Wire
from probes.load.run import Run
from probes.load.safety import RunEnded
from probes.load.shard import Live, Region
from probes.load.spec import LoadSpec, OpenSegment
from probes.load.steps import StepResult
from probes.load.tally import summarise
from probes.load.together import _lost, merged_live, merged_report, order_by_due, part_of
from probes.probe import ProbeContext
from probes.slo import parse_slo
from probes.targets.http import parse_target

SECOND = 10**9
SLO = parse_slo("p99<=500ms")


def segment(**changes: Any) -> Segment:
    settings: dict[str, Any] = {
        "path": "",
        "capacity": 100,
        "scheduled": 0,
        "start_ns": 0,
        "end_ns": 0,
        "drain_ns": 0,
    }
    return Segment(**settings | changes)


# what is divided adds up


@given(
    st.integers(0, 500), st.integers(0, 300), st.integers(1, 900), st.integers(1, plan.MOST_SHARDS),
)  # fmt: skip
def test_the_parts_of_a_segment_are_the_segment(scheduled: int, callers: int, most: int, n: int) -> None:
    """Rates and caps hold in sum: no request, caller or connection is there twice or not at all."""
    whole = segment(capacity=500, scheduled=scheduled, concurrency=callers, max_connections=most, preopen=n)
    parts = [part_of(whole, j, n) for j in range(n)]
    rows = [row for part in parts for row in rows_of(part, part.scheduled)]
    assert sorted(rows) == list(range(scheduled))
    assert all(row % n == part.shard for part in parts for row in rows_of(part, part.scheduled))
    for name in ("concurrency", "max_connections", "preopen"):
        shares = [getattr(part, name) for part in parts]
        assert sum(shares) == getattr(whole, name)
        assert max(shares) - min(shares) <= 1
    assert len({part.seed for part in parts}) == n


@given(st.integers(1, 60), st.integers(1, 7))
def test_each_shard_sees_its_own_rows_of_the_columns(capacity: int, n: int) -> None:
    words = memoryview(bytearray(plan.region_bytes(capacity))).cast("q")
    whole = segment(capacity=capacity, scheduled=capacity)
    for j in range(n):
        for number, column in enumerate(columns_of(part_of(whole, j, n), words)):
            for row in range(len(column)):
                column[row] = 1_000 * number + row * n + j + 1
    table = np.array(words[plan.HEADER_WORDS :]).reshape(5, capacity)
    assert (table == 1_000 * np.arange(5)[:, None] + np.arange(capacity) + 1).all()


# what was divided is one again

durations = st.lists(st.integers(0, 10**11), min_size=1, max_size=200)


@given(durations, st.integers(1, 8))
def test_histograms_of_shards_add_up_to_that_of_one_process(values: list[int], n: int) -> None:
    times = np.array(values, np.int64)
    parts = [Histogram.of(times[j::n]) for j in range(n)]
    assert (Histogram.merged(parts).counts == Histogram.of(times).counts).all()


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_rows_of_callers_stand_in_the_order_they_were_due(sent: list[int], random: Any) -> None:
    n, capacity = len(sent), max(sent) * len(sent) + len(sent)
    columns = {name: np.zeros(capacity, np.int64) for name in plan.COLUMNS}
    for j, count in enumerate(sent):
        due = sorted(random.randrange(1, 1_000) for _ in range(count))
        for row, at in enumerate(due):
            columns["due"][row * n + j] = at
            columns["read"][row * n + j] = at * 1_000 + j
    order = order_by_due(columns["due"], sent)
    found = {name: column[order] for name, column in columns.items()}
    assert len(found["due"]) == sum(sent)
    assert (np.diff(found["due"]) >= 0).all()
    assert (found["read"] // 1_000 == found["due"]).all()  # a row stays one row
    assert sorted(found["read"] % 1_000) == sorted(j for j, count in enumerate(sent) for _ in range(count))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6))
def test_what_is_complete_of_all_is_never_more_than_what_is(counts: list[tuple[int, int]]) -> None:
    """Before COMPLETE_TO every row is finished, and beyond SENT_COUNT none was sent, by each shard's word."""
    n = len(counts)
    region = Region(31 * n)
    finished, under_way = set(), set()
    for j, pair in enumerate(counts):
        complete, sent = sorted(pair)
        block = region.header[j * plan.SHARD_WORDS :]
        block[COMPLETE_TO], block[SENT_COUNT], block[plan.OPEN_CONNECTIONS] = complete, sent, j
        finished |= set(range(j, j + complete * n, n))
        under_way |= set(range(j, j + sent * n, n))
    live = merged_live(region, segment(capacity=31 * n), n)
    assert set(range(int(live.header[COMPLETE_TO]))) <= finished
    assert all(row < live.header[SENT_COUNT] for row in under_way)
    assert live.header[plan.OPEN_CONNECTIONS] == sum(range(n))
    del live, block
    region.close()


def report(**changes: Any) -> ShardReport:
    return replace(ShardReport(10, 9, 5, 0.5, 0.1, 2.0, 7, 3, 100), **changes)


def test_reports_add_up_and_the_busiest_is_told() -> None:
    found = merged_report(
        [report(), report(cpu_s=1.5, ended_ns=9, pauses=2, paused_ns=8, first_errors={1: "a"})]
    )
    assert (found.scheduled, found.sent, found.ended_ns, found.cpu_s) == (20, 18, 9, 2.0)
    assert (found.run_queue_s, found.wall_s, found.bytes_read) == (0.2, 2.0, 200)
    assert (found.busiest_cores, found.pauses, found.paused_ns) == (0.75, 2, 8)
    assert found.first_errors == {1: "a"}
    assert merged_report([report(), report(run_queue_s=None)]).run_queue_s is None


# with servers


class Observer:
    """Keeps what it is told; `word` is asked on every look."""

    def __init__(self, word: Callable[[Live], int] = lambda live: 0) -> None:
        self.told: list[Progress] = []
        self.word = word

    def second(self, progress: Progress) -> None:
        self.told.append(progress)

    def stop_word(self, live: Live, t_ns: int) -> int:
        return self.word(live)


def due_at(rate: float, seconds: float, arrivals: Any = "constant") -> np.ndarray[Any, np.dtype[np.int64]]:
    return due_times([OpenSegment(rate, rate, seconds)], arrivals, np.random.default_rng(1))[0]


def step_of(record: Record) -> StepResult:
    return summarise(record, lambda status: status == 200, lambda a, b: None)


@pytest.fixture
def serve(start_server: Callable[..., Any], load_alone: None) -> Callable[..., Any]:
    def start(*options: object) -> Any:
        return start_server("tests/systems/servers/queue_server.py", *options)

    return start


def test_three_processes_send_what_one_would(serve: Callable[..., Any]) -> None:
    server, observer = serve("--workers", 64, "--service-ms", 3), Observer()
    due = due_at(500, 2.2)
    with Engine(parse_target(server.url).wire(5.0), 12, observer, shards=3) as engine:
        pids = {shard.pid for shard in engine.shards}
        found = engine.open_loop(due, 2.2)
    assert len(pids) == 3
    assert (found.outcome == 200).all()
    assert (found.due - found.start_ns == due).all()
    assert (found.sent >= found.due).all()
    assert sum(progress.finished for progress in observer.told) == 1_100
    assert sum(progress.scheduled for progress in observer.told) == 1_100
    assert sum(len(progress.response_ns) for progress in observer.told) == 1_100
    assert observer.told[-1].waiting == observer.told[-1].in_flight == 0
    assert all(progress.connections <= 12 for progress in observer.told)
    step = step_of(found)
    assert (step.scheduled, step.sent, step.ok, step.unsent) == (1_100, 1_100, 1_100, 0)
    assert step.busiest_client_cores <= step.client_cpu_cores
    assert found.report.cpu_s == pytest.approx(engine.cpu_s)
    said = server.stop()
    assert said["received"] == 1_100
    assert said["connections"] <= 12


def test_a_queue_is_as_long_before_three_processes_as_before_one(serve: Callable[..., Any]) -> None:
    """The same arrivals and, by the same seed, the same service times: the same response times, nearly."""
    found = []
    for shards in (1, 3):
        server = serve("--workers", 1, "--service-ms", 10, "--dist", "exp", "--seed", 5)
        with Engine(parse_target(server.url).wire(5.0), 64, Observer(), shards) as engine:
            found.append(step_of(engine.open_loop(due_at(60, 4.0, "poisson"), 4.0)))
    one, three = (step.response.values / 1e6 for step in found)
    assert len(one) == len(three)
    assert np.median(np.abs(one - three)) < 10
    for q in (0.25, 0.5, 0.75, 0.9):
        assert np.quantile(three, q) == pytest.approx(np.quantile(one, q), rel=0.2, abs=10)


class _ByPath(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def by_path() -> Iterator[tuple[str, int]]:
    """A server that answers /204 with status 204."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ByPath)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "127.0.0.1", server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_bodies_go_round_in_the_order_of_requests(by_path: tuple[str, int], shards: int) -> None:
    requests = tuple(f"GET /{status} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for status in (200, 201, 202, 203))
    wire = Wire(socket.AF_INET, by_path, requests, 5 * SECOND)
    with Engine(wire, 8, Observer(), shards) as engine:
        found = engine.open_loop(due_at(100, 0.5), 0.5)
    assert found.outcome.tolist() == [200 + k % 4 for k in range(50)]


def test_callers_are_divided_and_fewer_than_processes_is_no_harm(serve: Callable[..., Any]) -> None:
    server = serve("--workers", 64, "--service-ms", 20)
    with Engine(parse_target(server.url).wire(5.0), 64, Observer(), shards=3) as engine:
        many, two = engine.closed_loop(7, 1.0), engine.closed_loop(2, 0.5)
    assert (many.concurrency, two.concurrency) == (7, 2)
    assert step_of(many).achieved_per_s == pytest.approx(7 / 0.02, rel=0.3)
    assert step_of(two).achieved_per_s == pytest.approx(2 / 0.02, rel=0.3)
    for found, callers in ((many, 7), (two, 2)):
        change = np.concatenate([np.ones(len(found.sent)), -np.ones(len(found.read))])
        order = np.lexsort((change, np.concatenate([found.sent, found.read])))
        assert np.cumsum(change[order]).max() == callers
    assert server.stop()["received"] == len(many.due) + len(two.due)


def test_a_stop_reaches_all_of_them_and_then_nothing_is_sent(serve: Callable[..., Any]) -> None:
    server = serve("--workers", 64, "--service-ms", 3)

    def word(live: Live) -> int:
        return plan.STOP_NOW if live.header[COMPLETE_TO] >= 50 else 0

    with Engine(parse_target(server.url).wire(5.0), 64, Observer(word), shards=3) as engine:
        found = engine.open_loop(due_at(300, 60.0), 60.0)
        assert found.stopped
        assert found.report.ended_ns - found.start_ns < 20 * SECOND
        sent = int((found.sent > 0).sum())
        assert 50 <= sent == engine.sent < 6_000
        assert server.stop()["received"] <= sent  # none after the engine said how many
    step = step_of(found)
    assert step.sent == step.ok + step.timeouts + step.cancelled + sum(step.errors.values())


def test_a_process_that_is_lost_is_told_and_nothing_is_filled_in(serve: Callable[..., Any]) -> None:
    server = serve("--workers", 64, "--service-ms", 3)
    killed: list[int] = []

    def word(live: Live) -> int:
        if live.header[COMPLETE_TO] >= 60 and not killed:
            killed.append(engine.shards[1].pid)
            psutil.Process(killed[0]).kill()
        return 0

    with Engine(parse_target(server.url).wire(5.0), 64, Observer(word), shards=3) as engine:
        found = engine.open_loop(due_at(300, 60.0), 60.0)
    assert found.report.lost == engine.lost == ("load process 2 of 3: the load process ended with code -9",)
    assert found.stopped
    assert found.report.ended_ns - found.start_ns < 20 * SECOND  # the others stop with it
    step = step_of(found)
    assert step.sent == step.ok + step.timeouts + step.cancelled + sum(step.errors.values())
    assert step.scheduled == step.sent + step.unsent
    of_the_lost = found.outcome[1::3]
    assert (of_the_lost[:20] == 200).all()
    assert set(np.unique(of_the_lost).tolist()) <= {0, 200, CANCELLED}
    assert "load process 2 of 3" in str(client_fault(step, SLO))
    assert step.to_json()["lost"] == list(engine.lost)
    assert server.stop()["received"] >= step.ok


def test_a_run_that_has_lost_a_process_ends(serve: Callable[..., Any]) -> None:
    server = serve("--workers", 64, "--service-ms", 3)
    spec = LoadSpec(segments=(OpenSegment(100, 100, 60),), warmup_s=0.0, shards=2)
    context = ProbeContext("0123456789", lambda event: None)
    with Run(parse_target(server.url), spec, context, None) as run:
        psutil.Process(run.engine.shards[1].pid).kill()
        with pytest.raises(RunEnded, match="load process 2 of 2"):
            run.run_segments()
        assert run.ending is not None
        assert run.ending.status == "aborted"
        assert all(step.verdict == "client_limited" for step in run.steps)
        sent = run.engine.sent
        with pytest.raises(RunEnded):
            run.run_segments()
        assert run.engine.sent == sent


def test_the_rows_of_one_process_need_no_flags(serve: Callable[..., Any]) -> None:
    """Waiting for a connection is marked by each shard in its own rows."""
    server = serve("--workers", 64, "--service-ms", 20)
    with Engine(parse_target(server.url).wire(5.0), 3, Observer(), shards=3) as engine:
        found = engine.open_loop(np.zeros(60, np.int64), 1.0)
    assert (found.outcome == 200).all()
    assert ((found.status & ~OUTCOME) > 0).sum() >= 50
    # one connection each, 20 answers in turn of 20 ms
    assert found.read.max() - found.due[0] >= 0.4 * SECOND


def test_a_lost_shard_keeps_what_it_had_given_away() -> None:
    """Of two, the second had 4,000 rows ended (given away since) and 10 under way: those are cancelled."""
    region = Region(20_000)
    columns = region.columns
    mine = {name: column[1::2] for name, column in columns.items()}
    mine["sent"][:4_010] = 5
    mine["read"][:4_000] = 9
    mine["status"][:4_000] = 200
    block = region.header[plan.SHARD_WORDS : 2 * plan.SHARD_WORDS]
    block[COMPLETE_TO], block[SENT_COUNT] = 4_000, 4_005
    region.release(8_000)
    found = _lost(region, segment(capacity=20_000, scheduled=10_000, shard=1, shards=2), 0, "gone")
    assert (found.sent, found.scheduled) == (4_010, 10_000)
    assert (mine["status"][4_000:4_010] == plan.CANCELLED).all()
    assert (mine["status"][4_010:] == 0).all()
    assert (mine["read"][4_010:] == 0).all()
    del mine, columns, block
    region.close()
