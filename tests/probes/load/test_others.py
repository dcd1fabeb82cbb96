"""Whether other processes left ours a processor: by the counters of those on which it may run."""

from __future__ import annotations

from probes.load.others import Moment, fault_of_others
from probes.watch.machine import CpuTimes


def moment(t: float, *busy_s: float) -> Moment:
    """Processors that were busy for so long and idle for the rest of the time."""
    each = {number: CpuTimes(busy, t - busy, 0.0) for number, busy in enumerate(busy_s)}
    return Moment(t, CpuTimes.total(list(each.values())), 0.0, each)


START = moment(0.0, 0.0, 0.0)


def test_a_processor_that_is_left_free_is_enough() -> None:
    """One of two is full of others; whoever may run on both has the other one."""
    assert fault_of_others(START, moment(10.0, 10.0, 1.0), (), 1.0) is None
    assert fault_of_others(START, moment(10.0, 10.0, 1.0), (0, 1), 1.0) is None


def test_who_may_run_on_one_processor_only_is_held_against_that_one() -> None:
    found = fault_of_others(START, moment(10.0, 10.0, 1.0), (0,), 2.0)
    assert found == (
        "other processes used 0.8 cores of the processors on which the load process may run, "
        "and left none free"
    )
    assert fault_of_others(START, moment(10.0, 10.0, 1.0), (1,), 0.5) is None


def test_a_machine_full_of_ourselves_is_no_fault_of_others() -> None:
    assert fault_of_others(START, moment(10.0, 10.0, 10.0), (), 19.0) is None
    assert fault_of_others(START, moment(10.0, 10.0, 10.0), (), 15.0) == (
        "other processes used 0.5 cores and left no processor free"
    )


def test_what_cannot_be_told_is_not_held_against_anyone() -> None:
    unknown = Moment(10.0, None, 0.0)
    assert fault_of_others(unknown, unknown, (0,), 0.0) is None
    assert fault_of_others(START, moment(10.0, 10.0, 10.0), (7,), 0.0) is not None  # then all of them count
