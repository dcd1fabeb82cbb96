"""The levels of a question as the ladder draws them."""

from __future__ import annotations

from app.gui.level_words import deciding_words, standing_sign, tr
from app.gui.models.questions import is_proposed
from app.gui.widgets.ladder import Shown
from assessments.evidence import Evidence
from assessments.ladders import Level, levels_of
from assessments.lens import Question
from assessments.states import Judgement

MOST_KEYS = 10
"""Levels that a digit answers, 0 to 9."""


def shown_levels(question: Question, judgement: Judgement, evidence: Evidence) -> list[Shown]:
    """From the top down: on a ladder the highest first, by risk rules in the order of the lens."""
    levels = levels_of(question, evidence)
    offered = judgement.offered.split(", ") if judgement.offered and is_proposed(judgement) else []
    if question.by_rules is not None:
        return [_box(level, len(levels), judgement, offered, evidence) for level in levels]
    proven = max((level.place for level in levels if level.standing == "verified"), default=-1)
    claimed = next((level.place for level in levels if level.choice.id in judgement.choices), -1)
    shown = []
    for level in reversed(levels):
        above = levels[level.place + 1] if level.place + 1 < len(levels) else None
        sign, word, role = standing_sign(level)
        is_chosen = level.choice.id in judgement.choices
        shown.append(
            Shown(
                key=level.choice.id,
                cap=str(level.place) if level.place < MOST_KEYS else "",
                text=level.choice.text,
                sign=sign,
                word=word,
                role=role,
                decided=deciding_words(level, evidence),
                is_chosen=is_chosen,
                is_proposed=level.choice.id in offered,
                mark=_mark(is_chosen, level.choice.id in offered),
                rail=_rail(level),
                is_first=above is None,
                is_last=level.place == 0,
                is_solid_above=above is not None and above.place <= proven,
                is_solid_below=level.place <= proven,
                is_refuted_above=above is not None and _is_refuted(above, claimed),
                is_refuted_below=_is_refuted(level, claimed),
            )
        )
    return shown


def _is_refuted(level: Level, claimed: int) -> bool:
    """Whether the claim passes a contradiction on its way up to this level."""
    return level.place <= claimed and level.standing == "contradicted"


def _rail(level: Level) -> str:
    match level.standing:
        case "verified" | "contradicted" | "challenged":
            return level.standing
        case "included" | "least":
            return "dot"
        case _:
            return "claimed"


def _box(level: Level, count: int, judgement: Judgement, offered: list[str], evidence: Evidence) -> Shown:
    sign, word, role = standing_sign(level)
    is_chosen = level.choice.id in judgement.choices
    quiet = level.standing in ("unprovable", "least")
    return Shown(
        key=level.choice.id,
        cap=str(level.place) if level.place < MOST_KEYS else "",
        text=level.choice.text,
        sign=None if quiet else sign,
        word="" if quiet else word,
        role=role,
        decided="" if quiet else deciding_words(level, evidence),
        is_chosen=is_chosen,
        is_proposed=level.choice.id in offered,
        mark=_mark(False, level.choice.id in offered),
        is_first=level.place == 0,
        is_last=level.place == count - 1,
        is_box=True,
    )


def _mark(is_chosen: bool, is_offered: bool) -> str:
    if is_chosen:
        return tr("your answer")
    return tr("proposed, Enter accepts") if is_offered else ""
