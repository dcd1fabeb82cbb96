"""A verified copy of a store, made before a migration."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from assessments.store.engine import BUSY_SECONDS
from assessments.store.errors import StoreError


def back_up(path: Path, revision: str) -> Path:
    """Copies the store to `NAME.before-REVISION.sqlite` beside it, checks the copy, and returns its path.

    An older copy of that name is replaced, once the new one is whole. Raises `StoreError`.
    """
    backup = path.with_name(f"{path.stem}.before-{revision}.sqlite")
    draft = backup.with_name(f"{backup.name}.{os.getpid()}.part")
    try:
        draft.unlink(missing_ok=True)
        _copy(path, draft)
        _check(draft)
        _write_through(draft)
        draft.replace(backup)
        _write_through(backup.parent)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the store {path} has to be brought to schema {revision}, but no copy could be made first "
            f"({error}): make room beside it and see that its folder may be written"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return backup


def _copy(path: Path, draft: Path) -> None:
    source_url = f"{path.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(source_url, uri=True, timeout=BUSY_SECONDS)) as source,
        closing(sqlite3.connect(draft)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


def _check(draft: Path) -> None:
    with closing(sqlite3.connect(draft)) as copy:
        found = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if found != ("ok",):
        raise sqlite3.DatabaseError(f"the copy is not whole: {found[0]}")


def _write_through(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
