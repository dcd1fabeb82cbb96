"""What a file is, found out before anything could change it.

A file is looked at first by its bytes and then through a connection that can only read. What belongs to
another application, is no database, is damaged, or was written by a newer Loadstone is refused as it stands.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from assessments.store.engine import APPLICATION_ID, BUSY_SECONDS
from assessments.store.errors import StoreError
from assessments.store.revisions import check_revision

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_AT = slice(68, 72)
_CHECKED_WHOLE_BYTES = 64 * 1024 * 1024
"""Up to this size (some 100 ms) the whole structure is checked; hashes guard what lies in larger files."""

_ELSEWHERE = "give another --store"


def admit(path: Path, *, make_folder: bool = False) -> bool:
    """Lets in a store, and an empty or new file that can become one; the file is there then.

    False when a writer died in a commit, so that the content can be judged only after a connection that may
    write has rolled its journal back: call again then. `make_folder` makes the folders above the file.
    Raises `StoreError` with the file's bytes unchanged.
    """
    try:
        if make_folder:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.parent.exists():
            raise StoreError(f"the folder {path.parent} is not there: make it first, or {_ELSEWHERE}")
        if not path.exists():
            path.touch()
        _check_access(path)
        if path.stat().st_size == 0:
            return True
        _check_header(path)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StoreError(f"the store {path} cannot be opened ({why}): check it, or {_ELSEWHERE}") from error
    return _check_content(path)


def _check_access(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise StoreError(f"{path} is no file: give --store the path of a file")
    if not os.access(path, os.R_OK):
        raise StoreError(f"the store {path} may not be read: make it readable, or {_ELSEWHERE}")
    if not os.access(path, os.W_OK):
        raise StoreError(f"the store {path} may not be written: make it writable, or {_ELSEWHERE}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StoreError(
            f"the folder {path.parent} may not be written, which a journal needs: make it so, or {_ELSEWHERE}"
        )


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_MAGIC):
        raise StoreError(f"{path} is no SQLite database, and was left as it is: {_ELSEWHERE}")
    application_id = int.from_bytes(header[_APPLICATION_ID_AT], "big")
    if application_id == APPLICATION_ID:
        return
    if application_id != 0 or _has_tables_in_main_file(path):
        raise _foreign(path)


def _has_tables_in_main_file(path: Path) -> bool:
    """Looks without touching the side files of a database that may belong to somebody else."""
    connection = _connect(path, "immutable=1")
    try:
        return _table_count(connection) > 0
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _damaged(path) from error
    finally:
        connection.close()


def _check_content(path: Path) -> bool:
    connection = _connect(path, "mode=ro")
    try:
        tables = _table_count(connection)
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        if application_id != APPLICATION_ID:
            if tables or application_id:
                raise _foreign(path)
            return True
        if path.stat().st_size <= _CHECKED_WHOLE_BYTES:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != ("ok",):
                raise _damaged(path)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        check_revision(None if row is None else row[0], f"the store {path}")
        return True
    except sqlite3.OperationalError as error:
        if _waits_for_recovery(error):
            return False
        raise _damaged(path) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _damaged(path) from error
    finally:
        connection.close()


def _waits_for_recovery(error: sqlite3.OperationalError) -> bool:
    """Whether a writer died in a commit: only a connection that may write can roll its journal back."""
    return error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY"))


def _connect(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _table_count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _foreign(path: Path) -> StoreError:
    return StoreError(f"{path} belongs to another application, and was left as it is: {_ELSEWHERE}")


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"the store {path} is damaged, and was left as it is: restore a backup, or move it away to begin anew"
    )
