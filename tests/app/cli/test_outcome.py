"""Exit codes and requirements, by tables of documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.cli.outcome import (
    decisive_step,
    error_ratio,
    exit_code,
    judge_requirement,
    judge_slo,
    measure,
    with_requirements,
)
from probes.load.spec import parse_requirement, parse_slo

Make = Callable[..., dict[str, Any]]
SLO = parse_slo("p99<=200ms,errors<=1%")
HELD, BROKEN, UNKNOWN = ({"text": "x", "held": held, "measured": None} for held in (True, False, None))


@pytest.mark.parametrize(
    ("changes", "asked", "code"),
    [
        ({}, False, 0),
        ({}, True, 0),
        ({"bound": "provisional"}, True, 0),
        ({"bound": "at_least"}, True, 0),
        ({"bound": "unmet_at_minimum"}, False, 0),
        ({"bound": "unmet_at_minimum"}, True, 1),
        ({"bound": "unmet_at_minimum", "grade": "client_limited"}, True, 4),
        ({"bound": "indeterminate"}, False, 4),
        ({"bound": None}, False, 4),
        ({"grade": "client_limited"}, False, 4),
        ({"grade": "insufficient"}, False, 4),
        ({"grade": "unstable"}, False, 4),
        ({"grade": "degrading"}, False, 0),
        ({"requirements": [HELD]}, False, 0),
        ({"requirements": [HELD, BROKEN]}, False, 1),
        ({"requirements": [UNKNOWN, HELD]}, False, 4),
        ({"requirements": [UNKNOWN, BROKEN]}, False, 1),
        ({"requirements": [BROKEN], "grade": "unstable"}, False, 1),
        ({"status": "failed"}, False, 3),
        ({"status": "failed", "requirements": [BROKEN]}, False, 3),
        ({"status": "aborted", "requirements": [BROKEN]}, False, 6),
        ({"status": "interrupted"}, False, 130),
        ({"status": "interrupted", "requirements": [BROKEN], "grade": "insufficient"}, True, 130),
        ({"mode": "segments", "bound": None}, False, 0),
        ({"mode": "segments", "bound": None}, True, 0),
        ({"mode": "segments", "bound": None, "steps": []}, True, 4),
        ({"mode": "segments", "bound": None, "grade": "insufficient"}, True, 4),
        ({"mode": "segments", "bound": "indeterminate"}, False, 0),
    ],
)
def test_the_exit_code_follows_from_the_document(
    result: Make, changes: dict[str, Any], asked: bool, code: int
) -> None:
    assert exit_code(result(**changes), SLO if asked else None) == code


def test_a_fixed_rate_run_that_breaks_an_asked_slo_in_any_step_ends_with_1(result: Make, step: Make) -> None:
    slow = step(response_ms={"p99": 201.0})
    document = result(mode="segments", bound=None, steps=[slow, step()])
    assert exit_code(document, SLO) == 1
    assert exit_code(document, None) == 0
    assert [breach.step for breach in judge_slo(document, SLO).breaches] == [0]


def test_a_percentile_that_is_missing_leaves_the_slo_undecided(result: Make, step: Make) -> None:
    few = step(response_ms={"p50": 1.0, "max": 2.0})
    document = result(mode="segments", bound=None, steps=[step(), few])
    verdict = judge_slo(document, SLO)
    assert (verdict.held, verdict.unjudged) == (None, (1,))
    assert exit_code(document, SLO) == 4


def test_a_step_that_the_client_limited_breaks_nothing(result: Make, step: Make) -> None:
    slow = step(response_ms={"p99": 900.0}, verdict="client_limited")
    document = result(mode="segments", bound=None, steps=[slow], grade="client_limited")
    assert judge_slo(document, SLO).held is None
    assert exit_code(document, SLO) == 4


def test_errors_break_an_slo_too(result: Make, step: Make) -> None:
    failing = step(ok=700, timeouts=0, errors={"status_5xx": 100})
    (breach,) = judge_slo(result(mode="segments", bound=None, steps=[failing]), SLO).breaches
    assert (breach.name, breach.measured, breach.limit) == ("error_ratio", 100 / 800, 0.01)


@pytest.mark.parametrize(
    ("text", "changes", "held", "measured"),
    [
        ("capacity>=150", {}, True, 198.4),
        ("capacity>=199", {}, False, 198.4),
        ("capacity>=150", {"bound": "at_least"}, True, 198.4),
        ("capacity>=250", {"bound": "at_least"}, None, 198.4),
        ("capacity<=150", {"bound": "at_least"}, False, 198.4),
        ("capacity<=250", {"bound": "at_least"}, None, 198.4),
        ("capacity>=150", {"bound": "indeterminate"}, None, None),
        ("capacity>=150", {"bound": None}, None, None),
        ("capacity>=200", {"bound": "provisional"}, None, 198.4),
        ("capacity>=150", {"bound": "provisional"}, True, 198.4),
        ("capacity>=250", {"bound": "provisional"}, False, 198.4),
        ("capacity>=250", {"bound": "provisional", "capacity": {"high": None}}, None, 198.4),
        (
            "capacity>=150",
            {"bound": "unmet_at_minimum", "capacity": {"rate_per_s": None, "low": 0.0, "high": 4.0}},
            False,
            None,
        ),
        ("capacity>=199", {"grade": "client_limited"}, None, 198.4),
        ("capacity>=150", {"grade": "client_limited"}, True, 198.4),
        ("p99<=100ms", {}, True, 80.0),
        ("p99<=0.079s", {}, False, 80.0),
        ("mean<15", {}, True, 14.0),
        ("max<99", {}, False, 99.0),
        ("errors<=0.5%", {}, True, 0.005),
        ("errors<0.5%", {}, False, 0.005),
        ("throughput>=99", {}, True, 99.5),
        ("cpu_ms_per_request<=5", {}, False, 9.8),
        ("rss_mb<=128", {}, True, 120.0),
        ("goodput>=1", {}, None, None),
        ("goodput>=1", {"streaming": {"goodput_per_s": 3}}, True, 3.0),
        ("ttft_p95<=100", {"streaming": {"ttft_ms": {"p95": 120}}}, False, 120.0),
        ("growth_bytes_per_request<=10", {"memory": {"bytes_per_request": 9}}, True, 9.0),
        ("p99<=100ms", {"steps": []}, None, None),
    ],
)
def test_a_requirement_is_held_broken_or_not_decided(
    result: Make, text: str, changes: dict[str, Any], held: bool | None, measured: float | None
) -> None:
    judged = judge_requirement(result(**changes), parse_requirement(text))
    assert judged == {
        "text": text,
        "held": held,
        "measured": pytest.approx(measured) if measured is not None else None,
    }


def test_at_capacity_means_the_open_step_nearest_at_or_below_it(result: Make, step: Make) -> None:
    steps = [
        step(mode="closed", offered_per_s=None, concurrency=32, achieved_per_s=250.0),
        step(offered_per_s=100.0),
        step(offered_per_s=198.4, rss_bytes=1_000_000),
        step(offered_per_s=198.5),
        step(offered_per_s=120.0),
    ]
    assert decisive_step(result(steps=steps)) is steps[2]
    assert measure(result(steps=steps), "rss_mb") == 1.0


def test_of_two_steps_at_the_same_rate_the_later_counts(result: Make, step: Make) -> None:
    steps = [step(offered_per_s=150.0), step(offered_per_s=150.0)]
    assert decisive_step(result(steps=steps)) is steps[1]


def test_without_a_step_below_the_capacity_nothing_is_known_there(result: Make, step: Make) -> None:
    document = result(steps=[step(offered_per_s=300.0)])
    assert decisive_step(document) is None
    assert judge_requirement(document, parse_requirement("p99<=200ms"))["held"] is None


def test_without_a_search_the_last_step_counts(result: Make, step: Make) -> None:
    steps = [step(), step(mode="closed", offered_per_s=None, response_ms={"p99": 7.0})]
    assert measure(result(mode="segments", steps=steps), "p99") == 7.0


def test_cancelled_requests_are_neither_good_nor_bad(step: Make) -> None:
    assert error_ratio(step(sent=100, ok=90, timeouts=0, cancelled=10, errors={})) == 0.0
    assert error_ratio(step(sent=0, ok=0)) is None
    assert error_ratio({}) is None


def test_requirements_are_added_only_where_some_were_asked(result: Make) -> None:
    assert "requirements" not in with_requirements(result(), ())
    filled = with_requirements(result(), [parse_requirement("capacity>=150")])
    assert filled["requirements"] == [{"text": "capacity>=150", "held": True, "measured": 198.4}]
