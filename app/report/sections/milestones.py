"""What changed since the last milestone: answers, evidence and lens apart."""

from __future__ import annotations

from collections.abc import Sequence

from app.charts.spec import ChangeChart, ScoreChange
from app.report.model import Block, Cell, Column, Figure, Heading, Paragraph, Section, Span, Table, text
from app.report.sections.claim_words import cut
from app.report.sections.fact_names import meaning_of
from app.report.sections.score_words import count_words
from app.report.view import View
from assessments.wording import MINUS, amount
from probes.errors import UsageError

MOST = 60
"""Rows of one kind of change; the data has all."""


def section(view: View, number: str) -> Section | None:
    """The newest milestone against now; None without milestones."""
    entries = list(view.document.get("milestones") or ())
    if not entries:
        return None
    kicker = f"{number}  Since the last milestone"
    last = max(entries, key=lambda entry: str(entry.get("as_of", "")))
    label, day = cut(str(last.get("label") or "milestone"), 60), str(last.get("as_of", ""))[:10]
    try:
        changes, title = _changes(view, last, label)
    except UsageError as error:
        changes = [Paragraph(text(f"What changed since {label} could not be found: {error}."))]
        title = f"The milestone {label} cannot be compared"
    blocks: list[Block] = [*changes, *_all(entries)]
    return Section(
        "milestones",
        "Since the last milestone",
        title,
        tuple(blocks),
        kicker,
        text(f"Since {label} of {day}."),
    )


def _changes(view: View, milestone: object, label: str) -> tuple[list[Block], str]:
    from datetime import datetime

    from assessments.assessment import assess, materials_of
    from assessments.milestones import difference, expanded

    assert isinstance(milestone, dict)
    _, earlier = expanded(milestone, view.document["lens"])
    before = assess(materials_of(earlier, f"the milestone {label}"), datetime.fromisoformat(earlier["as_of"]))
    after = assess(materials_of(view.document), datetime.fromisoformat(str(view.document["as_of"])))
    found = difference(before, after)
    rows = [
        ScoreChange(cut(view.pillar_name(entry.id), 28), entry.before, entry.after)
        for entry in found.scores
        if entry.id != "overall" and entry.before is not None and entry.after is not None
    ]
    overall = next((entry for entry in found.scores if entry.id == "overall"), None)
    title = f"What changed since {label}"
    if overall is not None and overall.before is not None and overall.after is not None:
        title = f"Overall {overall.before:.0f} → {overall.after:.0f} since {label}"
    blocks: list[Block] = []
    if rows:
        moved = sum(1 for row in rows if round(row.before) != round(row.after))
        chart = ChangeChart(
            title=f"{count_words(moved, 'pillar', 'pillars')} moved",
            rows=tuple(rows),
            caption="Ring: then. Dot: now. Band edges at 40, 60, 80.",
        )
        blocks.append(Figure(chart, height=24.0 + 18.0 * len(rows)))
    shares: list[tuple[Cell, ...]] = [
        (
            text("Overall" if entry.id == "overall" else view.pillar_name(entry.id)),
            text(_score(entry.before)),
            text(_score(entry.after)),
            *(text(Span(_signed(part), "muted")) for part in (entry.lens, entry.answers, entry.evidence)),
        )
        for entry in found.scores
    ]
    columns = (
        Column("", 1.0),
        Column("then", align="right"),
        Column("now", align="right"),
        Column("by the lens", align="right"),
        Column("by answers", align="right"),
        Column("by evidence", align="right"),
    )
    caption = "Each share by going from then to now in three steps: lens, answers, evidence. – : no score."
    blocks.append(Table(columns, tuple(shares), caption))
    for title_, changes in (
        ("Verdicts that changed", found.states),
        ("Answers that changed", found.answers),
        ("Evidence that changed", found.facts),
        ("The lens changed", found.lens),
    ):
        if changes:
            blocks += [Heading(title_, 3), _table([(c.id, c.before, c.after) for c in changes])]
    return blocks, title


def _table(changes: Sequence[tuple[str, str, str]]) -> Table:
    rows = tuple(
        (
            text(meaning_of(name) or name),
            text(Span(cut(before.replace("_", " "), 160), "muted")),
            text(cut(after.replace("_", " "), 160)),
        )
        for name, before, after in changes[:MOST]
    )
    more = f"And {len(changes) - MOST:,} more." if len(changes) > MOST else ""
    return Table((Column("", 1.3), Column("then", 1.0), Column("now", 1.0)), rows, more, dense=True)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _signed(value: float | None) -> str:
    if value is None:
        return "–"
    rounded = round(value, 1)
    if rounded == 0:
        return "0"
    return f"+{amount(rounded)}" if rounded > 0 else f"{MINUS}{amount(-rounded)}"


def _all(entries: Sequence[object]) -> list[Block]:
    if len(entries) < 2:
        return []
    rows: list[tuple[Cell, ...]] = []
    for entry in entries:
        assert isinstance(entry, dict)
        overall = (entry.get("scores") or {}).get("overall") or {}
        score = "–" if overall.get("score") is None else f"{overall['score']:.0f}"
        rows.append(
            (text(cut(str(entry.get("label", "")), 80)), text(str(entry.get("as_of", ""))[:10]), text(score))
        )
    columns = (Column("Milestone", 1.0), Column("judged on"), Column("overall", align="right"))
    return [Heading("All milestones", 3), Table(columns, tuple(rows), dense=True)]
