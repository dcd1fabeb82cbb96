"""What the measured capacity means for the assessed system: its fleet, the load to carry, and the forecast.

The fleet is what the system may grow to: the autoscaler's maximum where there is one (it overrides what the
manifest says), else the replicas of the manifest, else those of the profile. The load to carry is the larger
of today's peak and the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from assessments.evidence import Evidence
from assessments.forecast import Axis, Estimate, Forecast, Plan, forecast, parse_growth
from assessments.prices import Price
from assessments.profile import Profile
from probes.facts import Fact

DEFAULT_UTILISATION = 0.7
"""Share of a replica's capacity that is planned for: the rest takes bursts and the loss of a replica."""
MOST_REPLICAS = 1_000_000
LEAST_RATE, MOST_RATE = 1e-6, 1e9
"""Replicas and requests/s beyond these are a slip of the pen or of a probe; nothing is computed from them."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many replicas there may be, who says so, and the fact it rests on (None for the profile)."""

    replicas: int
    because: str
    fact: Fact | None = None


def observed(evidence: Evidence, name: str) -> Fact | None:
    """The fact of that name if it was measured, read or given by hand; what is only declared is none."""
    fact = evidence.facts.get(name)
    return fact if fact is not None and fact.state in ("measured", "read", "by_hand") else None


def number_of(fact: Fact | None) -> float | None:
    """The fact's value as a number."""
    value = None if fact is None else fact.value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def profile_number(profile: Profile, name: str) -> float | None:
    """A number of the profile, None where it is missing or not above 0."""
    value = profile.values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return float(value)


def _rate_of(profile: Profile, name: str) -> float | None:
    rate = profile_number(profile, name)
    return rate if rate is not None and LEAST_RATE <= rate <= MOST_RATE else None


def _replicas(value: float | None) -> int | None:
    return int(value) if value is not None and 1 <= value <= MOST_REPLICAS else None


def capacity_of(evidence: Evidence) -> Estimate | None:
    """The capacity of one replica in requests/s, with the interval that was measured."""
    fact = observed(evidence, "load.capacity")
    value = number_of(fact)
    if fact is None or value is None or not LEAST_RATE <= value <= MOST_RATE:
        return None
    low = fact.low if fact.low is not None and LEAST_RATE <= fact.low <= value else None
    high = fact.high if fact.high is not None and value <= fact.high <= MOST_RATE else None
    return Estimate(value, low, high)


def fleet_of(evidence: Evidence, profile: Profile) -> Fleet | None:
    """What the system may grow to; None where nobody says."""
    most = observed(evidence, "infra.kubernetes.hpa.max_replicas")
    replicas = _replicas(number_of(most))
    if most is not None and replicas is not None:
        return Fleet(replicas, "the most that the autoscaler allows", most)
    read = observed(evidence, "infra.kubernetes.replicas")
    replicas = _replicas(number_of(read))
    if read is not None and replicas is not None:
        return Fleet(replicas, "as the manifest says", read)
    replicas = _replicas(profile_number(profile, "replicas"))
    return None if replicas is None else Fleet(replicas, "as the profile says")


def load_to_carry(profile: Profile) -> float | None:
    """Requests/s that it has to carry: the larger of today's peak and the target."""
    loads = [_rate_of(profile, name) for name in ("peak_per_s", "target_peak_per_s")]
    return max((load for load in loads if load is not None), default=None)


def utilisation_of(profile: Profile) -> float:
    """The planned share of a replica's capacity."""
    return profile_number(profile, "utilisation") or DEFAULT_UTILISATION


def plan_of(evidence: Evidence, profile: Profile, peak_per_s: float | None) -> Plan | None:
    """What a forecast for that peak starts from; None where no capacity was measured."""
    capacity = capacity_of(evidence)
    if capacity is None:
        return None
    fleet = fleet_of(evidence, profile)
    currency = profile.values.get("currency")
    return Plan(
        capacity=capacity,
        utilisation=utilisation_of(profile),
        peak_per_s=peak_per_s,
        running=None if fleet is None else fleet.replicas,
        price_per_hour=profile_number(profile, "price_per_replica_hour"),
        currency=currency if isinstance(currency, str) and currency else "USD",
    )


def outlook(evidence: Evidence, profile: Profile, start: date) -> Forecast | None:
    """The forecast from today's peak and the growth of the profile; None where no capacity was measured."""
    plan = plan_of(evidence, profile, _rate_of(profile, "peak_per_s"))
    if plan is None:
        return None
    axes: list[Axis] = []
    growth = profile.growth.get("workload")
    if growth is not None and plan.peak_per_s is not None and plan.running is not None:
        axes.append(plan.workload(parse_growth(growth, "the growth of the workload")))
    return forecast(plan, start, axes)


def target_outlook(evidence: Evidence, profile: Profile, start: date) -> Forecast | None:
    """The forecast for the load to carry, for replicas and cost; without a date."""
    load = load_to_carry(profile)
    plan = None if load is None else plan_of(evidence, profile, load)
    return None if plan is None else forecast(plan, start)


def forecast_json(
    found: Forecast | None,
    target: Forecast | None,
    fleet: Fleet | None,
    autoscaling: Mapping[str, Any],
    price: Price | None = None,
) -> dict[str, Any] | None:
    """`loadstone.forecast/1` with what the load to carry needs, the fleet that it is held against, the rules
    for autoscaling (`scaling_rules.py`), and the list price where that is what a replica is said to cost."""
    if found is None:
        return None
    document = found.to_json()
    if fleet is not None:
        document["fleet"] = {"replicas": fleet.replicas, "because": fleet.because}
    if target is not None:
        of_target = target.to_json()
        document["to_carry"] = {
            "per_s": target.plan.peak_per_s,
            "replicas": of_target["replicas"],
            "cost_per_million": of_target["cost_per_million"],
        }
    document["autoscaling"] = dict(autoscaling)
    if price is not None and found.plan.price_per_hour == price.per_hour:
        document["price"] = price.to_json()
    return document
