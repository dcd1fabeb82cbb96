"""Whether a capacity was measured for the objective that it is held against.

A run that asked for less than the profile promises, a larger bound on response time or more errors, says how
much the system carries with answers that are too slow: its capacity does not count. One that asked for more
does: it is a capacity for the objective too, if not the highest. An objective that nobody gave, and only a
growth profile declares, is none to hold a run against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assessments.evidence import SetAside
from assessments.profile import Profile
from probes.errors import UsageError
from probes.facts import Fact
from probes.slo import LATENCY_METRICS, Slo, parse_slo

CAPACITY = "load.capacity"


def measured_for_less(fact: Fact, profile: Profile, runs: Iterable[Mapping[str, Any]]) -> SetAside | None:
    """The capacity set aside where its run is there and asked for less than the profile's SLO; else None."""
    text = profile.values.get("slo")
    if fact.name != CAPACITY or fact.source.run is None or "slo" in profile.declared or text is None:
        return None
    try:
        objective = parse_slo(str(text))
    except UsageError:
        return None
    for run in runs:
        about, capacity = run.get("run"), run.get("capacity")
        if isinstance(about, Mapping) and about.get("id") == fact.source.run:
            asked = capacity.get("slo") if isinstance(capacity, Mapping) else None
            less = None if not isinstance(asked, Mapping) else _less(objective, asked)
            return None if less is None else SetAside(fact, f"its run {less}")
    return None


def _less(objective: Slo, asked: Mapping[str, Any]) -> str | None:
    """What was asked for less, in words."""
    for bound in objective.bounds:
        limits = [
            float(limit)
            for name, quantile in LATENCY_METRICS.items()
            if quantile >= bound.quantile and isinstance(limit := asked.get(f"{name}_ms"), int | float)
        ]
        wanted = f"{bound.name} ≤ {bound.limit_ms:g} ms"
        if not limits:
            return f"did not ask for the objective's {wanted}"
        if min(limits) > bound.limit_ms:
            return f"asked for {bound.name} ≤ {min(limits):g} ms only, and the objective is {wanted}"
    errors = asked.get("error_ratio")
    if objective.error_ratio is not None:
        wanted = f"errors ≤ {objective.error_ratio * 100:g} %"
        if not isinstance(errors, int | float):
            return f"did not ask for the objective's {wanted}"
        if errors > objective.error_ratio:
            return f"asked for errors ≤ {errors * 100:g} % only, and the objective is {wanted}"
    return None
