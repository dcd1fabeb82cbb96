"""CPU a request and rate of the load loop beside wrk, hey, ab, locust and aiohttp, in turns, in one run.

    python benchmarks/load/side_by_side.py [--seconds 4] [--rounds 3] [--tls] [--install]

Needs nginx (Debian: nginx-light). Peers that are not there are named and left out (Debian: wrk hey
apache2-utils; --install makes an environment beside this file with locust and aiohttp). nginx has one core,
each generator another, 64 keep-alive connections, an answer of 29 bytes. Figures of one machine mean little;
the ratios within a round count, and their median over the rounds is printed with the machine's load.
Aims: at most 1.25 × wrk's CPU a request at no less than 0.9 × its rate; locust's FastHttpUser at least 8 ×,
aiohttp at least 6 × ours. `--only loadstone,wrk` leaves the others out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from generators import HERE, PEERS, Generator, Job, Work, available
from nginx import running_nginx

CONNECTIONS = 64
Rounds = list[dict[str, Work]]


def install() -> None:
    """Makes the environment of the peers from PyPI."""
    subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    requirements = str(HERE / "requirements.txt")
    subprocess.run([str(PEERS / "bin" / "pip"), "install", "--quiet", "-r", requirements], check=True)


def cores() -> tuple[int | None, int | None]:
    """One for nginx and one for the generators; None where there are not two."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 and shutil.which("taskset") else (None, None)


def measure(generators: dict[str, Generator], job: Job, rounds: int) -> Rounds:
    """What each did in each round."""
    return [{name: generator(job) for name, generator in generators.items()} for _ in range(rounds)]


def show(rounds: Rounds, title: str) -> None:
    """A row a generator: medians, and medians of the ratios to ours within each round."""
    print(f"\n{title}; load average {os.getloadavg()[0]:.1f} at the end, {os.cpu_count()} processors")
    print(f"{'':<12}{'CPU us':>9}{'user us':>9}{'requests/s':>12}{'CPU / ours':>12}{'rate / ours':>13}")
    for name in rounds[0]:
        works = [work[name] for work in rounds]
        cpu = median(work[name].cpu_us / work["loadstone"].cpu_us for work in rounds)
        rate = median(work[name].rate / work["loadstone"].rate for work in rounds)
        print(
            f"{name:<12}{median(work.cpu_us for work in works):>9.2f}"
            f"{median(work.user_us for work in works):>9.2f}{median(work.rate for work in works):>12,.0f}"
            f"{cpu:>12.2f}{rate:>13.2f}"
        )
    if "wrk" in rounds[0]:
        cpu = [work["loadstone"].cpu_us / work["wrk"].cpu_us for work in rounds]
        rate = [work["loadstone"].rate / work["wrk"].rate for work in rounds]
        print(
            f"ours / wrk: CPU a request x{median(cpu):.2f} ({min(cpu):.2f} to {max(cpu):.2f}; aim 1.25), "
            f"rate x{median(rate):.2f} ({min(rate):.2f} to {max(rate):.2f}; aim 0.90)"
        )


def main() -> int:
    """Prints one table, and with `--tls` a second."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of generators, with commas between")
    parser.add_argument("--tls", action="store_true", help="measure the same by TLS as well")
    parser.add_argument("--python", help="the interpreter that has locust and aiohttp")
    parser.add_argument("--install", action="store_true", help="make an environment with locust and aiohttp")
    options = parser.parse_args()
    if not shutil.which("nginx"):
        print("nginx is not installed; on Debian: apt-get install nginx-light", file=sys.stderr)
        return 2
    if options.install:
        install()
    generators, missing = available(options.python)
    wanted = options.only.split(",") if options.only else list(generators)
    generators = {name: run for name, run in generators.items() if name in (*wanted, "loadstone")}
    for sentence in missing:
        if sentence.split()[0] in wanted or not options.only:
            print(sentence)
    servers, clients = cores()
    if clients is None:
        print("nothing is pinned: this needs two processors and taskset (util-linux)")
    with running_nginx(servers, tls=options.tls) as nginx:
        job = Job(nginx.url, CONNECTIONS, options.seconds, clients)
        show(
            measure(generators, job, options.rounds), f"plain HTTP, {CONNECTIONS} connections, one core each"
        )
        if nginx.secure_url is not None:
            by_tls = Job(nginx.secure_url, CONNECTIONS, options.seconds, clients, nginx.certificate)
            some = {
                name: run for name, run in generators.items() if name in ("loadstone", "wrk", "hey", "ab")
            }
            show(measure(some, by_tls, options.rounds), f"TLS, {CONNECTIONS} connections, one core each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
