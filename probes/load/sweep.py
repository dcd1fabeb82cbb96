"""A sweep: the same callers with requests of rising size, and what cost and memory do meanwhile.

Every size is visited in turn, `VISITS` times, and its cost is the median service time of the least disturbed
visit: what keeps the machine busy for a while does not bend the law. The rest of the budget goes to sizes
whose visits were all spoilt by the machine or by our client, then to the largest size that may still keep the
SLO, until it is told. A visit that was spoilt counts for nothing, so it does not spoil the sweep either
(`grade_sweep`). Memory is judged by the first visits alone, which rise: what an allocator keeps of a larger
size would count for smaller ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from probes.analysis.percentiles import binomial_interval, rank_of, smallest_sample
from probes.analysis.volume import LEAST_SIZES, fit_volume, memory_by_size
from probes.facts import Fact, Source, observed
from probes.load.durations import Durations
from probes.load.grade import Grade, client_fault
from probes.load.run import Run
from probes.load.sizes import VISIT_REQUESTS, VISITS
from probes.load.spec import LoadSpec
from probes.load.steps import StepResult
from probes.slo import Slo

LISTS = ("batch", "rows")
"""Axes along which a request holds more items of one kind."""
LEAST_ANSWERS = 3
"""A visit with fewer good answers has no cost."""
MOST_SPOILT = 0.5
"""A sweep of whose visits more than this share were spoilt was made on a machine that tells nothing."""
WIDEST = 1.0
"""An exponent that is known no better than this (from end to end of its interval) names no law."""


def run_sweep(run: Run) -> None:
    """Visits all sizes, then the one that decides. Raises `RunEnded` as every load does."""
    sweep = run.spec.sweep
    assert sweep is not None, "only called for a sweep"
    sizes, began = list(sweep.sizes), run.context.elapsed()
    total = VISITS * len(sizes)
    done = 0
    for _ in range(VISITS):
        for size in list(sizes):
            step = run.at_size(size, done / total, VISIT_REQUESTS)
            done += 1
            if step is None or not step.ok:  # nor will the larger ones be answered
                sizes = sizes[: sizes.index(size)]
                break
    while run.context.elapsed() - began < run.spec.budget_s:
        spoilt = _spoilt_size(run.steps)
        if spoilt is not None:
            run.at_size(spoilt, 0.97, VISIT_REQUESTS)
            continue
        deciding = _undecided(run.steps, run.spec.slo)
        if deciding is None:
            return
        run.at_size(deciding, 0.98, smallest_needed(run.spec.slo))


def smallest_needed(slo: Slo) -> int:
    """The fewest requests of a size by which its SLO can be told."""
    return max((smallest_sample(bound.quantile) for bound in slo.bounds), default=VISIT_REQUESTS)


def _spoilt_size(steps: Sequence[StepResult]) -> int | None:
    """The smallest size without a visit that counts, where it has been visited less than twice `VISITS`."""
    return next(
        (
            size
            for size, visits in by_size(steps).items()
            if len(visits) < 2 * VISITS and all(step.verdict == "client_limited" for step in visits)
        ),
        None,
    )


def _undecided(steps: Sequence[StepResult], slo: Slo) -> int | None:
    """The largest size that may keep the SLO and is not told to; None where the largest is told."""
    for size, visits in reversed(by_size(steps).items()):
        kept = keeps(visits, slo)
        if kept is None and any(step.verdict != "client_limited" for step in visits):
            return size
        if kept:
            return None
    return None


def by_size(steps: Sequence[StepResult]) -> dict[int, list[StepResult]]:
    """The visits of each size, in rising order."""
    found: dict[int, list[StepResult]] = {}
    for step in steps:
        if step.size is not None:
            found.setdefault(step.size[1], []).append(step)
    return dict(sorted(found.items()))


def keeps(visits: Sequence[StepResult], slo: Slo) -> bool | None:
    """Whether a size keeps the SLO, by the requests of all its visits together.

    None where they are too few to tell: under `smallest_sample`, unless more were over the bound than its
    percentile allows with 97.5 % confidence (`binomial_interval`).
    """
    good = [step for step in visits if step.verdict != "client_limited"]
    if not any(step.ok for step in good):
        return False if good and any(step.failed for step in good) else None
    told: list[bool | None] = []
    for bound in slo.bounds:
        times = np.concatenate([_milliseconds(step.durations_of(bound)) for step in good])
        over, n = int((times > bound.limit_ms).sum()), len(times)
        if n >= smallest_sample(bound.quantile):
            told.append(over <= n - rank_of(n, bound.quantile))
        else:
            told.append(False if n and binomial_interval(over, n)[0] > 1 - bound.quantile else None)
    if slo.error_ratio is not None:
        ended = sum(step.sent - step.cancelled for step in good)
        told.append(sum(step.failed for step in good) <= slo.error_ratio * ended)
    return False if False in told else None if None in told else True


def _milliseconds(times: Durations) -> np.ndarray[Any, np.dtype[np.float64]]:
    return times.values / 1e6 if len(times) else np.zeros(0)


def volume_json(steps: Sequence[StepResult], spec: LoadSpec) -> dict[str, Any]:
    """CONTRACT's `volume` object: the law of the median service time (ms), memory, and every size."""
    assert spec.sweep is not None, "only called for a sweep"
    visits = by_size(steps)
    costs = _costs(visits)
    if len(costs) < LEAST_SIZES:  # then what our client spoilt too, as the grade says
        costs = _costs(visits, spoilt=True)
    document = fit_volume(list(costs), list(costs.values())).to_json(spec.sweep.axis)
    document["cost"] = "service_ms_p50"
    if document["refused"] and len(costs) < LEAST_SIZES:
        document["refused"] = f"only {len(costs)} of {len(spec.sweep.sizes)} sizes were answered well"
        document["refused"] += _failed_at(visits, spec.sweep.axis)
    rows, kept = [], {}
    for size, group in visits.items():
        kept[size] = keeps(group, spec.slo)
        rows.append(_size_json(size, group, kept[size], spec.slo))
    document["sizes"] = rows
    largest, beyond = _border(kept)
    document |= {"slo": spec.slo.text, "largest_within_slo": largest, "smallest_beyond_slo": beyond}
    document["memory"] = memory_by_size(
        [
            (size, group[0].usage.rss_bytes_peak)
            for size, group in visits.items()
            if group[0].usage is not None and group[0].ok
        ]
    )
    return document


def grade_sweep(steps: Sequence[StepResult], spec: LoadSpec, spoilt: str | None) -> tuple[Grade, str | None]:
    """How far a sweep can be trusted, and why not further; `spoilt` is what other processes did to it first.

    A size is told by its visits that were not spoilt, and one is enough: the others are left out of every
    figure. `client_limited` where a size has none, or where more than `MOST_SPOILT` of all visits were;
    `insufficient` where too few sizes were answered, or the exponent is known no better than `WIDEST`;
    `unstable` where cost falls as size grows, which a disturbance does and no target.
    """
    assert spec.sweep is not None, "only called for a sweep"
    visits = by_size(steps)
    if not visits:
        return "insufficient", "nothing was measured"
    faults = [
        (number, client_fault(step, spec.slo))
        for number, step in enumerate(steps, 1)
        if step.verdict == "client_limited"
    ]
    first = next((f"in step {number} {fault}" for number, fault in faults if fault), None)
    why = spoilt or first or "the machine was busy"
    for size, group in visits.items():
        if all(step.verdict == "client_limited" for step in group):
            return "client_limited", f"no visit to {spec.sweep.axis}={size:,} counts: {why}"
    if len(faults) > MOST_SPOILT * len(steps):
        return "client_limited", f"{len(faults)} of {len(steps)} visits do not count: {why}"
    costs = _costs(visits)
    if len(costs) < LEAST_SIZES:
        text = f"only {len(costs)} of {len(spec.sweep.sizes)} sizes were answered well"
        return "insufficient", text + _failed_at(visits, spec.sweep.axis)
    found = fit_volume(list(costs), list(costs.values()))
    if found.refused is not None:
        return "unstable", found.refused
    low, high = found.low or 0.0, found.high
    if found.law != "1" and (high is None or high - low > WIDEST):
        upper = "4 or more" if high is None else f"{high:.2f}"
        return "insufficient", f"the exponent of cost lies anywhere from {low:.2f} to {upper}"
    return "valid", None


def _failed_at(visits: dict[int, list[StepResult]], axis: str) -> str:
    """The first size of which no request was answered well, and with which errors; empty where none is."""
    for size, group in visits.items():
        counts = {name: sum(step.errors.get(name, 0) for step in group) for name in group[0].errors} | {
            "timeouts": sum(step.timeouts for step in group)
        }
        if not any(step.ok for step in group) and any(counts.values()):
            worst = max(counts, key=lambda name: counts[name])
            return f"; {axis}={size} failed ({worst}: {counts[worst]:,} requests)"
    return ""


def _costs(visits: dict[int, list[StepResult]], *, spoilt: bool = False) -> dict[int, float]:
    """The cost of each size: the median service time (ms) of its least disturbed visit.

    One a size, and not one a visit: sizes lie off a law by more than visits of one size differ, and counted
    apart these would make the interval too narrow. What our client spoilt counts only if `spoilt`.
    """
    found: dict[int, float] = {}
    for size, group in visits.items():
        medians = [
            step.service.quantile(0.5) / 1e6
            for step in group
            if (spoilt or step.verdict != "client_limited") and step.ok >= LEAST_ANSWERS and len(step.service)
        ]
        if medians:
            found[size] = min(medians)
    return found


def _size_json(size: int, group: Sequence[StepResult], kept: bool | None, slo: Slo) -> dict[str, Any]:
    service, response = Durations(), Durations()
    for step in group:
        service.add(step.service.values)
        response.add(step.response.values)
    document: dict[str, Any] = {"size": size, "requests": len(response), "within_slo": kept}
    if len(service):
        document["service_ms_p50"] = round(service.quantile(0.5) / 1e6, 4)
    summary = response.summary()
    document |= {f"response_ms_{name}": round(summary[name], 4) for name in ("p50", "p99") if name in summary}
    cpu = [step.cpu_ms_per_request for step in group if step.cpu_ms_per_request is not None]
    if cpu:
        document["cpu_ms_per_request"] = round(float(np.median(cpu)), 4)
    if group[0].usage is not None:
        document["rss_bytes"] = int(group[0].usage.rss_bytes_peak)
    if kept is None:
        document["more_requests_needed"] = max(0, smallest_needed(slo) - len(response))
    return document


def _border(kept: dict[int, bool | None]) -> tuple[int | None, int | None]:
    """The largest size that keeps the SLO below the first that breaks it, and that first one."""
    beyond = next((size for size, held in kept.items() if held is False), None)
    within = [size for size, held in kept.items() if held and (beyond is None or size < beyond)]
    return max(within, default=None), beyond


def batch_gain(volume: Mapping[str, Any]) -> float | None:
    """Items a second in the largest list that was answered, over those of a list of one: n·t₁/tₙ.

    None unless lists were swept (`batch`, `rows`), a list of one among them.
    """
    times = {
        point["size"]: point["service_ms_p50"]
        for point in volume.get("sizes", ())
        if point.get("service_ms_p50") and point["requests"] >= LEAST_ANSWERS
    }
    largest = max(times, default=1)
    if volume["axis"] not in LISTS or 1 not in times or largest == 1:
        return None
    return float(largest * times[1] / times[largest])


def volume_facts(volume: dict[str, Any], run_id: str) -> list[Fact]:
    """What a sweep found out, as facts."""
    source, at = Source("load", run=run_id), datetime.now(UTC)
    facts = [observed("load.volume_axis", volume["axis"], source, at=at)]
    if volume["exponent"] is not None and volume["refused"] is None:
        bounds = {"low": volume["low"], "high": volume["high"]}
        facts.append(observed("load.volume_exponent", volume["exponent"], source, at=at, **bounds))
        facts.append(observed("load.volume_law", volume["law"], source, at=at))
    gain = batch_gain(volume)
    if gain is not None:
        facts.append(observed("load.batch_gain", round(gain, 3), source, at=at))
    if volume["largest_within_slo"] is not None:
        facts.append(observed("load.volume_largest_within_slo", volume["largest_within_slo"], source, at=at))
    memory = volume["memory"]
    if memory["verdict"] == "growing" and math.isfinite(memory["bytes_per_unit"]):
        bounds = {"low": memory["low"], "high": memory["high"]}
        facts.append(
            observed("process.bytes_per_size_unit", memory["bytes_per_unit"], source, at=at, **bounds)
        )
    return facts
