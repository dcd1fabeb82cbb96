"""Pressure stall information (PSI): for what share of time something waited for CPU, memory or a disk.

The kernel counts the time in which at least one task was held up ("some"). A cgroup v2 counts it for its own
processes; where there is none the figure is that of the whole machine, which is said (`of_machine`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from probes.watch.cgroup import group_folders

RESOURCES = ("cpu", "memory", "io")


@dataclass(frozen=True, slots=True)
class Pressure:
    """Seconds since boot in which at least one task waited; None where the kernel does not count them."""

    cpu_s: float | None
    memory_s: float | None
    io_s: float | None
    of_machine: bool

    def since(self, earlier: Pressure, seconds: float) -> tuple[float | None, float | None, float | None]:
        """Shares (0 to 1) of the `seconds` since an earlier reading: for CPU, memory and disks."""
        pairs = (
            (self.cpu_s, earlier.cpu_s),
            (self.memory_s, earlier.memory_s),
            (self.io_s, earlier.io_s),
        )
        cpu, memory, io = (
            None if now is None or then is None else min(1.0, max(0.0, (now - then) / seconds))
            for now, then in pairs
        )
        return cpu, memory, io


class PressureGauge:
    """Reads the pressure on one process's group again and again (0.1 ms a reading)."""

    def __init__(self, pid: int | None = None, root: Path = Path("/")) -> None:
        own = (folder for folder in group_folders(pid, "cpu", root) if (folder / "cpu.pressure").is_file())
        folder = next(own, None)
        self._of_machine = folder is None or folder.resolve() == (root / "sys/fs/cgroup").resolve()
        self._files = {
            name: root / "proc/pressure" / name
            if self._of_machine or folder is None
            else folder / f"{name}.pressure"
            for name in RESOURCES
        }

    def read(self) -> Pressure:
        """The counters now."""
        cpu_s, memory_s, io_s = (_some_s(self._files[name]) for name in RESOURCES)
        return Pressure(cpu_s, memory_s, io_s, self._of_machine)


def _some_s(file: Path) -> float | None:
    """`some avg10=0.00 avg60=0.00 avg300=0.00 total=1234` has its total in microseconds."""
    try:
        text = file.read_text()
    except OSError:
        return None
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        total = rest.rpartition("total=")[2]
        if kind == "some" and total.isdigit():
            return int(total) / 1e6
    return None
