"""What the forecast would be by other assumptions: the part that is computed again while a person drags.

Only the forecast is made anew, not the judging: capacity and peak stay as they were measured and given, and
growth, planned use, replicas and price are exchanged. It takes some milliseconds where all of an assessment
takes many times that. `materials_if` gives the whole as it would be, for what needs that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from assessments.assessment import six_digits
from assessments.evidence import Evidence
from assessments.forecast import parse_growth
from assessments.judging import Judged, Materials
from assessments.levers import HOURS_A_MONTH
from assessments.outlook import (
    fleet_of,
    forecast_json,
    observed,
    outlook,
    profile_number,
    target_outlook,
    utilisation_of,
)
from assessments.profile import Profile
from assessments.scaling_rules import scaling_rules

_CAN_SCALE = "infra.kubernetes.hpa.can_scale"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a forecast rests on besides the measured capacity and the peak. None is not known.

    `growth` is that of the workload as `forecast.parse_growth` reads it, `price_per_hour` that of a replica.
    """

    growth: str | None = None
    utilisation: float = 0.7
    replicas: int | None = None
    price_per_hour: float | None = None


def assumptions_of(judged: Judged) -> Assumptions:
    """Those of the assessment as it is."""
    fleet = fleet_of(judged.evidence, judged.profile)
    return Assumptions(
        growth=judged.profile.growth.get("workload"),
        utilisation=utilisation_of(judged.profile),
        replicas=None if fleet is None else fleet.replicas,
        price_per_hour=profile_number(judged.profile, "price_per_replica_hour"),
    )


def with_rate(growth: str | None, per_month: float) -> str:
    """The growth with another middle: a share a month (0.08) where it is compound, else units a month.

    The interval of a range keeps its width (of compound growth the one of the monthly rates). What is no
    growth yet becomes compound.
    """
    found = None if growth is None else parse_growth(growth, "the growth")
    if found is not None and found.kind == "linear":
        ends = [per_month + end - found.value for end in (found.low, found.high)]
        return _range(ends, "", found.has_interval, per_month)
    middle = math.log1p(per_month)
    if found is None:
        return _range([], "%", False, 100 * per_month)
    shares = [100 * math.expm1(middle + end - found.value) for end in (found.low, found.high)]
    return _range(shares, "%", found.has_interval, 100 * per_month)


def _range(ends: list[float], sign: str, has_interval: bool, middle: float) -> str:
    if not has_interval:
        return f"{_digits(middle)}{sign}/month"
    return f"{_digits(ends[0])}{sign}..{_digits(ends[1])}{sign}/month"


def _digits(value: float) -> str:
    """Hundredths, or three digits of what is smaller; never in the notation with an exponent."""
    places = 2 if abs(value) >= 0.1 or value == 0 else 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(places, 12)}f}".rstrip("0").rstrip(".")


def rate_of(growth: str) -> float:
    """The middle of a growth a month: a share where it is compound, else units. Raises `UsageError`."""
    found = parse_growth(growth, "the growth")
    return math.expm1(found.value) if found.kind == "compound" else found.value


def cost_a_month(replicas: int, price_per_hour: float) -> float:
    """What so many replicas cost that run all the time: replicas × price × 730.5 hours."""
    return replicas * price_per_hour * HOURS_A_MONTH


def forecast_if(judged: Judged, start: date, assumed: Assumptions) -> dict[str, Any] | None:
    """`forecast` of `loadstone.assessment/1` by these assumptions; None where no capacity was measured.

    Raises `UsageError` for assumptions that cannot be.
    """
    evidence, profile = _with_fleet(judged, assumed), _assumed(judged.profile, assumed)
    found = outlook(evidence, profile, start)
    target = target_outlook(evidence, profile, start)
    fleet, rules = fleet_of(evidence, profile), scaling_rules(evidence, target)
    document = forecast_json(found, target, fleet, rules)
    return None if document is None else six_digits(document)


def materials_if(materials: Materials, judged: Judged, assumed: Assumptions) -> Materials:
    """The assessment with these assumptions in the place of what is given and read."""
    system = _assumed(materials.answers.profile, assumed)
    answers = replace(materials.answers, profile=system)
    fleet = fleet_of(judged.evidence, judged.profile)
    facts = materials.facts
    if fleet is not None and fleet.fact is not None and assumed.replicas not in (None, fleet.replicas):
        changed = _changed(judged.evidence, fleet.fact.name, assumed.replicas)
        facts = (*(fact for fact in facts if fact.name not in changed), *changed.values())
    return replace(materials, answers=answers, facts=facts)


def _assumed(profile: Profile, assumed: Assumptions) -> Profile:
    values: dict[str, Any] = dict(profile.values) | {"utilisation": assumed.utilisation}
    growth = dict(profile.growth)
    for key, value in (("replicas", assumed.replicas), ("price_per_replica_hour", assumed.price_per_hour)):
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
    if assumed.growth is None:
        growth.pop("workload", None)
    else:
        growth["workload"] = assumed.growth
    return replace(profile, values=values, growth=growth)


def _with_fleet(judged: Judged, assumed: Assumptions) -> Evidence:
    fleet = fleet_of(judged.evidence, judged.profile)
    if fleet is None or fleet.fact is None or assumed.replicas in (None, fleet.replicas):
        return judged.evidence
    facts = {**judged.evidence.facts, **_changed(judged.evidence, fleet.fact.name, assumed.replicas)}
    return replace(judged.evidence, facts=facts)


def _changed(evidence: Evidence, name: str, replicas: int | None) -> Mapping[str, Any]:
    """The fact that says how many replicas there may be, with another number; and that it can scale then."""
    assert replicas is not None
    fact = evidence.facts[name]
    changed = {name: replace(fact, value=replicas, low=None, high=None)}
    can_scale = observed(evidence, _CAN_SCALE)
    if can_scale is not None and name.endswith("hpa.max_replicas") and can_scale.value is False:
        changed[_CAN_SCALE] = replace(can_scale, value=True)
    return changed
