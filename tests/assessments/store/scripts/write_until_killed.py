"""Records a run into the store at argv[1] as the run argv[2], saying how many seconds are committed.

Goes on until it is killed, or until argv[3] seconds are committed and its standard input ends.
"""

from __future__ import annotations

import sys

from assessments.store import open_store
from probes.events import Note, Second, Started


def main(url: str, run_id: str, limit: int) -> None:
    with open_store(url) as store, store.record(run_id, "killed") as recorder:
        recorder(
            Started(
                0.0,
                run={"id": run_id, "started_at": "2026-03-01T10:00:00+00:00"},
                target={"kind": "http", "address": "http://127.0.0.1:8000"},
                load={"rate": 100},
            )
        )
        for number in range(limit):
            recorder(second(number))
            if not recorder.flush():
                print(recorder.failure, file=sys.stderr)
                sys.exit(1)
            print(recorder.committed_seconds, flush=True)
        sys.stdin.read()
        recorder(Note(float(limit), "info", "the last word"))


def second(number: int) -> Second:
    return Second(
        float(number), step=0, offered_per_s=100.0, achieved_per_s=99.5, in_flight=3, waiting=0, ok=99,
        errors=1, timeouts=0, p50_ms=4.25, p99_ms=None, max_ms=21.0, cpu_cores=0.75, rss_bytes=5_000_000_000,
        client_cpu_cores=None,
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else sys.maxsize)
