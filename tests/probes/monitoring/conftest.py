"""A loopback HTTP server that answers what a test says and keeps a log; and a real Prometheus."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Answer = tuple[int, str, bytes]


@dataclass
class Loopback:
    """`answers` maps a path without its query to status, content type and body; `log` has (verb, path)."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """The server, until the test ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.log.append((self.command, self.path))
            status, kind, body = state.answers.get(
                self.path.partition("?")[0], (404, "text/html", b"<h1>no</h1>")
            )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302):
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Loopback(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def real_prometheus(tmp_path: Path, start_server: Callable[..., Any]) -> Iterator[tuple[Any, str]]:
    """The demo service, and Debian's Prometheus that scrapes it four times a second."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    service = start_server("resources/demo/recommender.py", "--port", 0, "--items", 1_000)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "rules.yml").write_text(
        "groups:\n- name: g\n  rules:\n  - alert: Slow\n"
        "    expr: histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[5m])) > 0.1\n"
    )
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}\n"
        "rule_files: [rules.yml]\n"
        f"scrape_configs:\n- job_name: demo\n  static_configs: [{{targets: ['127.0.0.1:{service.port}']}}]\n"
    )
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/db",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield service, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
