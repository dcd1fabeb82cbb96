"""One run: the engine, the watch on the target and the rules, stepping through what was asked.

`Run` observes the engine and tells of every second and step as events; `bench.py` lets the search drive it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from probes.events import Note, Phase, Second, Step
from probes.load import plan
from probes.load.arrivals import due_times
from probes.load.engine import Engine, Progress, Record
from probes.load.grade import (
    BUSY_CORES,
    LADDER_CORES,
    client_fault,
    outruns,
    saturates,
    verdict_of,
)
from probes.load.memory_log import MemoryLog
from probes.load.others import Moment, fault_of_others
from probes.load.plan import STOP_NOW
from probes.load.safety import Ending, Rules, RunEnded
from probes.load.shard import Live
from probes.load.sizes import MOST_TIMES, VISITS
from probes.load.so_far import SoFar
from probes.load.spec import WARMUP_LEAST_S, ClosedSegment, LoadSpec, OpenSegment, ReplaySegment, Segment
from probes.load.steps import StepResult
from probes.load.tally import Stages, Tally
from probes.probe import ProbeContext
from probes.targets.target import Target
from probes.watch.cgroup import memory_limit_bytes
from probes.watch.machine import processors_of
from probes.watch.memory_group import MemoryGauge
from probes.watch.tree import TreeWatcher, Usage

WARMUP_LONGEST_S = 5.0
STEADY_CHANGE = 0.10
SETTLE_S = 4.0
SETTLE_RATE = 20.0


class Run:
    """The moving parts of one run. A context manager."""

    def __init__(
        self,
        target: Target,
        spec: LoadSpec,
        context: ProbeContext,
        watcher: TreeWatcher | None,
        others: tuple[tuple[str, int], ...] = (),
    ) -> None:
        """`others` are the addresses of further instances of the target, which share its load."""
        self.target = target
        self.spec = spec
        self.context = context
        self.watcher = watcher
        self.rules = Rules(
            error_rule=not spec.finds_capacity,
            slo=spec.slo if spec.slo_asked and not spec.finds_capacity else None,
            memory_limit=memory_limit_bytes(watcher.roots[0].pid) if watcher and watcher.roots else None,
        )
        self.may_be_gone: set[int] = set()
        """Processes of the target whose end is our own doing."""
        wire = target.wire(spec.timeout_s, context.run_id).spread_over(others)
        self.engine = Engine(
            *(wire, spec.connections, self),
            *(spec.shards, spec.cluster),
        )
        if spec.sweep is not None:  # to begin with, the smallest
            self.engine.requests = (0, max(1, len(self.engine.wire.requests) // len(spec.sweep.sizes)))
        self.generator = np.random.default_rng(spec.seed)
        self.steps: list[StepResult] = []
        self.ending: Ending | None = None
        self.base_ms: float | None = None
        self.spoilt: str | None = None
        self.memory = MemoryLog()
        self._memory_gauge = MemoryGauge(watcher.roots[0].pid) if watcher and watcher.roots else None
        self._killed_before = None if self._memory_gauge is None else self._memory_gauge.oom_kills()
        self.most_connections = 0
        self._measuring = False
        self._mode = "open"
        self._so_far: SoFar | None = None
        self._step_began: Moment | None = None
        self._began = self.moment()
        self._search_began = context.elapsed()
        asked_s = sum(segment.seconds + spec.timeout_s for segment in spec.segments)
        if spec.sweep is not None:
            asked_s = spec.budget_s + (VISITS * len(spec.sweep.sizes) + 1) * MOST_TIMES * asked_s
        self._longest_s = 60.0 + 2 * (spec.budget_s if spec.finds_capacity else asked_s)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    @property
    def measured_step(self) -> int | None:
        """The index of the step that is being measured; None while no load counts."""
        return len(self.steps) if self._measuring and self.ending is None else None

    # what the engine asks of its observer

    def stop_word(self, live: Live, t_ns: int) -> int:
        """STOP_NOW once the run has to end; remembers why."""
        del live, t_ns
        if self.ending is None:
            if self.context.stop.is_set():
                self.ending = Ending("interrupted", "stopped by the person who started it")
            elif self.watcher is not None:
                gone = self.watcher.gone()
                unasked = tuple(process for process in gone if process.pid not in self.may_be_gone)
                self.ending = self.rules.target_gone(unasked, self._killed() if unasked else 0)
            if self.ending is None and self.context.elapsed() > self._longest_s:
                self.ending = Ending("aborted", f"the run went on for more than {self._longest_s:.0f} s")
        return STOP_NOW if self.ending is not None else 0

    def second(self, progress: Progress) -> None:
        """Tells of a second of load and holds it against the rules."""
        good = self.is_good(progress.statuses)
        timeouts = int((progress.statuses == plan.TIMEOUT).sum())
        cancelled = int((progress.statuses == plan.CANCELLED).sum())
        errors = progress.finished - int(good.sum()) - timeouts - cancelled
        self.most_connections = max(self.most_connections, progress.connections)
        self.memory.second(progress.t_ns, progress.span_s, progress.finished)
        if self.ending is None:
            self.ending = self.rules.after_second(progress, errors + timeouts) or self._beside_the_load()
        if not self._measuring:
            return
        usage = self._usage(progress.t_ns - int(progress.span_s * 1e9), progress.t_ns)
        response = progress.response_ns / 1e6
        client = progress.client_cores
        open_loop = self._mode == "open"
        self.context.emit(
            Second(
                t=self.context.elapsed(),
                step=len(self.steps),
                offered_per_s=round(progress.scheduled / progress.span_s, 2) if open_loop else None,
                achieved_per_s=round(float(good.sum()) / progress.span_s, 2),
                in_flight=progress.in_flight,
                waiting=progress.waiting,
                ok=int(good.sum()),
                errors=errors,
                timeouts=timeouts,
                p50_ms=_rounded(np.quantile(response, 0.5)) if len(response) else None,
                p99_ms=_rounded(np.quantile(response, 0.99)) if len(response) else None,
                max_ms=_rounded(response.max()) if len(response) else None,
                cpu_cores=None if usage is None else round(usage.cpu_cores, 3),
                rss_bytes=None if usage is None else int(usage.rss_bytes_peak),
                client_cpu_cores=None if client is None else round(client, 3),
                client_fault=self._fault_so_far(progress, good),
            )
        )

    def _beside_the_load(self) -> Ending | None:
        """The ending that the target's memory or this machine's clock calls for."""
        sample = None if self.watcher is None else self.watcher.latest()
        return self.rules.clocks(time.monotonic_ns(), time.time_ns()) or (
            None if sample is None else self.rules.target_memory(sample.rss_bytes, self._unreclaimable)
        )

    def _killed(self) -> int:
        """Processes of the target's group that were ended for want of memory since the run began."""
        now = None if self._memory_gauge is None else self._memory_gauge.oom_kills()
        return 0 if now is None or self._killed_before is None else now - self._killed_before

    def _unreclaimable(self) -> int | None:
        return None if self.watcher is None else self.watcher.measure_unreclaimable()

    def is_good(self, statuses: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which outcomes (without flags) are answers as they are wanted."""
        kinds = [kind for kind in np.unique(statuses).tolist() if 0 < kind < plan.TIMEOUT]
        return np.isin(statuses, [kind for kind in kinds if self.target.is_good(kind)])

    def _usage(self, from_ns: int, to_ns: int) -> Usage | None:
        return None if self.watcher is None else self.watcher.usage(from_ns, to_ns)

    # stretches of load

    def moment(self) -> Moment:
        return Moment.now(self.engine.cpu_s + self.target.harness_cpu_s())

    def _fault_so_far(self, progress: Progress, good: NDArray[np.bool_]) -> str | None:
        """Why our client or this machine spoils the step that runs, as far as it has come."""
        if self._so_far is None:
            return None
        fault = self._so_far.fault(progress, good)
        if fault is not None or self._step_began is None:
            return fault
        before = self._step_began
        usage = self._usage(round(before.t * 1e9), progress.t_ns)
        return self.machine_fault(before, usage, progress.client_cpu_s)

    def machine_fault(self, before: Moment, usage: Usage | None, running_s: float = 0.0) -> str | None:
        """Why the machine, busy with other things, spoils what was sent since then; None when it does not or
        cannot be told. `usage` is the target's in that time, `running_s` the CPU of load still under way."""
        if usage is None or self.watcher is None:
            return None
        now = self.moment()
        ours = now.own_s + running_s - before.own_s
        load = processors_of(shard.pid for shard in self.engine.shards if shard.pid)
        target = processors_of(root.pid for root in self.watcher.roots)
        if not load or not target or load & target:
            ours += usage.cpu_s
        return fault_of_others(before, now, load, ours)

    def others_cores(self) -> float | None:
        """Cores used since the run began by others than target and Loadstone, or withheld by a hypervisor;
        None where that cannot be told."""
        now, watched = self.moment(), self.watcher.latest() if self.watcher else None
        if now.cpu is None or self._began.cpu is None or watched is None:
            return None
        ours = now.own_s - self._began.own_s + watched.cpu_s
        return max(0.0, (now.cpu.busy_s - self._began.cpu.busy_s - ours) / (now.t - self._began.t))

    def phase(self, name: str, text: str, share: float | None = None) -> None:
        """Tells that a new part begins."""
        self.context.emit(Phase(self.context.elapsed(), name, text, share))

    def note(self, level: str, text: str) -> None:
        """Tells something a person should read."""
        self.context.emit(Note(self.context.elapsed(), level, text))

    def stretch(
        self, mode: str, send: Callable[[], Record], measuring: bool = True, began: Moment | None = None
    ) -> Record:
        """Runs one stretch of load. Raises `RunEnded` when the run has to end and nothing was measured.

        With `began`, what other processes do from then on is held against it second by second.
        """
        self.check_ending()
        self._mode = mode
        self._measuring = measuring
        full = BUSY_CORES if mode == "open" else LADDER_CORES if self.spec.finds_capacity else None
        self._so_far, self._step_began = SoFar(self.spec.slo, full), began
        try:
            return send()
        finally:
            self._measuring = False
            if self.engine.lost and self.ending is None:
                self.ending = Ending(
                    "aborted", f"{self.engine.lost[0]}; its requests are missing from then on"
                )

    def check_ending(self) -> None:
        if self.context.stop.is_set() and self.ending is None:
            self.ending = Ending("interrupted", "stopped by the person who started it")
        if self.ending is not None:
            raise RunEnded(self.ending)

    def record_step(self, record: Record, saturated: bool = False) -> StepResult | None:
        """Summarises, judges, tells and keeps a step; None when nothing was due in it."""
        if not len(record.due):
            return None
        return self._keep_step(self.summarised(record), saturated)

    def _keep_step(self, step: StepResult, saturated: bool = False, fault: str | None = None) -> StepResult:
        """Judges, tells and keeps a step; `fault` is what other processes did to it."""
        verdict = "saturated" if saturated else verdict_of(step, self.spec.slo)
        if verdict == "steady" and (saturates(step, self.steps) or outruns(step, self.steps)):
            verdict = "saturated"
        if fault is not None:
            verdict = "client_limited"
            self.spoilt = self.spoilt or f"in step {len(self.steps) + 1} {fault}"
        step = step.with_verdict(verdict)
        self.steps.append(step)
        response, service = step.histograms()
        self.context.emit(
            Step(self.context.elapsed(), len(self.steps) - 1, step.to_json(), response, service)
        )
        return step

    def summarised(self, record: Record) -> StepResult:
        """A stretch of load as a step, which is neither judged nor kept."""
        return self._step_of(Tally.of(record, self.target.is_good), record.report)

    def _step_of(self, tally: Tally, report: plan.ShardReport) -> StepResult:
        step = tally.step(report, self._usage)
        if self.watcher is None:
            return step
        return replace(step, detail=self.watcher.detail(tally.start_ns, tally.end_ns))

    def look_inside(
        self, load: ClosedSegment | OpenSegment, seen_enough: Callable[[], bool]
    ) -> StepResult | None:
        """Load that is no step of the run; it ends once `seen_enough`, asked 20 times a second, is true."""
        self.phase("result", "looking inside the saturated target", 0.99)
        drain = min(self.spec.timeout_s, max(0.5, 2 * self.limit_s()))

        def enough(_: Live) -> bool:
            return seen_enough()

        if isinstance(load, ClosedSegment):
            callers = partial(self.engine.closed_loop, load.concurrency, load.seconds)
            record = self.stretch("closed", partial(callers, drain_s=drain, enough=enough), measuring=False)
        else:
            record = self.open_stretch(load, measuring=False, drain_s=drain, enough=enough)
        self.check_ending()
        return self.summarised(record) if len(record.due) else None

    def beside(
        self, name: str, text: str, due: NDArray[np.int64], seconds: float, enough: Callable[[Live], bool]
    ) -> Record:
        """Open load that is no step of the run; ends once `enough`."""
        self.phase(name, text, 0.99)
        record = self.stretch(
            "open", lambda: self.engine.open_loop(due, seconds, enough=enough), measuring=False
        )
        self.check_ending()
        return record

    def fault_of(self, record: Record) -> str | None:
        """Why our own client spoilt a stretch; None when it did not."""
        return client_fault(self.summarised(record), self.spec.slo)

    def spoilt_by(self, record: Record, began: Moment) -> str | None:
        """Why our own client or other processes spoilt a stretch that began then; None when they did not."""
        usage = self._usage(record.start_ns, record.end_ns)
        return self.fault_of(record) or self.machine_fault(began, usage)

    def warm_up(self) -> None:
        """Load that is not measured: by default one caller until its service time is steady."""
        seconds = self.spec.warmup_s
        if seconds == 0:
            return
        self.phase("warmup", "warming up", 0.0)
        rate = self._rate_cap()
        if rate is not None:
            longest = WARMUP_LONGEST_S if seconds is None else seconds
            is_steady = _Steady() if seconds is None else None
            record = self.open_stretch(OpenSegment(rate, rate, longest), measuring=False, enough=is_steady)
            self.remember_base(record)
        else:
            callers = 1
            if (
                seconds is not None
                and self.spec.segments
                and isinstance(self.spec.segments[0], ClosedSegment)
            ):
                callers = 1 if self.spec.segments[0].think else self.spec.segments[0].concurrency
            longest = WARMUP_LONGEST_S if seconds is None else seconds
            is_steady = _Steady() if seconds is None else None
            record = self.stretch(
                "closed",
                lambda: self.engine.closed_loop(callers, longest, enough=is_steady),
                measuring=False,
            )
            self.remember_base(record)
        self.check_ending()

    def _rate_cap(self) -> float | None:
        """The rate that the warm-up may not exceed; None where callers that wait set the pace."""
        if self.spec.finds_capacity:
            return self.spec.max_rate
        first = self.spec.segments[0]
        if isinstance(first, ReplaySegment):
            return len(first.due_ns) / first.seconds
        return first.rate_from if isinstance(first, OpenSegment) else None

    def remember_base(self, record: Record) -> None:
        ok = (record.read > 0) & self.is_good(record.outcome)
        if (record.concurrency == 1 or self.spec.max_rate is not None) and ok.any():
            self.base_ms = float(np.median((record.read - record.sent)[ok][-50:])) / 1e6

    def open_stretch(
        self,
        segment: OpenSegment,
        measuring: bool = True,
        drain_s: float | None = None,
        enough: Callable[[Live], bool] | None = None,
        began: Moment | None = None,
    ) -> Record:
        due, _ = due_times([segment], self.spec.arrivals, self.generator)
        return self.stretch(
            "open",
            lambda: self.engine.open_loop(due, segment.seconds, drain_s=drain_s, enough=enough),
            measuring,
            began,
        )

    def run_segments(self) -> None:
        """Everything that was asked for, in turn; stages of an open loop flow into each other."""
        if self.spec.soak:  # what warming up took is none of the time that was asked about
            self.memory = MemoryLog()
        done, total = 0.0, sum(segment.seconds for segment in self.spec.segments)
        for group in _groups(self.spec.segments):
            seconds = sum(segment.seconds for segment in group)
            self.phase("load", _describe(group), done / total)
            began = self.moment()
            mode, stages, send = self._prepared(group)
            record = self.stretch(mode, partial(send, give=stages.take), began=began)
            fault = self.machine_fault(began, self._usage(record.start_ns, record.end_ns))
            for tally, _ in stages.finish(record):
                self._keep_step(self._step_of(tally, record.report), fault=fault)
            done += seconds
            self.check_ending()

    def _prepared(self, group: Sequence[Segment]) -> tuple[str, Stages, Callable[..., Record]]:
        """One stretch of load: its mode, what tallies its stages, and what sends it."""
        is_good, first = self.target.is_good, group[0]
        if isinstance(first, ClosedSegment):
            stages = Stages.one(is_good, first.seconds, first.concurrency, first.think is not None)
            callers = partial(self.engine.closed_loop, first.concurrency, first.seconds)
            return "closed", stages, partial(callers, think=first.think, seed=self.spec.seed)
        if isinstance(first, ReplaySegment):
            replayed = partial(self.engine.open_loop, first.due_ns, first.seconds)
            return "open", Stages.one(is_good, first.seconds), replayed
        rates = [segment for segment in group if isinstance(segment, OpenSegment)]
        due, rows = due_times(rates, self.spec.arrivals, self.generator)
        edges = np.concatenate([[0.0], np.cumsum([stage.seconds for stage in rates])])
        stages = Stages(is_good, rows.tolist(), edges.tolist())
        return "open", stages, partial(self.engine.open_loop, due, float(edges[-1]))

    def at_size(self, size: int, share: float, least: int) -> StepResult | None:
        """One visit to a size of the sweep: the callers of its segment, for its time and for at least so many
        requests, but at most `MOST_TIMES` as long; None when nothing was sent."""
        sweep, load = self.spec.sweep, self.spec.segments[0]
        assert sweep is not None and isinstance(load, ClosedSegment), "a sweep has callers"
        each, number = len(self.engine.wire.requests) // len(sweep.sizes), sweep.sizes.index(size)
        self.engine.requests = (number * each, (number + 1) * each)
        self.phase("load", f"{sweep.axis}={size:,}", share)
        ends, began = time.perf_counter_ns() + int(load.seconds * 1e9), self.moment()

        def enough(live: Live) -> bool:
            return time.perf_counter_ns() >= ends and int(live.header[plan.COMPLETE_TO]) >= least

        callers = partial(self.engine.closed_loop, load.concurrency, MOST_TIMES * load.seconds, enough=enough)
        record = self.stretch("closed", callers, began=began)
        step = None
        if len(record.due):
            summarised = replace(self.summarised(record), size=(sweep.axis, size))
            step = self._keep_step(summarised, fault=self.machine_fault(began, summarised.usage))
        self.check_ending()
        return step

    def elapsed(self) -> float:
        """Seconds since the search began."""
        return self.context.elapsed() - self._search_began

    def begin_search(self) -> None:
        """From here the budget counts."""
        self._search_began = self.context.elapsed()

    def settle(self) -> None:
        """Waits until one caller is answered as fast as at rest, so that no backlog spoils the next step."""
        if self.base_ms is None:
            return
        allowed_ns = int(3 * self.base_ms * 1e6)

        def at_rest(live: Live) -> bool:
            done = int(live.header[plan.COMPLETE_TO])
            if done < 5:
                return False
            last = slice(done - 5, done)
            return bool((live.columns["read"][last] - live.columns["sent"][last] <= allowed_ns).all())

        if self.spec.max_rate is not None:
            slow = min(self.spec.max_rate, SETTLE_RATE)
            self.open_stretch(OpenSegment(slow, slow, SETTLE_S), measuring=False, drain_s=0.2, enough=at_rest)
        else:
            self.stretch(
                "closed",
                lambda: self.engine.closed_loop(1, SETTLE_S, drain_s=0.2, enough=at_rest),
                measuring=False,
            )
        self.check_ending()

    def limit_s(self) -> float:
        slowest = self.spec.slo.slowest_limit_ms
        return slowest / 1e3 if math.isfinite(slowest) else 1.0


class _Steady:
    """True once the service time of a single caller no longer changes: medians of the last two fifths of what
    was sent agree, after `WARMUP_LEAST_S` and at least ten requests."""

    def __init__(self) -> None:
        self.began = time.perf_counter_ns()

    def __call__(self, live: Live) -> bool:
        done = int(live.header[plan.COMPLETE_TO])
        if done < 10 or time.perf_counter_ns() - self.began < WARMUP_LEAST_S * 1e9:
            return False
        service = (live.columns["read"][:done] - live.columns["sent"][:done])[done * 3 // 5 :]
        early, late = np.median(service[: len(service) // 2]), np.median(service[len(service) // 2 :])
        return bool(abs(late - early) <= STEADY_CHANGE * early)


def _groups(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Neighbouring open segments run as one stretch; each other one by itself."""
    groups: list[list[Segment]] = []
    for segment in segments:
        if groups and isinstance(segment, OpenSegment) and isinstance(groups[-1][0], OpenSegment):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def _describe(group: Sequence[Segment]) -> str:
    first = group[0]
    if isinstance(first, ReplaySegment):
        return f"{len(first.due_ns):,} requests of {first.file} replayed, {first.seconds:.4g} s"
    if isinstance(first, ClosedSegment) and first.think is not None:
        users = f"{first.concurrency} user{'s' if first.concurrency > 1 else ''}"
        return f"{users} who think {first.think.mean_s:g} s, {first.seconds:g} s"
    if isinstance(first, ClosedSegment):
        return (
            f"{first.concurrency} caller{'s' if first.concurrency > 1 else ''} at once, {first.seconds:g} s"
        )
    parts = []
    for segment in group:
        if isinstance(segment, OpenSegment):
            rates = f"{segment.rate_from:g}"
            if segment.rate_to != segment.rate_from:
                rates += f" to {segment.rate_to:g}"
            parts.append(f"{rates}/s for {segment.seconds:g} s")
    return ", then ".join(parts)


def _rounded(value: float) -> float:
    return round(float(value), 3)
