"""The demo service: what it recommends, how it speaks HTTP, what it counts, and how it begins and ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import numpy as np
import pytest

from resources.demo import shop, trees

SCRIPT = "resources/demo/recommender.py"
QUESTION = {"user": 17, "basket": [3, 99], "k": 10}
PATIENCE = 30.0

StartServer = Callable[..., Any]
Answer = tuple[int, dict[str, str], bytes]


SMALL = (SCRIPT, "--port", 0, "--items", 4_000)
"""A shop of a fifth of the usual size."""


@pytest.fixture
def server(start_server: StartServer) -> Any:
    """A service of the test's own, for what it counts and how it ends."""
    return start_server(*SMALL)


@pytest.fixture(scope="module")
def shared(start_shared_server: StartServer) -> Any:
    """A service for what does not depend on what it was asked before."""
    return start_shared_server(*SMALL)


@contextmanager
def connected(server: Any) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def raw(server: Any) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
        yield sock


def ask(connection: HTTPConnection, method: str, path: str, body: object = None) -> Answer:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data)
    response = connection.getresponse()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def ask_once(server: Any, method: str, path: str, body: object = None) -> Answer:
    with connected(server) as connection:
        return ask(connection, method, path, body)


def to_the_end(sock: socket.socket) -> bytes:
    """All that comes until the server closes."""
    data = b""
    while piece := sock.recv(65_536):
        data += piece
    return data


def post(body: object, *headers: str) -> bytes:
    data = json.dumps(body).encode()
    lines = ["POST /recommend HTTP/1.1", f"Content-Length: {len(data)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


def series(text: str) -> dict[str, float]:
    """The series of a Prometheus exposition; every line is a comment or has a name and a value."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture(scope="module")
def small() -> shop.Shop:
    """The same shop, in this process."""
    return shop.Shop(items=4_000, seed=7)


class TestShop:
    """The recommender itself, without a server."""

    def test_it_shows_k_items_best_first_and_none_twice(self, small: shop.Shop) -> None:
        for k in (1, 10, shop.MAX_K):
            shown = small.recommend(17, [3, 99], k)
            assert len({item.item for item in shown}) == k
            assert [item.score for item in shown] == sorted((item.score for item in shown), reverse=True)
            assert all(0.0 < item.score < 1.0 and item.price > 0.0 for item in shown)

    def test_what_is_in_the_basket_is_not_shown(self, small: shop.Shop) -> None:
        best = [item.item for item in small.recommend(17, [], 5)]
        assert not set(best) & {item.item for item in small.recommend(17, best, shop.MAX_K)}

    def test_what_is_not_in_stock_is_not_shown(self, small: shop.Shop) -> None:
        stock = small._catalogue.stock
        assert (stock == 0).any()
        for user in range(20):
            assert all(stock[item.item] > 0 for item in small.recommend(user, [], shop.MAX_K))

    def test_one_category_does_not_fill_the_page(self, small: shop.Shop) -> None:
        """A category goes over the limit only when each shows as many as it may, or all it has for sale."""
        limit = shop.MAX_PER_CATEGORY
        within = 0
        for user in range(30):
            shown = Counter(item.category for item in small.recommend(user, [], 10))
            candidates, _ = small._retrieve(user, [])
            for_sale = candidates[small._catalogue.stock[candidates] > 0]
            available = Counter(small._catalogue.category[for_sale].tolist())
            if max(shown.values()) > limit:
                assert all(shown[category] >= min(limit, available[category]) for category in available)
            else:
                within += 1
        assert within > 0

    def test_the_basket_moves_the_choice(self, small: shop.Shop) -> None:
        assert small.recommend(17, [], 10) != small.recommend(17, [2_000, 2_001], 10)

    def test_retrieval_finds_the_nearest_of_all(self, small: shop.Shop) -> None:
        candidates, similarity = small._retrieve(17, [3])
        left_out = np.setdiff1d(np.arange(small.items), candidates)
        assert len(candidates) == shop.CANDIDATES
        assert similarity.min() >= small._similarity[left_out].max()

    def test_the_models_have_learned_what_sells(self, small: shop.Shop) -> None:
        """What users click follows similarity, so over a user's candidates the score does as well."""
        correlations = []
        for user in range(10):
            candidates, similarity = small._retrieve(user, [3])
            score = small._click.score(small._describe(user, [3], candidates, similarity))
            correlations.append(np.corrcoef(score, similarity)[0, 1])
        assert np.mean(correlations) > 0.2

    def test_a_shop_is_its_seed(self, small: shop.Shop) -> None:
        again, other = shop.Shop(items=4_000, seed=7), shop.Shop(items=4_000, seed=8)
        assert again.recommend(17, [3], 10) == small.recommend(17, [3], 10) != other.recommend(17, [3], 10)

    def test_a_shop_with_nothing_to_choose_from_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 1000"):
            shop.Shop(items=999)


def test_trees_add_the_leaf_that_their_questions_lead_to() -> None:
    """Blocks and buffers against one tree, one row and one question at a time."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((5, 30)).astype(np.float32)
    questions = rng.integers(0, 5, (100, 3))
    thresholds = rng.standard_normal((100, 3)).astype(np.float32)
    leaves = rng.standard_normal((100, 8)).astype(np.float32)
    expected = np.zeros(30)
    for row in range(30):
        for question, threshold, values in zip(questions, thresholds, leaves, strict=True):
            answers = [features[q, row] > t for q, t in zip(question, threshold, strict=True)]
            expected[row] += values[int("".join("01"[int(answer)] for answer in answers), 2)]
    model = trees.BoostedTrees(questions, thresholds, leaves, rows=30)
    np.testing.assert_allclose(model.score(features), expected, rtol=1e-4, atol=1e-4)
    assert model.score(features).tobytes() == model.score(features).tobytes()


class TestAnswers:
    def test_equal_requests_give_equal_bytes(self, shared: Any, start_server: StartServer) -> None:
        """As POST and as GET, now and later, here and from another process with the same seed."""
        twin = start_server(*SMALL)
        with connected(shared) as connection:
            first = ask(connection, "POST", "/recommend", QUESTION)
            for user in range(20):
                ask(connection, "POST", "/recommend", {**QUESTION, "user": user})
            again = ask(connection, "POST", "/recommend", QUESTION)
            as_get = ask(connection, "GET", "/recommend?user=17&basket=3,99&k=10")
        elsewhere = ask_once(twin, "POST", "/recommend", QUESTION)
        assert first == again == as_get == elsewhere
        status, headers, body = first
        assert (status, headers["content-type"]) == (200, "application/json")
        told = json.loads(body)
        assert told["user"] == 17
        assert len(told["items"]) == 10
        assert set(told["items"][0]) == {"item", "score", "category", "price"}

    def test_basket_and_k_may_be_left_out(self, shared: Any) -> None:
        full = ask_once(shared, "POST", "/recommend", {"user": 5, "basket": [], "k": 10})
        assert full == ask_once(shared, "POST", "/recommend", {"user": 5})
        assert full == ask_once(shared, "GET", "/recommend?user=5")

    def test_it_is_alive_and_ready(self, shared: Any) -> None:
        assert ask_once(shared, "GET", "/healthz")[::2] == (200, b'{"status":"alive"}\n')
        assert ask_once(shared, "GET", "/readyz")[::2] == (200, b'{"status":"ready"}\n')

    def test_the_catalogue_has_an_example_that_works(self, shared: Any) -> None:
        status, _, body = ask_once(shared, "GET", "/")
        told = json.loads(body)
        assert (status, told["service"], told["items"]) == (200, "shop-recommender", 4_000)
        assert "POST /recommend" in told["endpoints"]
        example = told["example"]
        assert ask_once(shared, example["method"], example["path"], example["body"])[0] == 200

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "not JSON"),
            (b'{"user": 17', "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 10_000, "not JSON"),
            (b"[1, 2]", "an object"),
            ({}, "user is a whole number"),
            ({"user": "17"}, "user is a whole number"),
            ({"user": True}, "user is a whole number"),
            ({"user": 17.0}, "user is a whole number"),
            ({"user": -1}, "user -1 is unknown"),
            ({"user": 5_000}, "user 5000 is unknown"),
            ({"user": 10**400}, "is unknown"),
            ({"user": 17, "k": 0}, "k must be 1 to 50"),
            ({"user": 17, "k": 51}, "k must be 1 to 50"),
            ({"user": 17, "basket": 3}, "basket is a list"),
            ({"user": 17, "basket": [None]}, "an item of the basket"),
            ({"user": 17, "basket": [4_000]}, "item 4000 is unknown"),
            ({"user": 17, "basket": [1] * 51}, "at most 50"),
        ],
    )
    def test_a_bad_question_is_the_askers_fault(self, shared: Any, body: object, why: str) -> None:
        with connected(shared) as connection:
            status, _, told = ask(connection, "POST", "/recommend", body)
            assert status == 400
            assert why in json.loads(told)["error"]
            assert ask(connection, "POST", "/recommend", QUESTION)[0] == 200

    @pytest.mark.parametrize("query", ["", "?user=x", "?user=17&basket=a", "?user=17&k=", "?user=99999"])
    def test_a_bad_query_is_the_askers_fault(self, shared: Any, query: str) -> None:
        assert ask_once(shared, "GET", f"/recommend{query}")[0] == 400

    def test_unknown_paths_and_methods_are_refused(self, shared: Any) -> None:
        assert ask_once(shared, "GET", "/nothing")[0] == 404
        status, headers, _ = ask_once(shared, "DELETE", "/recommend")
        assert (status, headers["allow"]) == (405, "GET, POST, HEAD")
        assert ask_once(shared, "POST", "/healthz", {})[0] == 405


class TestHttp:
    def test_pipelined_requests_are_answered_in_order(self, shared: Any) -> None:
        """Good, bad and cheap ones in one piece, the last one cut in two."""
        last = post({**QUESTION, "user": 2}, "Connection: close")
        sent = post({**QUESTION, "user": 1}) + b"GET /healthz HTTP/1.1\r\n\r\n" + post({}) + last
        with raw(shared) as sock:
            sock.sendall(sent[:-20])
            sock.sendall(sent[-20:])
            came = to_the_end(sock)
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", came)]
        assert statuses == [200, 200, 400, 200]
        marks = [came.find(mark) for mark in (b'"user":1,', b'"status":"alive"', b'"error"', b'"user":2,')]
        assert marks == sorted(marks)
        for user in (1, 2):
            assert ask_once(shared, "POST", "/recommend", {**QUESTION, "user": user})[2] in came

    def test_more_pipelined_requests_than_it_holds_are_all_answered(self, shared: Any) -> None:
        with raw(shared) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * 500)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert to_the_end(sock).count(b"HTTP/1.1 200 OK") == 501

    def test_a_request_may_come_in_crumbs(self, shared: Any) -> None:
        whole = post(QUESTION, "Connection: close")
        with raw(shared) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for begin in range(0, len(whole), 7):
                sock.sendall(whole[begin : begin + 7])
            assert to_the_end(sock).startswith(b"HTTP/1.1 200 OK")

    def test_a_chunked_body_is_read(self, shared: Any) -> None:
        data = json.dumps(QUESTION).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (data[:5], data[5:])) + b"0\r\n\r\n"
        head = b"POST /recommend HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        with raw(shared) as sock:
            sock.sendall(head + chunks)
            assert to_the_end(sock).endswith(ask_once(shared, "POST", "/recommend", QUESTION)[2])

    def test_connections_are_kept_and_closed_as_asked(self, shared: Any) -> None:
        with raw(shared) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert b"Connection: keep-alive" in sock.recv(65_536)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert b"Connection: close" in to_the_end(sock)
        with raw(shared) as sock:
            sock.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert b"Connection: close" in to_the_end(sock)

    def test_head_has_the_length_and_no_body(self, shared: Any) -> None:
        _, get, body = ask_once(shared, "GET", "/recommend?user=17")
        status, head, nothing = ask_once(shared, "HEAD", "/recommend?user=17")
        assert (status, nothing, head["content-length"]) == (200, b"", str(len(body)))
        assert head == get

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"POST /recommend HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + b" " * 20_000, 413),
            (b"POST /recommend HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + b" " * 20_000, 413),
            (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 20_000, 431),
            (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400),
            (b"GET /healthz HTTP/1.1\r\nContent-Length: 9" + b"9" * 5_000 + b"\r\n\r\n", 400),
        ],
        ids=["length", "chunks", "head", "ssh", "digits"],
    )
    def test_what_is_too_large_or_no_http_is_refused_and_the_connection_closed(
        self, shared: Any, sent: bytes, status: int
    ) -> None:
        with raw(shared) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" + sent)
            came = to_the_end(sock)
        assert [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+)", came)] == [200, status]
        assert ask_once(shared, "GET", "/healthz")[0] == 200

    def test_expect_continue_is_answered_before_the_body_comes(self, shared: Any) -> None:
        whole = post(QUESTION, "Expect: 100-continue", "Connection: close")
        end = whole.index(b"\r\n\r\n") + 4
        with raw(shared) as sock:
            sock.sendall(whole[:end])
            assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(whole[end:])
            assert to_the_end(sock).startswith(b"HTTP/1.1 200 OK")

    def test_an_offer_to_upgrade_is_passed_over(self, shared: Any) -> None:
        with raw(shared) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            assert to_the_end(sock).startswith(b"HTTP/1.1 200 OK")


class TestMetrics:
    def test_they_count_exactly_the_requests_sent(self, server: Any) -> None:
        with connected(server) as one, connected(server) as other:
            for number in range(15):
                ask(one, "POST", "/recommend", {**QUESTION, "user": number})
                ask(other, "GET", f"/recommend?user={number}")
            for _ in range(4):
                ask(other, "POST", "/recommend", {"user": -1})
            ask(one, "GET", "/wp-login.php")
            status, headers, body = ask(one, "GET", "/metrics")
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        found = series(body.decode())
        requests = {name: value for name, value in found.items() if name.startswith("http_requests_total")}
        assert requests == {
            'http_requests_total{path="/recommend",status="200"}': 30,
            'http_requests_total{path="/recommend",status="400"}': 4,
            'http_requests_total{path="other",status="404"}': 1,
        }
        buckets = [value for name, value in found.items() if 'bucket{path="/recommend"' in name]
        assert buckets == sorted(buckets)
        assert buckets[-1] == found['http_request_duration_seconds_count{path="/recommend"}'] == 34
        assert found['http_request_duration_seconds_sum{path="/recommend"}'] > 0.0

    def test_they_tell_of_the_process(self, server: Any) -> None:
        found = series(ask_once(server, "GET", "/metrics")[2].decode())
        assert found["http_requests_in_flight"] == 1
        assert found["process_resident_memory_bytes"] > 10e6
        assert 0.0 < found["process_cpu_seconds_total"] < 60.0

    def test_requests_in_the_line_are_in_flight(self, server: Any) -> None:
        """Eleven pipelined requests stand in the line before the first of them, the scrape, is served."""
        with raw(server) as sock:
            sock.sendall(
                b"GET /metrics HTTP/1.1\r\n\r\n" + post(QUESTION) * 9 + post(QUESTION, "Connection: close")
            )
            came = to_the_end(sock).decode()
        assert "http_requests_in_flight 11\n" in came

    def test_a_client_that_hung_up_is_counted_and_not_served(self, server: Any) -> None:
        """The line is long when it hangs up, and serving the line takes far longer than hanging up."""
        with raw(server) as patient, raw(server) as hasty:
            patient.sendall(post(QUESTION) * 59 + post(QUESTION, "Connection: close"))
            hasty.sendall(post({**QUESTION, "user": 1}))
            hasty.close()
            to_the_end(patient)
        found = series(ask_once(server, "GET", "/metrics")[2].decode())
        assert found['http_requests_total{path="/recommend",status="200"}'] == 60
        assert found['http_requests_total{path="/recommend",status="499"}'] == 1


class TestProcess:
    def test_the_ready_line_says_who_and_where(self, shared: Any) -> None:
        assert shared.ready == {
            "service": "shop-recommender",
            "host": "127.0.0.1",
            "port": shared.port,
            "pid": shared.process.pid,
        }

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_with_0(self, server: Any, number: signal.Signals) -> None:
        with raw(server) as idle:
            server.process.send_signal(number)
            assert server.process.wait(PATIENCE) == 0
            assert idle.recv(1) == b""

    def test_who_stands_in_the_line_is_answered_before_the_end(self, server: Any) -> None:
        with raw(server) as sock:
            sock.sendall(post(QUESTION) * 20)
            first = sock.recv(1)  # the others are in the line by now
            server.process.terminate()
            came = first + to_the_end(sock)
        assert came.count(b"HTTP/1.1 200 OK") == 20
        assert came.count(b"Connection: close") == 1
        assert server.process.wait(PATIENCE) == 0

    def test_it_runs_as_a_module_too(self) -> None:
        command = [sys.executable, "-m", "resources.demo.recommender", "--port", "0", "--items", "1000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_root()) as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            process.terminate()
        assert ready["pid"] == process.pid
        assert process.returncode == 0

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (["--host", "0.0.0.0"], "not on this machine"),
            (["--host", "example.org"], "not on this machine"),
            (["--items", "10"], "1000 or more"),
            (["--port", "70000"], "cannot listen"),
        ],
    )
    def test_what_it_cannot_do_it_refuses_with_2(self, arguments: list[str], why: str) -> None:
        ended = subprocess.run(
            [sys.executable, SCRIPT, "--port", "0", *arguments],
            capture_output=True,
            text=True,
            cwd=_root(),
            timeout=PATIENCE,
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        assert why in ended.stderr

    def test_a_port_in_use_is_refused_with_2(self, shared: Any) -> None:
        command = [sys.executable, SCRIPT, "--port", str(shared.port)]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=_root(), timeout=PATIENCE)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "cannot listen" in ended.stderr

    @pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
    def test_it_dies_with_its_parent_when_asked_to(self) -> None:
        """A parent that prints the ready line and leaves: our pipe ends only when the service has too."""
        parent = (
            "import subprocess, sys\n"
            "service = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=sys.stdout)\n"
            "sys.stdout.write(service.stdout.readline().decode())\n"
        )
        service = [sys.executable, SCRIPT, "--port", "0", "--items", "1000", "--die-with-parent"]
        ended = subprocess.run(
            [sys.executable, "-c", parent, *service],
            stdout=subprocess.PIPE,
            cwd=_root(),
            timeout=PATIENCE,
            check=True,
        )
        assert json.loads(ended.stdout)["service"] == "shop-recommender"


def _root() -> str:
    """The root of this checkout."""
    return __file__.partition("/tests/resources/")[0]
