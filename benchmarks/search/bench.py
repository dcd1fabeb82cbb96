"""The bench that drives a simulated server as the load engine drives a real one, on a clock of its own."""

from __future__ import annotations

import numpy as np

from probes.analysis.exceedance import Block, cluster_sizes
from probes.load.search import BLOCK_S, ClosedView, Objective, OpenView

from .servers import Server

HOPELESS_SHARE = 0.1
BETWEEN_STEPS_S = 0.5
SATURATED_SHARE = 0.9


class SimulatedBench:
    """Steps of load on `server`. Every step costs its seconds and `BETWEEN_STEPS_S`."""

    def __init__(self, server: Server, objectives: list[Objective], seed: int) -> None:
        self.server, self.objectives = server, objectives
        self.random = np.random.default_rng(seed + 7_919)
        self.t = 2.0  # the warm-up
        self.previews: list[tuple[float, float, float, float]] = []
        self.rates: list[float] = []

    def elapsed(self) -> float:
        return self.t - 2.0

    def closed(self, concurrency: int, seconds: float, requests: int) -> ClosedView:
        began = self.t
        done = self.server.closed(concurrency, began, seconds, requests)
        sent = np.array([pair[0] for pair in done])
        ends = np.array([pair[1] for pair in done])
        good = ends > 0
        ends = np.abs(ends)
        self.t = float(ends.max()) + 0.1
        last = float(sent.max())
        took = np.maximum(ends - sent, 1e-9)
        first = float(ends[np.argsort(sent, kind="stable")[:concurrency]].max())
        start = first if first < began + 0.6 * (last - began) else began
        inside = np.clip(np.minimum(ends, last) - np.maximum(sent, start), 0, None)
        share = (inside / took)[good].sum()
        service = (ends - sent)[good]
        return ClosedView(
            throughput=float(share / max(last - start, 1e-9)),
            median_ms=float(np.median(service)) * 1e3 if len(service) else np.inf,
            requests=int(good.sum()),
            error_ratio=float(1 - good.mean()),
            variability=float(service.var() / service.mean() ** 2) if len(service) > 1 else None,
            missed=tuple(
                float((~good | (ends - sent > objective.limit_ms / 1e3)).mean())
                for objective in self.objectives
            ),
        )

    def open(self, rate: float, seconds: float, discard_s: float) -> OpenView:
        self.rates.append(rate)
        length = seconds + discard_s
        due, ends, stopped = self._offer(rate, length)
        last = float(np.abs(ends[np.isfinite(ends)]).max(initial=0.0))
        self.t = max(self.t + (stopped or length), last) + BETWEEN_STEPS_S
        end = stopped or length
        cut = discard_s if end - discard_s > 1.0 else 0.0
        counts = due - self._began >= cut
        due, ends = due[counts] - self._began - cut, ends[counts] - self._began - cut * np.sign(ends[counts])
        ends = np.where(ends < 0, np.inf, ends)
        long = end - cut
        achieved = float((ends <= long).sum()) / long
        return OpenView(
            rate=rate,
            blocks=tuple(self._blocks(rate, long, due, ends, one) for one in self.objectives),
            saturated=stopped is not None or achieved < SATURATED_SHARE * len(due) / long,
            seconds=long,
            achieved=achieved,
        )

    def _offer(self, rate: float, length: float) -> tuple[np.ndarray, np.ndarray, float | None]:
        """Absolute (due, ends), and after how many seconds it was hopeless. Refused requests end below 0."""
        self._began = self.t
        count = int(rate * length + 6 * np.sqrt(rate * length) + 20)
        due = self._began + np.cumsum(self.random.exponential(1 / rate, count))
        due = due[due < self._began + length]
        limit = max(o.limit_ms for o in self.objectives if np.isfinite(o.limit_ms)) / 1e3
        allowed = max(HOPELESS_SHARE * len(due), 20)
        ends = np.array(self.server.open(due.tolist()))
        for now in np.arange(self._began + 0.5, self._began + length - 0.5, 0.5):
            overdue = int(((due + limit < now) & (np.abs(ends) > now)).sum())
            if overdue > allowed:  # hopeless: nothing more is sent, and what waits is soon given up
                known = due <= now
                given_up = now + max(0.5, 2 * limit)
                self.server.rest(given_up)
                ends = np.where(ends > given_up, np.inf, ends)
                return due[known], ends[known], float(now - self._began)
        return due, ends, None

    def _blocks(
        self, rate: float, seconds: float, due: np.ndarray, ends: np.ndarray, objective: Objective
    ) -> tuple[Block, ...]:
        missed = np.isinf(ends) if np.isinf(objective.limit_ms) else (ends - due) * 1e3 > objective.limit_ms
        count = max(1, round(seconds / BLOCK_S))
        edges = np.linspace(0, seconds, count + 1)[1:-1]
        block = np.searchsorted(edges, due, side="right")
        finite = objective.limit_ms if np.isfinite(objective.limit_ms) else 0.0
        gap = max(2 * finite / 1e3, 0.5)
        return tuple(
            Block(
                rate,
                int((block == k).sum()),
                int(missed[block == k].sum()),
                cluster_sizes(due[missed & (block == k)], gap),
            )
            for k in range(count)
        )

    def preview(self, rate: float, low: float, high: float) -> None:
        self.previews.append((self.elapsed(), rate, low, high))
