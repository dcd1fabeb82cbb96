"""The engine between schedule and rows: stages cut apart, seconds that add up, early ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.arrivals import due_times
from probes.load.engine import Ended, Engine, Progress, Record, split_rows
from probes.load.plan import CANCELLED, CONNECT, OUTCOME, ShardReport, Wire
from probes.load.shard import Live
from probes.load.spec import OpenSegment

SECOND = 10**9
START = 10**12
GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


def record(due_s: list[float], end_s: float) -> Record:
    n = len(due_s)
    due = START + (np.array(due_s) * SECOND).astype(np.int64)
    report = ShardReport(n, n, START, 0.0, None, 1.0, 0, 0, 0)
    zeros = np.zeros(n, np.int64)
    return Record(due, due, zeros, due, zeros, START, START + int(end_s * SECOND), 0, report)


def test_stages_are_cut_apart_by_their_rows() -> None:
    parts = split_rows(record([0.0, 0.5, 1.0, 1.2, 1.4, 2.5], 3.0), [0, 2, 5, 6], [0.0, 1.0, 2.0, 3.0])
    assert [len(part.due) for part in parts] == [2, 3, 1]
    assert [(part.start_ns - START) / SECOND for part in parts] == [0, 1, 2]
    assert [(part.end_ns - START) / SECOND for part in parts] == [1, 2, 3]


def test_a_stretch_that_ended_early_has_no_later_stages() -> None:
    parts = split_rows(record([0.0, 0.5, 1.0, 1.2], 1.3), [0, 2, 4, 4], [0.0, 1.0, 2.0, 3.0])
    assert [len(part.due) for part in parts] == [2, 2]
    assert parts[-1].end_ns == START + 13 * SECOND // 10


@given(st.lists(st.floats(0.05, 3), min_size=1, max_size=5), st.floats(0.01, 1), st.integers(0, 99))
def test_no_row_is_lost_between_stages(seconds: list[float], share: float, seed: int) -> None:
    """However early the stretch ended: its rows are those of its stages."""
    segments = [OpenSegment(40, 60, length) for length in seconds]
    due, first = due_times(segments, "poisson", np.random.default_rng(seed))
    end = share * sum(seconds)
    whole = record((due[due < end * SECOND] / SECOND).tolist(), end)
    rows = np.minimum(first, len(whole.due)).tolist()
    parts = split_rows(whole, rows, [0.0, *np.cumsum(seconds).tolist()])
    assert sum(len(part.due) for part in parts) == len(whole.due)
    for part in parts:
        assert part.start_ns < part.end_ns
        assert ((part.due >= part.start_ns - 1_000) & (part.due <= part.end_ns + 1_000)).all()


def test_the_start_of_a_stretch_can_be_left_out() -> None:
    late = record([0.0, 0.5, 1.0, 1.2], 2.0).due_from(START + SECOND)
    assert (len(late.due), late.start_ns) == (2, START + SECOND)


# with a server


class Observer:
    """Keeps what it is told; says `stop` at the given number of seconds."""

    def __init__(self) -> None:
        self.told: list[Progress] = []

    def second(self, progress: Progress) -> None:
        self.told.append(progress)

    def stop_word(self, live: Live, t_ns: int) -> int:
        return 0


Started = tuple[Engine, Observer, Any]


@pytest.fixture
def started(start_server: Callable[..., Any], load_alone: None) -> Iterator[Started]:
    server = start_server("tests/systems/servers/stall_server.py", "--service-ms", 5, "--stall-s", 0)
    observer = Observer()
    with Engine(wire(server.port), 64, observer) as engine:
        yield engine, observer, server


def wire(port: int) -> Wire:
    return Wire(socket.AF_INET, ("127.0.0.1", port), (GET,), 5 * SECOND)


def evenly(rate: float, seconds: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    return due_times([OpenSegment(rate, rate, seconds)], "constant", np.random.default_rng(1))[0]


def test_the_seconds_of_a_stretch_hold_all_its_requests_once(started: Started) -> None:
    engine, observer, server = started
    found = engine.open_loop(evenly(400, 2.5), 2.5)
    assert (found.outcome == 200).all()
    assert sum(progress.finished for progress in observer.told) == len(found.due) == 1_000
    assert sum(progress.scheduled for progress in observer.told) == 1_000
    assert sum(len(progress.response_ns) for progress in observer.told) == 1_000
    spans = [progress.span_s for progress in observer.told]
    assert len(spans) == 3
    assert observer.told[-1].seconds == pytest.approx(sum(spans))
    assert observer.told[-1].in_flight == observer.told[-1].waiting == 0
    assert server.stop()["received"] == 1_000


def test_stretches_follow_on_the_same_connections(started: Started) -> None:
    engine, _, server = started
    first = engine.closed_loop(4, 0.3)
    second = engine.closed_loop(4, 0.3)
    third = engine.closed_loop(1, 0.2)
    assert first.report.connections_opened == 4
    assert second.report.connections_opened == third.report.connections_opened == 0
    assert engine.sent == sum(len(found.due) for found in (first, second, third))
    assert all((found.outcome == 200).all() for found in (first, second, third))
    said = server.stop()
    assert (said["received"], said["connections"]) == (engine.sent, 4)


def test_a_closed_loop_never_has_more_under_way_than_callers(started: Started) -> None:
    engine, _, _ = started
    found = engine.closed_loop(3, 0.5)
    moments = np.concatenate([found.sent, found.read])
    change = np.concatenate([np.ones(len(found.sent)), -np.ones(len(found.read))])
    under_way = np.cumsum(change[np.lexsort((change, moments))])
    assert under_way.max() == 3
    assert (found.sent >= found.due).all()
    assert (found.read >= found.recv).all()


def test_enough_is_enough(started: Started) -> None:
    """Ended early, what would have been due later was never due: nothing is unsent."""
    engine, _, server = started
    found = engine.open_loop(evenly(200, 60), 60, enough=lambda live: int(live.header[2]) >= 40)
    assert found.stopped
    assert 40 <= len(found.due) < 6_000
    assert (found.sent > 0).all()
    assert found.end_ns < found.start_ns + 30 * SECOND
    assert (found.due < found.end_ns).all()
    assert server.stop()["received"] == len(found.due)


def test_what_waits_for_a_connection_is_sent_late_but_never_dropped(start_server: Callable[..., Any]) -> None:
    """Two connections, 5 ms each, 1,000 at once: 400/s, in the order they were due."""
    server = start_server("tests/systems/servers/stall_server.py", "--service-ms", 5, "--stall-s", 0)
    with Engine(wire(server.port), 2, Observer()) as engine:
        found = engine.open_loop(np.zeros(300, np.int64), 1.0)
    assert (found.outcome == 200).all()
    assert (np.diff(found.sent) >= 0).all()
    assert ((found.status & ~OUTCOME) > 0).sum() >= 290
    assert found.read.max() - found.due[0] >= 0.75 * SECOND  # 300 / 2 · 5 ms
    assert server.stop()["connections"] == 2


def test_refused_connections_are_errors_of_their_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    observer = Observer()
    with Engine(wire(port), 8, observer) as engine:
        found = engine.open_loop(evenly(100, 0.5), 0.5)
        closed = engine.closed_loop(4, 0.3)
    assert (found.outcome == CONNECT).all()
    assert len(found.due) == 50
    assert engine.notes[CONNECT] == "Connection refused"
    # a caller that cannot connect tries again some fifty times a second, not as fast as it can
    assert 1 <= (closed.outcome == CONNECT).sum() <= 4 * (0.3 * 60 + 4)
    assert set(closed.outcome.tolist()) <= {CONNECT, CANCELLED}


def plain_answer(status: bytes, body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def answering() -> Iterator[Callable[[tuple[bytes, ...]], int]]:
    """A server that gives its answers in turn, a request each, on one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        threads = []

        def serve(answers: tuple[bytes, ...]) -> None:
            turn = 0
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        while connection.recv(4_096):
                            connection.sendall(answers[turn % len(answers)])
                            turn += 1

        def start(answers: tuple[bytes, ...]) -> int:
            threads.append(threading.Thread(target=serve, args=(answers,), daemon=True))
            threads[-1].start()
            return int(listener.getsockname()[1])

        yield start
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(10)


def test_answers_that_look_like_the_one_before_are_read_for_themselves(
    answering: Callable[[tuple[bytes, ...]], int],
) -> None:
    """The same number of bytes each: neither the length nor the head before may decide."""
    alike = tuple(plain_answer(status, b"0123456789") for status in (b"200 OK", b"503 NO", b"404 NO"))
    assert len({len(answer) for answer in alike}) == 1
    with Engine(wire(answering(alike)), 1, Observer()) as engine:
        found = engine.closed_loop(1, 0.4).outcome.tolist()
    assert len(found) > 6
    assert found == [(200, 503, 404)[k % 3] for k in range(len(found))]


def test_a_longer_head_with_a_shorter_body_is_another_answer(
    answering: Callable[[tuple[bytes, ...]], int],
) -> None:
    short = plain_answer(b"200 OK", b"0123456789")
    long = plain_answer(b"201 OK", b"0123", b"A: b\r\n")
    long = plain_answer(b"201 OK", b"0" * (4 + len(short) - len(long)), b"A: b\r\n")
    with Engine(wire(answering((short, long))), 1, Observer()) as engine:
        found = engine.closed_loop(1, 0.4).outcome.tolist()
    assert len(found) > 4
    assert found == [(200, 201)[k % 2] for k in range(len(found))]


@pytest.mark.parametrize("size", [1, 300, 448, 2_000, 30_000])
def test_answers_of_every_size_are_read_whole(
    size: int, answering: Callable[[tuple[bytes, ...]], int]
) -> None:
    with Engine(wire(answering((plain_answer(b"200 OK", b"x" * size),))), 1, Observer()) as engine:
        found = engine.closed_loop(1, 0.3)
    assert len(found.due) > 3
    assert set(found.outcome[:-1].tolist()) == {200}
    answered = int((found.outcome == 200).sum())
    assert found.report.bytes_read >= answered * size
    assert found.report.connections_opened == 1


def test_what_has_ended_is_given_away_while_the_load_runs(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request comes once, complete, in the order it was due; its memory is free afterwards."""
    monkeypatch.setattr("probes.load.engine.GIVEN_AWAY_ROWS", 200)
    engine, observer, server = started
    taken: list[tuple[int, np.ndarray[Any, Any]]] = []

    def take(ended: Ended) -> None:
        assert (ended.rows["read"] > 0).all()
        assert (ended.rows["status"] & OUTCOME == 200).all()
        taken.append((ended.first_row, ended.rows["due"].copy()))

    found = engine.open_loop(evenly(800, 2.5), 2.5, give=take)
    assert len(taken) >= 1
    assert found.first_row + len(found.due) == 2_000
    assert [first for first, _ in taken] == [0, *np.cumsum([len(due) for _, due in taken])[:-1]]
    due = np.concatenate([*(due for _, due in taken), found.due])
    assert (due - due[0]).tolist() == evenly(800, 2.5).tolist()
    assert (found.outcome == 200).all()
    assert sum(progress.finished for progress in observer.told) == 2_000
    assert server.stop()["received"] == 2_000
