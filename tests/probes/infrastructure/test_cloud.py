"""What Terraform and CloudFormation files declare: told where it is written, and never called absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.infrastructure.cloud import CloudReader
from probes.scanned import Findings


def read(**files: str) -> Findings:
    reader = CloudReader()
    for name, text in files.items():
        file = Path(name.replace("__", "."))
        assert reader.looks_at(file)
        reader.read(file, text.encode(), text)
    return reader.findings()


def values(found: Findings) -> dict[str, Any]:
    return {fact.name: fact.value for fact in found.facts}


def test_managed_services_are_counted_with_the_first_line_of_one() -> None:
    kinds = ("aws_vpc", "aws_db_instance", "aws_msk_cluster")
    found = read(main__tf="\n".join(f'resource "{kind}" "x" {{}}\n' for kind in kinds))
    assert values(found) == {
        "infra.cloud.resources.count": 3,
        "infra.cloud.managed.count": 2,
        "infra.cloud.managed.names": "aws_db_instance, aws_msk_cluster",
        "data.log.present": True,
    }
    managed = next(fact for fact in found.facts if fact.name == "infra.cloud.managed.count")
    assert (managed.source.file, managed.source.line, managed.state) == ("main.tf", 3, "read")


@pytest.mark.parametrize(
    "kind",
    [
        "google_sql_database_instance", "google_pubsub_topic", "azurerm_postgresql_flexible_server",
        "azurerm_mssql_database", "azurerm_redis_cache", "azurerm_eventhub_namespace",
        "aws_sagemaker_endpoint",
        "aws_elasticache_replication_group", "snowflake_warehouse", "confluent_kafka_cluster",
    ],
)  # fmt: skip
def test_managed_services_of_all_providers_are_known(kind: str) -> None:
    assert values(read(main__tf=f'resource "{kind}" "x" {{}}'))["infra.cloud.managed.count"] == 1


@pytest.mark.parametrize("kind", ["aws_instance", "google_compute_instance", "azurerm_linux_virtual_machine"])
def test_a_machine_is_no_managed_service(kind: str) -> None:
    assert "infra.cloud.managed.count" not in values(read(main__tf=f'resource "{kind}" "x" {{}}'))


def test_nothing_declared_is_no_fact_at_all() -> None:
    assert read(variables__tf='variable "region" {}\n').facts == []


TRACKING = """
resource "aws_appautoscaling_target" "t" {
  min_capacity = 2
  max_capacity = %s
}
resource "aws_appautoscaling_policy" "p" {
  target_tracking_scaling_policy_configuration {
    predefined_metric_specification { predefined_metric_type = "%s" }
    target_value = 70
  }
}
"""


@pytest.mark.parametrize(
    ("metric", "signal"),
    [
        ("ECSServiceAverageCPUUtilization", "cpu"),
        ("ECSServiceAverageMemoryUtilization", "memory"),
        ("ALBRequestCountPerTarget", "demand"),
        ("SageMakerVariantInvocationsPerInstance", "demand"),
    ],
)
def test_a_policy_has_its_bounds_and_its_signal(metric: str, signal: str) -> None:
    found = values(read(main__tf=TRACKING % ("6", metric)))
    assert found["infra.cloud.autoscaling.present"] is True
    assert found["infra.cloud.autoscaling.can_scale"] is True
    assert found["infra.cloud.autoscaling.signal"] == signal


def test_equal_bounds_cannot_scale_and_variables_say_nothing() -> None:
    equal = values(read(main__tf=TRACKING % ("2", "ALBRequestCountPerTarget")))
    assert equal["infra.cloud.autoscaling.can_scale"] is False
    unknown = values(read(main__tf=TRACKING % ("var.most", "ALBRequestCountPerTarget")))
    assert "infra.cloud.autoscaling.can_scale" not in unknown


TABLE = """
resource "aws_appautoscaling_target" "t" {
  service_namespace  = "dynamodb"
  scalable_dimension = "dynamodb:table:ReadCapacityUnits"
  min_capacity       = 5
  max_capacity       = 100
}
"""


@pytest.mark.parametrize(
    "scaled",
    [
        TABLE + 'resource "aws_appautoscaling_policy" "p" { resource_id = aws_appautoscaling_target.t.id }',
        TABLE + 'resource "aws_appautoscaling_policy" "p" { service_namespace = "dynamodb" }',
        TRACKING % ("6", "DynamoDBReadCapacityUtilization"),
        TRACKING % ("6", "RDSReaderAverageCPUUtilization"),
        TRACKING % ("6", "KafkaBrokerStorageUtilization"),
        TRACKING % ("6", "ElastiCachePrimaryEngineCPUUtilization"),
        TRACKING % ("6", "CassandraReadCapacityUtilization"),
    ],
)
def test_tables_that_grow_are_no_service_that_grows(scaled: str) -> None:
    found = values(read(main__tf=scaled))
    assert not [name for name in found if name.startswith("infra.cloud.autoscaling")]


def test_bounds_of_something_else_are_not_those_of_the_autoscaler() -> None:
    others = """
resource "aws_rds_cluster" "db" {
  serverlessv2_scaling_configuration {
    min_capacity = 0.5
    max_capacity = 64
  }
}
"""
    service = values(read(main__tf=others + TRACKING % ("2", "ALBRequestCountPerTarget")))
    assert service["infra.cloud.autoscaling.can_scale"] is False  # 2 to 2, whatever the database does
    both = values(read(main__tf=TABLE.replace('"t"', '"x"') + TRACKING % ("2", "ALBRequestCountPerTarget")))
    assert both["infra.cloud.autoscaling.can_scale"] is False


def test_a_template_in_which_only_a_table_grows() -> None:
    template = """Resources:
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: {ServiceNamespace: %s, MinCapacity: 1, MaxCapacity: 9}
  Policy:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
"""
    assert "infra.cloud.autoscaling.present" not in values(read(stack__yaml=template % "dynamodb"))
    assert values(read(stack__yaml=template % "ecs"))["infra.cloud.autoscaling.present"] is True


def test_autoscalers_of_google_and_azure() -> None:
    google = """
resource "google_compute_region_autoscaler" "a" {
  autoscaling_policy {
    min_replicas = 1
    max_replicas = 5
    load_balancing_utilization { target = 0.6 }
    scaling_schedules { name = "morning" }
  }
}"""
    found = values(read(main__tf=google))
    assert found["infra.cloud.autoscaling.can_scale"] is True
    assert found["infra.cloud.autoscaling.signal"] == "demand"
    assert found["infra.cloud.scheduled_scaling.present"] is True
    azure = """
resource "azurerm_monitor_autoscale_setting" "a" {
  profile {
    capacity {
      minimum = 2
      maximum = 8
    }
    rule { metric_trigger { metric_name = "Percentage CPU" } }
  }
}"""
    found = values(read(main__tf=azure))
    assert found["infra.cloud.autoscaling.can_scale"] is True
    assert found["infra.cloud.autoscaling.signal"] == "cpu"


def test_tags_of_cost_and_budgets() -> None:
    tagged = 'provider "aws" {\n  default_tags {\n    tags = { "cost-center" = "shop" }\n  }\n}\n'
    found = values(read(main__tf=tagged + 'resource "aws_budgets_budget" "b" {}\n'))
    assert found["infra.cloud.cost_tags.present"] is True
    assert found["infra.cloud.budget.present"] is True
    other = values(read(main__tf='resource "aws_vpc" "a" { tags = { Name = "shop" } }\n'))
    assert "infra.cloud.cost_tags.present" not in other


def test_tables_that_are_divided_and_questions_that_are_bounded() -> None:
    table = """
resource "google_bigquery_dataset" "d" {}
resource "google_bigquery_table" "t" {
  require_partition_filter = true
  time_partitioning { type = "DAY" }
}"""
    found = values(read(main__tf=table))
    assert found["data.warehouse.present"] is True
    assert found["data.warehouse.partitioned.present"] is True
    assert found["data.warehouse.bound.present"] is True


def test_alarms_are_told_by_what_they_look_at() -> None:
    alarms = """
resource "aws_cloudwatch_metric_alarm" "slow" { metric_name = "TargetResponseTime" }
resource "aws_cloudwatch_metric_alarm" "bad" { metric_name = "HTTPCode_Target_5XX_Count" }
resource "datadog_monitor" "dd" { query = "avg(last_5m):avg:system.cpu.user{*} > 90" }"""
    found = values(read(main__tf=alarms))
    assert found["monitoring.alarms.count"] == 3
    assert found["monitoring.alarms.latency.present"] is True
    assert found["monitoring.alarms.error.present"] is True


def test_a_template_of_cloudformation_with_tags_of_its_own() -> None:
    template = """AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties: {DBName: !Ref Name, Size: !If [IsProd, 100, 20]}
  Queue:
    Type: "AWS::SQS::Queue"
  Policy:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
"""
    found = values(read(stack__yaml=template))
    assert found["infra.cloud.resources.count"] == 3
    assert found["infra.cloud.managed.count"] == 2
    assert found["infra.cloud.autoscaling.present"] is True


def test_json_that_is_no_template_is_left_alone() -> None:
    reader = CloudReader()
    for text in ('{"Type": "AWS::RDS::DBInstance"}', '{"Resources": {}}', "{}"):
        assert reader.read(Path("a.json"), text.encode(), text) is None
    assert reader.findings().facts == []
