"""A chat endpoint in OpenAI's protocol whose times are known, and which can misbehave.

    chat_server.py --ttft-ms 40 --gap-ms 10 --tokens 20        text after 40 ms, then one token every 10 ms
    chat_server.py --merge 4                                    four events in one write
    chat_server.py --fault empty|error|cut|no-done|no-usage|whole|endless|garbage|no-length

It notes its own stamps (monotonic, ns) of the first and last text of each answer and tells them at its end,
as {"answers": [[first, last, events], …]}. Each connection is served in turn; answers are chunked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import time
from contextlib import suppress

from lifecycle import announce, listen, say

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\nCache-Control: no-cache\r\n\r\n"
)


def event(number: int, delta: dict[str, object], finish: str | None = None, **more: object) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = {
        "id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": "tiny",
        "choices": [choice], **more,
    }  # fmt: skip
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def chunk(data: bytes) -> bytes:
    """A chunk of HTTP."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Chat:
    """The endpoint and what it has said."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.answers: list[tuple[int, int, int]] = []
        self.requests = 0
        self.bodies: list[dict[str, object]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                body = await reader.readexactly(length) if length else b""
                if not await self.answer(head, body, writer):
                    break
        writer.close()

    async def answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; whether the connection can carry another."""
        options = self.options
        if b"/models" in head.split(b"\r\n")[0]:
            return await self.whole(
                writer, {"object": "list", "data": [{"id": name} for name in options.models]}
            )
        asked = json.loads(body)
        self.requests += 1
        self.bodies.append(asked)
        if options.refuse_usage and "stream_options" in asked:
            return await self.whole(writer, {"error": {"message": "unknown field"}}, "400 Bad Request")
        number = self.requests
        fault = options.fault if number > options.fault_after else ""
        if fault == "whole":
            return await self.whole(writer, {"choices": [{"message": {"content": "hello"}}]})
        framed = fault != "no-length"
        if framed:
            writer.write(HEAD)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")

        def put(data: bytes) -> None:
            writer.write(chunk(data) if framed else data)

        put(event(number, {"role": "assistant", "content": ""}))
        await writer.drain()
        begun = time.monotonic_ns()
        due = begun + int(options.ttft_ms * 1e6)
        first = last = said = 0
        waiting = b""
        tokens = 0 if fault == "empty" else options.tokens
        while said < tokens or fault == "endless":
            waiting += event(number, {"content": f"t{said} "})
            said += 1
            if said % options.merge and said < tokens:
                continue
            await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            due += int(options.gap_ms * 1e6)
            last = time.monotonic_ns()
            first = first or last
            put(waiting)
            waiting = b""
            await writer.drain()
            if said >= tokens // 2 and fault == "cut":
                return False
            if said >= tokens // 2 and fault == "error":
                put(b'data: {"error": {"message": "out of memory", "code": 500}}\n\n')
                break
            if said >= tokens // 2 and fault == "garbage":
                put(b"data: {this is no JSON\n\n")
                break
        put(event(number, {}, "stop"))
        if fault != "no-usage" and "stream_options" in asked:
            usage = {"prompt_tokens": 5, "completion_tokens": tokens * options.tokens_per_event}
            put(b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n")
        if fault != "no-done":
            put(b"data: [DONE]\n\n")
        if framed:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        self.answers.append((first, last, said))
        return framed

    async def whole(self, writer: asyncio.StreamWriter, document: object, status: str = "200 OK") -> bool:
        """An answer that is no stream."""
        body = json.dumps(document).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return True


async def main() -> None:
    """Reads the command line and serves until it is ended."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ttft-ms", type=float, default=20.0)
    parser.add_argument("--gap-ms", type=float, default=5.0)
    parser.add_argument("--tokens", type=int, default=10)
    parser.add_argument("--tokens-per-event", type=int, default=1)
    parser.add_argument("--merge", type=int, default=1)
    parser.add_argument("--fault", default="")
    parser.add_argument("--fault-after", type=int, default=0, help="so many good answers come first")
    parser.add_argument("--refuse-usage", action="store_true")
    parser.add_argument("--models", nargs="*", default=["tiny"])
    options = parser.parse_args()
    listener = listen()
    chat = Chat(options)
    server = await asyncio.start_server(chat.serve, sock=listener)
    ended = asyncio.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(word, ended.set)
    announce(listener, vars(options))
    await ended.wait()
    server.close()
    say({"requests": chat.requests, "answers": chat.answers, "last": chat.bodies[-1:]})


asyncio.run(main())
