"""Two states of an assessment: scores before and after, and the parts of answers, evidence and lens in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.cli.layout import Cell, Line, Span, cut, line, plain, table, wrapped

if TYPE_CHECKING:
    from assessments.assessment import Assessed
    from assessments.milestones import Change, Difference

MOST_CHANGES = 30
"""Lines of one kind of change that are printed; the document has all."""
_KINDS = (
    ("states", "What became of claims"),
    ("answers", "Answers"),
    ("facts", "Evidence"),
    ("lens", "Lens"),
)


def lines_of(
    a: str, first: Assessed, b: str, second: Assessed, columns: int
) -> tuple[list[Line], dict[str, Any]]:
    """The comparison for people, and as a document `loadstone.compare/1`."""
    from assessments.milestones import difference

    found = difference(first, second)
    lines: list[Line] = []
    for name, shown, state in (("A", a, first), ("B", b, second)):
        lines += wrapped(
            f"{name}  {plain(shown)}, judged {state.as_of.date()}: {_stands(state)}", columns, "", "   "
        )
    lines += [line(""), *_scores(found, second, columns)]
    for key, title in _KINDS:
        lines += _changes(title, getattr(found, key), columns)
    if not any(getattr(found, key) for key, _ in _KINDS):
        lines += [line(""), *wrapped("Nothing is different.", columns, "muted")]
    document = {"schema": "loadstone.compare/1", "a": a, "b": b} | found.to_json()
    return lines, document


def _stands(state: Assessed) -> str:
    overall = state.scores.overall
    if overall.score is None:
        return "no score"
    return f"{overall.score:.1f} of 100, {overall.band}"


def _scores(found: Difference, second: Assessed, columns: int) -> list[Line]:
    names = {pillar.id: pillar.name for pillar in second.judged.lens.pillars} | {"overall": "Overall"}
    rows: list[tuple[Cell, ...]] = [
        (
            plain(names.get(entry.id, entry.id)),
            _score(entry.before),
            _score(entry.after),
            *(_part(part) for part in (entry.answers, entry.evidence, entry.lens)),
        )
        for entry in found.scores
    ]
    return table(("score", "A", "B", "by answers", "by evidence", "by lens"), rows, "lrrrrr", columns)


def _score(value: float | None) -> Cell:
    return Span("none", "muted") if value is None else f"{value:.1f}"


def _part(value: float | None) -> Cell:
    if value is None:
        return "–"
    shown = f"{value:+.1f}".replace("-", "−")
    return Span("0", "muted") if shown[1:] == "0.0" else shown


def _changes(title: str, changes: Sequence[Change], columns: int) -> list[Line]:
    if not changes:
        return []
    wide = min(max(len(plain(change.id)) for change in changes[:MOST_CHANGES]), columns // 2)
    lines = [line(""), line(Span(f"{title} ({len(changes):,})", "strong"))]
    for change in changes[:MOST_CHANGES]:
        name = cut(plain(change.id), wide)
        text = f"{name:<{wide}}  {plain(change.before, 200)} → {plain(change.after, 200)}"
        lines += wrapped(text, columns, "", " " * (wide + 2))
    if len(changes) > MOST_CHANGES:
        lines += wrapped(f"and {len(changes) - MOST_CHANGES:,} more: see --json", columns, "muted")
    return lines
