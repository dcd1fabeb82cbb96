"""Many durations: kept one by one up to a million, counted in a histogram of at most 0.1 % error beyond."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from probes.analysis.percentiles import latency_summary, latency_summary_from_histogram, rank_of
from probes.load.histogram import Histogram

EXACT = 1_000_000
"""So many are kept as they are; of more, the percentiles come from the histogram, maximum and mean do not."""


class Durations:
    """Durations in ns, in no particular order. Memory does not grow beyond that of `EXACT` of them."""

    def __init__(self, values: NDArray[np.int64] | None = None) -> None:
        self._parts: list[NDArray[np.int64]] = []
        self._counted: Histogram | None = None
        self._n = 0
        self._sum = 0.0
        self._max = 0
        if values is not None:
            self.add(values)

    def add(self, values: NDArray[np.int64]) -> None:
        """Takes more durations (ns) in; they must not be changed afterwards."""
        if not len(values):
            return
        self._n += len(values)
        self._sum += float(values.sum(dtype=np.float64))
        self._max = max(self._max, int(values.max()))
        if self._counted is None and self._n <= EXACT:
            self._parts.append(values)
            return
        if self._counted is None:
            self._counted = Histogram.merged(Histogram.of(part) for part in self._parts)
            self._parts = []
        self._counted.counts += Histogram.of(values).counts

    def __len__(self) -> int:
        return self._n

    @property
    def values(self) -> NDArray[np.int64]:
        """All of them, in the order in which they came. Raises `ValueError` when they are too many."""
        if self._counted is not None:
            raise ValueError(f"{self._n} durations are counted and no longer kept")
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0] if self._parts else np.zeros(0, np.int64)

    def quantile(self, q: float) -> float:
        """The duration (ns) of rank ceil(q·n). Raises `ValueError` when there is none."""
        if self._counted is not None:
            return min(self._counted.quantile(q), float(self._max))
        if not self._n:
            raise ValueError("an empty sample has no quantile")
        rank = rank_of(self._n, q)
        return float(np.partition(self.values, rank - 1)[rank - 1])

    @property
    def variability(self) -> float | None:
        """The squared coefficient of variation; None of fewer than two or of more than are kept."""
        if self._n < 2 or self._counted is not None or not self._sum:
            return None
        return float(self.values.var() / self.values.mean() ** 2)

    def summary(self) -> dict[str, float]:
        """CONTRACT's `response_ms` object, in ms; see `latency_summary`."""
        if self._counted is None:
            return latency_summary(self.values)
        return latency_summary_from_histogram(self._counted.quantile, self._n, self._max, self._sum / self._n)

    def histogram(self) -> Histogram:
        """As a histogram that merges with others."""
        return Histogram.of(self.values) if self._counted is None else Histogram(self._counted.counts.copy())
