"""What a limit on memory does to a group of processes: how full it is, and which pages it has to read again.

A group at its limit keeps running as long as pages of files can be given back. What was given back and is
needed again is *refaulted*: read from the disk once more, because there was no room to keep it. A page that
is read for the first time is none of these. Counted by the kernel for each control group (v1 and v2), else
for the whole machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from probes.watch.cgroup import group_folders, memory_limit_folder


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Counters since the group was made; None where the kernel does not tell.

    `used_ratio` is of the limit and has the pages of files in it; `refaults` counts pages that were given
    back and read again, `limit_hits` how often room had to be made, `oom_kills` processes that were ended.
    """

    used_ratio: float | None = None
    refaults: int | None = None
    limit_hits: int | None = None
    oom_kills: int | None = None


class MemoryGauge:
    """Reads the counters of the group that limits one process (some 0.1 ms a reading), also after its end."""

    def __init__(self, pid: int | None = None, root: Path = Path("/")) -> None:
        self._root = root
        self._folder = memory_limit_folder(pid, root)
        own = next(iter(group_folders(pid, "memory", root)), None)
        self._killed_in = tuple(dict.fromkeys(folder for folder in (own, self._folder) if folder is not None))

    def read(self) -> MemoryUse:
        """The counters now."""
        if self._folder is None:
            return self._of_machine()
        folder = self._folder
        limit = _count(folder / "memory.max") or _count(folder / "memory.limit_in_bytes")
        used = _count(folder / "memory.current")
        used = _count(folder / "memory.usage_in_bytes") if used is None else used
        stat = _counts(folder / "memory.stat")
        prefix = "total_" if "total_workingset_refault_file" in stat else ""  # v1 counts groups inside apart
        again = [stat.get(f"{prefix}workingset_refault_{kind}") for kind in ("file", "anon")]
        events = _counts(folder / "memory.events")
        hits = events["max"] + events.get("high", 0) if "max" in events else _count(folder / "memory.failcnt")
        return MemoryUse(
            used / limit if used is not None and limit else None,
            None if None in again else sum(count or 0 for count in again),
            hits,
            self.oom_kills(),
        )

    def oom_kills(self) -> int | None:
        """Processes of the group that were ended because memory ran out; None where that is not counted."""
        counts = []
        for folder in self._killed_in:
            for name in ("memory.events", "memory.oom_control"):
                count = _counts(folder / name).get("oom_kill")
                if count is not None:
                    counts.append(count)
        return max(counts, default=None)

    def _of_machine(self) -> MemoryUse:
        stat = _counts(self._root / "proc/vmstat")
        again = [stat.get(f"workingset_refault_{kind}") for kind in ("file", "anon")]
        sizes = _counts(self._root / "proc/meminfo", ":")
        total, free = sizes.get("MemTotal"), sizes.get("MemFree")
        return MemoryUse(
            1 - free / total if total and free is not None else None,
            None if None in again else sum(count or 0 for count in again),
            None,
            stat.get("oom_kill"),
        )


def _counts(file: Path, mark: str = "") -> dict[str, int]:
    """Lines of a name and a number; what is none is left out."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    rows = (line.replace(mark, " ", 1).split() if mark else line.split() for line in lines)
    return {row[0]: int(row[1]) for row in rows if len(row) >= 2 and row[1].isdigit()}


def _count(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
