"""What a target's processes hold before a run and after it: memory, open files, threads; and files that leak.

A file that is opened for each request and never closed shows exactly: the count grows with the requests. Of
the growth what our own connections account for is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from probes.facts import Fact, Source, observed
from probes.watch.tree import TreeWatcher

LEAST_FILES = 20
"""Fewer are caches, logs and pools that fill."""
LEAST_SHARE = 0.01
"""A leak loses a file in a hundred requests at least."""

Ends = Sequence[Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class FileGrowth:
    """Files that stayed open over so many requests."""

    files: int
    requests: int

    @property
    def per_request(self) -> float:
        """Files kept open for each request; 0 where so few that they need not be a leak."""
        share = self.files / self.requests
        return share if self.files >= LEAST_FILES and share >= LEAST_SHARE else 0.0

    def fact(self, source: Source) -> Fact:
        """`process.growth_files_per_request`."""
        value = round(self.per_request, 4)
        return observed(
            "process.growth_files_per_request", value, source, at=datetime.now(UTC), samples=self.requests
        )


def kept_now(watcher: TreeWatcher, sent: int) -> dict[str, int]:
    """What the target's processes hold now, `sent` requests having gone to them: memory with shared pages
    counted once, files, threads."""
    latest = watcher.latest()
    kept = {"pss_bytes": watcher.measure_pss(), "descriptors": watcher.descriptors()}
    if latest is not None:
        kept |= {"threads": latest.threads, "processes": latest.processes}
    return {"requests": sent} | {name: value for name, value in kept.items() if value is not None}


def file_growth(ends: Ends, connections: int) -> FileGrowth | None:
    """How the open files grew between the ends, less `connections`, the most that were ours; None where that
    cannot be told: it was not read twice, processes came or went, or nothing was sent."""
    counts = [end["descriptors"] for end in ends if "descriptors" in end]
    processes = {end.get("processes") for end in ends}
    if len(counts) != 2 or len(processes) != 1 or not (requests := ends[1]["requests"] - ends[0]["requests"]):
        return None
    return FileGrowth(max(0, counts[1] - counts[0] - connections), requests)


def kept_json(ends: Ends, growth: FileGrowth | None) -> dict[str, Any]:
    """The `kept` object of the result."""
    document: dict[str, Any] = dict(zip(("before", "after"), ends, strict=False))
    if growth is not None:
        document["files_per_request"] = round(growth.per_request, 4)
    return document
