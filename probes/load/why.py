"""What limits the target of a run: a look inside it at saturation, and the judgement on all that was seen.

steps ──▶ the load under which to look ──▶ probes.watch.inside ──┐
  └──▶ levels, use of processors, waits ─────────────────────────┴─▶ probes.analysis.bottleneck
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from probes.analysis.bottleneck import Bottleneck, Level, Seen, Waiting, name_bottleneck
from probes.load.run import Run
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.load.steps import StepResult
from probes.watch.cgroup import memory_limit_bytes
from probes.watch.detail import Detail
from probes.watch.inside import BUSY_PROCESS_CORES, LEAD_S, Inside, InsideLook
from probes.watch.stacks import PATIENCE_S, write_speedscope

FOLDER = "stacks"
HOSTED = ("python", "model")
HOST_SCRIPT = "host.py"
"""Kinds of target that a script of ours calls, and that script: it is none of the target's code."""
LOCK_HOLDERS = "threads that hold the interpreter lock"
LEAST_CALLERS = 4
"""A queue inside shows only where more callers ask than are served."""
PLATEAU = 0.95
SHORT_BUDGET_S, SHORT_LOOK_S = 30.0, 1
"""On a smaller budget the look is short and comes on top of it."""
LOOK_S = 4


@dataclass(frozen=True, slots=True)
class Why:
    """What was seen inside, with how many callers and at what throughput (1/s); all may be missing."""

    inside: Inside | None = None
    callers: float = 0.0
    throughput: float | None = None
    detail: Detail | None = None


def look_seconds(spec: LoadSpec) -> int:
    """Whole seconds that the look takes; 0 where it was not wanted."""
    if not spec.stacks:
        return 0
    return SHORT_LOOK_S if spec.finds_capacity and spec.budget_s < SHORT_BUDGET_S else LOOK_S


LEAST_ANSWERED = 0.9
"""A target that answers less than this share at saturation fails, and is not put under that load again."""


def reserved_s(spec: LoadSpec) -> float:
    """Seconds of the budget that a search leaves to the look at its end."""
    seconds = look_seconds(spec)
    return seconds + LEAD_S if seconds and spec.budget_s >= SHORT_BUDGET_S else 0.0


def saturating_load(steps: Sequence[StepResult], seconds: float) -> ClosedSegment | OpenSegment | None:
    """The load at which a target was saturated, never more than it was sent before; None where it never was.

    Callers that wait are preferred, because they cannot pile up requests: twice as many as were needed for
    the highest throughput.
    """
    saturated = [
        step for step in steps if step.verdict == "saturated" and step.ok >= LEAST_ANSWERED * step.sent > 0
    ]
    if not saturated:
        return None
    closed = _closed(steps)
    if any(step.mode == "closed" for step in saturated) and closed:
        best = max(step.achieved_per_s for step in closed)
        enough = min(step.concurrency for step in closed if step.achieved_per_s >= PLATEAU * best)
        most = max(step.concurrency for step in closed)
        return ClosedSegment(int(min(most, max(LEAST_CALLERS, 2 * enough))), seconds)
    rates = [step.offered_per_s for step in saturated if step.offered_per_s is not None]
    return OpenSegment(min(rates), min(rates), seconds) if rates else None


def look_inside(run: Run) -> Why:
    """Sends saturating load once more and looks inside meanwhile. Raises `RunEnded` as every load does."""
    seconds = look_seconds(run.spec)
    load = saturating_load(run.steps, LEAD_S + seconds + PATIENCE_S)
    if run.watcher is None or not seconds or load is None:
        return Why()
    look = InsideLook(run.watcher, seconds)
    try:
        step = run.look_inside(load, look.tick)
        inside = look.result()
    finally:
        look.close()
    if inside is None or step is None:
        return Why()
    if run.target.kind in HOSTED and inside.stacks is not None:
        inside = replace(inside, stacks=inside.stacks.below(HOST_SCRIPT))
    if inside.refused is not None:
        run.note("info", f"stacks and the interpreter lock were not measured: {inside.refused}")
    return Why(inside, step.concurrency, step.achieved_per_s, step.detail)


def limit_of(run: Run, why: Why, fault: str | None) -> Bottleneck | None:
    """What limits the target; None where nothing saturated. `fault` is what our own client did wrong."""
    steps = [step for step in run.steps if step.ok and step.verdict != "client_limited"]
    if fault is None and not any(step.verdict == "saturated" for step in steps):
        return None
    closed = _closed(steps)
    used = closed if any(step.verdict == "saturated" for step in closed) else steps
    levels = [level_of(step) for step in used or run.steps]
    return name_bottleneck(levels, _seen(run, why, used, fault))


def level_of(step: StepResult) -> Level:
    """A step as the judgement takes it."""
    return Level(
        callers=step.concurrency,
        throughput=step.achieved_per_s,
        seconds=step.seconds,
        cpu_cores=None if step.usage is None else step.usage.cpu_cores,
        thread_cores=None if step.detail is None else step.detail.thread_cores,
        closed=step.mode == "closed",
    )


def stacks_json(
    why: Why, run_id: str, folder: Path | None, *, of_lock: bool = False
) -> tuple[dict[str, Any], str | None]:
    """The result's `hotspots`, `flame` and `flame_file`, and why the file could not be written, if so.

    The file is named as it lies in the folder of the store. `of_lock`: the interpreter lock is the limit, so
    that only what holds it matters.
    """
    seen = None if why.inside is None else why.inside.stacks
    of_lock = of_lock and seen is not None and bool(seen.gil)
    if of_lock and seen is not None:
        seen = seen.holding_the_lock()
    if seen is None or not seen.stacks:
        return {}, None
    document: dict[str, Any] = {
        "hotspots": [spot.to_json() for spot in seen.hotspots()],
        "flame": seen.flame(),
        "stacks": {
            "of": LOCK_HOLDERS if of_lock else "all threads" if seen.waiting else "threads that compute",
            "seconds": seen.seconds,
            "samples": sum(seen.stacks.values()),
        },
    }
    if folder is None:
        return document, None
    name = f"{run_id}.speedscope.json"
    try:
        write_speedscope(seen, run_id, folder / FOLDER / name)
    except OSError as error:
        return document, f"the flame graph could not be written to {folder / FOLDER} ({error.strerror})"
    return document | {"flame_file": f"{FOLDER}/{name}"}, None


def _closed(steps: Sequence[StepResult]) -> list[StepResult]:
    """Steps of callers who only wait: with time to think their number is not that of requests in flight."""
    return [step for step in steps if step.mode == "closed" and step.users is None and step.ok]


def _seen(run: Run, why: Why, steps: Sequence[StepResult], fault: str | None) -> Seen:
    top = max((step.achieved_per_s for step in steps), default=0.0)
    plateau = [step for step in steps if step.achieved_per_s >= PLATEAU * top]
    details = [step.detail for step in plateau if step.detail is not None]
    if why.detail is not None and not details:
        details = [why.detail]

    def highest(name: str) -> float | None:
        values = [getattr(detail, name) for detail in details]
        return max((value for value in values if value is not None), default=None)

    inside = why.inside
    stacks = None if inside is None else inside.stacks
    waits = None if inside is None else inside.waits
    computing = [sum(cores >= BUSY_PROCESS_CORES for _, cores in detail.process_cores) for detail in details]
    waiting = None
    if waits is not None:
        waiting = Waiting(waits.of("lock"), why.callers, waits.peers, waits.outgoing)
    return Seen(
        cores=None if run.watcher is None else usable_cores_of(run.watcher.roots[0].pid),
        client_cores=sum(step.client_cpu_cores for step in plateau) / max(len(plateau), 1),
        quota_cores=highest("quota_cores"),
        throttled=highest("throttled_ratio"),
        queueing=highest("waiting_threads"),
        gil_shares=() if stacks is None else tuple(stacks.gil_shares.values()),
        is_python=inside is not None and inside.is_python,
        processes=max(1, *computing) if computing else 1,
        memory=_memory_share(run),
        memory_stalled=highest("memory_pressure"),
        memory_used=highest("memory_used_ratio"),
        **_paging(plateau),
        gpu=highest("gpu_busy"),
        disk=highest("disk_busy"),
        network=highest("network_busy"),
        waiting=waiting,
        throughput=why.throughput,
        client_fault=fault,
        unseen=_unseen(run, inside),
    )


def _paging(plateau: Sequence[StepResult]) -> dict[str, float | None]:
    """Of the step at saturation with most pages read again, so that all of it is of the same time."""
    watched = [(step.detail, step.achieved_per_s) for step in plateau if step.detail is not None]
    told = [entry for entry in watched if entry[0].refaults_per_s is not None]
    if not told:
        return {}
    detail, throughput = max(told, key=lambda entry: entry[0].refaults_per_s or 0.0)
    return {
        "refaults_per_s": detail.refaults_per_s,
        "major_faults_per_s": detail.major_faults_per_s,
        "page_read_ms": detail.disk_read_ms,
        "memory_at": throughput,
    }


def _unseen(run: Run, inside: Inside | None) -> str | None:
    if inside is None:
        return "it was not looked inside" if run.spec.stacks else "looking inside was switched off"
    return inside.refused


def usable_cores_of(pid: int) -> float | None:
    """Cores that a process may use by its affinity; a quota is another matter."""
    try:
        return float(len(os.sched_getaffinity(pid)))
    except (OSError, AttributeError):
        count = os.cpu_count()
        return None if count is None else float(count)


def _memory_share(run: Run) -> float | None:
    """The peak of resident memory, of the limit that binds the target."""
    if run.watcher is None:
        return None
    limit = memory_limit_bytes(run.watcher.roots[0].pid)
    peak = max((sample.rss_bytes for sample in run.watcher.samples()), default=None)
    return peak / limit if limit and peak else None
