"""A stored run as lines of the window; every expected value is counted by hand from the document."""

from __future__ import annotations

from typing import Any

from app.gui import run_findings
from assessments.verdict_changes import VerdictChange

MIB = 1024 * 1024


def run(**capacity: Any) -> dict[str, Any]:
    def step(rate: float, cores: float, rss: int, errors: int) -> dict[str, Any]:
        return {
            "mode": "open", "offered_per_s": rate, "achieved_per_s": rate, "sent": 1_000, "unsent": 2,
            "ok": 990, "timeouts": 1, "errors": {"reset": errors}, "cpu_cores": cores, "rss_bytes": rss,
            "cpu_ms_per_request": 6.6,
        }  # fmt: skip

    return {
        "run": {
            "id": "0123456789",
            "started_at": "2026-11-25T12:00:00+00:00",
            "machine": {"cpu_usable": 4.0},
        },
        "load": {"mode": "find_capacity"},
        "capacity": {"rate_per_s": 198.0, **capacity},
        "client": {"cpu_cores": 0.11},
        "memory": {"verdict": "growing", "bytes_per_request": 1_024.0, "low": 990.0, "high": 1_060.0},
        "steps": [step(196.0, 1.31, 1_400 * MIB, 3), step(220.0, 3.9, 1_463 * MIB, 0)],
    }


def test_the_resources_are_those_of_the_step_at_capacity() -> None:
    lines = run_findings.resource_lines(run(), 1_536.0 * MIB)
    cpu, memory, client = (line.cells for line in lines)
    assert cpu == ("CPU", "1.31 of 4\u00a0cores", "33\u00a0%")
    assert memory[1] == "1.43\u00a0GiB of 1.5\u00a0GiB"
    assert (memory[2], lines[1].sign) == ("close, 95\u00a0%", "challenged")
    assert client == ("Our own client", "0.11\u00a0cores, 4 not sent", "")


def test_red_marks_a_limit_only_once_it_is_named() -> None:
    assert all(line.sign != "limit" for line in run_findings.resource_lines(run(), None))
    named = run_findings.resource_lines(run(limited_by="gil"), None)
    assert [(line.cells[0], line.cells[2]) for line in named if line.sign == "limit"] == [
        ("GIL", "the limit")
    ]


def test_errors_are_counted_by_class_over_all_steps() -> None:
    assert [line.cells for line in run_findings.error_lines(run())] == [
        ("connection reset", "3", "0.15\u00a0%"),
        ("timed out", "2", "0.1\u00a0%"),
    ]


def test_memory_errors_and_cost_are_one_line() -> None:
    assert run_findings.numbers_in_a_line(run()) == [
        ("Memory over the run", "grows by 1,024\u00a0(990–1,060) bytes a request"),
        ("Errors", "5 of 2,000"),
        ("CPU", "6.6\u00a0ms a request"),
    ]


def test_changes_are_summed_up_with_what_is_worst_first() -> None:
    def change(after: str, points: float | None = 0.0) -> VerdictChange:
        return VerdictChange("INF-01", "claimed", after, points, "")

    changes = [change("verified"), change("contradicted"), change("contradicted")]
    assert run_findings.changes_title(changes) == "2 claims contradicted, 1 verified"
    assert run_findings.changes_title([]) == "No verdict of a claim changed"
    assert [run_findings.points_words(points) for points in (-8.0, 2.25, 0.01, None)] == [
        "−8",
        "+2.2",
        "0",
        "–",
    ]


def test_two_runs_are_compared_metric_by_metric() -> None:
    other = run(low=100.0, high=110.0) | {"capacity": {"rate_per_s": 99.0, "low": 95.0, "high": 103.0}}
    line = run_findings.comparison_lines(run(low=192.0, high=203.0), other)[0]
    assert line.cells == ("capacity, req/s", "198\u00a0(192–203)", "99\u00a0(95–103)", "2.00\u00a0×", "apart")


def test_a_run_that_varied_a_size_says_how_cost_grows_with_it() -> None:
    assert run_findings.growth_lines(run()) == []
    volume = {
        "axis": "batch",
        "law": "n^2",
        "exponent": 1.98,
        "low": 1.9,
        "high": 2.05,
        "largest_within_slo": 32,
    }
    (line,) = run_findings.growth_lines(run() | {"volume": volume})
    assert line.startswith("Cost grows with batch as n^2, exponent 1.98 (1.90 to 2.05")
    assert line.endswith("the largest within the objective is 32.")
