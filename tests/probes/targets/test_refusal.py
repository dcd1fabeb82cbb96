"""The reason in a refusal, as servers in use write it."""

from __future__ import annotations

import pytest

from probes.targets.refusal import LONGEST, in_brackets, reason_in

PYDANTIC = b'{"detail":[{"type":"missing","loc":["body","x"],"msg":"Field required","input":{}}]}'
TRACEBACK = b'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: X has 3 features\n'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            b'{"error_code": "BAD_REQUEST", "message": "The input must be\\n a dictionary"}',
            "The input must be a dictionary",
        ),
        (b'{"error": "Model nope not found"}', "Model nope not found"),
        (b'{"error": {"code": 400, "message": "no such model", "type": "x"}}', "no such model"),
        (b'{"detail": "Method Not Allowed"}', "Method Not Allowed"),
        (PYDANTIC, "x: Field required"),
        (b'{"error": "1 error", "detail": [{"loc": ["x"], "msg": "missing"}]}', "1 error: x: missing"),
        (b'{"status": 400, "error": "Bad Request", "message": "no x", "path": "/p"}', "Bad Request: no x"),
        (TRACEBACK, "ValueError: X has 3 features"),
        (b"  upstream\r\n  request   timeout \n", "upstream request   timeout"),
        (b"a\x1b[31mred", "a [31mred"),
        (b"<html><h1>502</h1></html>", ""),
        (b'{"predictions": [1]}', ""),
        (b'{"broken', ""),
        (b"", ""),
        (b"[" * 90_000, ""),
    ],
)
def test_a_reason_is_one_line(body: bytes, reason: str) -> None:
    assert reason_in(body) == reason
    assert in_brackets(body) == (f" (it says: {reason})" if reason else "")


def test_a_long_reason_is_cut() -> None:
    assert len(reason_in(b"x" * 5_000)) == LONGEST
