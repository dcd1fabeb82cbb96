"""What the harness adds to a call of the user's code: to the time of the call alone, and around it.

    python benchmarks/targets/harness.py [--seconds 3]

An empty callable is called by one caller and by eight. Printed: the call alone (whatever it shows is the
timing's own cost; aim: at most 3 µs), the same function timed in a bare loop of this interpreter, handing
over, calls a second, and CPU µs a call of dispatcher and worker.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil

from probes.load.engine import Engine, Progress
from probes.load.shard import Live
from probes.targets.hosting import Host
from probes.targets.user_code import parse_user_code


class Silent:
    """An observer that sees nothing and never stops."""

    def second(self, progress: Progress) -> None:
        del progress

    def stop_word(self, live: Live, t_ns: int) -> int:
        del live, t_ns
        return 0


def cpu_s(pid: int) -> float:
    """CPU seconds of a process."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


def bare_ns(rounds: int = 20_000) -> float:
    """The median of timing an empty function here, with nothing around it, in ns."""

    def empty() -> None:
        return None

    clock, taken = time.perf_counter_ns, []
    for _ in range(rounds):
        start = clock()
        empty()
        taken.append(clock() - start)
    return median(taken)


def main() -> None:
    """Prints one line a number of callers."""
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=3.0)
    seconds = options.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty.py").write_text("def f(): return None\n")
        code = parse_user_code("python:empty.py:f", python=sys.executable, cwd=Path(folder))
        with Host(code) as host, Engine(host.target.wire(10.0), 64, Silent()) as engine:
            print(f"bare loop     {bare_ns() / 1e3:6.2f} µs")
            done = 0
            for callers in (1, 8):
                before = host.dispatcher_cpu_s(), cpu_s(host.pids[0])
                engine.closed_loop(callers, seconds)
                after = host.dispatcher_cpu_s(), cpu_s(host.pids[0])
                calls = {name: column[done:] for name, column in host.calls().items()}
                number = len(calls["wall"])
                done += number
                alone, harness = (np.median(calls[name]) / 1e3 for name in ("wall", "harness"))
                print(
                    f"{callers} caller(s)   call alone {alone:6.2f} µs (p50)   "
                    f"handing over {harness:6.1f} µs (p50)   {number / seconds:8,.0f} calls/s   "
                    f"CPU a call: dispatcher {1e6 * (after[0] - before[0]) / number:5.1f} µs, worker "
                    f"{1e6 * (after[1] - before[1]) / number:5.1f} µs"
                )


if __name__ == "__main__":
    main()
