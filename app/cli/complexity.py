"""`loadstone probe model:A model:B …`: the same load on models of growing size, one run each.

The last run's result has `complexity`: latency and memory against size, and the largest model within the SLO.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from app.cli import outcome
from app.cli.figures import known
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.measuring import Wishes
    from probes.analysis.complexity import ModelRun
    from probes.load.spec import LoadSpec
    from probes.probe import Probe

_GOES_ON = (outcome.DONE, outcome.BROKEN, outcome.UNDECIDED)
_ONE_TARGET = ("repeat", "baseline", "sweep", "checks")


def refuse_strange(options: argparse.Namespace) -> None:
    """Raises `UsageError` where several targets, or options beside them, mean nothing."""
    if not all(target.startswith("model:") for target in targets_of(options)):
        raise UsageError(
            f"'{options.more_targets[0]:.80}' is one argument too many: only model: files are several "
            "targets (for two services in turn: --baseline)"
        )
    for name in _ONE_TARGET:
        if getattr(options, name):
            option = {"checks": "--with"}.get(name, f"--{name}")
            raise UsageError(f"{option} is of one target: leave it out, or name one model")


def targets_of(options: argparse.Namespace) -> list[str]:
    """All targets, in the order of the command line."""
    return [options.target, *options.more_targets]


def measure_models(
    make: Callable[[argparse.Namespace, LoadSpec], Probe],
    options: argparse.Namespace,
    spec: LoadSpec,
    wishes: Wishes,
    output: Output,
) -> int:
    """Runs each target in turn and prints the last with what all say.

    A run that was interrupted, stopped for safety, or whose target failed is the last. Returns the exit code;
    that a larger model breaks the SLO is no failure as long as one keeps it.
    """
    from app.cli.measuring import Measured, measure, tell
    from probes.analysis.complexity import complexity_json

    runs: list[ModelRun] = []
    codes: set[int] = set()
    measured: Measured | None = None
    for number, target in enumerate(targets_of(options), 1):
        output.say(f"model {number} of {len(targets_of(options))}: {target}")
        asked = argparse.Namespace(**vars(options) | {"target": target})

        def complete(result: dict[str, Any], before: tuple[ModelRun, ...] = tuple(runs)) -> dict[str, Any]:
            known_runs = [*before, run_of(result, spec)]
            if not before:
                return result
            more = {"complexity": complexity_json(known_runs, spec.slo.text)}
            return result | more | {"facts": [*result.get("facts", ()), *timed_facts(known_runs)]}

        measured = measure(make(asked, spec), spec, wishes, output, complete)
        runs.append(run_of(measured.result, spec))
        code = outcome.exit_code(measured.result)
        codes.add(code)
        if code not in _GOES_ON:
            break
    assert measured is not None, "there are two targets at least"
    if spec.slo_asked:
        kept = [run.within_slo for run in runs]
        codes.add(outcome.DONE if True in kept else outcome.UNDECIDED if None in kept else outcome.BROKEN)
    tell(measured, spec, wishes, output)
    return outcome.first_of(codes)


def timed_facts(runs: Sequence[ModelRun]) -> list[dict[str, Any]]:
    """`load.models_timed`: of how many different sizes models were timed so that it counts."""
    from probes.facts import Source, observed

    sizes = {run.parameters or run.bytes for run in runs if run.trusted and run.p50_ms is not None} - {None}
    if not sizes:
        return []
    return [observed("load.models_timed", len(sizes), Source("load", run=runs[-1].run)).to_json()]


def run_of(result: dict[str, Any], spec: LoadSpec) -> ModelRun:
    """What is kept of a run to compare models."""
    from probes.analysis.complexity import ModelRun

    target, run = result.get("target") or {}, result.get("run") or {}
    trusted = run.get("grade") == "valid" and run.get("status") == "completed"
    rss = [known(step.get("rss_bytes")) for step in result.get("steps") or ()]
    held: bool | None = None
    if trusted and outcome.finds_capacity(result):
        bound = (result.get("capacity") or {}).get("bound")
        held = None if bound in (None, "indeterminate") else bound != "unmet_at_minimum"
    elif trusted:
        held = outcome.judge_slo(result, spec.slo).held
    return ModelRun(
        run=str(run.get("id")),
        target=str(target.get("address")),
        bytes=target.get("file_bytes"),
        parameters=target.get("parameters"),
        p50_ms=outcome.measure(result, "p50"),
        p99_ms=outcome.measure(result, "p99"),
        cpu_ms_per_request=outcome.measure(result, "cpu_ms_per_request"),
        rss_bytes=max((value for value in rss if value is not None), default=None),
        within_slo=held,
        trusted=trusted,
    )
