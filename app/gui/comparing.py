"""What can be compared, and the comparing: states of assessments, or runs. It runs in the background."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from app.gui.models.changes import ChangeRow, Kind, Words, rows_of
from assessments.assessment import Assessed, assess, materials_of
from assessments.judging import Materials
from assessments.milestones import Change, ScoreChange, difference
from assessments.store import Store
from assessments.wording import NO_BREAK, amount, estimate

MOST_RUNS = 50
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be compared: `shop` as it is now, `shop` at a milestone, a run by its id.

    `at` is when it was, None for now.
    """

    kind: Literal["now", "milestone", "run"]
    name: str
    label: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two states: when each was judged, overall scores and bands, scores with their shares, all changes."""

    judged_at: tuple[datetime, datetime]
    overall: tuple[tuple[float | None, str], tuple[float | None, str]]
    scores: tuple[ScoreChange, ...]
    names: dict[str, str]
    rows: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Two runs: for each metric name, A, B, B over A and whether the intervals are apart; and warnings."""

    rows: tuple[tuple[str, str, str, str, str], ...]
    warnings: tuple[str, ...]


def states(store: Store, name: str) -> list[Place]:
    """The open assessment now and at its milestones, the newest first, then the others as they are now."""
    found = [Place("now", name)]
    found += [
        Place("milestone", name, entry.label, entry.at)
        for entry in reversed(store.milestones(name))
        if entry.intact
    ]
    return [*found, *(Place("now", entry.name) for entry in store.assessments() if entry.name != name)]


def runs(store: Store, name: str) -> list[Place]:
    """The finished runs of the open assessment, the newest first, then the newest others."""
    own = store.runs(name, MOST_RUNS)
    ids = {run.id for run in own}
    others = [run for run in store.runs(None, MOST_RUNS) if run.id not in ids]
    return [
        Place("run", run.id, f"{run.grade or run.status}", run.started_at)
        for run in (*own, *others)
        if run.status != "running"
    ]


def state_of(store: Store, place: Place, open_one: Materials | None, now: datetime) -> Assessed:
    """The state, judged now or as it was judged then. `open_one` is taken as it stands in the window.

    Raises `UserError`.
    """
    if place.kind == "milestone":
        document = store.milestone(place.name, place.label).document
        then = datetime.fromisoformat(str(document["as_of"]))
        then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
        return assess(materials_of(document, f"{place.name}@{place.label}"), then)
    if open_one is not None and open_one.name == place.name:
        return assess(open_one, now)
    from assessments.stored import materials

    return assess(materials(store, place.name), now)


def compare_states(
    store: Store, first: Place, second: Place, open_one: Materials | None, now: datetime
) -> Compared:
    """What makes the second different from the first. Raises `UserError`."""
    a, b = (state_of(store, place, open_one, now) for place in (first, second))
    found = difference(a, b)
    names = {pillar.id: pillar.name for state in (a, b) for pillar in state.judged.lens.pillars}
    overall = [(state.scores.overall.score, str(state.scores.overall.band or "")) for state in (a, b)]
    return Compared(
        (a.as_of, b.as_of), (overall[0], overall[1]), found.scores, names, tuple(rows_of(found, _words(a, b)))
    )


def _words(before: Assessed, after: Assessed) -> Words:
    """Says what changed as people read it: titles of questions, levels of ladders, facts with their units."""
    from app.report.sections.fact_names import meaning_of
    from app.report.view import fact_value, short

    questions: dict[str, str] = {}
    choices: dict[str, str] = {}
    for state in (before, after):
        for question in state.judged.lens.questions:
            questions[question.id] = f"{question.id}  {short(question)}"
            for place, choice in enumerate(question.choices):
                level = "" if question.by_rules is not None else f"level{NO_BREAK}{place}: "
                choices[choice.id] = f"{level}{choice.text}"

    def claimed(text: str) -> str:
        return _WORD.sub(lambda found: choices.get(found[0], found[0]), text)

    def value(state: Assessed, name: str, otherwise: str) -> str:
        fact = state.judged.evidence.facts.get(name)
        return otherwise if fact is None else fact_value(fact)

    def words(kind: Kind, change: Change) -> ChangeRow:
        name, was, now = change.id, change.before, change.after
        if kind == "facts":
            return ChangeRow(
                kind, name, meaning_of(name) or name, value(before, name, was), value(after, name, now)
            )
        if kind == "answers":
            was, now = claimed(was), claimed(now)
        elif kind == "states":
            was, now = was.replace("_", " "), now.replace("_", " ")
        return ChangeRow(kind, name, questions.get(name, name), was, now)

    return words


def compare_runs(store: Store, first: Place, second: Place) -> ComparedRuns:
    """The metrics of both runs, as `loadstone compare` has them. Raises `UserError`."""
    from app.cli.compare_runs import compared, differences

    a, b = store.run(first.name), store.run(second.name)
    rows = []
    for row in compared(a.result, b.result):
        unit = "req/s" if row.unit == "1/s" else row.unit
        before, after = (
            _measured(value, ends, unit) for value, ends in ((row.a, row.a_interval), (row.b, row.b_interval))
        )
        apart = {True: "intervals apart", False: "intervals overlap", None: "no interval"}[row.apart]
        ratio = "–" if row.ratio is None else f"{amount(row.ratio)} ×"
        rows.append((row.name, before, after, ratio, apart))
    warnings = differences(a.result, b.result) + [text for run in (a, b) for text in run.damaged]
    return ComparedRuns(tuple(rows), tuple(warnings))


def _measured(value: float | None, ends: tuple[float, float] | None, unit: str) -> str:
    if value is None:
        return "–"
    low, high = (None, None) if ends is None else ends
    return estimate(value, low, high, unit)


def keep_milestone(store: Store, label: str, materials: Materials, now: datetime) -> None:
    """Keeps the assessment as it stands under a label. Raises `UserError` for a label that is taken."""
    from assessments.stored import milestone

    milestone(store, materials.name, label, assess(materials, now).to_json())
