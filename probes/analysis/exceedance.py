"""Where a share of exceedances crosses what is allowed: one monotone curve through blocks at many rates.

logit P(a request misses its objective) = logit q + b · ln(rate / crossing), fitted to blocks of (n requests,
x misses) by quasi-binomial likelihood (McCullagh & Nelder 1989, §4.5). Misses come in clusters, so that n
requests tell less than n independent ones; the variance is multiplied by the dispersion φ, the largest of
Pearson's χ²/df over blocks and over steps, and Σs²/Σs over the sizes s of clusters of misses. Blocks far from
the crossing get little weight, because the line is only local.

Where the misses tell little, two things that are known of any queue tell something: at an arrival rate equal
to the highest throughput it only grows, so that from the crossing to there the share of misses rises to about
a half; and in heavy traffic waits are exponential (`expected_crossing`). Both are weak beliefs, which misses
outweigh.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CONFIDENCE, SURELY = 0.95, 0.98
KERNEL = 0.12
"""Least width, in the logarithm of the rate, of the weight around the crossing: the line holds locally."""
PRIOR_DISPERSION = 12.0
PRIOR_CLUSTERS = 4
"""What is believed of clusters before any is seen: the dispersion of M/M/1 near its capacity."""
LEAST_FREEDOM = 5
SLOPES = np.geomspace(0.5, 300.0, 48)
SLOPE_SPREAD = 0.8
"""Standard deviation of the logarithm of the slope around that of a line that rises to ½ at saturation."""
LEAST_GAP = 0.02
LEAST_RISE = 1.0
"""From the crossing to saturation the logit rises so much at least, whatever share is allowed."""
LEAST_SPREAD = 0.08
GAP_SPREAD = 0.8
"""Scale of the belief in the expected crossing, as a share of its distance from saturation, in logarithms."""
GRID_STEP = 0.006
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
    """The rate at which the share of misses reaches what is allowed, with its interval of 95 %.

    `surely` is the interval of 98 %, for whoever looks again and again until it is narrow.
    """

    rate: float
    low: float
    high: float
    surely: tuple[float, float]
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


def expected_crossing(
    saturation: float, variability: float, service_s: float, limit_s: float, allowed: float
) -> float:
    """The rate at which a queue of that `saturation` and squared coefficient of variation of the service time
    would miss `limit_s` with the share `allowed`: P(wait > t) ≈ exp(−2t(C − rate)/(1 + cv²)) for Poisson
    arrivals in heavy traffic (J. F. C. Kingman, The single server queue in heavy traffic, 1961; for several
    servers J. Köllerström 1974). At least a fifth of saturation: with so much room nothing is known.
    """
    wait_s = limit_s - service_s
    if not 0 < wait_s < math.inf:
        return saturation
    return max(saturation - math.log(1 / allowed) * (1 + variability) / (2 * wait_s), 0.2 * saturation)


def fit_crossing(
    blocks: Sequence[Block],
    allowed: float,
    saturation: float | None = None,
    expected: float | None = None,
) -> Crossing | None:
    """The crossing of `allowed` (0 < allowed < 1), or None where the blocks and what is expected say nothing.

    Without `saturation` and `expected` some block must have missed more than allowed and some not more. The
    interval is by profile likelihood, requests and misses divided by φ, against F(1, clusters − 2).
    """
    blocks = [block for block in blocks if block.requests]
    share = np.array([block.missed / block.requests for block in blocks])
    bracketed = bool((share > allowed).any() and (share <= allowed).any())
    if not blocks or (not bracketed and (saturation is None or expected is None)):
        return None
    curve = _Curve.of(blocks, allowed, saturation, expected)
    steps = curve.by_rate()
    at, slope = steps.best(1.0)
    sizes = [
        size for block in blocks if abs(math.log(block.rate) - at) < NEAR for size in block.clusters
    ] or [size for block in blocks for size in block.clusters]
    seen, believed = len(sizes), PRIOR_CLUSTERS
    pooled = (cluster_dispersion(sizes) * seen + PRIOR_DISPERSION * believed) / (seen + believed)
    phi = max(1.0, pooled, curve.dispersion(at, slope), steps.dispersion(at, slope))
    at, slope = steps.best(phi)
    freedom = max(seen - 2, LEAST_FREEDOM)
    low, high = steps.interval(phi, _f_quantile(CONFIDENCE, freedom))
    surely = steps.interval(phi, _f_quantile(SURELY, freedom))
    return Crossing(math.exp(at), low, high, surely, slope, phi, seen)


@dataclass(frozen=True)
class _Curve:
    """Every curve through (log_rate, x of n) that crosses `at` some log rates with one of `SLOPES`."""

    log_rate: NDArray[np.float64]
    n: NDArray[np.float64]
    x: NDArray[np.float64]
    weight: NDArray[np.float64]
    target: float
    at: NDArray[np.float64]
    saturation: float | None
    expected: float | None

    @classmethod
    def of(
        cls,
        blocks: Sequence[Block],
        allowed: float,
        saturation: float | None,
        expected: float | None,
    ) -> _Curve:
        rates = np.array([block.rate for block in blocks], np.float64)
        n = np.array([block.requests for block in blocks], np.float64)
        x = np.array([block.missed for block in blocks], np.float64)
        low, high = _isotonic_bracket(rates, n, x, allowed)
        center, width = math.log(low * high) / 2, max(KERNEL, math.log(high / low) / 2)
        weight = np.exp(-0.5 * ((np.log(rates) - center) / width) ** 2)
        reach = max(0.7, 2 * width)
        at = np.arange(center - 1.6 - reach, center + reach, GRID_STEP)
        target = math.log(allowed / (1 - allowed))
        ceiling = math.log(saturation) if saturation else None
        believed = math.log(expected) if expected else None
        return cls(np.log(rates), n, x, weight, target, at, ceiling, believed)

    def by_rate(self) -> _Curve:
        """Blocks at one rate taken together: what is alike within a step tells as one."""
        rates, index = np.unique(self.log_rate, return_inverse=True)
        count = np.bincount(index)
        return replace(
            self,
            log_rate=rates,
            n=np.bincount(index, self.n).astype(np.float64),
            x=np.bincount(index, self.x).astype(np.float64),
            weight=np.bincount(index, self.weight) / count,
        )

    @cached_property
    def _evidence(self) -> NDArray[np.float64]:
        """Negative log-likelihood of independent requests, (crossings, slopes)."""
        z = self.target + SLOPES[None, :, None] * (self.log_rate - self.at[:, None, None])
        np.clip(z, -40, 40, out=z)
        loss: NDArray[np.float64] = np.logaddexp(0, z) @ (self.weight * self.n) - z @ (self.weight * self.x)
        return loss

    @cached_property
    def _belief(self) -> NDArray[np.float64]:
        """What is held against slopes and crossings before any evidence, (crossings, slopes)."""
        held = np.zeros((len(self.at), len(SLOPES)))
        if self.saturation is None:
            return held
        likely = max(-self.target, LEAST_RISE) / np.maximum(self.saturation - self.at, LEAST_GAP)
        held += 0.5 * (np.log(SLOPES[None, :] / likely[:, None]) / SLOPE_SPREAD) ** 2
        if self.expected is not None:
            scale = max(LEAST_SPREAD, GAP_SPREAD * (self.saturation - self.expected))
            held += np.log1p(((self.at - self.expected) / scale) ** 2)[:, None]
        return held

    def _loss(self, phi: float) -> NDArray[np.float64]:
        return self._evidence / phi + self._belief

    def best(self, phi: float) -> tuple[float, float]:
        """(log of the crossing, slope) of least loss."""
        loss = self._loss(phi)
        at, slope = np.unravel_index(int(loss.argmin()), loss.shape)
        return float(self.at[at]), float(SLOPES[slope])

    def interval(self, phi: float, threshold: float) -> tuple[float, float]:
        """The rates of crossings whose deviance, at their best slope, is within `threshold`."""
        profile = self._loss(phi).min(axis=1)
        within = np.flatnonzero(2 * (profile - profile.min()) <= threshold)
        low, high = float(self.at[within[0]]) - GRID_STEP, float(self.at[within[-1]]) + GRID_STEP
        return math.exp(low), math.exp(high)

    def dispersion(self, at: float, slope: float) -> float:
        """Pearson's, over those that can tell: near the crossing, some misses expected, not all missing."""
        share = _expit(self.target + slope * (self.log_rate - at))
        expected = self.n * share
        telling = (self.weight > 0.3) & (expected > 1) & (share < 0.5)
        variance = expected * (1 - share)
        return pearson_dispersion(self.x[telling], expected[telling], variance[telling], parameters=2)


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
