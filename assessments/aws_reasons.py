"""Sentences that say why a selection of choices is judged as it is, and on which facts that rests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from assessments.evidence import Evidence
from assessments.expressions import Expression, Scalar
from assessments.lens import Choice, Question
from assessments.states import described_by_name, tell

RISK_WORDS = {"NO_RISK": "no risk", "MEDIUM_RISK": "a medium risk", "HIGH_RISK": "a high risk"}
_MOST_TOLD = 3
"""Choices, or facts, that one sentence tells of; there may be fifteen."""


class Reasons:
    """Makes the sentences of one question, and keeps the facts that they named."""

    def __init__(self, question: Question, evidence: Evidence) -> None:
        self._question = question
        self._evidence = evidence
        self._facts: dict[str, None] = {}

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that the sentences made so far rest on, each once."""
        return tuple(self._facts)

    def proof(self, choices: Collection[str]) -> str:
        """What proves these choices: `load.capacity = 42 1/s (…) proves aaa_1`."""
        return self._told(choices, "proves", lambda entry: entry.verified_by, self._evidence.proof)

    def refutation(self, choices: Collection[str], proven: Collection[str]) -> str:
        """What contradicts these choices, be it that others are proven."""
        direct = [
            entry.id for entry in self._entries(choices) if self._evidence.proves(entry.contradicted_by)
        ]
        text = self._told(direct, "contradicts", lambda entry: entry.contradicted_by, self._evidence.proof)
        if by_others := [entry.id for entry in self._entries(choices) if entry.id not in direct]:
            more = f"{self.proof(proven)}, which leaves no room for {listed(by_others)}"
            text = f"{text}; {more}" if text else more
        return text

    def doubt(self, choices: Collection[str]) -> str:
        """What casts doubt on these choices."""
        view = self._evidence.doubt
        return self._told(choices, "casts doubt on", lambda entry: entry.contradicted_by, view)

    def missing(self, choices: Collection[str]) -> str:
        """What would prove these choices."""
        unknown: dict[str, None] = {}
        lacking: dict[str, None] = {}
        unprovable = []
        for entry in self._entries(choices):
            if entry.verified_by is None:
                unprovable.append(entry.id)
                continue
            outcome = entry.verified_by.explain(self._evidence.proof)
            if outcome.value is None:
                unknown |= dict.fromkeys(outcome.facts)
            elif outcome.value is False:
                lacking |= dict.fromkeys(described_by_name(name, self._evidence) for name in outcome.facts)
        sentences = (
            f"Not known: {listed(unknown)}." if unknown else "",
            f"To be proven it lacks: {'; '.join(list(lacking)[:_MOST_TOLD])}." if lacking else "",
            f"No evidence is named for {listed(unprovable)}." if unprovable else "",
        )
        return " ".join(filter(None, sentences))

    def _entries(self, choices: Collection[str]) -> list[Choice]:
        """The choices of these ids, each once, in the order of the lens."""
        found = {entry.id: entry for entry in self._question.choices if entry.id in choices}
        return list(found.values())

    def _told(
        self,
        choices: Collection[str],
        does: str,
        asked: Callable[[Choice], Expression | None],
        view: Mapping[str, Scalar],
    ) -> str:
        entries = self._entries(choices)
        sentences: dict[str, list[str]] = {}
        for entry in entries[:_MOST_TOLD]:
            facts, told = tell(asked(entry), view, self._evidence)
            self._facts |= dict.fromkeys(facts)
            sentences.setdefault(told, []).append(entry.id)
        text = "; ".join(f"{told} {does} {listed(names)}" for told, names in sentences.items())
        more = len(entries) - _MOST_TOLD
        return f"{text}; and {more} more" if more > 0 else text


def listed(names: Iterable[str]) -> str:
    """Names with commas, cut after five."""
    shown = list(names)
    return ", ".join(shown[:5]) + (", …" if len(shown) > 5 else "")
