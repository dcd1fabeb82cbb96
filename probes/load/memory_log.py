"""The memory of a run's target second by second, beside the requests that were finished by then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from probes.analysis.memory import MemoryGrowth, judge_memory
from probes.watch.tree import Sample

LEAST_SPAN_S = 0.5
"""What is left of a second at the end of a stretch of load counts as a moment of its own from here on."""


class MemoryLog:
    """Told of every second of load, measured or not: what a target keeps, it keeps of all requests."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._spans: list[float] = []
        self._finished: list[int] = []

    def second(self, t_ns: int, span_s: float, finished: int) -> None:
        """A second that ended at `t_ns` (as `time.monotonic_ns`), and the requests that ended in it."""
        self._ends.append(t_ns)
        self._spans.append(span_s)
        self._finished.append(finished)

    def judged(self, samples: Sequence[Sample], limit_bytes: float | None = None) -> MemoryGrowth | None:
        """What resident memory did; None where no second was seen together with the memory.

        Of the samples of a second the lowest counts. The load that memory may depend on is the rate at which
        requests ended. `limit_bytes` is what the target may use in all.
        """
        times = [sample.t_ns for sample in samples]
        seconds: list[float] = []
        memory: list[int] = []
        requests: list[int] = []
        rates: list[float] = []
        done, begin_ns = 0, 0
        for t_ns, span_s, finished in zip(self._ends, self._spans, self._finished, strict=True):
            done += finished
            first = bisect_right(times, max(begin_ns, t_ns - int(span_s * 1e9)))
            within = samples[first : bisect_right(times, t_ns)]
            begin_ns = max(begin_ns, t_ns)
            if not within or span_s < LEAST_SPAN_S or (seconds and t_ns / 1e9 <= seconds[-1]):
                continue
            seconds.append(t_ns / 1e9)
            memory.append(min(sample.rss_bytes for sample in within))
            requests.append(done)
            rates.append(finished / span_s)
        if not seconds:
            return None
        headroom = None if limit_bytes is None else max(0.0, limit_bytes - max(memory))
        return judge_memory(seconds, memory, requests, rates, headroom_bytes=headroom)
