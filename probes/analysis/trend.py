"""Trends over pairs of moments that may be compared, without any assumption on how the noise is distributed.

`pairs` is an upper triangular matrix of shape (n, n): whether moment i (earlier) and j (later) are compared.
With all pairs, `trend` is the test of Mann (1945) and Kendall (1975) and the slope of Theil (1950) with the
interval of Sen (1968); with the pairs within seasons, those of Hirsch & Slack (1982).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pairs = NDArray[np.bool_]

_Z = 1.959964
_TELLABLE = 1e-6


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The median slope with its 95 % interval, in units of y over x; the two-sided p-value of no trend."""

    slope: float
    low: float
    high: float
    p_value: float


def trend(x: Floats, y: Floats, pairs: Pairs) -> Trend:
    """The trend of y over x (shape (n,), x never falling); pairs of equal x count in the test alone.

    All slopes are 0 where no pair differs in x.
    """
    score, variance = kendall(y, pairs)
    deviation = math.sqrt(variance) if variance > 0 else 0.0
    z = max(abs(score) - 1, 0) / deviation if deviation else 0.0
    slopes = _slopes(x, y, pairs)
    if not len(slopes):
        return Trend(0.0, 0.0, 0.0, 1.0)
    slope = float(np.median(slopes))
    reach = _Z * deviation * _inflation(y - slope * x)
    below = (len(slopes) - reach) / 2
    above = (len(slopes) + reach) / 2
    return Trend(
        slope=slope,
        low=float(slopes[max(math.floor(below) - 1, 0)]),
        high=float(slopes[min(math.ceil(above), len(slopes) - 1)]),
        p_value=math.erfc(z / math.sqrt(2)),
    )


def _inflation(left: Floats) -> float:
    """By how much neighbours that resemble each other widen an interval."""
    left = left - np.median(left)
    total = float(left @ left)
    if total == 0:
        return 1.0
    alike = min(max(float(left[1:] @ left[:-1]) / total, 0.0), 0.8)
    return math.sqrt((1 + alike) / (1 - alike))


def kendall(y: Floats, pairs: Pairs) -> tuple[float, float]:
    """Kendall's score (rises less falls over the pairs), and its variance where y has no trend.

    The signs of two pairs that share a moment correlate by 1/3 where it is the earlier (later) of both, by
    -1/3 where it is the later of one and the earlier of the other. Ties are not subtracted from the variance,
    which keeps the test on the safe side.
    """
    score = float((np.sign(y[None, :] - y[:, None]) * pairs).sum())
    later, earlier = pairs.sum(axis=1).astype(float), pairs.sum(axis=0).astype(float)
    shared = later * (later - 1) / 2 + earlier * (earlier - 1) / 2 - later * earlier
    return score, float(pairs.sum() + 2 / 3 * shared.sum())


def median_slope(x: Floats, y: Floats, pairs: Pairs) -> float:
    """The median of the slopes between pairs; 0 where none differs in x."""
    slopes = _slopes(x, y, pairs)
    return float(np.median(slopes)) if len(slopes) else 0.0


def _slopes(x: Floats, y: Floats, pairs: Pairs) -> Floats:
    first, second = np.nonzero(pairs)
    run = x[second] - x[first]
    result: Floats = np.sort((y[second] - y[first])[run > 0] / run[run > 0])
    return result


def attribute(
    y: Floats, causes: tuple[Floats, Floats], pairs: Pairs, resolution: float
) -> tuple[Interval, Interval] | None:
    """How much of y one unit of each cause makes, by least squares over differences between pairs.

    Two rates are enough to tell a cause that counts (requests) from one that runs (seconds): this regresses
    slope on rate. The intervals are at 95 %, for independent noise in y, and wider by what y may be off
    (`resolution`) over the range of the cause. None where the causes always went together.
    """
    from scipy.special import stdtrit

    ranges = np.array([np.ptp(cause) for cause in causes])
    if not ranges.all():
        return None
    design = np.column_stack(causes) / ranges
    links = (pairs | pairs.T).astype(float)
    laplacian = np.diag(links.sum(axis=1)) - links
    normal = design.T @ laplacian @ design
    if np.linalg.det(normal) <= _TELLABLE * normal[0, 0] * normal[1, 1]:
        return None
    inverse = np.linalg.inv(normal)
    shares = inverse @ design.T @ laplacian @ y
    spread = design.T @ laplacian @ laplacian @ design
    left = y - design @ shares
    freedom = int(np.linalg.matrix_rank(laplacian)) - 2
    if freedom < 1:
        return None
    noise = float(left @ laplacian @ left) / float(np.trace(laplacian) - np.trace(inverse @ spread))
    errors = np.sqrt(np.maximum(noise * np.diag(inverse @ spread @ inverse), 0))
    off = _inflation(left) * errors * float(stdtrit(freedom, 0.975)) + resolution
    values, widths = shares / ranges, off / ranges
    request, second = (
        Interval(float(value), float(value - width), float(value + width))
        for value, width in zip(values, widths, strict=True)
    )
    return request, second
