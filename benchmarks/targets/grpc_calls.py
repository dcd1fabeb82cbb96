"""CPU a unary gRPC call at 64 in flight: Loadstone's load process beside grpcio's clients, in turns.

    python benchmarks/targets/grpc_calls.py [--server nginx|grpcio] [--seconds 3] [--rounds 3]

The server is an nginx, which no client here outruns, or grpcio's own; every client is a fresh process.
Printed: CPU µs a call of the client alone, without start-up, calls a second, and the ratios of each round
(aim: grpcio at least 5 ×).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
IN_FLIGHT = 64
SAMPLE = b'{"text": "' + b"x" * 200 + b'"}'


def prepared(address: str, proto: str | None) -> Any:
    """The target with its message made, by the .proto file or by what the server says."""
    from probes.targets.kinds import parse_target

    return parse_target(address, {"body": SAMPLE} | ({"proto": proto} if proto else {})).prepared(10.0)


def loadstone(address: str, proto: str | None, seconds: float) -> dict[str, float]:
    """The load process, as a probe uses it."""
    from benchmarks.targets.harness import Silent
    from probes.load.engine import Engine

    target = prepared(address, proto)
    with Engine(target.wire(10.0), IN_FLIGHT, Silent()) as engine:
        engine.closed_loop(IN_FLIGHT, 1.0)
        record = engine.closed_loop(IN_FLIGHT, seconds)
    return {"calls": float((record.status == 200).sum()), "cpu_s": record.report.cpu_s}


def _call(address: str, proto: str | None) -> tuple[str, str, bytes]:
    """Authority, path and message."""
    target = prepared(address, proto)
    return target.endpoint.authority, target.method.path, target.messages[0]


def grpcio_aio(address: str, proto: str | None, seconds: float) -> dict[str, float]:
    """grpc.aio: 64 tasks on one channel."""
    import grpc

    where, path, message = _call(address, proto)
    calls = 0

    async def main() -> float:
        nonlocal calls
        async with grpc.aio.insecure_channel(where) as channel:
            ask = channel.unary_unary(path)

            async def caller(ends: float) -> None:
                nonlocal calls
                while time.monotonic() < ends:
                    await ask(message)
                    calls += 1

            await asyncio.gather(*(caller(time.monotonic() + 1.0) for _ in range(IN_FLIGHT)))
            calls, before = 0, time.process_time()
            await asyncio.gather(*(caller(time.monotonic() + seconds) for _ in range(IN_FLIGHT)))
            return time.process_time() - before

    cpu_s = asyncio.run(main())
    return {"calls": calls, "cpu_s": cpu_s}


def grpcio_threads(address: str, proto: str | None, seconds: float) -> dict[str, float]:
    """grpc with 64 threads on one channel."""
    import grpc

    where, path, message = _call(address, proto)
    with grpc.insecure_channel(where) as channel:
        ask = channel.unary_unary(path)
        counts = [0] * IN_FLIGHT

        def caller(k: int, ends: float) -> None:
            while time.monotonic() < ends:
                ask(message)
                counts[k] += 1

        def together(length: float) -> None:
            ends = time.monotonic() + length
            threads = [threading.Thread(target=caller, args=(k, ends)) for k in range(IN_FLIGHT)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        together(1.0)
        counts[:] = [0] * IN_FLIGHT
        before = time.process_time()
        together(seconds)
        return {"calls": sum(counts), "cpu_s": time.process_time() - before}


CLIENTS = {"loadstone": loadstone, "grpc.aio": grpcio_aio, "grpc, threads": grpcio_threads}


@contextmanager
def running(server: str) -> Iterator[tuple[str, str | None]]:
    """The address of the method, and the file that describes it where the server does not."""
    if server == "nginx":
        from benchmarks.targets.grpc_nginx import running_grpc_nginx

        with running_grpc_nginx() as (address, proto):
            yield address, str(proto)
        return
    line = [sys.executable, str(ROOT / "tests/systems/servers/grpc_server.py"), "--service-ms", "0"]
    process = subprocess.Popen([*line, "--threads", "8"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"grpc://127.0.0.1:{json.loads(process.stdout.readline())['port']}/t.Echo/Say", None
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--server", choices=("nginx", "grpcio"), default="nginx")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", choices=[*CLIENTS], help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--proto", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        print(json.dumps(CLIENTS[options.client](options.address, options.proto, options.seconds)))
        return
    with running(options.server) as (address, proto):
        ratios: dict[str, list[float]] = {name: [] for name in CLIENTS}
        print(f"load average before: {os.getloadavg()[0]:.1f}")
        for _ in range(options.rounds):
            cost = {}
            for name in CLIENTS:
                line = [sys.executable, __file__, "--client", name, "--address", address]
                line += ["--seconds", str(options.seconds), *(["--proto", proto] if proto else [])]
                told = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
                cost[name] = told["cpu_s"] / told["calls"] * 1e6
                ratios[name].append(cost[name] / cost["loadstone"])
                rate = told["calls"] / options.seconds
                print(f"{name:14} {cost[name]:7.1f} µs a call  {rate:7.0f} calls/s  × {ratios[name][-1]:.1f}")
        for name, found in ratios.items():
            print(f"{name:14} median × {median(found):.1f}")


if __name__ == "__main__":
    main()
