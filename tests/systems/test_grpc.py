"""gRPC targets on a real server (grpcio): what it did is known, and what Loadstone says of it has to agree.

Needs the extra `grpc` in the environment that runs the tests.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.errors import TargetError, UsageError
from probes.load.arrivals import due_times
from probes.load.engine import Engine, Progress
from probes.load.plan import OUTCOME, TIMEOUT
from probes.load.probe import LoadProbe
from probes.load.shard import Live
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.load.tally import summarise
from probes.probe import ProbeContext
from probes.targets.kinds import parse_target

NEEDED = ("grpc", "grpc_reflection", "grpc_tools", "hpack")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(bool(MISSING), reason=f"the extra grpc is not installed ({', '.join(MISSING)})"),
    pytest.mark.usefixtures("load_alone"),
]
SERVER = "tests/systems/servers/grpc_server.py"
SERVICE_MS = 5.0
Start = Callable[..., Any]
PROTO = """syntax = "proto3";
package t;
message Ask { string text = 1; int32 status = 2; int32 bytes = 3; }
message Answer { string text = 1; int32 size = 2; }
service Echo { rpc Say(Ask) returns (Answer); }
"""


INFERENCE = """syntax = "proto3";
package inference;
message ServerReadyRequest {}
message ServerReadyResponse { bool ready = 1; }
message ModelReadyRequest { string name = 1; string version = 2; }
message ModelReadyResponse { bool ready = 1; }
message ModelMetadataRequest { string name = 1; string version = 2; }
message ModelMetadataResponse {
  message TensorMetadata { string name = 1; string datatype = 2; repeated int64 shape = 3; }
  string name = 1; repeated string versions = 2; string platform = 3;
  repeated TensorMetadata inputs = 4; repeated TensorMetadata outputs = 5;
}
message InferParameter {
  oneof parameter_choice { bool bool_param = 1; int64 int64_param = 2; string string_param = 3; }
}
message InferTensorContents {
  repeated bool bool_contents = 1; repeated int32 int_contents = 2; repeated int64 int64_contents = 3;
  repeated uint32 uint_contents = 4; repeated uint64 uint64_contents = 5; repeated float fp32_contents = 6;
  repeated double fp64_contents = 7; repeated bytes bytes_contents = 8;
}
message ModelInferRequest {
  message InferInputTensor {
    string name = 1; string datatype = 2; repeated int64 shape = 3;
    map<string, InferParameter> parameters = 4; InferTensorContents contents = 5;
  }
  string model_name = 1; string model_version = 2; string id = 3; map<string, InferParameter> parameters = 4;
  repeated InferInputTensor inputs = 5; repeated bytes raw_input_contents = 7;
}
message ModelInferResponse {
  message InferOutputTensor {
    string name = 1; string datatype = 2; repeated int64 shape = 3;
    map<string, InferParameter> parameters = 4; InferTensorContents contents = 5;
  }
  string model_name = 1; string model_version = 2; string id = 3; map<string, InferParameter> parameters = 4;
  repeated InferOutputTensor outputs = 5; repeated bytes raw_output_contents = 6;
}
"""
"""Of the published open_inference_grpc.proto the messages that are spoken."""


@pytest.fixture
def echo(start_server: Start) -> Start:
    """Starts the server; the address of its method."""

    def start(*options: object) -> str:
        server = start_server(SERVER, "--service-ms", SERVICE_MS, *options)
        return f"grpc://127.0.0.1:{server.port}/t.Echo/Say"

    return start


class Nobody:
    """Watches an engine and never ends it."""

    def second(self, progress: Progress) -> None:
        """Does nothing."""

    def stop_word(self, live: Live, t_ns: int) -> int:
        return 0


@pytest.fixture
def load() -> Start:
    """Runs the load probe on an address with a sample."""

    def run(address: str, sample: str | None = None, **spec: Any) -> dict[str, Any]:
        options = {} if sample is None else {"body": sample.encode()}
        told = {"warmup_s": 0.0, "arrivals": "constant"} | spec
        context = ProbeContext("0123456789", lambda _: None, threading.Event())
        result = LoadProbe(parse_target(address, options), LoadSpec(**told)).run(context)
        step = result["steps"][0]
        assert step["sent"] == step["ok"] + step["timeouts"] + step["cancelled"] + sum(
            step["errors"].values()
        )
        return result

    return run


def at(rate: float, seconds: float = 1.0) -> dict[str, Any]:
    return {"segments": (OpenSegment(rate, rate, seconds),)}


def test_the_deadline_that_is_sent_lies_a_little_after_our_own(echo: Start) -> None:
    """What the server reads as time left, 5 ms and the way later: at most 3.1 s of the 3 s that we wait."""
    target: Any = parse_target(echo(), {"body": b'{"text": "how long"}'}).prepared(3.0)
    reply = target.check(3.0)
    left = float(re.search(rb"[0-9]+\.[0-9]+", reply.body)[0])  # type: ignore[index]
    assert 2.0 < left <= 3.1


def test_calls_are_answered_and_none_faster_than_the_server(echo: Start, load: Start) -> None:
    result = load(echo(), '{"text": "hello"}', **at(100))
    (step,) = result["steps"]
    assert (step["sent"], step["ok"]) == (100, 100)
    assert step["service_ms"]["p50"] >= SERVICE_MS
    assert result["target"]["kind"] == "grpc" and result["target"]["sample_from"] == "given"
    assert result["client"]["kernel_stamps"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(8, "throttled"), (14, "throttled"), (3, "status_4xx"), (13, "status_5xx"), (4, "status_5xx")],
)
def test_a_status_is_counted_by_its_class(code: int, kind: str, echo: Start) -> None:
    """The target is not asked before: every call under load ends with the status."""
    aim = parse_target(echo(), {"body": b'{"status": %d}' % code}).prepared(10.0)
    with Engine(aim.wire(10.0), 64, Nobody()) as engine:
        due, _ = due_times([OpenSegment(50, 50, 0.5)], "constant", np.random.default_rng(1))
        step = summarise(engine.open_loop(due, 0.5), aim.is_good, lambda *_: None)
        assert step.errors[kind] == step.sent == 25
        assert "as was asked: ä" in " ".join(engine.notes.values())


def test_an_answer_is_json_of_its_message(echo: Start) -> None:
    target = parse_target(echo(), {"body": b'{"text": "hello", "bytes": 3}'}).prepared(10.0)
    assert target.check(10.0).body == b'{"text": "xxx", "size": 5}'


@pytest.mark.parametrize("size", [70_000, 3_000_000])
def test_messages_beyond_the_windows_come_whole(size: int, echo: Start) -> None:
    """A first window is 65,535 bytes: more is sent as the server gives window."""
    sample = f'{{"text": "{"a" * size}", "bytes": {size}}}'.encode()
    target = parse_target(echo(), {"body": sample}).prepared(10.0)
    body = target.check(10.0).body
    assert len(body) > size and body.endswith(b'"size": %d}' % size)


def test_large_messages_under_load(echo: Start, load: Start) -> None:
    sample = f'{{"text": "{"a" * 200_000}", "bytes": 200000}}'
    (step,) = load(echo(), sample, segments=(ClosedSegment(4, 1.0),))["steps"]
    assert step["ok"] == step["sent"] > 10


def test_few_streams_a_connection_are_enough(echo: Start, load: Start) -> None:
    (step,) = load(echo("--streams", 4), segments=(ClosedSegment(16, 1.0),))["steps"]
    assert step["ok"] == step["sent"] > 16


def test_a_server_that_ends_connections_while_load_runs_loses_no_call(echo: Start, load: Start) -> None:
    """Each connection is told to go (GOAWAY) after 0.2 s; what is under way is answered first."""
    (step,) = load(echo("--age-ms", 200), **at(100, 2.0))["steps"]
    assert step["ok"] >= 195 and step["ok"] + step["errors"]["reset"] == step["sent"] == 200


def test_a_server_that_hangs_runs_into_the_time_out(echo: Start) -> None:
    target = parse_target(echo(), {"body": b'{"status": -1}'}).prepared(10.0)
    with pytest.raises(TargetError, match=r"gave no complete answer within 0\.5 s"):
        target.check(0.5)


def test_an_error_of_the_check_names_the_status(echo: Start) -> None:
    target = parse_target(echo(), {"body": b'{"status": 5}'}).prepared(10.0)
    with pytest.raises(TargetError, match=r"answers NOT_FOUND: as was asked: ä instead of OK"):
        target.check(10.0)


def test_what_is_not_there_is_named_with_what_is(echo: Start) -> None:
    address = echo()
    with pytest.raises(UsageError, match=r"no method Sya there \(did you mean Say\?\): known are Say, Watch"):
        parse_target(address.replace("Say", "Sya"), {}).prepared(10.0)
    with pytest.raises(UsageError, match=r"no service t\.Ecko there .*: known are t\.Echo$"):
        parse_target(address.replace("Echo", "Ecko"), {}).prepared(10.0)
    with pytest.raises(UsageError, match="streams"):
        parse_target(address.replace("Say", "Watch"), {}).prepared(10.0)
    with pytest.raises(UsageError, match=r"the sample is no t\.Ask: .*its fields are text, status, bytes"):
        parse_target(address, {"body": b'{"foo": 1}'}).prepared(10.0)


def test_without_reflection_a_proto_file_says_it(echo: Start, tmp_path: Path) -> None:
    address = echo("--no-reflection")
    with pytest.raises(TargetError, match="give --proto FILE"):
        parse_target(address, {}).prepared(10.0)
    file = tmp_path / "echo.proto"
    file.write_text(PROTO)
    target = parse_target(address, {"proto": str(file), "body": b'{"bytes": 1}'}).prepared(10.0)
    assert target.check(10.0).body == b'{"text": "x"}'
    file.write_text("message {")
    with pytest.raises(UsageError, match=r"cannot be compiled: .*echo\.proto"):
        parse_target(address, {"proto": str(file)}).prepared(10.0)


def test_a_server_of_plain_http_is_told_in_one_sentence(start_server: Start) -> None:
    server = start_server("tests/systems/servers/queue_server.py")
    with pytest.raises(TargetError, match="does not speak gRPC"):
        parse_target(f"grpc://127.0.0.1:{server.port}/t.Echo/Say", {}).prepared(5.0)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_over_tls_with_a_verified_certificate(echo: Start, load: Start, tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", tmp_path / "key", "-out", tmp_path / "pem", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    address = echo("--certificate", tmp_path / "pem", "--key", tmp_path / "key").replace("grpc:", "grpcs:")
    with pytest.raises(TargetError, match="certificate is not accepted"):
        parse_target(address, {}).prepared(10.0)
    target = parse_target(address, {"ca": str(tmp_path / "pem")}).prepared(10.0)
    assert target.check(10.0).status == 200
    assert target.to_json()["tls"]["verified"]


@pytest.fixture
def served(start_server: Start, tmp_path: Path) -> str:
    """The address of a server of the Open Inference Protocol."""
    file = tmp_path / "inference.proto"
    file.write_text(INFERENCE)
    server = start_server(SERVER, "--inference", file)
    return f"kserve+grpc://127.0.0.1:{server.port}"


def test_a_model_is_asked_what_it_takes(served: str, load: Start) -> None:
    result = load(f"{served}/m", **at(50))
    assert result["steps"][0]["ok"] == 50
    assert (result["target"]["kind"], result["target"]["sample_from"]) == ("kserve_grpc", "model")


def test_a_sample_as_over_rest_is_sent_and_grows(served: str) -> None:
    sample = b'{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [[1, 2, 3, 4.5]]}]}'
    target = parse_target(f"{served}/m", {"body": sample}).prepared(10.0)
    assert json.loads(target.check(10.0).body)["outputs"][0]["contents"] == {"fp32Contents": [10.5]}
    larger = target.sized("batch", [3])
    assert json.loads(larger.check(10.0).body)["outputs"][0]["contents"] == {"fp32Contents": [31.5]}


def test_a_model_that_is_not_there_and_a_sample_that_is_none(served: str) -> None:
    with pytest.raises(TargetError, match="has no model other"):
        parse_target(f"{served}/other", {}).prepared(10.0)
    with pytest.raises(TargetError, match="says that loading is not ready"):
        parse_target(f"{served}/loading", {}).prepared(10.0)
    with pytest.raises(UsageError, match="no request of the Open Inference Protocol"):
        parse_target(f"{served}/m", {"body": b"[1]"}).prepared(10.0)
    with pytest.raises(UsageError, match=r"has 3 values, which is not its shape \[1, 4\]"):
        wrong = b'{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3]}]}'
        parse_target(f"{served}/m", {"body": wrong}).prepared(10.0)
    with pytest.raises(UsageError, match="names no model"):
        parse_target(served, {})


def test_what_a_method_takes_is_a_line_and_a_message_to_fill_in(start_shared_server: Start) -> None:
    server = start_shared_server(SERVER)
    target = parse_target(f"grpc://127.0.0.1:{server.port}/t.Echo/Say", {}).prepared(5.0)
    assert target.method.described() == "t.Ask (text string, status int32, bytes int32)"
    assert target.method.template() == {"text": "", "status": 0, "bytes": 0}


def test_the_form_of_the_window_asks_by_reflection_and_sends_one_request(start_shared_server: Start) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the window needs Qt's libraries")
    from app.gui.detection import detect
    from app.gui.probe_order import ProbeOrder

    server = start_shared_server(SERVER)
    order = ProbeOrder(target=f"grpc://127.0.0.1:{server.port}/t.Echo/Say")
    found = detect(order)
    assert (found.problem, found.is_ready, found.answers) == ("", True, False)
    assert found.takes == "t.Ask (text string, status int32, bytes int32)"
    assert json.loads(found.request) == {"text": "", "status": 0, "bytes": 0}
    assert found.is_template
    assert found.pid == server.pid
    filled = ProbeOrder(target=order.target, body_kind="text", body='{"text": "hello"}')
    answered = detect(filled, sample=True)
    assert (answered.status, json.loads(answered.beginning)) == (200, {"size": len("hello")})
    wrong = ProbeOrder(target=order.target, body_kind="text", body='{"txt": 1}')
    assert "its fields are text, status, bytes" in detect(wrong).problem


def test_what_the_message_has_to_hold_is_asked_of_check_and_load(echo: Start) -> None:
    address = echo()
    told = {"body": b'{"text": "abc", "bytes": 3}'}
    target: Any = parse_target(address, told | {"expect_body": "xxx"}).prepared(3.0)
    assert target.check(3.0).status == 200
    with Engine(target.wire(3.0), 4, Nobody()) as engine:
        record = engine.closed_loop(4, 0.3)
    assert set(record.status.tolist()) == {200}
    other: Any = parse_target(address, told | {"expect_body": "xxxx"}).prepared(3.0)
    with pytest.raises(TargetError, match="does not match --expect-body 'xxxx'"):
        other.check(3.0)
    with pytest.raises(UsageError, match="is not a regular expression"):
        parse_target(address, told | {"expect_body": "("})


def test_a_status_that_comes_under_load_is_told(echo: Start) -> None:
    """The check is answered; one sample in two is refused (RESOURCE_EXHAUSTED, 429)."""
    told = {"bodies": [b'{"text": "a"}', b'{"status": 8}']}
    probe = LoadProbe(parse_target(echo(), told), LoadSpec(warmup_s=0.0, arrivals="constant", **at(100)))
    result = probe.run(ProbeContext("0123456789", lambda _: None, threading.Event()))
    (step,) = result["steps"]
    assert step["errors"]["throttled"] == step["sent"] // 2 == 50
    assert result["client"]["errors_seen"] == {"status_429": "RESOURCE_EXHAUSTED: as was asked: ä"}


def test_grpcio_makes_the_same_calls_where_it_is_asked_for(echo: Start) -> None:
    """Open and closed loop, a status by its class, a time-out told apart; the result says whose client."""
    address = echo("--threads", 8)
    told = {"client": "grpcio", "bodies": [b'{"text": "a"}', b'{"status": 8}']}
    for segment in (OpenSegment(100, 100, 1.0), ClosedSegment(4, 0.5)):
        probe = LoadProbe(
            parse_target(address, told), LoadSpec(warmup_s=0.0, arrivals="constant", segments=(segment,))
        )
        result = probe.run(ProbeContext("0123456789", lambda _: None, threading.Event()))
        (step,) = result["steps"]
        assert step["ok"] + step["errors"]["throttled"] == step["sent"] > 8
        assert abs(step["ok"] - step["errors"]["throttled"]) <= 1
        assert SERVICE_MS <= step["service_ms"]["p50"] <= step["response_ms"]["p50"]
    assert result["target"]["client"] == "grpcio"
    target: Any = parse_target(address, {"client": "grpcio", "body": b'{"status": -1}'}).prepared(3.0)
    with Engine(target.wire(0.3), 4, Nobody()) as engine:
        record = engine.closed_loop(2, 0.1)
    assert {int(one) & OUTCOME for one in record.status} == {TIMEOUT}
    told_of_sockets = (record.report.wakeups, record.report.connections_opened, record.report.bytes_read)
    assert told_of_sockets == (None, None, None)  # the channel keeps that to itself
    with pytest.raises(UsageError, match=r"^--streams and --expect-body are not for --client grpcio"):
        parse_target(address, {"client": "grpcio", "streams": 2})
