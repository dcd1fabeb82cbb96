"""Connections to the store: how they are opened, and how their transactions begin.

The driver's own transactions are switched off, since they begin late and leave half a migration behind; every
writing transaction is `BEGIN IMMEDIATE`, because one that reads first and writes then fails at once as busy
when another process writes in between, whatever the time-out says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event

from assessments.store.errors import StoreError
from assessments.store.journal import TRUNCATE
from assessments.store.location import INSTALL_POSTGRESQL

APPLICATION_ID = 0x4C6F6164
"""`Load`: marks an SQLite file as a store of Loadstone."""

BUSY_SECONDS = 30.0
"""How long a connection waits for the lock of another."""

_READING = "loadstone_reading"


def sqlite_engine(path: Path, mode: str, *, migrating: bool = False) -> Engine:
    """An engine on an existing file in the journal mode `mode`.

    With `migrating` foreign keys are not enforced, as moving tables needs, and no connection is kept.
    """
    engine = create_engine(
        "sqlite://",
        creator=_sqlite_creator(path, mode, foreign_keys=not migrating),
        poolclass=NullPool if migrating else QueuePool,
    )
    event.listen(engine, "begin", _begin)
    return engine


def postgresql_engine(url: str) -> Engine:
    """An engine on a PostgreSQL server. Raises `StoreError` when the driver is not installed."""
    from sqlalchemy.exc import ArgumentError

    try:
        import_module("psycopg")
    except ImportError as error:
        raise StoreError(
            f"a PostgreSQL store needs a driver that is not installed: {INSTALL_POSTGRESQL}"
        ) from error
    try:
        return create_engine(
            url, pool_pre_ping=True, connect_args={"application_name": "loadstone", "connect_timeout": 10}
        )
    except (ArgumentError, ValueError) as error:
        raise StoreError(
            "the PostgreSQL URL cannot be read: write it as postgresql://USER@HOST:PORT/NAME"
        ) from error


def for_reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read, each from one snapshot of the whole store."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(**{_READING: True})


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _sqlite_creator(path: Path, mode: str, *, foreign_keys: bool) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.text_factory = _text
            connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
            _set_journal_mode(connection, mode)
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def _set_journal_mode(connection: sqlite3.Connection, mode: str) -> None:
    """Keeps a WAL file in WAL; a switch to WAL that another connection prevents is left for another time."""
    present = connection.execute("PRAGMA journal_mode").fetchone()[0].upper()
    if present == mode:
        return
    try:
        present = connection.execute(f"PRAGMA journal_mode={mode}").fetchone()[0].upper()
    except sqlite3.OperationalError:
        if mode == TRUNCATE:
            raise
        connection.execute(f"PRAGMA journal_mode={TRUNCATE}")
        return
    if present != mode and mode == TRUNCATE:
        raise StoreError(f"the store is kept in journal mode {present} by another process: close that first")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
