"""What the streamed answers of a step were like: time to first token, gaps, tokens a second, goodput.

    due ── ttft ──▶ first read with text ── gap ── gap ── … ── last read with text

Time to first token (TTFT) counts from the moment the request was due, like response time. Inter-token latency
(ITL) is the gap between two reads that brought text; what came merged in one read has no gap of its own and
is told as a share. Time per output token (TPOT) of an answer is the time from its first to its last text by
its tokens less one, which merging does not touch (names as in DistServe, Zhong et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.facts import Fact, Source, observed
from probes.load import plan
from probes.load.durations import Durations
from probes.load.engine import Record
from probes.slo import Slo

Values = NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """The streamed answers of one step; arrays have one entry a request, times in ns.

    `ttft_ns` holds the wait until the first text, or until the request was given up; `tpot_ns` is -1 where an
    answer has fewer than two tokens or was not good.
    """

    seconds: float
    good: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    """Good answers and requests that were given up while they waited: those of response time."""
    response_ns: Values
    ttft_ns: Values
    tpot_ns: Values
    gaps: Durations
    gaps_lost: int
    tokens: int
    """Of good answers, by the server's own count, or counted as events with text."""
    tokens_in_time: int
    """Of those that ended within the step."""
    from_usage: bool
    texts: int
    merged: int
    without_usage: int
    without_done: int

    @classmethod
    def of(cls, record: Record, is_good: Callable[[int], bool]) -> Streams:
        """Of all that a record holds; its protocol wrote the columns of `probes.load.sse`."""
        extra, outcome = record.extra, record.outcome
        kinds = np.unique(outcome).tolist()
        wanted = [kind for kind in kinds if 0 < kind < plan.TIMEOUT and is_good(kind)]
        good = np.isin(outcome, wanted) & (record.read > 0)
        counted = good | np.isin(outcome, (0, plan.TIMEOUT, plan.CANCELLED))
        given_up = max(record.report.ended_ns, record.end_ns)
        ended = np.where(record.read > 0, record.read, given_up)
        first, last, texts = extra["first"], extra["last"], extra["texts"]
        usage = extra["tokens"] - 1
        from_usage = bool(good.any() and (usage[good] >= 0).all())
        tokens = usage if from_usage else texts
        several = good & (tokens >= 2) & (last > first)
        tpot = np.where(several, (last - first) // np.maximum(tokens - 1, 1), -1)
        in_time = good & (record.read <= record.end_ns)
        rows, gaps = record.log[:, 0], record.log[:, 1]
        return cls(
            seconds=max((record.end_ns - record.start_ns) / 1e9, 1e-9),
            good=good,
            counted=counted,
            response_ns=ended - record.due,
            ttft_ns=np.where(first > 0, first, ended) - record.due,
            tpot_ns=tpot,
            gaps=Durations(gaps[good[rows]] if len(rows) else None),
            gaps_lost=record.log_lost,
            tokens=int(tokens[good].sum()),
            tokens_in_time=int(tokens[in_time].sum()),
            from_usage=from_usage,
            texts=int(texts[good].sum()),
            merged=int(extra["merged"][good].sum()),
            without_usage=int((usage[good] < 0).sum()),
            without_done=int((extra["done"][good] == 0).sum()),
        )

    def durations(self, of: str) -> Durations:
        """The times of requests that count: `ttft`, or `tpot` of the answers that have it."""
        if of == "ttft":
            return Durations(self.ttft_ns[self.counted])
        return Durations(self.tpot_ns[self.tpot_ns >= 0])

    def within(self, slo: Slo) -> NDArray[np.bool_]:
        """Which requests were answered well and within every bound of the SLO."""
        kept = self.good.copy()
        times = {"response": self.response_ns, "ttft": self.ttft_ns, "tpot": self.tpot_ns}
        for bound in slo.bounds:
            kept &= times[bound.of] <= bound.limit_ms * 1e6
        return kept

    def to_json(self, slo: Slo | None = None) -> dict[str, Any]:
        """CONTRACT's `streaming` object; what was not measured is left out."""
        answers = int(self.good.sum())
        document: dict[str, Any] = {
            "streams": answers,
            "ttft_ms": _summary(self.durations("ttft")),
            "itl_ms": _summary(self.gaps),
            "tpot_ms": _summary(self.durations("tpot")),
        }
        if answers:
            document |= {
                "tokens_per_s": round(self.tokens_in_time / self.seconds, 3),
                "tokens_from": "usage" if self.from_usage else "chunks",
                "tokens_per_chunk": round(self.tokens / max(self.texts, 1), 3),
                "merged_ratio": round(self.merged / max(self.texts, 1), 4),
                "without_usage": self.without_usage,
                "without_done": self.without_done,
            }
        if slo is not None and slo.bounds:
            document["goodput_per_s"] = round(float(self.within(slo).sum()) / self.seconds, 3)
        if self.gaps_lost:
            document["gaps_lost"] = self.gaps_lost
        return {name: value for name, value in document.items() if value != {}}

    def facts(self, source: Source) -> list[Fact]:
        """What a judge may want to know of them."""
        document, at = self.to_json(), datetime.now(UTC)
        found = []
        for key, name in (("ttft_ms", "ttft"), ("itl_ms", "itl")):
            for percentile in ("p50", "p95"):
                value = document.get(key, {}).get(percentile)
                if value is not None:
                    fact = f"load.{name}_{percentile}_ms"
                    found.append(observed(fact, value, source, at=at, samples=document["streams"]))
        if document["streams"]:
            found.append(observed("load.tokens_per_s", document["tokens_per_s"], source, at=at))
        return found


def _summary(values: Durations) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.summary().items()} if len(values) else {}
