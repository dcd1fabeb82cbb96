"""Load processes on other machines: one contract for every carrier, on real agents and real clocks."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import psutil
import pytest

from probes.errors import InternalError, UsageError
from probes.load import plan
from probes.load.arrivals import due_times
from probes.load.cluster import dask_cluster, far_shard
from probes.load.cluster.dask_cluster import read_address
from probes.load.cluster.far_shard import FarShard
from probes.load.cluster.messages import LEASE_S, Begin, Clock, Join, Joined, Pull
from probes.load.cluster.relay import AgentProcess
from probes.load.engine import Engine, Progress, Record
from probes.load.plan import CANCELLED, COMPLETE_TO, Segment, Wire
from probes.load.shard import Live
from probes.load.spec import OpenSegment
from probes.load.tally import summarise
from probes.targets.http import parse_target

SECOND = 10**9
AHEAD_S = 5_000
"""By how much the clock of an agent in a time namespace of its own is ahead."""


class Observer:
    def __init__(self, word: Callable[[Live], int] = lambda live: 0) -> None:
        self.told: list[Progress] = []
        self.word = word

    def second(self, progress: Progress) -> None:
        self.told.append(progress)

    def stop_word(self, live: Live, t_ns: int) -> int:
        return self.word(live)


class Carrier(AgentProcess):
    """Straight to an agent of this machine."""

    def __init__(self, name: str, before: Sequence[str] = ()) -> None:
        super().__init__(before)
        self.name = name


@pytest.fixture
def serve(start_server: Callable[..., Any], load_alone: None) -> Callable[..., Any]:
    return lambda *options: start_server("tests/systems/servers/queue_server.py", *options)


def _time_namespaces() -> bool:
    command = ["unshare", "--time", "--monotonic", str(AHEAD_S), "--fork", "true"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


OTHER_CLOCK = ("unshare", "--time", "--monotonic", str(AHEAD_S), "--fork", "--kill-child")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts agents of this machine in the place of a cluster's workers, each begun by what is given."""

    def make(*befores: Sequence[str]) -> None:
        class Local:
            def __init__(self, address: str, wire: Wire) -> None:
                self.shards = [
                    FarShard(Carrier(f"worker {j + 1}", before), wire) for j, before in enumerate(befores)
                ]
                for shard in self.shards:
                    shard.join()

            def close(self) -> None:
                pass

        monkeypatch.setattr(dask_cluster, "Cluster", Local)

    return make


def due_at(rate: float, seconds: float, arrivals: Any = "constant") -> np.ndarray[Any, np.dtype[np.int64]]:
    return due_times([OpenSegment(rate, rate, seconds)], arrivals, np.random.default_rng(1))[0]


def engine_for(server: Any, observer: Observer | None = None, connections: int = 64) -> Engine:
    wire = parse_target(server.url).wire(5.0)
    return Engine(wire, connections, observer or Observer(), cluster="dask://127.0.0.1:1")


def sums_hold(record: Record) -> None:
    step = summarise(record, lambda status: status == 200, lambda a, b: None)
    assert step.sent == step.ok + step.timeouts + step.cancelled + sum(step.errors.values())
    assert step.scheduled == step.sent + step.unsent


def test_two_workers_send_what_one_process_would(
    serve: Callable[..., Any], cluster: Callable[..., None]
) -> None:
    """Constant due times to the nanosecond, every answer where it belongs, seconds told while it runs."""
    server, observer = serve("--workers", 64, "--service-ms", 3), Observer()
    cluster((), ())
    due = due_at(300, 2.2)
    with engine_for(server, observer) as engine:
        pids = {shard.pid for shard in engine.shards}
        found = engine.open_loop(due, 2.2)
    assert len(pids) == 2
    assert (found.due - found.start_ns).tolist() == due.tolist()
    assert (found.outcome == 200).all()
    assert (found.sent >= found.due).all()
    assert (found.read > found.sent).all()
    assert ((found.recv >= found.sent) & (found.recv <= found.read)).all()
    assert len(observer.told) >= 2
    assert sum(progress.finished for progress in observer.told) == len(due) == found.report.sent
    assert server.stop()["received"] == len(due)
    sums_hold(found)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_callers_of_two_workers(serve: Callable[..., Any], cluster: Callable[..., None]) -> None:
    server = serve("--workers", 64, "--service-ms", 20)
    cluster((), ())
    with engine_for(server) as engine:
        many, one = engine.closed_loop(7, 1.0), engine.closed_loop(1, 0.5)
    for found, callers in ((many, 7), (one, 1)):
        assert found.concurrency == callers
        assert (np.diff(found.due) >= 0).all()
        change = np.concatenate([np.ones(len(found.sent)), -np.ones(len(found.read))])
        order = np.lexsort((change, np.concatenate([found.sent, found.read])))
        assert np.cumsum(change[order]).max() == callers
        sums_hold(found)
    assert server.stop()["received"] == len(many.due) + len(one.due)


@pytest.mark.skipif(not _time_namespaces(), reason="needs the right to make a time namespace (Linux 5.6)")
def test_times_of_another_clock_become_ours(serve: Callable[..., Any], cluster: Callable[..., None]) -> None:
    """The agent's clock is 5,000 s ahead: offset known, duration of an answer (3 ms) as ever."""
    server, observer = serve("--workers", 64, "--service-ms", 3), Observer()
    cluster(OTHER_CLOCK, ())
    begun = time.perf_counter_ns()
    with engine_for(server, observer) as engine:
        first, second = engine.shards
        assert isinstance(first, FarShard) and isinstance(second, FarShard)
        assert second.offset_ns == 0
        assert first.offset_ns == pytest.approx(-AHEAD_S * SECOND, abs=far_shard.LARGEST_CLOCK_ERROR_NS)
        found = engine.open_loop(due_at(200, 1.5), 1.5)
        closed = engine.closed_loop(4, 0.5)
    ended = time.perf_counter_ns()
    for record in (found, closed):
        assert (record.outcome == 200).all()
        for column in (record.due, record.sent, record.recv, record.read):
            assert (begun <= column).all() and (column <= ended).all()
        service = record.recv - record.sent
        assert (service >= 2_900_000).all()
        assert np.median(service[0::2]) == pytest.approx(np.median(service[1::2]), rel=0.5)
    assert begun < found.report.ended_ns < ended
    assert len(observer.told) >= 1


def test_a_stop_reaches_them_and_then_nothing_is_sent(
    serve: Callable[..., Any], cluster: Callable[..., None]
) -> None:
    server = serve("--workers", 64, "--service-ms", 3)
    cluster((), ())
    stop = Observer(lambda live: plan.STOP_NOW if live.header[COMPLETE_TO] >= 50 else 0)
    with engine_for(server, stop) as engine:
        found = engine.open_loop(due_at(300, 60.0), 60.0)
        sent = int((found.sent > 0).sum())
        assert found.stopped
        assert 50 <= sent == engine.sent < 6_000
        assert server.stop()["received"] <= sent
    sums_hold(found)


def test_a_load_process_that_is_lost_is_told_with_its_machine(
    serve: Callable[..., Any], cluster: Callable[..., None]
) -> None:
    server = serve("--workers", 64, "--service-ms", 3)
    cluster((), ())
    killed: list[int] = []

    def word(live: Live) -> int:
        if live.header[COMPLETE_TO] >= 60 and not killed:
            killed.append(engine.shards[1].pid)
            os.kill(killed[0], signal.SIGKILL)
        return 0

    with engine_for(server, Observer(word)) as engine:
        found = engine.open_loop(due_at(300, 60.0), 60.0)
    (said,) = found.report.lost
    assert said == "load process 2 of 2: the load process ended with code -9 on worker 2"
    assert found.stopped
    assert set(np.unique(found.outcome[1::2]).tolist()) <= {0, 200, CANCELLED}
    sums_hold(found)


def test_a_machine_that_falls_silent_is_lost_within_the_lease(
    serve: Callable[..., Any], cluster: Callable[..., None]
) -> None:
    """Its agent is halted: nothing is filled in, and the others stop."""
    server = serve("--workers", 64, "--service-ms", 3)
    cluster((), ())
    halted: list[int] = []

    def word(live: Live) -> int:
        if live.header[COMPLETE_TO] >= 60 and not halted:
            silent = engine.shards[1]
            assert isinstance(silent, FarShard) and isinstance(silent.carrier, Carrier)
            halted.append(silent.carrier.pid)
            os.kill(halted[0], signal.SIGSTOP)
        return 0

    with engine_for(server, Observer(word)) as engine:
        try:
            found = engine.open_loop(due_at(300, 60.0), 60.0)
        finally:
            os.kill(halted[0], signal.SIGCONT)
    (said,) = found.report.lost
    assert "nothing was heard of the load process on worker 2 for 3 s" in said
    sums_hold(found)


def ask(agent: AgentProcess, message: object) -> Any:
    return pickle.loads(agent.call(pickle.dumps(message)))


@pytest.fixture
def agent() -> Iterator[AgentProcess]:
    process = AgentProcess()
    yield process
    process.close()


def test_an_agent_without_its_coordinator_stops_sending(
    serve: Callable[..., Any], agent: AgentProcess
) -> None:
    """The load was to last a minute; who had the lease says nothing any more."""
    server = serve("--workers", 64, "--service-ms", 3)
    joined = ask(agent, Join(parse_target(server.url).wire(5.0)))
    assert isinstance(joined, Joined)
    assert psutil.Process(joined.pid).ppid() == agent.pid
    start = ask(agent, Clock()) + SECOND // 10
    due = start + due_at(100, 60.0)
    segment = Segment("", len(due), len(due), start, start + 60 * SECOND, 0)
    assert ask(agent, Begin(segment, due.tobytes())) is None
    time.sleep(LEASE_S + 1.5)  # the lease is this long: there is nothing to wait for but time
    frame = ask(agent, Pull(0))
    assert frame.report is not None
    assert 0 < frame.report.sent < 100 * (LEASE_S + 1.5)
    assert server.stop()["received"] <= frame.report.sent


def test_an_agent_ends_with_its_pipe_and_its_load_process_with_it(agent: AgentProcess) -> None:
    joined = ask(agent, Join(parse_target("http://127.0.0.1:9/").wire(1.0)))
    agent.close()
    psutil.wait_procs([psutil.Process(joined.pid)] if psutil.pid_exists(joined.pid) else [], timeout=10)
    assert not psutil.pid_exists(joined.pid)
    assert not psutil.pid_exists(agent.pid)


@pytest.mark.parametrize(
    ("joined", "said"),
    [
        (Joined("0.0.1", "c", "n", "far", 1), "has loadstone 0.0.1, and this is"),
        (
            Joined(far_shard.version(), "c", "n", "far", 1),
            "(far), where 127.0.0.1 is not",
        ),
    ],
)
def test_a_worker_that_cannot_carry_the_load_is_refused(joined: Joined, said: str) -> None:
    class Says:
        name = "tcp://10.0.0.9:4000"

        def call(self, message: bytes) -> bytes:
            return pickle.dumps(joined)

        def close(self) -> None:
            pass

    shard = FarShard(Says(), parse_target("http://127.0.0.1:9/").wire(1.0))
    with pytest.raises(UsageError) as caught:
        shard.join()
    assert said in str(caught.value)


def test_what_goes_wrong_there_is_told_as_ours(agent: AgentProcess) -> None:
    class Bad(Carrier):
        def __init__(self) -> None:
            self.name = "w"

        def call(self, message: bytes) -> bytes:
            return agent.call(pickle.dumps(Pull(0)))

        def close(self) -> None:
            pass

    with pytest.raises(InternalError, match="the load process on w failed"):
        FarShard(Bad(), parse_target("http://127.0.0.1:9/").wire(1.0)).join()


@pytest.mark.parametrize(
    "text", ["dask://", "dask://x", "dask://x:0", "dask://x:70000", "tcp://x:1", "dask://x:1/a"]
)
def test_addresses_of_no_cluster(text: str) -> None:
    with pytest.raises(UsageError, match="is no Dask cluster"):
        read_address(text)


def test_without_the_library_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'loadstone\[cluster\]'"):
        dask_cluster.Cluster("dask://127.0.0.1:8786", parse_target("http://127.0.0.1:9/").wire(1.0))
