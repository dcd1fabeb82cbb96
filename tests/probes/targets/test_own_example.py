"""A body from a server's own OpenAPI document, and the real HTTP server that has one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from probes.errors import TargetError
from probes.targets.http import parse_target
from probes.targets.own_example import described_request


def document(schema: Any = None, schemas: Any = None, **media: Any) -> dict[str, Any]:
    content = {"application/json": ({} if schema is None else {"schema": schema}) | media}
    return {
        "paths": {"/predict": {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": schemas or {}},
    }


NUMBER = {"type": "number"}
ROW = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}, "note": {}},
       "required": ["age"]}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ({"type": "array", "items": NUMBER}, [1]),
        ({"type": "array", "items": NUMBER, "minItems": 3}, [1, 1, 1]),
        ({"$ref": "#/components/schemas/Row"}, {"age": 18}),
        ({"type": "object", "properties": {"a": NUMBER, "b": {"type": "boolean"}}}, {"a": 1, "b": True}),
        (
            {"allOf": [{"$ref": "#/components/schemas/Row"}, {"properties": {"x": NUMBER}}]},
            {"age": 18, "x": 1},
        ),
        ({"anyOf": [{"type": "null"}, {"enum": ["red", "blue"]}]}, "red"),
        ({"type": ["null", "string"], "minLength": 6}, "textxx"),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "number", "maximum": -4}, -5),
        ({"type": "integer", "default": 7}, 7),
        ({"type": "object", "properties": {"k": {"type": "integer", "examples": [5, 6]}}}, {"k": 5}),
    ],
)
def test_a_body_is_made_from_the_types(schema: Any, body: Any) -> None:
    found = described_request(document(schema, {"Row": ROW}), "/predict?x=1")
    assert found is not None
    assert (json.loads(found.body), found.sample_from) == (body, "signature")


@pytest.mark.parametrize(
    "described",
    [
        document(ROW, example={"age": 40}),
        document(ROW, examples={"one": {"value": {"age": 40}}}),
        document(ROW | {"examples": [{"age": 40}, {"age": 41}]}),
        document({"$ref": "#/components/schemas/Row"}, {"Row": ROW | {"example": {"age": 40}}}),
    ],
)
def test_an_example_goes_before_the_types(described: Any) -> None:
    found = described_request(described, "/predict")
    assert found is not None
    assert (json.loads(found.body), found.sample_from) == ({"age": 40}, "server_example")


def nested_arrays(deep: int) -> dict[str, Any]:
    """Of a thousand entries on each floor, so that 8 floors ask for 10**24 numbers."""
    return {"type": "array", "items": nested_arrays(deep - 1), "minItems": 1_000} if deep else NUMBER


FAN = {
    str(floor): {
        "type": "object",
        "properties": {str(i): {"$ref": f"#/components/schemas/{floor + 1}"} for i in range(30)},
    }
    for floor in range(9)
} | {"9": NUMBER}
"""Thirty references on each of nine floors: 30**9 numbers out of a document of 300 lines."""

LOOP = {"type": "object", "properties": {"me": {"$ref": "#/components/schemas/Loop"}}, "required": ["me"]}


@pytest.mark.parametrize(
    "described",
    [
        None,
        [],
        {},
        document(),
        document({}),
        {"paths": {"/predict": {"get": {}}}},
        {"paths": {"/predict": {"post": {"requestBody": {"content": {"text/csv": {}}}}}}},
        document({"$ref": "#/components/schemas/Absent"}),
        document({"$ref": "#/components/schemas/Loop"}, {"Loop": LOOP}),
        document({"$ref": "#/components/schemas/A"}, {"A": {"$ref": "#/components/schemas/A"}}),
        document({"type": "string", "minLength": 10**12}),
        document({"type": "array", "minItems": 10**12}),
        document(nested_arrays(8)),
        document({"type": "array", "items": {"type": "string", "minLength": 10_000}, "minItems": 10_000}),
        document({"type": "array", "items": {"default": "x" * 10_000}, "minItems": 10_000}),
        document({"$ref": "#/components/schemas/0"}, FAN),
    ],
)
def test_what_says_nothing_gives_nothing(described: Any) -> None:
    assert described_request(described, "/predict") is None


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/openapi.json":
            return self.say(200, document(ROW))
        return self.say(405 if self.path == "/predict" else 404, {})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/bare" or (self.path == "/predict" and sent and json.loads(sent) == {"age": 18})
        self.say(200 if good else 422, {})

    def say(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def where() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_post_without_a_body_gets_the_described_one(where: str) -> None:
    target = parse_target(f"{where}/predict", method="POST").prepared(5)
    assert target.check(5).status == 200
    assert target.to_json()["sample_from"] == "signature"
    bare = parse_target(f"{where}/bare", method="POST").prepared(5)
    assert bare.bodies == (None,), "nothing is said of it"
    given = parse_target(f"{where}/predict", body=b"{}").prepared(5)
    assert given.bodies == (b"{}",), "what was given is what is sent"


def test_a_get_where_a_post_is_described_says_so(where: str) -> None:
    with pytest.raises(TargetError, match=r"405 .* by its own description it takes POST: give --body, or"):
        parse_target(f"{where}/predict").prepared(5).check(5)
