"""How latency and memory grow with the size of a model, from one run of each under the same load.

The size is the number of parameters where every model tells it, else that of its file. The law is that of
`probes.analysis.volume`, of the median response time; the largest model within the SLO is the largest below
the first that breaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probes.analysis.volume import LEAST_SIZES, fit_volume, memory_by_size


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model's run: times in ms, memory in bytes, None where not measured.

    `trusted` is False for a run that says nothing certain about the model; `within_slo` is then None.
    """

    run: str
    target: str
    bytes: int | None
    parameters: int | None
    p50_ms: float | None
    p99_ms: float | None
    cpu_ms_per_request: float | None
    rss_bytes: float | None
    within_slo: bool | None
    trusted: bool = True


def complexity_json(runs: Sequence[ModelRun], slo: str) -> dict[str, Any]:
    """The `complexity` object of a result: the `volume` object with a row a model instead of a row a size."""
    axis = "parameters" if all(run.parameters for run in runs) else "bytes"
    sized = sorted(((size, run) for run in runs if (size := getattr(run, axis))), key=lambda pair: pair[0])
    costs = [(size, run.p50_ms) for size, run in sized if run.trusted and run.p50_ms]
    if len(costs) < LEAST_SIZES:  # then what is not certain too, as each row says
        costs = [(size, run.p50_ms) for size, run in sized if run.p50_ms]
    document = fit_volume([size for size, _ in costs], [cost for _, cost in costs]).to_json(axis)
    kept = {size: run.within_slo for size, run in sized}
    beyond = next((size for size, held in kept.items() if held is False), None)
    within = [size for size, held in kept.items() if held and (beyond is None or size < beyond)]
    document |= {
        "cost": "response_ms_p50",
        "models": [
            {
                "size": size,
                "run": run.run,
                "target": run.target,
                "within_slo": run.within_slo,
                "trusted": run.trusted,
                "response_ms_p50": run.p50_ms,
                "response_ms_p99": run.p99_ms,
                "cpu_ms_per_request": run.cpu_ms_per_request,
                "rss_bytes": run.rss_bytes,
            }
            for size, run in sized
        ],
        "slo": slo,
        "largest_within_slo": max(within, default=None),
        "smallest_beyond_slo": beyond,
        "memory": memory_by_size([(size, run.rss_bytes) for size, run in sized if run.rss_bytes]),
    }
    return document
