"""The load probe: puts a target under load, watches its processes, and says what it carries.

Its result is CONTRACT's `loadstone.probe/1` document, complete also when the run was ended early.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from probes.analysis.answers import HeldAnswers
from probes.analysis.bottleneck import Bottleneck
from probes.analysis.instances import Together
from probes.analysis.memory import MemoryGrowth
from probes.analysis.overload import Overload
from probes.errors import InternalError, TargetError, UsageError
from probes.events import FactFound, Finished, Started
from probes.facts import Fact, FactName, Source, observed
from probes.load import instance_loss, plan
from probes.load import instances as together_with
from probes.load import loss as losing
from probes.load import overload as overloading
from probes.load.answers import AnswerWatch
from probes.load.bench import RunBench, objectives_of
from probes.load.grade import Grade, grade_steps, untold_memory
from probes.load.instance_loss import InstanceLoss
from probes.load.instances import Instance
from probes.load.kept import file_growth, kept_json, kept_now
from probes.load.loss import Loss
from probes.load.out_of_memory import ended_by_memory
from probes.load.run import Run
from probes.load.safety import Ending, RunEnded, check_descriptors, scarce_ports
from probes.load.search import Capacity, Limits, Search
from probes.load.spec import ClosedSegment, LoadSpec
from probes.load.steps import StepResult, proofs, steadiness
from probes.load.streams import Streams
from probes.load.sweep import grade_sweep, run_sweep, volume_facts, volume_json
from probes.load.why import Why, limit_of, look_inside, reserved_s, stacks_json
from probes.probe import ProbeContext
from probes.targets.target import Target
from probes.version import version
from probes.watch.cgroup import memory_limit_bytes
from probes.watch.machine import (
    describe_machine,
    ephemeral_ports,
    socket_floor,
    time_wait_sockets,
    timer_lateness,
)
from probes.watch.process import listening_owners
from probes.watch.tree import TreeWatcher

FLOOR_SAMPLES = 200
SCALABILITY_LEVELS = 6
BUSY_MACHINE_CORES = 0.3
MOSTLY_FAILED = 0.5
"""A step in which more than this share failed shows no saturation but a fault."""


class LoadProbe:
    """`loadstone probe` for one target.

    `pids` are watched; by default the owner of the listening socket. Flame graphs go to a folder in `folder`;
    without it there is none. `may_end_one` lets it end one of several processes of the target at the end of a
    search: only for whoever has started the target. `instances` are two or more of it, the first of which is
    `target`: they share the load, and with `may_end_one` the last of them is ended whole.
    """

    name: ClassVar[str] = "load"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def __init__(
        self,
        target: Target,
        spec: LoadSpec,
        *,
        pids: tuple[int, ...] = (),
        folder: Path | None = None,
        may_end_one: bool = False,
        instances: Sequence[Instance] = (),
    ) -> None:
        self.target = target
        self.spec = spec
        self.pids = pids
        self.folder = folder
        self.may_end_one = may_end_one
        self.instances = tuple(instances) if len(instances) > 1 else ()

    def run(self, context: ProbeContext) -> dict[str, Any]:
        """Measures; emits from `Started` to `Finished` and returns the result document.

        Raises `TargetError` when the target does not answer as wanted, `UsageError` when the load cannot be
        sent from here; then nothing has started.
        """
        self.spec.check()
        together_with.refuse_strange(self.instances, self.spec.cluster)
        if self.spec.slo.is_of_streams and self.target.kind != "openai":
            raise UsageError(
                f"{self.target.address} does not stream its answers, and the SLO {self.spec.slo.text} bounds "
                "tokens: give an openai+http:// target, or bounds on response time such as p99<=200ms"
            )
        self.target = self.target.prepared(self.spec.timeout_s)
        if self.spec.sweep is not None:
            self.target = self.target.sized(self.spec.sweep.axis, self.spec.sweep.sizes)
        answer = self.target.check(self.spec.timeout_s, context.run_id)
        callers = [part.concurrency for part in self.spec.segments if isinstance(part, ClosedSegment)]
        check_descriptors(max(self.spec.connections, *callers, 0))
        watcher = self._watcher()
        started_at = datetime.now(UTC)
        machine = describe_machine()
        floor = _floor()
        header: dict[str, Any] = {
            "id": context.run_id,
            "started_at": started_at.isoformat(),
            "machine": machine,
        }
        header |= {"seed": self.spec.seed, "version": version()}
        target = self.target.to_json() | ({"pids": [root.pid for root in watcher.roots]} if watcher else {})
        context.emit(Started(context.elapsed(), header, target, self.spec.to_json()))
        limit = memory_limit_of(watcher)
        if watcher is None and not self.target.remote:
            text = "the process behind the target was not found: its CPU and memory are not measured"
            self._note(context, text)
        if target.get("client") == "grpcio":
            text = "grpcio's own client makes the calls: no kernel stamps, timers of 1 ms, more CPU here"
            self._note(context, text)
        scarce = scarce_ports(answer, self.spec, ephemeral_ports(), time_wait_sockets())
        if scarce is not None:
            self._note(context, scarce)
        judging = threading.Thread(target=_make_ready_to_judge, name="judging", daemon=True)
        judging.start()
        held_together = None
        if self.instances:
            held_together = together_with.ask_all(self.instances, self.spec.timeout_s, context.run_id)
        others = tuple((one.target.ip, one.target.port) for one in self.instances[1:])
        with Run(self.target, self.spec, context, watcher, others) as run:
            judging.join()
            answers = self._answers(run, answer.body, context.run_id)
            ends: list[dict[str, int]] = []
            if watcher is not None:
                watcher.start()
                ends.append(kept_now(watcher, run.engine.sent))
            try:
                capacity, ending = self._measure(run, answers)
                others_cores = run.others_cores()
                if watcher is not None:
                    ends.append(kept_now(watcher, run.engine.sent))
                why, ending = self._look(run, ending)
                held = None if answers is None else answers.end(ask_again=ending is None)
                memory = None if watcher is None else run.memory.judged(watcher.samples(), limit[0])
                overload, ending = self._overload(run, capacity, ending)
                together, ending = self._each_alone(run, ending)
                loss, ending = self._lose(run, capacity, together, ending)
            finally:
                if answers is not None:
                    answers.stop()
                if watcher is not None:
                    watcher.stop()
            header |= {"target": target, "floor_ms": floor, "others_cores": others_cores, "why": why}
            header |= {
                "ends": ends,
                "answers": held,
                "checks": 1
                + self.target.tried
                + (answers.sent if answers else 0)
                + (held_together.compared if held_together else 0),
            }
            header |= {"memory": memory, "limit": limit, "overload": overload, "loss": loss}
            document = self._document(run, capacity, ending, header)
            if held_together is not None:
                document["instances"] = together_with.instances_json(
                    run, self.instances, held_together, together
                )
                if document["run"]["grade"] != "client_limited":
                    source = Source("load", run=context.run_id)
                    facts = together_with.instances_facts(
                        len(self.instances), held_together, together, source
                    )
                    document["facts"] += [fact.to_json() for fact in facts]
        for fact in document["facts"]:
            context.emit(FactFound(context.elapsed(), fact))
        context.emit(Finished(context.elapsed(), document))
        return document

    def _note(self, context: ProbeContext, text: str) -> None:
        from probes.events import Note

        context.emit(Note(context.elapsed(), "warning", text))

    def _watcher(self) -> TreeWatcher | None:
        pids = self.pids or tuple(one.service.pid for one in self.instances)
        if not pids and not self.target.remote:
            pids = listening_owners(self.target.ip, self.target.port)
        try:
            return TreeWatcher(pids) if pids else None
        except TargetError:
            if self.pids:
                raise
            return None  # found but not readable: reported as not measured

    def _answers(self, run: Run, first: bytes, run_id: str) -> AnswerWatch | None:
        """What holds answers under load against those at rest, `first` being one; None where not asked."""
        if self.spec.check_answers == "no" or self.spec.sweep is not None:  # its requests are not alike
            return None

        def ask() -> bytes:
            return self.target.check(self.spec.timeout_s, run_id).body

        return AnswerWatch(ask, first, lambda: run.measured_step)

    def _measure(self, run: Run, answers: AnswerWatch | None) -> tuple[Capacity | None, Ending | None]:
        search: Search | None = None
        try:
            run.warm_up()
            if self.spec.sweep is not None:
                run_sweep(run)
                return None, None
            if answers is not None:
                answers.begin()
            if not self.spec.finds_capacity:
                run.run_segments()
                return None, None
            run.begin_search()
            limits = Limits(
                budget_s=self.spec.budget_s - reserved_s(self.spec),
                precision=self.spec.precision,
                max_rate=self.spec.max_rate,
                max_concurrency=self.spec.connections,
            )
            objectives = objectives_of(self.spec)
            search = Search(RunBench(run, objectives), objectives, limits)
            return search.run(), None
        except RunEnded as ended:
            so_far = None if search is None else search.so_far(ended.ending.reason)
            return so_far, ended.ending

    def _look(self, run: Run, ending: Ending | None) -> tuple[Why, Ending | None]:
        """Looks inside, unless the run has ended before its time; the look is no ground to lose the rest."""
        if ending is not None:
            return Why(), ending
        try:
            return look_inside(run), None
        except RunEnded as ended:
            return Why(), ended.ending

    def _overload(
        self, run: Run, capacity: Capacity | None, ending: Ending | None
    ) -> tuple[Overload | None, Ending | None]:
        """Sends more than the target carries, where that was asked and can be done."""
        if not self.spec.overload or ending is not None:
            return None, ending
        against = overloading.why_not(capacity, self.spec.max_rate)
        if against is not None or capacity is None:
            run.note("warning", f"the target was not overloaded: {against}")
            return None, ending
        try:
            return overloading.overload(run, capacity), None
        except RunEnded as ended:
            return None, ended.ending

    def _each_alone(self, run: Run, ending: Ending | None) -> tuple[Together | None, Ending | None]:
        """What each of several instances carries alone, where callers showed what it takes."""
        if not self.instances or ending is not None or self.spec.sweep is not None or self.spec.max_rate:
            return None, ending
        try:
            return together_with.each_alone(run, self.instances), None
        except RunEnded as ended:
            return None, ended.ending

    def _lose(
        self, run: Run, capacity: Capacity | None, together: Together | None, ending: Ending | None
    ) -> tuple[Loss | InstanceLoss | None, Ending | None]:
        """Ends one of the target's instances or processes, where whoever started it wants that and it can be
        done."""
        if not self.may_end_one or ending is not None:
            return None, ending
        if self.instances:
            rate = instance_loss.rate_for(run, capacity, len(self.instances))
            if isinstance(rate, str):
                run.note("warning", f"no instance of the target was ended: {rate}")
                return None, ending
            try:
                found = instance_loss.lose_instance(run, self.instances, rate, capacity, together)
                return found, None
            except RunEnded as ended:
                return None, ended.ending
        victim = losing.victim_of(run)
        known = capacity is not None and overloading.highest_throughput(capacity) > 0
        if isinstance(victim, str) or capacity is None or not known:
            why = victim if isinstance(victim, str) else "what it carries at most was not reached"
            run.note("warning", f"no process of the target was ended: {why}")
            return None, ending
        try:
            return losing.lose_one(run, capacity, victim), None
        except RunEnded as ended:
            return None, ended.ending

    def _document(
        self,
        run: Run,
        capacity: Capacity | None,
        ending: Ending | None,
        header: Mapping[str, Any],
    ) -> dict[str, Any]:
        steps = run.steps
        grade: Grade
        if capacity is not None:
            grade, reason = capacity.grade, capacity.grade_reason
            if ending is not None and capacity.rate is None:
                grade, reason = "insufficient", ending.reason
        elif self.spec.sweep is not None:
            grade, reason = grade_sweep(steps, self.spec, run.spoilt)
        else:
            grade, reason = grade_steps(steps, self.spec.slo)
            if run.spoilt is not None:
                grade, reason = "client_limited", run.spoilt
        memory: MemoryGrowth | None = header["memory"]
        untold = untold_memory(memory) if self.spec.soak else None
        if untold is not None and grade == "valid":
            grade, reason = "insufficient", untold
        if ending is not None and ending.status in ("failed", "aborted"):
            grade, reason = "unstable", ending.reason
        if run.engine.lost:
            grade, reason = "client_limited", f"{run.engine.lost[0]}; its requests are missing from then on"
        machine, others = dict(header["machine"]), header["others_cores"]
        if others is not None:
            machine["others_cpu_cores"] = round(others, 3)
            if others > BUSY_MACHINE_CORES:
                text = f"other processes used {others:.1f} of this machine's cores meanwhile"
                self._note(run.context, text)
                if grade == "degrading":  # not necessarily the target's own doing
                    grade, reason = "unstable", f"{reason}; {text}"
        document: dict[str, Any] = {
            "schema": "loadstone.probe/1",
            "run": {
                "id": header["id"],
                "started_at": header["started_at"],
                "seconds": round(run.context.elapsed(), 3),
                "status": ending.status if ending is not None else "completed",
                "reason": ending.reason if ending is not None else None,
                "grade": grade,
                "grade_reason": reason,
                "seed": self.spec.seed,
                "machine": machine,
                "version": header["version"],
            },
            "target": header["target"],
            "load": self.spec.to_json(),
        }
        found = self._capacity_json(capacity, run) if capacity is not None else None
        if capacity is None and ending is None and grade not in ("client_limited", "unstable"):
            found = _saturated_json(steps)
        limit: Bottleneck | None = None
        if found is not None:
            fault = reason if grade == "client_limited" else None
            limit = limit_of(run, header["why"], fault)
            if limit is not None:
                found |= limit.to_json() | {"bounds": [bound.to_json() for bound in limit.bounds]}
            document["capacity"] = found
        by_memory = ended_by_memory(run, ending)
        if by_memory is not None:
            limit = by_memory
            document["capacity"] = (found or _carried_json(steps, ending)) | by_memory.to_json()
        scalability = _scalability_json(steps)
        if scalability is not None:
            document["scalability"] = scalability
        document["steps"] = [step.to_json() for step in steps]
        if not self.spec.finds_capacity and self.spec.sweep is None:
            document["steps"] = [
                step.to_json() | {"proof": proofs(step, self.spec.slo)} | steadiness(step) for step in steps
            ]
        if self.spec.sweep is not None:
            document["volume"] = volume_json(steps, self.spec)
        streams = _streams_of(steps, capacity)
        if streams is not None:
            document["streaming"] = streams.to_json(self.spec.slo)
        seen = self.target.seen(steps, str(header["id"]))
        document |= seen.sections
        if memory is not None:
            document["memory"] = memory.to_json()
            if memory.hours_to_limit is not None:
                document["memory"] |= dict(zip(("limit_bytes", "limit_of"), header["limit"], strict=True))
        overload: Overload | None = header["overload"]
        if overload is not None:
            document["overload"] = overload.to_json()
        loss: Loss | InstanceLoss | None = header["loss"]
        if loss is not None:
            document["loss"] = loss.to_json()
        files = file_growth(header["ends"], run.most_connections)
        if header["ends"]:
            document["kept"] = kept_json(header["ends"], files)
        held: HeldAnswers | None = header["answers"]
        if held is not None:
            document["answers"] = held.to_json()
            if held.verdict == "not_comparable" and self.spec.check_answers == "yes":
                self._note(run.context, f"answers could not be compared: {held.reason}")
        of_lock = limit is not None and limit.limited_by == "gil"
        stacks, lost = stacks_json(header["why"], str(header["id"]), self.folder, of_lock=of_lock)
        document |= stacks
        if lost is not None:
            self._note(run.context, lost)
        sent = run.engine.sent
        document["client"] = {
            "cpu_cores": round(run.engine.cpu_s / max(run.context.elapsed(), 1e-9), 4),
            "cpu_us_per_request": round(1e6 * run.engine.cpu_s / sent, 2) if sent else None,
            "load_processes": len(run.engine.shards),
            "requests_sent": sent,
            "checks_sent": header["checks"],
            "floor_ms": header["floor_ms"],
            "kernel_stamps": any(len(step.read_lag) for step in steps),
            "errors_seen": {_outcome_name(code): text for code, text in sorted(run.engine.notes.items())},
        }
        facts = []
        if grade != "client_limited":
            facts = self._facts(steps, capacity, memory, str(header["id"]))
            facts += self._limit_facts(limit, header["why"], scalability, facts, str(header["id"]))
            facts += seen.facts
            facts += [] if streams is None else streams.facts(Source("load", run=str(header["id"])))
            facts += _answer_facts(held, Source("load", run=str(header["id"])))
            facts += [] if files is None else [files.fact(Source("load", run=str(header["id"])))]
            facts += [] if loss is None else loss.facts(Source("load", run=str(header["id"])))
            facts += _overload_facts(overload, Source("load", run=str(header["id"])))
            if "volume" in document:
                facts += volume_facts(document["volume"], str(header["id"]))
        document["facts"] = [fact.to_json() for fact in facts]
        return document

    def _capacity_json(self, capacity: Capacity, run: Run) -> dict[str, Any]:
        document: dict[str, Any] = {"bound": capacity.bound}
        for name, value in (("rate_per_s", capacity.rate), ("low", capacity.low), ("high", capacity.high)):
            if value is not None and math.isfinite(value):
                document[name] = round(value, 3)
        document |= {"slo": self.spec.slo.to_json(), "reason": capacity.reason}
        if capacity.decided_by is not None:  # else the bounds are rates that were tried, not an interval
            document |= {"confidence": 0.95, "decided_by": capacity.decided_by}
        if capacity.saturation is not None:
            document["saturation_per_s"] = round(capacity.saturation, 3)
        document["probe_seconds"] = round(run.elapsed(), 3)
        return document

    def _facts(
        self,
        steps: Sequence[StepResult],
        capacity: Capacity | None,
        memory: MemoryGrowth | None,
        run_id: str,
    ) -> list[Fact]:
        source = Source("load", run=run_id)
        facts = []
        at = datetime.now(UTC)

        def add(name: str, value: float | int | str | None, **more: Any) -> None:
            if value is not None and (isinstance(value, str) or math.isfinite(value)):
                facts.append(observed(name, value, source, at=at, **more))

        decisive = decisive_step(steps, capacity)
        if capacity is not None and capacity.rate is not None:
            samples = sum(step.sent for step in steps if step.mode == "open")
            high = capacity.high if capacity.high is not None and math.isfinite(capacity.high) else None
            add("load.capacity", round(capacity.rate, 3), low=capacity.low, high=high, samples=samples)
        if capacity is not None and capacity.saturation:
            add("load.saturation_rate", round(capacity.saturation, 3))
        counted = [step for step in steps if step.size is None or step.verdict != "client_limited"]
        alone = next((step for step in counted if step.mode == "closed" and step.concurrency == 1), None)
        if alone is not None and len(alone.service):
            add("load.service_p50_ms", round(alone.service.quantile(0.5) / 1e6, 4), samples=alone.ok)
        if decisive is not None:
            summary = decisive.to_json().get("response_ms", {})
            add("load.throughput", round(decisive.achieved_per_s, 3), samples=decisive.ok)
            for name in ("p50", "p95", "p99"):
                add(f"load.response_{name}_ms", summary.get(name), samples=len(decisive.response))
            add("load.error_ratio", decisive.error_ratio, samples=decisive.sent)
            add("process.cpu_ms_per_request", decisive.cpu_ms_per_request, samples=decisive.ok)
        used = [(step, step.usage) for step in steps if step.usage is not None]
        if used:
            busiest = max(used, key=lambda pair: pair[0].achieved_per_s)[1]
            add("process.cpu_cores_at_saturation", round(busiest.cpu_cores, 4))
            add("process.rss_peak_bytes", max(int(usage.rss_bytes_peak) for _, usage in used))
            add("process.threads_peak", max(int(usage.threads_peak) for _, usage in used))
        if memory is not None and memory.verdict != "insufficient":
            add("process.memory_verdict", memory.verdict, samples=memory.samples)
            for name, rate in (("request", memory.per_request), ("second", memory.per_second)):
                if rate is not None and memory.verdict == "growing":
                    bounds = {"low": rate.low, "high": rate.high}
                    add(f"process.growth_bytes_per_{name}", rate.value, samples=memory.samples, **bounds)
        return facts

    def _limit_facts(
        self,
        limit: Bottleneck | None,
        why: Why,
        scalability: Mapping[str, Any] | None,
        known: Sequence[Fact],
        run_id: str,
    ) -> list[Fact]:
        """Facts on what limits the target and how it scales."""
        source, at = Source("load", run=run_id), datetime.now(UTC)
        facts = []
        if limit is not None:
            facts.append(observed("load.limited_by", limit.limited_by, source, at=at))
        seen = None if why.inside is None else why.inside.stacks
        if seen is not None and seen.gil_shares:
            share = round(max(seen.gil_shares.values()), 4)
            facts.append(observed("process.gil_share", share, source, at=at, samples=seen.moments))
        law = scalability or {}
        names = {"sigma": "scalability_sigma", "kappa": "scalability_kappa"}
        for key, name in {**names, "peak_concurrency": "peak_concurrency"}.items():
            if law.get(key) is not None:
                bounds = {end: law[end].get(key) for end in ("low", "high")}
                facts.append(observed(f"load.{name}", law[key], source, at=at, **bounds))
        values = {fact.name: fact.value for fact in known}
        p99, alone = values.get("load.response_p99_ms"), values.get("load.service_p50_ms")
        if "load.capacity" in values and isinstance(p99, float) and isinstance(alone, float) and alone > 0:
            facts.append(observed("load.p99_growth", round(p99 / alone, 4), source, at=at))
        return facts


def memory_limit_of(watcher: TreeWatcher | None) -> tuple[float | None, str | None]:
    """What the target's memory may reach (bytes), and whose limit that is.

    Its control group's (`group`), else this machine's (`machine`): what it has now and what is free.
    """
    if watcher is None or not watcher.roots:
        return None, None
    limit = memory_limit_bytes(watcher.roots[0].pid)
    if limit is not None:
        return float(limit), "group"
    import psutil

    latest = watcher.latest()
    return float(psutil.virtual_memory().available + (latest.rss_bytes if latest else 0)), "machine"


def _make_ready_to_judge() -> None:
    """Imports what the result is worked out with, while the load processes start.

    At the end it would keep those waiting who have stopped the run: nearly half a second of CPU time.
    """
    import_module("scipy.optimize")


def decisive_step(steps: Sequence[StepResult], capacity: Capacity | None) -> StepResult | None:
    """The last step, none of a sweep; with a capacity the open step nearest at or below it."""
    if capacity is None:  # the last size of a sweep stands for nothing but itself
        return steps[-1] if steps and steps[-1].size is None else None
    if capacity.rate is None:
        return None
    below = [
        step
        for step in steps
        if step.mode == "open" and step.offered_per_s is not None and step.offered_per_s <= capacity.rate
    ]
    return max(reversed(below), key=lambda step: step.offered_per_s or 0.0, default=None)


def _streams_of(steps: Sequence[StepResult], capacity: Capacity | None) -> Streams | None:
    """The streamed answers at capacity, or else of the last step that has some."""
    told = [step for step in steps if step.streams is not None and step.streams.good.any()]
    decisive = decisive_step(steps, capacity)
    if decisive in told:
        return decisive.streams
    return told[-1].streams if told else None


def _saturated_json(steps: Sequence[StepResult]) -> dict[str, Any] | None:
    """The throughput at saturation of a run that asked for given steps; None where nothing saturated."""
    if not any(step.verdict == "saturated" for step in steps):
        return None
    best = max(steps, key=lambda step: step.achieved_per_s)
    if not best.ok or (best.error_ratio or 0.0) > MOSTLY_FAILED:
        return None
    return {
        "rate_per_s": round(best.achieved_per_s, 3),
        "bound": "at_least" if best.verdict != "saturated" else "provisional",
        "slo": None,
        "reason": "the highest throughput of the steps that were asked for",
    }


def _carried_json(steps: Sequence[StepResult], ending: Ending | None) -> dict[str, Any]:
    """What was carried until a run ended before its time; it need not be all, nor last."""
    best = max((step.achieved_per_s for step in steps if step.ok), default=None)
    document: dict[str, Any] = {"slo": None, "reason": None if ending is None else ending.reason}
    if best is None:
        return document | {"bound": "indeterminate"}
    return document | {"rate_per_s": round(best, 3), "bound": "provisional"}


def _scalability_json(steps: Sequence[StepResult]) -> dict[str, Any] | None:
    ladder = [
        step
        for step in steps
        if step.mode == "closed" and step.users is None and step.ok and step.verdict != "client_limited"
    ]
    if len({step.concurrency for step in ladder}) < SCALABILITY_LEVELS:
        return None
    from probes.analysis.scalability import fit_scalability

    return fit_scalability(
        [step.concurrency for step in ladder], [step.achieved_per_s for step in ladder]
    ).to_json()


def _answer_facts(held: HeldAnswers | None, source: Source) -> list[Fact]:
    if held is None or held.verdict == "not_comparable":
        return []
    share, upper = 1 - held.equal / held.compared, held.changed_at_most
    bounds = {} if upper is None else {"low": 0.0, "high": round(upper, 4)}
    at = datetime.now(UTC)
    return [
        observed(
            "load.answers_changed_ratio", round(share, 4), source, at=at, samples=held.compared, **bounds
        )
    ]


def _overload_facts(overload: Overload | None, source: Source) -> list[Fact]:
    if overload is None or overload.fault is not None:
        return []
    at, n = datetime.now(UTC), overload.requests
    facts = [
        observed("load.overload_goodput_ratio", round(overload.goodput_ratio, 4), source, at=at, samples=n),
        observed("load.recovers", overload.recovery_s is not None, source, at=at),
    ]
    if overload.shed_ratio is not None:
        missed = n - overload.in_time
        share = round(overload.shed_ratio, 4)
        facts.append(observed("load.overload_shed_ratio", share, source, at=at, samples=missed))
    if overload.recovery_s is not None:
        facts.append(observed("load.recovery_seconds", round(overload.recovery_s, 3), source, at=at))
    return facts


def _floor() -> dict[str, float]:
    """What this machine adds by itself (ms): how late timers wake, and a round trip on the loopback."""
    lateness = timer_lateness(FLOOR_SAMPLES) / 1e6
    floor = {
        "timer_p50": round(float(np.quantile(lateness, 0.5)), 4),
        "timer_p99": round(float(np.quantile(lateness, 0.99)), 4),
    }
    trips = socket_floor(500, 0.5)
    if trips is not None and len(trips):
        floor["round_trip_p50"] = round(float(np.quantile(trips, 0.5)) / 1e6, 4)
        floor["round_trip_p99"] = round(float(np.quantile(trips, 0.99)) / 1e6, 4)
    return floor


def _outcome_name(code: int) -> str:
    own = {plan.NO_PORTS: "no_ports", plan.STREAM_ERROR: "stream"}
    name = own.get(code) or plan.ERROR_OF_OUTCOME.get(code)
    if name is None and 100 <= code < 600:  # a codec's own words for a status, as gRPC's
        return f"status_{code}"
    if name is None:
        raise InternalError(f"an outcome without a name: {code}")
    return name
