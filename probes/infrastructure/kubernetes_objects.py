"""Kubernetes' objects as they stand in manifests, and which of them belong together.

An object keeps the file it came from; `line_of` gives lines inside it. Nothing here reads environment
variables, Secrets or ConfigMaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes.documents import line_of, mapping, mappings, member

WORKLOADS = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Rollout",
    "Pod",
)
AUTOSCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a manifest. `namespace` is None where the manifest leaves it to whoever applies it."""

    kind: str
    name: str
    namespace: str | None
    group: str
    file: str
    node: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def line(self) -> int | None:
        """The line on which it begins."""
        return line_of(self.node)

    @property
    def place(self) -> str:
        """Where it stands, as file:line."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec; empty where there is none."""
        return mapping(self.node.get("spec"))

    def shares_namespace(self, other: Object) -> bool:
        """Whether both can be in one namespace; one that is not written may be any."""
        return None in (self.namespace, other.namespace) or self.namespace == other.namespace


def is_manifest(document: object) -> bool:
    """Whether a document is an object of Kubernetes, or a list of them."""
    return (
        isinstance(document, Mapping)
        and isinstance(document.get("apiVersion"), str)
        and isinstance(document.get("kind"), str)
    )


def objects(document: object, file: str) -> Iterator[Object]:
    """The objects in a document; those of a `kind: List` one by one. What has no name is left out."""
    if not isinstance(document, Mapping) or not is_manifest(document):
        return
    kind, items = document["kind"], document.get("items")
    if kind.endswith("List") and isinstance(items, list):
        for item in items:
            kindless = isinstance(item, dict) and "kind" not in item and kind != "List"
            if kindless:  # items of a typed list may leave out what the list says
                item["kind"], item["apiVersion"] = kind.removesuffix("List"), document["apiVersion"]
            if is_manifest(item) and not item["kind"].endswith("List"):
                yield from objects(item, file)
        return
    name, namespace = member(document, "metadata", "name"), member(document, "metadata", "namespace")
    if isinstance(name, str) and name:
        group = document["apiVersion"].rpartition("/")[0]
        yield Object(kind, name, namespace if isinstance(namespace, str) else None, group, file, document)


def is_workload(entry: Object) -> bool:
    """Whether it runs pods that can serve, and is not made by another object."""
    if is_knative(entry):
        return True
    owned = bool(member(entry.node, "metadata", "ownerReferences"))
    return entry.kind in WORKLOADS and not owned


def is_knative(entry: Object) -> bool:
    """Whether it is a Service of Knative."""
    return entry.kind == "Service" and entry.group == "serving.knative.dev"


def pod_labels(entry: Object) -> Mapping[str, Any]:
    """The labels of a workload's pods."""
    return mapping(member(_template(entry), "metadata", "labels"))


def pod_annotations(entry: Object) -> Mapping[str, Any]:
    """The annotations of a workload's pods."""
    return mapping(member(_template(entry), "metadata", "annotations"))


def pod_spec(entry: Object) -> Mapping[str, Any]:
    """The spec of a workload's pods; empty where there is none."""
    return mapping(mapping(_template(entry)).get("spec"))


def _template(entry: Object) -> Any:
    return entry.node if entry.kind == "Pod" else entry.spec.get("template")


def selects(selector: object, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector selects pods of these labels: an empty one does, an absent one does not."""
    if not isinstance(selector, Mapping):
        return False
    wanted = mapping(selector.get("matchLabels"))
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_matches(term, labels) for term in mappings(selector.get("matchExpressions")))


def _matches(term: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = str(term.get("key")), term.get("values")
    values = values if isinstance(values, list) else []
    match term.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def services_of(entry: Object, found: Sequence[Object]) -> list[Object]:
    """The Services that send to a workload's pods."""
    return [
        service
        for service in found
        if service.kind == "Service"
        and not is_knative(service)
        and service.shares_namespace(entry)
        and mapping(service.spec.get("selector"))
        and selects({"matchLabels": service.spec["selector"]}, pod_labels(entry))
    ]


def budgets_of(entry: Object, found: Sequence[Object]) -> list[Object]:
    """The PodDisruptionBudgets that hold for a workload's pods."""
    return [
        budget
        for budget in found
        if budget.kind == "PodDisruptionBudget"
        and budget.shares_namespace(entry)
        and selects(budget.spec.get("selector"), pod_labels(entry))
    ]


def target_of(autoscaler: Object) -> tuple[str, str] | None:
    """Kind and name of what an autoscaler scales; None where it does not say."""
    reference = mapping(autoscaler.spec.get("scaleTargetRef"))
    kind, name = reference.get("kind"), reference.get("name")
    if kind is None and autoscaler.kind == "ScaledObject":
        kind = "Deployment"
    return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def autoscalers_of(entry: Object, found: Sequence[Object]) -> list[Object]:
    """The autoscalers that scale a workload; a Service of Knative scales itself."""
    if is_knative(entry):
        return [entry]
    return [
        autoscaler
        for autoscaler in found
        if autoscaler.kind in AUTOSCALERS
        and target_of(autoscaler) == (entry.kind, entry.name)
        and autoscaler.shares_namespace(entry)
    ]


def serving_container(entry: Object, services: Sequence[Object]) -> tuple[Mapping[str, Any] | None, bool]:
    """The container that answers requests, and whether that is certain.

    The only one; else the one that the pods' annotation names as default, the only one that a Service sends
    to, the only one with a port, or the workload's namesake; else the first, which is a guess.
    """
    containers = mappings(pod_spec(entry).get("containers"))
    if len(containers) < 2:
        return (containers[0] if containers else None), True
    default = pod_annotations(entry).get(DEFAULT_CONTAINER)
    targets = {port.get("targetPort", port.get("port")) for port in _ports(services)}
    for chosen in (
        [one for one in containers if one.get("name") == default],
        [one for one in containers if targets & {value for port in mappings(one.get("ports")) for value in
                                                 (port.get("name"), port.get("containerPort"))}],
        [one for one in containers if mappings(one.get("ports"))],
        [one for one in containers if one.get("name") == entry.name],
    ):  # fmt: skip
        if len(chosen) == 1:
            return chosen[0], True
    return containers[0], False


def _ports(services: Sequence[Object]) -> list[Mapping[str, Any]]:
    return [
        port
        for service in services
        for port in mappings(service.spec.get("ports"))
        if isinstance(port.get("targetPort", port.get("port")), int | str)
    ]
