"""Cross-checks around a probe: asked before and after it, their facts among those of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from probes.cross_checked import CrossCheckedProbe, CrossCheckResult, GivenFacts, start_fact
from probes.errors import TargetError
from probes.events import Event, FactFound, Finished, Started
from probes.facts import Fact, FactName, Source, observed
from probes.probe import Probe, ProbeContext

RESULT = {"schema": "loadstone.probe/1", "facts": [{"name": "of the run"}]}


class Measures:
    """A probe that begins and ends, and says so."""

    name: ClassVar[str] = "load"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        self.told.append("run")
        context.emit(Started(0.0, {"id": context.run_id}, {}, {}))
        context.emit(Finished(1.0, RESULT))
        return RESULT


class Notes:
    """A check that notes when it was asked, and finds one fact."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def begin(self, context: ProbeContext) -> None:
        self.told.append("begin")

    def end(self, context: ProbeContext, result: Mapping[str, Any]) -> CrossCheckResult:
        self.told.append("end")
        assert result == RESULT
        return CrossCheckResult([limit()], {"system": "notes"})


def limit() -> Fact:
    source = Source("kubernetes", file="deploy.yaml", line=3)
    return observed("infra.kubernetes.memory_limit_bytes", 100, source, state="read")


def context() -> tuple[ProbeContext, list[Event]]:
    events: list[Event] = []
    return ProbeContext("r1", events.append), events


def test_checks_are_asked_before_and_after_and_join_the_result() -> None:
    told: list[str] = []
    given, events = context()
    probe: Probe = CrossCheckedProbe(Measures(told), [Notes(told)])
    result = probe.run(given)
    assert told == ["begin", "run", "end"]
    assert [fact["name"] for fact in result["facts"]] == ["of the run", "infra.kubernetes.memory_limit_bytes"]
    assert result["cross_checks"] == [{"system": "notes"}]
    assert [type(event) for event in events] == [Started, FactFound, Finished]
    assert isinstance(events[-1], Finished)
    assert events[-1].result == result, "the end is told once, with all that is known"
    assert RESULT["facts"] == [{"name": "of the run"}], "what the probe gave is left as it was"


def test_a_check_that_cannot_begin_lets_nothing_be_sent() -> None:
    told: list[str] = []

    class Refuses(Notes):
        def begin(self, context: ProbeContext) -> None:
            raise TargetError("nothing answers there: correct the address")

    with pytest.raises(TargetError):
        CrossCheckedProbe(Measures(told), [Refuses(told)]).run(context()[0])
    assert told == []


def test_facts_that_were_measured_with_the_run_are_of_the_run_and_manifests_are_not() -> None:
    of_run = GivenFacts([start_fact(2.5)], of_this_run=True)
    result = CrossCheckedProbe(Measures([]), [of_run, GivenFacts([limit()])]).run(context()[0])
    start, manifest = (Fact.from_json(fact) for fact in result["facts"][1:])
    assert (start.name, start.value, start.source.run) == ("load.cold_start_seconds", 2.5, "r1")
    assert (manifest.source.run, manifest.source.file) == (None, "deploy.yaml")
    assert "cross_checks" not in result, "they have nothing to say of themselves"
