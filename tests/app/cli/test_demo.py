"""`loadstone demo`, with the real demo service and a probe that only asks it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.cli.demo import ASSESSMENT, LEAST_BUDGET_S, SLO, in_time
from app.cli.main import main
from assessments.evidence import is_sealed
from assessments.store import open_store
from probes.events import Finished, Started
from probes.facts import Source, observed
from probes.load.spec import LoadSpec
from probes.probe import ProbeContext
from probes.targets.http import HttpTarget

Make = Callable[..., dict[str, Any]]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, result: Make) -> dict[str, Any]:
    """Puts a probe in place that sends each body once; what it was made with and got is returned."""
    seen: dict[str, Any] = {"status": "completed", "grade": "valid"}

    class AskingProbe:
        def __init__(
            self,
            target: HttpTarget,
            spec: LoadSpec,
            *,
            pids: tuple[int, ...],
            folder: Path | None,
            may_end_one: bool,
        ) -> None:
            seen.update(target=target, spec=spec, pids=pids)

        def run(self, context: ProbeContext) -> Mapping[str, Any]:
            target: HttpTarget = seen["target"]
            seen["answers"] = [replace(target, bodies=(body,)).ask(10.0).status for body in target.bodies]
            document = result(status=seen["status"], grade=seen["grade"])
            document["run"]["id"] = context.run_id
            document["capacity"] |= {"slo": {"p99_ms": 100, "error_ratio": 0.01}}
            document["client"] = {"requests_sent": len(seen["answers"]), "checks_sent": 0}
            for step in document["steps"]:
                step |= {"timeouts": 0, "cancelled": 0, "errors": {}}
            source = Source("load", run=context.run_id)
            measured = {"load.capacity": 198.4, "process.cpu_cores_at_saturation": 0.97}
            document["facts"] = [observed(name, value, source).to_json() for name, value in measured.items()]
            context.emit(Started(0.0, document["run"], target.to_json(), document["load"]))
            context.emit(Finished(1.0, document))
            return document

    module = ModuleType("probes.load.probe")
    module.LoadProbe = AskingProbe  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "probes.load.probe", module)
    return seen


def test_the_demo_assesses_its_service_and_leaves_everything_in_the_folder(
    asked: dict[str, Any], capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text("raise RuntimeError('a foreign module was imported')")
    (tmp_path / "resources.py").write_text("raise RuntimeError('a foreign module was imported')")
    monkeypatch.chdir(tmp_path)
    asked["grade"] = "client_limited"
    out = tmp_path / "made" / "here"
    assert main(["demo", "--quick", "--out", str(out)]) == 0
    assert asked["answers"] == [200] * 64
    assert len(asked["pids"]) == 1
    spec = asked["spec"]
    assert (spec.slo.text, spec.finds_capacity, spec.slo_asked) == (SLO, True, True)
    assert spec.budget_s < 25
    assert spec.precision > LoadSpec().precision
    said, progress = capsys.readouterr()
    assert "starting the target" in progress
    assert "wider interval" in progress
    assert "Quick: the interval is wider" in said
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["schema"] == "loadstone.probe/1"
    assert is_sealed(result)
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert str(out / "report.pdf") in said.replace("\n", "")
    with open_store(str(out / "loadstone.sqlite")) as store:
        assert store.run("last").summary.assessment == ASSESSMENT


def test_what_the_team_claims_is_held_against_what_was_measured(
    asked: dict[str, Any], capsys: Captured, tmp_path: Path
) -> None:
    """Of the service: its start, and its own counter, which agrees. Of the manifests: the autoscaler."""
    out = tmp_path / "out"
    assert main(["demo", "--quick", "--quiet", "--out", str(out)]) == 0
    document = json.loads((out / "assessment.json").read_text(encoding="utf-8"))
    states = {claim["question"]: claim["state"] for claim in document["claims"]}
    facts = {fact["name"]: fact for fact in document["facts"]}
    assert facts["monitoring.prometheus.count_ratio"]["value"] == 1.0
    assert facts["monitoring.prometheus.has_latency_histogram"]["value"] is True
    assert facts["load.cold_start_seconds"]["value"] > 0
    assert {states[name] for name in ("INF-01", "INF-02", "INF-18", "MON-04")} == {"contradicted"}
    assert {states[name] for name in ("INF-03", "INF-12", "INF-14", "MON-01")} == {"verified"}
    assert facts["infra.kubernetes.memory_limit_bytes"]["source"]["file"] == "deploy/recommender.yaml"
    installed = str(Path(__file__).resolve().parents[3])
    of_the_machine = {"infra", "monitoring"}
    places = [
        fact["source"].get("file", "") for name, fact in facts.items() if name.split(".")[0] in of_the_machine
    ]
    assert not [place for place in places if installed in place]
    said = capsys.readouterr().out
    assert "Not ready for 1,200 req/s" in said
    assert "INF-01  " in said
    assert "Breaks first: The autoscaler" in said


def test_a_demo_that_did_not_complete_says_so(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "store.sqlite"))
    asked["status"] = "aborted"
    assert main(["demo", "--quiet"]) == 6
    assert asked["spec"].budget_s < 90
    with open_store() as store:
        assert [run.assessment for run in store.runs()] == [ASSESSMENT]


def test_the_folder_excludes_another_place(capsys: Captured, tmp_path: Path) -> None:
    assert main(["demo", "--out", str(tmp_path), "--store", "x"]) == 2
    assert "--out and --store exclude each other" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_the_search_is_shorter_where_the_machine_is_slow() -> None:
    """What was needed until the load begins is needed again after it: 25 − 2 · 6.5 − 5 = 7 s are left."""
    spec = LoadSpec(budget_s=12.0)
    assert in_time(spec, 25.0, 3.0).budget_s == 12.0
    assert in_time(spec, 25.0, 6.5).budget_s == pytest.approx(7.0)
    assert in_time(spec, 25.0, 100.0).budget_s == LEAST_BUDGET_S
    assert in_time(replace(spec, budget_s=66.0), 90.0, 8.0).budget_s == 66.0
