"""Scores, effort and effect in words and cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from app.report.model import Band, Score, Span, Text, text
from app.report.view import View
from assessments.wording import NO_BREAK, amount, counted

RATE = "req/s"
_NUMBERS = (
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
)


def count_words(number: int, one: str, many: str) -> str:
    """`Two claims are`, in words up to twelve."""
    words = _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"
    return f"{words} {one if number == 1 else many}"


def score_of(score: Mapping[str, Any]) -> Score:
    """The parts for the glyph."""
    if score.get("refused"):
        return Score(refused="no score")
    return Score(
        proven=score["proven"],
        supported=score["supported"],
        claimed=score["claimed"],
        contradicted=score["lost"]["contradicted"],
    )


def score_cells(score: Mapping[str, Any]) -> Text:
    """`53 (48–73)`."""
    if score.get("refused"):
        return text(Span("–", "muted"))
    span = f"{NO_BREAK}({score['proven']:.0f}–{score['claimed']:.0f})"
    return text(Span(f"{score['score']:.0f}", "strong"), Span(span, "muted"))


def band_of(score: Mapping[str, Any]) -> Band:
    """The band of a score that is not refused."""
    return next(band for band in get_args(Band) if band == score["band"])


def remark(view: View, pillar: str) -> str:
    """What matters most about a pillar."""
    score = view.score(pillar)
    if score.get("refused"):
        return str(score["refused"])
    questions = view.questions(pillar)
    against = [entry for entry in questions if view.claims.get(entry.id, {}).get("state") == "contradicted"]
    parts = ["Lowest: sets the overall score."] if view.overall.get("pillar") == pillar else []
    lost = score["lost"]
    if against:
        parts.append(f"{count_words(len(against), 'claim', 'claims')} contradicted.")
    elif lost["not_proven"] > 0 and lost["not_proven"] >= max(lost["not_done"], lost["unanswered"]):
        parts.append(f"{lost['not_proven']:.0f} points lack proof.")
    elif lost["unanswered"] > max(lost["not_done"], 0):
        parts.append(f"{lost['unanswered']:.0f} points are open questions.")
    elif lost["not_done"] > 0:
        parts.append(f"{lost['not_done']:.0f} points are not done yet.")
    else:
        parts.append("All that is asked is claimed and proven.")
    if score["caps"] and score["supported"] > score["score"]:
        parts.append(f"Capped at {score['caps'][0]['at_most']:.0f}.")
    return " ".join(parts)


def effort_words(action: Mapping[str, Any]) -> str:
    """`1 day`, `0.5 days`; `3 days, assumed` where nobody named the effort."""
    days = float(action["effort_days"])
    said = counted(int(days), "day") if days == int(days) else f"{amount(days)}{NO_BREAK}days"
    return f"{said}, assumed" if action.get("effort_assumed") else said


def effect_words(view: View, action: Mapping[str, Any], longest: int = 200) -> str:
    """What an action does: to its pillar, to the fleet, to the date; what does not fit is left out."""
    parts = ["decides readiness"] if action.get("decides_readiness") else []
    fleet = action.get("fleet_per_s")
    if fleet:
        parts.append(f"fleet {amount(fleet[0])} → {amount(fleet[1])}{NO_BREAK}{RATE}")
    if action.get("runs_out_on"):
        on = str(action["runs_out_on"])
        parts.append(f"runs out {on}" if on[:1].isdigit() else on)
    points = float(action.get("points") or 0.0)
    name = view.pillar_name(action.get("pillar")).lower()
    score = view.score(str(action.get("pillar")))
    if points >= 0.05:
        gained = action.get("score_points")
        if gained is None and not score.get("caps"):
            gained = points
        if gained is not None and gained >= 0.5 and not score.get("refused"):
            parts.append(f"{name} {score['score']:.0f} → {score['score'] + gained:.0f}")
        else:
            parts.append(f"{name} +{amount(round(points, 1))} points")
    if action.get("lifts_cap") is not None:
        parts.append(f"lifts the cap of {action['lifts_cap']:.0f}")
    said = ""
    for part in parts:
        longer = f"{said}, {part}" if said else part
        if said and len(longer) > longest:
            break
        said = longer
    return said or "no points"
