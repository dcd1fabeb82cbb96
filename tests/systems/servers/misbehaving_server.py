"""A server that does one thing wrong, the same way every time, and counts what it was asked.

    misbehaving_server.py --mode MODE [--ratio R] [--after N] [--bytes N] [--pause-ms MS] [--service-ms MS]

`--help` lists the modes; each is one coroutine below, whose docstring is its truth. On SIGTERM it says

    received    requests read to their end
    answered    of these, answered by a whole HTTP answer; `statuses` has them by status
    spoilt      of these, given anything else, or nothing: received = answered + spoilt
    followed    of these, how many asked for the place a redirect pointed to
    connections, and `early_closed`: connections the client closed while an answer was owed
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import pairwise

from lifecycle import announce, listen, say

BODY = b'{"answer": 42}\n'
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
LINGER_ZERO = struct.pack("ii", 1, 0)
REDIRECTED_TO = "/followed"

OPTIONS = argparse.Namespace()
COUNTS: Counter[str] = Counter()
STATUSES: Counter[int] = Counter()


class HangUp(Exception):  # noqa: N818  # no error: the mode has said all it had to say on this connection
    """The connection is to be closed."""


class Exchange:
    """One request and the connection it came on."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_connection: int
    ) -> None:
        self.reader, self.writer = reader, writer
        self.number = COUNTS["received"]
        """Of the request, over all connections, from 1."""
        self.on_connection = on_connection
        """Of the request on its connection, from 1."""

    async def answer(self, status: int = 200, body: bytes = BODY, *headers: str) -> None:
        """A whole answer."""
        length = () if status == 204 else (f"Content-Length: {len(body)}",)
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *length, *headers, "", ""]
        await self.write("\r\n".join(head).encode() + body)
        self.is_answered(status)

    def is_answered(self, status: int) -> None:
        """Counts an answer that was written by hand."""
        COUNTS["answered"] += 1
        STATUSES[status] += 1

    async def write(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Writes `pieces`, each on its way before the next."""
        for place, piece in enumerate(pieces):
            if place:
                await asyncio.sleep(pause_s)
            self.writer.write(piece)
            await self.writer.drain()

    async def never_answer(self) -> None:
        """Reads on until the client goes away."""
        while await self.reader.read(65_536):
            pass
        COUNTS["early_closed"] += 1
        raise HangUp


Mode = Callable[[Exchange], Awaitable[None]]
MODES: dict[str, Mode] = {}


def mode(name: str) -> Callable[[Mode], Mode]:
    """Registers a mode under the name it has on the command line."""

    def register(function: Mode) -> Mode:
        MODES[name] = function
        return function

    return register


def is_hit(number: int) -> bool:
    """Whether `--ratio` falls on the request: of the first n, exactly ⌊n·ratio⌋ are hit, evenly spread."""
    return int(number * OPTIONS.ratio + 1e-9) > int((number - 1) * OPTIONS.ratio + 1e-9)


@mode("ok")
async def ok(exchange: Exchange) -> None:
    """Always 200 with the same body: nothing is wrong."""
    await exchange.answer()


@mode("http500")
async def http500(exchange: Exchange) -> None:
    """Always 500."""
    await exchange.answer(500, b"it broke\n")


@mode("http401")
async def http401(exchange: Exchange) -> None:
    """Always 401."""
    await exchange.answer(401, b"who are you\n", "WWW-Authenticate: Bearer")


@mode("http503")
async def http503(exchange: Exchange) -> None:
    """Always 503 with Retry-After."""
    await exchange.answer(503, b"too busy\n", "Retry-After: 1")


@mode("errors")
async def errors(exchange: Exchange) -> None:
    """500 for the share --ratio of the requests, evenly spread; else 200."""
    await (http500 if is_hit(exchange.number) else ok)(exchange)


@mode("429")
async def too_many(exchange: Exchange) -> None:
    """429 with Retry-After for the share --ratio of the requests, evenly spread; else 200."""
    if is_hit(exchange.number):
        await exchange.answer(429, b"slow down\n", "Retry-After: 1")
    else:
        await ok(exchange)


@mode("redirect")
async def redirect(exchange: Exchange) -> None:
    """Always 302 to a path of this server, which counts who follows."""
    await exchange.answer(302, b"", f"Location: {REDIRECTED_TO}")


@mode("204")
async def no_content(exchange: Exchange) -> None:
    """Always 204: no body and no Content-Length."""
    await exchange.answer(204, b"")


@mode("hang")
async def hang(exchange: Exchange) -> None:
    """Reads the request and never answers."""
    await exchange.never_answer()


@mode("hang-after")
async def hang_after(exchange: Exchange) -> None:
    """Answers the first --after requests, over all connections, and none from then on."""
    await (ok if exchange.number <= OPTIONS.after else hang)(exchange)


@mode("short")
async def short(exchange: Exchange) -> None:
    """Content-Length says 100, the body has 50 bytes, then the connection closes."""
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
    raise HangUp


@mode("endless")
async def endless(exchange: Exchange) -> None:
    """A chunked body without end, --bytes a chunk, --pause-ms between chunks (0: as fast as it is read)."""
    chunk = b"%x\r\n%s\r\n" % (OPTIONS.bytes, b"x" * OPTIONS.bytes)
    await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.write(chunk)
        await asyncio.sleep(OPTIONS.pause_ms / 1e3)


@mode("reset")
async def reset(exchange: Exchange) -> None:
    """Resets the connection (RST) when the request is read."""
    exchange.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    exchange.writer.transport.abort()
    raise HangUp


@mode("garbage")
async def garbage(exchange: Exchange) -> None:
    """Answers each request with 64 bytes that are not HTTP, and keeps the connection."""
    await exchange.write(bytes(range(128, 192)))


@mode("ssh-banner")
async def ssh_banner(exchange: Exchange) -> None:
    """Greets every connection as an SSH server would, before it is asked, and closes it after the request."""
    raise HangUp


@mode("close-each")
async def close_each(exchange: Exchange) -> None:
    """200 with Connection: close, and closes."""
    await exchange.answer(200, BODY, "Connection: close")
    raise HangUp


@mode("silent-close-after")
async def silent_close_after(exchange: Exchange) -> None:
    """200, and closes each connection without a word after its --after-th answer."""
    await exchange.answer()
    if exchange.on_connection >= OPTIONS.after:
        raise HangUp


@mode("chunked")
async def chunked(exchange: Exchange) -> None:
    """200 with the body in three chunks (an extension and a trailer with them), cut at awkward places."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    first, second, third = BODY[:1], BODY[1:7], BODY[7:]
    framed = b"%x\r\n%s\r\n%x;note=1\r\n%s\r\n%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (
        *(len(first), first, len(second), second),
        *(len(third), third),
    )
    whole = head + framed
    cuts = (0, 30, len(head) - 1, len(head) + 4, len(head) + 9, len(whole) - 3, len(whole))
    pieces = [whole[begin:end] for begin, end in pairwise(cuts)]
    await exchange.write(*pieces, pause_s=OPTIONS.pause_ms / 1e3)
    exchange.is_answered(200)


@mode("bad-chunked")
async def bad_chunked(exchange: Exchange) -> None:
    """A chunked body whose second chunk has no size; the connection stays open."""
    await exchange.write(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + b"size?\r\nabc\r\n0\r\n\r\n"
    )


@mode("no-length")
async def no_length(exchange: Exchange) -> None:
    """HTTP/1.0 style: no length, the body ends where the connection does."""
    await exchange.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY)
    exchange.is_answered(200)
    raise HangUp


@mode("slow-header")
async def slow_header(exchange: Exchange) -> None:
    """A right answer, byte by byte with --pause-ms before each of its 60."""
    whole = b"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
    await exchange.write(b"", *(bytes((byte,)) for byte in whole), pause_s=OPTIONS.pause_ms / 1e3)
    exchange.is_answered(200)


@mode("die-after")
async def die_after(exchange: Exchange) -> None:
    """200, until the whole process ends with code 1, --after seconds after the first request."""
    if exchange.number == 1:
        asyncio.get_running_loop().call_later(OPTIONS.after, os._exit, 1)
    await exchange.answer()


@mode("big")
async def big(exchange: Exchange) -> None:
    """200 with a body of --bytes bytes."""
    await exchange.answer(200, b"x" * OPTIONS.bytes)


@mode("continue100")
async def continue100(exchange: Exchange) -> None:
    """Sends 100 and 103 before the 200."""
    await exchange.write(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        pause_s=OPTIONS.pause_ms / 1e3,
    )
    await exchange.answer()


@mode("drift-body")
async def drift_body(exchange: Exchange) -> None:
    """The same answer to the first --after requests; from then on every answer is a new one."""
    drift = max(0, exchange.number - int(OPTIONS.after))
    await exchange.answer(200, b'{"answer": %d}\n' % (42 + drift))


@mode("drift-under-load")
async def drift_under_load(exchange: Exchange) -> None:
    """200 after --service-ms; the answer is wrong if another request was in flight meanwhile, else right."""
    COUNTS["in_flight"] += 1
    alone = COUNTS["in_flight"] == 1
    newest = exchange.number
    await asyncio.sleep(OPTIONS.service_ms / 1e3)
    alone = alone and COUNTS["received"] == newest
    COUNTS["in_flight"] -= 1
    COUNTS["drifted"] += not alone
    await exchange.answer(200, BODY if alone else b'{"answer": 41}\n')


async def read_request(reader: asyncio.StreamReader) -> bytes | None:
    """The head of the next request, its body read and thrown away; None when the client has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if given := CONTENT_LENGTH.search(head):
            await reader.readexactly(int(given[1]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return head


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers request after request as the mode has it."""
    COUNTS["connections"] += 1
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    on_connection = 0
    try:
        if OPTIONS.mode == "ssh-banner":
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        while head := await read_request(reader):
            COUNTS["received"] += 1
            COUNTS["followed"] += head.split(b" ", 2)[1] == REDIRECTED_TO.encode()
            on_connection += 1
            await MODES[OPTIONS.mode](Exchange(reader, writer, on_connection))
    except HangUp:
        pass
    except ConnectionError:
        COUNTS["early_closed"] += 1
    finally:
        writer.close()


async def serve() -> None:
    """Serves until SIGTERM or SIGINT, and says what was counted."""
    told_to_end = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told_to_end.set)
    listener = listen()
    await asyncio.start_server(serve_connection, sock=listener, backlog=4096)
    announce(listener, vars(OPTIONS))
    await told_to_end.wait()
    say(
        {
            "received": COUNTS["received"],
            "answered": COUNTS["answered"],
            "spoilt": COUNTS["received"] - COUNTS["answered"],
            "statuses": {str(status): number for status, number in sorted(STATUSES.items())},
            "followed": COUNTS["followed"],
            "drifted": COUNTS["drifted"],
            "connections": COUNTS["connections"],
            "early_closed": COUNTS["early_closed"],
            **vars(OPTIONS),
        }
    )
    os._exit(0)  # connections that hang are to be dropped, not waited for


def main() -> None:
    """Reads the command line and serves."""
    modes = "\n".join(f"  {name:20}{function.__doc__}" for name, function in MODES.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\nModes:\n{modes}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mode", choices=MODES, required=True, metavar="MODE")
    parser.add_argument("--ratio", type=float, default=0.1, help="default: %(default)s")
    parser.add_argument("--after", type=float, default=10, help="requests, or seconds (default: %(default)s)")
    parser.add_argument("--bytes", type=int, default=65_536, help="default: %(default)s")
    parser.add_argument("--pause-ms", type=float, default=1.0, help="default: %(default)s")
    parser.add_argument("--service-ms", type=float, default=5.0, help="default: %(default)s")
    parser.parse_args(namespace=OPTIONS)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
