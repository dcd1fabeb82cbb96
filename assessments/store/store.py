"""The store: one file, or one database on a server, with all runs and assessments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from assessments.store import answers as answer_rows
from assessments.store import runs as run_rows
from assessments.store.admission import admit
from assessments.store.answers import Answer, AssessmentSummary
from assessments.store.engine import postgresql_engine, sqlite_engine
from assessments.store.journal import journal_mode
from assessments.store.location import default_path, resolve_url, shown_url, store_path
from assessments.store.migrate import is_current, migrate_postgresql, migrate_sqlite
from assessments.store.orphans import interrupt_orphans
from assessments.store.recorder import RunRecorder
from assessments.store.runs import RunSummary, StoredRun


@dataclass(frozen=True, slots=True)
class StoredAssessment:
    """An assessment with its runs, newest first, and its intact answers.

    `damaged` has a sentence for each answer that does not match its hash.
    """

    summary: AssessmentSummary
    runs: list[RunSummary]
    answers: list[Answer]
    damaged: list[str]


class Store:
    """An open store; a context manager. Its methods may be called from any thread.

    `url` is where it is, without a password; `journal_mode` and `journal_reason` say how SQLite keeps it
    safe (`server` on PostgreSQL). All methods raise `StoreError` when the database fails.
    """

    def __init__(self, engine: Engine, url: str, journal: tuple[str, str]) -> None:
        self.url = url
        self.journal_mode, self.journal_reason = journal
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections; recorders have to be left before."""
        self._engine.dispose()

    def record(self, run_id: str, assessment: str | None = None) -> RunRecorder:
        """A recorder for a new run, which joins the assessment of that name, made if need be."""
        return RunRecorder(self._engine, run_id, assessment)

    def runs(self, assessment: str | None = None, limit: int | None = 50) -> list[RunSummary]:
        """The newest runs first, of one assessment or of all; `limit` None for every one."""
        return run_rows.list_runs(self._engine, assessment, limit)

    def run(self, run_id: str) -> StoredRun:
        """The run with this id, or a beginning of it of at least four characters, or `last`.

        Raises `UnknownRun` and `AmbiguousRun`, naming near ones.
        """
        return run_rows.read_run(self._engine, run_id)

    def assessments(self) -> list[AssessmentSummary]:
        """All assessments, the one changed last first."""
        return answer_rows.list_assessments(self._engine)

    def assessment(self, name: str) -> StoredAssessment:
        """An assessment with its runs and answers. Raises `UnknownAssessment`."""
        summary = answer_rows.find_assessment(self._engine, name)
        found, damaged = answer_rows.read_answers(self._engine, name)
        return StoredAssessment(summary, self.runs(name, limit=None), found, damaged)

    def answers(self, name: str) -> list[Answer]:
        """The answers of an assessment, by question.

        Raises `UnknownAssessment`, and `DamagedAnswers` where one does not match its hash.
        """
        return answer_rows.intact_answers(self._engine, name)

    def save_answer(self, name: str, answer: Answer) -> Answer:
        """Saves an answer over the version it was read as, and returns it as it stands now.

        Makes the assessment when there is none of this name. Raises `AnswerChanged`, with nothing written,
        when somebody else saved it meanwhile.
        """
        return answer_rows.save_answer(self._engine, name, answer)


def open_store(url: str | None = None) -> Store:
    """Opens the store at `url` (see `resolve_url`), makes it if need be and brings it to the newest schema.

    Runs whose process is gone are marked as interrupted. Raises `StoreError` with the store as it was.
    """
    resolved = resolve_url(url)
    path = store_path(resolved)
    if path is None:
        return _open_postgresql(resolved)
    return _open_sqlite(path, resolved)


def _open_sqlite(path: Path, url: str) -> Store:
    judged = admit(path, make_folder=path == default_path())
    journal = journal_mode(path)
    engine = sqlite_engine(path, journal[0])
    try:
        whose = f"the store {path}"
        if not is_current(engine, whose):
            migrate_sqlite(path, journal[0])
        if not judged:
            admit(path)
        interrupt_orphans(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, url, journal)


def _open_postgresql(url: str) -> Store:
    engine = postgresql_engine(url)
    whose = f"the store {shown_url(url)}"
    try:
        if not is_current(engine, whose):
            migrate_postgresql(engine, whose)
        interrupt_orphans(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, shown_url(url), ("server", "PostgreSQL keeps its own journal"))
