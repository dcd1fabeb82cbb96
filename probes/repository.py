"""What stands in a service's repository beside its manifests: readers of one kind of file each.

A reader is asked for every file of a scan whether it is one of its kind (by its name, and by what is in it),
reads those, and tells its facts when all files are known. It tells what it read; what it did not find in the
files that it was given it leaves out, since it may stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

from probes.documents import DocumentError, read_json, read_yaml_each
from probes.scanned import Findings


class Reader(Protocol):
    """Reads one kind of file. `system` names it, as the probe of its facts."""

    system: ClassVar[str]

    def looks_at(self, file: Path) -> bool:
        """Whether a file of this name may be one of its kind."""

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Reads a file that it looks at; returns its kind, None for another. Raises `DocumentError`."""

    def findings(self) -> Findings:
        """The facts of all files that were read."""


def readers() -> tuple[Reader, ...]:
    """All of them, with nothing read yet."""
    from probes.data.checks import ChecksReader
    from probes.data.dbt import DbtReader
    from probes.data.feast import FeastReader
    from probes.data.schedulers import SchedulerReader
    from probes.data.spark_log import SparkLogReader
    from probes.infrastructure.batching import BatchingReader
    from probes.infrastructure.ci import PipelineReader
    from probes.infrastructure.cloud import CloudReader
    from probes.infrastructure.containers import ContainerReader
    from probes.infrastructure.dependencies import DependencyReader
    from probes.monitoring.dashboards import DashboardReader
    from probes.monitoring.datadog import MonitorReader
    from probes.monitoring.telemetry import CollectorReader

    return (
        CloudReader(),
        ContainerReader(),
        BatchingReader(),
        DependencyReader(),
        PipelineReader(),
        DashboardReader(),
        MonitorReader(),
        CollectorReader(),
        SchedulerReader(),
        DbtReader(),
        ChecksReader(),
        FeastReader(),
        SparkLogReader(),
    )


def documents(file: Path, data: bytes) -> Iterator[Any]:
    """The documents in a file of YAML or JSON. Raises `DocumentError` for the first that cannot be read."""
    if file.suffix.lower() == ".json":
        yield read_json(data, str(file))
        return
    for document in read_yaml_each(data, str(file), aliases=True):
        if isinstance(document, DocumentError):
            raise document
        yield document
