"""What a killed process had said to be stored is stored, and its run is interrupted at the next opening."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import assessments
from assessments.store import Store, models, open_store
from assessments.store.owner import Owner, is_gone, this_process

ROOT = Path(assessments.__file__).parents[1]
SCRIPT = Path(__file__).parent / "scripts" / "write_until_killed.py"
KEEPER = SCRIPT.with_name("keep_until_killed.py")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def writer(path: Path, run_id: str, *limit: str, script: Path = SCRIPT) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(script), str(path), run_id, *limit],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def kill_after(process: subprocess.Popen[str], seconds: int) -> int:
    """Kills the process once that many seconds are committed; returns how many it said at last."""
    assert process.stdout is not None
    said = 0
    for line in process.stdout:
        said = int(line)
        if said >= seconds:
            break
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return max([said, *(int(line) for line in rest.splitlines() if line.isdecimal())])


@pytest.mark.parametrize("seconds", [1, 7, 20])
def test_a_killed_run_is_interrupted_and_keeps_its_seconds(path: Path, seconds: int) -> None:
    with writer(path, "run-0001") as process:
        said = kill_after(process, seconds)
    assert said >= seconds
    with open_store(str(path)) as store:
        run = store.run("run-0001")
    assert run.status == run.result["run"]["status"] == "interrupted"
    assert [second["t"] for second in run.seconds[:said]] == [float(number) for number in range(said)]
    assert len(run.seconds) - said in (0, 1)
    assert run.damaged == []
    assert f"its process ({process.pid} on" in str(run.summary.reason)
    assert run.result["run"]["seconds"] == run.seconds[-1]["t"]
    assert run.result["target"]["address"] == "http://127.0.0.1:8000"


def test_a_running_process_keeps_its_run(path: Path) -> None:
    with writer(path, "run-0001", "1") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with open_store(str(path)) as store:
            assert store.run("run-0001").status == "running"


def test_two_writers_lose_nothing_and_are_never_busy(path: Path) -> None:
    with writer(path, "run-0001", "60") as one, writer(path, "run-0002", "60") as two:
        errors = [process.communicate(timeout=300)[1] for process in (one, two)]
        assert errors == ["", ""]
    with open_store(str(path)) as store:
        for run_id in ("run-0001", "run-0002"):
            run = store.run(run_id)
            assert len(run.seconds) == 60
            assert run.notes[-1]["text"] == "the last word"
            assert run.damaged == []
        assert store.assessments()[0].runs == 2


def test_a_killed_writer_does_not_harm_another(path: Path) -> None:
    with writer(path, "run-0001", "40") as other, writer(path, "run-0002") as process:
        said = kill_after(process, 5)
        _, errors = other.communicate(timeout=300)
        assert errors == ""
    with open_store(str(path)) as store:
        assert len(store.run("run-0001").seconds) == 40
        assert len(store.run("run-0002").seconds) >= said
        assert store.run("run-0002").damaged == []


@pytest.mark.parametrize("times", [1, 5, 12])
def test_a_killed_keeper_leaves_one_whole_state(path: Path, times: int) -> None:
    """Answers and title are of one number, which is the last one said or the one after."""
    with writer(path, "", script=KEEPER) as process:
        said = kill_after(process, times)
    with open_store(str(path)) as store:
        found = store.contents("checkout")
    assert found.damaged == []
    assert int(found.setup.title) - said in (0, 1)
    assert {answer.note for answer in found.answers} == {found.setup.title}
    assert len(found.answers) == int(found.setup.title) % 7 + 1


def test_this_process_is_alive() -> None:
    long_ago = NOW - timedelta(days=1)
    assert not is_gone(this_process(), long_ago, NOW)


def test_a_process_that_ended_is_gone_whatever_its_heartbeat() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_gone(replace(this_process(), pid=ended.pid), NOW, NOW)


def test_a_number_used_again_is_another_process() -> None:
    assert is_gone(replace(this_process(), started=this_process().started - 60), NOW, NOW)


def test_a_process_nobody_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    owner = replace(this_process(), pid=child.pid, started=NOW.timestamp())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(owner, NOW, NOW)
    child.communicate()


@pytest.mark.parametrize("where", [{"host": "another"}, {"scope": "the boot before"}])
@pytest.mark.parametrize(("age_s", "gone"), [(0, False), (9, False), (11, True), (-11, True)])
def test_where_no_process_can_be_asked_the_heartbeat_counts(
    where: dict[str, Any], age_s: int, gone: bool
) -> None:
    elsewhere: Owner = replace(this_process(), **where)
    assert is_gone(elsewhere, NOW - timedelta(seconds=age_s), NOW) is gone


def test_a_run_marked_by_mistake_goes_on(store: Store, path: Path, sample: Any) -> None:
    """A machine that slept wakes up: its run was marked from another host, and its next second revives it."""
    with store.record("run-0001") as recorder:
        recorder(sample.started())
        recorder.flush()
        with store._engine.begin() as connection:
            connection.execute(
                update(models.Run).values(heartbeat=datetime(2020, 1, 1, tzinfo=UTC), owner_host="asleep")
            )
        with open_store(str(path)) as other:
            assert other.run("run-0001").status == "interrupted"
        recorder(sample.second(0))
        assert recorder.flush()
        assert store.run("run-0001").status == "running"
        recorder(sample.finished())
    assert store.run("run-0001").status == "completed"


def test_a_damaged_row_stays_damaged_when_its_run_is_interrupted(path: Path, sample: Any) -> None:
    with open_store(str(path)) as store:
        with store.record("run-0001") as recorder:
            recorder(sample.started())
        with store._engine.begin() as connection:
            connection.execute(
                update(models.Run).values(status="running", owner_pid=2**22 + 1, target_address="elsewhere")
            )
    with open_store(str(path)) as store:
        assert store.run("run-0001").status == "interrupted"
        assert store.runs()[0].damaged
