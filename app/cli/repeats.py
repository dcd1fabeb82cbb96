"""`probe --repeat N`: the same measurement several times, one run after the other, each stored as its own.

With a rival the two are measured in turn, A B A B …, under the same arrivals: what disturbs the machine for a
while then disturbs both.

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
    from app.cli.measuring import Measured, Wishes
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
    rival: Callable[[LoadSpec], Probe] | None = None,
) -> int:
    """Runs what `make` makes of the load so many times, prints the last result and what all say together.

    `rival` makes the target that counts as before: its runs that are graded valid join those of `baseline`.
    They join no assessment. A run that was interrupted, stopped for safety, or whose target failed is the
    last. Returns the exit code that the first of all runs in CONTRACT's order calls for. Raises as `measure`
    does.
    """
    from app.cli.layout import line
    from app.cli.measuring import measure, tell

    entries: list[dict[str, Any]] = []
    codes: set[int] = set()
    measured: Measured | None = None
    asked = spec.slo if spec.slo_asked else None
    for index in range(times):
        this = replace(spec, seed=spec.seed + index)
        if rival is not None and baseline is not None:
            output.say(f"run {index + 1} of {times}, the baseline")
            first = measure(rival(this), this, replace(wishes, assessment=None), output).result
            code = outcome.exit_code(first)
            if code not in _GOES_ON:
                codes.add(code)
                output.error("the baseline's run did not end well: the comparison stops here")
                break
            baseline = baseline.joined_by(entry_of(first))
        if times > 1:
            output.say(f"run {index + 1} of {times}")

        def complete(result: dict[str, Any], before: Baseline | None = baseline) -> dict[str, Any]:
            known = [*entries, entry_of(result)]
            more: dict[str, Any] = {"repeats": known} if times > 1 else {}
            if before is not None:
                more["baseline"] = compare(before, known)
            return result | more

        measured = measure(make(this), this, wishes, output, complete)
        entries.append(entry_of(measured.result))
        codes.add(outcome.exit_code(measured.result | {"baseline": None}, asked))
        if not codes <= set(_GOES_ON):
            break
    if measured is None:  # the baseline's first run was the last
        return outcome.first_of(codes)
    codes.add(tell(measured, this, wishes, output))
    told = [*repeat_lines(measured.result, output.columns), *baseline_lines(measured.result, output.columns)]
    if told:
        output.lines([line(""), *told])
    return outcome.first_of(codes)
