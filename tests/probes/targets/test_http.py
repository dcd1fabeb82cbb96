"""An HTTP target: what an address and its options become on the wire, and what is refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import TargetError, UsageError
from probes.targets.http import HttpTarget, parse_target

URL = "http://127.0.0.1:8000/predict"


def encoded(target: HttpTarget) -> list[str]:
    return [request.decode("latin-1") for request in target.wire(1.0).requests]


def test_a_plain_get() -> None:
    target = parse_target(URL)
    assert encoded(target) == [
        "GET /predict HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: loadstone\r\nAccept: */*\r\n"
        "Accept-Encoding: identity\r\n\r\n"
    ]
    assert (target.remote, target.sample_from) == (False, "address")
    assert target.wire(0.25).timeout_ns == 250_000_000


def test_a_body_makes_it_a_post_with_its_length_and_kind() -> None:
    (json_request,) = encoded(parse_target(URL, body=b'{"x": 1}'))
    assert json_request.startswith("POST /predict HTTP/1.1\r\n")
    assert json_request.endswith('\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"x": 1}')
    (raw,) = encoded(parse_target(URL, body=b"\xff\x00"))
    assert "\r\nContent-Type: application/octet-stream\r\n" in raw
    (empty,) = encoded(parse_target(URL, body=b""))
    assert "\r\nContent-Length: 0\r\n" in empty


@pytest.mark.parametrize(
    ("method", "has_length"), [("POST", True), ("PUT", True), ("GET", False), ("delete", False)]
)
def test_a_method_that_expects_a_body_says_that_there_is_none(method: str, has_length: bool) -> None:
    """RFC 9110, 8.6: some servers answer 411 otherwise."""
    (request,) = encoded(parse_target(URL, method=method))
    assert request.startswith(method.upper())
    assert ("\r\nContent-Length: 0\r\n" in request) is has_length


def test_several_bodies_are_several_requests() -> None:
    target = parse_target(URL, bodies=[b'{"x": 1}', b'{"x": 22}'])
    first, second = encoded(target)
    assert first.endswith('Content-Length: 8\r\n\r\n{"x": 1}')
    assert second.endswith('Content-Length: 9\r\n\r\n{"x": 22}')
    assert target.to_json()["bodies"] == 2


@pytest.mark.parametrize(
    ("address", "line", "host"),
    [
        ("http://127.0.0.1", "GET / HTTP/1.1", "127.0.0.1"),
        ("http://127.0.0.1:80/a b?q=ä#fragment", "GET /a%20b?q=%C3%A4 HTTP/1.1", "127.0.0.1"),
        ("http://127.0.0.1:8000/a%20b/?x=1&y=[2]", "GET /a%20b/?x=1&y=%5B2%5D HTTP/1.1", "127.0.0.1:8000"),
        ("http://[::1]:8000/x", "GET /x HTTP/1.1", "[::1]:8000"),
        ("HTTP://LOCALHOST:8000/X", "GET /X HTTP/1.1", "localhost:8000"),
    ],
)
def test_an_address_on_the_wire(address: str, line: str, host: str) -> None:
    (request,) = encoded(parse_target(address))
    first, second, *_ = request.split("\r\n")
    assert (first, second) == (line, f"Host: {host}")


def test_a_given_header_replaces_ours() -> None:
    (request,) = encoded(parse_target(URL, headers=["user-agent: mine", "Host: shop.example", "X: a: b"]))
    assert "User-Agent" not in request
    assert request.count("ost: ") == 1
    assert "\r\nuser-agent: mine\r\nHost: shop.example\r\nX: a: b\r\n" in request


def test_secrets_are_sent_and_never_shown() -> None:
    headers = ["Authorization: env:TOKEN", "X-Api-Key: abc", "X-Plain: shown"]
    target = parse_target(URL, headers=headers, environment={"TOKEN": "Bearer canary"})
    assert "\r\nAuthorization: Bearer canary\r\nX-Api-Key: abc\r\n" in encoded(target)[0]
    shown = str(target.to_json())
    assert "canary" not in shown
    assert "abc" not in shown
    assert target.to_json()["headers"] == [
        "Authorization: env:TOKEN", "X-Api-Key: (hidden)", "X-Plain: shown",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "options", "sentence"),
    [
        ("127.0.0.1:8000/x", {}, "is not an http:// address: write http://host:port/path"),
        ("ftp://127.0.0.1/", {}, "write http://host:port/path"),
        ("https://u:p@127.0.0.1/", {}, "an address holds no user or password"),
        ("http://", {}, "names no host"),
        ("http://127.0.0.1:99999/", {}, "is not an address"),
        ("http://127.0.0.1:0/", {}, "no service listens on port 0"),
        ("http://u:p@127.0.0.1/", {}, "an address holds no user or password"),
        ("http://192.0.2.1/", {}, "192.0.2.1 is not this machine; add --allow-remote"),
        (URL, {"method": "BREW"}, "'BREW' is not an HTTP method"),
        (URL, {"body": b"x", "bodies": [b"y"]}, "give either --body or --bodies"),
        (URL, {"bodies": []}, "--bodies holds no body"),
        (URL, {"expect_status": 100}, "--expect-status 100 is not a status of an answer"),
        (URL, {"expect_body": "("}, "is not a regular expression"),
        (URL, {"headers": ["no colon"]}, "is not a header: write 'Name: value'"),
        (URL, {"headers": ["bad name: x"]}, "is not a header"),
        (URL, {"headers": ["Content-Length: 5"]}, "is set by Loadstone"),
        (URL, {"headers": ["X: env:NOT_THERE"]}, "the environment holds no NOT_THERE"),
        (URL, {"headers": ["X: a\r\nEvil: b"]}, "holds a line end"),
        (URL, {"headers": ["X: €"]}, "a character that HTTP headers cannot carry"),
    ],
)
def test_what_is_refused(address: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(address, **{"environment": {}} | options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_host_that_is_not_known() -> None:
    with pytest.raises(TargetError, match=r"the host 'nobody\.invalid' is not known here"):
        parse_target("http://nobody.invalid/", allow_remote=True)


@given(st.text(max_size=60))
def test_any_path_stays_in_its_line(text: str) -> None:
    """Whatever the address holds: one request line of three words, or one sentence."""
    try:
        target = parse_target(f"http://127.0.0.1/{text}")
    except (UsageError, TargetError) as error:
        assert "\n" not in str(error)
        return
    line = encoded(target)[0].split("\r\n")[0]
    assert len(line.split(" ")) == 3
    assert line.isascii()
    assert line.isprintable()


# asking once


@pytest.fixture
def answers() -> Iterator[Callable[[bytes], str]]:
    """Starts a server that gives one answer, to one connection, and closes; returns its address."""
    threads = []

    def serve(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def once() -> None:
            with listener, suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        threads.append(threading.Thread(target=once))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield serve
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("answer", "status", "reason", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "OK", b"abc"),
        (b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, "", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx", 201, "Made", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200, "OK", b"ab"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "OK", b"until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, "No Content", b""),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
            200,
            "OK",
            b"x" * (1 << 20),
        ),
    ],
)
def test_an_answer_is_read(
    answers: Callable[[bytes], str], answer: bytes, status: int, reason: str, body: bytes
) -> None:
    said = parse_target(answers(answer)).ask(5.0)
    assert (said.status, said.reason, said.body) == (status, reason, body)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "in the middle of its answer"),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nabc",
            "in the middle of its answer",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "in the middle of its answer"),
        (b"HTTP/1.1 200", "in the middle of its answer"),
        (b"220 mail.example ESMTP\r\n", "does not speak HTTP: it said b'220 mail.example ESMTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "does not speak HTTP"),  # a TLS alert: https is spoken there
    ],
)
def test_what_is_no_whole_answer(answers: Callable[[bytes], str], answer: bytes, sentence: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(answers(answer)).ask(5.0)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_status_wanted(answers: Callable[[bytes], str]) -> None:
    answer = b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"
    assert parse_target(answers(answer), expect_status=418).check(5.0).status == 418
    with pytest.raises(TargetError, match=r"answers 418 I'm a teapot to GET instead of 2xx; correct"):
        parse_target(answers(answer)).check(5.0)
    target = parse_target(URL, expect_status=201)
    assert [target.is_good(status) for status in (200, 201, 404)] == [False, True, False]
