"""The models of facts, without any view."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.gui.models.facts import (
    AGE,
    FACT,
    ROW,
    STATE,
    VALUE,
    FactsFilter,
    FactsModel,
    facts_by_hand,
    rows_of,
    value_of,
)
from assessments.evidence import Challenge
from assessments.judging import Judged, judged_at
from assessments.stored import materials
from probes.errors import UsageError
from probes.facts import CATALOGUE, Fact, Source

PEAK = "process.rss_peak_bytes"


@pytest.fixture
def judged(store: Any) -> Judged:
    given = materials(store, "shop")
    now = datetime.now(UTC)
    challenged = replace(given.answers, challenges=(Challenge(PEAK, "remediated", now, "a new image"),))
    hand = Fact("infra.kubernetes.replicas", 3, "replicas", Source("by hand"), now, "by_hand")
    return judged_at(replace(given, answers=challenged, facts=(*given.facts, hand)), now)


@pytest.fixture
def model(judged: Judged) -> FactsModel:
    made = FactsModel()
    made.show_rows(rows_of(judged))
    return made


@pytest.fixture
def filtered(model: FactsModel) -> FactsFilter:
    made = FactsFilter()
    made.setSourceModel(model)
    return made


def names(model: Any) -> list[str]:
    return [model.index(row, 0).data(ROW).fact.name for row in range(model.rowCount())]


def test_it_is_a_sound_model_filtered_or_not(
    model: FactsModel, filtered: FactsFilter, qtmodeltester: Any
) -> None:
    qtmodeltester.check(model, force_py=False)
    qtmodeltester.check(filtered, force_py=False)
    filtered.narrow(kind="read", text="limit")
    filtered.sort(VALUE, Qt.SortOrder.DescendingOrder)
    qtmodeltester.check(filtered, force_py=False)
    model.show_rows([])
    qtmodeltester.check(model, force_py=False)


def test_what_counts_stands_before_what_was_set_aside_with_its_reason(model: FactsModel) -> None:
    last = model.rows[-1]
    assert last.fact.name == PEAK
    assert (last.counts, last.state, last.why) == (
        False,
        "challenged",
        "challenged as remediated: a new image",
    )
    assert model.index(len(model.rows) - 1, STATE).data() == "challenged"
    assert all(row.counts for row in model.rows[:-1])


def test_the_kinds_are_counted(model: FactsModel) -> None:
    # Three facts of the manifest, one by hand, one set aside; nothing follows from a peak set aside.
    assert model.counts() == {"all": 5, "measured": 0, "read": 3, "derived": 0, "by_hand": 1, "set_aside": 1}


def test_a_filter_leaves_in_what_fits_all_of_it(filtered: FactsFilter) -> None:
    filtered.narrow(kind="set_aside")
    assert names(filtered) == [PEAK]
    filtered.narrow(kind="all", text="MEMORY limit")
    assert names(filtered) == ["infra.kubernetes.memory_limit.present", "infra.kubernetes.memory_limit_bytes"]
    filtered.narrow(text="", pillar="monitoring")
    assert names(filtered) == []
    filtered.narrow(pillar="")
    filtered.narrow_to(frozenset({"infra.kubernetes.replicas"}))
    assert names(filtered) == ["infra.kubernetes.replicas"]


def test_values_sort_by_their_number_and_words_behind_them(filtered: FactsFilter) -> None:
    filtered.sort(VALUE, Qt.SortOrder.AscendingOrder)
    assert names(filtered) == [
        "infra.kubernetes.replicas",  # 3
        PEAK,  # 1463 MiB
        "infra.kubernetes.memory_limit_bytes",  # 1536 MiB
        "infra.kubernetes.hpa.present",
        "infra.kubernetes.memory_limit.present",
    ]
    filtered.sort(AGE, Qt.SortOrder.AscendingOrder)
    assert names(filtered)[0] == "infra.kubernetes.replicas"
    filtered.sort(FACT, Qt.SortOrder.AscendingOrder)
    shown = [filtered.index(row, FACT).data() for row in range(filtered.rowCount())]
    assert shown == sorted(shown, key=str.casefold)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("infra.kubernetes.hpa.present", "Yes", True),
        ("infra.kubernetes.hpa.present", "false", False),
        ("infra.kubernetes.replicas", "3", 3),
        ("load.capacity", " 198.5 ", 198.5),
        ("process.gil_share", "97 %", 0.97),
        ("load.limited_by", "gil", "gil"),
    ],
)
def test_a_value_by_hand_is_read_as_its_fact_asks(name: str, text: str, value: object) -> None:
    found = value_of(CATALOGUE[name], text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("infra.kubernetes.hpa.present", "perhaps"),
        ("infra.kubernetes.replicas", "2.5"),
        ("infra.kubernetes.replicas", "1e400"),
        ("load.capacity", "many"),
        ("load.limited_by", "the weather"),
        ("infra.kubernetes.workload", "  "),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_to_write(name: str, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        value_of(CATALOGUE[name], text)
    assert "write" in str(refused.value)


def test_what_follows_from_other_facts_cannot_be_given_by_hand() -> None:
    given = {entry.name for entry in facts_by_hand()}
    assert "load.capacity" in given
    assert not {name for name in given if name.startswith(("derived.", "history.", "profile.", "machine."))}
