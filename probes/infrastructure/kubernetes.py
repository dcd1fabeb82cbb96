"""How a service is set up on Kubernetes, from its manifests: facts about the one workload that serves.

    objects of all files ─► the serving workload ─► its container, Services, budget, autoscaler

Several workloads are told apart by name, by which has an autoscaler, or by which has a Service; where that
does not decide, nothing is said of any.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import mapping
from probes.errors import UsageError
from probes.events import FactFound
from probes.facts import FactName
from probes.infrastructure.kubernetes_objects import (
    AUTOSCALERS,
    Object,
    autoscalers_of,
    is_workload,
    pod_spec,
    services_of,
)
from probes.infrastructure.kubernetes_workload import PREFIX, WorkloadReader
from probes.probe import ProbeContext
from probes.scanned import Findings


@dataclass(frozen=True)
class KubernetesProbe:
    """Reads manifests from files and folders; `workload` names the one that serves."""

    paths: tuple[Path, ...]
    workload: str | None = None

    name: ClassVar[str] = "kubernetes"
    fact_names: ClassVar[tuple[FactName, ...]] = ()

    def run(self, context: ProbeContext) -> dict[str, Any]:
        """Facts and problems as in CONTRACT's `loadstone.facts/1`. Raises `UsageError`."""
        from probes.scan import scan

        found = scan([str(path) for path in self.paths], workload=self.workload, only="kubernetes")
        for fact in found.facts:
            context.emit(FactFound(context.elapsed(), fact.to_json()))
        return found.to_json()


def read_kubernetes(
    found: Sequence[Object], workload: str | None = None, unread: AbstractSet[str] = frozenset()
) -> Findings:
    """Facts about the serving workload among the objects found.

    `workload` is its name, or Kind/name. `unread` are the kinds of objects that were seen and could not be
    read (`UNKNOWN_KIND` for any). Raises `UsageError` when no workload has the name.
    """
    findings = Findings("kubernetes")
    workloads = _workloads(found)
    autoscalers = [entry for entry in found if entry.kind in AUTOSCALERS]
    if not workloads:
        if workload is not None and not unread:
            raise UsageError(f"there is no workload '{workload}': none was found in what was given")
        if len(autoscalers) == 1:
            WorkloadReader(findings, found, unread).autoscaler(autoscalers[0], None)
        elif autoscalers:
            names = ", ".join(f"{entry} ({entry.place})" for entry in autoscalers[:10])
            findings.problem(
                autoscalers[0].file,
                f"several autoscalers and none of the workloads: {names}; give the workload's file too",
            )
        return findings
    findings.add(PREFIX + "workloads.count", len(workloads), workloads[0].file)
    serving = _serving(workloads, found, workload, findings)
    if serving is not None:
        WorkloadReader(findings, found, unread).workload(serving)
    return findings


def _workloads(found: Sequence[Object]) -> list[Object]:
    """The workloads that have pods of their own; a Rollout takes over the pods of the one it refers to."""
    workloads = [entry for entry in found if is_workload(entry)]
    taken: set[int] = set()
    merged = []
    for entry in workloads:
        reference = mapping(entry.spec.get("workloadRef"))
        if entry.kind == "Rollout" and not pod_spec(entry) and reference:
            for other in workloads:
                if (other.kind, other.name) == (reference.get("kind"), reference.get("name")):
                    taken.add(id(other))
                    node = dict(entry.node) | {"spec": {**entry.spec, "template": other.spec.get("template")}}
                    merged.append(
                        Object(entry.kind, entry.name, entry.namespace, entry.group, other.file, node)
                    )
                    break
        elif pod_spec(entry):
            merged.append(entry)
    return [entry for entry in merged if id(entry) not in taken]


def _serving(
    workloads: Sequence[Object], found: Sequence[Object], wanted: str | None, findings: Findings
) -> Object | None:
    if wanted is not None:
        kept = [entry for entry in workloads if wanted in (entry.name, str(entry))]
        if not kept:
            known = ", ".join(sorted({entry.name for entry in workloads})[:20])
            raise UsageError(f"there is no workload '{wanted}': name one of {known}")
    else:
        kept = list(workloads)
        if len(kept) > 1:
            scaled = [entry for entry in kept if autoscalers_of(entry, found)]
            served = [entry for entry in kept if services_of(entry, found)]
            kept = scaled if len(scaled) == 1 else served if len(served) == 1 else kept
    if len(kept) == 1:
        return kept[0]
    same = len({(entry.kind, entry.name) for entry in kept}) == 1
    names = dict.fromkeys(f"{entry} ({entry.place})" if same else entry.name for entry in kept)
    shown = ", ".join(list(names)[:12])
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    what = "give the files of one environment" if same else "name the one that serves with --workload NAME"
    findings.problem(
        kept[0].file, f"{len(kept)} workloads could be the one that serves: {shown}{more}; {what}"
    )
    return None
