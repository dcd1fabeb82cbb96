"""A chat endpoint under load, held against a server whose times are known and that notes its own stamps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from probes.errors import TargetError, UsageError
from probes.load.probe import LoadProbe
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment, Segment, parse_slo
from probes.probe import ProbeContext
from probes.targets.kinds import parse_target

SERVER = "tests/systems/servers/chat_server.py"
pytestmark = pytest.mark.usefixtures("load_alone")
StartServer = Callable[..., Any]
RATE = OpenSegment(20, 20, 2.0)


def probed(server: Any, *segments: Segment, slo: str = "p99<=5s", **changes: Any) -> dict[str, Any]:
    """The result of given steps on a chat server."""
    settings: dict[str, Any] = {"warmup_s": 0.0, "arrivals": "constant", "timeout_s": 5.0, **changes}
    target = parse_target(f"openai+{server.url}/v1", {})
    spec = LoadSpec(segments=segments, slo=parse_slo(slo), slo_asked=True, stacks=False, **settings)
    probe = LoadProbe(target, spec, pids=(server.pid,))
    return probe.run(ProbeContext("0123456789", lambda event: None))


def test_times_are_those_of_the_server(start_server: StartServer) -> None:
    """First token after 60 ms, nine more every 12 ms: the client sees them no earlier, and hardly later."""
    server = start_server(SERVER, "--ttft-ms", 60, "--gap-ms", 12, "--tokens", 10)
    found = probed(server, RATE)
    (step,) = found["steps"]
    assert (step["scheduled"], step["ok"]) == (40, 40)
    streaming = found["streaming"]
    said = server.stop()["answers"]
    true_tpot = sorted((last - first) / 9e6 for first, last, _ in said)
    assert streaming["streams"] == 40
    assert streaming["ttft_ms"]["p50"] >= 60
    assert streaming["tpot_ms"]["p50"] == pytest.approx(true_tpot[len(true_tpot) // 2], rel=0.1)
    assert streaming["itl_ms"]["mean"] == pytest.approx(sum(true_tpot) / len(true_tpot), rel=0.15)
    assert streaming["tokens_per_s"] == pytest.approx(200, rel=0.2)  # 20 answers a second of 10 tokens
    assert (streaming["tokens_from"], streaming["tokens_per_chunk"]) == ("usage", 1.0)
    assert (streaming["without_done"], streaming["without_usage"]) == (0, 0)
    facts = {fact["name"]: fact["value"] for fact in found["facts"]}
    if found["run"]["grade"] != "client_limited":
        assert facts["load.ttft_p50_ms"] == streaming["ttft_ms"]["p50"]
        assert facts["load.tokens_per_s"] == streaming["tokens_per_s"]
    assert found["target"]["kind"] == "openai"
    assert found["target"]["model"] == "tiny"


def test_merged_events_are_told_and_not_taken_for_fast_ones(start_server: StartServer) -> None:
    """Twelve tokens in three writes: nine come merged, and the two gaps are those between the writes."""
    server = start_server(SERVER, "--ttft-ms", 20, "--gap-ms", 30, "--tokens", 12, "--merge", 4)
    streaming = probed(server, ClosedSegment(1, 1.5))["streaming"]
    assert streaming["merged_ratio"] == pytest.approx(0.75, abs=0.03)
    assert streaming["itl_ms"]["p50"] == pytest.approx(30, rel=0.2)
    assert streaming["tpot_ms"]["p50"] == pytest.approx(60 / 11, rel=0.2)


def test_without_usage_events_are_counted_and_said_to_be(start_server: StartServer) -> None:
    known = probed(start_server(SERVER, "--tokens-per-event", 3), ClosedSegment(1, 0.5))["streaming"]
    assert (known["tokens_from"], known["tokens_per_chunk"]) == ("usage", 3.0)
    server = start_server(SERVER, "--fault", "no-usage", "--tokens-per-event", 3)
    found = probed(server, ClosedSegment(1, 0.5))["streaming"]
    assert (found["tokens_from"], found["tokens_per_chunk"]) == ("chunks", 1.0)
    assert found["without_usage"] == found["streams"] > 0


def test_a_server_that_refuses_the_question_for_usage_is_not_asked(start_server: StartServer) -> None:
    server = start_server(SERVER, "--refuse-usage")
    found = probed(server, ClosedSegment(1, 0.5))
    assert found["streaming"]["tokens_from"] == "chunks"
    said = server.stop()
    assert all("stream_options" not in body for body in said["last"])
    assert said["requests"] == found["client"]["requests_sent"] + found["client"]["checks_sent"]


def test_streams_without_their_last_word_are_counted_and_good(start_server: StartServer) -> None:
    found = probed(start_server(SERVER, "--fault", "no-done"), ClosedSegment(1, 0.5))
    assert found["streaming"]["without_done"] == found["streaming"]["streams"] > 0
    assert found["steps"][0]["errors"]["protocol"] == 0


@pytest.mark.parametrize(
    ("fault", "name", "said"),
    [
        ("error", "status_5xx", "out of memory"),
        ("garbage", "protocol", "is no JSON"),
        ("cut", "protocol", "in the middle of an answer"),
        ("empty", "empty", "without any text"),
        ("whole", "protocol", "answered whole"),
    ],
)
def test_what_goes_wrong_in_a_stream_is_an_error_of_its_class(
    start_server: StartServer, fault: str, name: str, said: str
) -> None:
    """The first answers are good, so that the load begins."""
    found = probed(start_server(SERVER, "--fault", fault, "--fault-after", 2), RATE)
    (step,) = found["steps"]
    assert step["errors"][name] == step["sent"] == 40
    assert said in " ".join(found["client"]["errors_seen"].values())
    assert "streaming" not in found


def test_a_stream_without_end_times_out(start_server: StartServer) -> None:
    server = start_server(SERVER, "--fault", "endless", "--fault-after", 2, "--gap-ms", 1)
    found = probed(server, OpenSegment(5, 5, 1.0), timeout_s=1.0)
    (step,) = found["steps"]
    assert step["timeouts"] == step["sent"] == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fault", "whole"), "answers whole (application/json) and not as a stream"),
        (("--fault", "empty"), "streams an answer without any text"),
        (("--fault", "error"), "streams an error: out of memory"),
        (("--models",), "names no model: add ?model=NAME"),
        (("--models", "a", "b"), "has several models (a, b): add ?model=NAME"),
    ],
)
def test_what_is_no_chat_is_said_before_the_load(
    start_server: StartServer, options: tuple[str, ...], said: str
) -> None:
    with pytest.raises(TargetError) as caught:
        probed(start_server(SERVER, *options), RATE)
    assert said in str(caught.value)


def test_an_objective_on_the_first_token(
    start_server: StartServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """60 ms to the first token, 160 in all: what is bound is the wait for the first, not the length."""
    server = start_server(SERVER, "--ttft-ms", 60, "--gap-ms", 10, "--tokens", 11)
    out = tmp_path / "found.json"
    argv = ["probe", f"openai+{server.url}/v1?model=tiny", "--rate", "50", "--duration", "3s", "--no-store"]
    argv += ["--quiet", "--json", str(out), "--warmup", "0", "--no-check-answers"]
    code = main([*argv, "--slo", "ttft_p90<=120ms,tpot_p90<=60ms", "--require", "ttft_p95<=1s"])
    found = json.loads(out.read_text())
    assert found["load"]["slo"] == "ttft_p90<=120ms,tpot_p90<=60ms"
    assert found["requirements"][0]["measured"] == found["streaming"]["ttft_ms"]["p95"]
    shown = capsys.readouterr().out
    assert "Streamed: first token p50" in shown
    assert "within the SLO" in shown
    if found["run"]["grade"] == "valid":
        assert code == 0
        assert found["streaming"]["goodput_per_s"] == pytest.approx(50, rel=0.15)
        assert {entry["metric"] for entry in found["steps"][0]["proof"]} == {"ttft_p90", "tpot_p90"}
    code = main([*argv, "--slo", "ttft_p90<=30ms"])
    late = json.loads(out.read_text())
    assert code == (1 if late["run"]["grade"] == "valid" else 4)
    assert late["streaming"]["goodput_per_s"] == 0


def test_an_objective_on_tokens_is_for_streams_only(start_server: StartServer) -> None:
    server = start_server(SERVER)
    spec = LoadSpec(segments=(RATE,), slo=parse_slo("ttft_p95<=1s"), slo_asked=True)
    with pytest.raises(UsageError, match="does not stream its answers"):
        LoadProbe(parse_target(server.url, {}), spec).run(ProbeContext("0123456789", lambda event: None))


@pytest.mark.parametrize(
    ("address", "options", "said"),
    [
        ("openai+http://127.0.0.1:9/v1?model=", {}, "names no model"),
        ("openai+http://127.0.0.1:9/v1?model=x", {"body": b'{"stream": false}'}, "leave that out"),
        ("openai+http://127.0.0.1:9/v1?model=x", {"body": b"[1]"}, "is no chat request"),
        (
            "openai+http://127.0.0.1:9/v1?model=x",
            {"expect_status": 200},
            "--expect-status is not for a target",
        ),
    ],
)
def test_bad_usage_is_refused_without_asking(address: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(address, options)
    assert said in str(caught.value)


def test_a_prompt_becomes_a_request_and_the_address_can_be_given_again() -> None:
    target: Any = parse_target("openai+http://127.0.0.1:9/v1/?model=a/b", {"body": b"Good morning"})
    request = json.loads(target.bodies[0])
    assert request["messages"] == [{"role": "user", "content": "Good morning"}]
    assert (request["model"], request["stream"]) == ("a/b", True)
    assert request["stream_options"] == {"include_usage": True}
    assert target.path == "/v1/chat/completions"
    again: Any = parse_target(target.address, {})
    assert (again.path, again.model) == (target.path, "a/b")
