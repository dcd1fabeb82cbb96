"""Memory of a probe at a given rate: of its load process, and of everything it starts together.

    python benchmarks/load/memory.py [--rate 20000] [--seconds 600] [--stop-after 120]

Needs nginx (Debian: nginx-light). Probes it through the command line at one rate and samples the process
tree: RSS of the load process, which counts the shared columns as far as they are there, and the sum of
proportional set sizes (PSS). With `--stop-after` the run is interrupted by then: what was computed for the
whole time is there, and what grows with time shows in the samples that are printed. Aim: the load process
below 300 MB at 20,000 requests/s for ten minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import psutil
from nginx import running_nginx
from side_by_side import cores

ROOT = Path(__file__).resolve().parents[2]


def memory_of(root: psutil.Process) -> tuple[int, int]:
    """Bytes: RSS of the largest process below the command, which is the load process; PSS of all together."""
    largest = total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            found = process.memory_full_info()
        except (psutil.Error, OSError):
            continue
        total += found.pss
        if process.pid != root.pid:
            largest = max(largest, found.rss)
    return largest, total


def main() -> int:
    """Prints a sample every ten seconds, and the peaks in MB."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=20_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--stop-after", type=float)
    options = parser.parse_args()
    if not shutil.which("nginx"):
        print("nginx is not installed; on Debian: apt-get install nginx-light", file=sys.stderr)
        return 2
    with running_nginx(cores()[0]) as nginx, tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "loadstone", "probe", nginx.url, "--quiet", "--no-stacks"),
            *("--rate", str(options.rate), "--duration", f"{options.seconds}s", "--warmup", "0"),
            *("--store", f"{folder}/s.sqlite", "--json", f"{folder}/result.json"),
        ]
        probe = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        most_load = most = 0
        told = 0.0
        while probe.poll() is None:
            load, together = memory_of(probe)
            most_load, most = max(most_load, load), max(most, together)
            passed = time.monotonic() - began
            if passed >= told:
                told += 10
                print(
                    f"{passed:6.0f} s  load process {load / 1e6:6.0f} MB  together {together / 1e6:6.0f} MB"
                )
            if options.stop_after is not None and passed > options.stop_after:
                probe.send_signal(signal.SIGINT)
                options.stop_after = None
            time.sleep(0.2)
        result = json.loads(Path(folder, "result.json").read_text())
    step = result["steps"][-1]
    print(f"{step['sent']:,} requests at {step['achieved_per_s']:,.0f}/s, grade {result['run']['grade']}")
    print(f"peak: load process {most_load / 1e6:.0f} MB (aim 300), together {most / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
