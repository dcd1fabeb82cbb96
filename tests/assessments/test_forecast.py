"""Replicas, cost and the date of running out, against worked examples and the laws they come from."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.forecast import (
    MONTH_DAYS,
    Axis,
    Estimate,
    Forecast,
    Plan,
    forecast,
    months_until,
    parse_growth,
    replicas_needed,
    runs_out,
)
from probes.errors import UsageError

START = date(2026, 1, 1)
Z95 = 1.959963984540054


def worked(growth: str | None = None, **changes: Any) -> Forecast:
    """The worked example of the design: 52 [48, 56] requests/s a replica, peak 270/s, 10 replicas."""
    plan = Plan(
        **{
            "capacity": Estimate(52, 48, 56),
            "utilisation": 0.7,
            "peak_per_s": 270.0,
            "running": 10,
            "price_per_hour": 1.20,
        }
        | changes
    )
    return forecast(plan, START, [] if growth is None else [plan.workload(parse_growth(growth))])


def test_replicas_target_and_cost_of_the_worked_example() -> None:
    found = worked()
    assert (found.needed, found.conservative, found.with_spare) == (8, 9, 10)
    document = found.to_json()
    assert document["autoscaling_target_per_replica"] == 33.6
    cost = document["cost_per_million"]
    assert [f"{cost[name]:.4f}" for name in ("value", "low", "high")] == ["9.1575", "8.5034", "9.9206"]
    assert cost["currency"] == "USD"


def test_compound_growth_of_the_worked_example_runs_out_on_its_days() -> None:
    axis = worked("8%/month").to_json()["axes"]["workload"]
    assert f"{axis['months']['value']:.4f}" == "3.8816"
    assert axis["runs_out_on"] == {"value": "2026-04-29", "low": "2026-03-28", "high": "2026-05-28"}
    assert axis["within_horizon"] is True


def test_linear_growth_of_the_worked_example_runs_out_on_its_day() -> None:
    axis = worked("12/month").to_json()["axes"]["workload"]
    assert axis["runs_out_on"]["value"] == "2026-08-27"
    assert axis["months"]["value"] == pytest.approx((364 - 270) / 12)


def test_growth_in_other_units_of_time_is_the_same_growth() -> None:
    monthly = parse_growth("8%/month").value
    assert parse_growth(f"{(1.08**12 - 1) * 100}%/year").value == pytest.approx(monthly)
    assert parse_growth("7/week").value == pytest.approx(MONTH_DAYS)
    assert parse_growth("1/day").value == pytest.approx(MONTH_DAYS)
    assert parse_growth("36/quarter").value == pytest.approx(12)
    assert parse_growth("0").value == 0


def test_with_exact_capacity_the_ends_follow_from_the_ends_of_growth() -> None:
    """Months fall as growth rises, so the 95 % interval of growth maps onto that of months."""
    axis = worked("8%..12%/month", capacity=Estimate(52)).axes["workload"]
    value, low, high = axis.months
    distance = math.log(364 / 270)
    assert low == pytest.approx(distance / math.log(1.12), rel=0.01)
    assert high == pytest.approx(distance / math.log(1.08), rel=0.01)
    assert value == pytest.approx(distance / ((math.log(1.12) + math.log(1.08)) / 2))


def test_capacity_and_growth_drawn_together_meet_fiellers_interval() -> None:
    """ln(limit/now) and ln(1+g) are normal; Fieller (1954) gives the quantiles of their ratio exactly."""
    plan = Plan(Estimate(50, 40, 62.5), 0.7, 270.0, 12)
    value, low, high = runs_out(plan.workload(parse_growth("6%..10%/month")), START).months
    mean = math.log(50 * 0.7 * 12 / 270)
    spread = math.log(62.5 / 50) / Z95
    rate = (math.log(1.06) + math.log(1.10)) / 2
    rate_spread = (math.log(1.10) - math.log(1.06)) / (2 * Z95)
    a = rate**2 - (Z95 * rate_spread) ** 2
    b = -2 * mean * rate
    c = mean**2 - (Z95 * spread) ** 2
    root = math.sqrt(b * b - 4 * a * c)
    assert value == pytest.approx(mean / rate)
    assert low == pytest.approx((-b - root) / (2 * a), rel=0.01)
    assert high == pytest.approx((-b + root) / (2 * a), rel=0.01)


def test_draws_are_the_same_for_the_same_seed_only() -> None:
    axis = worked("8%..12%/month").axes["workload"].axis
    assert runs_out(axis, START, seed=7) == runs_out(axis, START, seed=7)
    assert runs_out(axis, START, seed=7).months != runs_out(axis, START, seed=8).months


def test_what_lies_beyond_the_horizon_is_an_answer_without_a_date() -> None:
    axis = worked("0.5%/month").axes["workload"]
    assert math.log(364 / 270) / math.log(1.005) > 36
    assert not axis.within_horizon
    assert axis.months[0] is None
    assert axis.days[0] is None
    assert "value" in axis.beyond_horizon
    assert axis.to_json()["runs_out_on"]["value"] is None
    longer = runs_out(axis.axis, START, horizon_months=1200)
    assert longer.months[0] == pytest.approx(math.log(364 / 270) / math.log(1.005))


def test_a_range_that_holds_no_growth_has_no_latest_day() -> None:
    axis = worked("-5%..20%/month").axes["workload"]
    assert axis.within_horizon
    assert axis.months[1] is not None
    assert axis.months[2] is None
    assert axis.beyond_horizon == ("high",)


@pytest.mark.parametrize("growth", ["0", "0%/month", "-3%/month", "-5/week"])
def test_what_does_not_grow_never_runs_out(growth: str) -> None:
    axis = worked(growth).axes["workload"]
    assert axis.never
    assert not axis.within_horizon
    assert axis.months == (None, None, None)


def test_a_fleet_over_its_limit_says_so_with_months_that_are_not_positive() -> None:
    axis = worked("8%/month", peak_per_s=400.0).axes["workload"]
    assert axis.is_over
    value = axis.months[0]
    assert value == pytest.approx(math.log(364 / 400) / math.log(1.08))
    assert value is not None
    assert value < 0
    assert axis.days[0] == START + timedelta(days=math.floor(value * MONTH_DAYS))
    still = worked("0", peak_per_s=400.0).axes["workload"]
    assert still.is_over
    assert still.months[0] == 0
    assert not still.never


def test_a_bound_that_is_not_known_stays_unknown() -> None:
    found = worked("8%/month", capacity=Estimate(52))
    assert (found.needed, found.conservative, found.with_spare, found.target_per_replica) == (
        8, None, None, None,
    )  # fmt: skip
    assert found.cost is not None
    assert (found.cost.low, found.cost.high) == (None, None)
    assert found.axes["workload"].months[1:] == (None, None)
    one_end = worked("8%..12%/month", capacity=Estimate(52, 48)).axes["workload"]
    assert one_end.months[1] is not None
    assert one_end.months[2] is None
    assert one_end.beyond_horizon == ()


def test_other_axes_follow_the_same_law() -> None:
    axis = Axis("data", 40e9, Estimate(80e9, 70e9, 90e9), parse_growth("15%/month"), "bytes")
    assert runs_out(axis, START).months[0] == pytest.approx(math.log(2) / math.log(1.15))
    with pytest.raises(UsageError, match="no axis of growth"):
        Axis("speed", 1, Estimate(2), parse_growth("0"))


def test_a_whole_quotient_is_not_rounded_up_by_floating_point() -> None:
    peaks = {count: round(count * 4.3 * 0.7, 2) for count in range(1, 500)}
    assert any(math.ceil(peak / (0.7 * 4.3)) > count for count, peak in peaks.items())
    assert all(replicas_needed(peak, 4.3, 0.7) == count for count, peak in peaks.items())
    assert replicas_needed(252.1, 36, 0.7) == 11
    assert replicas_needed(0.001, 36, 0.7) == 1


def test_a_far_past_or_future_has_months_but_no_day() -> None:
    axis = Axis("workload", 1e12, Estimate(1), parse_growth("0.0001%/month"))
    found = runs_out(axis, START)
    assert found.months[0] is not None
    assert found.months[0] < -1e7
    assert found.days[0] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"capacity": (math.nan,)}, "the capacity is nan"),
        ({"capacity": (0,)}, "the capacity is 0"),
        ({"capacity": (-5,)}, "the capacity is -5"),
        ({"capacity": (math.inf,)}, "the capacity is inf"),
        ({"capacity": (52, 56, 48)}, "lies above the upper bound"),
        ({"capacity": (52, 53, 56)}, "lies above its value"),
        ({"capacity": (52, 48, 50)}, "lies below its value"),
        ({"capacity": (52, math.nan, 56)}, "lower bound of the capacity is nan"),
        ({"peak_per_s": math.nan}, "the peak is nan"),
        ({"peak_per_s": 0}, "the peak is 0"),
        ({"utilisation": 1.2}, "utilisation of 1.2"),
        ({"utilisation": math.nan}, "utilisation of nan"),
        ({"utilisation": 0}, "utilisation of 0"),
        ({"price_per_hour": -1}, "the price is -1"),
        ({"running": 0}, "0 running replicas"),
    ],
)
def test_numbers_that_are_none_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        if "capacity" in changes:
            worked(**{"capacity": Estimate(*changes["capacity"])})
        else:
            worked(**changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no growth"),
        ("fast", "is no growth"),
        ("8%", "per which time"),
        ("8%/fortnight", "is no growth"),
        ("nan/month", "is no growth"),
        ("1e400/month", "too large"),
        ("-100%/month", "leaves nothing"),
        ("12%..8%/month", "exchange them"),
        ("8%..12/month", "mixes"),
    ],
)
def test_growth_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_growth(text)


def test_a_range_takes_one_percent_sign() -> None:
    assert parse_growth("8..12%/month").low == parse_growth("8%..12%/month").low


def test_a_horizon_has_an_end() -> None:
    axis = worked("8%/month").axes["workload"].axis
    for horizon in (0.0, -1.0, math.nan, 1e9):
        with pytest.raises(UsageError, match="horizon"):
            runs_out(axis, START, horizon)


@given(
    now=st.floats(1e-3, 1e6),
    limit=st.floats(1e-3, 1e6),
    rate=st.floats(1e-4, 3),
    kind=st.sampled_from(["compound", "linear"]),
)
def test_growing_for_these_months_gives_the_limit(now: float, limit: float, rate: float, kind: Any) -> None:
    months = months_until(now, limit, rate, kind)
    reached = now + rate * months if kind == "linear" else now * math.exp(rate * months)
    assert reached == pytest.approx(limit, rel=1e-6, abs=1e-6)
    assert (months <= 0) == (now >= limit)


@given(peak=st.floats(1e-2, 1e6), capacity=st.floats(1e-1, 1e5), utilisation=st.floats(0.05, 1))
def test_so_many_replicas_carry_the_peak_and_one_less_does_not(
    peak: float, capacity: float, utilisation: float
) -> None:
    replicas = replicas_needed(peak, capacity, utilisation)
    assert replicas * utilisation * capacity >= peak * (1 - 1e-9)
    assert replicas == 1 or (replicas - 1) * utilisation * capacity < peak
