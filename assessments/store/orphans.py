"""Runs whose process ended without a word are marked as interrupted when the store is opened."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from assessments.store.models import Run, Second
from assessments.store.owner import Owner, is_gone
from assessments.store.session import present_time, reading, writing

RUNNING = "running"
INTERRUPTED = "interrupted"
UNFINISHED_GRADE = "insufficient"


def interrupt_orphans(engine: Engine) -> list[str]:
    """Marks running runs without a living owner as interrupted; returns their ids.

    Nothing is written where there are none. A run that was marked by mistake, since its machine slept, is
    running again with its next heartbeat.
    """
    with reading(engine) as session:
        running = session.scalars(select(Run).where(Run.status == RUNNING)).all()
        if not running:
            return []
        now = present_time(session)
        orphans = [run for run in running if is_gone(_owner_of(run), run.heartbeat, now)]
    if not orphans:
        return []
    marked = []
    with writing(engine) as session:
        for orphan in orphans:
            run = session.get(Run, orphan.key, with_for_update=True, populate_existing=True)
            if run is None or run.status != RUNNING or run.heartbeat != orphan.heartbeat:
                continue
            with run.amended():
                run.status = INTERRUPTED
                run.grade = UNFINISHED_GRADE
                run.ended_at = run.heartbeat
                run.reason = f"its process ({run.owner_pid} on {run.owner_host}) ended without a word"
                last = select(func.max(Second.t)).where(Second.run_key == run.key)
                run.seconds = session.scalar(last)
            marked.append(run.id)
    return marked


def _owner_of(run: Run) -> Owner:
    return Owner(run.owner_host, run.owner_scope, run.owner_pid, run.owner_started)
