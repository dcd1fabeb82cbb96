"""Pressure, read from files like the kernel's."""

from __future__ import annotations

from pathlib import Path

from probes.watch.pressure import PressureGauge

V2_MOUNT = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def line(total_us: int) -> str:
    return f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total_us}\nfull avg10=0.00 total=7\n"


def test_a_group_of_its_own_is_asked_first(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/service.slice"
    root = write(
        tmp_path,
        {
            "proc/7/mountinfo": V2_MOUNT,
            "proc/7/cgroup": "0::/service.slice\n",
            f"{group}/cpu.pressure": line(1_000_000),
            f"{group}/memory.pressure": line(0),
            f"{group}/io.pressure": line(500_000),
            "proc/pressure/cpu": line(99_000_000),
        },
    )
    gauge = PressureGauge(7, root)
    before = gauge.read()
    assert not before.of_machine
    write(root, {f"{group}/cpu.pressure": line(3_000_000), f"{group}/memory.pressure": line(9_000_000)})
    cpu, memory, io = gauge.read().since(before, 4.0)
    assert (cpu, memory, io) == (0.5, 1.0, 0.0), "2 of 4 s; never more than all of the time"


def test_else_it_is_that_of_the_machine_which_is_said(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"proc/7/mountinfo": "", "proc/7/cgroup": "", "proc/pressure/cpu": line(2_500_000)}
    )
    found = PressureGauge(7, root).read()
    assert (found.cpu_s, found.memory_s, found.io_s, found.of_machine) == (2.5, None, None, True)
    assert found.since(found, 1.0) == (0.0, None, None)
