"""Facts: what was observed, under catalogued names.

A fact is one observation with a name, a value, a unit, a source and a time. The catalogue in this file is
the one authority on names, types and units: a fact that does not match it cannot be made. Another package
that brings a probe of its own adds its names with `register` (see `probes.probe.discover`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

from probes.errors import LoadstoneError

FactType = Literal["number", "integer", "ratio", "boolean", "text", "choice", "date"]
FactState = Literal["measured", "read", "declared", "by_hand", "unreadable", "stale"]
Pillar = Literal["infrastructure", "models", "data", "monitoring"]
Value = float | int | bool | str | None

SUBJECTS = (
    "profile",
    "machine",
    "load",
    "process",
    "model",
    "infra",
    "data",
    "monitoring",
    "history",
    "derived",
)


FIRST_YEAR, LAST_YEAR = 1970, 2999
"""Times outside are a slip, and cannot be counted from everywhere: the calendar of `datetime` ends."""


class FactError(LoadstoneError, ValueError):
    """A fact does not fit the catalogue: unknown name, wrong type or wrong unit."""


@dataclass(frozen=True, slots=True)
class FactName:
    """One entry of the catalogue.

    `unit` is the only unit in which the fact may be recorded (`""` for none); `choices` are the allowed
    values of a `choice`; `probe` names the probe that gives the fact; `pillar` is None for facts about the
    run itself (machine, profile).
    """

    name: str
    type: FactType
    unit: str
    pillar: Pillar | None
    meaning: str
    probe: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact comes from: which probe, and which run, file and line, query or machine."""

    probe: str
    run: str | None = None
    file: str | None = None
    line: int | None = None
    query: str | None = None
    machine: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Only what is known."""
        parts = {name: getattr(self, name) for name in ("probe", "run", "file", "line", "query", "machine")}
        return {name: value for name, value in parts.items() if value is not None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Source:
        """The inverse of `to_json`; unknown keys are ignored. Raises `FactError` for a wrong type."""
        known = ("probe", "run", "file", "line", "query", "machine")
        parts = {name: document[name] for name in known if name in document}
        for name, value in parts.items():
            if not isinstance(value, int if name == "line" else str):
                raise FactError(f"a source's {name} is a {'whole number' if name == 'line' else 'text'}")
        return cls(**parts)


@dataclass(frozen=True, slots=True)
class Fact:
    """One observation. `low` and `high` bound an estimate; `samples` counts what it rests on.

    Raises `FactError` when the name is not catalogued or type or unit differ from the catalogue's.
    A fact that could not be read (`state="unreadable"`) has the value None, and no other fact has.
    """

    name: str
    value: Value
    unit: str
    source: Source
    at: datetime
    state: FactState = "measured"
    low: float | None = None
    high: float | None = None
    samples: int | None = None

    def __post_init__(self) -> None:
        entry = CATALOGUE.get(self.name)
        if entry is None:
            raise FactError(f"'{self.name}' is not a catalogued fact")
        if self.unit != entry.unit:
            raise FactError(f"{self.name} is recorded in '{entry.unit}', not in '{self.unit}'")
        if self.state not in get_args(FactState):
            raise FactError(f"{self.name}: '{self.state}' is not a state of a fact")
        if self.at.tzinfo is None:
            raise FactError(f"{self.name}: the time of observation needs a time zone")
        if not FIRST_YEAR <= self.at.year <= LAST_YEAR:
            raise FactError(f"{self.name}: it is dated in the year {self.at.year}, which cannot be")
        if (self.value is None) != (self.state == "unreadable"):
            raise FactError(f"{self.name}: a fact has no value exactly when it is unreadable")
        if self.value is not None:
            _check_type(entry, self.value)
        for bound in (self.low, self.high):
            if bound is not None and not _is_finite(bound):
                raise FactError(f"{self.name}: a bound must be a finite number, not {bound}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise FactError(f"{self.name}: the lower bound {self.low} lies above the upper bound {self.high}")
        if self.samples is not None and (type(self.samples) is not int or self.samples < 0):
            raise FactError(f"{self.name}: {self.samples!r} is no count of samples")

    def to_json(self) -> dict[str, Any]:
        """The fact as CONTRACT's JSON object; what is not known is left out."""
        document: dict[str, Any] = {"name": self.name, "value": self.value}
        for bound in ("low", "high"):
            if getattr(self, bound) is not None:
                document[bound] = getattr(self, bound)
        document |= {"unit": self.unit, "state": self.state}
        if self.samples is not None:
            document["samples"] = self.samples
        return document | {"at": self.at.isoformat(), "source": self.source.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fact:
        """The inverse of `to_json`, checked against the catalogue. Raises `FactError` or `KeyError`."""
        try:
            return cls(
                name=document["name"],
                value=document["value"],
                unit=document["unit"],
                source=Source.from_json(document["source"]),
                at=datetime.fromisoformat(document["at"]),
                state=document.get("state", "measured"),
                low=document.get("low"),
                high=document.get("high"),
                samples=document.get("samples"),
            )
        except FactError:
            raise
        except (AttributeError, TypeError, ValueError) as error:
            raise FactError(f"not a fact: {error}") from error


def observed(name: str, value: Value, source: Source, **more: Any) -> Fact:
    """A fact observed now, in the catalogue's unit: shorthand for probes. Raises `FactError`."""
    entry = CATALOGUE.get(name)
    if entry is None:
        raise FactError(f"'{name}' is not a catalogued fact")
    more.setdefault("at", datetime.now(UTC))
    return Fact(name=name, value=value, unit=entry.unit, source=source, **more)


def _check_type(entry: FactName, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "number": number,
        "ratio": number,
        "integer": number and isinstance(value, int),
        "boolean": isinstance(value, bool),
        "text": isinstance(value, str),
        "choice": isinstance(value, str) and value in entry.choices,
        "date": isinstance(value, str) and _is_date(value),
    }[entry.type]
    if not fits:
        allowed = f" of {', '.join(entry.choices)}" if entry.choices else ""
        raise FactError(f"{entry.name} is a {entry.type}{allowed}; {value!r} is not")
    if number and not _is_finite(value):
        raise FactError(f"{entry.name} must be a finite number, not {value}")


def _is_finite(value: object) -> bool:
    """Whether it is a number that a float can hold; a whole number may have any length."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_PILLARS: dict[str, Pillar | None] = {
    "infra": "infrastructure", "models": "models", "data": "data", "monitoring": "monitoring", "-": None,
}  # fmt: skip

# name, type (a choice with its values behind colons), unit ("-" for none), pillar, probe, meaning
_TABLE = """
machine.cpu_count                         integer  cores     -           load        Processors this process may use
machine.memory_bytes                      integer  bytes     -           load        Physical memory of the probing machine
machine.timer_lateness_p50_ms             number   ms        -           load        Half of this machine's timers fire at most this late
load.capacity                             number   1/s       infra       load        Highest arrival rate at which the SLO holds
load.saturation_rate                      number   1/s       infra       load        Highest throughput reached at any concurrency
load.throughput                           number   1/s       infra       load        Good answers a second in the last step, or at capacity
load.response_p50_ms                      number   ms        models      load        Median response time in the last step, or at capacity
load.response_p95_ms                      number   ms        models      load        95th percentile of response time in the last step, or at capacity
load.response_p99_ms                      number   ms        models      load        99th percentile of response time in the last step, or at capacity
load.service_p50_ms                       number   ms        models      load        Median service time of one request alone
load.error_ratio                          ratio    1         infra       load        Share of requests that failed in the last step, or at capacity
load.limited_by                           choice:cpu:gil:lock:pool:memory:downstream:gpu:disk:network:quota:client:not_identified - infra load The resource that limits the target at saturation
load.scalability_sigma                    number   1         infra       load        Contention of the fitted scalability law
load.scalability_kappa                    number   1         infra       load        Coherency of the fitted scalability law
load.peak_concurrency                     number   requests  infra       load        Requests in flight at which the fitted law has its peak
load.answers_changed_ratio                ratio    1         models      load        Share of answers that differ under load from the answer at rest
load.overload_goodput_ratio               ratio    1         infra       load        Good answers in time, offered twice the highest throughput, over that throughput
load.overload_shed_ratio                  ratio    1         infra       load        Offered twice the highest throughput, of the requests not answered well in time those refused at once (429, 503)
load.recovers                             boolean  -         infra       load        After a spike the response time is back within 15 s, at half the highest throughput
load.recovery_seconds                     number   s         infra       load        From the end of a spike until the response time is back
load.ttft_p50_ms                         number   ms       models      load        Time to the first token of a streamed answer since it was due, median
load.ttft_p95_ms                         number   ms       models      load        Time to the first token of a streamed answer since it was due, 95th percentile
load.itl_p50_ms                          number   ms       models      load        Gap between reads that brought tokens of one answer, median
load.itl_p95_ms                          number   ms       models      load        Gap between reads that brought tokens of one answer, 95th percentile
load.tokens_per_s                        number   1/s      models      load        Tokens of good answers a second
load.loss_errors                          integer  requests  infra       load        Requests that failed when one of several processes or instances of the target was killed under load
load.loss_recovery_seconds                number   s         infra       load        From the death of one of several processes or instances until the response time is back
load.loss_of                              choice:process:instance - infra load What was killed: one of several processes of the target, or one of several instances with all of its processes
load.loss_rate                            number   1/s       infra       load        Load under which one of several processes or instances was killed
load.loss_error_seconds                   number   s         infra       load        From the death of one of several instances until the last request that failed
load.loss_carried                         boolean  -         infra       load        After the death of one of several instances the others kept the SLO at that load
load.loss_utilisation                     ratio    1         infra       load        That load over the highest throughput of the instances that were left
load.loss_p95_growth                      ratio    1         infra       load        95th percentile of response time with one instance less over that before
load.instances                            integer  instances infra       load        Instances of the service that shared the load
load.instances_sum_ratio                  ratio    1         infra       load        Throughput of all instances together over the sum of what each carries alone
load.instances_agree                      boolean  -         infra       load        All instances answer the same request alike at rest
load.p99_growth                           ratio    1         models      load        99th percentile at capacity over the median alone
load.volume_axis                          text     -         data        load        What a sweep made larger: batch, rows, payload_kb, sequence, or a keyword
load.volume_law                           text     -         data        load        How the median service time grows with that size, "between" where it is not told
load.volume_exponent                      number   1         data        load        Exponent k of the service time as a + b·n^k in that size
load.volume_largest_within_slo            integer  -         data        load        Largest of the sizes at which the SLO holds
process.bytes_per_size_unit               number   bytes     data        load        Peak memory that one more unit of that size takes
load.cold_start_seconds                   number   s         infra       load        From starting the target to its first good answer
process.cpu_ms_per_request                number   ms        models      load        CPU time of the target's process tree for one request
process.cpu_cores_at_saturation           number   cores     infra       load        CPU cores the target's process tree uses at its highest throughput
process.rss_peak_bytes                    integer  bytes     infra       load        Largest resident memory of the target's process tree
process.threads_peak                      integer  threads   infra       load        Most threads the target's process tree had
process.growth_bytes_per_request          number   bytes     models      load        Memory the target keeps for each request
process.memory_verdict                    choice:growing:flat:insufficient - models load Whether the target's memory grows under load
process.growth_bytes_per_second           number   bytes/s   models      load        Memory the target keeps each second, whatever it answers
process.growth_files_per_request         number   files     models      load        Files and sockets that the target keeps open for each request
process.gil_share                         ratio    1         models      load        Share of time the target's interpreter lock is held
infra.service.liveness_path               text     -      infra       load        Path at which the service under load says that it is alive
infra.service.readiness_path              text     -      infra       load        Another path at which it says whether it is ready
load.readiness_held                       boolean  -      infra       load        Under load it never failed three times in a row to say that it is ready
load.readiness_failed_ratio               number   1      infra       load        Share of the checks under load at which it did not say within 1 s that it is ready
load.liveness_held                        boolean  -      infra       load        Under load it never failed three times in a row to say that it is alive
load.liveness_failed_ratio                number   1      infra       load        Share of the checks under load at which it did not say within 1 s that it is alive
infra.kubernetes.workload                 text     -      infra       kubernetes  The serving workload that the facts are about, as Kind/name
infra.kubernetes.workloads.count          integer  workloads infra       kubernetes  Workloads found that could serve
infra.kubernetes.replicas                 integer  replicas infra       kubernetes  Replicas that the workload's manifest asks for
infra.kubernetes.cpu_request_cores        number   cores  infra       kubernetes  CPU request of the serving container
infra.kubernetes.cpu_limit_cores          number   cores  infra       kubernetes  CPU limit of the serving container
infra.kubernetes.memory_request_bytes     integer  bytes  infra       kubernetes  Memory request of the serving container
infra.kubernetes.cpu_request.present      boolean  -      infra       kubernetes  The serving container requests CPU, by itself or by its limit
infra.kubernetes.cpu_limit.present        boolean  -      infra       kubernetes  The serving container has a CPU limit
infra.kubernetes.memory_request.present   boolean  -      infra       kubernetes  The serving container requests memory, by itself or by its limit
infra.kubernetes.memory_limit.present     boolean  -      infra       kubernetes  The serving container has a memory limit
infra.kubernetes.gpus                     integer  gpus   infra       kubernetes  GPUs that the serving container asks for
infra.kubernetes.readiness_probe.present  boolean  -      infra       kubernetes  The serving container has a readiness probe
infra.kubernetes.liveness_probe.present   boolean  -      infra       kubernetes  The serving container has a liveness probe
infra.kubernetes.startup_probe.present    boolean  -      infra       kubernetes  The serving container has a startup probe
infra.kubernetes.probes_differ            boolean  -      infra       kubernetes  Readiness and liveness probe ask different things
infra.kubernetes.image_pinned             boolean  -      infra       kubernetes  The serving image has a digest or a tag other than latest
infra.kubernetes.image_digest             boolean  -      infra       kubernetes  The serving image has a digest
infra.kubernetes.spread.present           boolean  -      infra       kubernetes  Replicas are spread by topology constraints or pod anti-affinity
infra.kubernetes.termination_grace_seconds integer  s      infra       kubernetes  Time a pod has to finish its requests when it ends
infra.kubernetes.update_strategy          choice:RollingUpdate:Recreate:OnDelete:Canary:BlueGreen -      infra       kubernetes  How a new version replaces the old one
infra.kubernetes.rolling_update.max_unavailable integer  replicas infra       kubernetes  Replicas that a rolling update takes away at a time
infra.kubernetes.rolling_update.max_surge integer  replicas infra       kubernetes  Replicas that a rolling update adds at a time
infra.kubernetes.service.present          boolean  -      infra       kubernetes  A Service selects the workload's pods
infra.kubernetes.pdb.present              boolean  -      infra       kubernetes  A PodDisruptionBudget selects the workload's pods
infra.kubernetes.pdb.allowed_disruptions  integer  replicas infra       kubernetes  Replicas that the PodDisruptionBudget lets go at a time, at the smallest scale
infra.kubernetes.hpa.present              boolean  -      infra       kubernetes  A HorizontalPodAutoscaler, KEDA ScaledObject or Knative scale acts on the workload
infra.kubernetes.hpa.kind                 choice:hpa:keda:knative -      infra       kubernetes  What scales the workload
infra.kubernetes.hpa.min_replicas         integer  replicas infra       kubernetes  Smallest number of replicas the autoscaler goes down to
infra.kubernetes.hpa.can_scale            boolean  -      infra       kubernetes  The autoscaler's maximum lies above its minimum
infra.kubernetes.hpa.target_resolves      boolean  -      infra       kubernetes  The autoscaler's target is among the workloads found
infra.kubernetes.hpa.target_memory_ratio  ratio    1      infra       kubernetes  Memory utilisation, of the request, at which the autoscaler acts
infra.kubernetes.hpa.metrics              text     -      infra       kubernetes  What the autoscaler looks at, by name
infra.kubernetes.hpa.other_metric         boolean  -      infra       kubernetes  The autoscaler looks at something other than CPU and memory
infra.kubernetes.hpa.cpu_target_usable    boolean  -      infra       kubernetes  Every container requests CPU, which a utilisation target is relative to
infra.kubernetes.memory_limit_bytes       integer  bytes     infra       kubernetes  Memory limit of the serving container
infra.kubernetes.hpa.max_replicas         integer  replicas  infra       kubernetes  maxReplicas of the HorizontalPodAutoscaler
infra.kubernetes.hpa.target_cpu_ratio     ratio    1         infra       kubernetes  CPU utilisation at which the HorizontalPodAutoscaler acts
monitoring.prometheus.series.count        integer  series monitoring  prometheus  Series that the metrics endpoint exposes
monitoring.prometheus.has_request_counter boolean  -      monitoring  prometheus  A counter of requests is exposed
monitoring.prometheus.request_counter     text     -      monitoring  prometheus  Name of the request counter
monitoring.prometheus.has_latency_histogram boolean  -      monitoring  prometheus  A histogram of request times is exposed
monitoring.prometheus.latency_histogram   text     -      monitoring  prometheus  Name of the histogram of request times
monitoring.prometheus.has_error_label     boolean  -      monitoring  prometheus  Failed requests can be told from good ones
monitoring.prometheus.has_process_metrics boolean  -      monitoring  prometheus  CPU time and resident memory of the process are exposed
monitoring.prometheus.has_saturation_metric boolean  -      monitoring  prometheus  Requests in flight, waiting or queued are exposed
monitoring.prometheus.targets.count       integer  targets monitoring  prometheus  Targets that the server scrapes
monitoring.prometheus.targets_up_ratio    ratio    1      monitoring  prometheus  Share of the targets whose last scrape succeeded
monitoring.prometheus.scrape_interval_seconds number   s      monitoring  prometheus  Longest scrape interval of the targets, or the configured default
monitoring.prometheus.alerts.count        integer  rules  monitoring  prometheus  Alerting rules found
monitoring.prometheus.rules_failing       integer  rules  monitoring  prometheus  Rules whose last evaluation failed
monitoring.prometheus.latency_alert.present boolean  -      monitoring  prometheus  An alert looks at latency
monitoring.prometheus.latency_alert.name  text     -      monitoring  prometheus  Name of the alert that looks at latency
monitoring.prometheus.latency_alert.threshold_ms number   ms     monitoring  prometheus  Latency above which that alert fires
monitoring.prometheus.error_alert.present boolean  -      monitoring  prometheus  An alert looks at errors
monitoring.prometheus.saturation_alert.present boolean  -      monitoring  prometheus  An alert looks at saturation: CPU, memory, queues, requests in flight
monitoring.prometheus.count_restarted     boolean  -      monitoring  prometheus  The counting process restarted while requests were counted
monitoring.prometheus.count_ratio         ratio    1         monitoring  prometheus  Requests the target's own metrics counted, over requests sent
monitoring.prometheus.drift_alert.present boolean  -      monitoring  prometheus  An alert looks at the drift of inputs or predictions
monitoring.prometheus.quality_alert.present boolean  -    monitoring  prometheus  An alert looks at the quality of answers: accuracy, click-through and the like
monitoring.prometheus.data_size_alert.present boolean -   data        prometheus  An alert looks at the size of stored data
monitoring.prometheus.has_cache_counter   boolean  -      infra       prometheus  Hits and misses of a cache are counted
monitoring.prometheus.has_feature_timing  boolean  -      data        prometheus  The time of making features is a distribution of its own
infra.kubernetes.session_affinity.present boolean  -      infra       kubernetes  The Service sends a client to the same pod each time
monitoring.dashboards.count               integer  dashboards monitoring dashboards Dashboards kept as files
monitoring.dashboards.best                text     -      monitoring  dashboards  The dashboard with most of response time, traffic, errors and saturation on it
monitoring.dashboards.four_signals        boolean  -      monitoring  dashboards  That dashboard shows response time, traffic, errors and saturation
monitoring.dashboards.percentiles         boolean  -      monitoring  dashboards  That dashboard shows percentiles
monitoring.alarms.count                   integer  alarms monitoring  alarms      Alarms of a cloud or monitors of Datadog, kept as files
monitoring.alarms.latency.present         boolean  -      monitoring  alarms      One of them looks at response times
monitoring.alarms.error.present           boolean  -      monitoring  alarms      One of them looks at errors
monitoring.inputs_watched.present         boolean  -      monitoring  cloud       A monitor of the inputs of a model is declared
monitoring.tracing.library.present        boolean  -      monitoring  dependencies A library that makes traces is among the packages
monitoring.tracing.library.name           text     -      monitoring  dependencies The library that makes traces
monitoring.tracing.pipeline.present       boolean  -      monitoring  telemetry   A collector takes traces in and sends them to a place where they are kept
monitoring.tracing.slow_kept.present      boolean  -      monitoring  telemetry   The collector keeps traces by how long they took
infra.cloud.resources.count               integer  resources infra    cloud       Resources that Terraform or CloudFormation files declare
infra.cloud.managed.count                 integer  resources infra    cloud       Managed databases, queues, warehouses and model hosts among them
infra.cloud.managed.names                 text     -      infra       cloud       The types of these
infra.cloud.budget.present                boolean  -      infra       cloud       A budget, or a watch for odd costs, is declared
infra.cloud.cost_tags.present             boolean  -      infra       cloud       Resources carry a tag by which cost is told apart
infra.cloud.autoscaling.present           boolean  -      infra       cloud       A scaling policy of a cloud is declared
infra.cloud.autoscaling.can_scale         boolean  -      infra       cloud       Its most copies lie above its least
infra.cloud.autoscaling.signal            choice:cpu:memory:demand - infra    cloud       What the policy looks at
infra.cloud.scheduled_scaling.present     boolean  -      infra       cloud       Capacity is changed by a timetable
infra.dockerfile.present                  boolean  -      infra       containers  The service has a Dockerfile
infra.dockerfile.healthcheck.present      boolean  -      infra       containers  Its image says how it is asked for its health
infra.compose.services.count              integer  services infra     containers  Services that Compose runs
infra.compose.service                     text     -      infra       containers  The service of Compose that the facts are about
infra.compose.image_pinned                boolean  -      infra       containers  Its image has a digest or a tag other than latest
infra.compose.memory_limit.present        boolean  -      infra       containers  It has a memory limit
infra.compose.replicas                    integer  replicas infra     containers  Copies of it that Compose runs
infra.compose.healthcheck.present         boolean  -      infra       containers  Compose asks it for its health
model.neighbours_library.present          boolean  -      models      dependencies A library of nearest neighbours is among the packages
model.neighbours_library.name             text     -      models      dependencies That library
data.log.present                          boolean  -      data        dependencies A durable log or queue is among the packages, or declared
infra.serving.batching.present            boolean  -      models      batching    The model server gathers single requests into batches
infra.ci.present                          boolean  -      infra       ci          A pipeline is written down
infra.ci.load_test.present                boolean  -      monitoring  ci          The pipeline runs a load test
infra.ci.load_gate.present                boolean  -      monitoring  ci          The pipeline fails where a load run breaks a requirement
infra.ci.regression_gate.present          boolean  -      monitoring  ci          The pipeline compares a load run with a baseline
infra.ci.evaluation.present               boolean  -      models      ci          The pipeline evaluates a model
infra.ci.evaluation_gate.present          boolean  -      models      ci          The pipeline evaluates a model against a least or a most
data.engine.present                       boolean  -      data        dependencies An engine that spreads data or moves it to disk is among the packages
data.engine.name                          text     -      data        dependencies That engine
data.warehouse.present                    boolean  -      data        dbt         Data goes to a warehouse
data.warehouse.kind                       text     -      data        dbt         The warehouse
data.warehouse.partitioned.present        boolean  -      data        dbt         A table is divided or clustered
data.warehouse.bound.present              boolean  -      data        dbt         A question to the warehouse has a bound on what it may read or cost
data.incremental_steps.count              integer  steps  data        dbt         Steps that take in only what is new
data.checks.count                         integer  checks data        checks      Checks of data that are declared
data.partitions.largest_over_median       ratio    1      data        spark       Largest piece that a stage of Spark read over the median one, in the most uneven stage
data.scheduler.present                    boolean  -      data        schedulers  A scheduler runs the steps of a pipeline
data.scheduler.kind                       text     -      data        schedulers  The scheduler
data.scheduler.retries                    integer  times  data        schedulers  Times a step is run again when it fails
data.features_ready.present               boolean  -      data        feast       A feature store keeps features ready for requests
load.models_timed                         integer  models models      load        Models of different sizes that were timed under one load
load.batch_gain                           ratio    1      models      load        Items a second in the largest list of a sweep, over those one by one
derived.fleet_headroom                    ratio    1         infra       derived     Measured capacity of the fleet over its peak load
derived.memory_limit_headroom             ratio    1         infra       derived     Memory limit over the measured peak
derived.runs_out_on                       date     -         infra       derived     Day on which growth reaches the measured capacity
derived.days_to_run_out                   number   days      infra       derived     Days from the assessment until growth reaches the measured capacity
derived.replicas_needed                   integer  replicas  infra       derived     Replicas that the load to carry needs at the planned utilisation
derived.max_replicas_headroom             ratio    1         infra       derived     The autoscaler's maximum over the replicas that the load to carry needs
derived.cpu_at_knee_request_ratio         ratio    1         infra       derived     CPU that a replica uses at its highest throughput over its CPU request
derived.cpu_at_knee_limit_ratio           ratio    1         infra       derived     CPU that a replica uses at its highest throughput over its CPU limit
derived.hpa_target_margin                 ratio    1         infra       derived     CPU at the highest throughput, of the request, over the autoscaler's CPU target; under 1 it never acts
derived.hours_to_memory_limit             number   h         infra       derived     Hours at today's peak until memory growth reaches the limit
derived.latency_alert_ratio               ratio    1         monitoring  derived     Threshold of the latency alert over the response time of the SLO
derived.cost_per_million                  number   -         infra       derived     Price of a million requests at the planned utilisation, in the profile's currency
history.load_runs_90_days                 integer  runs      monitoring  history     Completed load runs of the last 90 days
history.load_run_age_days                 number   days      monitoring  history     Days since the last completed load run
"""  # noqa: E501


def _read_table(table: str) -> dict[str, FactName]:
    entries = {}
    for row in table.strip().splitlines():
        name, kind, unit, pillar, probe, meaning = row.split(maxsplit=5)
        type_, *choices = kind.split(":")
        entries[name] = FactName(
            name=name,
            type=type_,  # type: ignore[arg-type]
            unit="" if unit == "-" else unit,
            pillar=_PILLARS[pillar],
            meaning=meaning,
            probe=probe,
            choices=tuple(choices),
        )
    return entries


_catalogue = _read_table(_TABLE)
CATALOGUE: Mapping[str, FactName] = MappingProxyType(_catalogue)


def register(entries: Iterable[FactName]) -> None:
    """Adds names to the catalogue, for probes that come from other packages.

    Raises `FactError`, and adds none, when a name's subject is unknown or the name stands there already with
    another meaning.
    """
    added: dict[str, FactName] = {}
    for entry in entries:
        if entry.name.split(".")[0] not in SUBJECTS or "." not in entry.name:
            raise FactError(f"'{entry.name}' must start with one of {', '.join(SUBJECTS)} and a dot")
        if added.setdefault(entry.name, _catalogue.get(entry.name, entry)) != entry:
            raise FactError(f"'{entry.name}' is catalogued already with another type, unit or meaning")
    _catalogue.update(added)
