"""What a probe of the user's code says of the call alone, beside the responses in the table of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.cli.figures import known, number
from app.cli.layout import Line, plain, wrapped

MOST_ERRORS = 3


def call_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """One sentence on the time of the call and on Loadstone's own share; then what it raised most often."""
    call = result.get("call")
    if not isinstance(call, Mapping):
        return []
    parts = []
    for key, text in (("call_ms", "The call alone took"), ("cpu_ms", "with CPU of")):
        if (median := _median(call, key)) is not None:
            parts.append(f"{text} {number(median)} ms (p50){_p99(call, key)}")
    lines: list[Line] = []
    if parts:
        sentence = ", ".join(parts)
        harness = _median(call, "harness_ms")
        if harness is not None:
            sentence += f"; handing it over added {number(harness)} ms, which the responses above hold too"
        lines += wrapped(f"{sentence}.", columns)
    errors = call.get("errors")
    counted = (
        {text: known(count) or 0 for text, count in errors.items()} if isinstance(errors, Mapping) else {}
    )
    for text, count in sorted(counted.items(), key=lambda entry: -entry[1])[:MOST_ERRORS]:
        times = "once" if count == 1 else f"{number(count)} times"
        lines += wrapped(f"Raised {times}: {plain(text, 200)}", columns, "bad")
    hung = call.get("hung")
    if isinstance(hung, list) and hung:
        verb = "call has" if len(hung) == 1 else "calls have"
        lines += wrapped(f"{len(hung)} {verb} not returned.", columns, "bad")
    return lines


def _median(call: Mapping[str, Any], key: str) -> float | None:
    times = call.get(key)
    return known(times.get("p50")) if isinstance(times, Mapping) else None


def _p99(call: Mapping[str, Any], key: str) -> str:
    times = call.get(key)
    high = known(times.get("p99")) if isinstance(times, Mapping) else None
    return "" if high is None else f", {number(high)} ms (p99)"
