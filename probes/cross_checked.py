"""A probe with cross-checks around it: what else knows of the same requests is asked before and after.

    CrossCheckedProbe ── begin ──▶ each check      (a counter is read, the time is taken)
         │ run the probe; its end is held back
         └── end ────▶ each check ──▶ facts, and an entry of `cross_checks` in the result

The facts of the checks stand among those of the run, so that they are stored and judged with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

from probes.events import Event, FactFound, Finished
from probes.facts import Fact, FactName, Source, observed
from probes.probe import Probe, ProbeContext


@dataclass(frozen=True, slots=True)
class CrossCheckResult:
    """What a check found: facts, and what it says of itself in the result (`system`, `address`, …), also
    several things (`more`)."""

    facts: Sequence[Fact] = ()
    entry: Mapping[str, Any] = field(default_factory=dict)
    more: Sequence[Mapping[str, Any]] = ()


class CrossCheck(Protocol):
    """Something that is asked before and after a run. One with a method `heard` is told of every event."""

    def begin(self, context: ProbeContext) -> None:
        """Before anything is sent. Raises `UserError` where the check cannot be made at all."""

    def end(self, context: ProbeContext, result: Mapping[str, Any]) -> CrossCheckResult:
        """After the run, whatever became of it. What is not known is no fact, and the entry says why."""


class CrossCheckedProbe:
    """Runs a probe between the beginning and the end of its checks; to its caller it is that probe."""

    name: ClassVar[str] = "load"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def __init__(self, probe: Probe, checks: Sequence[CrossCheck]) -> None:
        self.probe = probe
        self.checks = tuple(checks)

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        """Measures as the probe does. Raises what the probe or the beginning of a check raises."""
        for check in self.checks:
            check.begin(context)

        listening = [tell for check in self.checks if (tell := getattr(check, "heard", None)) is not None]

        def all_but_the_end(event: Event) -> None:
            for tell in listening:
                tell(event)
            if not isinstance(event, Finished):
                context.emit(event)

        result = self.probe.run(replace(context, emit=all_but_the_end))
        found = [check.end(context, result) for check in self.checks]
        facts = [fact.to_json() for one in found for fact in one.facts]
        for fact in facts:
            context.emit(FactFound(context.elapsed(), fact))
        entries = [dict(entry) for one in found for entry in (one.entry, *one.more) if entry]
        whole = {**result, "facts": [*result.get("facts", ()), *facts]}
        if entries:
            whole["cross_checks"] = entries
        context.emit(Finished(context.elapsed(), whole))
        return whole


@dataclass(frozen=True, slots=True)
class GivenFacts:
    """Facts that were found elsewhere and belong to the run: manifests that were read, how long a start took.

    Those that name no run join this one where `of_this_run` says so: they were measured with it.
    """

    facts: Sequence[Fact]
    entry: Mapping[str, Any] = field(default_factory=dict)
    of_this_run: bool = False

    def begin(self, context: ProbeContext) -> None:
        """Nothing: they are known."""

    def end(self, context: ProbeContext, result: Mapping[str, Any]) -> CrossCheckResult:  # noqa: ARG002
        """The facts as they are."""
        if not self.of_this_run:
            return CrossCheckResult(self.facts, self.entry)
        joined = [
            replace(fact, source=replace(fact.source, run=context.run_id))
            if fact.source.run is None
            else fact
            for fact in self.facts
        ]
        return CrossCheckResult(joined, self.entry)


def start_fact(seconds: float) -> Fact:
    """`load.cold_start_seconds` of a target that was started for the run."""
    return observed("load.cold_start_seconds", round(seconds, 3), Source("load"))
