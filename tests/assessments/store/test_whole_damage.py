"""Whatever bit flips in a stored assessment: it is refused, or named, or makes no difference."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assessments.store import DamagedSetup, Store, StoreError, open_store

Change = Callable[..., None]


def everything(store: Store) -> Any:
    """All of the assessment but for its name and its times of change, which are no evidence."""
    (listed,) = store.assessments()
    found = store.contents(listed.name)
    milestones = [store.milestone(listed.name, entry.label) for entry in store.milestones(listed.name)]
    return replace(found, name="", id=""), milestones


def test_an_intact_assessment_says_so(whole: Store) -> None:
    found, _ = everything(whole)
    assert found.damaged == []
    assert (len(found.answers), len(found.evidence), len(found.results), len(found.milestones)) == (
        1,
        1,
        1,
        1,
    )


def test_no_single_flipped_bit_of_an_assessment_passes_unseen(whole: Store, path: Path) -> None:
    before = everything(whole)
    whole.close()
    content = path.read_bytes()
    chance = random.Random(20260301)
    # Where its own rows lie: page by page, what holds a word that only they hold.
    words = (b"before the campaign", b"INF_01_a", b"deploy/hpa.yaml", b'{"schema":"loadstone.assessment/1"}')
    pages = {content.rindex(word) // 4096 for word in words}
    used = [place for place, byte in enumerate(content) if byte and place // 4096 in pages]
    for _ in range(200):
        place, bit = chance.choice(used), chance.randrange(8)
        altered = bytearray(content)
        altered[place] ^= 1 << bit
        path.write_bytes(altered)
        Path(f"{path}-journal").unlink(missing_ok=True)
        try:
            with open_store(str(path)) as store:
                found = everything(store)
        except StoreError:
            continue
        assert found[0].damaged or found == before, f"bit {bit} of byte {place}"


@pytest.mark.parametrize(
    ("statement", "begins"),
    [
        ("UPDATE answer SET note = 'since April'", "the answer to INF-01 does not match its hash"),
        ("DELETE FROM answer", "0 answers are stored where 1 were written"),
        ("UPDATE evidence SET document = '{}'", "the evidence from deploy/ does not match its hash"),
        ("DELETE FROM evidence", "0 pieces of evidence are stored where 1 were written"),
        ("UPDATE run SET result = '{}'", "the run run-0001 is left out: its result does not match its hash"),
        ("UPDATE run SET assessment_key = NULL", "0 runs are stored where 1 joined"),
        ("UPDATE milestone SET document = '{}'", "the milestone before does not match its hash"),
        ("DELETE FROM milestone", "0 milestones are stored where 1 were written"),
        ("UPDATE assessment SET answer_count = 'x'", "1 answers are stored where -1 were written"),
        ("UPDATE assessment SET run_count = 2", "1 runs are stored where 2 joined"),
    ],
)
def test_each_damaged_part_is_named_and_the_rest_is_read(
    whole: Store, path: Path, change: Change, statement: str, begins: str
) -> None:
    before, _ = everything(whole)
    change(path, statement)
    found = whole.contents("checkout")
    (said,) = found.damaged
    assert said.startswith(begins)
    kept = [len(part) for part in (found.answers, found.evidence, found.results, found.milestones)]
    assert sum(kept) == 3 + ("assessment SET" in statement)
    assert found.setup == before.setup


@pytest.mark.parametrize(
    "word", ["before the campaign", '"peak_per_s":180', '"zeta": 1', '"reason":"test data']
)
def test_a_flipped_bit_in_the_setup_stops_everything_that_rests_on_it(
    whole: Store, path: Path, word: str
) -> None:
    whole.close()
    content = bytearray(path.read_bytes())
    content[content.rindex(word.encode()) + len(word) - 1] ^= 1
    path.write_bytes(content)
    with open_store(str(path)) as store:
        with pytest.raises(DamagedSetup, match="the setup of 'checkout' does not match its hash"):
            store.contents("checkout")
        assert store.assessments()[0].answers == 1
        assert len(store.answers("checkout")) == 1
