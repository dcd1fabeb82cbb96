"""What of a result document stands in the columns by which runs are listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

P99_FACT = "load.response_p99_ms"


def listing_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The listing columns of a `loadstone.probe/1` document; what it does not hold is None.

    `p99_ms` is the fact of that name (at capacity, or of the last step), else the last step's.
    """
    run, capacity = _part(result, "run"), _part(result, "capacity")
    return {
        "status": _text(run.get("status")) or "completed",
        "grade": _text(run.get("grade")),
        "reason": _text(run.get("reason")),
        "seconds": _number(run.get("seconds")),
        "capacity_per_s": _number(capacity.get("rate_per_s")),
        "capacity_low_per_s": _number(capacity.get("low")),
        "capacity_high_per_s": _number(capacity.get("high")),
        "p99_ms": _p99_ms(result),
    }


def facts_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The facts of a result document."""
    return _objects(result.get("facts"))


def _p99_ms(result: Mapping[str, Any]) -> float | None:
    for fact in facts_of(result):
        if fact.get("name") == P99_FACT:
            return _number(fact.get("value"))
    steps = _objects(result.get("steps"))
    return _number(_part(steps[-1], "response_ms").get("p99")) if steps else None


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [dict(entry) for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
