"""Pillars and growth axes: first all of them beside each other, then each pillar for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.report.model import (
    Badge,
    BandBadge,
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Paragraph,
    ScoreBar,
    Section,
    Span,
    State,
    Table,
    Text,
    text,
)
from app.report.sections.axes import axis_blocks
from app.report.sections.claim_cards import card
from app.report.sections.claim_words import (
    claimed,
    cut,
    evidence_words,
    notes_of,
    points_words,
)
from app.report.sections.score_words import band_of, count_words, remark, score_cells, score_of
from app.report.view import View, sentence, short
from assessments.lens import Question
from assessments.wording import capital, counted, percent

PROVEN_FIRST: Sequence[State] = ("verified", "partly", "understated", "claimed")
OPEN: Sequence[State] = ("unsure", "unanswered")


def overview(view: View, number: str) -> Section:
    """All pillars and all axes."""
    rows: list[tuple[Cell, ...]] = []
    for pillar in view.lens.pillars:
        score = view.score(pillar.id)
        band: Cell = text(Span("–", "muted")) if score.get("refused") else BandBadge(band_of(score))
        rows.append(
            (
                text(Span(pillar.name, link=f"#pillar-{pillar.id}")),
                score_of(score),
                score_cells(score),
                band,
                text(Span(remark(view, pillar.id), "muted")),
            )
        )
    columns = (
        Column("Pillar"),
        Column("", 1.2),
        Column("score (proven–claimed)"),
        Column("band"),
        Column("", 1.6),
    )
    return Section(
        anchor="pillars",
        name="Pillars and axes",
        title=_overview_title(view),
        lead=text(_overview_lead(view)),
        blocks=(
            Table(
                columns,
                tuple(rows),
                "A score is what is supported, after caps; it lies between what is proven "
                "and what is claimed.",
            ),
            Paragraph(
                text(
                    "Bands: 0–39 fragile, 40–59 limited, 60–79 conditional, from 80 ready where 60 % of "
                    "the weight of each pillar is proven. The overall score is that of the lowest pillar."
                ),
                "small",
            ),
            *axis_blocks(view),
        ),
        kicker=f"{number}  Pillars and axes",
    )


def sections(view: View, number: str) -> list[Section]:
    """One section for each pillar, in the order of the lens."""
    return [
        _section(view, pillar.id, f"{number}.{place}  {cut(pillar.name, 40)}")
        for place, pillar in enumerate(view.lens.pillars, 1)
    ]


def _overview_title(view: View) -> str:
    overall = view.overall
    if overall.get("refused"):
        return "There is no overall score yet"
    name = cut(view.pillar_name(overall["pillar"]), 40)
    return f"{name} is lowest and sets the overall score: {overall['score']:.0f}, {overall['band']}"


def _overview_lead(view: View) -> str:
    if view.overall.get("refused"):
        return sentence(str(view.overall["refused"]))
    counts = view.verdict["measured"]["counts"]
    settled = counts["verified"] + counts["partly"] + counts["understated"]
    parts = [f"Measurements prove or partly prove {counted(settled, 'claim')}"]
    against = counts["contradicted"]
    parts.append(f"contradict {counted(against, 'claim')}" if against else "contradict none")
    said = f"{parts[0]} and {parts[1]}; {counted(counts['claimed'] + counts['challenged'], 'claim')} "
    said += (
        "rest on somebody's word"
        if counts["claimed"] + counts["challenged"] != 1
        else "rests on somebody's word"
    )
    return f"{said}. The mean of all pillars is {view.overall['mean']:.0f}."


def _section(view: View, pillar: str, kicker: str) -> Section:
    score = view.score(pillar)
    name = cut(view.pillar_name(pillar), 40)
    refused = score.get("refused")
    title = (
        f"{name}: no score"
        if refused
        else f"{name}: {score['score']:.0f} of 100, proven {score['proven']:.0f}, "
        f"claimed {score['claimed']:.0f}"
    )
    return Section(
        anchor=f"pillar-{pillar}",
        name=name,
        title=title,
        blocks=tuple(_blocks(view, pillar, score)),
        kicker=kicker,
        band=None if refused else band_of(score),
        level=2,
    )


def _blocks(view: View, pillar: str, score: Mapping[str, Any]) -> list[Block]:
    questions = view.questions(pillar)
    by_state: dict[str, list[Question]] = {}
    for question in questions:
        by_state.setdefault(str(view.claims.get(question.id, {}).get("state")), []).append(question)
    blocks: list[Block] = []
    if score.get("refused"):
        blocks.append(Paragraph(text(sentence(str(score["refused"]))), "lead"))
    else:
        lost = score["lost"]
        blocks.append(ScoreBar(score_of(score), lost["unanswered"], lost["not_done"]))
    blocks.append(Paragraph(text(_scope(view, pillar, questions, score)), "small"))
    if score.get("caps"):
        blocks.append(Bullets(tuple(_cap(score, cap) for cap in score["caps"])))
    against = _heaviest(view, by_state.get("contradicted", []))
    if against:
        title = count_words(
            len(against), "claim is contradicted by evidence", "claims are contradicted by evidence"
        )
        blocks += [Heading(title, 2), *(card(view, question) for question in against)]
    doubted = _heaviest(view, by_state.get("challenged", []))
    if doubted:
        title = f"{count_words(len(doubted), 'claim is', 'claims are')} challenged: confirm or correct"
        blocks += [Heading(title, 2), *(card(view, question) for question in doubted)]
    rest = [question for state in PROVEN_FIRST for question in by_state.get(state, [])]
    if rest:
        heading = "The other claims, proven first" if against or doubted else "The claims, proven first"
        blocks += [Heading(heading, 2), _claims(view, rest)]
    blocks += _open(view, [question for state in OPEN for question in by_state.get(state, [])])
    blocks += _left_out(view, by_state.get("not_applicable", []))
    blocks += _notes(view, questions)
    return blocks


def _heaviest(view: View, questions: Sequence[Question]) -> list[Question]:
    """Those that cost most first; of equal ones the order of the lens stays."""

    def cost(question: Question) -> float:
        lost = view.claims[question.id].get("lost") or {}
        return -float(lost.get("contradicted", 0.0) + lost.get("not_proven", 0.0))

    return sorted(questions, key=cost)


def _scope(view: View, pillar: str, questions: Sequence[Question], score: Mapping[str, Any]) -> str:
    every = sum(1 for question in view.lens.questions if question.pillar == pillar)
    applying = sum(1 for q in questions if view.claims.get(q.id, {}).get("state") != "not_applicable")
    parts = [f"{counted(every, 'question')}, {applying:,} apply." if applying != 1 else
             f"{counted(every, 'question')}, 1 applies."]  # fmt: skip
    if not score.get("refused"):
        parts.append("Every point of 100 is in exactly one part.")
        answered = score.get("answered_share")
        if answered is not None and answered < 1:
            parts.append(f"{percent(answered)} of the weight is answered.")
        if not score["caps"]:
            parts.append("No cap applies.")
    return " ".join(parts)


def _cap(score: Mapping[str, Any], cap: Mapping[str, Any]) -> Text:
    said = f"Capped at {cap['at_most']:.0f}: {cap['because']}."
    if score["supported"] <= cap["at_most"]:
        said = f"A cap of {cap['at_most']:.0f} holds, and lowers nothing today: {cap['because']}."
    link = None if cap.get("question") is None else f"#claim-{cap['question']}"
    return text(Span(said, link=link))


def _claims(view: View, questions: Sequence[Question]) -> Table:
    rows = tuple(
        (
            text(Span(question.id, "muted")),
            text(short(question)),
            text(cut(claimed(view, question), 140)),
            Badge(_state(view, question)),
            text(Span(evidence_words(view, question, 220), "muted")),
        )
        for question in questions
    )
    columns = (
        Column(""),
        Column("Question", 1.0),
        Column("Claim", 1.35),
        Column("Verdict"),
        Column("Evidence", 1.9),
    )
    return Table(columns, rows, anchors=tuple(f"claim-{question.id}" for question in questions))


def _state(view: View, question: Question) -> State:
    state: State = view.claims[question.id]["state"]
    return state


def _open(view: View, questions: Sequence[Question]) -> list[Block]:
    if not questions:
        return []
    rows = tuple(
        (
            text(Span(question.id, "muted")),
            text(cut(question.text, 160)),
            Badge(_state(view, question)),
            text(Span(evidence_words(view, question, 200), "muted")),
            text(_points(view, question, "unanswered")),
        )
        for question in questions
    )
    columns = (
        Column(""),
        Column("Question", 1.6),
        Column(""),
        Column("", 1.2),
        Column("points", align="right"),
    )
    title = f"{count_words(len(questions), 'question is', 'questions are')} open"
    return [
        Heading(title, 2),
        Table(columns, rows, anchors=tuple(f"claim-{question.id}" for question in questions)),
    ]


def _points(view: View, question: Question, part: str) -> str:
    lost = view.claims[question.id].get("lost") or {}
    value = float(lost.get(part, 0.0))
    return f"−{points_words(value)}" if value >= 0.05 else "0"


def _left_out(view: View, questions: Sequence[Question]) -> list[Block]:
    said = [question for question in questions if view.claims[question.id].get("because")]
    if not said:
        return []
    items = tuple(
        text(
            Span(f"{question.id} ", "muted"),
            f"{short(question)}: ",
            Span(
                capital(str(view.claims[question.id]["because"]).removeprefix("Said not to apply: ")), "muted"
            ),
        )
        for question in said
    )
    return [Heading("Said not to apply", 3), Bullets(items)]


def _notes(view: View, questions: Sequence[Question]) -> list[Block]:
    left_out = {
        question.id for question in questions if view.claims[question.id]["state"] == "not_applicable"
    }
    found = notes_of(view, [question.id for question in questions if question.id not in left_out])
    if not found:
        return []
    rows = tuple(
        (text(Span(name, "muted")), text(note or "–"), text(attached or "–"))
        for name, note, attached in found
    )
    columns = (Column(""), Column("Note", 2.0), Column("Attached", 1.0))
    return [
        Heading("What people noted", 3),
        Table(
            columns, rows, "Word for word, as it was given. A document counts by its date, it was not read."
        ),
    ]
