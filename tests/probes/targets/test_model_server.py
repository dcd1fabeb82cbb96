"""Models behind HTTP protocols, against a real HTTP server that checks what it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from probes.errors import TargetError, UsageError
from probes.targets.kinds import parse_target

V2 = {"name": "m", "inputs": [{"name": "x", "shape": [-1, 4], "datatype": "FP32"}]}
DIMS = {"dim": [{"size": "-1"}, {"size": "2"}, {"size": "3"}]}
SIGNATURE = {"inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": DIMS}}}
TF = {"metadata": {"signature_def": {"signature_def": {"serving_default": SIGNATURE}}}}
GETS: dict[str, Any] = {
    "/ping": {}, "/v2/models/m": V2, "/v2/models/empty": {"inputs": []},
    "/v2/models/m/ready": {}, "/v2/models/empty/ready": {}, "/v2/models/odd/ready": {},
    "/v1/models/m": {}, "/v1/models/m/metadata": TF, "/v1/models/odd": {}, "/v1/models/odd/metadata": [],
}  # fmt: skip


def shape(data: Any) -> list[int]:
    return [len(data), *shape(data[0])] if isinstance(data, list) else []


class Model(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.say(200 if self.path in GETS else 404, GETS.get(self.path, {}))

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v2/models/m/infer":
            one = sent["inputs"][0]
            good = (one["name"], one["shape"], len(one["data"])) == ("x", [1, 4], 4)
        elif self.path == "/v1/models/m:predict":
            good = shape(sent["inputs"]["x"]) == [1, 2, 3]
        else:
            good = self.path == "/invocations" and sent == {"inputs": [[1]]}
        self.say(200 if good else 400, {})

    def say(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def where() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("scheme", "path", "options", "found"),
    [
        ("kserve+http", "/m", {}, ("kserve_http", "model")),
        ("tfserving+http", "/m", {}, ("tf_serving", "model")),
        ("sagemaker+http", "", {"body": b'{"inputs": [[1]]}'}, ("sagemaker", "given")),
    ],
)
def test_a_model_is_asked_what_it_takes_and_accepts_that(
    where: str, scheme: str, path: str, options: dict[str, Any], found: tuple[str, str]
) -> None:
    target = parse_target(f"{scheme}://{where}{path}", options).prepared(5)
    assert target.check(5).status == 200
    said = target.to_json()
    assert (said["kind"], said["sample_from"]) == found
    assert said["address"].startswith(f"{scheme}://{where}/")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("kserve+http://{}/empty", "names no inputs"),
        ("kserve+http://{}/odd", "cannot be read"),
        ("kserve+http://{}/absent", "has no model absent, or has not loaded it yet"),
        ("tfserving+http://{}/odd", "cannot be read"),
        ("tfserving+http://{}/absent", "has no model absent"),
    ],
)
def test_a_model_that_does_not_say_what_it_takes(where: str, address: str, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        parse_target(address.format(where), {}).prepared(5)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("kserve+http://127.0.0.1:1/", "names no model"),
        ("sagemaker+http://127.0.0.1:1", "give --body"),
        ("sagemaker+http://127.0.0.1:1/invocations", "paths of SageMaker are fixed"),
    ],
)
def test_an_address_that_names_too_little_or_too_much(address: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_target(address, {})


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("kserve+http://127.0.0.1:1/m/versions/2", "/v2/models/m/versions/2/infer"),
        ("tfserving+http://127.0.0.1:1/m/versions/2", "/v1/models/m/versions/2:predict"),
    ],
)
def test_a_version_stands_in_the_path(address: str, path: str) -> None:
    assert vars(parse_target(address, {}))["path"] == path
