"""Hands messages on to agents, within a worker of the cluster; every agent is a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

from probes.load.cluster.messages import read_message, write_message

ENDS_WITHIN_S = 6.0


class AgentProcess:
    """An agent that was started here."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        """`before` is what the command begins with, as `nice`."""
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "probes.load.cluster.agent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, message: bytes) -> bytes:
        """Its answer. Raises `EOFError` or `OSError` where it has ended."""
        asked, told = self._pipes()
        with self._lock:
            write_message(asked, message)
            return read_message(told)

    def close(self) -> None:
        """Ends it and with it its load process."""
        asked, told = self._pipes()
        for file in (asked, told):
            with suppress(OSError):
                file.close()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        asked, told = self._process.stdin, self._process.stdout
        assert asked is not None and told is not None
        return asked, told  # type: ignore[return-value]


_agents: dict[str, AgentProcess] = {}


async def relay(session: str, message: bytes | None) -> bytes:
    """Hands a message on to the agent of a session, which the first message starts and None ends.

    Raises `EOFError` or `OSError` where the agent has ended.
    """
    import asyncio

    if message is None:
        agent = _agents.pop(session, None)
        if agent is not None:
            await asyncio.to_thread(agent.close)
        return b""
    if session not in _agents:
        _agents[session] = await asyncio.to_thread(AgentProcess)
    return await asyncio.to_thread(_agents[session].call, message)
