"""What a pipeline does is read from its commands: load tests, gates, an evaluation with a limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.infrastructure.ci import PipelineReader

GITHUB = """name: ci
on: [push]
jobs:
  test:
    steps:
    - uses: actions/checkout@v4
    - run: |
        pytest -q
        {0}
"""


def read(command: str, name: str = ".github/workflows/ci.yml", shell: str = GITHUB) -> dict[str, int | None]:
    reader = PipelineReader()
    text = shell.replace("{0}", command)
    assert reader.looks_at(Path(name))
    assert reader.read(Path(name), text.encode(), text) == "pipeline"
    return {fact.name: fact.source.line for fact in reader.findings().facts if fact.value is True}


def test_a_pipeline_alone_proves_nothing_of_load() -> None:
    assert read("echo done") == {"infra.ci.present": 1}


@pytest.mark.parametrize(
    "command",
    [
        "k6 run load.js",
        "locust -f load.py --headless",
        "vegeta attack -rate 50",
        "loadstone probe http://x --rate 5",
    ],
)
def test_load_is_sent(command: str) -> None:
    found = read(command)
    assert found["infra.ci.load_test.present"] == 9
    assert "infra.ci.load_gate.present" not in found


@pytest.mark.parametrize(
    "command",
    [
        "loadstone run loadstone.yaml",
        "loadstone probe http://x --rate 50 --require 'p99<=200ms'",
        "python -m loadstone probe http://x \\\n          --rate 50 \\\n          --require 'p99<=200ms'",
    ],
)
def test_load_that_may_fail_the_pipeline(command: str) -> None:
    assert read(command)["infra.ci.load_gate.present"] == 9


def test_a_baseline_is_a_comparison_with_earlier_runs() -> None:
    found = read("loadstone probe http://x --rate 50 --baseline main.json --allow 5%")
    assert found["infra.ci.regression_gate.present"] == 9
    assert "infra.ci.regression_gate.present" not in read("loadstone run loadstone.yaml")


def test_an_evaluation_counts_as_a_gate_only_with_its_limit() -> None:
    assert "infra.ci.evaluation_gate.present" not in read("python -m shop.evaluate")
    assert read("python -m shop.evaluate")["infra.ci.evaluation.present"] == 9
    assert read("python evaluate.py --min-auc 0.81")["infra.ci.evaluation_gate.present"] == 9
    assert read("uv run evaluate_model --fail-under=0.9")["infra.ci.evaluation_gate.present"] == 9


def test_what_is_commented_out_is_not_done() -> None:
    assert read("# loadstone run loadstone.yaml") == {"infra.ci.present": 1}


@pytest.mark.parametrize(
    "name",
    [
        ".gitlab-ci.yml", "azure-pipelines.yml", "Jenkinsfile", ".circleci/config.yml",
        "bitbucket-pipelines.yml",
        "repo/.github/workflows/release.yaml", ".buildkite/pipeline.yml",
    ],
)  # fmt: skip
def test_pipelines_of_other_systems_are_looked_at(name: str) -> None:
    assert read("k6 run load.js", name)["infra.ci.load_test.present"] == 9


def test_other_yaml_is_no_pipeline() -> None:
    assert not PipelineReader().looks_at(Path("deploy/service.yaml"))
