"""The demo service: the recommender of an online shop, to be put under load before a campaign.

A real system, in one process on one core: a shop's recommender (shop.py) behind an HTTP server with a single
queue (serving.py). What limits it is its own computing, a nearly constant 5 ms or so a request, so that it
carries about 200 requests a second and its queue is close to M/D/1.

    python -m resources.demo.recommender --port 0

prints one JSON line with the address when it is ready, and ends with code 0 on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import ipaddress
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

if (
    not __package__
):  # run by path: make the packages of this checkout, not this folder, the place to import from
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from resources.demo.serving import Answer, Connection, Line, Metrics, Request, Routes, json_answer, refuse

if TYPE_CHECKING:
    from resources.demo.shop import Shop

NAME: Final = "shop-recommender"
DRAIN_SECONDS: Final = 1.0
BACKLOG: Final = 1024
ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
PR_SET_PDEATHSIG: Final = 1


class BadQuestionError(Exception):
    """The request asks for something that cannot be answered; the text says why (status 400)."""


class Recommender:
    """The service: what each path answers."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.metrics = Metrics()
        self.routes: Routes = {
            "/": {"GET": self.describe},
            "/recommend": {"GET": self.recommend, "POST": self.recommend},
            "/healthz": {"GET": lambda _: json_answer({"status": "alive"})},
            "/readyz": {"GET": lambda _: json_answer({"status": "ready"})},
            "/metrics": {"GET": self.show_metrics},
        }

    def recommend(self, request: Request) -> Answer:
        """The items to show to a user with a basket."""
        try:
            question = _from_json(request.body) if request.method == "POST" else _from_query(request.target)
            user, basket, k = _read_question(question)
            if why := self._shop.check(user, basket, k):
                raise BadQuestionError(why)
        except BadQuestionError as error:
            return refuse(400, str(error))
        items = [
            {"item": shown.item, "score": shown.score, "category": shown.category, "price": shown.price}
            for shown in self._shop.recommend(user, basket, k)
        ]
        return json_answer({"user": user, "items": items})

    def describe(self, _: Request) -> Answer:
        """The catalogue of endpoints, with an example to begin with."""
        return json_answer(
            {
                "service": NAME,
                "users": self._shop.users,
                "items": self._shop.items,
                "endpoints": [
                    f"{method} {path}" for path, methods in self.routes.items() for method in methods
                ],
                "example": {
                    "method": "POST",
                    "path": "/recommend",
                    "body": {"user": 17, "basket": [3, 99], "k": 10},
                },
            }
        )

    def show_metrics(self, _: Request) -> Answer:
        """What the service counts, for Prometheus."""
        return Answer(200, self.metrics.render().encode(), "text/plain; version=0.0.4; charset=utf-8")


def _from_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadQuestionError(f"the body is not JSON: {error}") from None


def _from_query(target: str) -> object:
    fields = parse_qs(urlsplit(target).query, keep_blank_values=True)
    try:
        question: dict[str, object] = {
            name: int(fields[name][-1]) for name in ("user", "k") if name in fields
        }
        question["basket"] = [int(item) for item in ",".join(fields.get("basket", ())).split(",") if item]
    except ValueError:
        raise BadQuestionError("user and k are whole numbers, basket is some with commas between") from None
    return question


def _read_question(question: object) -> tuple[int, list[int], int]:
    """user, basket and k; the basket is empty and k is 10 unless given."""
    if not isinstance(question, dict):
        raise BadQuestionError('the body is an object such as {"user": 17, "basket": [3, 99], "k": 10}')
    user, basket, k = question.get("user"), question.get("basket", []), question.get("k", 10)
    if not isinstance(basket, list):
        raise BadQuestionError("basket is a list of items")
    for name, value in (("user", user), ("k", k), *(("an item of the basket", item) for item in basket)):
        if type(value) is not int:
            raise BadQuestionError(f"{name} is a whole number")
    return user, basket, k  # type: ignore[return-value]  # each was just seen to be an int


async def serve(shop: Shop, listener: socket.socket) -> None:
    """Serves on the bound `listener` until SIGTERM or SIGINT; one JSON line on standard output says where."""
    service = Recommender(shop)
    line = Line(service.routes, service.metrics)
    loop = asyncio.get_running_loop()
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    server = await loop.create_server(lambda: Connection(line), sock=listener, backlog=BACKLOG)
    _spare_the_garbage_collector()
    host, port = listener.getsockname()[:2]
    ready = {"service": NAME, "host": host, "port": port, "pid": os.getpid()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await told_to_end.wait()
    server.close()
    await line.drain(DRAIN_SECONDS)


def _spare_the_garbage_collector() -> None:
    """What exists now lives for ever and what requests leave behind has no cycles: no pause is worth it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _end_with_parent(parent: int) -> None:
    """On Linux: SIGTERM when the thread that started this process ends; now, if `parent` is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def _loopback(text: str) -> str:
    """`text` as the address of a loopback interface: the demo is nothing to offer to a network."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise argparse.ArgumentTypeError(f"{text} is not on this machine; use 127.0.0.1")
    return str(address)


def _bind(host: str, port: int) -> socket.socket:
    """A socket with its address, on which nobody can connect yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, or asyncio does not switch Nagle's algorithm off.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, opens the shop and serves. Returns the exit code."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(
        prog="python -m resources.demo.recommender",
        description="The demo service of Loadstone: the recommender of an online shop.",
        epilog="""Example: curl -d '{"user": 17, "basket": [3, 99], "k": 10}' http://127.0.0.1:8080/recommend""",
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--host", type=_loopback, default="127.0.0.1", help="a loopback address (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the shop's data (default: %(default)s)")
    parser.add_argument(
        "--items", type=int, default=20_000, help="in the shop, 1000 or more (default: %(default)s)"
    )
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when whoever started this ends (Linux)"
    )
    options = parser.parse_args(arguments)
    if options.items < 1_000:
        parser.error("--items must be 1000 or more")
    if options.die_with_parent:
        _end_with_parent(parent)
    try:
        listener = _bind(options.host, options.port)
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {options.host} port {options.port}: {error}")
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # read when numpy is first imported, which is now
    from resources.demo.shop import Shop

    with listener:
        asyncio.run(serve(Shop(options.items, options.seed), listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
