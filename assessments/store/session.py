"""Transactions on the store, with every failure of the database told in one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from assessments.store.engine import for_reading
from assessments.store.errors import StoreError

_DAMAGED = "its file is damaged: restore a backup, or move the file away to begin a new store"
_SQLITE_REASONS = (
    ("SQLITE_FULL", "the disk is full: make room"),
    ("SQLITE_READONLY_DBMOVED", "its file was moved or deleted meanwhile: start again"),
    (
        "SQLITE_READONLY",
        "it may not be written: make the file and its folder writable, or give another --store",
    ),
    ("SQLITE_PERM", "it may not be read: make the file readable, or give another --store"),
    ("SQLITE_CANTOPEN", "its file cannot be opened: check that it and its folder are there and writable"),
    ("SQLITE_BUSY", "another process keeps it locked: end that, and try again"),
    ("SQLITE_LOCKED", "another process keeps it locked: end that, and try again"),
    ("SQLITE_CORRUPT", _DAMAGED),
    ("SQLITE_NOTADB", "its file is no database any more: restore a backup, or move it away to begin anew"),
    ("SQLITE_IOERR", "its disk does not read or write: check the disk"),
)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A transaction that sees one state of the store and changes nothing. Raises `StoreError`."""
    with explained(), Session(for_reading(engine), expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A transaction that commits at its end and leaves no trace when it fails. Raises `StoreError`."""
    with explained(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def explained() -> Iterator[None]:
    """Turns an error of the database into a `StoreError`; all others pass.

    SQLite's own messages quote the file, so that with a damaged one they may not even be text.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise StoreError(f"the store cannot be used: {_DAMAGED}") from error
    except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
        raise StoreError(f"the store cannot be used: {_reason(error)}") from error


def surroundings_at_fault(error: BaseException) -> str | None:
    """What is wrong with the disk or the file and what to do about it, as half a sentence; else None."""
    original = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(original, "sqlite_errorname", None) or ""
    return next((reason for start, reason in _SQLITE_REASONS if name.startswith(start)), None)


def one_line(error: BaseException) -> str:
    """What an error says, on one line; of a database's error without the statement."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(original).split()) or type(original).__name__


def _reason(error: BaseException) -> str:
    text = one_line(error)
    if text.startswith("no such "):
        return _DAMAGED
    if isinstance(error, OperationalError) and not isinstance(error.orig, sqlite3.Error):
        return f"{text.rstrip('?. ')}: see to the server, or correct --store"
    return surroundings_at_fault(error) or text


def present_time(session: Session) -> datetime:
    """The present time by the clock all users of the store share: the server's, or this machine's."""
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(select(func.clock_timestamp())).scalar_one().astimezone(UTC)  # type: ignore[no-any-return]
    return datetime.now(UTC)
