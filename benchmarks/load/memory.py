"""Memory of a whole probe at a given rate: the command, its load process and everything else it starts.

    python benchmarks/load/memory.py [--rate 5000] [--seconds 60]

Starts the test suite's virtual-time server, probes it through the command line, and samples the sum of the
proportional set sizes (PSS) of its process tree. Aim: at most 200 MB at 5,000 requests/s for a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "tests" / "systems" / "servers" / "queue_server.py"


def tree_pss(root: psutil.Process) -> int:
    """Bytes of the process and all its descendants, shared pages counted once."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except (psutil.Error, OSError):
            continue
    return total


def main() -> int:
    """Prints the peak in MB."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(SERVER), "--workers", "64", "--service-ms", "2"], stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        with tempfile.TemporaryDirectory() as folder:
            probe = psutil.Popen(
                [
                    sys.executable,
                    "-m",
                    "loadstone",
                    "probe",
                    f"http://127.0.0.1:{port}/",
                    "--quiet",
                    "--rate",
                    str(options.rate),
                    "--duration",
                    f"{options.seconds}s",
                    "--store",
                    f"{folder}/s.sqlite",
                    "--json",
                    f"{folder}/result.json",
                ],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            )
            peak = 0
            while probe.poll() is None:
                peak = max(peak, tree_pss(probe))
                time.sleep(0.2)
            result = json.loads(Path(folder, "result.json").read_text())
    finally:
        server.terminate()
        server.wait()
    step = result["steps"][-1]
    print(f"{step['sent']:,} requests at {step['achieved_per_s']:,.0f}/s, grade {result['run']['grade']}")
    print(f"peak memory of the probe's processes: {peak / 1e6:.0f} MB (aim 200)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
