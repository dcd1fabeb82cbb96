"""A `loadstone.probe/1` document with only what is of the right kind: a report outlives a damaged run.

What is not as the format says is left out, as if it had not been measured: a text where a number belongs, a
negative count, a number that no float can hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_PARTS = frozenset(
    {
        "run", "target", "load", "capacity", "scalability", "client", "memory", "volume", "answers",
        "overload", "loss", "streaming", "ttft_ms", "itl_ms", "tpot_ms",
        "machine", "slo", "errors", "stacks", "response_ms", "service_ms", "send_lag_ms", "read_lag_ms",
        "floor_ms",
    }
)  # fmt: skip
_LISTS = frozenset(
    {
        "steps", "hotspots", "flame", "bounds",
    }
)  # fmt: skip
_NUMBERS = frozenset(
    {
        "seconds", "rate_per_s", "saturation_per_s", "confidence", "probe_seconds", "lambda", "sigma",
        "kappa", "peak_concurrency", "offered_per_s", "achieved_per_s", "concurrency", "scheduled",
        "sent", "unsent", "ok", "timeouts", "cancelled", "cpu_cores", "cpu_ms_per_request",
        "depth", "start", "utilisation", "demand_ms", "bound_per_s",
        "cpu_us_per_request", "rss_bytes", "threads", "share", "gil_share", "largest_within_slo",
        "cpu_count", "cpu_usable", "memory_bytes", "others_cpu_cores", "requests_sent",
        "compared", "equal", "changed_at_most", "goodput_per_s", "goodput_ratio", "shed_ratio", "recovery_s",
        "watched_s", "requests", "failed", "of",
        "streams", "tokens_per_s", "tokens_per_chunk", "merged_ratio", "without_usage", "without_done",
    }
)  # fmt: skip
_ALL_NUMBERS_IN = frozenset(
    {
        "slo", "errors", "response_ms", "service_ms", "send_lag_ms", "read_lag_ms", "floor_ms",
        "ttft_ms", "itl_ms", "tpot_ms",
    }
)  # fmt: skip
_TEXTS = frozenset(
    {
        "id", "started_at", "status", "reason", "grade", "grade_reason", "bound", "because",
        "confirm_by", "limited_by", "refused", "peak_refused", "variant", "verdict", "function",
        "file", "law", "axis", "arrivals", "name", "resource", "note", "fault", "tokens_from",
    }
)  # fmt: skip
_NAMES = frozenset({"different", "left_out"})
_DEEPEST = 8


def read_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run without what is not of the right kind; its shape is the same otherwise."""
    return _mapping(run, "", 0)


def _mapping(found: Mapping[str, Any], name: str, depth: int) -> dict[str, Any]:
    kept = {}
    for key, value in found.items():
        clean = _value(value, str(key), name, depth)
        if clean is not None:
            kept[str(key)] = clean
    return kept


def _value(value: Any, key: str, inside: str, depth: int) -> Any:
    """The value where it fits its key, else None."""
    if depth > _DEEPEST:
        return None
    if inside in _ALL_NUMBERS_IN or key in _NUMBERS:
        return _number(value)
    if (inside, key) == ("target", "client"):  # whose client made the calls; elsewhere what the client used
        return value if isinstance(value, str) else None
    if key in ("low", "high"):  # a bound of a rate, or the bounds of all coefficients of the law
        return _mapping(value, key, depth + 1) if isinstance(value, Mapping) else _number(value)
    if key in _PARTS and inside != "load":  # what was asked for says its objective as text
        return _mapping(value, key, depth + 1) if isinstance(value, Mapping) else None
    if key in _LISTS:
        entries = value if isinstance(value, list | tuple) else ()
        return [_mapping(entry, key, depth + 1) for entry in entries if isinstance(entry, Mapping)]
    if key in _NAMES:
        return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple) else None
    if key in _TEXTS:
        return value if isinstance(value, str) else None
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return _mapping(value, key, depth + 1)
    return None


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        fits = math.isfinite(value) and 0 <= value < 1e15
    except OverflowError:
        return None
    return value if fits else None
