"""The search on simulated servers in virtual time: minutes of load in milliseconds, the truth known.

`Queue` is a bench: c workers, first come first served, with the truth of `tests/systems/simulate.py`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.analysis.exceedance import Block, cluster_sizes
from probes.load.search import BLOCK_S, Capacity, ClosedView, Limits, Objective, OpenView, Search

Draw = Callable[[int], NDArray[np.float64]]


class Queue:
    """`workers` that take what `draw` says; every step costs its seconds of `elapsed` and a little more."""

    def __init__(self, workers: int, draw: Draw, objectives: Sequence[Objective], seed: int) -> None:
        self.workers, self.draw, self.objectives = workers, draw, objectives
        self.random = np.random.default_rng(seed)
        self.t = 0.0
        self.rates: list[float] = []
        self.previews: list[tuple[float, float, float]] = []

    def elapsed(self) -> float:
        return self.t

    def closed(self, concurrency: int, seconds: float, requests: int) -> ClosedView:
        """Callers that send again as soon as they have their answer."""
        ready, free = [0.0] * concurrency, [0.0] * self.workers
        service = self.draw(max(requests, int(2 * seconds * self.workers / self.draw(50).mean())))
        ends, waits = [], []
        for took in service:
            sent = heapq.heappop(ready)
            end = max(sent, heapq.heappop(free)) + took
            heapq.heappush(free, end)
            heapq.heappush(ready, end)
            ends.append(end)
            waits.append(end - sent)
            if end > seconds and len(ends) >= requests:
                break
        ordered = np.sort(ends)
        first, last = len(ordered) // 10, len(ordered) - 1 - len(ordered) // 10
        self.t += ordered[-1] + 0.1
        throughput = (last - first) / (ordered[last] - ordered[first])
        return ClosedView(throughput, float(np.median(waits)) * 1e3, len(ends))

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        """Poisson arrivals on an empty queue."""
        self.rates.append(rate)
        length = seconds + discard_s
        self.t += length + 0.5
        due = np.cumsum(self.random.exponential(1 / rate, int(rate * length * 1.3 + 60)))
        due = due[due < length]
        free, response = [0.0] * self.workers, np.empty(len(due))
        for k, (at, took) in enumerate(zip(due.tolist(), self.draw(len(due)).tolist(), strict=True)):
            end = max(at, free[0]) + took
            heapq.heapreplace(free, end)
            response[k] = end - at
        counts = due >= discard_s
        due, response = due[counts] - discard_s, response[counts]
        return OpenView(
            rate=rate,
            blocks=tuple(self._blocks(rate, seconds, due, response, one) for one in self.objectives),
            saturated=False,
            seconds=seconds,
            achieved=float((due + response <= seconds).sum()) / seconds,
        )

    def _blocks(
        self,
        rate: float,
        seconds: float,
        due: NDArray[np.float64],
        response: NDArray[np.float64],
        objective: Objective,
    ) -> tuple[Block, ...]:
        missed = response * 1e3 > objective.limit_ms
        block = (due // BLOCK_S).astype(int)
        gap = max(2 * objective.limit_ms / 1e3, 0.5)
        return tuple(
            Block(
                rate,
                int((block == k).sum()),
                int(missed[block == k].sum()),
                cluster_sizes(due[missed & (block == k)], gap),
            )
            for k in range(int(seconds / BLOCK_S))
        )

    def preview(self, rate: float, low: float, high: float) -> None:
        self.previews.append((rate, low, high))


def exponential(mean: float, seed: int) -> Draw:
    random = np.random.default_rng(seed)
    return lambda n: random.exponential(mean, n)


def always(seconds: float) -> Draw:
    return lambda n: np.full(n, seconds)


P99_100 = Objective("p99<=100ms", 100.0, 0.01)


def search(bench: Queue, **limits: float) -> Capacity:
    return Search(bench, bench.objectives, Limits(**{"budget_s": 60.0} | limits)).run()  # type: ignore[arg-type]


@pytest.mark.parametrize("queue", ["M/D/1", "M/M/4"])
def test_the_interval_holds_the_truth_as_often_as_it_says(queue: str, simulate: ModuleType) -> None:
    """Thirty searches of a minute each: in nine of ten at least the interval has the true capacity in it.

    (Said is 95 %; of thirty, 27 or more is what that gives with a chance of 94 %. The seeds are fixed.)
    """
    if queue == "M/D/1":
        truth = simulate.mdc_rate(1, 0.005, 0.99, 0.1)
    else:
        truth = simulate.mmc_rate(4, 0.01, 0.99, 0.1)
    inside, errors, widths = 0, [], []
    for seed in range(30):
        draw = always(0.005) if queue == "M/D/1" else exponential(0.01, seed + 100)
        bench = Queue(1 if queue == "M/D/1" else 4, draw, [P99_100], seed)
        answer = search(bench)
        assert answer.rate is not None
        assert answer.low is not None
        high = np.inf if answer.high is None else answer.high
        assert answer.low <= answer.rate <= high
        assert bench.t <= 60 + 5
        assert answer.bound in ("bracketed", "provisional")
        inside += answer.low <= truth <= high
        errors.append(answer.rate / truth - 1)
        widths.append((high - answer.low) / truth)
    assert inside >= 27
    assert abs(np.median(errors)) < 0.03
    assert np.quantile(np.abs(errors), 0.9) < 0.10
    assert np.median(widths) < 1.2  # provisional ones are twice as wide as computed


def test_a_longer_search_knows_more() -> None:
    """Bracketed, and within the precision asked for, once there is time enough."""
    answers = [
        search(Queue(4, exponential(0.01, 1), [P99_100], 1), budget_s=budget) for budget in (25.0, 1200.0)
    ]
    short, long = [(answer.high or np.inf) - (answer.low or 0) for answer in answers]
    assert long < short
    assert answers[1].bound == "bracketed"
    assert answers[1].rate is not None
    assert long <= 2.5 * 0.05 * answers[1].rate
    assert answers[1].reason is None
    assert answers[0].bound == "provisional"
    assert "more would" in str(answers[0].reason)


def test_a_highest_rate_is_never_passed() -> None:
    """A cap below the capacity: at least that much, said so."""
    bench = Queue(4, exponential(0.01, 1), [P99_100], 1)
    answer = search(bench, max_rate=100.0)
    assert (answer.bound, answer.rate, answer.low, answer.high) == ("at_least", 100.0, 100.0, None)
    assert max(bench.rates) <= 100
    bench = Queue(4, exponential(0.01, 1), [P99_100], 1)
    answer = search(bench, max_rate=360.0)  # above the capacity of 350
    assert max(bench.rates) <= 360
    assert answer.bound in ("bracketed", "provisional", "at_least")


def test_a_target_that_is_too_slow_at_any_rate() -> None:
    """Every answer takes 150 ms where 100 ms are allowed."""
    bench = Queue(4, always(0.15), [P99_100], 1)
    answer = search(bench, budget_s=25.0)
    assert (answer.bound, answer.rate) == ("unmet_at_minimum", None)
    assert answer.high is not None
    assert answer.high <= 0.05 * 4 / 0.15
    assert "lowest rate tried" in str(answer.reason)


def test_the_strictest_objective_decides(simulate: ModuleType) -> None:
    """Of p50 ≤ 30 ms and p99 ≤ 100 ms on M/M/1 the second bites first, at 53.9/s against 76.9/s."""
    loose = Objective("p50<=30ms", 30.0, 0.5)
    answer = search(Queue(1, exponential(0.01, 3), [loose, P99_100], 3), budget_s=120.0)
    truth = simulate.mm1_rate(0.01, 0.99, 0.1)
    assert simulate.mm1_rate(0.01, 0.5, 0.03) > 1.3 * truth
    assert answer.decided_by == "p99<=100ms"
    assert answer.rate == pytest.approx(truth, rel=0.25)


def test_only_errors_are_bounded() -> None:
    """Without a bound on time nothing breaks below saturation, which is then what is found."""
    bench = Queue(2, always(0.02), [Objective("errors<=0.01", np.inf, 0.01)], 1)
    bench._blocks = lambda *_: (Block(bench.rates[-1], 400, 0),)  # type: ignore[method-assign]
    answer = search(bench)
    assert answer.rate is not None
    assert answer.bound != "unmet_at_minimum"
    assert answer.rate >= 0.75 * 100


class Spoilt(Queue):
    """The client itself spoils every step at a given rate."""

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        return replace(super().open(rate, seconds, discard_s), fault="the load process used 1.00 of one core")


def test_a_search_that_the_client_spoils_says_nothing_of_the_target() -> None:
    bench = Spoilt(4, always(0.01), [P99_100], 1)
    answer = search(bench)
    assert (answer.grade, answer.rate, answer.bound) == ("client_limited", None, "indeterminate")
    assert answer.grade_reason == "the load process used 1.00 of one core"
    assert len(bench.rates) == 3  # it does not go on for ever


def test_nothing_is_answered() -> None:
    bench = Queue(1, always(0.01), [P99_100], 1)
    bench.closed = lambda *_: ClosedView(0.0, np.inf, 0)  # type: ignore[method-assign]
    answer = search(bench)
    assert (answer.bound, answer.grade, answer.rate) == ("indeterminate", "insufficient", None)


class Tiring(Queue):
    """Serves at half its speed once a minute has passed."""

    def closed(self, concurrency: int, seconds: float, requests: int) -> ClosedView:
        view = super().closed(concurrency, seconds, requests)
        return replace(view, throughput=view.throughput * (0.5 if self.t > 30 else 1.0))


def test_a_target_that_tires_is_graded_so() -> None:
    answer = search(Tiring(4, exponential(0.02, 1), [P99_100], 1))
    assert answer.grade == "degrading"
    assert "fell from" in str(answer.grade_reason)


def test_what_is_known_when_a_search_is_ended_early() -> None:
    """Before the first step nothing; afterwards what there is, never more than provisional."""
    bench = Queue(4, exponential(0.01, 1), [P99_100], 1)
    early = Search(bench, bench.objectives, Limits(budget_s=60.0))
    nothing = early.so_far("stopped")
    assert (nothing.bound, nothing.rate) == ("indeterminate", None)
    assert str(nothing.reason).startswith("stopped")
    early.run()
    answer = early.so_far("stopped")
    assert answer.bound == "provisional"
    assert answer.rate is not None


def test_previews_narrow() -> None:
    """The first says nothing but the most that was answered; later ones have the estimate in them."""
    bench = Queue(4, exponential(0.01, 1), [P99_100], 1)
    answer = search(bench)
    first, *_, last = bench.previews
    assert first[1] == 0
    assert all(low <= rate <= high for rate, low, high in bench.previews)
    assert last[2] - last[1] < first[2] - first[1]
    assert last[0] == pytest.approx(answer.rate, rel=0.1)


def test_a_short_search_is_wide_but_not_wrong(simulate: ModuleType) -> None:
    """14 s, which is what a demo has: of twenty searches 17 at least hold the truth, none begins at 0.

    (Said is 95 %, that is 19; 17 or more is what that gives with a chance of 98 %. The seeds are fixed.)
    """
    truth = simulate.mmc_rate(4, 0.01, 0.99, 0.1)
    inside = 0
    for seed in range(20):
        answer = search(Queue(4, exponential(0.01, seed + 100), [P99_100], seed), budget_s=14.0)
        if answer.rate is None:
            assert answer.bound == "indeterminate"
            continue
        assert answer.bound in ("bracketed", "provisional")
        assert answer.low is not None
        assert answer.high is not None
        assert 0 < answer.low <= answer.rate <= answer.high
        inside += answer.low <= truth <= answer.high
    assert inside >= 17


class Warming(Queue):
    """Takes twice as long for its first 40 s."""

    def __init__(self, seed: int) -> None:
        quick = exponential(0.01, seed)
        super().__init__(4, lambda n: quick(n) * (2 if self.t < 40 else 1), [P99_100], seed)


def test_a_target_that_was_still_warming_is_seen_anew(simulate: ModuleType) -> None:
    """What it did while slow is forgotten; the answer says so and holds the truth of the warm target."""
    answer = search(Warming(3), budget_s=120.0)
    truth = simulate.mmc_rate(4, 0.01, 0.99, 0.1)
    assert answer.bound == "provisional"
    assert "still warming" in str(answer.reason)
    assert answer.grade == "unstable"
    assert answer.low is not None
    assert answer.high is not None
    assert answer.low <= truth <= answer.high


class Stalling(Queue):
    """Misses 5 % at every rate over 100/s, and answers a single caller 20 % faster after its first 25 s."""

    def closed(self, concurrency: int, seconds: float, requests: int) -> ClosedView:
        faster = 1.2 if self.t > 25 else 1.0
        view = super().closed(concurrency, seconds, 2_000)
        return replace(view, throughput=view.throughput * faster)

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        view = super().open(rate, seconds, discard_s)
        if rate <= 100:
            return view
        missed = [replace(one, missed=one.requests // 20, clusters=(3,) * 4) for one in view.blocks[0]]
        return replace(view, blocks=(tuple(missed),))


@pytest.mark.parametrize("budget", [38.0, 48.0, 54.0, 57.0])
def test_a_target_that_became_a_little_faster_is_not_believed_to_carry_what_it_missed(budget: float) -> None:
    """As BentoML on a busy machine: 408/s missed the SLO, and 975/s were said to keep it, from one step above
    that. Where the search ended with its look at the target, four steps were said to be none."""
    bench = Stalling(4, always(0.005), [P99_100], 1)
    answer = search(bench, budget_s=budget)
    missed = min((rate for rate in bench.rates if rate > 100), default=None)
    assert missed is not None
    assert answer.rate is not None
    assert answer.rate <= 1.2 * missed


class Collapsing(Queue):
    """Answers hardly a third once more is offered than it can take."""

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        view = super().open(rate, seconds, discard_s)
        over = rate > 300
        return replace(view, saturated=over, achieved=130.0 if over else view.achieved)


def test_a_target_that_carries_less_under_too_much_is_not_resolved() -> None:
    answer = search(Collapsing(4, always(0.01), [P99_100], 1), budget_s=300.0)
    assert answer.bound == "provisional"
    assert "throughput falls under too much load" in str(answer.reason)


def test_steps_at_many_callers_show_a_crowd_that_slows_the_target() -> None:
    bench = Queue(4, exponential(0.01, 1), [P99_100], 1)
    plain = bench.closed

    def crowded(concurrency: int, seconds: float, requests: int) -> ClosedView:
        view = plain(concurrency, seconds, 2_000)
        return replace(view, throughput=view.throughput * (0.5 if concurrency == 32 else 1))

    bench.closed = crowded  # type: ignore[method-assign]
    answer = search(bench, budget_s=120.0)
    assert answer.bound == "provisional"
    assert "throughput falls in a crowd" in str(answer.reason)


def test_a_figure_that_no_miss_stands_behind_says_so() -> None:
    """200/s are carried in 5 ms each, and 10 s are allowed: nothing is missed in so short a time."""
    slow = Objective("p99<=10000ms", 10_000.0, 0.01)
    answer = search(Queue(1, always(0.005), [slow], 1), budget_s=25.0)
    assert answer.bound == "provisional"
    assert "no request missed it" in str(answer.reason)
