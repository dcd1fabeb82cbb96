"""An nginx of one worker that answers 29 bytes at once, on free ports of the loopback: plain, and by TLS."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CONFIG = """
worker_processes 1; daemon off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{plain};
    location / {{ return 200 "loadstone measures nginx, 29b\\n"; }}
  }}
  {secure}
}}
"""
SECURE = """
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ return 200 "loadstone measures nginx, 29b\\n"; }}
  }}
"""


@dataclass(frozen=True)
class Nginx:
    """Where it answers; `certificate` is the authority of the secure address, None where there is none."""

    url: str
    secure_url: str | None
    certificate: Path | None


@contextmanager
def running_nginx(core: int | None, *, tls: bool = False) -> Iterator[Nginx]:
    """Starts it on that core (None: on any) and ends it afterwards."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        plain, secure = _free_ports(2)
        certificate = _certificate(folder) if tls else None
        (folder / "nginx.conf").write_text(
            CONFIG.format(
                folder=folder, plain=plain, secure=SECURE.format(folder=folder, port=secure) if tls else ""
            )
        )
        command = ["nginx", "-p", name, "-c", f"{name}/nginx.conf"]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        process = subprocess.Popen(command)
        try:
            _await(plain, process)
            yield Nginx(
                f"http://127.0.0.1:{plain}/", f"https://127.0.0.1:{secure}/" if tls else None, certificate
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def _certificate(folder: Path) -> Path:
    """Makes a certificate for 127.0.0.1 that is its own authority."""
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)
