"""Brings a store to the newest schema, or leaves it as it was.

A fresh store is made by the same migrations. They run in one transaction, with foreign keys not enforced
(moving a table with them enforced deletes every row that refers to it), after a verified backup. What was
there before is counted before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from assessments.store.backup import back_up
from assessments.store.engine import APPLICATION_ID, for_reading, sqlite_engine
from assessments.store.errors import StoreError
from assessments.store.revisions import check_revision, migrations_folder, newest_revision
from assessments.store.session import explained, one_line, surroundings_at_fault

_ADVISORY_LOCK = 0x4C6F616473746F6E
"""Held by whoever migrates a store on PostgreSQL; `Loadston`."""


class _LostRowsError(Exception):
    """The migration changed what it had to keep."""


def is_current(engine: Engine, whose: str) -> bool:
    """Whether the store has the newest schema, by one small query. Raises `StoreError` for a newer one."""
    with explained(), for_reading(engine).connect() as connection:
        revision = _revision_of(connection)
    check_revision(revision, whose)
    return revision == newest_revision()


def migrate_sqlite(path: Path, mode: str) -> Path | None:
    """Migrates the file at `path`; returns the backup made before, None when there was nothing to lose.

    Raises `StoreError` with the store as it was.
    """
    engine = sqlite_engine(path, mode, migrating=True)
    backup = None
    try:
        with engine.begin() as connection:
            revision = _revision_of(connection)
            if revision == newest_revision():
                return None
            check_revision(revision, f"the store {path}")
            if revision is not None:
                backup = back_up(path, newest_revision())
            _migrate(connection)
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    except StoreError:
        raise
    except Exception as error:
        raise _failed(f"the store {path}", error, backup) from error
    finally:
        engine.dispose()
    return backup


def migrate_postgresql(engine: Engine, whose: str) -> None:
    """Migrates the database, one process at a time. Raises `StoreError` with the store as it was."""
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            revision = _revision_of(connection)
            check_revision(revision, whose)
            if revision != newest_revision():
                _migrate(connection)
    except StoreError:
        raise
    except Exception as error:
        raise _failed(whose, error, None) from error


def _migrate(connection: Connection) -> None:
    before = _row_counts(connection)
    _run_alembic(connection)
    _check_kept(before, _row_counts(connection))
    if connection.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if dangling is not None:
            raise _LostRowsError(f"a row of '{dangling[0]}' refers to a row of '{dangling[2]}' that is gone")


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    command.upgrade(config, "head")


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _row_counts(connection: Connection) -> dict[str, int]:
    quoted = connection.dialect.identifier_preparer.quote
    tables = (name for name in inspect(connection).get_table_names() if name != "alembic_version")
    return {
        name: connection.exec_driver_sql(f"SELECT count(*) FROM {quoted(name)}").scalar_one()
        for name in tables
    }


def _check_kept(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    for name, count in before.items():
        if after.get(name, 0) != count:
            raise _LostRowsError(f"'{name}' had {count} rows before and has {after.get(name, 0)} after")


def _failed(whose: str, error: Exception, backup: Path | None) -> StoreError:
    surroundings = surroundings_at_fault(error)
    advice = surroundings or f"{one_line(error)}; go on with the Loadstone that wrote it, and report this"
    copy = f" (a copy lies at {backup})" if backup else ""
    return StoreError(
        f"{whose} could not be brought to schema {newest_revision()} and is as it was{copy}: {advice}"
    )
