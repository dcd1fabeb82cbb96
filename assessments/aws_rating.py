"""The questions of an AWS lens rated for a selection of choices, and counted by their risk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from assessments.aws_lens import RATINGS, Question, Rating


@dataclass(frozen=True, slots=True)
class Rated:
    """One question with what was selected and the rating that follows."""

    question: Question
    selected: tuple[str, ...]
    rating: Rating

    @property
    def contradicts_itself(self) -> bool:
        """Whether "none of these" is selected together with one of these."""
        chosen = [choice for choice in self.question.choices if choice.id in self.selected]
        return any(choice.is_none for choice in chosen) and not all(choice.is_none for choice in chosen)


def rate(questions: Iterable[Question], selected: Mapping[str, Collection[str]]) -> list[Rated]:
    """Every question rated; a question without an entry has nothing selected."""
    rated = []
    for question in questions:
        wanted = selected.get(question.id, ())
        chosen = tuple(dict.fromkeys(choice.id for choice in question.choices if choice.id in wanted))
        rated.append(Rated(question, chosen, question.risk(chosen)))
    return rated


def count_ratings(rated: Sequence[Rated]) -> dict[Rating, int]:
    """How many questions have each rating; all ratings are named."""
    return {rating: sum(entry.rating == rating for entry in rated) for rating in RATINGS}


def select_all(questions: Iterable[Question]) -> dict[str, tuple[str, ...]]:
    """Every choice of every question, "none of these" as well."""
    return {question.id: tuple(choice.id for choice in question.choices) for question in questions}


def select_first(questions: Iterable[Question]) -> dict[str, tuple[str, ...]]:
    """The first choice of every question."""
    return {name: choices[:1] for name, choices in select_all(questions).items()}
