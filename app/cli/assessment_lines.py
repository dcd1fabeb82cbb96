"""An assessment in words for a terminal: the verdict, the scores by pillar, what is contradicted, what to do.

Pure: an `Assessed` in, lines out. Text that a person or a file gave is shown escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.layout import MISSING, NO_BREAK, Cell, Line, Span, Style, line, plain, table, wrapped
from assessments.levers import Lever
from assessments.limits import RATE
from assessments.wording import amount, counted, percent, with_unit

if TYPE_CHECKING:
    from assessments.actions import Action
    from assessments.assessment import Assessed
    from assessments.scoring import Overall, Score
    from assessments.states import Judgement

MOST_ACTIONS = 5
MOST_CONTRADICTED = 10
MOST_REASONS = 5
_HEADER = ("pillar", "score", "proven", "supported", "claimed", "band")
_BAND_STYLES: dict[str, Style] = {"fragile": "bad", "limited": "warn", "conditional": "", "ready": "ok"}
_BANDS = ((40.0, "fragile"), (60.0, "limited"), (80.0, "conditional"))
_READINESS: dict[str, Style] = {"ready": "ok", "capacity": "warn", "not_ready": "bad", "unknown": "warn"}
_STATES = (
    ("verified", "verified"),
    ("partly", "partly verified"),
    ("understated", "understated"),
    ("claimed", "claimed"),
    ("challenged", "challenged"),
    ("contradicted", "contradicted"),
    ("open", "open"),
    ("not_applicable", "not applicable"),
)


def assessment_lines(assessed: Assessed, columns: int) -> list[Line]:
    """The whole of it."""
    return [
        *verdict_lines(assessed, columns),
        line(""),
        *score_lines(assessed, columns),
        *contradicted_lines(assessed, columns),
        *action_lines(assessed, columns),
        *aside_lines(assessed, columns),
        *problem_lines(assessed, columns),
    ]


def verdict_lines(assessed: Assessed, columns: int) -> list[Line]:
    """Ready or not and why, what breaks first, when it runs out."""
    verdict = assessed.verdict
    lines = [line(Span(plain(verdict.headline), _READINESS[verdict.readiness]))]
    for reason in verdict.reasons:
        lines += wrapped(plain(reason), columns)
    first = verdict.breaks_first
    if first is not None:
        why = "" if first.because in verdict.reasons else f" {first.because}"
        at = f", at {rate_text(first.rate_per_s)}" if first.rate_per_s > 0 else ""
        lines += wrapped(plain(f"Breaks first: {first.what}{at}.{why}"), columns)
    for sentence in verdict.close_behind:
        lines += wrapped(plain(sentence), columns)
    headline, text = verdict.runs_out
    lines += wrapped(plain(f"Runs out: {headline}. {text}"), columns)
    return lines


def rate_text(per_s: float) -> str:
    """`350 req/s`."""
    return with_unit(amount(per_s), RATE)


def score_lines(assessed: Assessed, columns: int) -> list[Line]:
    """The overall score, the pillars as a table, and how much was measured."""
    names = {pillar.id: plain(pillar.name, 40) for pillar in assessed.judged.lens.pillars}
    scores = assessed.scores
    said = overall_text(scores.overall, names)
    if scores.overall.refused in assessed.verdict.reasons:
        said = "No overall score."  # the verdict said why
    lines = wrapped(said, columns, "strong")
    lines += [
        line(""),
        *table(
            _HEADER,
            [_row(names.get(score.id, score.id), score) for score in scores.pillars],
            "lrrrrl",
            columns,
        ),
    ]
    for score in scores.pillars:
        if score.refused is not None:
            lines += wrapped(plain(score.refused), columns, "warn")
        for cap in score.caps:
            held = f"{names.get(score.id, score.id)} is held at {cap.at_most:.0f} at most: {cap.because}."
            lines += wrapped(plain(held), columns, "warn")
    verdict = assessed.verdict
    states = ", ".join(f"{verdict.counts[name]} {word}" for name, word in _STATES if verdict.counts.get(name))
    if verdict.measured_share is not None:
        states += f"; {percent(verdict.measured_share)} of the weight was settled by evidence"
    lines += [line(""), *wrapped(f"Claims: {states or MISSING}.", columns)]
    return lines


def overall_text(overall: Overall, names: dict[str, str]) -> str:
    """`49 of 100 overall, set by Monitoring: limited (mean of the pillars 59).`"""
    if overall.score is None:
        return f"No overall score. {plain(overall.refused or '')}".rstrip()
    pillar = names.get(str(overall.pillar), str(overall.pillar))
    return (
        f"{overall.score:.0f} of 100 overall, set by {pillar}: {overall.band} "
        f"(mean of the pillars {overall.mean:.0f})."
    )


def _row(name: str, score: Score) -> tuple[Cell, ...]:
    reading = score.reading
    if reading is None:
        return (name, MISSING, MISSING, MISSING, MISSING, Span("no score", "warn"))
    band = next((word for limit, word in _BANDS if round(reading.score, 9) < limit), None)
    if band is None:
        band = "ready" if reading.proven >= 60 else "conditional"
    return (
        name,
        Span(f"{reading.score:.0f}", "strong"),
        f"{reading.proven:.0f}",
        f"{reading.supported:.0f}",
        f"{reading.claimed:.0f}",
        Span(band, _BAND_STYLES[band]),
    )


def contradicted(assessed: Assessed) -> list[Judgement]:
    """The claims that the evidence contradicts, what costs most first."""
    found = [entry for entry in assessed.judgements if entry.state == "contradicted"]
    return sorted(found, key=lambda entry: -entry.weight * entry.credit.contradicted)


def contradicted_lines(assessed: Assessed, columns: int) -> list[Line]:
    """Each contradicted claim with its reason."""
    found = contradicted(assessed)
    if not found:
        return []
    what = counted(len(found), "claim is", "claims are")
    lines = [line(""), *wrapped(f"{what} contradicted by the evidence:", columns, "bad")]
    for entry in found[:MOST_CONTRADICTED]:
        lines += _titled(assessed, entry, columns)
    if len(found) > MOST_CONTRADICTED:
        lines += wrapped(f"  and {len(found) - MOST_CONTRADICTED} more", columns, "muted")
    return lines


def _titled(assessed: Assessed, entry: Judgement, columns: int) -> list[Line]:
    question = assessed.judged.lens.by_id[entry.question]
    claimed = [plain(choice.text, 200) for choice in question.choices if choice.id in entry.choices]
    lines = wrapped(plain(f"  {entry.question}  {question.title}", 200), columns, "strong", "          ")
    lines += wrapped(f"    Claimed: {'; '.join(claimed)}", columns, "", "      ")
    lines += wrapped(f"    {plain(entry.because)}", columns, "", "      ")
    return lines


def action_lines(assessed: Assessed, columns: int) -> list[Line]:
    """The actions that are worth most."""
    if not assessed.actions:
        return []
    names = {pillar.id: plain(pillar.name, 40).lower() for pillar in assessed.judged.lens.pillars}
    lines = [line(""), *wrapped("What to do first:", columns, "strong")]
    for place, action in enumerate(assessed.actions[:MOST_ACTIONS], 1):
        assumed = not isinstance(action, Lever) and action.effort_assumed
        effort = counted_days(action.effort_days) + (", assumed" if assumed else "")
        gains = _gains(action, names.get(action.pillar, action.pillar))
        text = f"  {place}. {plain(action.text, 300).rstrip('.')} ({effort}): {gains}."
        lines += wrapped(text, columns, "", "     ")
    left = len(assessed.actions) - MOST_ACTIONS
    if left > 0:
        lines += wrapped(f"     {left} more in the report", columns, "muted")
    return lines


def _gains(action: Action | Lever, pillar: str) -> str:
    """`decides readiness, infrastructure +3.4`."""
    parts = []
    if isinstance(action, Lever) and action.decides_readiness:
        parts.append("decides readiness")
    if action.lifts_cap is not None:
        parts.append(f"lifts a cap of {action.lifts_cap:.0f}")
    points = round(action.points, 1)
    if points > 0:
        parts.append(f"{pillar} +{amount(points)}")
    if isinstance(action, Lever) and not points and not action.decides_readiness and action.runs_out_on:
        parts.append(f"runs out {action.runs_out_on}")
    return ", ".join(parts) or "no points alone"


def counted_days(days: float) -> str:
    """`1 day`, `3 days`, `0.5 days`."""
    return f"{amount(days)}{NO_BREAK}{'day' if days == 1 else 'days'}"


def aside_lines(assessed: Assessed, columns: int) -> list[Line]:
    """The facts that do not count, by their reasons."""
    by_reason: dict[str, list[str]] = {}
    for entry in assessed.judged.evidence.set_aside:
        by_reason.setdefault(entry.why, []).append(entry.fact.name)
    lines: list[Line] = [] if not by_reason else [line("")]
    for why, names in list(by_reason.items())[:MOST_REASONS]:
        what = counted(len(names), "fact does", "facts do")
        named = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        lines += wrapped(plain(f"{what} not count, {named}: {why}.", 400), columns, "warn", "  ")
    if len(by_reason) > MOST_REASONS:
        left = len(by_reason) - MOST_REASONS
        lines += wrapped(f"  and others for {counted(left, 'more reason')}: see --json", columns, "muted")
    return lines


def problem_lines(assessed: Assessed, columns: int) -> list[Line]:
    """What could not be used."""
    problems = assessed.materials.problems
    if not problems:
        return []
    lines = [line(""), *wrapped(f"Problems ({len(problems)}):", columns, "warn")]
    for problem in problems[:20]:
        lines += wrapped(plain(f"  {problem}", 400), columns, "warn", "    ")
    return lines
