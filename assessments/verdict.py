"""The answer first: ready or not and why, what breaks first, when it runs out, how much was measured.

    ready      the low end of what the fleet carries at the planned utilisation reaches the load to carry, no
               other limit is reached before, and the overall score is in the band conditional or ready
    capacity   the capacity suffices, the score does not
    not_ready  the capacity does not suffice, or a limit is reached before
    unknown    no capacity was measured, or without a lower bound, or nobody said what is to be carried or how
               many replicas there are. A capacity given by hand can be too small, and cannot suffice

What breaks first: see `limits.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from types import MappingProxyType
from typing import Any, Literal

from assessments.evidence import Evidence
from assessments.forecast import Estimate, Forecast
from assessments.limits import BEFORE_THE_FLEET, RATE, Limit, close_behind, in_the_way, limits_of, rate_of
from assessments.outlook import (
    Fleet,
    capacity_of,
    fleet_of,
    load_to_carry,
    observed,
    profile_number,
    utilisation_of,
)
from assessments.profile import Profile
from assessments.scoring import Scores
from assessments.states import Judgement
from assessments.wording import (
    NO_BREAK,
    amount,
    capital,
    counted,
    percent,
    with_unit,
)

Readiness = Literal["ready", "capacity", "not_ready", "unknown"]
_SETTLED = ("verified", "partly", "understated", "contradicted")


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
    *,
    names: Mapping[str, str] = MappingProxyType({}),
    runs: Sequence[Mapping[str, Any]] = (),
) -> Verdict:
    """The verdict on what was judged. `found` is the forecast from today's peak, `names` those of pillars,
    `runs` the load runs (`loadstone.probe/1`), of which one without a usable capacity gives no fact.
    """
    capacity, fleet, load = capacity_of(evidence), fleet_of(evidence, profile), load_to_carry(profile)
    used = utilisation_of(profile)
    usable = None if capacity is None or fleet is None else capacity.times(used * fleet.replicas)
    limits = limits_of(evidence, profile)
    fact = observed(evidence, "load.capacity")
    by_hand = fact is not None and fact.state == "by_hand"
    blocking = in_the_way(evidence, profile)
    readiness = _readiness(usable, load, scores, blocking, by_hand)
    aside = _capacity_set_aside(evidence) if capacity is None else ""
    without, why_without = _newest_run(runs) if capacity is None and not aside else ("", "")
    of_capacity, of_score = (
        aside or why_without or _capacity_reason(capacity, fleet, usable, load, used),
        _score_reason(scores, names),
    )
    reasons: list[str] = []
    if readiness == "not_ready":
        # What is reached first decides; a reserve of the fleet is no reason for it.
        before = {limit.because for limit in blocking if limit.what in BEFORE_THE_FLEET}
        reasons += [entry.because if entry.because in before else of_capacity for entry in blocking]
    elif readiness == "capacity":
        reasons += [of_score, of_capacity]
    else:
        reasons.append(of_capacity)
        if limits and limits[0].what in BEFORE_THE_FLEET and limits[0].rate_per_s < (load or 0.0):
            reasons.append(limits[0].because)
    if by_hand and capacity is not None:
        reasons.append("The capacity was given by hand: only a measured one can show that it is ready.")
    if "peak_per_s" in profile.declared and load == profile_number(profile, "peak_per_s"):
        reasons.append(f"Nobody gave the peak: {profile.declared['peak_per_s']}.")
    reasons += [_contradicted_reason(judgements), "" if readiness == "ready" else of_score]
    applying = [entry for entry in judgements if entry.applies and entry.weight > 0]
    weight = fsum(entry.weight for entry in applying)
    settled = fsum(entry.weight for entry in applying if entry.state in _SETTLED)
    return Verdict(
        readiness=readiness,
        headline=_headline(
            readiness, load, without or _unknown(capacity, fleet, aside=bool(aside), by_hand=by_hand)
        ),
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        capacity_finding="No measured capacity counts"
        if aside
        else capital(without) or _capacity_finding(usable, load, capacity, blocking),
        rows=_rows(profile, capacity, fleet, used),
        target_per_s=load,
        breaks_first=limits[0] if limits else None,
        close_behind=tuple(close_behind(evidence)),
        runs_out=_runs_out(found, limits),
        measured_share=settled / weight if weight > 0 else None,
        counts=_counts(judgements),
    )


def _readiness(
    usable: Estimate | None, load: float | None, scores: Scores, blocking: Sequence[Limit], by_hand: bool
) -> Readiness:
    if usable is None or load is None:
        return "unknown"
    if blocking:
        return "not_ready"
    if usable.low is None or by_hand:
        return "unknown"
    return "ready" if scores.overall.band in ("conditional", "ready") else "capacity"


def _headline(readiness: Readiness, load: float | None, unknown: str) -> str:
    rate = "" if load is None else _plain(load)
    if readiness == "ready":
        return f"Ready for {rate}"
    if readiness == "capacity":
        return f"Enough capacity for {rate}, but not ready"
    if readiness == "not_ready":
        return f"Not ready for {rate}"
    if load is None:
        return "Nobody said what it has to carry"
    return f"Not known whether it is ready for {rate}: {unknown}"


def _unknown(capacity: Estimate | None, fleet: Fleet | None, *, aside: bool, by_hand: bool) -> str:
    if capacity is None:
        return "no measured capacity counts" if aside else "no capacity was measured"
    if fleet is None:
        return "nobody said how many replicas there are"
    return "its capacity was not measured here" if by_hand else "the measured capacity has no lower bound"


def _capacity_set_aside(evidence: Evidence) -> str:
    """Why the newest capacity that there is does not count; empty where there is none."""
    found = [entry for entry in evidence.set_aside if entry.fact.name == "load.capacity"]
    if not found:
        return ""
    newest = max(found, key=lambda entry: entry.fact.at)
    value = newest.fact.value
    rate = f" of {_plain(value)}" if isinstance(value, int | float) else ""
    how = "given by hand" if newest.fact.state == "by_hand" else "measured"
    return f"The capacity{rate} {how} on {newest.fact.at:%Y-%m-%d} does not count: {newest.why}."


def _newest_run(runs: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What the newest load run came to, briefly and in a sentence, for when no run gave a capacity."""
    told = [run for run in runs if isinstance(run.get("run"), Mapping)]
    if not told:
        return "", ""
    run = max(told, key=lambda entry: str(entry["run"].get("started_at")))
    about, capacity = run["run"], run.get("capacity") or {}
    day = f"The load run of {str(about.get('started_at'))[:10]}"
    if about.get("grade") == "client_limited":
        why = f" ({about['grade_reason']})" if about.get("grade_reason") else ""
        return (
            "the load run does not count",
            f"{day} was limited by its own client{why} and says nothing certain of the service: repeat it on "
            "a machine that is less busy.",
        )
    reason = capacity.get("reason") or about.get("reason") or about.get("grade_reason")
    because = f" ({reason})" if reason else ""
    return "the load run found no capacity", f"{day} found no capacity{because}: probe the service again."


def _capacity_reason(
    capacity: Estimate | None, fleet: Fleet | None, usable: Estimate | None, load: float | None, used: float
) -> str:
    if capacity is None:
        return "No capacity was measured: probe the service before anything else is decided."
    one = f"One replica carries {rate_of(capacity)} within its objective"
    if fleet is None or usable is None:
        return f"{one}; how many replicas there may be is not known."
    replicas = counted(fleet.replicas, "replica")
    carries = "carries" if fleet.replicas == 1 else "carry"
    carry = f"{replicas} ({fleet.because}) {carries} {rate_of(usable)} at {percent(used)} use"
    if load is None:
        return f"{one}, and {carry}."
    low = usable.low
    if usable.value < load:
        return f"{carry}, {_plain(load - usable.value)} short of {_plain(load)}."
    if low is None:
        return f"{carry}, with no lower bound: that is no ground to be ready for {_plain(load)}."
    if low == load:
        return f"{carry}, at least the {_plain(load)} that it has to."
    if low > load:
        return f"{carry}, at least {_plain(low - load)} more than {_plain(load)}."
    return f"{carry}: {_plain(load)} lies within the uncertainty, and the lower end is what counts."


def _score_reason(scores: Scores, names: Mapping[str, str]) -> str:
    """Why the score is no ground to be ready; empty where it is one."""
    overall = scores.overall
    if overall.refused is not None:
        return overall.refused
    if overall.band in ("conditional", "ready"):
        return ""
    lowest = scores.pillar(str(overall.pillar))
    name = capital(names.get(lowest.id, lowest.id))
    said = f"{name} is the lowest pillar with {overall.score:.0f} of 100: {overall.band}"
    held = lowest.reading is not None and lowest.reading.score < lowest.reading.supported
    return f"{said}, held there because {lowest.caps[0].because}." if held else f"{said}."


def _contradicted_reason(judgements: Sequence[Judgement]) -> str:
    against = [entry for entry in judgements if entry.state == "contradicted"]
    if against:
        worst = max(against, key=lambda entry: (entry.critical, entry.weight * entry.credit.contradicted))
        what = counted(len(against), "claim is", "claims are")
        return f"{what} contradicted by the evidence; the heaviest, {worst.question}: {worst.because}"
    return ""


def _capacity_finding(
    usable: Estimate | None, load: float | None, capacity: Estimate | None, blocking: Sequence[Limit]
) -> str:
    if capacity is None:
        return "No capacity was measured"
    if usable is None or load is None:
        return f"One replica carries {rate_of(capacity)}"
    gap = usable.value - load
    if gap < 0:
        return f"No reserve at the target: {_plain(-gap)} short"
    before = next((limit for limit in blocking if limit.what in BEFORE_THE_FLEET), None)
    if before is not None:
        what = f"{before.what[:1].lower()}{before.what[1:]}"
        return f"The fleet would suffice for the target, but {what} gives out before it"
    if usable.low is None:
        return f"About {_plain(gap)} of reserve at the target, with no lower bound"
    if usable.low < load:
        span = f"{amount(usable.low - load)} to +{_plain(gap)}"
        return f"The target lies within the uncertainty: a reserve of {span}"
    return f"{_plain(gap)} of reserve at the target"


def _rows(
    profile: Profile, capacity: Estimate | None, fleet: Fleet | None, used: float
) -> tuple[CapacityRow, ...]:
    rows: list[CapacityRow] = []
    peak = profile_number(profile, "peak_per_s")
    if peak is not None:
        name = "Peak today, declared" if "peak_per_s" in profile.declared else "Peak today"
        rows.append(CapacityRow(name, peak, kind="demand"))
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


def _runs_out(found: Forecast | None, limits: Sequence[Limit]) -> tuple[str, str]:
    headline, text = _out_of_fleet(found)
    first = limits[0] if limits else None
    if found is not None and found.axes.get("workload") and first and first.what in BEFORE_THE_FLEET:
        at = f", at {_plain(first.rate_per_s)}" if first.rate_per_s > 0 else ""
        text += f" {first.what} gives out before that{at}."
    return headline, text


def _out_of_fleet(found: Forecast | None) -> tuple[str, str]:
    if found is None:
        return "Not known", "Without a measured capacity that counts there is no date."
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
        what = " and ".join(missing) if missing else "how the workload grows"
        without = "them" if len(missing) > 1 else "it" if missing else "that"
        return "Not known", f"Nobody said {what}: without {without} there is no date."
    plain, growth, used = _plain(axis.axis.now), axis.axis.growth, percent(plan.utilisation)
    fleet = counted(plan.running or 1, "replica carries", "replicas carry")
    carried = f"the {_plain(axis.axis.limit.value)} that {fleet} at {used} use"
    if axis.is_over:
        reached = "over" if axis.axis.now > axis.axis.limit.value else "at"
        return "Now", f"Today's peak of {plain} is {reached} {carried}."
    value, low, high = (None if day is None else day.isoformat() for day in axis.days)
    if axis.never and low is None:
        how = "does not grow" if growth.value == 0 else "shrinks"
        text = f"Today's peak of {plain} {how} ({growth.text}) and is under {carried}."
        return "Never at this growth", text
    grows = f"Peak demand grows by {growth.text} from {plain} to {carried}."
    if value is None:
        early = f"The early end of the interval (95{NO_BREAK}%) is {low}. " if low is not None else ""
        return f"Not within {axis.horizon_months:g} months", early + grows
    if low is not None or high is not None:
        if high is None:
            beyond = "high" in axis.beyond_horizon
            high = f"later than {axis.horizon_months:g} months from now" if beyond else "an unknown day"
        if axis.days[1] is not None and axis.days[1] <= axis.start:
            low = "today, since the low end is reached already,"
        return value, f"Between {low or 'an unknown day'} and {high} (95{NO_BREAK}%). {grows}"
    return value, grows


def _counts(judgements: Sequence[Judgement]) -> dict[str, int]:
    states: Counter[str] = Counter(
        entry.state for entry in judgements if entry.weight > 0 and not entry.out_of_scope
    )
    names = ("verified", "partly", "claimed", "challenged", "understated", "contradicted", "not_applicable")
    counts = {name: states.get(name, 0) for name in names}
    counts["open"] = states.get("unsure", 0) + states.get("unanswered", 0)
    return counts


def _plain(rate: float) -> str:
    return with_unit(amount(rate), RATE)
