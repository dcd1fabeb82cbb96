"""A probe whose events nobody reads any more stops by itself, also while it has nothing to say."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.output import hung_up
from assessments.store import open_store

StartServer = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="pipes that tell are those of POSIX")
def test_a_pipe_tells_when_its_reader_has_gone() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        assert not hung_up(stream)
        os.close(read)
        assert hung_up(stream)


def test_what_is_no_pipe_never_hangs_up(tmp_path: Path) -> None:
    with (tmp_path / "events.jsonl").open("w") as stream:
        assert not hung_up(stream)
    assert not hung_up(io.StringIO())
    assert not hung_up(None)


def test_a_probe_without_a_reader_ends_and_keeps_what_it_measured(
    start_server: StartServer, tmp_path: Path, load_alone: None
) -> None:
    server = start_server("tests/systems/servers/queue_server.py", "--workers", 4, "--service-ms", 5)
    store = tmp_path / "loadstone.sqlite"
    arguments = ["probe", server.url, "--rate", "40", "--duration", "120s", "--warmup", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "loadstone", *arguments, "--events", "-", "--quiet", "--store", str(store)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as probe:  # fmt: skip
        assert probe.stdout is not None
        lines = (probe.stdout.readline() for _ in range(100))
        assert any(b'"event":"second"' in line for line in lines)
        probe.stdout.close()
        probe.wait(timeout=60)
    with open_store(str(store)) as opened:
        (run,) = opened.runs()
        assert run.status == "interrupted"
        assert opened.run(run.id).result["steps"]
