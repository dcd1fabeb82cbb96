"""What other processes on this machine take away from a step: processors that ours would have needed."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from probes.watch.machine import CpuTimes

OTHERS_CORES = 0.15
FULL_MACHINE = 0.9
"""A step is spoilt when others use that many cores while this share of the processors' time is busy."""


@dataclass(frozen=True)
class Moment:
    """Counters of CPU time at one moment: of all processors and of each, and of Loadstone's own processes."""

    t: float
    cpu: CpuTimes | None
    own_s: float
    each: dict[int, CpuTimes] = field(default_factory=dict)

    @classmethod
    def now(cls, load_process_s: float) -> Moment:
        """The counters now; `load_process_s` is the CPU that load processes have used so far."""
        return cls(
            time.monotonic(),
            CpuTimes.read(),
            time.process_time() + load_process_s,
            CpuTimes.read_each(),
        )

    def busy_of(self, processors: Collection[int]) -> CpuTimes | None:
        """What these processors did; all of them when none is named, or one that is not known."""
        if not processors or not set(processors) < self.each.keys():
            return self.cpu
        return CpuTimes.total([self.each[number] for number in processors])


def fault_of_others(before: Moment, now: Moment, processors: Collection[int], ours_s: float) -> str | None:
    """Why a step is spoilt: other processes, beside the `ours_s` CPU seconds of Loadstone and of the target,
    left no processor free of those on which the load processes may run ([] = any). None when they did not, or
    when it cannot be told."""
    first, last = before.busy_of(processors), now.busy_of(processors)
    if first is None or last is None:
        return None
    others = (last.busy_s - first.busy_s - ours_s) / (now.t - before.t)
    full = last.busy_ratio(first) or 0.0
    if others < OTHERS_CORES or full < FULL_MACHINE:
        return None
    if last is now.cpu:
        return f"other processes used {others:.1f} cores and left no processor free"
    return (
        f"other processes used {others:.1f} cores of the processors on which the load process may run, "
        "and left none free"
    )
