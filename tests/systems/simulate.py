"""What a queue must show, computed: response times of c servers, first come first served, Poisson arrivals.

For tests and benchmarks, which compare with it what was measured of `servers/queue_server.py`. Nothing below
`tests/` is a package; a test asks for the fixture `simulate` (tests/conftest.py), which is this module, and a
benchmark loads it by path with `importlib.util.spec_from_file_location`. Only numpy is needed.

Rates are in 1/s, times in seconds. Closed forms: D. Gross and C. M. Harris, Fundamentals of Queueing
Theory, chapter 2, and Franx for M/D/c. The simulation is Kiefer and Wolfowitz's recursion on the sorted times
at which servers come free.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Dist = Literal["det", "exp", "lognormal"]
Floats = NDArray[np.float64]

LANES_AT_ONCE = 1_000


def response_times(  # noqa: PLR0917  # the queue, how much of it, and then by name
    rate: float,
    workers: int,
    service: float,
    n: int,
    seed: int = 1,
    dist: Dist = "exp",
    *,
    cv: float = 1.0,
    lanes: int = 1,
    discard: int = 0,
) -> Floats:
    """The response times of `n` requests to each of `lanes` independent queues, in order of arrival.

    `service` is the mean service time and `cv` its standard deviation over its mean (lognormal only). Every
    queue begins empty; its first `discard` requests are simulated and left out. Shape (n,), or (n, lanes)
    when there are several.
    """
    if workers < 1 or service <= 0.0:
        raise ValueError("a queue has at least one worker and a service time above 0")
    rng = np.random.default_rng(seed)
    gaps = rng.standard_exponential((n + discard, lanes))
    services = service * _unit_services(rng, gaps.shape, dist, cv)
    if lanes == 1:
        return _respond_in_turn(gaps[:, 0] / rate, services[:, 0], workers)[discard:]
    return _respond(gaps / rate, services, workers)[discard:]


def true_rate(
    workers: int,
    service: float,
    quantile: float,
    limit_s: float,
    *,
    dist: Dist = "exp",
    cv: float = 1.0,
    seed: int = 1,
    lanes: int = 4_000,
    n: int = 4_000,
    discard: int = 1_000,
) -> float:
    """The rate at which the `quantile` of the response time is `limit_s`: there P(response > limit) = 1 − q.

    By simulation of `lanes` queues of `n` requests each, after `discard` to settle; 0.0 when the service time
    alone breaks the limit. The same draws serve every rate tried, so that the share over the limit rises with
    the rate: a sixteenth of the lanes finds about where, and all of them the place, between 2 % below and
    above by a straight line in logarithms. With the defaults the standard error at the 99th percentile is
    some 0.1 %; nearer than 5 % to saturation take a larger `n` and `discard`.
    """
    capacity, allowed = workers / service, 1.0 - quantile

    def share_over(rate: float, lanes: int) -> float:
        """The share of response times over the limit, a block of lanes after the other to save memory."""
        over = 0
        for block, begin in enumerate(range(0, lanes, LANES_AT_ONCE)):
            width = min(LANES_AT_ONCE, lanes - begin)
            block_seed = seed * 1_000_003 + block
            responses = response_times(
                rate, workers, service, n, block_seed, dist, cv=cv, lanes=width, discard=discard
            )
            over += int(np.count_nonzero(responses > limit_s))
        return over / (n * lanes)

    near = _rising_root(
        lambda rate: share_over(rate, max(2, lanes // 16)) - allowed, capacity, tolerance=1e-3
    )
    if near == 0.0:
        return 0.0
    rates = np.array([0.98 * near, min(1.02 * near, (near + capacity) / 2.0)])
    shares = np.array([share_over(rate, lanes) for rate in rates])
    return float(np.exp(_on_line(math.log(allowed), np.log(shares), np.log(rates))))


def mm1_quantile(rate: float, service: float, quantile: float) -> float:
    """The `quantile` of the response time of M/M/1: it is exponential with rate μ − λ."""
    return -math.log1p(-quantile) / (1.0 / service - rate)


def mm1_rate(service: float, quantile: float, limit_s: float) -> float:
    """The rate at which the `quantile` of the response time of M/M/1 is `limit_s`; 0.0 when there is none."""
    return max(0.0, 1.0 / service + math.log1p(-quantile) / limit_s)


def erlang_c(workers: int, load: float) -> float:
    """The probability that a request has to wait in M/M/c; `load` = rate · service, below `workers`."""
    blocking = 1.0
    for servers in range(1, workers + 1):
        blocking = load * blocking / (servers + load * blocking)
    return blocking / (1.0 - load / workers * (1.0 - blocking))


def mmc_tail(rate: float, workers: int, service: float, limit_s: float) -> float:
    """P(response > limit) of M/M/c: a service time, after a wait that is exponential with chance Erlang C."""
    load = rate * service
    if load >= workers:
        return 1.0
    waits, ends, spare = erlang_c(workers, load), limit_s / service, workers - load
    if math.isclose(spare, 1.0, abs_tol=1e-9):
        return math.exp(-ends) * (1.0 + waits * ends)
    return math.exp(-ends) * (1.0 + waits * -math.expm1(-ends * (spare - 1.0)) / (spare - 1.0))


def mmc_rate(workers: int, service: float, quantile: float, limit_s: float) -> float:
    """The rate at which the `quantile` of the response time of M/M/c is `limit_s`; 0.0 when there is none."""
    allowed = 1.0 - quantile
    return _rising_root(lambda rate: mmc_tail(rate, workers, service, limit_s) - allowed, workers / service)


def mdc_tail(rate: float, workers: int, service: float, limit_s: float) -> float:
    """P(response > limit) of M/D/c.

    From one service time to the next exactly those leave who were in service, which gives the distribution of
    the number waiting; with it G. J. Franx, A simple solution for the M/D/c waiting time distribution, 2001:
    P(W ≤ x) = Σ_j Q(kc − 1 − j) · Poisson(j; λ(kD − x)), j < kc, where (k − 1)D ≤ x < kD and Q(i) is the
    probability that at most i wait.
    """
    load, wait = rate * service, limit_s - service
    if wait < 0.0 or load >= workers:
        return 1.0
    steps = math.floor(wait / service + 1e-9) + 1
    size = max(steps * workers, 40 * workers, math.ceil(20.0 * workers / (workers - load)))
    arrivals = _poisson(load, size)
    present = np.zeros(size)
    present[0] = change = 1.0
    while change > 1e-13:
        after = np.convolve(_waiting(present, workers), arrivals)[:size]
        after /= after.sum()
        change, present = float(np.abs(after - present).sum()), after
    at_most = _waiting(present, workers).cumsum()[: steps * workers]
    meanwhile = _poisson(rate * (steps * service - wait), steps * workers)
    return 1.0 - float(meanwhile @ at_most[::-1])


def mdc_rate(workers: int, service: float, quantile: float, limit_s: float) -> float:
    """The rate at which the `quantile` of the response time of M/D/c is `limit_s`; 0.0 when there is none."""
    allowed = 1.0 - quantile
    return _rising_root(lambda rate: mdc_tail(rate, workers, service, limit_s) - allowed, workers / service)


def _waiting(present: Floats, workers: int) -> Floats:
    """The distribution of how many wait, from that of how many are there."""
    waiting = np.zeros_like(present)
    waiting[0] = present[: workers + 1].sum()
    waiting[1 : present.size - workers] = present[workers + 1 :]
    return waiting


def _poisson(mean: float, size: int) -> Floats:
    """The probabilities of 0 … size − 1 events."""
    events = np.arange(1, size)
    return np.exp(np.concatenate(([0.0], np.cumsum(math.log(mean) - np.log(events)))) - mean)


def _on_line(x: float, xs: Floats, ys: Floats) -> float:
    """The y at `x` of the line through two points."""
    return float(ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]))


def _unit_services(rng: np.random.Generator, shape: tuple[int, ...], dist: Dist, cv: float) -> Floats:
    """Service times of mean 1."""
    if dist == "det":
        return np.ones(shape)
    if dist == "exp":
        return rng.standard_exponential(shape)
    sigma = math.sqrt(math.log1p(cv * cv))
    return np.exp(sigma * rng.standard_normal(shape) - sigma * sigma / 2.0)


def _respond(gaps: Floats, services: Floats, workers: int) -> Floats:
    """Response times (n, lanes) of arrivals `gaps` apart.

    `ahead[i]` is how long from now until i + 1 servers are free, in each lane, rising with i. A request takes
    the first of them, which comes free again one service later and is sorted back in.
    """
    ahead = np.zeros((workers, gaps.shape[1]))
    responses = np.empty_like(gaps)
    for gap, service, response in zip(gaps, services, responses, strict=True):
        ahead -= gap
        np.maximum(ahead, 0.0, out=ahead)
        np.add(ahead[0], service, out=response)
        free_again = response
        for place in range(workers - 1):
            np.minimum(free_again, ahead[place + 1], out=ahead[place])
            free_again = np.maximum(free_again, ahead[place + 1])
        ahead[-1] = free_again
    return responses


def _respond_in_turn(gaps: Floats, services: Floats, workers: int) -> Floats:
    """Response times (n,) of arrivals `gaps` apart: the same for one lane, where a heap is the faster way."""
    free = [0.0] * workers
    ends = []
    arrivals = gaps.cumsum()
    for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        ends.append(max(arrival, free[0]) + service)
        heapq.heapreplace(free, ends[-1])
    return np.array(ends) - arrivals


def _rising_root(function: Callable[[float], float], top: float, *, tolerance: float = 1e-7) -> float:
    """Where a rising `function` crosses 0 below `top`, within `tolerance` · `top`; 0.0 if it begins above."""
    low, high = 0.0, top
    while high - low > top * tolerance:
        middle = (low + high) / 2.0
        if function(middle) < 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0 if low else 0.0
