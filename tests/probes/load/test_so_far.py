"""A step that still runs is held against the rules by which it will be graded."""

from __future__ import annotations

import numpy as np

from probes.load.engine import Progress
from probes.load.grade import BUSY_CORES
from probes.load.plan import NO_PORTS
from probes.load.so_far import SECONDS, SoFar
from probes.load.spec import parse_slo

MS = 1_000_000
SLO = parse_slo("p99<=20ms,errors<=1%")


def second(own_ms: float = 0.0, cores: float = 0.1, status: int = 200, count: int = 100) -> Progress:
    """`count` requests ended; the target took 5 ms for each, to which our client added `own_ms`."""
    own = np.full(count, round(own_ms * MS), np.int64)
    return Progress(
        seconds=1.0, span_s=1.0, scheduled=count, finished=count, statuses=np.full(count, status),
        response_ns=5 * MS + own, in_flight=0, waiting=0, connections=1, refused=0, t_ns=0,
        wait_ns=5 * MS + own, own_delay_ns=own, client_cores=cores, busiest_cores=cores, client_cpu_s=cores,
    )  # fmt: skip


def told(so_far: SoFar, progress: Progress, good: bool = True) -> str | None:
    return so_far.fault(progress, np.full(progress.finished, good))


def test_a_second_that_our_client_spoils_is_told_at_once() -> None:
    so_far = SoFar(SLO, BUSY_CORES)
    assert told(so_far, second()) is None
    assert "raised p99 from 5 ms to 9 ms" in str(told(so_far, second(own_ms=4.0)))


def test_what_has_passed_is_forgotten_after_some_seconds() -> None:
    so_far = SoFar(SLO, BUSY_CORES)
    assert told(so_far, second(own_ms=4.0)) is not None
    said = [told(so_far, second()) is not None for _ in range(SECONDS)]
    assert said == [True] * (SECONDS - 1) + [False]


def test_a_full_core_is_told_only_where_it_may_not_be_full() -> None:
    assert "0.97 of one core" in str(told(SoFar(SLO, BUSY_CORES), second(cores=0.97)))
    assert told(SoFar(SLO, None), second(cores=0.97)) is None, "callers who wait may use all of it"


def test_ports_that_ran_out_are_told_until_the_end_of_the_step() -> None:
    so_far = SoFar(SLO, BUSY_CORES)
    assert "100 connections could not be made" in str(told(so_far, second(status=NO_PORTS), good=False))
    assert "100 connections" in str(told(so_far, second()))


def test_failed_answers_and_few_requests_say_nothing_of_p99() -> None:
    assert told(SoFar(SLO, BUSY_CORES), second(own_ms=4.0, status=500), good=False) is None
    assert told(SoFar(SLO, BUSY_CORES), second(own_ms=4.0, count=19)) is None
