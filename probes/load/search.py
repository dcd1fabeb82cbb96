"""The highest arrival rate at which an SLO holds: a ladder, then bisection, with an interval.

1. Closed loop with 1, 2, 4, … callers: the highest throughput C brackets the capacity from above.
2. Open loop (Poisson) at rates between what kept the SLO and what broke it. The first rates halve the
   bracket; as soon as one rate kept it and one broke it, a curve through all blocks
   (`probes.analysis.exceedance`) places the next ones around its crossing.
3. The answer is the crossing with its interval; for several objectives, the lowest. It is `bracketed` when
   the interval is as narrow as asked and rests on enough clusters of misses, otherwise `provisional`: the
   interval twice as wide, with the reason and what would resolve it.

The search knows no sockets: it drives a `Bench`, which is the engine, or a simulated server in a benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from probes.analysis.exceedance import Block, Crossing, fit_crossing
from probes.analysis.percentiles import smallest_sample

Bound = Literal["bracketed", "provisional", "at_least", "unmet_at_minimum", "indeterminate"]

LADDER = (1, 2, 4, 8, 16, 32)
LADDER_GAIN = 1.10
BLOCK_S = 4.0
FIRST_SHARE = 0.8
LOWEST_SHARE = 0.02
LEAST_REQUESTS = 20
ENOUGH_CLUSTERS = 12
MISSES_WANTED = 10
LONGEST_STEP_S = 16.0
ABOVE_SATURATION = 1.03
WIDE_BRACKET = 1.12
"""A wider bracket is halved; in a narrower one the curve says where to look next."""
LEAST_SERVICE_S = 0.001
"""Faster answers than this measure how quickly two processes wake each other, not the target."""
DRIFT = 0.15
"""Throughput that changed by more than this between ladder and end is no steady target."""
FAULTS_ALLOWED = 3


@dataclass(frozen=True)
class Objective:
    """At most `allowed` of the requests may take longer than `limit_ms` (infinite: may fail)."""

    text: str
    limit_ms: float
    allowed: float


@dataclass(frozen=True)
class ClosedView:
    """What a closed-loop step showed; `fault` = why the client spoilt it."""

    throughput: float
    median_ms: float
    requests: int
    fault: str | None = None
    error_ratio: float = 0.0


@dataclass(frozen=True)
class OpenView:
    """What an open-loop step showed: blocks for each objective, and whether offers outran answers."""

    rate: float
    blocks: tuple[tuple[Block, ...], ...]
    saturated: bool
    seconds: float
    achieved: float
    fault: str | None = None


class Bench(Protocol):
    """What the search drives."""

    def elapsed(self) -> float:
        """Seconds since the search began."""
        ...

    def closed(self, concurrency: int, seconds: float, requests: int) -> ClosedView:
        """A closed-loop step of at least `seconds` and `requests`, within a few times `seconds`."""
        ...

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        """An open-loop step, once the target has come to rest; the first `discard_s` do not count."""
        ...

    def preview(self, rate: float, low: float, high: float) -> None:
        """Told of a first estimate."""
        ...


@dataclass(frozen=True)
class Limits:
    """How far to go: seconds in all, the relative half-width asked for, rates and callers at most."""

    budget_s: float = 120.0
    precision: float = 0.05
    max_rate: float | None = None
    max_concurrency: int = 512


@dataclass(frozen=True)
class Capacity:
    """The answer. `rate`, `low`, `high` in requests/s; None where nothing can be said."""

    rate: float | None
    low: float | None
    high: float | None
    bound: Bound
    reason: str | None
    saturation: float | None
    ladder: tuple[tuple[int, float], ...]
    decided_by: str | None = None
    grade: Literal["valid", "client_limited", "unstable", "degrading", "insufficient"] = "valid"
    grade_reason: str | None = None


@dataclass
class Search:
    """One search. `run` drives the bench until the answer is good enough or the budget is spent."""

    bench: Bench
    objectives: Sequence[Objective]
    limits: Limits
    views: list[OpenView] = field(default_factory=list)
    ladder: list[tuple[int, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    saturation: float | None = None
    broken_at_rest: bool = False

    def run(self) -> Capacity:
        """The capacity. What the bench raises passes through."""
        most, callers = self.limits.max_rate, 0
        if most is not None:
            self.saturation = rate = most  # callers that wait would send faster than that
        else:
            self.saturation, callers, fault = self._climb()
            if self.saturation <= 0:
                return self._nothing("no request was answered well with one caller")
            if fault is not None:
                self.faults.append(fault)
            # what is broken with one caller: see whether any rate keeps it
            rate = self._lowest() if self.broken_at_rest else FIRST_SHARE * self.saturation
        # nothing is known yet between nothing and the most that was ever answered
        self.bench.preview(rate, 0.0, self.saturation)
        while True:
            view = self.bench.open(rate, self._seconds(rate), self._discard())
            if view.fault is not None:
                self.faults.append(view.fault)
                if len(self.faults) >= FAULTS_ALLOWED:
                    break
            else:
                self.views.append(view)
                if most is None or view.saturated:
                    known = self.saturation if most is None else 0.0
                    self.saturation = max(known, view.achieved)
                answer = self._answer()
                if answer.rate is not None and answer.low is not None and answer.high is not None:
                    self.bench.preview(answer.rate, answer.low, answer.high)
                if answer.bound in ("bracketed", "at_least", "unmet_at_minimum"):
                    break
                rate = self._next_rate()
            if self.bench.elapsed() + self._seconds(rate) + self._discard() > self.limits.budget_s:
                break
        return self._checked(self._answer(), callers)

    # 1. the ladder

    def _climb(self) -> tuple[float, int, str | None]:
        """(highest throughput, callers that reached it, why the client spoilt it)."""
        seconds = min(1.0, max(0.4, self.limits.budget_s / 60))
        best, best_callers, fault = 0.0, 1, None
        callers = 1
        while callers <= self.limits.max_concurrency:
            view = self.bench.closed(callers, seconds, max(100, 4 * callers))
            self.ladder.append((callers, view.throughput))
            if callers == 1 and self._breaks(view):
                self.broken_at_rest = True
                return view.throughput, 1, view.fault
            grown = view.throughput > LADDER_GAIN * best
            if view.throughput > best:
                best, best_callers, fault = view.throughput, callers, view.fault
            slow = view.median_ms > 2 * max(
                (o.limit_ms for o in self.objectives if o.limit_ms < math.inf), default=1e9
            )
            enough = self.limits.max_rate is not None and best > 1.5 * self.limits.max_rate
            if callers >= LADDER[-1] and (not grown or slow or view.fault):
                break
            if enough or self.bench.elapsed() > 0.4 * self.limits.budget_s:
                break
            callers *= 2
        return best, best_callers, fault

    def _breaks(self, view: ClosedView) -> bool:
        """One caller alone already misses an objective."""
        return any(
            view.error_ratio > objective.allowed
            if objective.limit_ms == math.inf
            else view.median_ms > objective.limit_ms
            for objective in self.objectives
        )

    # 2. open-loop steps

    def _discard(self) -> float:
        """Seconds at the start of a step that do not count."""
        return 2.0 if self.limits.budget_s >= 60 else 1.0

    def _seconds(self, rate: float) -> float:
        """Long enough for ten misses at the allowed share, in whole blocks; shorter on a small budget."""
        allowed = min(objective.allowed for objective in self.objectives)
        wanted = MISSES_WANTED / allowed / rate
        blocks = min(max(1, math.ceil(wanted / BLOCK_S)), round(LONGEST_STEP_S / BLOCK_S))
        longest = max(1, round(self.limits.budget_s / 7 / BLOCK_S))
        return BLOCK_S * min(blocks, longest)

    def so_far(self, reason: str) -> Capacity:
        """What can be said when the search was ended early."""
        answer = self._answer()
        bound: Bound = "provisional" if answer.rate is not None else "indeterminate"
        return replace(answer, bound=bound, reason="; ".join(filter(None, [reason, answer.reason])))

    def _kept(self, view: OpenView) -> bool:
        return not view.saturated and all(
            sum(block.missed for block in blocks)
            <= objective.allowed * sum(block.requests for block in blocks)
            for objective, blocks in zip(self.objectives, view.blocks, strict=True)
        )

    def _bracket(self) -> tuple[float, float | None]:
        """Highest rate that kept the SLO below the lowest that broke it; 0 and None where none did."""
        high = min((view.rate for view in self.views if not self._kept(view)), default=None)
        kept = [view.rate for view in self.views if self._kept(view) and (high is None or view.rate < high)]
        return max(kept, default=0.0), high

    def _lowest(self) -> float:
        """The lowest rate worth trying: a small share of saturation, but some requests in a long step."""
        saturation = self.saturation or 0.0
        return min(FIRST_SHARE * saturation, max(LOWEST_SHARE * saturation, LEAST_REQUESTS / LONGEST_STEP_S))

    def _at_most(self, rate: float) -> float:
        return rate if self.limits.max_rate is None else min(rate, self.limits.max_rate)

    def _next_rate(self) -> float:
        saturation = self.saturation or 0.0
        low, high = self._bracket()
        lowest = self._lowest()
        if high is None:
            # more than was ever answered must break it; where that was kept too, the ladder knew too little
            above = ABOVE_SATURATION * saturation
            return self._at_most(above if low < 0.99 * saturation else max(above, 1.3 * low))
        crossings = self._crossings()
        if not crossings or high > WIDE_BRACKET * low:
            # no use in halving down from far above what was ever answered (--max-rate)
            useful = (ABOVE_SATURATION if low else FIRST_SHARE) * saturation
            middle = (low + high) / 2
            return max(min(middle, useful) if useful > low else middle, lowest)
        crossing = min(crossings, key=lambda found: found[1].rate)[1]
        # three places in turn: at the crossing, a little above where misses are many, a little below
        place = (1.0, 1.03, 0.97)[len(self.views) % 3]
        wanted = min(max(crossing.rate * place, 0.8 * low, lowest), 1.1 * high)
        return self._at_most(min(wanted, ABOVE_SATURATION * saturation))

    # 3. the answer

    def _crossings(self) -> list[tuple[Objective, Crossing]]:
        # above saturation a queue only grows: what share misses there tells how long one looked, nothing else
        stable = [view for view in self.views if view.rate <= (self.saturation or 0.0)]
        found = []
        for index, objective in enumerate(self.objectives):
            blocks = [block for view in stable for block in view.blocks[index]]
            crossing = fit_crossing(blocks, objective.allowed, self.saturation)
            if crossing is not None:
                found.append((objective, crossing))
        return found

    def _answer(self) -> Capacity:
        if not self.views:
            return self._nothing("no step at a given rate was usable")
        low, high = self._bracket()
        saturation = self.saturation or 0.0
        known = (saturation, tuple(self.ladder))
        if high is None:
            seen = sum(block.requests for view in self.views for block in view.blocks[0])
            needed = max(smallest_sample(1 - objective.allowed) for objective in self.objectives)
            if seen < needed:
                return self._nothing(f"{seen} requests were too few to tell: {needed} are needed at least")
            if self.limits.max_rate is not None and low >= self.limits.max_rate * 0.999:
                return Capacity(low, low, None, "at_least", "no higher rate was allowed (--max-rate)", *known)
            text = f"the SLO still held at {low:.4g} requests/s, the highest rate tried in the time given"
            return Capacity(low, low, None, "provisional", text, *known)
        if low == 0.0 and high <= 1.5 * self._lowest():
            text = f"the SLO is broken already at {high:.3g} requests/s, the lowest rate tried"
            return Capacity(None, 0.0, high, "unmet_at_minimum", text, *known)
        crossings = self._crossings()
        if not crossings:
            return self._by_bracket(low, high, known)
        objective, crossing = min(crossings, key=lambda found: found[1].rate)
        rate, floor = crossing.rate, crossing.low
        ceiling = max(high, ABOVE_SATURATION * saturation, rate)
        top = min(crossing.high, ceiling)
        half = max(rate - floor, top - rate) / rate
        reasons = []
        if half > self.limits.precision:
            reasons.append(f"the interval is ±{half:.0%} wide where ±{self.limits.precision:.0%} was asked")
        if crossing.clusters < ENOUGH_CLUSTERS:
            reasons.append(f"only {crossing.clusters} separate moments of slowness were seen")
        if not reasons:
            return Capacity(rate, floor, top, "bracketed", None, *known, decided_by=objective.text)
        floor, top = max(0.0, rate - 2 * (rate - floor)), min(rate + 2 * (top - rate), ceiling)
        reason = " and ".join(reasons) + self._more_time(half, crossing.clusters)
        return Capacity(rate, floor, top, "provisional", reason, *known, decided_by=objective.text)

    def _by_bracket(
        self, low: float, high: float, known: tuple[float, tuple[tuple[int, float], ...]]
    ) -> Capacity:
        """No objective was seen on both sides of its allowed share: the bracket is all that is known."""
        if low == 0.0:
            text = f"the SLO broke at {high:.4g} requests/s and no lower rate was tried in the time given"
            return Capacity(None, 0.0, high, "indeterminate", text, *known)
        text = f"{low:.4g} kept the SLO and {high:.4g} broke it; nothing between was measured long enough"
        middle, width = (low + high) / 2, high - low  # twice as wide as what was seen, as for the curve
        ceiling = max(high, ABOVE_SATURATION * known[0])
        return Capacity(
            middle, max(0.0, middle - width), min(middle + width, ceiling), "provisional", text, *known
        )

    def _more_time(self, half: float, clusters: int) -> str:
        spent = sum(view.seconds for view in self.views)
        by_width = spent * ((half / self.limits.precision) ** 2 - 1)
        by_clusters = spent * (ENOUGH_CLUSTERS / max(clusters, 1) - 1)
        more = max(by_width, by_clusters, 10.0)
        if more > 3600:
            return "; more than an hour more would be needed to resolve it"
        return f"; about {round(more, -1):.0f} s more would resolve it"

    def _nothing(self, reason: str) -> Capacity:
        return Capacity(
            None, None, None, "indeterminate", reason, self.saturation, tuple(self.ladder),
            grade="client_limited" if self.faults else "insufficient",
            grade_reason=self.faults[-1] if self.faults else reason,
        )  # fmt: skip

    def _checked(self, answer: Capacity, callers: int) -> Capacity:
        """Grades the run: was it the client, and does the target still carry what it carried?"""
        if len(self.faults) >= FAULTS_ALLOWED or (self.faults and not self.views):
            return replace(answer, grade="client_limited", grade_reason=self.faults[-1])
        if answer.rate is None and answer.bound == "indeterminate":
            return replace(answer, grade="insufficient", grade_reason=answer.reason)
        before = dict(self.ladder).get(callers, math.inf)
        if not callers or answer.bound == "at_least" or callers / before < LEAST_SERVICE_S:
            return answer
        again = self.bench.closed(callers, 1.0, 50)
        change = again.throughput / before - 1
        if again.fault is None and abs(change) > DRIFT:
            what = "fell" if change < 0 else "rose"
            grade: Literal["degrading", "unstable"] = "degrading" if change < 0 else "unstable"
            text = f"the highest throughput {what} from {before:.4g} to {again.throughput:.4g} requests/s"
            return replace(answer, grade=grade, grade_reason=text)
        return answer
