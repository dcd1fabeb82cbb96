"""Facts about one workload of Kubernetes and what belongs to it.

What Kubernetes itself fills in for what a manifest leaves out (one replica, requests equal to limits, 30 s of
grace, a quarter of the replicas at a time) counts as written. What stands in a manifest but cannot be read
(`{{ .Values.cpu }}`, `512MB`) is unreadable, never absent; and nothing is called absent that may lie in a
document which could not be read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from probes.documents import line_of, mapping, mappings, member
from probes.facts import Value
from probes.infrastructure.image_names import has_digest, is_pinned, tag_of
from probes.infrastructure.kubernetes_autoscaler import Autoscaler, read_autoscaler
from probes.infrastructure.kubernetes_objects import (
    AUTOSCALERS,
    DEFAULT_CONTAINER,
    WORKLOADS,
    Object,
    autoscalers_of,
    budgets_of,
    is_knative,
    pod_labels,
    pod_spec,
    selects,
    services_of,
    serving_container,
    target_of,
)
from probes.infrastructure.kubernetes_quantity import QuantityError, cores, quantity, whole
from probes.scanned import Findings

PREFIX = "infra.kubernetes."
UNKNOWN_KIND = ""
"""Stands among unread kinds for documents that may hold anything."""

GRACE_SECONDS = 30
_UNRESOLVED = re.compile(r"\{\{|\$\{|\$\(|\$[A-Z_]{2}")
_GPUS = re.compile(r"(nvidia\.com/(gpu|mig-.+)|amd\.com/gpu|gpu\.intel\.com/.+)")
_STRATEGIES = ("RollingUpdate", "Recreate", "OnDelete", "Canary", "BlueGreen")


class WorkloadReader:
    """Reads one workload and what belongs to it, among the objects found, into findings."""

    def __init__(self, findings: Findings, found: Sequence[Object], unread: AbstractSet[str]) -> None:
        self._findings = findings
        self._found = found
        self._unread = unread

    def workload(self, entry: Object) -> None:
        """Facts of the workload, its container, Services, budget and autoscaler."""
        self._add("workload", str(entry), entry, entry.line)
        services = services_of(entry, self._found)
        self._present("service", services, entry, "Service", "Ingress")
        for service in services:
            if service.spec.get("sessionAffinity") == "ClientIP":
                line = line_of(service.spec, "sessionAffinity")
                self._findings.add(PREFIX + "session_affinity.present", True, service.file, line)
                break
        container, certain = serving_container(entry, services)
        if container is None:
            self._findings.problem(
                entry.file, f"{entry} has no container: give its whole manifest", entry.line
            )
        else:
            if not certain:
                self._findings.problem(
                    entry.file,
                    f"{entry} has several containers and none is marked as serving; "
                    f"'{str(container.get('name'))[:60]}' was taken: annotate {DEFAULT_CONTAINER}",
                    line_of(container),
                )
            self._container(entry, container)
        self._pods(entry)
        replicas = self._replicas(entry)
        autoscalers = autoscalers_of(entry, self._found)
        smallest = replicas
        if autoscalers:
            if len(autoscalers) > 1:
                names = ", ".join(f"{one} ({one.place})" for one in autoscalers)
                self._findings.problem(
                    autoscalers[0].file,
                    f"several autoscalers act on {entry} and will fight: {names}; keep one",
                )
            scale = self.autoscaler(autoscalers[0], entry)
            smallest = scale.min_replicas if scale.min_replicas else smallest
        else:
            self._no_autoscaler(entry)
        self._update(entry, smallest)
        self._budget(entry, smallest)

    def autoscaler(self, source: Object, entry: Object | None) -> Autoscaler:
        """Facts of an autoscaler; of the workload it acts on where that is known."""
        scale = read_autoscaler(source, self._number)
        self._add("hpa.present", True, source, source.line)
        self._add("hpa.kind", scale.kind, source, source.line)
        for name, value, line in scale.numbers:
            self._add(f"hpa.{name}", value, source, line)
        if scale.min_replicas is not None and scale.max_replicas is not None:
            self._add("hpa.can_scale", scale.max_replicas > scale.min_replicas, source, scale.max_line)
        if scale.metrics:
            self._add("hpa.metrics", ", ".join(scale.metrics), source, scale.metrics_line)
            other = any(name not in ("cpu", "memory") for name in scale.metrics)
            self._add("hpa.other_metric", other, source, scale.metrics_line)
        if entry is not None:
            self._add(
                "hpa.target_resolves", True, source, line_of(source.spec, "scaleTargetRef") or source.line
            )
            if scale.uses_cpu_request:
                usable = all(
                    _resource(one, "requests", "cpu")[1] is not None
                    or _resource(one, "limits", "cpu")[1] is not None
                    for one in mappings(pod_spec(entry).get("containers"))
                )
                self._add("hpa.cpu_target_usable", usable, entry, line_of(pod_spec(entry), "containers"))
        return scale

    def _no_autoscaler(self, entry: Object) -> None:
        self._present("hpa", [], entry, *AUTOSCALERS)
        kinds = {one.kind for one in self._found}
        for dangling in (one for one in self._found if one.kind in AUTOSCALERS):
            target = target_of(dangling)
            known = target is not None and target[0] in WORKLOADS and target[0] in kinds
            there = any((one.kind, one.name) == target for one in self._found)
            if not known or there or target is None or self._unread & {target[0], UNKNOWN_KIND}:
                continue
            line = line_of(dangling.spec, "scaleTargetRef") or dangling.line
            self._add("hpa.target_resolves", False, dangling, line)
            self._findings.problem(
                dangling.file,
                f"{dangling} scales {target[0]}/{target[1][:60]}, which is not among the workloads found: "
                "correct the name, or give that file too",
                line,
            )
            return

    def _container(self, entry: Object, container: Mapping[str, Any]) -> None:
        self._resources(entry, container)
        at = line_of(container)
        probes = {}
        for kind in ("readiness", "liveness", "startup"):
            probe = container.get(f"{kind}Probe")
            if isinstance(probe, str) and _UNRESOLVED.search(probe):
                self._unreadable(f"{kind}_probe.present", entry, line_of(container, f"{kind}Probe"), probe)
                continue
            probes[kind] = mapping(probe)
            line = line_of(container, f"{kind}Probe") if probe else at
            self._add(f"{kind}_probe.present", bool(probe), entry, line)
        if probes.get("readiness") and probes.get("liveness"):
            differ = _asked(probes["readiness"]) != _asked(probes["liveness"])
            self._add("probes_differ", differ, entry, line_of(container, "readinessProbe"))
        self._image(entry, container)

    def _resources(self, entry: Object, container: Mapping[str, Any]) -> None:
        at = line_of(container, "resources") or line_of(container)
        for resource, unit, read in (("cpu", "cores", cores), ("memory", "bytes", whole)):
            limit = self._quantity(
                f"{resource}_limit", unit, entry, container, path=("limits", resource), read=read
            )
            request = self._quantity(
                f"{resource}_request", unit, entry, container, path=("requests", resource), read=read
            )
            if not limit:
                self._add(f"{resource}_limit.present", False, entry, at)
            if not request and limit:  # Kubernetes takes the limit for a request that is left out
                request = self._quantity(
                    f"{resource}_request", unit, entry, container, path=("limits", resource), read=read
                )
            if not request:
                self._add(f"{resource}_request.present", False, entry, at)
        limits = mapping(member(container, "resources", "limits"))
        gpus = 0
        for key, written in limits.items():
            if _GPUS.fullmatch(key):
                try:
                    gpus += whole(quantity(written))
                except QuantityError as error:
                    self._unreadable("gpus", entry, line_of(limits, key), written, str(error))
                    return
        if gpus:
            line = next(line_of(limits, key) for key in limits if _GPUS.fullmatch(key))
            self._add("gpus", gpus, entry, line)

    def _quantity(
        self,
        name: str,
        unit: str,
        entry: Object,
        container: Mapping[str, Any],
        *,
        path: tuple[str, str],
        read: Callable[[Any], float | int],
    ) -> bool:
        """Facts of one request or limit; False where the manifest has none."""
        holder, written = _resource(container, *path)
        line = line_of(holder, path[1])
        if written is None:
            return False
        try:
            exact = quantity(written)
        except QuantityError as error:
            self._unreadable(f"{name}_{unit}", entry, line, written, str(error))
            self._add(f"{name}.present", True, entry, line)
            return True
        if unit == "bytes" and 0 < exact < 1024:
            meant = f"{str(written).rstrip('m')}Mi"
            what = f"{written} of memory is {float(exact):g} bytes: write {meant} if that is meant"
            self._findings.problem(entry.file, what, line)
        self._add(f"{name}_{unit}", read(exact), entry, line)
        self._add(f"{name}.present", True, entry, line)
        return True

    def _image(self, entry: Object, container: Mapping[str, Any]) -> None:
        image, line = container.get("image"), line_of(container, "image")
        if not isinstance(image, str) or not image:
            return
        if _UNRESOLVED.search(image):
            self._unreadable("image_pinned", entry, line, image)
            return
        digest = has_digest(image)
        if self._unread & {UNKNOWN_KIND, "Kustomization"} and not digest and not tag_of(image):
            self._unreadable("image_pinned", entry, line, image, "the image's tag is set elsewhere")
            return
        self._add("image_pinned", is_pinned(image), entry, line)
        self._add("image_digest", digest, entry, line)

    def _pods(self, entry: Object) -> None:
        spec = pod_spec(entry)
        constraints = [
            one
            for one in mappings(spec.get("topologySpreadConstraints"))
            if one.get("labelSelector") is None or selects(one["labelSelector"], pod_labels(entry))
        ]
        anti = mapping(member(spec, "affinity", "podAntiAffinity"))
        apart = any(
            anti.get(f"{how}DuringSchedulingIgnoredDuringExecution") for how in ("required", "preferred")
        )
        line = line_of(spec, "topologySpreadConstraints" if constraints else "affinity") or line_of(spec)
        self._add("spread.present", bool(constraints) or apart, entry, line)
        grace = self._number(
            "termination_grace_seconds", entry, spec, "terminationGracePeriodSeconds", GRACE_SECONDS
        )
        if grace is not None:
            line = line_of(spec, "terminationGracePeriodSeconds") or line_of(spec)
            self._add("termination_grace_seconds", grace, entry, line)

    def _replicas(self, entry: Object) -> int | None:
        """The replicas written, or Kubernetes' default; None for what has none of its own, or unreadable."""
        if entry.kind == "DaemonSet" or is_knative(entry):
            return None
        scaled = bool(autoscalers_of(entry, self._found))
        replicas = self._number("replicas", entry, entry.spec, "replicas", None if scaled else 1)
        if replicas is not None:
            self._add("replicas", replicas, entry, line_of(entry.spec, "replicas") or entry.line)
        return replicas

    def _update(self, entry: Object, replicas: int | None) -> None:
        if entry.kind in ("StatefulSet", "DaemonSet"):
            strategy, default = mapping(entry.spec.get("updateStrategy")), "RollingUpdate"
        elif entry.kind in ("Deployment", "Rollout"):
            strategy, default = mapping(entry.spec.get("strategy")), "RollingUpdate"
        else:
            return
        kind = strategy.get("type", default)
        if entry.kind == "Rollout":
            kind = "Canary" if "canary" in strategy else "BlueGreen" if "blueGreen" in strategy else None
        line = line_of(strategy) or entry.line
        if kind not in _STRATEGIES:
            if isinstance(kind, str):
                self._unreadable("update_strategy", entry, line, kind)
            return
        self._add("update_strategy", kind, entry, line)
        if entry.kind != "Deployment" or kind != "RollingUpdate" or replicas is None:
            return
        rolling = mapping(strategy.get("rollingUpdate"))
        surge = self._share(
            "rolling_update.max_surge", entry, rolling, "maxSurge", replicas=replicas, rounding=math.ceil
        )
        gone = self._share(
            "rolling_update.max_unavailable",
            entry,
            rolling,
            "maxUnavailable",
            replicas=replicas,
            rounding=math.floor,
        )
        if surge is None or gone is None:
            return
        if surge == gone == 0:  # Kubernetes makes progress possible
            gone = 1
        self._add("rolling_update.max_surge", surge, entry, line_of(rolling, "maxSurge") or line)
        self._add("rolling_update.max_unavailable", gone, entry, line_of(rolling, "maxUnavailable") or line)

    def _budget(self, entry: Object, replicas: int | None) -> None:
        budgets = budgets_of(entry, self._found)
        self._present("pdb", budgets, entry, "PodDisruptionBudget")
        if not budgets or replicas is None:
            return
        budget = budgets[0]
        name = "pdb.allowed_disruptions"
        if "minAvailable" in budget.spec:
            kept = self._share(
                name, budget, budget.spec, "minAvailable", replicas=replicas, rounding=math.ceil
            )
            allowed = None if kept is None else replicas - kept
            key = "minAvailable"
        else:
            key = "maxUnavailable"
            if key not in budget.spec:
                return
            allowed = self._share(name, budget, budget.spec, key, replicas=replicas, rounding=math.ceil)
        if allowed is not None:
            self._add(name, min(max(0, allowed), replicas), budget, line_of(budget.spec, key))

    def _share(
        self,
        name: str,
        entry: Object,
        node: Mapping[str, Any],
        key: str,
        *,
        replicas: int,
        rounding: Callable[[float], int],
    ) -> int | None:
        """A number of replicas, or a percentage of them; 25 % where a Deployment does not say."""
        written = node.get(key, "25%")
        if isinstance(written, int) and not isinstance(written, bool) and 0 <= written < 1e9:
            return written
        if isinstance(written, str) and (match := re.fullmatch(r"([0-9]{1,3})%", written)):
            return rounding(int(match[1]) * replicas / 100)
        if isinstance(written, str) and re.fullmatch(r"[0-9]{1,9}", written):
            return int(written)
        self._unreadable(name, entry, line_of(node, key), written)
        return None

    def _number(
        self, name: str, entry: Object, node: Mapping[str, Any], key: str, default: int | None = None
    ) -> int | None:
        """A whole number that a manifest writes, also in quotes; None where absent or unreadable."""
        written = node.get(key)
        if written is None:
            return default
        if isinstance(written, int) and not isinstance(written, bool) and 0 <= written < 2**31:
            return written
        if isinstance(written, str) and re.fullmatch(r"[0-9]{1,9}", written):
            return int(written)
        self._unreadable(name, entry, line_of(node, key), written)
        return None

    def _present(self, name: str, there: Sequence[Object], entry: Object, *kinds: str) -> None:
        if there:
            self._add(f"{name}.present", True, there[0], there[0].line)
        elif self._unread & {*kinds, UNKNOWN_KIND}:
            self._add(f"{name}.present", None, entry, entry.line)
        else:
            self._add(f"{name}.present", False, entry, entry.line)

    def _unreadable(
        self, name: str, entry: Object, line: int | None, written: object, why: str | None = None
    ) -> None:
        self._add(name, None, entry, line)
        if isinstance(written, str) and _UNRESOLVED.search(written):
            why = "a template fills this in: render it (helm template, envsubst) and scan the result"
        self._findings.problem(entry.file, why or f"{name} cannot be read: write a plain value", line)

    def _add(self, name: str, value: Value, entry: Object, line: int | None) -> None:
        self._findings.add(PREFIX + name, value, entry.file, line)


def _resource(container: Mapping[str, Any], part: str, resource: str) -> tuple[Mapping[str, Any], Any]:
    holder = mapping(member(container, "resources", part))
    return holder, holder.get(resource)


def _asked(probe: Mapping[str, Any]) -> dict[str, Any]:
    """What a probe asks, without how often and with which headers."""
    asked = {key: probe[key] for key in ("tcpSocket", "exec", "grpc") if key in probe}
    if "httpGet" in probe:
        asked["httpGet"] = [mapping(probe["httpGet"]).get(key) for key in ("host", "path", "port")]
    return asked
