"""Stored runs as plain values: listed, found by a part of their id, and read with what is damaged named."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, undefer

from assessments.store import models
from assessments.store.assessment_rows import shown
from assessments.store.errors import AmbiguousRun, UnknownRun
from assessments.store.listing import listing_of
from assessments.store.orphans import RUNNING, UNFINISHED_GRADE
from assessments.store.seal import seal_of
from assessments.store.session import reading

LAST = "last"
SHORTEST_PREFIX = 4
RESULT_SCHEMA = "loadstone.probe/1"
DAMAGED_ROW = "its row in the store is damaged"

NEWEST_FIRST = (models.Run.started_at.desc(), models.Run.key.desc())
_RUNS = select(models.Run, models.Assessment.name).outerjoin(
    models.Assessment, models.Run.assessment_key == models.Assessment.key
)

_NOT_OF_A_SECOND = frozenset({"run_key", "position", "sha256"})


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as it is listed; capacity is a rate per second with its bounds.

    `status` is `running`, or one of CONTRACT's. A row that does not match its hash is `damaged`, and has
    neither grade nor numbers.
    """

    id: str
    assessment: str | None
    started_at: datetime
    status: str
    grade: str | None
    target_address: str
    capacity: float | None
    low: float | None
    high: float | None
    p99_ms: float | None
    seconds: float | None
    reason: str | None
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with all that is stored of it.

    `result` is the `loadstone.probe/1` document; that of a run without one, or with a damaged one, is rebuilt
    from the intact parts. `seconds` are the fields of the `second` events. `histograms` go with `steps`: one
    pair of texts a step, response and service, empty where a text is damaged, and for a run that was added
    from its result alone. What does not match its hash is left out, and `damaged` has a sentence on it.
    """

    id: str
    status: str
    result: dict[str, Any]
    seconds: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    histograms: list[tuple[str, str]]
    notes: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    damaged: list[str]
    summary: RunSummary


def list_runs(engine: Engine, assessment: str | None, limit: int | None) -> list[RunSummary]:
    """The newest runs first, of one assessment or of all."""
    query = _RUNS.order_by(*NEWEST_FIRST).limit(limit)
    if assessment is not None:
        query = query.where(models.Assessment.name == assessment)
    with reading(engine) as session:
        return [_summary(run, name) for run, name in session.execute(query)]


def runs_of(session: Session, assessment: models.Assessment) -> tuple[list[RunSummary], list[str]]:
    """The runs of an assessment, newest first, and a sentence for each whose row is damaged or lost."""
    query = _RUNS.where(models.Run.assessment_key == assessment.key).order_by(*NEWEST_FIRST)
    runs = [_summary(run, name) for run, name in session.execute(query)]
    damaged = [f"the run {shown(run.id)}: {DAMAGED_ROW}" for run in runs if run.damaged]
    return runs, damaged + lost_runs(assessment, len(runs))


def lost_runs(assessment: models.Assessment, found: int) -> list[str]:
    """A sentence when an assessment has another number of runs than joined it."""
    if found == assessment.run_count:
        return []
    return [
        f"{found} runs are stored where {assessment.run_count} joined: take what is missing from a backup, "
        "or measure again"
    ]


def read_run(engine: Engine, run_id: str) -> StoredRun:
    """The run with this id, or whose id alone begins so, or the newest for `last`.

    Raises `UnknownRun` and `AmbiguousRun`.
    """
    with reading(engine) as session:
        return _stored(session, find_run(session, run_id))


def result_seal(run_id: str, result: Any) -> str:
    """The hash of a run's result."""
    return seal_of("result", run_id, result)


def _stored(session: Session, key: int) -> StoredRun:
    run, assessment = session.execute(
        _RUNS.where(models.Run.key == key).options(undefer(models.Run.result))
    ).one()
    damaged: list[str] = []
    seconds = _intact(session, run, models.Second, run.second_count, damaged)
    steps = _intact(session, run, models.Step, run.step_count, damaged)
    facts = _intact(session, run, models.Fact, run.fact_count, damaged)
    notes = _intact(session, run, models.Note, run.note_count, damaged)
    histograms = _histograms(session, run, steps, damaged)
    if not run.is_intact():
        damaged.append("the run's own row does not match its hash: its target, load and figures are left out")
    result = run.result
    if result is not None and run.result_sha256 != result_seal(run.id, result):
        result = None
    if result is None:
        if run.result_sha256 is not None:
            damaged.append("the result does not match its hash: it is rebuilt from the steps and facts")
        result = rebuilt(run, [step.document for step in steps], [fact.document for fact in facts])
    return StoredRun(
        id=run.id,
        status=listing_of(result)["status"],
        result=result,
        seconds=[_fields_of(second) for second in seconds],
        steps=[step.document for step in steps],
        histograms=histograms,
        notes=[{"t": note.t, "level": note.level, "text": note.text} for note in notes],
        facts=[fact.document for fact in facts],
        damaged=damaged,
        summary=_summary(run, assessment),
    )


_RowT = TypeVar("_RowT", models.Second, models.Step, models.Fact, models.Note)


def _intact(
    session: Session, run: models.Run, kind: type[_RowT], count: int, damaged: list[str]
) -> list[_RowT]:
    """The rows of a run that match their hash; what is damaged or missing of `count` is said in `damaged`."""
    name = kind.__tablename__
    found = session.scalars(select(kind).where(kind.run_key == run.key).order_by(kind.position)).all()
    intact = []
    for row in found:
        if row.is_intact():
            intact.append(row)
        else:
            damaged.append(f"{name} {row.position} does not match its hash and is left out")
    if run.is_intact() and len(found) != count:
        damaged.append(f"{len(found)} {name}s are stored where {count} were written")
    return intact


def _histograms(
    session: Session, run: models.Run, steps: Sequence[models.Step], damaged: list[str]
) -> list[tuple[str, str]]:
    found = session.scalars(select(models.Histogram).where(models.Histogram.run_key == run.key)).all()
    by_position = {row.position: row for row in found}
    pairs = []
    for step in steps:
        histogram = by_position.get(step.position)
        if histogram is None:
            damaged.append(f"the histograms of step {step.position} are missing")
            pairs.append(("", ""))
            continue
        wrong = histogram.damaged()
        damaged.extend(
            f"the {kind} histogram of step {step.position} does not match its hash and is left out"
            for kind in wrong
        )
        pairs.append(
            (
                "" if "response" in wrong else histogram.response,
                "" if "service" in wrong else histogram.service,
            )
        )
    return pairs


def rebuilt(run: models.Run, steps: list[Any], facts: list[Any]) -> dict[str, Any]:
    """The result document of a run that has none, from what is stored of it."""
    intact = run.is_intact()
    about = dict(run.start_document) if intact else {}
    about |= {
        "id": run.id,
        "started_at": run.started_at.isoformat(),
        "seconds": run.seconds if intact else None,
        "status": run.status,
        "reason": run.reason if intact else DAMAGED_ROW,
        "grade": None if run.status == RUNNING else UNFINISHED_GRADE,
        "grade_reason": "rebuilt from its stored parts: it has no whole result",
    }
    document: dict[str, Any] = {"schema": RESULT_SCHEMA, "run": about}
    if intact:
        document |= {"target": run.target, "load": run.load}
    return document | {"steps": steps, "facts": facts}


def _fields_of(second: models.Second) -> dict[str, Any]:
    names = (column.key for column in models.Second.__table__.columns)
    return {name: getattr(second, name) for name in names if name not in _NOT_OF_A_SECOND}


def find_run(session: Session, run_id: str) -> int:
    """The key of the run with this id, or whose id alone begins so. Raises `UnknownRun`, `AmbiguousRun`."""
    if run_id == LAST:
        newest = session.scalar(select(models.Run.key).order_by(*NEWEST_FIRST).limit(1))
        if newest is None:
            raise UnknownRun("the store holds no runs yet: `loadstone probe` makes one")
        return newest
    exact = session.scalar(select(models.Run.key).where(models.Run.id == run_id))
    if exact is not None:
        return exact
    if len(run_id) < SHORTEST_PREFIX:
        raise UnknownRun(
            f"there is no run '{run_id}': give at least {SHORTEST_PREFIX} characters of its id, or `last`"
        )
    begins = func.substr(models.Run.id, 1, len(run_id)) == run_id
    near = select(models.Run.key, models.Run.id).where(begins).order_by(*NEWEST_FIRST).limit(6)
    found: list[tuple[int, str]] = [(row.key, row.id) for row in session.execute(near)]
    if len(found) == 1:
        return found[0][0]
    if found:
        names = ", ".join(name for _, name in found[:5]) + (", …" if len(found) > 5 else "")
        raise AmbiguousRun(f"several runs begin with '{run_id}': give more of one of {names}")
    raise _unknown(session, run_id)


def _unknown(session: Session, run_id: str) -> UnknownRun:
    ids = session.scalars(select(models.Run.id).order_by(*NEWEST_FIRST).limit(500)).all()
    starts = {name[: len(run_id)]: name for name in reversed(ids)}
    near = [starts[start] for start in difflib.get_close_matches(run_id, starts, n=3)]
    return UnknownRun(
        f"there is no run '{run_id}': "
        + (f"near it are {', '.join(near)}" if near else "`loadstone list` shows all there are")
    )


def _summary(run: models.Run, assessment: str | None) -> RunSummary:
    if not run.is_intact():
        return RunSummary(
            id=run.id,
            assessment=assessment,
            started_at=run.started_at,
            status=run.status,
            grade=None,
            target_address=run.target_address,
            capacity=None,
            low=None,
            high=None,
            p99_ms=None,
            seconds=None,
            reason=DAMAGED_ROW,
            damaged=True,
        )
    return RunSummary(
        id=run.id,
        assessment=assessment,
        started_at=run.started_at,
        status=run.status,
        grade=run.grade,
        target_address=run.target_address,
        capacity=run.capacity_per_s,
        low=run.capacity_low_per_s,
        high=run.capacity_high_per_s,
        p99_ms=run.p99_ms,
        seconds=run.seconds,
        reason=run.reason,
    )
