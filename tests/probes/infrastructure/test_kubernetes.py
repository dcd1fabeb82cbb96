"""Facts of the serving workload, from manifests as people write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.documents import read_yaml
from probes.errors import UsageError
from probes.events import Event, FactFound
from probes.infrastructure.kubernetes import KubernetesProbe, read_kubernetes
from probes.infrastructure.kubernetes_objects import objects
from probes.probe import Probe, ProbeContext
from probes.scanned import Findings

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: recommender, namespace: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: recommender}}
  template:
    metadata:
      labels: {app: recommender, tier: web}
    spec:
      terminationGracePeriodSeconds: 45
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, labelSelector: {matchLabels: {app: recommender}}}
      containers:
      - name: server
        image: registry.example:5000/shop/recommender:1.4.2
        env:
        - {name: PASSWORD, value: canary-7f3a}
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /readyz, port: 8080}}
        livenessProbe: {httpGet: {path: /healthz, port: 8080}}
        resources:
          requests: {cpu: 500m, memory: 1Gi}
          limits: {cpu: "2", memory: 1.5Gi}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: recommender, namespace: shop}
spec: {selector: {app: recommender}, ports: [{port: 80, targetPort: 8080}]}
"""
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: recommender}
spec:
  minAvailable: 50%
  selector: {matchExpressions: [{key: app, operator: In, values: [recommender]}]}
"""
HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: recommender, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: recommender}
  minReplicas: 3
  maxReplicas: 12
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
  - type: Pods
    pods: {metric: {name: queue_depth}, target: {type: AverageValue, averageValue: "5"}}
"""


def read(*texts: str, workload: str | None = None, unread: frozenset[str] = frozenset()) -> Findings:
    found = [
        entry
        for at, text in enumerate(texts)
        for document in read_yaml(text.encode(), f"{at}.yaml", many=True, aliases=True)
        for entry in objects(document, f"{at}.yaml")
    ]
    return read_kubernetes(found, workload, unread)


def values(findings: Findings) -> dict[str, Any]:
    """Facts by name without the prefix; None for an unreadable one."""
    assert all(fact.state == ("unreadable" if fact.value is None else "read") for fact in findings.facts)
    found = {fact.name.removeprefix("infra.kubernetes."): fact.value for fact in findings.facts}
    assert len(found) == len(findings.facts), "a fact is given twice"
    return found


def test_a_whole_service_is_read_from_its_manifests() -> None:
    findings = read(DEPLOYMENT, SERVICE, BUDGET, HPA)
    assert not findings.problems
    assert values(findings) == {
        "workloads.count": 1,
        "workload": "Deployment/recommender",
        "replicas": 4,
        "cpu_request_cores": 0.5,
        "cpu_limit_cores": 2.0,
        "memory_request_bytes": 2**30,
        "memory_limit_bytes": 3 * 2**29,
        "cpu_request.present": True,
        "cpu_limit.present": True,
        "memory_request.present": True,
        "memory_limit.present": True,
        "readiness_probe.present": True,
        "liveness_probe.present": True,
        "startup_probe.present": False,
        "probes_differ": True,
        "image_pinned": True,
        "image_digest": False,
        "spread.present": True,
        "termination_grace_seconds": 45,
        "update_strategy": "RollingUpdate",
        "rolling_update.max_unavailable": 0,  # a quarter of 3, rounded down
        "rolling_update.max_surge": 1,  # a quarter of 3, rounded up
        "service.present": True,
        "pdb.present": True,
        "pdb.allowed_disruptions": 1,  # 3 at least, half of them rounded up must stay
        "hpa.present": True,
        "hpa.kind": "hpa",
        "hpa.min_replicas": 3,
        "hpa.max_replicas": 12,
        "hpa.can_scale": True,
        "hpa.target_resolves": True,
        "hpa.target_cpu_ratio": 0.7,
        "hpa.metrics": "cpu, queue_depth",
        "hpa.other_metric": True,
        "hpa.cpu_target_usable": True,
    }


def test_every_fact_says_file_and_line() -> None:
    findings = read(DEPLOYMENT, SERVICE, BUDGET, HPA)
    where = {fact.name: (fact.source.file, fact.source.line) for fact in findings.facts}
    assert where["infra.kubernetes.replicas"] == ("0.yaml", 6)
    assert where["infra.kubernetes.memory_limit_bytes"] == ("0.yaml", 25)
    assert where["infra.kubernetes.hpa.max_replicas"] == ("3.yaml", 8)
    assert where["infra.kubernetes.hpa.target_cpu_ratio"] == ("3.yaml", 11)
    assert all(line for name, (_, line) in where.items() if name != "infra.kubernetes.workloads.count")


def test_values_of_environment_variables_are_nowhere() -> None:
    findings = read(DEPLOYMENT, SERVICE, BUDGET, HPA)
    assert "canary" not in repr(findings)


def test_what_is_not_there_is_false_and_never_a_number() -> None:
    bare = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"
        "spec: {template: {spec: {containers: [{name: a, image: a}]}}}"
    )
    found = values(read(bare))
    for name in ("cpu_limit", "memory_limit", "cpu_request", "memory_request", "readiness_probe",
                 "liveness_probe", "spread", "service", "pdb", "hpa"):  # fmt: skip
        assert found[f"{name}.present"] is False
    assert not [name for name in found if name.endswith(("_bytes", "_cores", "max_replicas"))]
    assert found["replicas"] == 1
    assert found["termination_grace_seconds"] == 30
    assert found["image_pinned"] is False
    assert "probes_differ" not in found


def test_a_request_left_out_is_the_limit_as_kubernetes_has_it() -> None:
    found = values(read(DEPLOYMENT.replace("          requests: {cpu: 500m, memory: 1Gi}\n", "")))
    assert (found["cpu_request_cores"], found["memory_request_bytes"]) == (2.0, 3 * 2**29)
    assert found["cpu_request.present"] is True


@pytest.mark.parametrize(
    ("image", "pinned", "digest"),
    [
        ("repo/app:1.2", True, False),
        ("repo/app", False, False),
        ("repo/app:latest", False, False),
        ("host:5000/app", False, False),
        ("host:5000/app:v1", True, False),
        (f"repo/app@sha256:{'a' * 64}", True, True),
        (f"repo/app:latest@sha256:{'a' * 64}", True, True),
        ("{{ .Values.image }}:1", None, None),
    ],
)
def test_an_image_is_pinned_by_digest_or_by_a_tag_other_than_latest(
    image: str, pinned: bool | None, digest: bool | None
) -> None:
    found = values(read(DEPLOYMENT.replace("registry.example:5000/shop/recommender:1.4.2", f'"{image}"')))
    assert found["image_pinned"] is pinned
    assert found.get("image_digest") is digest


def test_a_template_s_values_and_wrong_quantities_are_unreadable_and_never_absent() -> None:
    text = DEPLOYMENT.replace("replicas: 4", 'replicas: "{{ .Values.replicas }}"').replace("1.5Gi", "512MB")
    findings = read(text, HPA.replace("maxReplicas: 12", "maxReplicas: ${max}"))
    found = values(findings)
    assert found["replicas"] is None
    assert found["memory_limit_bytes"] is None
    assert found["memory_limit.present"] is True
    assert found["hpa.max_replicas"] is None
    assert "hpa.can_scale" not in found
    lines = {(problem.file, problem.line) for problem in findings.problems}
    assert lines == {("0.yaml", 6), ("0.yaml", 25), ("1.yaml", 8)}


def test_memory_in_thousandths_of_a_byte_is_noticed() -> None:
    findings = read(DEPLOYMENT.replace("1.5Gi", "128m"))
    assert [problem.message for problem in findings.problems] == [
        "128m of memory is 0.128 bytes: write 128Mi if that is meant"
    ]


@pytest.mark.parametrize(
    ("kinds", "state"),
    [({"HorizontalPodAutoscaler"}, None), ({""}, None), ({"ConfigMap"}, False)],
)
def test_what_may_lie_in_an_unread_document_is_not_called_absent(kinds: set[str], state: bool | None) -> None:
    assert values(read(DEPLOYMENT, unread=frozenset(kinds)))["hpa.present"] is state


class TestAutoscalers:
    def test_version_1(self) -> None:
        text = """
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {kind: Deployment, name: recommender}
  maxReplicas: 1
  targetCPUUtilizationPercentage: 80
"""
        found = values(read(DEPLOYMENT, text))
        assert (found["hpa.min_replicas"], found["hpa.max_replicas"], found["hpa.can_scale"]) == (1, 1, False)
        assert (found["hpa.target_cpu_ratio"], found["hpa.other_metric"]) == (0.8, False)

    def test_version_2beta1(self) -> None:
        text = """
apiVersion: autoscaling/v2beta1
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {kind: Deployment, name: recommender}
  maxReplicas: 9
  metrics:
  - {type: Resource, resource: {name: memory, targetAverageUtilization: 60}}
  - {type: External, external: {metricName: lag, targetValue: 4}}
"""
        found = values(read(DEPLOYMENT, text))
        assert found["hpa.target_memory_ratio"] == 0.6
        assert found["hpa.metrics"] == "memory, lag"
        assert "hpa.target_cpu_ratio" not in found

    def test_a_cpu_target_needs_a_request_of_every_container(self) -> None:
        sidecar = "      - {name: proxy, image: proxy:1}\n"
        assert values(read(DEPLOYMENT + sidecar, HPA))["hpa.cpu_target_usable"] is False

    def test_keda(self) -> None:
        text = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a}
spec:
  scaleTargetRef: {name: recommender}
  triggers:
  - {type: cpu, metricType: Utilization, metadata: {value: "65"}}
  - {type: kafka, metadata: {lagThreshold: "5"}}
"""
        found = values(read(DEPLOYMENT, text))
        assert found["hpa.kind"] == "keda"
        assert (found["hpa.min_replicas"], found["hpa.max_replicas"]) == (0, 100)
        assert (found["hpa.target_cpu_ratio"], found["hpa.metrics"]) == (0.65, "cpu, kafka")

    def test_knative(self) -> None:
        text = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: a}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/min-scale: "2", autoscaling.knative.dev/max-scale: "7"}}
    spec: {containers: [{image: "a:1"}]}
"""
        found = values(read(text))
        assert (found["workload"], found["hpa.kind"]) == ("Service/a", "knative")
        assert (found["hpa.min_replicas"], found["hpa.max_replicas"]) == (2, 7)

    def test_one_that_scales_something_else_does_not_resolve(self) -> None:
        findings = read(DEPLOYMENT, HPA.replace("name: recommender}", "name: recomender}"))
        found = values(findings)
        assert found["hpa.target_resolves"] is False
        assert found["hpa.present"] is False
        assert "recomender" in findings.problems[0].message

    def test_alone_it_gives_its_own_facts_and_none_about_its_target(self) -> None:
        found = values(read(HPA))
        assert found["hpa.max_replicas"] == 12
        assert "hpa.target_resolves" not in found
        assert "workload" not in found

    def test_another_namespace_is_another_target(self) -> None:
        assert (
            values(read(DEPLOYMENT, HPA.replace("namespace: shop", "namespace: test")))["hpa.present"]
            is False
        )


class TestWhichServes:
    OTHER = DEPLOYMENT.replace("recommender", "worker")

    def test_the_one_with_an_autoscaler(self) -> None:
        assert values(read(self.OTHER, DEPLOYMENT, HPA))["workload"] == "Deployment/recommender"

    def test_the_one_with_a_service(self) -> None:
        assert values(read(self.OTHER, DEPLOYMENT, SERVICE))["workload"] == "Deployment/recommender"

    def test_the_one_that_was_named(self) -> None:
        for name in ("worker", "Deployment/worker"):
            assert values(read(self.OTHER, DEPLOYMENT, HPA, workload=name))["workload"] == "Deployment/worker"

    def test_otherwise_none_and_a_problem_names_them(self) -> None:
        findings = read(self.OTHER, DEPLOYMENT)
        assert values(findings) == {"workloads.count": 2}
        assert "worker, recommender; name the one that serves with --workload" in findings.problems[0].message

    def test_one_name_twice_is_two_environments(self) -> None:
        findings = read(DEPLOYMENT, DEPLOYMENT, workload="recommender")
        assert "0.yaml:2" in findings.problems[0].message
        assert "one environment" in findings.problems[0].message

    def test_a_name_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match="no workload 'x': name one of recommender"):
            read(DEPLOYMENT, workload="x")

    def test_what_another_object_made_does_not_count(self) -> None:
        owned = DEPLOYMENT.replace("kind: Deployment", "kind: ReplicaSet").replace(
            "namespace: shop", "ownerReferences: [{kind: Deployment}]"
        )
        assert values(read(DEPLOYMENT, owned))["workloads.count"] == 1


class TestContainers:
    def test_the_one_that_the_service_sends_to(self) -> None:
        sidecar = "      - {name: proxy, image: 'proxy:1', ports: [{containerPort: 9901}]}\n"
        findings = read(DEPLOYMENT + sidecar, SERVICE)
        assert values(findings)["memory_limit_bytes"] == 3 * 2**29
        assert not findings.problems

    def test_a_guess_is_a_problem(self) -> None:
        text = (
            DEPLOYMENT.replace("        ports: [{containerPort: 8080}]\n", "")
            + "      - {name: b, image: 'b:1'}\n"
        )
        findings = read(text)
        assert "several containers" in findings.problems[0].message

    def test_gpus(self) -> None:
        text = DEPLOYMENT.replace("memory: 1.5Gi}", "memory: 1.5Gi, nvidia.com/gpu: 2}")
        assert values(read(text))["gpus"] == 2


def test_a_rollout_takes_the_pods_of_the_deployment_it_refers_to() -> None:
    rollout = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: recommender, namespace: shop}
spec:
  replicas: 6
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: recommender}
  strategy: {canary: {}}
"""
    found = values(read(DEPLOYMENT, rollout))
    assert (found["workload"], found["replicas"], found["update_strategy"]) == (
        "Rollout/recommender",
        6,
        "Canary",
    )
    assert found["memory_limit_bytes"] == 3 * 2**29


@pytest.mark.parametrize(
    ("rule", "replicas", "allowed"),
    [
        ("minAvailable: 4", 4, 0),
        ("minAvailable: 1", 4, 3),
        ("maxUnavailable: 30%", 4, 2),
        ("minAvailable: 100%", 4, 0),
    ],
)
def test_what_a_budget_lets_go(rule: str, replicas: int, allowed: int) -> None:
    found = values(read(DEPLOYMENT, BUDGET.replace("minAvailable: 50%", rule)))
    assert found["replicas"] == replicas
    assert found["pdb.allowed_disruptions"] == allowed


def test_lists_typed_lists_and_objects_without_a_name() -> None:
    item = read_yaml(DEPLOYMENT.encode(), "f")
    for document in (
        {"apiVersion": "v1", "kind": "List", "items": [item, None, 3, {"kind": "x"}]},
        {
            "apiVersion": "apps/v1",
            "kind": "DeploymentList",
            "items": [{"metadata": {"name": "a"}, "spec": {}}],
        },
    ):
        assert [entry.kind for entry in objects(document, "f")] == ["Deployment"]
    assert not list(objects({"apiVersion": "v1", "kind": "Service", "metadata": None}, "f"))


@pytest.fixture
def context() -> tuple[ProbeContext, list[Event]]:
    told: list[Event] = []
    return ProbeContext("r1", told.append), told


def test_the_probe_gives_facts_as_events_and_as_a_document(
    tmp_path: Path, context: tuple[ProbeContext, list[Event]]
) -> None:
    (tmp_path / "deploy.json").write_text(json.dumps(read_yaml(DEPLOYMENT.encode(), "f")))
    probe = KubernetesProbe((tmp_path,))
    assert isinstance(probe, Probe)
    document = probe.run(context[0])
    assert document["schema"] == "loadstone.facts/1"
    assert [event.fact for event in context[1] if isinstance(event, FactFound)] == document["facts"]
    assert any(fact["name"] == "infra.kubernetes.memory_limit_bytes" for fact in document["facts"])


_ANYTHING = [None, 0, -1, 1.5, "", "x", "{{ x }}", [], [None], {}, {"a": None}, True, "9" * 50]


@pytest.mark.parametrize("value", _ANYTHING, ids=repr)
def test_no_value_anywhere_in_a_manifest_is_a_crash(value: Any) -> None:
    texts = (DEPLOYMENT, SERVICE, BUDGET, HPA)

    def parsed() -> list[Any]:
        return [read_yaml(text.encode(), "f") for text in texts]

    places: list[tuple[int, tuple[Any, ...]]] = []

    def walk(node: Any, path: tuple[Any, ...], at: int) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((at, (*path, key)))
            if isinstance(node[key], dict | list):
                walk(node[key], (*path, key), at)

    for at, document in enumerate(parsed()):
        walk(document, (), at)
    assert len(places) > 100
    for at, path in places:
        documents = parsed()
        node = documents[at]
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
        read_kubernetes([entry for document in documents for entry in objects(document, "f")])
