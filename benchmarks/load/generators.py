"""The load generators that are compared: each sends as fast as it can on so many connections, on one core."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from probes.load.engine import Engine, Progress
from probes.load.shard import Live
from probes.targets.http import parse_target

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers"
"""The environment of the peers from PyPI: `side_by_side.py --install` makes it."""


@dataclass(frozen=True)
class Work:
    """What a generator did: requests, and the CPU seconds they took, `user_s` of them outside the kernel."""

    requests: int
    cpu_s: float
    user_s: float
    seconds: float

    @property
    def cpu_us(self) -> float:
        """CPU µs a request, the kernel's part with it."""
        return self.cpu_s * 1e6 / self.requests

    @property
    def user_us(self) -> float:
        """CPU µs a request outside the kernel."""
        return self.user_s * 1e6 / self.requests

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Job:
    """What to do, on which core (None: any); `ca` is the authority of a TLS url."""

    url: str
    connections: int
    seconds: float
    core: int | None
    ca: Path | None = None


Generator = Callable[[Job], Work]


class Silent:
    """An observer that sees nothing and never stops."""

    def second(self, progress: Progress) -> None:
        del progress

    def stop_word(self, live: Live, t_ns: int) -> int:
        del live, t_ns
        return 0


def loadstone(job: Job) -> Work:
    """The load process of a probe: all stamps, time-outs and rows, as always."""
    target = parse_target(job.url, ca=None if job.ca is None else str(job.ca))
    with Engine(target.wire(10.0), job.connections, Silent()) as engine:
        if job.core is not None:
            os.sched_setaffinity(engine.shard.pid, {job.core})
        before = _cpu_of(engine.shard.pid)
        record = engine.closed_loop(job.connections, job.seconds)
        after = _cpu_of(engine.shard.pid)
    assert (record.outcome == 200).all()
    user, system = after[0] - before[0], after[1] - before[1]
    return Work(record.report.sent, user + system, user, job.seconds)


def wrk(job: Job) -> Work:
    """One thread of wrk."""
    said, cpu = _run(job, "wrk", "-t1", f"-c{job.connections}", f"-d{job.seconds:.0f}s", job.url)
    return Work(_number(r"(\d+) requests in", said), *cpu, job.seconds)


def hey(job: Job) -> Work:
    """hey with one processor."""
    said, cpu = _run(
        job, "hey", "-cpus", "1", "-z", f"{job.seconds:.0f}s", "-c", str(job.connections), job.url
    )
    return Work(_number(r"\[200\]\s+(\d+) responses", said), *cpu, job.seconds)


def ab(job: Job) -> Work:
    """Apache's ab with keep-alive."""
    said, cpu = _run(
        job,
        *("ab", "-k", "-q", "-t", f"{job.seconds:.0f}", "-n", "100000000"),
        *("-c", str(job.connections), job.url),
    )
    return Work(_number(r"Complete requests:\s+(\d+)", said), *cpu, job.seconds)


def _of_python(script: str, python: str, job: Job) -> Work:
    said, _ = _run(job, python, str(HERE / script), job.url, str(job.connections), str(job.seconds))
    result = json.loads(said.splitlines()[-1])
    return Work(result["requests"], result["cpu_s"], result["user_s"], job.seconds)


def available(python: str | None) -> tuple[dict[str, Generator], list[str]]:
    """The generators there are, ours first, and a sentence for each that is missing."""
    found: dict[str, Generator] = {"loadstone": loadstone}
    missing = []
    for name, generator, package in (("wrk", wrk, "wrk"), ("hey", hey, "hey"), ("ab", ab, "apache2-utils")):
        if shutil.which(name):
            found[name] = generator
        else:
            missing.append(f"{name} is not installed and left out: apt-get install {package}")
    python = python or (str(PEERS / "bin" / "python") if PEERS.is_dir() else shutil.which("python3"))
    for name, module, script in (
        ("locust", "locust", "with_locust.py"),
        ("aiohttp", "aiohttp", "with_aiohttp.py"),
    ):
        looked = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
        if python is not None and subprocess.run([python, "-c", looked]).returncode == 0:
            found[name] = partial(_of_python, script, python)
        else:
            missing.append(f"{name} is not installed and left out: run with --install, or name its --python")
    return found, missing


def _run(job: Job, *command: str) -> tuple[str, tuple[float, float]]:
    """What a program says, and its CPU seconds (all, and outside the kernel)."""
    pinned = ["taskset", "-c", str(job.core), *command] if job.core is not None else list(command)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(pinned, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user = after.ru_utime - before.ru_utime
    return said.stdout, (user + after.ru_stime - before.ru_stime, user)


def _number(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    assert found, said
    return int(found[1])


def _cpu_of(pid: int) -> tuple[float, float]:
    """(user, system) CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick
