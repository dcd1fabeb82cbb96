"""Milestones are kept whole under their label, and a damaged one is shown as such and never read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assessments.store import (
    Answer,
    DamagedMilestone,
    MilestoneSummary,
    Store,
    StoredMilestone,
    UnknownAssessment,
    UnknownMilestone,
    open_store,
)
from probes.errors import UsageError

Change = Callable[..., None]
DOCUMENT: dict[str, Any] = {"schema": "loadstone.assessment/1", "z": 1.5, "a": ["µ", None, {"deep": True}]}


@pytest.fixture
def marked(store: Store, noon: datetime) -> Store:
    """An assessment with the milestones `second`, an hour after `first`, added in that order."""
    store.save_answer("checkout", Answer("INF-01", state="unsure"))
    store.save_milestone("checkout", StoredMilestone("second", noon + timedelta(hours=1), {"number": 2}))
    store.save_milestone("checkout", StoredMilestone("first", noon, DOCUMENT))
    return store


def test_milestones_stand_oldest_first_and_are_read_whole(marked: Store, noon: datetime) -> None:
    assert marked.milestones("checkout") == [
        MilestoneSummary("first", noon, intact=True),
        MilestoneSummary("second", noon + timedelta(hours=1), intact=True),
    ]
    found = marked.milestone("checkout", "first")
    assert found == StoredMilestone("first", noon, DOCUMENT)
    assert list(found.document) == ["schema", "z", "a"]
    assert [entry.label for entry in marked.contents("checkout").milestones] == ["first", "second"]


def test_a_label_is_given_once(marked: Store, noon: datetime) -> None:
    with pytest.raises(UsageError, match="there is a milestone 'first' of 'checkout' already"):
        marked.save_milestone("checkout", StoredMilestone("first", noon, {}))
    assert marked.milestone("checkout", "first").document == DOCUMENT


def test_an_unknown_milestone_names_near_ones(marked: Store) -> None:
    with pytest.raises(UnknownMilestone, match="near it are first"):
        marked.milestone("checkout", "fisrt")
    with pytest.raises(UnknownMilestone, match="the last ones are first, second"):
        marked.milestone("checkout", "xyz")
    marked.save_answer("search", Answer("INF-01", state="unsure"))
    with pytest.raises(UnknownMilestone, match="it has none yet"):
        marked.milestone("search", "first")
    with pytest.raises(UnknownAssessment):
        marked.milestones("serch")


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "x" * 101, "a\u202eb", "\ud800"])
def test_a_label_that_cannot_be_shown_is_refused(label: str, noon: datetime) -> None:
    with pytest.raises(UsageError, match="the label of a milestone"):
        StoredMilestone(label, noon, {})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE milestone SET document = replace(document, '1.5', '1.6')",
        "UPDATE milestone SET document = '{'",
        "UPDATE milestone SET document = x'ff00ff'",
        "UPDATE milestone SET at = '2026-03-01T12:00:01.000000+00:00'",
        "UPDATE milestone SET position = 5",
    ],
)
def test_a_damaged_milestone_is_shown_and_never_read(
    marked: Store, path: Path, change: Change, statement: str
) -> None:
    change(path, f"{statement} WHERE label = 'first'")
    said = "the milestone first does not match its hash and is not used"
    with open_store(str(path)) as store:
        intact = {entry.label: entry.intact for entry in store.milestones("checkout")}
        assert intact == {"first": False, "second": True}
        with pytest.raises(DamagedMilestone, match="take it from a backup"):
            store.milestone("checkout", "first")
        assert store.assessment("checkout").damaged == [said]
        found = store.contents("checkout")
        assert [entry.label for entry in found.milestones] == ["second"]
        assert found.damaged == [said]


def test_a_milestone_that_is_gone_is_said(marked: Store, path: Path, change: Change) -> None:
    change(path, "DELETE FROM milestone WHERE label = 'first'")
    with open_store(str(path)) as store:
        (said,) = store.assessment("checkout").damaged
    assert said.startswith("1 milestones are stored where 2 were written")
