"""A claim that evidence speaks against, as a card: claimed, measured, the facts, what settles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.report.model import Cell, ClaimCard, Column, Span, Table, Text, text
from app.report.sections.claim_words import (
    because,
    claimed,
    cut,
    points_words,
    rule_words,
)
from app.report.sections.fact_names import meaning_of
from app.report.sections.score_words import effect_words, effort_words
from app.report.view import View, fact_source, fact_value, sentence, short
from assessments.lens import Question
from assessments.wording import amount, capital
from probes.facts import Fact

MOST_FACTS = 12


def card(view: View, question: Question) -> ClaimCard:
    """The card of a claim that is contradicted or challenged."""
    claim = view.claims[question.id]
    lost = claim.get("lost") or {}
    points = float(lost.get("contradicted", 0.0)) or float(lost.get("not_proven", 0.0))
    weight = f"weight {amount(question.weight)}" + (", critical" if question.critical else "")
    measured = because(view, question)
    rule = rule_words(view, question)
    return ClaimCard(
        state=claim["state"],
        question=question.id,
        weight=weight,
        points=f"−{points_words(points)} points" if points >= 0.05 else "",
        title=cut(short(question) if question.short else question.text, 110),
        claimed=text(claimed(view, question)),
        measured=text(measured, Span(f" {sentence(rule)}" if rule else "", "muted")),
        facts=_facts(view, claim),
        settled=_settled(view, question),
        anchor=f"claim-{question.id}",
    )


def _facts(view: View, claim: Mapping[str, Any]) -> Table | None:
    facts: dict[str, Fact] = {}
    for name in claim.get("facts", ()):
        fact = view.counting.get(str(name))
        if fact is None:
            continue
        facts[fact.name] = fact
        for part in inputs_of(fact.name):
            found = view.counting.get(part)
            if found is not None:
                facts.setdefault(part, found)
    if not facts:
        return None
    rows: list[tuple[Cell, ...]] = [
        (
            text(meaning_of(fact.name) or fact.name),
            text(fact_value(fact)),
            text(Span(cut(fact_source(fact), 120), "muted")),
        )
        for fact in list(facts.values())[:MOST_FACTS]
    ]
    more = len(facts) - len(rows)
    return Table(
        (Column("Fact", 1.2), Column("Value", align="right"), Column("Source", 1.4)),
        tuple(rows),
        f"And {more} more among the evidence." if more > 0 else "",
        dense=True,
    )


_INPUTS: Mapping[str, tuple[str, ...]] = {
    "derived.memory_limit_headroom": ("infra.kubernetes.memory_limit_bytes", "process.rss_peak_bytes"),
    "derived.hpa_target_margin": (
        "derived.cpu_at_knee_request_ratio",
        "process.cpu_cores_at_saturation",
        "infra.kubernetes.cpu_request_cores",
        "infra.kubernetes.hpa.target_cpu_ratio",
    ),
    "derived.cpu_at_knee_request_ratio": (
        "process.cpu_cores_at_saturation",
        "infra.kubernetes.cpu_request_cores",
    ),
    "derived.cpu_at_knee_limit_ratio": (
        "process.cpu_cores_at_saturation",
        "infra.kubernetes.cpu_limit_cores",
    ),
    "derived.max_replicas_headroom": (
        "infra.kubernetes.hpa.max_replicas",
        "derived.replicas_needed",
        "load.capacity",
    ),
    "derived.fleet_headroom": (
        "load.capacity",
        "infra.kubernetes.hpa.max_replicas",
        "infra.kubernetes.replicas",
    ),
    "derived.replicas_needed": ("load.capacity",),
    "derived.latency_alert_ratio": ("monitoring.prometheus.latency_alert.threshold_ms",),
    "derived.hours_to_memory_limit": (
        "infra.kubernetes.memory_limit_bytes",
        "process.rss_peak_bytes",
        "process.growth_bytes_per_request",
        "process.growth_bytes_per_second",
    ),
    "derived.runs_out_on": ("load.capacity", "infra.kubernetes.hpa.max_replicas"),
    "derived.days_to_run_out": ("load.capacity", "infra.kubernetes.hpa.max_replicas"),
}


def inputs_of(name: str) -> tuple[str, ...]:
    """The facts that a derived one is made from (see `assessments.cross_checks`)."""
    return _INPUTS.get(name, ())


def _settled(view: View, question: Question) -> Text:
    action = next(
        (
            entry
            for entry in view.actions
            if entry.get("question") == question.id or question.id in (entry.get("questions") or ())
        ),
        None,
    )
    if action is None:
        remedy = question.remediation
        return () if remedy is None else text(sentence(capital(remedy.text)))
    number = view.actions.index(action) + 1
    said = sentence(str(action["text"]))
    why = f" {sentence(str(action['because']))}" if action.get("because") else ""
    done = f" {capital(effect_words(view, action))}, {effort_words(action)}: "
    return text(f"{said}{why}{done}", Span(f"action {number}", link="#plan"), ".")
