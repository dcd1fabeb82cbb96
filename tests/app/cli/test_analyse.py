"""`loadstone analyse requests`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def requests_file(tmp_path: Path) -> Path:
    """1,000 requests, one every 10 ms, each answered after 10 ms, every hundredth with status 500."""
    path = tmp_path / "requests.csv"
    rows = [
        f"{at / 100:.3f},{at / 100:.3f},{at / 100 + 0.010:.3f},{500 if at % 100 == 0 else 200}"
        for at in range(1000)
    ]
    path.write_text("due_s,sent_s,done_s,status\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("spelling", ["analyse", "analyze"])
def test_the_requests_of_a_file_are_told_as_a_step(
    spelling: str, requests_file: Path, capsys: Captured
) -> None:
    assert main([spelling, "requests", str(requests_file)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1,000 requests in 10 s: 99 good answers a second, errors 1 %." in out
    assert "response ms 10 10 10 10" in out


def test_the_step_is_given_to_machines(requests_file: Path, capsys: Captured) -> None:
    assert main(["analyse", "requests", str(requests_file), "--json", "-"]) == 0
    step = json.loads(capsys.readouterr().out)
    assert (step["sent"], step["ok"], step["errors"]["status_5xx"]) == (1000, 990, 10)


def test_a_file_without_due_times_is_told_as_what_it_is(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "few.csv").write_text("sent_s,done_s\n0,0.01\n1,1.01\n")
    assert main(["analyse", "requests", str(tmp_path / "few.csv")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "warning: The file has no due times" in out
    assert "response ms" not in out


def test_a_bad_file_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "bad.csv").write_text("sent_s,done_s\n1,0\n")
    assert main(["analyse", "requests", str(tmp_path / "bad.csv")]) == 2
    assert "bad.csv, line 2" in capsys.readouterr().err
