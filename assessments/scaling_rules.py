"""Autoscaling rules that follow from an assessment, ready to apply, as they travel in its document.

The targets derive from the measured capacity of a replica, the bounds from the load to carry and from what
the manifests say (`autoscaling.py` has the formulas). They stand in the document so that every report, and an
assessment that was restored from one, has the same text.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from typing import Any, get_args

from assessments.autoscaling import (
    DEFAULT_DEPLOYMENT,
    Cpu,
    Scaling,
    WorkloadKind,
    hpa_manifest,
    plan_scaling,
    target_tracking,
)
from assessments.evidence import Evidence
from assessments.forecast import Estimate, Forecast
from assessments.outlook import MOST_REPLICAS, number_of, observed
from probes.errors import UsageError

MANIFEST, POLICY = "loadstone-hpa.yaml", "loadstone-target-tracking.json"
"""Names of files that the texts may be saved under."""
MOST_CORES = 100_000.0


def scaling_rules(evidence: Evidence, target: Forecast | None) -> dict[str, Any]:
    """`forecast.autoscaling` of `loadstone.assessment/1`; `target` is the forecast for the load to carry.

    `kubernetes` is a HorizontalPodAutoscaler (YAML), `aws` a target-tracking policy of a SageMaker endpoint
    (JSON) with its derivation beside it, since JSON has no comments. Where there is no ground for them
    `refused` says why, and they are null.
    """
    if target is None:
        return _refused("no autoscaling target follows: nobody said what has to be carried")
    try:
        return _rules(evidence, target)
    except UsageError as error:
        return _refused(str(error))


def _refused(why: str) -> dict[str, Any]:
    return {"kubernetes": None, "aws": None, "refused": why}


def _rules(evidence: Evidence, target: Forecast) -> dict[str, Any]:
    least = least_replicas(evidence)

    def planned(cpu: Cpu | None) -> Scaling:
        scaling = plan_scaling(target, cpu, least, "as the manifest has it")
        return replace(scaling, derivation=(_origin(evidence), *scaling.derivation))

    by_requests = planned(None)
    by_cpu, cpu = by_requests, cpu_of_replica(evidence, target.plan.capacity)
    if cpu is not None:
        with suppress(UsageError):  # too little CPU to scale by
            by_cpu = planned(cpu)
    policy = target_tracking(by_requests, "sagemaker")
    return {
        "kubernetes": {"file": MANIFEST, "text": _manifest(evidence, by_cpu)},
        "aws": {"file": POLICY, "text": policy.to_json(), "explanation": policy.explanation(POLICY)},
        "refused": None,
    }


def least_replicas(evidence: Evidence) -> int | None:
    """The least replicas that the manifests give an autoscaler."""
    found = number_of(observed(evidence, "infra.kubernetes.hpa.min_replicas"))
    return int(found) if found is not None and 1 <= found <= MOST_REPLICAS else None


def deployment_of(evidence: Evidence) -> str | None:
    """The name of the Deployment that the manifests have."""
    workload = observed(evidence, "infra.kubernetes.workload")
    kind, _, name = ("", "", "") if workload is None else str(workload.value).partition("/")
    return name if kind == "Deployment" and name else None


def _origin(evidence: Evidence) -> str:
    capacity = observed(evidence, "load.capacity")
    assert capacity is not None, "a forecast has a capacity"
    how = "given by hand, not measured," if capacity.state == "by_hand" else capacity.state
    run = f" in the run {capacity.source.run}" if capacity.source.run is not None else ""
    return f"the capacity was {how} on {capacity.at.astimezone(UTC):%Y-%m-%d}{run}"


def cpu_of_replica(evidence: Evidence, capacity: Estimate) -> Cpu | None:
    """CPU of a replica at its capacity, from the CPU time of a request, and its request; None if unknown."""
    a_request = number_of(observed(evidence, "process.cpu_ms_per_request"))
    requested = number_of(observed(evidence, "infra.kubernetes.cpu_request_cores"))
    if not a_request or not requested:
        return None
    cores = a_request / 1e3 * capacity.value
    if not (0 < cores <= MOST_CORES and 0 < requested <= MOST_CORES):
        return None
    return Cpu(float(f"{cores:.6g}"), requested)


def _manifest(evidence: Evidence, scaling: Scaling) -> str:
    workload = observed(evidence, "infra.kubernetes.workload")
    kind, _, name = ("", "", "") if workload is None else str(workload.value).partition("/")
    for known in get_args(WorkloadKind):
        if known == kind:
            try:
                return hpa_manifest(scaling, name, kind=known)
            except UsageError:
                break
    return hpa_manifest(scaling, DEFAULT_DEPLOYMENT)
