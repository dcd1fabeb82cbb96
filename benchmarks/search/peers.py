"""What others do, on the same simulated servers: bisection, perf_analyzer's rule, ten steps."""

from __future__ import annotations

import numpy as np

from .bench import SimulatedBench
from .kinds import Kind
from .trial import Found, Method

PRECISION = 0.05


def _bench(kind: Kind, seed: int) -> SimulatedBench:
    return SimulatedBench(kind.make(seed, False), kind.objectives, seed)


def _keeps(bench: SimulatedBench, rate: float, seconds: float) -> bool:
    view = bench.open(rate, seconds, 0.0)
    return not view.saturated and all(
        sum(block.missed for block in blocks) <= objective.allowed * sum(block.requests for block in blocks)
        for objective, blocks in zip(bench.objectives, view.blocks, strict=True)
    )


def _saturation(bench: SimulatedBench) -> float:
    """Given to bisection and to the ten steps: what 32 callers who wait got answered in 5 s."""
    return bench.closed(32, 5.0, 100).throughput


def _told(bench: SimulatedBench, rate: float) -> Found:
    return Found(rate or None, None, None, True, False, bench.elapsed(), bench.elapsed())


def bisection(seconds: float) -> Method:
    """Steps of `seconds` at the middle of the bracket, until it is 5 % wide."""

    def method(kind: Kind, seed: int) -> Found:
        bench = _bench(kind, seed)
        low, high = 0.0, 1.05 * _saturation(bench)
        while high - low > PRECISION * high:
            middle = (low + high) / 2
            if _keeps(bench, middle, seconds):
                low = middle
            else:
                high = middle
        return _told(bench, (low + high) / 2)

    return method


def perf_analyzer(kind: Kind, seed: int) -> Found:
    """Triton's: windows of 5 s at a rate until three in a row agree within 10 % (at most ten), then the SLO
    is asked of those three; rates by bisection (NVIDIA perf_analyzer, `--binary-search`)."""
    bench = _bench(kind, seed)
    low, high = 0.0, 1.05 * _saturation(bench)
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        shares: list[float] = []
        answered: list[float] = []
        for _ in range(10):
            view = bench.open(middle, 5.0, 0.0)
            bench.t -= 0.5
            if view.saturated:
                shares = [1.0] * 3
                break
            worst = 0.0
            for objective, blocks in zip(bench.objectives, view.blocks, strict=True):
                missed, requests = sum(b.missed for b in blocks), sum(b.requests for b in blocks)
                worst = max(worst, missed / max(requests, 1) / objective.allowed)
            shares.append(worst)
            answered.append(view.achieved)
            last = answered[-3:]
            if len(last) == 3 and max(last) - min(last) <= 0.1 * np.mean(last):
                break
        if np.mean(shares[-3:]) <= 1.0:
            low = middle
        else:
            high = middle
    return _told(bench, (low + high) / 2)


def ten_steps(kind: Kind, seed: int) -> Found:
    """Ten steps of 60 s from a tenth of saturation to all of it; the last that kept the SLO."""
    bench = _bench(kind, seed)
    saturation = _saturation(bench)
    best = 0.0
    for tenth in range(1, 11):
        if not _keeps(bench, saturation * tenth / 10, 60.0):
            break
        best = saturation * tenth / 10
    return _told(bench, best)


PEERS: dict[str, Method] = {
    "bisection 20 s": bisection(20.0),
    "bisection 40 s": bisection(40.0),
    "bisection 80 s": bisection(80.0),
    "perf_analyzer's rule": perf_analyzer,
    "ten steps of 60 s": ten_steps,
}
