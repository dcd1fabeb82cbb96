"""What Prometheus knows of a service: its rules from files, a running server, and the server's raw samples.

A server is only ever asked by GET, and only for what `ALLOWED` lists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from probes.documents import DocumentError, line_of, mapping, mappings, member, read_json
from probes.events import FactFound
from probes.facts import FactName, Value
from probes.monitoring.alert_rules import Alert, Subject, alerts_in
from probes.monitoring.counting import CountCheck, RawSeries, Selection, counted_in_range
from probes.monitoring.exposition import exposition_findings, scrape
from probes.monitoring.fetch import Address, FetchError, get, resolve
from probes.probe import ProbeContext
from probes.scanned import Findings

ALLOWED = frozenset({"/api/v1/targets", "/api/v1/rules", "/api/v1/query"})
"""The paths, below a server's address, that are asked for."""

SUBJECTS: tuple[tuple[Subject, str], ...] = (
    ("latency", "latency_alert"),
    ("errors", "error_alert"),
    ("saturation", "saturation_alert"),
)
FURTHER_SUBJECTS: tuple[tuple[Subject, str], ...] = (
    ("drift", "drift_alert"),
    ("quality", "quality_alert"),
    ("data_size", "data_size_alert"),
)
"""What few systems alert on by Prometheus: told where it is seen, and not called absent where it is not."""
LOOK_BACK_INTERVALS = 6
_PREFIX = "monitoring.prometheus."
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_METRICS_PATH = re.compile(r"/(metrics|actuator/prometheus)/?$")


@dataclass(frozen=True)
class PrometheusProbe:
    """Reads a metrics endpoint (`http://host/metrics`) or a Prometheus server (`http://host:9090`)."""

    address: str
    allow_remote: bool = False

    name: ClassVar[str] = "prometheus"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def run(self, context: ProbeContext) -> dict[str, Any]:
        """Facts and problems as in CONTRACT's `loadstone.facts/1`. Raises `UserError`."""
        findings = read_live(self.address, allow_remote=self.allow_remote)
        for fact in findings.facts:
            context.emit(FactFound(context.elapsed(), fact.to_json()))
        return {
            "schema": "loadstone.facts/1",
            "facts": [fact.to_json() for fact in findings.facts],
            "problems": [problem.to_json() for problem in findings.problems],
            "scanned": [{"path": self.address, "kind": self.name, "seconds": round(context.elapsed(), 4)}],
        }


def read_live(address: str, *, allow_remote: bool = False) -> Findings:
    """Facts from a metrics endpoint, where the path ends in /metrics, else from a Prometheus server.

    Raises `UsageError` for a bad address and `FetchError` where nothing of the kind answers.
    """
    where = resolve(address, allow_remote=allow_remote)
    if _METRICS_PATH.search(where.path):
        try:
            return exposition_findings(scrape(where), live=True)
        except DocumentError as error:
            raise FetchError(address, f"exposes no metrics: {error.what}") from error
    return PrometheusServer(where).findings()


class PrometheusServer:
    """A Prometheus server, read only."""

    def __init__(self, address: Address) -> None:
        self.address = address

    def findings(self) -> Findings:
        """Facts about targets and rules. What the server refuses is unreadable, with a problem.

        Raises `FetchError` when it answers neither.
        """
        findings = Findings("prometheus", live=True)
        failures: list[FetchError] = []
        for path, read in (("/api/v1/targets", self._targets), ("/api/v1/rules", self._rules)):
            query = {"state": "active"} if path.endswith("targets") else {"type": "alert"}
            try:
                data = self.ask(path, query)
            except FetchError as error:
                failures.append(error)
                findings.problem(self.address.url, f"{path} {error.what}")
                data = None
            read(findings, data)
        if len(failures) == 2:
            raise failures[0]
        return findings

    def ask(self, path: str, query: Mapping[str, str]) -> Any:
        """The `data` of an answer of the HTTP API.

        Raises `FetchError` for anything but success, and `ValueError` for a path that is not allowed.
        """
        if path not in ALLOWED:
            raise ValueError(f"{path} is none of the paths that may be asked for")
        url = self.address.url
        reply = get(self.address, f"{self.address.path.rstrip('/')}{path}?{urlencode(query)}")
        if reply.status in (401, 403):
            raise FetchError(
                url, f"refuses to answer (status {reply.status}): give an address that may be read"
            )
        try:
            document = read_json(reply.body, url, allow_nan=True)
        except DocumentError as error:
            what = f"answered with status {reply.status} and no JSON: give the address of a Prometheus server"
            raise FetchError(url, what) from error
        if reply.status != 200 or member(document, "status") != "success":
            why = str(member(document, "error") or f"status {reply.status}")[:200]
            raise FetchError(url, f"answered with an error ({why}): give the address of a Prometheus server")
        return member(document, "data")

    def scrape_interval(self) -> float | None:
        """The longest scrape interval of the targets, in seconds. Raises `FetchError`."""
        intervals = _intervals(
            mappings(member(self.ask("/api/v1/targets", {"state": "active"}), "activeTargets"))
        )
        return max(intervals, default=None)

    def raw_samples(self, selection: Selection, start: float, end: float) -> list[RawSeries]:
        """The samples that the server holds of some series from `start` to `end` (Unix seconds).

        Raises `FetchError`.
        """
        seconds = max(1, round(end - start))
        data = self.ask("/api/v1/query", {"query": f"{selection}[{seconds}s]", "time": f"{end:.3f}"})
        if member(data, "resultType") != "matrix":
            raise FetchError(
                self.address.url, "gave no range of samples: give the address of a Prometheus server"
            )
        return [_raw_series(entry) for entry in mappings(member(data, "result"))]

    def count_check(
        self, selection: Selection, start: float, end: float, sent: int, now: float
    ) -> CountCheck:
        """What the server's samples say was counted of `sent` requests between `start` and `end`.

        Times are Unix seconds; `now` is at least one scrape interval after `end`. Raises `FetchError`.
        """
        interval = self.scrape_interval()
        if interval is None:
            return CountCheck(sent, counter=str(selection), because="the server scrapes no target")
        series = self.raw_samples(selection, start - LOOK_BACK_INTERVALS * interval, now)
        check = counted_in_range(series, start, end, sent, interval)
        return CountCheck(sent, check.counted, str(selection), check.restarted, check.because)

    def _targets(self, findings: Findings, data: Any) -> None:
        def add(name: str, value: Value) -> None:
            findings.add(_PREFIX + name, value, self.address.url, query="/api/v1/targets")

        if data is None:
            add("targets.count", None)
            return
        targets = mappings(member(data, "activeTargets"))
        add("targets.count", len(targets))
        if targets:
            add("targets_up_ratio", sum(one.get("health") == "up" for one in targets) / len(targets))
        if intervals := _intervals(targets):
            add("scrape_interval_seconds", max(intervals))

    def _rules(self, findings: Findings, data: Any) -> None:
        if data is None:
            alert_findings(findings, [], self.address.url, unread=True)
            return
        rules = [rule for group in mappings(member(data, "groups")) for rule in mappings(group.get("rules"))]
        failing = sum(rule.get("health") == "err" for rule in rules)
        findings.add(_PREFIX + "rules_failing", failing, self.address.url, query="/api/v1/rules")
        alerts = [
            Alert(one.name, one.expression, self.address.url, None, one.subjects, one.threshold_ms)
            for one in alerts_in(data, self.address.url)
        ]
        alert_findings(findings, alerts, self.address.url)


def _intervals(targets: Iterable[Mapping[str, Any]]) -> list[float]:
    read = (duration_seconds(target.get("scrapeInterval")) for target in targets)
    return [seconds for seconds in read if seconds]


def _raw_series(entry: Mapping[str, Any]) -> RawSeries:
    labels = {key: str(value) for key, value in mapping(entry.get("metric")).items()}
    samples = []
    values = entry.get("values")
    for pair in values if isinstance(values, list) else []:
        try:
            at, value = float(pair[0]), float(pair[1])
        except (TypeError, ValueError, IndexError, KeyError):
            continue
        if math.isfinite(value):
            samples.append((at, value))
    return RawSeries(labels, sorted(samples))


def alert_findings(
    findings: Findings, alerts: Sequence[Alert], looked_at: str, *, unread: bool = False
) -> None:
    """Facts about alerts: how many, and whether latency, errors and saturation are looked at.

    `looked_at` is the source of what was not found; with `unread`, that is unreadable and not absent.
    """
    if alerts or not unread:
        findings.add(_PREFIX + "alerts.count", len(alerts), alerts[0].file if alerts else looked_at)
    for subject, name in SUBJECTS:
        found = [alert for alert in alerts if subject in alert.subjects]
        if not found:
            findings.add(f"{_PREFIX}{name}.present", None if unread else False, looked_at)
            continue
        best = next((alert for alert in found if alert.threshold_ms is not None), found[0])
        findings.add(f"{_PREFIX}{name}.present", True, best.file, best.line)
        if subject == "latency":
            findings.add(f"{_PREFIX}{name}.name", best.name, best.file, best.line)
            if best.threshold_ms is not None:
                findings.add(f"{_PREFIX}{name}.threshold_ms", best.threshold_ms, best.file, best.line)
    for subject, name in FURTHER_SUBJECTS:
        for alert in alerts:
            if subject in alert.subjects:
                findings.add(f"{_PREFIX}{name}.present", True, alert.file, alert.line)
                break


def is_configuration(document: object) -> bool:
    """Whether a document is the configuration of a Prometheus server."""
    return isinstance(member(document, "scrape_configs"), list) and not mapping(document).get("apiVersion")


def configuration_findings(findings: Findings, document: Mapping[str, Any], file: str) -> None:
    """The scrape interval that a configuration asks for: the longest of its jobs."""
    common = mapping(document.get("global"))
    default, key = common.get("scrape_interval", "1m"), "scrape_interval"
    longest: tuple[float, int | None] | None = None
    for job in mappings(document.get("scrape_configs")):
        holder = job if key in job else common
        seconds = duration_seconds(job.get(key, default))
        line = line_of(holder, key) or line_of(job)
        if seconds is None:
            findings.add(_PREFIX + "scrape_interval_seconds", None, file, line)
            findings.problem(file, "the scrape interval cannot be read: write a duration such as 15s", line)
        elif longest is None or seconds > longest[0]:
            longest = seconds, line
    if longest is not None:
        findings.add(_PREFIX + "scrape_interval_seconds", longest[0], file, longest[1])


def duration_seconds(written: object) -> float | None:
    """Seconds of a duration as Prometheus writes it (`15s`, `1m30s`); None for anything else."""
    if not isinstance(written, str) or not re.fullmatch(r"(\d{1,9}(ms|[smhdwy]))+", written):
        return None
    parts = re.findall(r"(\d+)(ms|[smhdwy])", written)
    return float(sum(int(count) * _UNIT_SECONDS[unit] for count, unit in parts)) or None
