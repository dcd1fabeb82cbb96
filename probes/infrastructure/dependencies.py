"""What a Python project depends on, by the files that name its packages.

`requirements*.txt`, `pyproject.toml` (also Poetry's), `environment.yml`, `Pipfile`. A package that is named
there is used, or was: that is why its fact proves no more than that the thing is at hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from probes.facts import CATALOGUE
from probes.scanned import Findings

_LINE = re.compile(r"""^\s*(?:-\s+)?["']?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?["']?\s*(?:[=<>!~;,@"']|$)""")
_NORMAL = re.compile(r"[-_.]+")
_NAMES = re.compile(r"(requirements|pyproject|environment|conda|Pipfile)", re.I)

ENGINES = frozenset({
    "pyspark", "dask", "distributed", "duckdb", "polars", "modin", "vaex", "apache-beam", "apache-flink",
    "ray", "databricks-connect", "snowflake-snowpark-python", "ibis-framework",
})  # fmt: skip
LONGEST_LINE = 2_000
"""Characters of a line that are looked at."""
NEIGHBOURS = frozenset({
    "faiss-cpu", "faiss-gpu", "annoy", "hnswlib", "scann", "nmslib", "usearch", "pynndescent", "pgvector",
    "pymilvus", "qdrant-client", "weaviate-client", "pinecone", "pinecone-client",
})  # fmt: skip
LOGS = frozenset({
    "confluent-kafka", "kafka-python", "kafka-python-ng", "aiokafka", "faust-streaming", "pulsar-client",
    "google-cloud-pubsub", "azure-eventhub", "amazon-kinesis-client", "nats-py",
})  # fmt: skip
TRACERS = frozenset({
    "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-distro", "ddtrace", "jaeger-client",
    "aws-xray-sdk", "elastic-apm", "newrelic", "azure-monitor-opentelemetry", "logfire", "py-zipkin",
})  # fmt: skip
_OPENTELEMETRY = re.compile(r"opentelemetry-(instrumentation|exporter)-[\w-]+")


class DependencyReader:
    """Reads the files that name a project's packages."""

    system: ClassVar[str] = "dependencies"

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str, int]] = {}

    def looks_at(self, file: Path) -> bool:
        """By its name: what pip, Poetry, conda and Pipenv call it."""
        return bool(_NAMES.match(file.name)) and file.suffix.lower() in (
            ".txt",
            ".toml",
            ".yml",
            ".yaml",
            ".in",
            "",
        )

    def read(self, file: Path, data: bytes, text: str) -> str | None:  # noqa: ARG002
        """Takes the names that it knows; one of a comment is none."""
        count = 0
        for number, line in enumerate(text.splitlines(), 1):
            for name in _packages(line):
                count += 1
                for thing in _things(name):
                    self._places.setdefault(thing, (name, str(file), number))
        return "dependencies" if count else None

    def findings(self) -> Findings:
        """What is at hand, each with the line that names it."""
        found = Findings(self.system)
        for thing, (package, file, line) in self._places.items():
            found.add(f"{thing}.present", True, file, line)
            if f"{thing}.name" in CATALOGUE:
                found.add(f"{thing}.name", package, file, line)
        return found


def _things(name: str) -> list[str]:
    """What a package is for, as the beginning of a fact's name."""
    kinds = {
        "data.engine": name in ENGINES,
        "monitoring.tracing.library": name in TRACERS or bool(_OPENTELEMETRY.fullmatch(name)),
        "model.neighbours_library": name in NEIGHBOURS,
        "data.log": name in LOGS,
    }
    return [thing for thing, is_one in kinds.items() if is_one]


def _packages(line: str) -> list[str]:
    """The packages that a line names, normalised as PyPI does; a list in one line names several."""
    code = re.sub(r"(^|\s)#.*", "", line[:LONGEST_LINE])
    quoted = re.findall(r"""["']([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)\s*(?:[=<>!~;@][^"']*)?["']""", code)
    found = _LINE.match(code)
    names = quoted or ([found[1]] if found is not None else [])
    if found is not None and "=" in code and not code.lstrip().startswith(("-", '"', "'")):
        names = [found[1], *names] if found[1] not in names else names
    return [_NORMAL.sub("-", name.split("[")[0]).lower() for name in names]
