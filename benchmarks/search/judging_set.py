"""The servers by which the search is judged, drawn up apart from those on which it was tuned.

Look at the whole of it once a version, and write down what it said: HISTORY.md. Nobody changes the
search to please one of these.
"""

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
    Kind("M/M/1 4 ms", lambda s, _: Server(1, exponential(0.004), s), (("p99", 40),), 135, True, 134.871),
    Kind("M/M/6 20 ms", lambda s, _: Server(6, exponential(0.020), s), (("p95", 90),), 260, True, 254.785),
    Kind("M/D/2 12 ms", lambda s, _: Server(2, constant(0.012), s), (("p99", 60),), 150, True, 125.787),
    Kind("M/D/16 25 ms", lambda s, _: Server(16, constant(0.025), s), (("p99", 50),), 580, True, 561.638),
    Kind("M/E4/3 30 ms", lambda s, _: Server(3, erlang(0.030, 4), s), (("p99", 150),), 85, True),
    Kind(
        "M/M/2 50 ms, few", lambda s, _: Server(2, exponential(0.050), s), (("p95", 350),), 32, True, 30.842
    ),
    Kind("lognormal cv 1, 4", lambda s, _: Server(4, lognormal(0.010, 1.0), s), (("p99", 80),), 330, True),
    Kind("lognormal cv 2.5, 5", lambda s, _: Server(5, lognormal(0.010, 2.5), s), (("p99", 150),), 380),
    Kind("Pareto 2.1, 8", lambda s, _: Server(8, pareto(0.012, 2.1), s), (("p99", 200),), 550),
    Kind(
        "two kinds 5/60 ms, 4", lambda s, _: Server(4, two_kinds(0.005, 0.060, 0.06), s), (("p99", 300),), 400
    ),
    Kind("slow mode 0.5 %", lambda s, _: Server(8, two_kinds(0.008, 0.200, 0.005), s), (("p99", 120),), 750),
    Kind(
        "pauses 60 ms/3 s",
        lambda s, _: Pausing(2, exponential(0.006), s, pause=0.06, every=3.0),
        (("p99", 70),),
        260,
    ),
    Kind(
        "pauses 250 ms/12 s",
        lambda s, _: Pausing(4, exponential(0.010), s, pause=0.25, every=12.0),
        (("p99", 200),),
        340,
    ),
    Kind(
        "pauses 400 ms/30 s",
        lambda s, _: Pausing(4, exponential(0.010), s, pause=0.4, every=30.0),
        (("p99", 150),),
        340,
    ),
    Kind(
        "neighbour x1.3 10/40 s",
        lambda s, _: Neighboured(3, exponential(0.012), s, factor=1.3, busy=10, every=40),
        (("p99", 100),),
        190,
    ),
    Kind(
        "warming over 90 s",
        lambda s, q: Warming(3, exponential(0.010), s, factor=2.0, over=90, settled=q),
        (("p99", 90),),
        250,
    ),
    Kind(
        "growing 3 to 8",
        lambda s, q: Growing(8, exponential(0.020), s, first=3, every=14, settled=q),
        (("p99", 120),),
        350,
    ),
    Kind("batches of 8", lambda s, _: Batching(8, 0.010, 0.002, s), (("p99", 80),), 270),
    Kind(
        "16 places, refuses",
        lambda s, _: Refusing(3, exponential(0.010), s, places=16),
        (("p99", 150), ("errors", 0)),
        250,
    ),
    Kind(
        "crowded +3 %, 12 ms",
        lambda s, _: Crowded(4, exponential(0.012), s, from_=6, slope=0.03, most=4.0),
        (("p99", 120),),
        240,
    ),
    Kind(
        "collapses x2 beyond 30",
        lambda s, _: Crowded(3, exponential(0.010), s, from_=30, slope=0, most=2.0, back_to=5),
        (("p99", 130),),
        200,
    ),
    Kind(
        "language model, sharing",
        lambda s, _: Sharing(24, erlang(0.150, 2), s, slowdown=0.06),
        (("p95", 900),),
        60,
    ),
]
