"""What measuring can settle, before anything is measured."""

from __future__ import annotations

from collections.abc import Collection

from assessments.lens import Lens
from probes.facts import CATALOGUE


def answers_to_be_settled(lens: Lens, probes: Collection[str]) -> tuple[int, int]:
    """Of how many questions facts of these probes can prove or contradict a choice, and of how many."""
    names = {name for name, entry in CATALOGUE.items() if entry.probe in probes}
    settled = sum(
        any(
            rule is not None and not names.isdisjoint(rule.names)
            for choice in question.choices
            for rule in (choice.verified_by, choice.contradicted_by)
        )
        for question in lens.questions
    )
    return settled, len(lens.questions)
