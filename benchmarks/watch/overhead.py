"""What being watched costs the target: its CPU time a request, watched over unwatched, in one run.

    python benchmarks/watch/overhead.py [--rounds 30] [--seconds 1]

The demo service computes the same for every request. Callers that wait keep it saturated while rounds of
three blocks follow each other in an order that changes: nobody watches; the tree is watched ten times a
second, with threads, waits, faults and pressure; the same while py-spy takes stacks and the interpreter lock,
and threads are asked what they wait for. The ratio of a round compares neighbours in time, so that a machine
that is slower for a while does not count; the median over the rounds is told with a 95 % bootstrap interval.
Beside it: what our own side used, in cores, and how far apart the quartiles of the unwatched blocks are:
where that is many times the aim, the interval says more of the machine than of the watching. An idle process
says the rest: whatever CPU time it uses while it is looked into, it is made to use. Aims: under 1 % at 10 Hz,
under 2 % while py-spy runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from probes.load.engine import Engine, Progress
from probes.load.shard import Live
from probes.targets.http import parse_target
from probes.targets.service import Service
from probes.watch.inside import LEAD_S, InsideLook
from probes.watch.process import process_table
from probes.watch.tree import TreeWatcher

ROOT = Path(__file__).resolve().parents[2]
BODY = b'{"user": 17, "basket": [3, 99], "k": 10}'
IDLE = """
import threading, time
for _ in range(8):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
print(flush=True)
time.sleep(1000)
"""
KINDS = ("unwatched", "watched", "looked into")
CALLERS = 2
SETTLE_S = 0.4
"""Until py-spy has read the symbols of the target."""


class Nobody:
    """Watches the engine and never ends it."""

    def second(self, progress: Progress) -> None:
        """Does nothing."""

    def stop_word(self, live: Live, t_ns: int) -> int:  # noqa: ARG002
        """Goes on."""
        return 0


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, from its own clock."""
    table = process_table()
    process = table.identify(pid)
    assert process is not None
    gauge = table.gauge(process)
    reading = gauge.read()
    gauge.close()
    assert reading is not None
    return reading.cpu_s


class Chopper:
    """Changes how the target is watched every `seconds` while load goes on, and keeps the times and CPU."""

    def __init__(self, pid: int, rounds: int, seconds: float) -> None:
        self.pid, self.seconds = pid, seconds
        random = np.random.default_rng(1)
        self.kinds = [kind for _ in range(rounds) for kind in random.permutation(KINDS).tolist()]
        self.spans: list[tuple[str, int, int, float, float]] = []
        """Kind, begin and end (ns), CPU seconds of the target, cores that our side used."""
        self._began_s = 0.0
        self._marks: tuple[int, float, float] | None = None
        self._watcher: TreeWatcher | None = None
        self._look: InsideLook | None = None

    def tick(self, _: Live) -> bool:
        """Goes on to the next block when it is time; true after the last."""
        if len(self.spans) == len(self.kinds):
            return True
        kind, now_s = self.kinds[len(self.spans)], time.monotonic()
        if not self._began_s:
            self._began_s = now_s
            self._begin(kind)
        if self._look is not None:
            self._look.tick()
        lead_s = LEAD_S + SETTLE_S
        if self._marks is None and now_s - self._began_s >= lead_s:
            self._marks = (time.monotonic_ns(), cpu_s(self.pid), time.process_time())
        elif self._marks is not None and now_s - self._began_s >= lead_s + self.seconds:
            at_ns, used_s, own_s = self._marks
            now_ns, seconds = time.monotonic_ns(), now_s - self._began_s - lead_s
            own = (time.process_time() - own_s) / seconds
            self.spans.append((kind, at_ns, now_ns, cpu_s(self.pid) - used_s, own))
            self._end()
        return False

    def _begin(self, kind: str) -> None:
        if kind == "unwatched":
            return
        self._watcher = TreeWatcher([self.pid])
        self._watcher.start()
        if kind == "looked into":
            self._look = InsideLook(self._watcher, round(self.seconds + 5))

    def _end(self) -> None:
        if self._look is not None:
            self._look.close()
        if self._watcher is not None:
            self._watcher.stop()
        self._look = self._watcher = self._marks = None
        self._began_s = 0.0


def idle_cost(seconds: float = 3.0) -> float:
    """CPU seconds a second that a Python process with nine sleeping threads uses while it is looked into."""
    with subprocess.Popen([sys.executable, "-c", IDLE], stdout=subprocess.PIPE) as idle:
        assert idle.stdout is not None
        idle.stdout.readline()
        with TreeWatcher([idle.pid]) as watcher:
            look = InsideLook(watcher, round(seconds))
            before, began = cpu_s(idle.pid), time.monotonic()
            while not look.tick():
                time.sleep(0.05)
            used, took = cpu_s(idle.pid) - before, time.monotonic() - began
            look.close()
        idle.kill()
    return used / took


def interval(ratios: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the median."""
    random = np.random.default_rng(1)
    medians = np.median(random.choice(ratios, (4_000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def main() -> int:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    command = [sys.executable, "-P", str(ROOT / "resources/demo/recommender.py"), "--port", "0"]
    costs: dict[str, list[float]] = {kind: [] for kind in KINDS}
    own: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with Service(command) as service:
        target = parse_target(f"http://127.0.0.1:{service.port}/recommend", body=BODY)
        with Engine(target.wire(10.0), 16, Nobody()) as engine:
            engine.closed_loop(1, 2.0)
            left = options.rounds
            while left:
                chopper = Chopper(service.pid, min(left, 10), options.seconds)
                record = engine.closed_loop(CALLERS, 79.0, drain_s=1.0, enough=chopper.tick)
                ended = record.read[record.outcome == 200]
                for kind, from_ns, to_ns, used_s, cores in chopper.spans:
                    answered = int(((ended > from_ns) & (ended <= to_ns)).sum())
                    costs[kind].append(1e3 * used_s / answered)
                    own[kind].append(cores)
                left -= min(left, 10)
    plain = np.array(costs["unwatched"])
    spread = float(np.subtract(*np.quantile(plain, [0.75, 0.25])) / np.median(plain))
    print(f"unwatched    {np.median(plain):7.3f} ms CPU a request (quartiles {spread:.1%} apart)")
    for kind, aim in (("watched", 0.01), ("looked into", 0.02)):
        ratios = np.array(costs[kind]) / plain
        low, high = interval(ratios)
        print(
            f"{kind:<12} {np.median(costs[kind]):7.3f} ms, {np.median(ratios) - 1:+.2%} "
            f"({low - 1:+.2%} to {high - 1:+.2%}; aim < {aim:.0%}); our side "
            f"{np.median(own[kind]):.3f} cores ({np.median(own['unwatched']):.3f} unwatched)"
        )
    print(f"an idle process that is looked into uses {idle_cost():.6f} cores of its own")
    return 0


if __name__ == "__main__":
    sys.exit(main())
