"""`loadstone probe model:A model:B …`: one run each, what the last one says of all, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from assessments.store import open_store
from probes.events import Finished, Started
from probes.load.spec import LoadSpec
from probes.probe import ProbeContext
from probes.targets import hosted_probe
from probes.targets.user_code import UserCode

Make = Callable[..., dict[str, Any]]
Captured = pytest.CaptureFixture[str]
PARAMETERS = {"a": 1_000, "b": 5_000, "c": 20_000, "d": 70_000, "e": 200_000, "f": 600_000}


@pytest.fixture
def models(result: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Six model files, and a probe that answers of each in 1 ms and 0.1 µs a parameter."""
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.chdir(tmp_path)
    for name in PARAMETERS:
        (tmp_path / f"{name}.joblib").write_bytes(b"x" * 9)

    class Probe:
        def __init__(self, code: UserCode, spec: LoadSpec, **_: object) -> None:
            self.code, self.spec = code, spec

        def run(self, context: ProbeContext) -> Mapping[str, Any]:
            made = result(mode="segments", bound=None)
            size = PARAMETERS[Path(self.code.path).stem]
            took = 1.0 + size / 1e4
            step = {**made["steps"][-1], "response_ms": {"p50": took, "p99": 1.5 * took}}
            target = {"kind": "model", "address": self.code.address, "parameters": size, "file_bytes": 9}
            run = {**made["run"], "id": context.run_id}
            document = {**made, "run": run, "target": target, "steps": [step], "load": self.spec.to_json()}
            context.emit(Started(0.0, run, target, document["load"]))
            context.emit(Finished(1.0, document))
            return document

    monkeypatch.setattr(hosted_probe, "HostedProbe", Probe)
    return [f"model:{name}.joblib" for name in PARAMETERS]


def test_the_last_run_tells_of_all(models: list[str], capsys: Captured) -> None:
    argv = ["probe", *models, "--concurrency", "1", "--step", "1s", "--slo", "p99<=12ms", "--quiet"]
    assert main([*argv, "--json", "all.json"]) == 0, "larger ones break the SLO, and one keeps it"
    found = json.loads(Path("all.json").read_text())["complexity"]
    assert (found["axis"], found["largest_within_slo"]) == ("parameters", 70_000)
    assert found["smallest_beyond_slo"] == 200_000
    assert found["exponent"] == pytest.approx(1.0, abs=0.03)
    shown = capsys.readouterr().out
    assert "The largest parameters within p99<=12ms is 70,000; parameters=200,000 breaks it." in shown
    with open_store(None) as store:
        runs = [row["run"] for row in found["models"]]
        assert {run.id for run in store.runs()} == set(runs), "each model's run is stored as its own"
        last = store.run(runs[-1]).result
        assert last["complexity"] == found
        timed = [fact["value"] for fact in last["facts"] if fact["name"] == "load.models_timed"]
        assert timed == [len(runs)]
    assert main([*argv, "--no-store", "--slo", "p99<=1ms"]) == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["http://127.0.0.1:1/"], "only model: files are several targets"),
        (["model:b.joblib", "--repeat", "5"], "--repeat is of one target"),
        (["model:b.joblib", "--sweep", "rows=1,2,4,8,16,32"], "--sweep is of one target"),
        (["model:b.joblib", "--baseline", "x.json"], "--baseline is of one target"),
    ],
)
def test_what_is_refused(models: list[str], argv: list[str], said: str, capsys: Captured) -> None:
    assert main(["probe", models[0], *argv]) == 2
    assert said in capsys.readouterr().err
