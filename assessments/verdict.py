"""The answer first: ready or not and why, what breaks first, when it runs out, how much was measured.

    ready      the low end of what the fleet carries at the planned utilisation reaches the load to carry, no
               other limit is reached before, and the overall score is in the band conditional or ready
    capacity   the capacity suffices, the score does not
    not_ready  the capacity does not suffice, or a limit is reached before
    unknown    no capacity was measured, or nobody said what is to be carried

What breaks first is the limit that is reached at the smallest share of the load to carry:

    the fleet           most replicas × planned utilisation × capacity
    an autoscaler that never acts (margin under 1): least replicas × planned utilisation × capacity
    a CPU limit under the CPU that was used at the knee: the fleet's figure × limit / CPU at the knee
    a memory limit under the measured peak: 0, since a replica is killed before it reaches its capacity
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Literal

from assessments.evidence import Evidence
from assessments.forecast import Estimate, Forecast
from assessments.outlook import (
    Fleet,
    capacity_of,
    fleet_of,
    load_to_carry,
    number_of,
    observed,
    profile_number,
    utilisation_of,
)
from assessments.profile import Profile
from assessments.scoring import Scores
from assessments.states import Judgement
from assessments.wording import NO_BREAK, amount, binary_bytes, capital, counted, estimate, percent

Readiness = Literal["ready", "capacity", "not_ready", "unknown"]
RATE = "req/s"
CLOSE_MEMORY = 1.1
"""Under this many times the measured peak a memory limit is named as close."""
_MEMORY, _CPU, _AUTOSCALER = "The memory limit", "The CPU limit", "The autoscaler"
_BEFORE_THE_FLEET = (_MEMORY, _CPU, _AUTOSCALER)
_SETTLED = ("verified", "partly", "understated", "contradicted")


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that gives out: what, the rate at which it does (requests/s), and why."""

    what: str
    rate_per_s: float | None
    because: str

    def to_json(self) -> dict[str, Any]:
        """As in `verdict.breaks_first`."""
        return {"what": self.what, "rate_per_s": self.rate_per_s, "because": self.because}


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """One bar: what carries how much, in requests/s."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: Literal["demand", "capacity"] = "capacity"

    def to_json(self) -> dict[str, Any]:
        """As in `verdict.capacity.rows`."""
        return {
            "name": self.name,
            "per_s": self.value,
            "low": self.low,
            "high": self.high,
            "kind": self.kind,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What page one says."""

    readiness: Readiness
    headline: str
    reasons: tuple[str, ...]
    capacity_finding: str
    rows: tuple[CapacityRow, ...]
    target_per_s: float | None
    breaks_first: Limit | None
    close_behind: tuple[str, ...]
    runs_out: tuple[str, str]
    measured_share: float | None
    counts: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """`verdict` of `loadstone.assessment/1`."""
        return {
            "readiness": self.readiness,
            "headline": self.headline,
            "reasons": list(self.reasons),
            "capacity": {
                "finding": self.capacity_finding,
                "rows": [row.to_json() for row in self.rows],
                "target_per_s": self.target_per_s,
            },
            "breaks_first": None if self.breaks_first is None else self.breaks_first.to_json(),
            "close_behind": list(self.close_behind),
            "runs_out": {"headline": self.runs_out[0], "text": self.runs_out[1]},
            "measured": {"weight_share": self.measured_share, "counts": dict(self.counts)},
        }


def verdict_of(
    evidence: Evidence,
    profile: Profile,
    judgements: Sequence[Judgement],
    scores: Scores,
    found: Forecast | None,
) -> Verdict:
    """The verdict on what was judged. `found` is the forecast from today's peak."""
    capacity, fleet, load = capacity_of(evidence), fleet_of(evidence, profile), load_to_carry(profile)
    used = utilisation_of(profile)
    usable = None if capacity is None or fleet is None else capacity.times(used * fleet.replicas)
    limits = _limits(evidence, capacity, fleet, used)
    readiness = _readiness(usable, load, scores, limits)
    reasons = [_capacity_reason(capacity, fleet, usable, load, used)]
    if limits and limits[0].what in _BEFORE_THE_FLEET and (limits[0].rate_per_s or 0.0) < (load or 0.0):
        reasons.append(limits[0].because)
    reasons.append(_score_reason(judgements, scores))
    applying = [entry for entry in judgements if entry.applies and entry.weight > 0]
    weight = fsum(entry.weight for entry in applying)
    settled = fsum(entry.weight for entry in applying if entry.state in _SETTLED)
    return Verdict(
        readiness=readiness,
        headline=_headline(readiness, load, capacity),
        reasons=tuple(reason for reason in reasons if reason),
        capacity_finding=_capacity_finding(usable, load, capacity),
        rows=_rows(profile, capacity, fleet, used),
        target_per_s=load,
        breaks_first=limits[0] if limits else None,
        close_behind=tuple(_close_behind(evidence)),
        runs_out=_runs_out(found),
        measured_share=settled / weight if weight > 0 else None,
        counts=_counts(judgements),
    )


def _readiness(
    usable: Estimate | None, load: float | None, scores: Scores, limits: Sequence[Limit]
) -> Readiness:
    if usable is None or load is None:
        return "unknown"
    if (usable.low if usable.low is not None else 0.0) < load:
        return "not_ready"
    if any(limit.rate_per_s is not None and limit.rate_per_s < load for limit in limits):
        return "not_ready"
    return "ready" if scores.overall.band in ("conditional", "ready") else "capacity"


def _headline(readiness: Readiness, load: float | None, capacity: Estimate | None) -> str:
    rate = "" if load is None else f"{amount(load)}{NO_BREAK}{RATE}"
    if readiness == "ready":
        return f"Ready for {rate}"
    if readiness == "capacity":
        return f"Enough capacity for {rate}, but not ready"
    if readiness == "not_ready":
        return f"Not ready for {rate}"
    if load is None:
        return "Nobody said what it has to carry"
    if capacity is None:
        return f"Not known whether it is ready for {rate}: nothing was measured"
    return f"Not known whether it is ready for {rate}: nobody said how many replicas there are"


def _capacity_reason(
    capacity: Estimate | None, fleet: Fleet | None, usable: Estimate | None, load: float | None, used: float
) -> str:
    if capacity is None:
        return "No capacity was measured: probe the service before anything else is decided."
    one = f"One replica carries {_rate(capacity)} within its objective"
    if fleet is None or usable is None:
        return f"{one}; how many replicas there may be is not known."
    replicas = counted(fleet.replicas, "replica")
    carry = f"{replicas} ({fleet.because}) carry {_rate(usable)} at {percent(used)} use"
    if load is None:
        return f"{one}, and {carry}."
    low = usable.low
    if low is None:
        return f"{capital(carry)}, with no lower bound: that is no ground to be ready for {_plain(load)}."
    if low >= load:
        return f"{capital(carry)}, at least {amount(low - load)}{NO_BREAK}{RATE} more than {_plain(load)}."
    if usable.value < load:
        return f"{capital(carry)}, {amount(load - usable.value)}{NO_BREAK}{RATE} short of {_plain(load)}."
    return f"{capital(carry)}: {_plain(load)} lies within the uncertainty, and the lower end is what counts."


def _score_reason(judgements: Sequence[Judgement], scores: Scores) -> str:
    if scores.overall.refused is not None:
        return scores.overall.refused
    against = [entry for entry in judgements if entry.state == "contradicted"]
    if against:
        worst = max(against, key=lambda entry: (entry.critical, entry.weight * entry.credit.contradicted))
        what = counted(len(against), "claim is", "claims are")
        return f"{what} contradicted by measurement; the heaviest, {worst.question}: {worst.because}"
    caps = [cap for score in scores.pillars for cap in score.caps if score.id == scores.overall.pillar]
    if caps:
        return f"{capital(caps[0].because)}."
    return ""


def _capacity_finding(usable: Estimate | None, load: float | None, capacity: Estimate | None) -> str:
    if capacity is None:
        return "No capacity was measured"
    if usable is None or load is None:
        return f"One replica carries {_rate(capacity)}"
    gap = usable.value - load
    if gap < 0:
        return f"No reserve at the target: {amount(-gap)}{NO_BREAK}{RATE} short"
    if usable.low is not None and usable.low < load:
        return (
            f"The target lies within the uncertainty: between {amount(usable.low - load)} and +{amount(gap)}"
        )
    return f"{amount(gap)}{NO_BREAK}{RATE} of reserve at the target"


def _rows(
    profile: Profile, capacity: Estimate | None, fleet: Fleet | None, used: float
) -> tuple[CapacityRow, ...]:
    rows: list[CapacityRow] = []
    peak = profile_number(profile, "peak_per_s")
    if peak is not None:
        rows.append(CapacityRow("Peak today", peak, kind="demand"))
    if capacity is None:
        return tuple(rows)

    def row(name: str, of: Estimate) -> None:
        rows.append(CapacityRow(name, of.value, of.low, of.high))

    row("One replica", capacity)
    if fleet is not None:
        row(
            f"{counted(fleet.replicas, 'replica')} at {percent(used)} use",
            capacity.times(used * fleet.replicas),
        )
        if fleet.replicas > 1:
            row(
                f"{counted(fleet.replicas, 'replica')}, one lost, full use",
                capacity.times(fleet.replicas - 1),
            )
    return tuple(rows)


def _limits(evidence: Evidence, capacity: Estimate | None, fleet: Fleet | None, used: float) -> list[Limit]:
    """All that gives out, what is reached first at the front."""

    def value(name: str) -> float | None:
        return number_of(observed(evidence, name))

    limits: list[Limit] = []
    headroom, peak = value("derived.memory_limit_headroom"), value("process.rss_peak_bytes")
    if headroom is not None and headroom < 1 and peak is not None:
        limit = value("infra.kubernetes.memory_limit_bytes") or 0.0
        limits.append(
            Limit(
                _MEMORY,
                0.0,
                f"A replica needed {binary_bytes(peak)} under load and may have {binary_bytes(limit)}: it is "
                "killed before it reaches its capacity.",
            )
        )
    if capacity is None:
        return limits
    replicas = 1 if fleet is None else fleet.replicas
    carried = capacity.value * replicas * used
    cores = value("process.cpu_cores_at_saturation")
    at_limit = value("derived.cpu_at_knee_limit_ratio")
    if at_limit is not None and at_limit > 1 and cores is not None:
        limits.append(
            Limit(
                _CPU,
                carried / at_limit,
                f"At its highest throughput a replica used {amount(cores)} cores, {amount(at_limit)} times "
                "its limit: with that limit it is throttled earlier than was measured here.",
            )
        )
    margin, least = value("derived.hpa_target_margin"), value("infra.kubernetes.hpa.min_replicas")
    if margin is not None and margin < 1 and least:
        of_request = value("derived.cpu_at_knee_request_ratio") or 0.0
        limits.append(
            Limit(
                _AUTOSCALER,
                capacity.value * least * used,
                f"A replica uses {percent(of_request)} of its CPU request at its highest throughput, the "
                f"autoscaler waits for {percent(of_request / margin)}: it never adds one, and "
                f"{counted(int(least), 'replica')} have to do.",
            )
        )
    text = f"One replica carries {_rate(capacity)} within its objective"
    text += "" if cores is None else f", with {amount(cores)} cores at its highest throughput"
    text += "; which of its resources gives out was not identified."
    if fleet is not None:
        what = "One replica alone" if replicas == 1 else f"The fleet of {replicas}"
        if replicas > 1:
            text = f"{counted(replicas, 'replica')} are {fleet.because}. {text}"
        limits.append(Limit(what, carried, capital(text)))
    else:
        limits.append(Limit("The replica", carried, text))
    order = sorted(range(len(limits)), key=lambda place: (limits[place].rate_per_s or 0.0, place))
    return [limits[place] for place in order]


def _close_behind(evidence: Evidence) -> list[str]:
    found = []
    headroom = number_of(observed(evidence, "derived.memory_limit_headroom"))
    if headroom is not None and 1 <= headroom < CLOSE_MEMORY:
        found.append(f"Memory is close behind, at {percent(1 / headroom)} of its limit.")
    hours = number_of(observed(evidence, "derived.hours_to_memory_limit"))
    if hours is not None:
        found.append(f"Memory grows under load and reaches its limit after {amount(hours)} h at the peak.")
    counted_ratio = number_of(observed(evidence, "monitoring.prometheus.count_ratio"))
    if counted_ratio is not None and counted_ratio < 0.99:
        found.append(f"The service's own metrics counted {percent(counted_ratio)} of the requests sent.")
    return found


def _runs_out(found: Forecast | None) -> tuple[str, str]:
    if found is None:
        return "Not known", "Without a measured capacity there is no date."
    axis = found.axes.get("workload")
    plan = found.plan
    if axis is None:
        missing = [
            what
            for what, there in (
                ("today's peak", plan.peak_per_s is not None),
                ("the number of replicas", plan.running is not None),
            )
            if not there
        ]
        what = " and ".join(missing) if missing else "the growth of the workload"
        return "Not known", f"Nobody said {what}: without it there is no date."
    until = f"until {counted(plan.running or 1, 'replica')} are full at {percent(plan.utilisation)} use"
    grows = f"Peak demand grows {axis.axis.growth.text} from {_plain(axis.axis.now)} {until}."
    if axis.is_over:
        return (
            "Now",
            f"Today's peak is over what the fleet carries at {percent(plan.utilisation)} use. {grows}",
        )
    value, low, high = (None if day is None else day.isoformat() for day in axis.days)
    if axis.never:
        return "Never at this growth", grows
    if value is None:
        months = f"{axis.horizon_months:g}"
        return f"Not within {months} months", grows
    if low is not None or high is not None:
        later = high or f"later than {axis.horizon_months:g} months from now"
        return value, f"Between {low or 'an unknown day'} and {later} (95{NO_BREAK}%). {grows}"
    return value, grows


def _counts(judgements: Sequence[Judgement]) -> dict[str, int]:
    states: Counter[str] = Counter(
        entry.state for entry in judgements if entry.weight > 0 and not entry.out_of_scope
    )
    names = ("verified", "partly", "claimed", "challenged", "understated", "contradicted", "not_applicable")
    counts = {name: states.get(name, 0) for name in names}
    counts["open"] = states.get("unsure", 0) + states.get("unanswered", 0)
    return counts


def _rate(of: Estimate) -> str:
    return estimate(of.value, of.low, of.high, RATE)


def _plain(rate: float) -> str:
    return f"{amount(rate)}{NO_BREAK}{RATE}"
