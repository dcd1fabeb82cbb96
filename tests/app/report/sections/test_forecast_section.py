"""The forecast: demand meets capacity on the day that is named; replicas, cost and rules as in the data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from app.charts.spec import XYChart
from app.report.model import Code, Figure, Table, plain
from app.report.sections import forecast, plan
from app.report.view import View

Document = dict[str, Any]
STEADY = {
    "peak_per_s": 180,
    "replicas": 3,
    "growth": {"workload": "8%/month"},
    "price_per_replica_hour": 1.2,
    "currency": "USD",
}


def _fan(document: Document, of_kind: Any) -> XYChart:
    (figure,) = of_kind(forecast.section(View(document), "5").blocks, Figure)
    chart = figure.spec
    assert isinstance(chart, XYChart)
    return chart


def test_demand_reaches_capacity_on_the_day_that_is_named(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed(profile=STEADY)
    chart = _fan(document, of_kind)
    limit = document["forecast"]["axes"]["workload"]["limit"]["value"]
    day = date.fromisoformat(document["forecast"]["axes"]["workload"]["runs_out_on"]["value"]).toordinal()
    demand = chart.series[0]
    before = max(place for place, x in enumerate(demand.x) if x <= day)
    low, high = demand.y[before], demand.y[before + 1]
    assert low is not None
    assert high is not None
    assert low <= limit <= high
    assert demand.low == ()  # growth has no interval here
    assert chart.findings[0].at == pytest.approx(limit)


def test_growth_with_an_interval_is_a_fan(assessed: Callable[..., Document], of_kind: Any) -> None:
    demand = _fan(assessed(), of_kind).series[0]
    last = [band[-1] for band in (demand.low, demand.y, demand.high)]
    assert last == sorted(last, key=lambda value: value or 0.0)
    assert demand.low[0] == demand.high[0] == 180.0


def test_replicas_for_the_peak_and_for_the_load_to_carry(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    table = of_kind(forecast.section(View(document), "5").blocks, Table)[0]
    # 180 / (0.7 × 110.205) = 2.33, 180 / (0.7 × 82.504) = 3.12; 260: 3.37 and 4.50
    assert [[plain(cell) for cell in row] for row in table.rows] == [
        ["today's peak", "180", "3", "4", "5", "3"],
        ["the load to carry", "260", "4", "5", "6", "3"],
    ]


def test_cost_stands_with_where_the_price_comes_from(assessed: Callable[..., Document], said: Any) -> None:
    words = said(forecast.section(View(assessed()), "5"))
    # 0.12 · 10⁶ / (3600 · 0.7 · 110.205)
    assert "0.432\xa0(0.384–0.577)\xa0EUR for a million requests" in words
    assert "it is not live and has no date" in words
    document = assessed()
    document["forecast"]["price"] = {
        "as_of": "2026-09-01",
        "instance": "aws:m7i.large",
        "region": "eu-west-1",
    }
    words = said(forecast.section(View(document), "5"))
    assert "List price of 2026-09-01 for aws:m7i.large in eu-west-1, not live" in words


def test_rules_are_shown_as_they_stand_in_the_document(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    codes = [block.text for block in of_kind(forecast.section(View(document), "5").blocks, Code)]
    rules = document["forecast"]["autoscaling"]
    assert codes[:2] == [rules["kubernetes"]["text"], rules["aws"]["text"]]
    assert codes[2].startswith("aws application-autoscaling register-scalable-target")
    assert all(line.strip() in rules["aws"]["explanation"] for line in codes[2].splitlines())
    assert "maxReplicas: 6" in codes[0]


def test_what_only_the_policy_rests_on_is_said_beside_it(
    assessed: Callable[..., Document], said: Any
) -> None:
    words = said(forecast.section(View(assessed()), "5"))
    assert "a minute, as AWS counts it." in words


def test_without_a_peak_there_are_no_rules_and_no_date(assessed: Callable[..., Document], said: Any) -> None:
    section = forecast.section(View(assessed(profile={"replicas": 3})), "5")
    assert section.title == "There is no date: peak, growth or the number of replicas is not known"
    assert "No rules are given: no autoscaling target follows" in said(section)
    assert "Nobody said which peak to carry" in said(section)
    assert "Nobody said what a replica costs" in said(section)


def test_without_a_capacity_there_is_no_forecast(assessed: Callable[..., Document]) -> None:
    section = forecast.section(View(assessed(runs=[], facts=[])), "5")
    assert section.title == "Without a measured capacity there is no forecast"


def test_a_peak_over_capacity_says_so(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed(profile=STEADY | {"peak_per_s": 400})
    assert forecast.section(View(document), "5").title.startswith(
        "Today's peak is over what the fleet carries"
    )
    assert "over what is carried today" in _fan(document, of_kind).title


def test_no_end_of_an_interval_lies_in_the_past(assessed: Callable[..., Document]) -> None:
    plain_ = assessed(profile=STEADY)["forecast"]["axes"]["workload"]["limit"]
    between = (plain_["low"] + plain_["value"]) / 2  # the low end of the capacity is below this peak
    document = assessed(profile=STEADY | {"peak_per_s": between})
    view, days = View(document), document["forecast"]["axes"]["workload"]["runs_out_on"]
    start = date.fromisoformat(document["forecast"]["from"])
    assert date.fromisoformat(days["low"]) < start < date.fromisoformat(days["value"])
    assert forecast.title(view) == f"Capacity runs out on {days['value']}, between now and {days['high']}"
    chart = plan.dates_chart(view, [])
    assert chart is not None
    assert (chart.rows[0].low, chart.rows[0].value) == (start, date.fromisoformat(days["value"]))


def test_nothing_that_grows_has_no_date(assessed: Callable[..., Document]) -> None:
    document = assessed(profile=STEADY | {"growth": {"workload": "0"}})
    assert (
        forecast.section(View(document), "5").title == "Capacity does not run out: nothing grows towards it"
    )


def test_one_replica_is_a_fleet_too(assessed: Callable[..., Document], said: Any) -> None:
    profile = STEADY | {"replicas": 1, "peak_per_s": 50}
    document = assessed(profile=profile, facts=[])
    assert document["forecast"]["fleet"]["replicas"] == 1
    assert "1\xa0replica, as the profile says" in said(forecast.section(View(document), "5"))
