"""What runs the steps of a data pipeline again when one fails: DAGs of Airflow, and other schedulers.

Python is parsed and never run. Of Airflow, Prefect and Dagster the retries are read where they are written as
a number; of Step Functions and Argo from their documents.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import DocumentError, line_of, mapping, mappings
from probes.repository import documents
from probes.scanned import Findings

PREFIX = "data.scheduler."
_IMPORTS = re.compile(
    r"^[ \t]*(?:from|import)\s+(airflow|dagster|prefect|luigi|kedro|metaflow|flytekit)\b", re.MULTILINE
)
_NAMES = {
    "airflow": "Airflow", "dagster": "Dagster", "prefect": "Prefect", "luigi": "Luigi", "kedro": "Kedro",
    "metaflow": "Metaflow", "flytekit": "Flyte",
}  # fmt: skip
_RETRIES = frozenset({"retries", "max_retries", "retry_count", "times"})
_ARGO = frozenset({"Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"})
_MOST_VALUES = 1_000


class SchedulerReader:
    """Reads Python that imports a scheduler, state machines of Step Functions, and workflows of Argo."""

    system: ClassVar[str] = "schedulers"

    def __init__(self) -> None:
        self._first: tuple[str, str, int | None] | None = None
        self._retries: tuple[int, str, int | None] | None = None

    def looks_at(self, file: Path) -> bool:
        """Python, JSON and YAML."""
        return file.suffix.lower() in (".py", ".json", ".yaml", ".yml")

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Takes what schedules steps."""
        name = str(file)
        if file.suffix.lower() == ".py":
            found = _IMPORTS.search(text)
            return None if found is None else self._python(text, name, found[1])
        if '"StartAt"' in text and '"States"' in text:
            return self._states(file, data)
        if "argoproj.io/" in text and "kind:" in text:
            return self._argo(file, data)
        return None

    def _python(self, text: str, name: str, module: str) -> str | None:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise DocumentError(
                name, getattr(error, "lineno", None), "this is no Python that can be read"
            ) from error
        line = next(_schedules(tree), None)
        if line is None:
            return None
        self._found(_NAMES[module], name, line)
        for count, at in _retries(tree):
            self._retry(count, name, at)
        return "schedule"

    def _states(self, file: Path, data: bytes) -> str | None:
        for document in documents(file, data):
            states = mapping(mapping(document).get("States"))
            if not states:
                return None
            self._found("Step Functions", str(file), line_of(document))
            for state in states.values():
                for entry in mappings(mapping(state).get("Retry")):
                    attempts = entry.get("MaxAttempts", 3)
                    if type(attempts) is int:
                        self._retry(attempts, str(file), line_of(entry))
        return "state_machine"

    def _argo(self, file: Path, data: bytes) -> str | None:
        taken = False
        for document in documents(file, data):
            found = mapping(document)
            if str(found.get("kind")) not in _ARGO or not str(found.get("apiVersion", "")).startswith(
                "argoproj.io/"
            ):
                continue
            taken = True
            self._found("Argo Workflows", str(file), line_of(document))
            for strategy in _of_name(document, "retryStrategy"):
                limit = mapping(strategy).get("limit")
                if str(limit).isdigit():
                    self._retry(int(str(limit)), str(file), line_of(strategy))
        return "workflow" if taken else None

    def _found(self, kind: str, file: str, line: int | None) -> None:
        self._first = self._first or (kind, file, line)

    def _retry(self, count: int, file: str, line: int | None) -> None:
        if self._retries is None or count > self._retries[0]:
            self._retries = (count, file, line)

    def findings(self) -> Findings:
        """The scheduler, and the most often that it runs a step again."""
        found = Findings(self.system)
        if self._first is not None:
            kind, file, line = self._first
            found.add(PREFIX + "present", True, file, line)
            found.add(PREFIX + "kind", kind, file, line)
        if self._retries is not None:
            count, file, line = self._retries
            found.add(PREFIX + "retries", count, file, line)
        return found


_MAKERS = frozenset({
    "DAG", "dag", "flow", "job", "asset", "schedule", "ScheduleDefinition", "Task", "FlowSpec", "workflow",
    "Pipeline", "node",
})  # fmt: skip


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _schedules(tree: ast.Module) -> Iterator[int]:
    """The lines on which a pipeline is made: a call, a decorator or a class that is known for it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _MAKERS:
            yield node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (one.lineno for one in node.decorator_list if _called(one) in _MAKERS)
        elif isinstance(node, ast.ClassDef):
            yield from (node.lineno for base in node.bases if _called(base) in _MAKERS)


def _retries(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Numbers of retries with their lines: keyword arguments, and entries such as those of default_args."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in _RETRIES:
            value = node.value
        elif isinstance(node, ast.Dict):
            for key, entry in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in _RETRIES and _is_count(entry):
                    yield entry.value, entry.lineno  # type: ignore[attr-defined]
            continue
        else:
            continue
        if _is_count(value):
            yield value.value, value.lineno  # type: ignore[attr-defined]


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value <= _MOST_VALUES


def _of_name(node: Any, name: str, depth: int = 0) -> Iterator[Any]:
    if depth > 40:
        return
    if isinstance(node, dict):
        if name in node:
            yield node[name]
        for value in node.values():
            yield from _of_name(value, name, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _of_name(value, name, depth + 1)
