"""Answers kept change by change beside other writers of the same store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assessments import stored
from assessments.answer_keeping import AnswerKeeping, Conflict
from assessments.claims import Answers, Claim
from assessments.store import Store, open_store

MINE, THEIRS = Claim("INF-01", ("INF_01_a",)), Claim("INF-01", ("INF_01_b",), note="theirs")
OTHER = Claim("INF-08", ("INF_08_a",))


@pytest.fixture
def store(tmp_path: Path, small_lens: object) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/answers.sqlite") as opened:
        stored.keep(opened, "shop", lens=small_lens, answers=Answers("none"))  # type: ignore[arg-type]
        yield opened


def read(store: Store) -> Answers:
    return stored.materials(store, "shop").answers


def with_claims(answers: Answers, *claims: Claim) -> Answers:
    return replace(answers, claims={**answers.claims, **{claim.question: claim for claim in claims}})


def test_what_is_kept_is_what_is_read_again(store: Store) -> None:
    answers = read(store)
    keeping = AnswerKeeping(store, "shop", answers)
    assert keeping.keep(with_claims(answers, MINE, OTHER)) == ()
    assert dict(read(store).claims) == {"INF-01": MINE, "INF-08": OTHER}
    assert keeping.keep(with_claims(answers, OTHER)) == ()
    assert dict(read(store).claims) == {"INF-08": OTHER}


def test_answers_to_other_questions_of_two_writers_both_stay(store: Store) -> None:
    first, second = (AnswerKeeping(store, "shop", read(store)) for _ in range(2))
    first.keep(with_claims(read(store), MINE))
    assert second.keep(with_claims(Answers("none"), OTHER)) == ()
    assert dict(read(store).claims) == {"INF-01": MINE, "INF-08": OTHER}


def test_two_answers_to_one_question_are_a_conflict_and_neither_is_written_over(store: Store) -> None:
    answers = read(store)
    keeping = AnswerKeeping(store, "shop", answers)
    AnswerKeeping(store, "shop", answers).keep(with_claims(answers, THEIRS))
    ours = with_claims(answers, MINE, OTHER)
    assert keeping.keep(ours) == (Conflict("INF-01", MINE, THEIRS),)
    # What is not in conflict is kept, and nothing of what is in conflict is, however often it is tried.
    assert keeping.keep(ours) == (Conflict("INF-01", MINE, THEIRS),)
    assert dict(read(store).claims) == {"INF-01": THEIRS, "INF-08": OTHER}


@pytest.mark.parametrize("is_mine", [True, False])
def test_a_settled_conflict_writes_what_was_decided(store: Store, is_mine: bool) -> None:
    answers = read(store)
    keeping = AnswerKeeping(store, "shop", answers)
    AnswerKeeping(store, "shop", answers).keep(with_claims(answers, THEIRS))
    keeping.keep(with_claims(answers, MINE))
    keeping.settle("INF-01")
    decided = MINE if is_mine else THEIRS
    assert keeping.keep(with_claims(answers, decided)) == ()
    assert read(store).claims["INF-01"] == decided


def test_an_answer_that_another_writer_took_back_is_a_conflict_with_none(store: Store) -> None:
    stored.keep(store, "shop", answers=with_claims(read(store), THEIRS))
    answers = read(store)
    keeping = AnswerKeeping(store, "shop", answers)
    AnswerKeeping(store, "shop", answers).keep(replace(answers, claims={}))
    assert keeping.keep(with_claims(answers, MINE)) == (Conflict("INF-01", MINE, None),)


def test_saying_what_the_other_said_is_no_conflict(store: Store) -> None:
    answers = read(store)
    keeping = AnswerKeeping(store, "shop", answers)
    AnswerKeeping(store, "shop", answers).keep(with_claims(answers, THEIRS))
    assert keeping.keep(with_claims(answers, THEIRS)) == ()
    assert read(store).claims["INF-01"] == THEIRS
