"""An nginx that answers the unary gRPC call `t.Echo/Say` out of a file, faster than any client here asks."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

CONFIG = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
  http2_max_concurrent_streams 256; open_file_cache max=10;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} http2;
    root {folder}/root;
    etag off; server_tokens off; types {{ }} default_type application/grpc;
    add_trailer grpc-status 0;
    error_page 405 =200 $uri;
  }}
}}
"""
PROTO = """syntax = "proto3";
package t;
message Ask { string text = 1; int32 status = 2; int32 bytes = 3; }
message Answer { string text = 1; int32 size = 2; }
service Echo { rpc Say (Ask) returns (Answer); }
"""
ANSWER = b"\0\0\0\0\x03\x10\xc8\x01"
"""The message `size: 200` as gRPC frames it."""


@contextmanager
def running_grpc_nginx() -> Iterator[tuple[str, Path]]:
    """Starts it and ends it afterwards: the address of the method, and the .proto file that describes it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, port=port))
        (folder / "root" / "t.Echo").mkdir(parents=True)
        (folder / "root" / "t.Echo" / "Say").write_bytes(ANSWER)
        folder.chmod(0o755)
        proto = folder / "echo.proto"
        proto.write_text(PROTO)
        process = subprocess.Popen(["nginx", "-p", name, "-c", f"{name}/nginx.conf"])
        try:
            deadline = time.monotonic() + 10
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline or process.poll() is not None:
                        raise
                    time.sleep(0.05)
            yield f"grpc://127.0.0.1:{port}/t.Echo/Say", proto
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
