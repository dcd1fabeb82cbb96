"""The machine that measures: what it is, how precise its timers and sockets are, how busy it is.

What a platform does not tell is None, and absent from `describe_machine`.
"""

from __future__ import annotations

import os
import platform
import random
import select
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.watch.cgroup import cpu_quota_cores, memory_limit_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

_ECHO = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as peer:
    while message := peer.recv(65536):
        peer.sendall(message)
"""


def describe_machine() -> dict[str, Any]:
    """Facts about this machine for a run's record, JSON values; what is not known is left out.

    `cpu_count` processors exist, `cpu_usable` (cores, may be a fraction) this process may use by affinity and
    cgroup quota; `memory_bytes` exist, `memory_available_bytes` are free to use now and `memory_limit_bytes`
    is the cgroup's limit.
    """
    total_bytes, available_bytes = _memory_bytes()
    facts = {
        "name": platform.node() or None,
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cpu_model": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "cpu_usable": usable_cores(),
        "cpu_quota_cores": cpu_quota_cores(),
        "memory_bytes": total_bytes,
        "memory_available_bytes": available_bytes,
        "memory_limit_bytes": memory_limit_bytes(),
        "container": _container(),
        "virtual_machine": _virtual_machine(),
    }
    return {name: value for name, value in facts.items() if value is not None}


def usable_cores() -> float | None:
    """Cores this process may use: its affinity, or less where a cgroup's quota is tighter."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = cpu_quota_cores()
    known = [float(limit) for limit in (count, quota) if limit is not None]
    return min(known, default=None)


def processors_of(pids: Iterable[int]) -> frozenset[int]:
    """The numbers of the processors on which these processes may run, all together; empty where it cannot be
    told of one of them."""
    found: set[int] = set()
    for pid in pids:
        try:
            found |= os.sched_getaffinity(pid)
        except (AttributeError, OSError):
            return frozenset()
    return frozenset(found)


def timer_lateness(samples: int = 200) -> NDArray[np.int64]:
    """How many ns late this process wakes from `select`, the way in which the load loop waits for due times.

    Waits of 0.5 to 1.5 ms, of varying length so that they do not beat with the machine's own tick; takes
    about 1 ms a sample.
    """
    import numpy as np

    lengths = random.Random(1)
    lateness_ns = np.zeros(samples, np.int64)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as idle:  # Windows cannot wait for nothing
        for index in range(samples):
            due_ns = time.monotonic_ns() + lengths.randrange(500_000, 1_500_000)
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                select.select([idle], [], [], left_ns / 1e9)
            lateness_ns[index] = time.monotonic_ns() - due_ns
    return lateness_ns


def socket_floor(samples: int = 1000, budget_s: float = 1.0) -> NDArray[np.int64] | None:
    """Round trips in ns to a process that only echoes 64 bytes over a TCP connection on the loopback.

    It is what a server that does nothing would show to this client: two crossings of the kernel's TCP, and
    two processes woken. One request at a time, each right after the last, the first ten left out; ends after
    `budget_s` with what it has. None where no such process can be started.
    """
    import numpy as np

    with ExitStack() as stack:
        try:
            client, peer = _connected_pair()
        except OSError:
            return None
        stack.enter_context(client)
        with peer:
            try:
                echo = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _ECHO, str(peer.fileno())],
                    pass_fds=(peer.fileno(),),
                    stdin=subprocess.DEVNULL,
                )
            except (OSError, ValueError):
                return None
        stack.enter_context(echo)
        stack.callback(client.close)  # first: it is what ends the process
        client.settimeout(10)
        message = bytes(64)
        round_trips_ns: list[int] = []
        deadline_ns = None
        for index in range(-10, samples):
            try:
                sent_ns = time.monotonic_ns()
                client.sendall(message)
                missing = len(message)
                while missing:
                    select.select([client], [], [], 10)
                    part = len(client.recv(missing))
                    if not part:
                        return None
                    missing -= part
                read_ns = time.monotonic_ns()
            except OSError:
                return None
            if index < 0:
                continue
            round_trips_ns.append(read_ns - sent_ns)
            deadline_ns = deadline_ns or sent_ns + round(budget_s * 1e9)
            if read_ns > deadline_ns:
                break
        return np.array(round_trips_ns, np.int64)


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """What all processors did since boot, in seconds. `steal_s` is time a hypervisor gave to others."""

    busy_s: float
    idle_s: float
    steal_s: float | None

    @classmethod
    def read(cls) -> CpuTimes | None:
        """The counters now."""
        try:
            return cls._of(Path("/proc/stat").read_text().partition("\n")[0])
        except (OSError, ValueError):
            return cls._from_psutil()

    @classmethod
    def read_each(cls) -> dict[int, CpuTimes]:
        """The counters of each processor, by its number; {} where the system does not tell."""
        try:
            lines = Path("/proc/stat").read_text().splitlines()[1:]
            return {int(line[3 : line.index(" ")]): cls._of(line) for line in lines if line.startswith("cpu")}
        except (OSError, ValueError):
            return {}

    @classmethod
    def total(cls, parts: Sequence[CpuTimes]) -> CpuTimes:
        """Several processors as one."""
        steal = [part.steal_s for part in parts if part.steal_s is not None]
        return cls(
            sum(part.busy_s for part in parts),
            sum(part.idle_s for part in parts),
            sum(steal) if len(steal) == len(parts) else None,
        )

    @classmethod
    def _of(cls, line: str) -> CpuTimes:
        """Of a line of /proc/stat. Raises `ValueError` for anything else."""
        user, nice, system, idle, iowait, irq, softirq, steal = (int(ticks) for ticks in line.split()[1:9])
        tick_s = 1 / os.sysconf("SC_CLK_TCK")
        busy = user + nice + system + irq + softirq + steal
        return cls(busy * tick_s, (idle + iowait) * tick_s, steal * tick_s)

    @classmethod
    def _from_psutil(cls) -> CpuTimes | None:
        import psutil

        times = psutil.cpu_times()
        return cls(times.user + times.system + getattr(times, "nice", 0.0), times.idle, None)

    def busy_ratio(self, earlier: CpuTimes) -> float | None:
        """Share of all processors' time since an earlier reading that was not idle, 0 to 1."""
        return self._share(earlier, self.busy_s - earlier.busy_s)

    def steal_ratio(self, earlier: CpuTimes) -> float | None:
        """Share of all processors' time since an earlier reading that a hypervisor withheld, 0 to 1."""
        if self.steal_s is None or earlier.steal_s is None:
            return None
        return self._share(earlier, self.steal_s - earlier.steal_s)

    def _share(self, earlier: CpuTimes, part_s: float) -> float | None:
        whole_s = self.busy_s + self.idle_s - earlier.busy_s - earlier.idle_s
        # iowait, part of the idle time, sometimes runs backwards on Linux.
        return min(1.0, max(0.0, part_s / whole_s)) if whole_s > 0 else None


class RunQueue:
    """How long the threads of a process (None: our own) were ready to run and waited for a processor.

    Counts from its making, all threads together, those that end meanwhile with what was last read of them.
    A CPU quota looks the same from here: see `probes.watch.cgroup.throttling` first.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._tasks = Path("/proc") / str(pid or os.getpid()) / "task"
        self._ended_ns = 0
        self._threads_ns = self._read() or {}
        self._start_ns = sum(self._threads_ns.values())

    def waited_s(self) -> float | None:
        """Seconds waited since the start; None where the system does not tell, or the process is gone."""
        threads_ns = self._read()
        if not threads_ns:
            return None
        for thread, waited_ns in self._threads_ns.items():
            # A smaller number is another thread with a number used before.
            if threads_ns.get(thread, -1) < waited_ns:
                self._ended_ns += waited_ns
        self._threads_ns = threads_ns
        return (self._ended_ns + sum(threads_ns.values()) - self._start_ns) / 1e9

    def _read(self) -> dict[str, int] | None:
        try:
            threads = os.listdir(self._tasks)  # noqa: PTH208 (names only)
        except OSError:
            return None
        found = {}
        for thread in threads:
            try:
                # Time on a processor, time waiting for one, both ns; number of times it ran.
                found[thread] = int((self._tasks / thread / "schedstat").read_bytes().split()[1])
            except (OSError, IndexError):
                continue
        return found


def load_average() -> tuple[float, float, float] | None:
    """Mean number of threads running or waiting to run, over 1, 5 and 15 minutes."""
    try:
        return os.getloadavg()
    except (OSError, AttributeError):
        return None


def descriptor_limit() -> tuple[int, int] | None:
    """How many files and sockets this process may have open: (now, at most); `sys.maxsize` for no limit."""
    try:
        import resource
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    return (sys.maxsize if soft == endless else soft), (sys.maxsize if hard == endless else hard)


def raise_descriptor_limit() -> int | None:
    """Lets this process open as many files and sockets as it is allowed to; returns how many that are now."""
    limits = descriptor_limit()
    if limits is None:
        return None
    import resource

    soft, hard = limits
    # macOS calls its limit infinite and then refuses more than 10,240.
    for wanted in (hard, 1 << 20, 10_240):
        if soft < wanted <= hard:
            new = resource.RLIM_INFINITY if wanted == sys.maxsize else wanted
            try:
                resource.setrlimit(
                    resource.RLIMIT_NOFILE, (new, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
                )
            except (OSError, ValueError):
                continue
            break
    return (descriptor_limit() or limits)[0]


def ephemeral_ports() -> int | None:
    """How many local ports the system gives out: the most connections to one address at a time."""
    try:
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except (OSError, ValueError):
        return None
    return high - low + 1


def time_wait_sockets() -> int | None:
    """How many closed TCP connections still hold their port (TIME_WAIT)."""
    try:
        lines = Path("/proc/net/sockstat").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        # TCP: inuse 5 orphan 0 tw 12 alloc 9 mem 1
        words = line.split()
        if words and words[0] == "TCP:" and "tw" in words:
            return int(words[words.index("tw") + 1])
    return None


def clock_ok(
    monotonic0_ns: int, wall0_ns: int, monotonic1_ns: int | None = None, wall1_ns: int | None = None
) -> bool | None:
    """Whether the wall clock went on as the monotonic clock did, within 1 %, between two readings of both.

    `wall` is `time.time_ns`; the second reading is now unless given. None after less than 0.1 s, which says
    nothing.
    """
    elapsed_ns = (time.monotonic_ns() if monotonic1_ns is None else monotonic1_ns) - monotonic0_ns
    wall_ns = (time.time_ns() if wall1_ns is None else wall1_ns) - wall0_ns
    return abs(wall_ns - elapsed_ns) <= 0.01 * elapsed_ns if elapsed_ns >= 100_000_000 else None


def _connected_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection on the loopback. Raises `OSError`."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(listener.getsockname(), timeout=10))
        listener.settimeout(10)
        peer, address = listener.accept()
        stack.enter_context(peer)
        if address != client.getsockname():
            raise ConnectionError("somebody else connected")
        for end in (client, peer):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setblocking(True)
        stack.pop_all()
        listener.close()
    return client, peer


def _memory_bytes() -> tuple[int | None, int | None]:
    import psutil

    memory = psutil.virtual_memory()
    return memory.total, memory.available


def _cpu_model() -> str | None:
    return _cpu_info("model name") or platform.processor() or None


def _virtual_machine() -> bool | None:
    flags = _cpu_info("flags")
    return None if flags is None else "hypervisor" in flags.split()


def _cpu_info(key: str) -> str | None:
    """The first processor's entry in /proc/cpuinfo."""
    try:
        with Path("/proc/cpuinfo").open(errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return None


def _container() -> str | None:
    """The kind of container this process runs in, as far as it shows."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    for mark, kind in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if Path(mark).exists():
            return kind
    try:
        groups = Path("/proc/1/cgroup").read_text()
    except OSError:
        return None
    kinds = (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc"))
    return next((kind for mark, kind in kinds if mark in groups), None)
