"""How punctual the load loop is: rate error and lateness, beside what this machine's own timer does.

    python benchmarks/load/on_time.py [--rates 100,1000,5000,10000,20000] [--seconds 5] [--arrivals constant]

Needs nginx (Debian: nginx-light), which has one core; the load process has another. Per rate: how far the
number of requests sent is from rate · time, how late they left at the median, p99 and most (sent − due), and
how late this machine's timer woke a process that does nothing else, right before. Aims: rate error at most
0.1 %, and lateness p50 at most the timer's own + 20 µs, wherever one core suffices (its use is printed).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from generators import Silent
from nginx import running_nginx
from side_by_side import cores

from probes.load.arrivals import due_times
from probes.load.engine import Engine
from probes.load.spec import OpenSegment
from probes.targets.http import parse_target
from probes.watch.machine import timer_lateness


def main() -> int:
    """Prints a row a rate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", default="100,1000,5000,10000,20000")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--arrivals", choices=("constant", "poisson"), default="constant")
    options = parser.parse_args()
    if not shutil.which("nginx"):
        print("nginx is not installed; on Debian: apt-get install nginx-light", file=sys.stderr)
        return 2
    servers, clients = cores()
    generator = np.random.default_rng(1)
    print(f"{options.arrivals} arrivals, load average {os.getloadavg()[0]:.1f} at the beginning")
    print(f"{'rate/s':>8}{'error':>9}{'p50 us':>9}{'p99 us':>9}{'max us':>10}{'timer p50':>11}{'core':>7}")
    with (
        running_nginx(servers) as nginx,
        Engine(parse_target(nginx.url).wire(10.0), 512, Silent()) as engine,
    ):
        for rate in (float(text) for text in options.rates.split(",")):
            if clients is not None:
                os.sched_setaffinity(0, {clients})  # the timer is asked on the core that sends
            floor = float(np.median(timer_lateness(500))) / 1e3
            if clients is not None and servers is not None:
                os.sched_setaffinity(0, {servers})
                os.sched_setaffinity(engine.shard.pid, {clients})
            load = OpenSegment(rate, rate, options.seconds)
            due, _ = due_times([load], options.arrivals, generator)
            record = engine.open_loop(due, options.seconds)
            late_us = (record.sent - record.due) / 1e3
            in_time = int(((record.sent > 0) & (record.sent < record.end_ns)).sum())
            p50, p99, most = (float(np.quantile(late_us, q)) for q in (0.5, 0.99, 1.0))
            print(
                f"{rate:>8,.0f}{in_time / len(due) - 1:>9.3%}{p50:>9.1f}{p99:>9.1f}{most:>10.1f}"
                f"{floor:>11.1f}{record.report.cpu_s / record.report.wall_s:>7.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
