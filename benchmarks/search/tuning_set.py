"""The servers on which the search was tuned. How good it is, these cannot say: see judging_set.py."""

from __future__ import annotations

from .kinds import Kind
from .servers import (
    Batching,
    Crowded,
    Growing,
    Neighboured,
    Pausing,
    Refusing,
    Server,
    Sharing,
    Warming,
    constant,
    erlang,
    exponential,
    lognormal,
    pareto,
    two_kinds,
)  # fmt: skip

KINDS = [
    Kind("t: M/M/1 10 ms", lambda s, _: Server(1, exponential(0.010), s), (("p99", 100),), 54, True, 53.948),
    Kind("t: M/M/4 10 ms", lambda s, _: Server(4, exponential(0.010), s), (("p99", 100),), 350, True, 350.09),
    Kind("t: M/D/8 10 ms", lambda s, _: Server(8, constant(0.010), s), (("p99", 30),), 700, True, 698.464),
    Kind("t: M/D/1 5 ms", lambda s, _: Server(1, constant(0.005), s), (("p99", 100),), 190, True, 177.125),
    Kind("t: M/E2/2 15 ms", lambda s, _: Server(2, erlang(0.015, 2), s), (("p95", 80),), 115, True),
    Kind("t: lognormal cv 1.5, 4", lambda s, _: Server(4, lognormal(0.015, 1.5), s), (("p99", 200),), 240),
    Kind("t: Pareto 2.3, 6", lambda s, _: Server(6, pareto(0.010, 2.3), s), (("p99", 120),), 500),
    Kind(
        "t: slow 80 ms, 2", lambda s, _: Server(2, exponential(0.080), s), (("p95", 600),), 20, True, 19.699
    ),
    Kind(
        "t: two kinds 8/80 ms, 4",
        lambda s, _: Server(4, two_kinds(0.008, 0.080, 0.1), s),
        (("p99", 500),),
        240,
    ),
    Kind(
        "t: pauses 100 ms/5 s",
        lambda s, _: Pausing(4, exponential(0.008), s, pause=0.1, every=5.0),
        (("p99", 80),),
        300,
    ),
    Kind(
        "t: pauses 200 ms/20 s",
        lambda s, _: Pausing(3, exponential(0.008), s, pause=0.2, every=20.0),
        (("p99", 150),),
        300,
    ),
    Kind(
        "t: neighbour x1.5 6/25 s",
        lambda s, _: Neighboured(4, exponential(0.010), s, factor=1.5, busy=6, every=25),
        (("p99", 100),),
        240,
    ),
    Kind(
        "t: warming over 60 s",
        lambda s, q: Warming(4, exponential(0.010), s, factor=1.8, over=60, settled=q),
        (("p99", 100),),
        350,
    ),
    Kind(
        "t: growing 2 to 6",
        lambda s, q: Growing(6, exponential(0.015), s, first=2, every=12, settled=q),
        (("p99", 120),),
        330,
    ),
    Kind("t: batches of 16", lambda s, _: Batching(16, 0.012, 0.001, s), (("p99", 70),), 500),
    Kind(
        "t: 24 places, refuses",
        lambda s, _: Refusing(4, exponential(0.012), s, places=24),
        (("p99", 200), ("errors", 0)),
        290,
    ),
    Kind(
        "t: crowded +2 %, 8 ms",
        lambda s, _: Crowded(4, exponential(0.008), s, from_=8, slope=0.02, most=3.0),
        (("p99", 80),),
        380,
    ),
    Kind(
        "t: collapses x1.7 beyond 40",
        lambda s, _: Crowded(4, exponential(0.010), s, from_=40, slope=0, most=1.7, back_to=8),
        (("p99", 110),),
        320,
    ),
    Kind(
        "t: sharing 100 ms",
        lambda s, _: Sharing(32, exponential(0.100), s, slowdown=0.08),
        (("p95", 600),),
        60,
    ),
]
