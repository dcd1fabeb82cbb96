"""How good the search for the capacity is, on simulated servers whose capacity is known.

    python -m benchmarks.search.run --set judging [--budget 120] [--trials 24] [--peers] [--kind TEXT]

Prints for every kind of server the median of the seconds a search took and of how far it was off, the share
of answers within 5 and 10 % of the truth, the share of intervals that hold it, the median half-width, how
often the lower bound is 0, the share resolved, resolved but wrong (the interval does not hold the truth) and
flagged, and the seconds to the first preview. With --peers the same for bisection, perf_analyzer's rule and
ten steps, which give no interval. Nothing is tuned on the judging set; what it said of each version is in
HISTORY.md.
"""

from __future__ import annotations

import argparse
import importlib
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from .peers import PEERS
from .trial import HEAD, Found, Method, Summary, line, ours


def _method(name: str, budget_s: float) -> Method:
    return ours(budget_s) if name == "ours" else PEERS[name]


def _trial(task: tuple[str, int, str, float, int]) -> Found:
    of, index, name, budget_s, seed = task
    kind = importlib.import_module(f"benchmarks.search.{of}_set").KINDS[index]
    return _method(name, budget_s)(kind, seed)


def main() -> None:
    """Runs the trials on all processors and prints a table for each method."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--set", choices=("tuning", "judging"), default="tuning")
    parser.add_argument("--budget", type=float, default=120.0)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--kind", default="")
    parser.add_argument("--peers", action="store_true")
    asked = parser.parse_args()
    kinds = importlib.import_module(f"benchmarks.search.{asked.set}_set").KINDS
    chosen = [index for index, kind in enumerate(kinds) if asked.kind in kind.name]
    with ProcessPoolExecutor() as pool:
        for name in ["ours", *(PEERS if asked.peers else ())]:
            print(f"\n{name}, {asked.trials} trials of each kind\n{HEAD}")
            summaries = []
            for index in chosen:
                seeds = range(1, asked.trials + 1)
                tasks = [(asked.set, index, name, asked.budget, seed) for seed in seeds]
                summaries.append(Summary.of(kinds[index], list(pool.map(_trial, tasks))))
                print(line(summaries[-1]), flush=True)
            if name == "ours":
                held = sum(one.coverage >= 0.9 for one in summaries)
                worst = max(one.wrong for one in summaries)
                half = np.median([one.half_width for one in summaries])
                zero = np.mean([one.low_is_zero for one in summaries])
                print(
                    f"covered at 90 % or more: {held} of {len(summaries)} kinds; resolved but wrong at most "
                    f"{worst:.0%}; half-width {half:.1%} in the median; lower bound 0 in {zero:.1%}"
                )


if __name__ == "__main__":
    main()
