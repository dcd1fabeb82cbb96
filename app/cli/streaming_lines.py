"""What a probe says of streamed answers: the wait for the first token, the gaps, tokens a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.cli.figures import known, number, share
from app.cli.layout import NO_BREAK, Line, wrapped

TOLD_MERGED = 0.05
"""From this share of tokens that came together on the gaps are not those of the model."""


def streaming_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """The streamed answers of the last step, or of the one at capacity; nothing where there were none."""
    found = result.get("streaming")
    if not isinstance(found, Mapping):
        return []
    parts = [
        f"{name} p50{NO_BREAK}{number(p50)}{NO_BREAK}ms{_p95(found.get(key))}"
        for name, key in (("first token", "ttft_ms"), ("gaps", "itl_ms"), ("a token", "tpot_ms"))
        if (p50 := _at(found, key, "p50")) is not None
    ]
    per_s = known(found.get("tokens_per_s"))
    if per_s is not None:
        counted = " (counted as events: it tells no usage)" if found.get("tokens_from") == "chunks" else ""
        parts.append(f"{number(per_s)}{NO_BREAK}tokens/s{counted}")
    good = known(found.get("goodput_per_s"))
    if good is not None:
        parts.append(f"{number(good)}{NO_BREAK}requests/s within the SLO")
    lines = wrapped(f"Streamed{_load_of(result, found)}: {', '.join(parts)}.", columns) if parts else []
    merged, without = known(found.get("merged_ratio")), known(found.get("without_done"))
    if merged is not None and merged >= TOLD_MERGED:
        text = (
            f"{share(merged)} of the tokens came together with the one before: they have no gap of their own."
        )
        lines += wrapped(text, columns, "muted")
    if without:
        lines += wrapped(f"{number(without)} streams ended without [DONE].", columns, "muted")
    return lines


def _load_of(result: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Under which load that was, where one step of several shows these times."""
    steps = [step for step in result.get("steps") or () if isinstance(step, Mapping)]
    for step in reversed(steps if len(steps) > 1 else ()):
        seen = step.get("streaming")
        if isinstance(seen, Mapping) and seen.get("ttft_ms") == found.get("ttft_ms"):
            rate, callers = known(step.get("offered_per_s")), known(step.get("concurrency"))
            if step.get("mode") == "closed":
                return "" if callers is None else f" to {number(callers)} callers at once"
            return "" if rate is None else f" at {number(rate)}{NO_BREAK}requests/s"
    return ""


def _at(found: Mapping[str, Any], key: str, percentile: str) -> float | None:
    times = found.get(key)
    return known(times.get(percentile)) if isinstance(times, Mapping) else None


def _p95(times: Any) -> str:
    p95 = known(times.get("p95")) if isinstance(times, Mapping) else None
    return "" if p95 is None else f" (p95{NO_BREAK}{number(p95)})"
