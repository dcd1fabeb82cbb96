"""Whether one set of runs is slower than another.

What is compared are runs, not requests: requests of one run share its luck, and a test over them sees changes
where there are none (STATISTICS: 15 to 17 % false alarms at a level of 1 %). The logarithms of one figure a
run are compared by Welch's test (Welch 1947); "same" is said only when two one-sided tests (Schuirmann 1987)
rule out a difference that matters, and everything else is "unclear" with the runs it would take to tell.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from probes.errors import UsageError

Verdict = Literal["same", "better", "worse", "unclear"]

DIFFERENCE_LEVEL = 0.01
"""One-sided level at which runs are called different; Holm's method divides it among several metrics."""
SAMENESS_LEVEL = 0.05
"""Level of each of the two one-sided tests by which runs are called the same."""
MOST_RUNS = 1_000
"""The most further runs that are ever named: "as many or more"."""

_TAIL_METRICS = ("p99", "p999", "max")
_FLOOR, _TAIL_FLOOR = 0.05, 0.10
_FEWEST, _FEWEST_TAIL = 5, 8
_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of two sets of runs.

    `ratio` is after over before, of geometric means; `low` and `high` its two-sided 95 % interval, None with
    a single run on a side. `verdict` is of the service: worse is slower, or less where more is better.
    `more_runs_needed` is a side, 0 when decided. `p_value` is the smaller one-sided one of no difference.
    """

    metric: str
    ratio: float
    low: float | None
    high: float | None
    verdict: Verdict
    more_runs_needed: int
    p_value: float | None
    smallest_change: float | None = None
    """The least change (a share, 0.06 for 6 %) that so many runs with such a spread would have called by its
    name in four of five cases; None where they are too few to call anything."""

    def to_json(self) -> dict[str, Any]:
        """An entry of `baseline.changes` in CONTRACT; the interval is absent where there is none."""
        document: dict[str, Any] = {"metric": self.metric, "ratio": self.ratio}
        if self.low is not None and self.high is not None:
            document |= {"low": self.low, "high": self.high}
        if self.smallest_change is not None:
            document["smallest_change"] = self.smallest_change
        return document | {"verdict": self.verdict}


def fewest_runs(metric: str) -> int:
    """The runs a side below which this figure is never called different or the same."""
    return _FEWEST_TAIL if metric in _TAIL_METRICS else _FEWEST


def compare_runs(
    before: Sequence[float],
    after: Sequence[float],
    metric: str,
    floor: float | None = None,
    larger_is_better: bool = False,
    *,
    level: float = DIFFERENCE_LEVEL,
) -> Comparison:
    """Compares one figure a run (any unit, all over 0) of the runs before and after a change.

    worse (better): the one-sided Welch interval of the log ratio at 1 - `level` excludes 0 *and* the ratio is
    beyond 1 + `floor` (below 1/(1 + floor)), the other way round where larger is better. same: both one-sided
    tests at 5 % exclude a ratio beyond the floor in either direction. Otherwise unclear. `floor` is 5 % where
    it is None, 10 % for p99, p999 and max. Fewer than 5 runs a side (8 for those) are always unclear.

    `more_runs_needed` is what a side would need for a power of 80 % if the ratio and the spread seen are the
    true ones. Raises `UsageError` for no runs on a side, or values that are not over 0.
    """
    logs = [_logs(before, metric, "before"), _logs(after, metric, "after")]
    tail = metric in _TAIL_METRICS
    floor = (_TAIL_FLOOR if tail else _FLOOR) if floor is None else floor
    if not 0 <= floor < 1:
        raise UsageError(
            f"a difference of {floor:g} cannot be the least that matters: write a share such as 5%"
        )
    fewest = fewest_runs(metric)
    runs = [len(side) for side in logs]
    difference = float(logs[1].mean() - logs[0].mean())
    missing = max(0, fewest - min(runs))
    if min(runs) < 2:
        return Comparison(metric, math.exp(difference), None, None, "unclear", missing, None)

    from scipy.special import stdtr, stdtrit

    variances = [float(side.var(ddof=1)) for side in logs]
    error, freedom = _welch(variances, runs)
    reach = error * float(stdtrit(freedom, 0.975))
    p_value = float(stdtr(freedom, -abs(difference) / error)) if error else (1.0 if difference == 0 else 0.0)
    limit = math.log1p(floor)
    verdict: Verdict = "unclear"
    if not missing:
        if p_value <= level and abs(difference) > limit:
            verdict = "better" if (difference > 0) == larger_is_better else "worse"
        elif abs(difference) + error * float(stdtrit(freedom, 1 - SAMENESS_LEVEL)) < limit:
            verdict = "same"
    needed = (
        0 if verdict != "unclear" else max(missing, _further_runs(difference, limit, variances, runs, level))
    )
    low, high = math.exp(difference - reach), math.exp(difference + reach)
    smallest = None if missing else _smallest_change(error, freedom, limit, level)
    return Comparison(metric, math.exp(difference), low, high, verdict, needed, p_value, smallest)


def compare_metrics(
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
    floor: float | None = None,
    larger_is_better: Collection[str] = (),
) -> tuple[Comparison, ...]:
    """Compares every metric that both sides have, in the order of `before`, each as `compare_runs` does.

    `larger_is_better` names the metrics where more is better. The level of a difference is shared by Holm's
    method (Holm 1979): the smallest p-value must hold a level divided by the number of metrics, the next by
    one less, and so on until one fails. Raises `UsageError` as `compare_runs` does.
    """
    metrics = [metric for metric in before if metric in after]

    def compare(metric: str, level: float) -> Comparison:
        return compare_runs(
            before[metric], after[metric], metric, floor, metric in larger_is_better, level=level
        )

    judged = {metric: compare(metric, DIFFERENCE_LEVEL) for metric in metrics}
    ranked = sorted((found.p_value, metric) for metric, found in judged.items() if found.p_value is not None)
    adjusted = 0.0
    for rank, (p_value, metric) in enumerate(ranked):
        # Holm's adjusted p-value holds the whole level exactly when p_value holds this part of it
        left = len(ranked) - rank
        adjusted = max(adjusted, left * p_value)
        judged[metric] = compare(metric, DIFFERENCE_LEVEL * (p_value / adjusted if adjusted else 1 / left))
    return tuple(judged[metric] for metric in metrics)


def overall_verdict(comparisons: Sequence[Comparison]) -> Verdict:
    """The verdict of several metrics: worse if any is, else unclear if any is, else better if any is.

    "unclear" from no comparisons at all.
    """
    verdicts = {comparison.verdict for comparison in comparisons}
    order: tuple[Verdict, ...] = ("worse", "unclear", "better", "same")
    return next((verdict for verdict in order if verdict in verdicts), "unclear")


def _logs(values: Sequence[float], metric: str, side: str) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array):
        raise UsageError(f"there is no {metric} of the runs {side}: give at least one run on each side")
    bad = array[~(np.isfinite(array) & (array > 0))]
    if len(bad):
        raise UsageError(
            f"{metric} is {bad[0]:g} in a run {side}, and a ratio needs numbers over 0: leave that metric out"
        )
    return np.log(array)


def _welch(variances: Sequence[float], runs: Sequence[int]) -> tuple[float, float]:
    """The standard error of a difference of means, and its degrees of freedom (Welch & Satterthwaite)."""
    parts = [variance / n for variance, n in zip(variances, runs, strict=True)]
    total = sum(parts)
    if total == 0:
        return 0.0, 1.0
    return math.sqrt(total), total**2 / sum(part**2 / (n - 1) for part, n in zip(parts, runs, strict=True))


def _smallest_change(error: float, freedom: float, limit: float, level: float) -> float:
    """The change (a share) whose log ratio is seen beyond the floor, and told from none at `level`, with a
    power of 80 %: the larger of floor + t(.8)·error and (t(1 - level) + t(.8))·error."""
    from scipy.special import stdtrit

    sure, seen = (float(stdtrit(freedom, share)) for share in (1 - level, _POWER))
    return math.expm1(max(limit + error * seen, error * (sure + seen)))


def _further_runs(
    difference: float, limit: float, variances: Sequence[float], runs: Sequence[int], level: float
) -> int:
    """The fewest further runs a side after which such a difference would be called by its name."""
    from scipy.special import stdtrit

    apart = abs(difference) - limit

    def decided(further: int) -> bool:
        error, freedom = _welch(variances, [n + further for n in runs])
        if apart > 0:  # different for certain, and seen beyond the floor
            sure, seen = (float(stdtrit(freedom, share)) for share in (1 - level, _POWER))
            return error * (sure + seen) <= abs(difference) and error * seen <= apart
        # the same for certain, seen from both sides
        sure, seen = (float(stdtrit(freedom, share)) for share in (1 - SAMENESS_LEVEL, (1 + _POWER) / 2))
        return error * (sure + seen) <= -apart

    return 1 + bisect_left(range(1, MOST_RUNS), True, key=decided)
