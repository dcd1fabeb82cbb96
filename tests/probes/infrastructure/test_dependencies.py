"""Packages are read from the files that name them, each with its line; a comment names none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.infrastructure.dependencies import DependencyReader


def read(name: str, text: str) -> dict[str, Any]:
    reader = DependencyReader()
    file = Path(name)
    assert reader.looks_at(file)
    reader.read(file, text.encode(), text)
    return {fact.name: (fact.value, fact.source.line) for fact in reader.findings().facts}


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("requirements.txt", "numpy\nPySpark==3.5.1  # the nightly job\n", 2),
        ("requirements-dev.in", "-r base.in\npyspark[sql,connect]>=3.4,<4 ; python_version >= '3.9'\n", 2),
        ("pyproject.toml", '[project]\ndependencies = [\n  "numpy>=1",\n  "pyspark ~= 3.5",\n]\n', 4),
        ("pyproject.toml", '[project]\ndependencies = ["numpy", "pyspark==3.5"]\n', 2),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\npyspark = "^3.5"\n', 3),
        ("pyproject.toml", '[tool.poetry.dependencies]\npyspark = {version = "^3.5", extras = ["sql"]}\n', 2),
        ("environment.yml", "dependencies:\n- python=3.11\n- pyspark=3.5\n- pip:\n  - fastapi\n", 3),
        ("Pipfile", '[packages]\npyspark = "*"\n', 2),
    ],
)
def test_an_engine_is_found_however_it_is_written(name: str, text: str, line: int) -> None:
    found = read(name, text)
    assert found["data.engine.name"] == ("pyspark", line)
    assert found["data.engine.present"] == (True, line)


@pytest.mark.parametrize(
    "text",
    ["# pyspark\n", "pyspark-stubs==3\n", "my_polars_helper==1\n", "fastapi  # with polars one day\n", ""],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert "data.engine.present" not in read("requirements.txt", text)


@pytest.mark.parametrize(
    "package", ["opentelemetry-sdk", "opentelemetry_instrumentation_fastapi", "ddtrace", "aws-xray-sdk"]
)
def test_libraries_of_traces(package: str) -> None:
    assert read("requirements.txt", f"{package}>=1\n")["monitoring.tracing.library.present"] == (True, 1)


@pytest.mark.parametrize(
    ("package", "thing"),
    [
        ("faiss-cpu", "model.neighbours_library"), ("hnswlib", "model.neighbours_library"),
        ("confluent-kafka", "data.log"), ("google-cloud-pubsub", "data.log"),
    ],
)  # fmt: skip
def test_indexes_of_neighbours_and_logs(package: str, thing: str) -> None:
    assert read("requirements.txt", f"numpy\n{package}==1\n")[f"{thing}.present"] == (True, 2)


def test_other_texts_are_not_looked_at() -> None:
    assert not any(
        DependencyReader().looks_at(Path(name)) for name in ("notes.txt", "setup.py", "pyspark.md")
    )
