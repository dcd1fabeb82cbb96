"""The evidence: every fact with its source and age, what was set aside and why, what could not be read."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.report.model import Block, Bullets, Cell, Column, Heading, Paragraph, Section, Span, Table, text
from app.report.sections.claim_words import cut
from app.report.sections.fact_names import meaning_of
from app.report.sections.score_words import count_words
from app.report.view import View, fact_source, fact_value, identity, sentence
from assessments.evidence import is_derived
from assessments.wording import counted
from probes.facts import Fact

_SUBJECTS = (
    ("load", "Measured under load"),
    ("process", "The target's process"),
    ("model", "The model"),
    ("infra", "Infrastructure"),
    ("data", "Data"),
    ("monitoring", "Monitoring"),
    ("derived", "Derived from the others"),
    ("history", "Load runs"),
    ("machine", "The probing machine"),
    ("profile", "The profile"),
)
MOST = 400
"""Facts that are shown; all of them are in the attached data."""


def section(view: View, number: str) -> Section:
    """All facts."""
    kicker = f"{number}  Evidence"
    shown = [fact for fact in view.facts if identity(fact.to_json()) not in view.set_aside]
    blocks: list[Block] = []
    for subject, title in _SUBJECTS:
        facts = [fact for fact in shown[:MOST] if fact.name.partition(".")[0] == subject]
        if facts:
            blocks += [Heading(title, 3), _table(view, facts)]
    if len(shown) > MOST:
        blocks.append(Paragraph(text(f"{len(shown) - MOST:,} more facts are in the attached data."), "small"))
    blocks += [*_set_aside(view), *_unknown(view), *_problems(view)]
    if not blocks:
        return Section("evidence", "Evidence", _title(view, shown), (Paragraph(text(_lead(shown))),), kicker)
    return Section("evidence", "Evidence", _title(view, shown), tuple(blocks), kicker, text(_lead(shown)))


def _title(view: View, shown: list[Fact]) -> str:
    if not view.facts:
        return "There is no evidence yet"
    count = count_words(len(shown), "fact counts", "facts count")
    aside = len(view.set_aside)
    return f"{count}, {counted(aside, 'was', 'were')} set aside" if aside else f"{count}, none was set aside"


def _lead(shown: list[Fact]) -> str:
    if not shown:
        return (
            "Nothing was measured or read, so every claim stands on somebody's word. Probe the service, and "
            "scan its "
            "manifests and metrics: loadstone scan PATH."
        )
    return (
        "A fact is one observation with its source. Measured and read facts prove and contradict; what was "
        "given by "
        "hand backs a claim; what was merely not found casts doubt."
    )


def _table(view: View, facts: list[Fact]) -> Table:
    machines = {fact.source.machine for fact in facts} != {None}
    rows: list[tuple[Cell, ...]] = []
    for fact in facts:
        cells: list[Cell] = [
            text(meaning_of(fact.name) or fact.name, Span(f"\n{fact.name}", "muted")),
            text(cut(fact_value(fact), 120)),
            text(Span("derived" if is_derived(fact) else fact.state.replace("_", " "), "muted")),
            text(Span(cut(_place(fact), 160), "muted")),
            text(Span(_age(view, fact), "muted")),
        ]
        if machines:
            cells.append(text(Span(cut(fact.source.machine or "this one", 30), "muted")))
        rows.append(tuple(cells))
    columns = [
        Column("Fact", 1.7),
        Column("Value", align="right"),
        Column("State"),
        Column("Source", 1.5),
        Column("Age", align="right"),
    ]
    if machines:
        columns.append(Column("Machine"))
    return Table(tuple(columns), tuple(rows), dense=True)


def _place(fact: Fact) -> str:
    place = fact_source(fact)
    machine = fact.source.machine
    return place.removesuffix(f" on {machine}") if machine else place


def _age(view: View, fact: Fact) -> str:
    as_of = datetime.fromisoformat(str(view.document["as_of"]))
    days = max(0, int((as_of - fact.at) / timedelta(days=1)))
    return "today" if days == 0 else counted(days, "day")


def _set_aside(view: View) -> list[Block]:
    entries = view.document.get("set_aside") or ()
    if not entries:
        return []
    rows: list[tuple[Cell, ...]] = []
    for entry in entries[:MOST]:
        fact = entry["fact"]
        name = str(fact.get("name"))
        known = next((found for found in view.facts if identity(found.to_json()) == identity(fact)), None)
        rows.append(
            (
                text(meaning_of(name) or name, Span(f"\n{name}", "muted")),
                text(cut("–" if known is None else fact_value(known), 80)),
                text(sentence(cut(str(entry["why"]), 400))),
                text(Span("–" if known is None else cut(fact_source(known), 120), "muted")),
            )
        )
    columns = (
        Column("Fact", 1.3),
        Column("Value", align="right"),
        Column("Why it does not count", 1.5),
        Column("Source", 1.0),
    )
    title = f"Set aside: {counted(len(entries), 'fact does', 'facts do')} not count"
    return [Heading(title, 2), Table(columns, tuple(rows), dense=True)]


def _unknown(view: View) -> list[Block]:
    count = len(view.document["facts"]) - len(view.facts)
    if not count:
        return []
    which = counted(count, "fact is", "facts are")
    said = f"{which} not known to this version of Loadstone; the data has them."
    return [Paragraph(text(said), "small")]


def _problems(view: View) -> list[Block]:
    problems = [str(entry) for entry in view.document.get("problems") or ()]
    if not problems:
        return []
    items = tuple(text(cut(entry, 600)) for entry in problems[:100])
    more = [Paragraph(text(f"And {len(problems) - 100:,} more."), "small")] if len(problems) > 100 else []
    return [Heading("What could not be used", 2), Bullets(items), *more]
