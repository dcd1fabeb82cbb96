"""Simulated servers in virtual time: what answers when, and what callers see who wait for their answer.

Times are absolute seconds on the server's own clock, which no step sets back: what warms up stays warm. A
request that is refused ends at minus its time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator

import numpy as np

Draw = Callable[[np.random.Generator], Iterator[float]]
CHUNK = 4_096
LONGEST = 3
"""A step with callers lasts at most so many times as long as asked, as in the engine."""


def exponential(mean: float) -> Draw:
    return _draw(lambda random: random.exponential(mean, CHUNK))


def constant(seconds: float) -> Draw:
    return _draw(lambda _: np.full(CHUNK, seconds))


def erlang(mean: float, phases: int) -> Draw:
    return _draw(lambda random: random.gamma(phases, mean / phases, CHUNK))


def lognormal(mean: float, cv: float) -> Draw:
    sigma = math.sqrt(math.log1p(cv * cv))
    return _draw(lambda random: mean * random.lognormal(-sigma * sigma / 2, sigma, CHUNK))


def pareto(mean: float, alpha: float) -> Draw:
    return _draw(lambda random: mean * (alpha - 1) / alpha * (1 + random.pareto(alpha, CHUNK)))


def two_kinds(fast: float, slow: float, share_slow: float) -> Draw:
    """Exponential around `fast`, or with the chance `share_slow` around `slow`."""
    return _draw(
        lambda random: random.exponential(1, CHUNK) * np.where(random.random(CHUNK) < share_slow, slow, fast)
    )


def _draw(chunk: Callable[[np.random.Generator], np.ndarray]) -> Draw:
    def numbers(random: np.random.Generator) -> Iterator[float]:
        while True:
            yield from chunk(random).tolist()

    return numbers


class Server:
    """First come, first served by `workers`. Others change one of the methods."""

    def __init__(self, workers: int, draw: Draw, seed: int = 1, *, settled: bool = False) -> None:
        self.random = np.random.default_rng(seed)
        self.services = draw(self.random)
        self.free = [0.0] * workers
        self.settled = settled

    def take(self, at: float) -> float:
        """When the request that came at `at`, after all before it, is answered."""
        begins = self.free[0]
        begins = max(begins, at)
        ends = self.ends(begins, next(self.services))
        heapq.heapreplace(self.free, ends)
        return ends

    def ends(self, begins: float, service: float) -> float:
        """When work of `service` seconds that `begins` then is done."""
        return begins + service

    def rest(self, at: float) -> None:
        """From then on nothing waits any more: callers have given up."""
        self.free = [at] * len(self.free)

    def open(self, due: list[float]) -> list[float]:
        """When the requests due then, in order, are answered."""
        take = self.take
        return [take(at) for at in due]

    def closed(self, callers: int, at: float, seconds: float, requests: int) -> list[tuple[float, float]]:
        """(sent, answered) of callers who send again at once, until `seconds` and `requests` are reached."""
        ready = [at] * callers
        done: list[tuple[float, float]] = []
        while True:
            sent = ready[0]
            if sent > at + seconds and (len(done) >= requests or sent > at + LONGEST * seconds):
                return done
            ends = self.take(sent)
            done.append((sent, ends))
            heapq.heapreplace(ready, abs(ends))


class Pausing(Server):
    """Every `every` seconds nothing is worked on for `pause` seconds."""

    def __init__(
        self, workers: int, draw: Draw, seed: int = 1, *, pause: float, every: float, **more
    ) -> None:
        super().__init__(workers, draw, seed, **more)
        self.pause, self.every = pause, every

    def ends(self, begins: float, service: float) -> float:
        into = begins % self.every
        if into < self.pause:
            begins += self.pause - into
            into = self.pause
        left = self.every - into
        while service > left:  # the pause stops what is being worked on
            begins += left + self.pause
            service -= left
            left = self.every - self.pause
        return begins + service


class Neighboured(Server):
    """For `busy` of every `every` seconds all work takes `factor` times as long."""

    def __init__(
        self, workers: int, draw: Draw, seed: int = 1, *, factor: float, busy: float, every: float, **more
    ) -> None:
        super().__init__(workers, draw, seed, **more)
        self.factor, self.busy, self.every = factor, busy, every

    def ends(self, begins: float, service: float) -> float:
        return begins + service * (self.factor if begins % self.every < self.busy else 1.0)


class Warming(Server):
    """Work takes `factor` times as long at first, falling to 1 in a straight line over `over` seconds."""

    def __init__(
        self, workers: int, draw: Draw, seed: int = 1, *, factor: float, over: float, **more
    ) -> None:
        super().__init__(workers, draw, seed, **more)
        self.factor, self.over = factor, 0.0 if self.settled else over

    def ends(self, begins: float, service: float) -> float:
        if begins >= self.over:
            return begins + service
        return begins + service * (self.factor + (1 - self.factor) * begins / self.over)


class Growing(Server):
    """Begins with a share of its workers; one more comes every `every` seconds."""

    def __init__(self, workers: int, draw: Draw, seed: int = 1, *, first: int, every: float, **more) -> None:
        super().__init__(workers, draw, seed, **more)
        self.come = [0.0 if self.settled else max(0, place - first + 1) * every for place in range(workers)]
        self.rest(0.0)

    def rest(self, at: float) -> None:
        self.free = sorted(max(at, come) for come in self.come)


class Refusing(Server):
    """Refuses at once when `places` requests are in it."""

    def __init__(self, workers: int, draw: Draw, seed: int = 1, *, places: int, **more) -> None:
        super().__init__(workers, draw, seed, **more)
        self.places = places
        self.inside: list[float] = []

    def rest(self, at: float) -> None:
        super().rest(at)
        self.inside.clear()

    def take(self, at: float) -> float:
        inside = self.inside
        while inside and inside[0] <= at:
            heapq.heappop(inside)
        if len(inside) >= self.places:
            return -(at + 0.001)
        ends = super().take(at)
        heapq.heappush(inside, ends)
        return ends


class Crowded(Server):
    """The more requests are in it, the longer work takes: × 1 + `slope` for each beyond `from_`, at most
    `most`. With `back_to`, once it is slow it stays so until no more than that are in it."""

    def __init__(
        self, workers: int, draw: Draw, seed: int = 1, *, from_: int, slope: float, most: float,
        back_to: int | None = None, **more,
    ) -> None:  # fmt: skip
        super().__init__(workers, draw, seed, **more)
        self.from_, self.slope, self.most, self.back_to = from_, slope, most, back_to
        self.inside: list[float] = []
        self.stuck = False

    def rest(self, at: float) -> None:
        super().rest(at)
        self.inside.clear()
        self.stuck = False

    def take(self, at: float) -> float:
        begins = max(at, self.free[0])
        inside = self.inside
        while inside and inside[0] <= at:
            heapq.heappop(inside)
        crowd = len(inside)
        factor = 1 + min(max(0, crowd - self.from_) * self.slope, self.most - 1)
        if self.back_to is not None:
            self.stuck = crowd > (self.back_to if self.stuck else self.from_)
            factor = self.most if self.stuck else 1.0
        ends = begins + factor * next(self.services)
        heapq.heapreplace(self.free, ends)
        heapq.heappush(inside, ends)
        return ends


class Batching(Server):
    """Works on up to `largest` waiting requests at once, which takes `base` + `each` × their number."""

    def __init__(
        self, largest: int, base: float, each: float, seed: int = 1, *, settled: bool = False
    ) -> None:
        super().__init__(1, constant(1.0), seed, settled=settled)
        self.largest, self.base, self.each = largest, base, each
        self.at = 0.0

    def rest(self, at: float) -> None:
        self.at = at

    def _batch(self, first: float, count: int) -> float:
        self.at = max(self.at, first) + (self.base + self.each * count) * self.random.uniform(0.9, 1.1)
        return self.at

    def open(self, due: list[float]) -> list[float]:
        ends: list[float] = []
        while len(ends) < len(due):
            begin = len(ends)
            starts = max(self.at, due[begin])
            count = 1
            while count < self.largest and begin + count < len(due) and due[begin + count] <= starts:
                count += 1
            ends += [self._batch(due[begin], count)] * count
        return ends

    def closed(self, callers: int, at: float, seconds: float, requests: int) -> list[tuple[float, float]]:
        ready = [at] * callers
        done: list[tuple[float, float]] = []
        while True:
            first = ready[0]
            if first > at + seconds and (len(done) >= requests or first > at + LONGEST * seconds):
                return done
            starts = max(self.at, first)
            batch = [heapq.heappop(ready)]
            while ready and len(batch) < self.largest and ready[0] <= starts:
                batch.append(heapq.heappop(ready))
            ends = self._batch(first, len(batch))
            for sent in batch:
                done.append((sent, ends))
                heapq.heappush(ready, ends)


class Sharing(Server):
    """All in it are worked on at once, as by a language model that decodes in batches: with n of them each
    gets 1 / (1 + `slowdown` · n) of the speed it has alone. At most `most` at once; others wait."""

    def __init__(
        self, most: int, draw: Draw, seed: int = 1, *, slowdown: float, settled: bool = False
    ) -> None:
        super().__init__(1, draw, seed, settled=settled)
        self.most, self.slowdown = most, slowdown
        self.now = self.work = 0.0
        self.jobs: list[tuple[float, int]] = []
        self.queue: list[int] = []

    def rest(self, at: float) -> None:
        self.now = at
        self.jobs.clear()
        self.queue.clear()

    def _speed(self) -> float:
        return 1 / (1 + self.slowdown * len(self.jobs))

    def _begin(self, who: int) -> None:
        heapq.heappush(self.jobs, (self.work + next(self.services), who))

    def _next(self) -> float:
        return self.now + (self.jobs[0][0] - self.work) / self._speed() if self.jobs else math.inf

    def _finish(self) -> tuple[float, int]:
        self.now = self._next()
        self.work, who = heapq.heappop(self.jobs)
        if self.queue:
            self._begin(self.queue.pop(0))
        return self.now, who

    def _arrive(self, at: float, who: int) -> None:
        self.work += (at - self.now) * self._speed() if self.jobs else 0.0
        self.now = at
        if len(self.jobs) < self.most:
            self._begin(who)
        else:
            self.queue.append(who)

    def open(self, due: list[float]) -> list[float]:
        ends = [0.0] * len(due)
        for who, at in enumerate(due):
            while self._next() <= at:
                ended, earlier = self._finish()
                ends[earlier] = ended
            self._arrive(at, who)
        while self.jobs:
            ended, earlier = self._finish()
            ends[earlier] = ended
        return ends

    def closed(self, callers: int, at: float, seconds: float, requests: int) -> list[tuple[float, float]]:
        sent = [at] * callers
        for who in range(callers):
            self._arrive(at, who)
        done: list[tuple[float, float]] = []
        while self.jobs:
            ended, who = self._finish()
            done.append((sent[who], ended))
            over = ended > at + seconds and (len(done) >= requests or ended > at + LONGEST * seconds)
            if not over:
                sent[who] = ended
                self._arrive(ended, who)
        return done
