"""The one small GET: only this machine, only in time, only so much, and no redirect is followed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from probes.errors import UsageError
from probes.monitoring.fetch import FetchError, get, resolve


@contextmanager
def speaking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with its first connection what it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.close()


def test_another_machine_needs_to_be_allowed() -> None:
    with pytest.raises(UsageError, match="--allow-remote"):
        resolve("http://192.0.2.1:9090")
    assert resolve("http://192.0.2.1:9090", allow_remote=True).ip == "192.0.2.1"
    assert resolve("http://127.0.0.1/metrics").path == "/metrics"
    assert resolve("http://[::1]:9090").ip == "::1"


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:9090", "http://", "http://u:secret@127.0.0.1", "http://127.0.0.1:x",
            "http://127.0.0.1/?a=b", "http://127.0.0.1/a\nb", "http://127.0.0.1:99999"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(url)
    assert "secret" not in str(caught.value)


def test_a_redirect_is_an_answer_and_not_followed(loopback: Any) -> None:
    loopback.answers["/metrics"] = (302, "text/plain", b"")
    assert get(resolve(loopback.url), "/metrics").status == 302
    assert loopback.log == [("GET", "/metrics")]


def test_too_much_is_refused(loopback: Any) -> None:
    loopback.answers["/m"] = (200, "text/plain", b"x" * 101)
    with pytest.raises(FetchError, match="sent more than"):
        get(resolve(loopback.url), "/m", max_bytes=100)
    assert len(get(resolve(loopback.url), "/m", max_bytes=101).body) == 101


def test_nothing_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match="check that it is up") as caught:
        get(resolve(f"http://127.0.0.1:{port}"), "/")
    assert caught.value.exit_code == 3


def test_a_server_that_drips_is_cut_at_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        gone = threading.Event()
        while not gone.wait(0.02):
            connection.sendall(b"X-A: b\r\n")

    with speaking(drip) as url, pytest.raises(FetchError, match=r"within 0.3 s"):
        get(resolve(url), "/", timeout_s=0.3)


@pytest.mark.parametrize(
    "said",
    [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"HTTP/1.1 999999 X\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_whole_http_answer_is_an_error_or_read_as_it_is(said: bytes) -> None:
    with speaking(lambda connection: connection.sendall(said)) as url, suppress(FetchError):
        get(resolve(url), "/", timeout_s=5)
