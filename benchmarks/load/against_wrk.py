"""CPU a request of the load loop beside wrk's, on the same nginx, in turns, in one run.

    python benchmarks/load/against_wrk.py [--seconds 4] [--rounds 3]

Needs nginx and wrk (Debian: nginx-light wrk). Each generator has one core's worth of load on 64 keep-alive
connections against one nginx worker that answers 29 bytes. Printed: CPU µs a request (user and kernel), the
interpreter's part (user), requests a second, and the ratio to wrk. Figures of one machine mean little; the
ratio in one run is what counts.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from probes.load.engine import Engine, Progress
from probes.load.shard import Live
from probes.targets.http import parse_target

CONNECTIONS = 64


class Silent:
    """An observer that sees nothing and never stops."""

    def second(self, progress: Progress) -> None:
        del progress

    def stop_word(self, live: Live, t_ns: int) -> int:
        del live, t_ns
        return 0


def cpu_of(pid: int) -> tuple[float, float]:
    """(user, system) CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def loadstone(url: str, seconds: float) -> tuple[float, float, float]:
    """(CPU µs, user µs, requests/s) of the load process."""
    target = parse_target(url)
    with Engine(target.wire(10.0), CONNECTIONS, Silent()) as engine:
        before = cpu_of(engine.shard.pid)
        record = engine.closed_loop(CONNECTIONS, seconds)
        after = cpu_of(engine.shard.pid)
        sent = record.report.sent
        assert (record.outcome == 200).all()
    user, system = after[0] - before[0], after[1] - before[1]
    return (user + system) * 1e6 / sent, user * 1e6 / sent, sent / seconds


def wrk(url: str, seconds: float) -> tuple[float, float, float]:
    """The same of wrk with one thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = re.search(r"(\d+) requests in", said)
    assert found, said
    sent = int(found[1])
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return (user + system) * 1e6 / sent, user * 1e6 / sent, sent / seconds


def start_nginx(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """One worker that answers 29 bytes at once; on a free port of the loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log stderr crit;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off; keepalive_requests 1000000000;\n"
        f"  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};\n"
        f"  uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
        f"  server {{ listen 127.0.0.1:{port};\n"
        '    location / { return 200 "loadstone measures nginx, 29b\\n"; } } }\n'
    )
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, f"http://127.0.0.1:{port}/"
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)


def main() -> int:
    """Prints a row a round and the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for program in ("nginx", "wrk"):
        if not shutil.which(program):
            print(f"{program} is not installed; on Debian: apt-get install nginx-light wrk", file=sys.stderr)
            return 2
    rows: dict[str, list[tuple[float, float, float]]] = {"loadstone": [], "wrk": []}
    with tempfile.TemporaryDirectory() as folder:
        server, url = start_nginx(Path(folder))
        try:
            for _ in range(options.rounds):
                rows["loadstone"].append(loadstone(url, options.seconds))
                rows["wrk"].append(wrk(url, options.seconds))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    print(f"{'generator':<12}{'CPU us/request':>16}{'of it user':>12}{'requests/s':>12}")
    middles = {}
    for name, values in rows.items():
        middles[name] = tuple(median(column) for column in zip(*values, strict=True))
        cpu, user, rate = middles[name]
        print(f"{name:<12}{cpu:>16.2f}{user:>12.2f}{rate:>12,.0f}")
    ratio = [a[0] / b[0] for a, b in zip(rows["loadstone"], rows["wrk"], strict=True)]
    speed = [a[2] / b[2] for a, b in zip(rows["loadstone"], rows["wrk"], strict=True)]
    print(f"loadstone / wrk: CPU a request x{median(ratio):.2f}, rate x{median(speed):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
