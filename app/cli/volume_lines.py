"""How cost and memory grow with the size of a request, in words: the `volume` object of a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.cli.figures import interval, known, number
from app.cli.layout import MISSING, NO_BREAK, Line, Span, line, plain, table, wrapped

WITHIN: Mapping[Any, tuple[str, str]] = {
    True: ("yes", "ok"),
    False: ("no", "warn"),
    None: ("not told", "muted"),
}


def law_sentence(volume: Mapping[str, Any]) -> str:
    """What the law is, or why none is named."""
    if volume.get("refused"):
        return f"No law is named: {plain(volume['refused'])}."
    if volume.get("law") == "1":
        return "Cost does not depend on the size: it changes by less than 10 % over all of them."
    low, high = known(volume.get("low")), known(volume.get("high"))
    span = interval(0.0 if low is None else low, 4.0 if high is None else high)
    exponent = known(volume.get("exponent"))
    shown = MISSING if exponent is None else f"{exponent:.2f}"
    power = f"exponent {shown} ({span}, 95{NO_BREAK}%) beside a fixed cost"
    between = volume.get("between")
    if between:
        names = f"{plain(between[0])} and {plain(between[1])}"
        return f"Cost grows between {names}: these sizes do not tell which; {power}."
    return f"Cost grows as {plain(volume.get('law'))}: {power}."


def slo_sentence(volume: Mapping[str, Any]) -> str:
    """The largest size that keeps the SLO, and the first that breaks it."""
    axis, slo = plain(volume.get("axis") or "size"), plain(volume.get("slo") or "the SLO")
    largest, beyond = known(volume.get("largest_within_slo")), known(volume.get("smallest_beyond_slo"))
    broken = f"; {axis}={number(beyond)} breaks it" if beyond is not None else ""
    if largest is not None:
        rest = broken or ", the largest that was tried" if _is_last(volume, largest) else broken
        return f"The largest {axis} within {slo} is {number(largest)}{rest}."
    if beyond is not None and _is_first(volume, beyond):
        return f"Not even {axis}={number(beyond)} keeps {slo}."
    rows = [row for row in volume.get("sizes") or () if isinstance(row, Mapping)]
    needed = [known(row.get("more_requests_needed")) for row in rows]
    most = max((count for count in needed if count is not None), default=None)
    more = f": up to {number(most)} more requests of a size are needed (--step, --budget)" if most else ""
    return f"Which sizes keep {slo} was not told{more}{broken}."


def _is_last(volume: Mapping[str, Any], size: float) -> bool:
    return bool(volume.get("sizes")) and known(volume["sizes"][-1].get("size")) == size


def _is_first(volume: Mapping[str, Any], size: float) -> bool:
    return bool(volume.get("sizes")) and known(volume["sizes"][0].get("size")) == size


def memory_sentence(volume: Mapping[str, Any]) -> str:
    """Memory by size; empty where it was not measured."""
    memory = volume.get("memory")
    if not isinstance(memory, Mapping):
        return ""
    axis = plain(volume.get("axis") or "size")
    if memory.get("verdict") == "growing":
        span = interval(memory.get("low"), memory.get("high"))
        brackets = f" ({span}, 95{NO_BREAK}%)" if span else ""
        more = number(memory.get("bytes_per_unit"))
        return f"Peak memory grows by {more} bytes for one more {axis}{brackets}."
    if memory.get("verdict") == "flat":
        return f"Peak memory does not grow with {axis} ({plain(memory.get('because') or '')})."
    return f"Memory by {axis} was not told: {plain(memory.get('because') or 'it was not measured')}."


def volume_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """What a sweep found out, and a row a size; nothing of another run."""
    volume = result.get("volume")
    if not isinstance(volume, Mapping):
        return []
    rows = []
    for row in volume.get("sizes") or ():
        if isinstance(row, Mapping):
            held = row.get("within_slo")
            word, style = WITHIN[held if isinstance(held, bool) else None]
            rss = known(row.get("rss_bytes"))
            rows.append(
                (
                    number(row.get("size")),
                    number(row.get("requests")),
                    number(row.get("service_ms_p50")),
                    number(row.get("response_ms_p99")),
                    number(row.get("cpu_ms_per_request")),
                    MISSING if rss is None else number(rss / 1e6),
                    Span(word, style),  # type: ignore[arg-type]
                )
            )
    lines: list[Line] = []
    if rows:
        header = (
            plain(volume.get("axis") or "size"),
            "requests",
            "service\np50 ms",
            "p99\nms",
            "CPU\nms",
            "RSS\nMB",
            "in SLO",
        )
        lines += [*table(header, rows, "rrrrrrl", columns), line("")]
    for text in (law_sentence(volume), slo_sentence(volume), memory_sentence(volume)):
        if text:
            lines += wrapped(text, columns)
    return lines


def complexity_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """Models of growing size under one load, a row each, and what they say together."""
    found = result.get("complexity")
    if not isinstance(found, Mapping):
        return []
    rows = []
    models = [row for row in found.get("models") or () if isinstance(row, Mapping)]
    for row in models:
        held = row.get("within_slo")
        word, style = WITHIN[held if isinstance(held, bool) else None]
        rss = known(row.get("rss_bytes"))
        rows.append(
            (
                plain(row.get("target") or MISSING),
                number(row.get("size")),
                number(row.get("response_ms_p50")),
                number(row.get("response_ms_p99")),
                number(row.get("cpu_ms_per_request")),
                MISSING if rss is None else number(rss / 1e6),
                Span(word, style),  # type: ignore[arg-type]
            )
        )
    header = (
        "model",
        plain(found.get("axis") or "size"),
        "p50\nms",
        "p99\nms",
        "CPU\nms",
        "RSS\nMB",
        "in SLO",
    )
    lines = table(header, rows, "trrrrrl", columns)
    for text in (law_sentence(found), slo_sentence(dict(found) | {"sizes": models}), memory_sentence(found)):
        if text:
            lines += wrapped(text, columns)
    return lines
