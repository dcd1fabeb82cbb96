"""Targets that do one thing wrong: what the probe says of each, with every request in exactly one class.

`probe` checks CONTRACT's sums of every result; here stands what each fault is called and that the numbers are
the server's own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from assessments.store import open_store
from probes.errors import TargetError
from probes.events import Event, Phase, Second
from probes.load.spec import ClosedSegment, OpenSegment

ROOT = Path(__file__).resolve().parents[2]
SERVERS = Path(__file__).with_name("servers")
pytestmark = pytest.mark.usefixtures("load_alone")

Probe = Callable[..., Any]
Misbehaving = Callable[..., Any]


@pytest.fixture
def misbehaving(start_server: Callable[..., Any]) -> Misbehaving:
    return lambda mode, *options: start_server(SERVERS / "misbehaving_server.py", "--mode", mode, *options)


class Recording:
    """A server in threads of this process that keeps every request as text and gives one answer to all."""

    def __init__(self, answer: bytes, *, reads_body: bool = True) -> None:
        self.answer, self.reads_body = answer, reads_body
        self.seen: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.threads: list[threading.Thread] = []
        self.connections: list[socket.socket] = []
        self.acceptor = threading.Thread(target=self._accept)
        self.acceptor.start()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self.threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = stream.readline()
                    if not line:
                        return
                    head += line
                length = re.search(rb"Content-Length: (\d+)", head)
                body = stream.read(int(length[1])) if length and self.reads_body else b""
                self.seen.append((head + body).decode())
                connection.sendall(self.answer)
                if not self.reads_body:  # leave time to take the answer before the reset
                    connection.recv(1, socket.MSG_WAITALL)
                    connection.shutdown(socket.SHUT_WR)
                    while stream.read(65_536):
                        pass


# what is refused before any load is sent


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (
            "http500",
            r"answers 500 Internal Server Error to GET instead of 2xx \(it says: it broke\); correct",
        ),
        ("redirect", r"answers 302 Found to GET instead of 2xx"),
        ("http401", r"answers 401 Unauthorized to GET instead of 2xx"),
        ("bad-chunked", r"does not speak HTTP|is no|not a valid"),
        ("http503", r"answers 503 Service Unavailable"),
        ("garbage", r"does not speak HTTP: it said"),
        ("ssh-banner", r"does not speak HTTP: it said b'SSH-2.0-OpenSSH_9.6"),
        ("reset", r"closed the connection|cannot be asked: Connection reset"),
        ("short", r"closed the connection in the middle of its answer"),
        ("hang", r"gave no complete answer within 0.5 s; check that the service is healthy"),
    ],
)
def test_a_target_that_is_wrong_at_rest_is_not_put_under_load(
    mode: str, sentence: str, misbehaving: Misbehaving, probe: Probe
) -> None:
    """One request, one sentence."""
    server = misbehaving(mode)
    with pytest.raises(TargetError, match=sentence) as caught:
        probe(server.url, rate=50, timeout_s=0.5)
    assert "\n" not in str(caught.value)
    said = server.stop()
    assert (said["received"], said["followed"]) == (1, 0)


def test_the_first_answer_has_one_deadline_however_slowly_it_drips(
    misbehaving: Misbehaving, probe: Probe
) -> None:
    """60 bytes, one every 200 ms: each comes in time, the answer does not."""
    server = misbehaving("slow-header", "--pause-ms", 200)
    started = time.monotonic()
    with pytest.raises(TargetError, match="gave no complete answer within 1 s"):
        probe(server.url, rate=50, timeout_s=1.0)
    assert time.monotonic() - started < 6  # of 12


def test_nothing_listens(probe: Probe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TargetError, match=f"nothing listens on 127.0.0.1:{port}; start the service"):
        probe(f"http://127.0.0.1:{port}/", rate=50)


def test_another_answer_than_expected_at_rest(misbehaving: Misbehaving, probe: Probe) -> None:
    with pytest.raises(
        TargetError, match=r"does not match --expect-body '43'; it begins b'\{\"answer\": 42\}"
    ):
        probe(misbehaving("ok").url, rate=50, target={"expect_body": "43"})


# what comes up under load, by class


@pytest.mark.parametrize(
    ("mode", "name", "status"), [("errors", "status_5xx", "500"), ("429", "throttled", "429")]
)
def test_a_share_of_errors_is_counted_as_the_server_does(
    mode: str, name: str, status: str, misbehaving: Misbehaving, probe: Probe
) -> None:
    server = misbehaving(mode, "--ratio", 0.2)
    told = probe(server.url, rate=100)
    said = server.stop()
    assert told.errors() == {name: said["statuses"][status]} == {name: 20}
    assert told.step["ok"] + 1 == said["statuses"]["200"]
    assert said["received"] == told.result["client"]["requests_sent"] + 1


@pytest.mark.parametrize(
    ("mode", "expected", "name"),
    [
        ("http500", 500, "ok"),
        ("http503", 503, "ok"),
        ("redirect", 302, "ok"),
        ("204", 204, "ok"),
        ("204", None, "ok"),
        ("continue100", None, "ok"),
        ("chunked", None, "ok"),
        ("no-length", None, "ok"),
        ("close-each", None, "ok"),
        ("slow-header", None, "ok"),
        ("big", None, "ok"),
    ],
)
def test_odd_but_right_answers_are_good_ones(
    mode: str, expected: int | None, name: str, misbehaving: Misbehaving, probe: Probe
) -> None:
    """Also a status that is no success, where it is the one expected. A redirect is never followed."""
    server = misbehaving(mode, "--pause-ms", 0)
    told = probe(server.url, rate=60, target={"expect_status": expected})
    assert (told.step[name], told.errors()) == (60, {}), told.result["client"]["errors_seen"]
    said = server.stop()
    assert (said["received"], said["followed"], said["spoilt"]) == (61, 0, 0)


def test_an_answer_of_a_megabyte(misbehaving: Misbehaving, probe: Probe) -> None:
    server = misbehaving("big", "--bytes", 1_500_000)
    told = probe(server.url, rate=20, target={"expect_body": "^x+$"})
    assert (told.step["ok"], told.errors()) == (20, {})


def test_hanging_after_a_while_is_a_time_out(misbehaving: Misbehaving, probe: Probe) -> None:
    """The wait that was given up counts in the percentiles, as long as it was."""
    server = misbehaving("hang-after", "--after", 41)
    told = probe(server.url, rate=80, timeout_s=0.3)
    step = told.step
    assert (step["ok"], step["timeouts"], told.errors()) == (40, 40, {})
    assert step["censored"] == 40
    assert step["response_ms"]["max"] >= 300
    assert step["response_ms"]["p90"] >= 300
    said = server.stop()
    assert (said["received"], said["early_closed"]) == (81, 40)


def test_what_hangs_at_the_end_of_the_load_is_waited_for_no_longer_than_the_time_out(
    misbehaving: Misbehaving, probe: Probe
) -> None:
    """In a closed loop every caller ends in a time-out, and sends again."""
    server = misbehaving("hang-after", "--after", 1)
    told = probe(server.url, segments=(ClosedSegment(4, 1.0),), warmup_s=0.0, timeout_s=0.4)
    step = told.step
    assert step["ok"] == 0
    assert step["timeouts"] == step["sent"] == step["scheduled"] >= 4
    assert step["sent"] % 4 == 0
    # where others keep the machine busy the client may be at fault too, and says so
    assert told.grade in ("insufficient", "client_limited")


@pytest.mark.parametrize(
    ("mode", "name"),
    [("short", "protocol"), ("garbage", "protocol"), ("bad-chunked", "protocol"), ("reset", "reset")],
)
def test_what_breaks_every_answer_under_load(
    mode: str, name: str, misbehaving: Misbehaving, engine: Any
) -> None:
    """(The probe would refuse it at rest; the engine alone does not ask before.)"""
    server = misbehaving(mode)
    found = engine(server.url, rate=60)
    assert found.step.errors[name] == found.step.sent == 60
    assert len(found.notes) == 1
    said = server.stop()
    assert (said["received"], said["spoilt"]) == (60, 60)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("redirect", "redirect"),
        ("http401", "status_4xx"),
        ("http500", "status_5xx"),
        ("http503", "throttled"),
    ],
)
def test_answers_of_another_kind_under_load(
    mode: str, name: str, misbehaving: Misbehaving, engine: Any
) -> None:
    """A redirect is not followed; every other class is 0."""
    server = misbehaving(mode)
    found = engine(server.url, rate=60)
    assert {kind: count for kind, count in found.step.errors.items() if count} == {name: 60}
    said = server.stop()
    assert (said["received"], said["followed"]) == (60, 0)


def test_an_endless_answer_is_a_time_out_and_takes_no_memory(misbehaving: Misbehaving, engine: Any) -> None:
    """A chunked body as fast as it is read, kept for --expect-body: only the first MiB of each is."""
    server = misbehaving("endless", "--pause-ms", 0)
    found = engine(server.url, rate=10, seconds=0.5, timeout_s=0.5, expect_body="never there")
    assert (found.step.timeouts, found.step.sent) == (5, 5)
    assert found.bytes_read > 10_000_000
    assert found.grew_bytes < 30e6


def test_closing_connections_between_answers_breaks_no_sum(misbehaving: Misbehaving, probe: Probe) -> None:
    """The server closes without a word after each third answer on a connection. A request that crosses with
    that was not answered: `reset`; all others are good, on new connections."""
    server = misbehaving("silent-close-after", "--after", 3)
    told = probe(server.url, rate=60)
    step, said = told.step, server.stop()
    assert step["ok"] + step["errors"]["reset"] == step["sent"] == 60
    assert set(told.errors()) <= {"reset"}
    assert step["errors"]["reset"] <= 20
    assert said["answered"] == step["ok"] + 1
    assert said["connections"] >= 20


def test_a_server_that_dies_ends_the_run_with_what_was_measured(
    misbehaving: Misbehaving, probe: Probe
) -> None:
    server = misbehaving("die-after", "--after", 3)
    told = probe(server.url, rate=50, seconds=60)
    run, step = told.result["run"], told.step
    assert run["status"] == "failed"
    assert run["reason"] == f"the target's process {server.pid} ended while it was under load"
    assert run["seconds"] < 30  # of 60
    assert step["ok"] >= 20
    assert sum(step["errors"].values()) + step["cancelled"] + step["timeouts"] == step["sent"] - step["ok"]
    assert set(told.errors()) <= {"connect", "reset", "protocol"}
    assert told.events_of(Second)


def test_a_service_that_dies_in_a_search_ends_it(misbehaving: Misbehaving, probe: Probe) -> None:
    server = misbehaving("die-after", "--after", 3)
    told = probe(server.url, budget_s=60.0)
    assert told.result["run"]["status"] == "failed"
    assert told.result["run"]["seconds"] < 30
    assert told.result["capacity"]["bound"] in ("indeterminate", "provisional")
    assert told.result["steps"]


# requests


def test_head(misbehaving: Misbehaving, probe: Probe) -> None:
    """The answer to HEAD announces a body that does not come. One that comes all the same is an error."""
    with Recording(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n") as server:
        told = probe(server.url, rate=40, target={"method": "HEAD"})
    assert (told.step["ok"], told.errors()) == (40, {})
    assert {request.split(" ")[0] for request in server.seen} == {"HEAD"}
    told = probe(misbehaving("ok").url, rate=40, target={"method": "HEAD"})
    assert told.errors() == {"protocol": 40}


def test_an_answer_that_does_not_match_is_an_assertion(misbehaving: Misbehaving, probe: Probe) -> None:
    server = misbehaving("drift-body", "--after", 11)
    told = probe(server.url, rate=40, target={"expect_body": r'"answer": 42\b'})
    assert (told.step["ok"], told.errors()) == (10, {"assertion": 30})
    assert told.result["client"]["errors_seen"]["assertion"] == (
        "an answer does not match '\"answer\": 42\\\\b'"
    )


def test_large_bodies_are_sent_whole(misbehaving: Misbehaving, probe: Probe) -> None:
    """2 MB fit into no socket buffer: each request is sent in parts."""
    server = misbehaving("ok")
    told = probe(server.url, rate=20, target={"body": b"x" * 2_000_000})
    assert (told.step["ok"], told.errors()) == (20, {})
    assert server.stop()["received"] == 21


def test_an_answer_before_the_request_was_sent_whole(probe: Probe) -> None:
    """A server that refuses a large body without reading it: the status counts, not a time-out."""
    answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    with Recording(answer, reads_body=False) as server:
        target = {"body": b"x" * 20_000_000, "expect_status": 413}
        told = probe(server.url, rate=10, timeout_s=8.0, target=target)
    assert (told.step["ok"], told.step["timeouts"], told.errors()) == (10, 0, {})


def test_bodies_are_sent_in_turn(probe: Probe) -> None:
    bodies = [b'{"n": 0}', b'{"n": 11}', b'{"n": 222}']
    with Recording(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        told = probe(server.url, rate=60, connections=1, target={"bodies": bodies})
    assert told.step["ok"] == 60
    sent = [request.split("\r\n\r\n", 1)[1].encode() for request in server.seen]
    assert sent == [bodies[0], *(bodies[k % 3] for k in range(60))]
    assert all(f"\r\nContent-Length: {len(body)}\r\n" in request
               for request, body in zip(server.seen, sent, strict=True))  # fmt: skip
    assert server.seen[0] == server.seen[1], "what is asked first is, byte for byte, what load sends"


def test_a_post_without_a_body_says_so(probe: Probe) -> None:
    """Without Content-Length: 0 some servers answer 411. What it takes was asked for before."""
    with Recording(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        probe(server.url, rate=20, target={"method": "POST"})
    asked = [request.split(" HTTP/1.1", 1)[0] for request in server.seen if request.startswith("GET")]
    assert asked == ["GET /openapi.json", "GET /docs.json"]
    sent = server.seen[2:]
    assert len(sent) == 21
    assert set(sent) == {sent[0]}
    assert "\r\nContent-Length: 0\r\n" in sent[0]


# stopping


@pytest.mark.parametrize("load", ["open", "closed", "search", "warm-up"])
def test_a_stop_ends_the_sending_at_once(load: str, start_server: Callable[..., Any], probe: Probe) -> None:
    """Of a minute of load; not one request reaches the server afterwards, and what was measured is kept."""
    server = start_server(SERVERS / "queue_server.py", "--workers", 4, "--service-ms", 20)
    stop = threading.Event()
    asked: list[float] = []

    def stop_soon(event: Event) -> None:
        first = isinstance(event, Phase) if load == "warm-up" else isinstance(event, Second)
        if first and not asked:
            asked.append(time.monotonic())
            stop.set()

    spec: dict[str, Any] = {
        "open": {"rate": 100, "seconds": 60},
        "closed": {"segments": (ClosedSegment(8, 60.0),), "warmup_s": 0.0},
        "search": {"budget_s": 60.0, "warmup_s": 0.0},
        "warm-up": {"segments": (OpenSegment(100, 100, 60),), "warmup_s": 60.0},
    }[load]
    told = probe(server.url, stop=stop, on_event=stop_soon, **spec)
    took = time.monotonic() - asked[0]
    assert took < 6  # of 58; some tenths of a second where the machine is not busy
    assert told.result["run"]["status"] == "interrupted"
    assert told.result["run"]["reason"] == "stopped by the person who started it"
    assert (told.total("ok") > 0) == (load != "warm-up")
    said = server.stop()
    assert said["received"] <= told.result["client"]["requests_sent"] + 1
    assert said["received"] >= told.result["client"]["requests_sent"] + 1 - told.total("cancelled")
    assert not workers_of(psutil.Process())


def test_a_request_under_way_is_cancelled_by_a_stop(misbehaving: Misbehaving, probe: Probe) -> None:
    """Not a failure of the target: it might have answered."""
    server = misbehaving("hang-after", "--after", 11)
    stop = threading.Event()
    told = probe(
        server.url, rate=20, seconds=60, stop=stop, timeout_s=30.0,
        on_event=lambda event: stop.set() if isinstance(event, Second) else None,
    )  # fmt: skip
    step = told.step
    assert (step["ok"], step["timeouts"], told.errors(), step["unsent"]) == (10, 0, {}, 0)
    assert step["cancelled"] == step["sent"] - 10 >= 8
    assert step["sent"] < 200  # of 1,200: what would have been due later was never due
    assert server.stop()["early_closed"] == step["cancelled"]


def test_killing_the_coordinator_ends_the_load_and_keeps_its_seconds(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """kill -9 leaves nobody to tidy up: the worker dies by itself, the store knows the run as interrupted."""
    server = start_server(SERVERS / "queue_server.py", "--workers", 4, "--service-ms", 5)
    store = tmp_path / "store.sqlite"
    options = ("--rate", "50", "--duration", "120s", "--warmup", "0", "--store", str(store))
    with loadstone("probe", server.url, *options, "--events", "-", cwd=tmp_path) as running:
        seen: list[dict[str, Any]] = []
        assert running.stdout is not None
        for line in running.stdout:
            seen.append(json.loads(line))
            if [event["event"] for event in seen].count("second") == 3:
                break
        workers = workers_of(psutil.Process(running.pid))
        assert workers
        running.kill()
        running.wait()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert not alive
    with loadstone("list", "--store", str(store), "--json", "-", cwd=tmp_path) as listing:
        (run,) = json.loads(listing.communicate()[0])["runs"]
    assert run["status"] == "interrupted"
    with open_store(str(store)) as opened:
        seconds = opened.run("last").seconds
    told = [event["ok"] for event in seen if event["event"] == "second"]
    assert len(seconds) >= 2  # of three; what is told is written within a second
    assert [second["ok"] for second in seconds][:3] == told[: len(seconds)]


def test_interrupting_the_command_line_ends_with_130(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """One SIGINT, as Ctrl-C sends it to the whole group: what was measured is printed."""
    server = start_server(SERVERS / "queue_server.py", "--workers", 4, "--service-ms", 5)
    options = ("--rate", "50", "--duration", "120s", "--warmup", "0", "--no-store", "--events", "-")
    options += ("--no-self-report",)  # which would be counted too
    with loadstone("probe", server.url, *options, cwd=tmp_path, process_group=0) as running:
        assert running.stdout is not None
        events = []
        for line in running.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "second" and len(events) < 20:
                os.killpg(running.pid, signal.SIGINT)
                break
        rest = running.stdout.read().splitlines()
        assert running.wait() == 130
    result = json.loads(rest[-1])["result"]
    assert result["run"]["status"] == "interrupted"
    assert result["steps"][0]["ok"] > 0
    assert server.stop()["received"] == result["client"]["requests_sent"] + result["client"]["checks_sent"]


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """The load processes below a coordinator."""
    return [child for child in process.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]


def loadstone(*argv: str, cwd: Path, **more: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own, run from this checkout."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(cwd / "state")}
    return subprocess.Popen(
        [sys.executable, "-m", "loadstone", *argv],
        cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, **more,
    )  # fmt: skip
