"""A kind of server with its SLO, and the rate at which it truly stops keeping it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probes.load.search import Objective

from .servers import Server

TRUTHS = Path(__file__).parent / "truths.json"
COARSE, FINE = 60_000, 2_400_000
OBJECTIVES = {
    "p95": 0.05,
    "p99": 0.01,
    "errors": 0.01,
}


@dataclass(frozen=True)
class Kind:
    """`make(seed, settled)`: the server; settled: as it is once it has warmed up. `about`: where to look
    first; `exact`: the truth by closed form (tests/systems/simulate.py)."""

    name: str
    make: Callable[[int, bool], Server]
    slo: tuple[tuple[str, float], ...]
    about: float
    well_behaved: bool = False
    exact: float | None = None

    @property
    def objectives(self) -> list[Objective]:
        return [
            Objective(f"{what}<={limit:g}ms", limit, OBJECTIVES[what])
            if what != "errors"
            else Objective("errors<=0.01", math.inf, OBJECTIVES[what])
            for what, limit in self.slo
        ]

    def excess(self, rate: float, count: int, seed: int = 99) -> float:
        """The largest logit of a share of misses less that of what is allowed, over `count` requests."""
        server = self.make(seed, True)
        random = np.random.default_rng([seed, 1])
        due = np.cumsum(random.exponential(1 / rate, count))
        ends = np.array(server.open(due.tolist()))
        worst = -math.inf
        for objective in self.objectives:
            missed = (
                ends < 0
                if math.isinf(objective.limit_ms)
                else (ends < 0) | ((ends - due) * 1e3 > objective.limit_ms)
            )
            share = (missed[count // 20 :].sum() + 0.5) / (count - count // 20 + 1)
            worst = max(worst, _logit(share) - _logit(objective.allowed))
        return worst

    def find_truth(self) -> float:
        """By halving: over `COARSE` requests a rate as far as they can tell, then over `FINE`."""
        low, high = 0.1 * self.about, 3 * self.about
        while high / low > 1.05:
            middle = math.sqrt(low * high)
            if self.excess(middle, COARSE) > 0:
                high = middle
            else:
                low = middle
        low, high = low / 1.05, high * 1.05
        while high / low > 1.003:
            middle = math.sqrt(low * high)
            if self.excess(middle, FINE) > 0:
                high = middle
            else:
                low = middle
        return math.sqrt(low * high)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def truth(kind: Kind) -> float:
    """From the file, or found and written there; by formula where there is one."""
    if kind.exact is not None:
        return kind.exact
    known = json.loads(TRUTHS.read_text()) if TRUTHS.exists() else {}
    if kind.name not in known:
        known[kind.name] = round(kind.find_truth(), 3)
        TRUTHS.write_text(json.dumps(known, indent=1) + "\n")
    return float(known[kind.name])
