"""The load probe on the user's code: starts it, measures it like any target, adds what only the inside knows.

The steps tell of *responses*: from the moment a call was due, through Loadstone's own handing over and the
wait for a free caller, to the answer. `call` tells of the callable alone, timed beside it in its process, and
of what handing over cost, so that the one is never taken for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from probes.analysis.percentiles import latency_summary
from probes.cross_checked import start_fact
from probes.events import Event, FactFound, Finished, Note
from probes.facts import FactName
from probes.load.probe import LoadProbe
from probes.load.spec import LoadSpec
from probes.probe import ProbeContext
from probes.targets.hosting import Host, crash_sentence
from probes.targets.user_code import UserCode

MEASURED = {
    "response": "from due to answered: the wait, Loadstone's handing over and the call",
    "call": "the call alone, timed in its own process",
    "cpu": "CPU time of the calling thread in the call; of a command, of its process",
    "queued": "the wait for a free caller (workers times threads)",
    "harness": "what handing a call over and its answer back cost, between the processes",
}


class HostedProbe:
    """`loadstone probe python:…`, `model:…` and `command:…`."""

    name: ClassVar[str] = "load"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def __init__(
        self, code: UserCode, spec: LoadSpec, *, expect_body: str | None = None, folder: Path | None = None
    ) -> None:
        self.code = code
        self.spec = spec
        self.expect_body = expect_body
        self.folder = folder

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        """Measures as the load probe does. Raises `UserError` when the code cannot be loaded or called."""
        held: list[Finished] = []

        def all_but_the_end(event: Event) -> None:
            if isinstance(event, Finished):
                held.append(event)
            else:
                context.emit(event)

        spec = self.spec
        if spec.check_answers == "auto":  # results stay where they are made, unless somebody wants them
            spec = replace(spec, check_answers="no")
        host = Host(
            self.code,
            timeout_s=spec.timeout_s,
            expect_body=self.expect_body,
            returns=spec.check_answers == "yes",
        )
        host.start(context.stop)
        try:
            probe = LoadProbe(host.target, spec, pids=host.pids, folder=self.folder)
            result = dict(probe.run(replace(context, emit=all_but_the_end)))
            state, calls = host.state(), host.calls()
        finally:
            host.stop()
        result["call"] = call_json(state, calls)
        if state["crash"] is not None:
            why = crash_sentence(state["crash"])
            if last := host.last_line():
                why += f"; the last it printed: {last}"
            result["run"] = _failed(result["run"], why)
            result["call"]["crash"]["last_line"] = last
        elif late := [one for one in state["under_way"] if one["seconds"] > self.spec.timeout_s]:
            first = min(late, key=lambda one: int(one["call"]))
            text = f"call {first['call']:,} had not returned after {first['seconds']:.0f} s"
            context.emit(Note(context.elapsed(), "warning", text))
            result["call"]["hung"] = late
        if host.cold_start_s is not None and result["run"]["grade"] != "client_limited":
            started = start_fact(host.cold_start_s)
            fact = replace(started, source=replace(started.source, run=context.run_id)).to_json()
            result["facts"] = [*result["facts"], fact]
            context.emit(FactFound(context.elapsed(), fact))
        context.emit(Finished(context.elapsed(), result))
        return result


def call_json(state: Mapping[str, Any], calls: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    """The `call` object of the result: counts, and times in ms of the calls that ended."""
    document: dict[str, Any] = {
        "calls": state["begun"],
        "good": state["good"],
        "raised": state["raised"],
        "errors": dict(state["errors"]),
    }
    for name, column in calls.items():
        if len(column):
            key = "call_ms" if name == "wall" else f"{name}_ms"
            document[key] = {part: round(value, 6) for part, value in latency_summary(column).items()}
    document["measured"] = dict(MEASURED)
    if state["crash"] is not None:
        document["crash"] = dict(state["crash"])
    return document


def _failed(run: Mapping[str, Any], why: str) -> dict[str, Any]:
    """The run's head with the crash as its end; a stop by the person stays one."""
    changed = dict(run) | {"reason": why, "grade": "unstable", "grade_reason": why}
    if run["status"] in ("completed", "aborted"):
        changed["status"] = "failed"
    return changed
