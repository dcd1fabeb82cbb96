"""The tables, as SQLAlchemy models.

    assessment ─┬── setup
                ├─< answer
                ├─< evidence
                ├─< milestone
                └─< run ─┬─< second
                         ├─< step ──── histogram
                         ├─< fact
                         └─< note

Every row that carries evidence is sealed: `sha256` is the hash over its own key and content. A run counts
its rows, and an assessment its own, so that a lost row is noticed like a changed one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from assessments.store.columns import Count, Document, Key, UtcTime, Words
from assessments.store.seal import seal_of


def new_id() -> str:
    """A fresh id for an assessment: 32 hexadecimal digits."""
    return uuid.uuid4().hex


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False):
    """The base of all tables; constraints are named, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        bool: Boolean(),
        datetime: UtcTime(),
        float: Double(),
        int: Integer(),
        str: Words(),
        dict[str, Any]: Document(),
        list[Any]: Document(),
    }


class Sealed(MappedAsDataclass, kw_only=True, eq=False):
    """A row with a hash over all its columns but `sha256` and those in `_UNSEALED`."""

    _UNSEALED = frozenset({"sha256"})

    sha256: Mapped[str] = mapped_column(String(64), default="", sort_order=90)

    def seal(self) -> None:
        """Sets the hash to that of the present content; the key has to be known."""
        self.sha256 = self._seal()

    def is_intact(self) -> bool:
        """Whether the content matches the hash."""
        return self.sha256 == self._seal()

    @contextmanager
    def amended(self) -> Iterator[None]:
        """Seals anew what is changed inside, unless the row was damaged before: damage stays visible."""
        intact = self.is_intact()
        yield
        if intact:
            self.seal()

    def _seal(self) -> str:
        table = type(self).__table__  # type: ignore[attr-defined]
        names = [column.key for column in table.columns if column.key not in self._UNSEALED]
        return seal_of(table.name, {name: getattr(self, name) for name in names})


class Assessment(Base):
    """An assessment by name; a run or an answer that joins one that is not there yet makes it.

    `id` stays when the name changes and when it is restored elsewhere. `setup_version` is the version of its
    setup as it was saved last, 0 without one.
    """

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("id"))

    key: Mapped[int] = mapped_column(Key, primary_key=True, init=False)
    name: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    id: Mapped[str] = mapped_column(default_factory=new_id)
    setup_version: Mapped[int] = mapped_column(Count, default=0)
    run_count: Mapped[int] = mapped_column(Count, default=0)
    answer_count: Mapped[int] = mapped_column(Count, default=0)
    evidence_count: Mapped[int] = mapped_column(Count, default=0)
    milestone_count: Mapped[int] = mapped_column(Count, default=0)


class Setup(Sealed, Base):
    """What an assessment judges by: the profile, the whole lens, weights and challenges.

    `lens` is the text of its document, because PostgreSQL would not keep the order of a JSONB object's keys.
    """

    __tablename__ = "setup"

    assessment_key: Mapped[int] = mapped_column(
        Key, ForeignKey("assessment.key"), primary_key=True, autoincrement=False
    )
    profile: Mapped[dict[str, Any]]
    lens: Mapped[str | None]
    lens_name: Mapped[str | None]
    weights: Mapped[dict[str, Any]]
    challenges: Mapped[list[Any]]
    title: Mapped[str]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class Answer(Sealed, Base):
    """The answer to one question of an assessment's lens. `version` counts how often it was saved."""

    __tablename__ = "answer"

    assessment_key: Mapped[int] = mapped_column(Key, ForeignKey("assessment.key"), primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    choices: Mapped[list[Any]]
    note: Mapped[str]
    not_applicable: Mapped[str | None]
    attachments: Mapped[list[Any]]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class Evidence(Sealed, Base):
    """One piece of evidence that is no run of this store: a scan, a file, or what was given by hand.

    `position` counts the pieces of the assessment from 0. `document_sha256` seals the document, and stands
    under the seal of the row.
    """

    __tablename__ = "evidence"
    _UNSEALED = frozenset({"sha256", "document"})

    assessment_key: Mapped[int] = mapped_column(Key, ForeignKey("assessment.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    origin: Mapped[str]
    sealed: Mapped[bool]
    at: Mapped[datetime]
    document_sha256: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(sort_order=99)

    def is_intact(self) -> bool:
        """Whether both the row and the document match their hashes."""
        return super().is_intact() and self.document_sha256 == self.document_seal(self.document)

    @staticmethod
    def document_seal(document: Any) -> str:
        """The hash of a document; equal documents have equal hashes."""
        return seal_of("evidence", document)


class Milestone(Sealed, Base):
    """An assessment as it was at a moment, under a label.

    `document` is the text of the whole `loadstone.assessment/1` object: several megabytes, which as text are
    checked ten times as fast as when they are parsed first. `position` counts the milestones from 0.
    """

    __tablename__ = "milestone"
    __table_args__ = (UniqueConstraint("assessment_key", "label"),)

    assessment_key: Mapped[int] = mapped_column(Key, ForeignKey("assessment.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    at: Mapped[datetime]
    document: Mapped[str] = mapped_column(sort_order=99)


class Run(Sealed, Base):
    """One run of a probe: what was asked, who runs it, how it ended, and its whole result.

    `start_document` is the `run` object of the `started` event. `owner_scope` tells apart what the host's
    name does not: boots of one machine and containers on it. The heartbeat is the one column that is not
    sealed; `result_sha256` seals the result, and stands under the seal of the row.
    """

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("id"), Index("ix_run_started_at", "started_at"))
    _UNSEALED = frozenset({"sha256", "heartbeat", "result"})

    key: Mapped[int] = mapped_column(Key, primary_key=True, init=False)
    id: Mapped[str]
    assessment_key: Mapped[int | None] = mapped_column(Key, ForeignKey("assessment.key"), index=True)
    status: Mapped[str] = mapped_column(index=True)
    started_at: Mapped[datetime]
    target_address: Mapped[str]
    start_document: Mapped[dict[str, Any]]
    target: Mapped[dict[str, Any]]
    load: Mapped[dict[str, Any]]
    owner_host: Mapped[str]
    owner_scope: Mapped[str]
    owner_pid: Mapped[int]
    owner_started: Mapped[float]
    heartbeat: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    grade: Mapped[str | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    capacity_per_s: Mapped[float | None] = mapped_column(default=None)
    capacity_low_per_s: Mapped[float | None] = mapped_column(default=None)
    capacity_high_per_s: Mapped[float | None] = mapped_column(default=None)
    p99_ms: Mapped[float | None] = mapped_column(default=None)
    seconds: Mapped[float | None] = mapped_column(default=None)
    second_count: Mapped[int] = mapped_column(default=0)
    step_count: Mapped[int] = mapped_column(default=0)
    fact_count: Mapped[int] = mapped_column(default=0)
    note_count: Mapped[int] = mapped_column(default=0)
    result_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    result: Mapped[dict[str, Any] | None] = mapped_column(default=None, sort_order=99, deferred=True)


class Second(Sealed, Base):
    """One second of load, as in the `second` event; `position` counts the seconds of the run from 0."""

    __tablename__ = "second"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_key: Mapped[int] = mapped_column(Key, ForeignKey("run.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    t: Mapped[float]
    step: Mapped[int]
    offered_per_s: Mapped[float | None]
    achieved_per_s: Mapped[float | None]
    in_flight: Mapped[int | None] = mapped_column(BigInteger)
    waiting: Mapped[int | None] = mapped_column(BigInteger)
    ok: Mapped[int | None] = mapped_column(BigInteger)
    errors: Mapped[int | None] = mapped_column(BigInteger)
    timeouts: Mapped[int | None] = mapped_column(BigInteger)
    p50_ms: Mapped[float | None]
    p99_ms: Mapped[float | None]
    max_ms: Mapped[float | None]
    cpu_cores: Mapped[float | None]
    rss_bytes: Mapped[int | None] = mapped_column(BigInteger)
    client_cpu_cores: Mapped[float | None]


class Step(Sealed, Base):
    """One step, as CONTRACT's object; `step_index` is the number the probe gave it."""

    __tablename__ = "step"

    run_key: Mapped[int] = mapped_column(Key, ForeignKey("run.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    step_index: Mapped[int]
    document: Mapped[dict[str, Any]]


class Histogram(Base):
    """The histograms of a step's response and service times, as text, each with its own hash."""

    __tablename__ = "histogram"
    __table_args__ = (ForeignKeyConstraint(["run_key", "position"], ["step.run_key", "step.position"]),)

    run_key: Mapped[int] = mapped_column(Key, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    response: Mapped[str]
    service: Mapped[str]
    response_sha256: Mapped[str] = mapped_column(String(64), default="")
    service_sha256: Mapped[str] = mapped_column(String(64), default="")

    def seal(self) -> None:
        """Sets both hashes to those of the present texts."""
        self.response_sha256, self.service_sha256 = self._seals()

    def damaged(self) -> tuple[str, ...]:
        """Which of `response` and `service` do not match their hash."""
        response, service = self._seals()
        pairs = (("response", self.response_sha256 == response), ("service", self.service_sha256 == service))
        return tuple(kind for kind, intact in pairs if not intact)

    def _seals(self) -> tuple[str, str]:
        where = (self.run_key, self.position)
        return seal_of(*where, "response", self.response), seal_of(*where, "service", self.service)


class Fact(Sealed, Base):
    """A fact of a run, as CONTRACT's object; the name stands apart to be found by."""

    __tablename__ = "fact"

    run_key: Mapped[int] = mapped_column(Key, ForeignKey("run.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    document: Mapped[dict[str, Any]]


class Note(Sealed, Base):
    """One sentence that a person should read, as in the `note` event."""

    __tablename__ = "note"

    run_key: Mapped[int] = mapped_column(Key, ForeignKey("run.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    t: Mapped[float]
    level: Mapped[str]
    text: Mapped[str]


RowOfRun = Second | Step | Fact | Note
