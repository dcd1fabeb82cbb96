"""The truth servers themselves: what they promise in their docstrings, they do."""

from __future__ import annotations

import itertools
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SERVERS = Path(__file__).with_name("servers")
GET = b"GET /work HTTP/1.1\r\nHost: test\r\n\r\n"
OK_BODY = b'{"answer": 42}\n'
PATIENCE = 30.0

StartServer = Callable[..., Any]


class Client:
    """One connection, with just enough HTTP to see what really came back."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._unread = b""

    def send(self, request: bytes = GET) -> None:
        self.sock.sendall(request)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer that has a Content-Length (or, as 204, none to have)."""
        status, headers = self.head()
        return status, self.exactly(int(headers.get("content-length", 0)))

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer, interim ones included."""
        first, *lines = self.through(b"\r\n\r\n").decode().rstrip().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}

    def chunks(self) -> list[bytes]:
        """The chunks of a chunked body, up to the empty one that ends it; the trailer is left."""
        found = []
        while size := int(self.through(b"\r\n").partition(b";")[0], 16):
            found.append(self.exactly(size + 2).removesuffix(b"\r\n"))
        return found

    def ask(self, request: bytes = GET) -> tuple[int, bytes]:
        self.send(request)
        return self.answer()

    def through(self, mark: bytes) -> bytes:
        """What comes up to and including `mark`."""
        while mark not in self._unread:
            self._read()
        return self.exactly(self._unread.index(mark) + len(mark))

    def exactly(self, length: int) -> bytes:
        """The next `length` bytes."""
        while len(self._unread) < length:
            self._read()
        data, self._unread = self._unread[:length], self._unread[length:]
        return data

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        with suppress(EOFError):
            while True:
                self._read()
        return self._unread

    def _read(self) -> None:
        piece = self.sock.recv(65_536)
        if not piece:
            raise EOFError(self._unread)
        self._unread += piece


@contextmanager
def connected(server: Any) -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
        yield Client(sock)


def ask_once(server: Any, request: bytes = GET) -> tuple[int, bytes]:
    with connected(server) as client:
        return client.ask(request)


@pytest.fixture
def queue(start_server: StartServer) -> Callable[..., Any]:
    return lambda *arguments: start_server(SERVERS / "queue_server.py", *arguments)


@pytest.fixture
def stall(start_server: StartServer) -> Callable[..., Any]:
    return lambda *arguments: start_server(SERVERS / "stall_server.py", *arguments)


@pytest.fixture
def misbehaving(start_server: StartServer) -> Callable[..., Any]:
    return lambda mode, *arguments: start_server(
        SERVERS / "misbehaving_server.py", "--mode", mode, *arguments
    )


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """The modules queue_server and stall_server, for what they compute."""
    monkeypatch.syspath_prepend(str(SERVERS))
    import queue_server
    import stall_server

    return queue_server, stall_server


class TestQueueModel:
    """What the queue server computes, without sockets."""

    def test_capacity_is_workers_over_service_exactly(self, models: tuple[Any, Any]) -> None:
        """Everyone at once: the n-th leaves at ⌈n/c⌉·S, to the nanosecond."""
        model = models[0].first_come_first_served(4, models[0].service_times(10.0, "det", 0.0, 1))
        assert [model(0) for _ in range(1_000)] == [math.ceil(n / 4) * 10_000_000 for n in range(1, 1_001)]

    def test_an_idle_queue_serves_at_once(self, models: tuple[Any, Any]) -> None:
        model = models[0].first_come_first_served(2, models[0].service_times(10.0, "det", 0.0, 1))
        assert [model(arrival) for arrival in (0, 50_000_000, 51_000_000, 52_000_000)] == [
            *(10_000_000, 60_000_000, 61_000_000),
            70_000_000,
        ]

    @pytest.mark.parametrize(("dist", "cv"), [("det", 0.0), ("exp", 1.0), ("lognormal", 1.5)])
    def test_service_times_have_the_mean_and_spread_asked_for(
        self, models: tuple[Any, Any], dist: str, cv: float
    ) -> None:
        draw = models[0].service_times(2.0, dist, cv, 1)
        times = np.array([draw() for _ in range(100_000)]) / 2e6
        assert times.mean() == pytest.approx(1.0, rel=0.03)
        assert times.std() == pytest.approx(cv, rel=0.1, abs=1e-9)

    def test_response_times_are_those_of_the_simulation(self, models: tuple[Any, Any], simulate: Any) -> None:
        """M/M/4 at 350.09/s: the server's own queue holds p99 ≤ 100 ms as nearly as simulated ones do."""
        rate = simulate.mmc_rate(4, 0.01, 0.99, 0.1)
        model = models[0].first_come_first_served(4, models[0].service_times(10.0, "exp", 1.0, 1))
        arrivals = (np.random.default_rng(1).exponential(1e9 / rate, 300_000).cumsum()).astype(int).tolist()
        responses = np.array([model(arrival) - arrival for arrival in arrivals]) / 1e9
        assert np.quantile(responses, 0.99) == pytest.approx(0.1, rel=0.15)
        assert np.median(responses) == pytest.approx(
            np.median(simulate.response_times(rate, 4, 0.01, 300_000)), rel=0.1
        )


class TestStallModel:
    """What the stall server computes, without sockets."""

    def test_percentiles_are_the_closed_form(self, models: tuple[Any, Any]) -> None:
        """100/s for 10 s, 5 ms, stall of 2 s: p(q) = L·(1 − (1 − q)/F) + S, to the spacing of arrivals."""
        model = models[1].one_stall(0.005, 4.0, 2.0)
        arrivals = [n * 10_000_000 for n in range(1_000)]
        responses = np.array([model(arrival) - arrival for arrival in arrivals]) / 1e9
        for q in (0.85, 0.90, 0.95, 0.99, 1.0):
            expected = 2.0 * (1 - (1 - q) / 0.2) + 0.005
            assert np.quantile(responses, q) == pytest.approx(expected, abs=0.0101)
        assert np.quantile(responses, 0.79) == 0.005
        assert responses.min() == 0.005

    def test_nothing_leaves_during_the_stall(self, models: tuple[Any, Any]) -> None:
        model = models[1].one_stall(0.005, 1.0, 0.5)
        ends = [model(arrival) for arrival in range(0, 3_000_000_000, 1_000_003)]
        assert not any(1_000_000_000 <= end < 1_500_000_000 for end in ends)
        assert ends == sorted(ends)


class TestQueueServer:
    """The queue server over real sockets. Nothing here depends on how punctual this machine is."""

    def test_it_says_who_it_is(self, queue: Callable[..., Any]) -> None:
        server = queue("--workers", 3, "--service-ms", 7)
        status, body = ask_once(server, GET.replace(b"/work", b"/whoami"))
        assert status == 200
        told = json.loads(body)
        assert told == {key: value for key, value in server.ready.items() if key != "port"}
        assert (told["pid"], told["workers"], told["service_ms"]) == (server.process.pid, 3, 7.0)
        assert server.stop()["received"] == 0

    def test_requests_wait_their_turn(self, queue: Callable[..., Any]) -> None:
        """One worker, S = 20 ms, eight at once: they come back in order, the n-th no earlier than n·S."""
        server = queue("--workers", 1, "--service-ms", 20)
        with ExitStack() as stack:
            clients = [stack.enter_context(connected(server)) for _ in range(8)]
            begin = time.monotonic()
            for client in clients:
                client.send()
            seen = []
            for client in clients:
                assert client.answer() == (200, OK_BODY)
                seen.append(time.monotonic() - begin)
        assert all(since >= turn * 0.02 for turn, since in enumerate(seen, start=1))

    def test_workers_work_side_by_side(self, queue: Callable[..., Any]) -> None:
        """Ten workers of 200 ms take ten requests in one turn; one worker would take 2 s."""
        server = queue("--workers", 10, "--service-ms", 200)
        with ExitStack() as stack:
            clients = [stack.enter_context(connected(server)) for _ in range(10)]
            begin = time.monotonic()
            for client in clients:
                client.send()
            for client in clients:
                client.answer()
            assert 0.2 <= time.monotonic() - begin < 2.0

    def test_pipelined_requests_come_back_in_order(self, queue: Callable[..., Any]) -> None:
        server = queue("--workers", 4, "--service-ms", 5, "--dist", "exp")
        whoami = GET.replace(b"/work", b"/whoami")
        with connected(server) as client:
            client.send(GET + whoami + GET[:10])
            client.send(GET[10:])
            bodies = [client.answer()[1] for _ in range(3)]
        assert [body == OK_BODY for body in bodies] == [True, False, True]

    def test_bodies_and_any_method_are_taken(self, queue: Callable[..., Any]) -> None:
        server = queue("--service-ms", 1)
        post = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
        with connected(server) as client:
            client.send(post + b"he")
            client.send(b"llo" + GET)
            assert [client.answer() for _ in range(2)] == [(200, OK_BODY)] * 2
            assert client.ask(b"DELETE /x HTTP/1.1\r\n\r\n") == (200, OK_BODY)
        assert server.stop()["received"] == 3

    @pytest.mark.parametrize(
        ("request_line", "header", "closes"),
        [
            (b"1.1", b"Connection: close\r\n", True),
            (b"1.0", b"", True),
            (b"1.0", b"Connection: keep-alive\r\n", False),
        ],
    )
    def test_the_connection_closes_when_the_client_asks(
        self, queue: Callable[..., Any], request_line: bytes, header: bytes, closes: bool
    ) -> None:
        server = queue("--service-ms", 1)
        request = b"GET / HTTP/%s\r\n%s\r\n" % (request_line, header)
        with connected(server) as client:
            assert client.ask(request) == (200, OK_BODY)
            if closes:
                assert client.rest() == b""
            else:
                assert client.ask(request) == (200, OK_BODY)

    def test_it_counts_what_it_received(self, queue: Callable[..., Any]) -> None:
        server = queue("--workers", 5, "--service-ms", 1)
        with ExitStack() as stack:
            clients = [stack.enter_context(connected(server)) for _ in range(5)]
            for _, client in itertools.product(range(20), clients):
                client.send()
            for _, client in itertools.product(range(20), clients):
                client.answer()
        last = server.stop()
        assert (last["received"], last["answered"], last["waiting"], last["connections"]) == (100, 100, 0, 5)
        assert server.returncode == 0

    def test_what_a_client_leaves_behind_is_abandoned_or_waiting(self, queue: Callable[..., Any]) -> None:
        server = queue("--workers", 1, "--service-ms", 50)
        with connected(server) as leaver:
            leaver.send(GET * 3)
            assert leaver.answer() == (200, OK_BODY)
        assert ask_once(server) == (200, OK_BODY)
        last = server.stop()
        assert last["received"] == 4
        assert last["received"] == last["answered"] + last["abandoned"] + last["waiting"]
        assert last["abandoned"] >= 1


class TestStallServer:
    def test_who_arrives_in_the_stall_waits_for_its_end(self, stall: Callable[..., Any]) -> None:
        """The stall begins 0.1 s after the first request came: after it was sent, before it was answered."""
        server = stall("--service-ms", 1, "--stall-at", 0.1, "--stall-s", 0.5)
        answered_at: list[tuple[float, float]] = []
        with connected(server) as client:
            sent = time.monotonic()
            client.ask()
            answered = time.monotonic()
            while time.monotonic() < sent + 0.7:
                begin = time.monotonic()
                client.ask()
                answered_at.append((begin, time.monotonic()))
        caught = [end for begin, end in answered_at if answered + 0.1 <= begin < sent + 0.6 - 0.001]
        assert all(end >= sent + 0.6 for end in caught)
        assert any(end - begin > 0.1 for begin, end in answered_at)
        assert server.stop()["received"] == len(answered_at) + 1


class TestMisbehavingServer:
    """Each mode does what it says."""

    @pytest.mark.parametrize(
        ("mode", "answer"),
        [
            ("ok", (200, OK_BODY)),
            ("http500", (500, b"it broke\n")),
            ("http503", (503, b"too busy\n")),
            ("redirect", (302, b"")),
            ("204", (204, b"")),
            ("slow-header", (200, OK_BODY)),
        ],
    )
    def test_an_answer_that_never_changes(
        self, misbehaving: Callable[..., Any], mode: str, answer: tuple[int, bytes]
    ) -> None:
        server = misbehaving(mode)
        with connected(server) as client:
            assert [client.ask() for _ in range(3)] == [answer] * 3
        last = server.stop()
        assert (last["received"], last["answered"], last["spoilt"]) == (3, 3, 0)
        assert last["statuses"] == {str(answer[0]): 3}
        assert server.returncode == 0

    @pytest.mark.parametrize(("mode", "status"), [("errors", 500), ("429", 429)])
    def test_the_ratio_of_errors_is_exact(
        self, misbehaving: Callable[..., Any], mode: str, status: int
    ) -> None:
        server = misbehaving(mode, "--ratio", 0.3)
        with connected(server) as one, connected(server) as other:
            statuses = [client.ask()[0] for _ in range(50) for client in (one, other)]
        assert statuses.count(status) == 30
        assert max(len(list(run)) for code, run in itertools.groupby(statuses) if code == 200) <= 3
        assert server.stop()["statuses"] == {"200": 70, str(status): 30}

    def test_a_redirect_that_is_followed_is_counted(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("redirect")
        with connected(server) as client:
            client.send()
            status, headers = client.head()
            assert (status, headers["location"]) == (302, "/followed")
            client.ask(GET.replace(b"/work", headers["location"].encode()))
        assert server.stop()["followed"] == 1

    def test_hang_takes_requests_and_says_nothing(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("hang-after", "--after", 2)
        with connected(server) as client, connected(server) as other:
            assert [client.ask(), other.ask()] == [(200, OK_BODY)] * 2
            client.send()
            client.sock.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.answer()
        last = server.stop()
        assert (last["received"], last["answered"], last["spoilt"]) == (3, 2, 1)

    def test_short_closes_before_the_body_is_whole(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("short")
        with connected(server) as client:
            client.send()
            status, headers = client.head()
            assert (status, headers["content-length"], client.rest()) == (200, "100", b"x" * 50)
        assert server.stop()["spoilt"] == 1

    def test_endless_does_not_end(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("endless", "--pause-ms", 0)
        with connected(server) as client:
            client.send()
            client.head()
            seen = 0
            while seen < 5_000_000:
                seen += len(client.sock.recv(1 << 20))
        assert server.stop()["spoilt"] == 1

    def test_reset_resets(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("reset")
        with connected(server) as client:
            client.send()
            with pytest.raises(ConnectionResetError):
                client.answer()
        assert server.stop()["received"] == 1

    def test_garbage_is_no_http(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("garbage")
        with connected(server) as client:
            client.send()
            assert client.sock.recv(64) == bytes(range(128, 192))
        assert server.stop()["spoilt"] == 1

    def test_a_banner_comes_before_the_request(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("ssh-banner")
        with connected(server) as client:
            assert client.sock.recv(100) == b"SSH-2.0-OpenSSH_9.6\r\n"
            client.send()
            assert client.rest() == b""
        assert server.stop()["received"] == 1

    def test_close_each_says_so(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("close-each")
        with connected(server) as client:
            client.send()
            assert client.head()[1]["connection"] == "close"
            assert client.rest() == OK_BODY
        assert server.stop()["answered"] == 1

    def test_silent_close_comes_without_notice(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("silent-close-after", "--after", 2)
        for _ in range(2):
            with connected(server) as client:
                for _ in range(2):
                    client.send()
                    assert "connection" not in client.head()[1]
                    assert client.exactly(len(OK_BODY)) == OK_BODY
                assert client.rest() == b""
        assert server.stop()["connections"] == 2

    def test_chunked_is_right_and_in_pieces(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("chunked")
        with connected(server) as client:
            for _ in range(2):
                client.send()
                assert client.head()[1]["transfer-encoding"] == "chunked"
                assert client.chunks() == [OK_BODY[:1], OK_BODY[1:7], OK_BODY[7:]]
                assert client.through(b"\r\n\r\n") == b"X-Trailer: 1\r\n\r\n"
        assert server.stop()["answered"] == 2

    def test_no_length_ends_with_the_connection(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("no-length")
        with connected(server) as client:
            client.send()
            assert "content-length" not in client.head()[1]
            assert client.rest() == OK_BODY
        assert server.stop()["answered"] == 1

    def test_die_after_takes_the_process_away(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("die-after", "--after", 0.05)
        with connected(server) as client:
            assert client.ask() == (200, OK_BODY)
            assert client.rest() == b""
        assert server.process.wait(PATIENCE) == 1
        assert server.stop() == {}

    def test_big_is_as_big_as_asked(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("big", "--bytes", 3_000_000)
        assert ask_once(server) == (200, b"x" * 3_000_000)

    def test_interim_answers_come_before_the_final_one(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("continue100")
        with connected(server) as client:
            client.send()
            assert [client.head()[0], client.head()[0], client.answer()] == [100, 103, (200, OK_BODY)]

    def test_the_body_drifts_from_the_given_request_on(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("drift-body", "--after", 3)
        with connected(server) as client:
            answers = [json.loads(client.ask()[1])["answer"] for _ in range(5)]
        assert answers == [42, 42, 42, 43, 44]

    def test_the_body_drifts_only_under_load(self, misbehaving: Callable[..., Any]) -> None:
        server = misbehaving("drift-under-load", "--service-ms", 300)
        assert ask_once(server) == (200, OK_BODY)
        with connected(server) as one, connected(server) as other:
            one.send()
            other.send()
            assert one.answer() == other.answer() == (200, b'{"answer": 41}\n')
        assert ask_once(server) == (200, OK_BODY)
        assert server.stop()["drifted"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
@pytest.mark.parametrize(
    "arguments", [("queue_server.py",), ("stall_server.py",), ("misbehaving_server.py", "--mode", "ok")]
)
def test_a_server_dies_with_its_parent(arguments: tuple[str, ...]) -> None:
    """A parent that prints the ready line and leaves: its pipe ends only when the server has ended too."""
    script, *rest = arguments
    parent = (
        "import subprocess, sys\n"
        "server = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=sys.stdout)\n"
        "sys.stdout.write(server.stdout.readline().decode())\n"
    )
    command = [sys.executable, "-c", parent, sys.executable, str(SERVERS / script), *rest]
    ended = subprocess.run(command, stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
    assert json.loads(ended.stdout.splitlines()[0])["port"]
