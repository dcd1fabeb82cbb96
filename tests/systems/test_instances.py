"""Two instances that Loadstone starts itself: what they carry together, and what callers notice of a death.

Each is a queue of c workers that take S: it carries exactly c/S a second, two of them 2·c/S.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main

SERVERS = Path(__file__).with_name("servers")
SLO = "p95<=400ms,errors<=1%"
pytestmark = [
    pytest.mark.usefixtures("load_alone"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are told by /proc"),
]


def started(server: str, *options: str, tmp_path: Path) -> dict[str, Any]:
    """The result of `loadstone probe` with `--start` of a truth server and these options."""
    script, *arguments = server.split()
    command = " ".join([sys.executable, str(SERVERS / script), *arguments])
    out = tmp_path / "result.json"
    line = ["probe", "http://127.0.0.1:{port}/", "--start", command, "--no-store", "--quiet", "--no-stacks"]
    code = main([*line, "--json", str(out), *options])
    result = dict(json.loads(out.read_text()))
    assert code == 0 or (code == 4 and is_spoilt(result))
    assert result["run"]["status"] == "completed", result["run"]["reason"]
    return result


def facts_of(result: Mapping[str, Any]) -> dict[str, Any]:
    return {fact["name"]: fact["value"] for fact in result["facts"]}


def is_spoilt(result: Mapping[str, Any]) -> bool:
    """Whether this machine was too busy for its figures to count; the result says so itself."""
    part = result.get("loss") or {}
    return result["run"]["grade"] == "client_limited" or bool(part.get("fault"))


def test_two_instances_share_the_load_evenly_and_carry_the_sum(tmp_path: Path) -> None:
    """Each takes 4 at a time, 20 ms each: 200 a second, two of them 400; none is ended unasked."""
    queue = "queue_server.py --workers 4 --service-ms 20"
    result = started(
        queue, "--instances", "2", "--concurrency", "4,16,32", "--step", "2s", "--slo", SLO, tmp_path=tmp_path
    )
    found = result["instances"]
    assert found["count"] == 2
    assert "loss" not in result
    assert found["answers"] == {"verdict": "same", "compared": 6}
    pids = {one["pid"] for one in found["each"]}
    assert pids == set(result["target"]["pids"])
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    if is_spoilt(result) or found.get("fault"):
        return
    assert found["alone_per_s"] == pytest.approx([200.0, 200.0], rel=0.1)
    assert found["together_per_s"] == pytest.approx(400.0, rel=0.1)
    facts = facts_of(result)
    assert facts["load.instances_sum_ratio"] == pytest.approx(1.0, abs=0.1)
    assert facts["load.instances"] == 2
    assert facts["load.instances_agree"] is True
    assert facts["load.saturation_rate" if "load.saturation_rate" in facts else "load.throughput"] > 300
    # alone each had as much as the other, and together they took turns
    assert [one["share"] for one in found["each"]] == pytest.approx([0.5, 0.5], abs=0.1)


def test_of_two_instances_one_dies_with_what_it_has_under_way_and_the_other_carries_on(
    tmp_path: Path,
) -> None:
    """At 100/s each of two holds 50/s · 200 ms = 10 requests: as many fail, and no connection is refused a
    caller. One alone takes 40 at a time, 200 a second, so that 100 use half of it."""
    queue = "queue_server.py --workers 40 --service-ms 200"
    result = started(
        queue,
        *("--instances", "2", "--end-one", "--rate", "100", "--duration", "5s", "--slo", SLO),
        tmp_path=tmp_path,
    )
    loss = result["loss"]
    assert (loss["what"], loss["ended"], loss["of"]) == ("instance", 1, 2)
    assert loss["offered_per_s"] == 100.0
    each = result["instances"]["each"]
    assert sum(one["requests"] for one in each) == result["client"]["requests_sent"]
    if is_spoilt(result):
        return
    assert loss["failed_before"] == 0
    assert 1 <= loss["failed"] <= loss["under_way"] <= 40  # far beyond 10 by chance
    assert set(loss["errors"]) <= {"reset", "protocol"}
    assert sum(loss["errors"].values()) == loss["failed"]
    assert loss["carried"] is True
    assert loss["after"]["throughput_per_s"] == pytest.approx(100.0, rel=0.25)
    assert loss["before"]["p95_ms"] >= 200.0
    assert loss["after"]["p95_ms"] >= 200.0
    assert loss["utilisation"] is None  # what they carry at most was not asked
    facts = facts_of(result)
    assert facts["load.loss_of"] == "instance"
    assert facts["load.loss_rate"] == 100.0
    assert facts["load.loss_errors"] == loss["failed"]
    assert facts["load.loss_carried"] is True
    assert 0 <= facts["load.loss_error_seconds"] <= loss["watched_s"]


def test_where_one_alone_is_too_few_the_loss_says_so(tmp_path: Path) -> None:
    """160 a second on two that carry 100 each: one alone is 60 requests a second behind, and soon seconds."""
    queue = "queue_server.py --workers 4 --service-ms 40"
    result = started(
        queue,
        *("--instances", "2", "--end-one", "--rate", "160", "--duration", "4s", "--slo", SLO),
        tmp_path=tmp_path,
    )
    loss = result["loss"]
    if is_spoilt(result):
        return
    assert loss["carried"] is False
    assert facts_of(result)["load.loss_carried"] is False
    assert loss["because"]
    assert loss["after"]["throughput_per_s"] < 0.75 * 160
    assert loss["recovery_s"] is None


def test_after_a_search_the_load_is_what_is_left_can_carry(tmp_path: Path) -> None:
    """Two that carry 100 each: 80 % of half of the capacity found is offered, and used of what is left."""
    queue = "queue_server.py --workers 4 --service-ms 40"
    result = started(
        queue, "--instances", "2", "--end-one", "--slo", SLO, "--budget", "12s", tmp_path=tmp_path
    )
    loss, capacity = result["loss"], result["capacity"]
    if is_spoilt(result) or capacity["bound"] not in ("bracketed", "provisional"):
        return
    assert loss["offered_per_s"] == pytest.approx(0.4 * capacity["rate_per_s"], rel=1e-3)
    left = result["instances"]["alone_per_s"][0]
    assert loss["utilisation"] == pytest.approx(loss["offered_per_s"] / left, abs=1e-3)
    assert loss["carried"] is True


def test_an_instance_is_ended_with_all_of_its_processes(tmp_path: Path) -> None:
    """A forking service: were only the parent killed, its workers would go on answering on its port."""
    result = started(
        "prefork_server.py --workers 2 --ms 5",
        *("--instances", "2", "--end-one", "--rate", "40", "--duration", "4s", "--slo", SLO),
        tmp_path=tmp_path,
    )
    loss = result["loss"]
    assert loss["what"] == "instance"
    if is_spoilt(result):
        return
    assert loss["failed"] <= loss["under_way"]
    assert loss["after"]["throughput_per_s"] == pytest.approx(40.0, rel=0.4)


def test_streamed_answers_of_several_instances_keep_their_times(tmp_path: Path) -> None:
    """First text after 40 ms, then nine tokens at 10 ms: four callers get at most 4 / 130 ms = 30.8 answers a
    second of both instances, and no first token sooner."""
    out = tmp_path / "result.json"
    server = f"{sys.executable} {SERVERS / 'chat_server.py'} --ttft-ms 40 --gap-ms 10 --tokens 10"
    line = ["probe", "openai+http://127.0.0.1:{port}/v1?model=m", "--start", server, "--instances", "2"]
    line += ["--concurrency", "4", "--step", "2s", "--no-store", "--quiet", "--no-stacks", "--json", str(out)]
    assert main([*line, "--slo", "p95<=5s"]) in (0, 4)
    result = json.loads(out.read_text())
    assert result["streaming"]["ttft_ms"]["p50"] >= 40.0
    assert result["steps"][0]["ok"] > 0
    assert result["steps"][0]["achieved_per_s"] <= 30.8 * 1.1
    each = [one["requests"] for one in result["instances"]["each"]]
    assert sum(each) == result["client"]["requests_sent"]
    assert min(each) > 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["http://127.0.0.1:9/", "--instances", "2"], "add --start"),
        (["http://127.0.0.1:{port}/"], "add --start"),
        (["http://127.0.0.1:9/", "--start", "x", "--instances", "2"], "{port} in TARGET"),
        (["python:app:predict", "--start", "x {port}"], "--workers"),
        (["http://127.0.0.1:{port}/", "--start", "x", "--end-one", "--repeat", "2"], "exclude each other"),
        (["http://127.0.0.1:{port}/", "--start", "x", "--pid", str(os.getpid())], "leave --pid out"),
        (["http://127.0.0.1:{port}/", "--start", "x 'y"], "split into words"),
    ],
)
def test_what_cannot_be_started_is_said_before_anything_is(
    line: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", *line]) == 2
    assert words in capsys.readouterr().err
