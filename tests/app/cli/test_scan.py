"""`loadstone scan` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from assessments.evidence import read_evidence
from probes.facts import Fact

Captured = pytest.CaptureFixture[str]

MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: a, image: "a:1", resources: {limits: {memory: 2Gi, cpu: "{{ .cpu }}"}}}]}
"""


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    file = tmp_path / "deploy.yaml"
    file.write_text(MANIFEST.replace("NAME", "shop"))
    return file


def test_facts_and_problems_are_printed_with_their_places(deploy: Path, capsys: Captured) -> None:
    assert main(["scan", str(deploy)]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("infra.")}
    assert "2 GiB" in rows["infra.kubernetes.memory_limit_bytes"]
    assert f"{deploy}:7" in rows["infra.kubernetes.memory_limit_bytes"]
    assert " 1 workload " in rows["infra.kubernetes.workloads.count"]
    assert rows["infra.kubernetes.cpu_limit_cores"].rstrip().endswith("unreadable")
    assert "Problems (1):" in out
    assert "Files looked at: 1; read: 1 kubernetes." in out


def test_the_document_is_evidence_that_loadstone_takes_back(deploy: Path, capsys: Captured) -> None:
    assert main(["scan", str(deploy), "--json", "-"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema"] == "loadstone.facts/1"
    assert set(document) == {"schema", "facts", "problems", "scanned", "seal"}
    assert document["problems"][0]["line"] == 7
    assert document["scanned"][0]["kind"] == "kubernetes"
    assert all(Fact.from_json(fact) for fact in document["facts"])
    assert "infra.kubernetes.memory_limit_bytes" in captured.err
    evidence = read_evidence(captured.out.encode(), "facts.json")
    assert evidence.sealed
    assert not evidence.problems


def test_a_workload_is_named(tmp_path: Path, deploy: Path, capsys: Captured) -> None:
    (tmp_path / "other.yaml").write_text(MANIFEST.replace("NAME", "other"))
    assert main(["scan", str(tmp_path)]) == 0
    assert "--workload NAME" in capsys.readouterr().out
    assert main(["scan", str(tmp_path), "--workload", "other"]) == 0
    assert "Deployment/other" in capsys.readouterr().out
    assert main(["scan", str(tmp_path), "--workload", "third"]) == 2
    assert "name one of other, shop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "nothing to scan"),
        (["/absent"], "is not there"),
        (["."], "is known"),
        (["--live", "prometheus"], "write --live prometheus="),
        (["--live", "redis=x"], "no live system"),
        (["--live", "prometheus=http://192.0.2.1/metrics"], "--allow-remote"),
        (["--live", "prometheus=http://u:secret@127.0.0.1/"], "password"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_2(
    argv: list[str], words: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scan", *argv]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert "secret" not in captured.err
    assert not captured.out


def test_a_live_system_alone_that_is_not_there_is_unreachable(capsys: Captured) -> None:
    assert main(["scan", "--live", "prometheus=http://127.0.0.1:9/metrics"]) == 3
    assert capsys.readouterr().err.count("\n") == 1
