"""The ledger of CPU time, held against a simulated kernel that knows the truth."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from probes.watch.cpu_ledger import CpuLedger
from probes.watch.table import Reading

TICK_S = 0.01


def reading(cpu_s: float, waited_cpu_s: float = 0.0, parent: int = 0, ended: bool = False) -> Reading:
    return Reading(cpu_s, waited_cpu_s, 0, 1, parent, ended)


def test_what_a_process_used_before_the_watch_does_not_count() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(7.0, 5.0), newborn=False)
    assert ledger.settle() == 0
    ledger.read(1, reading(7.5, 5.0))
    assert ledger.settle() == 0.5


def test_a_newborn_counts_from_its_birth() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(2, reading(0.25), newborn=True)
    assert ledger.settle() == 0.25


def test_a_worker_that_was_waited_for_counts_once_and_to_its_end() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(0), newborn=False)
    ledger.enter(2, reading(1.0, parent=1), newborn=True)
    assert ledger.settle() == 1.0
    ledger.read(1, reading(0, waited_cpu_s=1.25))  # it ran for another quarter of a second
    ledger.leave(2)
    assert ledger.settle() == 1.25


def test_the_payment_may_come_a_round_later() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(0), newborn=False)
    ledger.enter(2, reading(1.0, parent=1), newborn=True)
    ledger.read(1, reading(0))
    ledger.leave(2)
    assert ledger.settle() == 1.0
    ledger.read(1, reading(0, waited_cpu_s=1.25))
    assert ledger.settle() == 1.25


def test_a_life_between_two_readings_counts() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(0), newborn=False)
    ledger.settle()
    ledger.read(1, reading(0, waited_cpu_s=0.25))
    assert ledger.settle() == 0.25


def test_a_zombie_counts_once_however_late_it_is_waited_for() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(0), newborn=False)
    ledger.enter(2, reading(1.0, parent=1, ended=True), newborn=True)
    for _ in range(5):
        ledger.read(1, reading(0))
        ledger.read(2, reading(1.0, parent=1, ended=True))
        assert ledger.settle() == 1.0
    ledger.read(1, reading(0, waited_cpu_s=1.0))
    ledger.leave(2)
    assert ledger.settle() == 1.0


def test_a_zombie_from_before_the_watch_does_not_count() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(0), newborn=False)
    ledger.enter(2, reading(3.0, parent=1, ended=True), newborn=False)
    ledger.settle()
    ledger.read(1, reading(0, waited_cpu_s=3.0))
    ledger.leave(2)
    assert ledger.settle() == 0


def test_a_worker_that_nobody_waits_for_keeps_its_last_reading_and_hides_no_other() -> None:
    ledger = CpuLedger(TICK_S)
    ledger.enter(1, reading(0), newborn=False)
    ledger.enter(2, reading(1.0, parent=1), newborn=True)
    ledger.leave(2)
    assert ledger.settle() == 1.0
    ledger.read(1, reading(0))
    assert ledger.settle() == 1.0
    ledger.read(1, reading(0, waited_cpu_s=0.5))  # another worker, never read
    assert abs(ledger.settle() - 1.5) <= 2 * TICK_S + 1e-9


@dataclass
class Simulated:
    parent: int
    own_s: float = 0.0
    waited_s: float = 0.0
    ended: bool = False


@dataclass
class Kernel:
    """Process 1 is the root of the watch and inherits orphans; what it runs is added up in `truth_s`."""

    processes: dict[int, Simulated] = field(default_factory=lambda: {1: Simulated(0)})
    truth_s: float = 0.0
    next_pid: int = 2

    def running(self) -> list[int]:
        return [pid for pid, process in self.processes.items() if not process.ended]

    def run(self, pid: int, seconds: float) -> None:
        self.processes[pid].own_s += seconds
        self.truth_s += seconds

    def fork(self, pid: int) -> None:
        self.processes[self.next_pid] = Simulated(pid)
        self.next_pid += 1

    def end(self, pid: int) -> None:
        if pid == 1:
            return
        self.processes[pid].ended = True
        for process in self.processes.values():
            if process.parent == pid:
                process.parent = 1

    def wait(self, pid: int) -> None:
        for child, process in list(self.processes.items()):
            if process.parent == pid and process.ended:
                del self.processes[child]
                self.processes[pid].waited_s += process.own_s + process.waited_s

    def reading(self, pid: int) -> Reading | None:
        process = self.processes.get(pid)
        if process is None:
            return None
        waited_s = int(process.waited_s / TICK_S + 1e-9) * TICK_S
        return reading(process.own_s, waited_s, process.parent, process.ended)


class Watch:
    """What a TreeWatcher does with its ledger, against a `Kernel`."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.ledger, self.known = kernel, CpuLedger(TICK_S), [1]
        first = kernel.reading(1)
        assert first is not None
        self.ledger.enter(1, first, newborn=False)

    def sample(self, events: list[tuple[str, int, float]]) -> float:
        """One round, in the middle of which the kernel goes on."""
        for index, pid in enumerate(list(self.known)):
            if index == len(self.known) // 2:
                happen(self.kernel, events)
            found = self.kernel.reading(pid)
            if found is None:
                self.known.remove(pid)
                self.ledger.leave(pid)
            else:
                self.ledger.read(pid, found)
        return self.ledger.settle()

    def discover(self) -> None:
        for parent in self.known:  # grows meanwhile: parents come first
            for pid, process in self.kernel.processes.items():
                if process.parent == parent and pid not in self.ledger:
                    found = self.kernel.reading(pid)
                    assert found is not None
                    self.ledger.enter(pid, found, newborn=True)
                    self.known.append(pid)


def happen(kernel: Kernel, events: list[tuple[str, int, float]]) -> None:
    for what, whom, seconds in events:
        running = kernel.running()
        pid = running[whom % len(running)]
        if what == "run":
            kernel.run(pid, seconds)
        else:
            getattr(kernel, what)(pid)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["run", "run", "fork", "end", "wait"]), st.integers(0, 9), st.floats(0.0, 0.5)),
    max_size=12,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(EVENTS, EVENTS, st.booleans()), max_size=12))
def test_nothing_counts_twice_and_nothing_is_lost(
    rounds: list[tuple[list[tuple[str, int, float]], list[tuple[str, int, float]], bool]],
) -> None:
    kernel = Kernel()
    watch = Watch(kernel)
    last_s = 0.0
    for between, within, discovers in rounds:
        happen(kernel, between)
        if discovers:
            watch.discover()
        counted_s = watch.sample(within)
        assert counted_s >= last_s
        last_s = counted_s
    watch.discover()
    watch.sample([])
    counted_s = watch.sample([])
    # The counters of waited-for time are cut to ticks, each time one of them is read anew.
    slack_s = 2 * TICK_S * (1 + kernel.next_pid)
    assert abs(counted_s - kernel.truth_s) <= slack_s, (counted_s, kernel.truth_s)
