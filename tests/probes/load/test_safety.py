"""The rules that end a run: each on seconds made for it, and that nothing else ends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from probes.load.engine import Progress
from probes.load.plan import NO_PORTS, RESET, TIMEOUT
from probes.load.safety import Ending, Rules, scarce_ports
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.slo import parse_slo
from probes.targets.target import Answer

SECOND = 10**9
MS = 1_000_000
SLO = parse_slo("p99<=20ms,errors<=1%")


def second(
    number: int, statuses: Sequence[int] = (200,) * 100, response_ms: float = 5.0, refused: int = 0
) -> Progress:
    """The second with that number, from 1."""
    n = len(statuses)
    return Progress(
        seconds=float(number), span_s=1.0, scheduled=n, finished=n, statuses=np.array(statuses, np.int64),
        response_ns=np.full(n, int(response_ms * MS)), in_flight=0, waiting=0, connections=1,
        refused=refused, t_ns=number * SECOND, wait_ns=np.zeros(n, np.int64),
        own_delay_ns=np.zeros(n, np.int64), client_cores=0.1, busiest_cores=0.1, client_cpu_s=0.1,
    )  # fmt: skip


def ends_at(rules: Rules, seconds: Sequence[Progress], errors: int = 0) -> tuple[int, Ending] | None:
    """The second, from 1, that ended the run, and how."""
    for number, progress in enumerate(seconds, 1):
        ending = rules.after_second(progress, errors)
        if ending is not None:
            return number, ending
    return None


def test_load_that_goes_well_goes_on() -> None:
    assert ends_at(Rules(slo=SLO), [second(number) for number in range(1, 30)]) is None


def test_a_target_that_refuses_for_three_seconds_has_failed() -> None:
    refusing = [second(number, (), refused=10 * number) for number in range(1, 10)]
    assert ends_at(Rules(), refusing) == (
        3, Ending("failed", "the target refused every connection for 3 s"),
    )  # fmt: skip


def test_one_answer_begins_the_three_seconds_anew() -> None:
    seconds = [second(number, () if number % 3 else (200,), refused=10 * number) for number in range(1, 20)]
    assert ends_at(Rules(), seconds) is None


def test_a_machine_without_ports_is_not_a_target_that_refuses() -> None:
    seconds = [second(number, (NO_PORTS,) * 50, refused=50 * number) for number in range(1, 10)]
    found = ends_at(Rules(error_rule=False), seconds)
    assert found is not None
    assert found[0] == 3
    assert found[1] == Ending("aborted", "this machine has no port or descriptor left for another connection")


@pytest.mark.parametrize(("failed", "ends"), [(51, True), (50, False)])
def test_more_than_half_failing_over_five_seconds_ends_a_given_load(failed: int, ends: bool) -> None:
    statuses = (RESET,) * failed + (200,) * (100 - failed)
    seconds = [second(number, statuses) for number in range(1, 12)]
    found = ends_at(Rules(), seconds, errors=failed)
    assert (found is not None) is ends
    if found is not None:
        assert 4 <= found[0] <= 5
        assert found[1].status == "aborted"
        assert "failed, more than half over 5 s" in found[1].reason
    assert ends_at(Rules(error_rule=False), seconds, errors=failed) is None


def test_a_few_failures_end_nothing() -> None:
    assert ends_at(Rules(), [second(number, (TIMEOUT,) * 3) for number in range(1, 6)], errors=3) is None


@pytest.mark.parametrize(("response_ms", "ends"), [(201.0, True), (199.0, False)])
def test_ten_times_the_bound_in_two_windows_ends_a_given_load(response_ms: float, ends: bool) -> None:
    seconds = [second(number, response_ms=response_ms) for number in range(1, 20)]
    found = ends_at(Rules(slo=SLO), seconds)
    assert (found is not None) is ends
    if found is not None:
        assert found == (
            10,
            Ending("aborted", "p99 was 201 ms, more than 10 times what the SLO allows, for 10 s"),
        )
    assert ends_at(Rules(), seconds) is None  # where no SLO was asked for


def test_one_slow_window_is_forgiven() -> None:
    """Five seconds of every ten: never two windows in a row."""
    seconds = [second(number, response_ms=500.0 if (number - 1) % 10 < 5 else 5.0) for number in range(1, 40)]
    assert ends_at(Rules(slo=SLO), seconds) is None


def test_a_target_near_its_memory_limit_is_left_alone() -> None:
    rules = Rules(memory_limit=1_000_000_000)
    assert rules.target_memory(899e6) is None
    assert rules.target_memory(950e6) == Ending(
        "aborted", "the target holds 95% of the 1,000 MB of memory it may have", of_memory=True
    )
    assert Rules().target_memory(1e15) is None


def test_memory_that_can_be_given_back_is_not_held() -> None:
    """Resident 1.2 GB of 1 GB allowed: a mapped index, or workers that share. What is held decides."""
    rules = Rules(memory_limit=1_000_000_000)
    assert rules.target_memory(1_200e6, lambda: 300_000_000) is None
    held = rules.target_memory(1_200e6, lambda: 950_000_000)
    assert held is not None
    assert "holds 95% of the 1,000 MB" in held.reason
    unknown = rules.target_memory(1_200e6, lambda: None)
    assert unknown is not None
    assert "holds 120%" in unknown.reason


def test_a_clock_that_jumps_ends_the_run() -> None:
    """An hour of suspension; what the clock is corrected by in a second does not."""
    rules = Rules()
    assert rules.clocks(0, 1_000 * SECOND) is None
    assert rules.clocks(1 * SECOND, 1_001 * SECOND + 200 * MS) is None
    assert rules.clocks(2 * SECOND, 1_002 * SECOND + 200 * MS) is None
    assert rules.clocks(3 * SECOND, 4_603 * SECOND) == Ending(
        "aborted", "this machine's clock jumped by 3599.8 s: it was set or suspended"
    )


CLOSES = Answer(200, "OK", b"", 0.01, (("Connection", "Close"),))


def test_ports_that_do_not_suffice_are_told_before() -> None:
    """28,232 ports for a minute each are 470 connections a second."""

    def told(answer: Answer, waiting: int = 0, **spec: Any) -> str | None:
        return scarce_ports(answer, LoadSpec(**spec), 28_232, waiting)

    keeps = Answer(200, "OK", b"", 0.01, (("Connection", "keep-alive"),))
    fast, slow = (OpenSegment(471, 471, 60),), (OpenSegment(100, 470, 60),)
    assert "28,232 local ports are safe for 470 new ones" in str(told(CLOSES, segments=fast))
    assert told(CLOSES, segments=(OpenSegment(600, 10, 60),)) is not None
    assert told(CLOSES, segments=slow) is None
    assert told(keeps, segments=fast) is None
    assert told(CLOSES, segments=(ClosedSegment(8, 5.0),)) is not None  # callers are as fast as they can
    assert told(CLOSES, waiting=20_000, segments=slow) is not None
    assert scarce_ports(CLOSES, LoadSpec(), None, None) is None
