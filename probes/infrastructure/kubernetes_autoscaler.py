"""Autoscalers in one shape: HorizontalPodAutoscaler v1 to v2, KEDA's ScaledObject, Knative's Service.

Defaults are those of the systems: an HPA goes down to 1 replica, a ScaledObject to 0 and up to 100, a Service
of Knative to 0 and up without bound. An HPA of version 1 that names no target has one that its controller
chooses, which no fact is made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from probes.documents import line_of, mapping, mappings
from probes.infrastructure.kubernetes_objects import Object, is_knative, pod_annotations

KEDA_MAX_REPLICAS = 100
KNATIVE = "autoscaling.knative.dev/"

ReadNumber = Callable[[str, Object, Mapping[str, Any], str, int | None], int | None]
"""Reads (fact's name, object, mapping, key, default): a whole number, None where absent or unreadable."""


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """What an autoscaler does. `numbers` are facts below `infra.kubernetes.hpa.` with their lines.

    `metrics` are the names of what it looks at, `cpu` and `memory` among them; `uses_cpu_request` says that
    its CPU target is relative to the containers' requests.
    """

    kind: str
    min_replicas: int | None
    max_replicas: int | None
    max_line: int | None
    metrics: tuple[str, ...]
    metrics_line: int | None
    numbers: tuple[tuple[str, float | int, int | None], ...]
    uses_cpu_request: bool


def read_autoscaler(source: Object, number: ReadNumber) -> Autoscaler:
    """What an object that scales says. `number` reads whole numbers and tells of unreadable ones."""
    if is_knative(source):
        return _knative(source, number)
    if source.kind == "ScaledObject":
        return _keda(source, number)
    return _hpa(source, number)


def _hpa(source: Object, number: ReadNumber) -> Autoscaler:
    spec = source.spec
    low = number("hpa.min_replicas", source, spec, "minReplicas", 1)
    high = number("hpa.max_replicas", source, spec, "maxReplicas", None)
    targets: dict[str, tuple[int, int | None]] = {}
    names: list[str] = []
    old = number("hpa.target_cpu_ratio", source, spec, "targetCPUUtilizationPercentage", None)
    if old is not None:
        targets["cpu"] = old, line_of(spec, "targetCPUUtilizationPercentage")
        names.append("cpu")
    for metric in mappings(spec.get("metrics")):
        kind = str(metric.get("type") or "")
        part = mapping(metric.get(kind[:1].lower() + kind[1:]))
        if kind in ("Resource", "ContainerResource"):
            name = str(part.get("name") or "")
            holder, key = mapping(part.get("target")), "averageUtilization"
            if "targetAverageUtilization" in part:
                holder, key = part, "targetAverageUtilization"
            fact = f"hpa.target_{name}_ratio"
            if name in ("cpu", "memory") and (percent := number(fact, source, holder, key, None)) is not None:
                targets[name] = percent, line_of(holder, key)
        else:
            name = str(mapping(part.get("metric")).get("name") or part.get("metricName") or "")
        if name:
            names.append(name[:200])
    line = line_of(spec, "metrics") or line_of(spec, "targetCPUUtilizationPercentage") or source.line
    return _made(
        "hpa",
        source,
        bounds=(low, high),
        keys=("minReplicas", "maxReplicas"),
        node=spec,
        names=names,
        metrics_line=line,
        targets=targets,
    )


def _keda(source: Object, number: ReadNumber) -> Autoscaler:
    spec = source.spec
    low = number("hpa.min_replicas", source, spec, "minReplicaCount", 0)
    high = number("hpa.max_replicas", source, spec, "maxReplicaCount", KEDA_MAX_REPLICAS)
    targets: dict[str, tuple[int, int | None]] = {}
    names = []
    for trigger in mappings(spec.get("triggers")):
        kind, details = str(trigger.get("type") or ""), mapping(trigger.get("metadata"))
        if kind in ("cpu", "memory"):
            if "Utilization" in (trigger.get("metricType"), details.get("type")):
                percent = number(f"hpa.target_{kind}_ratio", source, details, "value", None)
                if percent is not None:
                    targets[kind] = percent, line_of(details, "value")
            names.append(kind)
        elif kind:
            metric = details.get("metricName") or trigger.get("name")
            names.append(f"{kind}:{metric}"[:200] if isinstance(metric, str) else kind[:200])
    line = line_of(spec, "triggers") or source.line
    return _made(
        "keda",
        source,
        bounds=(low, high),
        keys=("minReplicaCount", "maxReplicaCount"),
        node=spec,
        names=names,
        metrics_line=line,
        targets=targets,
    )


def _knative(source: Object, number: ReadNumber) -> Autoscaler:
    notes = pod_annotations(source)
    low_key = _first(notes, "min-scale", "minScale")
    high_key = _first(notes, "max-scale", "maxScale")
    low = number("hpa.min_replicas", source, notes, low_key, 0)
    high = number("hpa.max_replicas", source, notes, high_key, None) or None  # 0 stands for no bound
    metric = notes.get(KNATIVE + "metric")
    names = (
        [metric[:200]] if isinstance(metric, str) and re.fullmatch(r"[\w.-]+", metric) else ["concurrency"]
    )
    return _made(
        "knative",
        source,
        bounds=(low, high),
        keys=(low_key, high_key),
        node=notes,
        names=names,
        metrics_line=line_of(notes),
        targets={},
    )


def _first(notes: Mapping[str, Any], *names: str) -> str:
    return next((KNATIVE + name for name in names if KNATIVE + name in notes), KNATIVE + names[0])


def _made(
    kind: str,
    source: Object,
    *,
    bounds: tuple[int | None, int | None],
    keys: tuple[str, str],
    node: Mapping[str, Any],
    names: list[str],
    metrics_line: int | None,
    targets: Mapping[str, tuple[int, int | None]],
) -> Autoscaler:
    numbers: list[tuple[str, float | int, int | None]] = []
    for name, value, key in zip(("min_replicas", "max_replicas"), bounds, keys, strict=True):
        if value is not None:
            numbers.append((name, value, line_of(node, key) or source.line))
    numbers += [(f"target_{name}_ratio", percent / 100, line) for name, (percent, line) in targets.items()]
    return Autoscaler(
        kind=kind,
        min_replicas=bounds[0],
        max_replicas=bounds[1],
        max_line=line_of(node, keys[1]) or source.line,
        metrics=tuple(dict.fromkeys(names)),
        metrics_line=metrics_line,
        numbers=tuple(numbers),
        uses_cpu_request="cpu" in targets,
    )
