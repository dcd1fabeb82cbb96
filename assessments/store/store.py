"""The store: one file, or one database on a server, with all runs and assessments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine

from assessments.store import answers as answer_rows
from assessments.store import assessment_rows, evidence_rows, joining, keeping, restoring, setups, whole
from assessments.store import milestones as milestone_rows
from assessments.store import results as result_rows
from assessments.store import runs as run_rows
from assessments.store.admission import admit
from assessments.store.answers import Answer
from assessments.store.assessment_rows import AssessmentSummary
from assessments.store.engine import postgresql_engine, sqlite_engine
from assessments.store.evidence_rows import StoredEvidence
from assessments.store.journal import journal_mode
from assessments.store.location import default_path, resolve_url, shown_url, store_path
from assessments.store.migrate import is_current, migrate_postgresql, migrate_sqlite
from assessments.store.milestones import MilestoneSummary, StoredMilestone
from assessments.store.orphans import interrupt_orphans
from assessments.store.recorder import RunRecorder
from assessments.store.runs import RunSummary, StoredRun
from assessments.store.setups import Setup
from assessments.store.whole import StoredAssessment, StoredContents


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
        """A recorder for a new run, which joins the assessment of that name, made if need be.

        Raises `UsageError` for a name that none may have.
        """
        if assessment is not None:
            assessment_rows.check_new_name(self._engine, assessment)
        return RunRecorder(self._engine, run_id, assessment)

    def runs(self, assessment: str | None = None, limit: int | None = 50) -> list[RunSummary]:
        """The newest runs first, of one assessment or of all; `limit` None for every one."""
        return run_rows.list_runs(self._engine, assessment, limit)

    def run(self, run_id: str) -> StoredRun:
        """The run with this id, or a beginning of it of at least four characters, or `last`.

        Raises `UnknownRun` and `AmbiguousRun`, naming near ones.
        """
        return run_rows.read_run(self._engine, run_id)

    def join_run(self, run_id: str, assessment: str) -> str:
        """Makes a stored run one of the assessment of that name, made if need be; returns the run's whole id.

        `run_id` is as in `run`. A run that belongs to another assessment leaves it. Raises `UnknownRun`,
        `AmbiguousRun`, and `UsageError` for a name that none may have.
        """
        return joining.join_run(self._engine, run_id, assessment)

    def assessments(self) -> list[AssessmentSummary]:
        """All assessments, the one changed last first."""
        return assessment_rows.list_assessments(self._engine)

    def assessment(self, name: str) -> StoredAssessment:
        """An assessment with all it holds, read from one state of the store. Raises `UnknownAssessment`.

        What is damaged or lost is left out and named in `damaged`.
        """
        return whole.read_assessment(self._engine, name)

    def contents(self, name: str) -> StoredContents:
        """The documents that an assessment is judged from, read from one state of the store.

        What is damaged or lost is left out and named in `damaged`. Raises `UnknownAssessment`, and
        `DamagedSetup` since no part could be judged without it.
        """
        return whole.read_contents(self._engine, name)

    def keep(
        self,
        name: str,
        answers: Sequence[Answer] | None = None,
        amend: Callable[[Setup], Setup] | None = None,
        *,
        even_damaged: bool = False,
    ) -> None:
        """Makes the answers exactly these, and the setup what `amend` makes of it, in one transaction.

        None leaves either as it is. Makes the assessment when there is none of this name; the last one to
        write wins. A damaged setup is amended like an empty one with `even_damaged`, and else raises
        `DamagedSetup`. Raises `UsageError` for answers and names that cannot be.
        """
        keeping.keep(self._engine, name, answers, amend, even_damaged=even_damaged)

    def change(
        self,
        name: str,
        changes: Sequence[tuple[Answer | None, Answer | None]],
        amend: Callable[[Setup], Setup] | None = None,
    ) -> None:
        """Makes of each first answer its second (None for no answer), and amends the setup; all else stays.

        In one transaction, so that several may change different answers at once. Raises, with nothing
        written, `UnknownAssessment`, `DamagedSetup`, and `AnswerChanged` when another answer than the first
        is stored.
        """
        keeping.change(self._engine, name, changes, amend)

    def rename(self, old: str, new: str) -> None:
        """Gives an assessment another name. Raises `UnknownAssessment`, and `UsageError` for one not free."""
        assessment_rows.rename_assessment(self._engine, old, new)

    def delete(self, name: str) -> None:
        """Deletes an assessment and all it holds but its runs, which belong to none then.

        Raises `UnknownAssessment`.
        """
        assessment_rows.delete_assessment(self._engine, name)

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

    def replace_answers(self, name: str, answers: Sequence[Answer]) -> None:
        """Makes the stored answers of an assessment exactly these, whatever versions they were read as.

        Makes the assessment when there is none of this name. Raises `UsageError`, with nothing written, when
        two answers are to one question.
        """
        answer_rows.replace_answers(self._engine, name, answers)

    def setup(self, name: str) -> Setup:
        """What an assessment judges by, empty where nothing was saved yet.

        Raises `UnknownAssessment`, and `DamagedSetup` when it does not match its hash or is gone.
        """
        return setups.read_setup(self._engine, name)

    def save_setup(self, name: str, setup: Setup) -> Setup:
        """Saves a setup over the version it was read as, and returns it as it stands now.

        Makes the assessment when there is none of this name. Raises `SetupChanged`, with nothing written,
        when somebody else saved it meanwhile.
        """
        return setups.save_setup(self._engine, name, setup)

    def evidence(self, name: str) -> tuple[list[StoredEvidence], list[str]]:
        """The intact evidence of an assessment in the order it was added, and a sentence on the rest.

        Evidence is what comes from elsewhere than the assessment's runs; the sentences are on what is damaged
        or lost. Raises `UnknownAssessment`.
        """
        return evidence_rows.read_evidence_of(self._engine, name)

    def add_evidence(self, name: str, evidence: StoredEvidence) -> None:
        """Adds a piece of evidence, unless the newest of its kind and origin is the same.

        Makes the assessment when there is none of this name.
        """
        evidence_rows.add_evidence(self._engine, name, evidence)

    def results(self, name: str) -> tuple[list[dict[str, Any]], list[str]]:
        """The `loadstone.probe/1` documents of an assessment's finished runs, newest first.

        With them comes a sentence for each run that is damaged, and so left out. Raises `UnknownAssessment`.
        """
        return result_rows.read_results(self._engine, name)

    def add_result(self, document: Mapping[str, Any], assessment: str | None = None) -> str:
        """Adds a finished run that is known by its `loadstone.probe/1` document alone; returns its id.

        It joins the assessment of that name, made if need be. Whether its seal is right is for the caller to
        check. A run that is stored already with this result stays as it is, and joins where it belongs to
        none; where it belongs to another assessment, this one gets its result as a piece of evidence. Raises
        `UsageError` when it is stored with another result, and for what is no document of a finished run.
        """
        return result_rows.add_result(self._engine, document, assessment)

    def milestones(self, name: str) -> list[MilestoneSummary]:
        """The milestones of an assessment, oldest first. Raises `UnknownAssessment`."""
        return milestone_rows.list_milestones(self._engine, name)

    def milestone(self, name: str, label: str) -> StoredMilestone:
        """A milestone whole. Raises `UnknownAssessment`, `UnknownMilestone` and `DamagedMilestone`."""
        return milestone_rows.read_milestone(self._engine, name, label)

    def save_milestone(self, name: str, milestone: StoredMilestone) -> MilestoneSummary:
        """Adds a milestone. Raises `UnknownAssessment`, and `UsageError` for a label that is taken."""
        return milestone_rows.save_milestone(self._engine, name, milestone)

    def restore(
        self,
        name: str,
        *,
        assessment_id: str,
        setup: Setup,
        answers: Sequence[Answer],
        evidence: Sequence[StoredEvidence],
        results: Sequence[Mapping[str, Any]],
        milestones: Sequence[StoredMilestone],
    ) -> None:
        """Makes the assessment `name` of all its parts, at once or not at all; see `restoring.restore`.

        Raises `UsageError`, with nothing changed, when there is an assessment of this name already.
        """
        restoring.restore(
            self._engine,
            name,
            assessment_id=assessment_id,
            setup=setup,
            answers=answers,
            evidence=evidence,
            results=results,
            milestones=milestones,
        )


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
