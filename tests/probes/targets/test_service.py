"""Services that are started, waited for and taken down, with real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import probes
from probes.errors import InternalError, TargetError
from probes.targets.service import LOG_BYTES, Service
from probes.watch.process import alive, identify
from probes.watch.table import ProcessId

DEADLINE_S = 30.0

PRELUDE = """
import http.server, json, os, signal, socket, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass

def serve(port=0, say=True):
    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    if say:
        print(json.dumps({"port": server.server_port, "model": "m"}), flush=True)
    server.serve_forever()

def note(name):
    "Leaves our pid in a file, whole at once."
    path = os.path.join(os.environ["NOTES"], name)
    with open(path + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".part", path)
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs orphans to be adopted")


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], list[str]]:
    """Writes a script and returns the command that runs it."""

    def write(text: str) -> list[str]:
        path = tmp_path / f"service{len(list(tmp_path.glob('service*.py')))}.py"
        path.write_text(PRELUDE + textwrap.dedent(text))
        return [sys.executable, str(path)]

    return write


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"NOTES": str(tmp_path)}


@pytest.fixture
def noted(tmp_path: Path) -> Callable[[str], ProcessId]:
    """Waits until a process has left its pid under a name, and returns its identity."""

    def wait(name: str) -> ProcessId:
        path = tmp_path / name
        wait_until(path.exists)
        process = identify(int(path.read_text()))
        assert process is not None
        return process

    return wait


@pytest.fixture
def stranger() -> Iterator[int]:
    """Another server that answers everything with 200; its port."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(port: int | None) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port or 0), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_service_that_says_its_port_is_ready_then(command: Callable[..., list[str]]) -> None:
    with Service(command("print('loading'); serve()")) as service:
        assert service.ready_line == {"port": service.port, "model": "m"}
        assert answers(service.port)
        assert service.address == f"http://127.0.0.1:{service.port}"
        assert service.pid in [process.pid for process in service.processes()]
        process = identify(service.pid)
        assert service.exit_status is None
        assert os.getsid(service.pid) == os.getpgid(service.pid) == service.pid
    assert process is not None
    assert not alive(process)
    assert not answers(service.port)
    assert service.exit_status == -signal.SIGTERM
    assert service.log_text().startswith("loading\n")


def test_a_service_that_answers_on_its_port_is_ready(command: Callable[..., list[str]]) -> None:
    port = free_port()
    with Service(command(f"serve({port}, say=False)"), port=port, ready_path="/health") as service:
        assert answers(port)
        assert service.port == port
    assert not answers(port)


def test_a_worker_of_the_service_may_be_the_one_that_answers(command: Callable[..., list[str]]) -> None:
    port = free_port()
    text = f"""
        if os.fork() == 0:
            serve({port}, say=False)
        signal.pause()
        """
    with Service(command(text), port=port, ready_path="health"):
        assert answers(port)
    assert not answers(port)


def test_an_error_of_the_server_is_not_ready(command: Callable[..., list[str]]) -> None:
    port = free_port()
    text = f"Handler.status = 503; serve({port}, say=False)"
    service = Service(command(text), port=port, ready_path="/health", deadline_s=1)
    with pytest.raises(TargetError, match=r"not ready within 1 s: .*/health answers with status 503"):
        service.start()
    assert not answers(port)


def test_an_error_of_the_client_is_ready(command: Callable[..., list[str]]) -> None:
    port = free_port()
    text = f"Handler.status = 404; serve({port}, say=False)"
    with Service(command(text), port=port, ready_path="/health"):
        pass


def test_a_service_that_never_gets_ready_is_taken_down(
    command: Callable[..., list[str]], environment: dict[str, str], noted: Callable[[str], ProcessId]
) -> None:
    text = "print('still loading', flush=True); note('it'); signal.pause()"
    service = Service(command(text), environment=environment, deadline_s=1)
    failure: list[BaseException] = []

    def start() -> None:
        with pytest.raises(TargetError, match="the last it printed: still loading") as caught:
            service.start()
        failure.append(caught.value)

    thread = threading.Thread(target=start)
    thread.start()
    process = noted("it")
    thread.join()
    assert failure
    assert "\n" not in str(failure[0])
    assert not alive(process)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "sys.stderr.write('\\x1b[31mno model\\x1b[0m here\\n\\n'); sys.exit(3)",
            "exit code 3 .*: no model here$",
        ),
        ("raise ValueError('no such model')", "exit code 1 .*: ValueError: no such model$"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "was ended by SIGKILL before it was ready; it printed nothing$",
        ),
        ("pass", "exit code 0 before it was ready; it printed nothing$"),
    ],
)
@pytest.mark.parametrize("ready_path", [None, "/"])
def test_a_service_that_ends_early_is_reported_with_its_last_words(
    command: Callable[..., list[str]], text: str, says: str, ready_path: str | None
) -> None:
    port = None if ready_path is None else free_port()
    service = Service(command(text), port=port, ready_path=ready_path, deadline_s=DEADLINE_S)
    with pytest.raises(TargetError, match=says):
        service.start()


def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="`no-such-command --port 1` cannot be started: No such file"):
        Service(["no-such-command", "--port", "1"]).start()
    with pytest.raises(TargetError, match="cannot be started"):
        Service([sys.executable], folder=tmp_path / "missing").start()


def test_something_else_on_the_port_is_not_taken_for_the_service(
    command: Callable[..., list[str]], stranger: int
) -> None:
    service = Service(command("signal.pause()"), port=stranger, ready_path="/")
    message = rf"something else answers on port {stranger} \(process {os.getpid()}\)"
    with pytest.raises(TargetError, match=message):
        service.start()
    assert service.processes() == ()


def test_something_that_takes_the_port_meanwhile_is_not_taken_for_the_service(
    command: Callable[..., list[str]], stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "_accepts", lambda self: False)
    service = Service(command("signal.pause()"), port=stranger, ready_path="/")
    with pytest.raises(TargetError, match=f"something else answers on port {stranger}"):
        service.start()
    assert service.processes() == ()


def test_a_port_that_another_process_owns_is_not_believed(
    command: Callable[..., list[str]], stranger: int
) -> None:
    text = f"print(json.dumps({{'port': {stranger}}}), flush=True); signal.pause()"
    with pytest.raises(TargetError, match=f"something else answers on port {stranger}"):
        Service(command(text)).start()


def test_the_ready_line_is_found_among_other_output(command: Callable[..., list[str]]) -> None:
    text = """
        os.write(2, b'{"port": 1}\\n')
        for line in ('{"port": "many"}', '{"broken', '{"port": true}', '{"port": 70000}', '[1]'):
            print(line)
        print("x" * 200_000)
        serve()
        """
    with Service(command(text)) as service:
        assert answers(service.port)


def test_the_log_keeps_only_its_end(command: Callable[..., list[str]]) -> None:
    text = """
        for number in range(40_000):
            print("line", number)
        serve()
        """
    with Service(command(text)) as service:
        path = service.log_path
        assert path is not None
        assert LOG_BYTES <= path.stat().st_size <= 2 * LOG_BYTES
        assert "line 39999\n" in path.read_text(errors="replace")
        assert len(service.log_text()) == LOG_BYTES
        assert "line 39999\n" in service.log_text()
    assert not path.exists()
    assert "line 39999\n" in service.log_text()
    assert service.log_path is None


def test_the_environment_and_the_folder_are_those_given(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    text = "print(os.getcwd(), sorted(os.environ.items()), flush=True); serve()"
    given = {"ONLY": "this", "PYTHONPATH": "kept"}
    with Service(command(text), environment=given, folder=tmp_path) as service:
        line = service.log_text().splitlines()[0]
    assert line.startswith(str(tmp_path.resolve()))
    assert "('ONLY', 'this'), ('PYTHONPATH', 'kept')" in line
    assert "NOTES" not in line


def test_a_service_has_its_own_descriptors_only(command: Callable[..., list[str]]) -> None:
    text = "print(os.listdir('/proc/self/fd') if sys.platform == 'linux' else [], flush=True); serve()"
    with Service(command(text)) as service:
        descriptors = service.log_text().splitlines()[0]
    # Input, both outputs, and the folder that is being listed.
    assert descriptors in ("[]", "['0', '1', '2', '3']")


def test_a_service_that_ignores_sigterm_is_killed_after_the_grace(command: Callable[..., list[str]]) -> None:
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN); serve()"
    with Service(command(text), grace_s=0.1) as service:
        process = identify(service.pid)
    assert process is not None
    assert not alive(process)
    assert service.exit_status == -signal.SIGKILL


def test_a_killed_service_leaves_no_worker_behind_and_has_no_last_word(
    command: Callable[..., list[str]],
) -> None:
    """Its workers go with it at once, even those with a session of their own, who would serve on."""
    text = """
        def end(number, frame):
            print("goodbye", flush=True)
            os._exit(7)
        signal.signal(signal.SIGTERM, end)
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                signal.pause()
        serve()
        """
    with Service(command(text), grace_s=DEADLINE_S) as service:
        wait_until(lambda: len(service.processes()) == 4)
        processes = service.processes()
        service.kill()
        assert not any(alive(process) for process in processes)
        assert service.processes() == ()
    assert service.exit_status == -signal.SIGKILL
    assert "goodbye" not in service.log_text()


def test_a_service_may_end_in_its_own_time(command: Callable[..., list[str]]) -> None:
    text = """
        def end(number, frame):
            print("goodbye", flush=True)
            os._exit(7)
        signal.signal(signal.SIGTERM, end)
        serve()
        """
    with Service(command(text), grace_s=DEADLINE_S) as service:
        pass
    assert service.exit_status == 7
    assert service.log_text().endswith("goodbye\n")


def test_a_worker_may_end_in_its_own_time_though_its_parent_has_gone(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> None:
    text = """
        parent = os.getpid()
        if os.fork() == 0:
            def end(number, frame):
                while os.getppid() == parent:
                    time.sleep(0.001)
                note("saved")
                os._exit(0)
            signal.signal(signal.SIGTERM, end)
            print(json.dumps({"port": 1}), flush=True)
            while True: signal.pause()
        signal.pause()
        """
    with Service(command(text), environment=environment, grace_s=DEADLINE_S):
        pass
    assert (tmp_path / "saved").exists()


@linux
def test_what_took_a_session_of_its_own_is_removed(
    command: Callable[..., list[str]], environment: dict[str, str], noted: Callable[[str], ProcessId]
) -> None:
    text = """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:  # and no parent of ours any more
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                note("orphan")
                while True: signal.pause()
            os._exit(0)
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            note("child")
            while True: signal.pause()
        serve()
        """
    with Service(command(text), environment=environment) as service:
        orphan, child = noted("orphan"), noted("child")
        assert {orphan, child} <= set(service.processes())
    assert not alive(orphan)
    assert not alive(child)


@linux
def test_what_a_crashed_service_leaves_behind_is_removed(
    command: Callable[..., list[str]], environment: dict[str, str], noted: Callable[[str], ProcessId]
) -> None:
    text = """
        if os.fork() == 0:
            os.setsid()
            note("child")
            signal.pause()
        serve()
        """
    with Service(command(text), environment=environment) as service:
        child = noted("child")
        os.kill(service.pid, signal.SIGKILL)
        wait_until(lambda: not alive(child))
        wait_until(lambda: service.exit_status is not None)
        assert service.exit_status == -signal.SIGKILL


@linux
@pytest.mark.parametrize("killed", ["parent", "keeper"])
def test_when_we_are_killed_nothing_survives(
    command: Callable[..., list[str]],
    environment: dict[str, str],
    noted: Callable[[str], ProcessId],
    tmp_path: Path,
    killed: str,
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment["TMPDIR"] = str(folder)
    text = "note('service'); serve()"
    host = f"""
        import sys; sys.path.insert(0, {str(Path(probes.__file__).parents[1])!r})
        from probes.targets.service import Service
        service = Service({command(text)!r}).start()
        # A fork of ours that lives on holds the keeper's pipe open.
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        print(json.dumps([child, service._keeper.pid]), flush=True)
        signal.pause()
        """
    with subprocess.Popen(command(host), env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child, keeper = json.loads(parent.stdout.readline())
        service, kept = noted("service"), identify(keeper)
        assert kept is not None
        assert alive(service)
        assert list(folder.iterdir())
        os.kill(parent.pid if killed == "parent" else keeper, signal.SIGKILL)
        wait_until(lambda: not alive(service))
        wait_until(lambda: not alive(kept))
        assert bool(list(folder.iterdir())) == (killed == "keeper")
        os.kill(child, signal.SIGKILL)
        parent.kill()


@linux
def test_when_the_keeper_was_killed_what_was_seen_is_removed(
    command: Callable[..., list[str]], environment: dict[str, str], noted: Callable[[str], ProcessId]
) -> None:
    text = """
        if os.fork() == 0:
            os.setsid()
            note("child")
            signal.pause()
        serve()
        """
    with Service(command(text), environment=environment) as service:
        child = noted("child")
        assert child in service.processes()
        assert service._keeper is not None
        service._keeper.kill()
        wait_until(lambda: service._output is not None and service._output.closed)
        assert service.exit_status is None
    assert not alive(child)


def test_a_service_started_from_a_thread_that_has_ended_lives_on(command: Callable[..., list[str]]) -> None:
    service = Service(command("serve()"))
    thread = threading.Thread(target=service.start)
    thread.start()
    thread.join()
    with service_running(service):
        assert answers(service.port)
        assert service.exit_status is None


class service_running:  # noqa: N801 (reads as a phrase)
    """Stops a service that was started elsewhere."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def __enter__(self) -> Service:
        return self.service

    def __exit__(self, *_: object) -> None:
        self.service.stop()


@linux
def test_nothing_stays_open(command: Callable[..., list[str]]) -> None:
    def files() -> set[str]:
        return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 (names)

    before, threads = files(), threading.active_count()
    with Service(command("serve()")) as service:
        pass
    service.stop()
    with pytest.raises(TargetError):
        Service(command("sys.exit(1)")).start()
    with pytest.raises(TargetError):
        Service(["no-such-command"]).start()
    assert files() == before
    assert threading.active_count() == threads
    with pytest.raises(InternalError):
        service.start()


def test_stopping_what_never_started_does_nothing() -> None:
    service = Service(["anything"])
    service.stop()
    assert service.exit_status is None
    assert service.log_text() == ""
    assert service.processes() == ()
    with pytest.raises(InternalError):
        _ = service.pid
