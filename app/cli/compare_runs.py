"""Two stored runs side by side, and what two single runs cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.cli.layout import Line
    from assessments.store import StoredRun

_REMARK = (
    "Two single runs cannot tell noise from a change, except where their intervals are apart: "
    "repeat both, in turn, to be sure of the rest."
)
_LATENCIES = ("p50", "p90", "p95", "p99", "p999", "max", "mean")
_SAME_MACHINE = ("name", "system", "kernel", "architecture", "cpu_model", "cpu_usable", "memory_bytes")


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of both runs, each with its interval where it has one. `ratio` is B over A.

    `apart` is True where both intervals are known and do not meet, False where they meet, else None.
    """

    name: str
    unit: str
    a: float | None
    b: float | None
    a_interval: tuple[float, float] | None = None
    b_interval: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        """B over A; None where one is missing or A is 0."""
        return self.b / self.a if self.a and self.b is not None else None

    @property
    def apart(self) -> bool | None:
        """Whether the intervals are apart."""
        if self.a_interval is None or self.b_interval is None:
            return None
        return self.a_interval[1] < self.b_interval[0] or self.b_interval[1] < self.a_interval[0]


def lines_of(first: StoredRun, second: StoredRun, columns: int) -> tuple[list[Line], dict[str, Any]]:
    """The comparison for people, and as a document `loadstone.compare/1`."""
    from app.cli.layout import line, plain, wrapped

    rows = compared(first.result, second.result)
    warnings = differences(first.result, second.result)
    warnings += [
        f"{name}: {text}" for name, stored in (("A", first), ("B", second)) for text in stored.damaged
    ]
    lines: list[Line] = []
    for name, stored in (("A", first), ("B", second)):
        lines += wrapped(_described(name, stored.id, stored.result, stored.status), columns, "", "   ")
    lines += [line(""), *_table(rows, columns), line("")]
    for text in warnings:
        lines += wrapped(f"warning: {plain(text)}", columns, "warn")
    return [*lines, *wrapped(_REMARK, columns, "muted")], to_json(first.id, second.id, rows, warnings)


def compared(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Compared]:
    """The metrics of both runs; one that neither has is left out."""
    from app.cli.outcome import measure

    rows = [
        Compared(
            "capacity", "1/s", measure(first, "capacity"), measure(second, "capacity"),
            _capacity_interval(first), _capacity_interval(second),
        )
    ]  # fmt: skip
    rows += [
        Compared(
            name, "ms", measure(first, name), measure(second, name),
            _latency_interval(first, name), _latency_interval(second, name),
        )
        for name in _LATENCIES
    ]  # fmt: skip
    rows += [
        Compared(title, unit, measure(first, metric), measure(second, metric))
        for title, unit, metric in (
            ("throughput", "1/s", "throughput"),
            ("CPU a request", "ms", "cpu_ms_per_request"),
            ("RSS", "MB", "rss_mb"),
            ("errors", "%", "errors"),
        )
    ]
    return [row for row in rows if row.a is not None or row.b is not None]


def _capacity_interval(result: Mapping[str, Any]) -> tuple[float, float] | None:
    capacity = result.get("capacity") or {}
    if capacity.get("bound") not in (None, "bracketed", "provisional"):
        return None
    return _pair(capacity.get("low"), capacity.get("high"))


def _latency_interval(result: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    from app.cli.outcome import decisive_step

    response = (decisive_step(result) or {}).get("response_ms") or {}
    return _pair(response.get(f"{name}_low"), response.get(f"{name}_high"))


def _pair(low: Any, high: Any) -> tuple[float, float] | None:
    from app.cli.figures import known

    below, above = known(low), known(high)
    return None if below is None or above is None else (below, above)


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Sentences on what makes the two runs hard to compare."""
    from app.cli.summary import slo_text

    found = []
    for name, key, inner in (("targets", "target", "address"), ("SLOs", "load", "slo")):
        one, other = ((result.get(key) or {}).get(inner) for result in (first, second))
        if one != other:
            found.append(f"the {name} differ: {one or 'none'} and {other or 'none'}")
    asked, answered = ((result.get("capacity") or {}).get("slo") for result in (first, second))
    if (
        asked != answered
        and asked is not None
        and answered is not None
        and not any("SLO" in text for text in found)
    ):
        found.append(f"the SLOs differ: {slo_text(asked)} and {slo_text(answered)}")
    modes = [(result.get("load") or {}).get("mode") for result in (first, second)]
    if modes[0] != modes[1]:
        found.append(
            "one run looked for the capacity and the other did not, so latencies belong to other rates"
        )
    machines = [(result.get("run") or {}).get("machine") or {} for result in (first, second)]
    keys = [key for key in _SAME_MACHINE if machines[0].get(key) != machines[1].get(key)]
    if keys:
        found.append(f"the machines differ ({', '.join(keys)})")
    for name, result in (("A", first), ("B", second)):
        run = result.get("run") or {}
        if run.get("status") != "completed":
            found.append(f"{name} was not completed ({run.get('status') or 'unknown'})")
        if run.get("grade") != "valid":
            found.append(f"{name} is graded {str(run.get('grade') or 'not at all').replace('_', ' ')}")
    return found


def _described(name: str, run_id: str, result: Mapping[str, Any], status: str) -> str:
    from app.cli.layout import plain

    address = (result.get("target") or {}).get("address") or "–"
    started = str((result.get("run") or {}).get("started_at") or "")[:16].replace("T", " ")
    return f"{name}  {plain(run_id)}  {plain(started)}  {plain(status)}  {plain(address)}"


def _table(rows: list[Compared], columns: int) -> list[Line]:
    from app.cli.figures import interval, number, share
    from app.cli.layout import MISSING, Span, table

    def cell(value: float | None, span: tuple[float, float] | None, unit: str) -> str:
        if value is None:
            return MISSING
        shown = share(value) if unit == "%" else number(value)
        return f"{shown} ({interval(*span)})" if span else shown

    def verdict(row: Compared) -> Span:
        if row.apart is None:
            return Span("", "")
        return Span("apart", "strong") if row.apart else Span("not told apart", "muted")

    body = [
        (
            f"{row.name} {row.unit}" if row.unit != "%" else row.name,
            cell(row.a, row.a_interval, row.unit),
            cell(row.b, row.b_interval, row.unit),
            number(row.ratio) if row.ratio is None else f"{row.ratio:.2f}",
            verdict(row),
        )
        for row in rows
    ]
    return table(("", "A", "B", "B/A", "intervals"), body, "lrrrl", columns)


def to_json(a: str, b: str, rows: list[Compared], warnings: list[str]) -> dict[str, Any]:
    """The comparison as a document; what was not measured is left out."""
    metrics = []
    for row in rows:
        entry: dict[str, Any] = {"metric": row.name, "unit": "1" if row.unit == "%" else row.unit}
        for name, value, span in (("a", row.a, row.a_interval), ("b", row.b, row.b_interval)):
            if value is not None:
                entry[name] = {"value": value} | ({"low": span[0], "high": span[1]} if span else {})
        if row.ratio is not None:
            entry["ratio"] = row.ratio
        if row.apart is not None:
            entry["intervals_apart"] = row.apart
        metrics.append(entry)
    return {
        "schema": "loadstone.compare/1",
        "a": a,
        "b": b,
        "metrics": metrics,
        "warnings": warnings,
        "remark": _REMARK,
    }
