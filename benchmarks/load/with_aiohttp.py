"""Closed loop with aiohttp: `python with_aiohttp.py URL CONNECTIONS SECONDS` prints one JSON object.

Run by the interpreter that has aiohttp; `cpu_s` and `user_s` are those of the load alone, without start-up.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

import aiohttp


async def main(url: str, connections: int, seconds: float) -> None:
    requests = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        ends = time.monotonic() + seconds

        async def caller() -> None:
            nonlocal requests
            while time.monotonic() < ends:
                async with session.get(url) as answer:
                    await answer.read()
                    assert answer.status == 200
                requests += 1

        before = os.times()
        await asyncio.gather(*(caller() for _ in range(connections)))
        after = os.times()
    user = after.user - before.user
    cpu = user + after.system - before.system
    print(json.dumps({"requests": requests, "cpu_s": cpu, "user_s": user}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
