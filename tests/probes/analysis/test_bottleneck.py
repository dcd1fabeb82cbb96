"""Which resource is named at saturation, from figures whose truth is computed; and when none may be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from probes.analysis.bottleneck import Bottleneck, Level, Seen, Waiting, name_bottleneck

CALLERS = (1, 2, 4, 8, 16)


def levels(
    rate_of: dict[int, float], cpu_ms: float = 0.05, thread_ms: float | None = None, base_cores: float = 0.0
) -> list[Level]:
    """A ladder: throughput by callers, CPU time of a request, and what is used whatever is asked."""
    return [
        Level(
            callers=callers,
            throughput=rate,
            seconds=1.0,
            cpu_cores=base_cores + rate * cpu_ms / 1e3,
            thread_cores=base_cores + rate * (cpu_ms if thread_ms is None else thread_ms) / 1e3,
        )
        for callers, rate in rate_of.items()
    ]


def waits_of(places: int, ms: float) -> dict[int, float]:
    """Throughput of requests that wait `ms` in one of so many places."""
    return {callers: min(callers, places) * 1e3 / ms for callers in CALLERS}


def found(ladder: list[Level], **seen: object) -> Bottleneck:
    result = name_bottleneck(ladder, replace(Seen(cores=4.0), **seen))  # type: ignore[arg-type]
    assert result is not None
    assert result.because.endswith(".")
    return result


def test_the_published_check_names_the_gpu() -> None:
    """STATISTICS: X = 120/s, CPU 3.2 of 4 cores, disk .30, GPU .96 → the GPU, bound 125/s."""
    ladder = levels({1: 40.0, 2: 80.0, 4: 120.0, 8: 120.0}, cpu_ms=1e3 * 3.2 / 120, thread_ms=1.0)
    result = found(ladder, disk=0.30, gpu=0.96)
    assert result.limited_by == "gpu"
    (gpu,) = [row for row in result.bounds if row.resource == "gpu"]
    assert gpu.bound_per_s == pytest.approx(125.0)
    assert gpu.demand_ms == pytest.approx(8.0)
    assert "125" in result.because


def test_all_processors_busy_is_cpu() -> None:
    """20 ms of CPU a request on four cores: 200/s at most."""
    result = found(levels({1: 49, 2: 98, 4: 192, 8: 196, 16: 195}, cpu_ms=20, thread_ms=2))
    assert result.limited_by == "cpu"
    assert "All processors" in result.because
    (cpu,) = [row for row in result.bounds if row.resource == "cpu"]
    assert cpu.demand_ms == pytest.approx(20.0)
    assert cpu.bound_per_s == pytest.approx(200.0)


def test_one_thread_that_computes_all_the_time_is_cpu_and_says_that_a_core_is_free() -> None:
    result = found(levels(dict.fromkeys(CALLERS, 99.0), cpu_ms=10), is_python=True)
    assert result.limited_by == "cpu"
    assert result.because.startswith("One Python process computes in a single thread")
    assert "0.99 of 4 cores" in result.because
    assert "stay idle" in result.because
    assert result.confirm_by == (
        "Run a second process: while a core is free, the highest throughput should nearly double."
    )


def test_a_worker_that_is_full_beside_its_front_is_told_apart_from_a_single_process() -> None:
    """As MLServer: one process takes the requests at .45 cores, its worker computes in one thread."""
    ladder = levels(dict.fromkeys(CALLERS, 410.0), cpu_ms=1350 / 410, thread_ms=910 / 410)
    result = found(ladder, is_python=True, processes=2)
    assert result.limited_by == "cpu"
    assert result.because.startswith(
        "Of 2 Python processes that compute, one is full, in a single thread, busy 91% of the time: "
    )
    assert "double" not in str(result.confirm_by), "the front needs cores as well"
    other = found(ladder, processes=2)
    assert other.because.startswith("A single thread computes, busy 91% of the time")


def test_the_interpreter_lock_is_named_where_many_threads_use_one_core_together() -> None:
    ladder = levels(dict.fromkeys(CALLERS, 190.0), cpu_ms=5.1, thread_ms=1.0)
    seen = {"gil_shares": (0.97,), "throughput": 191.0, "is_python": True}
    result = found(ladder, **seen)
    assert result.limited_by == "gil"
    assert "97%" in result.because
    without = found(ladder, is_python=True, unseen="py-spy is not installed")
    assert without.limited_by == "not_identified"
    assert "the interpreter lock was not measured (py-spy is not installed)" in without.because


def test_two_interpreters_bound_twice_as_much() -> None:
    """Each of two processes holds its lock all the time: D = 2 · .98/380, bound = 2/D."""
    ladder = levels(dict.fromkeys(CALLERS, 380.0), cpu_ms=5.2, thread_ms=1.0)
    result = found(ladder, gil_shares=(0.98, 0.98), throughput=380.0, is_python=True, processes=2)
    assert result.limited_by == "gil"
    (gil,) = [row for row in result.bounds if row.resource == "gil"]
    assert gil.bound_per_s == pytest.approx(380 / 0.98)
    assert "4 processes instead of 2" in str(result.confirm_by)


def test_a_lock_around_a_wait_is_serialised_inside() -> None:
    """5 ms held at a time: 200/s for one caller and for all."""
    result = found(levels(waits_of(1, 5.0)), waiting=Waiting(lock=7.0, callers=8), gil_shares=(0.03,),
                   throughput=200.0)  # fmt: skip
    assert result.limited_by == "lock"
    assert "one at a time" in result.because
    assert "7 threads waited for a lock" in result.because


def test_four_places_are_a_pool_of_four() -> None:
    result = found(levels(waits_of(4, 20.0)), waiting=Waiting(lock=4.0, callers=8))
    assert result.limited_by == "pool"
    assert "A pool of about 4 is full" in result.because
    assert "400 requests/s" in str(result.confirm_by)


def test_a_pool_is_told_from_what_its_connections_wait_for() -> None:
    """All callers wait at the peer: its limit. Four do and the others wait for a lock: a pool of four."""
    ladder = levels(waits_of(4, 20.0))
    peer = "10.0.0.7:5432"
    behind = found(ladder, waiting=Waiting(0.0, 8, {peer: 7.6}, {peer: 8.0}))
    assert behind.limited_by == "downstream"
    assert peer in behind.because
    pooled = found(ladder, waiting=Waiting(4.0, 8, {peer: 3.9}, {peer: 4.0}))
    assert pooled.limited_by == "pool"
    assert f"connections to {peer}" in pooled.because


def test_what_an_event_loop_waits_for_is_told_by_its_connections() -> None:
    """No thread waits at the peer, the loop does; connections of its own lead there."""
    ladder = levels(waits_of(4, 20.0))
    peer = "10.0.0.7:80"
    assert found(ladder, waiting=Waiting(0.0, 8, {}, {peer: 8.0})).limited_by == "downstream"
    assert found(ladder, waiting=Waiting(0.0, 8)).limited_by == "pool"


def test_nothing_waited_for_was_seen_so_nothing_is_named() -> None:
    """From outside a pool of four and a service of four look the same."""
    result = found(levels(waits_of(4, 20.0)), unseen="looking inside was switched off")
    assert result.limited_by == "not_identified"
    assert "serves 4 at a time, and looking inside was switched off" in result.because


def test_a_quota_that_was_used_up_comes_before_the_thread_that_it_stops() -> None:
    """Half a core: the busiest thread shows .5, and so it would with nothing to do."""
    ladder = levels(dict.fromkeys(CALLERS, 98.0), cpu_ms=5.0)
    result = found(ladder, quota_cores=0.5, throttled=0.97)
    assert result.limited_by == "quota"
    assert "0.5 cores was used up in 97%" in result.because
    never = found(ladder, quota_cores=0.5, throttled=0.0)
    assert never.limited_by == "not_identified"


@pytest.mark.parametrize("name", ["disk", "network"])
def test_disks_and_links_are_named_when_they_alone_are_full(name: str) -> None:
    result = found(levels(waits_of(4, 20.0)), **{name: 0.93})
    assert result.limited_by == name
    assert found(levels(waits_of(4, 20.0)), disk=0.93, network=0.9).limited_by == "not_identified"


def test_full_memory_limits_only_where_something_waits_for_it() -> None:
    ladder = levels({1: 50, 2: 60, 4: 61, 8: 61}, cpu_ms=8)
    assert found(ladder, memory=0.97, memory_stalled=0.4).limited_by == "memory"
    assert found(ladder, memory=0.97, memory_stalled=0.0).limited_by == "not_identified"


def test_two_full_resources_are_none() -> None:
    result = found(levels(dict.fromkeys(CALLERS, 99.0), cpu_ms=10), gpu=0.95)
    assert result.limited_by == "not_identified"
    assert "both full" in result.because


def test_a_processor_that_spins_is_not_named() -> None:
    """Busy whatever is asked: its use does not grow with what is done."""
    ladder = levels(waits_of(8, 20.0), cpu_ms=0.01, base_cores=0.97)
    result = found(ladder, waiting=Waiting(0.0, 16))
    assert result.limited_by == "not_identified"
    assert "not in proportion" in result.because


def test_a_demand_that_does_not_explain_the_throughput_is_not_named() -> None:
    """The lock was held all the time, while half as much was done as before."""
    ladder = levels(dict.fromkeys(CALLERS, 190.0), cpu_ms=5.1, thread_ms=1.0)
    result = found(ladder, gil_shares=(0.97,), throughput=95.0, is_python=True)
    assert result.limited_by == "not_identified"
    assert "allow 97.94 requests/s where 190 were answered" in result.because


def test_what_neither_only_computes_nor_only_waits_is_not_named() -> None:
    """4 ms of CPU in 10 ms: neither a full processor nor a plain wait, and flat."""
    result = found(levels(dict.fromkeys(CALLERS, 100.0), cpu_ms=4.0), waiting=Waiting(7.0, 8))
    assert result.limited_by == "not_identified"
    assert "computes for 40%" in result.because


def test_a_client_that_was_the_limit_is_said_first() -> None:
    result = found(levels(dict.fromkeys(CALLERS, 99.0), cpu_ms=10), client_fault="it ran out of ports")
    assert (result.limited_by, result.because) == ("client", "It ran out of ports.")


def test_a_machine_full_of_client_and_target_is_no_ground_to_blame_the_lock() -> None:
    """Two cores, of which the client takes one: the interpreter's threads could not use another."""
    ladder = levels(dict.fromkeys(CALLERS, 190.0), cpu_ms=5.1, thread_ms=1.0)
    seen = {"gil_shares": (0.97,), "throughput": 190.0, "is_python": True}
    result = name_bottleneck(ladder, Seen(cores=2.0, client_cores=1.0, **seen))  # type: ignore[arg-type]
    assert result is not None
    assert result.limited_by == "not_identified"
    assert "no processor is free either" in result.because


def test_an_unwatched_target_has_no_named_limit_and_is_told_what_to_do() -> None:
    ladder = [Level(callers, 100.0, 1.0) for callers in CALLERS]
    result = found(ladder)
    assert result.limited_by == "not_identified"
    assert "not watched" in result.because
    assert "--pid" in str(result.confirm_by)
    assert name_bottleneck([Level(1, 0.0, 1.0)], Seen()) is None


def test_the_table_leaves_out_what_was_not_measured() -> None:
    result = found(levels(dict.fromkeys(CALLERS, 99.0), cpu_ms=10), gpu=0.1)
    rows = {row.resource: row.to_json() for row in result.bounds}
    assert set(rows) == {"cpu", "thread", "gpu"}
    assert rows["thread"]["utilisation"] == pytest.approx(0.99)
    assert rows["thread"]["bound_per_s"] == pytest.approx(100.0)
    assert "note" not in rows["gpu"]


def paged(**seen: Any) -> Any:
    """One caller gets 250/s at 1.25 ms of CPU, many 390/s; 24 pages a request of 0.07 ms are 1.68 ms, and
    with what it computes 2.93 of a lone request's 4 ms."""
    levels = [
        Level(callers, rate, 2.0, cpu_cores=rate * 1.25e-3, thread_cores=0.2)
        for callers, rate in ((1, 250.0), (2, 385.0), (4, 390.0), (8, 385.0))
    ]
    known: dict[str, Any] = {"cores": 2.0, "memory_used": 0.99, "memory_at": 390.0, "page_read_ms": 0.07}
    known |= {"refaults_per_s": 24 * 390.0, "major_faults_per_s": 24 * 390.0}
    return name_bottleneck(levels, Seen(**(known | seen)))


def test_pages_read_again_are_memory_though_disk_and_lock_are_busy_meanwhile() -> None:
    found = paged(disk=0.9, is_python=True, gil_shares=(0.95,), throughput=390.0)
    assert found.limited_by == "memory"
    assert "24 pages" in found.because
    assert "1.68 ms" in found.because
    row = next(row for row in found.bounds if row.resource == "memory")
    assert row.demand_ms == pytest.approx(24 * 0.07)


@pytest.mark.parametrize(
    "seen",
    [
        {"refaults_per_s": 0.0},  # read for the first time
        {"refaults_per_s": None},
        {"memory_used": 0.6},  # there is room
        {"page_read_ms": 0.02},  # 0.48 ms of the 2.75 that it does not compute
        {"major_faults_per_s": 10.0},  # others of the group read them
    ],
)
def test_pages_that_memory_did_not_lack_or_that_hardly_delay_are_no_limit(seen: dict[str, Any]) -> None:
    assert paged(**seen).limited_by != "memory"
