"""Whether a bound on a percentile is proven by the requests there were, and how many more it would take.

By the exact binomial rule of MLPerf's early stopping (`probes.analysis.percentiles.early_stopping_requests`)
at 99 %. It assumes that requests miss the bound independently. They do not: misses come in clusters, and n
requests then tell no more than n over their dispersion, the variance of the count of misses over its mean
(Cox & Lewis 1966), here over blocks of requests in the order in which they were due.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.analysis.percentiles import early_stopping_requests

CONFIDENCE = 0.99
LEAST_BLOCKS = 10
MOST_OVER = 3_000
"""With more misses still allowed for, so many requests are wanted that none is named."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A bound on a percentile against `requests`, of which `over` missed it.

    `proven` at `confidence`. `more_requests` is how many more would prove it, if the share of misses stays;
    0 when proven, None where no number would: too many miss it, or the share is too near to what is allowed.
    """

    name: str
    limit_ms: float
    requests: int
    over: int
    dispersion: float
    proven: bool
    more_requests: int | None

    def to_json(self) -> dict[str, Any]:
        """An entry of `steps[].proof`."""
        return {
            "metric": self.name,
            "limit_ms": self.limit_ms,
            "requests": self.requests,
            "over": self.over,
            "dispersion": round(self.dispersion, 3),
            "confidence": CONFIDENCE,
            "proven": self.proven,
            "more_requests_needed": self.more_requests,
        }


def prove(times_ms: NDArray[np.float64], name: str, q: float, limit_ms: float) -> Proof:
    """Holds times (ms), in the order in which they were due, against `limit_ms` for the q-quantile."""
    missed = times_ms > limit_ms
    n, over = len(missed), int(missed.sum())
    spread = dispersion(missed)
    effective, counted = n / spread, math.ceil(over / spread)
    proven = n > 0 and effective >= early_stopping_requests(q, counted, CONFIDENCE)
    more = 0 if proven else _more(n, over, spread, q)
    return Proof(name, limit_ms, n, over, spread, proven, more)


def dispersion(missed: NDArray[np.bool_]) -> float:
    """Variance over mean of the count of misses in blocks, at least 1; 1 from fewer than two misses.

    Some √n blocks of equal length, at least `LEAST_BLOCKS`.
    """
    over, n = int(missed.sum()), len(missed)
    blocks = max(LEAST_BLOCKS, math.isqrt(n))
    size = n // blocks
    if over < 2 or size < 1:
        return 1.0
    counts = missed[: size * blocks].reshape(blocks, size).sum(axis=1)
    mean = float(counts.mean())
    share = mean / size  # a count that is all misses varies no more: held against a binomial's variance
    expected = mean * (1 - share)
    return max(1.0, float(counts.var(ddof=1)) / expected) if expected > 0 else 1.0


def _more(n: int, over: int, spread: float, q: float) -> int | None:
    share = over / n if n else 0.0
    if share >= 1 - q:
        return None
    for allowed in range(MOST_OVER):
        needed = early_stopping_requests(q, allowed, CONFIDENCE)
        if share * needed <= allowed:
            return max(1, math.ceil(needed * spread) - n)
    return None
