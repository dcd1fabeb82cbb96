"""Facts for people: values with units and intervals, sources with file and line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.report.view import fact_source, fact_value, sentence
from probes.facts import CATALOGUE, Fact, Source

AT = datetime(2026, 3, 1, tzinfo=UTC)


def fact(name: str, value: Any, **more: Any) -> Fact:
    source = more.pop("source", Source("test"))
    return Fact(name, value, CATALOGUE[name].unit, source, AT, **more)


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (fact("load.capacity", 198.4, low=192.6, high=203.1), "198\xa0(193–203)\xa0req/s"),
        (fact("load.capacity", 198.4, low=192.6), "198\xa0(193–?)\xa0req/s"),
        (fact("derived.replicas_needed", 3, low=3.0, high=3.0), "3\xa0replicas"),
        (fact("infra.kubernetes.memory_limit_bytes", 1610612736), "1.5\xa0GiB"),
        (fact("infra.kubernetes.hpa.present", False), "no"),
        (fact("infra.kubernetes.hpa.target_cpu_ratio", 0.8), "80\xa0%"),
        (fact("load.error_ratio", 0.0), "0\xa0%"),
        (fact("derived.fleet_headroom", 1.4), "1.4"),
        (fact("history.load_runs_90_days", 1), "1\xa0run"),
        (fact("load.limited_by", "not_identified"), "not identified"),
        (fact("infra.kubernetes.workload", "Deployment/shop_api"), "Deployment/shop_api"),
        (fact("monitoring.prometheus.rules_failing", None, state="unreadable"), "unreadable"),
    ],
)
def test_a_value_reads_as_people_write_it(made: Fact, shown: str) -> None:
    assert fact_value(made) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (Source("kubernetes", file="deploy.yaml", line=41), "deploy.yaml, line 41"),
        (Source("kubernetes", file="deploy.yaml"), "deploy.yaml"),
        (Source("load", run="r7"), "run r7"),
        (Source("prometheus", query="up == 0"), "up == 0"),
        (Source("load", run="r7", machine="build-7"), "run r7 on build-7"),
        (Source("person"), "person"),
    ],
)
def test_a_source_says_where_to_look(source: Source, shown: str) -> None:
    assert fact_source(fact("load.capacity", 1.0, source=source)) == shown


def test_a_sentence_begins_and_ends_as_one() -> None:
    assert sentence("it was unreadable") == "It was unreadable."
    assert sentence(" Why? ") == "Why?"
    assert sentence("") == ""
