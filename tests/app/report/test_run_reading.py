"""A damaged run costs nothing but what is damaged."""

from __future__ import annotations

from typing import Any

import pytest

from app.report.run_reading import read_run

RUN: dict[str, Any] = {
    "run": {"id": "r1", "seconds": 3.5, "machine": {"cpu_count": 2, "virtual_machine": True}},
    "load": {"slo": "p99<=100ms", "seed": 7},
    "capacity": {"rate_per_s": 42.0, "low": 40.0, "slo": {"p99_ms": 100.0}, "confidence": None},
    "scalability": {"lambda": 20.0, "low": {"sigma": 0.01}},
    "steps": [{"mode": "open", "sent": 3, "errors": {"reset": 1}, "response_ms": {"p50": 1.5}}],
}


def test_what_fits_stays_and_what_is_null_is_left_out() -> None:
    expected = RUN | {"capacity": {key: RUN["capacity"][key] for key in ("rate_per_s", "low", "slo")}}
    assert read_run(RUN) == expected


@pytest.mark.parametrize("bad", ["x", [], {}, -1, True, float("nan"), float("inf"), 10**400])
def test_what_is_no_number_is_not_measured(bad: Any) -> None:
    run = read_run({"capacity": {"rate_per_s": bad}, "steps": [{"sent": bad, "errors": {"reset": bad}}]})
    assert run == {"capacity": {}, "steps": [{"errors": {}}]}


@pytest.mark.parametrize("bad", ["x", 3, ["x", None], {"a": 1}])
def test_what_is_no_list_of_steps_is_none(bad: Any) -> None:
    assert read_run({"steps": bad}) == {"steps": []}


def test_what_lies_too_deep_is_left_out() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(2_000):
        inner["a"] = {}
        inner = inner["a"]
    found = read_run({"machine": deep})
    depth = 0
    while found:
        found = next(iter(found.values()))
        depth += 1
    assert depth < 20
