"""What is said of the rows of a step: every class counted once, and which times count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load import plan
from probes.load.engine import Record
from probes.load.plan import ShardReport
from probes.load.spec import parse_slo
from probes.load.steps import StepResult, error_class, exceedances, misses
from probes.load.tally import summarise

MS = 1_000_000
START = 10**12


def is_good(status: int) -> bool:
    return 200 <= status < 300


def report(rows: int, **changes: Any) -> ShardReport:
    settings: dict[str, Any] = {
        "scheduled": rows, "sent": rows, "ended_ns": START + 1_000 * MS, "cpu_s": 0.1, "run_queue_s": None,
        "wall_s": 1.0, "wakeups": 0, "connections_opened": 1, "bytes_read": 0,
    }  # fmt: skip
    return ShardReport(**settings | changes)


def record(
    *rows: tuple[float, float, float, float, int], concurrency: int = 0, seconds: float = 1.0
) -> Record:
    """Rows of (due, sent, recv, read) in ms from the start, None-like 0 kept as 0, and the status."""
    columns = np.array([row[:4] for row in rows], float).reshape(-1, 4).T
    due, sent, recv, read = (
        np.where((column != 0) | (place == 0), START + (column * MS).astype(np.int64), 0)
        for place, column in enumerate(columns)
    )
    return Record(
        due=due, sent=sent, recv=recv, read=read,
        status=np.array([row[4] for row in rows], np.int64).reshape(-1),
        start_ns=START, end_ns=START + int(seconds * 1_000 * MS), concurrency=concurrency,
        report=report(len(rows), ended_ns=START + int(seconds * 1_000 * MS)),
    )  # fmt: skip


def summed(*rows: tuple[float, float, float, float, int], **more: Any) -> StepResult:
    return summarise(record(*rows, **more), is_good, lambda *_: None)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (0, "unsent"), (200, "ok"), (204, "ok"), (301, "redirect"), (302, "redirect"), (400, "status_4xx"),
        (404, "status_4xx"), (429, "throttled"), (503, "throttled"), (500, "status_5xx"), (502, "status_5xx"),
        (999, "assertion"), (plan.TIMEOUT, "timeouts"), (plan.CANCELLED, "cancelled"),
        (plan.CONNECT, "connect"), (plan.NO_PORTS, "connect"), (plan.RESET, "reset"),
        (plan.PROTOCOL, "protocol"), (plan.ASSERTION, "assertion"),
    ],
)  # fmt: skip
def test_the_class_of_an_outcome(outcome: int, name: str) -> None:
    assert error_class(outcome, is_good) == name


def test_another_status_may_be_the_wanted_one() -> None:
    """--expect-status 429: 429 is good then, and 200 is not."""
    assert error_class(429, lambda status: status == 429) == "ok"
    assert error_class(200, lambda status: status == 429) == "assertion"


def test_every_request_is_in_one_class() -> None:
    statuses = [200, 201, 301, 404, 429, 503, 500, plan.TIMEOUT, plan.CANCELLED, plan.CONNECT, plan.NO_PORTS]
    statuses += [plan.RESET, plan.PROTOCOL, plan.ASSERTION]
    step = summed(
        *[(k, k + 0.5, k + 1, k + 1, status) for k, status in enumerate(statuses)], (50, 0, 0, 0, 0)
    )
    assert (step.scheduled, step.sent, step.unsent) == (15, 14, 1)
    assert (step.ok, step.timeouts, step.cancelled, step.no_ports) == (2, 1, 1, 1)
    assert step.errors == {
        "connect": 2, "reset": 1, "protocol": 1, "status_4xx": 1, "status_5xx": 1, "throttled": 2,
        "redirect": 1, "tls": 0, "assertion": 1, "empty": 0,
    }  # fmt: skip
    assert step.failed == 11
    assert step.error_ratio == 11 / 13  # of those that ended by themselves
    assert step.censored == 3


def test_the_times_of_one_answer() -> None:
    """Due at 10, sent at 12, in the kernel at 20, read at 25 ms."""
    step = summed((10, 12, 20, 25, 200))
    assert step.response.values.tolist() == [15 * MS]
    assert step.service.values.tolist() == [8 * MS]
    assert step.send_lag.values.tolist() == [2 * MS]
    assert step.read_lag.values.tolist() == [5 * MS]
    assert step.without_us.values.tolist() == [8 * MS]


def test_without_a_kernel_stamp_the_service_ends_when_it_is_read() -> None:
    step = summed((10, 12, 0, 25, 200))
    assert step.service.values.tolist() == [13 * MS]
    assert len(step.read_lag) == 0
    assert step.without_us.values.tolist() == [13 * MS]


def test_waiting_for_a_connection_is_not_the_clients_doing_but_noticing_late_is() -> None:
    """Due at 10, noticed at 13 when all connections were busy, sent at 400: 3 ms are ours."""
    noticed_late = plan.WAITED | 3_000 << plan.DELAY_SHIFT
    step = summed((10, 400, 420, 420, 200 | noticed_late), (10, 400, 420, 420, 200 | plan.WAITED))
    assert step.ok == 2
    assert step.without_us.values.tolist() == [407 * MS, 410 * MS]
    assert step.response.values.tolist() == [410 * MS, 410 * MS]


def test_failures_are_not_counted_as_fast_answers_but_waits_given_up_are() -> None:
    """A 500 after 1 ms is left out; a wait that was timed out, cancelled or never sent counts as it was."""
    step = summed(
        (0, 0.001, 1, 1, 500), (0, 0.001, 1, 1, plan.RESET), (100, 100, 105, 105, 200),
        (100, 100, 0, 400, plan.TIMEOUT), (200, 200, 0, 1_000, plan.CANCELLED), (300, 0, 0, 0, 0),
    )  # fmt: skip
    assert sorted((step.response.values / MS).tolist()) == [5, 300, 700, 800]
    assert (step.service.values / MS).tolist() == [5]
    assert step.to_json()["censored"] == 3


def test_rates_of_an_open_step() -> None:
    """Achieved is what was answered well before the end; Little's law gives how many were under way."""
    rows = [(100 * k, 100 * k + 0.001, 0, 100 * k + 50, 200) for k in range(10)]
    step = summed(*rows, (990, 990, 0, 1_040, 200))
    assert (step.mode, step.offered_per_s, step.achieved_per_s) == ("open", 11, 10)
    assert step.concurrency == pytest.approx((10 * 0.05 + 0.01) / 1.0)
    assert step.client_cpu_cores == pytest.approx(0.1)


def test_throughput_of_a_closed_step_follows_from_what_callers_wait() -> None:
    """Four callers who wait 40 ms each, after a first answer that takes up to 310 ms: 4 / 40 ms = 100/s."""
    rows = [(0, 0, 0, 280 + 10 * caller, 200) for caller in range(4)]
    rows += [
        (280 + 10 * caller + 40 * k, 280 + 10 * caller + 40 * k, 0, 320 + 10 * caller + 40 * k, 200)
        for k in range(20)
        for caller in range(4)
    ]
    step = summed(*rows, concurrency=4)
    assert (step.mode, step.offered_per_s, step.concurrency) == ("closed", None, 4)
    assert step.achieved_per_s == pytest.approx(100)


def test_answers_in_bursts_do_not_change_the_throughput() -> None:
    """64 callers answered all at once every 400 ms give 160/s, wherever the step of 1 s ends."""
    rows = [(400 * k, 400 * k, 0, 400 * (k + 1), 200) for k in range(3) for _ in range(64)]
    assert summed(*rows, concurrency=64).achieved_per_s == pytest.approx(160)


def test_the_backlog_is_counted_at_each_quarter() -> None:
    """Nothing is ever answered, four requests a quarter."""
    step = summed(*[(62.5 * k + 1, 62.5 * k + 1, 0, 1_000, plan.CANCELLED) for k in range(16)])
    assert step.backlog == (4, 8, 12, 0)  # at the end they were given up


def test_an_empty_step() -> None:
    step = summed()
    assert (step.scheduled, step.sent, step.ok, step.error_ratio) == (0, 0, 0, None)
    assert "response_ms" not in step.to_json()


ROWS = st.tuples(
    st.floats(0, 900), st.floats(0, 50), st.floats(0, 50), st.floats(0, 50),
    st.sampled_from([0, 200, 204, 301, 404, 429, 500, *range(plan.TIMEOUT, plan.NO_PORTS + 1)]),
    st.booleans(),
)  # fmt: skip


@given(st.lists(ROWS, max_size=60))
def test_what_holds_of_every_step(rows: list[tuple[float, float, float, float, int, bool]]) -> None:
    """CONTRACT's sums, times that are not negative, lags within the response time, exceedances in order."""
    made = []
    for due, lag, service, read_lag, status, waited in sorted(rows):
        if status == 0:
            made.append((due, 0.0, 0.0, 0.0, 0))
            continue
        sent = due + lag + 0.01
        flags = plan.WAITED if waited else 0
        made.append((due, sent, sent + service, sent + service + read_lag, status | flags))
    found = record(*made)
    step = summarise(found, is_good, lambda *_: None)
    document = step.to_json()
    assert step.scheduled == step.sent + step.unsent == len(rows)
    assert step.sent == step.ok + step.timeouts + step.cancelled + sum(step.errors.values())
    assert len(step.response) == step.ok + step.censored == len(step.without_us)
    for times in (step.response, step.service, step.send_lag, step.read_lag, step.without_us):
        assert (times.values >= 0).all()
    assert (step.without_us.values <= step.response.values).all()
    assert document.get("censored", 0) == step.censored
    strict, loose = (exceedances(found, is_good, limit) for limit in (10.0, 1_000.0))
    assert (strict >= loose).all()
    assert exceedances(found, is_good, np.inf).sum() == step.failed


def test_which_requests_miss_an_objective() -> None:
    """100 ms allowed: late, failed and timed out ones miss; a wait cut short before that is not known to."""
    rows = [
        (0, 1, 99, 99, 200), (0, 1, 101, 101, 200), (0, 1, 2, 2, 500), (0, 1, 0, 50, plan.TIMEOUT),
        (0, 1, 0, 500, plan.CANCELLED), (950, 951, 0, 1_000, plan.CANCELLED), (0, 0, 0, 0, 0),
        (950, 0, 0, 0, 0),
        (0, 1, 2, 2, plan.RESET), (0, 1, 2, 2, 200 | plan.WAITED),
    ]  # fmt: skip
    missed = exceedances(record(*rows), is_good, 100.0).tolist()
    assert missed == [False, True, True, True, True, False, True, False, True, False]


def test_what_a_step_breaks_of_an_slo() -> None:
    rows = [(k, k + 0.001, 0, k + (300 if k % 10 == 0 else 5), 200) for k in range(400)]
    rows += [(500, 501, 0, 502, 500)] * 10
    step = summed(*rows)
    assert misses(step, parse_slo("p50<=20ms,errors<=5%")) == []
    assert misses(step, parse_slo("p99<=200ms,errors<=1%")) == [
        "p99 = 300 ms > 200 ms",
        "errors = 2.44% > 1.00%",
    ]
    assert misses(summed(*rows[:20]), parse_slo("p99<=200ms")) == []  # too few to tell
