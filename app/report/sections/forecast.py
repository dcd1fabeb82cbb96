"""The forecast: when demand meets capacity, how many replicas and at which cost, rules for an autoscaler."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from app.charts.spec import Axis, Finding, Limit, Note, Series, XYChart
from app.report.model import (
    Block,
    Column,
    Figure,
    Heading,
    Paragraph,
    Section,
    Span,
    Table,
    text,
)
from app.report.sections.claim_words import cut, growth_words
from app.report.sections.run_words import number
from app.report.sections.scaling_rules import rule_blocks
from app.report.view import View, fact_source
from assessments.forecast import MONTH_DAYS
from assessments.outlook import DEFAULT_UTILISATION
from assessments.wording import NO_BREAK, amount, counted, estimate, percent

RATE = "req/s"
FAN_POINTS = 36
SPARE_MONTHS = 3.0
"""How far the fan goes on behind the last date."""


def section(view: View, number_: str) -> Section:
    """What the measured capacity means for the months to come."""
    kicker = f"{number_}  Forecast"
    found = view.forecast
    if not found:
        return Section(
            "forecast", "Forecast", "Without a measured capacity there is no forecast", _without(), kicker
        )
    blocks: list[Block] = [
        *_fan(view),
        *_replicas(found),
        *_cost(found),
        *_assumptions(view, found),
        *rule_blocks(view),
    ]
    return Section("forecast", "Forecast", title(view), tuple(blocks), kicker, text(lead(view)))


def _without() -> tuple[Block, ...]:
    return (
        Paragraph(
            text(
                "Replicas, cost, the autoscaler's target and the date of running out all follow from the "
                "capacity "
                "of one replica, and no run that counts has measured it. Probe the service with "
                "--assessment; what "
                "is said about growth in the profile is kept until then."
            )
        ),
    )


def _axis(view: View) -> Mapping[str, Any] | None:
    axis: Mapping[str, Any] | None = (view.forecast.get("axes") or {}).get("workload")
    return axis


def title(view: View) -> str:
    """The date, or why there is none."""
    axis = _axis(view)
    if axis is None:
        return "There is no date: peak, growth or the number of replicas is not known"
    days = axis["runs_out_on"]
    if axis.get("over_already"):
        return "Today's peak is over what the fleet carries at the planned use"
    if days["value"] is None:
        if axis.get("never"):
            return "Capacity does not run out: nothing grows towards it"
        return f"Capacity does not run out within {axis['horizon_months']:g} months"
    low, high = days["low"], days["high"]
    said = f"Capacity runs out on {days['value']}"
    if low is None or high is None:
        return said
    # the low end of the capacity may be below today's peak already: there is no date in the past
    since = "now" if str(low) <= str(view.forecast.get("from")) else low
    return f"{said}, between {since} and {high}"


def lead(view: View) -> str:
    """What grows from where, and what the fleet carries."""
    axis = _axis(view)
    if axis is None:
        return str(view.verdict["runs_out"]["text"])
    text_ = str(axis["growth"]["text"])
    limit = axis["limit"]
    carried = estimate(limit["value"], limit["low"], limit["high"], RATE)
    fleet = view.forecast.get("fleet") or {}
    whole = f" ({counted(int(fleet['replicas']), 'replica')}, {fleet['because']})" if fleet else ""
    return (
        f"The peak of {amount(axis['now'])}{NO_BREAK}{RATE} grows by {growth_words(text_)}; the fleet{whole} "
        "carries "
        f"{carried} at {percent(view.forecast['utilisation'])} use."
    )


def _fan(view: View) -> list[Block]:
    chart = fan_chart(view)
    return [] if chart is None else [Figure(chart, height=165)]


def fan_chart(view: View) -> XYChart | None:
    """Demand with its band against what the fleet carries; None where there is no date to show."""
    axis = _axis(view)
    start = _day(view.forecast.get("from"))
    if axis is None or start is None:
        return None
    growth = axis["growth"]["per_month"]
    compound = axis["growth"]["kind"] == "compound"
    months = _months_shown(view, axis, start)

    def demand(rate: float | None, after: float) -> float | None:
        if rate is None:
            return None
        value = axis["now"] * math.exp(math.log1p(rate) * after) if compound else axis["now"] + rate * after
        return max(0.0, float(value))

    ordinals = [
        start.toordinal() + months * MONTH_DAYS * place / FAN_POINTS for place in range(FAN_POINTS + 1)
    ]
    after = [months * place / FAN_POINTS for place in range(FAN_POINTS + 1)]
    spread = growth["low"] != growth["high"]
    series = Series(
        "peak demand",
        tuple(ordinals),
        tuple(demand(growth["value"], month) for month in after),
        low=tuple(demand(growth["low"], month) for month in after) if spread else (),
        high=tuple(demand(growth["high"], month) for month in after) if spread else (),
    )
    limit = axis["limit"]
    findings = [
        Finding(
            limit["value"],
            f"carried {amount(limit['value'])}",
            limit["low"],
            limit["high"],
            axis="y",
        )
    ]
    limits: list[Limit] = []
    notes: list[Note] = []
    event = _day(view.profile.get("event_on"))
    target = number(view.profile.get("target_peak_per_s"))
    name = cut(str(view.profile.get("event") or "event"), 24)
    is_in_sight = event is not None and ordinals[0] <= event.toordinal() <= ordinals[-1]
    if event is not None and is_in_sight and target is not None:
        notes.append(Note(event.toordinal(), target, f"{name} {amount(target)}", cross=True))
    elif event is not None and is_in_sight:
        limits.append(Limit(event.toordinal(), f"{name} {event.isoformat()}", axis="x"))
    elif target is not None and target > axis["now"] and target != limit["value"]:
        limits.append(Limit(target, f"target {amount(target)}"))
    out = _day(axis["runs_out_on"]["value"])
    if out is not None and ordinals[0] <= out.toordinal() <= ordinals[-1]:
        limits.append(Limit(out.toordinal(), f"runs out {out.isoformat()}", "note", "x"))
    return XYChart(
        title=_fan_title(axis),
        x=Axis("", "date"),
        y=Axis(f"peak, {RATE}", low=0.0),
        series=(series, *_past(view, start)),
        limits=tuple(limits),
        findings=tuple(findings),
        notes=tuple(notes),
        caption=(
            f"Band of the demand: growth of {growth_words(str(axis['growth']['text']))}. Band of the "
            "capacity: its "
            f"95{NO_BREAK}% interval at the planned use. Dates: {axis['method']}."
        ),
    )


def _past(view: View, start: date) -> tuple[Series, ...]:
    """The peaks of the past that the profile gives, as dots."""
    given = view.profile.get("peaks") or {}
    known = sorted(
        (day.toordinal(), rate)
        for text_, value in given.items()
        if (day := _day(text_)) is not None and day <= start and (rate := number(value)) is not None
    )
    if not known:
        return ()
    days, rates = zip(*known, strict=True)
    return (Series("peaks so far", tuple(map(float, days)), rates, measured=True, line=False),)


def _months_shown(view: View, axis: Mapping[str, Any], start: date) -> float:
    ends = [number(axis["months"].get(key)) for key in ("value", "high")]
    furthest = max([end for end in ends if end is not None], default=6.0)
    event = _day(view.profile.get("event_on"))
    if event is not None:
        furthest = max(furthest, (event - start).days / MONTH_DAYS)
    return min(max(furthest + SPARE_MONTHS, 6.0), float(axis["horizon_months"]))


def _fan_title(axis: Mapping[str, Any]) -> str:
    limit = axis["limit"]["value"]
    if axis.get("over_already"):
        return f"The peak is {amount(axis['now'] - limit)}{NO_BREAK}{RATE} over what is carried today"
    left = limit / axis["now"] if axis["now"] else None
    months = number(axis["months"].get("value"))
    if months is None:
        return f"Demand may grow {amount(left or 0.0)} × and does not within the horizon"
    return f"Demand may grow {amount(left or 0.0)} ×; that lasts {amount(months)} months"


def _replicas(found: Mapping[str, Any]) -> list[Block]:
    rows = []
    running = found["replicas"].get("running")
    if found.get("peak_per_s") is not None:
        rows.append(_replica_row("today's peak", found["peak_per_s"], found["replicas"]))
    carry = found.get("to_carry")
    if carry and carry["per_s"] != found.get("peak_per_s"):
        rows.append(_replica_row("the load to carry", carry["per_s"], carry["replicas"]))
    if not rows:
        return [
            Heading("How many replicas", 2),
            Paragraph(
                text("Nobody said which peak to carry: add peak_per_s or target_peak_per_s to the profile.")
            ),
        ]
    columns = (
        Column("For", 1.2),
        Column("req/s", align="right"),
        Column("needed", align="right"),
        Column("conservative", align="right"),
        Column("with one to spare", align="right"),
        Column("may run now", align="right"),
    )
    caption = (
        "Needed: load / (planned use × capacity), rounded up. Conservative: with the lower bound of the "
        "capacity. "
        "With one to spare: and one of those may be lost."
    )
    if running is None:
        caption += " How many may run now is not known."
    return [Heading("How many replicas", 2), Table(columns, tuple(rows), caption)]


def _replica_row(name: str, rate: float, replicas: Mapping[str, Any]) -> tuple[Any, ...]:
    def shown(value: Any) -> str:
        return "–" if value is None else f"{value:,}"

    return (
        text(name),
        text(amount(rate)),
        text(shown(replicas.get("now"))),
        text(shown(replicas.get("conservative"))),
        text(Span(shown(replicas.get("with_spare")), "strong")),
        text(Span(shown(replicas.get("running")), "muted")),
    )


def _cost(found: Mapping[str, Any]) -> list[Block]:
    cost, price = found.get("cost_per_million"), found.get("price_per_replica_hour")
    if not cost or price is None:
        said = (
            "Nobody said what a replica costs: add price_per_replica_hour and currency to the profile, or an "
            "instance of the price book, such as aws:m7i.large."
        )
        return [Heading("What it costs", 2), Paragraph(text(said))]
    shown = estimate(cost["value"], cost["low"], cost["high"], cost["currency"])
    return [
        Heading("What it costs", 2),
        Paragraph(
            text(
                Span(f"{shown} for a million requests", "strong"),
                f" at {percent(found['utilisation'])} use, with {amount(price)}{NO_BREAK}{cost['currency']} "
                "for an hour "
                f"of one replica. {_price_source(found)}",
            )
        ),
    ]


def _price_source(found: Mapping[str, Any]) -> str:
    price = found.get("price")
    if isinstance(price, Mapping) and price.get("as_of"):
        kind = "Your own price" if price.get("own") else "List price"
        what = f"{price.get('instance')} in {price.get('region')}"
        return f"{kind} of {price['as_of']} for {what}, not live: check it before you decide."
    return "The price is as the profile says; it is not live and has no date."


def _assumptions(view: View, found: Mapping[str, Any]) -> list[Block]:
    capacity = found["capacity_per_replica"]
    fact = view.counting.get("load.capacity")
    used = view.profile.get("utilisation")
    rows = [
        (
            "Capacity of a replica",
            estimate(capacity["value"], capacity["low"], capacity["high"], RATE),
            "measured" if fact is None else fact_source(fact),
        ),
        (
            "Planned use of that capacity",
            percent(found["utilisation"]),
            "profile"
            if used is not None
            else f"default of {percent(DEFAULT_UTILISATION)}: nobody said otherwise",
        ),
    ]
    if found.get("peak_per_s") is not None:
        rows.append(
            ("Today's peak", f"{amount(found['peak_per_s'])}{NO_BREAK}{RATE}", view.who_says("peak_per_s"))
        )
    carry = found.get("to_carry")
    if carry:
        rows.append(("Load to carry", f"{amount(carry['per_s'])}{NO_BREAK}{RATE}", "profile, peak or target"))
    for axis, growth in view.growth.items():
        rows.append((f"Growth of {axis}", growth_words(growth), view.who_says(f"growth.{axis}")))
    fleet = found.get("fleet")
    if fleet:
        rows.append(("Replicas that may run", f"{fleet['replicas']:,}", str(fleet["because"])))
    if found.get("price_per_replica_hour") is not None:
        currency = (found.get("cost_per_million") or {}).get("currency", "")
        price = f"{amount(found['price_per_replica_hour'])}{NO_BREAK}{currency}"
        rows.append(("Price of a replica for an hour", price, view.who_says("price_per_replica_hour")))
    rows.append(("A month", f"{MONTH_DAYS}{NO_BREAK}days", "365.25 / 12"))
    cells = tuple((text(name), text(value), text(Span(source, "muted"))) for name, value, source in rows)
    columns = (Column("Assumption", 1.2), Column("Value", align="right"), Column("Source", 1.4))
    return [Heading("What this rests on", 2), Table(columns, cells, dense=True)]


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
