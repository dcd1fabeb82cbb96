"""What a metrics endpoint exposes: Prometheus' text format and OpenMetrics, from a file or by HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from probes.documents import MAX_BYTES, DocumentError
from probes.monitoring.fetch import Address, FetchError, get
from probes.scanned import Findings

MAX_LINES = 50_000
MAX_LINE = 20_000
"""Characters of one line."""

ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4"
PATH_LABELS = ("path", "handler", "route", "http_route", "endpoint", "uri", "url", "url_path", "target")
METHOD_LABELS = (("grpc_service", "grpc_method"), ("rpc_service", "rpc_method"))
"""As the gRPC libraries' own metrics have them, and OpenTelemetry."""
_STATUS_LABEL = re.compile(
    r"(http_|http_response_|response_|grpc_)?(code|status|status_code)|outcome|error|error_type|exception|result"
    r"|success|finished_reason"
)
_CACHE = re.compile(r"cache\w*_(hit|miss|request|lookup|quer)|(hits|misses)\w*_cache")
_FEATURES = re.compile(r"(feature|embedding_lookup|preprocess)\w*_(seconds|duration|latency|milliseconds|ms)")
_FIRST_LINES = 50
_TYPE_LINE = re.compile(
    r"# TYPE [a-zA-Z_:][\w:.]* (counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram)"
)
_OF_THE_PLATFORM = re.compile(r"(promhttp|prometheus|scrape|go|python|process|jvm|alertmanager)_")
_COUNTS_REQUESTS = re.compile(
    r"(^|[_:])(requests?|calls?|queries|predictions?|inferences?|invocations?|handled|served)([_:]|$)"
)
_OTHER_THAN_COUNTS = re.compile(
    r"(^|[_:])(size|bytes|seconds|duration|latency|errors?|failures?|failed|exceptions?|rejected|retries"
    r"|created)([_:]|$)"
)
_LATENCY = re.compile(
    r"duration|latency|response_?time|(request|processing|handling|inference|serving)_?time"
    r"|time_to_first_token|time_per_output_token|inter_token"
    r"|(request|response|inference|predict|handling)\w*_(seconds|milliseconds|ms)$"
)
_ERRORS = re.compile(r"(^|[_:])(errors?|failures?|failed|exceptions?)([_:]|$)")
_SATURATION = re.compile(
    r"in_?flight|in_?progress|queue|waiting|pending|backlog|(active|running|current|open)_(requests|connections)"
    r"|requests_(active|running)|cache_usage|utili[sz]ation"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of an exposition."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Family:
    """The samples under one name. A counter's `name` ends in what its samples end in."""

    name: str
    kind: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Exposition:
    """All that one endpoint exposed at one moment (`at` in Unix seconds; None for a file)."""

    source: str
    families: tuple[Family, ...]
    at: float | None = None

    @property
    def samples(self) -> Iterator[Sample]:
        """The samples of all families."""
        return (sample for family in self.families for sample in family.samples)

    @property
    def process_start(self) -> float | None:
        """When the process that answered had started, in Unix seconds, where it says so."""
        starts = {sample.value for sample in self.samples if sample.name == "process_start_time_seconds"}
        return starts.pop() if len(starts) == 1 else None


def looks_like_exposition(text: str) -> bool:
    """Whether one of the first lines declares a metric's type."""
    return any(_TYPE_LINE.match(line) for line in text.split("\n", _FIRST_LINES)[:_FIRST_LINES])


def read_exposition(
    data: bytes, source: str, *, open_metrics: bool | None = None, at: float | None = None
) -> Exposition:
    """The exposition in a text; OpenMetrics is told by its last line, `# EOF`, unless said.

    Raises `DocumentError` with `source` and the line.
    """
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
    from prometheus_client.parser import text_string_to_metric_families as text_families

    if len(data) > MAX_BYTES:
        raise DocumentError(source, None, f"is larger than {MAX_BYTES / 1e6:g} MB: give a smaller file")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(source, line, "this is no UTF-8 text: save it as UTF-8") from error
    if text.count("\n") > MAX_LINES:
        raise DocumentError(source, None, f"has more than {MAX_LINES:,} lines: expose fewer series")
    for number, row in enumerate(text.split("\n"), 1):
        if len(row) > MAX_LINE:
            raise DocumentError(source, number, f"has more than {MAX_LINE:,} characters: shorten its labels")
    if open_metrics is None:
        open_metrics = text.rstrip().endswith("# EOF")
    parse = open_families if open_metrics else text_families
    try:
        families = tuple(
            Family(
                _full_name(family.name, family.type, [sample.name for sample in family.samples]),
                family.type,
                tuple(Sample(one.name, dict(one.labels), float(one.value)) for one in family.samples),
            )
            for family in parse(text)
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        line_number = None if open_metrics else _bad_line(text)
        why = f"this is no exposition of metrics ({str(error)[:120]}): give what /metrics answers"
        raise DocumentError(source, line_number, " ".join(why.split())) from error
    return Exposition(source, families, at)


def _full_name(name: str, kind: str, samples: Iterable[str]) -> str:
    if kind != "counter":
        return name
    return next((one for one in samples if one in (name, f"{name}_total")), f"{name}_total")


def _bad_line(text: str) -> int | None:
    from prometheus_client.parser import text_string_to_metric_families

    for number, line in enumerate(text.split("\n"), 1):
        try:
            for _ in text_string_to_metric_families(line + "\n"):
                pass
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return number
    return None


def scrape(address: Address) -> Exposition:
    """What the endpoint at `address` exposes now. Raises `FetchError` and `DocumentError`."""
    reply = get(address, address.path or "/metrics", accept=ACCEPT)
    if reply.status != 200:
        raise FetchError(address.url, f"answered with status {reply.status}: give the address of its metrics")
    return read_exposition(
        reply.body, address.url, open_metrics="openmetrics" in reply.content_type.lower(), at=reply.at
    )


def request_counters(exposition: Exposition) -> list[Family]:
    """The counters of requests: those that tell paths apart first, then those with more series."""
    counters = [
        family
        for family in exposition.families
        if family.kind == "counter"
        and not _OF_THE_PLATFORM.match(family.name)
        and _COUNTS_REQUESTS.search(family.name)
        and not _OTHER_THAN_COUNTS.search(family.name.removesuffix("_total"))
    ]
    return sorted(
        counters, key=lambda family: (path_label(family) is None, -len(family.samples), family.name)
    )


def latency_histograms(exposition: Exposition) -> list[Family]:
    """The histograms of request times: those that tell paths apart first, then those with more series."""
    histograms = [
        family
        for family in exposition.families
        if family.kind == "histogram"
        and not _OF_THE_PLATFORM.match(family.name)
        and _LATENCY.search(family.name)
    ]
    return sorted(
        histograms, key=lambda family: (path_label(family) is None, -len(family.samples), family.name)
    )


def path_label(family: Family) -> str | None:
    """The label that holds the path of a request, if one does."""
    present = {label for sample in family.samples for label in sample.labels}
    return next((label for label in PATH_LABELS if label in present), None)


def method_labels(family: Family) -> tuple[str, str] | None:
    """The labels that hold the service and the method of a gRPC call, if there are such."""
    present = {label for sample in family.samples for label in sample.labels}
    return next((names for names in METHOD_LABELS if present.issuperset(names)), None)


def exposition_findings(exposition: Exposition, *, live: bool) -> Findings:
    """Facts about what is exposed. What a declared metric without series would tell is left open."""
    findings = Findings("prometheus", live=live)
    counters, histograms = request_counters(exposition), latency_histograms(exposition)

    def add(name: str, value: bool | int | str) -> None:
        findings.add(f"monitoring.prometheus.{name}", value, exposition.source)

    add("series.count", sum(1 for _ in exposition.samples))
    add("has_request_counter", bool(counters))
    if counters:
        add("request_counter", counters[0].name)
    add("has_latency_histogram", bool(histograms))
    if histograms:
        add("latency_histogram", histograms[0].name)
    told = _errors_are_told(exposition, [*counters, *histograms])
    if told is not None:
        add("has_error_label", told)
    names = {family.name for family in exposition.families}
    add("has_process_metrics", {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= names)
    gauges = [family for family in exposition.families if family.kind in ("gauge", "unknown")]
    shown = any(_SATURATION.search(one.name) and not _OF_THE_PLATFORM.match(one.name) for one in gauges)
    add("has_saturation_metric", shown)
    # These are told where they are seen: a service without them may well count them elsewhere.
    own = [family for family in exposition.families if not _OF_THE_PLATFORM.match(family.name)]
    if any(one.kind == "counter" and _CACHE.search(one.name) for one in own):
        add("has_cache_counter", True)
    if any(one.kind in ("histogram", "summary") and _FEATURES.search(one.name) for one in own):
        add("has_feature_timing", True)
    return findings


def _errors_are_told(exposition: Exposition, families: list[Family]) -> bool | None:
    for family in exposition.families:
        own = not _OF_THE_PLATFORM.match(family.name)
        if family.kind == "counter" and own and _ERRORS.search(family.name.removesuffix("_total")):
            return True
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    if any(_STATUS_LABEL.fullmatch(label) for label in labels):
        return True
    return False if not families or any(family.samples for family in families) else None
