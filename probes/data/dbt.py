"""dbt projects: which warehouse, which models take in only what is new, how tables are divided, checks.

`dbt_project.yml`, `profiles.yml`, the YAML beside models, and `config(…)` in models of SQL. Templates are not
rendered: what is written as it is counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import line_of, mapping, mappings
from probes.repository import documents
from probes.scanned import Findings

WAREHOUSES = frozenset(
    {"snowflake", "bigquery", "redshift", "databricks", "synapse", "fabric", "athena", "trino", "clickhouse"}
)
_CONFIG = re.compile(r"\{\{\s*config\((.{0,4000}?)\)\s*\}\}", re.DOTALL)
_INCREMENTAL = re.compile(r"""materialized\s*=\s*["']incremental["']""")
_DIVIDED = re.compile(r"""\b(partition_by|cluster_by|partitioned_by|distkey|dist|sort|sortkey)\s*=""")
_BOUNDS = ("maximum_bytes_billed", "job_execution_timeout_seconds")  # of profiles of BigQuery


class DbtReader:
    """Reads the files of a project of dbt."""

    system: ClassVar[str] = "dbt"

    def __init__(self) -> None:
        self._is_project = False
        self._places: dict[str, tuple[str, int | None]] = {}
        self._warehouse: tuple[str, str, int | None] | None = None
        self._incremental = 0
        self._tests = 0

    def looks_at(self, file: Path) -> bool:
        """YAML and SQL."""
        return file.suffix.lower() in (".yml", ".yaml", ".sql")

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Takes what belongs to a project."""
        if file.suffix.lower() == ".sql":
            return self._model(file, text)
        if file.name in ("dbt_project.yml", "dbt_project.yaml"):
            self._is_project = True
            for document in documents(file, data):
                self._walk(document, str(file), 0)
            return "dbt_project"
        if file.name in ("profiles.yml", "profiles.yaml") and "outputs:" in text:
            for document in documents(file, data):
                self._profiles(document, str(file))
            return "dbt_profiles"
        if "version: 2" in text and ("models:" in text or "sources:" in text):
            for document in documents(file, data):
                self._schema(document, str(file))
            return "dbt_schema"
        return None

    def _model(self, file: Path, text: str) -> str | None:
        found = _CONFIG.search(text)
        if found is None:
            return None
        line = text.count("\n", 0, found.start()) + 1
        if _INCREMENTAL.search(found[1]):
            self._incremental += 1
            self._places.setdefault("incremental", (str(file), line))
        if _DIVIDED.search(found[1]):
            self._places.setdefault("divided", (str(file), line))
        return "dbt_model"

    def _walk(self, node: Any, file: str, depth: int) -> None:
        """`+materialized: incremental` and the like, at any depth of a project's settings."""
        if depth > 20 or not isinstance(node, dict):
            return
        for key, value in node.items():
            name = key.lstrip("+")
            if name == "materialized" and value == "incremental":
                self._incremental += 1
                self._places.setdefault("incremental", (file, line_of(node, key)))
            elif name in ("partition_by", "cluster_by") and value:
                self._places.setdefault("divided", (file, line_of(node, key)))
            elif isinstance(value, dict):
                self._walk(value, file, depth + 1)

    def _profiles(self, document: Any, file: str) -> None:
        for profile in mapping(document).values():
            for output in mapping(mapping(profile).get("outputs")).values():
                kind = mapping(output).get("type")
                if isinstance(kind, str) and kind in WAREHOUSES and self._warehouse is None:
                    self._warehouse = (kind, file, line_of(output, "type"))
                for name in _BOUNDS:
                    if mapping(output).get(name):
                        self._places.setdefault("bound", (file, line_of(output, name)))

    def _schema(self, document: Any, file: str) -> None:
        for model in (
            *mappings(mapping(document).get("models")),
            *mappings(mapping(document).get("sources")),
        ):
            for tests in _tests(model):
                self._tests += len(tests)
                self._places.setdefault("tests", (file, line_of(model)))
            self._walk(mapping(model.get("config")), file, 0)

    def findings(self) -> Findings:
        """What was read of a project; models of SQL without one are of something else."""
        found = Findings(self.system)
        if not self._is_project:
            return found
        if self._warehouse is not None:
            kind, file, line = self._warehouse
            found.add("data.warehouse.present", True, file, line)
            found.add("data.warehouse.kind", kind, file, line)
        for part, name, value in (
            ("incremental", "data.incremental_steps.count", self._incremental),
            ("divided", "data.warehouse.partitioned.present", True),
            ("bound", "data.warehouse.bound.present", True),
            ("tests", "data.checks.count", self._tests),
        ):
            if part in self._places:
                found.add(name, value, *self._places[part])
        return found


def _tests(model: Any, depth: int = 0) -> Iterator[list[Any]]:
    """The lists of tests of a model, of its columns, and of a source's tables."""
    for key in ("tests", "data_tests"):
        entries = model.get(key)
        if isinstance(entries, list) and entries:
            yield entries
    if depth < 3:
        for key in ("columns", "tables"):
            for inner in mappings(model.get(key)):
                yield from _tests(inner, depth + 1)
