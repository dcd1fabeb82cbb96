"""Keeps the answers of an open assessment, change by change, without writing over anybody else's.

    keeping = AnswerKeeping(store, name, answers as they were read)
    conflicts = keeping.keep(answers)          # what others changed meanwhile, and so was not written
    keeping.settle("INF-08")                   # theirs was seen: from now on what we say is written

Where somebody else changed an answer since it was read, and we too, both stand side by side as a `Conflict`;
nothing of that question is written until it is settled, and everything else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from assessments.claims import Answers, Claim
from assessments.store import AnswerChanged, Store
from assessments.stored import keep_changes, materials

_MOST_TRIES = 4
"""Somebody else may change answers as quickly as we find out about it; then the next save tries again."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """An answer of ours that was not written, and what somebody else saved; None for no answer."""

    question: str
    mine: Claim | None
    theirs: Claim | None


class AnswerKeeping:
    """What is stored of one assessment's answers, as far as we know. Not for several threads at once."""

    def __init__(self, store: Store, name: str, answers: Answers) -> None:
        self._store, self._name, self._stored = store, name, answers
        self._theirs: dict[str, Claim | None] = {}

    def keep(self, answers: Answers) -> tuple[Conflict, ...]:
        """Writes what differs from what is stored; returns the conflicts that are open.

        Raises `StoreError` and `UsageError` with nothing written; the next call tries again.
        """
        for tries_left in reversed(range(_MOST_TRIES)):
            after = self._without_conflicts(answers)
            try:
                keep_changes(self._store, self._name, self._stored, after)
            except AnswerChanged:
                if not self._find_conflicts(after) or not tries_left:
                    raise
            else:
                self._stored = after
                break
        return tuple(
            Conflict(question, answers.claims.get(question), theirs)
            for question, theirs in self._theirs.items()
            if answers.claims.get(question) != theirs
        )

    def settle(self, question: str) -> None:
        """Takes what somebody else saved as what is stored, so that `keep` writes our answer over it."""
        theirs = self._theirs.pop(question, None)
        self._stored = replace(self._stored, claims=_with(self._stored.claims, {question: theirs}))

    def _without_conflicts(self, answers: Answers) -> Answers:
        """The answers, with those that are in conflict as we know them stored."""
        held = {question: self._stored.claims.get(question) for question in self._theirs}
        return replace(answers, claims=_with(answers.claims, held))

    def _find_conflicts(self, after: Answers) -> bool:
        """Notes which of our changes meet one of somebody else's; whether there is a new one."""
        theirs = materials(self._store, self._name).answers.claims
        mine, known = after.claims, self._stored.claims
        found = {
            question: theirs.get(question)
            for question in _questions(mine, known)
            if mine.get(question) != known.get(question) and theirs.get(question) != known.get(question)
        }
        self._theirs |= found
        return bool(found)


def _questions(*claims: Mapping[str, Claim]) -> Iterable[str]:
    return dict.fromkeys(question for some in claims for question in some)


def _with(claims: Mapping[str, Claim], changes: Mapping[str, Claim | None]) -> dict[str, Claim]:
    """The claims with some put in the place of what was there; None takes one out."""
    kept = {question: claim for question, claim in claims.items() if question not in changes}
    return kept | {question: claim for question, claim in changes.items() if claim is not None}
