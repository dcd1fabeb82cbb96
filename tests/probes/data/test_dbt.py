"""A project of dbt: its warehouse, incremental models, divided tables, bounds and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.data.dbt import DbtReader

PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\nmodels:\n  shop:\n    +materialized: view\n"
PROFILES = """shop:
  target: prod
  outputs:
    prod:
      type: bigquery
      maximum_bytes_billed: 1000000000
      keyfile: "{{ env_var('KEY') }}"
    dev: {type: duckdb, path: dev.db}
"""
MODEL = """{{
  config(
    materialized='incremental',
    unique_key='id',
    partition_by={'field': 'day', 'data_type': 'date'}
  )
}}
select * from {{ ref('clicks') }}
"""
SCHEMA = """version: 2
sources:
- name: raw
  tables:
  - name: clicks
    columns:
    - {name: id, data_tests: [unique, not_null]}
models:
- name: orders
  tests: [dbt_utils.equal_rowcount]
  columns:
  - name: status
    tests:
    - accepted_values: {values: [open, paid]}
"""


def read(**files: str) -> dict[str, tuple[Any, int | None]]:
    reader = DbtReader()
    for name, text in files.items():
        file = Path(name.replace("__", "."))
        assert reader.looks_at(file)
        reader.read(file, text.encode(), text)
    return {fact.name: (fact.value, fact.source.line) for fact in reader.findings().facts}


def test_warehouse_and_its_bound() -> None:
    found = read(dbt_project__yml=PROJECT, profiles__yml=PROFILES)
    assert found == {
        "data.warehouse.present": (True, 5),
        "data.warehouse.kind": ("bigquery", 5),
        "data.warehouse.bound.present": (True, 6),
    }


def test_a_file_of_ones_own_machine_is_no_warehouse() -> None:
    assert read(dbt_project__yml=PROJECT, profiles__yml=PROFILES.replace("bigquery", "duckdb")) == {
        "data.warehouse.bound.present": (True, 6)
    }


def test_models_that_take_in_only_what_is_new_and_are_divided() -> None:
    found = read(
        dbt_project__yml=PROJECT, orders__sql=MODEL, clicks__sql=MODEL.replace("incremental", "table")
    )
    assert found["data.incremental_steps.count"] == (1, 1)
    assert found["data.warehouse.partitioned.present"] == (True, 1)


def test_settings_of_the_whole_project() -> None:
    project = PROJECT.replace("view", "incremental") + "    marts:\n      +cluster_by: [day]\n"
    found = read(dbt_project__yml=project)
    assert found["data.incremental_steps.count"] == (1, 6)
    assert found["data.warehouse.partitioned.present"] == (True, 8)


def test_tests_of_models_columns_and_sources_are_counted() -> None:
    assert read(dbt_project__yml=PROJECT, schema__yml=SCHEMA)["data.checks.count"] == (4, 9)


def test_a_model_without_a_project_belongs_to_something_else() -> None:
    assert read(orders__sql=MODEL, schema__yml=SCHEMA) == {}


def test_sql_without_settings_and_yaml_of_others() -> None:
    assert read(dbt_project__yml=PROJECT, a__sql="select 1\n", compose__yml="services: {}\n") == {}
