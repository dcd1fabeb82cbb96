"""Stacks through the real py-spy at scripts of known truth, and what is made of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes.watch.gil import find_py_spy, is_cpython, is_ours, why_refused
from probes.watch.stacks import (
    Place,
    StackPass,
    StackSamples,
    read_raw,
    without_waits,
    write_speedscope,
)

needs_py_spy = pytest.mark.skipif(find_py_spy() is None, reason="py-spy is not installed")
Start = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], Any]

COMPUTES = """
    def inner():
        return sum(range(2_000))

    def outer():
        while True:
            inner()

    say("ready")
    outer()
"""
HOLDS_A_FIFTH = """
    say("ready")
    while True:
        end = time.perf_counter() + 0.002
        while time.perf_counter() < end:
            pass
        time.sleep(0.008)
"""
RELEASES = """
    import hashlib
    say("ready")
    buffer = bytes(1 << 22)
    while True:
        hashlib.sha256(buffer)
"""
WAITS = """
    def waiting_here():
        time.sleep(1_000)
    say("ready")
    waiting_here()
"""


def looked_into(pids: list[int], eventually: Eventually, **options: bool) -> StackSamples:
    look = StackPass(pids, 1, **options)
    look.start()
    eventually(look.done)
    return look.result()


@needs_py_spy
def test_the_function_that_computes_is_named_with_its_line(script: Start, eventually: Eventually) -> None:
    running = script(COMPUTES)
    assert running.hear() == "ready"
    seen = looked_into([running.pid], eventually)
    assert seen.refused == ()
    first = seen.hotspots()[0]
    assert first.function == "inner"
    assert first.file.endswith("script0.py")
    assert first.share > 0.8
    assert first.gil_share is not None
    assert first.gil_share > 0.6
    assert seen.gil_shares[running.pid] > 0.8
    assert [frame["name"] for frame in seen.flame()][-1] == "inner"
    assert not seen.waiting


@needs_py_spy
def test_the_share_of_time_in_which_the_lock_is_held_is_the_true_one(
    script: Start, eventually: Eventually
) -> None:
    """2 ms in 10 ms, and none where C computes: moments that are chosen at random do not beat with either."""
    fifth, free = script(HOLDS_A_FIFTH), script(RELEASES)
    assert (fifth.hear(), free.hear()) == ("ready", "ready")
    seen = looked_into([fifth.pid, free.pid], eventually)
    assert 0.05 < seen.gil_shares[fifth.pid] < 0.5  # 100 moments, on a machine that may be busy
    assert seen.gil_shares[free.pid] < 0.2


@needs_py_spy
def test_where_nothing_is_computed_waiting_threads_can_be_asked_for(
    script: Start, eventually: Eventually
) -> None:
    running = script(WAITS)
    assert running.hear() == "ready"
    silent = looked_into([running.pid], eventually)
    assert silent.hotspots() == []
    assert silent.flame() == []
    seen = looked_into([running.pid], eventually, waiting=True)
    assert seen.hotspots()[0].function == "waiting_here"
    assert seen.waiting


@needs_py_spy
def test_a_process_that_ends_meanwhile_costs_nothing_but_its_stacks(
    script: Start, eventually: Eventually
) -> None:
    running = script(COMPUTES)
    assert running.hear() == "ready"
    look = StackPass([running.pid], 1)
    look.start()
    running.end()
    eventually(look.done)
    seen = look.result()
    assert set(seen.gil_shares) <= {running.pid}


def test_only_interpreters_of_our_own_user_are_looked_into(script: Start) -> None:
    running = script("say('ready')\nheard()")
    assert running.hear() == "ready"
    assert is_cpython(running.pid)
    assert is_ours(running.pid)
    with subprocess.Popen(["sleep", "60"]) as other:
        assert not is_cpython(other.pid)
        assert not StackPass([other.pid], 1).is_python
        other.kill()
    assert not is_cpython(2**22 + 1)
    assert not is_ours(2**22 + 1)


def test_without_py_spy_it_says_so(script: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = script("say('ready')\nheard()")
    assert running.hear() == "ready"
    monkeypatch.setattr("probes.watch.stacks.find_py_spy", lambda: None)
    look = StackPass([running.pid], 1)
    look.start()
    assert look.done()
    assert look.result().refused == ("py-spy is not installed: pip install py-spy",)


@needs_py_spy
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_may_not_look_is_told_in_one_sentence(script: Start, tmp_path: Path) -> None:
    """What the real py-spy says as somebody else, who may not trace us."""
    running = script(COMPUTES)
    assert running.hear() == "ready"
    program = shutil.copy(str(find_py_spy()), "/var/tmp/loadstone-test-py-spy")  # where nobody may read
    try:
        command = [program, "record", "--format", "raw", "--duration", "1", "--output", "/dev/null"]
        told = subprocess.run(
            [*command, "--pid", str(running.pid)], user=65_534, group=65_534, capture_output=True, text=True
        )
    finally:
        Path(program).unlink()
    assert told.returncode != 0
    sentence = why_refused(running.pid, told.stderr + told.stdout)
    assert sentence.startswith(f"this user may not look into process {running.pid}")
    assert "SYS_PTRACE" in sentence


def test_what_py_spy_says_else_is_quoted_in_one_line() -> None:
    said = "py-spy> hello\nError: Failed to find python version\nReason: no such symbol\n"
    assert why_refused(7, said) == "py-spy could not read process 7 (Error: Failed to find python version)"
    assert why_refused(7, "") == "py-spy could not read process 7 (it said nothing)"


A, B, C = (Place(name, f"{name}.py", line) for name, line in (("a", 1), ("b", 20), ("c", 300)))


def samples(
    stacks: dict[tuple[Place, ...], int], gil: dict[tuple[Place, ...], int] | None = None
) -> StackSamples:
    return StackSamples(stacks, gil or {}, {1: 0.5} if gil else {}, 100, 1.0)


def test_raw_lines_are_stacks_with_counts() -> None:
    text = "a (a.py:1);<listcomp> (dir/b (1).py:20) 7\nbroken\na (a.py:1) 3\nno place 2\n"
    found = read_raw(text)
    assert found[(A, Place("<listcomp>", "dir/b (1).py", 20))] == 7
    assert found[(A,)] == 3
    assert found[(Place("no place", "", None),)] == 2
    assert sum(found.values()) == 12


def test_shares_are_of_all_samples_and_those_with_the_lock_never_more() -> None:
    seen = samples({(A, B): 60, (A, C): 30, (A,): 10}, {(A, B): 66, (A, C): 3})
    spots = [(spot.function, spot.line, spot.share, spot.gil_share) for spot in seen.hotspots()]
    assert spots == [("b", 20, 0.6, 0.6), ("c", 300, 0.3, 0.03), ("a", 1, 0.1, 0.0)]
    assert samples({(A,): 1}).hotspots()[0].gil_share is None


def test_a_script_that_only_calls_the_target_is_left_out() -> None:
    """Also under a function of the target's own that calls back, which stays."""
    host, loop = Place("<module>", "host.py", 1), Place("serve", "host.py", 129)
    seen = samples(
        {(host, loop): 50, (host, loop, A): 30, (host, loop, A, loop): 10, (B,): 5}, {(host, loop): 1}
    )
    found = seen.below("host.py")
    assert found.stacks == {(A,): 30, (A, loop): 10, (B,): 5}
    assert found.gil == {}
    assert found.moments == seen.moments


def test_lines_of_one_function_are_one_function() -> None:
    elsewhere = B._replace(line=25)
    (spot,) = samples({(A, B): 1, (A, elsewhere): 3}).hotspots()
    assert (spot.function, spot.line, spot.share) == ("b", 25, 1.0)


def test_frames_lie_within_their_caller_the_largest_first() -> None:
    frames = samples({(A, B): 60, (A, C): 30, (A,): 10}).flame()
    assert [(f["name"], f["depth"], f["start"], f["share"]) for f in frames] == [
        ("a", 0, 0.0, 1.0), ("b", 1, 0.0, 0.6), ("c", 1, 0.6, 0.3),
    ]  # fmt: skip
    assert frames[1]["line"] == 20


def test_callers_of_everything_are_left_out_but_the_last() -> None:
    main = Place("<module>", "m.py", 9)
    frames = samples({(main, A, B): 60, (main, A, C): 40}).flame()
    assert [frame["name"] for frame in frames] == ["a", "b", "c"]
    deep = tuple(Place(f"f{n}", "f.py", n) for n in range(40))
    assert len(samples({deep: 1}).flame()) == 1
    assert all(frame["share"] >= 0.02 for frame in samples({(A, B): 999, (A, C): 1}).flame())


def test_wrappers_that_only_call_on_take_no_row() -> None:
    """Two threads, ten wrappers deep each: without that the eight rows would hold nothing else."""
    wraps = tuple(Place(f"w{n}", "w.py", n) for n in range(10))
    frames = samples({(A, *wraps, B): 40, (A, *wraps, C): 20, (B, *wraps, A): 40}).flame()
    assert [(frame["name"], frame["depth"], frame["share"]) for frame in frames] == [
        ("a", 0, 0.6), ("w9", 1, 0.6), ("b", 2, 0.4), ("c", 2, 0.2), ("b", 0, 0.4), ("a", 1, 0.4),
    ]  # fmt: skip


def test_the_flame_graph_file_is_one_that_speedscope_reads(tmp_path: Path) -> None:
    """By its schema: samples are stacks of indices into the shared frames, a weight each."""
    seen = samples({(A, B): 60, (A, C): 30})
    file = tmp_path / "stacks" / "r1.speedscope.json"
    write_speedscope(seen, "r1", file)
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    (profile,) = document["profiles"]
    assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "seconds", 0)
    assert profile["endValue"] == pytest.approx(sum(profile["weights"])) == pytest.approx(0.9)
    frames = document["shared"]["frames"]
    named = [[frames[index]["name"] for index in stack] for stack in profile["samples"]]
    assert Counter(map(tuple, named)) == {("a", "b"): 1, ("a", "c"): 1}
    assert {frame["name"]: frame["line"] for frame in frames} == {"a": 1, "b": 20, "c": 300}


def test_a_worker_that_waits_for_work_does_not_compute() -> None:
    """It is seen ready when it was just woken; an event loop that asks for sockets does something."""
    seen = read_raw(
        "run (threading.py:982);_worker (concurrent/futures/thread.py:81) 40\n"
        "run (threading.py:982);_worker (concurrent/futures/thread.py:83);rank (model.py:9) 50\n"
        "get (queue.py:171);Condition.wait (threading.py:327) 9\n"
        "EpollSelector.select (selectors.py:468) 10\n"
    )
    assert [(stack[-1].function, count) for stack, count in without_waits(seen).items()] == [
        ("rank", 50), ("EpollSelector.select", 10),
    ]  # fmt: skip
