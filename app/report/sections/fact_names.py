"""Facts by a few words, for tables and sentences: shorter than what the catalogue says they mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from assessments.profile import PROFILE_FACTS
from probes.facts import CATALOGUE

_TABLE = """
load.capacity                                 Capacity of a replica
load.saturation_rate                          Highest throughput
load.throughput                               Good answers a second
load.response_p50_ms                          Median response time
load.response_p95_ms                          Response time, p95
load.response_p99_ms                          Response time, p99
load.service_p50_ms                           Service time of one request alone
load.error_ratio                              Share of requests that failed
load.limited_by                               What limits it
load.answers_changed_ratio                    Answers that differ under load
load.overload_goodput_ratio                   Good answers at twice its throughput
load.overload_shed_ratio                      Of what is too much, refused at once
load.recovers                                 Back after a spike
load.recovery_seconds                         Time until it is back after a spike
load.ttft_p50_ms                              Time to first token, median
load.ttft_p95_ms                              Time to first token, 95th percentile
load.itl_p50_ms                               Gap between tokens, median
load.itl_p95_ms                               Gap between tokens, 95th percentile
load.tokens_per_s                             Tokens a second
infra.service.liveness_path                   Path that says it is alive
infra.service.readiness_path                  Path that says it is ready
load.readiness_held                           Ready under load
load.readiness_failed_ratio                   Checks that found it not ready
load.liveness_held                            Alive under load
load.liveness_failed_ratio                    Checks that found it not alive
load.loss_errors                              Requests lost with what was killed
load.loss_recovery_seconds                    Time until it is back after a loss
load.loss_of                                  What was killed under load
load.loss_rate                                Load under which one was killed
load.loss_error_seconds                       Time until errors cease after a loss
load.loss_carried                             One instance less carries the load
load.loss_utilisation                         Use of the instances that were left
load.loss_p95_growth                          Growth of p95 with one instance less
load.instances                                Instances that shared the load
load.instances_sum_ratio                      Throughput together, over the sum
load.instances_agree                          Instances answer alike
load.cold_start_seconds                       Start of a replica
process.cpu_ms_per_request                    CPU time of a request
process.cpu_cores_at_saturation               CPU at the highest throughput
process.rss_peak_bytes                        Largest memory under load
process.memory_verdict                        Memory under load
process.growth_bytes_per_request              Memory kept for each request
process.growth_bytes_per_second               Memory kept each second
process.growth_files_per_request              Files left open by a request
process.gil_share                             Time that the GIL is held
infra.kubernetes.workload                     Serving workload
infra.kubernetes.replicas                     Replicas in the manifest
infra.kubernetes.cpu_request_cores            CPU request
infra.kubernetes.cpu_limit_cores              CPU limit
infra.kubernetes.memory_request_bytes         Memory request
infra.kubernetes.memory_limit_bytes           Memory limit
infra.kubernetes.hpa.present                  An autoscaler acts on it
infra.kubernetes.hpa.min_replicas             Autoscaler's minimum
infra.kubernetes.hpa.max_replicas             Autoscaler's maximum
infra.kubernetes.hpa.can_scale                The autoscaler's maximum is above its minimum
infra.kubernetes.hpa.target_cpu_ratio         Autoscaler's CPU target
monitoring.prometheus.count_ratio             Requests counted, of those sent
monitoring.prometheus.latency_alert.threshold_ms  Threshold of the latency alert
infra.cloud.resources.count                   Resources declared as code
infra.cloud.managed.count                     Managed services among them
infra.cloud.managed.names                     Types of managed services
infra.cloud.budget.present                    A budget is declared
infra.cloud.cost_tags.present                 Tags of cost
infra.cloud.autoscaling.present               A scaling policy of a cloud
infra.cloud.autoscaling.can_scale             The policy's most copies are above its least
infra.cloud.autoscaling.signal                What the policy looks at
infra.cloud.scheduled_scaling.present         Capacity by a timetable
infra.dockerfile.present                      A Dockerfile
infra.compose.replicas                        Copies that Compose runs
infra.compose.memory_limit.present            Memory limit in Compose
infra.compose.healthcheck.present             Health check in Compose
infra.serving.batching.present                The model server gathers requests
infra.ci.load_test.present                    A load test in the pipeline
infra.ci.load_gate.present                    A load run can fail the pipeline
infra.ci.regression_gate.present              The pipeline compares with a baseline
infra.ci.evaluation_gate.present              An evaluation can fail the pipeline
monitoring.dashboards.count                   Dashboards kept as files
monitoring.dashboards.four_signals            Time, traffic, errors and saturation on one screen
monitoring.dashboards.percentiles             Percentiles on that screen
monitoring.alarms.count                       Alarms kept as files
monitoring.alarms.latency.present             An alarm on response times
monitoring.alarms.error.present               An alarm on errors
monitoring.inputs_watched.present             A monitor of inputs
monitoring.tracing.library.present            A library of traces
monitoring.tracing.library.name               Library of traces
monitoring.tracing.pipeline.present           Traces are kept somewhere
monitoring.tracing.slow_kept.present          Slow traces are kept
data.engine.present                           An engine for large data
data.engine.name                              Engine for large data
data.partitions.largest_over_median           Largest piece of data over the median one
data.log.present                              A durable log or queue
data.warehouse.present                        A warehouse
data.warehouse.kind                           The warehouse
data.warehouse.partitioned.present            Tables are divided or clustered
data.warehouse.bound.present                  A bound on a question
data.incremental_steps.count                  Steps that take in only what is new
data.checks.count                             Checks of data that are declared
data.scheduler.present                        A scheduler of pipelines
data.scheduler.kind                           The scheduler
data.scheduler.retries                        Times that a step is run again
data.features_ready.present                   A feature store for requests
load.batch_gain                               Gain of lists over single items
load.models_timed                             Models that were timed
derived.fleet_headroom                        Fleet over the load to carry
derived.memory_limit_headroom                 Memory limit over largest memory
derived.runs_out_on                           Capacity runs out on
derived.days_to_run_out                       Days until capacity runs out
derived.replicas_needed                       Replicas needed
derived.max_replicas_headroom                 Autoscaler's maximum over replicas needed
derived.cpu_at_knee_request_ratio             CPU at the highest throughput, of the request
derived.cpu_at_knee_limit_ratio               CPU at the highest throughput, of the limit
derived.hpa_target_margin                     CPU at the highest throughput over the autoscaler's target
derived.hours_to_memory_limit                 Hours until memory reaches its limit
derived.latency_alert_ratio                   Alert threshold over the objective
derived.cost_per_million                      Price of a million requests
history.load_runs_90_days                     Load runs in 90 days
history.load_run_age_days                     Days since the last load run
"""


def _read(table: str) -> dict[str, str]:
    rows = (line.split(maxsplit=1) for line in table.strip().splitlines())
    return {name: words.strip() for name, words in rows}


SHORT_NAMES: Mapping[str, str] = MappingProxyType(_read(_TABLE))


def meaning_of(name: str) -> str | None:
    """A fact or a value of the profile in a few words; None for what is neither."""
    if name in SHORT_NAMES:
        return SHORT_NAMES[name]
    entry = CATALOGUE.get(name) or PROFILE_FACTS.get(name)
    return None if entry is None else entry.meaning.partition(";")[0]
