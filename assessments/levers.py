"""Actions whose numbers come from the measurements: this memory limit, so many replicas, that CPU target.

Each lever is a change of facts, or of what the profile says of the system. Everything is judged anew with
that, so that what it does to the score, to what the fleet carries and to the date of running out is found and
not guessed. A claim that the changed facts no longer contradict gets its credit back; nobody's answer is
changed.

    memory limit       raised to 1.25 × the measured peak where it is less
    CPU limit          raised to what a replica used at its highest throughput where it is less
    most replicas      raised to what the load to carry needs, and one to spare
    CPU target         of the autoscaler, lowered to what a replica shows at u·C_low requests/s, as the rules
                       for autoscaling have it (`autoscaling.cpu_target`)

A lever decides readiness where it takes away a limit that is reached before the load to carry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from assessments.autoscaling import cpu_target, whole_percent
from assessments.expressions import Scalar
from assessments.forecast import RunsOut, replicas_needed
from assessments.judging import Judged, WhatIf
from assessments.limits import RATE, Limit, in_the_way, limits_of
from assessments.outlook import (
    MOST_REPLICAS,
    capacity_of,
    fleet_of,
    load_to_carry,
    number_of,
    observed,
    profile_number,
    utilisation_of,
)
from assessments.scaling_rules import MOST_CORES, cpu_of_replica
from assessments.wording import amount, binary_bytes, counted, percent, with_unit
from probes.facts import Fact

MEMORY_MARGIN = 1.25
"""Memory limit over the measured peak: runs differ, and garbage collects late."""
HOURS_A_MONTH = 730.5
USUAL_PILLAR = "infrastructure"
"""Where a lever stands that gains no points."""
_DIGITS = 9
MIB = 1024 * 1024
MOST_BYTES, MOST_TARGET = 1e15, 100.0
"""Memory of a replica and CPU target (of the request) beyond these are a slip, and nothing to act on."""


@dataclass(frozen=True, slots=True)
class Change:
    """Facts in the place of those of the same names, and values of the profile."""

    facts: tuple[Fact, ...] = ()
    profile: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lever:
    """One change with all that it does.

    `questions` are those whose claims it settles. `decides_readiness` says that the load to carry cannot be
    reached without it.
    """

    text: str
    effort_days: float
    points: float
    overall_points: float
    pillar: str
    questions: tuple[str, ...]
    tradeoff: str
    because: str
    lifts_cap: float | None = None
    lifts: str | None = None
    runs_out_on: str | None = None
    fleet_per_s: tuple[float, float] | None = None
    decides_readiness: bool = False
    change: Change = field(default_factory=Change)

    @property
    def points_per_day(self) -> float:
        """Points of its pillar for each effort-day."""
        return self.points / self.effort_days

    def to_json(self) -> dict[str, Any]:
        """As in `actions` of `loadstone.assessment/1`.

        `fleet_per_s` is what the fleet carries up to its first limit (see `limits.py`), now and then, where
        that changes.
        """
        return {
            "question": self.questions[0] if self.questions else None,
            "questions": list(self.questions),
            "pillar": self.pillar,
            "kind": "set",
            "text": self.text,
            "to_choice": None,
            "effort_days": self.effort_days,
            "points": self.points,
            "points_per_day": self.points_per_day,
            "overall_points": self.overall_points,
            "lifts": self.lifts,
            "lifts_cap": self.lifts_cap,
            "tradeoff": self.tradeoff,
            "because": self.because,
            "decides_readiness": self.decides_readiness,
            "runs_out_on": self.runs_out_on,
            "fleet_per_s": None if self.fleet_per_s is None else list(self.fleet_per_s),
        }


def levers_of(judged: Judged, what_if: WhatIf) -> list[Lever]:
    """The levers that the measurements call for."""
    found = [make(judged, what_if) for make in (_memory_limit, _cpu_limit, _most_replicas, _cpu_target)]
    return [lever for lever in found if lever is not None]


def _memory_limit(judged: Judged, what_if: WhatIf) -> Lever | None:
    limit = observed(judged.evidence, "infra.kubernetes.memory_limit_bytes")
    peak = number_of(observed(judged.evidence, "process.rss_peak_bytes"))
    now = number_of(limit)
    if limit is None or now is None or not peak or peak > MOST_BYTES or now >= MEMORY_MARGIN * peak:
        return None
    wanted = math.ceil(MEMORY_MARGIN * peak / MIB) * MIB
    return _lever(
        judged,
        what_if,
        Change((_changed(limit, wanted, judged),)),
        text=f"Raise the memory limit to {with_unit(f'{wanted // MIB:,}', 'MiB')}",
        because=f"{amount(MEMORY_MARGIN)} × the {binary_bytes(peak)} that a replica needed under load",
        tradeoff=f"{binary_bytes(wanted - now)} more for every replica",
    )


def _cpu_limit(judged: Judged, what_if: WhatIf) -> Lever | None:
    limit = observed(judged.evidence, "infra.kubernetes.cpu_limit_cores")
    used = number_of(observed(judged.evidence, "process.cpu_cores_at_saturation"))
    now = number_of(limit)
    if limit is None or now is None or not used or used > MOST_CORES or now >= used:
        return None
    wanted = math.ceil(10 * used - 1e-9) / 10
    return _lever(
        judged,
        what_if,
        Change((_changed(limit, wanted, judged),)),
        text=f"Raise the CPU limit to {_cores(wanted)}",
        because=f"a replica used {_cores(used)} at its highest throughput, and may have {_cores(now)}",
        tradeoff=f"Up to {_cores(wanted - now)} more for every replica under load",
    )


def _cores(count: float) -> str:
    shown = amount(count)
    return with_unit(shown, "core" if shown == "1" else "cores")


def _most_replicas(judged: Judged, what_if: WhatIf) -> Lever | None:
    profile = judged.profile
    capacity, load, fleet = (
        capacity_of(judged.evidence),
        load_to_carry(profile),
        fleet_of(judged.evidence, profile),
    )
    if fleet is None or capacity is None or load is None:
        return None
    used = utilisation_of(profile)
    low = capacity.value if capacity.low is None else capacity.low
    wanted = replicas_needed(load, low, used) + 1
    if not fleet.replicas < wanted <= MOST_REPLICAS:
        return None
    more = wanted - fleet.replicas
    price = profile_number(profile, "price_per_replica_hour")
    tradeoff = f"Up to {counted(more, 'replica')} more"
    if price is not None:
        month = with_unit(amount(more * price * HOURS_A_MONTH), str(profile.values.get("currency") or "USD"))
        tradeoff += f", {month} a month while {'it runs' if more == 1 else 'they run'}"
    scales = fleet.fact is not None and fleet.fact.name.endswith("hpa.max_replicas")
    changed = [] if fleet.fact is None else [_changed(fleet.fact, wanted, judged)]
    if scales and (can_scale := observed(judged.evidence, "infra.kubernetes.hpa.can_scale")) is not None:
        changed.append(_changed(can_scale, True, judged))
    bound = "" if capacity.low is None else " (lower bound)"
    replicas = counted(wanted, "replica")
    return _lever(
        judged,
        what_if,
        Change(tuple(changed), {"replicas": wanted} if fleet.fact is None else {}),
        text=f"Let the autoscaler go to {replicas}" if scales else f"Run {replicas}",
        because=f"{with_unit(amount(load), RATE)} at {percent(used)} of {amount(low)}{bound} a replica, "
        "and one to spare",
        tradeoff=tradeoff,
    )


def _cpu_target(judged: Judged, what_if: WhatIf) -> Lever | None:
    profile = judged.profile
    target = observed(judged.evidence, "infra.kubernetes.hpa.target_cpu_ratio")
    now, capacity = number_of(target), capacity_of(judged.evidence)
    if target is None or now is None or now > MOST_TARGET or capacity is None or capacity.low is None:
        return None
    cpu, used = cpu_of_replica(judged.evidence, capacity), utilisation_of(profile)
    found = None if cpu is None else cpu_target(cpu, capacity, used)
    if cpu is None or found is None or not 0.01 <= found[1] < now:
        return None
    cores, wanted = found[0], whole_percent(found[1]) / 100
    rate = with_unit(amount(used * capacity.low), RATE)
    return _lever(
        judged,
        what_if,
        Change((_changed(target, wanted, judged),)),
        text=f"Let the autoscaler act at {percent(wanted)} of the CPU request",
        because=f"at {rate}, {percent(used)} of {amount(capacity.low)} (lower bound), a replica uses "
        f"{with_unit(amount(cores), 'cores')} of {amount(cpu.cores_requested)} requested",
        tradeoff="Replicas start earlier and stand idle more",
    )


def _changed(fact: Fact, value: float | bool, judged: Judged) -> Fact:
    return replace(fact, value=value, low=None, high=None, at=judged.evidence.as_of)


def _lever(
    judged: Judged, what_if: WhatIf, change: Change, *, text: str, because: str, tradeoff: str
) -> Lever | None:
    """The lever, from how things stand and how they would; None where it changes nothing."""
    then = what_if(change.facts, change.profile)
    gains = {}
    for before, after in zip(judged.scores.pillars, then.scores.pillars, strict=True):
        if before.reading is not None and after.reading is not None:
            gains[before.id] = after.reading.supported - before.reading.supported
    pillar, points = max(gains.items(), key=lambda entry: entry[1], default=("", 0.0))
    if round(points, _DIGITS) <= 0:
        known = [group.id for group in judged.lens.pillars]
        pillar = USUAL_PILLAR if USUAL_PILLAR in known else known[0]
    settled = tuple(
        after.question
        for before, after in zip(judged.judgements, then.judgements, strict=True)
        if after.credit.credit > before.credit.credit + 1e-9
    )
    was, then_out = _workload(judged), _workload(then)
    date_moves = was is not None and then_out is not None and was.months != then_out.months
    fleet = _carried(judged), _carried(then)
    fleet_moves = None not in fleet and fleet[0] != fleet[1]
    lifted = _lifted_cap(judged, then, pillar)
    blocks, still = ({limit.what for limit in _in_the_way(entry)} for entry in (judged, then))
    if round(points, _DIGITS) <= 0 and not date_moves and not fleet_moves and lifted is None:
        return None
    overall = (judged.scores.overall.score, then.scores.overall.score)
    gained = 0.0 if overall[0] is None or overall[1] is None else overall[1] - overall[0]
    return Lever(
        text=text,
        effort_days=1.0,
        points=max(0.0, points),
        overall_points=gained,
        pillar=pillar,
        questions=settled,
        tradeoff=tradeoff,
        because=because,
        lifts_cap=lifted,
        lifts=judged.scores.overall.pillar if round(gained, _DIGITS) > 0 else None,
        runs_out_on=_day(then_out) if date_moves and then_out is not None else None,
        fleet_per_s=(fleet[0] or 0.0, fleet[1] or 0.0) if fleet_moves else None,
        decides_readiness=bool(blocks - still),
        change=change,
    )


def _in_the_way(judged: Judged) -> list[Limit]:
    return in_the_way(judged.evidence, judged.profile)


def _workload(judged: Judged) -> RunsOut | None:
    return None if judged.forecast is None else judged.forecast.axes.get("workload")


def _day(found: RunsOut) -> str:
    day = found.start if found.is_over else found.days[0]
    return f"not within {found.horizon_months:g} months" if day is None else day.isoformat()


def _carried(judged: Judged) -> float | None:
    """Requests/s up to the first limit, None where no fleet is known."""
    if fleet_of(judged.evidence, judged.profile) is None:
        return None
    limits = limits_of(judged.evidence, judged.profile)
    return limits[0].rate_per_s if limits else None


def _lifted_cap(judged: Judged, then: Judged, pillar: str) -> float | None:
    before, after = (entry.scores.pillar(pillar).caps for entry in (judged, then))
    lifted = [cap.at_most for cap in before if cap.question not in [other.question for other in after]]
    return min(lifted, default=None)
