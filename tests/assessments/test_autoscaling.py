"""Autoscaling rules parse, have the fields that Kubernetes and AWS want, and carry derived numbers."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import yaml

from assessments.autoscaling import Cpu, Scaling, hpa_manifest, plan_scaling, target_tracking
from assessments.forecast import Estimate, Plan, forecast
from probes.errors import UsageError

LABEL = "app/shop/0123456789abcdef/targetgroup/shop/fedcba9876543210"


def scaling(cpu: Cpu | None = None, least: int | None = None, **changes: Any) -> Scaling:
    plan = Plan(**{"capacity": Estimate(52, 48, 56), "peak_per_s": 270.0} | changes)
    return plan_scaling(forecast(plan, date(2026, 1, 1)), cpu, least)


def only_keys(document: dict[str, Any], *keys: str) -> None:
    assert set(document) == set(keys)


def test_an_hpa_by_requests_has_the_fields_of_autoscaling_v2() -> None:
    document = yaml.safe_load(hpa_manifest(scaling(), "shop-api", namespace="shop"))
    only_keys(document, "apiVersion", "kind", "metadata", "spec")
    assert (document["apiVersion"], document["kind"]) == ("autoscaling/v2", "HorizontalPodAutoscaler")
    assert document["metadata"] == {"name": "shop-api", "namespace": "shop"}
    spec = document["spec"]
    only_keys(spec, "scaleTargetRef", "minReplicas", "maxReplicas", "metrics")
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop-api"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert spec["metrics"] == [
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": "http_requests_per_second"},
                "target": {"type": "AverageValue", "averageValue": "33600m"},
            },
        }
    ]


def test_an_hpa_by_cpu_aims_at_the_cpu_of_the_target_rate() -> None:
    """0.88 cores at 52/s are 16.92 ms a request; 33.6/s take 0.5686 cores: 56 % of one, rounded down."""
    manifest = hpa_manifest(scaling(Cpu(0.88, 1.0)))
    (metric,) = yaml.safe_load(manifest)["spec"]["metrics"]
    assert metric == {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 56}},
    }
    half = hpa_manifest(scaling(Cpu(0.88, 0.5)))
    assert yaml.safe_load(half)["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 113


def test_the_derivation_stands_in_comments() -> None:
    comments = [line for line in hpa_manifest(scaling(Cpu(0.88, 1.0))).splitlines() if line.startswith("#")]
    said = "\n".join(comments)
    for part in (
        "52 [48, 56]",
        "0.7 x 48",
        "33.6",
        "270/s / 33.6 = 8.036, so 9, and one to spare",
        "56 % of 1",
    ):
        assert part in said


@pytest.mark.parametrize("name", ["on", "null", "1e3", "0x1f", "12", "no", "a.b-c", "true", "x"])
def test_a_name_stays_a_name_in_yaml(name: str) -> None:
    document = yaml.safe_load(hpa_manifest(scaling(), name))
    assert document["metadata"]["name"] == name
    assert document["spec"]["scaleTargetRef"]["name"] == name


@pytest.mark.parametrize("name", ["Shop", "a b", "x\ny: z", "", "-a", "a" * 254, '"'])
def test_a_name_that_kubernetes_refuses_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name of a deployment"):
        hpa_manifest(scaling(), name)
    with pytest.raises(UsageError, match="no name of a metric"):
        hpa_manifest(scaling(), metric=f"{name} {name}")


def test_a_whole_target_is_written_without_thousandths() -> None:
    document = yaml.safe_load(hpa_manifest(scaling(capacity=Estimate(60, 50, 70), utilisation=0.5)))
    assert document["spec"]["metrics"][0]["pods"]["target"]["averageValue"] == "25"


def test_sagemaker_counts_invocations_a_minute() -> None:
    tracking = target_tracking(scaling())
    policy = json.loads(tracking.to_json())
    only_keys(
        policy,
        "PolicyName",
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "PolicyType",
        "TargetTrackingScalingPolicyConfiguration",
    )
    assert policy["ServiceNamespace"] == "sagemaker"
    assert policy["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 2016.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    said = tracking.explanation("policy.json")
    assert "33.6 requests/s x 60 = 2016 a minute" in said
    assert "--min-capacity 2 --max-capacity 10" in said
    assert "--cli-input-json file://policy.json" in said


def test_ecs_scales_by_cpu_or_by_what_a_load_balancer_counts() -> None:
    by_cpu = target_tracking(scaling(Cpu(0.88, 1.0)), "ecs", "service/shop/api").policy
    assert by_cpu["ScalableDimension"] == "ecs:service:DesiredCount"
    assert by_cpu["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 56.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    by_requests = target_tracking(scaling(), "ecs", "service/shop/api", LABEL).policy
    assert by_requests["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 2016.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "ALBRequestCountPerTarget",
            "ResourceLabel": LABEL,
        },
    }


def test_an_auto_scaling_group_has_a_policy_of_its_own_kind() -> None:
    policy = target_tracking(scaling(), "asg", "shop-asg", LABEL).policy
    only_keys(policy, "AutoScalingGroupName", "PolicyName", "PolicyType", "TargetTrackingConfiguration")
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 2016.0
    with pytest.raises(UsageError, match="more than an instance has"):
        target_tracking(scaling(Cpu(0.88, 0.5)), "asg", "shop-asg")


@pytest.mark.parametrize(
    ("service", "resource", "label", "said"),
    [
        ("sagemaker", "my-endpoint", None, "endpoint/my-endpoint/variant/AllTraffic"),
        ("ecs", "shop", None, "service/my-cluster/my-service"),
        ("ecs", None, None, "--resource-label"),
        ("asg", None, "shop", "--resource-label"),
        ("asg", "a b", None, "is no asg resource"),
    ],
)
def test_what_aws_would_refuse_is_refused(service: Any, resource: str, label: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        target_tracking(scaling(), service, resource, label)


def test_without_a_lower_bound_or_a_peak_there_is_no_rule() -> None:
    with pytest.raises(UsageError, match="--low"):
        scaling(capacity=Estimate(52))
    with pytest.raises(UsageError, match="--peak"):
        scaling(peak_per_s=None)


def test_the_minimum_can_be_asked_for_and_lifts_the_maximum() -> None:
    found = scaling(least=20)
    assert (found.min_replicas, found.max_replicas) == (20, 20)
    assert "as asked for" in "\n".join(found.derivation)
