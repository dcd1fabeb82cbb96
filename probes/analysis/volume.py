"""How cost grows with the amount of data: y = a + b·f(n), and which f.

Candidates are 1, log n, n, n log n, n² and n³, each with a fixed cost a ≥ 0 beside it: a fixed cost hides the
growth of small sizes, and a straight line through logarithms then reads n² as 1.85. What varies in a cost is
a share of it, so that residuals are taken of logarithms; written y = b·(c + f(n)), b is closed-form and only
c has to be searched for. The law is named by AICc (Hurvich & Tsai 1989), and only where the next candidate is
10 or more behind: "essentially no support" (Burnham & Anderson 2002). Otherwise the data lie between two.
A constant is part of every other candidate, so that none of them ever falls 10 behind it: cost is called
constant where no candidate is 10 ahead of that and its change over all sizes is shown to be below a tenth,
with 95 % confidence in either direction (Schuirmann's two one-sided tests on the slope of logarithms).
Beside it stands the exponent k of y = a + b·nᵏ, with its 95 % interval from the likelihood's profile.

Six sizes at least, and a law is named only over two decades of them: less cannot tell n from n log n,
whatever the fit says, and then the two best candidates are given and the exponent with its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LAWS = ("1", "log n", "n", "n log n", "n^2", "n^3")
LEAST_SIZES = 6
LEAST_SPAN = 100.0
DECIDED = 10.0
"""AICc by which the runner-up has to be worse."""

FLAT = 0.10
"""Cost that changes by less than this share over all sizes is constant."""

SMALL_GROWTH_BYTES, SMALL_GROWTH_SHARE = 5e6, 0.01
"""Memory that grows less over all sizes is flat, by the rule for leaks."""

_EXPONENTS = np.arange(1, 201) / 50
_OFFSETS = np.concatenate([[0.0], np.logspace(-9, 5, 281)])
"""Fixed costs tried, as multiples of what the largest size adds."""
_EXACT = 1e-9
"""Residuals of logarithms below this are rounding, not noise: costs are given to some nine digits."""


@dataclass(frozen=True, slots=True)
class Volume:
    """What cost does as size grows.

    `law` is one of `LAWS`; None where it is refused or lies between the two of `between`. `exponent` with its
    95 % interval is of a + b·nᵏ; the ends of the interval are None where it is open (0 to 4 are tried).
    """

    law: str | None
    exponent: float | None
    low: float | None
    high: float | None
    points: tuple[tuple[float, float], ...]
    between: tuple[str, str] | None = None
    refused: str | None = None
    ahead: float | None = None
    """By how much AICc prefers the law, or the first of the two, to the next."""

    def to_json(self, axis: str | None = None) -> dict[str, Any]:
        """CONTRACT's `volume` object."""
        document: dict[str, Any] = {} if axis is None else {"axis": axis}
        document["law"] = "between" if self.between else self.law
        for name in ("exponent", "low", "high", "ahead"):
            value = getattr(self, name)
            document[name] = None if value is None else round(value, 4)
        if self.between:
            document["between"] = list(self.between)
        document["points"] = [{"size": size, "cost": cost} for size, cost in self.points]
        document["refused"] = self.refused
        return document


def check_sizes(sizes: Sequence[float]) -> str | None:
    """Why sizes cannot tell a law, before anything is measured; None where they can."""
    distinct = sorted(set(sizes))
    if any(not math.isfinite(size) or size < 1 for size in distinct):
        return "sizes count from 1: give them in smaller units, bytes rather than kB"
    if len(distinct) < LEAST_SIZES:
        return f"{len(distinct)} different sizes cannot tell a law: give at least {LEAST_SIZES}"
    return None


def fit_volume(sizes: ArrayLike, costs: ArrayLike) -> Volume:
    """The law of costs (any unit, over 0) by sizes (from 1 up), several costs of a size allowed.

    Raises `ValueError` for arrays of different lengths and for costs that are not over 0.
    """
    n, y = np.asarray(sizes, np.float64), np.asarray(costs, np.float64)
    if n.shape != y.shape or n.ndim != 1:
        raise ValueError("each size needs one cost")
    if not (np.isfinite(y) & (y > 0)).all():
        raise ValueError("a cost has to be over 0: growth is told by ratios")
    order = np.argsort(n, kind="stable")
    n, y = n[order], y[order]
    points = tuple(zip(n.tolist(), y.tolist(), strict=True))
    why = check_sizes(n.tolist())
    if why is not None:
        return Volume(None, None, None, None, points, refused=why)
    log_y = np.log(y)
    scores = sorted((_aicc(law, n, log_y), law) for law in LAWS)
    (best, law), (second, other) = scores[:2]
    least, most = _change(n, log_y)
    if next(score for score, name in scores if name == "1") < best + DECIDED:
        if -math.log1p(FLAT) < least and most < math.log1p(FLAT):
            return Volume("1", 0.0, None, None, points)
        if most < 0:
            text = f"cost falls by {-math.expm1(most):.0%} or more from the smallest size to the largest"
            return Volume(None, None, None, None, points, refused=text)
    exponent, low, high = _exponent(n, log_y)
    if second - best < DECIDED or n[-1] < LEAST_SPAN * n[0]:
        return Volume(None, exponent, low, high, points, between=(law, other), ahead=second - best)
    return Volume(law, exponent, low, high, points, ahead=second - best)


def _change(n: Floats, log_y: Floats) -> tuple[float, float]:
    """By how much the logarithm of cost changes over all sizes, along a straight line in the logarithm of the
    size: both one-sided 95 % bounds."""
    from scipy.special import stdtrit

    x = np.log(n) - np.log(n).mean()
    slope = float((x * log_y).sum() / (x**2).sum())
    rest = log_y - log_y.mean() - slope * x
    error = math.sqrt(max(float((rest**2).sum()), 0.0) / (len(n) - 2) / float((x**2).sum()))
    reach = error * float(stdtrit(len(n) - 2, 0.95))
    span = float(x[-1] - x[0])
    return (slope - reach) * span, (slope + reach) * span


def _growth(law: str, n: Floats) -> Floats:
    return {
        "log n": np.log(n),
        "n": n,
        "n log n": n * np.log(n),
        "n^2": n**2,
        "n^3": n**3,
    }[law]


def _aicc(law: str, n: Floats, log_y: Floats) -> float:
    """Akaike's criterion, corrected for few points; parameters are those of the curve and the variance."""
    count = len(n)
    if law == "1":
        parameters, squares = 2, float(((log_y - log_y.mean()) ** 2).sum())
    else:
        parameters, squares = 3, _least_squares(_growth(law, n), log_y)
    squares = max(squares, count * _EXACT**2)
    return count * math.log(squares / count) + 2 * parameters * count / (count - parameters - 1)


def _squares(growth: Floats, log_y: Floats, offsets: Floats) -> Floats:
    """Sums of squared residuals of log y = log b + log(c + f), one a c, b being the best for it."""
    with np.errstate(divide="ignore"):
        residuals = log_y - np.log(offsets[:, None] + growth / growth[-1])
    with np.errstate(invalid="ignore"):  # -inf where c + f is 0: such a curve passes through no cost
        squares = ((residuals - residuals.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return np.where(np.isfinite(squares), squares, np.inf)


def _least_squares(growth: Floats, log_y: Floats) -> float:
    from scipy.optimize import minimize_scalar

    found = _squares(growth, log_y, _OFFSETS)
    at = int(np.argmin(found))
    lowest = _OFFSETS[max(at - 1, 0)]
    highest = _OFFSETS[min(at + 1, len(_OFFSETS) - 1)]
    refined = minimize_scalar(
        lambda offset: float(_squares(growth, log_y, np.array([offset]))[0]),
        bounds=(lowest, highest),
        method="bounded",
        options={"xatol": 1e-12 * max(highest, 1e-9)},
    )
    return min(float(found[at]), float(refined.fun))


def _exponent(n: Floats, log_y: Floats) -> tuple[float, float | None, float | None]:
    from scipy.special import fdtri

    profile = np.array([_squares(n**k, log_y, _OFFSETS).min() for k in _EXPONENTS])
    best = int(np.argmin(profile))
    freedom = max(len(n) - 3, 1)
    floor = max(float(profile[best]), len(n) * _EXACT**2)
    within = np.flatnonzero(profile <= floor * (1 + float(fdtri(1, freedom, 0.95)) / freedom))
    # the ends lie between two exponents that were tried: the outer one is taken
    low = float(_EXPONENTS[within[0] - 1]) if within[0] > 0 else None
    high = float(_EXPONENTS[within[-1] + 1]) if within[-1] < len(_EXPONENTS) - 1 else None
    return float(_EXPONENTS[best]), low, high


def memory_by_size(peaks: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """Bytes that one more unit of size takes: the slope of peak memory (bytes) on size, by least squares.

    With its 95 % interval (Student's t). Growing only where the lower end is over 0 and the growth over all
    sizes over 1 % of the memory and 5 MB; `insufficient` under `LEAST_SIZES` sizes.
    """
    if len(peaks) < LEAST_SIZES:
        return {"verdict": "insufficient", "because": f"the memory of {len(peaks)} sizes is known"}
    slope, low, high = _slope([size for size, _ in peaks], [peak for _, peak in peaks])
    span = peaks[-1][0] - peaks[0][0]
    least = max(SMALL_GROWTH_BYTES, SMALL_GROWTH_SHARE * peaks[0][1])
    verdict: Literal["growing", "flat"] = "growing" if low > 0 and slope * span > least else "flat"
    if verdict == "flat":
        return {
            "verdict": verdict,
            "because": f"less than {least / 1e6:.3g} MB over all sizes, or not surely",
        }
    return {"verdict": verdict} | {
        name: round(value, 3) for name, value in (("bytes_per_unit", slope), ("low", low), ("high", high))
    }


def _slope(x: ArrayLike, y: ArrayLike) -> tuple[float, float, float]:
    from scipy.special import stdtrit
    from scipy.stats import linregress

    found = linregress(np.asarray(x, np.float64), np.asarray(y, np.float64))
    reach = float(found.stderr) * float(stdtrit(len(np.asarray(x)) - 2, 0.975))
    return float(found.slope), float(found.slope) - reach, float(found.slope) + reach
