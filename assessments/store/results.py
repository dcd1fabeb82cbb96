"""The results of an assessment's runs, and runs that were made from a result alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, undefer

from assessments.store import models
from assessments.store.assessment_rows import check_name, find_assessment, shown, touched_assessment
from assessments.store.evidence_rows import StoredEvidence, add_to
from assessments.store.joining import move_to
from assessments.store.listing import facts_of, listing_of, part_of, steps_of, time_in
from assessments.store.orphans import RUNNING
from assessments.store.runs import DAMAGED_ROW, NEWEST_FIRST, RESULT_SCHEMA, lost_runs, rebuilt, result_seal
from assessments.store.seal import canonical, clean
from assessments.store.session import present_time, reading, writing
from probes.errors import UsageError

FINISHED = ("completed", "interrupted", "aborted", "failed")

_SIX_DIGITS = 5e-6
"""The relative difference up to which two numbers are the same: a shared report writes six digits."""


def read_results(engine: Engine, name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The `loadstone.probe/1` documents of the finished, intact runs of an assessment, newest first.

    With them comes a sentence for each run that is damaged or lost. Raises `UnknownAssessment`.
    """
    with reading(engine) as session:
        return results_of(session, find_assessment(session, name))


def results_of(session: Session, assessment: models.Assessment) -> tuple[list[dict[str, Any]], list[str]]:
    """The same, in a transaction.

    A run that ended without a result, such as one that was killed, gives what is rebuilt from its steps and
    facts. Reads neither seconds nor histograms.
    """
    runs = session.scalars(
        select(models.Run)
        .where(models.Run.assessment_key == assessment.key)
        .order_by(*NEWEST_FIRST)
        .options(undefer(models.Run.result))
    ).all()
    results: list[dict[str, Any]] = []
    damaged: list[str] = []
    for run in runs:
        damage = DAMAGED_ROW
        result = None
        if run.is_intact():
            if run.status == RUNNING:
                continue
            result, damage = _result_of(session, run)
        if result is None:
            damaged.append(f"the run {shown(run.id)} is left out: {damage}")
        else:
            results.append(result)
    return results, damaged + lost_runs(assessment, len(runs))


def _result_of(session: Session, run: models.Run) -> tuple[dict[str, Any] | None, str]:
    """The result of a finished run with an intact row, or None and what is damaged."""
    if run.result_sha256 is not None:
        if run.result is not None and run.result_sha256 == result_seal(run.id, run.result):
            return run.result, ""
        return None, "its result does not match its hash"
    steps = session.scalars(
        select(models.Step).where(models.Step.run_key == run.key).order_by(models.Step.position)
    ).all()
    facts = session.scalars(
        select(models.Fact).where(models.Fact.run_key == run.key).order_by(models.Fact.position)
    ).all()
    for what, rows, count in (("steps", steps, run.step_count), ("facts", facts, run.fact_count)):
        if len(rows) != count or not all(row.is_intact() for row in rows):
            return None, f"its {what} do not match their hashes"
    return rebuilt(run, [step.document for step in steps], [fact.document for fact in facts]), ""


def add_result(engine: Engine, document: Mapping[str, Any], assessment: str | None) -> str:
    """Adds a finished run that is known by its `loadstone.probe/1` document alone; returns its id.

    It joins the assessment of that name, made if need be. A run with this id that is stored already with the
    same result is left as it is, and joins where it belongs to none; where it belongs to another assessment,
    this one gets its result as a piece of evidence. Raises `UsageError` when it has another result, and for
    what is no document of a finished run.
    """
    result = checked_result(document)
    run_id: str = result["run"]["id"]
    with writing(engine) as session:
        now = present_time(session)
        hold_run(session, run_id)
        joined = None if assessment is None else touched_assessment(session, assessment, now)
        session.flush()
        take_in(session, result, joined, now)
    return run_id


def take_in(
    session: Session,
    result: dict[str, Any],
    assessment: models.Assessment | None,
    now: datetime,
    *,
    but_for: frozenset[str] = frozenset(),
) -> None:
    """Adds the run of a checked result to a held assessment, in the way that `add_result` says.

    Of a run that is stored already, what `but_for` names may be different: then, and where what is stored is
    damaged, the assessment gets this result as a piece of evidence. Raises `UsageError`.
    """
    run_id = result["run"]["id"]
    run = hold_run(session, run_id)
    if run is None:
        add_run(session, result, assessment, now)
        return
    stored = None
    if run.is_intact() and run.status != RUNNING:
        stored, _ = _result_of(session, run)
    is_damaged = stored is None and run.status != RUNNING
    if is_damaged and assessment is not None:
        add_to(session, assessment, [_as_evidence(result, now)])
        return
    if stored is None or not _is_same(_without(stored, but_for), _without(result, but_for)):
        raise UsageError(
            f"a run {run_id} is stored already, and not with this result; nothing was changed: "
            "give another --store"
        )
    if assessment is None or run.assessment_key == assessment.key:
        return
    if run.assessment_key is None and _is_same(stored, result):
        move_to(session, run, assessment)
    else:
        add_to(session, assessment, [_as_evidence(result, now)])


def hold_run(session: Session, run_id: str) -> models.Run | None:
    """The run of this id with its result; nobody else writes to it until the transaction ends."""
    return session.scalar(
        select(models.Run)
        .where(models.Run.id == run_id)
        .options(undefer(models.Run.result))
        .with_for_update(of=models.Run)
    )


def _as_evidence(result: dict[str, Any], now: datetime) -> StoredEvidence:
    return StoredEvidence("probe_file", f"run {result['run']['id']}", True, now, result)


def _without(result: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in names}


def checked_result(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it can be stored, without the seal of its file. Raises `UsageError`."""
    result: dict[str, Any] = clean(document)
    result.pop("seal", None)
    schema, run = result.get("schema"), part_of(result, "run")
    if schema != RESULT_SCHEMA:
        raise UsageError(f"this is no result of a run, its schema is {schema!r:.60}: give a {RESULT_SCHEMA}")
    run_id, status = run.get("id"), run.get("status") or "completed"
    if not isinstance(run_id, str):
        raise UsageError("this result of a run lacks the run's id: take it from the file that was written")
    check_name(run_id, "the id of a run")
    if status not in FINISHED:
        raise UsageError(f"the run {run_id} is not finished, its status is {status!r:.60}: wait for its end")
    if time_in(run.get("started_at")) is None:
        raise UsageError(f"the run {run_id} does not say when it started: give `started_at` with a time zone")
    return result


def add_run(
    session: Session, result: dict[str, Any], assessment: models.Assessment | None, now: datetime
) -> None:
    """Adds the run of a checked result that is not stored yet, with its steps and facts."""
    about = part_of(result, "run")
    started_at = time_in(about["started_at"]) or now
    listing = listing_of(result)
    steps = steps_of(result)
    facts = list({canonical(fact): fact for fact in facts_of(result)}.values())
    target = part_of(result, "target")
    run = models.Run(
        id=about["id"],
        assessment_key=None if assessment is None else assessment.key,
        started_at=started_at,
        target_address=str(target.get("address", "")),
        start_document=about,
        target=target,
        load=part_of(result, "load"),
        owner_host="",
        owner_scope="",
        owner_pid=0,
        owner_started=0.0,
        heartbeat=now,
        ended_at=_end(started_at, listing["seconds"]),
        step_count=len(steps),
        fact_count=len(facts),
        result_sha256=result_seal(about["id"], result),
        result=result,
        **listing,
    )
    session.add(run)
    session.flush()
    run.seal()
    if assessment is not None:
        assessment.run_count += 1
    for position, step in enumerate(steps):
        _add_sealed(
            session, models.Step(run_key=run.key, position=position, step_index=position, document=step)
        )
    session.flush()
    for position in range(len(steps)):
        _add_sealed(session, models.Histogram(run_key=run.key, position=position, response="", service=""))
    for position, fact in enumerate(facts):
        name = str(fact.get("name", ""))
        _add_sealed(session, models.Fact(run_key=run.key, position=position, name=name, document=fact))
    session.flush()


def _add_sealed(session: Session, row: models.Step | models.Histogram | models.Fact) -> None:
    row.seal()
    session.add(row)


def _end(started_at: datetime, seconds: float | None) -> datetime:
    try:
        return started_at + timedelta(seconds=seconds or 0.0)
    except OverflowError:
        return started_at


def _is_same(one: Any, other: Any) -> bool:
    """Whether two documents are equal, their numbers to six digits."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if _is_number(one) and _is_number(other):
        try:
            return bool(one == other) or abs(one - other) <= _SIX_DIGITS * max(abs(one), abs(other))
        except OverflowError:  # an integer that no float can be compared with
            return False
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
