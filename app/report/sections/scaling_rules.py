"""Rules for an autoscaler, ready to apply, whose numbers come from the measured capacity."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from app.report.model import Block, Code, Heading, Paragraph, text
from app.report.view import View, sentence
from assessments.autoscaling import (
    DEFAULT_DEPLOYMENT,
    Cpu,
    Scaling,
    TargetTracking,
    hpa_manifest,
    plan_scaling,
    target_tracking,
)
from assessments.forecast import Estimate, Plan, forecast
from probes.errors import UsageError

POLICY_FILE = "policy.json"


def rule_blocks(view: View) -> list[Block]:
    """A HorizontalPodAutoscaler and an AWS target-tracking policy, or the sentence why there is none."""
    heading = Heading("Rules to apply", 2, anchor="rules")
    try:
        scaling = scaling_of(view)
        manifest = hpa_manifest(scaling, _deployment(view))
        policy = _policy(view, scaling)
    except UsageError as error:
        said = f"No rules are given: {_without_options(str(error))}."
        return [heading, Paragraph(text(said))]
    more = [sentence(line) for line in policy.derivation if line not in scaling.derivation]
    commands = "\n".join(command.replace("{file}", f"file://{POLICY_FILE}") for command in policy.commands)
    return [
        heading,
        Paragraph(
            text(
                f"{scaling.min_replicas} to {scaling.max_replicas} replicas, each at no more than "
                f"{scaling.requests_per_s:.4g} requests/s. Try them where a mistake costs nothing before you "
                "apply them. loadstone forecast writes the same files for other names and services."
            )
        ),
        Code(manifest, "Kubernetes: hpa.yaml"),
        Heading("The same on AWS", 3),
        Paragraph(text(" ".join(["Derived as above.", *more]))),
        Code(policy.to_json(), f"Target tracking: {POLICY_FILE}"),
        Code(commands, "To apply it"),
    ]


def scaling_of(view: View) -> Scaling:
    """The targets and bounds for the load to carry. Raises `UsageError` where something is not known."""
    found = view.forecast
    capacity = found["capacity_per_replica"]
    carry = (found.get("to_carry") or {}).get("per_s", found.get("peak_per_s"))
    plan = Plan(
        Estimate(capacity["value"], capacity["low"], capacity["high"]),
        utilisation=found["utilisation"],
        peak_per_s=carry,
    )
    return plan_scaling(forecast(plan, date.fromisoformat(found["from"])), _cpu(view, capacity["value"]))


def _cpu(view: View, capacity_per_s: float) -> Cpu | None:
    """CPU of a replica at its capacity, from the CPU time of a request, and what it requests."""
    each_ms, requested = (
        view.number("process.cpu_ms_per_request"),
        view.number("infra.kubernetes.cpu_request_cores"),
    )
    if not each_ms or not requested:
        return None
    return Cpu(float(f"{each_ms / 1000 * capacity_per_s:.4g}"), requested)


def _deployment(view: View) -> str:
    """The name of the workload that was read, where Kubernetes takes it."""
    fact = view.counting.get("infra.kubernetes.workload")
    kind, _, name = str(fact.value if fact is not None else "").rpartition("/")
    if kind == "Deployment" and len(name) <= 253 and re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name):
        return name
    return DEFAULT_DEPLOYMENT


def _policy(view: View, scaling: Scaling) -> TargetTracking:
    service: Literal["sagemaker", "ecs", "asg"] = "sagemaker"
    if scaling.cpu_percent is not None:
        vm = view.profile.get("deploys_to") == "vm" and scaling.cpu_percent <= 100
        service = "asg" if vm else "ecs"
    return target_tracking(scaling, service)


def _without_options(message: str) -> str:
    """The sentence without the options of the command line: what is missing stands in profile and runs."""
    return message.partition(": give --")[0].partition(": leave --")[0]
