"""The bench that the search for the capacity drives: steps of a run, and what they show of each objective."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from probes.analysis.exceedance import Block, cluster_sizes
from probes.events import Preview
from probes.load import plan
from probes.load.engine import Record
from probes.load.grade import LADDER_CORES, client_fault, is_saturated
from probes.load.run import Run
from probes.load.safety import Ending, RunEnded
from probes.load.search import BLOCK_S, ClosedView, Objective, OpenView
from probes.load.shard import Live
from probes.load.spec import LoadSpec, OpenSegment
from probes.load.steps import StepResult, exceedances

HOPELESS_SHARE = 0.10
"""A step is over once this share of its requests waits longer than the SLO allows."""
LEAST_UNANSWERED = 10


class RunBench:
    """`probes.load.search.Bench` on a run; its steps are those of the run."""

    def __init__(self, run: Run, objectives: Sequence[Objective]) -> None:
        self.run = run
        self.objectives = tuple(objectives)

    def elapsed(self) -> float:
        """Seconds since the search began."""
        return self.run.elapsed()

    def closed(self, concurrency: int, seconds: float, requests: int) -> ClosedView:
        """A closed-loop step of at least `seconds` and `requests`, but at most three times as long."""
        self.run.phase(
            "ladder",
            f"{concurrency} caller{'s' if concurrency > 1 else ''} at once",
            self._share(),
        )
        ends = time.perf_counter_ns() + int(seconds * 1e9)
        began = self.run.moment()

        def enough(live: Live) -> bool:
            return time.perf_counter_ns() >= ends and int(live.header[plan.COMPLETE_TO]) >= requests

        drain = min(self.run.spec.timeout_s, max(1.0, 2 * self.run.limit_s()))
        record = self.run.stretch(
            "closed",
            lambda: self.run.engine.closed_loop(concurrency, 3 * seconds, drain_s=drain, enough=enough),
            began=began,
        )
        self.run.remember_base(record)
        step = self.run.record_step(record)
        self.run.check_ending()
        if step is None:
            return ClosedView(0.0, math.inf, 0)
        self._check_answering(step)
        median = step.service.quantile(0.5) / 1e6 if len(step.service) else math.inf
        fault = client_fault(step, self.run.spec.slo)
        if fault is None and step.busiest_client_cores > LADDER_CORES:
            fault = f"the load process used {step.busiest_client_cores:.2f} of one core"
        fault = fault or self.run.machine_fault(began, step.usage)
        return ClosedView(
            throughput=step.achieved_per_s,
            median_ms=median,
            requests=step.ok,
            fault=fault,
            error_ratio=step.error_ratio or 0.0,
            variability=step.service.variability,
            missed=tuple(self._share_missed(record, objective) for objective in self.objectives),
            medians_ms=tuple(_median_ms(step, objective) for objective in self.objectives),
        )

    def _share_missed(self, record: Record, objective: Objective) -> float:
        missed = exceedances(record, self.run.target.is_good, objective.limit_ms, objective.of)
        return float(missed.mean()) if len(missed) else 0.0

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        """An open-loop step once the target is at rest; ends early when it is hopeless."""
        self.run.settle()
        self.run.phase("search", f"{rate:.4g} requests/s", self._share())
        limit_ns = int(self.run.limit_s() * 1e9)
        before = self.run.moment()

        def hopeless(live: Live) -> bool:
            now = time.perf_counter_ns()
            due = live.columns["due"][: live.segment.scheduled]
            overdue = int(np.searchsorted(due, now - limit_ns))
            done = int(live.header[plan.COMPLETE_TO])
            unanswered = int((live.columns["read"][done:overdue] == 0).sum()) if overdue > done else 0
            return unanswered > max(HOPELESS_SHARE * live.segment.scheduled, 20)

        drain = min(self.run.spec.timeout_s, max(0.5, 2 * self.run.limit_s()))
        load = OpenSegment(rate, rate, seconds + discard_s)
        record = self.run.open_stretch(load, drain_s=drain, enough=hopeless, began=before)
        cut = record.start_ns + int(discard_s * 1e9)
        if record.end_ns - cut > 1_000_000_000:
            record = record.due_from(cut)
        stopped = record.stopped and self.run.ending is None
        step = self.run.record_step(record, saturated=stopped)
        self.run.check_ending()
        if step is None:
            return OpenView(rate, tuple(() for _ in self.objectives), False, seconds, 0.0)
        self._check_answering(step)
        fault = (None if stopped else client_fault(step, self.run.spec.slo)) or self.run.machine_fault(
            before, step.usage
        )
        if fault is not None:
            self.run.note("warning", f"step at {rate:.4g}/s not used: {fault}")
        return OpenView(
            rate=rate,
            blocks=tuple(self._blocks(record, objective, rate) for objective in self.objectives),
            saturated=stopped or is_saturated(step),
            seconds=step.seconds,
            achieved=step.achieved_per_s,
            fault=fault,
        )

    def _check_answering(self, step: StepResult) -> None:
        """Raises `RunEnded` when not one request of a step was answered well."""
        if step.ok == 0 and (step.failed or step.cancelled >= LEAST_UNANSWERED):
            text = f"the target stopped answering: none of {step.sent} requests was answered well"
            self.run.ending = Ending("failed", text)
            raise RunEnded(self.run.ending)

    def preview(self, rate: float, low: float, high: float) -> None:
        """Tells a first estimate."""
        high = high if math.isfinite(high) else rate
        self.run.context.emit(
            Preview(self.run.context.elapsed(), round(rate, 3), round(low, 3), round(high, 3))
        )

    def _blocks(self, record: Record, objective: Objective, rate: float) -> tuple[Block, ...]:
        missed = exceedances(record, self.run.target.is_good, objective.limit_ms, objective.of)
        seconds = (record.due - record.start_ns) / 1e9
        finite = objective.limit_ms if math.isfinite(objective.limit_ms) else 0.0
        gap = max(2 * finite / 1e3, 0.5)
        count = max(1, round((record.end_ns - record.start_ns) / 1e9 / BLOCK_S))
        edges = np.linspace(0, (record.end_ns - record.start_ns) / 1e9, count + 1)[1:-1]
        block = np.searchsorted(edges, seconds, side="right")
        return tuple(
            Block(
                rate=rate,
                requests=int((block == k).sum()),
                missed=int(missed[block == k].sum()),
                clusters=cluster_sizes(seconds[missed & (block == k)], gap),
            )
            for k in range(count)
        )

    def _share(self) -> float:
        return min(0.99, self.run.elapsed() / self.run.spec.budget_s)


def objectives_of(spec: LoadSpec) -> list[Objective]:
    """The SLO's parts as shares of requests that may miss them."""
    found = [
        Objective(f"{bound.name}<={bound.limit_ms:g}ms", bound.limit_ms, 1 - bound.quantile, bound.of)
        for bound in spec.slo.bounds
    ]
    if spec.slo.error_ratio is not None:
        found.append(
            Objective(f"errors<={spec.slo.error_ratio:g}", math.inf, max(spec.slo.error_ratio, 1e-6))
        )
    return found


def _median_ms(step: StepResult, objective: Objective) -> float | None:
    """The median of the part of an answer that is limited; None where that is the whole of it."""
    if objective.of == "response" or step.streams is None:
        return None
    times = step.streams.durations(objective.of)
    return times.quantile(0.5) / 1e6 if len(times) else math.inf
