"""The histogram: 0.1 % near every value, exact sums, and a text that is either a histogram or refused."""

from __future__ import annotations

import base64
import json
import math
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from probes.load.histogram import BUCKETS, Histogram, HistogramError, bucket_of, lower_edge, middle

LARGEST = (1 << 50) - 1
DURATIONS = st.integers(0, LARGEST) | st.integers(0, 5_000) | st.integers(0, 49).map(lambda bit: 1 << bit)
MANY = st.lists(DURATIONS, max_size=60)


def histogram(values: list[int]) -> Histogram:
    return Histogram.of(np.array(values, np.int64))


def text_of(numbers: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(numbers).encode())).decode()


@settings(deadline=None, max_examples=300)
@given(MANY.filter(bool))
@example([1 << bit for bit in range(50)])
@example([(1 << bit) - 1 for bit in range(51)])
def test_the_middle_of_its_bucket_is_within_a_thousandth_of_every_value(values: list[int]) -> None:
    durations = np.array(values, np.int64)
    found = middle(bucket_of(durations))
    assert (np.abs(found - durations) <= durations / 1_024).all()


def test_a_value_below_1024_ns_has_a_bucket_of_its_own() -> None:
    values = np.arange(1_024, dtype=np.int64)
    assert (bucket_of(values) == values).all()
    assert (middle(values) == values).all()


def test_the_buckets_lie_in_order_without_gaps() -> None:
    buckets = np.arange(BUCKETS, dtype=np.int64)
    edges = lower_edge(buckets)
    assert edges[0] == 0
    assert (np.diff(edges) > 0).all()
    assert (bucket_of(edges) == buckets).all()
    assert (bucket_of(edges[1:] - 1) == buckets[:-1]).all()  # the last value before an edge
    assert bucket_of(np.array([LARGEST]))[0] == BUCKETS - 1


def test_what_is_out_of_range_counts_at_the_ends() -> None:
    out = histogram([-5, -(1 << 60), LARGEST + 1, (1 << 63) - 1])
    assert out.counts[0] == 2
    assert out.counts[-1] == 2
    assert out.total == 4


@settings(deadline=None)
@given(MANY, MANY, MANY)
def test_merging_is_the_exact_sum(one: list[int], two: list[int], three: list[int]) -> None:
    parts = [histogram(one), histogram(two), histogram(three)]
    merged = Histogram.merged(parts)
    assert (merged.counts == histogram(one + two + three).counts).all()
    assert merged.total == len(one) + len(two) + len(three)
    assert [part.total for part in parts] == [len(one), len(two), len(three)]  # the parts are left alone


def test_merging_nothing_is_empty() -> None:
    assert Histogram.merged([]).total == 0


@settings(deadline=None)
@given(MANY.filter(bool), st.floats(0, 1))
@example([5], 0.0)
@example(list(range(100)), 0.07)
def test_a_quantile_is_within_a_thousandth_of_the_exact_order_statistic(values: list[int], q: float) -> None:
    rank = max(1, math.ceil(q * len(values) - 1e-9))
    exact = sorted(values)[rank - 1]
    assert abs(histogram(values).quantile(q) - exact) <= exact / 1_024


def test_the_quantiles_of_a_million_durations() -> None:
    durations = np.random.default_rng(7).exponential(5e6, 1_000_000).astype(np.int64)
    ordered = np.sort(durations)
    merged = Histogram.merged(Histogram.of(part) for part in np.array_split(durations, 8))
    for q in (0.5, 0.9, 0.95, 0.99, 0.999, 1.0):
        assert merged.quantile(q) == pytest.approx(ordered[math.ceil(q * 1_000_000 - 1e-9) - 1], rel=1e-3)


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_outside_of_0_and_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        histogram([5]).quantile(q)


def test_an_empty_histogram_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="empty"):
        Histogram().quantile(0.5)


@settings(deadline=None)
@given(MANY)
@example([])
@example(list(range(3_000)))
def test_a_text_comes_back_equal(values: list[int]) -> None:
    text = histogram(values).to_text()
    assert text.isascii()
    assert (Histogram.from_text(text).counts == histogram(values).counts).all()


def test_a_million_durations_make_a_text_of_a_few_kilobytes() -> None:
    durations = np.random.default_rng(7).exponential(5e6, 1_000_000).astype(np.int64)
    assert len(Histogram.of(durations).to_text()) < 20_000


@settings(deadline=None, max_examples=300)
@given(st.lists(DURATIONS, min_size=1, max_size=40), st.data())
def test_a_damaged_text_is_refused_or_still_a_histogram(values: list[int], data: st.DataObject) -> None:
    text = histogram(values).to_text()
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = data.draw(
        st.sampled_from([text[:at], text[at:], text[:at] + text[at + 1 :], text + text[at:]])
        | st.characters().map(lambda new: text[:at] + new + text[at + 1 :])
    )
    try:
        found = Histogram.from_text(damaged)
    except HistogramError:
        return
    assert found.counts.shape == (BUCKETS,)
    assert found.total >= 0


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers() | st.floats() | st.none() | st.text(max_size=2) | st.booleans(), max_size=8))
def test_other_numbers_well_packed_are_refused_or_a_histogram(numbers: list[object]) -> None:
    try:
        found = Histogram.from_text(text_of(numbers))
    except HistogramError:
        return
    assert (found.counts >= 0).all()
    assert found.total == sum(numbers[1::2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "numbers",
    [
        5,
        None,
        {},
        "[5,1]",
        [5],
        [5, 0],
        [5, -1],
        [-1, 5],
        [5, 1, 0, 1],
        [5, 1, -5, 1],
        [BUCKETS, 1],
        [BUCKETS - 1, 1, 1, 1],
        [5, 1, (1 << 63) - 1, 1],
        [5, 1, (1 << 63) - 1, 1, (1 << 63) - 1, 1],
        [1 << 64, 1],
        [0, (1 << 63) - 1, 1, (1 << 63) - 1],
        [5, 1 << 54],
        [1.9, 3],
        ["5", "6"],
        [True, True],
        [[5, 1]],
        [math.nan, 1],
        [math.inf, 1],
    ],
    ids=repr,
)
def test_a_well_packed_text_of_anything_else_is_refused(numbers: object) -> None:
    with pytest.raises(HistogramError, match="not a histogram"):
        Histogram.from_text(text_of(numbers))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "AAAA",
        "eJw=",
        base64.b64encode(b"[5,1]").decode(),
        base64.b64encode(zlib.compress(b"\xff\xfe")).decode(),
        base64.b64encode(zlib.compress(b"not json")).decode(),
        base64.b64encode(zlib.compress(b"[" * 500_000)).decode(),
        base64.b64encode(zlib.compress(b"[5," + b"1" * 10_000 + b"]")).decode(),
        histogram([5]).to_text()[:-4],
    ],
)
def test_a_text_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(HistogramError, match="not a histogram"):
        Histogram.from_text(text)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zlib.compress(b"[" + b"1," * 10_000_000 + b"1]")  # 20 MB in 20 KB
    assert len(bomb) < 50_000
    with pytest.raises(HistogramError, match="too long"):
        Histogram.from_text(base64.b64encode(bomb).decode())
