"""What a Python project depends on, by the files that name its packages: engines of data, tracers.

`requirements*.txt`, `pyproject.toml` (also Poetry's), `environment.yml`, `Pipfile`. A package that is named
there is used, or was: that is why its fact proves no more than that the thing is at hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from probes.scanned import Findings

_LINE = re.compile(r"""^\s*(?:-\s+)?["']?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?["']?\s*(?:[=<>!~;,@"']|$)""")
_NORMAL = re.compile(r"[-_.]+")
_NAMES = re.compile(r"(requirements|pyproject|environment|conda|Pipfile)", re.I)

ENGINES = frozenset({
    "pyspark", "dask", "distributed", "duckdb", "polars", "modin", "vaex", "apache-beam", "apache-flink",
    "ray", "databricks-connect", "snowflake-snowpark-python", "ibis-framework",
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
        self._engine: tuple[str, str, int] | None = None
        self._tracer: tuple[str, str, int] | None = None

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
                place = (name, str(file), number)
                if name in ENGINES and self._engine is None:
                    self._engine = place
                if (name in TRACERS or _OPENTELEMETRY.fullmatch(name)) and self._tracer is None:
                    self._tracer = place
        return "dependencies" if count else None

    def findings(self) -> Findings:
        """Engine of data and library of traces, each with the line that names it."""
        found = Findings(self.system)
        for place, name in ((self._engine, "data.engine"), (self._tracer, "monitoring.tracing.library")):
            if place is not None:
                package, file, line = place
                found.add(f"{name}.present", True, file, line)
                found.add(f"{name}.name", package, file, line)
        return found


def _packages(line: str) -> list[str]:
    """The packages that a line names, normalised as PyPI does; a list in one line names several."""
    code = re.sub(r"(^|\s)#.*", "", line)
    quoted = re.findall(r"""["']([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)\s*(?:[=<>!~;@][^"']*)?["']""", code)
    found = _LINE.match(code)
    names = quoted or ([found[1]] if found is not None else [])
    if found is not None and "=" in code and not code.lstrip().startswith(("-", '"', "'")):
        names = [found[1], *names] if found[1] not in names else names
    return [_NORMAL.sub("-", name.split("[")[0]).lower() for name in names]
