"""Answers S after the arrival, however many there are, but for one stall in which nothing is answered.

    stall_server.py --service-ms 5 --stall-at 4 --stall-s 2

Its truth: the stall begins `stall-at` seconds after the first request and lasts L; an answer that would leave
during it leaves at its end. So, open loop, the response times of those who arrive between S before it begins
and S before it ends fall evenly from S + L to S, and everyone else waits S. The former are the fraction
F = L/T of a window of T seconds that holds the stall, hence for every q > 1 − F

    p(q) = L·(1 − (1 − q)/F) + S

exactly, and p(q) = S below. At 100 requests/s for 10 s, S = 5 ms and L = 2 s: p90 = 1.005, p99 = 1.905 s.
"""

from __future__ import annotations

import argparse

from virtual_time import Model, VirtualTimeServer


def one_stall(service_s: float, stall_at_s: float, stall_s: float) -> Model:
    """The stall as a function of arrivals in order."""
    service, begin_after, length = (round(seconds * 1e9) for seconds in (service_s, stall_at_s, stall_s))
    begin: int | None = None

    def model(arrival: int) -> int:
        nonlocal begin
        if begin is None:
            begin = arrival + begin_after
        end = arrival + service
        return begin + length if begin <= end < begin + length else end

    return model


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--service-ms", type=float, default=5.0)
    parser.add_argument("--stall-at", type=float, default=4.0, help="seconds after the first request")
    parser.add_argument("--stall-s", type=float, default=2.0, help="length in seconds")
    options = parser.parse_args()
    VirtualTimeServer(
        one_stall(options.service_ms / 1e3, options.stall_at, options.stall_s), vars(options)
    ).run()


if __name__ == "__main__":
    main()
