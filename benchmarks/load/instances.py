"""What it costs the load loop to spread requests over two instances, beside one, in turns, in one run.

    python benchmarks/load/instances.py [--seconds 3] [--rounds 5]

Needs nginx. Two of it share one core, the load process has another; it is given the first alone, then both.
Prints the CPU (µs) a request of each, and the median of the differences within a round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from generators import Silent
from nginx import running_nginx
from side_by_side import CONNECTIONS, cores

from probes.load.engine import Engine
from probes.targets.http import parse_target


def cpu_us(urls: tuple[str, ...], seconds: float, core: int | None) -> float:
    """CPU µs a request of the load process, `CONNECTIONS` callers, all answers good."""
    targets = [parse_target(url) for url in urls]
    wire = targets[0].wire(10.0).spread_over(tuple((one.ip, one.port) for one in targets[1:]))
    with Engine(wire, CONNECTIONS, Silent()) as engine:
        if core is not None:
            os.sched_setaffinity(engine.shard.pid, {core})
        engine.closed_loop(CONNECTIONS, 0.5)
        record = engine.closed_loop(CONNECTIONS, seconds)
    if not (record.outcome == 200).all():
        raise SystemExit("not every answer was good")
    return record.report.cpu_s * 1e6 / record.report.sent


def main() -> int:
    """Prints a line a round, and the median."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not shutil.which("nginx"):
        print("nginx is not installed; on Debian: apt-get install nginx-light", file=sys.stderr)
        return 2
    servers, client = cores()
    apart = []
    with running_nginx(servers) as first, running_nginx(servers) as second:
        for number in range(1, options.rounds + 1):
            one = cpu_us((first.url,), options.seconds, client)
            two = cpu_us((first.url, second.url), options.seconds, client)
            apart.append(two - one)
            print(f"round {number}: one instance {one:.2f} us, two {two:.2f} us a request (x{two / one:.2f})")
    print(
        f"two cost {median(apart):.2f} us a request more ({min(apart):.2f} to {max(apart):.2f}); "
        f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
