"""Infrastructure that is written down: what a repository's Terraform and CloudFormation files declare.

Types of resources are read by the names that the providers give them; of Terraform also the bounds and the
signal of an autoscaler, tags and alarms, where they are written as they are and not as variables. Of
CloudFormation the types alone, since its templates hold tags of YAML of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from probes.infrastructure.hcl import Block, read_hcl
from probes.scanned import Findings

PREFIX = "infra.cloud."

_MANAGED = re.compile(
    r"aws_(db_instance|rds_cluster|dynamodb_table|elasticache_\w+|memorydb_cluster|opensearch_domain|msk_\w*cluster"
    r"|sqs_queue|kinesis_stream|mq_broker|redshift\w*_(cluster|workgroup)|docdb_cluster|neptune_cluster"
    r"|sagemaker_endpoint|bedrock\w*|emr_cluster|mwaa_environment|glue_job)"
    r"|google_(sql_database_instance|alloydb_cluster|spanner_instance|bigtable_instance|firestore_database"
    r"|redis_instance|memorystore_instance|pubsub_topic|bigquery_dataset|vertex_ai_endpoint|composer_environment"
    r"|dataproc_cluster|dataflow_\w*job)"
    r"|azurerm_(\w*sql\w*_(flexible_)?(server|database|instance)|cosmosdb_account|redis_cache|eventhub\w*"
    r"|servicebus_\w+|machine_learning_\w*endpoint|synapse_workspace|data_factory|databricks_workspace)"
    r"|snowflake_(warehouse|database)|mongodbatlas_(advanced_)?cluster|confluent_kafka_cluster"
    r"|aws::(rds::db(instance|cluster)|dynamodb::(global)?table|elasticache::\w+|msk::\w*cluster|sqs::queue"
    r"|kinesis::stream|opensearchservice::domain|redshift\w*::\w+|sagemaker::endpoint|amazonmq::broker"
    r"|mwaa::environment|emr\w*::\w+|docdb::dbcluster)"
)
_POLICY = re.compile(
    r"aws_(appautoscaling_policy|autoscaling_policy|autoscalingplans_scaling_plan)"
    r"|google_compute_(region_)?autoscaler|azurerm_monitor_autoscale_setting"
    r"|aws::(applicationautoscaling|autoscaling)::scalingpolicy"
)
_BOUNDED = re.compile(
    r"aws_(appautoscaling_target|autoscaling_group)|google_compute_(region_)?autoscaler"
    r"|azurerm_monitor_autoscale_setting"
)
_STORE = re.compile(
    r"dynamodb|rds\b|rds:|rdsreader|elasticache|cassandra|kafka|neptune|docdb|redis|memorydb|workspaces|elasticmapreduce"
    r"|comprehend",
    re.IGNORECASE,
)
"""In namespaces, dimensions and metrics of autoscaling: what scales is a store, and not the service."""
_SCHEDULE = re.compile(
    r"aws_(autoscaling_schedule|appautoscaling_scheduled_action)|aws::autoscaling::scheduledaction"
)
_BUDGET = re.compile(
    r"aws_(budgets_budget|ce_anomaly_(monitor|subscription))|google_billing_budget"
    r"|azurerm_(\w+_)?consumption_budget\w*|aws::(budgets::budget|ce::anomaly\w+)"
)
_WAREHOUSE = re.compile(
    r"snowflake_(warehouse|database)|google_bigquery_dataset|aws_(redshift\w*_(cluster|workgroup)|athena_workgroup)"
    r"|azurerm_synapse_workspace|databricks_sql_endpoint|aws::(redshift\w*::(cluster|workgroup)|athena::workgroup)"
)
_INPUTS_WATCHED = re.compile(
    r"aws_sagemaker_(data_quality_job_definition|monitoring_schedule)"
    r"|aws::sagemaker::(dataqualityjobdefinition|monitoringschedule)"
)
_LOG = re.compile(
    r"aws_(msk_\w*cluster|kinesis_stream)|google_pubsub_topic|azurerm_eventhub\w*|confluent_kafka_cluster"
    r"|aws::(msk::\w*cluster|kinesis::stream)"
)
_COST_KEY = re.compile(r"""["']?(cost[-_ ]?(cent(er|re)|code|allocation)|billing[\w-]*)["']?\s*[=:]""", re.I)
_CFN_SCALED = re.compile(
    r"""(?:ServiceNamespace|ScalableDimension|Predefined(?:Scaling)?MetricType)["']?\s*:\s*["']?([\w:]+)"""
)
_CFN_TYPE = re.compile(r"""^[ \t]*["']?Type["']?\s*:\s*["']?(AWS::\w+::\w+)""", re.MULTILINE)
_SIGNAL = (
    (re.compile(r"requestcount|invocations|concurren|queue|messages|backlog|in_?flight", re.I), "demand"),
    (re.compile(r"cpu", re.I), "cpu"),
    (re.compile(r"memory", re.I), "memory"),
)
_SLOW = re.compile(r"latency|responsetime|response_time|duration", re.I)
_FAILED = re.compile(r"5xx|error|fault|unhealthy", re.I)


@dataclass(frozen=True, slots=True)
class _Resource:
    kind: str
    file: str
    line: int | None
    block: Block | None = None
    is_of_a_store: bool = False
    """Of what scales: whether it is a table or a cluster of a store or of a log, and not a service."""


class CloudReader:
    """Reads `*.tf` and templates of CloudFormation; `Type: AWS::…` is how the latter are known."""

    system: ClassVar[str] = "cloud"

    def __init__(self) -> None:
        self._resources: list[_Resource] = []
        self._tagged: tuple[str, int] | None = None

    def looks_at(self, file: Path) -> bool:
        """By its ending."""
        return file.suffix.lower() in (".tf", ".yaml", ".yml", ".json", ".template")

    def read(self, file: Path, data: bytes, text: str) -> str | None:  # noqa: ARG002
        """Collects the resources that are declared."""
        name = str(file)
        if file.suffix.lower() == ".tf":
            root = read_hcl(text, name)
            for block in root.blocks:
                if block.kind == "resource" and len(block.labels) == 2:
                    self._resources.append(_terraform(block, name))
                if block.kind in ("resource", "provider"):
                    self._look_for_tags(block, name)
            return "terraform"
        if "AWS::" not in text or not ("AWSTemplateFormatVersion" in text or "Resources" in text):
            return None
        types = list(_CFN_TYPE.finditer(text))
        scaled = _CFN_SCALED.findall(text)
        of_stores = bool(scaled) and all(_STORE.search(one) for one in scaled)
        for found in types:
            line = text.count("\n", 0, found.start(1)) + 1
            kind = found[1].lower()
            self._resources.append(_Resource(kind, name, line, None, of_stores))
        return "cloudformation" if types else None

    def _look_for_tags(self, block: Block, name: str) -> None:
        written = [block.values.get("tags", ""), block.values.get("labels", "")]
        written += [inner.values.get("tags", "") for inner in block.find("default_tags")]
        if self._tagged is None and any(_COST_KEY.search(text) for text in written):
            self._tagged = (name, block.line)

    def findings(self) -> Findings:
        """What is declared; what is not declared here may stand in other files."""
        found = Findings(self.system)
        if not self._resources:
            return found
        first = self._resources[0]
        found.add(PREFIX + "resources.count", len(self._resources), first.file, first.line)
        managed = self._all(_MANAGED)
        if managed:
            kinds = ", ".join(dict.fromkeys(entry.kind for entry in managed))
            found.add(PREFIX + "managed.count", len(managed), managed[0].file, managed[0].line)
            found.add(PREFIX + "managed.names", kinds[:200], managed[0].file, managed[0].line)
        for pattern, name in (
            (_BUDGET, PREFIX + "budget.present"),
            (_WAREHOUSE, "data.warehouse.present"),
            (_INPUTS_WATCHED, "monitoring.inputs_watched.present"),
            (_LOG, "data.log.present"),
        ):
            self._present(found, name, self._all(pattern))
        if self._tagged is not None:
            found.add(PREFIX + "cost_tags.present", True, *self._tagged)
        self._autoscaling(found)
        self._tables(found)
        self._alarms(found)
        return found

    def _all(self, pattern: re.Pattern[str]) -> list[_Resource]:
        return [entry for entry in self._resources if pattern.fullmatch(entry.kind)]

    @staticmethod
    def _present(found: Findings, name: str, entries: Iterable[_Resource]) -> None:
        for entry in entries:
            found.add(name, True, entry.file, entry.line)
            return

    def _autoscaling(self, found: Findings) -> None:
        blocks = [entry for entry in self._resources if entry.block is not None]
        schedules = self._all(_SCHEDULE)
        for entry in blocks:
            assert entry.block is not None
            if any(True for kind in ("scaling_schedules", "recurrence") for _ in entry.block.find(kind)):
                schedules.append(entry)
        self._present(found, PREFIX + "scheduled_scaling.present", schedules)
        tables = {
            f"{entry.kind}.{entry.block.labels[1]}."
            for entry in blocks
            if entry.block is not None and entry.is_of_a_store
        }
        policies = [entry for entry in self._all(_POLICY) if not _scales_a_store(entry, tables)]
        self._present(found, PREFIX + "autoscaling.present", policies)
        for entry in policies:
            signal = None if entry.block is None else _signal_of(entry.block)
            if signal is not None:
                found.add(PREFIX + "autoscaling.signal", signal, entry.file, entry.line)
                break
        for entry in self._all(_BOUNDED):
            bounds = None if entry.block is None or entry.is_of_a_store else _bounds_of(entry.block)
            if policies and bounds is not None:
                found.add(PREFIX + "autoscaling.can_scale", bounds[1] > bounds[0], entry.file, entry.line)
                break

    def _tables(self, found: Findings) -> None:
        for entry in self._resources:
            block = entry.block
            if block is None:
                continue
            divided = {"time_partitioning", "range_partitioning", "partition_keys"}
            if entry.kind in ("google_bigquery_table", "snowflake_table", "aws_glue_catalog_table") and (
                any(True for kind in divided for _ in block.find(kind))
                or {"clustering", "cluster_by"} & block.values.keys()
            ):
                found.add("data.warehouse.partitioned.present", True, entry.file, entry.line)
                break
        for entry in self._resources:
            block = entry.block
            if entry.kind == "snowflake_resource_monitor" or (
                block is not None
                and (
                    block.values.get("require_partition_filter") == "true"
                    or "statement_timeout_in_seconds" in block.values
                    or any(
                        "bytes_scanned_cutoff_per_query" in inner.values
                        for inner in block.find("configuration")
                    )
                )
            ):
                found.add("data.warehouse.bound.present", True, entry.file, entry.line)
                break

    def _alarms(self, found: Findings) -> None:
        alarms = self._all(re.compile(r"aws_cloudwatch_metric_alarm|google_monitoring_alert_policy"
                                      r"|azurerm_monitor_metric_alert|datadog_monitor"))  # fmt: skip
        if not alarms:
            return
        found.add("monitoring.alarms.count", len(alarms), alarms[0].file, alarms[0].line)
        for pattern, name in ((_SLOW, "latency"), (_FAILED, "error")):
            about = [
                entry
                for entry in alarms
                if entry.block is not None and pattern.search(_looked_at(entry.block))
            ]
            self._present(found, f"monitoring.alarms.{name}.present", about)


def _terraform(block: Block, file: str) -> _Resource:
    names = ("service_namespace", "scalable_dimension", "predefined_metric_type", "resource_id", "namespace",
             "target_resource_id")  # fmt: skip
    inner = (block, *block.blocks, *(deeper for one in block.blocks for deeper in one.blocks))
    of_a_store = any(_STORE.search(part.values.get(name, "")) for part in inner for name in names)
    return _Resource(block.labels[0], file, block.line, block, of_a_store)


def _scales_a_store(policy: _Resource, stores: Set[str]) -> bool:
    """Whether a policy says so itself, or refers to one of the `stores` (`TYPE.NAME.`)."""
    written = () if policy.block is None else policy.block.values.values()
    return policy.is_of_a_store or any(store in value for value in written for store in stores)


def _looked_at(alarm: Block) -> str:
    """What an alarm looks at, as it is written."""
    names = ("metric_name", "query", "filter")
    written = [alarm.values.get(name, "") for name in names]
    for kind in ("metric", "criteria", "condition_threshold"):
        written += [block.values.get(name, "") for block in alarm.find(kind) for name in names]
    return " ".join(written)


def _signal_of(policy: Block) -> str | None:
    """What a policy looks at: demand, cpu or memory; None where it is not written."""
    written = " ".join(
        value
        for block in (policy, *(inner for kind in _SIGNAL_BLOCKS for inner in policy.find(kind)))
        for name, value in block.values.items()
        if name in ("predefined_metric_type", "metric_name", "target", "name")
    )
    kinds = {block.kind for block in policy.blocks} | {
        inner.kind for block in policy.blocks for inner in block.blocks
    }
    if "cpu_utilization" in kinds:
        return "cpu"
    if "load_balancing_utilization" in kinds:
        return "demand"
    return next((signal for pattern, signal in _SIGNAL if pattern.search(written)), None)


_SIGNAL_BLOCKS = (
    "predefined_metric_specification",
    "customized_metric_specification",
    "metric_trigger",
    "metric",
)
_BOUNDS = (
    ("min_capacity", "max_capacity"), ("min_size", "max_size"), ("min_replicas", "max_replicas"),
    ("minimum", "maximum"),
)  # fmt: skip


def _bounds_of(block: Block) -> tuple[float, float] | None:
    """Least and most copies, where a block or one inside it says both as numbers."""
    for inner in (block, *block.blocks, *(deeper for one in block.blocks for deeper in one.blocks)):
        for low, high in _BOUNDS:
            least, most = inner.number(low), inner.number(high)
            if least is not None and most is not None:
                return least, most
    return None
