"""Method and machine: how the numbers were found, with what, and how to find them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.report.model import (
    Block,
    Bullets,
    Cell,
    Column,
    Columns,
    Definitions,
    Heading,
    Paragraph,
    Section,
    Span,
    Table,
    Text,
    text,
)
from app.report.sections.claim_words import cut
from app.report.sections.run_words import GRADES, machine_rows, machine_words, number, part
from app.report.view import View
from assessments.wording import NO_BREAK, amount, counted, estimate, percent

_LOAD_KEYS = (
    ("mode", "Kind"),
    ("slo", "Objective"),
    ("arrivals", "Arrivals"),
    ("seed", "Seed"),
    ("precision", "Precision asked for"),
    ("budget_s", "Budget, s"),
    ("max_rate", "Highest rate allowed"),
    ("timeout_s", "Time-out, s"),
    ("warmup_s", "Warm-up"),
    ("connections", "Connections at most"),
)


def section(view: View, number_: str) -> Section:
    """How it was done."""
    run = view.run
    blocks: list[Block] = [
        *_runs(view),
        *([] if run is None else _one_run(run)),
        *_statistics(view),
        *_scoring(view),
        *_lens(view),
        *_again(view),
    ]
    title = "How the numbers were found, and on which machine"
    return Section("method", "Method and machine", title, tuple(blocks), f"{number_}  Method and machine")


def _runs(view: View) -> list[Block]:
    if not view.runs:
        return [
            Paragraph(
                text("No load run is part of this assessment; everything below is about judging alone.")
            )
        ]
    rows: list[tuple[Cell, ...]] = []
    for run in view.runs[:60]:
        about, capacity = part(run, "run"), part(run, "capacity")
        rate = number(capacity.get("rate_per_s"))
        shown = (
            "–"
            if rate is None
            else estimate(rate, number(capacity.get("low")), number(capacity.get("high")), "req/s")
        )
        rows.append(
            (
                text(Span(cut(str(about.get("id", "?")), 24), "strong" if run is view.run else "")),
                text(str(about.get("started_at", "–"))[:16].replace("T", " ")),
                text(
                    "–"
                    if number(about.get("seconds")) is None
                    else f"{amount(float(about['seconds']))}{NO_BREAK}s"
                ),
                text(shown),
                text(Span(str(about.get("grade") or "–").replace("_", " "), "muted")),
                text(Span(cut(machine_words(run) or "–", 40), "muted")),
            )
        )
    columns = (
        Column("Run"),
        Column("started (UTC)"),
        Column("took", align="right"),
        Column("capacity of a replica", align="right"),
        Column("grade"),
        Column("machine", 1.0),
    )
    more = f" {len(view.runs) - 60:,} older ones are in the data." if len(view.runs) > 60 else ""
    return [
        Heading("Load runs", 2),
        Table(columns, tuple(rows), f"The load story is told by the run in bold.{more}", dense=True),
    ]


def _statistics(view: View) -> list[Block]:
    run = view.run
    items: list[Text] = []
    if run is not None:
        items += [
            text(
                Span("Open loop. ", "strong"),
                "Requests are due at times fixed beforehand, whatever the service does; response time is "
                "counted "
                "from the due moment, so that waiting counts. What could not be sent in time is counted, "
                "never "
                "dropped.",
            ),
            text(
                Span("Capacity. ", "strong"),
                "The highest rate at which the objective holds, from open-loop steps under one monotone "
                "curve of the "
                f"share of slow answers; the interval is the curve's ({_confidence(run)}). “Provisional” "
                "where it was "
                "not narrowed down as asked.",
            ),
            text(
                Span("Percentiles. ", "strong"),
                f"Intervals are order statistics; p99 takes 368 requests for an interval of 95{NO_BREAK}%, "
                "and is left "
                "out where a step has too few.",
            ),
            text(
                Span("Scalability law. ", "strong"),
                "Gunther's universal scalability law by bounded least squares, residual bootstrap; refused "
                "where it "
                "explains less than 90 % of the variation or fewer than six numbers of requests in flight "
                "were tried.",
            ),
        ]
    if view.forecast:
        axis = (view.forecast.get("axes") or {}).get("workload")
        how = f" Dates: {axis['method']}." if axis else ""
        items.append(
            text(
                Span("Forecast. ", "strong"),
                "Replicas = load / (planned use × capacity), rounded up; the autoscaler's target is planned "
                "use × the "
                f"lower bound of the capacity.{how}",
            )
        )
    if not items:
        return []
    return [Heading("Statistics", 2), Bullets(tuple(items))]


def _confidence(run: Mapping[str, Any]) -> str:
    found = number(part(run, "capacity").get("confidence"))
    return "a bracket of what held and what broke" if found is None else percent(found)


def _scoring(view: View) -> list[Block]:
    items = (
        text(
            Span("Credit. ", "strong"),
            "What is proven counts whole; of what is merely claimed the half counts, or three quarters with "
            "a dated "
            "document. A contradicted claim gets what is proven, so over-claiming never pays.",
        ),
        text(
            Span("Losses. ", "strong"),
            "Every point of 100 that a pillar lacks is in exactly one part: not done, contradicted, not "
            "proven, "
            "unanswered. Parts and the three readings are before caps; the score is after them.",
        ),
        text(
            Span("Caps. ", "strong"),
            "A critical question contradicted: at most 59. At level 0: at most 39. Measured headroom of the "
            "fleet "
            "under 1: infrastructure at most 39.",
        ),
        text(
            Span("No score ", "strong"),
            "below 70 % of the weight answered, or above 40 % said not to apply.",
        ),
        text(
            Span("Age. ", "strong"),
            _expiry(view),
        ),
        text(
            Span("Plan. ", "strong"),
            "The points of an action come from scoring again with it done and proven; the effort is the "
            "lens's guess "
            "in working days of one person.",
        ),
    )
    return [Heading("Scoring", 2), Bullets(items)]


def _expiry(view: View) -> str:
    expiry = view.lens.expiry
    return (
        f"Evidence counts for {expiry.evidence_days:g} days, load runs for {expiry.load_run_days:g}, "
        "documents for "
        f"{expiry.attachment_days:g}, counted to {str(view.document['as_of'])[:16].replace('T', ' ')} UTC: "
        "the same "
        "data gives the same score on any day."
    )


def _one_run(run: Mapping[str, Any]) -> list[Block]:
    about, load, target = part(run, "run"), part(run, "load"), part(run, "target")
    rows: list[tuple[str, str]] = [("Target", cut(str(target.get("address", "–")), 160))]
    if target.get("kind"):
        rows.append(("Kind of target", str(target["kind"]).replace("_", " ")))
    if target.get("client"):
        rows.append(("Calls made by", f"the client of {cut(str(target['client']), 40)}, not Loadstone's own"))
    for key, label in _LOAD_KEYS:
        value = load.get(key)
        if value is None:
            continue
        if key == "precision" and number(value) is not None:
            shown = percent(float(value))
        else:
            shown = (
                amount(float(value))
                if isinstance(value, int | float) and not isinstance(value, bool)
                else str(value)
            )
            if key in ("seed", "connections"):
                shown = str(value)
        rows.append((label, cut(shown.replace("_", " "), 160)))
    if target.get("remote"):
        rows.append(("Remote target", "yes, allowed by the person who ran it"))
    grade = str(about.get("grade") or "not graded")
    rows.append(("Grade", GRADES.get(grade, grade)))
    if about.get("version"):
        rows.append(("Loadstone", str(about["version"])))
    items = tuple((name, text(shown)) for name, shown in rows)
    machine = tuple((name, text(shown)) for name, shown in machine_rows(run))
    run_id = cut(str(about.get("id", "?")), 24)
    left = (Heading(f"Run {run_id}, of the load story", 2), Definitions(items))
    if not machine:
        return list(left)
    return [Columns((left, (Heading("The machine it ran on", 2), Definitions(machine))))]


def _lens(view: View) -> list[Block]:
    lens = view.lens
    own = "" if lens.imported is None else ", an imported AWS lens"
    counts = f"{counted(len(lens.questions), 'question')} in {counted(len(lens.pillars), 'pillar')}"
    blocks: list[Block] = [
        Heading("The lens", 2),
        Paragraph(
            text(
                Span(cut(lens.title, 120), "strong"),
                f" ({lens.name}), version {lens.version}{own}: {counts}.",
            )
        ),
    ]
    if lens.thresholds:
        rows = tuple(
            (text(entry.name), text(amount(float(entry.value))), text(Span(entry.reason, "muted")))
            for entry in lens.thresholds
        )
        columns = (Column("Threshold"), Column("value", align="right"), Column("reason", 1.0))
        blocks.append(Table(columns, rows, dense=True))
    weights = view.answers.get("weights") or {}
    if weights:
        said = ", ".join(f"{name} weighs {amount(float(weight))}" for name, weight in weights.items())
        blocks.append(Paragraph(text(Span("Weights were changed: ", "warn"), f"{said}.")))
    else:
        blocks.append(Paragraph(text("Weights are those of the lens."), "small"))
    return blocks


def _again(view: View) -> list[Block]:
    version = str(view.document.get("version", "?"))
    items = (
        text(
            "loadstone verify FILE.pdf checks that the file is as it was written, and scores its data again."
        ),
        text(
            "loadstone restore FILE.pdf puts the assessment with its answers, facts and runs into your store."
        ),
        text(f"Judged by Loadstone {version}, for {view.document['as_of']!s}."),
    )
    return [Heading("To check this report", 2), Bullets(items)]
