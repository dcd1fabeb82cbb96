"""The plan: what to do, effort against effect, with dates and scores afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, get_args

from app.charts.spec import (
    ChangeChart,
    DateRange,
    EffortChart,
    EffortPoint,
    RangeChart,
    ScoreChange,
)
from app.report.model import (
    Block,
    Bullets,
    Cell,
    Column,
    Figure,
    Heading,
    Mark,
    Paragraph,
    PillarMark,
    Section,
    Span,
    Table,
    text,
)
from app.report.sections.claim_words import cut, growth_words, points_words
from app.report.sections.score_words import count_words, effort_words
from app.report.view import View, sentence, short
from assessments.aws_adapter import DEFAULT_EFFORT_DAYS
from assessments.wording import NO_BREAK, amount, capital

CHARTED = 12
"""Actions that the chart shows; a column holds no more of them."""


def section(view: View, number: str) -> Section:
    """What to do next."""
    kicker = f"{number}  The plan"
    actions = view.actions
    if not actions:
        return Section("plan", "Plan", "There is nothing to plan yet", _nothing(view), kicker)
    blocks: list[Block] = [
        Figure(effort_chart(view, actions), height=185),
        *_table(view, actions),
        *_dates(view, actions),
        *_after(view),
        *_why(actions),
        *_others(view, actions),
    ]
    return Section("plan", "Plan", title(view), tuple(blocks), kicker, text(lead(view)))


def _nothing(view: View) -> tuple[Block, ...]:
    if view.overall.get("refused"):
        said = (
            "Actions are found by scoring again, and there is no score. "
            f"{sentence(capital(str(view.overall['refused'])))} Then the plan says what each step is worth."
        )
    else:
        said = "Every question is at its highest level and proven. Keep the evidence young: it expires."
    return (Paragraph(text(said)),)


def title(view: View) -> str:
    """What the plan comes to. There has to be an action."""
    effects, before = view.document.get("plan") or (), view.overall
    for effect in effects:
        after = effect["overall"]
        if before.get("refused") or after.get("refused"):
            break
        if round(after["score"]) > round(before["score"]):
            days = effort_words(effect)
            moved = f"from {before['score']:.0f} to {after['score']:.0f}"
            verb = "lifts" if float(effect["effort_days"]) == 1 else "lift"
            return f"{capital(days)} of work {verb} the overall score {moved}"
    first = view.actions[0]
    return (
        f"{count_words(len(view.actions), 'action', 'actions')}; first: {cut(_lower(str(first['text'])), 60)}"
    )


def _lower(text_: str) -> str:
    return text_[:1].lower() + text_[1:] if text_[1:2].islower() else text_


def lead(view: View) -> str:
    """What the first actions take and leave, and which of them move the date."""
    parts = []
    effects = view.document.get("plan") or ()
    before = view.overall
    if effects and not before.get("refused") and not effects[0]["overall"].get("refused"):
        first = effects[0]
        after = first["overall"]
        count = first["actions"]
        who = f"Actions 1 to {count} take" if count > 1 else "Action 1 takes"
        parts.append(
            f"{who} {effort_words(first)} and leave {view.pillar_name(after['pillar'])} lowest with "
            f"{after['score']:.0f}, {after['band']}."
        )
    movers = [str(place) for place, entry in enumerate(view.actions, 1) if entry.get("runs_out_on")]
    if movers:
        named = movers[0] if len(movers) == 1 else f"{', '.join(movers[:-1])} and {movers[-1]}"
        verb = "moves" if len(movers) == 1 else "move"
        parts.append(f"Only action{'s' if len(movers) > 1 else ''} {named} {verb} the date of running out.")
    else:
        parts.append("None of them moves the date of running out.")
    deciding = any(entry.get("decides_readiness") for entry in view.actions)
    first = "what decides readiness, then what lifts a cap" if deciding else "what lifts a cap"
    parts.append(f"Best first: {first}, then most points for each day of effort.")
    return " ".join(parts)


def effort_chart(view: View, actions: Sequence[Mapping[str, Any]]) -> EffortChart:
    """The best of the actions: effort against points."""
    points = []
    for place, action in enumerate(actions[:CHARTED], 1):
        out = action.get("runs_out_on")
        points.append(
            EffortPoint(
                place,
                cut(short_name(view, action), 40),
                float(action["effort_days"]),
                round(max(0.0, float(action.get("points") or 0.0)), 1),
                _mark(view, action),
                f"→ {out}" if out and str(out)[:1].isdigit() else "",
            )
        )
    used = dict.fromkeys(str(action.get("pillar")) for action in actions[:CHARTED])
    return EffortChart(
        title=_effort_title(actions),
        points=tuple(points),
        shapes=tuple((_shape(view.mark(pillar)), cut(view.pillar_name(pillar), 24)) for pillar in used),
        caption="Points by scoring again with the action done and proven. "
        + ("Arrows: new date of running out." if any(point.moves for point in points) else "")
        + (f" The best {CHARTED} of {len(actions)}." if len(actions) > CHARTED else ""),
    )


def _effort_title(actions: Sequence[Mapping[str, Any]]) -> str:
    every = sum(float(action.get("points") or 0.0) for action in actions)
    quick = sum(float(action.get("points") or 0.0) for action in actions if float(action["effort_days"]) <= 1)
    if every > 0 and quick > every / 2:
        return "Most points cost one day each"
    best = max(actions, key=lambda action: float(action.get("points") or 0.0))
    return f"{cut(str(best['text']), 70)} gains most: {points_words(float(best.get('points') or 0.0))} points"


def short_name(view: View, action: Mapping[str, Any]) -> str:
    """The action in a few words."""
    question = view.lens.by_id.get(str(action.get("question")))
    if action.get("kind") == "set" or question is None or not question.short:
        return str(action["text"])
    return short(question)


def _mark(view: View, action: Mapping[str, Any]) -> PillarMark:
    return _shape(view.mark(str(action.get("pillar"))))


def _shape(name: str) -> PillarMark:
    return next(shape for shape in get_args(PillarMark) if shape == name)


def _table(view: View, actions: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The actions of the chart."""
    effort = "Effort: working days of one person."
    if any(action.get("effort_assumed") for action in actions):
        effort += f" Assumed: the lens names none, {DEFAULT_EFFORT_DAYS:g} days are taken for each practice."
    return [_rows(view, list(enumerate(actions, 1))[:CHARTED], effort)]


def _others(view: View, actions: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The actions behind those of the chart."""
    others = list(enumerate(actions, 1))[CHARTED:]
    if not others:
        return []
    return [Heading("The other actions", 2), _rows(view, others, "")]


def _rows(view: View, actions: Sequence[tuple[int, Mapping[str, Any]]], caption: str) -> Table:
    moves = any(_moves(action) != "–" for _, action in actions)
    rows: list[tuple[Cell, ...]] = []
    for place, action in actions:
        cells: list[Cell] = [
            text(Span(str(place), "muted")),
            text(Span(cut(str(action["text"]), 180), link=_claim_link(action))),
            Mark(_mark(view, action)),
            text(effort_words(action)),
            text(points_said(action)),
        ]
        if moves:
            cells.append(text(_moves(action)))
        cells.append(text(Span(cut(str(action.get("tradeoff") or "none stated"), 140), "muted")))
        rows.append(tuple(cells))
    columns = [
        Column(""),
        Column("Action", 2.0),
        Column(""),
        Column("Effort", align="right"),
        Column("Points", align="right"),
    ]
    if moves:
        columns.append(Column("Capacity and date", 1.1))
    columns.append(Column("Price of it", 1.4))
    return Table(tuple(columns), tuple(rows), caption, dense=len(actions) > CHARTED)


def _claim_link(action: Mapping[str, Any]) -> str | None:
    question = action.get("question")
    return None if question is None else f"#claim-{question}"


def points_said(action: Mapping[str, Any]) -> str:
    """`+2.5`, and whether it decides readiness or lifts a cap."""
    points = float(action.get("points") or 0.0)
    said = f"+{points_words(points)}" if points >= 0.05 else "–"
    if action.get("decides_readiness"):
        said += ", decides"
    return said if action.get("lifts_cap") is None else f"{said}, cap"


def _moves(action: Mapping[str, Any]) -> str:
    """What it does to the fleet's capacity and to the date of running out."""
    parts = []
    fleet, out = action.get("fleet_per_s"), action.get("runs_out_on")
    if fleet:
        parts.append(f"{amount(fleet[0])} → {amount(fleet[1])}{NO_BREAK}req/s")
    if out:
        parts.append(f"runs out {out}" if str(out)[:1].isdigit() else str(out))
    return "; ".join(parts) or "–"


def _why(actions: Sequence[Mapping[str, Any]]) -> list[Block]:
    items = tuple(
        text(Span(f"{place}  ", "muted"), sentence(str(action["because"])))
        for place, action in enumerate(actions, 1)
        if action.get("because")
    )
    caps = [action for action in actions if action.get("lifts_cap") is not None]
    blocks: list[Block] = []
    if items:
        blocks += [Heading("Where the numbers of the actions come from", 3), Bullets(items)]
    if any(action.get("decides_readiness") for action in actions):
        said = "“Decides”: without the action the load to carry is not reached, whatever the score."
        blocks.append(Paragraph(text(said), "small"))
    if caps:
        said = "“Cap”: the action also lifts a cap, the greatest score that a pillar can have while it holds."
        blocks.append(Paragraph(text(said), "small"))
    return blocks


def _dates(view: View, actions: Sequence[Mapping[str, Any]]) -> list[Block]:
    chart = dates_chart(view, actions)
    return [] if chart is None else [Figure(chart, height=30.0 + 20.0 * len(chart.rows))]


def dates_chart(view: View, actions: Sequence[Mapping[str, Any]]) -> RangeChart | None:
    """When it runs out as it is, and with each action that moves the date; None without a date."""
    found = (view.forecast.get("axes") or {}).get("workload")
    if found is None:
        return None
    rows = [_as_it_is(found, _day(view.forecast.get("from")))]
    moved = [(place, entry) for place, entry in enumerate(actions, 1) if entry.get("runs_out_on")]
    for place, action in moved:
        out = str(action["runs_out_on"])
        day = _day(out)
        name = f"{place}: {cut(short_name(view, action), 44)}"
        rows.append(DateRange(name, day, shown=out if day is None else day.isoformat()))
    marks = []
    event = _day(view.profile.get("event_on"))
    if event is not None:
        marks.append((event, cut(str(view.profile.get("event") or "the event"), 24)))
    return RangeChart(
        title=_dates_title(found, moved),
        rows=tuple(rows),
        marks=tuple(marks),
        caption=(
            f"When the peak meets what the fleet carries at the planned use. Growth "
            f"{growth_words(str(found['growth']['text']))}. Bar: 95{NO_BREAK}% interval, where there is one."
        ),
    )


def _as_it_is(found: Mapping[str, Any], start: date | None) -> DateRange:
    days = found["runs_out_on"]
    value, low, high = (_day(days.get(key)) for key in ("value", "low", "high"))
    if low is not None and start is not None and low < start and not found.get("over_already"):
        low = start  # the low end of the capacity is below today's peak already: no date lies in the past
    if found.get("over_already"):
        shown = "now"
    elif value is None:
        shown = (
            "never at this growth" if found.get("never") else f"not within {found['horizon_months']:g} months"
        )
    else:
        shown = value.isoformat()
    return DateRange("as it is", value, low, high, shown, base=True)


def _dates_title(found: Mapping[str, Any], moved: Sequence[tuple[int, Mapping[str, Any]]]) -> str:
    base = _day(found["runs_out_on"].get("value"))
    if not moved:
        return "No action moves the date of running out"
    place, best = max(moved, key=lambda entry: str(entry[1]["runs_out_on"]))
    day = _day(best["runs_out_on"])
    if day is None:
        return f"Action {place} moves it out of sight: {best['runs_out_on']}"
    if base is None:
        return f"Action {place} moves the date to {day.isoformat()}"
    months = (day - base).days / 30.4375
    return f"Action {place} buys {months:.0f} months"


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _after(view: View) -> list[Block]:
    chart = after_chart(view)
    return [] if chart is None else [Figure(chart, height=24.0 + 18.0 * len(chart.rows))]


def after_chart(view: View) -> ChangeChart | None:
    """The pillars now and with every action done; None without a plan or a score."""
    effects = view.document.get("plan") or ()
    if not effects:
        return None
    last = effects[-1]
    rows = []
    for pillar in view.lens.pillars:
        before, after = view.score(pillar.id).get("score"), last["pillars"].get(pillar.id)
        if before is not None and after is not None:
            rows.append(ScoreChange(cut(pillar.name, 28), float(before), float(after)))
    if not rows:
        return None
    overall = last["overall"]
    days = effort_words(last)
    if overall.get("refused"):
        title = f"After all {last['actions']}, {days}"
    else:
        title = f"After all {last['actions']}, {days}: overall {overall['score']:.0f}, {overall['band']}"
    return ChangeChart(
        title=title,
        rows=tuple(rows),
        caption="Ring: now. Dot: every action done once, proven where a probe can. Band edges at 40, 60, 80.",
    )
