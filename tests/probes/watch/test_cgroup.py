"""Limits of cgroups, read from trees of files like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.watch.cgroup import Throttling, cpu_quota_cores, memory_limit_bytes, throttling

GIB = 1 << 30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2_MOUNT = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
)


def test_in_version_2_the_tightest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/mountinfo": "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + V2_MOUNT,
            "proc/self/cgroup": "0::/pod.slice/container.scope\n",
            "sys/fs/cgroup/pod.slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pod.slice/cpu.stat": "nr_periods 40\nnr_throttled 10\nthrottled_usec 2500000\n",
            "sys/fs/cgroup/pod.slice/memory.max": f"{4 * GIB}\n",
            "sys/fs/cgroup/pod.slice/container.scope/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod.slice/container.scope/memory.max": f"{2 * GIB}\n",
        },
    )
    assert cpu_quota_cores(root=root) == 1.5
    assert memory_limit_bytes(root=root) == 2 * GIB
    assert throttling(root=root) == Throttling(40, 10, 2.5)


def test_in_version_1_a_container_sees_its_group_as_the_root(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/7/mountinfo": V1_MOUNTS,
            "proc/7/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 4\nnr_throttled 3\nthrottled_time 1500000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB}\n",
        },
    )
    assert cpu_quota_cores(7, root) == 0.5
    assert memory_limit_bytes(7, root) == GIB
    assert throttling(7, root) == Throttling(4, 3, 1.5)


@pytest.mark.parametrize(
    ("quota", "memory"), [("-1", "9223372036854771712"), ("", ""), ("nonsense", "nonsense")]
)
def test_no_limit_is_none(tmp_path: Path, quota: str, memory: str) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/mountinfo": V1_MOUNTS,
            "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": f"{quota}\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{memory}\n",
        },
    )
    assert cpu_quota_cores(root=root) is None
    assert memory_limit_bytes(root=root) is None
    assert throttling(root=root) is None


def test_a_machine_without_cgroups_has_no_limits(tmp_path: Path) -> None:
    assert cpu_quota_cores(root=tmp_path) is None
    assert memory_limit_bytes(root=tmp_path) is None
    assert throttling(root=tmp_path) is None


def test_throttling_between_two_readings() -> None:
    assert Throttling(40, 10, 2.5).since(Throttling(30, 9, 2.0)) == Throttling(10, 1, 0.5)
