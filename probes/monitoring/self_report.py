"""What a service under load tells of itself, looked for at the usual places: health paths, and metrics.

    before the load   a path that nobody has, then the usual paths for liveness and readiness, then /metrics
    after the load    /metrics again: requests counted meanwhile, against requests sent

A service that answers every path alike has no health path that could be told from its others. What is not
at a usual place may be elsewhere: nothing that is not found becomes a fact. No answer within `TIMEOUT_S` ends
the search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from probes.cross_checked import CrossCheckResult
from probes.documents import DocumentError
from probes.errors import UserError
from probes.events import Event
from probes.facts import Fact, Source, observed
from probes.monitoring.exposition import exposition_findings, request_counters, scrape
from probes.monitoring.fetch import Address, FetchError, Reply, get
from probes.monitoring.health_watch import HealthWatch
from probes.monitoring.request_counters import RequestCounter
from probes.probe import ProbeContext

LIVENESS = (
    "/livez",
    "/healthz",
    "/health/live",
    "/v2/health/live",
    "/live",
    "/health",
    "/ping",
    "/-/healthy",
)
READINESS = ("/readyz", "/health/ready", "/v2/health/ready", "/ready", "/-/ready")
METRICS = "/metrics"
TIMEOUT_S = 1.0
MOST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Health:
    """The health paths that were found; None where there is none at a usual place.

    `because` says why nothing could be told. Readiness is a path of its own only: one that answers for both
    is liveness.
    """

    liveness: str | None = None
    readiness: str | None = None
    ready_status: int | None = None
    because: str | None = None

    def facts(self, source: Source) -> list[Fact]:
        """Of what was found."""
        at = datetime.now(UTC)
        found = {"infra.service.liveness_path": self.liveness, "infra.service.readiness_path": self.readiness}
        return [observed(name, path, source, at=at) for name, path in found.items() if path is not None]

    def to_json(self) -> dict[str, Any]:
        """An entry of `cross_checks`."""
        document = {"system": "health", "liveness": self.liveness, "readiness": self.readiness}
        return document | ({"because": self.because} if self.because else {})


def find_health(where: Address, *, timeout_s: float = TIMEOUT_S) -> Health:
    """Asks the usual paths of a service, by GET and one after the other."""

    def asked(path: str) -> Reply:
        return get(where, path, timeout_s=timeout_s, max_bytes=MOST_BYTES)

    try:
        nowhere = asked(f"/{uuid4().hex}")
        if nowhere.status < 400:
            return Health(because=f"it answers any path with status {nowhere.status}")
        unknown = _shape(nowhere)
        liveness = _first(
            asked, LIVENESS, lambda reply: 200 <= reply.status < 300 and _shape(reply) != unknown
        )
        # a service that is not ready says so by 503, and so may its page for what it does not have
        readiness = _first(
            asked,
            READINESS,
            lambda reply: (200 <= reply.status < 300 or reply.status == 503) and _shape(reply) != unknown,
        )
    except FetchError as error:
        return Health(because=f"it {error.what}")
    return Health(
        None if liveness is None else liveness[0],
        None if readiness is None else readiness[0],
        None if readiness is None else readiness[1],
    )


def _first(
    asked: Callable[[str], Reply], paths: tuple[str, ...], found: Callable[[Reply], bool]
) -> tuple[str, int] | None:
    for path, reply in _replies(asked, paths):
        if found(reply):
            return path, reply.status
    return None


def _replies(asked: Callable[[str], Reply], paths: tuple[str, ...]) -> Iterator[tuple[str, Reply]]:
    for path in paths:
        yield path, asked(path)


def _shape(reply: Reply) -> tuple[int, str]:
    return reply.status, hashlib.sha256(reply.body).hexdigest()


class SelfReport:
    """A cross-check (`probes.cross_checked`) that asks the service itself, and is silent where it is.

    `prime` sends one sample request; `path` is where the load goes. Without `count` the metrics are left
    alone, because somebody else asks them.
    """

    def __init__(self, where: Address, path: str, prime: Callable[[], object], *, count: bool = True) -> None:
        self._where = where
        self._path, self._prime, self._count = path, prime, count
        self._health = Health()
        self._counter: RequestCounter | None = None
        self._facts: list[Fact] = []
        self._watch: HealthWatch | None = None

    def begin(self, context: ProbeContext) -> None:
        """Looks around, and from then on asks the health paths until the end; not where requests are counted,
        among which that would be."""
        self._look(context)
        found = {"readiness": self._health.readiness, "liveness": self._health.liveness}
        paths = {kind: path for kind, path in found.items() if path is not None}
        if paths and self._count and self._counter is None:
            self._watch = HealthWatch(self._where, paths, context.elapsed)
            self._watch.start()

    def heard(self, event: Event) -> None:
        """Told of every event of the run."""
        if self._watch is not None:
            self._watch.heard(event)

    def _look(self, context: ProbeContext) -> None:
        """Looks around. Raises nothing: where nobody answers the load will say so."""
        self._health = find_health(self._where)
        if not self._count or self._path.partition("?")[0] == METRICS:
            return
        metrics = replace(self._where, path=METRICS, url=f"{self._where.url}{METRICS}")
        try:
            exposition = scrape(metrics)
        except (FetchError, DocumentError):
            return
        self._facts = exposition_findings(exposition, live=True).facts
        if not request_counters(exposition) and not any(
            one.kind == "histogram" for one in exposition.families
        ):
            return
        target = (self._where.host, self._where.port)
        counter = RequestCounter(metrics.url, self._path, self._prime, target=target)
        try:
            counter.begin(context)
        except UserError:
            return
        self._counter = counter

    def end(self, context: ProbeContext, result: Mapping[str, Any]) -> CrossCheckResult:
        """Facts on health and metrics, and the count of requests where one was found."""
        source = Source("load", file=self._where.url)
        facts = [*self._health.facts(source), *self._facts]
        health = self._health.to_json()
        if self._watch is not None:
            self._watch.stop()
            facts += self._watch.facts(source)
            seen = self._watch.to_json()
            health |= {"under_load": seen} if seen else {}
        facts = [replace(fact, source=replace(fact.source, run=context.run_id)) for fact in facts]
        entries: list[Mapping[str, Any]] = [health]
        if self._counter is not None:
            counted = self._counter.end(context, result)
            facts += counted.facts
            entries.append({**counted.entry, "found": True})
        return CrossCheckResult(facts, more=tuple(entries))


def service_address(scheme: str, host: str, port: int, ip: str) -> Address:
    """The root of a service that was resolved already."""
    shown = f"[{host}]" if ":" in host else host
    return Address(f"{scheme}://{shown}:{port}", scheme, host, port, ip, "")
