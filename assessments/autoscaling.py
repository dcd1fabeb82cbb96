"""Autoscaling rules whose numbers come from a measured capacity, with the derivation beside every number.

    requests a replica   u·C_low requests/s, so that a replica is at u of what it surely carries
    the same a minute    60·u·C_low: AWS counts InvocationsPerInstance and RequestCountPerTarget per minute
    CPU                  (cores at capacity / C)·u·C_low cores, over the cores that are requested

CPU time a request is taken as constant below capacity (the utilisation law, U = D·X). Targets are rounded
down: scaling out a little early costs less than a little late.

Fields as in the Kubernetes API reference (`HorizontalPodAutoscaler` v2 autoscaling) and in the AWS API
references of Application Auto Scaling and EC2 Auto Scaling (`PutScalingPolicy` in both).
"""

from __future__ import annotations

import json
import math
import re
import shlex
from dataclasses import dataclass
from typing import Any, Literal

from assessments.forecast import Estimate, Forecast, positive
from probes.errors import UsageError

DEFAULT_MIN_REPLICAS = 2
DEFAULT_METRIC = "http_requests_per_second"
DEFAULT_DEPLOYMENT = "model-server"
HPA_TOLERANCE = 0.1
"""The controller does nothing while the metric is within 10 % of its target (Kubernetes' default)."""

WorkloadKind = Literal["Deployment", "StatefulSet", "ReplicaSet"]
"""What of apps/v1 can be scaled."""
MOST_CPU_SHARE = 100.0
"""CPU in use over CPU requested beyond which a target says nothing any more."""

AwsService = Literal["sagemaker", "ecs", "asg"]
DEFAULT_RESOURCES: dict[AwsService, str] = {
    "sagemaker": "endpoint/my-endpoint/variant/AllTraffic",
    "ecs": "service/my-cluster/my-service",
    "asg": "my-auto-scaling-group",
}

_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:.\-]*")
_RESOURCES: dict[AwsService, str] = {
    "sagemaker": r"endpoint/[A-Za-z0-9-]{1,63}/variant/[A-Za-z0-9-]{1,63}",
    "ecs": r"service/[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}",
    "asg": r"[^\s\x00-\x1f|:]{1,255}",
}
_LABEL = re.compile(r"app/[A-Za-z0-9-]{1,32}/[0-9a-f]+/targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU cores of one replica at its capacity, as measured, and the cores that it requests (or has)."""

    cores_at_capacity: float
    cores_requested: float

    def __post_init__(self) -> None:
        positive(self.cores_at_capacity, "the CPU at capacity")
        positive(self.cores_requested, "the CPU request")


def cpu_target(cpu: Cpu, capacity: Estimate, utilisation: float) -> tuple[float, float] | None:
    """CPU of a replica at the target of u·C_low requests/s: cores, and their share of the request.

    None where the capacity has no lower bound.
    """
    if capacity.low is None:
        return None
    cores = cpu.cores_at_capacity / capacity.value * capacity.low * utilisation
    return cores, cores / cpu.cores_requested


def whole_percent(share: float) -> int:
    """A target in percent, rounded down."""
    return math.floor(100 * share + 1e-9)


@dataclass(frozen=True, slots=True)
class Scaling:
    """What an autoscaler is told, with the lines that say where each number comes from.

    `requests_per_s` is the target a replica, `cpu_percent` that of the requested CPU where CPU was measured.
    """

    min_replicas: int
    max_replicas: int
    requests_per_s: float
    cpu_percent: int | None
    derivation: tuple[str, ...]


def plan_scaling(
    forecast: Forecast,
    cpu: Cpu | None = None,
    min_replicas: int | None = None,
    min_because: str = "as asked for",
) -> Scaling:
    """The targets and bounds that follow from a forecast; `min_because` says who gave `min_replicas`.

    Raises `UsageError` where the capacity has no lower bound or the peak is not known, and where a CPU target
    cannot work.
    """
    plan, target = forecast.plan, forecast.target_per_replica
    if plan.capacity.low is None or target is None:
        raise UsageError(
            "an autoscaling target needs the lower bound of the capacity, and none is known: give --low"
        )
    if forecast.with_spare is None or plan.peak_per_s is None:
        raise UsageError("the most replicas follow from the peak, and none is known: give --peak")
    least = DEFAULT_MIN_REPLICAS if min_replicas is None else min_replicas
    most = max(forecast.with_spare, least)
    used = plan.utilisation
    lines = [
        f"capacity of a replica {_capacity(plan.capacity)} requests/s; planned utilisation {used:g}",
        f"target {used:g} x {plan.capacity.low:g} (lower bound) = {target:.6g} requests/s a replica",
        f"most {most} replicas: peak {plan.peak_per_s:g}/s / {target:.6g} = "
        f"{plan.peak_per_s / target:.4g}, so {forecast.conservative}, and one to spare"
        if most == forecast.with_spare
        else f"most {most} replicas: the least number, since the peak needs no more",
        f"least {least} replicas: "
        + (
            min_because
            if min_replicas is not None
            else "so that one may fail; not measured, see how your quietest hour does"
        ),
    ]
    percent = None
    if cpu is not None:
        of_target = cpu_target(cpu, plan.capacity, used)
        assert of_target is not None, "there is a lower bound"
        cores, share = of_target
        if share > MOST_CPU_SHARE:
            raise UsageError(
                f"a replica uses {share:.3g} times the CPU that it requests: request what it uses, then scale"
            )
        percent = whole_percent(share)
        lines.append(
            f"CPU {cpu.cores_at_capacity:g} cores at {plan.capacity.value:g}/s = "
            f"{1000 * cpu.cores_at_capacity / plan.capacity.value:.4g} ms a request; at {target:.6g}/s "
            f"{cores:.4g} cores = {percent} % of {cpu.cores_requested:g} requested"
        )
        if percent < 1:
            raise UsageError(
                f"a CPU target of {100 * cores / cpu.cores_requested:.2g} % is too small to scale by: leave "
                "--cpu-at-capacity out and scale by requests"
            )
    return Scaling(least, most, target, percent, tuple(lines))


def _capacity(capacity: Estimate) -> str:
    high = "?" if capacity.high is None else f"{capacity.high:g}"
    return f"{capacity.value:g} [{capacity.low:g}, {high}]"


def hpa_manifest(
    scaling: Scaling,
    deployment: str = DEFAULT_DEPLOYMENT,
    metric: str = DEFAULT_METRIC,
    namespace: str | None = None,
    kind: WorkloadKind = "Deployment",
) -> str:
    """A HorizontalPodAutoscaler (autoscaling/v2) as YAML, its derivation as comments.

    By CPU where the CPU at capacity is known, else by the requests/s a pod, which needs an adapter that
    serves the metric. Raises `UsageError` for names that Kubernetes would refuse.
    """
    for name, what, longest in ((deployment, "deployment", 253), (namespace, "namespace", 63)):
        if name is not None and (len(name) > longest or not _DNS_NAME.fullmatch(name)):
            raise UsageError(
                f"'{name}' is no name of a {what}: use lower-case letters, digits and '-', such as shop-api"
            )
    if not _METRIC.fullmatch(metric):
        raise UsageError(f"'{metric}' is no name of a metric: write for example {DEFAULT_METRIC}")
    lines = ["# Written by loadstone forecast. Where the numbers come from:"]
    lines += [f"#   {line}" for line in scaling.derivation]
    lines.append(
        f"#   the autoscaler rests while within {HPA_TOLERANCE * 100:g} % of its target: up to "
        f"{(1 + HPA_TOLERANCE) * scaling.requests_per_s:.4g} requests/s a replica"
    )
    lines += [
        "apiVersion: autoscaling/v2",
        "kind: HorizontalPodAutoscaler",
        "metadata:",
        f"  name: {_yaml(deployment)}",
    ]
    if namespace is not None:
        lines.append(f"  namespace: {_yaml(namespace)}")
    lines += [
        "spec:",
        "  scaleTargetRef:",
        "    apiVersion: apps/v1",
        f"    kind: {kind}",
        f"    name: {_yaml(deployment)}" + _default_mark(deployment),
        f"  minReplicas: {scaling.min_replicas}",
        f"  maxReplicas: {scaling.max_replicas}",
        "  metrics:",
    ]
    if scaling.cpu_percent is not None:
        lines += [
            "    # Percent of the pods' CPU requests: keep the request that this was derived for.",
            "    - type: Resource",
            "      resource:",
            "        name: cpu",
            "        target:",
            "          type: Utilization",
            f"          averageUtilization: {scaling.cpu_percent}",
        ]
    else:
        milli = math.floor(scaling.requests_per_s * 1000 + 1e-6)
        lines += [
            "    # Requests/s of a pod; an adapter (Prometheus Adapter, KEDA) has to serve this metric.",
            "    - type: Pods",
            "      pods:",
            "        metric:",
            f"          name: {_yaml(metric)}",
            "        target:",
            "          type: AverageValue",
            f'          averageValue: "{milli // 1000 if milli % 1000 == 0 else f"{milli}m"}"'
            f"  # {milli / 1000:g} requests/s",
        ]
    return "\n".join(lines) + "\n"


def _default_mark(deployment: str) -> str:
    return "  # put your Deployment's name here" if deployment == DEFAULT_DEPLOYMENT else ""


def _yaml(text: str) -> str:
    """A name as a YAML scalar that stays a string, whatever it looks like (`1e3`, `on`)."""
    return (
        text
        if re.fullmatch(r"[a-z][a-z_.-]*[a-z0-9-]{3,}", text) and text not in _YAML_WORDS
        else f'"{text}"'
    )


_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "off"})


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """A target-tracking policy: the document for `put-scaling-policy --cli-input-json`, and a text beside it.

    JSON has no comments and the AWS command line refuses keys that it does not know: the derivation and the
    commands stand in `explanation`, a text for a file of its own.
    """

    policy: dict[str, Any]
    derivation: tuple[str, ...]
    commands: tuple[str, ...]

    def to_json(self) -> str:
        """The policy as text."""
        return json.dumps(self.policy, indent=2) + "\n"

    def explanation(self, file: str) -> str:
        """Where the numbers come from, and how to apply the policy that lies in `file`."""
        lines = ["Written by loadstone forecast. Where the numbers come from:"]
        lines += [f"  {line}" for line in self.derivation]
        lines += ["To apply it:"]
        lines += [
            f"  {command.replace('{file}', shlex.quote(f'file://{file}'))}" for command in self.commands
        ]
        return "\n".join(lines) + "\n"


def target_tracking(
    scaling: Scaling,
    service: AwsService = "sagemaker",
    resource: str | None = None,
    resource_label: str | None = None,
) -> TargetTracking:
    """The target-tracking policy of a SageMaker endpoint variant, an ECS service or an Auto Scaling group.

    SageMaker scales by invocations a minute. The others scale by CPU where it is known, else by the requests
    a minute that a load balancer counts for each target, whose `resource_label` that needs. Raises
    `UsageError`.
    """
    name = DEFAULT_RESOURCES[service] if resource is None else resource
    if not re.fullmatch(_RESOURCES[service], name):
        raise UsageError(f"'{name}' is no {service} resource: write it as {DEFAULT_RESOURCES[service]}")
    per_minute = math.floor(scaling.requests_per_s * 60 * 1000 + 1e-6) / 1000
    requests = (
        f"target {scaling.requests_per_s:.6g} requests/s x 60 = {per_minute:.10g} a minute, as AWS counts it"
    )
    derivation = list(scaling.derivation)
    metric: dict[str, Any]
    if service == "sagemaker":
        metric, value = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}, per_minute
        derivation.append(requests)
    elif scaling.cpu_percent is not None:
        if service == "asg" and scaling.cpu_percent > 100:
            raise UsageError(
                f"a CPU target of {scaling.cpu_percent} % is more than an instance has: give the cores that "
                "it has as --cpu-request"
            )
        kind = "ECSServiceAverageCPUUtilization" if service == "ecs" else "ASGAverageCPUUtilization"
        metric, value = {"PredefinedMetricType": kind}, float(scaling.cpu_percent)
    else:
        if resource_label is None or not _LABEL.fullmatch(resource_label):
            raise UsageError(
                f"scaling {service} by requests needs the load balancer's label: give --resource-label "
                "app/NAME/ID/targetgroup/NAME/ID, or --cpu-at-capacity and --cpu-request"
            )
        metric = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": resource_label}
        value = per_minute
        derivation.append(requests)
    tracking: dict[str, Any] = {"TargetValue": value, "PredefinedMetricSpecification": metric}
    least, most = scaling.min_replicas, scaling.max_replicas
    if service == "asg":
        policy = {
            "AutoScalingGroupName": name,
            "PolicyName": "loadstone-target-tracking",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingConfiguration": tracking,
        }
        commands = (
            f"aws autoscaling update-auto-scaling-group --auto-scaling-group-name {shlex.quote(name)} "
            f"--min-size {least} --max-size {most}",
            "aws autoscaling put-scaling-policy --cli-input-json {file}",
        )
    else:
        dimension = (
            "sagemaker:variant:DesiredInstanceCount" if service == "sagemaker" else "ecs:service:DesiredCount"
        )
        policy = {
            "PolicyName": "loadstone-target-tracking",
            "ServiceNamespace": service,
            "ResourceId": name,
            "ScalableDimension": dimension,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": tracking,
        }
        commands = (
            f"aws application-autoscaling register-scalable-target --service-namespace {service} \\\n"
            f"    --resource-id {shlex.quote(name)} --scalable-dimension {dimension} \\\n"
            f"    --min-capacity {least} --max-capacity {most}",
            "aws application-autoscaling put-scaling-policy --cli-input-json {file}",
        )
    return TargetTracking(policy, tuple(derivation), commands)
