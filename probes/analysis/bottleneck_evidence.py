"""What a judgement on a bottleneck rests on: levels of load, what was seen beside them, a table of both.

utilisation U = busy/(T·m)      demand D = U·m/X      bound X ≤ m/D
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BUSY = 0.85
SLOWER = 0.55
"""Share of the highest throughput down to which a level just as busy counts as a slow moment."""


@dataclass(frozen=True, slots=True)
class Level:
    """A step of load: callers (or mean number in flight), throughput (1/s), length (s), and what was used.

    `cpu_cores` is of the whole process tree, `thread_cores` of its busiest thread; None is not measured.
    `closed` is true for callers that wait for their answers.
    """

    callers: float
    throughput: float
    seconds: float
    cpu_cores: float | None = None
    thread_cores: float | None = None
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mean numbers of threads that wait for a lock, or for a peer by its address, under so many callers.

    `peers` counts threads that wait for data from there, `outgoing` connections that the target opened.
    """

    lock: float
    callers: float
    peers: Mapping[str, float] = field(default_factory=dict)
    outgoing: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured at saturation beside the levels; shares from 0 to 1, None is not measured.

    `cores` may be used by the target, of which our client used `client_cores` meanwhile. `gil_shares` is
    by interpreter, for those that compute; `throughput` is that of the load under which they were measured.
    `memory` is of its limit. `throttled` is the share of the quota's periods in which it was used up.
    `client_fault` says why our own client was the limit.
    """

    cores: float | None = None
    client_cores: float = 0.0
    quota_cores: float | None = None
    throttled: float | None = None
    gil_shares: tuple[float, ...] = ()
    is_python: bool = False
    processes: int = 1
    queueing: float | None = None
    """Mean number of threads that were ready and waited for a processor."""
    memory: float | None = None
    memory_stalled: float | None = None
    memory_used: float | None = None
    """Of the limit, with the pages of files that are kept in it."""
    refaults_per_s: float | None = None
    """Pages that had been given back for want of room and were read again."""
    major_faults_per_s: float | None = None
    """Pages for which the target's threads waited."""
    page_read_ms: float | None = None
    """What reading a page takes."""
    memory_at: float | None = None
    """The throughput at which these were measured (1/s)."""
    gpu: float | None = None
    disk: float | None = None
    network: float | None = None
    waiting: Waiting | None = None
    throughput: float | None = None
    client_fault: str | None = None
    unseen: str | None = None
    """Why nothing was seen of what goes on inside, as a clause."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A row of the evidence: utilisation (0 to 1), demand of a request (ms), and the rate it allows (1/s)."""

    resource: str
    utilisation: float | None
    demand_ms: float | None = None
    bound_per_s: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """An entry of the result's `bounds`; what is not known is left out."""
        document: dict[str, Any] = {"resource": self.resource}
        for name, value in (
            ("utilisation", self.utilisation),
            ("demand_ms", self.demand_ms),
            ("bound_per_s", self.bound_per_s),
        ):
            if value is not None:
                document[name] = round(value, 4)
        return document | ({"note": self.note} if self.note else {})


@dataclass(frozen=True, slots=True)
class Used:
    """CPU of a tree or a thread: cores at saturation, seconds a request below it, and whether both agree."""

    busy: float
    demand_s: float | None
    in_proportion: bool

    @classmethod
    def of(cls, name: str, plateau: Sequence[Level], below: Sequence[Level]) -> Used | None:
        """From levels at saturation and below it; None where it was measured in none at saturation."""
        at_top = [(level, value) for level in plateau if (value := getattr(level, name)) is not None]
        if not at_top:
            return None
        seconds = sum(level.seconds for level, _ in at_top)
        busy = sum(value * level.seconds for level, value in at_top) / seconds
        throughput = sum(level.throughput * level.seconds for level, _ in at_top) / seconds
        demand_s = busy / throughput
        # What a request needs is taken at saturation, where most was measured; the levels below say whether
        # use grows with throughput. Levels just as busy that got somewhat less done lie on the plateau too: a
        # processor is not always equally fast. One that is always busy, however little is done, spins.
        expected = [
            (value, demand_s * level.throughput)
            for level in below
            if (value := getattr(level, name)) is not None
            and not (value >= BUSY * busy and level.throughput >= SLOWER * throughput)
        ]
        off = max(0.25 * busy, 0.05)
        return cls(busy, demand_s, all(abs(value - wanted) <= off for value, wanted in expected))

    def row(self, resource: str, m: float, note: str) -> Bound:
        """The row in the table with `m` of the resource."""
        demand_s = self.demand_s or 0.0
        return Bound(resource, self.busy / m, 1e3 * demand_s, over(m, demand_s), note)


def evidence_table(cpu: Used | None, thread: Used | None, seen: Seen, top: float) -> list[Bound]:
    """A row for each resource that was measured; `top` is the highest throughput (1/s)."""
    rows: list[Bound] = []
    if cpu is not None and seen.cores:
        free = max(seen.cores - seen.client_cores, 1e-9)
        note = f"{cpu.busy:.2f} of {free:.3g} cores"
        if seen.client_cores >= 0.05:
            note += f" (this client used {seen.client_cores:.2f} of {seen.cores:.3g})"
        rows.append(cpu.row("cpu", free, note))
    if cpu is not None and seen.quota_cores:
        note = f"{cpu.busy:.2f} of a quota of {seen.quota_cores:.3g} cores"
        if seen.throttled is not None:
            note += f", used up in {seen.throttled:.0%} of its periods"
        rows.append(cpu.row("quota", seen.quota_cores, note))
    if thread is not None:
        rows.append(thread.row("thread", 1.0, f"the busiest thread used {thread.busy:.2f} cores"))
    if seen.gil_shares and seen.throughput:
        count = len(seen.gil_shares)
        held = sum(seen.gil_shares)
        demand_s = held / seen.throughput
        note = "" if count == 1 else f"{count} interpreters"
        rows.append(Bound("gil", held / count, 1e3 * demand_s, over(count, demand_s), note))
    stalled = seen.memory_stalled
    note = "" if stalled is None else f"something waited for memory {stalled:.0%} of the time"
    again = paging(seen)
    if again is not None and again.per_request >= 1:
        note = f"{again.per_request:.3g} pages a request read again" + (f", {note}" if note else "")
        rows.append(Bound("memory", seen.memory_used, 1e3 * again.wait_s, note=note))
    elif seen.memory is not None:
        rows.append(Bound("memory", seen.memory, note=note))
    at = top if seen.throughput is None else seen.throughput
    for name in ("gpu", "disk", "network"):
        share = getattr(seen, name)
        if share is not None:
            rows.append(Bound(name, share, 1e3 * share / at, over(1.0, share / at), OF_MACHINE.get(name, "")))
    return rows


@dataclass(frozen=True, slots=True)
class Paging:
    """Pages a request that had to be read again, seconds that it waits for them, and the mean number of
    threads that wait so (Little: pages a second times seconds a page)."""

    per_request: float
    wait_s: float
    waiting: float


def paging(seen: Seen) -> Paging | None:
    """What is read again for want of memory; None where it was not measured. Of the pages that the group or
    machine read again no more count than the target's own threads waited for."""
    if seen.refaults_per_s is None or seen.major_faults_per_s is None or not seen.memory_at:
        return None
    pages_per_s = min(seen.refaults_per_s, seen.major_faults_per_s)
    waiting = pages_per_s * (seen.page_read_ms or 0.0) / 1e3
    return Paging(pages_per_s / seen.memory_at, waiting / seen.memory_at, waiting)


def over(m: float, demand_s: float) -> float | None:
    """`m` of a resource over what a request needs of it (s): requests a second; None without demand."""
    return m / demand_s if demand_s > 0 else None


OF_MACHINE = {"disk": "the busiest disk of the machine", "network": "the busiest link of the machine"}
