"""Writes a run into the store while its probe goes on.

Events are taken without waiting and written by a thread of the recorder's own, so that neither a slow disk
nor another process's lock holds up the probe, and so that the heartbeat goes on while the probe says nothing.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.assessment_rows import touched_assessment
from assessments.store.errors import StoreError
from assessments.store.listing import facts_of, listing_of, time_in
from assessments.store.orphans import INTERRUPTED, RUNNING, UNFINISHED_GRADE
from assessments.store.owner import this_process
from assessments.store.runs import result_seal
from assessments.store.seal import canonical, clean
from assessments.store.session import present_time, writing
from probes.errors import LoadstoneError
from probes.events import Event, FactFound, Finished, Note, Second, Started, Step

COMMIT_EVERY_S = 1.0
HEARTBEAT_EVERY_S = 2.0
FAILED = "failed"

_AT_ONCE = (Started, Step, Finished)


class RunRecorder:
    """Takes the events of one probe and stores them: a context manager that is called with each event.

    It never raises because of the disk: `failure` is then one sentence, and nothing more is written. Events
    before `Started` wait for it, and without one nothing is stored. Leaving the context without a `Finished`
    marks the run as failed when an error led there, and as interrupted otherwise.
    """

    def __init__(self, engine: Engine, run_id: str, assessment: str | None = None) -> None:
        self.run_id = run_id
        self.failure: str | None = None
        self.committed_seconds = 0
        self._log = _RunLog(run_id, assessment)
        self._engine = engine
        self._changed = threading.Condition()
        self._waiting: list[Event] = []
        self._given = 0
        self._settled = 0
        self._hurry = False
        self._ending: tuple[str, str] | None = None
        self._last_commit = time.monotonic()
        self._thread = threading.Thread(target=self._write_until_left, name="run-recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ending = _ending_of(error)
            self._changed.notify_all()
        self._thread.join()

    def __call__(self, event: Event) -> None:
        """Takes an event; returns at once."""
        with self._changed:
            if self.failure is not None:
                return
            self._waiting.append(event)
            self._given += 1
            if isinstance(event, _AT_ONCE):
                self._hurry_up()

    def flush(self) -> bool:
        """Waits until all that was given is on the disk; False when it cannot be (see `failure`)."""
        with self._changed:
            goal = self._given
            self._hurry_up()
            self._changed.wait_for(
                lambda: self._settled >= goal or self.failure is not None or not self._thread.is_alive()
            )
            return self._settled >= goal and self.failure is None

    def _hurry_up(self) -> None:
        self._hurry = True
        self._changed.notify_all()

    def _write_until_left(self) -> None:
        ending = None
        while ending is None and self.failure is None:
            with self._changed:
                self._changed.wait_for(lambda: self._hurry or self._ending is not None, COMMIT_EVERY_S)
                batch, self._waiting, self._hurry = self._waiting, [], False
                ending = self._ending
            failure = self._commit(batch, ending)
            with self._changed:
                self._settled += len(batch)
                self.failure = failure
                self._changed.notify_all()

    def _commit(self, batch: Sequence[Event], ending: tuple[str, str] | None) -> str | None:
        """Writes what there is to write; returns why it could not."""
        beaten = ending is None and time.monotonic() - self._last_commit < HEARTBEAT_EVERY_S
        if not batch and (beaten or not self._log.is_open):
            return None
        kept = "stored only up to here" if self._log.is_begun else "not stored"
        try:
            if self._log.can_write(batch):
                with writing(self._engine) as session:
                    self._log.write(session, ending)
            self.committed_seconds = self._log.count_of(models.Second)
        except StoreError as error:
            return f"the run is {kept}: {error}"
        except Exception as error:
            return f"the run is {kept}, through a fault of Loadstone's own: {type(error).__name__}: {error}"
        self._last_commit = time.monotonic()
        return None


class _RunLog:
    """The rows of one run: what is to be written next, and what stands there already."""

    def __init__(self, run_id: str, assessment: str | None) -> None:
        self._run_id = run_id
        self._assessment = assessment
        self._run_key: int | None = None
        self._pending: list[Event] = []
        self._rows: Counter[type[models.Base]] = Counter()
        self._announced_facts: set[bytes] = set()
        self._last_t: float | None = None
        self._finished = False

    @property
    def is_begun(self) -> bool:
        """Whether the run has its row."""
        return self._run_key is not None

    @property
    def is_open(self) -> bool:
        """Whether the run has its row and no result yet, so that it needs a heartbeat."""
        return self.is_begun and not self._finished

    def count_of(self, kind: type[models.Base]) -> int:
        """How many rows of this kind were written."""
        return self._rows[kind]

    def can_write(self, batch: Sequence[Event]) -> bool:
        """Takes events; False while the first of all, `Started`, is not among them."""
        self._pending.extend(batch)
        return self.is_begun or any(isinstance(event, Started) for event in self._pending)

    def write(self, session: Session, ending: tuple[str, str] | None) -> None:
        """Writes all pending events and the heartbeat, and with `ending` how an unfinished run ended."""
        now = present_time(session)
        run = self._run(session, now)
        with run.amended():
            if not self._finished:
                run.status, run.grade, run.reason, run.ended_at, run.seconds = RUNNING, None, None, None, None
            for event in self._pending:
                self._add(session, run, event, now)
            if ending is not None and not self._finished:
                run.status, run.reason = ending
                run.grade, run.ended_at, run.seconds = UNFINISHED_GRADE, now, self._last_t
            run.second_count = self._rows[models.Second]
            run.step_count = self._rows[models.Step]
            run.fact_count = self._rows[models.Fact]
            run.note_count = self._rows[models.Note]
        run.heartbeat = now
        self._pending = []

    def _run(self, session: Session, now: datetime) -> models.Run:
        if self._run_key is None:
            started = next(event for event in self._pending if isinstance(event, Started))
            run = self._new_run(session, started, now)
            session.add(run)
            session.flush()
            run.seal()
            self._run_key = run.key
            return run
        known = session.get(models.Run, self._run_key, with_for_update=True)
        if known is None:
            raise StoreError("the run was deleted from the store meanwhile: start the probe again")
        return known

    def _new_run(self, session: Session, started: Started, now: datetime) -> models.Run:
        if session.scalar(select(models.Run.key).where(models.Run.id == self._run_id)) is not None:
            raise StoreError(f"a run '{self._run_id}' is stored already: start the probe again")
        assessment = None if self._assessment is None else touched_assessment(session, self._assessment, now)
        if assessment is not None:
            assessment.run_count += 1
        owner = this_process()
        return models.Run(
            id=self._run_id,
            assessment_key=assessment.key if assessment else None,
            status=RUNNING,
            started_at=time_in(started.run.get("started_at")) or now,
            target_address=str(started.target.get("address", "")),
            start_document=clean(started.run),
            target=clean(started.target),
            load=clean(started.load),
            owner_host=owner.host,
            owner_scope=owner.scope,
            owner_pid=owner.pid,
            owner_started=owner.started,
            heartbeat=now,
        )

    def _add(self, session: Session, run: models.Run, event: Event, now: datetime) -> None:
        match event:
            case Second():
                columns = models.Second.__table__.columns  # a fault of the client stays in the step's verdict
                values = {
                    field.name: clean(getattr(event, field.name))
                    for field in fields(event)
                    if field.name in columns
                }
                self._last_t = values["t"]
                self._add_row(session, run, models.Second, **values)
            case Step():
                position = self._add_row(
                    session, run, models.Step, step_index=event.index, document=clean(event.step)
                )
                session.flush()
                histogram = models.Histogram(
                    run_key=run.key,
                    position=position,
                    response=event.response_histogram,
                    service=event.service_histogram,
                )
                histogram.seal()
                session.add(histogram)
            case FactFound():
                self._add_fact(session, run, event.fact)
            case Note():
                self._add_row(session, run, models.Note, t=event.t, level=event.level, text=event.text)
            case Finished():
                self._finish(session, run, clean(event.result), now)

    def _add_row(self, session: Session, run: models.Run, kind: type[models.RowOfRun], **values: Any) -> int:
        position = self._rows[kind]
        row = kind(run_key=run.key, position=position, **values)
        row.seal()
        session.add(row)
        self._rows[kind] += 1
        return position

    def _add_fact(self, session: Session, run: models.Run, fact: Mapping[str, Any]) -> None:
        known = canonical(fact)
        if known not in self._announced_facts:
            self._announced_facts.add(known)
            self._add_row(session, run, models.Fact, name=str(fact.get("name", "")), document=clean(fact))

    def _finish(self, session: Session, run: models.Run, result: dict[str, Any], now: datetime) -> None:
        for fact in facts_of(result):
            self._add_fact(session, run, fact)
        for column, value in listing_of(result).items():
            setattr(run, column, value)
        run.ended_at = now
        run.result = result
        run.result_sha256 = result_seal(run.id, result)
        if run.assessment_key is not None:  # which may have another name by now
            joined = models.Assessment.key == run.assessment_key
            session.execute(update(models.Assessment).where(joined).values(updated_at=now))
        self._finished = True


def _ending_of(error: BaseException | None) -> tuple[str, str]:
    """Status and reason of a run whose context is left without a result."""
    if error is None:
        return INTERRUPTED, "it ended before its result was there"
    if isinstance(error, LoadstoneError):
        return FAILED, str(error)
    if isinstance(error, Exception):
        return FAILED, f"{type(error).__name__}: {error}"
    return INTERRUPTED, "it was stopped before its end"
