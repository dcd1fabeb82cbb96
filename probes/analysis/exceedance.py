"""Where a share of exceedances crosses what is allowed: one monotone curve through blocks at many rates.

logit P(a request misses its objective) = a + b · ln(rate / reference), b ≥ `SLOPE_FLOOR`, fitted to blocks of
(n requests, x misses) by quasi-binomial likelihood (McCullagh & Nelder 1989, §4.5). Misses come in clusters,
so that n requests tell less than n independent ones; the variance is multiplied by the dispersion φ, the
larger of Pearson's χ²/df over blocks and Σs²/Σs over the sizes s of clusters of misses. Blocks far from the
crossing get little weight, because the line is only local.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SLOPE_FLOOR = 2.0
SLOPE_CEILING = 400.0
SLOPE_PRIOR = 20.0
SLOPE_PRIOR_SD = 20.0
KERNEL = 0.12
"""Least width, in the logarithm of the rate, of the weight around the crossing: the line holds locally."""
PRIOR_DISPERSION = 12.0
PRIOR_CLUSTERS = 4
"""What is believed of clusters before any is seen: the dispersion of M/M/1 near its capacity."""
LEAST_FREEDOM = 5
ANCHOR_REQUESTS = 2.0
ANCHOR_MISSED = 1.5
"""At the rate of saturation the curve has risen: as if, of two independent requests, 1.5 had missed there."""
NEAR = 0.12
"""Clusters of misses count for the dispersion when their rate's logarithm is this near to the crossing."""


@dataclass(frozen=True)
class Block:
    """Some seconds at one rate: `requests` that were due and how many of them missed their objective.

    `clusters` are the sizes of the clusters of misses that began in it.
    """

    rate: float
    requests: int
    missed: int
    clusters: tuple[int, ...] = ()


@dataclass(frozen=True)
class Crossing:
    """The rate at which the share of misses reaches what is allowed, with its interval."""

    rate: float
    low: float
    high: float
    slope: float
    dispersion: float
    clusters: int


def cluster_sizes(times_s: NDArray[np.float64], gap_s: float) -> tuple[int, ...]:
    """Sizes of clusters of misses: misses less than `gap_s` apart are of one cluster. Times ascend."""
    if not len(times_s):
        return ()
    breaks = np.flatnonzero(np.diff(times_s) >= gap_s) + 1
    return tuple(np.diff(np.concatenate([[0], breaks, [len(times_s)]])).tolist())


def cluster_dispersion(sizes: Sequence[int]) -> float:
    """Σs²/Σs over cluster sizes: 1 for lone misses; {1, 1, 2, 10} → 7.571."""
    values = np.array(sizes, np.float64)
    return float((values**2).sum() / values.sum()) if len(values) else 1.0


def pearson_dispersion(
    missed: NDArray[np.float64],
    expected: NDArray[np.float64],
    variance: NDArray[np.float64],
    parameters: int,
) -> float:
    """Pearson's χ² over its degrees of freedom; 1 where there are none."""
    freedom = len(missed) - parameters
    if freedom < 1:
        return 1.0
    return float((((missed - expected) ** 2) / np.maximum(variance, 1e-12)).sum() / freedom)


def fit_crossing(
    blocks: Sequence[Block], allowed: float, saturation: float | None = None, confidence: float = 0.95
) -> Crossing | None:
    """The crossing of `allowed` (0 < allowed < 1), or None where no block missed or none kept the objective.

    `saturation` is the highest throughput the target ever reached: at that arrival rate its queue only grows,
    so that the curve must have risen by there; this bounds how flat it can be below. The interval is by
    profile likelihood, requests and misses divided by φ, against F(1, clusters − 2); where the deviance
    never rises that far on one side, that side is 0 or infinite.
    """
    share = np.array([block.missed / block.requests for block in blocks if block.requests])
    if not (share > allowed).any() or not (share <= allowed).any():
        return None
    plain = _Curve.of(blocks, allowed, saturation, 1.0)
    expected = plain.n * _expit(plain.target + plain.slope * (plain.log_rate - plain.at))
    # only blocks that can tell: near the crossing, some misses expected, not everything missing
    telling = (plain.weight > 0.3) & (expected > 1) & (expected < 0.5 * plain.n)
    variance = expected * (1 - expected / plain.n)
    phi_blocks = pearson_dispersion(plain.x[telling], expected[telling], variance[telling], parameters=2)
    near = np.abs(plain.log_rate - plain.at) < NEAR
    sizes = [size for block, is_near in zip(blocks, near, strict=True) if is_near for size in block.clusters]
    sizes = sizes or [size for block in blocks for size in block.clusters]
    seen, believed = len(sizes), PRIOR_CLUSTERS
    pooled = (cluster_dispersion(sizes) * seen + PRIOR_DISPERSION * believed) / (seen + believed)
    phi = max(1.0, phi_blocks, pooled)
    curve = _Curve.of(blocks, allowed, saturation, phi)
    threshold = _f_quantile(confidence, max(seen - 2, LEAST_FREEDOM))
    low, high = curve.bound(-1, threshold), curve.bound(+1, threshold)
    return Crossing(math.exp(curve.at), math.exp(low), math.exp(high), curve.slope, phi, seen)


@dataclass(frozen=True)
class _Curve:
    """The curve through (log_rate, x of n) that crosses `target` (a logit) at `at` (a log rate)."""

    log_rate: NDArray[np.float64]
    n: NDArray[np.float64]
    x: NDArray[np.float64]
    weight: NDArray[np.float64]
    target: float
    at: float
    ceiling: float | None
    slope: float = SLOPE_PRIOR

    @classmethod
    def of(
        cls, blocks: Sequence[Block], allowed: float, saturation: float | None, dispersion: float
    ) -> _Curve:
        rates = np.array([block.rate for block in blocks], np.float64)
        n = np.array([block.requests for block in blocks], np.float64)
        x = np.array([block.missed for block in blocks], np.float64)
        low, high = _isotonic_bracket(rates, n, x, allowed)
        center, width = math.log(low * high) / 2, max(KERNEL, math.log(high / low) / 2)
        weight = np.exp(-0.5 * ((np.log(rates) - center) / width) ** 2)
        ceiling = math.log(saturation) if saturation else None
        target = math.log(allowed / (1 - allowed))
        curve = cls(np.log(rates), n / dispersion, x / dispersion, weight, target, center, ceiling)
        return curve.moved_to_best()

    def moved_to_best(self) -> _Curve:
        """The curve of least loss, by a golden search over the crossing."""
        low, high = self.at - 0.7, self.at + 0.7
        golden = (math.sqrt(5) - 1) / 2
        a, b = high - golden * (high - low), low + golden * (high - low)
        loss_a, loss_b = self.loss_at(a), self.loss_at(b)
        while high - low > 1e-5:
            if loss_a < loss_b:
                high, b, loss_b = b, a, loss_a
                a = high - golden * (high - low)
                loss_a = self.loss_at(a)
            else:
                low, a, loss_a = a, b, loss_b
                b = low + golden * (high - low)
                loss_b = self.loss_at(b)
        at = (low + high) / 2
        return replace(self, at=at, slope=self.slope_at(at))

    def loss_at(self, at: float) -> float:
        """Negative log-likelihood at the best slope for a given crossing, with a wide prior on the slope that
        only serves where the data say nothing."""
        slope = self.slope_at(at)
        z = np.clip(self.target + slope * (self.log_rate - at), -40, 40)
        loss = float((self.weight * (self.n * np.logaddexp(0, z) - self.x * z)).sum())
        if self.ceiling is not None:
            z_there = self.target + slope * (self.ceiling - at)
            loss += ANCHOR_REQUESTS * float(np.logaddexp(0, z_there)) - ANCHOR_MISSED * z_there
        return loss + 0.5 * ((slope - SLOPE_PRIOR) / SLOPE_PRIOR_SD) ** 2

    def slope_at(self, at: float) -> float:
        """The best slope for a given crossing: Newton's method on a convex loss, kept within bounds."""
        distance = self.log_rate - at
        slope = self.slope
        for _ in range(25):
            p = _expit(self.target + slope * distance)
            gradient = float((self.weight * (self.n * p - self.x) * distance).sum())
            gradient += (slope - SLOPE_PRIOR) / SLOPE_PRIOR_SD**2
            curvature = (
                float((self.weight * self.n * p * (1 - p) * distance**2).sum()) + 1 / SLOPE_PRIOR_SD**2
            )
            moved = min(
                max(slope - float(np.clip(gradient / curvature, -15, 15)), SLOPE_FLOOR), SLOPE_CEILING
            )
            if abs(moved - slope) < 1e-6:
                return moved
            slope = moved
        return slope

    def bound(self, direction: int, threshold: float) -> float:
        """Where, below (−1) or above (+1) the crossing, the deviance rises by `threshold`."""
        least = self.loss_at(self.at)
        inside, step = self.at, 0.005
        while True:
            outside = inside + direction * step
            if abs(outside - self.at) > 1.5:
                return direction * math.inf
            if 2 * (self.loss_at(outside) - least) > threshold:
                break
            inside, step = outside, step * 1.5
        for _ in range(30):
            middle = (inside + outside) / 2
            if 2 * (self.loss_at(middle) - least) > threshold:
                outside = middle
            else:
                inside = middle
        return outside


def _isotonic_bracket(
    rates: NDArray[np.float64], n: NDArray[np.float64], x: NDArray[np.float64], allowed: float
) -> tuple[float, float]:
    """Neighbouring rates between which the share of misses, made monotone, passes what is allowed.

    Pool-adjacent-violators (Ayer et al. 1955): neighbours are pooled until the shares rise with the rate.
    """
    pools: list[list[float]] = []  # first rate, last rate, requests, misses
    for index in np.argsort(rates, kind="stable"):
        pools.append([rates[index], rates[index], n[index], x[index]])
        while len(pools) > 1 and pools[-2][3] * pools[-1][2] >= pools[-1][3] * pools[-2][2]:
            _, last, requests, missed = pools.pop()
            pools[-1][1] = last
            pools[-1][2] += requests
            pools[-1][3] += missed
    kept = [pool for pool in pools if pool[3] <= allowed * pool[2]]
    broken = [pool for pool in pools if pool[3] > allowed * pool[2]]
    low = kept[-1][1] if kept else broken[0][0] / 1.2
    high = broken[0][0] if broken else kept[-1][1] * 1.2
    return float(low), float(max(high, low * 1.001))


def _expit(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(z, -40, 40)))


def _f_quantile(confidence: float, freedom: int) -> float:
    """F(1, freedom) quantile: the square of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + confidence / 2) ** 2)
