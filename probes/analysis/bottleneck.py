"""Which resource limits a target at saturation, or why that cannot be said.

    utilisation U = busy/(T·m)      demand D = U·m/X      bound X ≤ m/D      concurrency N = X·R (Little)

Two kinds of limit look different. Something that is *busy* (a processor, the interpreter lock, a disk) shows
a utilisation; it is named when U ≥ .85 at saturation, the next is at least .1 lower, U grew in proportion to
X below the knee, and m/D lies within 15 % of the highest throughput that was measured. Something that makes
requests *wait* (a lock, a pool, another service) shows none: there nothing is busy, and throughput stops at k
times that of a single caller, X = k/R₁, however many callers there are. k ≈ 1 is serialised inside; a larger
k is a pool of that size, or the limit of what is waited for: what the threads wait for decides.

Everything else is `not_identified`, with the table of what was measured. Naming nothing is a result; naming
the wrong thing sends a team off to mend what is not broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from probes.analysis.bottleneck_evidence import (
    BUSY,
    Bound,
    Level,
    Seen,
    Used,
    Waiting,
    evidence_table,
    paging,
)

__all__ = ["Bottleneck", "Bound", "Level", "LimitedBy", "Seen", "Waiting", "name_bottleneck"]

LimitedBy = Literal[
    "cpu", "gil", "lock", "pool", "memory", "downstream", "gpu", "disk", "network", "quota", "client",
    "not_identified",
]  # fmt: skip

APART = 0.10
CLOSE = 0.15
FLAT = 0.15
WAITS = 0.3
"""Below this share of a lone request's time spent computing it waits (STATISTICS.md: D/R₁ < .3)."""
COMPUTES = 0.85
"""From this share on it does little else."""
OFTEN_THROTTLED = 0.2
STALLED = 0.1
AT_LIMIT = 0.95
"""Memory is full from this share of its limit on, pages of files among it."""
MOSTLY_PAGES = 0.5
"""Share of a lone request's time, beside what it computes, from which on waiting for pages decides."""
SATURATED_FROM = 0.9
"""A level belongs to the plateau from this share of the highest throughput on."""
WHOLE = 0.2
"""k counts as a whole number within this, up to `LARGEST_WHOLE`."""
LARGEST_WHOLE = 8
SHARED_CORES = 0.15
"""Cores that our client uses, from which on full processors are not the target's doing alone."""
QUEUEING = 0.3
"""Threads that wait for a processor, from which on other processes may be why."""
WORTH_SAYING = 0.05
"""Use of a disk, link or GPU that a sentence mentions."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The limit, one sentence with its numbers, what would confirm it, and the table it rests on."""

    limited_by: LimitedBy
    because: str
    confirm_by: str | None
    bounds: tuple[Bound, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The keys that join CONTRACT's `capacity`."""
        document: dict[str, Any] = {"limited_by": self.limited_by, "because": self.because}
        return document | ({"confirm_by": self.confirm_by} if self.confirm_by else {})


def name_bottleneck(levels: Sequence[Level], seen: Seen) -> Bottleneck | None:
    """What limits a target whose throughput stopped growing over these levels.

    None where there is no throughput to speak of. The caller decides that something saturated.
    """
    levels = [level for level in levels if level.throughput > 0]
    if not levels:
        return None
    if seen.client_fault:
        return Bottleneck(
            "client",
            f"{seen.client_fault[0].upper()}{seen.client_fault[1:]}.",
            "Measure again from a machine with a processor to spare.",
        )
    study = _Study(levels, seen)
    found = study.pages() or study.busy() or study.waits()
    if found is not None:
        return Bottleneck(found[0], found[1], found[2], tuple(study.bounds))
    return Bottleneck("not_identified", f"{study.why_not()}.", study.next_step(), tuple(study.bounds))


class _Study:
    """One judgement: the plateau, the table, and the reasons against naming what looks full."""

    def __init__(self, levels: Sequence[Level], seen: Seen) -> None:
        self.levels, self.seen = levels, seen
        self.top = max(level.throughput for level in levels)
        plateau = [level for level in levels if level.throughput >= SATURATED_FROM * self.top]
        below = [level for level in levels if level.throughput < SATURATED_FROM * self.top]
        self.doubts: list[str] = []
        self.cpu = Used.of("cpu_cores", plateau, below)
        self.thread = Used.of("thread_cores", plateau, below)
        self.bounds = evidence_table(self.cpu, self.thread, seen, self.top)

    def row(self, resource: str) -> Bound | None:
        """The row of a resource; None where it was not measured."""
        return next((row for row in self.bounds if row.resource == resource), None)

    # what is short of memory

    def pages(self) -> tuple[LimitedBy, str, str] | None:
        """Memory, where it is full and requests mostly wait for pages that were in it before.

        The disk that they are read from, and the interpreter lock that is held meanwhile, only follow.
        """
        seen, again = self.seen, paging(self.seen)
        if again is None or again.per_request < 1 or (seen.memory_used or 0.0) < AT_LIMIT:
            return None
        if any(row is not None and _full(row) for row in (self.row("cpu"), self.row("quota"))):
            return None
        alone = [level for level in self.levels if level.closed and level.callers == 1]
        computes_s = 0.0 if self.cpu is None else self.cpu.demand_s or 0.0
        lone_s = len(alone) / sum(level.throughput for level in alone) if alone else 0.0
        of_s = max(computes_s + again.wait_s, lone_s)
        if again.wait_s < MOSTLY_PAGES * max(of_s - computes_s, 1e-9) or again.wait_s + computes_s <= 0:
            self.doubts.append(
                f"memory is full and {again.per_request:.3g} pages a request are read again, but waiting for "
                f"them is {1e3 * again.wait_s:.3g} ms of a request's {1e3 * of_s:.3g} ms"
            )
            return None
        return (
            "memory",
            f"Memory is too small for what is in use: {seen.memory_used:.0%} of the limit is used, and each "
            f"request waits for {again.per_request:.3g} pages that had been in memory and are read again, "
            f"{1e3 * again.wait_s:.3g} ms of its time ({self._cpu_words()}, {self.top:.4g} requests/s were "
            "the most answered).",
            "Raise the memory limit, or make what is kept in memory (model, index) smaller: pages read again "
            "should end and the highest throughput should rise.",
        )

    # what is busy

    def busy(self) -> tuple[LimitedBy, str, str] | None:
        """The resource that is full, by the four rules."""
        computing = self._computing()
        full = {name: row for name in ("gpu", "disk", "network", "memory") if (row := self.row(name))}
        if "memory" in full and (self.seen.memory_stalled or 0.0) < STALLED:
            del full["memory"]  # full memory that nobody waits for slows nothing down
        if computing is not None:
            full[computing.resource] = computing
        ranked = sorted(full.values(), key=lambda row: -(row.utilisation or 0.0))
        if not ranked or (ranked[0].utilisation or 0.0) < BUSY:
            return None
        first = ranked[0]
        used = first.utilisation or 0.0
        if len(ranked) > 1 and used - (ranked[1].utilisation or 0.0) < APART:
            self.doubts.append(
                f"{_NAMES[first.resource]} ({used:.0%}) and {_NAMES[ranked[1].resource]} "
                f"({ranked[1].utilisation:.0%}) are both full"
            )
            return None
        if first.bound_per_s is not None and abs(first.bound_per_s / self.top - 1) > CLOSE:
            self.doubts.append(
                f"{_NAMES[first.resource]} is {used:.0%} used, but {first.demand_ms:.3g} ms a request "
                f"allow {first.bound_per_s:.4g} requests/s where {self.top:.4g} were answered"
            )
            return None
        account = {"cpu": self.cpu, "quota": self.cpu, "thread": self.thread}.get(first.resource)
        if account is not None and not account.in_proportion:
            self.doubts.append(
                f"{_NAMES[first.resource]} is {used:.0%} used, but not in proportion to throughput"
            )
            return None
        return self._named(first)

    def _computing(self) -> Bound | None:
        """Of quota, processors, interpreter lock and single thread, which contain each other, what binds."""
        quota, cpu, gil, thread = (self.row(name) for name in ("quota", "cpu", "gil", "thread"))
        if quota is not None and (self.seen.throttled or 0.0) >= OFTEN_THROTTLED and _full(quota):
            return quota
        if cpu is not None and _full(cpu) and self.seen.client_cores >= SHARED_CORES:
            # Full also with what the client uses: then a lone thread or lock of the target may bind as well.
            if thread is not None and _full(thread):
                return thread
            if gil is not None and _full(gil):
                self.doubts.append(
                    "the interpreter lock is held all the time, and no processor is free either"
                )
                return None
        rows = [row for row in (cpu, gil, thread) if row is not None]
        fullest = max(rows, key=lambda row: row.utilisation or 0.0, default=None)
        return next((row for row in rows if _full(row)), fullest)

    def _named(self, row: Bound) -> tuple[LimitedBy, str, str]:
        seen, used, cpu = self.seen, row.utilisation or 0.0, self._cpu_words()
        allows = ""
        if row.bound_per_s is not None:
            allows = f"; {row.demand_ms:.3g} ms of it a request allow {row.bound_per_s:.4g} requests/s"
            allows += f", and {self.top:.4g} were the most answered"
        if row.resource == "quota":
            limit = f"The CPU quota of {seen.quota_cores:.3g} cores"
            return (
                "quota",
                f"{limit} was used up in {seen.throttled or 0.0:.0%} of its periods{allows}.",
                f"Raise the quota of {seen.quota_cores:.3g} cores: the highest throughput should follow.",
            )
        if row.resource == "gil":
            count = len(seen.gil_shares)
            who = "One Python process computes" if count == 1 else f"{count} Python processes compute"
            return (
                "gil",
                f"{who}: {cpu}, and its interpreter lock is held {used:.0%} of the time{allows}.",
                f"Run {_twice(count)}: while a core is free, the highest throughput should rise; "
                "more threads should not change it.",
            )
        if row.resource == "thread":
            cores = self.row("cpu")
            idle = cores is None or not _full(cores)
            return (
                "cpu",
                f"{_who_computes(seen)}, busy {used:.0%} of the time: {cpu}"
                f"{', so that another core would stay idle' if idle else ''}{allows}.",
                "Run a second process: while a core is free, the highest throughput should nearly double."
                if seen.processes == 1
                else "Run one more worker process: while a core is free, the highest throughput should rise.",
            )
        if row.resource == "cpu":
            return (
                "cpu",
                f"All processors are busy: {row.note}{allows}.",
                "Give it one more core, or take CPU time off a request: "
                "the highest throughput should change in proportion.",
            )
        if row.resource == "memory":
            return (
                "memory",
                f"Memory is full: {used:.0%} of the limit is used, and {row.note}.",
                "Raise the memory limit: waiting for memory should end.",
            )
        name = _NAMES[row.resource]
        return (
            row.resource,  # type: ignore[return-value]  # gpu, disk or network
            f"{name[0].upper()}{name[1:]} is busy {used:.0%} of the time: {cpu}{allows}.",
            _CONFIRM[row.resource],
        )

    def _cpu_words(self) -> str:
        if self.cpu is None:
            return "CPU was not measured"
        of = "" if not self.seen.cores else f" of {self.seen.cores:.3g}"
        return f"CPU {self.cpu.busy:.2f}{of} cores"

    # what waits

    def waits(self) -> tuple[LimitedBy, str, str] | None:
        """A lock, a pool or another service, where nothing is busy and more callers get no more answers."""
        alone = [level for level in self.levels if level.closed and level.callers == 1]
        if (
            not alone
            or self.cpu is None
            or any(_full(row) for row in self.bounds if row.resource != "memory")
        ):
            return None
        x1 = sum(level.throughput for level in alone) / len(alone)
        computes = (self.cpu.demand_s or 0.0) * x1
        if computes >= WAITS:
            self.doubts.append(
                f"a lone request computes for {computes:.0%} of its {1e3 / x1:.3g} ms"
                + ("" if computes >= COMPUTES else ": it neither only computes nor only waits")
            )
            return None
        k = self.top / x1
        beyond = [level for level in self.levels if level.closed and level.callers >= 1.5 * k]
        flat = [level for level in beyond if abs(level.throughput / self.top - 1) <= FLAT]
        if len(beyond) < 2 or len(flat) < len(beyond):
            self.doubts.append(f"throughput went on changing up to {self.levels[-1].callers:.3g} callers")
            return None
        rising = [level for level in self.levels if level.closed and level.callers <= 0.8 * k]
        if any(level.throughput < 0.8 * level.callers * x1 for level in rising):
            self.doubts.append(
                "throughput did not grow in proportion to the callers before it stopped growing"
            )
            return None
        return self._waiting_for(k, x1, max(level.callers for level in beyond))

    def _waiting_for(self, k: float, x1: float, callers: float) -> tuple[LimitedBy, str, str] | None:
        waiting = self.seen.waiting
        if waiting is None:
            why = self.seen.unseen or "what its threads wait for was not seen"
            self.doubts.append(f"requests wait for something that serves {k:.2g} at a time, and {why}")
            return None
        stops = (
            f"{self._cpu_words()}, and {callers:.3g} callers get {self.top:.4g} requests/s where one gets "
            f"{x1:.4g}: {k:.2g} at a time, {1e3 / x1:.3g} ms each"
        )
        queue = f"; {waiting.lock:.2g} threads waited for a lock" if waiting.lock >= 0.5 else ""
        peer = _peer(waiting)
        at_peers = sum(waiting.peers.values())
        behind = at_peers >= 0.5 * k or (waiting.outgoing and waiting.lock < 0.5)
        held_back = waiting.lock >= 0.5 * max(waiting.callers - k, 1.0) and at_peers <= 1.5 * k
        if behind and not held_back:
            there = max(at_peers, sum(waiting.outgoing.values()))
            return (
                "downstream",
                f"Requests wait for {peer}: {stops}; {there:.2g} threads or connections waited there.",
                f"Watch {peer} under the same load: its response time should grow with the callers.",
            )
        if behind and k >= 1.5:
            return (
                "pool",
                f"A pool of about {k:.0f} connections to {peer} is full: {stops}{queue}.",
                "Make the pool twice as large: the highest throughput should double, "
                f"unless {peer} is at its limit.",
            )
        if k <= 1 + CLOSE:
            return (
                "lock",
                f"Requests are served one at a time: {stops}{queue}.",
                "Find what is held while it waits (a lock, a single worker or session): "
                "half the time in there should double the highest throughput.",
            )
        places = round(k)
        # those that were not seen to wait for a place had one
        seen = waiting.lock >= 0.5 and abs(waiting.callers - waiting.lock - places) <= 0.5
        if k > LARGEST_WHOLE or (places >= 2 and (seen or abs(k - places) <= WHOLE)):
            return (
                "pool",
                f"A pool of about {k:.0f} is full: {stops}{queue}.",
                "Make the pool (workers, threads, connections) twice as large: "
                f"the highest throughput should rise to about {2 * self.top:.3g} requests/s.",
            )
        self.doubts.append(f"requests wait, {k:.2g} at a time, which is no whole number of places in a pool")
        return None

    # nothing named

    def why_not(self) -> str:
        """One sentence on what was measured and which rule failed."""
        if self.cpu is None:
            return "The target's processes were not watched, so that nothing is known of what they use"
        shares = [
            f"{_NAMES[row.resource]} {row.utilisation:.0%}"
            for row in self.bounds
            if row.utilisation is not None
            and (row.resource in ("cpu", "gil", "thread") or row.utilisation >= WORTH_SAYING)
        ]
        text = (
            f"At {self.top:.4g} requests/s: {', '.join(shares)}"
            if shares
            else f"At {self.top:.4g} requests/s"
        )
        if (self.seen.queueing or 0.0) >= QUEUEING:
            text += f"; on average {self.seen.queueing:.2g} threads were ready and waited for a processor"
        unseen = self.seen.unseen if self.seen.is_python and not self.seen.gil_shares else None
        if unseen:
            text += f"; the interpreter lock was not measured ({unseen})"
        return f"{text}; {'; '.join(self.doubts)}" if self.doubts else f"{text}; none is used {BUSY:.0%}"

    def next_step(self) -> str | None:
        """What would tell more."""
        if self.cpu is None:
            return "Run Loadstone on the target's own machine, or name its process with --pid."
        if self.seen.is_python and not self.seen.gil_shares:
            return "Measure with py-spy allowed to look into the target."
        if not any(level.closed and level.callers == 1 for level in self.levels):
            return "Measure with one caller and with many (--concurrency 1,2,4,8,16,32)."
        return "Measure longer on a machine with nothing else to do."


def _peer(waiting: Waiting) -> str | None:
    """The peer that most threads wait for, else the one with most connections."""
    names = [*waiting.peers, *waiting.outgoing]
    return max(
        names,
        key=lambda name: (waiting.peers.get(name, 0.0), waiting.outgoing.get(name, 0.0)),
        default=None,
    )


def _who_computes(seen: Seen) -> str:
    """Whose single thread is busy, of the processes that compute."""
    if not seen.is_python:
        return "A single thread computes"
    if seen.processes == 1:
        return "One Python process computes in a single thread"
    return f"Of {seen.processes} Python processes that compute, one is full, in a single thread"


def _twice(count: int) -> str:
    """Twice as many processes, in words."""
    return "a second process" if count == 1 else f"{2 * count} processes instead of {count}"


def _full(row: Bound) -> bool:
    return (row.utilisation or 0.0) >= BUSY


_NAMES = {
    "cpu": "CPU", "quota": "the CPU quota", "gil": "the interpreter lock", "thread": "the busiest thread",
    "memory": "memory", "gpu": "the GPU", "disk": "the disk", "network": "the network",
}  # fmt: skip
_CONFIRM = {
    "gpu": "Watch the GPU with batches twice as large: its use should stay and throughput should rise.",
    "disk": "Put its data into memory or on a faster disk: the highest throughput should rise.",
    "network": "Halve the size of an answer: the highest throughput should nearly double.",
}
