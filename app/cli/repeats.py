"""`probe --repeat N`: the same measurement several times, one run after the other, each stored as its own.

Each run has the arrivals of another seed, so that what chance does to one it does not do to all. The last
tells of all: `repeats` has the figures of each, `baseline` the comparison with earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.cli import outcome
from app.cli.baseline import Baseline, baseline_lines, compare, entry_of, repeat_lines
from app.cli.output import Output

if TYPE_CHECKING:
    from app.cli.measuring import Wishes
    from probes.load.spec import LoadSpec
    from probes.probe import Probe

_GOES_ON = (outcome.DONE, outcome.BROKEN, outcome.UNDECIDED)


def measure_repeatedly(
    make: Callable[[LoadSpec], Probe],
    spec: LoadSpec,
    wishes: Wishes,
    output: Output,
    *,
    times: int = 1,
    baseline: Baseline | None = None,
) -> int:
    """Runs what `make` makes of the load so many times, prints the last result and what all say together.

    A run that was interrupted, stopped for safety, or whose target failed is the last. Returns the exit code
    that the first of all runs in CONTRACT's order calls for. Raises as `measure` does.
    """
    from app.cli.layout import line
    from app.cli.measuring import measure, tell

    entries: list[dict[str, Any]] = []
    codes: set[int] = set()
    asked = spec.slo if spec.slo_asked else None
    for index in range(times):
        this = replace(spec, seed=spec.seed + index)
        if times > 1:
            output.say(f"run {index + 1} of {times}")

        def complete(result: dict[str, Any]) -> dict[str, Any]:
            known = [*entries, entry_of(result)]
            more: dict[str, Any] = {"repeats": known} if times > 1 else {}
            if baseline is not None:
                more["baseline"] = compare(baseline, known)
            return result | more

        measured = measure(make(this), this, wishes, output, complete)
        entries.append(entry_of(measured.result))
        codes.add(outcome.exit_code(measured.result | {"baseline": None}, asked))
        if not codes <= set(_GOES_ON):
            break
    codes.add(tell(measured, this, wishes, output))
    told = [*repeat_lines(measured.result, output.columns), *baseline_lines(measured.result, output.columns)]
    if told:
        output.lines([line(""), *told])
    return outcome.first_of(codes)
