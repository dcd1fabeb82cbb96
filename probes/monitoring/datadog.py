"""Datadog's monitors that are kept as files: JSON as the API gives it, one or a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import line_of, mappings, read_json
from probes.scanned import Findings

_TYPES = re.compile(
    r"(metric|query|service check|log|trace-analytics|slo|apm|composite|event-v2|rum)\s?(alert)?"
)
_SIGNALS = (
    (
        "latency",
        re.compile(r"latency|duration|response_time|(^|[^\w.])p\d{2,3}:|\.p?9\dpercentile|apdex", re.I),
    ),
    ("errors", re.compile(r"errors?\b|[45]xx|\.failed|exceptions?", re.I)),
    (
        "traffic",
        re.compile(r"\.hits\b|requests?(\.count|_count|_per_s|\.total)|\brequests?\{.*as_(rate|count)", re.I),
    ),
    (
        "saturation",
        re.compile(r"\.(cpu|mem|memory|io|load)\b|throttl|queue|in_flight|utili[sz]ation|\.pct_usable", re.I),
    ),
)


def signals_of(query: str) -> frozenset[str]:
    """What a query of Datadog looks at: latency, errors, traffic, saturation."""
    return frozenset(name for name, pattern in _SIGNALS if pattern.search(query[:20_000]))


class MonitorReader:
    """Reads monitors; what each looks at is in its query."""

    system: ClassVar[str] = "alarms"

    def __init__(self) -> None:
        self._monitors: list[tuple[str, str, int | None]] = []

    def looks_at(self, file: Path) -> bool:
        """JSON."""
        return file.suffix.lower() == ".json"

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Takes what has a type of monitor, a query and options."""
        if not ('"query"' in text and '"type"' in text and ('"message"' in text or '"options"' in text)):
            return None
        found = [(entry, str(file)) for entry in _entries(read_json(data, str(file))) if _is_monitor(entry)]
        self._monitors += [(str(entry["query"])[:20_000], name, line_of(entry)) for entry, name in found]
        return "datadog_monitor" if found else None

    def findings(self) -> Findings:
        """How many, and whether one looks at response times and one at errors."""
        found = Findings(self.system)
        if not self._monitors:
            return found
        found.add("monitoring.alarms.count", len(self._monitors), *self._monitors[0][1:])
        for signal, name in (("latency", "latency"), ("errors", "error")):
            for query, file, line in self._monitors:
                if signal in signals_of(query):
                    found.add(f"monitoring.alarms.{name}.present", True, file, line)
                    break
        return found


def _entries(document: Any) -> list[Mapping[str, Any]]:
    if isinstance(document, list):
        return mappings(document)
    inner = mappings(document.get("monitors")) if isinstance(document, Mapping) else []
    return inner or mappings([document])


def _is_monitor(entry: Mapping[str, Any]) -> bool:
    kind = entry.get("type")
    return isinstance(kind, str) and bool(_TYPES.fullmatch(kind)) and isinstance(entry.get("query"), str)
