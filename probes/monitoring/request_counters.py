"""A cross-check of a load run: what the service's own monitoring counted, against what was sent.

    metrics endpoint    its exposition is read before the first request and after the last one
    Prometheus server   its raw samples are read, one scrape after the last request

Requests that this client gave up (timed out, cancelled at the end of a step, cut off) may have been counted
or not: a service counts what it answers. So everything from *sent − given up* to *sent* is right, and the
ratio is taken to the nearer end of that range when the count lies outside of it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from probes.cross_checked import CrossCheckResult
from probes.documents import DocumentError, mapping, mappings, member
from probes.events import Phase
from probes.monitoring.counting import (
    LEAST_SCRAPES,
    CountCheck,
    Selection,
    count_ratio,
    select_requests,
)
from probes.monitoring.exposition import Exposition, Family, Sample, scrape
from probes.monitoring.fetch import Address, FetchError, resolve
from probes.monitoring.prometheus import PrometheusServer
from probes.probe import ProbeContext

LONGEST_WAIT_S = 65.0
"""For the scrape after the last request: a server that scrapes more seldom than that is not waited for."""

ASKED_AGAIN = 8
"""Of two processes that are asked at random both answer with a probability of 99.6 %."""
COUNTED_APART = (
    "several processes answer there, and each counts for itself: let them share their counts "
    "(the client library's multiprocess mode)"
)

_GIVEN_UP = ("connect", "reset", "protocol")
_HISTOGRAM_SAMPLE = re.compile(r"_(bucket|count|sum)$")


@dataclass(frozen=True, slots=True)
class Sent:
    """How many requests went to the target in a run, and how many of them this client did not wait for."""

    requests: int
    given_up: int

    def fairly(self, check: CountCheck) -> CountCheck:
        """The check with `sent` put where it does not blame the service for what was given up."""
        if check.counted is None:
            return check
        least = max(1, self.requests - self.given_up)
        fair = min(max(math.ceil(check.counted), least), self.requests)
        return replace(check, sent=fair)


def sent_in(result: Mapping[str, Any]) -> Sent:
    """What a `loadstone.probe/1` document says was sent, the check of the target included."""
    client = mapping(result.get("client"))
    requests = int(client.get("requests_sent") or 0) + int(client.get("checks_sent") or 0)
    given_up = 0
    for step in mappings(list(result.get("steps") or ())):
        errors = mapping(step.get("errors"))
        given_up += int(step.get("timeouts") or 0) + int(step.get("cancelled") or 0)
        given_up += sum(int(errors.get(name) or 0) for name in _GIVEN_UP)
    return Sent(requests, min(given_up, requests))


class RequestCounter:
    """Counts at the service what a run sends to `path`.

    `address` is a metrics endpoint, or a Prometheus server that scrapes it; which one is found out by asking.
    `target` is the host and port under load, by which a server's target is found. `prime` sends one request,
    so that what counts requests exists before the run.
    """

    def __init__(
        self,
        address: str,
        path: str,
        prime: Callable[[], object],
        *,
        target: tuple[str, int],
        allow_remote: bool = False,
    ) -> None:
        self._where = resolve(address, allow_remote=allow_remote)
        self._path = path
        self._prime = prime
        self._target = target
        self._before: Exposition | None = None
        self._server: PrometheusServer | None = None
        self._selection: Selection | None = None
        self._interval = 0.0
        self._started = 0.0
        self._unknown: str | None = None

    def begin(self, context: ProbeContext) -> None:
        """Reads what was counted until now. Raises `FetchError` where neither of the two answers."""
        endpoint = _endpoint(self._where)
        if endpoint is not None:
            self._where, self._before = endpoint
            found = select_requests(self._before, self._path)
            if found is None or not found.of(self._before.samples):
                self._prime()
                self._before = scrape(self._where)
            return
        self._server = PrometheusServer(self._where)
        self._find_series(context)
        self._started = time.time()

    def end(self, context: ProbeContext, result: Mapping[str, Any]) -> CrossCheckResult:
        """The facts `monitoring.prometheus.count_ratio` and `.count_restarted`, where they are known."""
        sent = sent_in(result)
        try:
            check = self._count(context, sent)
        except (FetchError, DocumentError) as error:
            check = CountCheck(sent.requests, because=f"it could not be read after the run: {error.what}")
        check = sent.fairly(check)
        entry: dict[str, Any] = {
            "system": "metrics" if self._server is None else "prometheus",
            "address": self._where.url,
            "counter": check.counter,
            "sent": sent.requests,
            "given_up": sent.given_up,
            "counted": None if check.counted is None else round(check.counted),
            "ratio": check.ratio,
            "because": check.because,
        }
        facts = [
            replace(fact, source=replace(fact.source, run=context.run_id))
            for fact in check.facts(self._where.url)
        ]
        return CrossCheckResult(facts, entry)

    def _count(self, context: ProbeContext, sent: Sent) -> CountCheck:
        if self._before is not None:
            return self._count_here(self._before, sent)
        assert self._server is not None, "one of the two was found when the check began"
        ended = time.time()
        check = CountCheck(sent.requests, because=self._unknown)
        if self._selection is None or self._unknown is not None:
            return check
        if ended - self._started < LEAST_SCRAPES * self._interval:
            needed = LEAST_SCRAPES * self._interval
            why = f"the run took less than {needed:g} s, four scrapes of the server: load for longer"
            return replace(check, counter=str(self._selection), because=why)
        text = f"waiting {self._interval:g} s for the next scrape of {self._where.url}"
        context.emit(Phase(context.elapsed(), "cross_check", text))
        if context.stop.wait(min(self._interval + 1.0, LONGEST_WAIT_S)):
            return replace(check, counter=str(self._selection), because="the run was interrupted")
        return self._server.count_check(self._selection, self._started, ended, sent.requests, time.time())

    def _count_here(self, before: Exposition, sent: Sent) -> CountCheck:
        """By the exposition. What says too little is asked again: if it then says something else, several
        processes answer there and each counts for itself."""
        after = scrape(self._where)
        check = count_ratio(before, after, sent.requests, path=self._path)
        if check.counted is None or check.counted >= sent.requests - sent.given_up:
            return check
        most = check.counted
        for _ in range(ASKED_AGAIN):
            again = count_ratio(before, scrape(self._where), sent.requests, path=self._path)
            if again.counted is None or again.counted < most:
                return replace(check, counted=None, because=COUNTED_APART)
            most = again.counted
        return check

    def _find_series(self, context: ProbeContext) -> None:
        """Which series of the server count the requests; waits for the scrape of a first one if need be."""
        assert self._server is not None
        data = self._server.ask("/api/v1/targets", {"state": "active"})
        labels = _labels_of(data, self._target)
        if labels is None:
            host, port = self._target
            self._unknown = f"the server scrapes nothing at {host}:{port}"
            return
        interval = self._server.scrape_interval()
        self._interval = interval or 0.0
        if not 0 < self._interval < LONGEST_WAIT_S:
            self._unknown = f"the server scrapes every {self._interval:g} s, which is too seldom to wait for"
            return
        give_up, primed = time.monotonic() + 2 * self._interval + 1.0, False
        while True:
            found = select_requests(_known_series(self._server, labels), self._path)
            if found is not None:
                self._selection = Selection(found.name, {**found.labels, **labels})
                return
            if not primed:
                self._prime()
                primed = True
            if time.monotonic() > give_up or context.stop.wait(min(0.5, self._interval)):
                self._unknown = "nothing that the server scrapes there counts requests"
                return


def _endpoint(where: Address) -> tuple[Address, Exposition] | None:
    """The metrics endpoint at the address, or at `/metrics` below a bare one; None for a Prometheus server.

    Raises `FetchError` where neither answers.
    """
    bare = where.path in ("", "/")
    if bare and _is_server(where):
        return None
    at = replace(where, path="/metrics", url=f"{where.url.rstrip('/')}/metrics") if bare else where
    try:
        return at, scrape(at)
    except DocumentError as error:
        failure = FetchError(at.url, f"exposes no metrics: {error.what}")
    except FetchError as error:
        failure = error
    if not bare and _is_server(where):
        return None
    raise failure


def _is_server(where: Address) -> bool:
    try:
        PrometheusServer(where).ask("/api/v1/targets", {"state": "active"})
    except FetchError:
        return False
    return True


def _labels_of(targets: Any, wanted: tuple[str, int]) -> dict[str, str] | None:
    """Job and instance of the server's target at that host and port."""
    host, port = wanted
    names = {f"{name}:{port}" for name in (host, *(("127.0.0.1", "localhost") if _is_here(host) else ()))}
    for target in mappings(member(targets, "activeTargets")):
        url = str(target.get("scrapeUrl") or "")
        address = url.partition("://")[2].partition("/")[0]
        labels = mapping(target.get("labels"))
        if address in names or labels.get("instance") in names:
            return {name: str(labels[name]) for name in ("job", "instance") if name in labels}
    return None


def _is_here(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _known_series(server: PrometheusServer, labels: Mapping[str, str]) -> Exposition:
    """The newest samples that the server holds of a target, as the exposition they came from."""
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
    data = server.ask("/api/v1/query", {"query": f"{{{pairs}}}"})
    families: dict[tuple[str, str], list[Sample]] = {}
    names = set()
    for entry in mappings(member(data, "result")):
        given = {name: str(value) for name, value in mapping(entry.get("metric")).items()}
        name = given.pop("__name__", "")
        names.add(name)
        value = entry.get("value")
        number = _number(value[1]) if isinstance(value, list) and len(value) == 2 else math.nan
        rest = {label: text for label, text in given.items() if label not in labels}
        base = _HISTOGRAM_SAMPLE.sub("", name)
        kind = "counter" if name.endswith("_total") else "histogram" if base != name else "unknown"
        families.setdefault((base if kind == "histogram" else name, kind), []).append(
            Sample(name, rest, number)
        )
    return Exposition(
        server.address.url,
        tuple(
            Family(name, kind, tuple(samples))
            for (name, kind), samples in sorted(families.items())
            if kind != "histogram" or f"{name}_bucket" in names
        ),
    )


def _number(written: object) -> float:
    try:
        return float(str(written))
    except ValueError:
        return math.nan


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
