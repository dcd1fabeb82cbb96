"""What was configured or claimed held against what was measured: the facts under `derived.` and `history.`.

    memory_limit_headroom     memory limit / largest resident memory under load
    hours_to_memory_limit     (limit − peak) / growth, at the load of a replica at the peak
    cpu_at_knee_…_ratio       CPU at the highest throughput / CPU request, or limit, of a replica
    hpa_target_margin         CPU at the highest throughput, of the request / the autoscaler's CPU target
    fleet_headroom            capacity of a replica × most replicas / load to carry
    replicas_needed           ⌈load to carry / (planned utilisation × capacity)⌉
    max_replicas_headroom     the autoscaler's maximum / replicas needed
    runs_out_on, days_…       see `forecast.py`
    latency_alert_ratio       threshold of the latency alert / response time of the SLO
    cost_per_million          price × 10⁶ / (3600 × utilisation × capacity)
    load_runs_90_days, …      the assessment's own runs

A derived fact is as old as the oldest it rests on, counts as long as all of them do, and is `by_hand` where
one of them is; it is never made from what is only declared, but for the profile: that says what the
measurements are held against. What lacks an input, or has one that is no number above 0, is not made: it
stays unknown. A CPU limit bounds what a replica uses, however much the measured process had.

Only what is made here counts under these names. A fact `derived.…` out of a file is set aside; one under
`history.` counts when a person gave it by hand, since loads may be run with other tools.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from assessments.evidence import DERIVING, Evidence, SetAside
from assessments.forecast import MONTH_DAYS, Forecast, cost_per_million, replicas_needed
from assessments.outlook import (
    capacity_of,
    fleet_of,
    load_to_carry,
    number_of,
    observed,
    outlook,
    profile_number,
    utilisation_of,
)
from assessments.profile import Profile
from probes.errors import UsageError
from probes.facts import Fact, FactState, Source
from probes.facts import observed as new_fact
from probes.slo import parse_slo

PROBE, HISTORY = DERIVING
HISTORY_DAYS = 90.0
LATEST_START = timedelta(minutes=5)
"""How far a run may start after `as_of`: clocks of two machines differ."""


def not_to_be_given(fact: Fact) -> SetAside | None:
    """The fact set aside where its name is one that only cross-checks give; None for every other fact."""
    subject = fact.name.split(".", 1)[0]
    if subject == "derived" or (subject == "history" and fact.state != "by_hand"):
        return SetAside(fact, "it follows from other facts and is never taken as given")
    return None


def derived_facts(evidence: Evidence, profile: Profile, runs: Sequence[Mapping[str, Any]] = ()) -> list[Fact]:
    """All that follows from the facts that count, from the profile and from the assessment's runs."""
    maker = _Maker(evidence)
    _memory(maker, profile)
    _processor(maker)
    _fleet(maker, profile)
    _forecast(maker, profile)
    _alert(maker, profile)
    return maker.facts + history_facts(runs, evidence.as_of)


@dataclass
class _Maker:
    """Makes facts from facts; what lacks an input, or has no finite value, is not made."""

    evidence: Evidence

    def __post_init__(self) -> None:
        self.facts: list[Fact] = []

    def get(self, name: str) -> tuple[Fact | None, float | None]:
        """The fact, and its value where that is a number above 0."""
        fact = observed(self.evidence, name)
        number = number_of(fact)
        return fact, number if number is not None and number > 0 else None

    def add(
        self,
        name: str,
        value: float | int | str | None,
        inputs: Iterable[Fact | None],
        formula: str,
        bounds: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """`name` from `inputs`; None among them belongs to the profile."""
        given = [fact for fact in inputs if fact is not None]
        if value is None or not given or (isinstance(value, float) and not math.isfinite(value)):
            return
        state: FactState = "by_hand" if any(fact.state == "by_hand" for fact in given) else "measured"
        run = next((fact.source.run for fact in given if fact.source.run is not None), None)
        machine = next((fact.source.machine for fact in given if fact.source.machine is not None), None)
        source = Source(PROBE, run=run, query=formula, machine=machine)
        at = min(fact.at for fact in given)
        low, high = (None if end is None or not math.isfinite(end) else _tidy(end) for end in bounds)
        value = _tidy(value) if isinstance(value, float) else value
        self.facts.append(new_fact(name, value, source, at=at, state=state, low=low, high=high))


def _memory(maker: _Maker, profile: Profile) -> None:
    limit, limit_bytes = maker.get("infra.kubernetes.memory_limit_bytes")
    peak, peak_bytes = maker.get("process.rss_peak_bytes")
    if not limit_bytes or not peak_bytes:
        return
    maker.add(
        "derived.memory_limit_headroom",
        limit_bytes / peak_bytes,
        (limit, peak),
        "memory limit / largest resident memory under load",
    )
    verdict = observed(maker.evidence, "process.memory_verdict")
    if verdict is None or verdict.value != "growing":
        return
    by_request, a_request = maker.get("process.growth_bytes_per_request")
    by_second, a_second = maker.get("process.growth_bytes_per_second")
    growth, inputs = a_second or 0.0, [limit, peak, verdict, by_second if a_second else None]
    formula = "(memory limit − largest resident memory) / growth"
    if a_request:
        load, fleet = load_to_carry(profile), fleet_of(maker.evidence, profile)
        if load is None or fleet is None:
            return  # the part that grows with requests is not known, and without it this would be too long
        rate, capacity = load / fleet.replicas, capacity_of(maker.evidence)
        inputs += [by_request, fleet.fact]
        if capacity is not None and capacity.value < rate:
            rate = capacity.value
            inputs.append(observed(maker.evidence, "load.capacity"))
        growth += a_request * rate
        formula += f" at {rate:.6g} requests/s, what a replica carries of the peak"
    if growth > 0:
        hours = max(0.0, limit_bytes - peak_bytes) / growth / 3600.0
        maker.add("derived.hours_to_memory_limit", hours, inputs, formula)


def _processor(maker: _Maker) -> None:
    used, cores = maker.get("process.cpu_cores_at_saturation")
    request, requested = maker.get("infra.kubernetes.cpu_request_cores")
    limit, allowed = maker.get("infra.kubernetes.cpu_limit_cores")
    target, share = maker.get("infra.kubernetes.hpa.target_cpu_ratio")
    if not cores:
        return
    if allowed:
        maker.add(
            "derived.cpu_at_knee_limit_ratio",
            cores / allowed,
            (used, limit),
            "CPU at the highest throughput / CPU limit",
        )
    if not requested:
        return
    in_use = min(cores, allowed) if allowed else cores
    inputs = (used, request, limit if allowed and allowed < cores else None)
    maker.add(
        "derived.cpu_at_knee_request_ratio",
        in_use / requested,
        inputs,
        "CPU at the highest throughput / CPU request",
    )
    if share:
        maker.add(
            "derived.hpa_target_margin",
            in_use / requested / share,
            (*inputs, target),
            "CPU at the highest throughput, of the request / the autoscaler's target",
        )


def _fleet(maker: _Maker, profile: Profile) -> None:
    fact, capacity = observed(maker.evidence, "load.capacity"), capacity_of(maker.evidence)
    load, fleet = load_to_carry(profile), fleet_of(maker.evidence, profile)
    used = utilisation_of(profile)
    price = profile_number(profile, "price_per_replica_hour")
    if capacity is None:
        return
    if price is not None:

        def cost(of: float | None) -> float | None:
            return None if of is None else cost_per_million(price, of, used)

        maker.add(
            "derived.cost_per_million",
            cost(capacity.value),
            (fact,),
            f"price of a replica-hour / requests in it at {used:.0%} of the capacity",
            (cost(capacity.high), cost(capacity.low)),
        )
    if load is None:
        return
    needed, fewest, most_needed = (
        None if end is None else replicas_needed(load, end, used)
        for end in (capacity.value, capacity.high, capacity.low)
    )
    assert needed is not None
    maker.add(
        "derived.replicas_needed",
        needed,
        (fact,),
        f"load to carry of {load:g}/s / ({used:.0%} of the capacity of a replica), rounded up",
        (fewest, most_needed),
    )
    if fleet is None:
        return
    whole, low, high = (
        None if end is None else end * fleet.replicas / load
        for end in (capacity.value, capacity.low, capacity.high)
    )
    maker.add(
        "derived.fleet_headroom",
        whole,
        (fact, fleet.fact),
        f"capacity of a replica × {fleet.replicas} replicas ({fleet.because}) / load to carry of {load:g}/s",
        (low, high),
    )
    if fleet.fact is not None and fleet.fact.name == "infra.kubernetes.hpa.max_replicas":
        maker.add(
            "derived.max_replicas_headroom",
            fleet.replicas / needed,
            (fleet.fact, fact),
            f"the autoscaler's maximum / {needed} replicas that {load:g}/s need",
            (
                None if most_needed is None else fleet.replicas / most_needed,
                None if fewest is None else fleet.replicas / fewest,
            ),
        )


def _forecast(maker: _Maker, profile: Profile) -> None:
    found: Forecast | None = outlook(maker.evidence, profile, maker.evidence.as_of.date())
    axis = None if found is None else found.axes.get("workload")
    if axis is None:
        return
    fleet = fleet_of(maker.evidence, profile)
    inputs = (observed(maker.evidence, "load.capacity"), None if fleet is None else fleet.fact)
    formula = f"today's peak, growing {axis.axis.growth.text}, against the fleet at the planned utilisation"
    months, low, high = axis.months
    horizon = axis.horizon_months * MONTH_DAYS
    if months is None:
        maker.add("derived.days_to_run_out", horizon, inputs, f"{formula}: not within the horizon")
        return
    days = 0.0 if axis.is_over else months * MONTH_DAYS
    maker.add(
        "derived.days_to_run_out",
        max(0.0, days),
        inputs,
        formula,
        (
            None if low is None else max(0.0, low * MONTH_DAYS),
            None if high is None else max(0.0, high * MONTH_DAYS),
        ),
    )
    day = axis.days[0]
    maker.add("derived.runs_out_on", None if day is None else day.isoformat(), inputs, formula)


def _alert(maker: _Maker, profile: Profile) -> None:
    alert, threshold_ms = maker.get("monitoring.prometheus.latency_alert.threshold_ms")
    text = profile.values.get("slo")
    if threshold_ms is None or not isinstance(text, str):
        return
    try:
        slo = parse_slo(text)
    except UsageError:
        return
    if slo.bounds:
        maker.add(
            "derived.latency_alert_ratio",
            threshold_ms / slo.slowest_limit_ms,
            (alert,),
            f"threshold of the latency alert / {slo.slowest_limit_ms:g} ms of the SLO",
        )


def history_facts(runs: Sequence[Mapping[str, Any]], as_of: datetime) -> list[Fact]:
    """How many load runs were completed in the 90 days before `as_of`, and how long ago the last one was.

    Without any there is no fact: loads may have been run with other tools.
    """
    ages: list[tuple[float, str]] = []
    for run in runs:
        about = run.get("run")
        if not isinstance(about, Mapping) or about.get("status") != "completed":
            continue
        started = _moment(about.get("started_at"))
        if about.get("grade") in ("client_limited", "insufficient") or started is None:
            continue
        age = as_of - started
        if age >= -LATEST_START:
            ages.append((max(0.0, age / timedelta(days=1)), str(about.get("id"))))
    if not ages:
        return []
    recent = [age for age, _ in ages if age <= HISTORY_DAYS]
    youngest, newest = min(ages)
    count = Source(HISTORY, query="completed load runs of this assessment in 90 days")
    last = Source(HISTORY, run=newest, query="days since the last completed load run")
    return [
        new_fact("history.load_runs_90_days", len(recent), count, at=as_of),
        new_fact("history.load_run_age_days", round(youngest, 4), last, at=as_of),
    ]


def _tidy(number: float) -> float:
    """Nine significant digits: 1.1 is 1.1, however it was divided and on whatever machine."""
    return float(f"{number:.9g}")


def _moment(text: Any) -> datetime | None:
    """The moment with its time zone; None for what says none."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
