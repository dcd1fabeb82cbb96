"""The options of `probe`: which exclude each other, and what files and standard input give."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path

import pytest

from app.cli import inputs
from app.cli.main import main
from app.cli.probe import parser, spec_of
from probes.errors import UsageError
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment, ReplaySegment, Think

TARGET = "http://127.0.0.1:8000/predict"
Captured = pytest.CaptureFixture[str]


def spec(*argv: str) -> LoadSpec:
    return spec_of(parser().read([TARGET, *argv]))


def test_the_kinds_of_load() -> None:
    assert spec() == LoadSpec(check_answers="auto")
    assert spec("--check-answers") == LoadSpec(check_answers="yes")
    assert spec("--no-check-answers") == LoadSpec()
    assert spec("--overload", "--no-check-answers") == LoadSpec(overload=True)
    assert spec("--find-capacity").finds_capacity
    assert spec("--rate", "200", "--duration", "30s").segments == (OpenSegment(200, 200, 30),)
    assert spec("--stages", "50@20s,100@20s").segments == (OpenSegment(50, 50, 20), OpenSegment(100, 100, 20))
    assert spec("--ramp", "10..500@60s").segments == (OpenSegment(10, 500, 60),)
    assert spec("--concurrency", "1,4").segments == (ClosedSegment(1, 5), ClosedSegment(4, 5))
    assert spec("--concurrency", "2", "--step", "3s").segments == (ClosedSegment(2, 3),)
    assert spec("--users", "9", "--think", "2s").segments == (ClosedSegment(9, 30, Think(2.0)),)
    (users,) = spec("--users", "9", "--think", "constant:50ms", "--duration", "1m").segments
    assert users == ClosedSegment(9, 60, Think(0.05, constant=True))
    assert spec("--soak", "100@10m").segments == (OpenSegment(100, 100, 600),)
    assert (spec("--soak", "100@10m").soak, spec("--rate", "5", "--duration", "5s").soak) == (True, False)
    assert (spec("--shards", "3").shards, spec().shards) == (3, 1)


def test_what_was_asked_can_be_asked_again() -> None:
    asked = spec("--users", "9", "--think", "2s", "--shards", "2", "--seed", "4").to_json()
    assert asked["segments"] == [{"concurrency": 9, "seconds": 30.0, "think_s": 2.0, "think": "exponential"}]
    assert (asked["shards"], asked["seed"]) == (2, 4)
    assert spec("--soak", "5@5s").to_json()["soak"] is True
    plain = spec("--rate", "5", "--duration", "5s").to_json()
    assert not {"shards", "soak"} & plain.keys()


def test_a_replay_is_read_before_anything_is_sent(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "times.csv"
    path.write_text("due_s\n10\n10.5\n12\n")
    (replayed,) = spec("--replay", str(path)).segments
    assert isinstance(replayed, ReplaySegment)
    assert replayed.due_ns.tolist() == [0, 500_000_000, 2_000_000_000]
    said = spec("--replay", str(path)).to_json()["segments"][0]
    assert (said["replay"], said["requests"], said["seconds"]) == ("times.csv", 3, 3.0)
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("due_s\n1\n0.5\n")
    assert main(["probe", TARGET, "--no-store", "--replay", str(path)]) == 2
    assert "line 3: 0.5 lies before 1 in line 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("auto", None), ("0", 0.0), ("0s", 0.0), ("5s", 5.0), ("500ms", 0.5)]
)
def test_the_warm_up(text: str, seconds: float | None) -> None:
    assert spec("--warmup", text).warmup_s == seconds


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--rate", "5", "--stages", "5@5s"], "--rate and --stages are two kinds of load"),
        (["--find-capacity", "--ramp", "1..2@5s"], "--find-capacity and --ramp"),
        (["--rate", "5"], "add --duration"),
        (["--rate", "0", "--duration", "5s"], "'0' is not a rate"),
        (["--rate", "-1", "--duration", "5s"], "'-1' is not a rate"),
        (["--rate", "nan", "--duration", "5s"], "'nan' is not a rate"),
        (["--rate", "1e9", "--duration", "5s"], "'1e9' is not a rate"),
        (["--max-rate", "1e9"], "'1e9' is not a highest rate"),
        (["--rate", "900000", "--duration", "1h"], "this load is 3,240,000,000 requests"),
        (["--stages", "900000@1m,900000@1m"], "this load is 108,000,000 requests"),
        (["--budget", "5s", "--warmup", "5s"], "a budget of 5 s is no longer than the warm-up of 5 s"),
        (["--budget", "500ms"], "a budget of 0.5 s is no longer than the warm-up of 1 s"),
        (["--slo", "p98<=5ms"], "'p98' is not a metric of an SLO: did you mean p99?"),
        (["--duration", "5s"], "--duration goes with --rate"),
        (["--stages", "5@5s", "--duration", "5s"], "--duration goes with --rate"),
        (["--step", "5s"], "--step goes with --concurrency"),
        (["--think", "5s"], "--think goes with --users"),
        (["--users", "5"], "add --think"),
        (["--users", "5", "--think", "0s"], "is not a time to think"),
        (["--users", "5", "--think", "normal:2s"], "'normal:2s' is no time to think"),
        (["--users", "0", "--think", "2s"], "'0' is no value for --users"),
        (["--users", "5", "--think", "2s", "--connections", "5"], "--connections says nothing about --users"),
        (["--soak", "5@5s,6@5s"], "is no soak: write one rate@time"),
        (["--soak", "5"], "is no stage"),
        (["--soak", "5@5s", "--rate", "5"], "--rate and --soak are two kinds of load"),
        (["--soak", "5@5s", "--duration", "5s"], "--duration goes with --rate"),
        (["--replay", "/no/such/file"], "cannot be read"),
        (["--replay", "x", "--arrivals", "constant"], "--arrivals says nothing about --replay"),
        (["--shards", "0"], "'0' is no value for --shards"),
        (["--shards", "65"], "'65' is no value for --shards"),
        (["--shards", "4", "--connections", "3"], "--shards 4 cannot share 3 connections"),
        (["--rate", "5", "--duration", "5s", "--precision", "5%"], "--precision says nothing about --rate"),
        (["--concurrency", "1", "--budget", "5s"], "--budget says nothing about --concurrency"),
        (["--concurrency", "1", "--arrivals", "poisson"], "--arrivals says nothing about --concurrency"),
        (["--concurrency", "1", "--connections", "5"], "--connections says nothing about --concurrency"),
        (["--ramp", "1..2@5s", "--max-rate", "5"], "--max-rate says nothing about --ramp"),
        (["--body", "x", "--bodies", "@y"], "--body and --bodies exclude each other"),
        (["--store", "x", "--no-store"], "--store and --no-store exclude each other"),
        (["--assessment", "x", "--no-store"], "--assessment and --no-store exclude each other"),
        (["--json", "-", "--events", "-"], "both want standard output"),
        (["--json", "/no/where/x.json"], "the folder /no/where is not there"),
        (["--json", "/"], "is a folder"),
        (["--precision", "0"], "is no precision"),
        (["--slo", "p99<=200"], "lacks a unit"),
        (["--require", "capcity>=1"], "did you mean capacity?"),
        (["--pid", "0"], "'0' is no value for --pid"),
        (["--connections", "1e3"], "'1e3' is no value for --connections"),
        (["--expect-status", "99"], "'99' is no value for --expect-status"),
        (["--bodies", "file"], "--bodies @FILE.jsonl"),
        (["--body", "@/no/such/file"], "cannot be read (No such file or directory)"),
        (["--body", "@/"], "cannot be read (Is a directory)"),
        (["--body", "@"], "names no file"),
    ],
)
def test_contradictions_and_bad_values_are_refused(argv: list[str], said: str, capsys: Captured) -> None:
    assert main(["probe", TARGET, "--no-store" if "--no-store" not in argv else "--quiet", *argv]) == 2
    err = capsys.readouterr().err
    assert err.startswith("loadstone: error: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "target",
    [
        "ftp://127.0.0.1/",
        "htttp://127.0.0.1:1/",
        "127.0.0.1:8000",
        "",
        "http://",
    ],
)
def test_targets_of_other_kinds_are_refused_naming_what_is_supported(target: str, capsys: Captured) -> None:
    assert main(["probe", target, "--no-store"]) == 2
    assert "http:" in capsys.readouterr().err


def test_a_body_is_text_a_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "body").write_bytes(b"\x00\xff")
    assert inputs.read_body("é") == "é".encode()
    assert inputs.read_body(f"@{tmp_path}/body") == b"\x00\xff"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))
    assert inputs.read_body("@-") == b"from a pipe"


def test_bodies_are_one_a_line_and_some_have_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "bodies").write_bytes(b'{"a": 1}\r\n\n{"b": 2}')
    assert inputs.read_bodies(f"@{tmp_path}/bodies") == [b'{"a": 1}', b'{"b": 2}']
    (tmp_path / "empty").write_bytes(b"\n \n")
    with pytest.raises(UsageError, match="holds no body"):
        inputs.read_bodies(f"@{tmp_path}/empty")


def test_a_file_without_end_is_cut_off_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_BYTES", 1000)
    with pytest.raises(UsageError, match="larger than"):
        inputs.read_body("@/dev/zero")
