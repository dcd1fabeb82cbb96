"""Declarations of data are counted, and a feature store is one where a store for requests is set up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.data.checks import ChecksReader
from probes.data.feast import FeastReader

SUITE = {
    "expectation_suite_name": "orders",
    "expectations": [
        {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "price", "min_value": 0}},
    ],
}
SODA = """checks for orders:
- row_count > 0
- missing_count(id) = 0
checks for clicks:
- freshness(at) < 1d
"""


def values(reader: Any, name: str, text: str) -> dict[str, Any]:
    assert reader.looks_at(Path(name))
    reader.read(Path(name), text.encode(), text)
    return {fact.name: fact.value for fact in reader.findings().facts}


def test_suites_of_both_versions_of_great_expectations() -> None:
    assert values(ChecksReader(), "orders.json", json.dumps(SUITE)) == {"data.checks.count": 2}


def test_checks_of_soda() -> None:
    assert values(ChecksReader(), "checks.yml", SODA) == {"data.checks.count": 3}


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", '{"expectations": []}'), ("a.json", '{"expectations": 3}'), ("a.yml", "a: b\n")],
)
def test_nothing_declared_is_no_fact(name: str, text: str) -> None:
    assert values(ChecksReader(), name, text) == {}


FEAST = "project: shop\nregistry: s3://x/registry.db\nprovider: aws\n"


@pytest.mark.parametrize("store", ["online_store:\n  type: redis\n", "online_store: dynamodb\n"])
def test_a_feature_store_that_answers_requests(store: str) -> None:
    assert values(FeastReader(), "feature_store.yaml", FEAST + store) == {"data.features_ready.present": True}


@pytest.mark.parametrize("store", ["", "online_store: null\n", "offline_store: {type: file}\n"])
def test_one_for_training_alone_keeps_nothing_ready(store: str) -> None:
    assert values(FeastReader(), "feature_store.yaml", FEAST + store) == {}
