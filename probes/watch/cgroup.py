"""Limits that Linux sets for a group of processes (a container, a service): cgroup v1 and v2.

A group's limit binds all groups inside it, so the tightest counts, from the process's own group up to the
root. All answers are None where there is no limit, or no cgroups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# cgroup v1 writes "no limit" as the largest multiple of a page.
_UNLIMITED_BYTES = 1 << 60


@dataclass(frozen=True, slots=True)
class Throttling:
    """How often a CPU quota stopped the group: counts of enforcement periods since the group was made, and
    the seconds its CPUs were stopped."""

    periods: int
    throttled_periods: int
    throttled_s: float

    def since(self, earlier: Throttling) -> Throttling:
        """What was added after an earlier reading."""
        return Throttling(
            self.periods - earlier.periods,
            self.throttled_periods - earlier.throttled_periods,
            self.throttled_s - earlier.throttled_s,
        )


def cpu_quota_cores(pid: int | None = None, root: Path = Path("/")) -> float | None:
    """How many cores' worth of time the process (None: our own) may use; None where there is no quota."""
    tightest = _tightest_quota(pid, root)
    return tightest[0] if tightest else None


def throttling(pid: int | None = None, root: Path = Path("/")) -> Throttling | None:
    """How often the tightest CPU quota of the process (None: our own) was used up; None without a quota."""
    tightest = _tightest_quota(pid, root)
    text = _read(tightest[1] / "cpu.stat") if tightest else None
    if text is None:
        return None
    pairs = (line.split() for line in text.splitlines())
    counts = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
    if "nr_periods" not in counts:
        return None
    throttled_s = counts.get("throttled_usec", 0) / 1e6 or counts.get("throttled_time", 0) / 1e9
    return Throttling(counts["nr_periods"], counts.get("nr_throttled", 0), throttled_s)


def memory_limit_bytes(pid: int | None = None, root: Path = Path("/")) -> int | None:
    """How much memory the process's group (None: our own) may use; None where there is no limit."""
    tightest = _tightest_memory(pid, root)
    return None if tightest is None else tightest[0]


def memory_limit_folder(pid: int | None = None, root: Path = Path("/")) -> Path | None:
    """The folder of the group whose limit that is; None where there is no limit."""
    tightest = _tightest_memory(pid, root)
    return None if tightest is None else tightest[1]


def _tightest_memory(pid: int | None, root: Path) -> tuple[int, Path] | None:
    limits = []
    for folder in group_folders(pid, "memory", root):
        text = _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")
        if text is not None and text.isdigit() and int(text) < _UNLIMITED_BYTES:
            limits.append((int(text), folder))
    return min(limits, default=None, key=lambda limit: limit[0])


def _tightest_quota(pid: int | None, root: Path) -> tuple[float, Path] | None:
    quotas = []
    for folder in group_folders(pid, "cpu", root):
        text = _read(folder / "cpu.max")
        if text is None:
            text = f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}"
        quota, _, period = text.partition(" ")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            quotas.append((int(quota) / int(period), folder))
    return min(quotas, default=None)


def group_folders(pid: int | None, controller: str, root: Path) -> Iterator[Path]:
    """The folders of the process's group and of those around it, for v1's controller and for v2."""
    process = root / "proc" / ("self" if pid is None else str(pid))
    groups = _groups(process, controller)
    for line in (_read(process / "mountinfo") or "").splitlines():
        # 36 25 0:31 /root /mount/point rw,relatime shared:1 - cgroup cgroup rw,cpu: see proc_pid_mountinfo(5)
        before, _, behind = line.partition(" - ")
        kind, _, options = behind.split(maxsplit=2) if len(behind.split()) >= 3 else ("", "", "")
        group = groups.get(kind)
        if group is None or (kind == "cgroup" and controller not in options.split(",")):
            continue
        seen_from, mount = before.split()[3:5]
        top = root / mount.lstrip("/")
        # Inside a container the path is often the host's, of which only the mounted part can be seen.
        inside = Path(group).is_relative_to(seen_from) and ".." not in group
        folder = top / Path(group).relative_to(seen_from) if inside else top
        yield folder
        while folder != top:
            folder = folder.parent
            yield folder


def _groups(process: Path, controller: str) -> dict[str, str]:
    """The process's group by the kind of file system that holds it."""
    found = {}
    for line in (_read(process / "cgroup") or "").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            found["cgroup2"] = path
        elif controller in controllers.split(","):
            found["cgroup"] = path
    return found


def _read(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return None
