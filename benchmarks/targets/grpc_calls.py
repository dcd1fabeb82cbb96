"""CPU a unary gRPC call at 64 in flight: Loadstone's load process beside grpcio's clients, in turns.

    python benchmarks/targets/grpc_calls.py [--seconds 3] [--rounds 3]

The server is grpcio's own, in a process of its own; every client is a fresh process. Printed: CPU µs a call
of the client alone, without start-up, calls a second, and the ratios of each round
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
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
IN_FLIGHT = 64
SAMPLE = b'{"text": "' + b"x" * 200 + b'"}'


def loadstone(address: str, seconds: float) -> dict[str, float]:
    """The load process, as a probe uses it."""
    from benchmarks.targets.harness import Silent
    from probes.load.engine import Engine
    from probes.targets.kinds import parse_target

    target = parse_target(address, {"body": SAMPLE}).prepared(10.0)
    with Engine(target.wire(10.0), IN_FLIGHT, Silent()) as engine:
        engine.closed_loop(IN_FLIGHT, 1.0)
        record = engine.closed_loop(IN_FLIGHT, seconds)
    return {"calls": float((record.status == 200).sum()), "cpu_s": record.report.cpu_s}


def _call(address: str) -> tuple[str, str, bytes]:
    """Authority, path and message."""
    from probes.targets.kinds import parse_target

    target: Any = parse_target(address, {"body": SAMPLE}).prepared(10.0)
    return target.endpoint.authority, target.method.path, target.messages[0]


def grpcio_aio(address: str, seconds: float) -> dict[str, float]:
    """grpc.aio: 64 tasks on one channel."""
    import grpc

    where, path, message = _call(address)
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


def grpcio_threads(address: str, seconds: float) -> dict[str, float]:
    """grpc with 64 threads on one channel."""
    import grpc

    where, path, message = _call(address)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", choices=[*CLIENTS], help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        print(json.dumps(CLIENTS[options.client](options.address, options.seconds)))
        return
    script = ROOT / "tests/systems/servers/grpc_server.py"
    server = subprocess.Popen(
        [sys.executable, str(script), "--service-ms", "0", "--threads", "8"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = f"grpc://127.0.0.1:{json.loads(server.stdout.readline())['port']}/t.Echo/Say"
        ratios: dict[str, list[float]] = {name: [] for name in CLIENTS}
        print(f"load average before: {os.getloadavg()[0]:.1f}")
        for _ in range(options.rounds):
            cost = {}
            for name in CLIENTS:
                line = [sys.executable, __file__, "--client", name, "--address", address]
                line += ["--seconds", str(options.seconds)]
                told = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
                cost[name] = told["cpu_s"] / told["calls"] * 1e6
                ratios[name].append(cost[name] / cost["loadstone"])
                rate = told["calls"] / options.seconds
                print(f"{name:14} {cost[name]:7.1f} µs a call  {rate:7.0f} calls/s  × {ratios[name][-1]:.1f}")
        for name, found in ratios.items():
            print(f"{name:14} median × {median(found):.1f}")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
