"""Dashboards that are kept as files: what stands on one screen, by the queries of its panels.

Grafana's JSON (as it is exported, in an API's answer, or in a ConfigMap) and Datadog's. The signals are the
four of Google's SRE book: response time, traffic, errors and saturation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import line_of, mapping, mappings, member, read_json
from probes.monitoring.alert_rules import subjects_of
from probes.monitoring.datadog import signals_of
from probes.repository import documents
from probes.scanned import Findings

PREFIX = "monitoring.dashboards."
_QUERIES = ("expr", "query", "q", "metric", "target", "rawSql", "queryText", "metricName", "statistic")
_PERCENTILE = re.compile(
    r"histogram_quantile|quantile=|\bp(50|75|9\d|99\.?9|999)\b|percentile|\.9\d(th)?percentile"
)
_TRAFFIC = re.compile(
    r"requests?_(total|count)|_requests\b|(http|grpc)\w*_count\b|request_?count|\.hits\b|(\b|_)[rq]ps\b"
    r"|throughput|handled_total|started_total|duration_seconds_count|invocations",
    re.IGNORECASE,
)
_WANTED = frozenset({"latency", "traffic", "errors", "saturation"})


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One screen: its title and place, the signals that its panels show, and whether with percentiles."""

    title: str
    file: str
    line: int | None
    signals: frozenset[str]
    percentiles: bool


class DashboardReader:
    """Reads dashboards in JSON, and in ConfigMaps of Kubernetes."""

    system: ClassVar[str] = "dashboards"

    def __init__(self) -> None:
        self.dashboards: list[Dashboard] = []

    def looks_at(self, file: Path) -> bool:
        """JSON, and YAML for ConfigMaps."""
        return file.suffix.lower() in (".json", ".yaml", ".yml")

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Takes what is a dashboard."""
        in_map = file.suffix.lower() != ".json"
        if in_map and not ("kind: ConfigMap" in text and '"panels"' in text):
            return None
        if not in_map and not ('"panels"' in text or '"widgets"' in text or '"elements"' in text):
            return None
        before = len(self.dashboards)
        for document in documents(file, data):
            if not in_map:
                self._take(document, str(file), None)
                continue
            for key, value in mapping(member(document, "data")).items():
                if key.endswith(".json") and isinstance(value, str) and '"panels"' in value:
                    inner = read_json(value.encode(), f"{file}, {key}")
                    self._take(inner, str(file), line_of(document["data"], key))
        return None if len(self.dashboards) == before else "dashboard"

    def _take(self, document: Any, file: str, line: int | None) -> None:
        found = mapping(member(document, "dashboard") or document)
        spec = mapping(found.get("spec"))
        panels = mappings(found.get("panels"))
        if not panels and spec.get("elements"):
            panels = [mapping(entry) for entry in mapping(spec["elements"]).values()]
        widgets = mappings(found.get("widgets")) if "layout_type" in found else []
        parts = widgets or panels
        if not parts:
            return
        signals: set[str] = set()
        percentiles = False
        for part in parts:
            for query in _queries(part):
                signals |= signals_of(query) if widgets else subjects_of(query)
                if _TRAFFIC.search(query):
                    signals.add("traffic")
                percentiles = percentiles or bool(_PERCENTILE.search(query))
        title = str(found.get("title") or spec.get("title") or "a dashboard")[:200]
        place = line if line is not None else line_of(found)
        self.dashboards.append(Dashboard(title, file, place, frozenset(signals), percentiles))

    def findings(self) -> Findings:
        """How many there are, and what the one with most on it shows."""
        found = Findings(self.system)
        if not self.dashboards:
            return found
        best = max(self.dashboards, key=lambda one: (len(one.signals & _WANTED), one.percentiles))
        found.add(PREFIX + "count", len(self.dashboards), best.file, best.line)
        found.add(PREFIX + "best", best.title, best.file, best.line)
        found.add(PREFIX + "four_signals", best.signals >= _WANTED, best.file, best.line)
        found.add(PREFIX + "percentiles", best.percentiles, best.file, best.line)
        return found


def _queries(node: Any, depth: int = 0) -> Iterator[str]:
    """What stands behind the names that queries have, at any depth."""
    if depth > 40:
        return
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in _QUERIES and isinstance(value, str):
                yield value[:20_000]
            else:
                yield from _queries(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _queries(value, depth + 1)
