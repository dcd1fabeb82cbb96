"""Page one, which alone is enough: ready or not and why, pillars, what breaks first, when, three actions.

Everything here has a greatest length, so that it is one page for any assessment; the later sections say it in
full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from app.charts.spec import Bar, BarChart
from app.report.model import (
    Badge,
    Band,
    BandBadge,
    Block,
    Callout,
    Cell,
    Column,
    Columns,
    Figure,
    Heading,
    Paragraph,
    Section,
    Span,
    State,
    Table,
    text,
)
from app.report.sections.claim_words import cut, growth_words, sentences, told
from app.report.sections.page_fit import ROOM, page_height
from app.report.sections.run_words import machine_words, objective_words
from app.report.sections.score_words import (
    band_of,
    count_words,
    effect_words,
    effort_words,
    remark,
    score_cells,
    score_of,
)
from app.report.view import View, sentence
from assessments.wording import NO_BREAK, amount, capital, estimate, percent

RATE = "req/s"
MOST_PILLARS = 8
"""Rows of pillars that fit; of more, the lowest are shown."""
ACTIONS = 3
_ROLES: Mapping[str, Literal["bad", "warn", "ok"]] = {
    "ready": "ok",
    "capacity": "warn",
    "not_ready": "bad",
    "unknown": "warn",
}


@dataclass(frozen=True, slots=True)
class Lengths:
    """The most characters of each kind of text."""

    reasons: int
    remark: int
    finding: int
    action: int
    effect: int
    price: int
    pillars: int = MOST_PILLARS
    headline: int = 88
    name: int = 22


_LENGTHS = (
    Lengths(340, 60, 190, 64, 60, 54),
    Lengths(340, 34, 175, 64, 56, 46),
    Lengths(320, 34, 165, 48, 34, 31),
    Lengths(300, 34, 150, 42, 34, 28),
    Lengths(200, 30, 120, 38, 30, 24, 5),
    Lengths(95, 24, 95, 36, 28, 22, 4, 44, 14),
)
"""From what page one usually has room for to what it always has."""


def section(view: View) -> Section:
    """Page one, with as much said as fits."""
    under = subtitle(view)
    found = _section(view, _LENGTHS[-1])
    for lengths in _LENGTHS:
        found = _section(view, lengths)
        if page_height(found, title(view), under) <= ROOM:
            break
    return found


def title(view: View) -> str:
    """The title of the report, at most two lines of it."""
    return cut(view.name, 70)


def _section(view: View, lengths: Lengths) -> Section:
    blocks: list[Block] = [
        _answer(view, lengths),
        *_capacity(view),
        *_pillars(view, lengths),
        _three(view, lengths),
        *_actions(view, lengths),
    ]
    return Section("page-one", "Readiness", title(view), tuple(blocks))


def subtitle(view: View) -> str:
    """What was assessed for what, when, and by which runs."""
    event, day = view.profile.get("event"), view.profile.get("event_on")
    what = "Scalability readiness"
    if event:
        what += f" before {cut(str(event), 40)}" + (f" of {day}" if day else "")
    runs = [str((run.get("run") or {}).get("id", "?")) for run in view.runs]
    by = {0: "without a load run", 1: f"by load run {cut(runs[0], 20) if runs else ''}"}.get(
        len(runs), f"by {len(runs)} load runs, the last {cut(runs[0], 20) if runs else ''}"
    )
    return f"{what}. Assessed {view.date} {by}."


def question_asked(view: View) -> str:
    """`Ready for the winter campaign, 2027-01-15?`; empty where no event is named."""
    event, day = view.profile.get("event"), view.profile.get("event_on")
    if not event:
        return ""
    return f"Ready for {cut(str(event), 80)}" + (f", {day}?" if day else "?")


def _answer(view: View, lengths: Lengths) -> Callout:
    verdict, overall = view.verdict, view.overall
    reasons: list[str] = []
    for entry in list(verdict["reasons"])[:2]:
        left = lengths.reasons - sum(map(len, reasons)) - len(reasons)
        if not reasons or left > 60:
            reasons.append(sentences(told(view, str(entry)), left if reasons else min(left, 200)))
    foot: tuple[Cell, ...]
    if overall.get("refused"):
        foot = (text(Span(cut(f"No overall score: {overall['refused']}", 90), "muted")),)
    else:
        foot = (
            text(
                Span(f"{overall['score']:.0f}", "strong"),
                f" of 100 overall, set by {cut(view.pillar_name(overall['pillar']), 40)}",
            ),
            BandBadge(_band(overall["band"])),
            text(Span(f"mean of pillars {overall['mean']:.0f}", "muted")),
        )
    return Callout(
        cut(str(verdict["headline"]), lengths.headline),
        (text(" ".join(reasons)),),
        _ROLES.get(str(verdict["readiness"]), "warn"),
        foot,
    )


def _capacity(view: View) -> list[Block]:
    chart = capacity_chart(view)
    if chart is None:
        return [
            Heading("What it carries is not known", 2),
            Paragraph(
                text(
                    "No load run has measured a capacity, and the profile says no peak. ",
                    "Run loadstone probe with --assessment to find the highest rate at which the objective "
                    "holds.",
                ),
                "small",
            ),
        ]
    return [Figure(chart, height=26.0 + 20.0 * len(chart.bars))]


def capacity_chart(view: View) -> BarChart | None:
    """What carries how much beside what has to be carried; None where neither is known."""
    capacity = view.verdict["capacity"]
    rows = list(capacity["rows"])[:4]
    if not rows:
        return None
    bars = tuple(
        Bar(
            cut(str(row["name"]), 44),
            float(row["per_s"]),
            row["low"],
            row["high"],
            estimate(row["per_s"], row["low"], row["high"], RATE),
            "demand" if row["kind"] == "demand" else "capacity",
        )
        for row in rows
    )
    target = capacity["target_per_s"]
    return BarChart(
        title=cut(str(capacity["finding"]), 80),
        bars=bars,
        target=target,
        target_label="" if target is None else f"target {amount(target)}{NO_BREAK}{RATE}",
        caption=_capacity_caption(view) if any(bar.kind == "capacity" for bar in bars) else "",
    )


def _capacity_caption(view: View) -> str:
    run = view.run
    if run is None:
        return "No load run is part of this assessment."
    said = [f"Highest rate with {objective_words(run)}; whiskers are 95{NO_BREAK}% intervals."]
    if (run.get("capacity") or {}).get("bound") == "provisional":
        said = [f"Provisional: highest rate with {objective_words(run)}, not narrowed down as asked."]
    machine = machine_words(run)
    if machine:
        said.append(f"Measured on {machine}.")
    return cut(" ".join(said), 190)


def _pillars(view: View, lengths: Lengths) -> list[Block]:
    pillars = list(view.lens.pillars)
    shown = pillars
    note = ""
    most = lengths.pillars
    if len(pillars) > most:
        shown = sorted(pillars, key=lambda entry: view.score(entry.id).get("score", -1.0))[:most]
        note = f"The lowest {most} of {len(pillars)} pillars; the others follow later."
    rows: list[tuple[Cell, ...]] = []
    for pillar in shown:
        score = view.score(pillar.id)
        name = cut(pillar.name, lengths.name)
        lowest = view.overall.get("pillar") == pillar.id
        band: Cell = text(Span("–", "muted")) if score.get("refused") else BandBadge(band_of(score))
        rows.append(
            (
                text(Span(name, "strong")) if lowest else text(name),
                score_of(score),
                score_cells(score),
                band,
                text(Span(sentences(remark(view, pillar.id), lengths.remark), "muted")),
            )
        )
    columns = (
        Column("Pillar"),
        Column("score (proven–claimed), of 100", 1.0),
        Column(""),
        Column("band"),
        Column("", 1.3),
    )
    return [Heading(_pillars_finding(view), 2), Table(columns, tuple(rows), note, dense=True)]


def _pillars_finding(view: View) -> str:
    scores = [view.score(pillar.id) for pillar in view.lens.pillars]
    refused = sum(1 for score in scores if score.get("refused"))
    if refused:
        return f"{count_words(refused, 'pillar has', 'pillars have')} no score"
    bands = [str(score["band"]) for score in scores]
    worst = min(bands, key=list(get_args(Band)).index)
    number = bands.count(worst)
    if number == len(bands):
        return f"All pillars are {worst}" if number > 1 else f"The pillar is {worst}"
    return f"{count_words(number, 'pillar is', 'pillars are')} {worst}"


def _three(view: View, lengths: Lengths) -> Columns:
    verdict = view.verdict
    return Columns(
        (_breaks_first(view, lengths.finding), _runs_out(view, lengths.finding), _measured(verdict)),
        ruled=True,
    )


def _column(label: str, finding: str, said: str) -> tuple[Block, ...]:
    return (
        Paragraph(text(Span(label, "muted")), "small"),
        Heading(cut(finding, 26), 3),
        Paragraph(text(said)),
    )


def _breaks_first(view: View, longest: int) -> tuple[Block, ...]:
    label = "What breaks first"
    limit = view.verdict["breaks_first"]
    if limit is None:
        return _column(label, "Not known", view.nothing_broke)
    behind = " ".join(str(entry) for entry in view.verdict["close_behind"])
    rate = limit.get("rate_per_s")
    at = f"Reached at {amount(rate)}{NO_BREAK}{RATE}. " if rate else ""
    said = sentences(told(view, f"{at}{limit['because']} {behind}"), longest)
    return _column(label, str(limit["what"]), said)


def _runs_out(view: View, longest: int) -> tuple[Block, ...]:
    found = view.verdict["runs_out"]
    said = str(found["text"])
    growth = view.growth.get("workload", "")
    if growth:
        said = said.replace(growth, growth_words(growth))
    return _column("When it runs out", str(found["headline"]), sentences(said, longest))


def _measured(verdict: Mapping[str, Any]) -> tuple[Block, ...]:
    measured = verdict["measured"]
    share = measured["weight_share"]
    counts = measured["counts"]
    order: tuple[tuple[State, str], ...] = (
        ("verified", "verified"),
        ("partly", "partly"),
        ("claimed", "claimed"),
        ("contradicted", "contradicted"),
        ("challenged", "challenged"),
        ("understated", "understated"),
        ("unanswered", "open"),
        ("not_applicable", "not_applicable"),
    )
    badges: list[Cell] = [Badge(state, counts[name]) for state, name in order if counts.get(name)]
    columns = tuple(Column("", 1.0) for _ in badges) or (Column(""),)
    return (
        Paragraph(text(Span("How much was measured", "muted")), "small"),
        Heading("Nothing" if share is None else f"{percent(share)} of the weight", 3),
        Table(columns, (tuple(badges),) if badges else (), empty="No question applies.", dense=True),
    )


def _actions(view: View, lengths: Lengths) -> list[Block]:
    actions = view.actions
    if not actions:
        return [
            Heading("No action was found", 2),
            Paragraph(text(_no_action(view)), "small"),
        ]
    rows = tuple(
        (
            text(Span(str(number), "muted")),
            text(Span(cut(str(action["text"]), lengths.action), "strong")),
            text(effort_words(action)),
            text(cut(effect_words(view, action, lengths.effect), lengths.effect)),
            text(Span(cut(str(action.get("tradeoff") or "none stated"), lengths.price), "muted")),
        )
        for number, action in enumerate(actions[:ACTIONS], 1)
    )
    columns = (
        Column(""),
        Column("Action", 1.4),
        Column("Effort"),
        Column("Effect", 1.0),
        Column("Price of it", 1.25),
    )
    count = len(rows)
    title = "Three actions with most effect" if count == ACTIONS else "What to do"
    return [
        Heading(title, 2),
        Table(columns, rows, dense=True),
        Paragraph(text(_together(view), Span("the plan", link="#plan", page=True), "."), "small"),
    ]


def _together(view: View) -> str:
    effects = view.document.get("plan") or ()
    actions = len(view.actions)
    all_of_them = "The whole list is in " if actions <= ACTIONS else f"All {actions} are in "
    if not effects:
        return all_of_them
    first = effects[0]
    before, after = view.overall, first["overall"]
    if before.get("refused") or after.get("refused"):
        return all_of_them
    days = effort_words({"effort_days": first["effort_days"]})
    moved = f"{before['score']:.0f} → {after['score']:.0f}"
    if f"{before['score']:.0f}" == f"{after['score']:.0f}":
        moved = f"still {after['score']:.0f}, set by {cut(view.pillar_name(after['pillar']), 30)}"
    return f"Done and proven ({days}): overall {moved}, {after['band']}. {all_of_them}"


def _no_action(view: View) -> str:
    if view.overall.get("refused"):
        return sentence(f"There is none without a score. {capital(cut(str(view.overall['refused']), 200))}")
    return "Everything that the lens asks for is claimed and proven."


def _band(name: str) -> Band:
    return next(band for band in get_args(Band) if band == name)
