"""What a run makes of an SLO, and how it answers the engine while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from probes.events import Event, Phase
from probes.load.bench import objectives_of
from probes.load.run import Run
from probes.load.safety import RunEnded
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment, parse_slo
from probes.probe import ProbeContext
from probes.targets.http import parse_target


def test_an_slo_is_shares_of_requests_that_may_miss() -> None:
    spec = LoadSpec(slo=parse_slo("p50<=20ms,p99<=200ms,errors<=1%"))
    found = [(one.text, one.limit_ms, round(one.allowed, 9)) for one in objectives_of(spec)]
    assert found == [("p50<=20ms", 20.0, 0.5), ("p99<=200ms", 200.0, 0.01), ("errors<=0.01", np.inf, 0.01)]
    (never,) = objectives_of(LoadSpec(slo=parse_slo("errors<=0%")))
    assert 0 < never.allowed < 1e-5  # no share at all could not be crossed


@pytest.fixture
def runs(start_server: Callable[..., Any], load_alone: None) -> Callable[..., tuple[Run, list[Event]]]:
    server = start_server("tests/systems/servers/stall_server.py", "--service-ms", 5, "--stall-s", 0)

    def make(**spec: Any) -> tuple[Run, list[Event]]:
        told: list[Event] = []
        context = ProbeContext("0123456789", told.append)
        return Run(parse_target(server.url), LoadSpec(**spec), context, None), told

    return make


def test_neighbouring_stages_are_one_stretch_and_callers_each_their_own(
    runs: Callable[..., tuple[Run, list[Event]]],
) -> None:
    """So that nothing is waited for between stages; each is still a step."""
    segments = (
        OpenSegment(40, 40, 0.3), OpenSegment(40, 80, 0.3), ClosedSegment(1, 0.2), ClosedSegment(2, 0.2),
    )  # fmt: skip
    run, told = runs(segments=segments, arrivals="constant")
    with run:
        run.run_segments()
    phases = [event.text for event in told if isinstance(event, Phase)]
    assert phases == [
        "40/s for 0.3 s, then 40 to 80/s for 0.3 s", "1 caller at once, 0.2 s", "2 callers at once, 0.2 s",
    ]  # fmt: skip
    assert [(step.mode, step.scheduled) for step in run.steps[:2]] == [("open", 12), ("open", 18)]
    assert [(step.mode, step.concurrency) for step in run.steps[2:]] == [("closed", 1), ("closed", 2)]
    assert run.engine.sent == sum(step.sent for step in run.steps)


def test_what_is_over_sends_nothing_more(runs: Callable[..., tuple[Run, list[Event]]]) -> None:
    run, _ = runs(segments=(OpenSegment(40, 40, 30),))
    with run:
        run.context.stop.set()
        with pytest.raises(RunEnded, match="stopped by the person who started it"):
            run.run_segments()
        assert run.engine.sent == 0


def test_warming_up_measures_nothing_but_what_one_caller_takes(
    runs: Callable[..., tuple[Run, list[Event]]],
) -> None:
    run, _ = runs()
    with run:
        run.warm_up()
    assert run.steps == []
    assert run.base_ms is not None
    assert run.base_ms >= 5
    assert run.engine.sent >= 10
