"""A queue of c workers, first come first served, each request taking S: it carries exactly c/S a second.

    queue_server.py --workers 4 --service-ms 10 [--dist det|exp|lognormal] [--cv 1.5] [--seed 1]

Its truth: the n-th request starts at max(its arrival, the earliest end among the workers) and ends one draw
of the service time later. Under Poisson arrivals that is M/D/c, M/M/c or M/G/c, whose response times
`simulate.py` gives. See virtual_time.py for why the clock of the machine cannot disturb it.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from collections.abc import Callable

from virtual_time import Model, VirtualTimeServer


def service_times(mean_ms: float, dist: str, cv: float, seed: int) -> Callable[[], int]:
    """Draws of the service time in nanoseconds; `cv` (standard deviation over mean) is of lognormal only."""
    mean_ns = mean_ms * 1e6
    source = random.Random(seed)
    if dist == "det":
        return lambda: round(mean_ns)
    if dist == "exp":
        return lambda: round(source.expovariate(1.0) * mean_ns)
    sigma = math.sqrt(math.log1p(cv * cv))
    return lambda: round(mean_ns * math.exp(source.gauss(-sigma * sigma / 2.0, sigma)))


def first_come_first_served(workers: int, draw: Callable[[], int]) -> Model:
    """The queue as a function of arrivals in order."""
    free = [0] * workers

    def model(arrival: int) -> int:
        end = max(arrival, free[0]) + draw()
        heapq.heapreplace(free, end)
        return end

    return model


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--service-ms", type=float, default=10.0, help="mean service time (default: %(default)s)"
    )
    parser.add_argument("--dist", choices=("det", "exp", "lognormal"), default="det")
    parser.add_argument("--cv", type=float, default=1.0, help="of lognormal (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = service_times(options.service_ms, options.dist, options.cv, options.seed)
    VirtualTimeServer(first_come_first_served(options.workers, draw), vars(options)).run()


if __name__ == "__main__":
    main()
