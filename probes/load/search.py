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
from itertools import pairwise
from typing import Literal, Protocol

from probes.analysis.exceedance import Block, Crossing, expected_crossing, fit_crossing
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
WIDER = 2.0
"""So many times as wide, in logarithms, is the interval while the curve itself is in doubt."""
CHECK_EVERY_S = 20.0
CHECK_S = 1.0
AGAIN_S = 3.0
LONG_BUDGET_S = 60.0
PREVIEW_S = 10.0
HIGHEST_FIRST_SHARE = 0.92
HEAVY_TAILED = 1.5
"""Squared coefficient of variation of the service time from which on few clusters of misses say little."""
MANY_CLUSTERS = 60
CHANCE = 4.0
"""Standard errors by which a count must differ before anything is said of it."""
DRIFT = 0.15
"""Throughput that changed by more than this between ladder and end is no steady target."""
FAULTS_ALLOWED = 3
ENOUGH_VIEWS = 3
"""Steps of a target that has become faster, from which on they speak alone."""


@dataclass(frozen=True)
class Objective:
    """At most `allowed` of the requests may take longer than `limit_ms` (infinite: may fail)."""

    text: str
    limit_ms: float
    allowed: float
    of: str = "response"
    """As of a bound of an SLO: which time is limited."""


@dataclass(frozen=True)
class ClosedView:
    """What a closed-loop step showed; `fault` = why the client spoilt it.

    `variability` is the squared coefficient of variation of the service time, None where too few were
    answered; `missed` the share of requests that missed each objective, `medians_ms` the median of the time
    that each limits, where that is not service time.
    """

    throughput: float
    median_ms: float
    requests: int
    fault: str | None = None
    error_ratio: float = 0.0
    variability: float | None = None
    missed: tuple[float, ...] = ()
    medians_ms: tuple[float | None, ...] = ()

    def median_of(self, index: int) -> float:
        """The median (ms) of what objective `index` limits."""
        found = self.medians_ms[index] if self.medians_ms else None
        return self.median_ms if found is None else found


@dataclass(frozen=True)
class OpenView:
    """What an open-loop step showed: blocks for each objective, and whether offers outran answers."""

    rate: float
    blocks: tuple[tuple[Block, ...], ...]
    saturated: bool
    seconds: float
    achieved: float
    fault: str | None = None

    def quicker(self, factor: float) -> OpenView:
        """As a target that does everything so many times as fast would have shown it."""
        return replace(
            self,
            rate=self.rate * factor,
            achieved=self.achieved * factor,
            blocks=tuple(
                tuple(replace(block, rate=block.rate * factor) for block in blocks) for blocks in self.blocks
            ),
        )


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
    doubts: list[str] = field(default_factory=list)
    saturation: float | None = None
    saturation_known: bool = False
    saturation_weight: int = 0
    rungs: list[ClosedView] = field(default_factory=list)
    rise: float = 0.0
    earlier: list[OpenView] = field(default_factory=list)
    """Steps from before the target became faster, as the faster one would have shown them."""
    _fitted: list[tuple[Objective, Crossing]] | None = None
    """The curves, until something more is seen."""

    def run(self) -> Capacity:
        """The capacity. What the bench raises passes through."""
        most, callers = self.limits.max_rate, 0
        if most is not None:
            self.saturation = rate = most  # callers that wait would send faster than that
        else:
            callers, fault = self._climb()
            if not self.saturation:
                return self._nothing("no request was answered well with one caller")
            if fault is not None:
                self.faults.append(fault)
            rate = self._first_rate()
        # nothing is known yet between nothing and the most that was ever answered
        self.bench.preview(rate, 0.0, self.saturation)
        checked_at = self.bench.elapsed()
        while True:
            view = self.bench.open(rate, self._seconds(rate), self._discard())
            if view.fault is not None:
                self.faults.append(view.fault)
                if len(self.faults) >= FAULTS_ALLOWED:
                    break
            else:
                self._take(view)
                answer = self._answer()
                if answer.rate is not None and answer.low is not None and answer.high is not None:
                    self.bench.preview(answer.rate, answer.low, answer.high)
                if answer.bound in ("bracketed", "at_least", "unmet_at_minimum"):
                    break
                if callers and self.bench.elapsed() > checked_at + CHECK_EVERY_S:
                    self._check(callers)
                    checked_at = self.bench.elapsed()
                rate = self._next_rate()
            if self.bench.elapsed() + self._seconds(rate) + self._discard() > self.limits.budget_s:
                break
        return self._checked(self._answer(), callers)

    # 1. the ladder

    def _climb(self) -> tuple[int, str | None]:
        """(callers that reached the highest throughput, why the client spoilt it)."""
        seconds = min(1.0, max(0.4, self.limits.budget_s / 60))
        best: ClosedView | None = None
        best_callers, callers, told = 1, 1, False
        while callers <= self.limits.max_concurrency:
            view = self.bench.closed(callers, seconds, max(100, 4 * callers))
            self.rungs.append(view)
            self.ladder.append((callers, view.throughput))
            grown = best is None or view.throughput > LADDER_GAIN * best.throughput
            if best is None or view.throughput > best.throughput:
                best, best_callers = view, callers
            if callers == 1 and self._breaks(view):
                break
            limits = [(at, o.limit_ms) for at, o in enumerate(self.objectives) if o.limit_ms < math.inf]
            slow = bool(limits) and all(view.median_of(at) > 2 * limit_ms for at, limit_ms in limits)
            if not told and self.bench.elapsed() > PREVIEW_S:
                told = True  # more callers bring no more than their number
                more = max(LADDER[-1] / callers, 1.0) if grown else 1.0
                self.bench.preview(FIRST_SHARE * best.throughput, 0.0, more * best.throughput)
            if callers >= LADDER[-1] and (not grown or slow or view.fault):
                break
            if self.bench.elapsed() > 0.4 * self.limits.budget_s:
                break
            callers *= 2
        if best is None or best.throughput <= 0:
            return 1, None
        last = self.rungs[-1]
        fall = 1 - last.throughput / best.throughput
        if fall > _beyond_chance(min(last.requests, best.requests)):
            self.doubts.append(
                f"throughput falls in a crowd, from {best.throughput:.4g}/s with {best_callers} callers to "
                f"{last.throughput:.4g}/s with {callers}"
            )
        top = [view for view in self.rungs if view.throughput > best.throughput / LADDER_GAIN]
        if self.limits.budget_s >= LONG_BUDGET_S:  # the highest of several is high by chance: look again
            again = self.bench.closed(best_callers, AGAIN_S, 100)
            top += [again] if again.fault is None else []
        self._pool(top)
        return best_callers, best.fault

    def _pool(self, views: Sequence[ClosedView]) -> None:
        """Takes what callers who wait got into the mean that is held for saturation."""
        for view in views:
            mean, weight = self.saturation or 0.0, self.saturation_weight
            self.saturation_weight = weight + view.requests
            if self.saturation_weight:
                self.saturation = (mean * weight + view.throughput * view.requests) / self.saturation_weight
        self.saturation_known = True
        self._fitted = None

    def _breaks(self, view: ClosedView) -> bool:
        """One caller alone already misses an objective."""
        return any(
            view.error_ratio > objective.allowed
            if objective.limit_ms == math.inf
            else view.median_of(index) > objective.limit_ms
            for index, objective in enumerate(self.objectives)
        )

    def _first_rate(self) -> float:
        if self.rungs and self._breaks(self.rungs[0]):
            return self._lowest()  # see whether any rate keeps it
        saturation = self.saturation or 0.0
        likely = min(self._expected(index) or saturation for index in range(len(self.objectives)))
        return min(max(likely, self._lowest()), HIGHEST_FIRST_SHARE * saturation)

    def _expected(self, index: int) -> float | None:
        """Where a queue as quick and as even as this one would begin to miss objective `index`, or where
        callers who wait began to, if that is earlier; None where neither is known.

        Callers who wait crowd a target more evenly than arrivals do: at their throughput they miss no larger
        a share than arrivals at the same rate.
        """
        if not self.saturation_known or self.saturation is None or not self.rungs:
            return None
        alone, objective = self.rungs[0], self.objectives[index]
        variability = 1.0 if alone.variability is None else alone.variability
        service_s, limit_s = alone.median_of(index) / 1e3, objective.limit_ms / 1e3
        expected = expected_crossing(self.saturation, variability, service_s, limit_s, objective.allowed)
        for before, view in pairwise(self.rungs):
            if view.missed and view.missed[index] > objective.allowed:
                return min(expected, math.sqrt(max(before.throughput, 1e-9) * view.throughput))
        return expected

    def _check(self, callers: int) -> None:
        """Does the target still carry what it carried? If more, it was still warming: what was seen so far
        was of another target. It stands in for this one, at rates as much higher, until enough is seen."""
        before = self.saturation or 0.0
        again = self.bench.closed(callers, CHECK_S, 50)
        if again.fault is not None or not before:
            return
        change = again.throughput / before - 1
        if change > _beyond_chance(again.requests):
            self.earlier = [view.quicker(1 + change) for view in (*self.earlier, *self.views)]
            self.views.clear()
            del self.rungs[1:]
            self.rise = change
            self.saturation_weight = 0
        self._pool([again])

    # 2. open-loop steps

    @property
    def evidence(self) -> list[OpenView]:
        """The steps that say what the target carries."""
        return self.views if len(self.views) >= ENOUGH_VIEWS else [*self.earlier, *self.views]

    def _take(self, view: OpenView) -> None:
        """Remembers a step and what it says of saturation."""
        self.views.append(view)
        self._fitted = None
        known = self.saturation or 0.0
        if self.limits.max_rate is not None:
            if view.saturated:
                self.saturation = max(known if self.saturation_known else 0.0, view.achieved)
                self.saturation_known = True
            return
        if view.seconds < BLOCK_S / 2:
            return
        if not view.saturated and view.achieved > known * (
            1 + CHANCE / math.sqrt(view.achieved * view.seconds)
        ):
            self.saturation = view.achieved
        short = 1 - view.achieved / min(known, view.rate)
        if view.saturated and short > _beyond_chance(known * view.seconds) and not self.doubts:
            self.doubts.append(
                f"throughput falls under too much load, to {view.achieved:.4g}/s where {known:.4g}/s were "
                "answered to callers who wait"
            )

    def _discard(self) -> float:
        """Seconds at the start of a step that do not count."""
        return 2.0 if self.limits.budget_s >= LONG_BUDGET_S else 1.0

    def _seconds(self, rate: float) -> float:
        """Long enough for ten misses at the allowed share, in whole blocks; shorter on a small budget."""
        allowed = min(objective.allowed for objective in self.objectives)
        wanted = MISSES_WANTED / allowed / rate
        least = 1 if len(self.views) < 3 else 2
        blocks = min(max(least, math.ceil(wanted / BLOCK_S)), round(LONGEST_STEP_S / BLOCK_S))
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
        high = min((view.rate for view in self.evidence if not self._kept(view)), default=None)
        kept = [
            view.rate for view in self.evidence if self._kept(view) and (high is None or view.rate < high)
        ]
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
        crossings = self._crossings()
        above = ABOVE_SATURATION * saturation
        if not crossings or not self.saturation_known:
            if high is None:
                return self._at_most(max(above, 1.3 * low))
            useful = (ABOVE_SATURATION if low else FIRST_SHARE) * saturation
            middle = (low + high) / 2
            if not crossings or high > WIDE_BRACKET * low:
                return max(min(middle, useful) if useful > low else middle, lowest)
        crossing = min(crossings, key=lambda found: found[1].rate)[1]
        if high is None and low > 0:
            # nothing broke yet: half way to where it must, at most to saturation
            wanted = min(math.sqrt(crossing.rate * crossing.high), above)
            return self._at_most(max(wanted, 1.1 * low if low > 0.9 * above else 1.03 * low))
        if low == 0.0 and high is not None:
            return self._at_most(max(min(crossing.rate, 0.85 * high), 0.6 * high, lowest))
        # three places in turn: at the crossing, a little above where misses are many, a little below
        wide = min(max((crossing.high - crossing.low) / crossing.rate / 6, 0.03), 0.12)
        place = (1.0, 1 + wide, 1 - wide)[len(self.views) % 3]
        return self._at_most(min(max(crossing.rate * place, lowest), above))

    # 3. the answer

    def _crossings(self) -> list[tuple[Objective, Crossing]]:
        if self._fitted is not None:
            return self._fitted
        # well above saturation a queue only grows: what share misses there tells how long one looked
        stable = [view for view in self.evidence if view.rate <= ABOVE_SATURATION * (self.saturation or 0.0)]
        known = self.saturation if self.saturation_known else None
        found = []
        for index, objective in enumerate(self.objectives):
            blocks = [block for view in stable for block in view.blocks[index]]
            crossing = fit_crossing(blocks, objective.allowed, known, self._expected(index))
            if crossing is not None:
                found.append((objective, crossing))
        self._fitted = found
        return found

    def _answer(self) -> Capacity:
        if not self.evidence:
            return self._nothing("no step at a given rate was usable")
        kept, broken = self._bracket()
        saturation = self.saturation or 0.0
        known = (saturation, tuple(self.ladder))
        crossings = self._crossings()
        if broken is None:
            seen = sum(block.requests for view in self.evidence for block in view.blocks[0])
            needed = max(smallest_sample(1 - objective.allowed) for objective in self.objectives)
            if seen < needed:
                return self._nothing(f"{seen} requests were too few to tell: {needed} are needed at least")
            if self.limits.max_rate is not None and kept >= self.limits.max_rate * 0.999:
                return Capacity(
                    kept, kept, None, "at_least", "no higher rate was allowed (--max-rate)", *known
                )
            if self.limits.max_rate is not None or not crossings:
                text = (
                    f"the SLO still held at {kept:.4g} requests/s, the highest rate tried in the time given"
                )
                return Capacity(kept, kept, None, "provisional", text, *known)
        elif kept == 0.0 and broken <= 1.5 * self._lowest():
            text = f"the SLO is broken already at {broken:.3g} requests/s, the lowest rate tried"
            return Capacity(None, 0.0, broken, "unmet_at_minimum", text, *known)
        elif not crossings:
            return self._by_bracket(kept, broken, known)
        objective, crossing = min(crossings, key=lambda found: found[1].rate)
        rate = crossing.rate
        ceiling = max(broken or 0.0, ABOVE_SATURATION * saturation, rate)
        low, high = crossing.surely  # it is looked at after each step, and the search ends when it is narrow
        half = max(rate - low, min(high, ceiling) - rate) / rate
        needed = self._clusters_needed()
        reasons = list(self.doubts)
        if broken is None:
            reasons.append(f"the SLO still held at {kept:.4g} requests/s, the highest rate tried")
        if self.rise:
            reasons.append(f"the target was still warming: its throughput rose by {self.rise:.0%} meanwhile")
        if crossing.clusters < needed:
            reasons.append(_moments_seen(crossing.clusters))
        if reasons:  # the curve itself is in doubt; in logarithms, so that the lower bound stays above 0
            low = rate * (crossing.low / rate) ** WIDER
            high = rate * (crossing.high / rate) ** WIDER
        if half > self.limits.precision:
            reasons.append(f"the interval is ±{half:.0%} wide where ±{self.limits.precision:.0%} was asked")
        floor, top = low, min(high, ceiling) * (1 + self.rise)
        if not reasons:
            return Capacity(rate, floor, top, "bracketed", None, *known, decided_by=objective.text)
        reason = " and ".join(reasons) + self._more_time(half, crossing.clusters / needed)
        return Capacity(rate, floor, top, "provisional", reason, *known, decided_by=objective.text)

    def _clusters_needed(self) -> int:
        """Rare long answers make each cluster a case of its own: then many are needed."""
        variability = self.rungs[0].variability if self.rungs else None
        return MANY_CLUSTERS if variability is not None and variability > HEAVY_TAILED else ENOUGH_CLUSTERS

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

    def _more_time(self, half: float, share_of_clusters: float) -> str:
        spent = sum(view.seconds for view in self.evidence)
        by_width = spent * ((half / self.limits.precision) ** 2 - 1)
        by_clusters = spent * (1 / max(share_of_clusters, 0.01) - 1)
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
        if len(self.faults) >= FAULTS_ALLOWED or (self.faults and not self.evidence):
            return replace(answer, grade="client_limited", grade_reason=self.faults[-1])
        if answer.rate is None and answer.bound == "indeterminate":
            return replace(answer, grade="insufficient", grade_reason=answer.reason)
        before = dict(self.ladder).get(callers, math.inf)
        if not callers or answer.bound == "at_least" or callers / before < LEAST_SERVICE_S:
            return answer
        again = self.bench.closed(callers, CHECK_S, 50)
        change = again.throughput / before - 1
        if again.fault is not None or abs(change) <= _beyond_chance(again.requests):
            return answer
        text = f"from {before:.4g} to {again.throughput:.4g} requests/s"
        if change < 0:
            return replace(answer, grade="degrading", grade_reason=f"the highest throughput fell {text}")
        # what it carried more in the end than at the last look, it may carry more still
        since = max(again.throughput / (self.saturation or before), 1.0)
        high = None if answer.high is None else answer.high * since
        return replace(
            answer, high=high, grade="unstable", grade_reason=f"the highest throughput rose {text}"
        )


def _beyond_chance(requests: float) -> float:
    """The relative change of a throughput, counted over so many requests, that is no chance and no trifle."""
    return max(DRIFT, CHANCE / math.sqrt(max(requests, 1.0)))


def _moments_seen(count: int) -> str:
    """Why so few clusters of misses are too few, in words."""
    if count == 0:
        return "no request missed it, so that the figure is where a queue as quick as this would begin to"
    return (
        "only 1 separate moment of slowness was seen"
        if count == 1
        else (f"only {count} separate moments of slowness were seen")
    )
