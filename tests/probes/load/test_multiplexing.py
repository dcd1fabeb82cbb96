"""Several calls at once on a connection, under load, against servers that behave well and badly."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

pytest.importorskip("hpack", reason="the extra grpc is not installed")

from probes.load.engine import Engine, Progress, Record
from probes.load.http2_frames import encoded_request, header_block
from probes.load.plan import ERROR_OF_OUTCOME, OUTCOME, TIMEOUT, Wire
from probes.load.shard import Live
from tests.probes.load import hostile_http2 as hostile

BLOCK = header_block("h:1", "/a.B/C", secure=False, agent="x")
MESSAGE = b"m" * 20


class Nobody:
    """Watches an engine and never ends it."""

    def second(self, progress: Progress) -> None:
        """Does nothing."""

    def stop_word(self, live: Live, t_ns: int) -> int:
        return 0


@contextmanager
def engine_against(
    kind: type[hostile.Peer], *, streams: int = 4, timeout_s: float = 5.0, most: int = 16, **wire: Any
) -> Iterator[tuple[Engine, Counter[str]]]:
    """An engine whose connections carry so many calls at once; its processes stay under 200 MB."""
    with hostile.serving(kind) as (address, seen):
        order = Wire(
            socket.AF_INET, address, (encoded_request(BLOCK, MESSAGE),), int(timeout_s * 1e9),
            protocol="probes.load.http2", streams=streams, **wire,
        )  # fmt: skip
        with Engine(order, most, Nobody()) as engine:
            yield engine, seen
            for child in psutil.Process().children(recursive=True):
                assert peak_mb(child.pid) < 200


def peak_mb(pid: int) -> float:
    """The most memory that a process has held, in MB; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), 0.0)


def outcomes(record: Record) -> Counter[str]:
    """Calls by what became of them."""
    names = {200: "ok", TIMEOUT: "timeout"} | ERROR_OF_OUTCOME
    return Counter(names.get(int(one) & OUTCOME, str(int(one) & OUTCOME)) for one in record.status)


def test_calls_share_connections_and_none_is_lost() -> None:
    with engine_against(hostile.Peer) as (engine, seen):
        record = engine.closed_loop(16, 0.5)
    assert outcomes(record) == {"ok": record.report.sent}
    assert record.report.sent > 16
    assert seen["connections"] == 4
    assert seen["answered"] == record.report.sent


def test_one_call_a_connection_where_that_is_asked() -> None:
    with engine_against(hostile.Peer, streams=1) as (engine, seen):
        record = engine.closed_loop(5, 0.3)
    assert outcomes(record) == {"ok": record.report.sent}
    assert seen["connections"] == 5
    assert seen["most at once"] == 1


def test_no_more_are_under_way_than_callers_when_fewer_follow_on_more() -> None:
    with engine_against(hostile.Peer) as (engine, seen):
        engine.closed_loop(16, 0.2)
        seen["most at once"] = 0
        record = engine.closed_loop(2, 0.2)
    assert outcomes(record) == {"ok": record.report.sent}
    assert seen["most at once"] <= 2
    assert seen["connections"] == 4


def test_answers_that_come_together_and_out_of_order_go_to_their_calls() -> None:
    """Four callers, each batch of four answered when its last call is there: every call of one batch has the
    same kernel stamp, and none was received before it was sent."""
    with engine_against(hostile.InBatches, most=4) as (engine, _):
        record = engine.closed_loop(4, 0.3)
    good = record.status & OUTCOME == 200
    whole = int(good.sum())
    assert whole > 8
    received, sent = np.asarray(record.recv)[good], np.asarray(record.sent)[good]
    if received.min() > 0:
        assert (np.unique(received, return_counts=True)[1] % 4 == 0).all()
        assert (received >= sent).all()


def test_an_open_loop_keeps_every_due_time() -> None:
    with engine_against(hostile.Peer) as (engine, _):
        record = engine.open_loop(np.arange(200, dtype=np.int64) * 2_500_000, 0.5)
    assert outcomes(record) == {"ok": 200}
    assert (np.asarray(record.sent) >= np.asarray(record.due)).all()


def test_a_stream_that_is_reset_ends_one_call_and_no_connection() -> None:
    with engine_against(hostile.EveryThirdReset) as (engine, seen):
        record = engine.closed_loop(4, 0.3)
    assert outcomes(record) == {"ok": seen["answered"], "reset": seen["reset by us"]}
    assert seen["reset by us"] == record.report.sent // 3
    assert seen["connections"] == 1


def test_of_a_connection_that_goes_away_what_was_taken_is_answered() -> None:
    with engine_against(hostile.GoesAway) as (engine, seen):
        record = engine.closed_loop(4, 0.3)
    found = outcomes(record)
    assert found["ok"] == seen["answered"]
    assert found["ok"] + found["reset"] == record.report.sent
    assert seen["connections"] > 1
    assert found["reset"] <= 3 * seen["connections"]  # at most the others that were under way


def test_a_window_of_one_byte_is_kept() -> None:
    with engine_against(hostile.WindowOfOneByte) as (engine, _):
        record = engine.closed_loop(8, 0.3)
    assert outcomes(record) == {"ok": record.report.sent}
    assert record.report.sent > 8


def test_a_server_that_takes_one_call_at_once_gets_one() -> None:
    with engine_against(hostile.OneAtOnce) as (engine, seen):
        record = engine.closed_loop(6, 0.3)
    assert outcomes(record) == {"ok": record.report.sent}
    assert seen["most at once"] == 1
    assert seen["connections"] == 6


def test_a_server_that_takes_no_call_is_not_flooded_with_connections() -> None:
    """What goes along with the preface may be answered; the rest stays unsent, over a connection a caller."""
    with engine_against(hostile.NoneAtOnce) as (engine, seen):
        record = engine.closed_loop(6, 0.3)
    assert outcomes(record)["ok"] == record.report.sent <= seen["connections"]
    assert 1 <= seen["connections"] <= 6


def test_a_late_answer_is_no_other_calls() -> None:
    """Each fourth call of a connection is answered when it was cancelled (8), and counts as timed out."""
    with engine_against(hostile.SomeLate, timeout_s=0.2) as (engine, seen):
        record = engine.closed_loop(4, 1.0)
    found = outcomes(record)
    assert found["timeout"] >= 1
    assert found["ok"] == seen["answered"]
    assert found["ok"] + found["timeout"] == record.report.sent
    assert seen["reset 8"] >= 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (hostile.HeadersWithoutEnd, {"protocol"}),
        (hostile.DataWithoutEnd, {"timeout", "reset"}),
        (hostile.Garbage, {"protocol", "timeout"}),
        (hostile.AsksWithoutReading, {"protocol", "timeout"}),
        (hostile.Silent, {"timeout"}),
    ],
)
def test_what_behaves_badly_is_classed_and_left(kind: type[hostile.Peer], expected: set[str]) -> None:
    with engine_against(kind, timeout_s=0.3) as (engine, _):
        record = engine.closed_loop(6, 0.5)
    found = outcomes(record)
    assert sum(found.values()) == record.report.sent
    assert found and set(found) <= expected, found


def test_a_message_is_held_against_the_pattern_that_was_asked_for() -> None:
    for pattern, outcome in (("^ok$", "ok"), ("^no$", "assertion")):
        with engine_against(hostile.Peer, expect_body=pattern) as (engine, _):
            record = engine.closed_loop(4, 0.1)
        assert outcomes(record) == {outcome: record.report.sent}
