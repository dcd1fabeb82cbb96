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
SLOPE_PRIOR_SD = 10.0
BELOW = 0.12
ABOVE = 0.12
"""Widths, in the logarithm of the rate, of the weight below and above the crossing: above it a queue has no steady
state, so that what is seen there tells little of where it begins."""
PRIOR_DISPERSION = 12.0
PRIOR_CLUSTERS = 4
"""What is believed of clusters before any is seen: the dispersion of M/M/1 near its capacity."""
LEAST_FREEDOM = 5
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


def fit_crossing(blocks: Sequence[Block], allowed: float, confidence: float = 0.95) -> Crossing | None:
    """The crossing of `allowed` (0 < allowed < 1), or None where no block missed or none kept the objective.

    The interval is by profile likelihood, requests and misses divided by φ, against F(1, clusters − 2);
    where the deviance never rises that far on one side, that side is 0 or infinite.
    """
    share = np.array([block.missed / block.requests for block in blocks if block.requests])
    if not (share > allowed).any() or not (share <= allowed).any():
        return None
    curve = _Curve.of(blocks, allowed)
    for _ in range(6):
        moved = curve.moved_to_best()
        settled = abs(moved.at - curve.at) < 1e-4
        curve = moved
        if settled:
            break
    expected = curve.n * _expit(curve.target + curve.slope * (curve.log_rate - curve.at))
    # only blocks that can tell: near the crossing, some misses expected, not everything missing
    telling = (curve.weight > 0.3) & (expected > 1) & (expected < 0.5 * curve.n)
    variance = expected * (1 - expected / curve.n)
    phi_blocks = pearson_dispersion(curve.x[telling], expected[telling], variance[telling], parameters=2)
    distance = curve.log_rate - curve.at
    sizes = [
        size
        for block, near in zip(blocks, np.abs(distance) < NEAR, strict=True)
        if near
        for size in block.clusters
    ]
    sizes = sizes or [size for block in blocks for size in block.clusters]
    pooled = (cluster_dispersion(sizes) * len(sizes) + PRIOR_DISPERSION * PRIOR_CLUSTERS) / (
        len(sizes) + PRIOR_CLUSTERS
    )
    phi = max(1.0, phi_blocks, pooled)
    threshold = _f_quantile(confidence, max(len(sizes) - 2, LEAST_FREEDOM))
    told = replace(curve, n=curve.n / phi, x=curve.x / phi)
    low, high = told.bound(-1, threshold), told.bound(+1, threshold)
    return Crossing(math.exp(curve.at), math.exp(low), math.exp(high), curve.slope, phi, len(sizes))


@dataclass(frozen=True)
class _Curve:
    """The curve through (log_rate, x of n) that crosses `target` (a logit) at `at` (a log rate)."""

    log_rate: NDArray[np.float64]
    n: NDArray[np.float64]
    x: NDArray[np.float64]
    target: float
    at: float
    slope: float = SLOPE_PRIOR

    @classmethod
    def of(cls, blocks: Sequence[Block], allowed: float) -> _Curve:
        rates = np.array([block.rate for block in blocks], np.float64)
        n = np.array([block.requests for block in blocks], np.float64)
        x = np.array([block.missed for block in blocks], np.float64)
        share = x / np.maximum(n, 1)
        kept, broken = rates[share <= allowed], rates[share > allowed]
        below = kept[kept <= broken.max()]
        start = math.sqrt((below.max() if len(below) else kept.max()) * broken.min())
        return cls(np.log(rates), n, x, math.log(allowed / (1 - allowed)), math.log(start))

    @property
    def weight(self) -> NDArray[np.float64]:
        """How much a block counts: the line holds only near the crossing."""
        distance = self.log_rate - self.at
        width = np.where(distance > 0, ABOVE, BELOW)
        return np.maximum(np.exp(-0.5 * (distance / width) ** 2), 1e-4)

    def moved_to_best(self) -> _Curve:
        """The curve of least loss under the present weights, by a golden search over the crossing."""
        weight = self.weight
        low, high = self.at - 0.7, self.at + 0.7
        golden = (math.sqrt(5) - 1) / 2
        a, b = high - golden * (high - low), low + golden * (high - low)
        loss_a, loss_b = self.loss_at(a, weight), self.loss_at(b, weight)
        while high - low > 1e-5:
            if loss_a < loss_b:
                high, b, loss_b = b, a, loss_a
                a = high - golden * (high - low)
                loss_a = self.loss_at(a, weight)
            else:
                low, a, loss_a = a, b, loss_b
                b = low + golden * (high - low)
                loss_b = self.loss_at(b, weight)
        at = (low + high) / 2
        return replace(self, at=at, slope=self.slope_at(at, weight))

    def loss_at(self, at: float, weight: NDArray[np.float64]) -> float:
        """Negative log-likelihood at the best slope for a given crossing, with a wide prior on the slope that
        only serves where the data say nothing."""
        slope = self.slope_at(at, weight)
        z = np.clip(self.target + slope * (self.log_rate - at), -40, 40)
        likelihood = float((weight * (self.n * np.logaddexp(0, z) - self.x * z)).sum())
        return likelihood + 0.5 * ((slope - SLOPE_PRIOR) / SLOPE_PRIOR_SD) ** 2

    def slope_at(self, at: float, weight: NDArray[np.float64]) -> float:
        """The best slope for a given crossing: Newton's method on a convex loss, kept within bounds."""
        distance = self.log_rate - at
        slope = self.slope
        for _ in range(25):
            p = _expit(self.target + slope * distance)
            gradient = float((weight * (self.n * p - self.x) * distance).sum())
            gradient += (slope - SLOPE_PRIOR) / SLOPE_PRIOR_SD**2
            curvature = float((weight * self.n * p * (1 - p) * distance**2).sum()) + 1 / SLOPE_PRIOR_SD**2
            moved = min(
                max(slope - float(np.clip(gradient / curvature, -15, 15)), SLOPE_FLOOR), SLOPE_CEILING
            )
            if abs(moved - slope) < 1e-6:
                return moved
            slope = moved
        return slope

    def bound(self, direction: int, threshold: float) -> float:
        """Where, below (−1) or above (+1) the crossing, the deviance rises by `threshold`."""
        weight = self.weight
        least = self.loss_at(self.at, weight)
        inside, step = self.at, 0.005
        while True:
            outside = inside + direction * step
            if abs(outside - self.at) > 1.5:
                return direction * math.inf
            if 2 * (self.loss_at(outside, weight) - least) > threshold:
                break
            inside, step = outside, step * 1.5
        for _ in range(30):
            middle = (inside + outside) / 2
            if 2 * (self.loss_at(middle, weight) - least) > threshold:
                outside = middle
            else:
                inside = middle
        return outside


def _expit(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(z, -40, 40)))


def _f_quantile(confidence: float, freedom: int) -> float:
    """F(1, freedom) quantile: the square of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + confidence / 2) ** 2)
