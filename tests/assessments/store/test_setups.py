"""What an assessment judges by is kept whole, and nobody overwrites what another saved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Answer, DamagedSetup, Setup, SetupChanged, Store, UnknownAssessment, open_store
from probes.errors import UsageError

Change = Callable[..., None]


def test_a_setup_round_trips(store: Store, setup: Setup) -> None:
    saved = store.save_setup("checkout", setup)
    assert store.setup("checkout") == saved
    assert (saved.version, saved.updated_at is not None) == (1, True)
    assert replace(saved, version=0, updated_at=None) == setup


def test_a_lens_keeps_the_order_of_its_keys(store: Store, setup: Setup) -> None:
    store.save_setup("checkout", setup)
    lens = store.setup("checkout").lens
    assert lens is not None
    assert list(lens) == ["schema", "zeta", "alpha"]
    assert list(lens["alpha"]) == ["b", "a"]


def test_an_assessment_without_a_setup_has_an_empty_one(store: Store) -> None:
    store.save_answer("checkout", Answer("INF-01", state="unsure"))
    assert store.setup("checkout") == Setup()
    with pytest.raises(UnknownAssessment):
        store.setup("chekout")


def test_a_setup_is_changed_from_the_version_it_was_read_as(store: Store, setup: Setup) -> None:
    first = store.save_setup("checkout", setup)
    second = store.save_setup("checkout", replace(first, title="Another"))
    assert (second.version, store.setup("checkout")) == (2, second)


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_setup_that_another_saved_meanwhile_stays(store: Store, setup: Setup, version: int) -> None:
    first = store.save_setup("checkout", setup)
    theirs = store.save_setup("checkout", replace(first, title="theirs"))
    with pytest.raises(SetupChanged, match="'checkout' was changed meanwhile"):
        store.save_setup("checkout", replace(setup, title="mine", version=version))
    assert store.setup("checkout") == theirs


def test_of_two_that_save_at_once_one_is_told(path: Path, setup: Setup) -> None:
    """Each adds one to a number it read, until it did so ten times: twenty in all, whoever was refused."""
    with open_store(str(path)) as store:
        store.save_setup("checkout", Setup(profile={"replicas": 0}))

    def add_ten() -> None:
        with open_store(str(path)) as mine:
            added = 0
            while added < 10:
                read = mine.setup("checkout")
                try:
                    mine.save_setup(
                        "checkout", replace(read, profile={"replicas": read.profile["replicas"] + 1})
                    )
                except SetupChanged:
                    continue
                added += 1

    threads = [threading.Thread(target=add_ten) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_store(str(path)) as store:
        assert store.setup("checkout").profile == {"replicas": 20}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE setup SET lens = replace(lens, '2.5', '2.6')",
        "UPDATE setup SET lens = '{'",
        'UPDATE setup SET profile = \'{"deploys_to":"vm"}\'',
        "UPDATE setup SET challenges = '[]'",
        "UPDATE setup SET weights = x'ff00'",
        "UPDATE setup SET version = 7",
        "UPDATE setup SET lens_name = NULL",
        "DELETE FROM setup",
    ],
)
def test_a_damaged_setup_is_said_and_not_used(
    path: Path, change: Change, setup: Setup, statement: str
) -> None:
    with open_store(str(path)) as store:
        saved = store.save_setup("checkout", setup)
    change(path, statement)
    with open_store(str(path)) as store:
        with pytest.raises(DamagedSetup, match="give profile, lens, weights and challenges again"):
            store.setup("checkout")
        with pytest.raises(DamagedSetup):
            store.contents("checkout")
        found = store.assessment("checkout")
        assert found.setup == Setup()
        assert len(found.damaged) == 1
        again = store.save_setup("checkout", setup)
        assert again.version > saved.version
        assert store.assessment("checkout").damaged == []


def test_a_setup_of_another_assessment_is_none_of_this_one(path: Path, change: Change, setup: Setup) -> None:
    with open_store(str(path)) as store:
        store.save_setup("checkout", setup)
        store.save_answer("search", Answer("INF-01", state="unsure"))
    change(path, "UPDATE setup SET assessment_key = (SELECT key FROM assessment WHERE name = 'search')")
    with open_store(str(path)) as store:
        for name in ("checkout", "search"):
            with pytest.raises(DamagedSetup):
                store.setup(name)


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "2", True, None])
def test_a_weight_that_is_no_number_is_refused(weight: Any) -> None:
    with pytest.raises(UsageError, match="the weight of INF-01"):
        Setup(weights={"INF-01": weight})


def test_keeping_replaces_answers_and_setup_at_once(store: Store, setup: Setup) -> None:
    store.keep("checkout", [Answer("INF-01", state="unsure"), Answer("INF-02", state="unsure")])
    before = store.answers("checkout")
    kept = [Answer("INF-02", state="unsure"), Answer("INF-03", choices=("INF_03_a",))]
    store.keep("checkout", kept, lambda present: replace(present, title="Checkout"))
    answers = store.answers("checkout")
    assert [(entry.question, entry.version) for entry in answers] == [("INF-02", 1), ("INF-03", 1)]
    assert answers[0] == before[1]  # what stands there alike is not touched
    assert store.setup("checkout").title == "Checkout"
    assert store.assessment("checkout").damaged == []


def test_keeping_writes_nothing_when_the_setup_is_refused(store: Store) -> None:
    store.keep("checkout", [Answer("INF-01", state="unsure")])

    def refuse(present: Setup) -> Setup:
        raise UsageError("the lens has no question INF-02")

    with pytest.raises(UsageError, match="INF-02"):
        store.keep("checkout", [Answer("INF-02", state="unsure")], refuse)
    assert [entry.question for entry in store.answers("checkout")] == ["INF-01"]
    with pytest.raises(UsageError):
        store.keep("another", None, refuse)
    assert [entry.name for entry in store.assessments()] == ["checkout"]


def test_what_is_kept_as_it_stands_is_no_change(store: Store, setup: Setup) -> None:
    store.keep("checkout", [Answer("INF-01", state="unsure")], lambda _: setup)
    before = store.assessment("checkout")
    store.keep("checkout", [Answer("INF-01", state="unsure")], lambda present: present)
    assert store.assessment("checkout") == before


def test_a_reader_sees_answers_and_setup_of_one_writer(path: Path) -> None:
    """Two writers each keep answers and a title of one kind; no reader ever sees them mixed."""
    with open_store(str(path)) as store:
        store.keep("checkout", [Answer("INF-01", state="unsure", note="0")], named("0"))
    done = threading.Event()

    def write(letter: str) -> None:
        with open_store(str(path)) as mine:
            for number in range(8):
                mark = f"{letter}{number}"
                mine.keep("checkout", [Answer("INF-01", state="unsure", note=mark)], named(mark))

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    seen: set[tuple[str, str]] = set()

    def read() -> None:
        with open_store(str(path)) as mine:
            while not done.is_set():
                found = mine.contents("checkout")
                seen.add((found.setup.title, found.answers[0].note))

    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert seen
    assert all(title == note for title, note in seen), seen


def named(title: str) -> Callable[[Setup], Setup]:
    return lambda present: replace(present, title=title)


def test_a_damaged_setup_is_amended_only_on_demand(path: Path, change: Change, setup: Setup) -> None:
    with open_store(str(path)) as store:
        store.save_setup("checkout", setup)
    change(path, "UPDATE setup SET title = 'another'")
    with open_store(str(path)) as store:
        with pytest.raises(DamagedSetup):
            store.keep("checkout", None, named("mine"))
        store.keep("checkout", None, named("mine"), even_damaged=True)
        assert (store.setup("checkout").title, store.setup("checkout").profile) == ("mine", {})
