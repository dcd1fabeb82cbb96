"""Requests that a service's own monitoring counted, over requests sent to it.

Two ways: from two expositions of the service, before and after; or from the raw samples that a Prometheus
server keeps. Both add up steps between samples and never use `increase()`, which extrapolates to the edges of
its window and is some 5 to 9 % off. A step down is a restart: what the new process counted is taken from zero
and the answer says so, since what the old one had counted last is lost.

What was not there before is unknown, not 0, with one exception: a new series (the first answer with status
500) of a process that is known to have been there before, and had other series of the same counter then.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from probes.facts import Fact
from probes.monitoring.exposition import (
    Exposition,
    Family,
    Sample,
    latency_histograms,
    method_labels,
    path_label,
    request_counters,
)
from probes.scanned import Findings

LEAST_SCRAPES = 4
_Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CountCheck:
    """How many of the requests sent were counted.

    `ratio` is counted / sent, None where it is not known; `because` is then why. `restarted` says that the
    counting process restarted meanwhile, so that the count is a lower bound.
    """

    sent: int
    counted: float | None = None
    counter: str | None = None
    restarted: bool = False
    because: str | None = None

    @property
    def ratio(self) -> float | None:
        """Counted over sent."""
        return None if self.counted is None or self.sent <= 0 else self.counted / self.sent

    def facts(self, file: str | None = None, query: str | None = None) -> list[Fact]:
        """`monitoring.prometheus.count_ratio` and `.count_restarted`; none where nothing is known."""
        findings = Findings("prometheus", live=True)
        if self.ratio is not None:
            findings.add(
                "monitoring.prometheus.count_ratio",
                self.ratio,
                file,
                query=query or self.counter,
                samples=self.sent,
            )
            findings.add(
                "monitoring.prometheus.count_restarted", self.restarted, file, query=query or self.counter
            )
        return findings.facts


@dataclass(frozen=True, slots=True)
class Selection:
    """The series that count requests: a sample's name, and labels that they must have."""

    name: str
    labels: Mapping[str, str]

    def of(self, samples: Iterable[Sample]) -> dict[_Key, float]:
        """Their values by label set; a value that is no number is left out."""
        return {
            tuple(sorted(sample.labels.items())): sample.value
            for sample in samples
            if sample.name == self.name
            and math.isfinite(sample.value)
            and all(sample.labels.get(label) == value for label, value in self.labels.items())
        }

    def __str__(self) -> str:
        """As PromQL writes it."""
        if not self.labels:
            return self.name
        pairs = (f"{label}={_quoted(value)}" for label, value in sorted(self.labels.items()))
        return f"{self.name}{{{','.join(pairs)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def select_requests(exposition: Exposition, path: str | None = None) -> Selection | None:
    """The series that count requests, of one path where paths are told apart.

    The request counter, or the count of the histogram of request times. A path is also found under the
    pattern of its route (`/users/{id}`), the path of a gRPC call under the labels of its service and method.
    None where nothing counts requests, or not those of the path.
    """
    wanted = None if path is None else unquote(urlsplit(path).path) or "/"
    without_paths, told = None, False
    for family in [*request_counters(exposition), *latency_histograms(exposition)]:
        name = family.name if family.kind == "counter" else f"{family.name}_count"
        if wanted is None:
            return Selection(name, {})
        label, names = path_label(family), method_labels(family)
        if label is None and names is None:
            without_paths = without_paths or Selection(name, {})
            continue
        told = True
        labels = _method(family, names, wanted) if names else _route(family, label or "", wanted)
        if labels is not None:
            return Selection(name, labels)
    return None if told else without_paths


def _method(family: Family, names: tuple[str, str], path: str) -> dict[str, str] | None:
    """The labels under which calls of `/package.Service/Method` are counted."""
    service, _, method = path.strip("/").rpartition("/")
    wanted = {names[0]: service, names[1]: method}
    found = any(wanted.items() <= sample.labels.items() for sample in family.samples)
    return wanted if service and found else None


def _route(family: Family, label: str, path: str) -> dict[str, str] | None:
    """The path label with the value under which requests for `path` are counted."""
    values = sorted({sample.labels[label] for sample in family.samples if label in sample.labels})
    for value in values:
        if value.rstrip("/") == path.rstrip("/"):
            return {label: value}
    for value in values:
        if len(value) > 500 or not re.search(r"[{<:]", value):
            continue
        parts = re.split(r"\{[^{}]*\}|<[^<>]*>|:\w+", value)
        if re.fullmatch("[^/]+".join(map(re.escape, parts)), path):
            return {label: value}
    return None


def count_ratio(
    before: Exposition,
    after: Exposition,
    sent: int,
    *,
    path: str | None = None,
    selection: Selection | None = None,
) -> CountCheck:
    """What was counted between two expositions of one endpoint, over `sent` requests for `path`.

    Pure. Where the counter has no label for paths, the two scrapes themselves may be counted as well.
    """
    check = CountCheck(sent)
    if sent <= 0:
        return replace(check, because="nothing was sent")
    selection = selection or select_requests(after, path)
    if selection is None:
        where = "" if path is None else f" for {path[:100]}"
        return replace(check, because=f"nothing exposed counts requests{where}")
    check = replace(check, counter=str(selection))
    old, new = selection.of(before.samples), selection.of(after.samples)
    if not old:
        return replace(check, because=f"{selection} had no value before: send a few requests first")
    if not new:
        return replace(check, because=f"{selection} has no value any more")
    started_before, started_after = before.process_start, after.process_start
    known_process = started_before is not None and started_after is not None
    restarted = known_process and started_before != started_after
    if restarted and before.at is not None and started_after is not None and started_after <= before.at:
        return replace(
            check,
            because="the endpoint is answered by several processes that count apart "
            "(process_start_time_seconds differs, and neither restarted)",
        )
    counted = 0.0
    for key, value in new.items():
        earlier = old.get(key)
        if restarted:
            counted += value
        elif earlier is None:
            if not known_process:
                return replace(
                    check, because=f"{_described(key)} had no value before, and the process is unknown"
                )
            counted += value
        elif value < earlier:
            restarted, counted = True, counted + value
        else:
            counted += value - earlier
    if not restarted and set(old) - set(new):
        return replace(check, because="series of the counter have vanished meanwhile")
    return replace(check, counted=counted, restarted=restarted)


@dataclass(frozen=True, slots=True)
class RawSeries:
    """One series of a range vector: its labels, and its raw samples as (Unix seconds, value) in order."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]

    @property
    def target(self) -> tuple[str, str]:
        """Job and instance that were scraped."""
        return self.labels.get("job", ""), self.labels.get("instance", "")


def counted_in_range(
    series: Sequence[RawSeries], start: float, end: float, sent: int, scrape_interval_s: float
) -> CountCheck:
    """What was counted from `start` to `end` (Unix seconds), over `sent` requests in that time. Pure.

    `series` are raw samples from before `start` until after `end`. Counts from the last sample before the
    start to the last one of all. Unknown with fewer than four scrapes in the window, without a sample before
    it, or without one after it.
    """
    check = CountCheck(sent)
    if sent <= 0:
        return replace(check, because="nothing was sent")
    if end - start < LEAST_SCRAPES * scrape_interval_s:
        needed = LEAST_SCRAPES * scrape_interval_s
        return replace(
            check, because=f"{end - start:.3g} s hold too few scrapes: load for {needed:g} s at least"
        )
    steps = [_steps(one, start) for one in series]
    based = [step for step in steps if step.base]
    if not based:
        return replace(check, because="there is no sample from before the first request")
    if max(step.last for step in based) < end:
        return replace(
            check, because="the server has not scraped since the last request: wait for one interval"
        )
    if max(step.within(end) for step in based) < LEAST_SCRAPES:
        return replace(check, because=f"fewer than {LEAST_SCRAPES} scrapes succeeded meanwhile")
    there = {step.series.target for step in based if not step.fell}
    counted = 0.0
    for step in steps:
        if not step.base and step.series.samples and step.series.target not in there:
            return replace(check, because=f"{_described(step.series.labels.items())} had no sample before")
        counted += step.counted
    return replace(check, counted=counted, restarted=any(step.fell for step in steps))


@dataclass(frozen=True, slots=True)
class _Steps:
    series: RawSeries
    base: bool
    counted: float
    fell: bool
    last: float
    start: float

    def within(self, end: float) -> int:
        return sum(1 for at, _ in self.series.samples if self.start < at <= end)


def _steps(series: RawSeries, start: float) -> _Steps:
    before = [value for at, value in series.samples if at <= start]
    previous = before[-1] if before else 0.0
    counted, fell = 0.0, False
    for at, value in series.samples:
        if at <= start:
            continue
        fell = fell or value < previous
        counted += value if value < previous else value - previous
        previous = value
    last = series.samples[-1][0] if series.samples else -math.inf
    return _Steps(series, bool(before), counted, fell, last, start)


def _described(labels: Iterable[tuple[str, str]]) -> str:
    pairs = ", ".join(f"{name}={value}" for name, value in labels if name != "__name__")
    return f"the series {{{pairs[:200]}}}"
