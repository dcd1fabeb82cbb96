"""When a step or a run can be trusted: the client's own faults first, then saturation, then numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.load.durations import Durations
from probes.load.grade import client_fault, grade_steps, is_saturated, saturates, verdict_of
from probes.load.spec import parse_slo
from probes.load.steps import ERROR_CLASSES, StepResult

MS = 1_000_000
SLO = parse_slo("p99<=200ms,errors<=1%")


def times(ms: NDArray[np.float64]) -> Durations:
    return Durations((ms * MS).astype(np.int64))


def step(n: int = 1_000, response_ms: float = 20.0, own_ms: float = 0.0, **changes: Any) -> StepResult:
    """A step that went well: n answers, each after `response_ms`, `own_ms` of which the client's."""
    settings: dict[str, Any] = {
        "mode": "open", "offered_per_s": n / 10, "achieved_per_s": n / 10, "concurrency": 2.0,
        "seconds": 10.0, "scheduled": n, "sent": n, "ok": n, "timeouts": 0, "cancelled": 0,
        "errors": dict.fromkeys(ERROR_CLASSES, 0), "no_ports": 0,
        "response": times(np.full(n, response_ms)), "service": times(np.full(n, response_ms)),
        "send_lag": Durations(), "read_lag": Durations(),
        "without_us": times(np.full(n, response_ms - own_ms)),
        "backlog": (2, 2, 2, 2), "usage": None, "client_cpu_cores": 0.1,
    }  # fmt: skip
    return StepResult(**settings | changes)


def test_a_step_that_went_well_is_steady() -> None:
    assert client_fault(step(), SLO) is None
    assert verdict_of(step(), SLO) == "steady"
    assert grade_steps([step()], SLO) == ("valid", None)


@pytest.mark.parametrize(
    ("own_ms", "response_ms", "is_fault"),
    [
        (0.9, 3.0, False),  # less than a busy machine adds anyway
        (9.0, 60.0, False),  # less than a twentieth of the 200 ms that are decided upon
        (30.0, 430.0, False),  # less than a tenth of what the target takes
        (15.0, 60.0, True),
        (100.0, 430.0, True),
    ],
)
def test_lateness_of_our_own_spoils_a_step_where_it_weighs(
    own_ms: float, response_ms: float, is_fault: bool
) -> None:
    found = step(response_ms=response_ms, own_ms=own_ms)
    fault = client_fault(found, SLO)
    assert (fault is not None) is is_fault
    assert (verdict_of(found, SLO) == "client_limited") is is_fault
    if fault is not None:
        assert f"{response_ms - own_ms:.3g} ms to {response_ms:.3g} ms" in fault


def test_lateness_of_less_than_a_hundredth_of_the_requests_does_not_reach_p99() -> None:
    own = np.zeros(1_000)
    own[:5] = 500
    found = step(without_us=times(np.full(1_000, 20.0)), response=times(np.full(1_000, 20.0) + own))
    assert client_fault(found, SLO) is None


def test_a_client_without_processor_or_ports_is_limited() -> None:
    assert "0.97 of one core" in str(client_fault(step(client_cpu_cores=0.97), SLO))
    # in a closed loop that is what it is to do; `Run.closed` looks at it for the search
    assert client_fault(step(client_cpu_cores=0.97, mode="closed"), SLO) is None
    assert "ran out of ports" in str(client_fault(step(no_ports=3), SLO))


def test_the_clients_fault_beats_any_verdict_on_the_target() -> None:
    hopeless = step(no_ports=1, cancelled=900, ok=100, backlog=(100, 300, 500, 900))
    assert is_saturated(hopeless)
    assert verdict_of(hopeless, SLO) == "client_limited"
    grade, reason = grade_steps([step(), hopeless], SLO)
    assert grade == "client_limited"
    assert str(reason).startswith("in step 2 1 connections could not be made")


def test_an_open_step_is_saturated_when_offers_outrun_answers() -> None:
    assert is_saturated(step(backlog=(50, 110, 170, 230)))
    assert not is_saturated(step(backlog=(50, 110, 60, 230)))  # up and down: chance
    assert not is_saturated(step(backlog=(2, 4, 6, 8)))  # within chance of 1,000
    assert is_saturated(step(cancelled=11, ok=989))
    assert not is_saturated(step(cancelled=9, ok=991))
    assert is_saturated(step(sent=900, ok=900))


def test_a_closed_step_saturates_when_more_callers_bring_no_more() -> None:
    def closed(callers: int, rate: float) -> StepResult:
        return step(mode="closed", concurrency=float(callers), achieved_per_s=rate, offered_per_s=None)

    ladder = [closed(1, 50), closed(2, 100), closed(4, 190)]
    assert not saturates(closed(1, 50), [])
    assert not saturates(ladder[2], ladder[:2])
    assert saturates(closed(8, 198), ladder)  # 4 % more
    assert not saturates(closed(8, 201), ladder)  # 6 % more
    assert not saturates(closed(1, 50), ladder)  # the same few callers as before
    assert not saturates(step(achieved_per_s=1.0), ladder)  # no closed one


def test_too_few_requests_for_the_percentile_asked_for() -> None:
    """p99 has an interval from 368 requests on."""
    assert verdict_of(step(367), SLO) == "insufficient"
    assert verdict_of(step(368), SLO) == "steady"
    assert verdict_of(step(367), parse_slo("p95<=200ms")) == "steady"
    few = step(100).with_verdict("insufficient")
    assert grade_steps([step(), few], SLO) == (
        "insufficient",
        "step 2 has 100 requests; p99<=200ms,errors<=1% needs 368",
    )


def test_a_run_without_a_good_answer_or_without_a_step_says_nothing() -> None:
    assert grade_steps([], SLO) == ("insufficient", "nothing was measured")
    assert grade_steps([replace(step(), ok=0)], SLO) == ("insufficient", "no request was answered well")
