"""Whether a process keeps memory: growth of resident memory, told from everything that only looks like it.

Resident memory is jagged, remembers the highest load it ever saw, and rises while a process warms up. A line
fitted to it, or a plain test for a trend, takes all of that for a leak. What is looked at instead:

1. Only the longest stretch in which the load set no new peak, because allocators keep what a peak made them
   take. Its first third is dropped as warm-up.
2. Of each of 12 blocks of the rest only the minimum: what a garbage collector or a queue takes and gives back
   does not lift this lower envelope.
3. Only pairs of blocks with a similar load.

Memory is **growing** when Kendall's test for a trend over those pairs gives p < .01, the lower 95 % bound of
their median slope (`probes.analysis.trend`) is over 0, and the growth is over 5 MB and 1 % of the memory; and
when it is none of what else passes that test: a few jumps (the slope must survive without any two of them),
a warm-up that levels off (the second half must grow like the first), a collection that is due (memory fell as
far before, and is not above that height yet). It is **flat** when the upper bound of its growth stays below
those 5 MB or 1 %. Everything else is **insufficient**: what cannot tell has not shown that there is no leak.

Tried on simulated memory of known truth, the first test alone calls 37 % of plateaus and 70 % of warm-ups
growing; the whole rule at most 1 % of these, of white and autocorrelated noise, saw teeth, and memory that
follows the load of a search for capacity (tests/probes/analysis/test_memory.py). It cannot tell a leak from
a heap that is filled for the first time and not collected before the run ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probes.analysis.trend import Interval, Trend, attribute, median_slope, trend

Verdict = Literal["growing", "flat", "insufficient"]
Floats = NDArray[np.float64]
Pairs = NDArray[np.bool_]

BLOCKS = 12
LEAST_A_BLOCK = 3
"""Samples: the minimum of fewer is no lower envelope."""
SAMPLES_NEEDED = BLOCKS * LEAST_A_BLOCK * 3 // 2
"""Samples of the stretch that is judged, with its first third."""
LEAST_GROWTH_BYTES = 5_000_000
LEAST_GROWTH_SHARE = 0.01
REQUESTS_NEEDED = 1_000
"""With fewer a leak of over 5 kB a request has room below the least growth: that is not "flat"."""
NEW_PEAK = 1.1
"""A load this many times the highest before is a new peak."""
SIMILAR_LOAD = 1.5
"""Blocks are compared when their mean loads differ by no more than this factor."""
RESOLUTION_BYTES = 64 * 4096
"""How far the figure may be off: Linux adds a thread's pages to that of its process in batches of 64."""

_LEVEL = 0.01
_LEAST_PAIRS, _LEAST_PART_PAIRS = 30, 6
_WITHOUT_JUMPS = 0.4
_LATER_HALF, _EARLIER_HALF = 0.6, 0.3
_FELL = 0.5
_IDLE_SHARE = 0.1
_MORE_BLOCKS = (24, 36)


@dataclass(frozen=True, slots=True)
class MemoryGrowth:
    """What resident memory did. `because` is one sentence with its numbers.

    Of `per_request` (bytes a request) and `per_second` (bytes a second), each with its 95 % interval, a
    growing memory has those that were seen to make it grow, of which two rates of requests tell. Where they
    cannot be told apart (`told_apart` is False) all of the growth is given to the requests, if there were
    any: what leaks mostly leaks by request, and at a higher rate nothing is made smaller by that. A flat
    memory has those that were measured: the interval says what was ruled out. Where nothing can be told there
    is neither.

    `growth_bytes` over `seconds` is of the part that was looked at, `rate_per_s` its mean rate of requests.
    `samples_needed` is how many more the same load would take; 0 when decided, or where more of the same
    would not help. `hours_to_limit` counts at that rate; None without headroom or growth.
    """

    verdict: Verdict
    because: str
    samples: int
    per_request: Interval | None = None
    per_second: Interval | None = None
    growth_bytes: float | None = None
    seconds: float | None = None
    rate_per_s: float | None = None
    samples_needed: int = 0
    hours_to_limit: float | None = None
    hours_interval: tuple[float, float | None] | None = None
    """95 % interval of `hours_to_limit`, from the ends of the rates; None as its upper end is never."""
    told_apart: bool = True

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's `memory` object; `low` and `high` are of `bytes_per_request` where that is known."""
        request, second = self.per_request, self.per_second
        named = request or second
        document: dict[str, Any] = {
            "bytes_per_request": _short(request.value if request else None),
            "low": _short(named.low if named else None),
            "high": _short(named.high if named else None),
            "bytes_per_s": _short(second.value if second else None),
            "hours_to_limit": _short(self.hours_to_limit),
            **_hours_json(self.hours_interval),
            "verdict": self.verdict,
            "because": self.because,
            "samples": self.samples,
        }
        if not self.told_apart:
            document["told_apart"] = False
        if request and second:
            document |= {"bytes_per_s_low": _short(second.low), "bytes_per_s_high": _short(second.high)}
        for name in ("growth_bytes", "seconds", "rate_per_s"):
            if getattr(self, name) is not None:
                document[name] = _short(getattr(self, name))
        return document | ({"more_samples_needed": self.samples_needed} if self.samples_needed else {})


@dataclass(frozen=True, slots=True)
class _Series:
    """Columns of equal length in order of time; `requests` are zeros where they are not known."""

    t: Floats
    resident: Floats
    requests: Floats
    load: Floats

    def __len__(self) -> int:
        return len(self.t)

    def part(self, which: slice | Pairs) -> _Series:
        return _Series(self.t[which], self.resident[which], self.requests[which], self.load[which])

    def share_of(self, whole: _Series) -> float:
        """Of the time and of the requests of the whole, each from 0 to 1, added up."""
        time, requests = (
            np.ptp(column) / max(np.ptp(all_of_it), 1e-9)
            for column, all_of_it in ((self.t, whole.t), (self.requests, whole.requests))
        )
        return float(time + requests)

    def without_first_third(self) -> tuple[_Series, _Series]:
        """The first third of the time, and the rest."""
        cut = int(np.searchsorted(self.t, self.t[0] + (self.t[-1] - self.t[0]) / 3))
        return self.part(slice(cut)), self.part(slice(cut, None))

    def blocks(self, count: int) -> _Blocks:
        """So many blocks of equally many samples."""
        edges = np.linspace(0, len(self), count + 1).round().astype(int).tolist()
        spans = [slice(first, last) for first, last in pairwise(edges)]
        at = np.array([span.start + int(np.argmin(self.resident[span])) for span in spans])
        return _Blocks(
            t=self.t[at],
            requests=self.requests[at],
            lowest=self.resident[at],
            highest=np.array([self.resident[span].max() for span in spans]),
            load=np.array([self.load[span].mean() for span in spans]),
        )


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Of each block: when its lowest sample was and after how many requests, its lowest and highest bytes,
    its mean load."""

    t: Floats
    requests: Floats
    lowest: Floats
    highest: Floats
    load: Floats

    def after(self, earlier: _Blocks) -> _Blocks:
        """These behind earlier ones."""
        names = ("t", "requests", "lowest", "highest", "load")
        return _Blocks(*(np.concatenate([getattr(earlier, name), getattr(self, name)]) for name in names))

    def pairs(self) -> Pairs:
        """Which pairs (earlier, later) have a similar load, shape (n, n)."""
        smaller, larger = np.minimum.outer(self.load, self.load), np.maximum.outer(self.load, self.load)
        similar: Pairs = np.triu(larger <= SIMILAR_LOAD * smaller, 1)
        return similar


def judge_memory(
    seconds: ArrayLike,
    resident_bytes: ArrayLike,
    requests: ArrayLike | None = None,
    load: ArrayLike | None = None,
    *,
    headroom_bytes: float | None = None,
) -> MemoryGrowth:
    """What resident memory did, and how fast it grew. Columns of shape (n,), in order of time.

    `requests` counts those that were finished by then; `load` is what memory may depend on besides: requests
    in flight, or their rate. Without it the load counts as the same throughout. `headroom_bytes` is what is
    left up to a limit. Raises `ValueError` for columns that do not match, are empty, negative or not finite,
    time that does not rise, or requests that fall.
    """
    series = _checked(seconds, resident_bytes, requests, load)
    stretches = [series.part(span) for span in _stretches(series.load)]
    stretch = max(stretches, key=lambda part: part.share_of(series))
    found = _judged(stretch, "t", whole=len(stretches) == 1)
    if requests is None:
        return _with_hours(replace(found, per_request=None, rate_per_s=None), headroom_bytes)
    busy = stretch.part(np.diff(stretch.requests, prepend=-1) > 0)
    if found.verdict != "growing" and len(busy) >= SAMPLES_NEEDED:
        # Memory that is kept for requests grows with their rate, and not without them.
        again = _judged(busy, "requests", whole=False)
        found = again if again.verdict == "growing" or found.verdict == "flat" else found
    if found.verdict == "growing":
        found = _attributed(found, stretches)
    return _with_hours(found, headroom_bytes)


def hours_to_limit(
    headroom_bytes: float,
    *,
    bytes_per_s: float = 0.0,
    bytes_per_request: float = 0.0,
    rate_per_s: float = 0.0,
) -> float | None:
    """Hours until the headroom is used up at a rate of requests; None where memory does not grow.

    Plain bytes throughout: 1 GiB (1,073,741,824) at 12 KB (12,000) a second lasts 24.9 h. Raises `ValueError`
    for a negative rate of requests.
    """
    if rate_per_s < 0:
        raise ValueError(f"a rate of {rate_per_s:g} requests/s is below 0")
    growth = bytes_per_s + bytes_per_request * rate_per_s
    return max(0.0, headroom_bytes) / growth / 3_600 if growth > 0 else None


def _checked(
    seconds: ArrayLike, resident_bytes: ArrayLike, requests: ArrayLike | None, load: ArrayLike | None
) -> _Series:
    t = np.asarray(seconds, np.float64)
    given = [
        np.zeros(t.shape) if column is None else np.asarray(column, np.float64)
        for column in (resident_bytes, requests, load)
    ]
    if t.ndim != 1 or not len(t) or any(column.shape != t.shape for column in given):
        raise ValueError("seconds, bytes, requests and load must be columns of the same length")
    if not all(np.isfinite(column).all() for column in (t, *given)):
        raise ValueError("seconds, bytes, requests and load must be finite numbers")
    if any((column < 0).any() for column in given):
        raise ValueError("bytes, requests and load must not be negative")
    if (np.diff(t) <= 0).any() or (np.diff(given[1]) < 0).any():
        raise ValueError("time must rise from sample to sample, and requests must not fall")
    return _Series(t, *given)


def _stretches(load: Floats) -> list[slice]:
    """The parts in which no load is a new peak over those up to the part's first."""
    starts, top = [0], load[0]
    highest = np.maximum.accumulate(load)
    for index in np.flatnonzero(np.diff(highest, prepend=highest[0]) > 0).tolist():
        if load[index] > NEW_PEAK * top:
            starts.append(index)
            top = load[index]
    return [slice(first, last) for first, last in zip(starts, [*starts[1:], len(load)], strict=True)]


def _judged(stretch: _Series, axis: Literal["t", "requests"], *, whole: bool) -> MemoryGrowth:
    """The verdict on one stretch, its growth followed along time or along requests."""
    missing = SAMPLES_NEEDED - len(stretch)
    warm_up, rest = stretch.without_first_third()
    if missing > 0 or len(rest) < BLOCKS * LEAST_A_BLOCK:
        missing = max(missing, 1)
        text = f"{len(stretch)} samples are too few: {missing} more are needed"
        if not whole:
            text = f"the longest stretch without a new peak of load has {text.replace(' are ', ', ', 1)}"
        return MemoryGrowth("insufficient", text, len(stretch), samples_needed=missing)
    for count in (BLOCKS, *_MORE_BLOCKS):
        if count > BLOCKS and len(rest) < count * LEAST_A_BLOCK:
            break
        blocks = rest.blocks(count)
        pairs = blocks.pairs()
        if pairs.sum() >= _LEAST_PAIRS:
            break
    if pairs.sum() < _LEAST_PAIRS:
        text = (
            f"the load varied so much that {int(pairs.sum())} of {pairs.size - len(pairs)} pairs of moments "
            f"can be compared, and {_LEAST_PAIRS} are needed: hold one load"
        )
        return MemoryGrowth("insufficient", text, len(stretch))
    x = getattr(blocks, axis)
    along = getattr(rest, axis)
    reach = float(along[-1] - along[0])
    found = trend(x, blocks.lowest, pairs)
    threshold = max(LEAST_GROWTH_SHARE * float(rest.resident.mean()), LEAST_GROWTH_BYTES)
    seconds, done = float(rest.t[-1] - rest.t[0]), float(rest.requests[-1] - rest.requests[0])
    said = MemoryGrowth(
        "insufficient",
        "",
        len(stretch),
        per_request=_resolved(trend(blocks.requests, blocks.lowest, pairs), done) if done else None,
        per_second=_resolved(trend(blocks.t, blocks.lowest, pairs), seconds),
        growth_bytes=found.slope * reach,
        seconds=seconds,
        rate_per_s=done / seconds,
    )
    low, high = found.low * reach, found.high * reach
    over = f"{_mb(found.slope * reach)} ({_mb(low)} to {_mb(high)}) over {_span(seconds)}"
    if found.low > 0 and found.p_value < _LEVEL and found.slope * reach > threshold:
        doubt = (
            _jumped(x, blocks, pairs, found)
            or _levels_off(x, blocks, pairs)
            or _fell_before(warm_up.blocks(BLOCKS // 2), blocks, found.slope * reach)
        )
        if doubt:
            return replace(said, because=f"memory rose by {over}, but {doubt}", samples_needed=len(stretch))
        return replace(said, verdict="growing", because=f"memory rose by {over}, evenly, at equal load")
    if high + RESOLUTION_BYTES >= threshold:
        text = f"memory changed by {over}: too uncertain to rule out a growth of {_mb(threshold)}"
        return replace(said, because=text, samples_needed=len(stretch))
    if 0 < done < REQUESTS_NEEDED:
        needed = math.ceil(len(stretch) * (REQUESTS_NEEDED / done - 1))
        text = f"memory changed by {over}, but {done:.0f} requests are too few to call that flat"
        return replace(said, because=text, samples_needed=needed)
    text = f"memory changed by {over}, less than the {_mb(threshold)} that would count as growth"
    return replace(said, verdict="flat", because=text)


def _jumped(x: Floats, blocks: _Blocks, pairs: Pairs, found: Trend) -> str | None:
    """A reason when the growth came in one or two jumps: without them blocks hardly differ."""
    part = np.zeros(len(x), int)
    for first, second in combinations(range(1, len(x)), 2):
        part[:] = 0
        part[first:] += 1
        part[second:] += 1
        within = pairs & (part[:, None] == part[None, :])
        if within.sum() < _LEAST_PART_PAIRS:
            return "the load varied too much to tell jumps from steady growth: hold one load"
        if median_slope(x, blocks.lowest, within) < _WITHOUT_JUMPS * found.slope:
            return "mostly in one or two jumps: measure longer to see whether it goes on"
    return None


def _levels_off(x: Floats, blocks: _Blocks, pairs: Pairs) -> str | None:
    """A reason when the second half did not grow like the first."""
    half = len(x) // 2
    early, late = pairs.copy(), pairs.copy()
    early[:, half:] = False
    late[:half, :] = False
    if min(early.sum(), late.sum()) < _LEAST_PART_PAIRS:
        return "the load varied too much to compare the halves of the run: hold one load"
    slopes = [median_slope(x, blocks.lowest, part) for part in (early, late)]
    if slopes[1] < _LATER_HALF * slopes[0]:
        return "ever more slowly, as while warming up: measure longer to see whether it ends"
    if slopes[0] < _EARLIER_HALF * slopes[1]:
        return "only in the second half: measure longer to see whether it goes on"
    return None


def _fell_before(warm_up: _Blocks, blocks: _Blocks, growth: float) -> str | None:
    """A reason when memory fell as far before, so that it may only be rising towards the next fall."""
    every = blocks.after(warm_up)
    falls = np.where(every.pairs(), every.lowest[:, None] - every.lowest[None, :], 0.0)
    before, _ = np.unravel_index(int(np.argmax(falls)), falls.shape)
    if falls.max() < _FELL * growth or every.lowest[-1] > every.highest[: before + 1].max():
        return None
    return f"it had fallen by {_mb(float(falls.max()))} before: measure longer to see whether it falls again"


def _attributed(found: MemoryGrowth, stretches: list[_Series]) -> MemoryGrowth:
    """The growth divided between requests and time, as far as the rates that were seen tell them apart."""
    parts, owners = [], []
    for stretch in stretches:
        _, rest = stretch.without_first_third()
        count = min(BLOCKS, len(rest) // LEAST_A_BLOCK)
        if count >= 2:
            parts.append(rest.blocks(count))
            owners += [len(parts)] * count
    every = parts[0]
    for part in parts[1:]:
        every = part.after(every)
    owner = np.array(owners)
    pairs = every.pairs() & (owner[:, None] == owner[None, :])
    shares = attribute(every.lowest, (every.requests, every.t), pairs, RESOLUTION_BYTES)
    if found.per_request is None:  # nothing was asked of it
        return found
    if shares is not None:
        request, second = shares
        if request.low > 0 and second.low > 0:
            return replace(found, per_request=request, per_second=second)
        if request.low > 0:
            return replace(found, per_second=None)
        if second.low > 0:
            return replace(found, per_request=None)
    because = f"{found.because}; one rate of requests does not tell whether by request or by time"
    return replace(found, because=because, per_second=None, told_apart=False)


def _with_hours(found: MemoryGrowth, headroom_bytes: float | None) -> MemoryGrowth:
    if found.verdict == "insufficient":  # a rate that cannot be told is none that a requirement may rest on
        return replace(found, per_request=None, per_second=None)
    if headroom_bytes is None or found.verdict != "growing":
        return found

    def hours(end: str) -> float | None:
        """At the value of both rates, or at the same end of their intervals."""
        return hours_to_limit(
            headroom_bytes,
            bytes_per_s=getattr(found.per_second, end) if found.per_second else 0.0,
            bytes_per_request=getattr(found.per_request, end) if found.per_request else 0.0,
            rate_per_s=found.rate_per_s or 0.0,
        )

    soonest = hours("high")
    interval = None if soonest is None else (soonest, hours("low"))
    return replace(found, hours_to_limit=hours("value"), hours_interval=interval)


def _hours_json(interval: tuple[float, float | None] | None) -> dict[str, float | None]:
    return {} if interval is None else {"hours_low": _short(interval[0]), "hours_high": _short(interval[1])}


def _resolved(found: Trend, reach: float) -> Interval:
    """The slope with its interval, widened by what the figure may be off at either end."""
    off = RESOLUTION_BYTES / reach
    return Interval(found.slope, found.low - off, found.high + off)


def _mb(count: float) -> str:
    return f"{count / 1e6:.3g}\N{NO-BREAK SPACE}MB"


def _span(seconds: float) -> str:
    return f"{seconds:,.0f}\N{NO-BREAK SPACE}s" if seconds >= 100 else f"{seconds:.3g}\N{NO-BREAK SPACE}s"


def _short(value: float | None) -> float | None:
    """Six digits: more say nothing."""
    return None if value is None else float(f"{value:.6g}")
