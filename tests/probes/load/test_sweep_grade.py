"""When a sweep can be trusted: by the visits that count, of each size and of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from probes.load.durations import Durations
from probes.load.grade import verdict_of
from probes.load.sizes import VISIT_REQUESTS, VISITS, parse_sweep
from probes.load.spec import ClosedSegment, LoadSpec, parse_slo
from probes.load.steps import ERROR_CLASSES, StepResult
from probes.load.sweep import grade_sweep, run_sweep

SLO = parse_slo("p50<=100ms")
SPEC = LoadSpec(
    segments=(ClosedSegment(1, 1.0),), sweep=parse_sweep("batch=1,4,10,20,40,100"), slo=SLO, budget_s=1.0
)
SIZES = (1, 4, 10, 20, 40, 100)
OTHERS = "in step 1 other processes used 1.2 cores and left no processor free"


def visit(size: int, ms: float, late_ms: float = 0.0, **changes: Any) -> StepResult:
    """Answers that each took `ms`, of which this client added `late_ms`."""
    n = VISIT_REQUESTS
    took, without = (Durations(np.full(n, value * 1e6, np.int64)) for value in (ms, ms - late_ms))
    settings: dict[str, Any] = {
        "mode": "closed", "offered_per_s": None, "achieved_per_s": 1e3 / ms, "concurrency": 1.0,
        "seconds": 1.0, "scheduled": n, "sent": n, "ok": n, "timeouts": 0, "cancelled": 0,
        "errors": dict.fromkeys(ERROR_CLASSES, 0), "no_ports": 0, "response": took, "service": took,
        "send_lag": Durations(), "read_lag": Durations(), "without_us": without, "backlog": (0, 0, 0, 0),
        "usage": None, "client_cpu_cores": 0.1, "size": ("batch", size),
    }  # fmt: skip
    step = StepResult(**settings | changes)
    return step.with_verdict(verdict_of(step, SLO))


def linear(size: int) -> float:
    """2 ms and half a millisecond for each item, to which nothing is exactly true."""
    return (2 + 0.5 * size) * (1 + 0.01 * (-1) ** SIZES.index(size))


def visits(cost: Callable[[int], float] = linear, spoilt: tuple[int, ...] = ()) -> list[StepResult]:
    """All sizes in turn, `VISITS` times; those of the numbers in `spoilt` were late by 30 ms of ours."""
    order = [size for _ in range(VISITS) for size in SIZES]
    return [
        visit(size, cost(size) + 30 * (number in spoilt), 30.0 * (number in spoilt))
        for number, size in enumerate(order)
    ]


def test_a_sweep_whose_visits_all_count_is_valid() -> None:
    assert grade_sweep(visits(), SPEC, None) == ("valid", None)


def test_visits_that_do_not_count_do_not_spoil_a_sweep_as_long_as_each_size_has_one() -> None:
    """Of 18 visits nine are left out, the first of some sizes and all but one of others."""
    some = (0, 1, 2, 6, 7, 8, 9, 10, 11)
    assert [step.verdict for step in visits(spoilt=some)].count("client_limited") == len(some)
    assert grade_sweep(visits(spoilt=some), SPEC, OTHERS) == ("valid", None)
    grade, why = grade_sweep(visits(spoilt=(*some, 3)), SPEC, None)
    assert grade == "client_limited"
    assert str(why).startswith("10 of 18 visits do not count: in step 1 late sending and reading")


def test_a_size_of_which_no_visit_counts_spoils_the_sweep() -> None:
    third = tuple(round_ * len(SIZES) + 2 for round_ in range(VISITS))
    grade, why = grade_sweep(visits(spoilt=third), SPEC, OTHERS)
    assert (grade, why) == ("client_limited", f"no visit to batch=10 counts: {OTHERS}")


def test_sizes_that_were_not_answered_are_too_few_to_trust() -> None:
    failing = visit(
        100, 5.0, ok=0, errors=dict.fromkeys(ERROR_CLASSES, 0) | {"status_4xx": 20}, service=Durations()
    )
    steps = [failing if step.size == ("batch", 100) else step for step in visits()]
    grade, why = grade_sweep(steps, SPEC, None)
    assert grade == "insufficient"
    assert str(why).startswith("only 5 of 6 sizes were answered well; batch=100 failed (status_4xx: ")
    assert grade_sweep([], SPEC, None) == ("insufficient", "nothing was measured")


def test_costs_that_follow_no_law_are_not_valid() -> None:
    """Of costs that jump up and down the exponent is anything; costs that fall are no law of a size."""
    jumps = dict(zip(SIZES, (2.0, 9.0, 3.0, 14.0, 5.0, 30.0), strict=True))
    grade, why = grade_sweep(visits(jumps.__getitem__), SPEC, None)
    assert (grade, str(why).partition(" from ")[0]) == (
        "insufficient",
        "the exponent of cost lies anywhere",
    )
    grade, why = grade_sweep(visits(lambda size: 100 / size), SPEC, None)
    assert (grade, str(why).partition(" by ")[0]) == ("unstable", "cost falls")


def test_a_cost_that_does_not_depend_on_the_size_is_valid() -> None:
    assert grade_sweep(visits(lambda size: 5.0 + 0.01 * (size % 3)), SPEC, None) == ("valid", None)


class Sizes:
    """What `run_sweep` asks of a run: a visit to size 10 is spoilt until it has been made `until` times."""

    def __init__(self, until: int) -> None:
        self.spec, self.steps, self.until, self.context = SPEC, list[StepResult](), until, self
        self.visited: list[int] = []

    def elapsed(self) -> float:
        """Each visit takes a twentieth of a second, so that the budget is never what ends the sweep."""
        return 0.02 * len(self.visited)

    def at_size(self, size: int, share: float, least: int) -> StepResult:
        del share, least
        self.visited.append(size)
        late = size == 10 and self.visited.count(10) <= self.until
        step = visit(size, linear(size) + 30 * late, 30.0 * late)
        self.steps.append(step)
        return step


@pytest.mark.parametrize(
    ("until", "more", "grade"), [(0, 0, "valid"), (3, 1, "valid"), (99, 3, "client_limited")]
)
def test_a_size_whose_visits_were_all_spoilt_is_visited_again(until: int, more: int, grade: str) -> None:
    run = Sizes(until)
    run_sweep(run)  # type: ignore[arg-type]
    assert run.visited == [*SIZES * VISITS, *[10] * more]
    spec = replace(SPEC, budget_s=1.0)
    assert grade_sweep(run.steps, spec, None)[0] == grade
