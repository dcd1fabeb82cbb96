"""`loadstone probe python:…`, `model:…`, `command:…` as their users give them, and what is said of a call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.call_lines import call_lines
from app.cli.layout import unstyled
from app.cli.main import main
from app.cli.probe import parser
from app.cli.user_code import sample_as_body, user_code_of
from probes.targets.user_code import UserCode

Captured = pytest.CaptureFixture[str]
Loadstone = Callable[..., subprocess.CompletedProcess[str]]


def code(*argv: str) -> UserCode:
    return user_code_of(parser().read(list(argv)))


def test_options_become_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_text('{"x": 1}')
    found = code(
        *("python:app.model:predict", "--sample", "@x.json", "--spread", "--workers", "2", "--threads", "4"),
        *("--python", "/usr/bin/python3", "--memory-limit", "2GiB"),
    )
    assert (found.workers, found.threads, found.spread, found.memory_bytes) == (2, 4, True, 2**31)
    assert (found.sample.items, found.sample.form) == ((b'{"x": 1}',), "json")
    assert (found.python, found.folder) == ("/usr/bin/python3", tmp_path)
    assert (code("command:cat").workers, code("command:cat").threads) == (1, 1)


def test_for_an_http_target_the_sample_is_the_body() -> None:
    options = parser().read(["http://127.0.0.1:1/", "--sample", '{"x": 1}'])
    sample_as_body(options)
    assert (options.body, options.bodies) == ('{"x": 1}', None)
    options = parser().read(["http://127.0.0.1:1/", "--sample", "@many.jsonl"])
    sample_as_body(options)
    assert (options.body, options.bodies) == (None, "@many.jsonl")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["python:a:b", "--method", "GET"], "--method is not for a target of the kind python: leave it out"),
        (["model:a.onnx", "--body", "x"], "--body is not for a target of the kind model: give --sample"),
        (["python:a:b", "--pid", "1"], "--pid is not for a target of the kind python"),
        (["http://127.0.0.1:1/", "--workers", "2"], "--workers is not for a target of the kind http"),
        (["http://127.0.0.1:1/", "--body", "1", "--sample", "2"], "--sample and --body both give the input"),
        (["python:a:b", "--workers", "0"], "'0' is no value for --workers"),
        (["python:a:b", "--sample", "@gone.json"], "'gone.json' cannot be read"),
        (["python:a:b", "--sample", "{"], "the sample is no JSON"),
        (["python:a:b", "--expect-body", "("], "--expect-body '(' is not a regular expression"),
        (["python:a", "--no-store"], "names no callable: write python:module:callable"),
        (["python:a:b", "--with", "metrics=http://127.0.0.1:1/"], "counts the requests of a service"),
        (["python:a:b", "--python", "/no/such/python", "--no-store"], "/no/such/python is not there"),
        (["python:no_such_module:b", "--no-store", "--python", sys.executable],
         "no module 'no_such_module' is found from"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_bad_usage(
    argv: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["probe", *argv]) == 2
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert says in said


def test_what_fails_is_the_targets_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text("def f(x): raise ValueError('no weights')\n")
    argv = ["python:bad:f", "--sample", "1", "--no-store", "--python", sys.executable]
    assert main(["probe", *argv]) == 3
    assert "python:bad:f, called with --sample, raised ValueError: no weights" in capsys.readouterr().err


@pytest.mark.usefixtures("load_alone")
def test_a_crash_under_load_is_exit_3_and_its_results_are_stored(
    loadstone: Loadstone, tmp_path: Path
) -> None:
    (tmp_path / "work" / "m.py").write_text(
        "import os, time\ncalls = 0\ndef f():\n    global calls\n    calls += 1\n    time.sleep(0.002)\n"
        "    if calls == 100: os._exit(7)\n"
    )
    load = ("--concurrency", "1", "--step", "10s", "--warmup", "0", "--python", sys.executable)
    done = loadstone("probe", "python:m:f", *load, "--json", "out.json", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "in call 100 the target's process ended with exit code 7" in " ".join(done.stdout.split())
    result = json.loads((tmp_path / "work" / "out.json").read_text())
    assert result["target"]["kind"] == "python"
    assert sum(step["ok"] for step in result["steps"]) == 98  # without the one asked first and the last
    shown = loadstone("show", result["run"]["id"])
    assert shown.returncode == 0, shown.stderr
    assert "The call alone took" in shown.stdout


def test_the_help_names_every_kind_and_option(capsys: Captured) -> None:
    assert main(["help", "probe"]) == 0
    said = capsys.readouterr().out
    for text in ("python:module:callable", "model:FILE", "command:LINE", "--sample", "--spread", "--workers"):
        assert text in said
    assert "loadstone probe python:app.model:predict --sample @x.json --workers 2 --threads 4" in said


def test_the_call_is_told_beside_the_responses(result: Callable[..., dict[str, Any]]) -> None:
    call = {
        "call_ms": {"p50": 5.1, "p99": 7.2}, "cpu_ms": {"p50": 0.03}, "harness_ms": {"p50": 0.12},
        "errors": {"ValueError: odd": 3, "KeyError: 'x'": 1}, "hung": [{"call": 9, "seconds": 31.0}],
    }  # fmt: skip
    said = unstyled(call_lines(result(call=call), 200))
    assert said == [
        "The call alone took 5.10 ms (p50), 7.20 ms (p99), with CPU of 0.03 ms (p50); handing it over added "
        "0.12 ms, which the responses above hold too.",
        "Raised 3 times: ValueError: odd",
        "Raised once: KeyError: 'x'",
        "1 call has not returned.",
    ]


@pytest.mark.parametrize(
    "call", [None, {}, "x", {"call_ms": 3, "errors": [], "hung": 1}, {"errors": {"a": "b"}}]
)
def test_a_damaged_or_absent_call_says_nothing_wrong(
    call: Any, result: Callable[..., dict[str, Any]]
) -> None:
    document = result() if call is None else result(call=call)
    assert not any("alone" in line for line in unstyled(call_lines(document, 80)))
