"""What answers at an address: found by one bounded request, and never on another machine unasked."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from app.gui import detection
from app.gui.detection import detect
from app.gui.probe_order import ProbeOrder

StartServer = Callable[..., Any]
MISBEHAVING = "tests/systems/servers/misbehaving_server.py"


def test_a_service_is_found_with_its_process_and_the_beginning_of_its_answer(
    start_server: StartServer,
) -> None:
    server = start_server("tests/systems/servers/queue_server.py")
    found = detect(ProbeOrder(target=server.url))
    assert (found.status, found.pid, found.problem) == (200, server.pid, "")
    assert found.content_type == "application/json"
    assert found.beginning == '{"answer": 42}\n'[: len(found.beginning)]
    assert found.size >= len('{"answer": 42}')
    assert found.milliseconds > 0


def test_the_sample_is_the_request_that_load_would_send(start_server: StartServer) -> None:
    server = start_server("resources/demo/recommender.py", "--port", 0)
    order = ProbeOrder(target=f"{server.url}/recommend", body_kind="text", body='{"user": 1}')
    assert detect(order).status >= 400, "a GET is not what it takes"
    assert detect(order, sample=True).status == 200


@pytest.mark.parametrize(
    ("mode", "words"), [("garbage", "does not speak HTTP"), ("hang", "no complete answer within")]
)
def test_what_gives_no_answer_is_said_in_a_sentence(
    mode: str, words: str, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "TIMEOUT_S", 0.3)
    server = start_server(MISBEHAVING, "--mode", mode)
    found = detect(ProbeOrder(target=server.url))
    assert not found.answers
    assert words in found.problem


def test_redirects_are_shown_and_not_followed(start_server: StartServer) -> None:
    server = start_server(MISBEHAVING, "--mode", "redirect")
    assert detect(ProbeOrder(target=server.url)).status == 302
    assert server.stop()["followed"] == 0


def test_another_machine_is_not_asked_without_leave() -> None:
    found = detect(ProbeOrder(target="http://192.0.2.1:9/"))
    assert found.is_remote
    assert not found.answers
    assert found.problem == ""


OPENAPI = {
    "paths": {
        "/predict": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"properties": {"user": {"type": "integer", "default": 7}}}
                        }
                    }
                }
            }
        }
    }
}


class Described(BaseHTTPRequestHandler):
    """Takes a POST with a user, and describes it as FastAPI does."""

    def do_GET(self) -> None:
        known = self.path == "/openapi.json"
        self._say(200 if known else 405, OPENAPI if known else {"detail": "Method Not Allowed"})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        self._say(200 if isinstance(sent, dict) and "user" in sent else 422, {"items": [1]})

    def _say(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def described() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Described)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/predict"
    server.shutdown()
    server.server_close()


def test_a_service_that_takes_a_post_offers_the_body_that_it_describes(described: str) -> None:
    found = detect(ProbeOrder(target=described))
    assert found.status == 405
    assert json.loads(found.request) == {"user": 7}
    filled = ProbeOrder(target=described, body_kind="text", body=found.request)
    assert detect(filled, sample=True).status == 200
    assert detect(filled).request == "", "what was filled in is not offered again"


def test_a_post_without_a_body_sends_what_is_described_as_load_would(described: str) -> None:
    assert detect(ProbeOrder(target=described, method="POST"), sample=True).status == 200


# -- models behind HTTP ------------------------------------------------------------------------------------

METADATA = {"name": "rank", "inputs": [{"name": "x", "shape": [-1, 4], "datatype": "FP32"}]}


class ModelServer(BaseHTTPRequestHandler):
    """The Open Inference Protocol's and SageMaker's paths; counts what it was asked to compute."""

    computed = 0

    def do_GET(self) -> None:
        known = {"/v2/models/rank/ready": {}, "/v2/models/rank": METADATA, "/ping": {}}
        self._say(200 if self.path in known else 404, known.get(self.path, {}))

    def do_POST(self) -> None:
        ModelServer.computed += 1
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        good = bool(sent) and (self.path == "/invocations" or sent["inputs"][0]["shape"] == [1, 4])
        self._say(200 if good else 400, {"outputs": []})

    def _say(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def models() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ModelServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ModelServer.computed = 0
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_model_says_what_it_takes_and_computes_nothing_for_it(models: str) -> None:
    found = detect(ProbeOrder(target=f"kserve+http://{models}/rank"))
    assert (found.problem, found.is_ready, found.answers) == ("", True, False)
    assert found.takes == "x FP32 [1, 4]"
    assert found.pid == os.getpid()
    assert json.loads(found.request)["inputs"][0]["name"] == "x"
    assert ModelServer.computed == 0


def test_the_sample_made_from_the_metadata_is_sent_once(models: str) -> None:
    found = detect(ProbeOrder(target=f"kserve+http://{models}/rank"), sample=True)
    assert (found.status, found.beginning) == (200, '{"outputs": []}')
    assert found.milliseconds > 0
    assert ModelServer.computed == 1


def test_a_model_that_is_not_there_is_said(models: str) -> None:
    found = detect(ProbeOrder(target=f"kserve+http://{models}/other"))
    assert not found.is_ready
    assert "has no model other" in found.problem


def test_sagemaker_is_asked_whether_it_is_ready_and_needs_a_body_for_more(models: str) -> None:
    order = ProbeOrder(target=f"sagemaker+http://{models}")
    ready = detect(order)
    assert (ready.problem, ready.is_ready, ready.request) == ("", True, "")
    assert "give --body" in detect(order, sample=True).problem
    assert detect(replace(order, body_kind="text", body='{"x": 1}'), sample=True).status == 200


def test_a_model_elsewhere_is_not_asked_without_leave() -> None:
    found = detect(ProbeOrder(target="kserve+http://192.0.2.1:9/rank"))
    assert (found.is_remote, found.problem, found.is_ready) == (True, "", False)


def test_nobody_listens_there() -> None:
    found = detect(ProbeOrder(target="tfserving+http://127.0.0.1:1/rank"))
    assert "nothing listens on 127.0.0.1:1" in found.problem


def test_a_chat_service_answers_one_request_to_its_end(start_server: StartServer) -> None:
    server = start_server("tests/systems/servers/chat_server.py", "--tokens", 3)
    target = f"openai+{server.url}/v1"
    found = detect(ProbeOrder(target=target))
    assert (found.problem, found.is_ready, found.pid, found.takes) == ("", True, server.pid, "tiny")
    assert json.loads(found.request)["stream"] is True
    assert json.loads(found.request)["model"] == "tiny"
    answered = detect(ProbeOrder(target=target), sample=True)
    assert (answered.status, json.loads(answered.beginning)["text"]) == (200, "t0 t1 t2 ")


class Chat(BaseHTTPRequestHandler):
    """Lists a model and streams a word; notes each request, and refuses what asks for counts of tokens."""

    asked: ClassVar[list[tuple[str, str, dict[str, Any]]]] = []
    lists = True

    def do_GET(self) -> None:
        Chat.asked.append(("GET", self.path, {}))
        document = {"data": [{"id": "tiny"}]} if Chat.lists else {}
        self._say(200 if Chat.lists else 404, "application/json", json.dumps(document).encode())

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Chat.asked.append(("POST", self.path, sent))
        if "stream_options" in sent:
            return self._say(400, "application/json", b"{}")
        event = json.dumps({"choices": [{"delta": {"content": "hello"}}]}).encode()
        return self._say(200, "text/event-stream", b"data: " + event + b"\n\ndata: [DONE]\n\n")

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def chat() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Chat.asked.clear()
    Chat.lists = True
    yield f"openai+http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("model", ["", "?model=tiny"])
def test_an_address_that_was_only_typed_makes_no_chat_write_anything(chat: str, model: str) -> None:
    found = detect(ProbeOrder(target=chat + model))
    assert (found.problem, found.is_ready, found.answers, found.takes) == ("", True, False, "tiny")
    assert Chat.asked == [("GET", "/v1/models", {})]
    assert "stream_options" not in json.loads(found.request), "that is asked for by us, where it is taken"


def test_a_sample_is_one_completion_and_another_where_the_first_is_refused(chat: str) -> None:
    found = detect(ProbeOrder(target=chat), sample=True)
    assert (found.status, json.loads(found.beginning)["text"]) == (200, "hello")
    assert [(verb, "stream_options" in sent) for verb, _, sent in Chat.asked] == [
        ("GET", False), ("POST", True), ("POST", False),
    ]  # fmt: skip
    Chat.asked.clear()
    own = ProbeOrder(target=chat, body_kind="text", body='{"messages": [], "stream_options": {}}')
    assert "answers 400" in detect(own, sample=True).problem, "what was given is not changed"
    assert [verb for verb, _, _ in Chat.asked] == ["GET", "POST"]


def test_a_chat_that_lists_no_models_is_not_said_to_be_ready(chat: str) -> None:
    Chat.lists = False
    assert "names no model" in detect(ProbeOrder(target=chat)).problem
    named = detect(ProbeOrder(target=f"{chat}?model=tiny"))
    assert (named.problem, named.is_ready, named.takes) == ("", False, "")
    Chat.lists = True
    other = detect(ProbeOrder(target=f"{chat}?model=large"))
    assert (other.problem, other.is_ready, other.takes) == ("", True, "")
    assert {verb for verb, _, _ in Chat.asked} == {"GET"}


# -- code of one's own -------------------------------------------------------------------------------------

SCORE = """
from pathlib import Path
Path(__file__).with_name("imported").touch()

class Model:
    def predict(self, x, *, limit=10):
        return x

def score(x, top=3):
    return {"top": top, "x": x}

def slow_start():
    raise ValueError("no data")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "score.py"
    file.write_text(SCORE)
    return file


@pytest.mark.parametrize(
    ("attribute", "takes"), [("score", "score(x, top=3)"), ("Model.predict", "predict(self, x, *, limit=10)")]
)
def test_a_callable_is_read_and_not_run(script: Path, attribute: str, takes: str) -> None:
    found = detect(ProbeOrder(target=f"python:{script}:{attribute}"))
    assert (found.takes, found.problem, found.answers) == (takes, "", False)
    assert not script.with_name("imported").exists(), "looking at a file must not import it"


def test_called_once_it_gives_what_it_returns_and_nothing_of_it_stays(script: Path) -> None:
    order = ProbeOrder(target=f"python:{script}:score", sample='{"user": 7}')
    found = detect(order, sample=True)
    assert found.problem == ""
    assert found.status == 200
    assert json.loads(found.beginning) == {"top": 3, "x": {"user": 7}}
    assert script.with_name("imported").exists()
    children = psutil.Process().children(recursive=True)
    assert not [one for one in children if "probes.targets" in " ".join(one.cmdline())]


def test_code_that_raises_is_said_with_what_it_raised(script: Path) -> None:
    found = detect(ProbeOrder(target=f"python:{script}:slow_start"), sample=True)
    assert not found.answers
    assert "ValueError" in found.problem
    assert "no data" in found.problem


def test_a_call_that_was_given_up_says_nothing(script: Path) -> None:
    stop = threading.Event()
    stop.set()
    found = detect(ProbeOrder(target=f"python:{script}:score", sample="1"), sample=True, stop=stop)
    assert (found.answers, found.problem) == (False, "")


def test_a_command_and_a_model_file_are_named_by_what_runs_them(tmp_path: Path) -> None:
    assert detect(ProbeOrder(target="command:cat -u")).takes == "cat"
    assert json.loads(detect(ProbeOrder(target="command:cat", sample='{"a": 1}'), sample=True).beginning) == {
        "a": 1
    }
    model = tmp_path / "rank.onnx"
    model.write_bytes(b"\x08\x07" + bytes(98))
    found = detect(ProbeOrder(target=f"model:{model}"))
    assert (found.takes, found.size, found.problem) == ("ONNX Runtime", 100, "")
    assert "is not there" in detect(ProbeOrder(target=f"model:{tmp_path}/none.onnx")).problem
