"""A scan finds what it knows among files, says what it could not read, and never calls that absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.documents import read_yaml
from probes.errors import UsageError
from probes.monitoring.fetch import FetchError
from probes.scan import ScanResult, scan

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
"""
HPA = """apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec: {scaleTargetRef: {kind: Deployment, name: shop}, maxReplicas: 5}
"""
RULES = """groups:
- name: g
  rules:
  - alert: Slow
    expr: request_latency_seconds > 1
    annotations: {summary: "slow {{ $labels.instance }}"}
"""
METRICS = "# TYPE http_requests_total counter\nhttp_requests_total 3\n"
NOTHING_THERE = "http://127.0.0.1:9"


def values(found: ScanResult) -> dict[str, Any]:
    return {fact.name: fact.value for fact in found.facts}


def kinds(found: ScanResult) -> dict[str, str]:
    return {Path(entry.path).name: entry.kind for entry in found.scanned}


def test_a_folder_is_read_and_what_is_not_known_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "deploy.yaml").write_text(DEPLOYMENT)
    (tmp_path / "k8s" / "hpa.json").write_text(json.dumps(read_yaml(HPA.encode(), "hpa.yaml")))
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "metrics.prom").write_text(METRICS)
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 15s}\nscrape_configs: [{job_name: a}]\n"
    )
    (tmp_path / "mkdocs.yml").write_text("site: !!python/name:x ''\n")
    (tmp_path / "compose.yaml").write_text("x: &a {b: 1}\nservices: {web: *a}\n")
    (tmp_path / "NOTES.txt").write_text("apiVersion: is what {{ .Release.Name }} has\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text(DEPLOYMENT)
    found = scan([str(tmp_path)])
    assert not found.problems
    assert kinds(found) == {
        "deploy.yaml": "kubernetes",
        "hpa.json": "kubernetes",
        "compose.yaml": "compose",
        "rules.yml": "prometheus_rules",
        "metrics.prom": "exposition",
        "prometheus.yml": "prometheus_configuration",
    }
    facts = values(found)
    assert facts["infra.kubernetes.hpa.max_replicas"] == 5
    assert facts["monitoring.prometheus.latency_alert.present"] is True
    assert facts["monitoring.prometheus.has_request_counter"] is True
    assert facts["monitoring.prometheus.scrape_interval_seconds"] == 15


def test_facts_say_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "deploy.yaml"
    file.write_text("# a comment\n---\n" + DEPLOYMENT)
    (replicas,) = (fact for fact in scan([str(file)]).facts if fact.name == "infra.kubernetes.replicas")
    assert (replicas.source.file, replicas.source.line, replicas.state) == (str(file), 7, "read")


def test_one_bad_document_is_a_problem_and_the_rest_counts(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(DEPLOYMENT + "---\napiVersion: v1\nkind: Service\nkind: Service\n---\n" + HPA)
    found = scan([str(file)])
    assert [(problem.line, problem.message) for problem in found.problems] == [
        (12, "the key 'kind' stands twice in one mapping: remove one")
    ]
    facts = values(found)
    assert facts["infra.kubernetes.hpa.max_replicas"] == 5
    assert facts["infra.kubernetes.service.present"] is None  # it may be the one that could not be read


def test_a_template_that_is_not_rendered_is_one_problem_and_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    (tmp_path / "hpa.yaml").write_text(
        "{{- if .Values.autoscaling }}\n" + HPA.replace("5", "{{ .Values.max }}") + "{{- end }}\n"
    )
    found = scan([str(tmp_path)])
    (problem,) = found.problems
    assert "run helm template" in problem.message
    assert values(found)["infra.kubernetes.hpa.present"] is None
    assert values(found)["infra.kubernetes.pdb.present"] is False


def test_a_kustomization_that_changes_things_leaves_absences_open(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT.replace("shop:1", "shop"))
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [deploy.yaml]\nimages: [{name: shop, newTag: v2}]\n"
    )
    facts = values(scan([str(tmp_path)]))
    assert facts["infra.kubernetes.hpa.present"] is None
    assert facts["infra.kubernetes.image_pinned"] is None


def test_where_nothing_of_a_system_was_read_nothing_is_said_of_it(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(RULES)
    assert not [name for name in values(scan([str(file)])) if name.startswith("infra.")]
    file.write_text(DEPLOYMENT)
    assert not [name for name in values(scan([str(file)])) if name.startswith("monitoring.")]


def test_rules_that_could_not_be_read_are_no_missing_alerts(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULES.replace("request_latency_seconds", "up"))
    (tmp_path / "b.yml").write_text(RULES + "  - alert: Slow\n    alert: Twice\n    expr: x\n")
    facts = values(scan([str(tmp_path)]))
    assert facts["monitoring.prometheus.latency_alert.present"] is None


@pytest.mark.parametrize(
    ("text", "words"),
    [("hello: world\n", "nothing that is known"), ("a: [\n", "no YAML"), ("", "nothing that is known")],
)
def test_a_named_file_without_anything_known_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=words):
        scan([str(file)])


def test_an_empty_folder_and_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing in"):
        scan([str(tmp_path)])
    with pytest.raises(UsageError, match="is not there"):
        scan([str(tmp_path / "absent")])


def test_an_alias_bomb_in_a_folder_is_a_problem_of_one_line(tmp_path: Path) -> None:
    rows = ["apiVersion: v1", "kind: List", "a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 9)]
    (tmp_path / "bomb.yaml").write_text("\n".join(rows))
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    (problem,) = scan([str(tmp_path)]).problems
    assert "more values" in problem.message
    assert "\n" not in problem.message


def test_anchors_within_reason_are_followed(tmp_path: Path) -> None:
    file = tmp_path / "deploy.yaml"
    file.write_text(
        DEPLOYMENT.replace("{app: shop}", "&l {app: shop}").replace(
            "replicas: 2", "replicas: 2\n  selector: {}"
        )
    )
    assert values(scan([str(file)]))["infra.kubernetes.replicas"] == 2


def test_a_live_system_that_is_not_there_is_a_problem_beside_files_and_an_error_alone(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    found = scan([str(tmp_path)], live=[("prometheus", NOTHING_THERE)])
    assert [problem.file for problem in found.problems] == [NOTHING_THERE]
    with pytest.raises(FetchError):
        scan([], live=[("prometheus", NOTHING_THERE)])
    with pytest.raises(UsageError, match="is no live system"):
        scan([], live=[("redis", NOTHING_THERE)])
    with pytest.raises(UsageError, match="--allow-remote"):
        scan([str(tmp_path)], live=[("prometheus", "http://192.0.2.1:9090")])


def test_a_folder_that_leads_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(scan([str(tmp_path)]).scanned) == 1


def test_secrets_are_nowhere(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: canary-7f3a}\n"
    file = tmp_path / "all.yaml"
    file.write_text(
        DEPLOYMENT.replace("image:", "env: [{name: A, value: canary-7f3a}], image:") + "---\n" + secret
    )
    assert "canary" not in json.dumps(scan([str(file)]).to_json())


def test_files_of_a_repository_are_read_beside_manifests_also_in_hidden_folders(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "ci.yml").write_text(
        "on: push\njobs: {a: {steps: [{run: k6 run a.js}]}}\n"
    )
    (tmp_path / ".secret").mkdir()
    (tmp_path / ".secret" / "main.tf").write_text('resource "aws_db_instance" "a" {}\n')
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    (tmp_path / "requirements.txt").write_text("polars\n")
    found = scan([str(tmp_path)])
    assert kinds(found) == {
        "ci.yml": "pipeline",
        "deploy.yaml": "kubernetes",
        "requirements.txt": "dependencies",
    }
    assert values(found)["infra.ci.load_test.present"] is True
    assert values(found)["data.engine.name"] == "polars"
    assert "infra.cloud.resources.count" not in values(found)


def test_terraform_that_is_broken_is_a_problem_and_the_rest_counts(tmp_path: Path) -> None:
    (tmp_path / "broken.tf").write_text('resource "aws_db_instance" {\n')
    (tmp_path / "main.tf").write_text('resource "aws_sqs_queue" "a" {}\n')
    found = scan([str(tmp_path)])
    assert [(Path(entry.file).name, entry.line) for entry in found.problems] == [("broken.tf", 2)]
    assert values(found)["infra.cloud.managed.count"] == 1


def test_only_manifests_reads_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    (tmp_path / "main.tf").write_text('resource "aws_sqs_queue" "a" {}\n')
    assert all(
        fact.name.startswith("infra.kubernetes.") for fact in scan([str(tmp_path)], only="kubernetes").facts
    )


def test_what_is_known_by_its_name_is_read_as_nothing_else(tmp_path: Path) -> None:
    """Python with a manifest or with rules in a string is neither, and no problem."""
    text = f'MANIFEST = """\n{DEPLOYMENT}"""\nRULES = """\n{RULES}"""\n'
    (tmp_path / "dags.py").write_text(text)
    (tmp_path / "main.tf").write_text('resource "aws_sqs_queue" "a" {}\n')
    found = scan([str(tmp_path)])
    assert kinds(found) == {"main.tf": "terraform"}
    assert found.problems == ()


@pytest.mark.parametrize("folder", ["tests", "examples", "app/fixtures"])
def test_files_of_tests_and_examples_say_nothing_of_the_service(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "requirements.txt").write_text("polars\n")
    (tmp_path / folder / "deploy.yaml").write_text(DEPLOYMENT)
    assert kinds(scan([str(tmp_path)])) == {"deploy.yaml": "kubernetes"}
    assert "data.engine.present" in values(scan([str(tmp_path / folder)])), (
        "unless the folder was named itself"
    )


def test_a_file_may_hold_manifests_beside_what_another_reader_knows(tmp_path: Path) -> None:
    service = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: rank}\n"
    service += "spec:\n  predictor:\n    batcher: {maxBatchSize: 32}\n"
    (tmp_path / "all.yaml").write_text(f"{DEPLOYMENT}---\n{service}---\n{HPA}")
    found = scan([str(tmp_path / "all.yaml")])
    assert sorted(entry.kind for entry in found.scanned) == ["batching", "kubernetes"]
    assert values(found)["infra.kubernetes.hpa.max_replicas"] == 5
    assert values(found)["infra.serving.batching.present"] is True
    assert found.problems == ()
