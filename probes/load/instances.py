"""Several instances of the target that Loadstone started: what each carries alone, and whether they agree.

each answers the same request 3 times ─▶ the run, over all of them ─▶ each alone, then all, saturated
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from probes.analysis.answers import Values, values_of
from probes.analysis.instances import Agreement, Together, agreement
from probes.errors import InternalError, TargetError, UsageError
from probes.facts import Fact, Source, observed
from probes.load.plan import COMPLETE_TO
from probes.load.run import Run
from probes.load.shard import Live
from probes.targets.service import Service
from probes.targets.target import Target

ASKS = 3
ALONE_S, LONGEST_S = 2.0, 10.0
"""How long callers load one instance alone, or all together; up to the second where answers are few."""
LEAST_ANSWERS = 100
SETTLED = 0.25
"""Of that time, what is left aside at its beginning."""
SHORT = 0.05
"""A sum that lacks less than this is whole: so much runs of two seconds differ by themselves."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance that we started: how it is asked, its processes, and how long it took to answer (s)."""

    target: Target
    service: Service
    start_s: float | None = None

    def pids(self) -> frozenset[int]:
        """Its processes that run now."""
        return frozenset(process.pid for process in self.service.processes())


def refuse_strange(instances: Sequence[Instance], cluster: str | None) -> None:
    """Raises `UsageError` where the load cannot be spread over several instances."""
    if len(instances) < 2:
        return
    if instances[0].target.kind in ("grpc", "kserve_grpc"):
        raise UsageError(
            "several instances are for targets over HTTP: put a balancer in front of gRPC ones and give its "
            "address, or start one instance"
        )
    if cluster is not None:
        raise UsageError("instances on this machine take load from here: leave --shards dask:// out")
    places = {(instance.target.ip, instance.target.port) for instance in instances}
    if len(places) < len(instances):
        raise InternalError("two instances of the target have the same address")


def ask_all(instances: Sequence[Instance], timeout_s: float, run_id: str) -> Agreement:
    """Asks each instance the same request and holds the answers against each other."""
    answers: list[list[Values]] = []
    for instance in instances:
        target = instance.target.prepared(timeout_s)
        own: list[Values] = []
        with suppress(TargetError):  # what does not answer is said by the load
            own.extend(values_of(target.check(timeout_s, run_id).body) for _ in range(ASKS))
        answers.append(own)
    return agreement(answers)


def each_alone(run: Run, instances: Sequence[Instance]) -> Together | None:
    """What each carries alone and what all carry; None where no step of callers showed how many it takes.

    Raises `RunEnded` as every load does.
    """
    ladder = [step for step in run.steps if step.mode == "closed" and step.users is None and step.ok]
    if not ladder:
        return None
    best = max(ladder, key=lambda step: step.achieved_per_s).concurrency
    each = max(1, -(-round(best) // len(instances)))
    faults: list[str] = []
    answers: list[int] = []

    def rate_of(only: tuple[int, ...] | None, callers: int) -> float:
        run.engine.only = only
        began = run.moment()
        send = partial(run.engine.closed_loop, callers, LONGEST_S, enough=_is_enough)
        record = run.stretch("closed", send, measuring=False)
        run.check_ending()
        if (fault := run.spoilt_by(record, began)) is not None:
            faults.append(fault)
        first = record.start_ns + SETTLED * (record.end_ns - record.start_ns)
        counted = (record.read > first) & (record.read <= record.end_ns) & run.is_good(record.outcome)
        answers.append(int(counted.sum()))
        return answers[-1] / ((record.end_ns - first) / 1e9)

    run.phase("instances", f"each of {len(instances)} instances alone, then all together", 0.99)
    try:
        run.settle()
        alone = [rate_of((k,), each) for k in range(len(instances))]
        before = run.moment()
        together = rate_of(None, each * len(instances))
        after = run.moment()
    finally:
        run.engine.only = None
    full = None if before.cpu is None or after.cpu is None else after.cpu.busy_ratio(before.cpu)
    return Together(tuple(alone), together, each, sum(answers), full, faults[0] if faults else None)


def _is_enough(live: Live) -> bool:
    """True once callers had `ALONE_S`, and answers enough."""
    passed = (time.perf_counter_ns() - live.segment.start_ns) / 1e9
    return passed >= ALONE_S and int(live.header[COMPLETE_TO]) >= LEAST_ANSWERS


def instances_json(
    run: Run, instances: Sequence[Instance], held: Agreement, together: Together | None
) -> dict[str, Any]:
    """The result's `instances`."""
    total = sum(run.engine.by_instance)
    each = [
        {
            "address": instance.target.address,
            "pid": instance.service.pid,
            "start_s": None if instance.start_s is None else round(instance.start_s, 3),
            "requests": sent,
            "share": round(sent / total, 4) if total else None,
        }
        for instance, sent in zip(instances, run.engine.by_instance, strict=True)
    ]
    document: dict[str, Any] = {"count": len(instances), "each": each, "answers": held.to_json()}
    return document | ({} if together is None else together.to_json())


def instances_facts(count: int, held: Agreement, together: Together | None, source: Source) -> list[Fact]:
    """How many there were, whether they agree, and whether their throughput adds up.

    That they took this machine's processors from each other says nothing of instances that have their own:
    a sum that falls short of 1 is no fact then.
    """
    at = datetime.now(UTC)
    facts = [observed("load.instances", count, source, at=at)]
    if held.verdict != "not_comparable":
        same = held.verdict == "same"
        facts.append(observed("load.instances_agree", same, source, at=at, samples=held.compared))
    if together is not None and together.fault is None and together.sum_ratio is not None:
        short = together.sum_ratio < 1 - SHORT
        if not (short and together.machine_was_full):
            ratio = round(together.sum_ratio, 4)
            facts.append(observed("load.instances_sum_ratio", ratio, source, at=at, samples=together.answers))
    return facts
