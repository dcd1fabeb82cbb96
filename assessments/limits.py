"""What gives out first: each limit with the rate at which it is reached, and what is close behind.

the fleet           most replicas × planned utilisation × capacity
an autoscaler by CPU alone that never acts (margin under 1): least replicas × planned utilisation × capacity
a CPU limit under the CPU that was used at the knee: the fleet's figure × limit / CPU at the knee
a memory limit under the measured peak: 0, since a replica is killed before it reaches its capacity
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assessments.autoscaling import HPA_TOLERANCE
from assessments.evidence import Evidence
from assessments.forecast import Estimate
from assessments.outlook import capacity_of, fleet_of, load_to_carry, number_of, observed, utilisation_of
from assessments.profile import Profile
from assessments.wording import amount, binary_bytes, counted, estimate, percent, with_unit

RATE = "req/s"
COUNTED_LEAST, COUNTED_MOST = 0.99, 1.01
"""Share of the requests sent that the service's own metrics count when they can be relied on."""
CLOSE_MEMORY = 1.1
"""Under this many times the measured peak a memory limit is named as close."""
_MEMORY, _CPU, _AUTOSCALER = "The memory limit", "The CPU limit", "The autoscaler"
BEFORE_THE_FLEET = (_MEMORY, _CPU, _AUTOSCALER)
"""What may give out before the fleet is at its planned utilisation."""
_LIMITED_BY = {
    "cpu": "CPU",
    "gil": "the interpreter lock",
    "lock": "a lock",
    "pool": "a pool of workers or connections",
    "memory": "memory",
    "downstream": "a service behind it",
    "gpu": "the GPU",
    "disk": "the disk",
    "network": "the network",
    "quota": "a quota",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that gives out: what, the rate at which it does (requests/s), and why.

    `surely_per_s` is that rate by the low end of the capacity; the same where that has none.
    """

    what: str
    rate_per_s: float
    because: str
    surely_per_s: float

    def to_json(self) -> dict[str, Any]:
        """As in `verdict.breaks_first`."""
        return {"what": self.what, "rate_per_s": self.rate_per_s, "because": self.because}


def limits_of(evidence: Evidence, profile: Profile) -> list[Limit]:
    """All that gives out, what is reached first at the front."""
    capacity, fleet, used = capacity_of(evidence), fleet_of(evidence, profile), utilisation_of(profile)

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
                f"A replica needed {binary_bytes(peak)} under load and may have {binary_bytes(limit)}: "
                "it is killed under such a load.",
                0.0,
            )
        )
    if capacity is None:
        return limits
    replicas = 1 if fleet is None else fleet.replicas
    carried = capacity.times(used * replicas)
    cores = value("process.cpu_cores_at_saturation")
    at_limit = value("derived.cpu_at_knee_limit_ratio")
    if at_limit is not None and at_limit > 1 and cores is not None:
        limits.append(
            _reached(
                _CPU,
                carried.times(1 / at_limit),
                f"At its highest throughput a replica used {_cores(cores)}, {amount(at_limit)} times its "
                "limit: with that limit it is throttled earlier than was measured here.",
            )
        )
    margin, least = value("derived.hpa_target_margin"), value("infra.kubernetes.hpa.min_replicas")
    other = observed(evidence, "infra.kubernetes.hpa.other_metric")
    by_cpu_alone = other is None or other.value is not True
    if margin is not None and margin < 1 and by_cpu_alone and least and least < replicas:
        of_request = value("derived.cpu_at_knee_request_ratio") or 0.0
        limits.append(
            _reached(
                _AUTOSCALER,
                capacity.times(used * least),
                f"A replica uses {percent(of_request)} of its CPU request at its highest throughput, the "
                f"autoscaler waits for {percent(of_request / margin)}: it never adds one, and "
                f"{counted(int(least), 'replica has', 'replicas have')} to do.",
            )
        )
    text = f"One replica carries {rate_of(capacity)} within its objective"
    text += "" if cores is None else f", with {_cores(cores)} at its highest throughput"
    found = observed(evidence, "load.limited_by")
    limiting = None if found is None else _LIMITED_BY.get(str(found.value))
    text += (
        f"; {limiting} limits it there."
        if limiting is not None
        else "; which of its resources gives out was not identified."
    )
    if fleet is not None:
        what = "One replica alone" if replicas == 1 else f"The fleet of {replicas:,}"
        if replicas > 1:
            text = f"There are {counted(replicas, 'replica')}, {fleet.because}. {text}"
        limits.append(_reached(what, carried, text))
    else:
        limits.append(_reached("The replica", carried, text))
    order = sorted(range(len(limits)), key=lambda place: (limits[place].rate_per_s, place))
    return [limits[place] for place in order]


def in_the_way(evidence: Evidence, profile: Profile) -> list[Limit]:
    """The limits that are reached before the load to carry, by the capacity's low end; the first decides.

    Empty where nobody said what has to be carried, or how many replicas there may be.
    """
    load = load_to_carry(profile)
    if load is None or fleet_of(evidence, profile) is None:
        return []
    return [limit for limit in limits_of(evidence, profile) if limit.surely_per_s < load]


def _reached(what: str, at: Estimate, because: str) -> Limit:
    return Limit(what, at.value, because, at.value if at.low is None else at.low)


def close_behind(evidence: Evidence) -> list[str]:
    """Sentences on what has given out nearly, or will in time."""
    found = []
    headroom = number_of(observed(evidence, "derived.memory_limit_headroom"))
    if headroom is not None and 1 <= headroom < CLOSE_MEMORY:
        found.append(f"Memory is close behind: the measured peak is {percent(1 / headroom)} of its limit.")
    margin = number_of(observed(evidence, "derived.hpa_target_margin"))
    if margin is not None and 1 <= margin < 1 + HPA_TOLERANCE:
        found.append(
            f"The autoscaler's CPU target is {percent(1 / margin)} of what a replica shows at its highest "
            f"throughput: within the {percent(HPA_TOLERANCE)} that Kubernetes tolerates it may never act."
        )
    hours = number_of(observed(evidence, "derived.hours_to_memory_limit"))
    if hours is not None:
        after = with_unit(amount(hours), "h")
        found.append(f"Memory grows under load and reaches its limit after {after} at the peak.")
    ratio = number_of(observed(evidence, "monitoring.prometheus.count_ratio"))
    if ratio is not None and not COUNTED_LEAST <= ratio <= COUNTED_MOST:
        found.append(f"The service's own metrics counted {percent(ratio)} of the requests sent.")
    return found


def rate_of(of: Estimate) -> str:
    """A rate with its interval: `198 (192–203) req/s`."""
    return estimate(of.value, of.low, of.high, RATE)


def _cores(count: float) -> str:
    shown = amount(count)
    return with_unit(shown, "core" if shown == "1" else "cores")
