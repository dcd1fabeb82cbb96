"""The Universal Scalability Law: throughput X as a function of concurrency N.

    X(N) = λN / (1 + σ(N - 1) + κN(N - 1))          N* = √((1 - σ)/κ)

λ is the throughput of one caller, σ what they wait for each other (contention), κ what it costs them to
agree (coherency), N* the concurrency of the highest throughput (Gunther, Guerrilla Capacity Planning, 2007,
chapter 4; λ as a third parameter as in Schwartz, Practical Scalability Analysis, 2015, and R's `usl`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

FEWEST_LEVELS = 6
SMALLEST_SPAN = 8.0
SMALLEST_R_SQUARED = 0.9
LARGEST_EFFICIENCY = 1.1
LARGEST_HALF_WIDTH = 0.25
REACH = 2.0
"""Nothing is said of concurrencies beyond this many times the largest one measured."""

_NO_COHERENCY = 1e-9
_TAIL = 0.025
_FLAT = 1.15


@dataclass(frozen=True, slots=True)
class Coefficients:
    """λ in the unit of the throughput, σ and κ plain, and where the peak lies, if there is one."""

    lambda_: float
    sigma: float
    kappa: float
    peak_concurrency: float | None

    def to_json(self) -> dict[str, float]:
        """By the names of CONTRACT's `scalability` object; a peak that is not there is left out."""
        document = {"lambda": self.lambda_, "sigma": self.sigma, "kappa": self.kappa}
        return (
            document
            if self.peak_concurrency is None
            else document | {"peak_concurrency": self.peak_concurrency}
        )


@dataclass(frozen=True, slots=True)
class Scalability:
    """A fitted law with its 95 % interval, or the sentence why there is none.

    `fitted`, `low` and `high` are None exactly when `refused` is a sentence. `peak_refused` says why a fitted
    law has no peak. `r_squared` is the share of the variation in throughput that it explains.
    """

    fitted: Coefficients | None
    low: Coefficients | None
    high: Coefficients | None
    refused: str | None
    peak_refused: str | None
    r_squared: float | None
    largest_concurrency: float
    variant: str = "3-parameter"

    def throughput(self, concurrency: float) -> float:
        """X at a concurrency, in the unit of the fitted throughput.

        Raises `ValueError` when the law was refused, or beyond twice the largest concurrency measured.
        """
        if self.fitted is None:
            raise ValueError(f"no law was fitted: {self.refused}")
        if not 0 <= concurrency <= REACH * self.largest_concurrency:
            raise ValueError(
                f"nothing is known of N = {concurrency:g}: "
                f"the largest measured is {self.largest_concurrency:g}"
            )
        law = np.array([self.fitted.lambda_, self.fitted.sigma, self.fitted.kappa])
        return float(_throughput(law, np.array([concurrency], np.float64))[0])

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's `scalability` object; what was refused is left out, `peak_refused` stands beside it."""
        document: dict[str, Any] = {"variant": self.variant}
        if self.fitted is not None and self.low is not None and self.high is not None:
            document |= self.fitted.to_json()
            document |= {"low": self.low.to_json(), "high": self.high.to_json()}
        return document | {"refused": self.refused, "peak_refused": self.peak_refused}


def fit_scalability(
    concurrency: ArrayLike, throughput: ArrayLike, *, seed: int = 1, replicates: int = 200
) -> Scalability:
    """Fits the law to throughput (any unit) measured at concurrencies; both of shape (n,), in any order.

    Bounded least squares from four starts; runs at the same concurrency are averaged, and weighted by
    1/standard error where every concurrency was measured more than once. The interval is a 95 % residual
    bootstrap of `replicates` fits with its own generator, so that the same seed gives the same interval:
    residuals are resampled in units of √X, as the throughput of a step is a count, and stretched by
    √(n/(n - 3)) · t(.975, n - 3)/1.96 for the few points they come from. Plainly resampled residuals of six
    points cover the truth in 25 to 85 % of cases. These cover it in 86 to 99 % of six or eight points where
    κ > 0; where κ = 0, σ in 74 to 93 % (simulated with constant, √X and proportional noise of 1 to 2 %).

    Refused: fewer than 6 different concurrencies, or spanning less than a factor of 8; throughput per caller
    more than 1.1 times that of the fewest callers or of the fit; R² below 0.9; λ uncertain by more than 25 %.
    The peak alone is refused when over 2.5 % of the replicates have none, or when its upper bound lies beyond
    twice the largest concurrency. Raises `ValueError` for arrays that do not match, concurrencies that are
    not positive, or throughput that is negative, nowhere positive or not finite.
    """
    levels, rates, unit = _levels(*_columns(concurrency, throughput))

    def refusal(reason: str, r_squared: float | None = None) -> Scalability:
        return Scalability(None, None, None, reason, None, r_squared, float(levels[-1]))

    reason = _unfit(levels, rates)
    if reason:
        return refusal(reason)
    law = _best_fit(levels, rates, unit)
    fitted = _throughput(law, levels)
    spread = float(((rates - rates.mean()) ** 2).sum())
    r_squared = 1 - float(((rates - fitted) ** 2).sum()) / spread if spread else 0.0
    reason = _misfit(levels, rates, law, r_squared)
    if reason:
        return refusal(reason, r_squared)
    random = np.random.default_rng(seed)
    laws = _bootstrap(levels, rates, unit, law, random=random, replicates=replicates)
    peaks = _peaks(laws)
    peak = float(_peaks(law[None, :])[0])
    estimates = np.column_stack([laws, peaks])
    low, high = _bounds(estimates, np.append(law, peak))
    half_width = (high[0] - low[0]) / 2 / law[0]
    if half_width > LARGEST_HALF_WIDTH:
        return refusal(
            f"the throughput of one caller is known only within ±{half_width:.0%} "
            f"({LARGEST_HALF_WIDTH:.0%} is the most allowed): measure longer, or at more concurrencies",
            r_squared,
        )
    peak_refused = None
    if (laws[:, 2] < _NO_COHERENCY).mean() > _TAIL or high[3] > REACH * levels[-1]:
        peak_refused = (
            f"no peak up to N = {levels[-1]:g}: the highest throughput is at least {rates.max():.4g}"
        )

    def coefficients(values: Floats) -> Coefficients:
        lambda_, sigma, kappa, at = (float(value) for value in values)
        return Coefficients(lambda_, sigma, kappa, None if peak_refused else at)

    return Scalability(
        fitted=coefficients(np.append(law, peak)),
        low=coefficients(low),
        high=coefficients(high),
        refused=None,
        peak_refused=peak_refused,
        r_squared=r_squared,
        largest_concurrency=float(levels[-1]),
    )


def fit_law(concurrency: ArrayLike, throughput: ArrayLike) -> tuple[float, float, float]:
    """λ, σ, κ of the best fit alone: no interval, and no refusal to guard it. For checks against other tools.

    Takes the columns of `fit_scalability` and raises the same `ValueError`.
    """
    lambda_, sigma, kappa = (
        float(value) for value in _best_fit(*_levels(*_columns(concurrency, throughput)))
    )
    return lambda_, sigma, kappa


def _columns(concurrency: ArrayLike, throughput: ArrayLike) -> tuple[Floats, Floats]:
    callers, measured = np.asarray(concurrency, np.float64), np.asarray(throughput, np.float64)
    if callers.shape != measured.shape or callers.ndim != 1 or not len(callers):
        raise ValueError("concurrency and throughput must be two columns of the same length")
    if not (np.isfinite(callers).all() and (callers > 0).all()):
        raise ValueError("every concurrency must be a number over 0")
    if not (np.isfinite(measured).all() and (measured >= 0).all() and (measured > 0).any()):
        raise ValueError("every throughput must be a number of at least 0, and one of them over 0")
    return callers, measured


def _throughput(law: Floats, levels: Floats) -> Floats:
    lambda_, sigma, kappa = law
    result: Floats = lambda_ * levels / (1 + sigma * (levels - 1) + kappa * levels * (levels - 1))
    return result


def _peaks(laws: Floats) -> Floats:
    """The concurrency of highest throughput of each law; infinite where κ is none. Laws have shape (n, 3)."""
    sigma, kappa = laws[:, 1], np.maximum(laws[:, 2], _NO_COHERENCY)
    peaks = np.maximum(np.sqrt(np.maximum(1 - sigma, 0) / kappa), 1)
    return np.where(laws[:, 2] < _NO_COHERENCY, np.inf, peaks)


def _levels(callers: Floats, measured: Floats) -> tuple[Floats, Floats, Floats]:
    """Each different concurrency once, rising; its mean throughput; and what its residual is measured in.

    The unit is the highest throughput, or the standard error where every concurrency was repeated. Half of
    each variance is pooled over all (as a share of the throughput): two runs that agree by chance must not
    outweigh all the others.
    """
    levels, place = np.unique(callers, return_inverse=True)
    runs = np.bincount(place)
    rates = np.bincount(place, measured) / runs
    unit = np.full(len(levels), rates.max())
    if runs.min() >= 2 and rates.min() > 0:
        squares = np.bincount(place, (measured / rates[place] - 1) ** 2)
        pooled = squares.sum() / (runs - 1).sum()
        error = np.sqrt((squares / (runs - 1) + pooled) / 2 / runs) * rates
        if pooled > 0:
            unit *= error / error.mean()
    return levels, rates, unit


def _unfit(levels: Floats, rates: Floats) -> str | None:
    """Why these measurements cannot carry a law, whatever the fit; None if they can."""
    if len(levels) < FEWEST_LEVELS:
        return f"the law needs at least {FEWEST_LEVELS} different concurrencies, and there are {len(levels)}"
    span = levels[-1] / levels[0]
    if span < SMALLEST_SPAN:
        return (
            f"the largest concurrency is only {span:.3g} times the smallest, "
            f"and the law needs at least {SMALLEST_SPAN:g} times"
        )
    if rates[0] > 0:
        efficiency = rates / levels / (rates[0] / levels[0])
        best = int(np.argmax(efficiency))
        if efficiency[best] > LARGEST_EFFICIENCY:
            return (
                f"throughput per caller at N = {levels[best]:g} is {efficiency[best]:.2f} times that at "
                f"N = {levels[0]:g}: it grows faster than the callers, which the law cannot describe"
            )
    return None


def _misfit(levels: Floats, rates: Floats, law: Floats, r_squared: float) -> str | None:
    """Why the fitted law does not describe the measurements; None if it does."""
    if r_squared < SMALLEST_R_SQUARED:
        if rates.min() > 0 and rates.max() / rates.min() < _FLAT:
            return (
                f"throughput is the same from N = {levels[0]:g} to N = {levels[-1]:g} ({rates.min():.4g} to "
                f"{rates.max():.4g}): saturated from the start, so that there is no growth to fit"
            )
        return (
            f"the law explains only {max(r_squared, 0):.0%} of the variation in throughput "
            f"(at least {SMALLEST_R_SQUARED:.0%} is needed)"
        )
    efficiency = rates / levels / law[0] if law[0] > 0 else np.full(len(levels), np.inf)
    best = int(np.argmax(efficiency))
    if efficiency[best] > LARGEST_EFFICIENCY:
        return (
            f"throughput per caller at N = {levels[best]:g} is {efficiency[best]:.2f} times what the law "
            "gives a single caller: the law does not describe these measurements"
        )
    return None


def _best_fit(levels: Floats, rates: Floats, unit: Floats) -> Floats:
    """λ, σ, κ of the best of four fits, which start from a little to almost nothing but contention."""
    lambda_, square = float((rates / levels).max()), float(levels[-1]) ** 2
    fit = _fitter(levels, unit, lambda_)
    starts = [(0.01, 0.01), (0.1, 0.1), (0.5, 1.0), (0.9, 0.01)]
    fits = [fit(rates, np.array([lambda_, sigma, kappa / square]), 1e-12) for sigma, kappa in starts]
    return min(fits, key=lambda found: found[1])[0]


def _fitter(
    levels: Floats, unit: Floats, lambda_: float
) -> Callable[[Floats, Floats, float], tuple[Floats, float]]:
    """A function of rates, start and tolerance that gives the law and its cost (half the sum of squares).

    Inside, λ is a multiple of `lambda_` and κ of 1/max(N)², so that all three are of the order of 1.
    """
    from scipy.optimize import least_squares

    square = float(levels[-1]) ** 2
    scale = np.array([lambda_, 1.0, 1 / square])
    upper = np.array([np.inf, 1.0, square])
    contention, coherency = levels - 1, levels * (levels - 1) / square

    def fit(rates: Floats, start: Floats, tolerance: float) -> tuple[Floats, float]:
        def residuals(law: Floats) -> Floats:
            slowdown = 1 + law[1] * contention + law[2] * coherency
            result: Floats = (law[0] * lambda_ * levels / slowdown - rates) / unit
            return result

        def jacobian(law: Floats) -> Floats:
            slowdown = 1 + law[1] * contention + law[2] * coherency
            by_lambda = lambda_ * levels / slowdown / unit
            by_slowdown = -law[0] * by_lambda / slowdown
            return np.column_stack([by_lambda, by_slowdown * contention, by_slowdown * coherency])

        found = least_squares(
            residuals,
            np.clip(start / scale, 0, upper),
            jacobian,
            bounds=(np.zeros(3), upper),
            method="trf",  # dogbox sticks to κ = 0 where N spans more than two decades
            x_scale="jac",
            ftol=tolerance,
            xtol=tolerance,
            gtol=tolerance,
        )
        # an interior method only comes near a bound: what is near it by a billionth lies on it
        return np.where(found.x < _NO_COHERENCY, 0, found.x) * scale, float(found.cost)

    return fit


def _bootstrap(
    levels: Floats, rates: Floats, unit: Floats, law: Floats, *, random: np.random.Generator, replicates: int
) -> Floats:
    """The laws fitted to resampled residuals, of shape (replicates, 3)."""
    from scipy.special import stdtrit

    fitted = _throughput(law, levels)
    noise = np.sqrt(fitted) if np.ptp(unit) == 0 else unit
    residuals = (rates - fitted) / noise
    spare = len(levels) - 3
    stretch = math.sqrt(len(levels) / spare) * float(stdtrit(spare, 1 - _TAIL)) / 1.959964
    residuals = (residuals - residuals.mean()) * stretch
    draws = random.integers(0, len(levels), (replicates, len(levels)))
    fit = _fitter(levels, unit, float(law[0]))
    return np.array([fit(np.maximum(fitted + noise * residuals[draw], 0), law, 1e-8)[0] for draw in draws])


def _bounds(estimates: Floats, estimate: Floats) -> tuple[Floats, Floats]:
    """The 95 % percentile interval of each column, never without the estimate itself."""
    ordered = np.sort(estimates, axis=0)
    cut = max(int(_TAIL * (len(ordered) + 1)) - 1, 0)
    return np.minimum(ordered[cut], estimate), np.maximum(ordered[len(ordered) - 1 - cut], estimate)
