"""Users who think: their number, their rate and their times, by Little's law and a queue of known truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from probes.load.engine import Engine, Progress, Record
from probes.load.loop import new_pauses
from probes.load.plan import Segment
from probes.load.shard import Live
from probes.load.spec import Think
from probes.load.steps import StepResult
from probes.load.tally import summarise
from probes.targets.http import parse_target

SECOND = 10**9


class Silent:
    def second(self, progress: Progress) -> None:
        del progress

    def stop_word(self, live: Live, t_ns: int) -> int:
        del live, t_ns
        return 0


Started = tuple[Engine, Any]


@pytest.fixture
def started(start_server: Callable[..., Any], load_alone: None) -> Iterator[Callable[..., Started]]:
    engines = []

    def start(workers: int, service_ms: float, dist: str = "det", shards: int = 1) -> Started:
        server = start_server(
            "tests/systems/servers/queue_server.py",
            *("--workers", workers, "--service-ms", service_ms, "--dist", dist),
        )
        engines.append(Engine(parse_target(server.url).wire(5.0), 64, Silent(), shards))
        return engines[0], server

    yield start
    for engine in engines:
        engine.close()


def step(record: Record) -> StepResult:
    return summarise(record, lambda status: status == 200, lambda a, b: None)


def repairman(users: int, think_s: float, service_s: float) -> float:
    """Requests/s of users who think and one exponential worker: mean value analysis, exact
    (Reiser & Lavenberg 1980)."""
    queue = rate = 0.0
    for n in range(1, users + 1):
        response = service_s * (1 + queue)
        rate = n / (response + think_s)
        queue = rate * response
    return rate


def test_the_exact_analysis_knows_its_limits() -> None:
    """One user never queues; very many keep the worker busy; two by hand: R₂ = S (1 + S / (S + Z))."""
    assert repairman(1, 0.09, 0.01) == pytest.approx(10.0)
    assert repairman(1_000, 0.09, 0.01) == pytest.approx(100.0)
    assert repairman(2, 0.09, 0.01) == pytest.approx(2 / (0.01 * 1.1 + 0.09))


def segment(**changes: Any) -> Segment:
    return Segment(path="", capacity=1, scheduled=0, start_ns=0, end_ns=0, drain_ns=0, **changes)


def test_pauses_are_exponential_or_constant_and_the_seed_repeats_them() -> None:
    pause = new_pauses(segment(think_ns=SECOND, seed=3))
    drawn = np.array([pause() for _ in range(20_000)]) / SECOND
    # of an exponential time mean and standard deviation are equal, and e⁻¹ of the draws are over the mean
    assert drawn.mean() == pytest.approx(1.0, abs=4 / np.sqrt(20_000))
    assert drawn.std() == pytest.approx(1.0, abs=0.05)
    assert (drawn > 1).mean() == pytest.approx(np.exp(-1), abs=0.015)
    again = new_pauses(segment(think_ns=SECOND, seed=3))
    assert [again() for _ in range(5)] == (drawn[:5] * SECOND).round().astype(int).tolist()
    other = new_pauses(segment(think_ns=SECOND, seed=4))
    assert other() != int(drawn[0] * SECOND)
    constant = new_pauses(segment(think_ns=SECOND, think_constant=True))
    assert {constant() for _ in range(5)} == {SECOND}


@pytest.mark.parametrize("shards", [1, 3])
def test_users_without_a_queue_ask_as_often_as_they_can(started: Callable[..., Started], shards: int) -> None:
    """30 users, 10 ms of service, always 190 ms of thought: N / (R + Z) = 150 requests a second."""
    engine, server = started(30, 10, shards=shards)
    found = engine.closed_loop(30, 2.0, think=Think(0.19, constant=True))
    seen = step(found)
    assert (found.outcome == 200).all()
    assert server.stop()["received"] == len(found.due)
    assert (np.diff(found.due) >= 0).all()
    assert (found.sent >= found.due).all()
    assert seen.mode == "closed"
    assert seen.users is not None
    assert seen.users.count == 30
    assert seen.users.think_s == pytest.approx(0.19, abs=1e-9)
    slowed = seen.users.response_s - 0.01  # by this machine, whatever it is busy with
    assert slowed >= 0
    assert seen.users.rate_per_s == pytest.approx(30 / (0.2 + slowed), rel=0.05)
    assert seen.users.expected == pytest.approx(30, rel=0.05)
    # met somewhere in a pause, they do not all ask at the same moment
    assert (found.due < found.start_ns + 0.095 * SECOND).sum() == pytest.approx(15, abs=9)


def test_users_at_one_worker_are_as_fast_as_the_exact_analysis_says(started: Callable[..., Started]) -> None:
    """30 users, exponential thought of 300 ms, one exponential worker of 8 ms: ρ = .74, the queue is real."""
    engine, _ = started(1, 8, "exp")
    seen = step(engine.closed_loop(30, 5.0, think=Think(0.3), seed=11))
    assert seen.users is not None
    assert seen.users.response_s > 0.008
    # some 460 requests of a correlated stream: a standard error of some 5 %
    assert seen.users.rate_per_s == pytest.approx(repairman(30, 0.3, 0.008), rel=0.15)
    assert seen.users.expected == pytest.approx(30, rel=0.15)
    assert seen.users.expected == pytest.approx(
        seen.users.rate_per_s * (seen.users.response_s + seen.users.think_s)
    )
    assert seen.concurrency == pytest.approx(seen.users.rate_per_s * seen.users.response_s, rel=0.1)
    said = seen.to_json()["users"]
    assert said["count"] == 30
    assert said["think_ms"] == pytest.approx(seen.users.think_s * 1e3, abs=1e-3)


def test_a_user_never_asks_before_it_has_thought(started: Callable[..., Started]) -> None:
    """One user: between an answer and the next request lies at least the pause."""
    engine, _ = started(1, 2)
    found = engine.closed_loop(1, 1.0, think=Think(0.05, constant=True))
    assert len(found.due) > 5
    assert (found.due[1:] - found.read[:-1] == 50_000_000).all()
    assert (found.sent >= found.due).all()
