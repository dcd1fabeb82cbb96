"""Evidence from elsewhere is kept piece by piece, and what is damaged or lost of it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Store, StoredEvidence, UnknownAssessment, open_store
from probes.errors import UsageError

Change = Callable[..., None]
MakeEvidence = Callable[..., StoredEvidence]


def test_evidence_round_trips_in_the_order_it_was_added(store: Store, evidence: MakeEvidence) -> None:
    pieces = [
        evidence(),
        evidence(7, kind="facts_file", origin="facts.json", sealed=False),
        evidence(8, kind="by_hand", origin="by hand"),
    ]
    for piece in pieces:
        store.add_evidence("checkout", piece)
    assert store.evidence("checkout") == (pieces, [])
    assert store.assessment("checkout").evidence == pieces
    assert store.assessments()[0].evidence == 3


def test_the_same_piece_again_is_not_added(store: Store, evidence: MakeEvidence, noon: datetime) -> None:
    store.add_evidence("checkout", evidence())
    before = store.assessments()
    store.add_evidence("checkout", evidence(at=noon.replace(hour=13)))
    assert store.assessments() == before


def test_a_piece_that_stood_before_another_is_added_again(store: Store, evidence: MakeEvidence) -> None:
    for value in (6, 8, 6):
        store.add_evidence("checkout", evidence(value))
    found, _ = store.evidence("checkout")
    assert [piece.document["facts"][0]["value"] for piece in found] == [6, 8, 6]


@pytest.mark.parametrize("other", [{"kind": "facts_file"}, {"origin": "charts/"}, {"sealed": False}])
def test_a_piece_of_another_kind_origin_or_seal_is_another(
    store: Store, evidence: MakeEvidence, other: dict[str, Any]
) -> None:
    store.add_evidence("checkout", evidence())
    store.add_evidence("checkout", evidence(**other))
    assert len(store.evidence("checkout")[0]) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET document = replace(document, '6', '7')",
        "UPDATE evidence SET document = '{'",
        "UPDATE evidence SET sealed = 0",
        "UPDATE evidence SET kind = 'by_hand'",
        "UPDATE evidence SET at = 'noon'",
        "UPDATE evidence SET origin = 'another'",
        "UPDATE evidence SET position = 4",
        "UPDATE evidence SET document_sha256 = sha256",
    ],
)
def test_a_damaged_piece_is_said_and_left_out(
    path: Path, change: Change, evidence: MakeEvidence, statement: str
) -> None:
    with open_store(str(path)) as store:
        store.add_evidence("checkout", evidence())
        store.add_evidence("checkout", evidence(9, origin="charts/"))
    change(path, f"{statement} WHERE position = 0")
    with open_store(str(path)) as store:
        found, (said,) = store.evidence("checkout")
        assert [piece.origin for piece in found] == ["charts/"]
        assert "does not match its hash and is left out" in said
        assert store.contents("checkout").damaged == [said]


def test_a_damaged_piece_is_put_right_by_giving_it_again(
    path: Path, change: Change, evidence: MakeEvidence
) -> None:
    with open_store(str(path)) as store:
        store.add_evidence("checkout", evidence())
    change(path, "UPDATE evidence SET document = '{}'")
    with open_store(str(path)) as store:
        store.add_evidence("checkout", evidence())
        assert store.evidence("checkout") == ([evidence()], [])


def test_a_piece_that_is_gone_is_said(path: Path, change: Change, evidence: MakeEvidence) -> None:
    with open_store(str(path)) as store:
        for value in (6, 7):
            store.add_evidence("checkout", evidence(value))
    change(path, "DELETE FROM evidence WHERE position = 1")
    with open_store(str(path)) as store:
        found, (said,) = store.evidence("checkout")
        assert len(found) == 1
        assert said.startswith("1 pieces of evidence are stored where 2 were written")


def test_evidence_of_no_kind_and_without_a_zone_is_refused(
    store: Store, evidence: MakeEvidence, noon: datetime
) -> None:
    with pytest.raises(UsageError, match="'rumour' is no kind of evidence: name one of scan, probe_file"):
        evidence(kind="rumour")
    with pytest.raises(UsageError, match="needs a time with a time zone"):
        replace(evidence(), at=noon.replace(tzinfo=None))
    with pytest.raises(UnknownAssessment):
        store.evidence("checkout")
