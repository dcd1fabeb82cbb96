"""How full each resource was at saturation, as bars: what gave out, and what is close behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.charts.spec import Bar, BarChart
from app.report.sections.run_words import number, part
from app.report.view import View
from assessments.wording import NO_BREAK, amount, binary_bytes, percent

CLOSE = 0.85
"""From this share on a resource may be named the limit (`probes.analysis.bottleneck`)."""
MOST = 5
NAMES: Mapping[str, str] = {
    "cpu": "CPU",
    "quota": "CPU quota",
    "thread": "One thread",
    "gil": "GIL held",
    "memory": "Memory of the machine",
    "gpu": "GPU",
    "disk": "Disk",
    "network": "Network",
}


def resources_chart(view: View) -> BarChart | None:
    """Shares of each resource in use at the highest throughput of the run that counts, the fullest first.

    Memory of a replica stands against its limit where both are known. None where nothing was watched.
    """
    run = view.run
    capacity: Mapping[str, Any] = part(run, "capacity") if run is not None else {}
    limited = str(capacity.get("limited_by") or "")
    bars: list[Bar] = []
    for entry in capacity.get("bounds") or ():
        share = number(entry.get("utilisation"))
        if share is not None:
            key = str(entry.get("resource"))
            bars.append(_bar(NAMES.get(key, key), share, percent(share), is_limit=key == limited))
    cores = number(part(part(run, "run"), "machine").get("cpu_usable")) if run is not None else None
    used = view.number("process.cpu_cores_at_saturation")
    if (
        cores
        and used is not None
        and all(entry.get("resource") != "cpu" for entry in capacity.get("bounds") or ())
    ):
        bars.append(
            _bar(
                "CPU", used / cores, f"{amount(used)} of {cores:g}{NO_BREAK}cores", is_limit=limited == "cpu"
            )
        )
    peak, limit = view.number("process.rss_peak_bytes"), view.number("infra.kubernetes.memory_limit_bytes")
    if peak is not None and limit:
        shown = f"{binary_bytes(peak).partition(NO_BREAK)[0]} of {binary_bytes(limit)}"
        if binary_bytes(peak)[-3:] != binary_bytes(limit)[-3:]:
            shown = f"{binary_bytes(peak)} of {binary_bytes(limit)}"
        is_named = any(bar.kind == "limit" for bar in bars)
        bars.append(_bar("Memory", peak / limit, shown, is_limit=limited == "memory" and not is_named))
    if not bars:
        return None
    bars.sort(key=lambda bar: (bar.kind != "limit", -bar.value))
    named = f"{bars[0].name} is the limit" if bars[0].kind == "limit" else "no resource is named the limit"
    return BarChart(
        title=f"Use at saturation: {named}",
        bars=tuple(bars[:MOST]),
        target=CLOSE,
        caption=f"Use at the highest throughput. Line: {percent(CLOSE)}, from where a resource may be named.",
        target_kind="note",
        full=1.0,
    )


def _bar(name: str, share: float, shown: str, *, is_limit: bool) -> Bar:
    return Bar(name, min(share, 1.0), shown=shown, kind="limit" if is_limit else "use")
