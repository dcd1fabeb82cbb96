"""Models of growing size under one load: the axis, the law, the largest within the SLO."""

from __future__ import annotations

from dataclasses import replace

import pytest

from probes.analysis.complexity import ModelRun, complexity_json

SIZES = (1_000, 4_000, 15_000, 60_000, 150_000, 400_000)


def run(parameters: int, *, limit_ms: float = 20.0) -> ModelRun:
    """1 ms, and 100 ns a parameter; 60 MB, and 150 bytes a parameter."""
    p50 = 1.0 + parameters / 1e4
    return ModelRun(
        f"r{parameters}", f"model:{parameters}", parameters * 70, parameters, p50, 2 * p50, p50,
        60e6 + 150 * parameters, 2 * p50 <= limit_ms,
    )  # fmt: skip


def test_latency_grows_with_parameters_and_memory_by_bytes_each() -> None:
    found = complexity_json([run(size) for size in reversed(SIZES)], "p99<=20ms")
    assert (found["axis"], found["law"], found["refused"]) == ("parameters", "n", None)
    assert found["exponent"] == pytest.approx(1.0, abs=0.03)
    assert [row["size"] for row in found["models"]] == list(SIZES), "by size, however they were named"
    assert (found["largest_within_slo"], found["smallest_beyond_slo"]) == (60_000, 150_000)
    assert found["memory"]["verdict"] == "growing"
    assert found["memory"]["bytes_per_unit"] == pytest.approx(150, rel=1e-3)


def test_where_one_does_not_tell_its_parameters_the_file_counts() -> None:
    runs = [run(size) for size in SIZES]
    runs[2] = replace(runs[2], parameters=None)
    found = complexity_json(runs, "p99<=20ms")
    assert found["axis"] == "bytes"
    assert found["largest_within_slo"] == 60_000 * 70


def test_few_models_tell_the_largest_and_no_law() -> None:
    found = complexity_json([run(1_000), run(400_000)], "p99<=20ms")
    assert found["law"] is None
    assert "2 different sizes cannot tell a law" in found["refused"]
    assert found["largest_within_slo"] == 1_000
    assert found["memory"]["verdict"] == "insufficient"


def test_a_run_that_says_nothing_certain_keeps_no_slo() -> None:
    runs = [replace(run(size), trusted=False, within_slo=None) for size in SIZES]
    found = complexity_json(runs, "p99<=20ms")
    assert (found["largest_within_slo"], found["smallest_beyond_slo"]) == (None, None)
    assert all(row["trusted"] is False for row in found["models"])
