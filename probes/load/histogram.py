"""A log-linear histogram of durations in nanoseconds that merges by adding.

Values below 1,024 have a bucket each; above, every power of two is split into 512 equal buckets, so that a
bucket is at most 1/512 of its lower edge wide and its middle at most 1/1,024 (0.1 %) away from any value in
it. Counting is done by numpy over whole blocks, never one value at a time.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_LINEAR = 1_024
_SPLIT_BITS = 9
_SPLIT = 1 << _SPLIT_BITS
_OCTAVES = 40
BUCKETS = _LINEAR + _OCTAVES * _SPLIT
"""From 0 ns to 2**50 ns, some 13 days."""

_MAX_TEXT = 1 << 20
_MAX_TOTAL = 1 << 53


class HistogramError(ValueError):
    """A text is not a histogram."""


def bucket_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bucket of each duration (ns); negative values count as 0, larger ones than the last as the last."""
    clipped = np.clip(values, 0, (1 << 50) - 1)
    octave = np.maximum(np.frexp(np.maximum(clipped, 1).astype(np.float64))[1] - 11, 0).astype(np.int64)
    # values of 2**10 … 2**11 - 1 (frexp exponent 11) form octave 0 of the split part
    split = _LINEAR + octave * _SPLIT + (clipped >> (octave + 1)) - _SPLIT
    return np.where(clipped < _LINEAR, clipped, split)


def lower_edge(bucket: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest duration (ns) of each bucket."""
    octave, offset = np.divmod(np.maximum(bucket - _LINEAR, 0), _SPLIT)
    return np.where(bucket < _LINEAR, bucket, (offset + _SPLIT) << (octave + 1))


def middle(bucket: NDArray[np.int64]) -> NDArray[np.float64]:
    """The middle (ns) of each bucket, which stands for all values in it."""
    octave = np.maximum(bucket - _LINEAR, 0) // _SPLIT
    width = np.where(bucket < _LINEAR, 1, np.int64(1) << (octave + 1))
    return lower_edge(bucket) + (width - 1) / 2


class Histogram:
    """Counts of durations by bucket. `counts` has shape (BUCKETS,) and type int64."""

    def __init__(self, counts: NDArray[np.int64] | None = None) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BUCKETS, np.int64) if counts is None else counts

    @classmethod
    def of(cls, values: NDArray[np.int64]) -> Histogram:
        """The histogram of durations (ns)."""
        return cls(np.bincount(bucket_of(values), minlength=BUCKETS).astype(np.int64))

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """The exact sum."""
        total = cls()
        for part in parts:
            total.counts = total.counts + part.counts
        return total

    @property
    def total(self) -> int:
        """How many durations were counted."""
        return int(self.counts.sum())

    def quantile(self, q: float) -> float:
        """The duration (ns) at rank ceil(q·n), within 0.1 %.

        Raises `ValueError` when empty, or for a q not within 0 and 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
        total = self.total
        if not total:
            raise ValueError("an empty histogram has no quantile")
        rank = max(1, int(np.ceil(q * total - 1e-9)))
        bucket = int(np.searchsorted(np.cumsum(self.counts), rank))
        return float(middle(np.array([bucket]))[0])

    def to_text(self) -> str:
        """A compact text: base64 of deflated JSON pairs [bucket, count] with gaps between buckets."""
        filled = np.flatnonzero(self.counts)
        gaps = np.diff(filled, prepend=0)
        pairs = np.column_stack([gaps, self.counts[filled]]).ravel().tolist()
        return base64.b64encode(zlib.compress(json.dumps(pairs, separators=(",", ":")).encode(), 6)).decode()

    @classmethod
    def from_text(cls, text: str) -> Histogram:
        """The inverse of `to_text`. Raises `HistogramError` for anything else."""
        try:
            unpack = zlib.decompressobj()
            raw = unpack.decompress(base64.b64decode(text, validate=True), _MAX_TEXT)
            if not unpack.eof:
                raise ValueError("too long or cut off")
            numbers = json.loads(raw)
            if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
                raise ValueError("other things than whole numbers")
            if sum(numbers[1::2]) > _MAX_TOTAL:
                raise ValueError("more durations than can be counted")
            pairs = np.array(numbers, np.int64).reshape(-1, 2)
            buckets = np.cumsum(pairs[:, 0])
            if (pairs[:, 1] <= 0).any() or (pairs[1:, 0] <= 0).any():
                raise ValueError("buckets or counts out of range")
            if ((buckets < 0) | (buckets >= BUCKETS)).any():  # also where the sum of gaps wrapped around
                raise ValueError("a bucket out of range")
        except (ValueError, TypeError, OverflowError, RecursionError, zlib.error) as error:
            raise HistogramError(f"not a histogram: {error}") from error
        histogram = cls()
        histogram.counts[buckets] = pairs[:, 1]
        return histogram
