"""Result documents to judge and print, and a way to run the command line as its users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def make_step(**changes: Any) -> dict[str, Any]:
    step: dict[str, Any] = {
        "mode": "open",
        "offered_per_s": 100.0,
        "achieved_per_s": 99.5,
        "concurrency": 3.1,
        "seconds": 8.0,
        "scheduled": 800,
        "sent": 800,
        "unsent": 0,
        "ok": 796,
        "timeouts": 1,
        "cancelled": 0,
        "errors": {"status_5xx": 3},
        "response_ms": {
            "p50": 12.0, "p90": 20.0, "p95": 30.0, "p99": 80.0, "p999": 95.0, "max": 99.0, "mean": 14.0,
            "p99_low": 70.0, "p99_high": 90.0,
        },
        "cpu_cores": 0.98,
        "cpu_ms_per_request": 9.8,
        "rss_bytes": 120_000_000,
        "threads": 9,
        "verdict": "steady",
    }  # fmt: skip
    return step | changes


def make_result(
    *,
    bound: str | None = "bracketed",
    grade: str | None = "valid",
    status: str = "completed",
    mode: str = "find_capacity",
    steps: Sequence[dict[str, Any]] | None = None,
    capacity: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "schema": "loadstone.probe/1",
        "run": {
            "id": "3f9a00112233",
            "started_at": "2026-11-24T01:54:00+00:00",
            "seconds": 41.7,
            "status": status,
            "reason": None,
            "grade": grade,
            "grade_reason": None,
            "seed": 7,
            "machine": {"name": "vm", "cpu_model": "X"},
            "version": "0.1.0",
        },
        "target": {"kind": "http", "address": "http://127.0.0.1:8000/predict", "pids": [1], "remote": False},
        "load": {"mode": mode, "slo": "p99<=200ms,errors<=1%"},
        "steps": [make_step(), make_step(offered_per_s=190.0), make_step(offered_per_s=260.0)]
        if steps is None
        else list(steps),
    }
    if bound is not None:
        result["capacity"] = {
            "rate_per_s": 198.4,
            "low": 193.0,
            "high": 203.1,
            "confidence": 0.95,
            "bound": bound,
            "slo": {"p99_ms": 200, "error_ratio": 0.01},
        } | (capacity or {})
    return result | changes


@pytest.fixture
def step() -> Callable[..., dict[str, Any]]:
    """Makes a step of CONTRACT's `loadstone.probe/1`."""
    return make_step


@pytest.fixture
def result() -> Callable[..., dict[str, Any]]:
    """Makes a whole `loadstone.probe/1` document."""
    return make_result


@pytest.fixture
def loadstone(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m loadstone` in a process of its own, with a store and a state folder of its own."""
    (tmp_path / "work").mkdir()

    def run(
        *argv: str,
        cwd: Path = tmp_path / "work",
        environment: dict[str, str] | None = None,
        python: Sequence[str] = ("-m", "loadstone"),
        **more: Any,
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
        return subprocess.run(
            [sys.executable, *python, *argv],
            cwd=cwd,
            env=kept
            | {
                "PYTHONPATH": str(ROOT),
                "LOADSTONE_STORE": str(tmp_path / "store.sqlite"),
                "XDG_STATE_HOME": str(tmp_path / "state"),
                "PYTHONWARNINGS": "error",
            }
            | (environment or {}),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            **more,
        )

    return run
