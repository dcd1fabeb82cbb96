"""Whole sweeps on targets whose law is known: a fixed cost and a sleep of n, or of n², of the request's size.

A busy machine adds milliseconds here and there, so that intervals are wide rather than wrong; what an SLO
says is asserted only where the run does not say that the machine spoilt it.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes.events import Event, FactFound, Step
from probes.load.probe import LoadProbe
from probes.load.sizes import parse_sweep
from probes.load.spec import ClosedSegment, LoadSpec, parse_slo
from probes.probe import ProbeContext
from probes.targets.hosted_probe import HostedProbe
from probes.targets.http import parse_target
from probes.targets.user_code import Sample, parse_user_code, sized_code

pytestmark = pytest.mark.usefixtures("load_alone")
SWEEP = parse_sweep("batch=1,4,10,20,40,100")
SPEC = LoadSpec(
    segments=(ClosedSegment(1, 0.15),), sweep=SWEEP, warmup_s=0.0, budget_s=0.1, slo=parse_slo("p50<=25ms")
)
LAWS = """
import time
kept = []

def linear(batch): time.sleep(0.002 + batch * 0.0005)

def quadratic(batch): time.sleep(0.002 + batch * batch * 0.000005)

def hungry(rows):
    kept[:] = [bytearray(1_000_000 * len(rows))]
    kept[0][::4096] = b"x" * len(kept[0][::4096])
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., tuple[dict[str, Any], list[Event]]]:
    (tmp_path / "laws.py").write_text(textwrap.dedent(LAWS))

    def run(name: str, *, spec: LoadSpec = SPEC, sample: Sample | None = None) -> Any:
        code = parse_user_code(f"python:laws.py:{name}", python=sys.executable, cwd=tmp_path, sample=sample)
        assert spec.sweep is not None
        told: list[Event] = []
        probe = HostedProbe(sized_code(code, spec.sweep.axis, spec.sweep.sizes), spec)
        return dict(probe.run(ProbeContext("0123456789", told.append))), told

    return run


@pytest.mark.parametrize(("name", "exponent", "largest"), [("linear", 1.0, 40), ("quadratic", 2.0, 40)])
def test_the_exponent_of_a_known_law_lies_within_its_interval(
    sweep: Callable[..., tuple[dict[str, Any], list[Event]]], name: str, exponent: float, largest: int
) -> None:
    result, told = sweep(name)
    volume = result["volume"]
    assert volume["refused"] is None
    assert volume["axis"] == "batch"
    assert (volume["low"] or 0.0) <= exponent <= (volume["high"] or 4.0)
    assert [row["size"] for row in volume["sizes"]] == list(SWEEP.sizes)
    steps = [event.step for event in told if isinstance(event, Step)]
    assert [step["size"]["batch"] for step in steps[:6]] == list(SWEEP.sizes)
    assert all(step["sent"] == step["ok"] + step["cancelled"] + step["timeouts"] for step in steps)
    if result["run"]["grade"] == "valid":
        assert (volume["largest_within_slo"], volume["smallest_beyond_slo"]) == (largest, 100)
        facts = {event.fact["name"]: event.fact for event in told if isinstance(event, FactFound)}
        assert facts["load.volume_largest_within_slo"]["value"] == largest
        assert facts["load.volume_exponent"]["low"] <= exponent <= facts["load.volume_exponent"]["high"]
        alone, together = (volume["sizes"][place]["service_ms_p50"] for place in (0, -1))
        assert facts["load.batch_gain"]["value"] == pytest.approx(100 * alone / together, abs=0.001)
        assert "load.response_p50_ms" not in facts, "of the last size alone"
    else:
        assert not [fact for fact in result["facts"] if fact["name"].startswith("load.volume")]


def test_memory_grows_by_what_each_row_takes(
    sweep: Callable[..., tuple[dict[str, Any], list[Event]]],
) -> None:
    """1,000,000 bytes a row are held, and touched, until the next call."""
    result, _ = sweep(
        "hungry",
        spec=LoadSpec(
            segments=(ClosedSegment(1, 0.3),), sweep=parse_sweep("rows=1,5,10,20,40,60"), warmup_s=0.0,
            budget_s=0.1,
        ),
        sample=Sample((b"[1]",)),
    )  # fmt: skip
    memory = result["volume"]["memory"]
    assert memory["verdict"] == "growing"
    # the new rows are made while the old are still held: between once and twice as much
    assert 0.9e6 <= memory["bytes_per_unit"] <= 2.1e6
    assert memory["low"] <= memory["bytes_per_unit"] <= memory["high"]


def test_a_service_gets_bodies_of_every_size(start_server: Callable[..., Any]) -> None:
    server = start_server("tests/systems/servers/size_server.py", "--most", 50)
    told: list[Event] = []
    target = parse_target(server.url, body=json.dumps({"instances": [[1.0, 2.0]]}).encode())
    result = LoadProbe(target, SPEC).run(ProbeContext("0123456789", told.append))
    sizes = result["volume"]["sizes"]
    assert [row["size"] for row in sizes] == [1, 4, 10, 20, 40, 100]
    assert sizes[-1]["within_slo"] in (False, None), "more than 50 instances are answered 413"
    refused = result["volume"]["refused"]
    assert refused.startswith("only 5 of 6 sizes were answered well; batch=100 failed (status_4xx: ")
    assert set(server.stop()["sizes"]) == {"1", "4", "10", "20", "40", "100"}
