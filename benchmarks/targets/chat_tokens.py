"""CPU a token of streamed chat answers: Loadstone's load process beside the `openai` client, in turns.

    python benchmarks/targets/chat_tokens.py [--seconds 4] [--rounds 3] [--streams 32] [--install]

The server is tests/systems/servers/chat_server.py: 200 tokens an answer, one every 5 ms. Every client is a
fresh process. `--install` makes an environment for the peer beside this file. Printed: CPU µs a token of the
client alone, without start-up, and the ratio of each round (aims: at most 20 µs, the peer at least 10 ×).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEER = HERE / ".openai"
sys.path.insert(0, str(ROOT))
SERVER = [sys.executable, str(ROOT / "tests/systems/servers/chat_server.py")]
SHAPE = ["--ttft-ms", "20", "--gap-ms", "5", "--tokens", "200"]


def loadstone(address: str, seconds: float, streams: int) -> dict[str, float]:
    """The load process, as a probe uses it."""
    from benchmarks.targets.harness import Silent
    from probes.load.engine import Engine
    from probes.load.streams import Streams
    from probes.targets.kinds import parse_target

    target = parse_target(f"openai+{address}", {}).prepared(10.0)
    with Engine(target.wire(30.0), streams, Silent()) as engine:
        record = engine.closed_loop(streams, seconds)
    found = Streams.of(record, target.is_good)
    assert found.good.all()
    return {"tokens": float(found.tokens), "cpu_s": record.report.cpu_s}


def openai_client(address: str, seconds: float, streams: int) -> dict[str, float]:
    """The asynchronous client, the same number of streams at once."""
    import openai

    tokens = 0

    async def main() -> float:
        client: Any = openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0)
        ends = time.monotonic() + seconds

        async def caller() -> None:
            nonlocal tokens
            while time.monotonic() < ends:
                answer = await client.chat.completions.create(
                    model="tiny", messages=[{"role": "user", "content": "Hello"}], stream=True,
                )  # fmt: skip
                async for event in answer:
                    tokens += bool(event.choices and event.choices[0].delta.content)

        await client.models.list()
        before = time.process_time()
        await asyncio.gather(*(caller() for _ in range(streams)))
        return time.process_time() - before

    cpu_s = asyncio.run(main())
    return {"tokens": float(tokens), "cpu_s": cpu_s}


CLIENTS = {"loadstone": loadstone, "openai": openai_client}


def install() -> None:
    """Makes the environment of the peer from PyPI."""
    subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
    subprocess.run([str(PEER / "bin" / "pip"), "install", "--quiet", "openai"], check=True)


def measured(client: str, address: str, options: argparse.Namespace) -> dict[str, float]:
    """What a client does in a process of its own."""
    python = str(PEER / "bin" / "python") if client == "openai" else sys.executable
    shape = ["--seconds", str(options.seconds), "--streams", str(options.streams)]
    command = [python, __file__, "--client", client, "--address", address, *shape]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        print(json.dumps(CLIENTS[options.client](options.address, options.seconds, options.streams)))
        return 0
    if options.install:
        install()
    names = [name for name in CLIENTS if name != "openai" or PEER.exists()]
    if len(names) < len(CLIENTS):
        print("the openai client is not there and left out: --install makes an environment with it")
    server = subprocess.Popen([*SERVER, *SHAPE], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        address = f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}/v1"
        rounds = [{name: measured(name, address, options) for name in names} for _ in range(options.rounds)]
    finally:
        server.terminate()
        server.wait()
    load = os.getloadavg()[0]
    print(f"{options.streams} streams; load average {load:.1f} at the end, {os.cpu_count()} processors")
    cost = {name: [1e6 * one[name]["cpu_s"] / one[name]["tokens"] for one in rounds] for name in names}
    for name in names:
        per_s = median(one[name]["tokens"] for one in rounds) / options.seconds
        print(f"{name:<12}{median(cost[name]):>9.1f} us a token{per_s:>12,.0f} tokens/s")
    if "openai" in cost:
        ratios = [theirs / ours for ours, theirs in zip(cost["loadstone"], cost["openai"], strict=True)]
        print(f"openai / ours: x{median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}; aim 10)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
