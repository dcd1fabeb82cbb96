"""What becomes of the requests beyond capacity, and how long a target takes to be back after a spike.

Of a target that takes whatever comes and serves it in turn it is known in advance: offered twice its
throughput for T seconds, the request that is due after t seconds waits t, so that only those of the first
seconds of the SLO's bound are answered in time; and T seconds' worth of work is left, which at half its
throughput is done after 2·T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IN_A_ROW = 10
"""So many answers in a row have to come in time before the target counts as back."""
FAST_REFUSALS = (429, 503)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overload:
    """Load of `rate_per_s` for `seconds`, then `rate_after_per_s` for up to `watched_s`, on what answers
    `most_per_s` at most.

    `goodput_per_s` are the good answers within the SLO's bound, `in_time` their number of `requests`;
    `refused_at_once` got one of `FAST_REFUSALS` within that bound. `recovery_s` counts from the end of the
    spike to the first of `IN_A_ROW` requests in a row that were answered well and as fast as at rest; None
    where there were none. With `fault` our own client spoilt it.
    """

    rate_per_s: float
    seconds: float
    rate_after_per_s: float
    watched_s: float
    most_per_s: float
    requests: int
    in_time: int
    late: int
    refused_at_once: int
    failed: int
    recovery_s: float | None
    fault: str | None = None

    @property
    def goodput_per_s(self) -> float:
        """Good answers in time, of those due in a second of the spike."""
        return self.in_time / self.seconds

    @property
    def goodput_ratio(self) -> float:
        """… over its highest throughput; 1 where the target keeps that."""
        return self.goodput_per_s / self.most_per_s

    @property
    def shed_ratio(self) -> float | None:
        """Of the requests that got no good answer in time, those that were refused at once; None of none."""
        missed = self.requests - self.in_time
        return self.refused_at_once / missed if missed else None

    def to_json(self) -> dict[str, Any]:
        """The `overload` object of the result."""
        document: dict[str, Any] = {
            "offered_per_s": round(self.rate_per_s, 3),
            "seconds": self.seconds,
            "requests": self.requests,
            "in_time": self.in_time,
            "late": self.late,
            "refused_at_once": self.refused_at_once,
            "failed": self.failed,
            "goodput_per_s": round(self.goodput_per_s, 3),
            "goodput_ratio": round(self.goodput_ratio, 4),
            "shed_ratio": None if self.shed_ratio is None else round(self.shed_ratio, 4),
            "offered_after_per_s": round(self.rate_after_per_s, 3),
            "watched_s": round(self.watched_s, 3),
            "recovery_s": None if self.recovery_s is None else round(self.recovery_s, 3),
        }
        return document | ({"fault": self.fault} if self.fault else {})


def judge_spike(
    statuses: NDArray[np.int64], waited_s: NDArray[np.float64], good: Bools, limit_s: float
) -> Mapping[str, int]:
    """The counts of `Overload` for the requests due in the spike; arrays of one shape, a row a request."""
    in_time = good & (waited_s <= limit_s)
    refused = np.isin(statuses, FAST_REFUSALS) & ~good & (waited_s <= limit_s)
    return {
        "requests": len(statuses),
        "in_time": int(in_time.sum()),
        "late": int((good & ~in_time).sum()),
        "refused_at_once": int(refused.sum()),
        "failed": int((~good & ~refused).sum()),
    }


def recovery_of(
    due_s: NDArray[np.float64], waited_s: NDArray[np.float64], good: Bools, rest_s: float
) -> float | None:
    """When (s) the first of `IN_A_ROW` requests in a row was due that were good and waited at most `rest_s`;
    `due_s` ascends."""
    back = (good & (waited_s <= rest_s)).astype(np.int64)
    if len(back) < IN_A_ROW:
        return None
    runs = np.convolve(back, np.ones(IN_A_ROW, np.int64), "valid")
    found = np.flatnonzero(runs == IN_A_ROW)
    return float(due_s[found[0]]) if len(found) else None
