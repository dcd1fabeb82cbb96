"""What of a result document stands in the columns by which runs are listed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
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


def steps_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a result document."""
    return _objects(result.get("steps"))


def part_of(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object `name` of a result document, empty where there is none."""
    return dict(_part(result, name))


def time_in(text: Any) -> datetime | None:
    """The RFC 3339 time in `text` in UTC; None where there is none with a zone."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _p99_ms(result: Mapping[str, Any]) -> float | None:
    for fact in facts_of(result):
        if fact.get("name") == P99_FACT:
            return _number(fact.get("value"))
    steps = steps_of(result)
    return _number(_part(steps[-1], "response_ms").get("p99")) if steps else None


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [dict(entry) for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
